/*
 * service_pager: the service "pagerduty" of service_alert.c. Each failure is an
 * event; with a dedup_key, failures are one incident, which a success resolves.
 */
#ifndef LIB_REPORT_SERVICE_PAGER_H
#define LIB_REPORT_SERVICE_PAGER_H

#include "lib/base/err.h"
#include "lib/report/courier.h"
#include "lib/report/message.h"
#include "lib/report/service.h"

extern const struct service_key alert_pager_keys[];
MUST_CHECK int alert_pager_check(struct service_target *target,
    struct err *err);
MUST_CHECK int alert_pager_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

#endif
