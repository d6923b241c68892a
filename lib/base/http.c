/*
 * One easy handle does the request; a multi handle drives it, because only so
 * can a signal be looked at more often than once in libcurl's own second.
 * What libcurl is told stands in http_setup.c, its callbacks in
 * http_transfer.c; what those could not do is reported after it has returned.
 */
#define _GNU_SOURCE
#include "lib/base/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/http_setup.h"
#include "lib/base/http_transfer.h"
#include "lib/base/intr.h"
#include "lib/base/libcurl.h"
#include "lib/base/str.h"

#define POLL_MS 100	/* how late a signal is seen, at most */

static int
copy_optional(const char *text, char **ret, struct err *err)
{
	return text != NULL ? str_dup(text, ret, err) : 0;
}

static int
copy_endpoint(struct http *http, const struct http_endpoint *from,
    struct err *err)
{
	http->insecure = from->insecure;
	http->no_proxy = from->no_proxy || from->unix_socket != NULL;
	http->connect_timeout_s = from->connect_timeout_s;
	if (str_dup(from->base, &http->base, err) < 0 ||
	    copy_optional(from->unix_socket, &http->unix_socket, err) < 0 ||
	    copy_optional(from->ca_file, &http->ca_file, err) < 0 ||
	    copy_optional(from->cert_file, &http->cert_file, err) < 0 ||
	    copy_optional(from->key_file, &http->key_file, err) < 0)
		return -1;
	return str_format(&http->address, err, "%s%s",
	    http->unix_socket != NULL ? "unix://" : "",
	    http->unix_socket != NULL ? http->unix_socket : http->base);
}

static void
http_freep(struct http **http)
{
	http_free(*http);
}

int
http_new(const struct http_endpoint *endpoint, struct http **ret,
    struct err *err)
{
	CLEANUP(http_freep) struct http *http = NULL;

	if (libcurl_setup(err) < 0)
		return -1;
	http = calloc(1, sizeof *http);
	if (http == NULL)
		return err_nomem(err);
	if (copy_endpoint(http, endpoint, err) < 0)
		return -1;
	http->easy = curl_easy_init();
	http->multi = curl_multi_init();
	if (http->easy == NULL || http->multi == NULL)
		return err_nomem(err);
	if (endpoint->ca_more != NULL && libcurl_join_roots(http->easy,
	    http->ca_file, endpoint->ca_more, &http->ca_all, err) < 0)
		return -1;
	*ret = http;
	http = NULL;
	return 0;
}

void
http_free(struct http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->easy);
	(void)curl_multi_cleanup(http->multi);
	free(http->address);
	free(http->base);
	free(http->unix_socket);
	free(http->ca_file);
	free(http->ca_all);
	free(http->cert_file);
	free(http->key_file);
	free(http);
}

void
http_response_free(struct http_response *response)
{
	free(response->body);
	strmap_free(&response->headers);
	*response = (struct http_response)HTTP_RESPONSE_INIT;
}

/* What the caller wants watched while libcurl works. */
struct watch {
	const struct http_request *request;
	const struct http_transfer *transfer;
	const struct http *http;
	uint64_t moved_bytes;	/* when last looked at */
	double moved_s;
};

/* Has nothing moved for too long? To connect has a deadline of its own. */
static bool
stalls(struct watch *watch)
{
	curl_off_t sent = 0, connected_us = 0;
	double now_s = clock_mono_s();
	uint64_t moved;

	(void)curl_easy_getinfo(watch->http->easy, CURLINFO_SIZE_UPLOAD_T,
	    &sent);
	(void)curl_easy_getinfo(watch->http->easy,
	    CURLINFO_PRETRANSFER_TIME_T, &connected_us);
	moved = watch->transfer->moved_bytes + (uint64_t)sent;
	if (connected_us == 0 || moved != watch->moved_bytes) {
		watch->moved_bytes = moved;
		watch->moved_s = now_s;
	}
	return now_s - watch->moved_s > watch->request->stall_s;
}

static int
look_around(struct watch *watch, struct err *err)
{
	const struct http_request *request = watch->request;

	if (request->interruptible && intr_check(err) < 0)
		return -1;
	if (request->cancelled != NULL && request->cancelled(request->cookie))
		return err_set(err, ERR_INTERRUPTED, "the request to '%s' "
		    "was cancelled", watch->http->address);
	if (request->stall_s > 0 && stalls(watch))
		return err_set(err, ERR_TIMEOUT,
		    "no answer from '%s': nothing moved for %.0f seconds",
		    watch->http->address, request->stall_s);
	return 0;
}

/* Runs the transfer to its end; *ret is what libcurl says of it. */
static int
drive(struct http *http, const struct http_transfer *transfer, CURLcode *ret,
    struct err *err)
{
	struct watch watch = {
		.request = transfer->request, .transfer = transfer,
		.http = http, .moved_s = clock_mono_s()
	};
	CURLMcode rc = CURLM_OK;
	CURLMsg *message;
	int running = 1, left;

