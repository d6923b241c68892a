#define _GNU_SOURCE
#include <string.h>

#include "test/unit/toy_scene.h"

static void
services_come_to_rest_side_by_side_and_back_first(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_scale("api", 3)->slow_s = 0.4;
	scene_empty("log", 2);
	scene_stop("a", NULL, NULL);
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("state a\nnote start a\nstop a\n"
	    "count api\nnote scale(3) api\nscale(0) api\n"
	    "note unconstrain log\ntasks log\nconstrain log\n"
	    "tasks api\ntasks api\ntasks log\n");
	scene_forget();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("undo unconstrain log\nundo scale api\n"
	    "undo start a\ntasks api\ntasks log\ntasks api\n");
	assert_true(scene_unit("api")->window_s > 0);
	assert_true(scene_unit("log")->window_s > 0);
	assert_true(scene.quiesce.window_s >= scene_unit("a")->window_s);
	scene_end();
}

static void
a_service_that_does_not_come_to_rest_fails_begin_by_name(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_scale("api", 1);
	scene_scale("job", 4)->slow_s = 1e5;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "service 'job'"));
	assert_non_null(strstr(err.msg, "4 of its tasks left"));
	toy.services[1].slow_s = 0;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_true(scene_all_up());
	scene_end();
}

static void
fewer_tasks_than_before_are_a_failure_with_its_cause(void **state)
{
	struct toy_service *api;

	(void)state;
	scene_new();
	api = scene_scale("api", 3);
	scene_scale("job", 1);
	scene_stop("a", NULL, NULL);
	scene_begun();
	api->missing = 2;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	assert_true(scene_unit("api")->failed && !scene_unit("job")->failed);
	assert_int_equal(scene_unit("api")->err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(scene_unit("api")->err.msg,
	    "service 'api' runs 1 of 3 tasks"));
	assert_non_null(strstr(scene_unit("api")->err.msg, "no suitable node"));
	assert_true(scene_unit("api")->window_s <= 0);
	scene_end();
}

static void
a_service_that_vanished_is_given_up_at_once(void **state)
{
	struct toy_service *api;

	(void)state;
	scene_new();
	api = scene_scale("api", 3);
	scene_begun();
	api->gone = true;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	scene_assert_journal("undo scale api\n");
	assert_int_equal(scene_unit("api")->err.kind, ERR_NOTFOUND);
	/* after it was asked for */
	scene_new();
	api = scene_scale("api", 3);
	scene_begun();
	api->vanishes = true;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	scene_assert_journal("undo scale api\ntasks api\n");
	assert_int_equal(scene_unit("api")->err.kind, ERR_NOTFOUND);
	scene_end();
}

static void
a_global_service_is_not_back_before_the_swarm_wants_its_tasks(void **state)
{
	struct toy_service *log;

	(void)state;
	scene_new();
	log = scene_empty("log", 2);
	scene_begun();
	log->slow_s = 1.6;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_true(scene_count("tasks log") > 2);
	assert_true(scene_all_up());
	assert_int_equal(log->running, 2);
	/* one that had no node to run on has nothing to wait for */
	scene_new();
	log = scene_empty("log", 0);
	scene_begun();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("tasks log"), 1);
	/* never again */
	scene_new();
	log = scene_empty("log", 2);
	scene_begun();
	log->slow_s = 1e5;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	assert_non_null(strstr(scene_unit("log")->err.msg,
	    "service 'log' runs 0 of 2 tasks"));
	scene_end();
}

static void
a_tasks_service_is_forced_once(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	toy_service("web", 3, 0)->slow_s = 0.4;
	toy_service("api", 1, 0);
	scene_task("web.1", "web");
	scene_task("web.2", "web");
	scene_task("api.1", "api");
	toy_label(&toy.containers[1].container.labels,
	    "com.docker.swarm.service.name", "stack_web");
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("manager ?\n"
	    "state api.1\nnote force api\ntasks api\nstop api.1\n"
	    "state web.1\nnote force web\ntasks web\nstop web.1\n"
	    "state web.2\nstop web.2\n");
	scene_forget();
	toy.services[0].slow_s = 1;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("undo force web"), 1);
	assert_int_equal(scene_count("undo force api"), 1);
	assert_int_equal(scene_count("undo"), 2);
	assert_true(scene_all_up());
	assert_int_equal(toy.services[0].running, 3);
	assert_true(scene_unit("web.1")->window_s > 0);
	scene_end();
}

