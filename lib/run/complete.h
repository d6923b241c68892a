/*
 * complete: the names that a shell may offer.
 *
 * Each appends to *to, each name once. Settings that are wrong are passed over:
 * what can be told is told. Nothing is logged as more than a detail but by
 * complete_archives, and nothing is written. Whoever calls sets a limit of
 * time, by a signal (intr.h): stores and Engine may be far away.
 */
#ifndef LIB_RUN_COMPLETE_H
#define LIB_RUN_COMPLETE_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/config.h"
#include "lib/run/catalogue.h"

/* complete_jobs: of the configuration, not those that a split makes. */
MUST_CHECK int complete_jobs(const struct config *config, struct strlist *to,
    struct err *err);

/* complete_stores: by name. */
MUST_CHECK int complete_stores(const struct config *config,
    struct strlist *to, struct err *err);

/* complete_archives: the newest first, by what names and stores tell; no
 * metadata is read. Fails as catalogue_open. */
MUST_CHECK int complete_archives(const struct config *config,
    const struct catalogue_filter *filter, struct strlist *to,
    struct err *err);

/* complete_forget_servers: what is left of the configuration keeps archives in
 * directories only. True: there was anything else. */
bool complete_forget_servers(struct config *config);

/* complete_volumes, complete_containers: of the Engine; none without one.
 * Fail as engine_open, engine_volumes, engine_containers. */
MUST_CHECK int complete_volumes(const struct config *config,
    struct strlist *to, struct err *err);
MUST_CHECK int complete_containers(const struct config *config,
    struct strlist *to, struct err *err);

#endif
