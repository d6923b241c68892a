#define _GNU_SOURCE
#include "lib/base/http_transfer.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY_DEFAULT ((size_t)64 << 20)
#define MAX_HEADER ((size_t)8 << 10)
#define MAX_HEADERS 256	/* more than any server has reason to send */

_Static_assert(sizeof ((struct http_transfer *)0)->text >= CURL_ERROR_SIZE,
    "libcurl writes so much");

void
http_transfer_init(struct http_transfer *transfer,
    const struct http_request *request)
{
	*transfer = (struct http_transfer){
		.request = request, .headers = STRMAP_INIT, .body = STR_INIT,
		.max_body = request->max_body != 0 ? request->max_body :
		    MAX_BODY_DEFAULT,
		.err = ERR_INIT
	};
}

void
http_transfer_free(struct http_transfer *transfer)
{
	strmap_free(&transfer->headers);
	str_free(&transfer->body);
}

static bool
failed(const struct http_transfer *transfer)
{
	return transfer->err.kind != ERR_NONE;
}

/* One line of a header that is neither too long nor one too many. */
static int
add_header(struct http_transfer *transfer, char *line)
{
	char *value = strchr(line, ':'), *p;

	if (value == NULL)
		return 0;
	*value++ = '\0';
	for (p = line; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (transfer->headers.keys.n >= MAX_HEADERS &&
	    strmap_get(&transfer->headers, line) == NULL)
		return 0;
	return strmap_add(&transfer->headers, line, str_trim(value),
	    &transfer->err);
}

/* A status line begins an answer: what "100 Continue" said is over. */
static void
begin_answer(struct http_transfer *transfer, const char *line)
{
	const char *space = strchr(line, ' ');

	transfer->status = space != NULL ? strtol(space, NULL, 10) : 0;
	strmap_free(&transfer->headers);
}

size_t
http_transfer_header(char *bytes, size_t size, size_t n, void *data)
{
	struct http_transfer *transfer = data;
	CLEANUP(cleanup_free) char *line = NULL;

	n *= size;
	transfer->moved_bytes += n;
	if (n > MAX_HEADER)
		return n;
	line = strndup(bytes, n);
	if (line == NULL) {
		(void)err_nomem(&transfer->err);
		return 0;
	}
	if (str_starts(line, "HTTP/"))
		begin_answer(transfer, line);
	else if (add_header(transfer, line) < 0)
		return 0;
	return n;
}

size_t
http_transfer_body(char *bytes, size_t size, size_t n, void *data)
{
	struct http_transfer *transfer = data;
	const struct http_request *request = transfer->request;

	n *= size;
	transfer->moved_bytes += n;
	if (request->write != NULL && transfer->status / 100 == 2)
		return request->write(request->cookie, bytes, n,
		    &transfer->err) < 0 ? 0 : n;
	if (n > transfer->max_body - transfer->body.len) {
		transfer->too_large = true;
		if (!request->cut_body)
			return 0;
		n = transfer->max_body - transfer->body.len;
	}
	str_addn(&transfer->body, bytes, n);
	if (transfer->body.failed)
		(void)err_nomem(&transfer->err);
	return failed(transfer) || transfer->too_large ? 0 : n;
}

static size_t
pull(struct http_transfer *transfer, char *bytes, size_t n)
{
	const struct http_request *request = transfer->request;
	size_t got = 0;

	if (request->pull(request->cookie, bytes, n, &got,
	    &transfer->err) < 0)
		return CURL_READFUNC_ABORT;
	transfer->offset += got;
	transfer->moved_bytes += got;
	return got;
}

size_t
http_transfer_read(char *bytes, size_t size, size_t n, void *data)
{
	struct http_transfer *transfer = data;
	const struct http_request *request = transfer->request;
	uint64_t left = request->body_len - transfer->offset;

	n *= size;
	if (request->pull != NULL)
		return pull(transfer, bytes, n);
	if (n > left)
		n = (size_t)left;
	if (n == 0)
		return 0;
	if (request->read(request->cookie, transfer->offset, bytes, n,
	    &transfer->err) < 0)
		return CURL_READFUNC_ABORT;
	transfer->offset += n;
	transfer->moved_bytes += n;
	return n;
}

bool
http_transfer_rewind(struct http_transfer *transfer, uint64_t offset)
{
	if (transfer->request->pull != NULL)
		return offset == transfer->offset;
	transfer->offset = offset;
	return true;
}
