/*
 * Every type of option, over a table of its own (options_every_type.def), and
 * what a configuration does with secrets, of which the real table may have
 * none. Compiled with its own copy of all of lib/config.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/config/options.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static struct options
defaults(void)
{
	struct options o;
	struct err err = ERR_INIT;

	assert_int_equal(options_init(&o, &err), 0);
	return o;
}

static void
set(struct options *o, enum option_id id, const char *text)
{
	struct err err = ERR_INIT;

	if (options_set(o, id, text, ORIGIN_FILE, "x:1", &err) < 0)
		fail_msg("'%s': %s", text, err.msg);
}

static void
assert_text(const struct options *o, enum option_id id, const char *expected)
{
	struct err err = ERR_INIT;
	char *text;

	assert_int_equal(options_text(o, id, true, &text, &err), 0);
	if (expected == NULL)
		assert_null(text);
	else
		assert_string_equal(text, expected);
	free(text);
}

/* --- values -------------------------------------------------------------- */

static void
what_is_read_is_shown_in_its_plainest_form(void **state)
{
	static const struct {
		enum option_id id;
		const char *text, *shown;
	} rows[] = {
		{ OPTION_ID_text, " as it is ", " as it is " },
		{ OPTION_ID_flag, "yes", "yes" },
		{ OPTION_ID_flag, "TRUE", "yes" },
		{ OPTION_ID_flag, "On", "yes" },
		{ OPTION_ID_flag, "1", "yes" },
		{ OPTION_ID_flag, "T", "yes" },
		{ OPTION_ID_flag, "no", "no" },
		{ OPTION_ID_flag, "false", "no" },
		{ OPTION_ID_flag, "OFF", "no" },
		{ OPTION_ID_flag, "0", "no" },
		{ OPTION_ID_flag, "f", "no" },
		{ OPTION_ID_number, "010", "10" },
		{ OPTION_ID_number, "-7", "-7" },
		{ OPTION_ID_number, "9223372036854775807",
		    "9223372036854775807" },
		{ OPTION_ID_number, "-9223372036854775808",
		    "-9223372036854775808" },
		{ OPTION_ID_number_ranged, "-5", "-5" },
		{ OPTION_ID_number_ranged, "10", "10" },
		{ OPTION_ID_number_or_zero, "0", "0" },
		{ OPTION_ID_number_or_zero, "5", "5" },
		{ OPTION_ID_number_or_zero, "10", "10" },
		{ OPTION_ID_span_ns, "0", "0" },
		{ OPTION_ID_span_ns, "90s", "1m30s" },
		{ OPTION_ID_span_ns, "1.5h", "1h30m" },
		{ OPTION_ID_span_ns, "2w", "14d" },
		{ OPTION_ID_span_ns, "1d2h3m4s5ms6us7ns",
		    "1d2h3m4s5ms6us7ns" },
		{ OPTION_ID_span_ranged_ns, "1s", "1s" },
		{ OPTION_ID_span_ranged_ns, "90m", "1h30m" },
		{ OPTION_ID_bytes, "17", "17" },
		{ OPTION_ID_bytes, "1024", "1K" },
		{ OPTION_ID_bytes, "16K", "16K" },
		{ OPTION_ID_bytes, "16KiB", "16K" },
		{ OPTION_ID_bytes, "1500M", "1500M" },
		{ OPTION_ID_bytes, "2048m", "2G" },
		{ OPTION_ID_bytes, "3gib", "3G" },
		{ OPTION_ID_bytes, "1T", "1T" },
		{ OPTION_ID_bytes, "0", "0" },
		{ OPTION_ID_bytes_ranged, "5G", "5G" },
		{ OPTION_ID_mode, "644", "0644" },
		{ OPTION_ID_mode, "0", "0000" },
		{ OPTION_ID_mode, "0777", "0777" },
		{ OPTION_ID_choice, "one", "one" },
		{ OPTION_ID_choice, "three", "three" },
		{ OPTION_ID_sources, "/a", "/a" },
		{ OPTION_ID_sources, " /a , /b\n\n\t/c,,", "/a\n/b\n/c" },
		{ OPTION_ID_sources, "a\\,b,c\\d", "a\\,b\nc\\d" },
		{ OPTION_ID_sources, "a\\\\,b", "a\\\\,b" },
	};
	struct options o = defaults();
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		set(&o, rows[i].id, rows[i].text);
		assert_text(&o, rows[i].id, rows[i].shown);
		assert_true(options_is_set(&o, rows[i].id));
		/* And the other way round. */
		set(&o, rows[i].id, rows[i].shown);
		assert_text(&o, rows[i].id, rows[i].shown);
	}
	options_free(&o);
}

