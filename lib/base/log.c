#define _GNU_SOURCE
#include "lib/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/secrets.h"
#include "lib/base/tail.h"

#define IDENTIFIER "vbackup"
#define JOURNAL_PAUSE_S 10.0

static const struct level {
	const char *name;
	const char *color;
	const char *priority;	/* of syslog */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "\033[31m", "3" },
	[LOG_LEVEL_WARNING] = { "warning", "\033[33m", "4" },
	[LOG_LEVEL_INFO] = { "info", "", "6" },
	[LOG_LEVEL_DEBUG] = { "debug", "\033[2m", "7" },
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct log_settings settings = {
	LOG_LEVEL_INFO, LOG_FORMAT_TEXT, false, false
};
static const char *job;
static bool journal;		/* stderr is the journal's */
static double journal_lost_s;	/* when it last took no entry; 0: it does */
static struct tail tail;
static bool status_drawn;

void
log_setup(const struct log_settings *wanted)
{
	bool terminal = isatty(STDERR_FILENO);

	pthread_mutex_lock(&mutex);
	settings = *wanted;
	journal = journal_is_ours();
	settings.color = settings.color && terminal;
	settings.status = settings.status && terminal;
	pthread_mutex_unlock(&mutex);
}

void
log_job(const char *name)
{
	pthread_mutex_lock(&mutex);
	job = name;
	pthread_mutex_unlock(&mutex);
}

int
log_secret(const char *value, struct err *err)
{
	int rc;

	pthread_mutex_lock(&mutex);
	rc = secrets_add(value, err);
	pthread_mutex_unlock(&mutex);
	return rc;
}

int
log_mask(const char *text, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;

	pthread_mutex_lock(&mutex);
	secrets_add_masked(&s, text);
	pthread_mutex_unlock(&mutex);
	return str_take(&s, ret, err);
}

static void
add_json_string(struct str *s, const char *visible)
{
	str_add(s, "\"");
	for (; *visible != '\0'; visible++) {
		if (*visible == '"' || *visible == '\\')
			str_add(s, "\\");
		str_addn(s, visible, 1);
	}
	str_add(s, "\"");
}

static void
add_time(struct str *s, const struct timespec *time)
{
	struct tm tm;
	char date[64], zone[16];

	(void)localtime_r(&time->tv_sec, &tm);
	(void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)strftime(zone, sizeof zone, "%z", &tm);
	str_addf(s, "%s.%03ld%.3s:%s", date, time->tv_nsec / 1000000, zone,
	    zone + 3);
}

static void
add_level_and_job(struct str *s, enum log_level level)
{
	str_addf(s, "%-7s ", levels[level].name);
	if (job != NULL) {
		str_add_visible(s, job);
		str_add(s, ": ");
	}
}

static void
compose_text(struct str *line, enum log_level level,
    const struct timespec *time, const char *visible)
{
	const char *color = settings.color ? levels[level].color : "";

	if (!journal) {
		add_time(line, time);
		str_addf(line, " %s", color);
	}
	add_level_and_job(line, level);
	str_addf(line, "%s%s\n", visible, *color != '\0' ? "\033[0m" : "");
}

static void
compose_json(struct str *line, enum log_level level,
    const struct timespec *time, const char *visible)
{
	str_add(line, "{\"time\":\"");
	add_time(line, time);
	str_addf(line, "\",\"level\":\"%s\"", levels[level].name);
	if (job != NULL) {
		CLEANUP(str_free) struct str name = STR_INIT;

		str_add_visible(&name, job);
		str_add(line, ",\"job\":");
		add_json_string(line, name.s != NULL ? name.s : "");
	}
	str_add(line, ",\"msg\":");
	add_json_string(line, visible);
	str_add(line, "}\n");
}

/* --- where they go ------------------------------------------------------- */

