#include "lib/store/s3_workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 64u

struct workers {
	const struct s3_upload *upload;
	const char *query_id;	/* escaped */
	const struct s3_piece *first;
	unsigned n;
	pthread_mutex_t mutex;	/* of all below, but stop */
	pthread_cond_t changed;
	struct s3_parts parts;
	uint64_t next_offset;	/* where the next part begins */
	uint64_t released;	/* what lies before is stored */
	size_t first_undone;
	size_t under_way;
	bool ended;		/* the stream: no part begins any more */
	atomic_bool stop;
	struct err err;		/* of the first that failed */
};

void
s3_parts_free(struct s3_parts *parts)
{
	free(parts->v);
	*parts = (struct s3_parts)S3_PARTS_INIT;
}

static void
fail(struct workers *w, const struct err *err)
{
	if (w->stop)
		return;
	w->err = *err;
	w->stop = true;
}

/* Behind the mutex. Room for one more, in steps that double. */
static int
add_part(struct workers *w, uint64_t bytes, struct err *err)
{
	struct s3_parts *parts = &w->parts;
	struct s3_part *bigger;

	if ((parts->n & (parts->n - 1)) == 0) {
		bigger = realloc(parts->v, (parts->n != 0 ? 2 * parts->n : 1) *
		    sizeof *bigger);
		if (bigger == NULL)
			return err_nomem(err);
		parts->v = bigger;
	}
	parts->v[parts->n++] = (struct s3_part){ .offset = w->next_offset };
	w->next_offset += bytes;
	w->under_way++;
	return 0;
}

static uint64_t
next_bytes(const struct workers *w)
{
	const struct s3_upload *upload = w->upload;

	return s3_part_bytes((unsigned)w->parts.n + 1, upload->part_bytes,
	    upload->stream->window_bytes, upload->parallel);
}

/* A spool in memory makes no more until something of it is released: so a part
 * is begun only when the spool can hold all of it. One alone always can. */
static bool
fits(const struct workers *w)
{
	uint64_t window = w->upload->stream->window_bytes;

	return w->under_way == 0 ||
	    next_bytes(w) + w->next_offset - w->released <= window;
}

/* Behind the mutex: the next part is ours; false: there is none. */
static bool
claim_locked(struct workers *w, size_t *ret_i, uint64_t *ret_most)
{
	struct err err = ERR_INIT;

	while (!w->ended && !w->stop && !fits(w))
		pthread_cond_wait(&w->changed, &w->mutex);
	if (w->ended || w->stop)
		return false;
	*ret_i = w->parts.n;
	*ret_most = next_bytes(w);
	if (w->parts.n == S3_PARTS_MAX)
		(void)err_set(&err, ERR_NOSPACE, "the archive is too large: "
		    "it does not fit into 10,000 parts (set a larger part "
		    "size, or a spool on disk)");
	else if (add_part(w, *ret_most, &err) == 0)
		return true;
	fail(w, &err);
	return false;
}

static bool
claim(struct workers *w, size_t *ret_i, uint64_t *ret_most,
    uint64_t *ret_offset)
{
	bool claimed;

	pthread_mutex_lock(&w->mutex);
	claimed = claim_locked(w, ret_i, ret_most);
	if (claimed)
		*ret_offset = w->parts.v[*ret_i].offset;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	return claimed;
}

