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
#include <sys/stat.h>
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
	return unsetenv("JOURNAL_STREAM");
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
secrets_are_masked_in_every_encoding(void **state)
{
	static const char secret[] = "p/ss w+rd>>>?\"\\%41";
	static const struct {
		const char *text;
		const char *masked;
	} cases[] = {
		{ "a p%2Fss%20w%2Brd%3E%3E%3E%3F%22%5C%2541 b", "a *** b" },
		{ "a p%2fss+w%2brd>>>?\"\\%2541 b", "a *** b" },
		{ "%70%2f%73%73%20%77%2b%72%64%3e%3e%3e%3f%22%5c%25%34%31!",
		    "***!" },
		{ "{\"p\\/ss w+rd\\u003e\\u003E>?\\\"\\\\%41\"}",
		    "{\"***\"}" },
		/* With "", "u:" and "us:" before it, and the last in base64url.
		 * What is left has bits of what stands beside it. */
		{ "cC9zcyB3K3JkPj4+PyJcJTQx ", "*** " },
		{ "dTpwL3NzIHcrcmQ+Pj4/IlwlNDE= ", "dTp***E= " },
		{ "dXM6cC9zcyB3K3JkPj4+PyJcJTQx ", "dXM6*** " },
		{ "dTpwL3NzIHcrcmQ-Pj4_IlwlNDE= ", "dTp***E= " },
		{ "p/ss w+rd", "p/ss w+rd" },
		{ "p%2Fss%20w%2Brd%3E%3E%3E%3", "p%2Fss%20w%2Brd%3E%3E%3E%3" },
		{ "%", "%" }, { "%2", "%2" }, { "\\u002", "\\u002" },
		/* Too short for its base64 to be known from a word's. */
		{ "abcde is YWJjZGU=", "*** is YWJjZGU=" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(log_secret(secret, &err), 0);
	assert_int_equal(log_secret(secret, &err), 0);
	assert_int_equal(log_secret("abcde", &err), 0);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(cleanup_free) char *masked = NULL;

		assert_int_equal(log_mask(cases[i].text, &masked, &err), 0);
		assert_string_equal(masked, cases[i].masked);
	}
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

/* --- kept lines ---------------------------------------------------------- */

/* Without their times; a bar behind each. */
static const char *
kept_lines(void)
{
	static char text[1000];
	CLEANUP(strlist_free) struct strlist lines = STRLIST_INIT;
	struct err err = ERR_INIT;
	size_t i, n = 0;

	assert_int_equal(log_kept(&lines, &err), 0);
	text[0] = '\0';
	for (i = 0; i < lines.n && n < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s|",
		    lines.v[i] + (*lines.v[i] == '2' ? 30 : 0));
	return text;
}

static void
lines_are_kept_from_info_on_whatever_is_shown(void **state)
{
	struct log_settings settings = text_settings;
	enum log_level level;

	(void)state;
	for (level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
		settings.level = level;
		capture(&settings);
		log_info("before");
		log_keep(10000);
		log_error("e");
		log_job("db\n");
		log_warning("w");
		log_info("i\n\xff");
		log_debug("d");
		log_job(NULL);
		(void)captured();
		assert_string_equal(kept_lines(), "error   e|"
		    "warning db\\n: w|info    db\\n: i\\n\\xff|");
		log_close();
		assert_string_equal(kept_lines(), "");
	}
}

static void
a_kept_line_is_the_line_that_was_shown(void **state)
{
	CLEANUP(strlist_free) struct strlist lines = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	log_keep(10000);
	capture(&text_settings);
	log_info("x");
	assert_int_equal(log_kept(&lines, &err), 0);
	assert_int_equal(lines.n, 1);
	(void)captured();
	assert_int_equal(strlen(output), strlen(lines.v[0]) + 1);
	assert_memory_equal(output, lines.v[0], strlen(lines.v[0]));
}

static void
kept_lines_are_text_also_where_the_log_is_json(void **state)
{
	(void)state;
	log_keep(10000);
	capture(&json_settings);
	log_info("\"x\"");
	(void)captured();
	assert_string_equal(kept_lines(), "info    \"x\"|");
}

static void
of_too_many_lines_the_newest_are_kept(void **state)
{
	struct log_settings settings = text_settings;
	int i;

	(void)state;
	settings.level = LOG_LEVEL_ERROR;
	capture(&settings);
	/* TIME, " info    ", "1", and a newline. */
	log_keep(3 * (29 + 9 + 1 + 1));
	for (i = 0; i < 9; i++)
		log_info("%d", i);
	assert_string_equal(captured(), "");
	assert_string_equal(kept_lines(), "[6 earlier lines left out]|"
	    "info    6|info    7|info    8|");
	log_keep(0);
	log_info("x");
	assert_string_equal(kept_lines(), "");
}

static void
kept_lines_are_masked_with_secrets_told_later(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	log_keep(10000);
	capture(&text_settings);
	log_info("hunter2 and\nmore, info");
	assert_non_null(strstr(captured(), "hunter2 and\\nmore"));
	assert_string_equal(kept_lines(), "info    hunter2 and\\nmore, info|");
	assert_int_equal(log_secret("and\nmore", &err), 0);
	assert_int_equal(log_secret("hunter2", &err), 0);
	assert_int_equal(log_secret("info", &err), 0);
	assert_string_equal(kept_lines(), "info    *** ***, ***|");
}

/* --- the journal --------------------------------------------------------- */

/* In place of the journal: it takes the fields, or is not there. */
static bool journal_there;
static int n_entries;
static char entry[2000];

bool __wrap_journal_send(const char *path, const struct journal_field *fields,
    size_t n);

bool
__wrap_journal_send(const char *path, const struct journal_field *fields,
    size_t n)
{
	size_t i, len = 0;

	assert_string_equal(path, JOURNAL_SOCKET);
	errno = EHOSTUNREACH;
	if (!journal_there)
		return false;
	n_entries++;
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(entry + len, sizeof entry - len,
		    "%s=%s|", fields[i].name, fields[i].value);
	return true;
}

/* As capture; with a journal that has our standard error. */
static void
capture_journal(const struct log_settings *settings, bool there)
{
	static const struct log_settings none = { LOG_LEVEL_ERROR,
		LOG_FORMAT_TEXT, false, false };
	char stream[64];
	struct stat st;

	capture(&none);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(stream, sizeof stream, "%ju:%ju",
	    (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_setup(settings);
	journal_there = there;
	n_entries = 0;
	entry[0] = '\0';
}

static void
in_the_journal_a_line_is_an_entry(void **state)
{
	static const struct {
		void (*log)(const char *fmt, ...) PRINTF_LIKE(1, 2);
		const char *job;
		const char *entry;
	} cases[] = {
		{ log_error, NULL, "MESSAGE=*** a\\n\\xff|PRIORITY=3|"
		    "SYSLOG_IDENTIFIER=vbackup|" },
		{ log_warning, "db", "MESSAGE=*** a\\n\\xff|PRIORITY=4|"
		    "SYSLOG_IDENTIFIER=vbackup|VBACKUP_JOB=db|" },
		{ log_info, "", "MESSAGE=*** a\\n\\xff|PRIORITY=6|"
		    "SYSLOG_IDENTIFIER=vbackup|VBACKUP_JOB=|" },
		{ log_debug, NULL, "MESSAGE=*** a\\n\\xff|PRIORITY=7|"
		    "SYSLOG_IDENTIFIER=vbackup|" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		capture_journal(&text_settings, true);
		log_job(cases[i].job);
		errno = EXDEV;
		cases[i].log("hunter2 %s\n\xff", "a");
		assert_int_equal(errno, EXDEV);
		assert_string_equal(captured(), "");
		assert_int_equal(n_entries, 1);
		assert_string_equal(entry, cases[i].entry);
	}
}

static void
where_the_journal_takes_none_the_line_has_its_priority(void **state)
{
	(void)state;
	capture_journal(&text_settings, false);
	log_error("e");
	log_job("db");
	log_warning("w\n");
	log_job(NULL);
	log_info("i");
	log_debug("d");
	assert_string_equal(captured(), "<3>error   e\n"
	    "<4>warning db: w\\n\n<6>info    i\n<7>debug   d\n");
}

static void
lines_of_json_stay_lines_in_the_journal(void **state)
{
	const char *end = NULL;
	cJSON *line;

	(void)state;
	capture_journal(&json_settings, true);
	log_warning("w");
	(void)captured();
	assert_int_equal(n_entries, 0);
	assert_memory_equal(output, "<4>{", 4);
	line = cJSON_ParseWithOpts(output + 3, &end, 0);
	assert_non_null(line);
	assert_string_equal(end, "\n");
	assert_string_equal(cJSON_GetStringValue(
	    cJSON_GetObjectItem(line, "msg")), "w");
	cJSON_Delete(line);
}

static void
lines_above_the_level_are_not_in_the_journal_but_kept(void **state)
{
	struct log_settings settings = text_settings;

	(void)state;
	settings.level = LOG_LEVEL_WARNING;
	log_keep(1000);
	capture_journal(&settings, true);
	log_info("i");
	(void)captured();
	assert_int_equal(n_entries, 0);
	assert_string_equal(kept_lines(), "info    i|");
}

static void
an_event_is_for_the_journal_whatever_the_settings_are(void **state)
{
	static const struct journal_field fields[] = {
		{ "VBACKUP_OUTCOME", "success" },
		{ "VBACKUP_ARCHIVE", "s3://hunter2/vbackup" },
	};
	struct log_settings settings = json_settings;
	struct err err = ERR_INIT;

	(void)state;
	settings.level = LOG_LEVEL_ERROR;
	/* Words that are of the entry, not of what others put into it. */
	assert_int_equal(log_secret("hunter2", &err), 0);
	assert_int_equal(log_secret("vbackup", &err), 0);
	assert_int_equal(log_secret(LOG_EVENT_RUN_ENDED, &err), 0);
	capture_journal(&settings, true);
	errno = EXDEV;
	log_event(LOG_EVENT_RUN_ENDED, LOG_LEVEL_INFO, "done with hunter2",
	    fields, 2);
	assert_int_equal(errno, EXDEV);
	assert_string_equal(captured(), "");
	assert_int_equal(n_entries, 1);
	assert_string_equal(entry, "MESSAGE_ID=" LOG_EVENT_RUN_ENDED "|"
	    "PRIORITY=6|SYSLOG_IDENTIFIER=vbackup|MESSAGE=done with ***|"
	    "VBACKUP_OUTCOME=success|VBACKUP_ARCHIVE=s3://***/***|");
	capture_journal(&settings, true);
	log_event(LOG_EVENT_RUN_ENDED, LOG_LEVEL_ERROR, "x", NULL, 0);
	(void)captured();
	assert_string_equal(entry, "MESSAGE_ID=" LOG_EVENT_RUN_ENDED "|"
	    "PRIORITY=3|SYSLOG_IDENTIFIER=vbackup|MESSAGE=x|");
}

static void
without_a_journal_there_is_no_event_and_no_entry(void **state)
{
	(void)state;
	assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	journal_there = true;
	n_entries = 0;
	log_keep(1000);
	capture(&text_settings);
	log_event(LOG_EVENT_RUN_ENDED, LOG_LEVEL_ERROR, "x", NULL, 0);
	log_error("line");
	assert_non_null(strstr(captured(), " error   line\n"));
	assert_int_equal(n_entries, 0);
	/* An event that the journal does not take is lost, and no line. */
	capture_journal(&text_settings, false);
	log_event(LOG_EVENT_RUN_ENDED, LOG_LEVEL_ERROR, "x", NULL, 0);
	assert_string_equal(captured(), "");
	assert_string_equal(kept_lines(), "error   line|");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, forget)
	static const struct CMUnitTest tests[] = {
		TEST(a_line_has_time_level_and_text),
		TEST(lines_above_the_level_are_dropped),
		TEST(secrets_are_masked_wherever_they_appear),
		TEST(secrets_are_masked_in_every_encoding),
		TEST(the_name_of_the_job_is_in_the_line),
		TEST(a_line_is_a_line_whatever_is_in_it),
		TEST(json_lines_are_json),
		TEST(without_a_terminal_there_is_no_status_line_and_no_color),
		TEST(on_a_terminal_a_line_wipes_the_status_line),
		TEST(the_status_line_is_masked_escaped_and_cut_to_the_width),
		TEST(lines_of_many_threads_do_not_mix),
		TEST(logging_leaves_errno_alone),
		TEST(lines_are_kept_from_info_on_whatever_is_shown),
		TEST(a_kept_line_is_the_line_that_was_shown),
		TEST(kept_lines_are_text_also_where_the_log_is_json),
		TEST(of_too_many_lines_the_newest_are_kept),
		TEST(kept_lines_are_masked_with_secrets_told_later),
		TEST(in_the_journal_a_line_is_an_entry),
		TEST(where_the_journal_takes_none_the_line_has_its_priority),
		TEST(lines_of_json_stay_lines_in_the_journal),
		TEST(lines_above_the_level_are_not_in_the_journal_but_kept),
		TEST(an_event_is_for_the_journal_whatever_the_settings_are),
		TEST(without_a_journal_there_is_no_event_and_no_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
