#define _GNU_SOURCE
#include <string.h>

#include "test/unit/toy_scene.h"

static void
all_stop_and_start_again_in_reverse_and_once(void **state)
{
	struct err err;
	double window_s;

	(void)state;
	scene_new();
	scene_stop("a", "db", NULL);
	scene_stop("b", "web", "db");
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("state b\nnote start b\nstop b\n"
	    "state a\nnote start a\nstop a\n");
	assert_true(scene_unit("a")->touched && scene_unit("b")->touched);
	scene_forget();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("undo start a\nundo start b\n");
	window_s = scene.quiesce.window_s;
	assert_true(scene_unit("a")->window_s > 0);
	assert_true(scene_unit("b")->window_s > scene_unit("a")->window_s);
	assert_true(window_s >= scene_unit("b")->window_s);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("undo start a\nundo start b\n");
	assert_true(scene.quiesce.window_s >= window_s &&
	    scene.quiesce.window_s <= window_s);
	scene_end();
}

static void
pause_stop_and_their_timeouts(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_pause("a");
	scene_stop("b", NULL, NULL);
	scene.targets[1].stop_timeout_s = 0;
	scene_stop("c", NULL, NULL);
	scene.targets[2].stop_timeout_s = 12;
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("state a\nnote unpause a\npause a\n"
	    "state b\nnote start b\nstop(0) b\n"
	    "state c\nnote start c\nstop(12) c\n");
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_non_null(strstr(toy.journal.s,
	    "undo start c\nundo start b\nundo unpause a\n"));
	scene_end();
}

static void
without_a_ledger_nothing_is_noted(void **state)
{
	struct quiesce_settings settings = { .health_s = 1 };
	struct err err = ERR_INIT;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	assert_int_equal(quiesce_init(NULL, &settings, scene.targets,
	    scene.n_targets, &scene.quiesce, &err), 0);
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 1), 0);
	scene_assert_journal("state a\nstop a\nundo start a\n");
	scene_end();
}

static void
what_cannot_be_noted_is_not_done(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_stop("b", NULL, NULL);
	toy.fail_text = "note start b";
	toy.fail_kind = ERR_NOSPACE;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_non_null(strstr(err.msg, "cannot stop container 'b'"));
	assert_false(scene_unit("b")->touched);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("state a\nnote start a\nstop a\n"
	    "state b\nnote start b FAILS\nundo start a\n");
	scene_end();
}

static void
a_failing_stop_ends_begin_and_resume_starts_what_was_touched(void **state)
{
	struct toy_container *b;
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	b = scene_stop("b", NULL, NULL);
	scene_stop("c", NULL, NULL);
	toy.fail_text = "stop b";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "cannot stop container 'b'"));
	assert_non_null(strstr(err.msg, "toy"));
	assert_true(scene_unit("b")->touched && scene_unit("b")->refused);
	assert_false(scene_unit("c")->touched);
	b->running = false;	/* it was refused, and stopped all the same */
	assert_int_equal(quiesce_resume(&scene.quiesce, 5), 0);
	scene_assert_journal("state a\nnote start a\nstop a\n"
	    "state b\nnote start b\nstop b FAILS\nstate b\n"
	    "undo start b\nundo start a\n");
	scene_end();
}

static void
what_was_refused_and_still_runs_is_left_alone(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	toy.fail_text = "stop a";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(quiesce_resume(&scene.quiesce, 5), 0);
	assert_int_equal(scene_count("undo"), 0);
	/* a pause; and one that did come to pass */
	scene_new();
	scene_pause("a");
	toy.fail_text = "pause a";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(scene_begin(&err), -1);
	assert_non_null(strstr(err.msg, "cannot pause container 'a'"));
	assert_int_equal(quiesce_resume(&scene.quiesce, 5), 0);
	assert_int_equal(scene_count("undo"), 0);
	scene_new();
	scene_pause("a");
	toy.fail_text = "pause a";
	toy.fail_kind = ERR_REFUSED;
	toy.fail_effect = TOY_DONE;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(quiesce_resume(&scene.quiesce, 5), 0);
	assert_int_equal(scene_count("undo unpause a"), 1);
	scene_end();
}

