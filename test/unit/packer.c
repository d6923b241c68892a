#define _GNU_SOURCE
#include "test/unit/packer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
watch(void *cookie, enum pack_event event, const char *path, const char *why)
{
	static const char *const names[] = { [PACK_GREW] = "GREW",
		[PACK_SHRANK] = "SHRANK", [PACK_VANISHED] = "VANISHED",
		[PACK_REPLACED] = "REPLACED",
		[PACK_UNREADABLE] = "UNREADABLE", [PACK_SOCKET] = "SOCKET",
		[PACK_LEFT_OUT] = "LEFT_OUT" };
	struct packer *packer = cookie;
	struct err err = ERR_INIT;

	(void)!strlist_addf(&packer->events, &err, "%s %s: %s", names[event],
	    path, why);
}

static int
pack_one(struct packer *packer, struct pack *pack, size_t i, struct err *err)
{
	if (packer->fetch != NULL)
		return pack_tar(pack, &packer->sources[i], packer->fetch,
		    packer->fetch_cookie, &packer->results[i], err);
	return pack_source(pack, &packer->sources[i], &packer->results[i],
	    err);
}

static int
pack_all(struct packer *packer, struct err *err)
{
	CLEANUP(pack_freep) struct pack *pack = NULL;
	size_t i;

	packer->settings.watch = watch;
	packer->settings.cookie = packer;
	if (pack_new(&packer->settings, packer->chan, &pack, err) < 0)
		return -1;
	for (i = 0; i < packer->n_sources; i++)
		if (pack_one(packer, pack, i, err) < 0)
			return -1;
	return pack_finish(pack, err);
}

static void *
thread(void *cookie)
{
	struct packer *packer = cookie;

	packer->rc = pack_all(packer, &packer->err);
	if (packer->rc < 0)
		chan_cancel(packer->chan);
	return NULL;
}

void
packer_start(struct packer *packer)
{
	struct err err = ERR_INIT;

	packer->err = (struct err)ERR_INIT;
	packer->events = (struct strlist)STRLIST_INIT;
	assert_int_equal(chan_new(PACKER_BLOCK, 1, &packer->chan, &err), 0);
	packer->fd = open(packer->file, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600);
	assert_true(packer->fd >= 0);
	assert_int_equal(pthread_create(&packer->thread, NULL, thread,
	    packer), 0);
}

/* False at the end, or after a failure. */
static bool
read_block(struct packer *packer, size_t *ret_n)
{
	struct err err = ERR_INIT;
	const void *bytes;

	if (chan_read(packer->chan, &bytes, ret_n, &err) < 0 || *ret_n == 0)
		return false;
	assert_int_equal(write(packer->fd, bytes, *ret_n), *ret_n);
	return true;
}

void
packer_read(struct packer *packer, size_t n)
{
	size_t got, sum = 0;

	while (sum < n) {
		assert_true(read_block(packer, &got));
		sum += got;
	}
}

void
packer_join(struct packer *packer)
{
	size_t n;

	while (read_block(packer, &n))
		;
	assert_int_equal(pthread_join(packer->thread, NULL), 0);
	assert_int_equal(close(packer->fd), 0);
}

void
packer_free(struct packer *packer)
{
	chan_free(packer->chan);
	strlist_free(&packer->events);
}

void
packer_run(struct packer *packer, const char *path)
{
	struct pack_source source = { path, "m", path };

	packer->sources = &source;
	packer->n_sources = 1;
	packer_start(packer);
	packer_join(packer);
	packer->sources = NULL;
}

bool
packer_has(const struct packer *packer, const char *event)
{
	size_t i;

	for (i = 0; i < packer->events.n; i++)
		if (str_starts(packer->events.v[i], event))
			return true;
	return false;
}

bool
packer_has_only(const struct packer *packer, const char *const *events,
    size_t n)
{
	bool all = packer->events.n == n;
	size_t i;

	for (i = 0; i < n; i++)
		all = all && packer_has(packer, events[i]);
	for (i = 0; !all && i < packer->events.n; i++)
		(void)fprintf(stderr, "event: %s\n", packer->events.v[i]);
	return all;
}

int
packer_setup(void **state)
{
	char path[] = "/tmp/vbackup-test-XXXXXX";

	*state = mkdtemp(path) == NULL ? NULL : strdup(path);
	(void)umask(022);
	return *state == NULL ? -1 : chdir(*state);
}

int
packer_teardown(void **state)
{
	CLEANUP(cleanup_free) char *path = *state;
	CLEANUP(str_free) struct str out = STR_INIT;
	char text[64];

	(void)snprintf(text, sizeof text, "rm -rf '%s'", path);
	return chdir("/") < 0 ? -1 : packer_command(text, &out);
}

void
packer_must(const char *fmt, ...)
{
	CLEANUP(str_free) struct str out = STR_INIT;
	char text[4096];
	va_list args;
	int rc;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	rc = packer_command(text, &out);
	if (rc != 0 || out.len != 0)
		fail_msg("'%s' gave %d: %s", text, rc, out.s);
}

void
packer_prints(const char *command, const char *expected)
{
	CLEANUP(str_free) struct str out = STR_INIT;

	assert_int_equal(packer_command(command, &out), 0);
	assert_string_equal(out.s, expected);
}

static void
run_command(const char *command, int out)
{
	char *const argv[] = { "sh", "-c", (char *)(uintptr_t)command, NULL };
	char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		NULL };

	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	(void)execve("/bin/sh", argv, environment);
	_exit(127);
}

int
packer_command(const char *command, struct str *ret)
{
	char buffer[4096];
	int fds[2], status = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_command(command, fds[1]);
	(void)close(fds[1]);
	while ((n = read(fds[0], buffer, sizeof buffer)) > 0)
		str_addn(ret, buffer, (size_t)n);
	str_add(ret, "");
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
