#define _GNU_SOURCE
#include "lib/run/flow.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/run/meter.h"

#define BLOCK_BYTES ((size_t)512 * 1024)
#define BLOCKS 24	/* 12 MiB between two stages: rides out short stalls,
			 * such as gpg making its key of a passphrase */
#define STAGES_MAX 5	/* all of line_up */
#define NICE_BEHIND 10	/* of the stages behind an overflow */
#define TICK_NS 200000000L

struct flow;

struct stage {
	const char *name;
	int (*run)(struct flow *flow, struct chan *in, struct chan *out,
	    struct err *err);
	struct flow *flow;
	struct chan *in;	/* NULL for the first */
	struct chan *out;	/* NULL for the last */
	pthread_t thread;
	bool started;
	int rc;
	struct err err;
};

struct flow {
	const struct flow_settings *settings;
	struct flow_result *result;
	struct progress progress;
	struct stage stages[STAGES_MAX];
	size_t n_stages;
	size_t n_hasty;		/* the first ones, up to the overflow */
	struct chan *chans[STAGES_MAX];
	size_t n_chans;

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* Under the mutex: windows that reading waits for, that are open to
	 * it, and that it is done with; each counts from the first on. */
	size_t n_wanted;
	size_t n_opened;
	size_t n_over;
	size_t n_running;
	bool failed;		/* nothing more will be read */
};

/* --- the stages, each in one shape --------------------------------------- */

/* Waits until the next window is open. */
static int
enter_window(struct flow *flow, struct err *err)
{
	bool open;

	pthread_mutex_lock(&flow->mutex);
	flow->n_wanted++;
	pthread_cond_broadcast(&flow->changed);
	while (flow->n_opened < flow->n_wanted && !flow->failed)
		pthread_cond_wait(&flow->changed, &flow->mutex);
	open = !flow->failed;
	pthread_mutex_unlock(&flow->mutex);
	return open ? 0 : err_set(err, ERR_STREAM, "the stream was cut off");
}

static void
leave_window(struct flow *flow)
{
	pthread_mutex_lock(&flow->mutex);
	flow->n_over++;
	pthread_cond_broadcast(&flow->changed);
	pthread_mutex_unlock(&flow->mutex);
}

static bool
is_in_window(struct flow *flow)
{
	bool in;

	pthread_mutex_lock(&flow->mutex);
	in = flow->n_opened > flow->n_over;
	pthread_mutex_unlock(&flow->mutex);
	return in;
}

static void
add_result(struct pack_result *total, const struct pack_result *one)
{
	total->members += one->members;
	total->files += one->files;
	total->raw_bytes += one->raw_bytes;
	total->excluded += one->excluded;
	total->sockets += one->sockets;
}

/* The next n sources. */
static int
pack_some(struct flow *flow, struct pack *pack, size_t *at, size_t n,
    struct err *err)
{
	for (; n > 0; n--, (*at)++) {
		const struct flow_source *source =
		    &flow->settings->sources[*at];
		struct pack_result *result = &flow->result->sources[*at];
		int rc = source->fetch == NULL ?
		    pack_source(pack, &source->pack, result, err) :
		    pack_tar(pack, &source->pack, source->fetch,
		    source->cookie, result, err);

		if (rc < 0)
			return -1;
		add_result(&flow->result->total, result);
	}
	return 0;
}

static int
run_pack(struct flow *flow, struct chan *in, struct chan *out, struct err *err)
{
	const struct flow_settings *settings = flow->settings;
	CLEANUP(pack_freep) struct pack *pack = NULL;
	struct pack_settings pack_settings = settings->pack;
	size_t i, at = 0;

	(void)in;
	pack_settings.progress = &flow->progress;
	if (pack_new(&pack_settings, out, &pack, err) < 0)
		return -1;
	for (i = 0; i < settings->n_windows; i++) {
		if (enter_window(flow, err) < 0 || pack_some(flow, pack, &at,
		    settings->windows[i], err) < 0)
			return -1;
		leave_window(flow);
	}
	if (pack_some(flow, pack, &at, settings->n_sources - at, err) < 0)
		return -1;
	return pack_finish(pack, err);
}

/* A thread of its own: reading shall not wait for the disk either. */
static int
run_overflow(struct flow *flow, struct chan *in, struct chan *out,
    struct err *err)
{
	const void *bytes;
	size_t n;

	do {
		if (chan_read(in, &bytes, &n, err) < 0)
			return -1;
		chan_spill(out, is_in_window(flow));
		if (chan_write(out, bytes, n, err) < 0)
			return -1;
	} while (n != 0);
	return chan_finish(out, err);
}

