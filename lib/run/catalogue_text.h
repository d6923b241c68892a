/*
 * catalogue_text: what list and show print.
 *
 * Texts are for people: what comes from a store is made visible, so that no
 * name can play with a terminal. Sizes are as clock_bytes, times local with
 * their offset. Documents are one line of JSON.
 */
#ifndef LIB_RUN_CATALOGUE_TEXT_H
#define LIB_RUN_CATALOGUE_TEXT_H

#include <stdbool.h>

#include "lib/run/catalogue.h"

/* catalogue_table: a line for each entry, in columns: time, job, size, store,
 * seal, check, name; with a header line if asked for. No entries: "". Caller
 * frees. */
MUST_CHECK int catalogue_table(const struct catalogue *catalogue, bool header,
    char **ret, struct err *err);

/*
 * catalogue_list_json: {"archives":[{"name":..,"time":RFC 3339,
 * "time_from":"metadata|name|store","job":..|null,"size_bytes":n,
 * "store":{"name":..,"place":..},"sealed":bool,
 * "encryption":"none|openpgp|age|other","compression":..|null,
 * "metadata":bool,"checked":true|false|null}],
 * "stores":[{"name":..,"place":..,"error":..|null}]}
 */
MUST_CHECK int catalogue_list_json(const struct catalogue *catalogue,
    char **ret, struct err *err);

/* catalogue_show_text: one archive: its metadata (NULL: there is none), what is
 * known without, and every store that has it. */
MUST_CHECK int catalogue_show_text(const struct catalogue *catalogue,
    const struct catalogue_entry *entry, const struct metadata *metadata,
    char **ret, struct err *err);

/* catalogue_show_json: for an archive without metadata: what is known, under
 * metadata's names, and no "version". */
MUST_CHECK int catalogue_show_json(const struct catalogue_entry *entry,
    char **ret, struct err *err);

#endif