static void
a_wrong_value_is_refused_and_the_old_one_stays(void **state)
{
	static const struct {
		enum option_id id;
		const char *text, *message;
	} rows[] = {
		{ OPTION_ID_flag, "maybe", "'maybe' is neither yes nor no" },
		{ OPTION_ID_number, "1x", "'1x' is not a whole number" },
		{ OPTION_ID_number, "-", "'-' is not a whole number" },
		{ OPTION_ID_number, "0x10", "'0x10' is not a whole number" },
		{ OPTION_ID_number, "5\n6", "'5\n6' is not a whole number" },
		{ OPTION_ID_number, "9223372036854775808",
		    "'9223372036854775808' is not a whole number" },
		{ OPTION_ID_number, "92233720368547758070",
		    "'92233720368547758070' is not a whole number" },
		{ OPTION_ID_number_ranged, "11",
		    "'11' is not within -5 to 10" },
		{ OPTION_ID_number_ranged, "-6",
		    "'-6' is not within -5 to 10" },
		{ OPTION_ID_number_or_zero, "1",
		    "'1' is not within 5 to 10, nor 0" },
		{ OPTION_ID_number_or_zero, "4",
		    "'4' is not within 5 to 10, nor 0" },
		{ OPTION_ID_number_or_zero, "11",
		    "'11' is not within 5 to 10, nor 0" },
		{ OPTION_ID_span_ns, "5",
		    "'5' is not a duration (such as 90s or 1h30m)" },
		{ OPTION_ID_span_ns, "-5s",
		    "'-5s' is not a duration (such as 90s or 1h30m)" },
		{ OPTION_ID_span_ranged_ns, "2h",
		    "'2h' is not within 1s to 1h30m" },
		{ OPTION_ID_span_ranged_ns, "0",
		    "'0' is not within 1s to 1h30m" },
		{ OPTION_ID_bytes, "K",
		    "'K' is not a size (such as 512K or 2G)" },
		{ OPTION_ID_bytes, "1KB",
		    "'1KB' is not a size (such as 512K or 2G)" },
		{ OPTION_ID_bytes, "1X",
		    "'1X' is not a size (such as 512K or 2G)" },
		{ OPTION_ID_bytes, "9999999999T",
		    "'9999999999T' is not a size (such as 512K or 2G)" },
		{ OPTION_ID_bytes_ranged, "1M",
		    "'1M' is not within 5M to 5G" },
		{ OPTION_ID_mode, "0888",
		    "'0888' is not a file mode (such as 0600)" },
		{ OPTION_ID_mode, "1777",
		    "'1777' is not a file mode (such as 0600)" },
		{ OPTION_ID_mode, "rw",
		    "'rw' is not a file mode (such as 0600)" },
		{ OPTION_ID_choice, "four",
		    "'four' is none of one, two, three" },
		{ OPTION_ID_password, "", "a secret must not be empty" },
	};
	struct options o = defaults(), untouched = defaults();
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct err err = ERR_INIT;
		char *text;

		assert_int_equal(options_set(&o, rows[i].id, rows[i].text,
		    ORIGIN_FILE, "x:1", &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.msg, rows[i].message);
		assert_false(options_is_set(&o, rows[i].id));
		assert_int_equal(options_text(&untouched, rows[i].id, true,
		    &text, &err), 0);
		assert_text(&o, rows[i].id, text);
		free(text);
	}
	options_free(&o);
	options_free(&untouched);
}

