/*
 * libFuzzer target: a tar of somebody else, extracted into a directory beside
 * one that must not change. The first byte sets the options, and says whether
 * the others are a tar, or choose the members of one: a few names in every
 * order, where links lead to each other and out.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/stream/extract.h"
#include "lib/stream/pax.h"
#include "test/fuzz/tar_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX ((size_t)60000)	/* fits into the channel */
#define BLOCK ((size_t)65536)
#define MEMBERS_MAX 30

enum {				/* of the first byte */
	IS_TAR = 1, OVERWRITE = 2, DEVICES = 4, FILLED = 8, HAS_MAX = 16,
	TWO_PLACES = 32
};

struct bytes {
	const uint8_t *at;
	size_t n;
};

static struct {
	char dir[64];
	struct stat entries[3];		/* of the sentinel, as it must be */
	int places[2];
	int start;			/* where the fuzzer works */
} beside;

static const char *const sentinel[] = { "sentinel", "sentinel/file",
	"sentinel/link" };

static void
must(int rc)
{
	if (rc < 0)
		abort();
}

static void
remove_tree(const char *name)
{
	char *const paths[] = { (char *)(uintptr_t)name, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL, NULL);
	FTSENT *entry;

	while ((entry = fts_read(fts)) != NULL) {
		if (entry->fts_info == FTS_D)
			(void)chmod(entry->fts_accpath, 0700);
		else if (entry->fts_info == FTS_DP)
			must(rmdir(entry->fts_accpath));
		else
			must(unlink(entry->fts_accpath));
	}
	(void)fts_close(fts);
}

static void
remove_all(void)
{
	remove_tree(beside.dir);
}

static void
build_sentinel(void)
{
	size_t i;

	(void)umask(022);
	strcpy(beside.dir, "/dev/shm/vbackup-fuzz-XXXXXX");
	if (mkdtemp(beside.dir) == NULL) {
		strcpy(beside.dir, "/tmp/vbackup-fuzz-XXXXXX");
		if (mkdtemp(beside.dir) == NULL)
			abort();
	}
	must(beside.start = open(".", O_RDONLY | O_DIRECTORY));
	must(chdir(beside.dir));
	must(mkdir("sentinel", 0755));
	must(close(open("sentinel/file", O_WRONLY | O_CREAT, 0600)));
	must(symlink("file", "sentinel/link"));
	for (i = 0; i < 3; i++)
		must(lstat(sentinel[i], &beside.entries[i]));
}

/* Whoever changes something of a file changes its ctime, too. */
static void
check_sentinel(void)
{
	struct stat st, dir;
	size_t i;

	for (i = 0; i < 3; i++) {
		const struct stat *was = &beside.entries[i];

		must(lstat(sentinel[i], &st));
		if (st.st_ino != was->st_ino || st.st_nlink != was->st_nlink ||
		    memcmp(&st.st_ctim, &was->st_ctim, sizeof st.st_ctim) != 0)
			abort();
	}
	must(stat(".", &dir));
	if (dir.st_nlink != 4)		/* ".", "..", and two directories */
		abort();
}

static void
fill(void)
{
	must(symlink("../../sentinel", "out/p/s"));
	must(symlink("../../sentinel/file", "out/p/f"));
	must(mkdir("out/p/d", 0755));
	must(close(open("out/p/a", O_WRONLY | O_CREAT, 0600)));
	must(link("out/p/a", "out/p/d/a"));
}

static int
place(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	uint8_t options = *(const uint8_t *)cookie;

	(void)err;
	*ret = (struct extract_place){ beside.places[0], name };
	if (!(options & TWO_PLACES))
		return 0;
	if (name[0] == 'b')
		ret->dir = beside.places[1];
	else if (name[0] == 'x')
		ret->dir = -1;
	return 0;
}

static uint8_t
take(struct bytes *bytes)
{
	if (bytes->n == 0)
		return 0;
	bytes->n--;
	return *bytes->at++;
}