/* Swarm takes a moment to see that a container is gone. */
static void
a_force_waits_until_the_swarm_has_seen_the_stop(void **state)
{
	(void)state;
	scene_new();
	toy_service("web", 2, 0)->slow_s = 1;
	scene_task("web.1", "web");
	scene_begun();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	toy_settle();
	assert_true(scene_all_up());
	assert_true(scene_count("tasks web") > 6);
	/* but not for ever, if there is another one already */
	scene_new();
	toy_service("web", 2, 0)->slow_s = 1e5;
	scene_task("web.1", "web");
	scene_begun();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_true(scene_count("tasks web") < 100);
	/* and not at all, if it was long ago */
	scene_new();
	toy_service("web", 2, 0);
	scene_task("web.1", "web");
	scene_begun();
	toy.now_s += 60;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(strncmp(toy.journal.s, "undo force web\n", 15), 0);
	scene_end();
}

static void
a_force_that_fails_is_tried_again_once_a_time(void **state)
{
	(void)state;
	scene_new();
	toy_service("web", 2, 0);
	scene_task("web.1", "web");
	scene_task("web.2", "web");
	scene_begun();
	toy.fail_first = toy.fail_last = toy.calls + 2;
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("tasks web\nundo force web FAILS\n"
	    "tasks web\nundo force web\ntasks web\ntasks web\n");
	scene_new();
	toy_service("web", 2, 0);
	scene_task("web.1", "web");
	scene_task("web.2", "web");
	scene_begun();
	toy.fail_text = "undo";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(quiesce_resume(&scene.quiesce, 0), 2);
	assert_int_equal(scene_count("undo force web FAILS"), 1);
	assert_int_equal(scene_count("undo"), 1);
	scene_end();
}

static void
on_a_worker_a_tasks_container_is_a_container(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	toy.manager = false;
	toy_service("web", 3, 0);
	scene_task("web.1", "web");
	assert_int_equal(scene_begin(&err), 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("manager ?\nstate web.1\nnote start web.1\n"
	    "stop web.1\nundo start web.1\n");
	scene_end();
}

static void
a_task_that_ended_meanwhile_leaves_the_note_to_the_next(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	toy_service("web", 3, 0);
	scene_task("web.1", "web")->running = false;
	scene_task("web.2", "web");
	scene_task("web.3", "web");
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("manager ?\nstate web.1\n"
	    "state web.2\nnote force web\ntasks web\nstop web.2\n"
	    "state web.3\nstop web.3\n");
	assert_int_equal(scene_unit("web.3")->tasks, 3);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("undo force web"), 1);
	scene_end();
}

static void
a_service_comes_back_as_it_was_when_it_was_scaled(void **state)
{
	struct toy_service *api;
	struct err err;

	(void)state;
	scene_new();
	api = scene_scale("api", 3);
	api->replicas = 5;
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("count api\nnote scale(5) api\nscale(0) api\n"
	    "tasks api\n");
	assert_int_equal(api->replicas, 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(api->replicas, 5);
	/* and as many tasks are awaited */
	scene_new();
	api = scene_scale("api", 3);
	api->replicas = 5;
	scene_begun();
	api->missing = 2;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	assert_non_null(strstr(scene_unit("api")->err.msg,
	    "service 'api' runs 3 of 5 tasks"));
	scene_end();
}

static void
tasks_that_the_swarm_has_forgotten_are_waited_for(void **state)
{
	struct toy_service *api;
	struct err err;

	(void)state;
	scene_new();
	api = scene_scale("api", 3);
	api->slow_s = 1.6;
	api->forgets = true;
	assert_int_equal(scene_begin(&err), 0);
	assert_int_equal(api->active, 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_end();
}

static void
a_service_that_somebody_scaled_to_none_is_left_alone(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_scale("api", 3)->replicas = 0;
	toy.services[0].active = toy.services[0].running = 0;
	scene_scale("job", 1);
	assert_int_equal(scene_begin(&err), 0);
	assert_false(scene_unit("api")->touched);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("count api\n"
	    "count job\nnote scale(1) job\nscale(0) job\n"
	    "tasks api\ntasks job\nundo scale job\ntasks job\n");
	assert_int_equal(toy.services[0].replicas, 0);
	scene_end();
}

/* Data is not to be read while the last of its tasks still run. */
static void
its_last_tasks_are_awaited_all_the_same(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_scale("api", 3)->replicas = 0;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "service 'api' did not come to rest"));
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("undo"), 0);
	scene_end();
}

