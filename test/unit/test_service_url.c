#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/report/service_url.h"

#define N(array) (sizeof (array) / sizeof (array)[0])

/* "a|b|c"; what is missing is "-". */
static void
join(struct str *s, const struct strlist *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		str_addf(s, "%s%s", i != 0 ? "|" : "", list->v[i]);
}

/* scheme plus user password host port path fragment [segments] {query} */
static char *
show(const struct service_url *url)
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	char *shown = NULL;
	size_t i;

	str_addf(&s, "%s %s %s %s <%s> %u <%s> %s [", url->scheme,
	    url->plus != NULL ? url->plus : "-",
	    url->user != NULL ? url->user : "-",
	    url->password != NULL ? url->password : "-", url->host, url->port,
	    url->path, url->fragment != NULL ? url->fragment : "-");
	join(&s, &url->segments);
	str_add(&s, "] {");
	for (i = 0; i < url->query.keys.n; i++)
		str_addf(&s, "%s%s=%s", i != 0 ? "&" : "",
		    url->query.keys.v[i], url->query.values.v[i]);
	str_add(&s, "}");
	assert_int_equal(str_take(&s, &shown, &err), 0);
	return shown;
}

static void
an_url_is_read_as_go_reads_it(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} cases[] = {
		{ "logger://", "logger - - - <> 0 <> - [] {}" },
		{ "NTFY://Ntfy.SH/Topic",
		  "ntfy - - - <Ntfy.SH> 0 </Topic> - [Topic] {}" },
		{ "generic+HTTPS://h:8080/a/b",
		  "generic https - - <h> 8080 </a/b> - [a|b] {}" },
		{ "a+b+c://h", "a b+c - - <h> 0 <> - [] {}" },
		{ "s.1-x://h", "s.1-x - - - <h> 0 <> - [] {}" },
		{ "discord://tok_en-1@123", "discord - tok_en-1 - <123> 0 <> "
		  "- [] {}" },
		/* the last @, the first colon */
		{ "s://a@b:c:d@e@h", "s - a@b c:d@e <h> 0 <> - [] {}" },
		{ "s://:key@h", "s -  key <h> 0 <> - [] {}" },
		{ "s://u:@h", "s - u  <h> 0 <> - [] {}" },
		{ "s://@h", "s -  - <h> 0 <> - [] {}" },
		{ "s://u:p@", "s - u p <> 0 <> - [] {}" },
		/* @ and colon behind the slash are the path's */
		{ "s://h/a@b:c", "s - - - <h> 0 </a@b:c> - [a@b:c] {}" },
		{ "slack://hook:T-B-X@webhook",
		  "slack - hook T-B-X <webhook> 0 <> - [] {}" },
		{ "twilio://S:T@+4912/+4913", "twilio - S T <+4912> 0 "
		  "</+4913> - [+4913] {}" },
		/* decoded once, the plus a blank in the query only */
		{ "s://a%40b:%3a%2B+%2541@h%C3%a4/x%2Fy/+%20?k+1=v+%2b%25",
		  "s - a@b :++%41 <h\xc3\xa4> 0 </x/y/+ > - [x/y|+ ] "
		  "{k 1=v +%}" },
		{ "s://h/\xc3\xa4 b", "s - - - <h> 0 </\xc3\xa4 b> - "
		  "[\xc3\xa4 b] {}" },
		/* the fragment goes first, then the query, then the rest */
		{ "s://h#a?b/c@d#e", "s - - - <h> 0 <> a?b/c@d#e [] {}" },
		{ "s://h#", "s - - - <h> 0 <>  [] {}" },
		{ "s://h?to=a/b@c:1?d#f", "s - - - <h> 0 <> f [] "
		  "{to=a/b@c:1?d}" },
		{ "s://h?", "s - - - <h> 0 <> - [] {}" },
		{ "teams://?host=https%3A%2F%2Fx.example%2Fy%3Fz%3D1",
		  "teams - - - <> 0 <> - [] {host=https://x.example/y?z=1}" },
		/* segments: empty ones left out, the path whole */
		{ "s://h/", "s - - - <h> 0 </> - [] {}" },
		{ "s://h//a///b//", "s - - - <h> 0 <//a///b//> - [a|b] {}" },
		/* the first of a key counts, a bare ; drops its pair */
		{ "s://h?a=1&b&&=e&a=2&c=x;y&d;=1&f=%3b",
		  "s - - - <h> 0 <> - [] {a=1&b=&=e&f=;}" },
		{ "s://h?a=b=c&t=%0a%09", "s - - - <h> 0 <> - [] "
		  "{a=b=c&t=\n\t}" },
		/* ports and addresses */
		{ "s://h:1", "s - - - <h> 1 <> - [] {}" },
		{ "s://h:65535", "s - - - <h> 65535 <> - [] {}" },
		{ "s://h:", "s - - - <h> 0 <> - [] {}" },
		{ "s://h:00025", "s - - - <h> 25 <> - [] {}" },
		{ "s://u@[::1]:80/x", "s - u - <[::1]> 80 </x> - [x] {}" },
		{ "s://[fe80::1%25eth0]", "s - - - <[fe80::1%eth0]> 0 <> - [] "
		  "{}" },
		{ "s://[::1]:", "s - - - <[::1]> 0 <> - [] {}" },
		{ "s://:80", "s - - - <> 80 <> - [] {}" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(service_url_free) struct service_url url =
		    SERVICE_URL_INIT;
		CLEANUP(cleanup_free) char *shown = NULL;

		if (service_url_parse(cases[i].text, &url, &err) < 0)
			fail_msg("'%s': %s", cases[i].text, err.msg);
		shown = show(&url);
		assert_string_equal(shown, cases[i].shown);
	}
}

