/*
 * sealer: what the tests of seal have in common.
 *
 * A scratch directory, current while the tests run, in which `run` is
 * XDG_RUNTIME_DIR, so that all that seal leaves behind is seen there. In
 * `alice` and `bob` are home directories of gpg with one key each, without a
 * passphrase, their public halves in alice.asc and bob.asc.
 */
#ifndef TEST_UNIT_SEALER_H
#define TEST_UNIT_SEALER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/seal.h"
#include "test/unit/scratch.h"

extern struct scratch sealer_scratch;

int sealer_setup(void **state);		/* of a group of tests */
int sealer_teardown(void **state);

/* sealer_shell: must succeed; its output without the last line end, until the
 * next call. */
const char *sealer_shell(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* sealer_fingerprint: of the first key in this home directory, until the next
 * sealer_shell. */
const char *sealer_fingerprint(const char *home);

/* sealer_gpgs: processes that work in a home directory below run; the number
 * of one of them in *ret_pid, unless that is NULL. */
size_t sealer_gpgs(pid_t *ret_pid);

/* So long something may take before it is called hung: no machine is that
 * slow, and what is asserted is the end, not the time. */
#define SEALER_HANG_S 30

/* sealer_assert_clean: nothing is left, in run or as a process; processes are
 * given SEALER_HANG_S to end. */
void sealer_assert_clean(void);

/* One stage, fed by a thread of its own with n bytes of a pattern, and read by
 * another into the file "out". */
struct sealer_line {
	struct seal *seal;
	size_t n;
	bool stall_in;		/* after n bytes nothing comes, no end either */
	bool stall_out;		/* nobody reads */
	struct chan *in;
	struct chan *out;
	pthread_t feeder;
	pthread_t stage;
	pthread_t collector;
	int rc;			/* of the stage, after sealer_end */
	struct err err;
};

void sealer_begin(struct sealer_line *line);
void sealer_end(struct sealer_line *line);

/* sealer_seal: n bytes of the pattern into "out"; all of it must succeed. */
void sealer_seal(const struct seal_settings *settings, size_t n);

/* sealer_pattern: the same n bytes into this file. */
void sealer_pattern(const char *name, size_t n);

#endif
