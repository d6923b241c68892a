#define _GNU_SOURCE
#include "lib/run/heartbeat.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/systemd.h"

#define NS_PER_S 1e9

struct heartbeat {
	pthread_t thread;
	double period_s;
	pthread_mutex_t mutex;	/* of all below */
	pthread_cond_t changed;	/* its clock is the monotonic one */
	char *said;		/* not yet sent; or NULL */
	bool stop;
};

/* --- in the thread ------------------------------------------------------- */

/* Both are called with the mutex, and do not hold it while they send. */
static void
send_said(struct heartbeat *heartbeat)
{
	CLEANUP(cleanup_free) char *text = heartbeat->said;

	heartbeat->said = NULL;
	pthread_mutex_unlock(&heartbeat->mutex);
	systemd_status("%s", text);
	pthread_mutex_lock(&heartbeat->mutex);
}

static void
send_beat(struct heartbeat *heartbeat)
{
	pthread_mutex_unlock(&heartbeat->mutex);
	systemd_notify(HEARTBEAT_EXTENSION);
	pthread_mutex_lock(&heartbeat->mutex);
}

static void
wait_until(struct heartbeat *heartbeat, double mono_s)
{
	struct timespec time = { .tv_sec = (time_t)mono_s };

	time.tv_nsec = (long)((mono_s - (double)time.tv_sec) * NS_PER_S);
	(void)pthread_cond_timedwait(&heartbeat->changed, &heartbeat->mutex,
	    &time);
}

static void *
run(void *cookie)
{
	struct heartbeat *heartbeat = cookie;
	double next_s = 0;

	pthread_mutex_lock(&heartbeat->mutex);
	while (!heartbeat->stop || heartbeat->said != NULL) {
		if (clock_mono_s() >= next_s) {
			send_beat(heartbeat);
			next_s = clock_mono_s() + heartbeat->period_s;
		}
		if (heartbeat->said != NULL)
			send_said(heartbeat);
		else if (!heartbeat->stop)
			wait_until(heartbeat, next_s);
	}
	pthread_mutex_unlock(&heartbeat->mutex);
	return NULL;
}

/* --- outside of it ------------------------------------------------------- */

static void
destroy(struct heartbeat *heartbeat)
{
	pthread_cond_destroy(&heartbeat->changed);
	pthread_mutex_destroy(&heartbeat->mutex);
	free(heartbeat->said);
	free(heartbeat);
}

static struct heartbeat *
new_heartbeat(double period_s)
{
	struct heartbeat *heartbeat = calloc(1, sizeof *heartbeat);
	pthread_condattr_t attr;

	if (heartbeat == NULL)
		return NULL;
	heartbeat->period_s = period_s;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&heartbeat->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&heartbeat->mutex, NULL);
	return heartbeat;
}

int
heartbeat_start(struct heartbeat **ret, double period_s, struct err *err)
{
	struct heartbeat *heartbeat;
	sigset_t all, before;
	int rc;

	*ret = NULL;
	if (!systemd_is_there())
		return 0;
	heartbeat = new_heartbeat(period_s);
	if (heartbeat == NULL)
		return err_nomem(err);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&heartbeat->thread, NULL, run, heartbeat);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		destroy(heartbeat);
		return err_set(err, ERR_SYSTEM, "cannot start a thread: %s",
		    strerror(rc));
	}
	*ret = heartbeat;
	return 0;
}

void
heartbeat_say(struct heartbeat *heartbeat, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	if (heartbeat == NULL)
		return;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text == NULL)
		return;
	pthread_mutex_lock(&heartbeat->mutex);
	free(heartbeat->said);
	heartbeat->said = text;
	pthread_cond_signal(&heartbeat->changed);
	pthread_mutex_unlock(&heartbeat->mutex);
}

void
heartbeat_stop(struct heartbeat **heartbeat)
{
	if (*heartbeat == NULL)
		return;
	pthread_mutex_lock(&(*heartbeat)->mutex);
	(*heartbeat)->stop = true;
	pthread_cond_signal(&(*heartbeat)->changed);
	pthread_mutex_unlock(&(*heartbeat)->mutex);
	(void)pthread_join((*heartbeat)->thread, NULL);
	destroy(*heartbeat);
	*heartbeat = NULL;
}
