/*
 * fail: our own fallible calls, counted, and one of them failed.
 *
 * The program is linked with -Wl,--wrap for every name below: what our own
 * code calls comes through here, what a library calls does not.
 *
 *     TORTURE_FILE   one line for each way that a call was reached, at exit:
 *                    NAME KEY COUNT FIRST LAST ADDRESS...
 *                    (FIRST and LAST: ordinal numbers among all calls;
 *                    ADDRESS: return addresses in the program, innermost
 *                    first); with TORTURE_AT instead the line "failed NAME",
 *                    as soon as the call has failed
 *     TORTURE_AT     KEY:K: fail the Kth call that is reached this way. A plain
 *                    number would be another call each time: there are
 *                    threads.
 *
 * The calls of the guardian are neither counted nor failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define WAYS_MAX 16384		/* a power of two */
#define DEPTH_MAX 24
#define OURS 3			/* frames: look, hit, the wrapper */

struct way {
	const char *name;
	uint64_t key;
	unsigned long count;
	unsigned long first;
	unsigned long last;
	uintptr_t addresses[DEPTH_MAX];
	int depth;
};

extern const char __executable_start[], etext[];

static struct way ways[WAYS_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned long calls;
static const char *file;
static uint64_t fail_key;
static unsigned long fail_count;	/* 0: none fails */
static atomic_bool idle = true;

/* The way's place; NULL: the table is full. */
static struct way *
find(uint64_t key)
{
	size_t i, at = key % WAYS_MAX;

	for (i = 0; i < WAYS_MAX; i++, at = (at + 1) % WAYS_MAX)
		if (ways[at].name == NULL || ways[at].key == key)
			return &ways[at];
	return NULL;
}

static uint64_t
mix(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (; n > 0; n--)
		hash = (hash ^ *p++) * UINT64_C(0x100000001b3);
	return hash;
}

/* How the call was reached, in our own code. */
static __attribute__((noinline)) struct way
look(const char *name)
{
	struct way way = { .name = name,
		.key = UINT64_C(0xcbf29ce484222325) };
	void *frames[64];
	int n = backtrace(frames, 64), ours = 0, i;

	for (i = 0; i < n && way.depth < DEPTH_MAX; i++) {
		uintptr_t at = (uintptr_t)frames[i];

		if (at >= (uintptr_t)__executable_start &&
		    at < (uintptr_t)etext && ++ours > OURS)
			way.addresses[way.depth++] =
			    at - (uintptr_t)__executable_start;
	}
	way.key = mix(way.key, name, strlen(name));
	way.key = mix(way.key, way.addresses,
	    (size_t)way.depth * sizeof way.addresses[0]);
	return way;
}

static void
say_failed(const char *name)
{
	char text[80];
	int n = snprintf(text, sizeof text, "failed %s\n", name);
	FILE *out = fopen(file, "we");

	if (out == NULL || fwrite(text, 1, (size_t)n, out) != (size_t)n ||
	    fclose(out) != 0)
		abort();
}

static bool
count(const struct way *way)
{
	struct way *place = find(way->key);
	unsigned long before;

	if (place == NULL)
		abort();
	before = place->count;
	if (place->name == NULL) {
		*place = *way;
		place->first = calls;
	}
	place->count = before + 1;
	place->last = calls++;
	return fail_count != 0 && place->key == fail_key &&
	    place->count == fail_count;
}

/* Shall this call fail? */
static __attribute__((noinline)) bool
hit(const char *name)
{
	struct way way;
	bool yes;

	if (atomic_load(&idle))
		return false;
	way = look(name);
	pthread_mutex_lock(&mutex);
	yes = count(&way);
	pthread_mutex_unlock(&mutex);
	if (yes) {
		atomic_store(&idle, true);
		say_failed(name);
	}
	return yes;
}

static __attribute__((constructor)) void
begin(void)
{
	const char *at = getenv("TORTURE_AT");
	void *frames[2];

	file = getenv("TORTURE_FILE");
	if (file == NULL)
		return;
	if (at != NULL && sscanf(at, "%" SCNx64 ":%lu", &fail_key,
	    &fail_count) != 2)
		abort();
	(void)backtrace(frames, 2);	/* loads what it needs */
	atomic_store(&idle, false);
}

static __attribute__((destructor)) void
end(void)
{
	FILE *out;
	size_t i;
	int k;

	if (file == NULL || fail_count != 0)
		return;
	atomic_store(&idle, true);
	out = fopen(file, "we");
	for (i = 0; out != NULL && i < WAYS_MAX; i++) {
		const struct way *way = &ways[i];

		if (way->name == NULL)
			continue;
		(void)fprintf(out, "%s %" PRIx64 " %lu %lu %lu", way->name,
		    way->key, way->count, way->first, way->last);
		for (k = 0; k < way->depth; k++)
			(void)fprintf(out, " %" PRIxPTR, way->addresses[k]);
		(void)fputc('\n', out);
	}
	if (out == NULL || fclose(out) != 0)
		abort();
}

/* A call NAME that fails gives GIVES and sets errno to NUMBER. */
#define WRAP(type, name, gives, number, params, args)			\
	type __real_##name params;					\
	type __wrap_##name params;					\
	type __wrap_##name params					\
	{								\
		if (hit(#name)) {					\
			errno = (number);				\
			return (gives);					\
		}							\
		return __real_##name args;				\
	}

/* --- memory -------------------------------------------------------------- */

WRAP(void *, malloc, NULL, ENOMEM, (size_t n), (n))
WRAP(void *, calloc, NULL, ENOMEM, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, NULL, ENOMEM, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, NULL, ENOMEM, (void *p, size_t n, size_t size),
    (p, n, size))
WRAP(char *, strdup, NULL, ENOMEM, (const char *s), (s))
WRAP(char *, strndup, NULL, ENOMEM, (const char *s, size_t n), (s, n))
WRAP(char *, realpath, NULL, ENOMEM, (const char *path, char *ret),
    (path, ret))
WRAP(void *, mmap64, (void *)-1, ENOMEM, (void *p, size_t n, int prot,
    int flags, int fd, off_t at), (p, n, prot, flags, fd, at))

int __real_vasprintf(char **ret, const char *fmt, va_list args);
int __wrap_vasprintf(char **ret, const char *fmt, va_list args);

int
__wrap_vasprintf(char **ret, const char *fmt, va_list args)
{
	if (!hit("vasprintf"))
		return __real_vasprintf(ret, fmt, args);
	*ret = (char *)(uintptr_t)1;	/* as it may: nobody may free that */
	errno = ENOMEM;
	return -1;
}

/* --- files --------------------------------------------------------------- */

WRAP(int, open64, -1, EMFILE, (const char *path, int flags, mode_t mode),
    (path, flags, mode))
WRAP(int, openat64, -1, EMFILE, (int fd, const char *path, int flags,
    mode_t mode), (fd, path, flags, mode))
WRAP(int, mkostemp64, -1, EMFILE, (char *path, int flags), (path, flags))
WRAP(char *, mkdtemp, NULL, ENOSPC, (char *path), (path))
WRAP(ssize_t, read, -1, EIO, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, pread64, -1, EIO, (int fd, void *p, size_t n, off_t at),
    (fd, p, n, at))
WRAP(ssize_t, readlinkat, -1, EIO, (int fd, const char *path, char *p,
    size_t n), (fd, path, p, n))
WRAP(ssize_t, write, -1, ENOSPC, (int fd, const void *p, size_t n),
    (fd, p, n))
WRAP(ssize_t, pwrite64, -1, ENOSPC, (int fd, const void *p, size_t n,
    off_t at), (fd, p, n, at))
WRAP(ssize_t, writev, -1, ENOSPC, (int fd, const void *v, int n), (fd, v, n))
WRAP(ssize_t, copy_file_range, -1, EIO, (int from, off_t *from_at, int to,
    off_t *to_at, size_t n, unsigned flags),
    (from, from_at, to, to_at, n, flags))
WRAP(off_t, lseek64, -1, EIO, (int fd, off_t at, int whence),
    (fd, at, whence))
WRAP(int, fsync, -1, EIO, (int fd), (fd))
WRAP(int, fdatasync, -1, EIO, (int fd), (fd))
WRAP(int, ftruncate64, -1, EIO, (int fd, off_t n), (fd, n))
WRAP(int, fallocate64, -1, ENOSPC, (int fd, int mode, off_t at, off_t n),
    (fd, mode, at, n))
WRAP(int, posix_fallocate64, ENOSPC, 0, (int fd, off_t at, off_t n),
    (fd, at, n))
WRAP(int, renameat, -1, EIO, (int from, const char *old, int to,
    const char *new), (from, old, to, new))
WRAP(int, renameat2, -1, EIO, (int from, const char *old, int to,
    const char *new, unsigned flags), (from, old, to, new, flags))
WRAP(int, linkat, -1, ENOSPC, (int from, const char *old, int to,
    const char *new, int flags), (from, old, to, new, flags))
WRAP(int, symlinkat, -1, ENOSPC, (const char *target, int fd,
    const char *path), (target, fd, path))
WRAP(int, unlink, -1, EIO, (const char *path), (path))
WRAP(int, unlinkat, -1, EIO, (int fd, const char *path, int flags),
    (fd, path, flags))
WRAP(int, remove, -1, EIO, (const char *path), (path))
WRAP(int, mkdir, -1, ENOSPC, (const char *path, mode_t mode), (path, mode))
WRAP(int, mkdirat, -1, ENOSPC, (int fd, const char *path, mode_t mode),
    (fd, path, mode))
WRAP(int, mkfifoat, -1, ENOSPC, (int fd, const char *path, mode_t mode),
    (fd, path, mode))
WRAP(int, fchmod, -1, EIO, (int fd, mode_t mode), (fd, mode))
WRAP(int, fchown, -1, EIO, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP(int, futimens, -1, EIO, (int fd, const void *times), (fd, times))
WRAP(int, flock, -1, ENOLCK, (int fd, int how), (fd, how))
WRAP(int, fcntl64, -1, EMFILE, (int fd, int command, void *p),
    (fd, command, p))
WRAP(int, stat64, -1, EIO, (const char *path, void *ret), (path, ret))
WRAP(int, lstat64, -1, EIO, (const char *path, void *ret), (path, ret))
WRAP(int, fstat64, -1, EIO, (int fd, void *ret), (fd, ret))
WRAP(int, fstatat64, -1, EIO, (int fd, const char *path, void *ret,
    int flags), (fd, path, ret, flags))
WRAP(int, statvfs64, -1, EIO, (const char *path, void *ret), (path, ret))
WRAP(int, fstatvfs64, -1, EIO, (int fd, void *ret), (fd, ret))
WRAP(int, fstatfs64, -1, EIO, (int fd, void *ret), (fd, ret))
WRAP(int, access, -1, EIO, (const char *path, int mode), (path, mode))
WRAP(ssize_t, flistxattr, -1, EIO, (int fd, char *p, size_t n), (fd, p, n))
WRAP(ssize_t, fgetxattr, -1, EIO, (int fd, const char *name, void *p,
    size_t n), (fd, name, p, n))
WRAP(ssize_t, listxattr, -1, EIO, (const char *path, char *p, size_t n),
    (path, p, n))
WRAP(ssize_t, getxattr, -1, EIO, (const char *path, const char *name, void *p,
    size_t n), (path, name, p, n))
WRAP(void *, opendir, NULL, EMFILE, (const char *path), (path))
WRAP(void *, fdopendir, NULL, ENOMEM, (int fd), (fd))
WRAP(void *, readdir64, NULL, EIO, (void *dir), (dir))
WRAP(void *, fts64_open, NULL, ENOMEM, (void *paths, int options,
    void *compare), (paths, options, compare))
WRAP(int, nftw64, -1, ENOMEM, (const char *path, void *each, int n,
    int flags), (path, each, n, flags))

void *__real_fts64_read(void *fts);
void *__wrap_fts64_read(void *fts);

/* Called in any case: a walk that has not begun is not freed by fts_close. */
void *
__wrap_fts64_read(void *fts)
{
	void *entry = __real_fts64_read(fts);

	if (!hit("fts64_read"))
		return entry;
	errno = ENOMEM;
	return NULL;
}

int __real_close(int fd);
int __wrap_close(int fd);

/* It is closed whatever it says. */
int
__wrap_close(int fd)
{
	int rc = __real_close(fd);

	if (!hit("close"))
		return rc;
	errno = EIO;
	return -1;
}

/* --- processes, threads, what they talk by ------------------------------- */

WRAP(int, pipe2, -1, EMFILE, (int *ends, int flags), (ends, flags))
WRAP(int, socketpair, -1, EMFILE, (int domain, int type, int protocol,
    int *ends), (domain, type, protocol, ends))
WRAP(int, memfd_create, -1, EMFILE, (const char *name, unsigned flags),
    (name, flags))
WRAP(ssize_t, recv, -1, ECONNRESET, (int fd, void *p, size_t n, int flags),
    (fd, p, n, flags))
WRAP(ssize_t, send, -1, EPIPE, (int fd, const void *p, size_t n, int flags),
    (fd, p, n, flags))
WRAP(int, poll, -1, ENOMEM, (void *fds, unsigned long n, int timeout_ms),
    (fds, n, timeout_ms))
WRAP(ssize_t, getrandom, -1, ENOSYS, (void *p, size_t n, unsigned flags),
    (p, n, flags))
WRAP(int, posix_spawn, EAGAIN, 0, (void *pid, const char *path, void *actions,
    void *attributes, void *argv, void *environment),
    (pid, path, actions, attributes, argv, environment))
WRAP(int, posix_spawn_file_actions_init, ENOMEM, 0, (void *actions),
    (actions))
WRAP(int, posix_spawnattr_init, ENOMEM, 0, (void *attributes), (attributes))
WRAP(int, pthread_create, EAGAIN, 0, (void *thread, void *attributes,
    void *run, void *cookie), (thread, attributes, run, cookie))
WRAP(int, pthread_mutex_init, ENOMEM, 0, (void *m, void *attributes),
    (m, attributes))
WRAP(int, pthread_cond_init, ENOMEM, 0, (void *cond, void *attributes),
    (cond, attributes))

pid_t __real_fork(void);
pid_t __wrap_fork(void);

pid_t
__wrap_fork(void)
{
	pid_t pid;

	if (hit("fork")) {
		errno = EAGAIN;
		return -1;
	}
	pid = __real_fork();
	if (pid == 0)
		atomic_store(&idle, true);
	return pid;
}

/* --- libraries: what only lack of memory fails --------------------------- */

#define JSON(name, params, args) WRAP(void *, cJSON_##name, NULL, ENOMEM,	\
    params, args)

JSON(CreateArray, (void), ())
JSON(CreateObject, (void), ())
JSON(CreateString, (const char *s), (s))
JSON(CreateNumber, (double number), (number))
JSON(CreateRaw, (const char *s), (s))
JSON(AddArrayToObject, (void *to, const char *name), (to, name))
JSON(AddObjectToObject, (void *to, const char *name), (to, name))
JSON(AddTrueToObject, (void *to, const char *name), (to, name))
JSON(AddFalseToObject, (void *to, const char *name), (to, name))
JSON(AddRawToObject, (void *to, const char *name, const char *s),
    (to, name, s))
JSON(AddStringToObject, (void *to, const char *name, const char *s),
    (to, name, s))
JSON(Print, (void *from), (from))
JSON(PrintUnformatted, (void *from), (from))
WRAP(void *, curl_easy_init, NULL, ENOMEM, (void), ())
WRAP(void *, curl_multi_init, NULL, ENOMEM, (void), ())
WRAP(void *, curl_slist_append, NULL, ENOMEM, (void *list, const char *s),
    (list, s))
WRAP(void *, ZSTD_createCCtx, NULL, ENOMEM, (void), ())
WRAP(void *, EVP_MD_CTX_new, NULL, ENOMEM, (void), ())
WRAP(void *, EVP_CIPHER_CTX_new, NULL, ENOMEM, (void), ())
