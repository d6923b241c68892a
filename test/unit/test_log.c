#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/log.h"

/* What was written to stderr between capture and captured. */
static int real_stderr = -1;
static int capture_end = -1;
static char output[65536];

static void
capture_to(int fd)
{
	(void)fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	assert_true(real_stderr >= 0);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static void
capture(const struct log_settings *settings)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	capture_end = ends[0];
	capture_to(ends[1]);
	(void)close(ends[1]);
	log_setup(settings);
}

static const char *
captured(void)
{
	size_t n = 0;
	ssize_t got;

	assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
	(void)close(real_stderr);
	while ((got = read(capture_end, output + n,
	    sizeof output - 1 - n)) > 0)
		n += (size_t)got;
	output[n] = '\0';
	(void)close(capture_end);
	return output;
}

static const struct log_settings text_settings = {
	LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, true, true
};
static const struct log_settings json_settings = {
	LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, true, true
};

static int
forget(void **state)
{
	(void)state;
	log_close();
	log_job(NULL);
	return 0;
}

static void
a_line_has_time_level_and_text(void **state)
{
	const char *line;

	(void)state;
	capture(&text_settings);
	log_warning("something %s", "happened");
	line = captured();
	/* 2026-11-20T03:00:00.123+01:00 warning something happened */
	assert_int_equal(line[4], '-');
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[19], '.');
	assert_true(line[23] == '+' || line[23] == '-');
	assert_int_equal(line[26], ':');
	assert_string_equal(line + 29, " warning something happened\n");
}

static void
lines_above_the_level_are_dropped(void **state)
{
	static const struct {
		enum log_level level;
		int lines;
	} cases[] = {
		{ LOG_LEVEL_ERROR, 1 },
		{ LOG_LEVEL_WARNING, 2 },
		{ LOG_LEVEL_INFO, 3 },
		{ LOG_LEVEL_DEBUG, 4 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct log_settings settings = text_settings;
		const char *p;
		int lines = 0;

		settings.level = cases[i].level;
		capture(&settings);
		log_error("e");
		log_warning("w");
		log_info("i");
		log_debug("d");
		for (p = captured(); (p = strchr(p, '\n')) != NULL; p++)
			lines++;
		assert_int_equal(lines, cases[i].lines);
	}
}

static void
secrets_are_masked_wherever_they_appear(void **state)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	struct err err = ERR_INIT;
	const char *text;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	assert_int_equal(log_secret("hunter2-longer", &err), 0);
	assert_int_equal(log_secret("two\nlines", &err), 0);
	assert_int_equal(log_secret("abc", &err), 0);
	log_job("hunter2-job");
	capture(&text_settings);
	log_info("a hunter2, ahunter2b, hunter2-longer, hunter2hunter2");
	log_info("%s", "two\nlines");
	log_info("abc stays: too short");
	text = captured();
	assert_non_null(strstr(text, "a ***, a***b, ***, ******\n"));
	assert_null(strstr(text, "two"));
	assert_non_null(strstr(text, "abc stays"));
	assert_int_equal(log_mask("x hunter2 y", &masked, &err), 0);
	assert_string_equal(masked, "x *** y");
	log_close();
	cleanup_free(&masked);
	assert_int_equal(log_mask("x hunter2 y", &masked, &err), 0);
	assert_string_equal(masked, "x hunter2 y");
}

static void
the_name_of_the_job_is_in_the_line(void **state)
{
	const char *text;

	(void)state;
	log_job("db\n");
	capture(&text_settings);
	log_info("one");
	log_job(NULL);
	log_info("two");
	text = captured();
	assert_non_null(strstr(text, " info    db\\n: one\n"));
	assert_non_null(strstr(text, " info    two\n"));
}

static void
a_line_is_a_line_whatever_is_in_it(void **state)
{
	const char *text;

	(void)state;
	capture(&text_settings);
	log_info("a\nb\r\x1b[31m\xff\xc3\xa4%s", "\x7f");
	text = captured();
	assert_string_equal(text + 29,
	    " info    a\\nb\\x0d\\x1b[31m\\xff\xc3\xa4\\x7f\n");
}