	while (rc == CURLM_OK && running != 0) {
		if (look_around(&watch, err) < 0)
			return -1;
		rc = curl_multi_perform(http->multi, &running);
		if (rc == CURLM_OK && running != 0)
			rc = curl_multi_poll(http->multi, NULL, 0, POLL_MS,
			    NULL);
	}
	if (rc != CURLM_OK)
		return err_set(err, ERR_SYSTEM, "libcurl failed: %s",
		    curl_multi_strerror(rc));
	message = curl_multi_info_read(http->multi, &left);
	if (message == NULL || message->msg != CURLMSG_DONE)
		return err_set(err, ERR_SYSTEM, "libcurl lost a transfer");
	*ret = message->data.result;
	return 0;
}

static int
perform(struct http *http, const struct http_transfer *transfer, CURLcode *ret,
    struct err *err)
{
	CURLMcode added = curl_multi_add_handle(http->multi, http->easy);
	int rc;

	if (added != CURLM_OK)
		return err_set(err, ERR_SYSTEM, "libcurl failed: %s",
		    curl_multi_strerror(added));
	rc = drive(http, transfer, ret, err);
	(void)curl_multi_remove_handle(http->multi, http->easy);
	return rc;
}

/* Until TLS stands there is no connection. */
static enum err_kind
kind_of(const struct http *http, CURLcode code)
{
	curl_off_t connected_us = 0;

	if (code != CURLE_OPERATION_TIMEDOUT)
		return libcurl_kind(http->easy, (int)code);
	(void)curl_easy_getinfo(http->easy, CURLINFO_PRETRANSFER_TIME_T,
	    &connected_us);
	return connected_us == 0 ? ERR_UNREACHABLE : ERR_TIMEOUT;
}

static int
explain(const struct http *http, CURLcode code,
    const struct http_transfer *transfer, struct err *err)
{
	const char *text = transfer->text;
	enum err_kind kind = kind_of(http, code);
	long os_errno = 0;

	if (transfer->err.kind != ERR_NONE) {	/* ours, and not libcurl's */
		*err = transfer->err;
		return -1;
	}
	if (transfer->too_large)
		return err_set(err, ERR_PROTOCOL,
		    "the answer of '%s' is longer than %zu bytes",
		    http->address, transfer->max_body);
	if (kind == ERR_NOMEM)
		return err_nomem(err);
	if (*text == '\0')
		text = curl_easy_strerror(code);
	if (code == CURLE_COULDNT_CONNECT) {
		/* For a unix socket libcurl's own text names a false host. */
		(void)curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO,
		    &os_errno);
		if (os_errno != 0 && http->unix_socket != NULL)
			text = strerror((int)os_errno);
	}
	return err_set(err, kind, "%s '%s': %s", libcurl_phrase(kind),
	    http->address, text);
}

/* Did libcurl only stop where we wanted no more? */
static bool
was_cut(const struct http_transfer *transfer, CURLcode code)
{
	return code == CURLE_WRITE_ERROR && transfer->request->cut_body &&
	    transfer->too_large && transfer->err.kind == ERR_NONE;
}

static int
take_response(struct http *http, struct http_transfer *transfer,
    struct http_response *ret, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;

	if (curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE,
	    &response.status) != CURLE_OK)
		return err_set(err, ERR_SYSTEM, "libcurl lost a status");
	response.body_len = transfer->body.len;
	if (str_take(&transfer->body, &response.body, err) < 0)
		return -1;
	response.headers = transfer->headers;
	transfer->headers = (struct strmap)STRMAP_INIT;
	*ret = response;
	return 0;
}

int
http_call(struct http *http, const struct http_request *request,
    struct http_response *ret, struct err *err)
{
	CLEANUP(http_transfer_free) struct http_transfer transfer;
	CLEANUP(http_setup_free) struct http_setup setup = HTTP_SETUP_INIT;
	CURLcode code = CURLE_OK;
	int rc;

	http_transfer_init(&transfer, request);
	if (http_setup_all(http, request, &transfer, &setup, err) < 0)
		return -1;
	rc = perform(http, &transfer, &code, err);
	if (rc == 0 && code != CURLE_OK && !was_cut(&transfer, code))
		rc = explain(http, code, &transfer, err);
	if (rc == 0)
		rc = take_response(http, &transfer, ret, err);
	curl_easy_reset(http->easy);	/* it must not point at our frame */
	return rc;
}

int
http_escape(const char *text, char **ret, struct err *err)
{
	char *escaped = curl_easy_escape(NULL, text, 0);
	int rc;

	if (escaped == NULL)
		return err_nomem(err);
	rc = str_dup(escaped, ret, err);
	curl_free(escaped);
	return rc;
}
