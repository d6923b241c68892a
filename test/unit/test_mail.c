#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/base64.h"
#include "lib/base/str.h"
#include "lib/report/mail.h"
#include "lib/report/service_url.h"

static char one[] = "root@example.org", two[] = "ops+night@example.com",
    three[] = "root";
static char *everybody[] = { one, two, three };
static const struct strlist to_one = { everybody, 1 };
static const struct strlist to_all = { everybody, 3 };

static char *
format(const struct mail *mail, const struct message *message)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	if (mail_format(mail, message, &text, &err) < 0)
		fail_msg("%s", err.msg);
	return text;
}

static char *
with_subject(const char *title)
{
	struct mail mail = { .from = one, .to = &to_one };
	struct message message = { .title = title, .body = "x", .host = "h" };

	return format(&mail, &message);
}

static char *
with_body(const char *body)
{
	struct mail mail = { .from = one, .to = &to_one };
	struct message message = { .title = "t", .body = body, .host = "h" };

	return format(&mail, &message);
}

/* The value of a header, unfolded, in whole: caller frees; NULL if the mail has
 * none. Twice is a failure. */
static char *
header(const char *text, const char *name)
{
	const char *end = strstr(text, "\r\n\r\n"), *p = text;
	struct str value = STR_INIT;
	struct err err = ERR_INIT;
	bool found = false, in = false;
	char *ret = NULL;
	size_t n;

	for (; p < end; p += n + 2) {
		n = (size_t)(strstr(p, "\r\n") - p);
		if (*p == ' ') {
			if (in)
				str_addn(&value, p, n);
			continue;
		}
		in = strncmp(p, name, strlen(name)) == 0 &&
		    str_starts(p + strlen(name), ":");
		if (in) {
			assert_false(found);
			found = true;
			str_addn(&value, p + strlen(name) + 1,
			    n - strlen(name) - 1);
		}
	}
	if (!found)
		return NULL;
	assert_int_equal(str_take(&value, &ret, &err), 0);
	memmove(ret, str_trim(ret), strlen(str_trim(ret)) + 1);
	return ret;
}

static void
has_header(const char *text, const char *name, const char *expected)
{
	CLEANUP(cleanup_free) char *value = header(text, name);

	if (expected == NULL) {
		assert_null(value);
		return;
	}
	assert_non_null(value);
	assert_string_equal(value, expected);
}

/* What the words of RFC 2047 say, joined; each is whole UTF-8 by itself and
 * has at most 75 characters. */
static void
decode_words(const char *value, struct str *ret)
{
	static const char start[] = "=?UTF-8?B?";
	struct err err = ERR_INIT;

	while (*value != '\0') {
		CLEANUP(cleanup_free) unsigned char *bytes = NULL;
		CLEANUP(cleanup_free) char *digits = NULL;
		const char *end;
		size_t n = 0;

		assert_true(str_starts(value, start));
		end = strstr(value + strlen(start), "?=");
		assert_non_null(end);
		assert_true(end + 2 - value <= 75);
		digits = strndup(value + strlen(start),
		    (size_t)(end - value) - strlen(start));
		assert_int_equal(base64_decode(digits, &bytes, &n, &err), 0);
		assert_int_equal(strlen((char *)bytes), n);
		assert_true(n != 0);
		assert_true(str_is_utf8((char *)bytes));
		str_addn(ret, bytes, n);
		value = end + 2;
		value += *value == ' ';
	}
	str_add(ret, "");
}

/* Every line ends with CRLF, has 76 characters at most, and is ASCII. */
static void
is_well_formed(const char *text)
{
	const char *p = text;
	size_t n;

	assert_non_null(strstr(text, "\r\n\r\n"));
	for (; *p != '\0'; p += n + 2) {
		n = strcspn(p, "\r\n");
		assert_true(n <= 76);
		assert_true(p[n] == '\r' && p[n + 1] == '\n');
		for (const char *c = p; c < p + n; c++)
			assert_true(*c >= ' ' && *c <= '~');
	}
}

