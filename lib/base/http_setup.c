#define _GNU_SOURCE
#include "lib/base/http_setup.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/http_sign.h"
#include "lib/base/libcurl.h"

/* libcurl's own 64 KiB cost more system calls than they save memory. */
#define SEND_BUFFER_BYTES (256L << 10)

static bool
set_tls(const struct http *http)
{
	CURL *easy = http->easy;

	return libcurl_trust(easy, http->ca_all, http->insecure) &&
	    (http->ca_file == NULL || curl_easy_setopt(easy, CURLOPT_CAINFO,
	    http->ca_file) == CURLE_OK) &&
	    curl_easy_setopt(easy, CURLOPT_SSLCERT, http->cert_file) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSLKEY, http->key_file) == CURLE_OK;
}

/* Every call sets everything: nothing leaks from one into the next. */
static bool
set_endpoint(const struct http *http)
{
	CURL *easy = http->easy;
	long connect_ms = (long)(http->connect_timeout_s * 1000);

	curl_easy_reset(easy);
	/* QUICK_EXIT: a signal does not wait for the resolver's thread. */
	return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, "vbackup") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
	    http->unix_socket) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROXY,
	    http->no_proxy ? "" : NULL) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) ==
	    CURLE_OK &&
	    set_tls(http);
}

static int
on_seek(void *data, curl_off_t offset, int origin)
{
	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_FAIL;
	return http_transfer_rewind(data, (uint64_t)offset) ?
	    CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static bool
set_callbacks(CURL *easy, struct http_transfer *transfer)
{
	return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION,
	    http_transfer_body) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION,
	    http_transfer_header) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_READFUNCTION, http_transfer_read) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_READDATA, transfer) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text) ==
	    CURLE_OK;
}

/* These methods say Content-Length: 0 when they have no body. */
static bool
always_has_body(const struct http_request *request)
{
	return strcmp(request->method, "POST") == 0 ||
	    strcmp(request->method, "PUT") == 0;
}

static bool
has_body(const struct http_request *request)
{
	return request->body != NULL || request->read != NULL ||
	    request->pull != NULL;
}

static bool
set_body(CURL *easy, const struct http_request *request)
{
	curl_off_t len = has_body(request) ? (curl_off_t)request->body_len : 0;

	if (strcmp(request->method, "HEAD") == 0)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (request->pull != NULL)
		len = -1;	/* nobody knows: in chunks */
	if (request->read != NULL || request->pull != NULL)
		return curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) ==
		    CURLE_OK &&
		    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
		    SEND_BUFFER_BYTES) == CURLE_OK &&
		    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, len) ==
		    CURLE_OK;
	if (request->body == NULL && !always_has_body(request))
		return true;
	return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, len) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
	    request->body != NULL ? request->body : "") == CURLE_OK;
}

static bool
set_request(CURL *easy, const char *url, const struct http_request *request,
    struct curl_slist *headers)
{
	long timeout_ms = (long)(request->timeout_s * 1000);
	curl_off_t rate = request->rate_bytes_s < INT64_MAX ?
	    (curl_off_t)request->rate_bytes_s : 0;

	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	    set_body(easy, request) &&
	    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_MAX_SEND_SPEED_LARGE, rate) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK;
}

void
http_setup_free(struct http_setup *setup)
{
	curl_slist_free_all(setup->headers);
	free(setup->url);
}

static int
slist_add(struct curl_slist **list, const char *text, struct err *err)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (longer == NULL)
		return err_nomem(err);
	*list = longer;
	return 0;
}

/* All lines that are sent because of us, the signature's among them. */
static int
make_lines(const struct http *http, const struct http_request *request,
    struct strlist *ret, struct err *err)
{
	size_t i;

	for (i = 0; request->headers != NULL && request->headers[i] != NULL;
	    i++)
		if (strlist_add(ret, request->headers[i], err) < 0)
			return -1;
	if (has_body(request) && strlist_addf(ret, err, "Content-Type: %s",
	    request->content_type != NULL ? request->content_type :
	    "application/json") < 0)
		return -1;
	return request->aws == NULL ? 0 :
	    http_sign(request, http->base, clock_now(), ret, err);
}

static void
lines_free(struct strlist *lines)
{
	size_t i;

	for (i = 0; i < lines->n; i++)	/* they may hold secrets */
		str_zero(lines->v[i]);
	strlist_free(lines);
}

/* Without the lines at the end libcurl adds a form's type, and waits a second
 * for leave to send what is longer than a kilobyte. Where a body is read piece
 * by piece that is right: a server that is too busy says so before it comes. */
static int
make_headers(const struct http *http, const struct http_request *request,
    struct curl_slist **list, struct err *err)
{
	CLEANUP(lines_free) struct strlist lines = STRLIST_INIT;
	size_t i;

	if (make_lines(http, request, &lines, err) < 0)
		return -1;
	for (i = 0; i < lines.n; i++)
		if (slist_add(list, lines.v[i], err) < 0)
			return -1;
	if (!has_body(request) && always_has_body(request))
		return slist_add(list, "Content-Type:", err);
	return request->body != NULL ? slist_add(list, "Expect:", err) : 0;
}

int
http_setup_all(struct http *http, const struct http_request *request,
    struct http_transfer *transfer, struct http_setup *setup, struct err *err)
{
	if (str_format(&setup->url, err, "%s%s", http->base,
	    request->path) < 0 ||
	    make_headers(http, request, &setup->headers, err) < 0)
		return -1;
	if (!set_endpoint(http) || !set_callbacks(http->easy, transfer) ||
	    !set_request(http->easy, setup->url, request, setup->headers))
		return err_nomem(err);
	return 0;
}
