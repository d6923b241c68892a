/*
 * putback_commit: the window, and what is exchanged in it.
 */
#define _GNU_SOURCE
#include "lib/run/putback.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/run/putback_engine.h"
#include "lib/run/putback_state.h"
#include "lib/run/window.h"

static void
complain(void *cookie, const char *message)
{
	struct putback *putback = cookie;

	log_warning("%s", message);
	putback->result.problems++;
}

static void PRINTF_LIKE(2, 3)
say(const struct putback *putback, const char *fmt, ...)
{
	const struct putback_settings *settings = putback->settings;
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (settings->tell != NULL && text != NULL)
		settings->tell(settings->cookie, text);
}

/* --- before -------------------------------------------------------------- */

static int
check_seen(const struct putback *putback, struct err *err)
{
	size_t i;

	for (i = 0; i < putback->n; i++)
		if (!putback->items[i].seen)
			return err_set(err, ERR_NOTFOUND, "the archive has "
			    "nothing of %s: nothing is below '%s'",
			    putback->items[i].shown,
			    putback->items[i].want->member);
	return 0;
}

static int
settle(struct putback *putback, struct err *err)
{
	size_t i;

	for (i = 0; i < putback->n; i++) {
		struct putback_item *item = &putback->items[i];

		if (!item->through_engine && beside_settle(&item->beside,
		    !item->root_seen, err) < 0)
			return err_add(err, "%s", item->shown);
	}
	return 0;
}

/* Some time has passed since we looked: who uses them now? */
static int
find_users(struct putback *putback, struct putback_users *ret,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(cleanup_free) struct putback_use *uses = NULL;
	const struct options *options = putback->settings->options;

	if (inventory_take(options, &putback->fresh, err) < 0 ||
	    putback_uses(putback, &uses, err) < 0 ||
	    putback_users_find(options, &putback->fresh, uses, putback->n,
	    ret, &problems, err) < 0)
		return -1;
	return problems.n == 0 ? 0 :
	    err_set(err, ERR_CONFIG, "%s", problems.v[0]);
}

/* --- in the window ------------------------------------------------------- */

static int
put_one(struct putback *putback, struct putback_item *item, struct err *err)
{
	const struct putback_engine work = {
		.settings = putback->settings,
		.engine = putback->fresh.engine, .image = putback->image,
		.volume = item->want->volume, .member = item->want->member,
		.result = &putback->result, .problem = complain,
		.cookie = putback };
	bool touched;

	if (putback_engine_put(&work, &touched, err) == 0)
		return 0;
	return touched ? err_add(err, "%s is not complete", item->shown) :
	    err_add(err, "%s", item->shown);
}

/* They cannot be exchanged back, so they go first. */
static int
put_all(struct putback *putback, struct err *err)
{
	size_t i;

	for (i = 0; i < putback->n; i++) {
		struct putback_item *item = &putback->items[i];

		if (item->through_engine && (intr_check(err) < 0 ||
		    put_one(putback, item, err) < 0))
			return -1;
	}
	return 0;
}

static void
go_back(struct putback *putback, struct err *err)
{
	size_t i;

	for (i = putback->n; i-- > 0; ) {
		struct putback_item *item = &putback->items[i];
		struct err why = ERR_INIT;

		if (!item->beside.exchanged ||
		    beside_back(&item->beside, &why) == 0)
			continue;
		log_error("%s", why.msg);
		if (item->beside.exchanged)
			(void)err_add(err, "%s has its new content, the old "
			    "one is in '%s/%s'", item->shown,
			    item->beside.parent, item->beside.stage);
	}
}

static int
exchange_all(struct putback *putback, struct err *err)
{
	size_t i;

	for (i = 0; i < putback->n; i++) {
		struct putback_item *item = &putback->items[i];

		if (item->through_engine ||
		    beside_exchange(&item->beside, err) == 0)
			continue;
		(void)err_add(err, "%s", item->shown);
		go_back(putback, err);
		return -1;
	}
	return 0;
}

/* While they rest: who is killed behind it has lost nothing. */
static void
keep_all(struct putback *putback)
{
	time_t now = clock_now();
	size_t i;

	for (i = 0; i < putback->n; i++) {
		struct putback_item *item = &putback->items[i];
		CLEANUP(cleanup_free) char *path = NULL;
		struct err err = ERR_INIT;

		if (item->through_engine || item->made)
			continue;
		if (beside_keep(&item->beside, now, &path, &err) < 0) {
			/* Where it lies it would be removed by the next. */
			complain(putback, err.msg);
			item->beside.staged = false;
		} else if (path != NULL) {
			say(putback, "%s: the old content is in '%s'",
			    item->shown, path);
		}
	}
}

static int
work_in_window(struct putback *putback, struct err *err)
{
	if (put_all(putback, err) < 0 || intr_check(err) < 0 ||
	    exchange_all(putback, err) < 0)
		return -1;
	if (putback->settings->keep_old)
		keep_all(putback);
	return 0;
}

static int
rest_and_work(struct putback *putback, struct putback_users *users,
    struct err *err)
{
	struct job_window window = { .targets = users->v,
		.n_targets = users->n };
	const struct job job = { .options = putback->settings->options,
		.windows = &window, .n_windows = users->n != 0 };
	const struct teller teller = { complain, putback };
	CLEANUP(windows_free) struct windows windows = WINDOWS_INIT;
	bool owed = false;
	int rc;

	if (windows_init(&windows, &job, &putback->fresh,
	    putback->settings->lock, &owed, &teller, err) < 0)
		return -1;
	rc = job.n_windows == 0 ? 0 : windows_begin(&windows, 0, err);
	if (rc == 0)
		rc = work_in_window(putback, err);
	if (job.n_windows != 0)
		windows_end(&windows, 0);
	return rc;
}

/* --- after --------------------------------------------------------------- */

static void
clean_up(struct putback *putback)
{
	size_t i;

	putback->committed = true;
	for (i = 0; i < putback->n; i++) {
		struct putback_item *item = &putback->items[i];
		struct err err = ERR_INIT;

		say(putback, "%s is put back", item->shown);
		if (beside_discard(&item->beside, &err) == 0)
			continue;
		(void)err_add(&err, "%s: not all of the old content is "
		    "removed", item->shown);
		complain(putback, err.msg);
	}
}

int
putback_commit(struct putback *putback, struct putback_result *ret,
    struct err *err)
{
	CLEANUP(putback_users_free) struct putback_users users =
	    PUTBACK_USERS_INIT;
	int rc;

	*ret = (struct putback_result){ 0 };
	if (check_seen(putback, err) < 0 || settle(putback, err) < 0 ||
	    find_users(putback, &users, err) < 0 || intr_check(err) < 0)
		return -1;
	rc = rest_and_work(putback, &users, err);
	if (rc == 0)
		clean_up(putback);
	*ret = putback->result;
	return rc;
}