static void
what_is_wrong_is_named_and_not_shown(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
#define NO_SCHEME "it does not begin with a scheme and '://'"
#define NO_PORT "the port is not a number from 1 to 65535"
		{ "", NO_SCHEME },
		{ "secret", NO_SCHEME },
		{ "secret:secret", NO_SCHEME },
		{ "secret:/secret", NO_SCHEME },
		{ "://secret", NO_SCHEME },
		{ "1s://secret", NO_SCHEME },
		{ "+s://secret", NO_SCHEME },
		{ "s_s://secret", NO_SCHEME },
		{ " s://secret", NO_SCHEME },
		{ "s\xc3\xa4://secret", NO_SCHEME },
		{ "s+://secret", "the scheme ends with a plus sign" },
		{ "s://h:secret", NO_PORT },
		{ "s://h:0", NO_PORT },
		{ "s://h:65536", NO_PORT },
		{ "s://h:99999999999999999999", NO_PORT },
		{ "s://h:-1", NO_PORT },
		{ "s://h:+1", NO_PORT },
		{ "s://h: 1", NO_PORT },
		{ "s://secret:1:2", NO_PORT },
		{ "s://[::1", "the host has no closing bracket" },
		{ "s://[::1]x", "the host goes on behind its bracket" },
		{ "s://[::1]:x", NO_PORT },
		{ "s://[sec ret]", "the host is no address in brackets" },
		{ "s://[%5d]", "the host is no address in brackets" },
		{ "s://secret%2Fx", "the host has a character that no host" },
		{ "s://secret%40x", "the host has a character that no host" },
		{ "s://secret%3a80", "the host has a character that no host" },
		{ "s://sec%20ret", "the host has a character that no host" },
		{ "s://sec ret", "the host has a character that no host" },
		{ "s://sec\\ret", "the host has a character that no host" },
		{ "s://%5Bsecret", "the host is no address in brackets" },
		{ "s://secret%:x@h", "the user has a '%' without" },
		{ "s://u:secret%4@h", "the password has a '%' without" },
		{ "s://secret%g0", "the host has a '%' without" },
		{ "s://h/secret%0g", "the path has a '%' without" },
		{ "s://h?secret%", "the query has a '%' without" },
		{ "s://h?secret=%2", "the query has a '%' without" },
		{ "s://h#secret%%41", "the fragment has a '%' without" },
		{ "s://sec%00ret@h", "the user has a control character" },
		{ "s://sec%0aret@h", "the user has a control character" },
		{ "s://u:sec\x01ret@h", "the password has a control" },
		{ "s://sec%7fret", "the host has a control character" },
		{ "s://h/sec%0d%0aret", "the path has a control character" },
		{ "s://h?secret=%00", "the query has a control character" },
		{ "s://h?secret=%0d", "the query has a control character" },
		{ "s://h?secret=a\nb", "the query has a control character" },
		{ "s://h#sec\tret", "the fragment has a control character" },
		{ "s://secret%ff@h", "the user is not UTF-8" },
		{ "s://u:\xc3@h", "the password is not UTF-8" },
		{ "s://%c3", "the host is not UTF-8" },
		{ "s://h/%ed%a0%80", "the path is not UTF-8" },
		/* each for itself, though both together were one */
		{ "s://h/%c3%2f%a4", "the path is not UTF-8" },
		{ "s://h?%c3=%a4", "the query is not UTF-8" },
		{ "s://h#\xf5", "the fragment is not UTF-8" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		struct service_url url = SERVICE_URL_INIT;
		struct err err = ERR_INIT;

		if (service_url_parse(cases[i].text, &url, &err) == 0)
			fail_msg("'%s' is good", cases[i].text);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (!str_starts(err.msg, cases[i].message))
			fail_msg("'%s': '%s'", cases[i].text, err.msg);
		assert_null(strstr(err.msg, "sec"));
		assert_null(url.scheme);
	}
}

