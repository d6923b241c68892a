#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/report/web_url.h"

static void
an_url_is_taken_apart_and_put_together(void **state)
{
	static const struct {
		const char *text, *base, *user, *password, *path, *query;
		const char *with_more;	/* "/m" and "q=1" */
	} cases[] = {
		{ "http://h", "http://h", NULL, NULL, "", NULL,
		  "http://h/m?q=1" },
		{ "HTTPS://H:8443/", "https://H:8443", NULL, NULL, "/", NULL,
		  "https://H:8443/m?q=1" },
		{ "http://h/a%2Fb//c//?x=1&y#f?g", "http://h", NULL, NULL,
		  "/a%2Fb//c//", "x=1&y", "http://h/a%2Fb//c/m?x=1&y&q=1" },
		{ "http://h?", "http://h", NULL, NULL, "", "",
		  "http://h/m?q=1" },
		{ "http://h#/a?b", "http://h", NULL, NULL, "", NULL,
		  "http://h/m?q=1" },
		{ "http://h/a?b/c?d/", "http://h", NULL, NULL, "/a", "b/c?d/",
		  "http://h/a/m?b/c?d/&q=1" },
		{ "http://u@h/", "http://h", "u", NULL, "/", NULL,
		  "http://h/m?q=1" },
		{ "http://u:@h/", "http://h", "u", "", "/", NULL,
		  "http://h/m?q=1" },
		{ "http://u%40x:p%3a:%2F@@[::1]:80/p", "http://[::1]:80",
		  "u@x", "p::/@", "/p", NULL, "http://[::1]:80/p/m?q=1" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(web_url_free) struct web_url url = { 0 };
		CLEANUP(cleanup_free) char *made = NULL;

		if (web_url_parse(cases[i].text, &url, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.msg);
		assert_string_equal(url.base, cases[i].base);
		assert_string_equal(url.path, cases[i].path);
		assert_string_equal(url.user != NULL ? url.user : "-",
		    cases[i].user != NULL ? cases[i].user : "-");
		assert_string_equal(url.password != NULL ? url.password : "-",
		    cases[i].password != NULL ? cases[i].password : "-");
		assert_string_equal(url.query != NULL ? url.query : "-",
		    cases[i].query != NULL ? cases[i].query : "-");
		assert_int_equal(web_url_make(&url, "/m", "q=1", &made, &err),
		    0);
		assert_string_equal(made, cases[i].with_more);
	}
}

static void
slashes_at_the_end_stay_only_where_nothing_is_added(void **state)
{
	CLEANUP(web_url_free) struct web_url url = { 0 };
	CLEANUP(cleanup_free) char *as_is = NULL;
	CLEANUP(cleanup_free) char *cut = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(web_url_parse("http://h/a//?b", &url, &err), 0);
	assert_int_equal(web_url_make(&url, NULL, NULL, &as_is, &err), 0);
	assert_string_equal(as_is, "http://h/a//?b");
	assert_int_equal(web_url_make(&url, "", NULL, &cut, &err), 0);
	assert_string_equal(cut, "http://h/a?b");
}

static void
what_is_no_url_is_refused_without_showing_it(void **state)
{
	static const char *const cases[] = {
		"", "secret", "ftp://secret/", "http:/secret", "http://",
		"http:///secret", "https://?secret", "http://secret@",
		"http://h:secret/", "http://h:/secret", "http://h:0/secret",
		"http://h:65536/secret", "http://h:99999999999999999999/secret",
		"http://h:80x/secret", "http://secret:80:80/", "http://[::1/",
		"http://[]secret/", "http://[::1]secret/", "http://sec ret/",
		"http://h/sec\tret", "http://h/secret\n", "http://h/\xc3\xa4",
		"http://h/secret\x7f", "http://sec%72et/",
		"http://%zzsecret@h/", "http://u:secret%@h/",
		"http://u:secret%4@h/", "http://u:secret%00@h/",
		"http://secret%3a@h/", "http://secret\\h/", " http://secret",
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct web_url url = { 0 };

		if (web_url_parse(cases[i], &url, &err) == 0)
			fail_msg("'%s' was taken", cases[i]);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_null(strstr(err.msg, "secret"));
		assert_true(strncmp(err.msg, "the URL ", 8) == 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_url_is_taken_apart_and_put_together),
		cmocka_unit_test(
		    slashes_at_the_end_stay_only_where_nothing_is_added),
		cmocka_unit_test(what_is_no_url_is_refused_without_showing_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
