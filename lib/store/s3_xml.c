#include "lib/store/s3_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/store/s3_xml_walk.h"

/* A name is a fixed field; one that does not fit is cut at its end. Masked
 * first: a part of a secret would not be known for one. */
static int
keep_fixed(char *field, size_t size, const char *text, struct err *err)
{
	CLEANUP(cleanup_free) char *masked = NULL;

	if (log_mask(text, &masked, err) < 0)
		return -1;
	(void)snprintf(field, size, "%s", masked);
	return 0;
}

static int
on_error(void *cookie, const char *path, const char *text, struct err *err)
{
	struct s3_error *error = cookie;
	const char *name = s3_xml_behind(path, "Error/");

	if (name == NULL)
		return 0;
	if (strcmp(name, "Code") == 0)
		return keep_fixed(error->code, sizeof error->code, text,
		    err);
	if (strcmp(name, "Message") == 0)
		return keep_fixed(error->message, sizeof error->message, text,
		    err);
	if (strcmp(name, "Region") == 0)
		return keep_fixed(error->region, sizeof error->region, text,
		    err);
	if (strcmp(name, "Endpoint") == 0)
		return keep_fixed(error->endpoint, sizeof error->endpoint, text,
		    err);
	return 0;
}

void
s3_xml_error(const char *body, size_t n, struct s3_error *ret)
{
	struct err err = ERR_INIT;

	*ret = (struct s3_error)S3_ERROR_INIT;
	if (s3_xml_walk(body, n, on_error, ret, &err) < 0 &&
	    err.kind != ERR_PROTOCOL)
		*ret = (struct s3_error)S3_ERROR_INIT;
}

/* --- small answers ------------------------------------------------------- */

struct wanted {
	const char *root;
	const char *leaf;
	bool is_there;
	char *text;
};

static int
on_wanted(void *cookie, const char *path, const char *text, struct err *err)
{
	struct wanted *wanted = cookie;
	const char *name = s3_xml_behind(path, wanted->root);

	if (name == NULL)
		return 0;
	wanted->is_there = true;
	return strcmp(name, wanted->leaf) == 0 ?
	    s3_xml_keep(&wanted->text, text, err) : 0;
}

/* The text of one leaf of a document with that root; *ret may be NULL. */
static int
find(const char *body, size_t n, struct wanted *wanted, char **ret,
    struct err *err)
{
	if (s3_xml_walk(body, n, on_wanted, wanted, err) < 0) {
		free(wanted->text);
		return -1;
	}
	if (!wanted->is_there) {
		free(wanted->text);
		return err_set(err, ERR_PROTOCOL,
		    "the store's answer is no %s", wanted->root);
	}
	*ret = wanted->text;
	return 0;
}

int
s3_xml_upload_id(const char *body, size_t n, char **ret, struct err *err)
{
	struct wanted wanted = { "InitiateMultipartUploadResult", "/UploadId",
	    false, NULL };
	char *id = NULL;

	if (find(body, n, &wanted, &id, err) < 0)
		return -1;
	if (id == NULL || *id == '\0') {
		free(id);
		return err_set(err, ERR_PROTOCOL,
		    "the store began an upload without an id");
	}
	*ret = id;
	return 0;
}

int
s3_xml_etag(const char *body, size_t n, char **ret, struct err *err)
{
	struct wanted wanted = { "CompleteMultipartUploadResult", "/ETag",
	    false, NULL };
	CLEANUP(cleanup_free) char *etag = NULL;
	const char *begin;
	size_t len;

	if (find(body, n, &wanted, &etag, err) < 0)
		return -1;
	begin = etag != NULL ? etag : "";
	begin += *begin == '"';
	len = strcspn(begin, "\"");
	return str_format(ret, err, "%.*s", (int)len, begin);
}

struct failures {
	struct s3_failures *list;
	struct s3_failure now;
	bool is_there;
};

static void
failure_free(struct s3_failure *failure)
{
	free(failure->key);
	free(failure->code);
	free(failure->message);
	*failure = (struct s3_failure){ NULL, NULL, NULL };
}

static int
add_failure(struct failures *f, struct err *err)
{
	struct s3_failure *bigger;

	if (f->now.key == NULL)
		return err_set(err, ERR_PROTOCOL, "the store could not "
		    "remove something and does not say what");
	bigger = s3_xml_grown(f->list->v, f->list->n, sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	f->list->v = bigger;
	f->list->v[f->list->n++] = f->now;
	f->now = (struct s3_failure){ NULL, NULL, NULL };
	return 0;
}

static int
on_failure(void *cookie, const char *path, const char *text, struct err *err)
{
	struct failures *f = cookie;
	const char *name = s3_xml_behind(path, "DeleteResult");

	if (name == NULL)
		return 0;
	f->is_there = true;
	if (strcmp(name, "/Error") == 0)
		return add_failure(f, err);
	if (strcmp(name, "/Error/Key") == 0)
		return s3_xml_keep(&f->now.key, text, err);
	if (strcmp(name, "/Error/Code") == 0)
		return s3_xml_keep(&f->now.code, text, err);
	if (strcmp(name, "/Error/Message") == 0)
		return s3_xml_keep(&f->now.message, text, err);
	return 0;
}

int
s3_xml_failures(const char *body, size_t n, struct s3_failures *ret,
    struct err *err)
{
	CLEANUP(s3_failures_free) struct s3_failures list = S3_FAILURES_INIT;
	struct failures f = { .list = &list };
	int rc = s3_xml_walk(body, n, on_failure, &f, err);

	failure_free(&f.now);
	if (rc < 0)
		return -1;
	if (!f.is_there)
		return err_set(err, ERR_PROTOCOL,
		    "the store's answer does not say what was removed");
	*ret = list;
	list = (struct s3_failures)S3_FAILURES_INIT;
	return 0;
}

void
s3_failures_free(struct s3_failures *failures)
{
	size_t i;

	for (i = 0; i < failures->n; i++)
		failure_free(&failures->v[i]);
	free(failures->v);
	*failures = (struct s3_failures)S3_FAILURES_INIT;
}