static int
run_compress(struct flow *flow, struct chan *in, struct chan *out,
    struct err *err)
{
	return compress_stage(&flow->settings->compress, in, out, err);
}

static int
run_seal(struct flow *flow, struct chan *in, struct chan *out,
    struct err *err)
{
	return seal_stage(flow->settings->seal, in, out, err);
}

static int
run_spool(struct flow *flow, struct chan *in, struct chan *out,
    struct err *err)
{
	(void)out;
	return spool_stage(flow->settings->spool, in, &flow->progress,
	    &flow->result->stored, err);
}

static void
line_up(struct flow *flow)
{
	struct stage *stages = flow->stages;
	size_t n = 0;

	stages[n++] = (struct stage){ .name = "pack", .run = run_pack };
	if (flow->settings->overflow != NULL)
		stages[n++] = (struct stage){
			.name = "overflow", .run = run_overflow };
	flow->n_hasty = n;
	if (flow->settings->compress.kind != COMPRESSION_NONE)
		stages[n++] = (struct stage){
			.name = "compress", .run = run_compress };
	if (flow->settings->seal != NULL)
		stages[n++] = (struct stage){
			.name = "seal", .run = run_seal };
	stages[n++] = (struct stage){ .name = "spool", .run = run_spool };
	flow->n_stages = n;
}

/* --- what is the same for all of them ------------------------------------ */

/* Threads and children that a stage starts have its priority, too. */
static void
make_way(const struct stage *stage)
{
	const struct flow *flow = stage->flow;

	if (flow->settings->overflow != NULL &&
	    (size_t)(stage - flow->stages) >= flow->n_hasty)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_BEHIND);
}

static void *
stage_thread(void *cookie)
{
	struct stage *stage = cookie;
	struct flow *flow = stage->flow;

	make_way(stage);
	stage->rc = stage->run(flow, stage->in, stage->out, &stage->err);
	if (stage->rc < 0 && stage->in != NULL)
		chan_cancel(stage->in);
	if (stage->rc < 0 && stage->out != NULL)
		chan_cancel(stage->out);
	if (stage->rc < 0)
		spool_end(flow->settings->spool, false);
	pthread_mutex_lock(&flow->mutex);
	flow->n_running--;
	flow->failed = flow->failed || stage->rc < 0;
	pthread_cond_broadcast(&flow->changed);
	pthread_mutex_unlock(&flow->mutex);
	return NULL;
}

static int
connect_stages(struct flow *flow, struct err *err)
{
	size_t i;

	for (i = 0; i + 1 < flow->n_stages; i++) {
		if (chan_new(BLOCK_BYTES, BLOCKS, &flow->chans[i], err) < 0)
			return -1;
		flow->n_chans++;
		flow->stages[i].out = flow->chans[i];
		flow->stages[i + 1].in = flow->chans[i];
	}
	if (flow->settings->overflow == NULL)
		return 0;
	return chan_set_overflow(flow->stages[flow->n_hasty - 1].out,
	    flow->settings->overflow, err);
}

static void
cancel(struct flow *flow)
{
	size_t i;

	pthread_mutex_lock(&flow->mutex);
	flow->failed = true;
	pthread_cond_broadcast(&flow->changed);
	pthread_mutex_unlock(&flow->mutex);
	for (i = 0; i < flow->n_chans; i++)
		chan_cancel(flow->chans[i]);
	spool_end(flow->settings->spool, false);
}

static int
start_stages(struct flow *flow, struct err *err)
{
	size_t i;

	for (i = 0; i < flow->n_stages; i++) {
		struct stage *stage = &flow->stages[i];
		int number;

		stage->flow = flow;
		pthread_mutex_lock(&flow->mutex);
		flow->n_running++;
		pthread_mutex_unlock(&flow->mutex);
		number = pthread_create(&stage->thread, NULL, stage_thread,
		    stage);
		if (number != 0) {
			pthread_mutex_lock(&flow->mutex);
			flow->n_running--;
			pthread_mutex_unlock(&flow->mutex);
			cancel(flow);
			return err_set(err, ERR_SYSTEM, "cannot start thread "
			    "'%s': %s", stage->name, strerror(number));
		}
		stage->started = true;
	}
	return 0;
}

static void
show(const struct flow *flow, struct meter *meter)
{
	const struct progress *progress = &flow->progress;
	const struct meter_facts facts = {
		.bytes = atomic_load(&progress->raw_bytes),
		.all_bytes = flow->settings->raw_bytes,
		.stored_bytes = atomic_load(&progress->stored_bytes),
		.members = atomic_load(&progress->members) };

	meter_show(meter, &facts);
}