/* The text of a part that begins with these headers. */
static char *
part(const char *text, const char *type)
{
	CLEANUP(cleanup_free) char *digits = NULL;
	CLEANUP(cleanup_free) char *start = NULL;
	unsigned char *bytes = NULL;
	struct err err = ERR_INIT;
	const char *p;
	size_t n = 0;

	assert_int_equal(str_format(&start, &err, "Content-Type: text/%s; "
	    "charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
	    type), 0);
	p = strstr(text, start);
	assert_non_null(p);
	p += strlen(start);
	digits = strndup(p, strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"));
	assert_int_equal(base64_decode(digits, &bytes, &n, &err), 0);
	assert_int_equal(strlen((char *)bytes), n);
	return (char *)bytes;
}

static void
a_mail_has_these_headers_and_no_others(void **state)
{
	struct mail mail = { .from = one, .from_name = "Night & day",
	    .to = &to_all };
	struct message message = { .title = "Success on host",
	    .body = "line 1\nline 2", .host = "host.example",
	    .time = 1795402800 };
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *id = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	const char *p, *end;
	int n = 0;

	(void)state;
	assert_int_equal(setenv("TZ", "XXX-5:30", 1), 0);
	text = format(&mail, &message);
	is_well_formed(text);
	has_header(text, "From", "Night & day <root@example.org>");
	has_header(text, "To", "root@example.org, ops+night@example.com, "
	    "root");
	has_header(text, "Subject", "Success on host");
	has_header(text, "Date", "Mon, 23 Nov 2026 08:30:00 +0530");
	has_header(text, "Auto-Submitted", "auto-generated");
	has_header(text, "MIME-Version", "1.0");
	has_header(text, "Content-Type", "text/plain; charset=UTF-8");
	has_header(text, "Content-Transfer-Encoding", "base64");
	has_header(text, "X-Priority", NULL);
	id = header(text, "Message-ID");
	assert_non_null(id);
	assert_true(str_ends(id, "@example.org>"));
	assert_int_equal(strlen(id), strlen("<@example.org>") + 32);
	end = strstr(text, "\r\n\r\n");
	for (p = text; p < end; p = strstr(p, "\r\n") + 2)
		n += *p != ' ';
	assert_int_equal(n, 9);
	body = part(text, "plain");
	assert_string_equal(body, "line 1\r\nline 2\r\n");
}

static void
dates_are_right_in_every_zone_and_year(void **state)
{
	static const struct {
		const char *zone;
		time_t time;
		const char *date;
	} cases[] = {
		{ "UTC0", 0, "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ "XXX3:30", 951782400, "Mon, 28 Feb 2000 20:30:00 -0330" },
		{ "UTC0", 951782400, "Tue, 29 Feb 2000 00:00:00 +0000" },
		{ "UTC0", -1, "Wed, 31 Dec 1969 23:59:59 +0000" },
		/* What the form has no room for. */
		{ "UTC0", INT64_MAX, "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ "UTC0", INT64_C(253402300800),
		  "Thu, 1 Jan 1970 00:00:00 +0000" },
		{ "UTC0", INT64_MIN, "Thu, 1 Jan 1970 00:00:00 +0000" },
	};
	struct mail mail = { .from = one, .to = &to_one };
	struct message message = { .title = "t", .body = "x" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *text = NULL;

		assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
		message.time = cases[i].time;
		text = format(&mail, &message);
		has_header(text, "Date", cases[i].date);
	}
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
}

static void
only_a_failure_is_urgent(void **state)
{
	struct mail mail = { .from = one, .to = &to_one };
	struct message message = { .title = "t", .body = "x" };
	enum outcome outcome;

	(void)state;
	for (outcome = OUTCOME_SUCCESS; outcome <= OUTCOME_FAILURE;
	    outcome++) {
		CLEANUP(cleanup_free) char *text = NULL;

		message.outcome = outcome;
		text = format(&mail, &message);
		has_header(text, "X-Priority",
		    outcome == OUTCOME_FAILURE ? "1" : NULL);
	}
}

static void
no_two_mails_have_the_same_number(void **state)
{
	CLEANUP(cleanup_free) char *first = with_subject("t");
	CLEANUP(cleanup_free) char *second = with_subject("t");
	CLEANUP(cleanup_free) char *first_id = header(first, "Message-ID");
	CLEANUP(cleanup_free) char *second_id = header(second, "Message-ID");

	(void)state;
	assert_string_not_equal(first_id, second_id);
}

static void
the_number_is_of_a_host_that_can_be_named(void **state)
{
	static const struct {
		const char *from;
		const char *host;
		const char *end;
	} cases[] = {
		{ "a@b.example", "host", "@b.example>" },
		{ "root", "host-1", "@host-1>" },
		{ NULL, "host-1", "@host-1>" },
		{ NULL, "a host\r\nBcc: x", "@localhost>" },
		{ NULL, "", "@localhost>" },
		{ NULL, NULL, "@localhost>" },
		{ "root", "k\xc3\xa4se", "@localhost>" },
	};
	struct message message = { .title = "t", .body = "x" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mail mail = { .from = cases[i].from, .to = &to_one };
		CLEANUP(cleanup_free) char *text = NULL;
		CLEANUP(cleanup_free) char *id = NULL;

		message.host = cases[i].host;
		text = format(&mail, &message);
		id = header(text, "Message-ID");
		assert_true(str_ends(id, cases[i].end));
		has_header(text, "From", cases[i].from);
	}
}

static void
plain_subjects_stay_as_they_are(void **state)
{
	static const char *const subjects[] = {
		"", "x", "Failure running vbackup at 2026-11-20T03:00:00+01:00",
		"=?", "a: b <c> \"d\" (e)",
		("sixty-seven characters and the header's "
		"name are a whole line xxxxx"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
		CLEANUP(cleanup_free) char *text = with_subject(subjects[i]);

		if (strcmp(subjects[i], "=?") != 0)
			has_header(text, "Subject", subjects[i]);
		is_well_formed(text);
	}
}

static void
other_subjects_are_words_that_cut_no_character(void **state)
{
	static const char *const pieces[] = { "x", "\xc3\xa4", "\xe2\x82\xac",
		"\xf0\x9f\x90\xb3", "a\xc3\xa4", "x\xe2\x82\xac " };
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
		for (len = 1; len < 400; len += len < 90 ? 1 : 37) {
			CLEANUP(str_free) struct str title = STR_INIT;
			CLEANUP(str_free) struct str got = STR_INIT;
			CLEANUP(cleanup_free) char *text = NULL;
			CLEANUP(cleanup_free) char *value = NULL;

			while (title.len < len)
				str_add(&title, pieces[i]);
			text = with_subject(title.s);
			is_well_formed(text);
			value = header(text, "Subject");
			if (!str_starts(value, "=?"))
				str_add(&got, value);
			else
				decode_words(value, &got);
			assert_string_equal(got.s, str_trim(title.s));
		}
}

static void
what_looks_encoded_is_encoded(void **state)
{
	static const char title[] = "=?UTF-8?B?aGE=?=";
	CLEANUP(cleanup_free) char *text = with_subject(title);
	CLEANUP(cleanup_free) char *value = header(text, "Subject");
	CLEANUP(str_free) struct str got = STR_INIT;

	(void)state;
	decode_words(value, &got);
	assert_string_equal(got.s, title);
}

static void
nothing_injects_a_header(void **state)
{
	static const struct {
		const char *text;
		const char *becomes;
	} cases[] = {
		{ "a\r\nBcc: evil@example.com", "a  Bcc: evil@example.com" },
		{ "a\nBcc: evil@example.com", "a Bcc: evil@example.com" },
		{ "a\rBcc: evil@example.com", "a Bcc: evil@example.com" },
		{ "\r\n\r\nbody", "body" },
		{ "a\x7f" "b\x01", "a b" },
		{ "a\xc2\x85" "Bcc: x", "a Bcc: x" },
		{ "bad \xff\xfe", "bad ??" },
	};
	struct message message = { .body = "x", .host = "h" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mail mail = { .from = one, .to = &to_one,
		    .from_name = cases[i].text };
		CLEANUP(cleanup_free) char *text = NULL;
		CLEANUP(cleanup_free) char *from = NULL;
		CLEANUP(str_free) struct str name = STR_INIT;
		const char *address;

		message.title = cases[i].text;
		text = format(&mail, &message);
		is_well_formed(text);
		has_header(text, "Subject", cases[i].becomes);
		has_header(text, "Bcc", NULL);
		from = header(text, "From");
		address = strstr(from, " <root@example.org>");
		assert_non_null(address);
		from[address - from] = '\0';
		if (str_starts(from, "=?"))
			decode_words(from, &name);
		else
			str_add(&name, from);
		assert_string_equal(name.s, cases[i].becomes);
	}
}

static void
a_name_is_one_phrase(void **state)
{
	static const struct {
		const char *name;
		bool encoded;
	} cases[] = {
		{ "vbackup", false }, { "v backup's", false },
		{ "Smith, John", true }, { "a <b@c>", true },
		{ "a \"b\"", true }, { "(c)", true }, { "a.b", true },
		{ "K\xc3\xa4se", true },
		{ "a name that alone would fill a line and more than that, "
		  "and then some words", true },
	};
	struct message message = { .title = "t", .body = "x", .host = "h" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct mail mail = { .from = one, .to = &to_one,
		    .from_name = cases[i].name };
		CLEANUP(cleanup_free) char *text = format(&mail, &message);
		CLEANUP(cleanup_free) char *from = header(text, "From");
		CLEANUP(str_free) struct str name = STR_INIT;

		assert_int_equal(str_starts(from, "=?"), cases[i].encoded);
		*strstr(from, " <root@example.org>") = '\0';
		if (cases[i].encoded)
			decode_words(from, &name);
		else
			str_add(&name, from);
		assert_string_equal(name.s, cases[i].name);
	}
}

static void
bodies_come_back_line_by_line(void **state)
{
	static const struct {
		const char *body;
		const char *text;
	} cases[] = {
		{ "", "" },
		{ "x", "x\r\n" },
		{ "x\n", "x\r\n" },
		{ "\n", "\r\n" },
		{ "a\n\nb", "a\r\n\r\nb\r\n" },
		{ "dos\r\nunix\n", "dos\r\nunix\r\n" },
		{ ".\n..\n.x\n", ".\r\n..\r\n.x\r\n" },
		{ "From here\n--=_\n", "From here\r\n--=_\r\n" },
		{ "k\xc3\xa4se\t\xe2\x82\xac\n",
		  "k\xc3\xa4se\t\xe2\x82\xac\r\n" },
		{ "\xff\x1b[1m", "??[1m\r\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *text = with_body(cases[i].body);
		CLEANUP(cleanup_free) char *body = part(text, "plain");

		is_well_formed(text);
		assert_string_equal(body, cases[i].text);
	}
}

static void
a_huge_log_loses_its_middle(void **state)
{
	CLEANUP(str_free) struct str log = STR_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *body = NULL;

	(void)state;
	str_add(&log, "first\n");
	while (log.len < 3 * MAIL_BODY_BYTES)
		str_add(&log, "k\xc3\xa4se k\xc3\xa4se k\xc3\xa4se\n");
	str_add(&log, "last\n");
	assert_false(log.failed);
	text = with_body(log.s);
	is_well_formed(text);
	body = part(text, "plain");
	assert_true(strlen(body) > MAIL_BODY_BYTES / 2);
	assert_true(strlen(body) < 2 * MAIL_BODY_BYTES);
	assert_true(str_starts(body, "first\r\n"));
	assert_non_null(strstr(body, "\r\n" MESSAGE_MARK "\r\n"));
	assert_true(str_ends(body, "\r\nlast\r\n"));
	assert_true(str_is_utf8(body));
}

static void
html_is_an_alternative_with_the_same_text(void **state)
{
	struct mail mail = { .from = one, .to = &to_one, .html = true };
	struct message message = { .title = "t", .host = "h",
	    .body = "a < b && \"c\" > 'd'\n</pre><script>k\xc3\xa4se\n" };
	CLEANUP(cleanup_free) char *text = format(&mail, &message);
	CLEANUP(cleanup_free) char *type = header(text, "Content-Type");
	CLEANUP(cleanup_free) char *plain = part(text, "plain");
	CLEANUP(cleanup_free) char *html = part(text, "html");
	CLEANUP(cleanup_free) char *boundary = NULL;
	CLEANUP(cleanup_free) char *last = NULL;
	struct err err = ERR_INIT;
	int n = 0;

	(void)state;
	is_well_formed(text);
	assert_true(str_starts(type, "multipart/alternative; boundary=\""));
	boundary = strdup(strchr(type, '"') + 1);
	*strchr(boundary, '"') = '\0';
	for (const char *p = text; (p = strstr(p, boundary)) != NULL; p++)
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(str_format(&last, &err, "\r\n--%s--\r\n", boundary),
	    0);
	assert_true(str_ends(text, last));
	assert_true(strstr(text, "text/plain") < strstr(text, "text/html"));
	assert_string_equal(plain, "a < b && \"c\" > 'd'\r\n"
	    "</pre><script>k\xc3\xa4se\r\n");
	assert_string_equal(html, "<!DOCTYPE html>\r\n<html><body><pre>\r\n"
	    "a &lt; b &amp;&amp; &quot;c&quot; &gt; 'd'\r\n"
	    "&lt;/pre&gt;&lt;script&gt;k\xc3\xa4se\r\n"
	    "</pre></body></html>\r\n");
}

static void
addresses_that_can_stand_anywhere_are_good(void **state)
{
	static const char *const good[] = { "root", "a@b", "a.b+c@d-e.example",
		"o'brien@example.org", "x_y=z@[192.0.2.1]",
		"x@[IPv6:2001:db8::1]", "noreply@nohost", "a-@b", "{a}@b_c" };
	static const char *const bad[] = { "", "@", "a@", "@b", "a@b@c",
		"a b@c", " a@b", "a@b ", "a@b\r\nRCPT TO:<x@y>", "a@b\n",
		"a\x7f@b", "<a@b>", "a@b>", "a,b@c", "a;b@c", "\"a\"@b",
		"a(c)@b", "a\\@b", "a:b@c", "[a]@b", "a@[b", "a@[]",
		"a@[b]c", "-oQ/tmp@b", "-a", "k\xc3\xa4se@b", "a@k\xc3\xa4se",
		"a@b\tc", "a@b%c", "a@`id`", "a@$(id)", "a@b'c" };
	char huge[MAIL_ADDRESS_BYTES + 2];
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		err = (struct err)ERR_INIT;
		assert_int_equal(mail_check_address(good[i], &err), 0);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		err = (struct err)ERR_INIT;
		if (mail_check_address(bad[i], &err) == 0)
			fail_msg("'%s' is taken for an address", bad[i]);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
	memset(huge, 'a', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	assert_int_equal(mail_check_address(huge, &err), -1);
	huge[sizeof huge - 2] = '\0';
	assert_int_equal(mail_check_address(huge, &err), 0);
}

static void
old_settings_become_an_url_that_says_the_same(void **state)
{
	static const struct {
		const char *to, *from, *host;
		long port;
		const char *user, *password;
		const char *url_host;
	} cases[] = {
		{ "a@b", "noreply@nohost", "mail.example", 587, NULL, NULL,
		  "mail.example" },
		{ "a@b,c+d@e", "x@y", "mail.example", 25, "me@b.example",
		  "p:/?#[]@!$&'()*+,;=% \"k\xc3\xa4se", "mail.example" },
		{ "a@b", "x@y", "::1", 465, "me", NULL, "[::1]" },
		{ "a@b", "x@y", "[2001:db8::1]", 1, "me", "", "[2001:db8::1]" },
		{ "a@b", "x@y", "127.0.0.1", 65535, "", "unused",
		  "127.0.0.1" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(service_url_free) struct service_url url =
		    SERVICE_URL_INIT;
		CLEANUP(cleanup_free) char *text = NULL;
		const bool known = cases[i].user != NULL &&
		    *cases[i].user != '\0';

		assert_int_equal(mail_legacy_url(cases[i].to, cases[i].from,
		    cases[i].host, cases[i].port, cases[i].user,
		    cases[i].password, &text, &err), 0);
		if (service_url_parse(text, &url, &err) < 0)
			fail_msg("'%s': %s", text, err.msg);
		assert_string_equal(url.scheme, "smtp");
		assert_string_equal(url.host, cases[i].url_host);
		assert_int_equal(url.port, cases[i].port);
		assert_string_equal(strmap_get(&url.query, "to"),
		    cases[i].to);
		assert_string_equal(strmap_get(&url.query, "from"),
		    cases[i].from);
		if (!known) {
			assert_null(url.user);
			assert_null(strstr(text, "unused"));
			continue;
		}
		assert_string_equal(url.user, cases[i].user);
		if (cases[i].password != NULL && *cases[i].password != '\0')
			assert_string_equal(url.password, cases[i].password);
		else
			assert_null(url.password);
	}
}

static void
an_old_host_can_be_nothing_but_a_host(void **state)
{
	static const char *const hosts[] = { "a@b", "a/b", "a?to=x", "a#b",
		"a:1", "", "[::1", "a b", "[a]/x" };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		CLEANUP(service_url_free) struct service_url url =
		    SERVICE_URL_INIT;
		CLEANUP(cleanup_free) char *text = NULL;

		assert_int_equal(mail_legacy_url("a@b", "c@d", hosts[i], 25,
		    "me", "secret", &text, &err), 0);
		if (service_url_parse(text, &url, &err) < 0)
			continue;	/* what is no host may be refused */
		assert_string_equal(url.host, hosts[i]);
		assert_int_equal(url.port, 25);
		assert_string_equal(strmap_get(&url.query, "to"), "a@b");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_has_these_headers_and_no_others),
		cmocka_unit_test(dates_are_right_in_every_zone_and_year),
		cmocka_unit_test(only_a_failure_is_urgent),
		cmocka_unit_test(no_two_mails_have_the_same_number),
		cmocka_unit_test(the_number_is_of_a_host_that_can_be_named),
		cmocka_unit_test(plain_subjects_stay_as_they_are),
		cmocka_unit_test(
		    other_subjects_are_words_that_cut_no_character),
		cmocka_unit_test(what_looks_encoded_is_encoded),
		cmocka_unit_test(nothing_injects_a_header),
		cmocka_unit_test(a_name_is_one_phrase),
		cmocka_unit_test(bodies_come_back_line_by_line),
		cmocka_unit_test(a_huge_log_loses_its_middle),
		cmocka_unit_test(html_is_an_alternative_with_the_same_text),
		cmocka_unit_test(addresses_that_can_stand_anywhere_are_good),
		cmocka_unit_test(old_settings_become_an_url_that_says_the_same),
		cmocka_unit_test(an_old_host_can_be_nothing_but_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
