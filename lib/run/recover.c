#include "lib/run/recover.h"

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/run/inventory.h"
#include "lib/run/ledger.h"

#define NS_PER_S 1e9
#define PAUSE_S 1.0
#define GUARDIAN_S 15.0		/* that it may take beside its retries */

/* The Engine may be about to come back: it is asked until it answers. */
static int
open_engine(const struct engine_settings *docker, double retry_s,
    struct engine **ret, struct err *err)
{
	double end_s = clock_mono_s() + retry_s;

	while (engine_open(docker, ret, err) < 0) {
		if (intr_signal() != 0 || clock_mono_s() >= end_s)
			return -1;
		log_info("%s (trying again)", err->msg);
		(void)intr_sleep(PAUSE_S);
	}
	return 0;
}

int
recover_settle(const struct options *options, const struct lock *lock,
    size_t *ret_n, struct err *err)
{
	const struct engine_settings docker = inventory_docker(options);
	double retry_s = (double)options->resume_retry_ns / NS_PER_S;
	CLEANUP(ledger_free) struct ledger ledger = LEDGER_INIT;
	CLEANUP(engine_freep) struct engine *engine = NULL;

	*ret_n = 0;
	if (ledger_read(lock->fd, &ledger, err) < 0)
		return -1;
	if (ledger.n == 0)
		return ledger_settle(lock->fd, NULL, 0, ret_n, err);
	log_warning("left at rest, and brought back now: %zu", ledger.n);
	*ret_n = ledger.n;
	if (open_engine(&docker, retry_s, &engine, err) < 0)
		return -1;
	return ledger_settle(lock->fd, engine, retry_s, ret_n, err);
}

int
recover_run(const struct config *config, size_t *ret_n, struct err *err)
{
	const struct options *o = &config->base;
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	double guardian_s = (double)o->resume_retry_ns / NS_PER_S + GUARDIAN_S;
	double timeout_s = (double)o->lock_timeout_ns / NS_PER_S;

	if (lock_take(&lock, o->lock_directory,
	    timeout_s < guardian_s ? timeout_s : guardian_s, err) < 0)
		return -1;
	return recover_settle(o, &lock, ret_n, err);
}