static void
a_query_has_so_many_keys_and_no_more(void **state)
{
	CLEANUP(service_url_free) struct service_url url = SERVICE_URL_INIT;
	CLEANUP(str_free) struct str text = STR_INIT;
	struct service_url none = SERVICE_URL_INIT;
	struct err err = ERR_INIT;
	int i;

	(void)state;
	str_add(&text, "s://h?");
	for (i = 0; i < SERVICE_URL_KEYS; i++)
		str_addf(&text, "k%d=%d&k0=x&", i, i);
	assert_int_equal(service_url_parse(text.s, &url, &err), 0);
	assert_int_equal(url.query.keys.n, SERVICE_URL_KEYS);
	assert_string_equal(strmap_get(&url.query, "k0"), "0");
	str_add(&text, "more");
	assert_int_equal(service_url_parse(text.s, &none, &err), -1);
	assert_string_equal(err.msg, "the query has too many keys");
}

static void
a_huge_url_is_read(void **state)
{
	CLEANUP(service_url_free) struct service_url url = SERVICE_URL_INIT;
	CLEANUP(str_free) struct str text = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	str_add(&text, "s://u:");
	for (i = 0; i < 100000; i++)
		str_add(&text, "%41");
	str_add(&text, "@h/");
	for (i = 0; i < 10000; i++)
		str_add(&text, "/x");
	assert_int_equal(service_url_parse(text.s, &url, &err), 0);
	assert_int_equal(strlen(url.password), 100000);
	assert_int_equal(url.segments.n, 10000);
}

static void
freed_is_empty_and_may_be_freed_again(void **state)
{
	struct service_url url = SERVICE_URL_INIT;
	struct err err = ERR_INIT;

	(void)state;
	service_url_free(&url);
	assert_int_equal(service_url_parse("s+p://u:p@h/a?b=c#d", &url, &err),
	    0);
	service_url_free(&url);
	assert_null(url.scheme);
	assert_int_equal(url.segments.n + url.query.keys.n, 0);
	service_url_free(&url);
}

