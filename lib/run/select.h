/*
 * select: which sources do these options and labels mean? Reads no file but
 * to see whether a directory is there.
 */
#ifndef LIB_RUN_SELECT_H
#define LIB_RUN_SELECT_H

#include "lib/run/plan.h"

#define LABEL_ENABLE "vbackup.enable"
#define LABEL_VOLUMES "vbackup.volumes"

/* select_sources: append to *ret, each source once, volumes before
 * directories, in the order of the inventory and of the settings. */
MUST_CHECK int select_sources(const struct options *options,
    const struct inventory *inventory, struct source_list *ret,
    struct strlist *problems, struct err *err);

/* select_uses: is one of these mounts this source, or something in or around
 * it? */
bool select_uses(const struct mount *mounts, size_t n,
    const struct source *source);

void source_free(struct source *source);
void source_list_free(struct source_list *list);	/* for CLEANUP */

/* source_list_take: append; the list owns it from now on, failure included. */
MUST_CHECK int source_list_take(struct source_list *list,
    struct source *source, struct err *err);

#endif
