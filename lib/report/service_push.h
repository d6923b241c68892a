/*
 * service_push: the services of service_push.c that stand in files of their
 * own, one function each for struct service.
 */
#ifndef LIB_REPORT_SERVICE_PUSH_H
#define LIB_REPORT_SERVICE_PUSH_H

#include "lib/base/err.h"
#include "lib/report/courier.h"
#include "lib/report/message.h"
#include "lib/report/service.h"

extern const struct service_key push_ntfy_keys[];
MUST_CHECK int push_ntfy_check(struct service_target *target,
    struct err *err);
MUST_CHECK int push_ntfy_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key push_gotify_keys[];
MUST_CHECK int push_gotify_check(struct service_target *target,
    struct err *err);
MUST_CHECK int push_gotify_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key push_over_keys[];
MUST_CHECK int push_over_check(struct service_target *target,
    struct err *err);
MUST_CHECK int push_over_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key push_notifiarr_keys[];
MUST_CHECK int push_notifiarr_check(struct service_target *target,
    struct err *err);
MUST_CHECK int push_notifiarr_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

#endif
