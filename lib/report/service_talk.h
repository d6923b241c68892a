/*
 * service_talk: the members of this group that have a file of their own; see
 * service.h for what each of these is.
 */
#ifndef LIB_REPORT_SERVICE_TALK_H
#define LIB_REPORT_SERVICE_TALK_H

#include "lib/report/service.h"

extern const struct service_key service_telegram_keys[];
int service_telegram_check(struct service_target *target, struct err *err);
int service_telegram_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key service_matrix_keys[];
int service_matrix_check(struct service_target *target, struct err *err);
int service_matrix_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key service_zulip_keys[];
int service_zulip_check(struct service_target *target, struct err *err);
int service_zulip_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key service_signal_keys[];
int service_signal_check(struct service_target *target, struct err *err);
int service_signal_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key service_twilio_keys[];
int service_twilio_check(struct service_target *target, struct err *err);
int service_twilio_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

#endif