static void
take_name(struct bytes *bytes, struct str *ret, const char *end)
{
	static const char *const components[] = { "a", "b", "d", "s", "f", "x",
		".", "..", "", "sentinel", "file", "a", "s", "d", "b", "link" };
	uint8_t first = take(bytes);
	size_t i, n = first & 3;

	ret->len = 0;
	str_add(ret, first & 0xf0 ? "" : "/");
	for (i = 0; i <= n; i++) {
		uint8_t byte = take(bytes);
		size_t at = byte & 15;

		/* Nobody would get further if they all refused it. */
		if (at == 7 && byte < 0xc0 && end == NULL)
			at = 0;
		str_addf(ret, "%s%s", i == 0 ? "" : "/", components[at]);
	}
	str_add(ret, end == NULL ? "" : end);
}

static void
build_tar(struct bytes *bytes, struct str *ret)
{
	CLEANUP(str_free) struct str path = STR_INIT, link = STR_INIT;
	static const char zeros[PAX_END_BYTES];
	size_t i;

	for (i = 0; i < MEMBERS_MAX && bytes->n != 0; i++) {
		uint8_t byte = take(bytes);
		struct pax_member member = { .mode = take(bytes) * 16u,
			.type = (enum pax_type)('0' + (byte & 7) % 7),
			.dev_major = 1, .dev_minor = 3,
			.mtime_s = take(bytes) };

		take_name(bytes, &path, NULL);
		take_name(bytes, &link, member.type == PAX_SYMLINK ? "" :
		    NULL);
		member.path = path.s;
		if (member.type == PAX_HARD_LINK || member.type == PAX_SYMLINK)
			member.link = link.s;
		if (member.type == PAX_FILE)
			member.size = byte >> 4;
		pax_header(ret, &member);
		str_addn(ret, zeros, member.size == 0 ? 0 : PAX_BLOCK_BYTES);
	}
	str_addn(ret, zeros, sizeof zeros);
}

static void
extract(uint8_t options, const struct str *tar)
{
	const struct extract_settings settings = { .place = place,
		.cookie = &options, .overwrite = options & OVERWRITE,
		.devices = options & DEVICES,
		.bytes_max = options & HAS_MAX ? 1000 : 0 };
	struct extract_result result;
	struct err err = ERR_INIT;
	struct chan *chan = NULL;

	must(chan_new(BLOCK, 2, &chan, &err));
	must(chan_write(chan, tar->s, tar->len, &err));
	must(chan_finish(chan, &err));
	if (extract_stage(&settings, chan, &result, &err) < 0 &&
	    (err.kind != ERR_SOURCE || err.msg[0] == '\0'))
		abort();
	if (result.members > result.seen)
		abort();
	chan_free(chan);
}

static void
run(uint8_t options, const struct str *tar)
{
	must(mkdir("out", 0755));
	must(mkdir("out/p", 0755));
	must(mkdir("out/q", 0755));
	if (options & FILLED)
		fill();
	must(beside.places[0] = open("out/p", O_RDONLY | O_DIRECTORY));
	must(beside.places[1] = open("out/q", O_RDONLY | O_DIRECTORY));
	extract(options, tar);
	must(close(beside.places[0]));
	must(close(beside.places[1]));
	check_sentinel();
	remove_tree("out");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = { data + 1, size - 1 };
	struct str tar = STR_INIT;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	if (beside.dir[0] == '\0') {
		build_sentinel();
		(void)atexit(remove_all);
	}
	must(chdir(beside.dir));
	if (data[0] & IS_TAR) {
		str_addn(&tar, bytes.at, bytes.n);
		str_add(&tar, "");
		tar_set_checksums((uint8_t *)tar.s, tar.len);
	} else {
		build_tar(&bytes, &tar);
	}
	if (tar.len < 2 * BLOCK)
		run(data[0], &tar);
	str_free(&tar);
	must(fchdir(beside.start));
	return 0;
}
