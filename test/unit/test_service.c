/*
 * The groups are the test's own: what it defines is not taken from the library.
 */
#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service.h"
#include "test/unit/recorder.h"

#define N(array) (sizeof (array) / sizeof (array)[0])

static int
check_host(struct service_target *target, struct err *err)
{
	if (*target->url.host == '\0')
		return err_set(err, ERR_CONFIG, "the host is missing");
	if (*target->url.path != '\0')
		return 0;
	free(target->url.path);
	target->url.path = NULL;
	return str_dup("/filled", &target->url.path, err);
}

/* "SCHEME|TITLE|" is what it sent. */
static struct str sent = STR_INIT;

static int
send_down(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	(void)courier;
	if (strcmp(target->url.host, "down") == 0)
		return err_set(err, ERR_REFUSED, "down again");
	str_addf(&sent, "%s|%s|", target->service->scheme, message->title);
	return 0;
}

static const char *const levels[] = { "Low", "High", NULL };
static const struct service_key full_keys[] = {
	{ .name = "text", .alias = "subject", .type = KEY_TEXT,
	  .def = "as usual" },
	{ .name = "disabletls", .type = KEY_BOOL, .def = "No" },
	{ .name = "flag", .type = KEY_BOOL },
	{ .name = "number", .type = KEY_INT, .def = "0x10", .min = -2,
	  .max = 100 },
	{ .name = "any", .type = KEY_INT },
	{ .name = "level", .type = KEY_CHOICE, .choices = levels },
	{ .name = "list", .alias = "names", .type = KEY_LIST },
	{ .name = NULL }
};
static const struct service_key needy_keys[] = {
	{ .name = "to", .alias = "rcpt", .type = KEY_LIST, .required = true },
	{ .name = "from", .type = KEY_TEXT, .required = true },
	{ .name = NULL }
};
static const struct service_key exact_keys[] = {
	{ .name = "key", .type = KEY_BOOL },
	{ .name = "scheme", .type = KEY_TEXT },
	{ .name = NULL }
};
static const struct service_key wrong_keys[] = {
	{ .name = "number", .type = KEY_INT, .def = "none" },
	{ .name = NULL }
};

const struct service service_chat[] = {
	{ .scheme = "full", .also = "other", .keys = full_keys,
	  .send = send_down },
	{ .scheme = "needy", .keys = needy_keys, .send = send_down },
	{ .scheme = NULL }
};
const struct service service_talk[] = { { .scheme = NULL } };
const struct service service_push[] = {
	{ .scheme = "exact", .keys = exact_keys, .send = send_down,
	  .flags = SERVICE_EXACT_KEYS | SERVICE_ANY_KEYS | SERVICE_PLUS },
	{ .scheme = NULL }
};
const struct service service_alert[] = {
	{ .scheme = "open", .flags = SERVICE_ANY_KEYS, .send = send_down },
	{ .scheme = "semi", .also = "colon", .send = send_down,
	  .flags = SERVICE_ANY_KEYS | SERVICE_SEMICOLONS | SERVICE_PLUS },
	{ .scheme = "plain", .send = send_down, .check = check_host },
	{ .scheme = NULL }
};
const struct service service_plain[] = {
	{ .scheme = "wrong", .keys = wrong_keys, .send = send_down },
	{ .scheme = NULL }
};
const struct service service_mail[] = {
	{ .scheme = "secret", .send = send_down,
	  .flags = SERVICE_SECRET_USER | SERVICE_SECRET_HOST |
	  SERVICE_SECRET_PATH | SERVICE_SECRET_QUERY | SERVICE_ANY_KEYS },
	{ .scheme = NULL }
};

static void
open_good(const char *url, struct service_target *ret)
{
	struct err err = ERR_INIT;

	if (service_open(url, ret, &err) < 0)
		fail_msg("'%s': %s", url, err.msg);
}

static char *
show_query(const struct strmap *query)
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	char *shown = NULL;
	size_t i;

	for (i = 0; i < query->keys.n; i++)
		str_addf(&s, "%s=%s;", query->keys.v[i], query->values.v[i]);
	assert_int_equal(str_take(&s, &shown, &err), 0);
	return shown;
}