static void
a_note_of_a_count_that_changed_is_taken_back(void **state)
{
	struct toy_service *api;
	struct err err;

	(void)state;
	scene_new();
	api = scene_scale("api", 3);
	api->sets[0] = 5;
	api->n_sets = 1;
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("count api\nnote scale(3) api\nscale(0) api\n"
	    "note nothing api\n"
	    "count api\nnote scale(5) api\nscale(0) api\ntasks api\n");
	assert_int_equal(api->replicas, 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(api->replicas, 5);
	/* to none */
	scene_new();
	api = scene_scale("api", 3);
	api->n_sets = 1;
	api->active = api->running = 0;
	assert_int_equal(scene_begin(&err), 0);
	assert_false(scene_unit("api")->touched);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("count api\nnote scale(3) api\nscale(0) api\n"
	    "note nothing api\ncount api\ntasks api\n");
	/* what is not to come back is not noted, nor taken back */
	scene_new();
	api = scene_scale("api", 3);
	api->n_sets = 1;
	api->active = api->running = 0;
	scene.targets[0].no_restart = true;
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("count api\nscale(0) api\ncount api\n"
	    "tasks api\n");
	scene_end();
}

static void
a_count_that_never_stays_is_given_up(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_scale("api", 3)->restless = true;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "cannot scale down service 'api'"));
	assert_true(scene_count("scale(0) api") > 3);
	assert_true(scene_count("scale(0) api") < 100);
	assert_int_equal(scene_count("note nothing api"),
	    scene_count("scale(0) api"));
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("undo"), 0);
	scene_end();
}

static void
a_service_that_cannot_be_counted_is_not_touched(void **state)
{
	static const enum err_kind kinds[] = { ERR_REFUSED, ERR_TIMEOUT,
		ERR_NOTFOUND };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		scene_new();
		scene_scale("api", 3);
		toy.fail_text = "count";
		toy.fail_kind = kinds[i];
		assert_int_equal(scene_begin(&err), -1);
		assert_int_equal(err.kind, kinds[i]);
		assert_non_null(strstr(err.msg,
		    "cannot scale down service 'api'"));
		assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
		scene_assert_journal("count api FAILS\n");
	}
	scene_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    services_come_to_rest_side_by_side_and_back_first),
		cmocka_unit_test(
		    a_service_that_does_not_come_to_rest_fails_begin_by_name),
		cmocka_unit_test(
		    fewer_tasks_than_before_are_a_failure_with_its_cause),
		cmocka_unit_test(a_service_that_vanished_is_given_up_at_once),
		cmocka_unit_test(
	    a_global_service_is_not_back_before_the_swarm_wants_its_tasks),
		cmocka_unit_test(a_tasks_service_is_forced_once),
		cmocka_unit_test(
		    a_force_waits_until_the_swarm_has_seen_the_stop),
		cmocka_unit_test(a_force_that_fails_is_tried_again_once_a_time),
		cmocka_unit_test(on_a_worker_a_tasks_container_is_a_container),
		cmocka_unit_test(
		    a_task_that_ended_meanwhile_leaves_the_note_to_the_next),
		cmocka_unit_test(
		    a_service_comes_back_as_it_was_when_it_was_scaled),
		cmocka_unit_test(
		    tasks_that_the_swarm_has_forgotten_are_waited_for),
		cmocka_unit_test(
		    a_service_that_somebody_scaled_to_none_is_left_alone),
		cmocka_unit_test(its_last_tasks_are_awaited_all_the_same),
		cmocka_unit_test(
		    a_note_of_a_count_that_changed_is_taken_back),
		cmocka_unit_test(a_count_that_never_stays_is_given_up),
		cmocka_unit_test(
		    a_service_that_cannot_be_counted_is_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
