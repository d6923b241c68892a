/*
 * http_transfer: what goes in and out while libcurl works on one request.
 *
 * The functions are libcurl's callbacks; data is a struct http_transfer. None
 * of them gives up by itself: they write down why, and return libcurl's abort
 * value. For http.c only.
 */
#ifndef LIB_BASE_HTTP_TRANSFER_H
#define LIB_BASE_HTTP_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/http.h"
#include "lib/base/str.h"

struct http_transfer {
	const struct http_request *request;
	long status;		/* of the answer so far; 0: none yet */
	struct strmap headers;
	struct str body;
	size_t max_body;
	bool too_large;
	uint64_t offset;	/* of what request->read gives next */
	uint64_t moved_bytes;	/* in both directions: does it stall? */
	struct err err;		/* of a callback of the request, or memory */
	char text[256];		/* libcurl's own words */
};

void http_transfer_init(struct http_transfer *transfer,
    const struct http_request *request);
void http_transfer_free(struct http_transfer *transfer); /* for CLEANUP */

size_t http_transfer_header(char *bytes, size_t size, size_t n, void *data);
size_t http_transfer_body(char *bytes, size_t size, size_t n, void *data);
size_t http_transfer_read(char *bytes, size_t size, size_t n, void *data);

/* The request's body is to be sent again from this offset; false: it can
 * not. */
bool http_transfer_rewind(struct http_transfer *transfer, uint64_t offset);

#endif
