/*
 * http_setup: what libcurl is told before one request. For http.c only.
 */
#ifndef LIB_BASE_HTTP_SETUP_H
#define LIB_BASE_HTTP_SETUP_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/http.h"
#include "lib/base/http_transfer.h"

struct http {
	void *easy;		/* libcurl's handles */
	void *multi;
	char *address;		/* for messages */
	char *base;
	char *unix_socket;
	char *ca_file;
	char *ca_all;		/* PEM: the usual roots and the caller's */
	char *cert_file;
	char *key_file;
	bool insecure;
	bool no_proxy;
	double connect_timeout_s;
};

struct http_setup {		/* must live as long as the transfer */
	char *url;
	struct curl_slist *headers;
};

#define HTTP_SETUP_INIT { NULL, NULL }

/* http_setup_all: sets every option, so that nothing of the call before is
 * left. */
MUST_CHECK int http_setup_all(struct http *http,
    const struct http_request *request, struct http_transfer *transfer,
    struct http_setup *setup, struct err *err);
void http_setup_free(struct http_setup *setup);	/* for CLEANUP */

#endif