/* One tick, or less if something changed. The caller holds the mutex. */
static void
wait_tick(struct flow *flow)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_cond_clockwait(&flow->changed, &flow->mutex,
	    CLOCK_MONOTONIC, &until);
}

/* What the calling thread has to do next. */
enum duty { DUTY_WAIT, DUTY_OPEN, DUTY_END, DUTY_NONE };

/* n_told: windows that were ended. The caller holds the mutex. */
static enum duty
find_duty(const struct flow *flow, size_t n_told)
{
	bool over = flow->failed || flow->n_running == 0;

	if (flow->n_opened > n_told && (over || flow->n_over > n_told))
		return DUTY_END;
	if (flow->n_wanted > flow->n_opened && !over)
		return DUTY_OPEN;
	return flow->n_running == 0 ? DUTY_NONE : DUTY_WAIT;
}

static enum duty
await_duty(struct flow *flow, size_t n_told)
{
	enum duty duty;

	pthread_mutex_lock(&flow->mutex);
	duty = find_duty(flow, n_told);
	if (duty == DUTY_WAIT) {
		wait_tick(flow);
		duty = find_duty(flow, n_told);
	}
	pthread_mutex_unlock(&flow->mutex);
	return duty;
}

static int
open_window(struct flow *flow, struct err *err)
{
	size_t window = flow->n_opened;	/* only this thread counts it */
	int rc = flow->settings->window_open(flow->settings->cookie, window,
	    err);

	pthread_mutex_lock(&flow->mutex);
	flow->n_opened++;
	flow->failed = flow->failed || rc < 0;
	pthread_cond_broadcast(&flow->changed);
	pthread_mutex_unlock(&flow->mutex);
	return rc;
}

/* Until all stages have ended; opens and ends windows at the first occasion.
 * Fails    a window cannot be opened */
static int
attend(struct flow *flow, struct err *err)
{
	struct meter meter = meter_begin();
	enum duty duty;
	size_t n_told = 0;
	int rc = 0;

	while ((duty = await_duty(flow, n_told)) != DUTY_NONE) {
		if (intr_signal() != 0)
			cancel(flow);
		else if (duty == DUTY_OPEN && open_window(flow, err) < 0) {
			rc = -1;
			cancel(flow);
		}
		if (duty == DUTY_END)
			flow->settings->window_over(flow->settings->cookie,
			    n_told++);
		show(flow, &meter);
	}
	meter_end(&meter);
	return rc;
}

static int
join_stages(struct flow *flow, struct err *err)
{
	const struct stage *cause = NULL;
	size_t i;

	for (i = 0; i < flow->n_stages; i++) {
		struct stage *stage = &flow->stages[i];

		if (!stage->started)
			continue;
		(void)pthread_join(stage->thread, NULL);
		if (stage->rc == 0)
			continue;
		/* The first real cause; ERR_STREAM only says "not me". */
		if (cause == NULL || (cause->err.kind == ERR_STREAM &&
		    stage->err.kind != ERR_STREAM))
			cause = stage;
	}
	if (intr_check(err) < 0)
		return -1;
	if (cause == NULL)
		return 0;
	*err = cause->err;
	return -1;
}

/* The cause is what came first: no thread, no window, or a stage. */
static int
run_stages(struct flow *flow, struct err *err)
{
	struct err start_err = ERR_INIT, window_err = ERR_INIT;
	int started, opened, rc;

	line_up(flow);
	started = connect_stages(flow, &start_err);
	if (started == 0)
		started = start_stages(flow, &start_err);
	opened = attend(flow, &window_err);
	rc = join_stages(flow, err);
	if (started < 0)
		*err = start_err;
	else if (opened < 0)
		*err = window_err;
	return started < 0 || opened < 0 ? -1 : rc;
}

int
flow_run(const struct flow_settings *settings, struct flow_result *ret,
    struct err *err)
{
	CLEANUP(flow_result_free) struct flow_result result = FLOW_RESULT_INIT;
	struct flow flow = { .settings = settings, .result = &result,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER };
	size_t i;
	int rc;

	result.sources = calloc(settings->n_sources + 1,
	    sizeof *result.sources);
	if (result.sources == NULL) {
		spool_end(settings->spool, false);
		return err_nomem(err);
	}
	rc = run_stages(&flow, err);
	for (i = 0; i < flow.n_chans; i++)
		chan_free(flow.chans[i]);
	if (rc < 0) {
		spool_end(settings->spool, false);
		return -1;
	}
	*ret = result;
	result = (struct flow_result)FLOW_RESULT_INIT;
	return 0;
}

void
flow_result_free(struct flow_result *result)
{
	free(result->sources);
	*result = (struct flow_result)FLOW_RESULT_INIT;
}
