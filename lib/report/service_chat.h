/*
 * service_chat: the members of this group that have a file of their own; see
 * service.h for what each of these is.
 */
#ifndef LIB_REPORT_SERVICE_CHAT_H
#define LIB_REPORT_SERVICE_CHAT_H

#include "lib/report/service.h"

struct cJSON;

/* service_chat_icon: the keys icon and icon_url as a member of a document: an
 * address, or else the name of an emoji. False: see service_parts.h. */
bool service_chat_icon(struct cJSON *json,
    const struct service_target *target);

extern const struct service_key service_discord_keys[];
int service_discord_check(struct service_target *target, struct err *err);
int service_discord_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key service_slack_keys[];
int service_slack_check(struct service_target *target, struct err *err);
int service_slack_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

extern const struct service_key service_teams_keys[];
int service_teams_check(struct service_target *target, struct err *err);
int service_teams_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

#endif
