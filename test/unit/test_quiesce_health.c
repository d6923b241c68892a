#define _GNU_SOURCE
#include <string.h>

#include "test/unit/toy_scene.h"

static struct toy_container *
healthy_scene(enum health health, size_t starting)
{
	struct toy_container *db;

	scene_new();
	db = scene_stop("db", "db", NULL);
	db->health = health;
	db->starting = starting;
	scene_stop("web", "web", "db:service_healthy:false");
	scene_stop("web2", "web", "db:service_healthy:false");
	scene_stop("zed", "zed", "db:service_started:false");
	scene_begun();
	return db;
}

static void
a_dependent_waits_until_what_it_depends_on_is_healthy(void **state)
{
	(void)state;
	healthy_scene(HEALTH_HEALTHY, 3);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	/* once for both of them, and not where it is not asked for */
	scene_assert_journal("undo start db\nundo start zed\n"
	    "state db\nstate db\nstate db\nstate db\n"
	    "undo start web2\nundo start web\n");
	assert_string_equal(toy.warnings.s, "");
	scene_end();
}

static void
one_without_a_health_check_is_not_waited_for(void **state)
{
	(void)state;
	healthy_scene(HEALTH_NONE, 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("state db"), 1);
	assert_string_equal(toy.warnings.s, "");
	scene_end();
}

static void
an_unhealthy_one_is_told_and_keeps_nobody_down(void **state)
{
	(void)state;
	healthy_scene(HEALTH_UNHEALTHY, 2);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("state db"), 3);
	assert_int_equal(scene_count("undo start web"), 2);
	assert_non_null(strstr(toy.warnings.s, "container 'db' is unhealthy"));
	assert_non_null(strstr(toy.warnings.s, "'web2'"));
	scene_end();
}

static void
health_that_never_comes_is_awaited_in_bounds_and_told(void **state)
{
	(void)state;
	healthy_scene(HEALTH_HEALTHY, 100000);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_true(scene_count("state db") > 10);
	assert_true(scene_count("state db") < 1000);
	assert_int_equal(scene_count("undo start web"), 2);
	assert_non_null(strstr(toy.warnings.s, "did not become healthy"));
	assert_true(scene_unit("web")->window_s > 0);
	scene_end();
}

static void
one_that_does_not_start_is_not_waited_for(void **state)
{
	(void)state;
	healthy_scene(HEALTH_HEALTHY, 100000);
	toy.fail_text = "undo start db";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(quiesce_resume(&scene.quiesce, 0), 1);
	assert_int_equal(scene_count("state db"), 0);
	assert_int_equal(scene_count("undo start web"), 2);
	scene_end();
}

static void
one_that_dies_or_vanishes_is_not_waited_for(void **state)
{
	static const char *const why[] = { "does not run any more",
		"does not exist any more" };
	struct toy_container *db;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		db = healthy_scene(HEALTH_HEALTHY, 100000);
		if (i == 0)
			db->dies = true;
		else
			db->vanishes = true;
		assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
		assert_int_equal(scene_count("state db"), 1);
		assert_int_equal(scene_count("undo start web"), 2);
		assert_non_null(strstr(toy.warnings.s, why[i]));
	}
	scene_end();
}

static void
waiting_for_health_does_not_use_up_the_tries(void **state)
{
	(void)state;
	scene_new();
	scene_stop("db", "db", NULL)->starting = 100000;
	scene_stop("web", "web", "db:service_healthy:false");
	scene_begun();
	toy.fail_text = "undo start web";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(quiesce_resume(&scene.quiesce, 5), 1);
	assert_true(scene_count("undo start web") > 3);
	assert_non_null(strstr(toy.warnings.s, "did not become healthy"));
	scene_end();
}

static void
one_that_was_never_stopped_is_not_waited_for(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("db", "db", NULL)->starting = 100000;
	scene_stop("web", "web", "db:service_healthy:false");
	toy.fail_text = "note start db";
	toy.fail_kind = ERR_NOSPACE;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("state"), 2);	/* by begin */
	assert_int_equal(scene_count("undo"), 1);
	scene_end();
}

/* Started before the waiting begins: whoever neither waits, nor depends on one
 * that does, nor is to start after one by his label. */
static void
who_waits_for_health_keeps_others_down_as_little_as_can_be(void **state)
{
	(void)state;
	scene_new();
	scene_stop("db", "db", NULL)->starting = 3;
	scene_stop("cache", "cache", NULL);
	scene_stop("web", "web", "db:service_healthy:false");
	scene_stop("proxy", "proxy", "web:service_started:false");
	scene_stop("admin", "admin", "cache:service_started:false");
	scene_stop("alone", NULL, NULL);
	scene_stop("last", NULL, NULL);
	scene.targets[6].order = -1;
	scene_pause("ice");
	scene_begun();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("undo start db\nundo unpause ice\n"
	    "undo start cache\nundo start alone\nundo start admin\n"
	    "state db\nstate db\nstate db\nstate db\n"
	    "undo start web\nundo start proxy\nundo start last\n");
	scene_end();
}

static void
nobody_waits_behind_what_was_left_alone(void **state)
{
	(void)state;
	scene_new();
	scene_stop("db", "db", NULL)->running = false;
	scene_stop("web", "web", "db:service_healthy:false");
	scene_stop("alone", NULL, NULL);
	scene_begun();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("undo start web\nundo start alone\n");
	scene_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_dependent_waits_until_what_it_depends_on_is_healthy),
		cmocka_unit_test(one_without_a_health_check_is_not_waited_for),
		cmocka_unit_test(
		    an_unhealthy_one_is_told_and_keeps_nobody_down),
		cmocka_unit_test(
		    health_that_never_comes_is_awaited_in_bounds_and_told),
		cmocka_unit_test(one_that_does_not_start_is_not_waited_for),
		cmocka_unit_test(one_that_dies_or_vanishes_is_not_waited_for),
		cmocka_unit_test(waiting_for_health_does_not_use_up_the_tries),
		cmocka_unit_test(one_that_was_never_stopped_is_not_waited_for),
		cmocka_unit_test(
		    who_waits_for_health_keeps_others_down_as_little_as_can_be),
		cmocka_unit_test(nobody_waits_behind_what_was_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
