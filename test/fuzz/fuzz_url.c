/*
 * fuzz_url: any text is an URL of a service or an error that shows nothing of
 * it; lists of them come apart into what can be split no more; titles and
 * bodies of any bytes fit.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/report/message.h"
#include "lib/report/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
demand(bool good)
{
	if (!good)
		abort();
}

static bool
is_known(const char *scheme, size_t n)
{
	return service_known(scheme, n) || (n == 1 && *scheme == 's');
}

static void
check_parsed(const struct service_url *url)
{
	size_t i;

	demand(*url->scheme != '\0' && url->port <= 65535);
	demand(strpbrk(url->host, " /?#@\\") == NULL);
	demand(*url->path == '\0' || *url->path == '/');
	demand(str_is_utf8(url->host) && str_is_utf8(url->path));
	demand(url->user != NULL || url->password == NULL);
	for (i = 0; i < url->segments.n; i++)
		demand(*url->segments.v[i] != '\0' &&
		    str_is_utf8(url->segments.v[i]));
	demand(url->query.keys.n == url->query.values.n);
	for (i = 0; i < url->query.keys.n; i++)
		demand(str_is_utf8(url->query.keys.v[i]) &&
		    str_is_utf8(url->query.values.v[i]));
}

static void
check_url(const char *text)
{
	CLEANUP(service_url_free) struct service_url url = SERVICE_URL_INIT;
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;
	struct err err = ERR_INIT;

	if (service_url_parse(text, &url, &err) == 0)
		check_parsed(&url);
	else
		demand(err.kind == ERR_CONFIG && url.scheme == NULL);
	if (service_open(text, &target, &err) == 0)
		demand(service_known(target.url.scheme,
		    strlen(target.url.scheme)));
	else
		demand(err.kind == ERR_CONFIG && target.service == NULL);
	log_close();
}

/* What was split is one URL, and stays one. */
static void
check_list(const char *text)
{
	CLEANUP(strlist_free) struct strlist urls = STRLIST_INIT;
	struct err err = ERR_INIT;
	size_t i;

	demand(service_urls_split(text, is_known, &urls, &err) == 0);
	for (i = 0; i < urls.n; i++) {
		CLEANUP(strlist_free) struct strlist again = STRLIST_INIT;

		demand(service_urls_split(urls.v[i], is_known, &again,
		    &err) == 0);
		demand(again.n == 1 && strcmp(again.v[0], urls.v[i]) == 0);
	}
}

static void
check_message(const char *text)
{
	CLEANUP(cleanup_free) char *clean = NULL;
	CLEANUP(cleanup_free) char *fitted = NULL;
	CLEANUP(cleanup_free) char *line = NULL;
	CLEANUP(cleanup_free) char *cut = NULL;
	struct err err = ERR_INIT;

	demand(message_fit(text, 64, MESSAGE_BYTES, &fitted, &err) == 0);
	demand(strlen(fitted) <= 64);
	cleanup_free(&fitted);
	demand(message_utf8(text, &clean, &err) == 0 && str_is_utf8(clean));
	demand(message_fit(clean, 64, MESSAGE_CHARACTERS, &fitted, &err) == 0);
	demand(str_is_utf8(fitted));
	demand(message_line(text, &line, &err) == 0 && str_is_utf8(line));
	demand(strpbrk(line, "\r\n") == NULL);
	demand(message_cut(line, 8, MESSAGE_BYTES, &cut, &err) == 0);
	demand(strlen(cut) <= 8 && str_is_utf8(cut));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	CLEANUP(cleanup_free) char *text = malloc(n + 1);

	if (text == NULL)
		return 0;
	if (n != 0)
		memcpy(text, bytes, n);
	text[n] = '\0';
	check_url(text);
	check_list(text);
	check_message(text);
	return 0;
}
