/*
 * service_generic: the service "generic" of service_plain.c: any URL that
 * takes a text or a JSON object.
 *
 *     generic://HOST/PATH?..., generic+http://..., generic+https://...
 *
 * Of the query, @NAME=VALUE is a header, $NAME=VALUE a member of the object,
 * __NAME=VALUE is NAME=VALUE for the address though NAME is a key of ours, and
 * what else is not a key goes to the address as it is.
 */
#ifndef LIB_REPORT_SERVICE_GENERIC_H
#define LIB_REPORT_SERVICE_GENERIC_H

#include "lib/base/err.h"
#include "lib/report/courier.h"
#include "lib/report/message.h"
#include "lib/report/service.h"

extern const struct service_key generic_keys[];
MUST_CHECK int generic_check(struct service_target *target, struct err *err);
MUST_CHECK int generic_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

#endif