static void
a_stop_without_an_answer_is_awaited_before_the_start(void **state)
{
	static const char *const deeds[] = { "stop a", "pause a" };
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		scene_new();
		if (i == 0)
			scene_stop("a", NULL, NULL);
		else
			scene_pause("a");
		toy.fail_text = deeds[i];
		toy.fail_kind = ERR_TIMEOUT;
		toy.fail_effect = TOY_LATE;
		assert_int_equal(scene_begin(&err), -1);
		assert_int_equal(err.kind, ERR_TIMEOUT);
		assert_true(scene_unit("a")->uncertain);
		assert_int_equal(quiesce_resume(&scene.quiesce, 30), 0);
		toy_settle();
		assert_true(scene_all_up());
		assert_string_equal(toy.warnings.s, "");
	}
	scene_end();
}

static void
a_stop_that_never_comes_to_pass_is_awaited_in_bounds_and_told(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_stop("b", NULL, NULL);
	toy.fail_text = "stop b";
	toy.fail_kind = ERR_UNREACHABLE;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(quiesce_resume(&scene.quiesce, 30), 0);
	toy_settle();
	assert_true(scene_all_up());
	assert_non_null(strstr(toy.warnings.s, "container 'b'"));
	assert_non_null(strstr(toy.warnings.s, "may still do so"));
	scene_end();
}

static void
waiting_for_a_stop_does_not_use_up_the_tries(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_stop("b", NULL, NULL);
	toy.fail_text = "stop b";
	toy.fail_kind = ERR_TIMEOUT;
	assert_int_equal(scene_begin(&err), -1);
	toy.fail_text = "undo start a";
	assert_int_equal(quiesce_resume(&scene.quiesce, 30), 1);
	assert_true(scene_count("undo start a") > 3);
	assert_true(scene_unit("a")->failed && !scene_unit("b")->failed);
	scene_end();
}

static void
an_uncertain_one_that_vanished_is_not_awaited(void **state)
{
	struct toy_container *a;
	struct err err;

	(void)state;
	scene_new();
	a = scene_stop("a", NULL, NULL);
	toy.fail_text = "stop a";
	toy.fail_kind = ERR_TIMEOUT;
	assert_int_equal(scene_begin(&err), -1);
	scene_forget();
	a->gone = true;
	assert_int_equal(quiesce_resume(&scene.quiesce, 30), 1);
	assert_int_equal(scene_unit("a")->err.kind, ERR_NOTFOUND);
	assert_int_equal(scene_count("state a"), 1);
	assert_int_equal(scene_count("undo start a"), 1);
	scene_end();
}

static void
a_start_is_tried_again_while_the_others_run(void **state)
{
	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_stop("b", NULL, NULL);
	scene_begun();
	toy.fail_first = toy.calls + 1;
	toy.fail_last = toy.calls + 1;
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(quiesce_resume(&scene.quiesce, 10), 0);
	scene_assert_journal("undo start b FAILS\nundo start a\n"
	    "undo start b\n");
	assert_false(scene_unit("b")->failed);
	assert_int_equal(scene_unit("b")->err.kind, ERR_NONE);
	scene_end();
}

static void
a_start_that_never_works_is_given_up_in_time(void **state)
{
	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_stop("b", NULL, NULL);
	scene_begun();
	toy.fail_text = "undo start b";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	assert_int_equal(scene_count("undo start a"), 1);
	assert_true(scene_count("undo start b") > 20);
	assert_true(scene_count("undo start b") < 60);
	assert_true(scene_unit("b")->failed);
	assert_int_equal(scene_unit("b")->err.kind, ERR_REFUSED);
	assert_true(scene_unit("b")->window_s <= 0);
	assert_true(scene.quiesce.window_s >= 60);
	str_free(&toy.journal);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	assert_null(toy.journal.s);
	scene_end();
}

static void
without_a_retry_a_start_is_tried_once(void **state)
{
	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_begun();
	toy.fail_text = "undo";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(quiesce_resume(&scene.quiesce, 0), 1);
	scene_assert_journal("undo start a FAILS\n");
	scene_end();
}

static void
a_container_that_vanished_is_given_up_at_once(void **state)
{
	struct toy_container *b;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	b = scene_stop("b", NULL, NULL);
	scene_begun();
	b->gone = true;
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	scene_assert_journal("undo start b\nundo start a\n");
	assert_int_equal(scene_unit("b")->err.kind, ERR_NOTFOUND);
	scene_end();
}

