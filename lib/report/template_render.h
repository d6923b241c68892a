/*
 * template_render: from a tree and data to text. Only for template*.c.
 */
#ifndef LIB_REPORT_TEMPLATE_RENDER_H
#define LIB_REPORT_TEMPLATE_RENDER_H

#include "lib/base/err.h"
#include "lib/report/template_tree.h"

struct cJSON;
struct templates;

/* templates_find: in template.c; NULL: there is none. */
const struct definition *templates_find(const struct templates *templates,
    const char *name);

/* template_render: not masked; caller frees. */
MUST_CHECK int template_render(const struct templates *templates,
    const struct definition *definition, const struct cJSON *data,
    char **ret, struct err *err);

#endif
