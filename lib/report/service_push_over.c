/*
 * pushover. With an encryption key the server sees neither title nor message:
 * each is compressed, encrypted and signed for itself, and the phone has the
 * same key.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cipher.h"
#include "lib/base/gzip_small.h"
#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/report/service_parts.h"
#include "lib/report/service_push.h"

#define URL "https://api.pushover.net/1/messages.json"
#define TITLE_CHARACTERS 250
#define BODY_CHARACTERS 1024
#define EMERGENCY 2	/* is repeated until somebody says that he saw it */

const struct service_key push_over_keys[] = {
	{ .name = "title" },
	{ .name = "devices", .type = KEY_LIST },
	{ .name = "priority", .type = KEY_INT, .def = "0", .min = -2,
	  .max = EMERGENCY },
	{ .name = "encryptionkey", .alias = "key" },
	{ .name = NULL }
};

int
push_over_check(struct service_target *target, struct err *err)
{
	CLEANUP(cipher_wipe) unsigned char key[CIPHER_KEY_BYTES];
	const char *hex = service_get(target, "encryptionkey");
	const char *token = target->url.password;

	if (token == NULL || *token == '\0' || *target->url.host == '\0')
		return err_set(err, ERR_CONFIG, "the token or the user's key "
		    "is missing (pushover://x:TOKEN@USERKEY)");
	return hex != NULL ? cipher_key(hex, key, err) : 0;
}

static int
encrypt(const char *hex, const char *text, char **ret, struct err *err)
{
	CLEANUP(cipher_wipe) unsigned char key[CIPHER_KEY_BYTES];
	CLEANUP(cleanup_free) unsigned char *small = NULL;
	CLEANUP(cleanup_free) unsigned char *sealed = NULL;
	size_t small_n, sealed_n;

	if (cipher_key(hex, key, err) < 0 ||
	    gzip_small(text, strlen(text), &small, &small_n, err) < 0 ||
	    cipher_seal(key, small, small_n, &sealed, &sealed_n, err) < 0)
		return -1;
	return base64_encode(sealed, sealed_n, ret, err);
}

/* *ret: text as it is sent, max characters at most. What is encrypted may not
 * be longer than a plain text: where it does not get shorter, text is cut
 * further. A hundred bytes fit into both limits, whatever they are. */
static int
make_field(const char *hex, const char *text, size_t max,
    int (*shorten)(const char *, size_t, enum message_unit, char **,
    struct err *), char **ret, struct err *err)
{
	size_t fit;

	for (fit = max;; fit = fit * 3 / 4) {
		CLEANUP(cleanup_free) char *plain = NULL;
		CLEANUP(cleanup_free) char *sealed = NULL;

		if (shorten(text, fit, MESSAGE_CHARACTERS, &plain, err) < 0)
			return -1;
		if (hex == NULL)
			return str_dup(plain, ret, err);
		if (encrypt(hex, plain, &sealed, err) < 0)
			return -1;
		if (strlen(sealed) <= max) {
			*ret = sealed;
			sealed = NULL;
			return 0;
		}
	}
}

static int
add_field(struct str *form, const char *name, const char *value,
    struct err *err)
{
	CLEANUP(parts_wipe) char *escaped = NULL;

	if (http_escape(value, &escaped, err) < 0)
		return -1;
	str_addf(form, "%s%s=%s", form->len != 0 ? "&" : "", name, escaped);
	return 0;
}

static int
add_devices(const struct service_target *target, struct str *form,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist devices = STRLIST_INIT;
	CLEANUP(str_free) struct str all = STR_INIT;
	size_t i;

	if (service_list(target, "devices", &devices, err) < 0)
		return -1;
	for (i = 0; i < devices.n; i++)
		str_addf(&all, "%s%s", i != 0 ? "," : "", devices.v[i]);
	if (all.failed)
		return err_nomem(err);
	return all.len != 0 ? add_field(form, "device", all.s, err) : 0;
}

static int
make_form(const struct service_target *target, const char *title,
    const char *body, struct str *form, struct err *err)
{
	if (add_field(form, "token", target->url.password, err) < 0 ||
	    add_field(form, "user", target->url.host, err) < 0 ||
	    add_devices(target, form, err) < 0 ||
	    add_field(form, "title", title, err) < 0 ||
	    add_field(form, "message", body, err) < 0 ||
	    add_field(form, "priority", service_get(target, "priority"),
	    err) < 0)
		return -1;
	if (service_int(target, "priority") == EMERGENCY)
		str_add(form, "&retry=30&expire=600");
	if (service_get(target, "encryptionkey") != NULL)
		str_add(form, "&encrypted=1");
	return form->failed ? err_nomem(err) : 0;
}

/* {"status":1,"request":..}, or {"status":0,"errors":[..]}. */
static int
check_answer(const struct http_response *response, struct err *err)
{
	static const char *const members[] = { "errors", NULL };
	CLEANUP(json_free) cJSON *answer = NULL;
	const cJSON *status;

	if (service_expect(response, 200, 200, members, err) < 0 ||
	    parts_json(response, &answer, err) < 0)
		return -1;
	status = json_member(answer, "status");
	if (!cJSON_IsNumber(status) || status->valuedouble != 1)
		return err_set(err, ERR_PROTOCOL,
		    "the answer does not say that the message was taken");
	return 0;
}

int
push_over_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	const char *hex = service_get(target, "encryptionkey");
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(str_wipe) struct str form = STR_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	struct letter letter = { .url = URL,
	    .content_type = "application/x-www-form-urlencoded" };

	if (make_field(hex, message->title, TITLE_CHARACTERS, message_cut,
	    &title, err) < 0 ||
	    make_field(hex, message->body, BODY_CHARACTERS, message_fit,
	    &body, err) < 0 ||
	    make_form(target, title, body, &form, err) < 0)
		return -1;
	letter.body = form.s;
	letter.body_len = form.len;
	if (courier_send(courier, &letter, &response, err) < 0)
		return -1;
	return check_answer(&response, err);
}