static bool
known(const char *scheme, size_t n)
{
	static const char *const names[] = { "slack", "smtp", "ntfy",
		"generic" };
	size_t i;

	for (i = 0; i < N(names); i++)
		if (strlen(names[i]) == n &&
		    strncasecmp(names[i], scheme, n) == 0)
			return true;
	return false;
}

static void
a_list_is_split_where_urls_begin(void **state)
{
	static const struct {
		const char *text;
		const char *urls;	/* with | between */
	} cases[] = {
		{ "", "" },
		{ " \n,\r\n\t,,", "" },
		{ "slack://a", "slack://a" },
		{ " slack://a\r\n\n ntfy://b \n", "slack://a|ntfy://b" },
		{ "slack://a,ntfy://b", "slack://a|ntfy://b" },
		{ "slack://a ,\t NTFY://b", "slack://a|NTFY://b" },
		{ "slack://a,generic+https://b",
		  "slack://a|generic+https://b" },
		{ "slack://a,,ntfy://b,", "slack://a|ntfy://b" },
		{ ", slack://a , , ntfy://b ,, \n", "slack://a|ntfy://b" },
		/* commas that are the URL's own */
		{ "smtp://h?to=a@x,b@y,ntfy://b",
		  "smtp://h?to=a@x,b@y|ntfy://b" },
		{ "smtp://h?to=a@x,slack+tag@y",
		  "smtp://h?to=a@x,slack+tag@y" },
		{ "smtp://h?to=a,,b", "smtp://h?to=a,,b" },
		{ "s://h?d=a:b,slack:c", "s://h?d=a:b,slack:c" },
		{ "s://h?d=a,slacks://x", "s://h?d=a,slacks://x" },
		{ "s://h?d=a,xslack://x", "s://h?d=a,xslack://x" },
		{ "s://h?d=a,slack", "s://h?d=a,slack" },
		{ "s://h?d=a,slack:", "s://h?d=a,slack:" },
		{ "s://h?d=a,slack+", "s://h?d=a,slack+" },
		{ "s://h?d=a b", "s://h?d=a b" },
		/* others are left for who parses them */
		{ "nonsense\nunknown://x,slack://a",
		  "nonsense|unknown://x|slack://a" },
		{ "slack://a;ntfy://b", "slack://a;ntfy://b" },
		{ "slack://\xff,ntfy://b", "slack://\xff|ntfy://b" },
		{ "slack://a\n ,smtp://b", "slack://a|smtp://b" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(strlist_free) struct strlist urls = STRLIST_INIT;
		CLEANUP(str_free) struct str joined = STR_INIT;

		assert_int_equal(service_urls_split(cases[i].text, known,
		    &urls, &err), 0);
		str_add(&joined, "");
		join(&joined, &urls);
		assert_string_equal(joined.s, cases[i].urls);
	}
}

static void
a_long_list_is_split(void **state)
{
	CLEANUP(strlist_free) struct strlist urls = STRLIST_INIT;
	CLEANUP(str_free) struct str text = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		str_add(&text, ",,");
	for (i = 0; i < 1000; i++)
		str_add(&text, "ntfy://x?a=1,2,3,,");
	assert_int_equal(service_urls_split(text.s, known, &urls, &err), 0);
	assert_int_equal(urls.n, 1000);
	assert_string_equal(urls.v[999], "ntfy://x?a=1,2,3");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_url_is_read_as_go_reads_it),
		cmocka_unit_test(what_is_wrong_is_named_and_not_shown),
		cmocka_unit_test(a_query_has_so_many_keys_and_no_more),
		cmocka_unit_test(a_huge_url_is_read),
		cmocka_unit_test(freed_is_empty_and_may_be_freed_again),
		cmocka_unit_test(a_list_is_split_where_urls_begin),
		cmocka_unit_test(a_long_list_is_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
