#include "lib/run/verify.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/run/examine.h"
#include "lib/run/opening.h"
#include "lib/run/verify_find.h"
#include "lib/store/name.h"

#define PRUNING_S 2.0	/* between an archive's end and its metadata's */

struct verifying {
	const struct verify_settings *settings;
	struct verify_result *result;
	struct openings openings;
};

const char *
verify_state_name(enum verify_state state)
{
	static const char *const names[] = { "good", "damaged", "unreached",
		"gone" };

	return names[state];
}

static void
one_free(struct verify_one *one)
{
	free(one->archive);
	free(one->store);
}

void
verify_result_free(struct verify_result *result)
{
	size_t i;

	for (i = 0; i < result->n; i++)
		one_free(&result->v[i]);
	free(result->v);
	*result = (struct verify_result)VERIFY_RESULT_INIT;
}

/* one is taken, also on failure. */
static int
add(struct verifying *v, struct verify_one *one, struct err *err)
{
	struct verify_one *bigger = realloc(v->result->v,
	    (v->result->n + 1) * sizeof *bigger);

	if (bigger == NULL) {
		one_free(one);
		return err_nomem(err);
	}
	v->result->v = bigger;
	bigger[v->result->n++] = *one;
	if (v->settings->tell != NULL)
		v->settings->tell(v->settings->cookie, one);
	return 0;
}

/* --- one archive in one store -------------------------------------------- */

static int
read_through(struct verifying *v, const struct verify_target *target,
    struct verify_one *one, struct err *err)
{
	const struct examine_settings settings = { .store = target->store,
		.name = target->name, .bytes = target->bytes,
		.metadata = &target->metadata.metadata,
		.deep = v->settings->deep, .options = target->options,
		.openings = &v->openings };
	struct examine_result read = { 0 };
	int rc = examine_archive(&settings, &read, err);

	one->bytes = read.bytes;
	one->members = read.members;
	return rc;
}

/* Is it being pruned? Then its metadata follows soon. */
static bool
was_pruned(const struct verify_target *target)
{
	CLEANUP(cleanup_free) char *name = NULL;
	struct err ignored = ERR_INIT;
	bool has = true;
	int i;

	if (str_format(&name, &ignored, "%s%s", target->name,
	    NAME_METADATA_SUFFIX) < 0)
		return false;
	for (i = 0; i < 2 && has; i++) {
		if (i != 0 && intr_sleep(PRUNING_S))
			break;
		if (store_has(target->store, name, &has, &ignored) < 0)
			return false;
	}
	return !has;
}

static int
check(struct verifying *v, const struct verify_target *target,
    struct verify_one *one, struct err *err)
{
	const struct metadata *metadata = &target->metadata.metadata;

	if (target->is_missing)
		return err_set(err, ERR_NOTFOUND, "the archive is missing, its "
		    "metadata is there");
	if (target->err.kind != ERR_NONE) {
		*err = target->err;
		return -1;
	}
	/* Nothing need be read to see that. */
	if (opening_compare_size(metadata, target->bytes, err) < 0)
		return -1;
	return read_through(v, target, one, err);
}

static enum verify_state
judge(const struct verify_target *target, const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE:
		return VERIFY_GOOD;
	case ERR_NOTFOUND:
		return was_pruned(target) ? VERIFY_GONE : VERIFY_DAMAGED;
	case ERR_UNREACHABLE:
	case ERR_TIMEOUT:
	case ERR_REFUSED:
		return VERIFY_UNREACHED;
	default:
		return VERIFY_DAMAGED;
	}
}

static int
verify_target(struct verifying *v, const struct verify_target *target,
    struct err *err)
{
	struct verify_one one = { .deep = v->settings->deep,
		.has_metadata = target->has_metadata, .err = ERR_INIT };

	if (check(v, target, &one, &one.err) < 0 &&
	    (one.err.kind == ERR_NOMEM || one.err.kind == ERR_INTERRUPTED)) {
		*err = one.err;
		return -1;
	}
	one.state = judge(target, &one.err);
	if (one.state != VERIFY_GOOD)
		(void)opening_blame(store_label(target->store), target->name,
		    &one.err);
	if (one.state == VERIFY_GONE)
		(void)err_set(&one.err, ERR_NOTFOUND, "%s: '%s' was removed "
		    "meanwhile", store_label(target->store), target->name);
	if (str_dup(target->name, &one.archive, err) < 0 ||
	    str_dup(store_label(target->store), &one.store, err) < 0) {
		one_free(&one);
		return -1;
	}
	return add(v, &one, err);
}

/* --- all of them --------------------------------------------------------- */

static int
tell_unreached(struct verifying *v, const struct verify_found *found,
    struct err *err)
{
	size_t i;

	for (i = 0; i < found->problems.n; i++) {
		struct verify_one one = { .state = VERIFY_UNREACHED };

		(void)err_set(&one.err, ERR_NOTFOUND, "%s",
		    found->problems.v[i]);
		if (add(v, &one, err) < 0)
			return -1;
	}
	for (i = 0; i < found->n_places; i++) {
		const struct verify_place *place = &found->places[i];
		struct verify_one one = { .state = VERIFY_UNREACHED,
			.err = place->err };

		if (place->err.kind == ERR_NONE)
			continue;
		if (str_dup(place->store != NULL ? store_label(place->store) :
		    place->place, &one.store, err) < 0 ||
		    add(v, &one, err) < 0)
			return -1;
	}
	return 0;
}

static int
verify_found(struct verifying *v, const struct verify_found *found,
    struct err *err)
{
	size_t i;

	for (i = 0; v->settings->deep && i < found->n; i++)
		if (!found->v[i]->is_missing && openings_can(&v->openings,
		    found->v[i]->options, found->v[i]->name,
		    &found->v[i]->metadata.metadata, err) < 0)
			return -1;
	if (tell_unreached(v, found, err) < 0)
		return -1;
	for (i = 0; i < found->n; i++)
		if (verify_target(v, found->v[i], err) < 0)
			return -1;
	if (found->n != 0 || v->result->n != 0)
		return 0;
	return v->settings->archive != NULL ?
	    err_set(err, ERR_NOTFOUND, "no store has an archive '%s'",
	    v->settings->archive) :
	    err_set(err, ERR_NOTFOUND, "no store has an archive");
}

static void
verifying_end(struct verifying *v)
{
	openings_free(&v->openings);
}

int
verify_run(const struct config *config,
    const struct verify_settings *settings, struct verify_result *ret,
    struct err *err)
{
	CLEANUP(verify_found_free) struct verify_found found =
	    VERIFY_FOUND_INIT;
	CLEANUP(verifying_end) struct verifying v = { .settings = settings,
		.result = ret, .openings = OPENINGS_INIT };

	*ret = (struct verify_result)VERIFY_RESULT_INIT;
	if (verify_find(config, settings, &found, err) < 0)
		return -1;
	return verify_found(&v, &found, err);
}
