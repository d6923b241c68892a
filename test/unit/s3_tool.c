/*
 * s3_tool: an S3 store by hand, for scenarios.
 *
 *   s3_tool check | list | sweep PREFIX | has NAME | remove NAME...|-
 *   s3_tool put|replace NAME FILE | put-broken NAME FILE | small NAME TEXT
 *   s3_tool fill PREFIX N   (small documents, named PREFIX0, PREFIX1, ...)
 *
 * Settings are in the environment: S3_BUCKET S3_PATH S3_HOST S3_PROTO S3_CA
 * S3_INSECURE S3_REGION S3_STYLE(path|virtual) S3_ACCESS_KEY S3_SECRET_KEY
 * S3_CLASS S3_ENCRYPTION S3_ENCRYPTION_KEY S3_METADATA(a=b,c=d) S3_PART_MIB
 * S3_PARALLEL S3_RATE S3_RETRY S3_WINDOW(bytes) S3_AHEAD(seconds that
 * the clock of sweep is ahead) S3_SKEW(and that of signatures). put-broken gives the file's bytes, and then no end.
 * Prints results on stdout, the error on stderr; exit 0, or 10 + its kind.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/http_sign.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/store/store.h"

time_t __real_clock_now(void);
time_t __wrap_clock_now(void);
int __real_http_sign(const struct http_request *, const char *, time_t,
    struct strlist *, struct err *);
int __wrap_http_sign(const struct http_request *, const char *, time_t,
    struct strlist *, struct err *);

static uint64_t
number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

time_t
__wrap_clock_now(void)
{
	return __real_clock_now() + (time_t)number("S3_AHEAD");
}

int
__wrap_http_sign(const struct http_request *request, const char *base,
    time_t now, struct strlist *headers, struct err *err)
{
	now = __real_clock_now() + (time_t)number("S3_SKEW");
	return __real_http_sign(request, base, now, headers, err);
}

struct source {
	int fd;
	uint64_t bytes;
	bool broken;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t released;
	uint64_t window;
};

/* As a spool in memory: bytes are there only as far as the window reaches. */
static int
source_wait(void *cookie, uint64_t upto, uint64_t *ret_have, bool *ret_end,
    struct err *err)
{
	struct source *source = cookie;
	uint64_t have = source->bytes;

	pthread_mutex_lock(&source->mutex);
	while (upto < have && source->window != UINT64_MAX &&
	    upto > source->released + source->window)
		pthread_cond_wait(&source->changed, &source->mutex);
	if (source->window != UINT64_MAX &&
	    source->released + source->window < have)
		have = source->released + source->window;
	pthread_mutex_unlock(&source->mutex);
	*ret_have = have;
	*ret_end = have == source->bytes && !source->broken;
	if (source->broken && upto > have)
		return err_set(err, ERR_STREAM, "the archive broke off");
	return 0;
}

static int
source_read(void *cookie, uint64_t offset, void *bytes, size_t n,
    struct err *err)
{
	struct source *source = cookie;
	bool is_released;

	pthread_mutex_lock(&source->mutex);
	is_released = offset < source->released;
	pthread_mutex_unlock(&source->mutex);
	if (is_released)
		return err_set(err, ERR_SYSTEM, "read what was released");
	if (pread(source->fd, bytes, n, (off_t)offset) != (ssize_t)n)
		return err_sys(err, "cannot read");
	return 0;
}

static void
source_release(void *cookie, uint64_t before)
{
	struct source *source = cookie;

	pthread_mutex_lock(&source->mutex);
	source->released = before;
	pthread_cond_broadcast(&source->changed);
	pthread_mutex_unlock(&source->mutex);
}

static int
put(struct store *store, char **argv, struct err *err)
{
	CLEANUP(cleanup_close) int fd = open(argv[3], O_RDONLY | O_CLOEXEC);
	struct source source = {
		.fd = fd, .mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.broken = strcmp(argv[1], "put-broken") == 0,
		.window = number("S3_WINDOW") != 0 ? number("S3_WINDOW") :
		    UINT64_MAX
	};
	struct store_stream stream = { source_wait, source_read,
	    source_release, source.window, &source };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "cannot open '%s'", argv[3]);
	source.bytes = (uint64_t)st.st_size;
	return store_put(store, argv[2], strcmp(argv[1], "replace") == 0 ?
	    STORE_REPLACE : STORE_NEW, &stream, err);
}

static int
list(struct store *store, struct err *err)
{
	CLEANUP(store_list_free) struct store_list entries = STORE_LIST_INIT;
	size_t i;

	if (store_list(store, &entries, err) < 0)
		return -1;
	for (i = 0; i < entries.n; i++)
		(void)printf("%" PRIu64 " %s\n", entries.v[i].bytes,
		    entries.v[i].name);
	return 0;
}

