/*
 * log: one line for each fact, on stderr.
 *
 * Process-wide and thread-safe. Text or JSON; control characters and invalid
 * UTF-8 are escaped, so that a line is a line whatever a file is called. Every
 * secret that log_secret was told is replaced by *** wherever it appears.
 * The status line is drawn on a terminal only; any log line wipes it first.
 * Only run and cmd log errors; the rest of lib returns them.
 *
 * Where stderr is the journal's, a line is an entry with fields (MESSAGE, the
 * text without its time; PRIORITY; SYSLOG_IDENTIFIER; VBACKUP_JOB) that goes
 * to the journal's socket. A line that this does not take goes to stderr with
 * "<N>", its priority, before it and without a time; so does every line of
 * JSON.
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/journal.h"
#include "lib/base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_settings {
	enum log_level level;	/* lines above it are dropped */
	enum log_format format;
	bool color;		/* if stderr is a terminal */
	bool status;		/* draw status lines, if it is a terminal */
};

/* log_setup: before any thread, as log_keep. */
void log_setup(const struct log_settings *settings);

/* log_job: the name of the job that lines belong to from now on; NULL: none.
 * Borrowed until the next call. */
void log_job(const char *name);

/* log_secret: mask this value from now on, also where it is encoded for an
 * URL, in JSON or in base64 (see secrets.h). Values of less than 4
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

/* log_draws_status: does it? */
bool log_draws_status(void);

/* log_keep: from now on keep the lines of level info and above in memory, also
 * those that settings.level drops: the newest, of max_bytes in all. 0: no
 * more. */
void log_keep(size_t max_bytes);

/* log_kept: *ret gets what was kept, as plain lines of text without colour and
 * newline, "TIME level [job:] text", the oldest first; before them "[N earlier
 * lines left out]" if some had to go. Masked with what is a secret by now.
 * Fails: ERR_NOMEM. */
MUST_CHECK int log_kept(struct strlist *ret, struct err *err);

/* The end of a run: the id of its event, as journalctl MESSAGE_ID= finds it. */
#define LOG_EVENT_RUN_ENDED "956471b184a5435c9c59d30fafa75a98"

/* log_event: an entry for the journal alone, and for machines: whatever the
 * level and the format of the log are. id becomes MESSAGE_ID; message is one
 * line for people; fields are VBACKUP_..., n of them, their values are masked.
 * Does nothing where stderr is not the journal's. */
void log_event(const char *id, enum log_level level, const char *message,
    const struct journal_field *fields, size_t n);

/* log_close: wipe the status line, forget (and overwrite) the secrets and the
 * lines that were kept. */
void log_close(void);

#endif
