#define _GNU_SOURCE
#include "lib/report/service.h"

#include <string.h>
#include <strings.h>

#include "lib/base/log.h"
#include "lib/report/service_query.h"

#define SECRET_BYTES_MIN 8	/* of what may be a name as well */

static const struct service *const groups[] = {
	service_chat, service_talk, service_push, service_alert,
	service_plain, service_mail
};

static bool
is_name(const char *name, const char *scheme, size_t n)
{
	return name != NULL && strncasecmp(name, scheme, n) == 0 &&
	    name[n] == '\0';
}

static const struct service *
find(const char *scheme, size_t n)
{
	const struct service *service;
	size_t i;

	for (i = 0; i < sizeof groups / sizeof groups[0]; i++)
		for (service = groups[i]; service->scheme != NULL; service++)
			if (is_name(service->scheme, scheme, n) ||
			    is_name(service->also, scheme, n))
				return service;
	return NULL;
}

bool
service_known(const char *scheme, size_t n)
{
	return find(scheme, n) != NULL;
}

/* A scheme alone is no secret; what has none may be one as a whole. */
static int
hide_text(const char *text, struct err *err)
{
	const char *behind = strstr(text, "://");

	return behind != NULL && behind[3] == '\0' ? 0 :
	    log_secret(text, err);
}

static int
hide_part(const char *part, struct err *err)
{
	return part != NULL ? log_secret(part, err) : 0;
}

static int
hide_long_ones(const struct strlist *list, struct err *err)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strlen(list->v[i]) >= SECRET_BYTES_MIN &&
		    log_secret(list->v[i], err) < 0)
			return -1;
	return 0;
}

static int
hide_secrets(const struct service_url *url, unsigned flags, struct err *err)
{
	if (hide_part(url->password, err) < 0 ||
	    ((flags & SERVICE_SECRET_USER) != 0 &&
	    hide_part(url->user, err) < 0) ||
	    ((flags & SERVICE_SECRET_HOST) != 0 &&
	    hide_part(url->host, err) < 0) ||
	    ((flags & SERVICE_SECRET_PATH) != 0 &&
	    hide_long_ones(&url->segments, err) < 0))
		return -1;
	return (flags & SERVICE_SECRET_QUERY) != 0 ?
	    hide_long_ones(&url->query.values, err) : 0;
}

static int
check_plus(const struct service_target *target, struct err *err)
{
	const char *plus = target->url.plus;

	if (plus == NULL)
		return 0;
	if ((target->service->flags & SERVICE_PLUS) == 0)
		return err_set(err, ERR_CONFIG,
		    "nothing can follow with a plus sign");
	if (strcmp(plus, "http") != 0 && strcmp(plus, "https") != 0)
		return err_set(err, ERR_CONFIG,
		    "only http or https can follow with a plus sign");
	return 0;
}

/* The parts are told before they are checked: a check may fail. */
static int
check_target(struct service_target *target, struct err *err)
{
	const struct service *service = target->service;

	if (hide_secrets(&target->url, service->flags, err) < 0 ||
	    check_plus(target, err) < 0 ||
	    service_query_check(service, &target->url.query, err) < 0)
		return -1;
	return service->check != NULL ? service->check(target, err) : 0;
}

/* Like shoutrrr, that encodes them for such a service before it parses. What
 * else is behind the question mark does not mind. */
static int
parse(const char *text, struct service_url *ret, struct err *err)
{
	CLEANUP(str_wipe) struct str encoded = STR_INIT;
	const struct service *service = find(text, strcspn(text, ":+"));
	const char *p = text + strcspn(text, "?");

	if (service == NULL || (service->flags & SERVICE_SEMICOLONS) == 0)
		return service_url_parse(text, ret, err);
	str_addn(&encoded, text, (size_t)(p - text));
	for (; *p != '\0'; p++)
		str_addn(&encoded, *p == ';' ? "%3b" : p, *p == ';' ? 3 : 1);
	return encoded.failed ? err_nomem(err) :
	    service_url_parse(encoded.s != NULL ? encoded.s : "", ret, err);
}

int
service_open(const char *url, struct service_target *ret, struct err *err)
{
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;
	const char *scheme;

	if (hide_text(url, err) < 0 ||
	    parse(url, &target.url, err) < 0)
		return -1;
	scheme = target.url.scheme;
	target.service = find(scheme, strlen(scheme));
	if (target.service == NULL)
		return err_set(err, ERR_CONFIG, "%s: there is no such service",
		    scheme);
	if (check_target(&target, err) < 0)
		return err_add(err, "%s", scheme);
	*ret = target;
	target = (struct service_target)SERVICE_TARGET_INIT;
	return 0;
}

void
service_close(struct service_target *target)
{
	service_url_free(&target->url);
	target->service = NULL;
}

int
service_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	if (target->service->send(target, message, courier, err) < 0)
		return err_add(err, "%s", target->url.scheme);
	return 0;
}