static int
remove_names(struct store *store, char **argv, struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist failed = STRLIST_INIT;
	bool from_stdin = strcmp(argv[2], "-") == 0;
	char line[2048];
	size_t i;

	for (argv += 2; !from_stdin && *argv != NULL; argv++)
		if (strlist_add(&names, *argv, err) < 0)
			return -1;
	while (from_stdin && fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strlist_add(&names, line, err) < 0)
			return -1;
	}
	if (store_remove(store, &names, &failed, err) < 0)
		return -1;
	for (i = 0; i < failed.n; i++)
		(void)printf("%s\n", failed.v[i]);
	return 0;
}

static bool
has_prefix(void *cookie, const char *name)
{
	return str_starts(name, cookie);
}

static int
sweep(struct store *store, char *prefix, struct err *err)
{
	size_t n = 0;

	if (store_sweep(store, has_prefix, prefix, &n, err) < 0)
		return -1;
	(void)printf("%zu\n", n);
	return 0;
}

static int
has(struct store *store, const char *name, struct err *err)
{
	bool is_there;

	if (store_has(store, name, &is_there, err) < 0)
		return -1;
	(void)printf("%s\n", is_there ? "yes" : "no");
	return 0;
}

static int
fill(struct store *store, const char *prefix, const char *count,
    struct err *err)
{
	unsigned long i, n = strtoul(count, NULL, 10);
	char name[128];

	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof name, "%.100s%lu", prefix, i);
		if (store_put_small(store, name, "x\n", 2, err) < 0)
			return -1;
	}
	return 0;
}

static int
act(struct store *store, int argc, char **argv, struct err *err)
{
	const char *verb = argv[1];

	if (strcmp(verb, "check") == 0)
		return store_check(store, 0, err);
	if (strcmp(verb, "list") == 0)
		return list(store, err);
	if (argc > 2 && strcmp(verb, "sweep") == 0)
		return sweep(store, argv[2], err);
	if (argc > 2 && strcmp(verb, "has") == 0)
		return has(store, argv[2], err);
	if (argc > 2 && strcmp(verb, "remove") == 0)
		return remove_names(store, argv, err);
	if (argc > 3 && strcmp(verb, "fill") == 0)
		return fill(store, argv[2], argv[3], err);
	if (argc > 3 && strcmp(verb, "small") == 0)
		return store_put_small(store, argv[2], argv[3],
		    strlen(argv[3]), err);
	if (argc > 3)
		return put(store, argv, err);
	return err_set(err, ERR_USAGE, "what is '%s'?", verb);
}

static int
split_metadata(struct strlist *ret, struct err *err)
{
	const char *text = getenv("S3_METADATA");
	CLEANUP(cleanup_free) char *copy = NULL;
	char *next, *word;

	if (text == NULL)
		return 0;
	if (str_dup(text, &copy, err) < 0)
		return -1;
	for (next = copy; (word = strsep(&next, ",")) != NULL;)
		if (strlist_add(ret, word, err) < 0)
			return -1;
	return 0;
}

static int
open_store(const struct strlist *metadata, struct store **ret,
    struct err *err)
{
	const char *style = getenv("S3_STYLE");
	const char *retry = getenv("S3_RETRY");
	const struct store_s3_settings settings = {
		.bucket = getenv("S3_BUCKET"), .path = getenv("S3_PATH"),
		.endpoint = getenv("S3_HOST"), .proto = getenv("S3_PROTO"),
		.insecure = getenv("S3_INSECURE") != NULL,
		.ca_cert = getenv("S3_CA"), .region = getenv("S3_REGION"),
		.style = style == NULL ? S3_STYLE_AUTO :
		    strcmp(style, "virtual") == 0 ? S3_STYLE_VIRTUAL :
		    S3_STYLE_PATH,
		.access_key = getenv("S3_ACCESS_KEY"),
		.secret_key = getenv("S3_SECRET_KEY"),
		.storage_class = getenv("S3_CLASS"),
		.encryption = getenv("S3_ENCRYPTION"),
		.encryption_key = getenv("S3_ENCRYPTION_KEY"),
		.metadata = metadata,
		.part_bytes = number("S3_PART_MIB") << 20,
		.parallel = (unsigned)number("S3_PARALLEL"),
		.rate_bytes_s = number("S3_RATE"),
		.retry_s = retry != NULL ? strtod(retry, NULL) : 20
	};

	return store_s3_new(&settings, ret, err);
}

int
main(int argc, char **argv)
{
	CLEANUP(strlist_free) struct strlist metadata = STRLIST_INIT;
	CLEANUP(store_freep) struct store *store = NULL;
	struct log_settings log = { .level = getenv("S3_DEBUG") != NULL ?
	    LOG_LEVEL_DEBUG : LOG_LEVEL_INFO };
	struct err err = ERR_INIT;

	log_setup(&log);
	if (argc < 2 || intr_install(&err) < 0 ||
	    split_metadata(&metadata, &err) < 0 ||
	    open_store(&metadata, &store, &err) < 0 ||
	    act(store, argc, argv, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 10 + (int)err.kind;
	}
	return 0;
}
