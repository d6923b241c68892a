#define _GNU_SOURCE
#include "test/unit/extractor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "lib/stream/tar_reader.h"

struct feeder {
	struct chan *chan;
	const struct extractor *extractor;
};

static int
feed_file(const struct feeder *feeder, struct err *err)
{
	CLEANUP(cleanup_close) int fd = open(feeder->extractor->file,
	    O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		if (chan_write(feeder->chan, bytes, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

static void *
feed(void *cookie)
{
	const struct feeder *feeder = cookie;
	const struct str *archive = feeder->extractor->archive;
	struct err err = ERR_INIT;
	int rc = feeder->extractor->file != NULL ? feed_file(feeder, &err) :
	    chan_write(feeder->chan, archive->s, archive->len, &err);

	if (rc == 0)
		(void)!chan_finish(feeder->chan, &err);
	return NULL;
}

static int
place_below(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	const struct extractor *extractor = cookie;

	(void)err;
	*ret = (struct extract_place){ extractor->fd, name };
	return 0;
}

static void
hear(void *cookie, const char *message)
{
	struct extractor *extractor = cookie;
	struct err err = ERR_INIT;

	(void)!strlist_add(&extractor->problems, message, &err);
}

static size_t
count_open(void)
{
	size_t n = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

void
extractor_run(struct extractor *extractor)
{
	const size_t n_open = count_open();
	CLEANUP(chan_freep) struct chan *chan = NULL;
	struct feeder feeder = { .extractor = extractor };
	struct err err = ERR_INIT;
	pthread_t thread;

	if (extractor->settings.place == NULL) {
		extractor->settings.place = place_below;
		extractor->settings.problem = hear;
		extractor->settings.cookie = extractor;
	}
	extractor->err = (struct err)ERR_INIT;
	strlist_free(&extractor->problems);
	extractor->fd = open(extractor->dir, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	assert_true(extractor->fd >= 0);
	assert_int_equal(chan_new(TAR_READER_BLOCK_BYTES, 4, &chan, &err), 0);
	feeder.chan = chan;
	assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
	extractor->rc = extract_stage(&extractor->settings, chan,
	    &extractor->result, &extractor->err);
	chan_cancel(chan);
	assert_int_equal(pthread_join(thread, NULL), 0);
	cleanup_close(&extractor->fd);
	assert_int_equal(count_open(), n_open);
}

void
extractor_free(struct extractor *extractor)
{
	strlist_free(&extractor->problems);
}

void
extractor_must(struct extractor *extractor, const char *problem)
{
	CLEANUP(str_free) struct str all = STR_INIT;
	size_t i;

	extractor_run(extractor);
	if (extractor->rc < 0)
		fail_msg("extraction: %s", extractor->err.msg);
	str_add(&all, "");
	for (i = 0; i < extractor->problems.n; i++)
		str_addf(&all, "%s%s", i == 0 ? "" : "\n",
		    extractor->problems.v[i]);
	assert_string_equal(all.s, problem == NULL ? "" : problem);
}

void
extractor_refuses(struct extractor *extractor, const char *text)
{
	extractor_run(extractor);
	assert_int_equal(extractor->rc, -1);
	if (extractor->err.kind != ERR_SOURCE ||
	    strstr(extractor->err.msg, text) == NULL)
		fail_msg("%d: %s", (int)extractor->err.kind,
		    extractor->err.msg);
}

void
tar_any(struct str *tar, const struct pax_member *member, const void *data,
    size_t n)
{
	static const char zeros[PAX_BLOCK_BYTES];

	pax_header(tar, member);
	str_addn(tar, data, n);
	str_addn(tar, zeros, pax_padding(n));
}

void
tar_member(struct str *tar, enum pax_type type, const char *path,
    const char *link, const char *data)
{
	size_t n = data == NULL ? 0 : strlen(data);
	const struct pax_member member = { .type = type, .path = path,
		.link = link, .size = n, .mtime_s = 1000000000,
		.mode = type == PAX_DIRECTORY ? 0755 : 0644,
		.uid = geteuid(), .gid = getegid() };

	tar_any(tar, &member, data == NULL ? "" : data, n);
}

void
tar_end(struct str *tar)
{
	static const char zeros[PAX_END_BYTES];

	str_addn(tar, zeros, sizeof zeros);
}