static void
set_ended(struct workers *w)
{
	pthread_mutex_lock(&w->mutex);
	w->ended = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

/* Behind the mutex: what all parts before some undone one hold is stored. */
static void
release_done(struct workers *w)
{
	const struct store_stream *stream = w->upload->stream;
	const struct s3_parts *parts = &w->parts;
	const struct s3_part *part;

	for (; w->first_undone < parts->n; w->first_undone++) {
		part = &parts->v[w->first_undone];
		if (!part->done)
			break;
		w->released = part->offset + part->bytes;
	}
	if (stream->release != NULL)
		stream->release(stream->cookie, w->released);
}

static void
finish(struct workers *w, size_t i, const struct s3_part *part, bool opaque,
    const struct err *err)
{
	pthread_mutex_lock(&w->mutex);
	w->under_way--;
	if (err != NULL) {
		fail(w, err);
	} else {
		w->parts.v[i] = *part;
		w->parts.v[i].done = true;
		w->parts.opaque = w->parts.opaque || opaque;
		release_done(w);
	}
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

static int
send_part(struct workers *w, struct s3_conn *conn, size_t i,
    struct s3_piece *piece, struct s3_part *ret, bool *ret_opaque,
    struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *query = NULL;
	struct s3_target target = {
		.key = w->upload->key,
		.rate_bytes_s = w->upload->rate_bytes_s / w->n
	};

	if (w->upload->rate_bytes_s != 0 && target.rate_bytes_s == 0)
		target.rate_bytes_s = 1;
	if (str_format(&query, err, "partNumber=%zu&uploadId=%s", i + 1,
	    w->query_id) < 0)
		return -1;
	target.query = query;
	if (s3_piece_send(conn, piece, &target, &answer, ret_opaque,
	    err) < 0 || s3_expect(&answer, err) < 0)
		return -1;
	s3_etag(&answer, ret->etag);
	if (ret->etag[0] == '\0')
		return err_set(err, ERR_PROTOCOL,
		    "the store took a part and gave no ETag");
	memcpy(ret->md5, piece->md5, sizeof ret->md5);
	ret->bytes = piece->bytes;
	return 0;
}

static int
do_part(struct workers *w, struct s3_conn *conn, size_t i, uint64_t most,
    struct s3_part *ret, bool *ret_opaque, struct err *err)
{
	struct s3_piece piece = { .stream = w->upload->stream,
	    .offset = ret->offset };
	bool end = false;

	if (i == 0)
		piece = *w->first;
	piece.stop = &w->stop;
	if (i != 0 && s3_piece_take(&piece, most, &end, err) < 0)
		return -1;
	if (end)
		set_ended(w);
	return piece.bytes == 0 ? 0 :
	    send_part(w, conn, i, &piece, ret, ret_opaque, err);
}

static void *
work(void *data)
{
	struct workers *w = data;
	CLEANUP(s3_conn_close) struct s3_conn conn = {
		.client = w->upload->client
	};
	uint64_t most = 0, offset = 0;
	size_t i = 0;

	while (claim(w, &i, &most, &offset)) {
		struct s3_part part = { .offset = offset };
		struct err err = ERR_INIT;
		bool opaque = false;
		int rc = do_part(w, &conn, i, most, &part, &opaque, &err);

		if (rc < 0)
			(void)err_add(&err, "part %zu", i + 1);
		finish(w, i, &part, opaque, rc < 0 ? &err : NULL);
	}
	return NULL;
}

/* Threads that a rate would make sleep are not started. */
static unsigned
count(const struct s3_upload *upload)
{
	const uint64_t worth_bytes_s = (uint64_t)2 << 20;
	uint64_t n = upload->parallel < WORKERS_MAX ? upload->parallel :
	    WORKERS_MAX;

	if (upload->rate_bytes_s != 0 &&
	    upload->rate_bytes_s / worth_bytes_s < n)
		n = upload->rate_bytes_s / worth_bytes_s;
	return n != 0 ? (unsigned)n : 1;
}

static void
run_threads(struct workers *w)
{
	pthread_t threads[WORKERS_MAX];
	struct err err = ERR_INIT;
	unsigned i, n;

	for (n = 0; n < w->n; n++)
		if (pthread_create(&threads[n], NULL, work, w) != 0)
			break;
	if (n == 0)	/* fewer than were wanted will do */
		(void)err_set(&err, ERR_SYSTEM, "cannot start a thread");
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	if (n == 0)
		fail(w, &err);
}

static void
workers_free(struct workers *w)
{
	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->changed);
	s3_parts_free(&w->parts);
}

/* Parts that were begun behind the end are none. */
static void
drop_empty(struct s3_parts *parts)
{
	size_t i;

	while (parts->n != 0 && parts->v[parts->n - 1].bytes == 0)
		parts->n--;
	for (i = 0; i < parts->n; i++)
		parts->bytes += parts->v[i].bytes;
}

int
s3_workers_run(const struct s3_upload *upload, const char *id,
    const struct s3_piece *first, struct s3_parts *ret, struct err *err)
{
	CLEANUP(workers_free) struct workers w = {
		.upload = upload, .first = first,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER, .parts = S3_PARTS_INIT,
		.n = count(upload), .err = ERR_INIT
	};
	CLEANUP(cleanup_free) char *query_id = NULL;

	if (http_escape(id, &query_id, err) < 0)
		return -1;
	w.query_id = query_id;
	run_threads(&w);
	if (w.stop) {
		*err = w.err;
		return -1;
	}
	drop_empty(&w.parts);
	*ret = w.parts;
	w.parts = (struct s3_parts)S3_PARTS_INIT;
	return 0;
}
