#define _GNU_SOURCE
#include "lib/base/libcurl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

#define CA_MAX ((size_t)16 << 20)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_rc;

static void
init_library(void)
{
	global_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int
libcurl_setup(struct err *err)
{
	(void)pthread_once(&once, init_library);
	return global_rc == CURLE_OK ? 0 :
	    err_set(err, ERR_SYSTEM, "cannot set up libcurl: %s",
	    curl_easy_strerror(global_rc));
}

/* libcurl knows roots of ours in memory only in place of its file: so they are
 * put behind what is in that file. */
int
libcurl_join_roots(void *easy, const char *file, const char *more, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *usual = NULL;
	char *own = NULL;
	struct err ignored = ERR_INIT;

	if (file != NULL) {
		if (file_read(file, CA_MAX, &usual, NULL, err) < 0)
			return -1;
	} else if (curl_easy_getinfo(easy, CURLINFO_CAINFO, &own) ==
	    CURLE_OK && own != NULL) {
		(void)!file_read(own, CA_MAX, &usual, NULL, &ignored);
	}
	return str_format(ret, err, "%s\n%s\n", usual != NULL ? usual : "",
	    more);
}

bool
libcurl_trust(void *easy, const char *roots, bool insecure)
{
	const long verify = insecure ? 0 : 1;
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)roots,
		.len = roots != NULL ? strlen(roots) : 0,
		.flags = CURL_BLOB_NOCOPY
	};

	return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2) ==
	    CURLE_OK &&
	    (roots == NULL || curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB,
	    &blob) == CURLE_OK);
}

enum err_kind
libcurl_kind(void *easy, int code)
{
	curl_off_t connected_us = 0;

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_ABORTED_BY_CALLBACK:
		(void)curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T,
		    &connected_us);
		return connected_us == 0 ? ERR_UNREACHABLE : ERR_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
		return ERR_UNREACHABLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return ERR_UNTRUSTED;
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		return ERR_CONFIG;
	case CURLE_USE_SSL_FAILED:
	case CURLE_LOGIN_DENIED:
		return ERR_REFUSED;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	default:
		return ERR_PROTOCOL;
	}
}

const char *
libcurl_phrase(enum err_kind kind)
{
	switch (kind) {
	case ERR_UNREACHABLE:
	case ERR_UNTRUSTED:
		return "cannot connect to";
	case ERR_TIMEOUT:
		return "no answer from";
	case ERR_CONFIG:
		return "cannot use";
	default:
		return "no valid answer from";
	}
}