static void
what_is_not_to_start_again_is_neither_noted_nor_started(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene.targets[0].no_restart = true;
	scene_stop("b", NULL, NULL);
	scene_scale("s", 2);
	scene.targets[2].no_restart = true;
	scene_task("t", "s");
	scene.targets[3].no_restart = true;
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("manager ?\nstate a\nstop a\n"
	    "state b\nnote start b\nstop b\nstate t\nstop t\n"
	    "count s\nscale(0) s\ntasks s\n");
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(scene_count("undo"), 1);
	assert_int_equal(scene_count("undo start b"), 1);
	assert_true(scene_unit("a")->touched && scene_unit("a")->window_s <= 0);
	assert_true(scene_unit("s")->touched && scene_unit("s")->window_s <= 0);
	assert_true(scene.quiesce.window_s > 0);
	assert_true(scene.quiesce.window_s < 5);
	/* all of them: there is no end, and so no window */
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_stop("b", NULL, NULL);
	scene.targets[0].no_restart = scene.targets[1].no_restart = true;
	scene_begun();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("");
	assert_true(scene.quiesce.window_s <= 0);
	scene_end();
}

static void
nothing_touched_is_nothing_resumed(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_scale("s", 2);
	toy.signalled = true;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_INTERRUPTED);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("");
	assert_true(scene.quiesce.window_s <= 0);
	scene_end();
}

/* Hours may lie between the inventory and the window. */
static void
what_somebody_brought_to_rest_meanwhile_is_left_alone(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL)->running = false;
	scene_stop("b", NULL, NULL)->paused = true;
	scene_pause("c")->running = false;
	scene_pause("d")->paused = true;
	scene_stop("e", NULL, NULL);
	assert_int_equal(scene_begin(&err), 0);
	assert_false(scene_unit("a")->touched || scene_unit("b")->touched ||
	    scene_unit("c")->touched || scene_unit("d")->touched);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("state a\nstate b\nstate c\nstate d\n"
	    "state e\nnote start e\nstop e\nundo start e\n");
	scene_end();
}

static void
one_that_vanished_meanwhile_fails_begin_by_name(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	scene_stop("b", NULL, NULL)->gone = true;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "cannot stop container 'b'"));
	assert_false(scene_unit("b")->touched);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("state a\nnote start a\nstop a\nstate b\n"
	    "undo start a\n");
	scene_end();
}

static void
a_state_that_a_proxy_keeps_from_us_is_taken_for_running(void **state)
{
	struct err err;

	(void)state;
	scene_new();
	scene_stop("a", NULL, NULL);
	toy.fail_text = "state a";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(scene_begin(&err), 0);
	scene_assert_journal("state a FAILS\nnote start a\nstop a\n");
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	/* no answer is no leave to go on */
	scene_new();
	scene_pause("a");
	toy.fail_text = "state a";
	toy.fail_kind = ERR_TIMEOUT;
	assert_int_equal(scene_begin(&err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "cannot pause container 'a'"));
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	scene_assert_journal("state a FAILS\n");
	scene_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_stop_and_start_again_in_reverse_and_once),
		cmocka_unit_test(pause_stop_and_their_timeouts),
		cmocka_unit_test(without_a_ledger_nothing_is_noted),
		cmocka_unit_test(what_cannot_be_noted_is_not_done),
		cmocka_unit_test(
	    a_failing_stop_ends_begin_and_resume_starts_what_was_touched),
		cmocka_unit_test(what_was_refused_and_still_runs_is_left_alone),
		cmocka_unit_test(
		    a_stop_without_an_answer_is_awaited_before_the_start),
		cmocka_unit_test(
	    a_stop_that_never_comes_to_pass_is_awaited_in_bounds_and_told),
		cmocka_unit_test(waiting_for_a_stop_does_not_use_up_the_tries),
		cmocka_unit_test(an_uncertain_one_that_vanished_is_not_awaited),
		cmocka_unit_test(a_start_is_tried_again_while_the_others_run),
		cmocka_unit_test(a_start_that_never_works_is_given_up_in_time),
		cmocka_unit_test(without_a_retry_a_start_is_tried_once),
		cmocka_unit_test(a_container_that_vanished_is_given_up_at_once),
		cmocka_unit_test(
		    what_is_not_to_start_again_is_neither_noted_nor_started),
		cmocka_unit_test(nothing_touched_is_nothing_resumed),
		cmocka_unit_test(
		    what_somebody_brought_to_rest_meanwhile_is_left_alone),
		cmocka_unit_test(
		    one_that_vanished_meanwhile_fails_begin_by_name),
		cmocka_unit_test(
		    a_state_that_a_proxy_keeps_from_us_is_taken_for_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