static void
a_long_wrong_value_does_not_hide_what_is_wrong(void **state)
{
	struct options o = defaults();
	struct err err = ERR_INIT;
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(options_set(&o, OPTION_ID_flag, text, ORIGIN_FILE,
	    NULL, &err), -1);
	assert_non_null(strstr(err.msg, "xxx...' is neither yes nor no"));
	options_free(&o);
}

static void
an_empty_text_resets_to_the_default(void **state)
{
	static const struct {
		enum option_id id;
		const char *text, *empty, *shown;
	} rows[] = {
		{ OPTION_ID_text, "x", "", "something" },
		{ OPTION_ID_note, "x", "", NULL },
		{ OPTION_ID_number_ranged, "9", "", "3" },
		{ OPTION_ID_choice, "one", "", "two" },
		{ OPTION_ID_sources, "/a", "", NULL },
		{ OPTION_ID_sources, "/a", " ,\n, ", NULL },
		{ OPTION_ID_volumes, "none", ",", "labelled" },
	};
	struct options o = defaults();
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		set(&o, rows[i].id, rows[i].text);
		set(&o, rows[i].id, rows[i].empty);
		assert_text(&o, rows[i].id, rows[i].shown);
		assert_false(options_is_set(&o, rows[i].id));
		assert_null(o.origin[rows[i].id].where);
	}
	options_free(&o);
}

static void
members_have_the_type_of_their_row(void **state)
{
	struct options o = defaults();

	(void)state;
	assert_string_equal(o.text, "something");
	assert_null(o.password);
	assert_false(o.flag);
	assert_int_equal(o.number_ranged, 3);
	assert_true(o.span_ns == INT64_C(3600000000000));
	assert_int_equal(o.bytes_ranged, 5 << 20);
	assert_int_equal(o.mode, 0600);
	assert_int_equal(o.choice, 1);
	assert_int_equal(o.sources.n, 0);
	assert_int_equal(o.volumes.n, 1);
	assert_string_equal(o.volumes.v[0], "labelled");
	options_free(&o);
	options_free(&o);	/* twice does no harm */
}

static void
a_copy_is_equal_and_its_own(void **state)
{
	struct options o = defaults(), copy;
	struct err err = ERR_INIT;
	int id;

	(void)state;
	set(&o, OPTION_ID_sources, "/a,/b");
	set(&o, OPTION_ID_password, "hunter22");
	set(&o, OPTION_ID_flag, "yes");
	set(&o, OPTION_ID_choice, "three");
	assert_int_equal(options_copy(&o, &copy, &err), 0);
	for (id = 0; id < OPTION_COUNT; id++) {
		char *text;

		assert_int_equal(options_text(&o, (enum option_id)id, true,
		    &text, &err), 0);
		assert_text(&copy, (enum option_id)id, text);
		free(text);
		assert_int_equal(copy.origin[id].kind, o.origin[id].kind);
	}
	options_free(&o);
	assert_string_equal(copy.sources.v[1], "/b");
	assert_string_equal(copy.origin[OPTION_ID_flag].where, "x:1");
	options_free(&copy);
}

static void
a_secret_is_hidden_unless_it_is_asked_for(void **state)
{
	struct options o = defaults();
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	set(&o, OPTION_ID_password, "correct horse");
	assert_text(&o, OPTION_ID_password, "correct horse");
	assert_int_equal(options_text(&o, OPTION_ID_password, false, &text,
	    &err), 0);
	assert_string_equal(text, "***");
	free(text);
	assert_int_equal(log_mask("say correct horse", &text, &err), 0);
	assert_string_equal(text, "say ***");
	free(text);
	options_free(&o);
	log_close();
}

