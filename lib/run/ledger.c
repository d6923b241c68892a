#define _GNU_SOURCE
#include "lib/run/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/run/lock.h"

#define FILE_MAX ((off_t)16 << 20)
#define PAUSE_FIRST_S 0.25	/* doubled each time */
#define PAUSE_MOST_S 2.0

static const char cannot_read[] = "cannot read the ledger in the lock file";
static const char cannot_write[] = "cannot write the ledger in the lock file";

/* --- the file ------------------------------------------------------------ */

static int
file_size(int fd, off_t *ret, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, cannot_read);
	if (st.st_size > FILE_MAX)
		return err_set(err, ERR_SYSTEM, "%s: it has %lld bytes",
		    cannot_read, (long long)st.st_size);
	*ret = st.st_size;
	return 0;
}

static int
read_all(int fd, struct str *ret, struct err *err)
{
	char chunk[16384];
	off_t size = 0;

	if (file_size(fd, &size, err) < 0)
		return -1;
	while ((off_t)ret->len < size && !ret->failed) {
		ssize_t n = pread(fd, chunk, sizeof chunk, (off_t)ret->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, cannot_read);
		if (n == 0)
			break;
		str_addn(ret, chunk, (size_t)n);
	}
	return ret->failed ? err_nomem(err) : 0;
}

/* Behind the last line that is whole: what follows was cut by a crash. */
static int
find_end(int fd, off_t *ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;

	if (read_all(fd, &text, err) < 0)
		return -1;
	while (text.len != 0 && text.s[text.len - 1] != '\n')
		text.len--;
	*ret = (off_t)text.len;
	return 0;
}

