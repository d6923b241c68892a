/*
 * One easy handle does the request; a multi handle drives it, because only so
 * can a signal be looked at more often than once in libcurl's own second.
 * Callbacks never give up by themselves: they write into the cookie why, and
 * return libcurl's abort value; http_call reports after libcurl has returned.
 */
#define _GNU_SOURCE
#include "lib/base/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/intr.h"
#include "lib/base/str.h"

#define MAX_BODY_DEFAULT ((size_t)64 << 20)
#define POLL_MS 100	/* how late a signal is seen, at most */

struct http {
	CURL *easy;
	CURLM *multi;
	char *address;		/* for messages */
	char *base;
	char *unix_socket;
	char *ca_file;
	char *cert_file;
	char *key_file;
	bool insecure;
	bool no_proxy;
	double connect_timeout_s;
};

struct cookie {			/* of one call */
	struct str body;
	size_t max;
	bool too_large;
	char api_version[sizeof ((struct http_response *)0)->api_version];
	char text[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_rc;

static void
init_library(void)
{
	global_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

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

	(void)pthread_once(&once, init_library);
	if (global_rc != CURLE_OK)
		return err_set(err, ERR_SYSTEM, "cannot set up libcurl: %s",
		    curl_easy_strerror(global_rc));
	http = calloc(1, sizeof *http);
	if (http == NULL)
		return err_nomem(err);
	if (copy_endpoint(http, endpoint, err) < 0)
		return -1;
	http->easy = curl_easy_init();
	http->multi = curl_multi_init();
	if (http->easy == NULL || http->multi == NULL)
		return err_nomem(err);
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
	free(http->cert_file);
	free(http->key_file);
	free(http);
}

void
http_response_free(struct http_response *response)
{
	free(response->body);
	*response = (struct http_response)HTTP_RESPONSE_INIT;
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *data)
{
	struct cookie *cookie = data;

	n *= size;
	if (n > cookie->max - cookie->body.len) {
		cookie->too_large = true;
		return 0;
	}
	str_addn(&cookie->body, bytes, n);
	return cookie->body.failed ? 0 : n;
}

/* A version that does not fit is none that we could use: it stays "". */
static size_t
on_header(char *bytes, size_t size, size_t n, void *data)
{
	static const char name[] = "api-version:";
	struct cookie *cookie = data;
	const size_t name_len = sizeof name - 1;
	char value[64];
	char *trimmed;
	size_t len;

	n *= size;
	if (n < name_len || strncasecmp(bytes, name, name_len) != 0)
		return n;
	len = n - name_len;
	if (len >= sizeof value)
		return n;
	memcpy(value, bytes + name_len, len);
	value[len] = '\0';
	trimmed = str_trim(value);
	len = strlen(trimmed);
	if (len < sizeof cookie->api_version)
		memcpy(cookie->api_version, trimmed, len + 1);
	return n;
}

/* Every call sets everything: nothing leaks from one into the next. */
static bool
set_endpoint(const struct http *http)
{
	CURL *easy = http->easy;
	long verify = http->insecure ? 0 : 1;
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
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2) ==
	    CURLE_OK &&
	    (http->ca_file == NULL || curl_easy_setopt(easy, CURLOPT_CAINFO,
	    http->ca_file) == CURLE_OK) &&
	    curl_easy_setopt(easy, CURLOPT_SSLCERT, http->cert_file) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSLKEY, http->key_file) == CURLE_OK;
}

static bool
set_callbacks(CURL *easy, struct cookie *cookie)
{
	return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_WRITEDATA, cookie) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HEADERDATA, cookie) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, cookie->text) ==
	    CURLE_OK;
}

/* A POST without a body must say Content-Length: 0, hence the empty body. */
static bool
set_body(CURL *easy, const struct http_request *request)
{
	if (strcmp(request->method, "HEAD") == 0)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	if (request->body == NULL && strcmp(request->method, "POST") != 0 &&
	    strcmp(request->method, "PUT") != 0)
		return true;
	return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)(request->body != NULL ? request->body_len : 0)) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
	    request->body != NULL ? request->body : "") == CURLE_OK;
}

static bool
set_request(CURL *easy, const char *url, const struct http_request *request,
    struct curl_slist *headers)
{
	long timeout_ms = (long)(request->timeout_s * 1000);

	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	    set_body(easy, request) &&
	    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK;
}

