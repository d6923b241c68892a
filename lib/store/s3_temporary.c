#define _GNU_SOURCE
#include "lib/store/s3_temporary.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"

/* As much as is shown of what a peer says. */
#define WORDS_BYTES 300

void
s3_temporary_free(struct s3_temporary *temporary)
{
	s3_keys_free(&temporary->keys);
	temporary->expires = 0;
}

/* --- time ---------------------------------------------------------------- */

/* "+01:00" or "Z" at the end, in seconds. */
static bool
parse_offset(const char *text, long *ret)
{
	unsigned hours, minutes;
	int n = 0;

	*ret = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	if (!isdigit((unsigned char)text[1]) ||
	    !isdigit((unsigned char)text[2]) || text[3] != ':' ||
	    sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &n) != 2 ||
	    n != 5 || text[6] != '\0' || hours > 23 || minutes > 59)
		return false;
	*ret = (long)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
	return true;
}

static bool
parse_time(const char *text, time_t *ret)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	struct tm tm = { .tm_isdst = 0 };
	size_t i;
	long offset;

	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) :
		    text[i] != form[i])
			return false;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
	    &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 ||
	    tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	text += i;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (!parse_offset(text, &offset))
		return false;
	*ret = timegm(&tm) - offset;
	return true;
}

int
s3_temporary_time(const char *text, time_t *ret, struct err *err)
{
	if (!parse_time(text, ret))
		return err_set(err, ERR_PROTOCOL, "'%.40s' is not a time",
		    text);
	return 0;
}

/* --- keys ---------------------------------------------------------------- */

/* They go into the lines of a request. */
static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

static int
need_key(const char *text, const char *name, char **ret, struct err *err)
{
	if (text == NULL || *text == '\0')
		return err_set(err, ERR_PROTOCOL, "no %s in the answer", name);
	if (has_control(text))
		return err_set(err, ERR_PROTOCOL, "a malformed %s in the "
		    "answer", name);
	return str_dup(text, ret, err);
}

int
s3_temporary_make(const char *access_key, const char *secret_key,
    const char *session_token, const char *expiration,
    struct s3_temporary *ret, struct err *err)
{
	CLEANUP(s3_temporary_free) struct s3_temporary made =
	    S3_TEMPORARY_INIT;
	struct s3_keys *keys = &made.keys;

	if (need_key(access_key, "access key", &keys->access_key, err) < 0 ||
	    need_key(secret_key, "secret key", &keys->secret_key, err) < 0 ||
	    log_secret(keys->secret_key, err) < 0)
		return -1;
	if (session_token != NULL && *session_token != '\0' &&
	    (need_key(session_token, "token", &keys->session_token, err) < 0 ||
	    log_secret(keys->session_token, err) < 0))
		return -1;
	if (expiration != NULL && *expiration != '\0' &&
	    s3_temporary_time(expiration, &made.expires, err) < 0)
		return -1;
	*ret = made;
	made = (struct s3_temporary)S3_TEMPORARY_INIT;
	return 0;
}

int
s3_temporary_refused(const char *code, const char *words, struct err *err)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(str_free) struct str text = STR_INIT;
	bool has_code = code != NULL && *code != '\0';
	bool has_words = words != NULL && *words != '\0';

	if (!has_code && !has_words)
		return err_set(err, ERR_REFUSED, "it gives no reason");
	str_add_visible(&text, has_code ? code : "");
	str_add(&text, has_code && has_words ? ": " : "");
	str_add_visible(&text, has_words ? words : "");
	if (text.failed)
		return err_nomem(err);
	if (log_mask(text.s, &masked, err) < 0)
		return -1;
	return err_set(err, ERR_REFUSED, "it says: %.*s%s", WORDS_BYTES,
	    masked, strlen(masked) > WORDS_BYTES ? "..." : "");
}

/* --- JSON ---------------------------------------------------------------- */

/* What stood in it is wiped. */
static void
json_free(cJSON **json)
{
	cJSON *member;

	cJSON_ArrayForEach(member, *json)
		str_zero(cJSON_IsString(member) ? member->valuestring : NULL);
	cJSON_Delete(*json);
}

/* A text, or NULL. Case does not count: containers write "code". */
static const char *
text_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(json, name));
}

int
s3_temporary_json(const char *body, size_t len, struct s3_temporary *ret,
    struct err *err)
{
	CLEANUP(json_free) cJSON *json = cJSON_ParseWithLengthOpts(body,
	    len + 1, NULL, 1);
	const char *code;

	if (!cJSON_IsObject(json))
		return err_set(err, ERR_PROTOCOL, "its answer is not JSON");
	code = text_of(json, "Code");
	if (code != NULL && strcmp(code, "Success") != 0)
		return s3_temporary_refused(code, text_of(json, "Message"),
		    err);
	return s3_temporary_make(text_of(json, "AccessKeyId"),
	    text_of(json, "SecretAccessKey"), text_of(json, "Token"),
	    text_of(json, "Expiration"), ret, err);
}