/* The caller holds the mutex. Nothing can be done about a failing stderr. */
static void
put(const char *bytes, size_t n)
{
	while (n != 0) {
		ssize_t written = write(STDERR_FILENO, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		n -= (size_t)written;
	}
}

static void
wipe_status(void)
{
	if (status_drawn)
		put("\r\033[K", 4);
	status_drawn = false;
}

static void
write_line(enum log_level level, const struct timespec *time,
    const char *visible)
{
	CLEANUP(str_free) struct str line = STR_INIT;

	if (journal)
		str_addf(&line, "<%s>", levels[level].priority);
	if (settings.format == LOG_FORMAT_JSON)
		compose_json(&line, level, time, visible);
	else
		compose_text(&line, level, time, visible);
	wipe_status();
	if (line.s != NULL)
		put(line.s, line.len);
	if (line.failed)	/* cut off, but still a line of its own */
		put("\n", 1);
}

/* A journal that takes nothing is not waited for with each line. */
static bool
send_line(enum log_level level, const char *visible)
{
	const struct journal_field fields[] = {
		{ "MESSAGE", visible },
		{ "PRIORITY", levels[level].priority },
		{ "SYSLOG_IDENTIFIER", IDENTIFIER },
		{ "VBACKUP_JOB", job },
	};
	size_t n = sizeof fields / sizeof *fields;
	double now_s = clock_mono_s();

	if (journal_lost_s > 0 && now_s < journal_lost_s + JOURNAL_PAUSE_S)
		return false;
	journal_lost_s = journal_send(JOURNAL_SOCKET, fields, job != NULL ? n :
	    n - 1) ? 0 : now_s;
	return journal_lost_s <= 0;
}

static void
show(enum log_level level, const struct timespec *time, const char *text)
{
	CLEANUP(str_free) struct str masked = STR_INIT;
	CLEANUP(str_free) struct str visible = STR_INIT;
	const char *shown;

	secrets_add_masked(&masked, text);
	str_add_visible(&visible, masked.s != NULL ? masked.s : "");
	shown = visible.s != NULL ? visible.s : "";
	if (!journal || settings.format == LOG_FORMAT_JSON ||
	    !send_line(level, shown))
		write_line(level, time, shown);
}

static void
keep(enum log_level level, const struct timespec *time, const char *text)
{
	CLEANUP(str_free) struct str head = STR_INIT;

	add_time(&head, time);
	str_add(&head, " ");
	add_level_and_job(&head, level);
	tail_add(&tail, head.s != NULL ? head.s : "", text);
}

static void PRINTF_LIKE(2, 0)
log_line(enum log_level level, const char *fmt, va_list args)
{
	CLEANUP(cleanup_free) char *text = NULL;
	bool shown = level <= settings.level;
	bool kept = level <= LOG_LEVEL_INFO && tail.max_bytes != 0;
	int saved = errno;
	struct timespec now;

	if (!shown && !kept)
		return;
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&mutex);
	if (shown)
		show(level, &now, text != NULL ? text : fmt);
	if (kept)
		keep(level, &now, text != NULL ? text : fmt);
	pthread_mutex_unlock(&mutex);
	errno = saved;
}

#define LOG_FUNCTION(function, level)					\
	void								\
	function(const char *fmt, ...)					\
	{								\
		va_list args;						\
									\
		va_start(args, fmt);					\
		log_line(level, fmt, args);				\
		va_end(args);						\
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

/* How many bytes of a line fit on the terminal, in whole characters: so long
 * a line would wrap, and the next one could not wipe it. */
static size_t
cut_to_width(const char *line, size_t n)
{
	struct winsize size;
	size_t width = 80;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		width = size.ws_col;
	if (n < width)
		return n;
	n = width - 1;
	while (n != 0 && ((unsigned char)line[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void
log_status(const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(str_free) struct str masked = STR_INIT;
	CLEANUP(str_free) struct str visible = STR_INIT;
	va_list args;

	if (!settings.status)
		return;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text == NULL)
		return;
	pthread_mutex_lock(&mutex);
	secrets_add_masked(&masked, text);
	str_add_visible(&visible, masked.s != NULL ? masked.s : "");
	put("\r\033[K", 4);
	if (visible.s != NULL)
		put(visible.s, cut_to_width(visible.s, visible.len));
	status_drawn = true;
	pthread_mutex_unlock(&mutex);
}

bool
log_draws_status(void)
{
	return settings.status;
}

/* --- lines that were kept ------------------------------------------------ */

void
log_keep(size_t max_bytes)
{
	pthread_mutex_lock(&mutex);
	if (max_bytes == 0)
		tail_forget(&tail);
	tail.max_bytes = max_bytes;
	pthread_mutex_unlock(&mutex);
}

int
log_kept(struct strlist *ret, struct err *err)
{
	int rc;

	pthread_mutex_lock(&mutex);
	rc = tail_list(&tail, ret, err);
	pthread_mutex_unlock(&mutex);
	return rc;
}

/* --- events -------------------------------------------------------------- */

/* The values that others made: in place, the texts are owned by *masked. */
static int
mask_fields(struct journal_field *fields, size_t n, struct strlist *masked,
    struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		CLEANUP(cleanup_free) char *value = NULL;

		if (log_mask(fields[i].value, &value, err) < 0 ||
		    strlist_add(masked, value, err) < 0)
			return -1;
		fields[i].value = masked->v[i];
	}
	return 0;
}

void
log_event(const char *id, enum log_level level, const char *message,
    const struct journal_field *fields, size_t n)
{
	const struct journal_field own[] = {
		{ "MESSAGE_ID", id },
		{ "PRIORITY", levels[level].priority },
		{ "SYSLOG_IDENTIFIER", IDENTIFIER },
	};
	size_t n_own = sizeof own / sizeof *own;
	CLEANUP(strlist_free) struct strlist masked = STRLIST_INIT;
	CLEANUP(cleanup_free) struct journal_field *all = NULL;
	struct err ignored = ERR_INIT;
	int saved = errno;

	if (!journal)
		return;
	all = calloc(n_own + 1 + n, sizeof *all);
	if (all == NULL)
		return;
	memcpy(all, own, sizeof own);
	all[n_own] = (struct journal_field){ "MESSAGE", message };
	if (n != 0)
		memcpy(all + n_own + 1, fields, n * sizeof *fields);
	if (mask_fields(all + n_own, n + 1, &masked, &ignored) == 0)
		(void)!journal_send(JOURNAL_SOCKET, all, n_own + 1 + n);
	errno = saved;
}

void
log_close(void)
{
	pthread_mutex_lock(&mutex);
	wipe_status();
	secrets_forget();
	tail_forget(&tail);
	pthread_mutex_unlock(&mutex);
}