static void
slist_free(struct curl_slist **list)
{
	curl_slist_free_all(*list);
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

/* Without these lines libcurl adds a form's type, and waits a second for
 * leave to send what is longer than a kilobyte. */
static int
make_headers(const struct http_request *request, struct curl_slist **list,
    struct err *err)
{
	CLEANUP(cleanup_free) char *type = NULL;

	if (request->body == NULL)
		return slist_add(list, "Content-Type:", err);
	if (str_format(&type, err, "Content-Type: %s",
	    request->content_type != NULL ? request->content_type :
	    "application/json") < 0 ||
	    slist_add(list, type, err) < 0)
		return -1;
	return slist_add(list, "Expect:", err);
}

/* Runs the transfer to its end; *ret is what libcurl says of it. */
static int
drive(struct http *http, bool interruptible, CURLcode *ret, struct err *err)
{
	CURLMcode rc = CURLM_OK;
	CURLMsg *message;
	int running = 1, left;

	while (rc == CURLM_OK && running != 0) {
		if (interruptible && intr_check(err) < 0)
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
perform(struct http *http, bool interruptible, CURLcode *ret, struct err *err)
{
	CURLMcode added = curl_multi_add_handle(http->multi, http->easy);
	int rc;

	if (added != CURLM_OK)
		return err_set(err, ERR_SYSTEM, "libcurl failed: %s",
		    curl_multi_strerror(added));
	rc = drive(http, interruptible, ret, err);
	(void)curl_multi_remove_handle(http->multi, http->easy);
	return rc;
}

static enum err_kind
kind_of(const struct http *http, CURLcode code)
{
	curl_off_t connected_us = 0;

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		(void)curl_easy_getinfo(http->easy,
		    CURLINFO_PRETRANSFER_TIME_T, &connected_us);
		return connected_us == 0 ? ERR_UNREACHABLE : ERR_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return ERR_UNREACHABLE;
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		return ERR_CONFIG;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	default:
		return ERR_PROTOCOL;
	}
}

static int
explain(const struct http *http, CURLcode code, const struct cookie *cookie,
    struct err *err)
{
	const char *text = cookie->text;
	enum err_kind kind = kind_of(http, code);
	long os_errno = 0;

	if (cookie->too_large)
		return err_set(err, ERR_PROTOCOL,
		    "the answer of '%s' is longer than %zu bytes",
		    http->address, cookie->max);
	if (cookie->body.failed || kind == ERR_NOMEM)
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
	return err_set(err, kind, "%s '%s': %s",
	    kind == ERR_UNREACHABLE ? "cannot connect to" :
	    kind == ERR_TIMEOUT ? "no answer from" :
	    kind == ERR_CONFIG ? "cannot use" : "no valid answer from",
	    http->address, text);
}

static void
cookie_free(struct cookie *cookie)
{
	str_free(&cookie->body);
}

static int
take_response(struct http *http, struct cookie *cookie,
    struct http_response *ret, struct err *err)
{
	struct http_response response = HTTP_RESPONSE_INIT;

	if (curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE,
	    &response.status) != CURLE_OK)
		return err_set(err, ERR_SYSTEM, "libcurl lost a status");
	response.body_len = cookie->body.len;
	memcpy(response.api_version, cookie->api_version,
	    sizeof response.api_version);
	if (str_take(&cookie->body, &response.body, err) < 0)
		return -1;
	*ret = response;
	return 0;
}

int
http_call(struct http *http, const struct http_request *request,
    struct http_response *ret, struct err *err)
{
	CLEANUP(cookie_free) struct cookie cookie = { .body = STR_INIT };
	CLEANUP(slist_free) struct curl_slist *headers = NULL;
	CLEANUP(cleanup_free) char *url = NULL;
	CURLcode code = CURLE_OK;
	int rc;

	cookie.max = request->max_body != 0 ? request->max_body :
	    MAX_BODY_DEFAULT;
	if (str_format(&url, err, "%s%s", http->base, request->path) < 0 ||
	    make_headers(request, &headers, err) < 0)
		return -1;
	if (!set_endpoint(http) || !set_callbacks(http->easy, &cookie) ||
	    !set_request(http->easy, url, request, headers))
		return err_nomem(err);
	rc = perform(http, request->interruptible, &code, err);
	if (rc == 0 && code != CURLE_OK)
		rc = explain(http, code, &cookie, err);
	if (rc == 0)
		rc = take_response(http, &cookie, ret, err);
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