static void
a_row_without_a_variable_gets_one_from_section_and_key(void **state)
{
	struct err err = ERR_INIT;
	char *env;

	(void)state;
	assert_int_equal(option_env(&option_specs[OPTION_ID_number_ranged],
	    &env, &err), 0);
	assert_string_equal(env, "VBACKUP_PLAIN_NUMBER_RANGED");
	free(env);
	assert_int_equal(option_env(&option_specs[OPTION_ID_token], &env,
	    &err), 0);
	assert_string_equal(env, "BACKUP_TOKEN");
	free(env);
	assert_int_equal(option_find("plain", "span"), OPTION_ID_span_ns);
	assert_int_equal(option_find("plain", "spam"), -1);
	assert_int_equal(option_find("backup", "span"), -1);
}

/* --- secrets in a configuration ------------------------------------------ */

static char path[64], value_path[64];

static void
write_file(const char *name, const char *text, size_t n)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int
make_paths(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/vbackup-types-%d", getpid());
	(void)snprintf(value_path, sizeof value_path, "/tmp/vbackup-value-%d",
	    getpid());
	return 0;
}

static int
remove_paths(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(value_path);
	log_close();
	return 0;
}

/* ini: % in it stands for value_path. */
static struct config
load(const char *ini, char *const *environment)
{
	struct config_input input = { path, NULL, environment };
	struct str text = STR_INIT;
	struct config config;
	struct err err = ERR_INIT;

	for (; *ini != '\0'; ini++) {
		if (*ini == '%')
			str_add(&text, value_path);
		else
			str_addn(&text, ini, 1);
	}
	write_file(path, text.s != NULL ? text.s : "", text.len);
	str_free(&text);
	assert_int_equal(config_load(&input, &config, &err), 0);
	return config;
}

static void
a_secret_comes_from_a_value_a_file_or_a_command(void **state)
{
	static const struct {
		const char *ini;
		const char *environment;
		const char *password;
	} rows[] = {
		{ "[sealing]\npassword = plain ; # word\n", NULL,
		    "plain ; # word" },
		{ "[sealing]\npassword =\n\tone\n\ttwo\n", NULL, "one\ntwo" },
		{ "[sealing]\npassword_file = %\n", NULL, "from file" },
		{ "[sealing]\npassword_command = printf 'a b\\r\\n\\n'\n",
		    NULL, "a b" },
		{ "", "VBACKUP_SEALING_PASSWORD=x", "x" },
		{ "", "VBACKUP_SEALING_PASSWORD_COMMAND=echo $((40 + 2))",
		    "42" },
		{ "[sealing]\npassword = a\n",
		    "VBACKUP_SEALING_PASSWORD_COMMAND=echo b", "b" },
	};
	size_t i;

	(void)state;
	write_file(value_path, "from file\r\n\n", 12);
	for (i = 0; i < LENGTH(rows); i++) {
		char *environment[] = { (char *)(uintptr_t)rows[i].environment,
			NULL };
		struct config config = load(rows[i].ini, environment);

		assert_int_equal(config.problems.n, 0);
		assert_string_equal(config.base.password, rows[i].password);
		config_free(&config);
	}
}

