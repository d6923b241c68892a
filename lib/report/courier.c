#define _GNU_SOURCE
#include "lib/report/courier.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/base/base64.h"
#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/report/web_url.h"

#define REDIRECTS_MAX 5
#define PAUSE_S 1.0	/* the first; the others are so many times longer: */
#define PAUSE_FACTOR 3.0
#define METHOD_BYTES_MAX 32

/* What goes into each request of a letter. */
struct sending {
	struct courier *courier;
	const struct letter *letter;
	struct web_url address;
	struct strlist headers;		/* owned; wiped */
	const char **header_lines;	/* of them; NULL-terminated */
};

static void
sending_free(struct sending *sending)
{
	size_t i;

	for (i = 0; i < sending->headers.n; i++)
		str_zero(sending->headers.v[i]);
	strlist_free(&sending->headers);
	free(sending->header_lines);
	web_url_free(&sending->address);
}

double
courier_left_s(struct courier *courier)
{
	const double now_s = clock_mono_s();

	if (intr_signal() != 0 && !courier->hurried) {
		courier->hurried = true;
		if (courier->until_s > now_s + INTR_AFTER_S)
			courier->until_s = now_s + INTR_AFTER_S;
	}
	return courier->until_s > now_s ? courier->until_s - now_s : 0;
}

static double
at_most(double a, double b)
{
	return a < b ? a : b;
}

static int
add_header(struct strlist *headers, const char *line, struct err *err)
{
	const char *p;

	for (p = line; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return err_set(err, ERR_CONFIG, "a header cannot be "
			    "sent: it has a control character");
	return strlist_add(headers, line, err);
}

static int
add_authorization(struct sending *sending, struct err *err)
{
	const struct letter *letter = sending->letter;
	const struct web_url *url = &sending->address;
	const char *user = letter->user != NULL ? letter->user : url->user;
	const char *password = letter->user != NULL ? letter->password :
	    url->password;
	CLEANUP(str_wipe) struct str both = STR_INIT;
	CLEANUP(str_wipe) struct str line = STR_INIT;
	CLEANUP(cleanup_free) char *coded = NULL;

	if (user == NULL)
		return 0;
	str_addf(&both, "%s:%s", user, password != NULL ? password : "");
	if (both.failed)
		return err_nomem(err);
	if (base64_encode(both.s, both.len, &coded, err) < 0)
		return -1;
	str_addf(&line, "Authorization: Basic %s", coded);
	str_zero(coded);
	return line.failed ? err_nomem(err) :
	    strlist_add(&sending->headers, line.s, err);
}

static int
add_headers(struct sending *sending, struct err *err)
{
	const char *const *line = sending->letter->headers;
	size_t i;

	for (; line != NULL && *line != NULL; line++)
		if (add_header(&sending->headers, *line, err) < 0)
			return -1;
	if (add_authorization(sending, err) < 0)
		return -1;
	sending->header_lines = calloc(sending->headers.n + 1,
	    sizeof *sending->header_lines);
	if (sending->header_lines == NULL)
		return err_nomem(err);
	for (i = 0; i < sending->headers.n; i++)
		sending->header_lines[i] = sending->headers.v[i];
	return 0;
}

static const char *
method_of(const struct letter *letter)
{
	return letter->method != NULL ? letter->method : "POST";
}

static int
check_method(const char *method, struct err *err)
{
	size_t n = 0;

	while (isalpha((unsigned char)method[n]))
		n++;
	if (n == 0 || method[n] != '\0' || n > METHOD_BYTES_MAX)
		return err_set(err, ERR_CONFIG,
		    "the method of a request is not one word of letters");
	return 0;
}

/* Asked while a request is under way: a signal may have taken its time. */
static bool
is_late(void *cookie)
{
	return courier_left_s(cookie) <= 0;
}

static int
no_time(const struct sending *sending, struct err *err)
{
	return err_set(err, ERR_TIMEOUT, "no answer from '%s': no time left",
	    sending->address.base);
}

static void
http_freep(struct http **http)
{
	http_free(*http);
}

static int
call(struct sending *sending, struct http_response *ret, struct err *err)
{
	CLEANUP(http_freep) struct http *http = NULL;
	CLEANUP(web_url_wipe) char *url = NULL;
	const struct letter *letter = sending->letter;
	const double left_s = courier_left_s(sending->courier);
	const struct http_endpoint endpoint = {
		.base = sending->address.base,
		.ca_more = sending->courier->ca_more,
		.insecure = letter->insecure,
		.connect_timeout_s = at_most(left_s, COURIER_CONNECT_S)
	};
	struct http_request request = {
		.method = method_of(letter),
		.headers = sending->header_lines, .body = letter->body,
		.body_len = letter->body_len,
		.content_type = letter->content_type,
		.timeout_s = at_most(left_s, COURIER_CALL_S),
		.cancelled = is_late, .cookie = sending->courier,
		.max_body = COURIER_ANSWER_BYTES, .cut_body = true
	};

	/* Less than a millisecond would be no limit to libcurl. */
	if (left_s < 0.001)
		return no_time(sending, err);
	if (web_url_make(&sending->address, NULL, NULL, &url, err) < 0 ||
	    http_new(&endpoint, &http, err) < 0)
		return -1;
	request.path = url + strlen(sending->address.base);
	if (http_call(http, &request, ret, err) == 0)
		return 0;
	return err->kind == ERR_INTERRUPTED ? no_time(sending, err) : -1;
}

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308;
}

