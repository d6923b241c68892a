#include "lib/run/reflow.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/run/meter.h"
#include "lib/stream/tar_reader.h"

#define BLOCKS 24
#define STAGES_MAX 3

struct stage {
	int (*run)(const struct reflow_settings *settings, struct chan *in,
	    struct chan *out, struct err *err);
	const struct reflow_settings *settings;
	struct chan *in;
	struct chan *out;	/* NULL for the last */
	pthread_t thread;
	bool started;
	int rc;
	struct err err;
};

struct reflow {
	const struct reflow_settings *settings;
	struct stage stages[STAGES_MAX];
	size_t n_stages;
	struct chan *chans[STAGES_MAX];	/* each is its stage's `in` */
	struct digest *digest;
	uint64_t bytes;
	struct meter meter;
};

static void
reflow_free(struct reflow *reflow)
{
	size_t i;

	for (i = 0; i < STAGES_MAX; i++)
		chan_free(reflow->chans[i]);
	digest_free(reflow->digest);
}

/* --- the stages, each in one shape --------------------------------------- */

static int
run_unseal(const struct reflow_settings *settings, struct chan *in,
    struct chan *out, struct err *err)
{
	return unseal_stage(settings->unseal, in, out, err);
}

static int
run_decompress(const struct reflow_settings *settings, struct chan *in,
    struct chan *out, struct err *err)
{
	return decompress_stage(&settings->decompress, in, out, err);
}

static int
run_sink(const struct reflow_settings *settings, struct chan *in,
    struct chan *out, struct err *err)
{
	(void)out;
	return settings->sink(settings->cookie, in, err);
}

static void
line_up(struct reflow *reflow)
{
	struct stage *stages = reflow->stages;
	size_t n = 0;

	if (reflow->settings->sink == NULL)
		return;
	if (reflow->settings->unseal != NULL)
		stages[n++].run = run_unseal;
	stages[n++].run = run_decompress;
	stages[n++].run = run_sink;
	reflow->n_stages = n;
}

/* --- what is the same for all of them ------------------------------------ */

static void
cancel(struct reflow *reflow)
{
	size_t i;

	for (i = 0; i < reflow->n_stages; i++)
		if (reflow->chans[i] != NULL)
			chan_cancel(reflow->chans[i]);
}

static void *
stage_thread(void *cookie)
{
	struct stage *stage = cookie;

	stage->rc = stage->run(stage->settings, stage->in, stage->out,
	    &stage->err);
	if (stage->rc < 0) {
		chan_cancel(stage->in);
		if (stage->out != NULL)
			chan_cancel(stage->out);
	}
	return NULL;
}

static int
start(struct reflow *reflow, struct err *err)
{
	size_t i;

	for (i = 0; i < reflow->n_stages; i++) {
		if (chan_new(TAR_READER_BLOCK_BYTES, BLOCKS,
		    &reflow->chans[i], err) < 0)
			return -1;
		reflow->stages[i].in = reflow->chans[i];
		if (i != 0)
			reflow->stages[i - 1].out = reflow->chans[i];
	}
	for (i = 0; i < reflow->n_stages; i++) {
		struct stage *stage = &reflow->stages[i];
		int number;

		stage->settings = reflow->settings;
		number = pthread_create(&stage->thread, NULL, stage_thread,
		    stage);
		if (number != 0)
			return err_set(err, ERR_SYSTEM, "cannot start a "
			    "thread: %s", strerror(number));
		stage->started = true;
	}
	return 0;
}

static void
show(struct reflow *reflow)
{
	const struct reflow_settings *settings = reflow->settings;
	const struct meter_facts facts = { .what = settings->name,
		.bytes = reflow->bytes, .all_bytes = settings->bytes,
		.members = settings->progress != NULL ?
		    atomic_load(&settings->progress->members) : 0 };

	meter_show(&reflow->meter, &facts);
}

static int
take(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct reflow *reflow = cookie;

	reflow->bytes += n;
	show(reflow);
	if (intr_check(err) < 0 ||
	    digest_add(reflow->digest, bytes, n, err) < 0)
		return -1;
	return reflow->n_stages == 0 ? 0 :
	    chan_write(reflow->chans[0], bytes, n, err);
}

/* Waits while the stages are at work on what is left. */
static int
fetch(struct reflow *reflow, struct err *err)
{
	const struct reflow_settings *settings = reflow->settings;

	if (store_get(settings->store, settings->name, take, reflow, err) < 0)
		return -1;
	return reflow->n_stages == 0 ? 0 : chan_finish(reflow->chans[0], err);
}

static int
join(struct reflow *reflow, int rc, struct err *err)
{
	size_t i;

	for (i = 0; i < reflow->n_stages; i++) {
		struct stage *stage = &reflow->stages[i];

		if (!stage->started)
			continue;
		(void)pthread_join(stage->thread, NULL);
		if (stage->rc == 0 || (rc < 0 && (err->kind != ERR_STREAM ||
		    stage->err.kind == ERR_STREAM)))
			continue;
		*err = stage->err;
		rc = -1;
	}
	return rc;
}

int
reflow_run(const struct reflow_settings *settings, struct reflow_result *ret,
    struct err *err)
{
	CLEANUP(reflow_free) struct reflow reflow = { .settings = settings,
		.meter = meter_begin() };
	int rc;

	line_up(&reflow);
	rc = digest_new(&reflow.digest, err);
	if (rc == 0)
		rc = start(&reflow, err);
	if (rc == 0)
		rc = fetch(&reflow, err);
	if (rc < 0)
		cancel(&reflow);
	rc = join(&reflow, rc, err);
	meter_end(&reflow.meter);
	if (rc < 0 || intr_check(err) < 0)
		return -1;
	ret->bytes = reflow.bytes;
	return digest_hex(reflow.digest, ret->sha256, err);
}
