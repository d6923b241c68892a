/*
 * work: a job at work: what the files share that take it through its phases.
 */
#ifndef LIB_RUN_WORK_H
#define LIB_RUN_WORK_H

#include <pthread.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/report/report.h"
#include "lib/run/commands.h"
#include "lib/run/job.h"
#include "lib/run/staging.h"
#include "lib/run/stores.h"
#include "lib/run/teller.h"
#include "lib/run/window.h"
#include "lib/stream/overflow.h"

struct work {
	const struct run_context *run;
	struct job *job;
	struct report_job *report;
	struct teller teller;
	struct commands commands;
	struct stores stores;
	struct overflow *overflow;	/* NULL: none */
	struct windows windows;
	struct staging staging;
	struct err copy_err;		/* of the commands before copying */
	pthread_mutex_t mutex;		/* for what the packing thread tells */
	time_t started;
};

#endif
