#include "lib/run/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/run/reflow.h"
#include "lib/run/verify_find.h"
#include "lib/store/name.h"
#include "lib/stream/walk.h"

#define PRUNING_S 2.0	/* between an archive's end and its metadata's */

/* What opens the archives of those jobs that have the same settings. */
struct opener {
	const struct options *options;
	struct unseal *unseal;
};

struct verifying {
	const struct verify_settings *settings;
	struct verify_result *result;
	struct opener *openers;
	size_t n_openers;
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

/* --- what opens them ----------------------------------------------------- */

static void
openers_free(struct verifying *v)
{
	size_t i;

	for (i = 0; i < v->n_openers; i++)
		unseal_free(v->openers[i].unseal);
	free(v->openers);
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
opens_the_same(const struct options *a, const struct options *b)
{
	return is_same_text(a->seal_passphrase, b->seal_passphrase) &&
	    is_same_text(a->seal_secret_key, b->seal_secret_key) &&
	    is_same_text(a->seal_secret_key_passphrase,
	    b->seal_secret_key_passphrase);
}

static int
find_opener(struct verifying *v, const struct options *options,
    struct unseal **ret, struct err *err)
{
	struct unseal_settings settings = {
		.passphrase = options->seal_passphrase,
		.secret_key = options->seal_secret_key,
		.secret_key_passphrase = options->seal_secret_key_passphrase,
	};
	struct opener *bigger;
	size_t i;

	for (i = 0; i < v->n_openers; i++)
		if (opens_the_same(v->openers[i].options, options)) {
			*ret = v->openers[i].unseal;
			return 0;
		}
	bigger = realloc(v->openers, (v->n_openers + 1) * sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	v->openers = bigger;
	if (unseal_new(&settings, ret, err) < 0)
		return -1;
	bigger[v->n_openers++] = (struct opener){ options, *ret };
	return 0;
}

/* As its metadata says, else its name. NULL: not encrypted; "": somehow. */
static const char *
encryption_of(const struct verify_target *target)
{
	const char *said = target->metadata.metadata.encryption;

	if (said != NULL)
		return strcmp(said, "none") == 0 ? NULL : said;
	return str_ends(target->name, NAME_SEALED_SUFFIX) ? "" : NULL;
}

static int
prepare_one(struct verifying *v, const struct verify_target *target,
    struct err *err)
{
	const char *encryption = encryption_of(target);
	struct unseal *unseal;

	if (encryption == NULL || target->is_missing)
		return 0;
	if (find_opener(v, target->options, &unseal, err) < 0 ||
	    unseal_can(unseal, *encryption != '\0' ? encryption : NULL,
	    err) < 0)
		return err_add(err, "'%s' cannot be decrypted",
		    target->name);
	return 0;
}

/* --- one archive in one store -------------------------------------------- */

/* The compression that the metadata or the name tells; else what it looks
 * like. */
static struct decompress_settings
decompression_of(const struct verify_target *target)
{
	static const struct {
		const char *word, *extension;
		enum compression kind;
	} kinds[] = {
		{ "gzip", "gz", COMPRESSION_GZIP },
		{ "zstd", "zst", COMPRESSION_ZSTD },
		{ "none", "none", COMPRESSION_NONE },
	};
	const char *said = target->metadata.metadata.compression;
	size_t n = strlen(target->name), m = strlen(NAME_SEALED_SUFFIX), i;
	char plain[512] = "";
	const char *extension;

	if (str_ends(target->name, NAME_SEALED_SUFFIX))
		n -= m;
	if (n < sizeof plain)
		memcpy(plain, target->name, n);
	extension = name_suffix_compression(plain);
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (said != NULL ? strcmp(said, kinds[i].word) == 0 :
		    extension != NULL &&
		    strcmp(extension, kinds[i].extension) == 0)
			return (struct decompress_settings){
				.kind = kinds[i].kind };
	return (struct decompress_settings){ .detect = true };
}

static int
compare(const struct metadata *metadata, const struct reflow_result *read,
    struct err *err)
{
	if (metadata->size_bytes != 0 && metadata->size_bytes != read->bytes)
		return err_set(err, ERR_SOURCE, "it has %" PRIu64 " bytes, its "
		    "metadata says %" PRIu64, read->bytes,
		    metadata->size_bytes);
	if (metadata->sha256 != NULL &&
	    strcasecmp(metadata->sha256, read->sha256) != 0)
		return err_set(err, ERR_SOURCE, "its SHA-256 is %s, its "
		    "metadata says %s", read->sha256, metadata->sha256);
	return 0;
}

/* A number that metadata lacks is 0 there. */
static int
compare_tar(const struct metadata *metadata, const struct walk_result *walk,
    struct err *err)
{
	if (metadata->files != 0 && metadata->files != walk->files)
		return err_set(err, ERR_SOURCE, "it has %" PRIu64 " files, its "
		    "metadata says %" PRIu64, walk->files, metadata->files);
	if (metadata->raw_bytes != 0 &&
	    metadata->raw_bytes != walk->raw_bytes)
		return err_set(err, ERR_SOURCE, "its files have %" PRIu64
		    " bytes, its metadata says %" PRIu64, walk->raw_bytes,
		    metadata->raw_bytes);
	return 0;
}

static int
walk(void *cookie, struct chan *in, struct err *err)
{
	return walk_stage(in, cookie, err);
}

static int
read_through(struct verifying *v, const struct verify_target *target,
    struct verify_one *one, struct err *err)
{
	const struct metadata *metadata = &target->metadata.metadata;
	struct walk_result walked = { 0 };
	struct reflow_result read = { 0 };
	struct reflow_settings settings = { .store = target->store,
		.name = target->name, .bytes = target->bytes,
		.decompress = decompression_of(target), .cookie = &walked };

	if (v->settings->deep)
		settings.sink = walk;
	if (v->settings->deep && encryption_of(target) != NULL &&
	    find_opener(v, target->options, &settings.unseal, err) < 0)
		return -1;
	if (reflow_run(&settings, &read, err) < 0)
		return -1;
	one->bytes = read.bytes;
	one->members = walked.members;
	if (walked.outside != 0)
		log_warning("'%s': %" PRIu64 " of its names lead out of where "
		    "it would be extracted", target->name, walked.outside);
	if (compare(metadata, &read, err) < 0)
		return -1;
	return v->settings->deep ? compare_tar(metadata, &walked, err) : 0;
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
	if (metadata->size_bytes != 0 &&
	    metadata->size_bytes != target->bytes)
		return err_set(err, ERR_SOURCE, "it has %" PRIu64 " bytes, its "
		    "metadata says %" PRIu64, target->bytes,
		    metadata->size_bytes);
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

/* Store and archive are named once; store.c has named the store in what it
 * failed with. */
static void
name_both(const struct verify_target *target, struct err *err)
{
	const char *label = store_label(target->store);

	if (!str_starts(err->msg, label))
		(void)err_add(err, "%s: '%s'", label, target->name);
	else if (strstr(err->msg, target->name) == NULL)
		(void)err_add(err, "'%s'", target->name);
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
		name_both(target, &one.err);
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
		if (prepare_one(v, found->v[i], err) < 0)
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

int
verify_run(const struct config *config,
    const struct verify_settings *settings, struct verify_result *ret,
    struct err *err)
{
	CLEANUP(verify_found_free) struct verify_found found =
	    VERIFY_FOUND_INIT;
	CLEANUP(openers_free) struct verifying v = { .settings = settings,
		.result = ret };

	*ret = (struct verify_result)VERIFY_RESULT_INIT;
	if (verify_find(config, settings, &found, err) < 0)
		return -1;
	return verify_found(&v, &found, err);
}