static int
write_at(int fd, off_t at, const char *bytes, size_t n, struct err *err)
{
	while (n != 0) {
		ssize_t written = pwrite(fd, bytes, n, at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_sys(err, cannot_write);
		bytes += written;
		at += written;
		n -= (size_t)written;
	}
	return fdatasync(fd) == 0 ? 0 : err_sys(err, cannot_write);
}

/* Where the next line begins, behind a first line in any case. Over a line
 * that was cut, if there is one: what is left of that is no line, either. */
static int
prepare_end(int fd, off_t *ret, struct err *err)
{
	if (find_end(fd, ret, err) < 0)
		return -1;
	if (*ret != 0)
		return 0;
	*ret = LOCK_LINE_BYTES;
	return lock_sign(fd, err);
}

int
ledger_note(int fd, const struct undo *undo, struct err *err)
{
	CLEANUP(str_free) struct str line = STR_INIT;
	off_t end = 0;

	undo_format(&line, undo);
	if (line.failed)
		return err_nomem(err);
	if (prepare_end(fd, &end, err) < 0)
		return -1;
	if (write_at(fd, end, line.s, line.len, err) == 0)
		return 0;
	/* Where even this fails: half a line counts for nothing, and to undo
	 * what was not done does no harm. */
	if (ftruncate(fd, end) == 0)
		(void)fdatasync(fd);
	return -1;
}

int
ledger_clear(int fd, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	const char *newline;

	if (read_all(fd, &text, err) < 0)
		return -1;
	newline = text.len != 0 ? memchr(text.s, '\n', text.len) : NULL;
	if (newline == NULL || newline == text.s + text.len - 1)
		return 0;
	if (ftruncate(fd, newline - text.s + 1) < 0 || fdatasync(fd) < 0)
		return err_sys(err, "cannot clear the ledger in the lock file");
	return 0;
}

/* --- its entries --------------------------------------------------------- */

void
ledger_free(struct ledger *ledger)
{
	size_t i;

	for (i = 0; i < ledger->n; i++)
		undo_free(&ledger->v[i]);
	free(ledger->v);
	*ledger = (struct ledger)LEDGER_INIT;
}

static size_t
count_lines(const struct str *text)
{
	size_t i, n = 0;

	for (i = 0; i < text->len; i++)
		n += text->s[i] == '\n';
	return n;
}

/* Everything that was said of this id is settled. */
static void
strike(struct ledger *ledger, const char *id)
{
	size_t i, n = 0;

	for (i = 0; i < ledger->n; i++) {
		if (strcmp(ledger->v[i].id, id) == 0)
			undo_free(&ledger->v[i]);
		else
			ledger->v[n++] = ledger->v[i];
	}
	ledger->n = n;
}

/* Who reads the log may know what to do with what we do not. */
static int
parse_line(const char *line, size_t len, struct ledger *ledger,
    struct err *err)
{
	struct undo undo = UNDO_INIT;

	if (undo_parse(line, len, &undo, err) == 0) {
		if (undo.kind == UNDO_NOTHING) {
			strike(ledger, undo.id);
			undo_free(&undo);
		} else {
			ledger->v[ledger->n++] = undo;
		}
		return 0;
	}
	if (err->kind == ERR_NOMEM)
		return -1;
	log_error("cannot understand a line of the ledger, and what it tells "
	    "of may still be down: %s", err->msg);
	ledger->n_unknown++;
	*err = (struct err)ERR_INIT;
	return 0;
}

int
ledger_read(int fd, struct ledger *ret, struct err *err)
{
	CLEANUP(ledger_free) struct ledger ledger = LEDGER_INIT;
	CLEANUP(str_free) struct str text = STR_INIT;
	size_t at = 0;

	if (read_all(fd, &text, err) < 0)
		return -1;
	ledger.v = calloc(count_lines(&text) + 1, sizeof *ledger.v);
	if (ledger.v == NULL)
		return err_nomem(err);
	while (at < text.len) {
		const char *line = text.s + at;
		const char *newline = memchr(line, '\n', text.len - at);
		size_t len;

		if (newline == NULL)
			break;
		len = (size_t)(newline - line);
		if (at != 0 && len != 0 &&
		    parse_line(line, len, &ledger, err) < 0)
			return -1;
		at += len + 1;
	}
	*ret = ledger;
	ledger = (struct ledger)LEDGER_INIT;
	return 0;
}

/* --- settling ------------------------------------------------------------ */

struct fate {			/* of one entry */
	bool back;
	bool gone;		/* and never will be */
	bool told;
	struct err err;		/* if neither */
};

static void
fates_free(struct fate **fates)
{
	free(*fates);
}

static void
apply(struct engine *engine, const struct undo *undo, struct fate *fate)
{
	if (fate->gone || (fate->back && undo->kind == UNDO_FORCE))
		return;
	fate->back = undo_apply(engine, undo, &fate->err) == 0;
	fate->gone = !fate->back && fate->err.kind == ERR_NOTFOUND;
	if (fate->gone)
		log_warning("%s (an earlier run had it at rest, and it is gone now)",
		    fate->err.msg);
	else if (!fate->back)
		log_debug("%s (trying again)", fate->err.msg);
	else if (!fate->told)
		log_warning("brought back: %s '%s'",
		    undo_text(undo->kind),
		    *undo->name != '\0' ? undo->name : undo->id);
	fate->told = fate->told || fate->back;
}

/* One that fails keeps no other down. Are all back, but those that are gone? */
static bool
apply_all(struct engine *engine, const struct ledger *ledger,
    struct fate *fates)
{
	bool all = true;
	size_t i;

	for (i = ledger->n; i-- > 0; ) {
		apply(engine, &ledger->v[i], &fates[i]);
		all = all && (fates[i].back || fates[i].gone);
	}
	return all;
}

/* For how long a deed that was under way when the run died may still come. */
static double
unsure_s(int fd, double retry_s)
{
	struct timespec now;
	struct stat st;
	double left_s = retry_s;

	if (fstat(fd, &st) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0)
		left_s -= (double)(now.tv_sec - st.st_mtim.tv_sec) +
		    (double)(now.tv_nsec - st.st_mtim.tv_nsec) / 1e9;
	/* More: the clock was set back since. */
	return left_s < 0 ? 0 : left_s > retry_s ? retry_s : left_s;
}

/* Who waits for us, or for the lock, should know why. */
static void
say_that_we_look_on(double left_s, bool *told)
{
	char span[CLOCK_SPAN_BYTES];

	clock_span(left_s, span);
	if (!*told)
		log_info("all is back; for %s more it is looked after, in case "
		    "the Engine was still stopping something", span);
	*told = true;
}

/* False if some are not back after retry_s. */
static bool
persist(int fd, struct engine *engine, const struct ledger *ledger,
    double retry_s, struct fate *fates)
{
	const double begun_s = clock_mono_s();
	const double look_s = unsure_s(fd, retry_s);
	double pause_s = PAUSE_FIRST_S;
	bool told = false;

	for (;;) {
		bool all = apply_all(engine, ledger, fates);
		double left_s = begun_s + (all ? look_s : retry_s) -
		    clock_mono_s();

		if (left_s <= 0)
			return all;
		if (all)
			say_that_we_look_on(left_s, &told);
		if (pause_s > left_s)
			pause_s = left_s;
		/* A signal ends it early: that does no harm. Not intr_sleep:
		 * once one has come, that would not wait at all. */
		(void)poll(NULL, 0, (int)(pause_s * 1000) + 1);
		pause_s = pause_s * 2 < PAUSE_MOST_S ? pause_s * 2 :
		    PAUSE_MOST_S;
	}
}

static int
say_what_failed(const struct ledger *ledger, const struct fate *fates,
    struct err *err)
{
	bool first = true;
	size_t i;

	for (i = ledger->n; i-- > 0; ) {
		if (fates[i].back || fates[i].gone)
			continue;
		if (first)
			*err = fates[i].err;
		else
			log_error("%s", fates[i].err.msg);
		first = false;
	}
	return -1;
}

/* What is back is struck out, so that nobody starts it again who finds the
 * rest. Where that fails it stays, which does less harm than to lose it. */
static void
strike_settled(int fd, const struct ledger *ledger, const struct fate *fates)
{
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < ledger->n; i++) {
		const struct undo nothing = { UNDO_NOTHING, ledger->v[i].id,
			ledger->v[i].name, 0 };

		if ((fates[i].back || fates[i].gone) &&
		    ledger_note(fd, &nothing, &err) < 0)
			log_warning("%s", err.msg);
	}
}

int
ledger_settle(int fd, struct engine *engine, double retry_s, size_t *ret_n,
    struct err *err)
{
	CLEANUP(ledger_free) struct ledger ledger = LEDGER_INIT;
	CLEANUP(fates_free) struct fate *fates = NULL;

	if (ledger_read(fd, &ledger, err) < 0)
		return -1;
	fates = calloc(ledger.n + 1, sizeof *fates);
	if (fates == NULL)
		return err_nomem(err);
	*ret_n = ledger.n;
	if (ledger.n != 0 && !persist(fd, engine, &ledger, retry_s, fates)) {
		strike_settled(fd, &ledger, fates);
		return say_what_failed(&ledger, fates, err);
	}
	if (ledger.n_unknown == 0)
		return ledger_clear(fd, err);
	strike_settled(fd, &ledger, fates);
	return err_set(err, ERR_PROTOCOL, "%zu lines of the ledger in the lock "
	    "file cannot be understood (see to what they tell of, and remove "
	    "the file)", ledger.n_unknown);
}
