/*
 * log: one line for each fact, on stderr.
 *
 * Process-wide and thread-safe. Text or JSON; control characters and invalid
 * UTF-8 are escaped, so that a line is a line whatever a file is called. Every
 * secret that log_secret was told is replaced by *** wherever it appears.
 * The status line is drawn on a terminal only; any log line wipes it first.
 * Only run and cmd log errors; the rest of lib returns them.
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>

#include "lib/base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_settings {
	enum log_level level;	/* lines above it are dropped */
	enum log_format format;
	bool color;		/* if stderr is a terminal */
	bool status;		/* draw status lines, if it is a terminal */
};

void log_setup(const struct log_settings *settings);

/* log_job: the name of the job that lines belong to from now on; NULL: none.
 * Borrowed until the next call. */
void log_job(const char *name);

/* log_secret: mask this value from now on. Values of less than 4
 * bytes are not masked: they would hide the log. */
MUST_CHECK int log_secret(const char *value, struct err *err);

/* log_mask: *ret is text with every known secret replaced; caller frees. For
 * whatever else leaves the process as text (dump, metadata). */
MUST_CHECK int log_mask(const char *text, char **ret, struct err *err);

void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* log_status: redraw the status line; does nothing without a terminal. */
void log_status(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* log_close: wipe the status line, forget (and overwrite) the secrets. */
void log_close(void);

#endif
