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

#include "lib/base/http.h"
#include "lib/base/libcurl.h"
#include "lib/base/str.h"

#define CONNECT_S 10.0
#define TEXT_MAX 65535	/* a text of MQTT: its length has two bytes */

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
	    set_message(mqtt, easy) &&
	    libcurl_trust(easy, call->roots, mqtt->insecure);
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

static int
explain(const struct mqtt *mqtt, const struct call *call, CURLcode code,
    struct err *err)
{
	const char *text = *call->text != '\0' ? call->text :
	    curl_easy_strerror(code);
	enum err_kind kind = libcurl_kind(call->easy, (int)code);

	if (kind == ERR_NOMEM)
		return err_nomem(err);
	if (code == CURLE_WEIRD_SERVER_REPLY && refusal(text) != NULL)
		return err_set(err, ERR_REFUSED,
		    "the broker '%s:%u' refuses us: %s", mqtt->host,
		    mqtt->port, refusal(text));
	return err_set(err, kind, "%s '%s:%u': %s", libcurl_phrase(kind),
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
	if (libcurl_setup(err) < 0)
		return -1;
	call.easy = curl_easy_init();
	if (call.easy == NULL)
		return err_nomem(err);
	if (mqtt->tls && mqtt->ca_more != NULL &&
	    libcurl_join_roots(call.easy, NULL, mqtt->ca_more, &call.roots,
	    err) < 0)
		return -1;
	if (!set_all(mqtt, &call))
		return err_nomem(err);
	code = curl_easy_perform(call.easy);
	return code == CURLE_OK ? 0 : explain(mqtt, &call, code, err);
}
