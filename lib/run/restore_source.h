/*
 * restore_source: one archive in one store, ready to be read, as often as it
 * takes.
 *
 *     restore_source_open     its metadata; what decrypts it is there, asked
 *                             for where it must be
 *     restore_source_read ...
 *     restore_source_free
 */
#ifndef LIB_RUN_RESTORE_SOURCE_H
#define LIB_RUN_RESTORE_SOURCE_H

#include "lib/run/catalogue.h"
#include "lib/run/opening.h"
#include "lib/run/restore.h"

/* What decrypts, for all stores: a passphrase is asked for once. Stays where it
 * is: what is opened borrows from it. */
struct restore_secrets {
	struct openings openings;
	struct options asked;	/* a job's, with that passphrase */
	char *passphrase;	/* NULL: none was asked for */
};

#define RESTORE_SECRETS_INIT { .passphrase = NULL }

void restore_secrets_free(struct restore_secrets *secrets);	/* CLEANUP */

struct restore_source {
	const struct catalogue_entry *entry;	/* NULL: none is open */
	struct store *store;
	struct metadata_parsed parsed;
	const struct metadata *metadata;	/* NULL: there is none, or it
						 * makes no sense */
	const struct options *options;	/* of its job */
	struct unseal *unseal;		/* borrowed; NULL: not encrypted */
};

#define RESTORE_SOURCE_INIT { .entry = NULL }

/* restore_source_open
 * Takes    all borrowed; config, catalogue and secrets as long as the source
 * Gives    *ret, also on failure: the entry is in it
 * Fails    ERR_CONFIG nothing here decrypts it; ERR_SOURCE its size is not that
 *          of its metadata; as stores fail. Store and archive are named */
MUST_CHECK int restore_source_open(const struct config *config,
    const struct restore_settings *settings,
    const struct catalogue *catalogue, const struct catalogue_entry *entry,
    struct restore_secrets *secrets, struct restore_source *ret,
    struct err *err);
void restore_source_free(struct restore_source *source);

/* restore_source_read: the whole archive, decrypted and decompressed, into that
 * sink, as reflow_run; what it saw counts only on success: then size and
 * SHA-256 are those of the metadata, where there is some. */
MUST_CHECK int restore_source_read(const struct restore_source *source,
    int (*sink)(void *cookie, struct chan *in, struct err *err),
    void *cookie, struct err *err);

#endif
