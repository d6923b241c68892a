/*
 * libcurl speaks the protocol: CONNECT with a name of its own making, PUBLISH,
 * DISCONNECT. It reads the topic from the URL's path. What a broker says to
 * CONNECT it knows as one kind of failure only, whose text has the code. As of
 * 7.88 it looks at the code only, not at which packet that is in.
 */
#define _GNU_SOURCE
#include "lib/base/mqtt.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/http.h"
#include "lib/base/str.h"

#define CONNECT_S 10.0
#define TEXT_MAX 65535	/* a text of MQTT: its length has two bytes */
#define CA_MAX ((size_t)16 << 20)

bool
mqtt_has_tls(void)
{
	const curl_version_info_data *info =
	    curl_version_info(CURLVERSION_NOW);
	const char *const *name;

	for (name = info->protocols; *name != NULL; name++)
		if (strcmp(*name, "mqtts") == 0)
			return true;
	return false;
}

struct call {
	CURL *easy;
	char *url;
	char *roots;		/* PEM: the usual ones and the caller's */
	char text[CURL_ERROR_SIZE];	/* libcurl's own words */
};

static void
call_free(struct call *call)
{
	curl_easy_cleanup(call->easy);
	free(call->url);
	free(call->roots);
}

static int
check(const struct mqtt *mqtt, struct err *err)
{
	if (mqtt->tls && !mqtt_has_tls())
		return err_set(err, ERR_CONFIG,
		    "this libcurl has no TLS for MQTT (8.19 has it)");
	if (*mqtt->topic == '\0' || strpbrk(mqtt->topic, "+#") != NULL)
		return err_set(err, ERR_CONFIG, "the topic is empty, or has a "
		    "'+' or '#' in it, which is for subscribers only");
	if (strlen(mqtt->topic) > TEXT_MAX ||
	    (mqtt->user != NULL && strlen(mqtt->user) > TEXT_MAX) ||
	    (mqtt->password != NULL && strlen(mqtt->password) > TEXT_MAX))
		return err_set(err, ERR_CONFIG,
		    "the topic, user or password is too long for MQTT");
	return 0;
}

static int
make_url(const struct mqtt *mqtt, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *topic = NULL;

	if (http_escape(mqtt->topic, &topic, err) < 0)
		return -1;
	return str_format(ret, err, "%s://%s:%u/%s", mqtt->tls ? "mqtts" :
	    "mqtt", mqtt->host, mqtt->port, topic);
}

/* As in http.c: roots in memory take the place of libcurl's file. */
static int
join_roots(CURL *easy, const char *more, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *usual = NULL;
	struct err ignored = ERR_INIT;
	char *file = NULL;

	if (curl_easy_getinfo(easy, CURLINFO_CAINFO, &file) == CURLE_OK &&
	    file != NULL && file_read(file, CA_MAX, &usual, NULL,
	    &ignored) < 0)
		usual = NULL;
	return str_format(ret, err, "%s\n%s\n", usual != NULL ? usual : "",
	    more);
}

static bool
set_tls(const struct mqtt *mqtt, const struct call *call)
{
	long verify = mqtt->insecure ? 0 : 1;
	struct curl_blob roots = {
		.data = call->roots,
		.len = call->roots != NULL ? strlen(call->roots) : 0,
		.flags = CURL_BLOB_NOCOPY
	};

	return curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER,
	    verify) == CURLE_OK &&
	    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST,
	    verify * 2) == CURLE_OK &&
	    (call->roots == NULL || curl_easy_setopt(call->easy,
	    CURLOPT_CAINFO_BLOB, &roots) == CURLE_OK);
}

static bool
set_message(const struct mqtt *mqtt, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)mqtt->payload_len) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, mqtt->payload) ==
	    CURLE_OK &&
	    (mqtt->user == NULL || curl_easy_setopt(easy, CURLOPT_USERNAME,
	    mqtt->user) == CURLE_OK) &&
	    (mqtt->password == NULL || curl_easy_setopt(easy,
	    CURLOPT_PASSWORD, mqtt->password) == CURLE_OK);
}

static bool
set_all(const struct mqtt *mqtt, struct call *call)
{
	CURL *easy = call->easy;
	double connect_s = mqtt->timeout_s < CONNECT_S ? mqtt->timeout_s :
	    CONNECT_S;

	return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
	    mqtt->tls ? "mqtts" : "mqtt") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_URL, call->url) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->text) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(connect_s * 1000)) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
	    (long)(mqtt->timeout_s * 1000)) == CURLE_OK &&
	    set_message(mqtt, easy) && set_tls(mqtt, call);
}

/* MQTT 3.1.1, table 3.1; 0 is yes. */
static const char *const refusals[] = {
	NULL, "it does not speak MQTT 3.1.1", "it does not take our name",
	"it is not available", "wrong user or password", "not authorized"
};

static const char *
refusal(const char *text)
{
	const char *code = strstr(text, "but got ");
	unsigned flags, n;

	if (code == NULL || sscanf(code, "but got %2x%2x", &flags, &n) != 2 ||
	    n == 0 || n >= sizeof refusals / sizeof refusals[0])
		return NULL;
	return refusals[n];
}

static enum err_kind
kind_of(const struct call *call, CURLcode code)
{
	curl_off_t connected_us = 0;

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		(void)curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T,
		    &connected_us);
		return connected_us == 0 ? ERR_UNREACHABLE : ERR_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return ERR_UNREACHABLE;
	case CURLE_URL_MALFORMAT:
		return ERR_CONFIG;
	default:
		return ERR_PROTOCOL;
	}
}

static int
explain(const struct mqtt *mqtt, const struct call *call, CURLcode code,
    struct err *err)
{
	const char *text = *call->text != '\0' ? call->text :
	    curl_easy_strerror(code);
	enum err_kind kind = kind_of(call, code);

	if (code == CURLE_OUT_OF_MEMORY)
		return err_nomem(err);
	if (code == CURLE_WEIRD_SERVER_REPLY && refusal(text) != NULL)
		return err_set(err, ERR_REFUSED,
		    "the broker '%s:%u' refuses us: %s", mqtt->host,
		    mqtt->port, refusal(text));
	return err_set(err, kind, "%s '%s:%u': %s",
	    kind == ERR_UNREACHABLE ? "cannot connect to" :
	    kind == ERR_TIMEOUT ? "no answer from" :
	    kind == ERR_CONFIG ? "cannot use" : "no valid answer from",
	    mqtt->host, mqtt->port, text);
}

int
mqtt_publish(const struct mqtt *mqtt, struct err *err)
{
	CLEANUP(call_free) struct call call = { NULL };
	CURLcode code;

	if (check(mqtt, err) < 0 || make_url(mqtt, &call.url, err) < 0)
		return -1;
	if (mqtt->timeout_s < 0.001)	/* to libcurl 0 is without end */
		return err_set(err, ERR_TIMEOUT, "no time left to connect to "
		    "'%s:%u'", mqtt->host, mqtt->port);
	call.easy = curl_easy_init();
	if (call.easy == NULL)
		return err_nomem(err);
	if (mqtt->tls && mqtt->ca_more != NULL &&
	    join_roots(call.easy, mqtt->ca_more, &call.roots, err) < 0)
		return -1;
	if (!set_all(mqtt, &call))
		return err_nomem(err);
	code = curl_easy_perform(call.easy);
	return code == CURLE_OK ? 0 : explain(mqtt, &call, code, err);
}
