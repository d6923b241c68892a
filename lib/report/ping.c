#define _GNU_SOURCE
#include "lib/report/ping.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/report/web_url.h"

#define BODY_BYTES_MAX 1000000	/* whatever a server is ready to take */
#define FIT_BYTES_MIN 64	/* of message_fit */
#define KUMA_WORDS 200		/* characters of its msg */

/* --- addresses ----------------------------------------------------------- */

/* %s is no percent-encoding: nothing else can be meant by it. */
static int
put_host(const char *text, const char *host, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *escaped = NULL;
	CLEANUP(str_wipe) struct str s = STR_INIT;
	const char *at;

	if (http_escape(host, &escaped, err) < 0)
		return -1;
	for (; (at = strstr(text, "%s")) != NULL; text = at + 2) {
		str_addn(&s, text, (size_t)(at - text));
		str_add(&s, escaped);
	}
	str_add(&s, text);
	return str_take(&s, ret, err);
}

static int
parse(const struct ping *ping, const char *host, struct web_url *ret,
    struct err *err)
{
	CLEANUP(web_url_wipe) char *text = NULL;

	return put_host(ping->url, host, &text, err) < 0 ? -1 :
	    web_url_parse(text, ret, err);
}

static enum ping_kind
find_kind(const struct ping *ping, const struct web_url *url)
{
	if (ping->kind != PING_AUTO)
		return ping->kind;
	if (strstr(url->path, "/api/push/") != NULL)
		return PING_KUMA;
	if (strcasecmp(url->host, "hc-ping.com") == 0 ||
	    strstr(url->path, "/ping/") != NULL)
		return PING_HEALTHCHECKS;
	return PING_PLAIN;
}

int
ping_check(const struct ping *ping, struct err *err)
{
	CLEANUP(web_url_free) struct web_url url = { 0 };

	return parse(ping, "host", &url, err);
}

/* --- one request --------------------------------------------------------- */

static const char *
hint(enum ping_kind kind, long status)
{
	if (kind == PING_HEALTHCHECKS && status == 400)
		return " (it does not understand the URL)";
	if (kind == PING_HEALTHCHECKS && status == 409)
		return " (several checks have that name: use a UUID)";
	if (kind != PING_PLAIN && status == 404)
		return " (nothing waits for pings at that URL)";
	return "";
}

/* Older versions of Healthchecks say 200 "OK (not found)". */
static bool
is_success(enum ping_kind kind, const struct http_response *response)
{
	return response->status >= 200 && response->status < 300 &&
	    (kind != PING_HEALTHCHECKS ||
	    strstr(response->body, "(not found)") == NULL);
}

/* body: NULL for GET. */
static int
call(const struct web_url *url, enum ping_kind kind, const char *address,
    const char *body, struct courier *courier, struct http_response *ret,
    struct err *err)
{
	const struct letter letter = {
		.method = body != NULL ? "POST" : "GET", .url = address,
		.user = url->user, .password = url->password, .body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.content_type = body != NULL ? "text/plain; charset=utf-8" :
		    NULL
	};

	if (courier_send(courier, &letter, ret, err) < 0)
		return err_add(err, "ping");
	if (!is_success(kind, ret))
		return err_set(err, ERR_REFUSED,
		    "ping: '%s' answered with status %ld%s", url->base,
		    ret->status, hint(kind, ret->status));
	return 0;
}

/* --- what is said -------------------------------------------------------- */

static int
cleaned(struct str *text, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *raw = NULL;
	CLEANUP(cleanup_free) char *masked = NULL;

	return str_take(text, &raw, err) < 0 ||
	    log_mask(raw, &masked, err) < 0 ? -1 :
	    message_utf8(masked, ret, err);
}

static int
fitted(struct str *text, size_t max, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *whole = NULL;

	if (cleaned(text, &whole, err) < 0)
		return -1;
	if (strlen(whole) <= max) {
		*ret = whole;
		whole = NULL;
		return 0;
	}
	return max < FIT_BYTES_MIN ? str_dup("", ret, err) :
	    message_fit(whole, max, MESSAGE_BYTES, ret, err);
}

static void
add_outcome(const struct report *report, struct str *text)
{
	str_addf(text, "vbackup: %s\n", outcome_name(report_outcome(report)));
}

static int
make_body(const struct ping *ping, const struct report *report, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	const char *error = report_error(report);
	size_t i;

	add_outcome(report, &text);
	if (error != NULL)
		str_addf(&text, "%s\n", error);
	if (report->log.n != 0)
		str_add(&text, "\n");
	for (i = 0; i < report->log.n; i++)
		str_addf(&text, "%s\n", report->log.v[i]);
	return fitted(&text, ping->body_limit, ret, err);
}

/* All that went wrong beside the archives. */
static int
make_problems(const struct ping *ping, const struct report *report, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	size_t i, k;

	add_outcome(report, &text);
	for (i = 0; i < report->n_jobs; i++) {
		const struct report_job *job = &report->jobs[i];

		for (k = 0; k < job->problems.n; k++)
			str_addf(&text, "%s: %s\n", job->name,
			    job->problems.v[k]);
		if (job->n_problems > job->problems.n)
			str_addf(&text, "%s: %zu more\n", job->name,
			    job->n_problems - job->problems.n);
	}
	for (i = 0; i < report->untold.n; i++)
		str_addf(&text, "%s\n", report->untold.v[i]);
	return fitted(&text, ping->body_limit, ret, err);
}

