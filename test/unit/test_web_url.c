#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
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
what_may_be_a_token_is_masked(void **state)
{
	static const struct {
		const char *text, *masked;
	} cases[] = {
		{ "pass/word pass%2Fword", "*** ***" },
		{ "a-long-user-name user", "*** user" },
		{ "0123456789abcdef", "***" },
		{ "long?path?piece long%3fpath%3Fpiece", "*** ***" },
		{ "token-of-the-query", "***" },
		{ "metrics pushgateway name", "metrics pushgateway name" },
	};
	CLEANUP(web_url_free) struct web_url url = { 0 };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(web_url_parse("https://a-long-user-name:pass%2Fword@h/"
	    "metrics/pushgateway/0123456789abcdef/long%3Fpath%3fpiece"
	    "?name=token-of-the-query", &url, &err), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *masked = NULL;

		assert_int_equal(log_mask(cases[i].text, &masked, &err), 0);
		assert_string_equal(masked, cases[i].masked);
	}
	log_close();
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
		"http://[]/secret", "http://[]secret/", "http://[::1]secret/",
		"http://sec ret/",
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

static void
host_port_and_scheme_can_be_compared(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		bool tls;
	} cases[] = {
		{ "http://h", "h", 80, false },
		{ "https://u:1@Ab.c_d/:5", "Ab.c_d", 443, true },
		{ "HTTP://h:443/", "h", 443, false },
		{ "https://[::1]:65535", "[::1]", 65535, true },
		{ "https://[1:2::3]?:5", "[1:2::3]", 443, true },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(web_url_free) struct web_url url = { 0 };

		assert_int_equal(web_url_parse(cases[i].text, &url, &err), 0);
		assert_string_equal(url.host, cases[i].host);
		assert_int_equal(url.port, cases[i].port);
		assert_int_equal(url.tls, cases[i].tls);
	}
}

static void
what_must_be_encoded_is_where_others_wrote_it(void **state)
{
	CLEANUP(web_url_free) struct web_url url = { 0 };
	struct web_url none = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(web_url_parse_loose("http://h/a b\n/\xc3\xa4%2f"
	    "?x= \x7f#\xff", &url, &err), 0);
	assert_string_equal(url.path, "/a%20b%0A/%C3%A4%2f");
	assert_string_equal(url.query, "x=%20%7F");
	assert_int_equal(web_url_parse_loose("http://\xc3\xa4/", &none, &err),
	    -1);
	assert_int_equal(web_url_parse_loose("http://u u@h/", &none, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
}

static void
a_reference_means_what_rfc_3986_says(void **state)
{
	static const struct {
		const char *from, *reference, *to;
	} cases[] = {
		{ "http://a/b/c/d?q", "g", "http://a/b/c/g" },
		{ "http://a/b/c/d?q", "g/", "http://a/b/c/g/" },
		{ "http://a/b/c/d?q", "/g", "http://a/g" },
		{ "http://a/b/c/d?q", "//g:8/x", "http://g:8/x" },
		{ "https://a/b/c/d?q", "//g", "https://g" },
		{ "http://a/b/c/d?q", "?y", "http://a/b/c/d?y" },
		{ "http://a/b/c/d?q", "g?y", "http://a/b/c/g?y" },
		{ "http://a/b/c/d?q", "#s", "http://a/b/c/d?q" },
		{ "http://a/b/c/d?q", "", "http://a/b/c/d?q" },
		{ "http://a/b/c/d?q", "g#s/./x", "http://a/b/c/g" },
		{ "http://a/b/c/d?q/r", "g y", "http://a/b/c/g%20y" },
		{ "http://a/b/c/d?q", "HTTPS://x?y", "https://x?y" },
		{ "http://a/b/c/d?q", "x/http://y", "http://a/b/c/x/http://y" },
		{ "http://u:p@a", "g", "http://a/g" },
		{ "http://a?q", "?y", "http://a?y" },
		{ "http://a?q", "", "http://a?q" },
		/* left for the server */
		{ "http://a/b/c/d", "../g", "http://a/b/c/../g" },
	};
	static const char *const wrong[] = { "x:8/", "ftp://a/", "//", "http:g",
		"http:///x", "//a b/" };
	struct err err = ERR_INIT;
	struct web_url none = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(web_url_free) struct web_url from = { 0 };
		CLEANUP(web_url_free) struct web_url to = { 0 };
		CLEANUP(web_url_wipe) char *made = NULL;

		assert_int_equal(web_url_parse(cases[i].from, &from, &err), 0);
		if (web_url_resolve(&from, cases[i].reference, &to, &err) < 0)
			fail_msg("'%s': %s", cases[i].reference, err.msg);
		assert_int_equal(web_url_make(&to, NULL, NULL, &made, &err), 0);
		assert_string_equal(made, cases[i].to);
		assert_null(to.user);
	}
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CLEANUP(web_url_free) struct web_url from = { 0 };

		assert_int_equal(web_url_parse("http://h/a", &from, &err), 0);
		if (web_url_resolve(&from, wrong[i], &none, &err) == 0)
			fail_msg("'%s' was taken", wrong[i]);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_url_is_taken_apart_and_put_together),
		cmocka_unit_test(
		    slashes_at_the_end_stay_only_where_nothing_is_added),
		cmocka_unit_test(what_may_be_a_token_is_masked),
		cmocka_unit_test(what_is_no_url_is_refused_without_showing_it),
		cmocka_unit_test(host_port_and_scheme_can_be_compared),
		cmocka_unit_test(what_must_be_encoded_is_where_others_wrote_it),
		cmocka_unit_test(a_reference_means_what_rfc_3986_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
