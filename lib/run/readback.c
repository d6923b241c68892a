#include "lib/run/readback.h"

#include <string.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/run/examine.h"
#include "lib/run/sidecar.h"

#define TRIAL "vbackup"
#define TRIAL_BLOCK_BYTES ((size_t)64 * 1024)
#define TRIAL_BLOCKS 4

/* --- will it be possible? ------------------------------------------------ */

/* So little fits into the channels, so one thread is enough. */
static int
seal_and_open(struct seal *seal, struct unseal *unseal, struct err *err)
{
	CLEANUP(chan_freep) struct chan *plain = NULL;
	CLEANUP(chan_freep) struct chan *sealed = NULL;
	CLEANUP(chan_freep) struct chan *opened = NULL;
	const void *bytes;
	size_t n;

	if (chan_new(TRIAL_BLOCK_BYTES, TRIAL_BLOCKS, &plain, err) < 0 ||
	    chan_new(TRIAL_BLOCK_BYTES, TRIAL_BLOCKS, &sealed, err) < 0 ||
	    chan_new(TRIAL_BLOCK_BYTES, TRIAL_BLOCKS, &opened, err) < 0 ||
	    chan_write(plain, TRIAL, strlen(TRIAL), err) < 0 ||
	    chan_finish(plain, err) < 0 ||
	    seal_stage(seal, plain, sealed, err) < 0 ||
	    unseal_stage(unseal, sealed, opened, err) < 0 ||
	    chan_read(opened, &bytes, &n, err) < 0)
		return -1;
	return n == strlen(TRIAL) && memcmp(bytes, TRIAL, n) == 0 ? 0 :
	    err_set(err, ERR_CONFIG, "what was encrypted comes back as "
	    "something else");
}

int
readback_check(const struct job *job, struct openings *openings,
    struct err *err)
{
	const char *encryption = sidecar_encryption(job);
	struct unseal *unseal;

	if (job->options->verify != VERIFY_BY_DEEP ||
	    strcmp(encryption, "openpgp") != 0)
		return 0;
	if (openings_find(openings, job->options, &unseal, err) < 0 ||
	    unseal_can(unseal, encryption, err) < 0)
		return -1;
	if (seal_and_open(job->seal, unseal, err) == 0)
		return 0;
	if (err->kind == ERR_SOURCE)
		err->kind = ERR_CONFIG;
	return -1;
}

/* --- the archive --------------------------------------------------------- */

/* What the stores were given. */
static struct metadata
facts_of(const struct job *job, const struct flow_result *made)
{
	return (struct metadata){ .size_bytes = made->stored.bytes,
		.sha256 = made->stored.sha256, .files = made->total.files,
		.raw_bytes = made->total.raw_bytes,
		.compression = sidecar_compression(job),
		.encryption = sidecar_encryption(job) };
}

static void
read_back(struct work *work, const struct stores_slot *slot,
    const struct metadata *metadata, struct openings *openings)
{
	const struct job *job = work->job;
	struct report_store *report = slot->report;
	struct examine_result read = { 0 };
	const struct examine_settings settings = { .store = slot->store,
		.name = job->archive_name, .bytes = metadata->size_bytes,
		.metadata = metadata,
		.deep = job->options->verify == VERIFY_BY_DEEP,
		.options = job->options, .openings = openings };

	report->verify = true;
	report->verified = examine_archive(&settings, &read,
	    &report->err) == 0;
	if (report->verified) {
		log_info("%s: '%s' is good", report->label,
		    job->archive_name);
		return;
	}
	(void)opening_blame(report->label, job->archive_name, &report->err);
	teller_say(&work->teller, "not good: %s", report->err.msg);
}

/* The path that the report tells is that of a good one. */
static void
name_archive(struct work *work, const struct stores_slot *slot)
{
	struct err err = ERR_INIT;

	cleanup_free(&work->report->archive);
	if (slot != NULL && file_join(slot->plan->place,
	    work->job->archive_name, &work->report->archive, &err) < 0)
		teller_say(&work->teller, "%s", err.msg);
}

int
readback_all(struct work *work, const struct flow_result *made,
    struct err *err)
{
	CLEANUP(openings_free) struct openings openings = OPENINGS_INIT;
	const struct metadata metadata = facts_of(work->job, made);
	const struct stores_slot *good = NULL, *bad = NULL;
	int how = work->job->options->verify;
	size_t i;

	if (how != VERIFY_BY_READ && how != VERIFY_BY_DEEP)
		return 0;
	for (i = 0; i < work->stores.n; i++) {
		const struct stores_slot *slot = &work->stores.slots[i];

		if (!slot->report->stored)
			continue;
		read_back(work, slot, &metadata, &openings);
		if (slot->report->verified && good == NULL)
			good = slot;
		if (!slot->report->verified && bad == NULL)
			bad = slot;
	}
	name_archive(work, good);
	if (good != NULL || bad == NULL)
		return 0;
	work->report->stored = false;
	*err = bad->report->err;
	return err_add(err, "no store has a good one");
}
