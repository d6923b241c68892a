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
 *     {{ with x }} {{ else with x }} {{ else }} {{ end }}
 *     {{ $v := x }} {{ $v = x }} {{ $v }}  a variable, up to the end of its
 *                                          block; 31 at once
 *     {{ range $e := x }}  {{ range $i, $e := x }}
 *     {{ define "name" }} {{ end }}        not within another block
 *     {{ template "name" x }}
 *     {{- x -}}  {{/ * comment * /}}       (no blanks in the comment's marks)
 *     "text"  `text`  17  0x1f  1.5  true  false  nil  (x)  (x).A
 *
 * Functions: formatTime [LAYOUT] TIME (Go's layouts, see template_time.h; TIME
 * is RFC 3339, LAYOUT too if there is none), formatBytesBin, formatBytesDec N,
 * formatDuration SECONDS, env NAME, toJson, toPrettyJson X, and eq, ne, lt, le,
 * gt, ge, and, or (these two look at no more than they need), not, len, print,
 * printf (%v %s %q %d %f %t %%, with flags - + 0 blank, width, precision) and
 * index. Empty (false) are 0, "", null, empty lists and objects.
 *
 * Other than in Go: a field that an object or null does not have is null, and
 * prints as nothing; lists and objects print as JSON; a number is an integer
 * if it is whole, and never printed with an exponent for its size alone; eq of
 * different kinds is false; what printf cannot do is an error. There are no
 * methods (.Time.Format), block, break, continue, character constants, and no
 * function is a value. env gives "***" for a variable that holds a SECRET
 * setting, or names its file or command: others are the author's to choose.
 *
 * There is no loop without end: nesting, work and what comes out are bounded.
 */
#ifndef LIB_REPORT_TEMPLATE_H
#define LIB_REPORT_TEMPLATE_H

#include <stddef.h>

#include "lib/base/err.h"

struct cJSON;
/* Named ones. A later definition replaces, if it has more than blanks. */
struct templates;

#define TEMPLATE_OUTPUT_BYTES (1u << 20)	/* and of every value made */
#define TEMPLATE_FILE_BYTES (1u << 20)

MUST_CHECK int templates_new(struct templates **ret, struct err *err);
void templates_free(struct templates *templates);
void templates_freep(struct templates **templates);	/* for CLEANUP */

/* templates_add: all that text (len bytes) defines; what stands outside of
 * {{ define }} is ignored. name is for messages, which begin "NAME:LINE: ".
 * Fails: ERR_CONFIG an unknown function, a block without its end, a text that
 * is no UTF-8, ...: then nothing of it is taken over. */
MUST_CHECK int templates_add(struct templates *templates, const char *name,
    const char *text, size_t len, struct err *err);

/* templates_add_dir: every file *.* of a directory, in the order of names; but
 * hidden ones, and those with a ~ at the end. Fails: also if there is none. */
MUST_CHECK int templates_add_dir(struct templates *templates,
    const char *directory, struct err *err);

/* templates_render: *ret is the text, masked as the log is; caller frees. It
 * is UTF-8 if the data and the environment are. data: NULL is null.
 * Fails: ERR_CONFIG as "NAME:LINE: formatTime: ..."; no template of that
 * name; too much output. */
MUST_CHECK int templates_render(const struct templates *templates,
    const char *name, const struct cJSON *data, char **ret, struct err *err);

#endif
