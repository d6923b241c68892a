/*
 * sections: an INI file's sections become layers.
 */
#ifndef LIB_CONFIG_SECTIONS_H
#define LIB_CONFIG_SECTIONS_H

#include "lib/base/err.h"
#include "lib/config/load.h"

/* sections_read: job is NULL, or the name of the job that the file's plain
 * sections make. Fails with ERR_NOMEM only. */
MUST_CHECK int sections_read(struct load *load, const char *path,
    const char *job, struct err *err);

#endif
