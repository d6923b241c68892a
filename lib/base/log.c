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

#include "lib/base/str.h"

#define SECRET_BYTES_MIN 4

static const struct level {
	const char *name;
	const char *color;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "\033[31m" },
	[LOG_LEVEL_WARNING] = { "warning", "\033[33m" },
	[LOG_LEVEL_INFO] = { "info", "" },
	[LOG_LEVEL_DEBUG] = { "debug", "\033[2m" },
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct log_settings settings = {
	LOG_LEVEL_INFO, LOG_FORMAT_TEXT, false, false
};
static const char *job;
static struct strlist secrets;
static bool status_drawn;

void
log_setup(const struct log_settings *wanted)
{
	bool terminal = isatty(STDERR_FILENO);

	pthread_mutex_lock(&mutex);
	settings = *wanted;
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

	if (strlen(value) < SECRET_BYTES_MIN)
		return 0;
	pthread_mutex_lock(&mutex);
	rc = strlist_add(&secrets, value, err);
	pthread_mutex_unlock(&mutex);
	return rc;
}

/* The longest secret that text begins with, or 0. */
static size_t
secret_length(const char *text)
{
	size_t longest = 0, i;

	for (i = 0; i < secrets.n; i++) {
		size_t n = strlen(secrets.v[i]);

		if (n > longest && strncmp(text, secrets.v[i], n) == 0)
			longest = n;
	}
	return longest;
}

static void
add_masked(struct str *s, const char *text)
{
	while (*text != '\0') {
		size_t n = secret_length(text);

		if (n != 0) {
			str_add(s, "***");
			text += n;
		} else {
			str_addn(s, text++, 1);
		}
	}
}

int
log_mask(const char *text, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;

	pthread_mutex_lock(&mutex);
	add_masked(&s, text);
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
add_time(struct str *s)
{
	struct timespec now;
	struct tm tm;
	char date[64], zone[16];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)localtime_r(&now.tv_sec, &tm);
	(void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)strftime(zone, sizeof zone, "%z", &tm);
	str_addf(s, "%s.%03ld%.3s:%s", date, now.tv_nsec / 1000000, zone,
	    zone + 3);
}

static void
compose_text(struct str *line, enum log_level level, const char *visible)
{
	const char *color = settings.color ? levels[level].color : "";

	add_time(line);
	str_addf(line, " %s%-7s", color, levels[level].name);
	if (job != NULL) {
		str_add(line, " ");
		str_add_visible(line, job);
		str_add(line, ":");
	}
	str_addf(line, " %s%s\n", visible, *color != '\0' ? "\033[0m" : "");
}

static void
compose_json(struct str *line, enum log_level level, const char *visible)
{
	str_add(line, "{\"time\":\"");
	add_time(line);
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

static void PRINTF_LIKE(2, 0)
log_line(enum log_level level, const char *fmt, va_list args)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(str_free) struct str masked = STR_INIT;
	CLEANUP(str_free) struct str visible = STR_INIT;
	CLEANUP(str_free) struct str line = STR_INIT;
	int saved = errno;

	if (level > settings.level)
		return;
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	pthread_mutex_lock(&mutex);
	add_masked(&masked, text != NULL ? text : fmt);
	str_add_visible(&visible, masked.s != NULL ? masked.s : "");
	if (settings.format == LOG_FORMAT_JSON)
		compose_json(&line, level, visible.s != NULL ? visible.s : "");
	else
		compose_text(&line, level, visible.s != NULL ? visible.s : "");
	wipe_status();
	if (line.s != NULL)
		put(line.s, line.len);
	if (line.failed)	/* cut off, but still a line of its own */
		put("\n", 1);
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
	add_masked(&masked, text);
	str_add_visible(&visible, masked.s != NULL ? masked.s : "");
	put("\r\033[K", 4);
	if (visible.s != NULL)
		put(visible.s, cut_to_width(visible.s, visible.len));
	status_drawn = true;
	pthread_mutex_unlock(&mutex);
}

void
log_close(void)
{
	size_t i;

	pthread_mutex_lock(&mutex);
	wipe_status();
	for (i = 0; i < secrets.n; i++)
		str_zero(secrets.v[i]);
	strlist_free(&secrets);
	pthread_mutex_unlock(&mutex);
}