static void
json_lines_are_json(void **state)
{
	static const char *const texts[] = {
		"plain", "quote \" and \\ and \xff and \n", "",
		"\xe2\x82\xac", "\x1b[0m", "/x/\\\"",
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *end = NULL;
		cJSON *line;

		capture(&json_settings);
		log_job("jo\"b");
		log_error("hunter2 %s", texts[i]);
		line = cJSON_ParseWithOpts(captured(), &end, 0);
		assert_non_null(line);
		assert_string_equal(end, "\n");
		assert_string_equal(cJSON_GetStringValue(
		    cJSON_GetObjectItem(line, "level")), "error");
		assert_string_equal(cJSON_GetStringValue(
		    cJSON_GetObjectItem(line, "job")), "jo\"b");
		assert_int_equal(strlen(cJSON_GetStringValue(
		    cJSON_GetObjectItem(line, "time"))), 29);
		assert_memory_equal(cJSON_GetStringValue(
		    cJSON_GetObjectItem(line, "msg")), "*** ", 4);
		assert_null(strstr(output, "\xff"));
		cJSON_Delete(line);
	}
}

static void
without_a_terminal_there_is_no_status_line_and_no_color(void **state)
{
	const char *text;

	(void)state;
	capture(&text_settings);
	log_status("half done");
	log_error("x");
	log_status("done");
	text = captured();
	assert_null(strchr(text, '\x1b'));
	assert_null(strstr(text, "done"));
}

/* A terminal 20 columns wide instead of a pipe; false if there is none. */
static bool
capture_terminal(const struct log_settings *settings)
{
	struct winsize size = { .ws_row = 5, .ws_col = 20 };
	struct termios raw;
	int fd;

	capture_end = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (capture_end < 0 || grantpt(capture_end) < 0 ||
	    unlockpt(capture_end) < 0)
		return false;
	fd = open(ptsname(capture_end), O_RDWR | O_NOCTTY);
	if (fd < 0)
		return false;
	assert_int_equal(tcgetattr(fd, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(fd, TCSANOW, &raw), 0);
	assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
	capture_to(fd);
	(void)close(fd);
	log_setup(settings);
	return true;
}

static void
on_a_terminal_a_line_wipes_the_status_line(void **state)
{
	const char *text;

	(void)state;
	if (!capture_terminal(&text_settings))
		skip();
	log_status("half");
	log_warning("x");
	log_info("y");
	text = captured();
	assert_memory_equal(text, "\r\x1b[Khalf\r\x1b[K2", 13);
	assert_non_null(strstr(text, " \x1b[33mwarning x\x1b[0m\n2"));
}

static void
the_status_line_is_masked_escaped_and_cut_to_the_width(void **state)
{
	static const struct {
		const char *status;
		const char *shown;
	} cases[] = {
		{ "my hunter2", "my ***" },
		{ "a\nb\x1b[1m", "a\\nb\\x1b[1m" },
		{ "01234567890123456789", "0123456789012345678" },
		{ "012345678901234567\xc3\xa4\xc3\xa4", "012345678901234567" },
	};
	struct err err = ERR_INIT;
	char expected[128];
	size_t i;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (!capture_terminal(&text_settings))
			skip();
		log_status("%s", cases[i].status);
		(void)snprintf(expected, sizeof expected, "\r\x1b[K%s",
		    cases[i].shown);
		assert_string_equal(captured(), expected);
	}
}

static void *
log_many(void *cookie)
{
	int i;

	for (i = 0; i < 100; i++)
		log_info("%s", (const char *)cookie);
	return NULL;
}

static void
lines_of_many_threads_do_not_mix(void **state)
{
	static char texts[4][60];
	pthread_t threads[4];
	int i, lines = 0;
	char *line, *rest;

	(void)state;
	capture(&text_settings);
	for (i = 0; i < 4; i++) {
		memset(texts[i], 'a' + i, sizeof texts[i] - 1);
		pthread_create(&threads[i], NULL, log_many, texts[i]);
	}
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	(void)captured();
	for (line = strtok_r(output, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest), lines++) {
		assert_int_equal(strlen(line), 29 + 9 + 59);
		assert_string_equal(line + 38, texts[line[38] - 'a']);
	}
	assert_int_equal(lines, 400);
}

static void
logging_leaves_errno_alone(void **state)
{
	(void)state;
	capture(&text_settings);
	errno = EXDEV;
	log_error("x");
	assert_int_equal(errno, EXDEV);
	(void)captured();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, forget)
	static const struct CMUnitTest tests[] = {
		TEST(a_line_has_time_level_and_text),
		TEST(lines_above_the_level_are_dropped),
		TEST(secrets_are_masked_wherever_they_appear),
		TEST(the_name_of_the_job_is_in_the_line),
		TEST(a_line_is_a_line_whatever_is_in_it),
		TEST(json_lines_are_json),
		TEST(without_a_terminal_there_is_no_status_line_and_no_color),
		TEST(on_a_terminal_a_line_wipes_the_status_line),
		TEST(the_status_line_is_masked_escaped_and_cut_to_the_width),
		TEST(lines_of_many_threads_do_not_mix),
		TEST(logging_leaves_errno_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
