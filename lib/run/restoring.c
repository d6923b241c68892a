#include "lib/run/restoring.h"

#include <inttypes.h>

#include "lib/base/log.h"
#include "lib/run/restore_look.h"

/* --- one store after the other ------------------------------------------- */

/* Would it fail in the same way from any store? */
static bool
is_final(enum err_kind kind)
{
	return kind == ERR_INTERRUPTED || kind == ERR_NOMEM ||
	    kind == ERR_CONFIG || kind == ERR_USAGE || kind == ERR_LOCKED ||
	    kind == ERR_NOSPACE;
}

static const char *
place_of(const struct restoring *r, size_t at)
{
	const struct catalogue *c = &r->choice.catalogue;

	return c->stores[r->choice.v[at]->store].plan->place;
}

/* To the next store, if there is one and it may help. */
static bool
go_on(struct restoring *r, struct err *err)
{
	if (r->final || is_final(err->kind) || r->at + 1 >= r->choice.n)
		return false;
	log_warning("%s", err->msg);
	r->result->problems++;
	r->at++;
	log_info("going on with '%s'", place_of(r, r->at));
	*err = (struct err)ERR_INIT;
	return true;
}

static int
open_here(struct restoring *r, struct err *err)
{
	const struct catalogue_entry *entry = r->choice.v[r->at];

	restore_source_free(&r->source);
	if (restore_source_open(r->config, r->settings, &r->choice.catalogue,
	    entry, &r->secrets, &r->source, err) < 0)
		return -1;
	if (restore_wants_know(&r->wants, r->source.metadata, err) < 0) {
		r->final = true;
		return opening_blame(store_label(r->source.store),
		    entry->name, err);
	}
	r->result->problems += entry->trouble != NULL;
	return 0;
}

int
restoring_open(struct restoring *r, struct err *err)
{
	while (open_here(r, err) < 0)
		if (!go_on(r, err))
			return -1;
	return 0;
}

int
restoring_each(struct restoring *r,
    int (*attempt)(struct restoring *r, void *cookie, struct err *err),
    void *cookie, struct err *err)
{
	while (attempt(r, cookie, err) < 0)
		if (!go_on(r, err) || restoring_open(r, err) < 0)
			return -1;
	return 0;
}

/* --- extracting ---------------------------------------------------------- */

struct extraction {
	int (*place)(void *cookie, const char *name,
	    struct extract_place *ret, struct err *err);
	void *cookie;
	struct extract_settings settings;
	struct extract_result result;
};

static int
find_place(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	const struct extraction *e = cookie;

	return e->place(e->cookie, name, ret, err);
}

static void
warn(void *cookie, const char *message)
{
	(void)cookie;
	log_warning("%s", message);
}

static int
extract_sink(void *cookie, struct chan *in, struct err *err)
{
	struct extraction *e = cookie;

	return extract_stage(&e->settings, in, &e->result, err);
}

int
restoring_extract(struct restoring *r,
    int (*place)(void *cookie, const char *name, struct extract_place *ret,
    struct err *err), void *cookie, bool overwrite, struct err *err)
{
	const struct metadata *metadata = r->source.metadata;
	struct extraction e = { .place = place, .cookie = cookie,
		.settings = { .place = find_place, .problem = warn,
		.cookie = &e, .overwrite = overwrite,
		.devices = r->settings->devices,
		.bytes_max = metadata != NULL ? metadata->raw_bytes : 0 } };
	int rc = restore_source_read(&r->source, extract_sink, &e, err);

	r->result->members = e.result.members;
	r->result->files = e.result.files;
	r->result->raw_bytes = e.result.raw_bytes;
	r->result->problems += e.result.problems;
	if (e.result.problems > EXTRACT_PROBLEMS_MAX)
		log_warning("%" PRIu64 " problems in all, %d of them named "
		    "above", e.result.problems, EXTRACT_PROBLEMS_MAX);
	return rc;
}

int
restoring_print(struct restoring *r, struct err *err)
{
	struct restore_look look = { .wants = &r->wants,
		.tell = r->settings->tell, .cookie = r->settings->cookie };
	int rc = restore_look_at(&r->source, &look, err);

	r->final = look.members != 0;	/* printed twice, it is wrong */
	r->result->members = look.members;
	r->result->files = look.files;
	r->result->raw_bytes = look.raw_bytes;
	return rc;
}
