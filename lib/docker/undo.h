/*
 * undo: how something that was brought to rest is brought back; one entry of
 * the ledger. Whoever finds such an entry, whatever has happened since, may
 * apply it: what is back already is a success.
 */
#ifndef LIB_DOCKER_UNDO_H
#define LIB_DOCKER_UNDO_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/docker/engine.h"

enum undo_kind {
	UNDO_START,		/* a container was stopped */
	UNDO_UNPAUSE,		/* a container was paused */
	UNDO_SCALE,		/* a service was scaled to 0 */
	UNDO_FORCE,		/* a task's container was stopped */
	UNDO_UNCONSTRAIN,	/* a global service was emptied */
	UNDO_NOTHING		/* of what an entry before says of this id,
				 * nothing is left to undo */
};

/* The placement constraint that empties a global service: no node has it. */
#define UNDO_CONSTRAINT "node.labels.vbackup.quiesced==true"

struct undo {
	enum undo_kind kind;
	char *id;		/* of the container or service */
	char *name;		/* for messages */
	unsigned long long replicas;	/* of UNDO_SCALE: the count it had */
};

#define UNDO_INIT { UNDO_START, NULL, NULL, 0 }

void undo_free(struct undo *undo);	/* for CLEANUP */

/* undo_text: "start", "unpause", ...: the action's name. */
const char *undo_text(enum undo_kind kind);

/* undo_format: append one line of JSON, newline included; check ret->failed.
 * undo_parse: of one line without its newline. Fails: ERR_PROTOCOL. */
void undo_format(struct str *ret, const struct undo *undo);
MUST_CHECK int undo_parse(const char *line, size_t len, struct undo *ret,
    struct err *err);

/*
 * undo_apply: bring it back, once; does not wait until a service's tasks run.
 * A service that somebody has given another count than 0 meanwhile keeps it.
 * UNDO_FORCE leaves a service alone whose tasks all run.
 * Fails    as engine_start; ERR_NOTFOUND: it will never come back. The message
 *          says what and which: "cannot start container 'db': ..."
 */
MUST_CHECK int undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err);

#endif
