/*
 * s3_xml_walk: the leaves of an XML document, one after the other. For
 * s3_xml.c and s3_xml_list.c only.
 */
#ifndef LIB_STORE_S3_XML_WALK_H
#define LIB_STORE_S3_XML_WALK_H

#include <stddef.h>

#include "lib/base/err.h"

/*
 * s3_xml_walk: call end for each element, when it ends.
 *
 * Takes    path: "Root/Child/Leaf", prefixes of name spaces cut off; text: all
 *          that stands directly in it
 * Fails    ERR_PROTOCOL not well-formed; elements deeper, or texts and paths
 *          longer than any answer of S3 has; a document type. What end fails
 *          with.
 */
MUST_CHECK int s3_xml_walk(const char *body, size_t n,
    int (*end)(void *cookie, const char *path, const char *text,
    struct err *err), void *cookie, struct err *err);

/* s3_xml_behind: the part of path behind prefix, or NULL. */
const char *s3_xml_behind(const char *path, const char *prefix);

/* s3_xml_keep: *field is a copy of text; what was there is freed. */
MUST_CHECK int s3_xml_keep(char **field, const char *text, struct err *err);

/* s3_xml_grown: v, of n items, with room for one more; NULL: no memory. */
void *s3_xml_grown(void *v, size_t n, size_t size);

#endif
