/*
 * err: one error value, owned by the caller.
 *
 * A function that can fail is
 *     int module_verb(inputs..., ret_outputs..., struct err *err)
 * and returns 0, or -1 with *err filled. Whoever detects a failure fills it
 * with err_set or err_sys; each caller on the way up may add what only it
 * knows with err_add; run and cmd log it, nobody else does. All three return
 * -1, so that they can be returned. The value has a fixed size: reporting a
 * failure cannot fail. A text that is too long is cut at its end.
 *
 * A message is lower case, without a full stop, the failure first and the
 * subject in single quotes: cannot open '/x': Permission denied.
 */
#ifndef LIB_BASE_ERR_H
#define LIB_BASE_ERR_H

#include "lib/base/cleanup.h"

enum exit_status {
#define EXIT_STATUS(name, number, meaning) EXIT_##name = number,
#include "lib/base/exit_status.def"
#undef EXIT_STATUS
};

enum err_kind {
#define ERR_KIND(name, exit, meaning) ERR_##name,
#include "lib/base/err_kind.def"
#undef ERR_KIND
};

#define ERR_MSG_BYTES 1024

struct err {
	enum err_kind kind;
	char msg[ERR_MSG_BYTES];
};

#define ERR_INIT { ERR_NONE, "" }

/* err_set: fill *err; returns -1. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* err_sys: as err_set, with ": strerror(errno)" appended. ENOMEM gives
 * ERR_NOMEM, ENOSPC and EDQUOT ERR_NOSPACE, ENOENT ERR_NOTFOUND, EEXIST
 * ERR_EXISTS, anything else ERR_SYSTEM. */
int err_sys(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* err_add: "outer: inner"; keeps the kind; returns -1. */
int err_add(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* err_nomem: fill *err with ERR_NOMEM; returns -1. */
int err_nomem(struct err *err);

/* err_exit: the exit status that an error of this kind leads to. */
enum exit_status err_exit(enum err_kind kind);

#endif
