#define _GNU_SOURCE
#include "lib/base/libcurl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

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
