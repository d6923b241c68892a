#define _GNU_SOURCE
#include "lib/store/s3_xml_walk.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#define MAX_DEPTH 16
#define MAX_PATH_BYTES 512
#define MAX_TEXT_BYTES 16384	/* a key has 1024, each of them as %XX */

struct walk {
	XML_Parser parser;
	int (*end)(void *cookie, const char *path, const char *text,
	    struct err *err);
	void *cookie;
	char path[MAX_PATH_BYTES];
	size_t starts[MAX_DEPTH];	/* of each name in path */
	size_t depth;
	struct str text;
	struct err err;
};

static void
walk_free(struct walk *walk)
{
	XML_ParserFree(walk->parser);
	str_free(&walk->text);
}

static void
stop(struct walk *walk)
{
	(void)XML_StopParser(walk->parser, XML_FALSE);
}

static void
stop_because(struct walk *walk, const char *why)
{
	if (walk->err.kind == ERR_NONE)
		(void)err_set(&walk->err, ERR_PROTOCOL,
		    "the store's answer %s", why);
	stop(walk);
}

static void XMLCALL
on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct walk *walk = data;
	const char *colon = strrchr(name, ':');
	size_t at = strlen(walk->path), n;

	(void)attributes;
	if (walk->err.kind != ERR_NONE)
		return;
	if (colon != NULL)
		name = colon + 1;
	n = strlen(name);
	if (walk->depth == MAX_DEPTH || at + n + 2 > sizeof walk->path) {
		stop_because(walk, "is nested too deeply");
		return;
	}
	walk->starts[walk->depth++] = at;
	if (at != 0)
		walk->path[at++] = '/';
	memcpy(walk->path + at, name, n + 1);
	str_free(&walk->text);
	walk->text.max = MAX_TEXT_BYTES;
}

static void XMLCALL
on_end(void *data, const XML_Char *name)
{
	struct walk *walk = data;
	const char *text = walk->text.s != NULL ? walk->text.s : "";

	(void)name;
	if (walk->err.kind != ERR_NONE)
		return;
	if (walk->end(walk->cookie, walk->path, text, &walk->err) < 0) {
		stop(walk);
		return;
	}
	walk->path[walk->starts[--walk->depth]] = '\0';
	str_free(&walk->text);
	walk->text.max = MAX_TEXT_BYTES;
}

static void XMLCALL
on_text(void *data, const XML_Char *text, int n)
{
	struct walk *walk = data;

	str_addn(&walk->text, text, (size_t)n);
	if (walk->text.failed)
		stop_because(walk, "has a text that is too long");
}

static void XMLCALL
on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int has_internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	stop_because(data, "has a document type");
}

int
s3_xml_walk(const char *body, size_t n, int (*end)(void *cookie,
    const char *path, const char *text, struct err *err), void *cookie,
    struct err *err)
{
	CLEANUP(walk_free) struct walk walk = {
		.end = end, .cookie = cookie, .text = STR_INIT,
		.err = ERR_INIT
	};

	if (n > INT_MAX)
		return err_set(err, ERR_PROTOCOL,
		    "the store's answer is too long");
	walk.parser = XML_ParserCreate(NULL);
	if (walk.parser == NULL)
		return err_nomem(err);
	walk.text.max = MAX_TEXT_BYTES;
	XML_SetUserData(walk.parser, &walk);
	XML_SetElementHandler(walk.parser, on_start, on_end);
	XML_SetCharacterDataHandler(walk.parser, on_text);
	XML_SetStartDoctypeDeclHandler(walk.parser, on_doctype);
	if (XML_Parse(walk.parser, body, (int)n, XML_TRUE) == XML_STATUS_OK)
		return 0;
	if (walk.err.kind != ERR_NONE) {
		*err = walk.err;
		return -1;
	}
	return err_set(err, ERR_PROTOCOL,
	    "the store's answer is no XML: %s in line %lu",
	    XML_ErrorString(XML_GetErrorCode(walk.parser)),
	    (unsigned long)XML_GetCurrentLineNumber(walk.parser));
}

const char *
s3_xml_behind(const char *path, const char *prefix)
{
	return str_starts(path, prefix) ? path + strlen(prefix) : NULL;
}

int
s3_xml_keep(char **field, const char *text, struct err *err)
{
	free(*field);
	*field = NULL;
	return str_dup(text, field, err);
}

/* In steps that double. */
void *
s3_xml_grown(void *v, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return v;
	return reallocarray(v, n != 0 ? 2 * n : 1, size);
}
