#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "test/unit/sealer.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/spawn.h"

#define BLOCK_BYTES ((size_t)512 * 1024)
#define BLOCKS 4

struct scratch sealer_scratch;

const char *
sealer_shell(const char *fmt, ...)
{
	static char text[65536];
	char command[8192];
	CLEANUP(cleanup_free) char *output = NULL;
	struct err err = ERR_INIT;
	va_list args;
	size_t n;

	va_start(args, fmt);
	n = (size_t)vsnprintf(command, sizeof command, fmt, args);
	va_end(args);
	assert_true(n < sizeof command);
	if (spawn_capture(command, 120, sizeof text - 1, &output, &err) < 0)
		fail_msg("%s: %s", command, err.msg);
	(void)snprintf(text, sizeof text, "%s", output);
	n = strlen(text);
	if (n != 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return text;
}

int
sealer_setup(void **state)
{
	(void)state;
	scratch_new(&sealer_scratch);
	if (chdir(sealer_scratch.dir) < 0 ||
	    setenv("XDG_RUNTIME_DIR", scratch_path(&sealer_scratch, "run"),
	    1) < 0)
		return -1;
	(void)sealer_shell("mkdir -m 700 run alice bob && for i in alice bob; "
	    "do gpg -q --homedir $i --batch --passphrase '' --quick-gen-key "
	    "\"$i <$i@example.com>\" future-default default 0 2>log && "
	    "gpg --homedir $i --armor --export >$i.asc || exit; done");
	return 0;
}

int
sealer_teardown(void **state)
{
	(void)state;
	(void)sealer_shell("for i in */gpg.conf */pubring.kbx; do [ ! -e $i ] "
	    "|| gpgconf --homedir $PWD/${i%%/*} --kill all; done");
	scratch_free(&sealer_scratch);
	return 0;
}

const char *
sealer_fingerprint(const char *home)
{
	return sealer_shell("gpg --homedir %s --with-colons --list-keys 2>log "
	    "| awk -F: '/^fpr/ { print $10; exit }'", home);
}

static bool
works_in_run(const char *pid)
{
	char path[512], line[8192];
	CLEANUP(cleanup_close) int fd = -1;
	size_t i, n;
	ssize_t got;

	(void)snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (got = read(fd, line, sizeof line - 1)) <= 0)
		return false;
	n = (size_t)got;
	for (i = 0; i < n; i++)
		if (line[i] == '\0')
			line[i] = ' ';
	line[n] = '\0';
	(void)snprintf(path, sizeof path, "%s/run/", sealer_scratch.dir);
	return strstr(line, path) != NULL;
}

/* A fork of this program that has not become gpg yet: gpgme may have returned
 * before that. */
static bool
is_fork(const char *pid)
{
	char path[512], exe[512], own[512];
	ssize_t n, own_n;

	(void)snprintf(path, sizeof path, "/proc/%s/exe", pid);
	n = readlink(path, exe, sizeof exe);
	own_n = readlink("/proc/self/exe", own, sizeof own);
	if (n <= 0 || n != own_n || memcmp(exe, own, (size_t)n) != 0 ||
	    atoi(pid) == (int)getpid())
		return false;
	(void)snprintf(path, sizeof path, "/proc/%s/cwd", pid);
	n = readlink(path, exe, sizeof exe);
	own_n = readlink("/proc/self/cwd", own, sizeof own);
	return n > 0 && n == own_n && memcmp(exe, own, (size_t)n) == 0;
}

static size_t
count(bool (*is_one)(const char *pid), pid_t *ret_pid)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !is_one(entry->d_name))
			continue;
		n++;
		if (ret_pid != NULL)
			*ret_pid = (pid_t)atoi(entry->d_name);
	}
	(void)closedir(dir);
	return n;
}

size_t
sealer_gpgs(pid_t *ret_pid)
{
	return count(works_in_run, ret_pid);
}

static bool
is_left(const char *pid)
{
	return is_fork(pid) || works_in_run(pid);
}

void
sealer_assert_clean(void)
{
	double began_s = clock_mono_s();

	while (count(is_left, NULL) != 0 && clock_mono_s() - began_s <
	    SEALER_HANG_S)
		(void)usleep(10000);
	assert_int_equal(count(is_left, NULL), 0);
	assert_string_equal(sealer_shell("ls -A run"), "");
}

/* --- one stage ------------------------------------------------------------ */

static unsigned char
pattern_at(size_t i)
{
	return (unsigned char)(i * 31 + (i >> 9) + (i >> 17));
}

static void *
feed(void *cookie)
{
	struct sealer_line *line = cookie;
	struct err err = ERR_INIT;
	size_t sum = 0, room, i;
	void *to;

	while (sum < line->n) {
		if (chan_room(line->in, &to, &room, &err) < 0)
			return NULL;
		if (room > line->n - sum)
			room = line->n - sum;
		for (i = 0; i < room; i++)
			((unsigned char *)to)[i] = pattern_at(sum + i);
		chan_commit(line->in, room);
		sum += room;
	}
	if (!line->stall_in)
		(void)!chan_finish(line->in, &err);
	return NULL;
}

static void *
collect(void *cookie)
{
	struct sealer_line *line = cookie;
	CLEANUP(cleanup_close) int fd = open("out",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err err = ERR_INIT;
	const void *bytes;
	size_t n;

	while (!line->stall_out &&
	    chan_read(line->out, &bytes, &n, &err) == 0 && n != 0)
		if (file_write_fd(fd, "out", bytes, n, &err) < 0)
			abort();
	return NULL;
}

static void *
run_stage(void *cookie)
{
	struct sealer_line *line = cookie;

	line->rc = seal_stage(line->seal, line->in, line->out, &line->err);
	if (line->rc < 0) {
		chan_cancel(line->in);
		chan_cancel(line->out);
	}
	return NULL;
}

void
sealer_begin(struct sealer_line *line)
{
	struct err err = ERR_INIT;

	line->err = err;
	assert_int_equal(chan_new(BLOCK_BYTES, BLOCKS, &line->in, &err), 0);
	assert_int_equal(chan_new(BLOCK_BYTES, BLOCKS, &line->out, &err), 0);
	assert_int_equal(pthread_create(&line->feeder, NULL, feed, line), 0);
	assert_int_equal(pthread_create(&line->stage, NULL, run_stage, line),
	    0);
	assert_int_equal(pthread_create(&line->collector, NULL, collect,
	    line), 0);
}

void
sealer_end(struct sealer_line *line)
{
	(void)pthread_join(line->stage, NULL);
	(void)pthread_join(line->feeder, NULL);
	(void)pthread_join(line->collector, NULL);
	chan_freep(&line->in);
	chan_freep(&line->out);
}

void
sealer_seal(const struct seal_settings *settings, size_t n)
{
	CLEANUP(seal_freep) struct seal *seal = NULL;
	struct sealer_line line = { .n = n };
	struct err err = ERR_INIT;

	if (seal_new(settings, &seal, &err) < 0)
		fail_msg("seal_new: %s", err.msg);
	line.seal = seal;
	sealer_begin(&line);
	sealer_end(&line);
	if (line.rc < 0)
		fail_msg("seal_stage: %s", line.err.msg);
}

void
sealer_pattern(const char *name, size_t n)
{
	CLEANUP(cleanup_free) unsigned char *bytes = malloc(n + 1);
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < n; i++)
		bytes[i] = pattern_at(i);
	scratch_write(&sealer_scratch, name, bytes, n);
}