static void
a_scheme_is_found_in_every_group_in_any_case(void **state)
{
	static const struct {
		const char *scheme;
		bool known;
	} cases[] = {
		{ "full", true }, { "FULL", true }, { "other", true },
		{ "exact", true }, { "open", true }, { "wrong", true },
		{ "Secret", true }, { "needy", true }, { "", false },
		{ "ful", false }, { "fullx", false }, { "x", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		assert_int_equal(service_known(cases[i].scheme,
		    strlen(cases[i].scheme)), cases[i].known);
	assert_true(service_known("full://x", 4));
	assert_false(service_known("full://x", 3));
	assert_false(service_known("full", 0));
}

static void
a_query_becomes_what_the_keys_say(void **state)
{
#define FULL(text, tls, number) "text=" text ";disabletls=" tls ";number=" \
	number ";"
	static const struct {
		const char *url;
		const char *query;
	} cases[] = {
		{ "full://h", FULL("as usual", "no", "16") },
		{ "other://h", FULL("as usual", "no", "16") },
		{ "full://h?DisableTLS=TRUE&Subject=S&NUMBER=-2",
		  "disabletls=yes;text=S;number=-2;" },
		/* the first of a key and its alias counts */
		{ "full://h?subject=1&text=2&Text=3", FULL("1", "no", "16") },
		{ "full://h?text=", FULL("", "no", "16") },
		{ "full://h?text&disabletls=1&number=%23a",
		  FULL("", "yes", "10") },
		{ "full://h?text=x&disabletls=Y&number=0X64",
		  FULL("x", "yes", "100") },
		{ "full://h?text=x&disabletls=n&number=%2b007",
		  FULL("x", "no", "7") },
		{ "full://h?text=x&disabletls=0&number=-0",
		  FULL("x", "no", "0") },
		{ "full://h?flag=false&any=9223372036854775807&level=HIGH",
		  "flag=no;any=9223372036854775807;level=High;"
		  FULL("as usual", "no", "16") },
		{ "full://h?any=-9223372036854775808&names=a,+b",
		  "any=-9223372036854775808;list=a, b;"
		  FULL("as usual", "no", "16") },
		{ "needy://h?rcpt=a&from=b", "to=a;from=b;" },
		{ "exact://h?key=y&KEY=y&Key=z&x", "key=yes;KEY=y;Key=z;x=;" },
		{ "open://h?Any=Thing&any=x", "Any=Thing;any=x;" },
		{ "plain://h/p", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(service_close) struct service_target target =
		    SERVICE_TARGET_INIT;
		CLEANUP(cleanup_free) char *shown = NULL;

		open_good(cases[i].url, &target);
		shown = show_query(&target.url.query);
		assert_string_equal(shown, cases[i].query);
	}
}

static void
what_is_wrong_names_the_scheme_and_shows_no_value(void **state)
{
	static const struct {
		const char *url;
		const char *message;
	} cases[] = {
		{ "", "it does not begin with a scheme and '://'" },
		{ "hunter2", "it does not begin with a scheme and '://'" },
		{ "full:hunter2", "it does not begin with a scheme" },
		{ "full://u:hunter2@h:x", "the port is not a number" },
		{ "nobody://hunter2", "nobody: there is no such service" },
		{ "full+https://h", "full: nothing can follow with a plus" },
		{ "exact+ftp://h", "exact: only http or https can follow" },
		{ "full://h?colour=hunter2", "full: unknown key 'colour'" },
		{ "full://h?hunter2.=1", "full: unknown key" },
		{ "full://h?hunter2hunter2hunter2hunter2", "full: unknown "
		  "key" },
		{ "full://h?=hunter2", "full: unknown key" },
		{ "plain://h?x=hunter2", "plain: unknown key 'x'" },
		{ "exact://h?key=hunter2", "exact: the value of 'key' is "
		  "neither yes nor no" },
		{ "full://h?flag=hunter2", "full: the value of 'flag' is "
		  "neither yes nor no" },
		{ "full://h?flag=", "full: the value of 'flag' is neither" },
		{ "full://h?number=hunter2", "full: the value of 'number' is "
		  "not a number" },
		{ "full://h?number=101", "full: the value of 'number' is out "
		  "of range" },
		{ "full://h?number=-3", "full: the value of 'number' is out" },
		{ "full://h?any=9223372036854775808", "full: the value of "
		  "'any' is out of range" },
		{ "full://h?any=", "full: the value of 'any' is not a" },
		{ "full://h?any=1x", "full: the value of 'any' is not a" },
		{ "full://h?any=+1", "full: the value of 'any' is not a" },
		{ "full://h?any=-", "full: the value of 'any' is not a" },
		{ "full://h?any=--1", "full: the value of 'any' is not a" },
		{ "full://h?any=0x", "full: the value of 'any' is not a" },
		{ "full://h?any=0x0x1", "full: the value of 'any' is not a" },
		{ "full://h?any=%23-1", "full: the value of 'any' is not a" },
		{ "full://h?any=-0x1", "full: the value of 'any' is not a" },
		{ "full://h?any=a", "full: the value of 'any' is not a" },
		{ "full://h?level=hunter2", "full: the value of 'level' is "
		  "none of Low, High" },
		{ "full://h?level=", "full: the value of 'level' is none" },
		{ "needy://h", "needy: 'to' is missing" },
		{ "needy://h?to=&from=a", "needy: 'to' is missing" },
		{ "needy://h?to=,+,&from=a", "needy: 'to' is missing" },
		{ "needy://h?to=a", "needy: 'from' is missing" },
		{ "needy://h?to=a&from=", "needy: 'from' is missing" },
		{ "plain:///hunter2", "plain: the host is missing" },
		{ "wrong://h", "wrong: the value of 'number' is not a" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		struct service_target target = SERVICE_TARGET_INIT;
		struct err err = ERR_INIT;

		if (service_open(cases[i].url, &target, &err) == 0)
			fail_msg("'%s' is good", cases[i].url);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (!str_starts(err.msg, cases[i].message))
			fail_msg("'%s': '%s'", cases[i].url, err.msg);
		assert_null(strstr(err.msg, "hunter2"));
		assert_null(target.service);
		assert_null(target.url.scheme);
	}
	log_close();
}

static void
a_check_may_fill_in(void **state)
{
	CLEANUP(service_close) struct service_target given =
	    SERVICE_TARGET_INIT;
	CLEANUP(service_close) struct service_target filled =
	    SERVICE_TARGET_INIT;

	(void)state;
	open_good("plain://h/p", &given);
	open_good("plain://h", &filled);
	assert_string_equal(given.url.path, "/p");
	assert_string_equal(filled.url.path, "/filled");
}

static void
values_are_got_by_their_kind(void **state)
{
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;

	(void)state;
	open_good("full://h?text=&disabletls=yes&level=low", &target);
	assert_null(service_get(&target, "text"));
	assert_null(service_get(&target, "flag"));
	assert_null(service_get(&target, "nokey"));
	assert_string_equal(service_get(&target, "level"), "Low");
	assert_true(service_is(&target, "disabletls"));
	assert_false(service_is(&target, "flag"));
	assert_int_equal(service_int(&target, "number"), 16);
	assert_int_equal(service_int(&target, "any"), 0);
}

static void
a_list_has_its_elements_and_no_blanks(void **state)
{
	static const struct {
		const char *url;
		const char *list;
	} cases[] = {
		{ "full://h", "" },
		{ "full://h?list=", "" },
		{ "full://h?list=,+,,", "" },
		{ "full://h?list=a", "a|" },
		{ "full://h?list=+a+,,b%20c%2cd,", "a|b c|d|" },
		{ "full://h?names=%c3%a4,%09b", "\xc3\xa4|b|" },
	};
	struct err err = ERR_INIT;
	size_t i, j;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(service_close) struct service_target target =
		    SERVICE_TARGET_INIT;
		CLEANUP(strlist_free) struct strlist list = STRLIST_INIT;
		CLEANUP(str_free) struct str joined = STR_INIT;

		open_good(cases[i].url, &target);
		assert_int_equal(service_list(&target, "list", &list, &err),
		    0);
		str_add(&joined, "");
		for (j = 0; j < list.n; j++)
			str_addf(&joined, "%s|", list.v[j]);
		assert_string_equal(joined.s, cases[i].list);
	}
}

static void
a_bare_semicolon_is_one_where_the_service_says_so(void **state)
{
	static const struct {
		const char *url, *query, *path;
	} cases[] = {
		{ "open://h/;?a=1;2&b=3", "b=3;", "/;" },
		{ "semi://h/;?a=1;2&b=3", "a=1;2;b=3;", "/;" },
		{ "COLON+https://h/?;=;;&a=%3b;", ";=;;;a=;;;", "/" },
		{ "semi://h/;", "", "/;" },
		{ "semi://h/?a=b#;?;", "a=b;", "/" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(service_close) struct service_target target =
		    SERVICE_TARGET_INIT;
		CLEANUP(cleanup_free) char *query = NULL;

		open_good(cases[i].url, &target);
		query = show_query(&target.url.query);
		assert_string_equal(query, cases[i].query);
		assert_string_equal(target.url.path, cases[i].path);
	}
}

static void
the_base_is_encrypted_unless_said_otherwise(void **state)
{
	static const struct {
		const char *url;
		const char *base;	/* NULL: it fails */
	} cases[] = {
		{ "full://h", "https://h" },
		{ "full://u:p@h:8080/x?disabletls=no", "https://h:8080" },
		{ "full://h:80?disabletls=yes", "http://h:80" },
		{ "full://[::1]:80", "https://[::1]:80" },
		/* of a service that has no such key it is somebody's own */
		{ "open://h?disabletls=yes", "https://h" },
		{ "exact+http://h", "http://h" },
		{ "exact+HTTPS://h:1", "https://h:1" },
		{ "open://", NULL },
		{ "open://:80/x", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(service_close) struct service_target target =
		    SERVICE_TARGET_INIT;
		CLEANUP(cleanup_free) char *base = NULL;
		struct err err = ERR_INIT;
		int rc;

		open_good(cases[i].url, &target);
		rc = service_base(&target, &base, &err);
		assert_int_equal(rc, cases[i].base != NULL ? 0 : -1);
		if (cases[i].base != NULL)
			assert_string_equal(base, cases[i].base);
		else
			assert_int_equal(err.kind, ERR_CONFIG);
	}
}

static void
is_masked(const char *text, const char *expected)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(log_mask(text, &masked, &err), 0);
	assert_string_equal(masked, expected);
}

static void
what_is_secret_is_masked(void **state)
{
	CLEANUP(service_close) struct service_target all =
	    SERVICE_TARGET_INIT;
	CLEANUP(service_close) struct service_target some =
	    SERVICE_TARGET_INIT;

	(void)state;
	log_close();
	open_good("secret://user:p%61ss@host/longsegment/channel?k=longvalue"
	    "&l=short", &all);
	is_masked("user pass host longsegment channel longvalue short",
	    "*** *** *** *** channel *** short");
	is_masked("at secret://user:p%61ss@host/longsegment/channel"
	    "?k=longvalue&l=short.", "at ***.");
	log_close();
	open_good("open://user:pass@host/longsegment?k=longvalue", &some);
	is_masked("user pass host longsegment longvalue",
	    "user *** host longsegment longvalue");
	log_close();
}

static void
a_bad_url_is_masked_and_a_bare_scheme_is_not(void **state)
{
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(service_open("tokenwithoutscheme", &target, &err),
	    -1);
	assert_int_equal(service_open("full://hunter2@h:x", &target, &err),
	    -1);
	assert_int_equal(service_open("secret://u:hunter3@h?%", &target, &err),
	    -1);
	assert_int_equal(service_open("full://u:hunter4@h?no=1", &target,
	    &err), -1);
	open_good("open://", &target);
	is_masked("tokenwithoutscheme full://hunter2@h:x "
	    "secret://u:hunter3@h?% hunter4 open://",
	    "*** *** *** *** open://");
	log_close();
}

static void
a_message_goes_to_its_service_and_errors_name_it(void **state)
{
	static const struct message message = { .title = "T", .body = "B" };
	CLEANUP(service_close) struct service_target good =
	    SERVICE_TARGET_INIT;
	CLEANUP(service_close) struct service_target down =
	    SERVICE_TARGET_INIT;
	struct courier courier = { .ca_more = NULL };
	struct err err = ERR_INIT;

	(void)state;
	open_good("other://h", &good);
	open_good("other://down", &down);
	assert_int_equal(service_send(&good, &message, &courier, &err), 0);
	assert_string_equal(sent.s, "full|T|");
	assert_int_equal(service_send(&down, &message, &courier, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(err.msg, "other: down again");
	str_free(&sent);
}

static void
json_goes_out_in_a_letter(void **state)
{
	static const struct recorder_answer answers[] = { { .status = 202 } };
	static const char *const headers[] = { "X: y", NULL };
	static const char *const expected[] = { "PUT https://h/\nX: y\n"
	    "basic u:\ntype application/json\n\n"
	    "{\"a\":\"\xc3\xa4\",\"b\":[1]}" };
	const struct letter letter = { .method = "PUT", .url = "https://h/",
	    .headers = headers, .user = "u" };
	CLEANUP(json_free) struct cJSON *json =
	    cJSON_Parse("{\"a\": \"\\u00e4\", \"b\": [1]}");
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	struct courier courier = { .ca_more = NULL };
	struct err err = ERR_INIT;

	(void)state;
	recorder_start(RECORDER_ANSWERS(answers));
	assert_int_equal(service_post_json(&courier, &letter, json, &answer,
	    &err), 0);
	assert_int_equal(answer.status, 202);
	assert_int_equal(service_post_json(&courier, &letter, NULL, &answer,
	    &err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	recorder_expect(expected, N(expected));
	recorder_end();
}

static void
an_answer_says_why(void **state)
{
	static const char *const members[] = { "error.message", "errors",
		"error", "message", NULL };
	static const struct {
		long status;
		const char *body;
		bool json;
		const char *message;	/* NULL: it is good */
	} cases[] = {
		{ 200, "whatever", true, NULL },
		{ 204, "", false, NULL },
		{ 199, "", false, "refused with status 199" },
		{ 205, "", true, "refused with status 205" },
		{ 0, "", true, "refused with status 0" },
		{ 404, "no such hook\r\nmore", false,
		  "refused with status 404: no such hook" },
		{ 404, "\n\t no\x1b[1m\xff\n", false,
		  "refused with status 404: no [1m?" },
		{ 502, " \n<!DOCTYPE html>\n", true,
		  "refused with status 502" },
		{ 400, "{\"message\":\"m\",\"error\":\"e\"}", true,
		  "refused with status 400: e" },
		{ 400, "{\"error\":{\"message\":\"deep\"}}", true,
		  "refused with status 400: deep" },
		{ 400, "{\"errors\":[\"first\",\"second\"]}", true,
		  "refused with status 400: first" },
		{ 400, "{\"error\":\"\",\"errors\":[],\"message\":\"m\\nn\"}",
		  true, "refused with status 400: m" },
		{ 400, "{\"error\":5,\"message\":null}", true,
		  "refused with status 400: {\"error\":5,\"message\":null}" },
		{ 400, "[\"x\"]", true, "refused with status 400: [\"x\"]" },
		{ 400, "\"x\"", true, "refused with status 400: \"x\"" },
		{ 400, "{\"message\":\"m\"}", false,
		  "refused with status 400: {\"message\":\"m\"}" },
		{ 400, "{broken", true, "refused with status 400: {broken" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(http_response_free) struct http_response answer =
		    HTTP_RESPONSE_INIT;
		struct err err = ERR_INIT;
		int rc;

		answer.status = cases[i].status;
		assert_int_equal(str_dup(cases[i].body, &answer.body, &err),
		    0);
		answer.body_len = strlen(answer.body);
		rc = service_expect(&answer, 200, 204,
		    cases[i].json ? members : NULL, &err);
		assert_int_equal(rc, cases[i].message == NULL ? 0 : -1);
		if (cases[i].message == NULL)
			continue;
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static void
a_long_answer_is_cut(void **state)
{
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	answer.status = 500;
	answer.body_len = 65536;
	answer.body = malloc(answer.body_len + 1);
	assert_non_null(answer.body);
	memset(answer.body, 'x', answer.body_len);
	answer.body[answer.body_len] = '\0';
	assert_int_equal(service_expect(&answer, 200, 299, NULL, &err), -1);
	assert_int_equal(strlen(err.msg), strlen("refused with status 500: ") +
	    300);
	assert_true(str_ends(err.msg, "xxx..."));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scheme_is_found_in_every_group_in_any_case),
		cmocka_unit_test(a_query_becomes_what_the_keys_say),
		cmocka_unit_test(
		    what_is_wrong_names_the_scheme_and_shows_no_value),
		cmocka_unit_test(a_check_may_fill_in),
		cmocka_unit_test(values_are_got_by_their_kind),
		cmocka_unit_test(a_list_has_its_elements_and_no_blanks),
		cmocka_unit_test(
		    a_bare_semicolon_is_one_where_the_service_says_so),
		cmocka_unit_test(the_base_is_encrypted_unless_said_otherwise),
		cmocka_unit_test(what_is_secret_is_masked),
		cmocka_unit_test(a_bad_url_is_masked_and_a_bare_scheme_is_not),
		cmocka_unit_test(
		    a_message_goes_to_its_service_and_errors_name_it),
		cmocka_unit_test(json_goes_out_in_a_letter),
		cmocka_unit_test(an_answer_says_why),
		cmocka_unit_test(a_long_answer_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