static void
a_secret_that_cannot_be_had_is_a_problem(void **state)
{
	static const struct {
		const char *ini;
		const char *environment;
		const char *problem;	/* that it has this in it */
	} rows[] = {
		{ "[sealing]\npassword =\n", NULL,
		    ":2: password: a secret must not be empty" },
		{ "", "VBACKUP_SEALING_PASSWORD=",
		    "VBACKUP_SEALING_PASSWORD: a secret must not be empty" },
		{ "", "VBACKUP_SEALING_PASSWORD_FILE=",
		    "VBACKUP_SEALING_PASSWORD_FILE: a secret must not be" },
		{ "[sealing]\npassword_file = %\n", NULL,
		    ":2: password_file: a secret must not be empty" },
		{ "[sealing]\npassword_file = %.not\n", NULL,
		    ":2: password_file: cannot open " },
		{ "[sealing]\npassword_command = exit 3\n", NULL,
		    ":2: password_command: " },
		{ "[sealing]\npassword_command = true\n", NULL,
		    ":2: password_command: a secret must not be empty" },
		{ "[sealing]\npassword = a\npassword_file = %\n", NULL,
		    ":3: password_file: the same setting is given by "
		    "'password' at " },
		{ "[sealing]\npassword = a\npassword = b\n", NULL,
		    ":3: 'password' is set twice (first at " },
		{ "[plain]\nflag_command = echo yes\n", NULL,
		    ":2: 'flag_command' is of no use: only a secret may be "
		    "given by a command" },
		{ "", "BACKUP_TEXT_COMMAND=echo yes",
		    "BACKUP_TEXT_COMMAND: 'BACKUP_TEXT_COMMAND' is of no use" },
	};
	size_t i;

	(void)state;
	write_file(value_path, "\n", 1);
	for (i = 0; i < LENGTH(rows); i++) {
		char *environment[] = { (char *)(uintptr_t)rows[i].environment,
			NULL };
		struct config config = load(rows[i].ini, environment);

		assert_int_equal(config.problems.n, 1);
		if (strstr(config.problems.v[0], rows[i].problem) == NULL)
			fail_msg("%s", config.problems.v[0]);
		config_free(&config);
	}
}

static void
a_value_file_may_have_neither_nul_bytes_nor_too_many(void **state)
{
	static char big[(1 << 20) + 2];
	struct config config;

	(void)state;
	write_file(value_path, "a\0b", 3);
	config = load("[sealing]\npassword_file = %\n", NULL);
	assert_int_equal(config.problems.n, 1);
	assert_non_null(strstr(config.problems.v[0], "has a NUL byte"));
	config_free(&config);

	memset(big, 'x', sizeof big);
	write_file(value_path, big, sizeof big);
	config = load("[sealing]\npassword_file = %\n", NULL);
	assert_int_equal(config.problems.n, 1);
	config_free(&config);

	write_file(value_path, big, 1 << 20);
	config = load("[sealing]\npassword_file = %\n", NULL);
	assert_int_equal(config.problems.n, 0);
	assert_int_equal(strlen(config.base.password), 1 << 20);
	config_free(&config);
}

static void
a_binary_file_becomes_base64_where_the_row_says_so(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *value;
	} rows[] = {
		{ "-----BEGIN\nx\n\n", 14, "-----BEGIN\nx" },
		{ "\xc3\xa4\r\n", 4, "\xc3\xa4" },
		{ "\0", 1, "base64:\nAA==" },
		{ "a\0b", 3, "base64:\nYQBi" },
		{ "\x99\x01\n", 3, "base64:\nmQEK" },	/* no line end is cut */
		{ "\xc6\x33", 2, "base64:\nxjM=" },
		{ "\n", 1, NULL },
	};
	struct config config;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		write_file(value_path, rows[i].bytes, rows[i].n);
		config = load("[sealing]\nring_file = %\n", NULL);
		assert_int_equal(config.problems.n, 0);
		assert_text(&config.base, OPTION_ID_ring, rows[i].value);
		config_free(&config);
	}
	/* Not for other rows, nor for a text that stands there itself. */
	write_file(value_path, "a\0b", 3);
	config = load("[backup]\nnote_file = %\n", NULL);
	assert_int_equal(config.problems.n, 1);
	config_free(&config);
	config = load("[sealing]\nring = \x99\x01\n", NULL);
	assert_text(&config.base, OPTION_ID_ring, "\x99\x01");
	config_free(&config);
}

static void
a_binary_file_that_is_long_survives_a_dump(void **state)
{
	static char bytes[200000];
	struct config config, again;
	struct err err = ERR_INIT;
	unsigned char *back;
	char *dump;
	size_t n;

	(void)state;
	memset(bytes, 0xa5, sizeof bytes);
	write_file(value_path, bytes, sizeof bytes);
	config = load("[sealing]\nring_file = %\n", NULL);
	assert_int_equal(config_dump(&config, false, &dump, &err), 0);
	again = load(dump, NULL);
	assert_int_equal(again.problems.n, 0);
	assert_string_equal(again.base.ring, config.base.ring);
	assert_int_equal(base64_decode(again.base.ring + strlen("base64:"),
	    &back, &n, &err), 0);
	assert_int_equal(n, sizeof bytes);
	assert_memory_equal(back, bytes, n);
	free(back);
	free(dump);
	config_free(&config);
	config_free(&again);
}

