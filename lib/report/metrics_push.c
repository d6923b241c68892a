#define _GNU_SOURCE
#include "lib/report/metrics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/http.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/report/message.h"
#include "lib/report/metrics_samples.h"
#include "lib/report/web_url.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define WORDS 200		/* characters of its reason */

struct push {
	const struct report *report;
	const struct web_url *url;
	struct courier *courier;
};

int
metrics_check_push(const char *url, struct err *err)
{
	CLEANUP(web_url_free) struct web_url parsed = { 0 };

	return web_url_parse(url, &parsed, err);
}

/* --- its address --------------------------------------------------------- */

/* base64url; "=" for an empty text. */
static int
encode(const char *text, char **ret, struct err *err)
{
	char *p;

	if (*text == '\0')
		return str_dup("=", ret, err);
	if (base64_encode(text, strlen(text), ret, err) < 0)
		return -1;
	for (p = *ret; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return 0;
}

/* A slash parts segments even where it is escaped, empty ones are lost, and
 * ".." is a step up. */
static bool
must_encode(const char *value)
{
	return *value == '\0' || *value == '.' || strchr(value, '/') != NULL;
}

static int
add_label(struct str *path, const char *name, const char *value,
    struct err *err)
{
	CLEANUP(cleanup_free) char *clean = NULL;
	CLEANUP(cleanup_free) char *segment = NULL;
	bool encoded;

	if (message_utf8(value, &clean, err) < 0)
		return -1;
	encoded = must_encode(clean);
	if ((encoded ? encode(clean, &segment, err) :
	    http_escape(clean, &segment, err)) < 0)
		return -1;
	str_addf(path, "/%s%s/%s", name, encoded ? "@base64" : "", segment);
	return 0;
}

static int
make_address(const struct push *push, const char *job, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str path = STR_INIT;
	CLEANUP(cleanup_free) char *more = NULL;

	str_add(&path, "/metrics/job/vbackup");
	return add_label(&path, "instance", push->report->host, err) < 0 ||
	    add_label(&path, "backup_job", job, err) < 0 ||
	    str_take(&path, &more, err) < 0 ? -1 :
	    web_url_make(push->url, more, NULL, ret, err);
}

/* --- one request --------------------------------------------------------- */

/* A 400 is the Pushgateway's own, and says what it does not like; others may
 * be a proxy's. */
static int
refused(const struct push *push, const struct http_response *response,
    struct err *err)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(cleanup_free) char *line = NULL;
	CLEANUP(cleanup_free) char *words = NULL;

	if (response->status != 400)
		return err_set(err, ERR_REFUSED,
		    "'%s' answered with status %ld", push->url->base,
		    response->status);
	if (log_mask(response->body, &masked, err) < 0 ||
	    message_line(masked, &line, err) < 0 ||
	    message_cut(line, WORDS, MESSAGE_CHARACTERS, &words, err) < 0)
		return -1;
	return err_set(err, ERR_REFUSED, "'%s' refused them: %s",
	    push->url->base, words);
}

/* Takes the samples. */
static int
push_samples(const struct push *push, const char *job,
    struct metrics_samples *samples, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(web_url_wipe) char *address = NULL;
	struct letter letter = { .method = "POST",
	    .user = push->url->user, .password = push->url->password,
	    .content_type = CONTENT_TYPE };

	if (metrics_samples_print(samples, &text, err) < 0 ||
	    make_address(push, job, &address, err) < 0)
		return -1;
	letter.url = address;
	letter.body = text;
	letter.body_len = strlen(text);
	if (courier_send(push->courier, &letter, &response, err) < 0)
		return -1;
	return response.status >= 200 && response.status < 300 ? 0 :
	    refused(push, &response, err);
}

/* The i-th of the report, or of the names if it has none. */
static int
push_one(const struct push *push, const char *const *names, size_t i,
    struct err *err)
{
	CLEANUP(metrics_samples_free) struct metrics_samples samples =
	    METRICS_SAMPLES_INIT;
	const struct report *report = push->report;
	const char *name = report->n_jobs != 0 ? report->jobs[i].name :
	    names[i];

	if ((report->n_jobs != 0 ? metrics_samples_job(report,
	    &report->jobs[i], &samples, err) :
	    metrics_samples_failed(report, name, &samples, err)) < 0)
		return -1;
	return push_samples(push, name, &samples, err);
}

int
metrics_push(const struct report *report, const char *url,
    const char *const *names, size_t n, struct courier *courier,
    struct err *err)
{
	CLEANUP(web_url_free) struct web_url parsed = { 0 };
	const struct push push = { report, &parsed, courier };
	struct err one = ERR_INIT;
	size_t i;
	int rc = 0;

	if (web_url_parse(url, &parsed, err) < 0)
		return err_add(err, "pushgateway");
	if (report->n_jobs != 0)
		n = report->n_jobs;
	/* What is wrong with one of them need not be wrong with the next. */
	for (i = 0; i < n && (rc == 0 || one.kind == ERR_REFUSED); i++)
		if (push_one(&push, names, i, &one) < 0 && rc == 0) {
			*err = one;
			rc = err_add(err, "pushgateway");
		}
	return rc;
}
