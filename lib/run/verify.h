/*
 * verify: are the archives in the stores what they were when they were made?
 *
 *     verify_run, look at the result, verify_result_free
 *
 * In each store that has it, an archive is read to its end, and its size and
 * SHA-256 are compared with its metadata, where it has some. Deep, it is also
 * decrypted, decompressed and walked through, without a temporary file, and
 * files and bytes are compared. Metadata whose archive is missing is damage.
 *
 * Neither the Docker Engine nor the lock is needed: an archive that is pruned
 * meanwhile is told as gone, which is no damage. Without the Engine nobody
 * knows the names of the jobs that backup.split makes: theirs are the archives
 * with metadata.
 */
#ifndef LIB_RUN_VERIFY_H
#define LIB_RUN_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/config.h"

struct verify_one;

struct verify_settings {
	const char *archive;	/* a name, whatever made it; NULL: of each job */
	bool all;		/* all of its archives; else the newest */
	bool deep;
	const struct strlist *jobs;	/* names; empty: all */
	/* Called with each as soon as it is known; NULL: nobody is. */
	void (*tell)(void *cookie, const struct verify_one *one);
	void *cookie;
};

enum verify_state {
	VERIFY_GOOD,
	VERIFY_DAMAGED,
	VERIFY_UNREACHED,	/* the store, or that archive, cannot be read */
	VERIFY_GONE		/* removed meanwhile */
};

struct verify_one {
	char *archive;		/* NULL: UNREACHED is the store */
	char *store;		/* "local '/archive'"; NULL: see err */
	enum verify_state state;
	bool deep;
	bool has_metadata;
	uint64_t bytes;		/* that were read */
	uint64_t members;	/* of the tar, if deep */
	struct err err;		/* why it is not good, store and archive named */
};

struct verify_result {
	struct verify_one *v;
	size_t n;
};

#define VERIFY_RESULT_INIT { NULL, 0 }

/* verify_state_name: "good", "damaged", "unreached", "gone". */
const char *verify_state_name(enum verify_state state);

/*
 * verify_run
 * Gives    *ret, also on failure; verify_result_free
 * Fails    ERR_CONFIG before anything was read: an unknown job, a wrong
 *          filename, no key or passphrase for what is to be decrypted;
 *          ERR_NOTFOUND no store has such an archive; ERR_INTERRUPTED; ERR_NOMEM
 */
MUST_CHECK int verify_run(const struct config *config,
    const struct verify_settings *settings, struct verify_result *ret,
    struct err *err);
void verify_result_free(struct verify_result *result);	/* for CLEANUP */

/* verify_json: {"archives":[{"archive":..,"store":..,"state":..,"deep":..,
 * "metadata":..,"size_bytes":n,"members":n,"error":..}]}; caller frees. */
MUST_CHECK int verify_json(const struct verify_result *result, char **ret,
    struct err *err);

#endif
