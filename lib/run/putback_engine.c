#define _GNU_SOURCE
#include "lib/run/putback_engine.h"

#include <pthread.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/docker/engine_archive.h"
#include "lib/docker/engine_volume.h"
#include "lib/run/reach.h"
#include "lib/stream/repack.h"
#include "lib/stream/tar_reader.h"

#define BLOCKS 8
/* The helper's volume as a name below its root: so the volume's own directory
 * is a member like others, and gets its owner, mode and times. */
#define ROOT "/"
#define MEMBER (&ENGINE_HELPER_TARGET[1])

/* --- a helper ------------------------------------------------------------ */

struct helper {
	struct engine *engine;
	char *id;
};

static int
helper_make(struct helper *helper, const char *image, const char *volume,
    bool writable, struct err *err)
{
	char owner[REACH_OWNER_BYTES];

	reach_owner(owner);
	return engine_helper(helper->engine, image, volume, owner, writable,
	    &helper->id, err);
}

/* What cannot be removed now, the next run removes. */
static void
helper_remove(struct helper *helper)
{
	struct err err = ERR_INIT;

	if (helper->id != NULL &&
	    engine_remove(helper->engine, helper->id, &err) < 0)
		log_warning("cannot remove our helper container: %s", err.msg);
	cleanup_free(&helper->id);
}

/* --- is it empty? -------------------------------------------------------- */

struct look {
	struct str bytes;
	bool cut;		/* there was more than an empty one has */
};

static int
look_write(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct look *look = cookie;

	look->cut = n > TAR_READER_BLOCK_BYTES - look->bytes.len;
	if (look->cut)
		return err_set(err, ERR_EXISTS, "it is not empty");
	str_addn(&look->bytes, bytes, n);
	return look->bytes.failed ? err_nomem(err) : 0;
}

/* An empty one has nothing but its own directory. */
static int
count_members(const struct str *bytes, size_t *ret, struct err *err)
{
	CLEANUP(tar_reader_freep) struct tar_reader *reader = NULL;
	CLEANUP(chan_freep) struct chan *chan = NULL;
	struct tar_records records;
	struct pax_member head;
	bool more = true;

	if (chan_new(TAR_READER_BLOCK_BYTES, 2, &chan, err) < 0 ||
	    chan_write(chan, bytes->s, bytes->len, err) < 0 ||
	    chan_finish(chan, err) < 0 ||
	    tar_reader_new(chan, &reader, err) < 0)
		return -1;
	for (*ret = 0; more; *ret += more)
		if (tar_reader_next(reader, &head, &records, &more, err) < 0)
			return -1;
	return 0;
}

static void
look_free(struct look *look)
{
	str_free(&look->bytes);
}

static int
is_empty(const struct helper *helper, bool *ret, struct err *err)
{
	CLEANUP(look_free) struct look look = { STR_INIT, false };
	size_t n = 0;
	int rc = engine_archive(helper->engine, helper->id,
	    ENGINE_HELPER_TARGET, look_write, &look, err);

	*ret = false;
	if (rc < 0 && look.cut) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	if (rc < 0 || count_members(&look.bytes, &n, err) < 0)
		return -1;
	*ret = n <= 1;
	return 0;
}

int
putback_engine_is_empty(struct engine *engine, const char *image,
    const char *volume, bool *ret, struct err *err)
{
	CLEANUP(helper_remove) struct helper helper = { engine, NULL };

	if (helper_make(&helper, image, volume, false, err) < 0)
		return -1;
	return is_empty(&helper, ret, err);
}

/* --- put ----------------------------------------------------------------- */

struct sending {		/* the thread's, until it is joined */
	const struct engine_settings *docker;
	const char *id;
	struct chan *chan;
	const char *at;		/* what is left of the block at hand */
	size_t n;
	int rc;
	struct err err;
};

static int
sending_pull(void *cookie, void *bytes, size_t n, size_t *ret_n,
    struct err *err)
{
	struct sending *sending = cookie;
	const void *block = sending->at;

	if (sending->n == 0 &&
	    chan_read(sending->chan, &block, &sending->n, err) < 0)
		return -1;
	*ret_n = n < sending->n ? n : sending->n;
	if (*ret_n != 0)
		memcpy(bytes, block, *ret_n);
	sending->at = (const char *)block + *ret_n;
	sending->n -= *ret_n;
	return 0;
}

static void *
sending_thread(void *cookie)
{
	struct sending *sending = cookie;
	CLEANUP(engine_freep) struct engine *engine = NULL;

	sending->rc = engine_open(sending->docker, &engine, &sending->err);
	if (sending->rc == 0)
		sending->rc = engine_put(engine, sending->id, ROOT,
		    sending_pull, sending, &sending->err);
	if (sending->rc < 0)
		chan_cancel(sending->chan);
	return NULL;
}

struct passing {		/* of the sink */
	const struct putback_engine *work;
	struct chan *out;
};

static int
pass_on(void *cookie, struct chan *in, struct err *err)
{
	const struct passing *passing = cookie;
	const struct repack_settings settings = {
		.member = passing->work->member, .as = MEMBER,
		.problem = passing->work->problem,
		.cookie = passing->work->cookie };
	struct putback_result *sum = passing->work->result;
	struct repack_result result;
	int rc = repack_stage(&settings, in, passing->out, &result, err);

	sum->members += result.members;
	sum->files += result.files;
	sum->raw_bytes += result.raw_bytes;
	return rc;
}

/* The first side that fails cancels the channel between them, so the other
 * one's error is ERR_STREAM. */
static int
work_on(const struct putback_engine *work, const struct helper *helper,
    struct chan *chan, struct err *err)
{
	const struct putback_settings *settings = work->settings;
	struct sending sending = { .docker = &settings->inventory->docker,
		.id = helper->id, .chan = chan };
	struct passing passing = { work, chan };
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, sending_thread, &sending);

	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "cannot start a thread: %s",
		    strerror(rc));
	rc = settings->stream(settings->cookie, pass_on, &passing, err);
	if (rc < 0)
		chan_cancel(chan);
	(void)pthread_join(thread, NULL);
	if (sending.rc < 0 && (rc == 0 || err->kind == ERR_STREAM)) {
		*err = sending.err;
		rc = -1;
	}
	return rc;
}

int
putback_engine_put(const struct putback_engine *work, bool *ret_touched,
    struct err *err)
{
	CLEANUP(helper_remove) struct helper helper = { work->engine, NULL };
	CLEANUP(chan_freep) struct chan *chan = NULL;
	bool empty = true;

	*ret_touched = false;
	if (chan_new(TAR_READER_BLOCK_BYTES, BLOCKS, &chan, err) < 0 ||
	    helper_make(&helper, work->image, work->volume, true, err) < 0 ||
	    (!work->settings->overwrite && is_empty(&helper, &empty,
	    err) < 0))
		return -1;
	if (!empty)
		return err_set(err, ERR_EXISTS, "it is not empty (empty it, or "
		    "use --overwrite)");
	*ret_touched = true;
	return work_on(work, &helper, chan, err);
}