/* Does the run count as one? */
static bool
counts_as_success(const struct ping *ping, const struct report *report)
{
	enum outcome outcome = report_outcome(report);

	return outcome == OUTCOME_SUCCESS ||
	    (outcome == OUTCOME_PROBLEMS && ping->problems_are_success);
}

/* --- Healthchecks -------------------------------------------------------- */

/* suffix: "", "/start", "/log" or "/STATUS". */
static int
healthchecks(const struct web_url *url, const char *suffix,
    const struct report *report, const char *body, struct courier *courier,
    struct http_response *ret, struct err *err)
{
	CLEANUP(web_url_wipe) char *address = NULL;
	CLEANUP(cleanup_free) char *query = NULL;

	return str_format(&query, err, "rid=%s", report->id) < 0 ||
	    web_url_make(url, suffix, query, &address, err) < 0 ? -1 :
	    call(url, PING_HEALTHCHECKS, address, body, courier, ret, err);
}

static void
take_limit(const struct http_response *response, size_t *ret)
{
	const char *text = strmap_get(&response->headers, "ping-body-limit");
	size_t limit = 0;

	if (text == NULL || *text == '\0' ||
	    text[strspn(text, "0123456789")] != '\0')
		return;
	for (; *text != '\0' && limit <= BODY_BYTES_MAX; text++)
		limit = limit * 10 + (size_t)(*text - '0');
	*ret = limit <= BODY_BYTES_MAX ? limit : BODY_BYTES_MAX;
}

int
ping_start(struct ping *ping, const struct report *report,
    struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(web_url_free) struct web_url url = { 0 };

	if (parse(ping, report->host, &url, err) < 0)
		return err_add(err, "ping");
	if (find_kind(ping, &url) != PING_HEALTHCHECKS)
		return 0;
	if (healthchecks(&url, "/start", report, "", courier, &response,
	    err) < 0)
		return -1;
	take_limit(&response, &ping->body_limit);
	return 0;
}

static int
log_problems(const struct ping *ping, const struct web_url *url,
    const struct report *report, struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *body = NULL;

	return make_problems(ping, report, &body, err) < 0 ? -1 :
	    healthchecks(url, "/log", report, body, courier, &response, err);
}

static int
end_healthchecks(const struct ping *ping, const struct web_url *url,
    const struct report *report, struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(cleanup_free) char *suffix = NULL;
	bool success = counts_as_success(ping, report);
	enum exit_status status = report_exit(report);
	int rc = 0;

	/* The success matters more: it is sent whatever becomes of the log. */
	if (success && status != EXIT_DONE)
		rc = log_problems(ping, url, report, courier, err);
	if (make_body(ping, report, &body, err) < 0 ||
	    str_format(&suffix, err, "/%d", (int)status) < 0 ||
	    healthchecks(url, success ? "" : suffix, report, body, courier,
	    &response, err) < 0)
		return -1;
	return rc;
}

/* --- the others ---------------------------------------------------------- */

static int
make_words(const struct report *report, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	CLEANUP(cleanup_free) char *clean = NULL;
	CLEANUP(cleanup_free) char *line = NULL;
	CLEANUP(cleanup_free) char *cut = NULL;
	const char *error = report_error(report);

	str_add(&text, outcome_name(report_outcome(report)));
	if (error != NULL)
		str_addf(&text, ": %s", error);
	return cleaned(&text, &clean, err) < 0 ||
	    message_line(clean, &line, err) < 0 ||
	    message_cut(line, KUMA_WORDS, MESSAGE_CHARACTERS, &cut, err) < 0 ?
	    -1 : http_escape(cut, ret, err);
}

static int
end_kuma(const struct ping *ping, struct web_url *url,
    const struct report *report, struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(web_url_wipe) char *address = NULL;
	CLEANUP(cleanup_free) char *query = NULL;
	CLEANUP(cleanup_free) char *words = NULL;
	double ms = report->seconds > 0 ? report->seconds * 1000 : 0;

	if (make_words(report, &words, err) < 0 ||
	    str_format(&query, err, "status=%s&msg=%s&ping=%.0f",
	    counts_as_success(ping, report) ? "up" : "down", words, ms) < 0)
		return -1;
	/* The page shows the URL with an example of a query. */
	web_url_wipe(&url->query);
	return web_url_make(url, NULL, query, &address, err) < 0 ? -1 :
	    call(url, PING_KUMA, address, NULL, courier, &response, err);
}

static int
end_plain(const struct ping *ping, const struct web_url *url,
    const struct report *report, struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(web_url_wipe) char *address = NULL;

	if (!counts_as_success(ping, report))
		return 0;
	return web_url_make(url, NULL, NULL, &address, err) < 0 ? -1 :
	    call(url, PING_PLAIN, address, NULL, courier, &response, err);
}

int
ping_end(const struct ping *ping, const struct report *report,
    struct courier *courier, struct err *err)
{
	CLEANUP(web_url_free) struct web_url url = { 0 };

	if (parse(ping, report->host, &url, err) < 0)
		return err_add(err, "ping");
	switch (find_kind(ping, &url)) {
	case PING_HEALTHCHECKS:
		return end_healthchecks(ping, &url, report, courier, err);
	case PING_KUMA:
		return end_kuma(ping, &url, report, courier, err);
	default:
		return end_plain(ping, &url, report, courier, err);
	}
}
