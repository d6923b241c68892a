#include "lib/docker/quiesce_labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DVB "docker-volume-backup."

static const struct quiesce_defaults usual = {
	.stop_value = "true", .no_restart_value = "true",
	.mode = QUIESCE_MODE_STOP, .stop_timeout_s = -1
};

static void
label(struct strmap *labels, const char *key, const char *value)
{
	struct err err = ERR_INIT;

	if (key != NULL)
		assert_int_equal(strmap_add(labels, key, value, &err), 0);
}

static struct quiesce_labels
read_labels(const struct strmap *labels, const struct quiesce_defaults *how)
{
	struct quiesce_labels ret;
	struct err err = ERR_INIT;

	if (quiesce_labels_read(labels, how, &ret, &err) < 0)
		fail_msg("%s", err.msg);
	return ret;
}

static void
the_value_looked_for_is_one_of_the_labels(void **state)
{
	static const struct {
		const char *key, *value, *wanted;
		bool selected, any;
	} rows[] = {
		{ NULL, NULL, "true", false, false },
		{ "other", "true", "true", false, false },
		{ "vbackup.stopp", "true", "true", false, false },
		{ "vbackup.stop", "true", "true", true, true },
		{ "vbackup.stop-during-backup", "true", "true", true, true },
		{ DVB "stop-during-backup", "true", "true", true, true },
		{ DVB "stop", "true", "true", false, false },
		{ "vbackup.stop", "nightly", "nightly", true, true },
		{ "vbackup.stop", "nightly", "true", false, true },
		{ "vbackup.stop", "True", "true", false, true },
		{ "vbackup.stop", "tru", "true", false, true },
		{ "vbackup.stop", "truer", "true", false, true },
		{ "vbackup.stop", "a,true,b", "true", true, true },
		{ "vbackup.stop", " a , true\t, b ", "true", true, true },
		{ "vbackup.stop", " a , true\t, b ", "b", true, true },
		{ "vbackup.stop", " a , true\t, b ", "a", true, true },
		{ "vbackup.stop", "every night,x", "every night", true, true },
		{ "vbackup.stop", "every night,x", "every", false, true },
		{ "vbackup.stop", ",,true,", "true", true, true },
		{ "vbackup.stop", "", "true", false, true },
		{ "vbackup.stop", "", "", false, true },
		{ "vbackup.stop", " , ", "", false, true },
		{ "vbackup.stop", "a,b", "a,b", false, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
		struct quiesce_defaults how = usual;
		struct quiesce_labels got;

		how.stop_value = rows[i].wanted;
		label(&labels, rows[i].key, rows[i].value);
		got = read_labels(&labels, &how);
		if (got.selected != rows[i].selected ||
		    got.any_value != rows[i].any || got.no_restart || got.both)
			fail_msg("row %zu: '%s' for '%s'", i, rows[i].value,
			    rows[i].wanted);
	}
}

static void
restart_and_no_restart_have_values_of_their_own(void **state)
{
	static const struct {
		const char *stop, *no_restart;
		bool selected, not_again, both, any;
	} rows[] = {
		{ NULL, NULL, false, false, false, false },
		{ "yes", NULL, true, false, false, true },
		{ NULL, "never", true, true, false, true },
		{ NULL, "yes", false, false, false, true },
		{ "never", "yes", false, false, false, true },
		{ "yes", "yes", true, false, false, true },
		{ "x,yes", "never,x", true, true, true, true },
	};
	static const char *const keys[] = { "vbackup.", DVB };
	struct quiesce_defaults how = usual;
	char key[64];
	size_t i, k;

	(void)state;
	how.stop_value = "yes";
	how.no_restart_value = "never";
	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		for (k = 0; k < 2; k++) {
			CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
			struct quiesce_labels got;

			(void)snprintf(key, sizeof key,
			    "%sstop-during-backup", keys[k]);
			label(&labels, rows[i].stop != NULL ? key : NULL,
			    rows[i].stop);
			(void)snprintf(key, sizeof key,
			    "%sstop-during-backup-no-restart", keys[1 - k]);
			label(&labels, rows[i].no_restart != NULL ? key : NULL,
			    rows[i].no_restart);
			got = read_labels(&labels, &how);
			assert_int_equal(got.selected, rows[i].selected);
			assert_int_equal(got.no_restart, rows[i].not_again);
			assert_int_equal(got.both, rows[i].both);
			assert_int_equal(got.any_value, rows[i].any);
		}
}

static void
without_labels_the_settings_hold(void **state)
{
	struct strmap labels = STRMAP_INIT;
	struct quiesce_defaults how = usual;
	struct quiesce_labels got;

	(void)state;
	got = read_labels(&labels, &how);
	assert_int_equal(got.mode, QUIESCE_MODE_STOP);
	assert_true(got.stop_timeout_s < 0);
	assert_int_equal(got.order, 0);
	how.mode = QUIESCE_MODE_PAUSE;
	how.stop_timeout_s = 7;
	how.stop_value = how.no_restart_value = NULL;
	got = read_labels(&labels, &how);
	assert_int_equal(got.mode, QUIESCE_MODE_PAUSE);
	assert_true(got.stop_timeout_s >= 7 && got.stop_timeout_s <= 7);
	assert_false(got.selected);
}

static void
labels_win_over_settings(void **state)
{
	static const struct {
		const char *key, *value;
		enum quiesce_mode mode;
		double timeout_s;
		long order;
	} rows[] = {
		{ "vbackup.quiesce", "stop", QUIESCE_MODE_STOP, 7, 0 },
		{ "vbackup.quiesce", " pause ", QUIESCE_MODE_PAUSE, 7, 0 },
		{ "vbackup.quiesce", "none", QUIESCE_MODE_NONE, 7, 0 },
		{ "vbackup.quiesce", "constraint", QUIESCE_MODE_CONSTRAINT, 7,
		  0 },
		{ "vbackup.stop-timeout", "30s", QUIESCE_MODE_PAUSE, 30, 0 },
		{ "vbackup.stop-timeout", "1m30s", QUIESCE_MODE_PAUSE, 90, 0 },
		{ "vbackup.stop-timeout", " 90 ", QUIESCE_MODE_PAUSE, 90, 0 },
		{ "vbackup.stop-timeout", "0", QUIESCE_MODE_PAUSE, 0, 0 },
		{ "vbackup.stop-timeout", "1.5s", QUIESCE_MODE_PAUSE, 1.5, 0 },
		{ "vbackup.order", "10", QUIESCE_MODE_PAUSE, 7, 10 },
		{ "vbackup.order", " -3 ", QUIESCE_MODE_PAUSE, 7, -3 },
		{ "vbackup.order", "+3", QUIESCE_MODE_PAUSE, 7, 3 },
		{ "vbackup.order", "010", QUIESCE_MODE_PAUSE, 7, 10 },
	};
	struct quiesce_defaults how = usual;
	size_t i;

	(void)state;
	how.mode = QUIESCE_MODE_PAUSE;
	how.stop_timeout_s = 7;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
		struct quiesce_labels got;

		label(&labels, rows[i].key, rows[i].value);
		got = read_labels(&labels, &how);
		assert_int_equal(got.mode, rows[i].mode);
		assert_int_equal((long)(got.stop_timeout_s * 1000),
		    (long)(rows[i].timeout_s * 1000));
		assert_int_equal(got.order, rows[i].order);
	}
}