static void
a_store_has_its_own_secret_and_dump_hides_it(void **state)
{
	struct config config, again;
	struct err err = ERR_INIT;
	char *hidden, *open;

	(void)state;
	write_file(value_path, "swordfish\n", 10);
	config = load("[s3]\nbucket = a\nkey = hunter22\n[s3 x]\npath = p\n"
	    "key_file = %\n[s3 y]\nbucket = b\nkey_command = echo opensesame\n"
	    "[s3 z]\nbucket = c\n", NULL);
	assert_int_equal(config.problems.n, 0);
	assert_string_equal(config.stores[0].options.s3_key, "swordfish");
	assert_string_equal(config.stores[1].options.s3_key, "opensesame");
	assert_string_equal(config.stores[2].options.s3_key, "hunter22");
	assert_int_equal(config_dump(&config, false, &hidden, &err), 0);
	assert_null(strstr(hidden, "hunter22"));
	assert_null(strstr(hidden, "swordfish"));
	assert_null(strstr(hidden, "opensesame"));
	assert_non_null(strstr(hidden, "[s3 x]\n# from "));
	assert_non_null(strstr(hidden, "\n# key = ***\n"));
	assert_int_equal(config_dump(&config, true, &open, &err), 0);
	again = load(open, NULL);
	assert_int_equal(again.problems.n, 0);
	assert_string_equal(again.stores[0].options.s3_key, "swordfish");
	free(open);
	free(hidden);
	config_free(&config);
	config_free(&again);

	config = load("[s3 x]\nbucket = a\nkey =\n", NULL);
	assert_int_equal(config.problems.n, 1);
	assert_non_null(strstr(config.problems.v[0],
	    ":3: key: a secret must not be empty"));
	config_free(&config);
}

static void
an_empty_value_file_of_what_is_no_secret_counts_as_unset(void **state)
{
	struct config config;

	(void)state;
	write_file(value_path, "\n\n", 2);
	config = load("[backup]\ntext_file = %\nnote_file =\n"
	    "[plain]\nca_file = /ca.pem\n", NULL);
	assert_int_equal(config.problems.n, 0);
	assert_string_equal(config.base.text, "something");
	assert_null(config.base.note);
	assert_string_equal(config.base.ca_file, "/ca.pem");
	config_free(&config);
}

static void
no_problem_shows_a_secret(void **state)
{
	char *environment[] = { (char[]){ "VBACKUP_SEALING_PASWORD=hunter22" },
		(char[]){ "BACKUP_TOKEN=hunter22" },
		(char[]){ "BACKUP_TOKEN_FILE=/hunter22" },
		(char[]){ "WEBDAV_URL=http://hunter22@x" }, NULL };
	struct config config = load("[sealing]\npassword = hunter22\n"
	    "password = hunter22\ntoken : hunter22\npasword = hunter22\n"
	    "hunter22\n", environment);
	size_t i;

	(void)state;
	assert_int_equal(config.problems.n, 6);
	for (i = 0; i < config.problems.n; i++)
		if (strstr(config.problems.v[i], "= hunter22") != NULL ||
		    strstr(config.problems.v[i], "'hunter22") != NULL)
			fail_msg("%s", config.problems.v[i]);
	config_free(&config);
}

