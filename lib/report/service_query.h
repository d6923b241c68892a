/*
 * service_query: the query of an URL against the keys of its service. For
 * service.c only.
 */
#ifndef LIB_REPORT_SERVICE_QUERY_H
#define LIB_REPORT_SERVICE_QUERY_H

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/report/service.h"

/* service_query_check: *query becomes what service.h says of a target's.
 * Fails: ERR_CONFIG, without a value. */
MUST_CHECK int service_query_check(const struct service *service,
    struct strmap *query, struct err *err);

#endif