static int
check_same(const struct web_url *from, const struct web_url *to,
    struct err *err)
{
	const char *why = NULL;

	if (strcasecmp(from->host, to->host) != 0)
		why = "another host";
	else if (from->tls && !to->tls)
		why = "not encrypted";
	else if (from->tls == to->tls && from->port != to->port)
		why = "another port";
	return why == NULL ? 0 : err_set(err, ERR_REFUSED,
	    "'%s' redirects to '%s', which is %s: not followed", from->base,
	    to->base, why);
}

/* The user stays that of the first URL: the header is made once. */
static int
go_to(struct web_url *address, const char *location, struct err *err)
{
	CLEANUP(web_url_free) struct web_url to = { 0 };
	struct err why = ERR_INIT;

	if (web_url_resolve(address, location, &to, &why) < 0)
		return why.kind == ERR_NOMEM ? err_nomem(err) :
		    err_set(err, ERR_REFUSED, "'%s' redirects to what is no "
		    "URL of HTTP", address->base);
	if (check_same(address, &to, err) < 0)
		return -1;
	web_url_free(address);
	*address = to;
	to = (struct web_url){ 0 };
	return 0;
}

static int
follow(struct sending *sending, const struct http_response *redirect,
    int count, struct err *err)
{
	const char *location = strmap_get(&redirect->headers, "location");

	if (location == NULL)
		return err_set(err, ERR_REFUSED,
		    "'%s' redirects, and does not say where to",
		    sending->address.base);
	if (count > REDIRECTS_MAX)
		return err_set(err, ERR_REFUSED,
		    "'%s' redirects more than %d times",
		    sending->address.base, REDIRECTS_MAX);
	return go_to(&sending->address, location, err);
}

/* One try: from the first address through all redirects. */
static int
try(struct sending *sending, struct http_response *ret, struct err *err)
{
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	int count = 0;

	web_url_free(&sending->address);
	if (web_url_parse_loose(sending->letter->url, &sending->address,
	    err) < 0)
		return -1;
	for (;;) {
		if (call(sending, &answer, err) < 0)
			return -1;
		if (!is_redirect(answer.status))
			break;
		if (follow(sending, &answer, ++count, err) < 0)
			return -1;
		http_response_free(&answer);
	}
	*ret = answer;
	answer = (struct http_response)HTTP_RESPONSE_INIT;
	return 0;
}

/* RFC 9110's preferred form of a date. */
static bool
parse_date(const char *text, time_t *ret)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *end;

	if (text == NULL)
		return false;
	end = strptime(text, "%a, %d %b %Y %H:%M:%S", &tm);
	if (end == NULL || strcmp(end, " GMT") != 0)
		return false;
	*ret = timegm(&tm);
	return true;
}

/* What the server asks for; 0 if nothing, or nothing that can be read. */
static double
retry_after_s(const struct http_response *answer)
{
	const char *text = strmap_get(&answer->headers, "retry-after");
	time_t then, now;

	if (text == NULL)
		return 0;
	if (*text != '\0' && text[strspn(text, "0123456789.")] == '\0')
		return strtod(text, NULL);
	if (!parse_date(text, &then))
		return 0;
	/* By the server's own clock, if it shows it. */
	if (!parse_date(strmap_get(&answer->headers, "date"), &now))
		now = clock_now();
	return difftime(then, now);
}

static bool
is_worth_another(int rc, const struct http_response *answer,
    const struct err *err)
{
	if (rc == 0)
		return answer->status == 429 || answer->status / 100 == 5;
	return err->kind == ERR_UNREACHABLE || err->kind == ERR_TIMEOUT ||
	    err->kind == ERR_PROTOCOL;
}

/* Waits before another try; false if there is to be none. A signal ends the
 * pause, and makes the next try the last one. */
static bool
pause_before(struct courier *courier, double pause_s, int *tries_max, int n)
{
	/* A try needs time, too. */
	if (n >= *tries_max || pause_s >= courier_left_s(courier))
		return false;
	if (intr_sleep(pause_s))
		*tries_max = n + 1;
	return courier_left_s(courier) > 0;
}

static int
try_again_and_again(struct sending *sending, struct http_response *ret,
    struct err *err)
{
	int tries_max = COURIER_TRIES, n, rc;
	double pause_s = PAUSE_S, asked_s;

	for (n = 1; ; n++, pause_s *= PAUSE_FACTOR) {
		rc = try(sending, ret, err);
		if (!is_worth_another(rc, ret, err))
			return rc;
		asked_s = rc == 0 ? retry_after_s(ret) : 0;
		if (!pause_before(sending->courier,
		    asked_s > pause_s ? asked_s : pause_s, &tries_max, n))
			return rc;
		http_response_free(ret);
	}
}

int
courier_send(struct courier *courier, const struct letter *letter,
    struct http_response *ret, struct err *err)
{
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	CLEANUP(sending_free) struct sending sending = {
		.courier = courier, .letter = letter,
		.headers = STRLIST_INIT
	};

	/* Parsed here for the user in it, and anew for each try. */
	if (check_method(method_of(letter), err) < 0 ||
	    web_url_parse_loose(letter->url, &sending.address, err) < 0 ||
	    add_headers(&sending, err) < 0 ||
	    try_again_and_again(&sending, &answer, err) < 0)
		return -1;
	*ret = answer;
	answer = (struct http_response)HTTP_RESPONSE_INIT;
	return 0;
}
