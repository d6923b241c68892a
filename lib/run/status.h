/*
 * status: are the archives what they should be? For monitoring plugins.
 *
 *     catalogue_open, catalogue_settle of STATUS_DEPTH
 *     status_judge; status_text or status_json; status_free
 *
 * A row is one job in one store. What it is, the worst first, as the Monitoring
 * Plugins' own library ranks them (max_state_alt): CRITICAL, WARNING, UNKNOWN,
 * OK. The whole is as its worst row.
 *
 *     CRITICAL   no archive; the newest is older than max_age; its size is not
 *                what its metadata says
 *     UNKNOWN    the store cannot be used
 *     WARNING    the newest is smaller than the one before it by more than
 *                size_drop percent, or dated more than an hour ahead
 *
 * Jobs that only labels make (backup.split) are those that metadata names in
 * the stores of the job that they were split from; where there is none, that
 * job has no archive.
 */
#ifndef LIB_RUN_STATUS_H
#define LIB_RUN_STATUS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/run/catalogue.h"

#define STATUS_DEPTH 2

enum status_state { STATUS_OK, STATUS_WARNING, STATUS_CRITICAL,
	STATUS_UNKNOWN };	/* the exit statuses of a plugin */

struct status_rules {
	time_t now;
	int64_t max_age_s;
	int64_t size_drop;	/* percent, 0 to 100 */
};

struct status_row {
	char *job;
	const struct catalogue_store *store;	/* NULL: no store has it */
	enum status_state state;
	char *text;		/* "2h05m old, 1.4 MiB"; one line */
	const struct catalogue_entry *newest;	/* or NULL */
	const struct catalogue_entry *before;	/* or NULL */
};

struct status {
	struct status_rules rules;
	struct status_row *rows;
	size_t n;
	enum status_state state;
};

#define STATUS_INIT { { 0, 0, 0 }, NULL, 0, STATUS_OK }

/* status_judge: pure. Takes catalogue, borrowed; jobs: the ones to look at,
 * empty for all; a name that is in no store is CRITICAL. Fails: ERR_NOMEM. */
MUST_CHECK int status_judge(const struct catalogue *catalogue,
    const struct strlist *jobs, const struct status_rules *rules,
    struct status *ret, struct err *err);
void status_free(struct status *status);	/* for CLEANUP */

/* status_worst: of two, by the order above. */
enum status_state status_worst(enum status_state a, enum status_state b);
const char *status_word(enum status_state state);

/*
 * status_text: what a plugin prints: "OK - text | performance data", then a
 * line for each row, the worst first. Performance data: for each row that has
 * an archive 'JOB STORE age' in seconds and 'JOB STORE size' in bytes with
 * their thresholds. What would break the grammar (|, =, line breaks) is
 * replaced; a quote in a label is doubled. Caller frees.
 */
MUST_CHECK int status_text(const struct status *status, char **ret,
    struct err *err);

/* status_line: "UNKNOWN - text", for what cannot be judged; caller frees. */
MUST_CHECK int status_line(enum status_state state, const char *text,
    char **ret, struct err *err);

/*
 * status_json: {"state":"OK","rows":[{"job":..,"store":{"name":..,"place":..}
 * |null,"state":..,"text":..,"archive":..|null,"time":..,"age_seconds":n|null,
 * "size_bytes":n|null,"previous_size_bytes":n|null}],"max_age_seconds":n,
 * "size_drop_percent":n}
 */
MUST_CHECK int status_json(const struct status *status, char **ret,
    struct err *err);

#endif
