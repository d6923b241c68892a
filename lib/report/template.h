/*
 * template: titles and bodies, as texts with placeholders in {{ }}.
 *
 * The language is what docker-volume-backup's users write, a part of Go's
 * text/template, without anything that runs code:
 *
 *     {{ .A.B }}  {{ . }}  {{ $ }}         a field of the data
 *     {{ f x y }}  {{ x | f y }}           a function; x comes last
 *     {{ if x }} {{ else if x }} {{ else }} {{ end }}
 *     {{ range x }} {{ else }} {{ end }}   of lists and objects (by key)
 *     {{ with x }} {{ else }} {{ end }}
 *     {{ define "name" }} {{ end }}  {{ template "name" x }}
 *     {{- x -}}  {{/ * comment * /}}       (no blanks in the comment's marks)
 *     "text"  `text`  17  1.5  true  false  (x)
 *
 * Functions: formatTime LAYOUT TIME (Go's layouts; TIME is RFC 3339),
 * formatBytesBin, formatBytesDec N, env NAME, toJson, toPrettyJson X, and eq,
 * ne, lt, le, gt, ge, and, or, not, len, print, printf (%s %v %d %q %%), index.
 * Empty (false) are 0, "", null, empty lists and objects. A field that is not
 * there is null, and prints as nothing.
 *
 * There is no loop without end, nesting is bounded, and so is what comes out.
 */
#ifndef LIB_REPORT_TEMPLATE_H
#define LIB_REPORT_TEMPLATE_H

#include <stddef.h>

#include "lib/base/err.h"

struct cJSON;
struct templates;		/* named ones; a later definition replaces */

#define TEMPLATE_OUTPUT_BYTES (1u << 20)

MUST_CHECK int templates_new(struct templates **ret, struct err *err);
void templates_free(struct templates *templates);
void templates_freep(struct templates **templates);	/* for CLEANUP */

/* templates_add: all that text (len bytes) defines; what stands outside of
 * {{ define }} is ignored. name is for messages, which begin "NAME:LINE: ".
 * Fails: ERR_CONFIG an unknown function, a block without its end, ... */
MUST_CHECK int templates_add(struct templates *templates, const char *name,
    const char *text, size_t len, struct err *err);

/* templates_add_dir: every file *.* of a directory, in the order of names.
 * Fails: also if there is none. */
MUST_CHECK int templates_add_dir(struct templates *templates,
    const char *directory, struct err *err);

/* templates_render: *ret is the text, masked as the log is; caller frees.
 * Fails: ERR_CONFIG as "NAME:LINE: formatTime: ..."; no template of that
 * name; too much output. */
MUST_CHECK int templates_render(const struct templates *templates,
    const char *name, const struct cJSON *data, char **ret, struct err *err);

#endif
