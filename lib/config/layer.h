/*
 * layer: the settings that one place gives, before they are put over others.
 *
 *     LAYER_INIT, layer_add (and layer_continue) ..., layer_apply, layer_free
 *
 * A place is the plain sections of a file, a job's section, an environment.
 * Within a layer a setting is given once and in one form; between layers the
 * later one wins. What is wrong goes to problems, and reading goes on.
 */
#ifndef LIB_CONFIG_LAYER_H
#define LIB_CONFIG_LAYER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/names.h"
#include "lib/config/options.h"

struct setting {
	struct name name;
	char *written;		/* the key or variable as it was written */
	char *where;		/* "path:12", or the variable */
	struct str text;
	bool begun;		/* text has a line, if only an empty one */
};

struct layer {
	enum option_origin_kind kind;
	bool variables;		/* an empty text means unset */
	bool job;		/* OPTION_RUN_WIDE may not stand here */
	struct setting *v;
	size_t n;
	size_t open;		/* what layer_continue continues; n: nothing */
};

#define LAYER_INIT { ORIGIN_FILE, false, false, NULL, 0, 0 }

void layer_free(struct layer *layer);	/* texts are wiped */

/* layer_add: name.id is a known one. Takes a copy of everything. */
MUST_CHECK int layer_add(struct layer *layer, struct name name,
    const char *written, const char *where, const char *text,
    struct strlist *problems, struct err *err);

/* layer_continue: one more line for what was added last, unless that was
 * refused. If its first line is empty, the value begins with this one. */
void layer_continue(struct layer *layer, const char *text);

/* layer_close: nothing is continued until the next layer_add. */
void layer_close(struct layer *layer);

/* layer_apply: read the files and run the commands that were named, and set
 * the options; what a command would give is left as it is, unless commands may
 * be run. Fails with ERR_NOMEM only. */
MUST_CHECK int layer_apply(const struct layer *layer, bool commands,
    struct options *options, struct strlist *problems, struct err *err);

#endif
