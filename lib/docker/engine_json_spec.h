/*
 * engine_json_spec: a service's specification, with one thing changed and
 * nothing lost: what we do not know is kept, and numbers keep their digits.
 * Only for engine_swarm.c and the tests.
 */
#ifndef LIB_DOCKER_ENGINE_JSON_SPEC_H
#define LIB_DOCKER_ENGINE_JSON_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum spec_change_kind {
	SPEC_SCALE,		/* to this count, but only from that one */
	SPEC_FORCE,		/* new tasks: ForceUpdate to this count or more;
				 * 0: to one more than it is, which is then put
				 * here, so that it can be looked for again */
	SPEC_CONSTRAIN,
	SPEC_UNCONSTRAIN
};

struct spec_change {
	enum spec_change_kind kind;
	unsigned long long count;
	const char *constraint;	/* of the last two */
	/* Of SPEC_SCALE: */
	unsigned long long from;	/* the same as count: nothing changes */
	unsigned long long has;	/* given back: the count before */
	bool written;		/* for engine_swarm.c: we have asked for it */
};

struct spec_update {
	char *spec;	/* to be written; NULL: what is wanted is there */
	char *version;	/* that it was made from: digits */
};

#define SPEC_UPDATE_INIT { NULL, NULL }

void spec_update_free(struct spec_update *update);	/* for CLEANUP */

/* engine_json_spec: of the answer to GET /services/ID. Fails: ERR_PROTOCOL,
 * naming endpoint and field; ERR_REFUSED the service is not replicated, and
 * has no count. */
MUST_CHECK int engine_json_spec(const char *body, size_t len,
    struct spec_change *change, struct spec_update *ret, struct err *err);

#endif
