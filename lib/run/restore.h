/*
 * restore: get it back.
 *
 *     store ─> unseal ─> decompress ─> extract
 *
 * One pass, no temporary copy of the archive; the first store that has it, the
 * local ones first. Into a directory it needs neither the Docker Engine nor the
 * lock; in place it takes both, see putback.h.
 *
 * A name in the archive is as run wrote it ("volumes/db/base/1", "srv/www") or
 * as docker-volume-backup did ("backup/data/x").
 *
 * What was extracted is believed only when the whole archive was read and
 * its size and SHA-256 agree with its metadata, where it has some. Into a
 * directory, what is there after a failure stays, and is said not to be
 * complete; with overwrite the archive is read once before anything is
 * replaced.
 */
#ifndef LIB_RUN_RESTORE_H
#define LIB_RUN_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/config.h"

struct restore_settings {	/* borrowed */
	const char *archive;	/* a name; NULL: the newest one, of the jobs
				 * and with the volumes that are named */
	const struct strlist *jobs;	/* names; empty: all */
	const char *store;	/* only from this one; NULL: any */
	const char *to;		/* a directory, made if missing; NULL: in
				 * place */
	/* "NAME", or "NAME=MEMBER" where the archive has it under another
	 * name; empty: everything. */
	const struct strlist *volumes;
	const struct strlist *paths;	/* members, with all below them; not in
					 * place */
	bool overwrite;
	bool devices;
	bool keep_old;		/* in place */
	bool dry_run;		/* print what would be done: each member, with
				 * the whole archive read */
	/* Asks the user for a secret, on the terminal; -1 ends the restore.
	 * NULL: nobody can be asked. The caller of it wipes and frees *ret. */
	int (*ask)(void *cookie, const char *prompt, char **ret,
	    struct err *err);
	/* A line of the result, for stdout. */
	void (*tell)(void *cookie, const char *line);
	void *cookie;
};

struct restore_result {
	char *archive;		/* NULL: none was chosen */
	char *store;
	uint64_t members;
	uint64_t files;
	uint64_t raw_bytes;
	uint64_t problems;	/* logged as warnings: EXIT_PROBLEMS */
};

#define RESTORE_RESULT_INIT { .archive = NULL }

/*
 * restore_run
 * Gives    *ret, also on failure; restore_result_free. A store that failed
 *          before another one gave the archive is a problem, too
 * Fails    ERR_USAGE a volume's name or a path that can be none; ERR_CONFIG
 *          before anything was read (the problems are logged); ERR_NOTFOUND no
 *          store has such an archive, or it has nothing of what is wanted;
 *          ERR_SOURCE it is damaged, or wants out; ERR_LOCKED;
 *          ERR_INTERRUPTED; others as stores, Engine and disk fail
 */
MUST_CHECK int restore_run(const struct config *config,
    const struct restore_settings *settings, struct restore_result *ret,
    struct err *err);
void restore_result_free(struct restore_result *result);	/* for CLEANUP */

#endif
