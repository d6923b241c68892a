/*
 * Only the children of <Credentials> and of <Error> matter, wherever those
 * stand. Text is collected anew from each start tag on, so that it is a leaf's
 * when the leaf ends.
 */
#include "lib/store/s3_sts.h"

#include <expat.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

/* Of one text; a session token has about a kilobyte. */
#define TEXT_BYTES_MAX ((size_t)64 << 10)
#define DEPTH_MAX 32

enum leaf { ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, EXPIRATION, CODE, MESSAGE,
	N_LEAVES };

static const char *const leaf_names[N_LEAVES] = { "AccessKeyId",
	"SecretAccessKey", "SessionToken", "Expiration", "Code", "Message" };

struct decoder {
	XML_Parser parser;
	int depth;
	int parent;		/* depth of the element that has leaves; 0: in
				 * none */
	struct str text;
	char *leaves[N_LEAVES];
	bool failed;		/* it stopped; *err says why */
	struct err *err;
};

static void
decoder_free(struct decoder *d)
{
	int i;

	if (d->parser != NULL)
		XML_ParserFree(d->parser);
	str_wipe(&d->text);
	for (i = 0; i < N_LEAVES; i++) {
		str_zero(d->leaves[i]);
		free(d->leaves[i]);
	}
}

static void
stop(struct decoder *d)
{
	d->failed = true;
	(void)XML_StopParser(d->parser, XML_FALSE);
}

/* Whatever a peer defines there, we need none of it. */
static void
on_doctype(void *data, const char *name, const char *system_id,
    const char *public_id, int has_subset)
{
	struct decoder *d = data;

	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_subset;
	err_set(d->err, ERR_PROTOCOL, "its answer has a document type");
	stop(d);
}

static void
on_start(void *data, const char *name, const char **attributes)
{
	struct decoder *d = data;

	(void)attributes;
	str_wipe(&d->text);
	d->text.max = TEXT_BYTES_MAX;
	if (++d->depth > DEPTH_MAX) {
		err_set(d->err, ERR_PROTOCOL, "its answer is nested too deep");
		stop(d);
	} else if (strcmp(name, "Credentials") == 0 ||
	    strcmp(name, "Error") == 0) {
		d->parent = d->depth;
	}
}

static void
on_text(void *data, const char *text, int n)
{
	struct decoder *d = data;

	str_addn(&d->text, text, (size_t)n);
}

static void
on_end(void *data, const char *name)
{
	struct decoder *d = data;
	int i;

	if (d->depth == d->parent)
		d->parent = 0;
	for (i = 0; i < N_LEAVES && !d->failed; i++)
		if (d->parent != 0 && d->depth == d->parent + 1 &&
		    d->leaves[i] == NULL && strcmp(name, leaf_names[i]) == 0 &&
		    str_take(&d->text, &d->leaves[i], d->err) < 0)
			stop(d);
	d->depth--;
}

static int
decode(struct decoder *d, const char *body, size_t len, struct err *err)
{
	enum XML_Status status;

	d->parser = XML_ParserCreate(NULL);
	if (d->parser == NULL)
		return err_nomem(err);
	XML_SetUserData(d->parser, d);
	XML_SetElementHandler(d->parser, on_start, on_end);
	XML_SetCharacterDataHandler(d->parser, on_text);
	XML_SetStartDoctypeDeclHandler(d->parser, on_doctype);
	status = XML_Parse(d->parser, body, (int)len, XML_TRUE);
	if (d->failed)
		return -1;
	if (status == XML_STATUS_OK)
		return 0;
	if (XML_GetErrorCode(d->parser) == XML_ERROR_NO_MEMORY)
		return err_nomem(err);
	return err_set(err, ERR_PROTOCOL, "its answer is not XML");
}

int
s3_sts_read(const char *body, size_t len, struct s3_temporary *ret,
    struct err *err)
{
	CLEANUP(decoder_free) struct decoder d = { .text = STR_INIT,
		.err = err };
	char *const *leaves = d.leaves;

	if (decode(&d, body, len, err) < 0)
		return -1;
	if (leaves[CODE] != NULL || leaves[MESSAGE] != NULL)
		return s3_temporary_refused(leaves[CODE], leaves[MESSAGE],
		    err);
	return s3_temporary_make(leaves[ACCESS_KEY], leaves[SECRET_KEY],
	    leaves[SESSION_TOKEN], leaves[EXPIRATION], ret, err);
}
