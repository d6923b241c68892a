#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/str.h"
#include "lib/store/s3_xml.h"
#include "lib/store/s3_xml_walk.h"

static int
bad_value(const char *what, const char *text, struct err *err)
{
	return err_set(err, ERR_PROTOCOL,
	    "the store's answer has a malformed %s: '%.64s'", what, text);
}

static int
parse_bytes(const char *text, uint64_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno != 0 || *end != '\0')
		return bad_value("size", text, err);
	return 0;
}

/* "2026-11-20T03:00:00.000Z": always UTC. */
static int
parse_time(const char *text, time_t *ret, struct err *err)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end == NULL || (*end != '.' && *end != 'Z'))
		return bad_value("time", text, err);
	*ret = timegm(&tm);
	return 0;
}

static int
hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
	    isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 :
	    -1;
}

/* Decodes in place, as forms are encoded; false: the result is no text. */
static bool
url_decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		int high, low;

		if (*text != '%') {
			*to++ = *text == '+' ? ' ' : *text;
			continue;
		}
		high = hex_digit(text[1]);
		low = high >= 0 ? hex_digit(text[2]) : -1;
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to++ = (char)(high << 4 | low);
		text += 2;
	}
	*to = '\0';
	return true;
}

/* --- objects ------------------------------------------------------------- */

struct listing {
	struct s3_listing *list;
	struct s3_object now;
	bool has_bytes;
	bool has_time;
	bool encoded;
	bool is_listing;
};

static void
object_free(struct s3_object *object)
{
	free(object->key);
	*object = (struct s3_object){ NULL, 0, 0 };
}

static int
add_object(struct listing *l, struct err *err)
{
	struct s3_object *bigger;

	if (l->now.key == NULL || !l->has_bytes || !l->has_time)
		return err_set(err, ERR_PROTOCOL, "the store lists an object "
		    "without a key, a size or a time");
	bigger = s3_xml_grown(l->list->v, l->list->n, sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	l->list->v = bigger;
	l->list->v[l->list->n++] = l->now;
	l->now = (struct s3_object){ NULL, 0, 0 };
	l->has_bytes = false;
	l->has_time = false;
	return 0;
}

static int
on_object(struct listing *l, const char *name, const char *text,
    struct err *err)
{
	if (strcmp(name, "/Key") == 0)
		return s3_xml_keep(&l->now.key, text, err);
	if (strcmp(name, "/Size") == 0) {
		l->has_bytes = true;
		return parse_bytes(text, &l->now.bytes, err);
	}
	if (strcmp(name, "/LastModified") == 0) {
		l->has_time = true;
		return parse_time(text, &l->now.modified, err);
	}
	return *name == '\0' ? add_object(l, err) : 0;
}

static int
on_listing(void *cookie, const char *path, const char *text, struct err *err)
{
	struct listing *l = cookie;
	const char *name = s3_xml_behind(path, "ListBucketResult");
	const char *object;

	if (name == NULL)
		return 0;
	l->is_listing = true;
	object = s3_xml_behind(name, "/Contents");
	if (object != NULL)
		return on_object(l, object, text, err);
	if (strcmp(name, "/IsTruncated") == 0)
		l->list->truncated = strcasecmp(text, "true") == 0;
	else if (strcmp(name, "/EncodingType") == 0)
		l->encoded = strcasecmp(text, "url") == 0;
	else if (strcmp(name, "/NextContinuationToken") == 0)
		return s3_xml_keep(&l->list->next, text, err);
	return 0;
}

/* The type of encoding may come behind what is encoded. */
static void
decode_objects(struct s3_listing *list, bool encoded)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++) {
		if (!encoded || url_decode(list->v[i].key))
			list->v[n++] = list->v[i];
		else
			object_free(&list->v[i]);
	}
	list->n = n;
}

int
s3_xml_listing(const char *body, size_t n, struct s3_listing *ret,
    struct err *err)
{
	CLEANUP(s3_listing_free) struct s3_listing list = S3_LISTING_INIT;
	struct listing l = { .list = &list };
	int rc = s3_xml_walk(body, n, on_listing, &l, err);

	object_free(&l.now);
	if (rc < 0)
		return -1;
	if (!l.is_listing)
		return err_set(err, ERR_PROTOCOL,
		    "the store's answer is no listing");
	if (list.truncated && (list.next == NULL || *list.next == '\0'))
		return err_set(err, ERR_PROTOCOL, "the store's listing is "
		    "cut and does not say where it goes on");
	decode_objects(&list, l.encoded);
	*ret = list;
	list = (struct s3_listing)S3_LISTING_INIT;
	return 0;
}