static void
a_value_that_cannot_be_is_refused_by_name(void **state)
{
	static const char *const rows[][2] = {
		{ "vbackup.quiesce", "" },
		{ "vbackup.quiesce", "Stop" },
		{ "vbackup.quiesce", "halt" },
		{ "vbackup.quiesce", "stop,pause" },
		{ "vbackup.stop-timeout", "" },
		{ "vbackup.stop-timeout", "-1" },
		{ "vbackup.stop-timeout", "soon" },
		{ "vbackup.stop-timeout", "10x" },
		{ "vbackup.stop-timeout", "1 m" },
		{ "vbackup.stop-timeout", "99999999999999999999" },
		{ "vbackup.stop-timeout",
		  "99999999999999999999999999999999999999999999999999999" },
		{ "vbackup.order", "" },
		{ "vbackup.order", "-" },
		{ "vbackup.order", "+-1" },
		{ "vbackup.order", "- 1" },
		{ "vbackup.order", "1.5" },
		{ "vbackup.order", "1st" },
		{ "vbackup.order", "0x10" },
		{ "vbackup.order", "99999999999999999999" },
		{ "vbackup.order", "-99999999999999999999" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
		struct quiesce_labels got = { .order = 77 };
		struct err err = ERR_INIT;

		label(&labels, rows[i][0], rows[i][1]);
		if (quiesce_labels_read(&labels, &usual, &got, &err) == 0)
			fail_msg("'%s' was taken for %s", rows[i][1],
			    rows[i][0]);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, rows[i][0]));
		assert_non_null(strstr(err.msg, rows[i][1]));
		assert_int_equal(got.order, 77);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_value_looked_for_is_one_of_the_labels),
		cmocka_unit_test(
		    restart_and_no_restart_have_values_of_their_own),
		cmocka_unit_test(without_labels_the_settings_hold),
		cmocka_unit_test(labels_win_over_settings),
		cmocka_unit_test(a_value_that_cannot_be_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