static void
a_dump_hides_secrets_so_that_they_are_not_set_when_it_is_read(void **state)
{
	struct config config = load("[backup]\ntext = http://me:hunter22@x\n"
	    "[sealing]\npassword = hunter22\n[job a]\n"
	    "sealing.password = swordfish\nnote = n\n", NULL), again;
	struct err err = ERR_INIT;
	char *hidden, *open;

	(void)state;
	assert_int_equal(config_dump(&config, false, &hidden, &err), 0);
	assert_null(strstr(hidden, "hunter22"));
	assert_null(strstr(hidden, "swordfish"));
	assert_non_null(strstr(hidden, "\n# password = ***\n"));
	assert_non_null(strstr(hidden, "\n# sealing.password = ***\n"));
	assert_non_null(strstr(hidden, "\n# text = http://me:***@x\n"));
	again = load(hidden, NULL);
	assert_int_equal(again.problems.n, 0);
	assert_null(again.base.password);
	assert_string_equal(again.jobs[0].options.note, "n");
	config_free(&again);
	assert_int_equal(config_dump(&config, true, &open, &err), 0);
	assert_non_null(strstr(open, "\npassword = hunter22\n"));
	free(open);
	free(hidden);
	config_free(&config);
}

static void
any_text_survives_a_dump_but_blanks_at_the_end_of_a_line(void **state)
{
	static const char *const texts[] = { "a", "  a", "\ta", "a\nb",
		"a\n\nb", "\na", "a\n", "\n", "a\n  b", "a\n#b", "#a", ";a",
		"a\n;b", "a\n\\b", "\\", "a\n\\#b", "a\n\\", "a = b", "[a]",
		"a\n[b]", "a\nb = c", "a ; b # c", "\"a\"", "\rb\n\v\fc",
		"\xc3\xa4\n\xff" };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(texts); i++) {
		struct config config = load("[job a]\n", NULL), again;
		char *dump;

		set(&config.base, OPTION_ID_note, texts[i]);
		set(&config.jobs[0].options, OPTION_ID_note, texts[i]);
		set(&config.jobs[0].options, OPTION_ID_exclude, texts[i]);
		assert_int_equal(config_dump(&config, true, &dump, &err), 0);
		again = load(dump, NULL);
		if (again.problems.n != 0)
			fail_msg("%s\n%s", again.problems.v[0], dump);
		assert_text(&again.base, OPTION_ID_note, texts[i]);
		assert_text(&again.jobs[0].options, OPTION_ID_note, texts[i]);
		assert_int_equal(again.jobs[0].options.exclude.n,
		    config.jobs[0].options.exclude.n);
		free(dump);
		config_free(&again);
		config_free(&config);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_shown_in_its_plainest_form),
		cmocka_unit_test(
		    a_wrong_value_is_refused_and_the_old_one_stays),
		cmocka_unit_test(
		    a_long_wrong_value_does_not_hide_what_is_wrong),
		cmocka_unit_test(an_empty_text_resets_to_the_default),
		cmocka_unit_test(members_have_the_type_of_their_row),
		cmocka_unit_test(a_copy_is_equal_and_its_own),
		cmocka_unit_test(a_secret_is_hidden_unless_it_is_asked_for),
		cmocka_unit_test(
		    a_row_without_a_variable_gets_one_from_section_and_key),
		cmocka_unit_test(
		    a_secret_comes_from_a_value_a_file_or_a_command),
		cmocka_unit_test(a_secret_that_cannot_be_had_is_a_problem),
		cmocka_unit_test(
		    a_value_file_may_have_neither_nul_bytes_nor_too_many),
		cmocka_unit_test(
		    an_empty_value_file_of_what_is_no_secret_counts_as_unset),
		cmocka_unit_test(
		    a_binary_file_becomes_base64_where_the_row_says_so),
		cmocka_unit_test(a_binary_file_that_is_long_survives_a_dump),
		cmocka_unit_test(a_store_has_its_own_secret_and_dump_hides_it),
		cmocka_unit_test(no_problem_shows_a_secret),
		cmocka_unit_test(
	    a_dump_hides_secrets_so_that_they_are_not_set_when_it_is_read),
		cmocka_unit_test(
		    any_text_survives_a_dump_but_blanks_at_the_end_of_a_line),
	};

	return cmocka_run_group_tests(tests, make_paths, remove_paths);
}