void
s3_listing_free(struct s3_listing *listing)
{
	size_t i;

	for (i = 0; i < listing->n; i++)
		object_free(&listing->v[i]);
	free(listing->v);
	free(listing->next);
	*listing = (struct s3_listing)S3_LISTING_INIT;
}

/* --- unfinished uploads -------------------------------------------------- */

struct unfinished {
	struct s3_unfinished_list *list;
	struct s3_unfinished now;
	bool has_time;
	bool encoded;
	bool is_listing;
};

static void
unfinished_free(struct s3_unfinished *upload)
{
	free(upload->key);
	free(upload->id);
	*upload = (struct s3_unfinished){ NULL, NULL, 0 };
}

static int
add_unfinished(struct unfinished *u, struct err *err)
{
	struct s3_unfinished *bigger;

	if (u->now.key == NULL || u->now.id == NULL || !u->has_time)
		return err_set(err, ERR_PROTOCOL, "the store lists an upload "
		    "without a key, an id or a time");
	bigger = s3_xml_grown(u->list->v, u->list->n, sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	u->list->v = bigger;
	u->list->v[u->list->n++] = u->now;
	u->now = (struct s3_unfinished){ NULL, NULL, 0 };
	u->has_time = false;
	return 0;
}

static int
on_upload(struct unfinished *u, const char *name, const char *text,
    struct err *err)
{
	if (strcmp(name, "/Key") == 0)
		return s3_xml_keep(&u->now.key, text, err);
	if (strcmp(name, "/UploadId") == 0)
		return s3_xml_keep(&u->now.id, text, err);
	if (strcmp(name, "/Initiated") == 0) {
		u->has_time = true;
		return parse_time(text, &u->now.begun, err);
	}
	return *name == '\0' ? add_unfinished(u, err) : 0;
}

static int
on_unfinished(void *cookie, const char *path, const char *text,
    struct err *err)
{
	struct unfinished *u = cookie;
	const char *name = s3_xml_behind(path, "ListMultipartUploadsResult");
	const char *upload;

	if (name == NULL)
		return 0;
	u->is_listing = true;
	upload = s3_xml_behind(name, "/Upload");
	if (upload != NULL && (*upload == '\0' || *upload == '/'))
		return on_upload(u, upload, text, err);
	if (strcmp(name, "/IsTruncated") == 0)
		u->list->truncated = strcasecmp(text, "true") == 0;
	else if (strcmp(name, "/EncodingType") == 0)
		u->encoded = strcasecmp(text, "url") == 0;
	else if (strcmp(name, "/NextKeyMarker") == 0)
		return s3_xml_keep(&u->list->next_key, text, err);
	else if (strcmp(name, "/NextUploadIdMarker") == 0)
		return s3_xml_keep(&u->list->next_id, text, err);
	return 0;
}

static void
decode_unfinished(struct s3_unfinished_list *list)
{
	size_t i, n = 0;

	if (list->next_key != NULL && !url_decode(list->next_key)) {
		free(list->next_key);
		list->next_key = NULL;
	}
	for (i = 0; i < list->n; i++) {
		if (url_decode(list->v[i].key))
			list->v[n++] = list->v[i];
		else
			unfinished_free(&list->v[i]);
	}
	list->n = n;
}

int
s3_xml_unfinished(const char *body, size_t n, struct s3_unfinished_list *ret,
    struct err *err)
{
	CLEANUP(s3_unfinished_list_free) struct s3_unfinished_list list =
	    S3_UNFINISHED_LIST_INIT;
	struct unfinished u = { .list = &list };
	int rc = s3_xml_walk(body, n, on_unfinished, &u, err);

	unfinished_free(&u.now);
	if (rc < 0)
		return -1;
	if (!u.is_listing)
		return err_set(err, ERR_PROTOCOL,
		    "the store's answer is no listing of uploads");
	if (u.encoded)
		decode_unfinished(&list);
	if (list.truncated && list.next_key == NULL)
		return err_set(err, ERR_PROTOCOL, "the store's listing of "
		    "uploads is cut and does not say where it goes on");
	*ret = list;
	list = (struct s3_unfinished_list)S3_UNFINISHED_LIST_INIT;
	return 0;
}

void
s3_unfinished_list_free(struct s3_unfinished_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		unfinished_free(&list->v[i]);
	free(list->v);
	free(list->next_key);
	free(list->next_id);
	*list = (struct s3_unfinished_list)S3_UNFINISHED_LIST_INIT;
}
