/*
 * stores: [archive NAME] and [s3 NAME] become stores of their own.
 */
#ifndef LIB_CONFIG_STORES_H
#define LIB_CONFIG_STORES_H

#include "lib/base/err.h"
#include "lib/config/config.h"
#include "lib/config/load.h"

/*
 * stores_make: put the sections over the base, which is complete.
 *
 * Gives    config->stores and n_stores; they are config_free's also if it
 *          fails. A store without a place, or in the place of the plain one or
 *          of an earlier one, is a problem.
 * Fails    ERR_NOMEM only
 */
MUST_CHECK int stores_make(struct config *config,
    const struct load_parts *parts, struct err *err);

#endif
