/*
 * service: those whom a message can be sent to, each named by an URL.
 *
 *     service_open        parse, look up, check: touches nothing
 *     service_send        once per message
 *     service_close
 *
 * A service is a row in the table of its group (service_chat.c and so on): its
 * scheme, the keys of its query, its limits, and a function that sends one
 * message, by requests that courier.h takes. Groups are listed in service.c.
 */
#ifndef LIB_REPORT_SERVICE_H
#define LIB_REPORT_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/report/courier.h"
#include "lib/report/message.h"
#include "lib/report/service_url.h"

enum service_key_type {
	KEY_TEXT,
	KEY_BOOL,		/* true 1 yes y, false 0 no n, any case */
	KEY_INT,		/* decimal, or hexadecimal behind 0x or # */
	KEY_CHOICE,		/* any case */
	KEY_LIST		/* commas between, blanks cut, empty ones out */
};

struct service_key {		/* of the query; name NULL ends a list */
	const char *name;
	const char *alias;	/* or NULL */
	enum service_key_type type;
	const char *def;	/* as in an URL; NULL: unset */
	const char *const *choices;	/* KEY_CHOICE; NULL-terminated */
	long min, max;		/* KEY_INT; both 0: any */
	bool required;		/* must be there and not be empty */
};

enum service_flag {
	SERVICE_EXACT_KEYS = 1,	/* case matters; else names are lower case */
	SERVICE_ANY_KEYS = 2,	/* others are kept as they are, not refused */
	SERVICE_PLUS = 4,	/* scheme+http and scheme+https are good */
	/* What is a secret beside the password, and so masked in the log: */
	SERVICE_SECRET_USER = 8,
	SERVICE_SECRET_HOST = 16,
	SERVICE_SECRET_PATH = 32,	/* each segment of 8 bytes and more:
					 * shorter ones are names */
	SERVICE_SECRET_QUERY = 64,	/* each value, likewise */
	/* A bare ; in the query is one of a value; else it costs the pair. */
	SERVICE_SEMICOLONS = 128
};

/* An URL whose query was checked against the keys: names are the canonical
 * ones, defaults filled in, BOOL is "yes" or "no", INT decimal, CHOICE as in
 * the table. */
struct service_target {
	const struct service *service;
	struct service_url url;
};

#define SERVICE_TARGET_INIT { NULL, SERVICE_URL_INIT }

struct service {
	const char *scheme;
	const char *also;	/* another scheme for it, or NULL */
	const struct service_key *keys;	/* NULL: none */
	unsigned flags;
	/* What else must hold of the URL; ERR_CONFIG, without a secret in the
	 * message. May change url (fill in a path). NULL: nothing. */
	int (*check)(struct service_target *target, struct err *err);
	/* Sends; every limit of the service is kept to by what is sent.
	 * ERR_REFUSED with the service's own words, ERR_PROTOCOL for an answer
	 * that says nothing, and what courier_send fails with. */
	int (*send)(const struct service_target *target,
	    const struct message *message, struct courier *courier,
	    struct err *err);
};

/* The groups; a row without a scheme ends each. The file of a group exports its
 * table and nothing else: so a test that defines all six has groups of its own,
 * and none is taken from the library. */
extern const struct service service_chat[];	/* discord slack mattermost
						 * rocketchat googlechat teams */
extern const struct service service_talk[];	/* telegram matrix zulip lark
						 * wecom signal twilio */
extern const struct service service_push[];	/* ntfy gotify pushover
						 * pushbullet bark join ifttt
						 * notifiarr */
extern const struct service service_alert[];	/* opsgenie pagerduty */
extern const struct service service_plain[];	/* generic logger mqtt */
extern const struct service service_mail[];	/* smtp sendmail */

/* service_open: Fails: ERR_CONFIG "discord: unknown key 'colour'"; the message
 * begins with the scheme (if there is one) and holds no secret. What is secret
 * in the URL, and the URL itself, is told to log_secret, after a failure too
 * as far as it is known. *ret: service_close; untouched after a failure. */
MUST_CHECK int service_open(const char *url, struct service_target *ret,
    struct err *err);
void service_close(struct service_target *target);	/* for CLEANUP */

/* service_known: is there a service of that scheme (n bytes, any case)? For
 * service_urls_split. */
bool service_known(const char *scheme, size_t n);

/* service_send: errors begin with the scheme. */
MUST_CHECK int service_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);

/* --- for the services ---------------------------------------------------- */

/* service_get: the value of a key, or NULL if it is unset or empty; borrowed.
 * service_is: of a BOOL. service_int: of an INT that has a default. */
const char *service_get(const struct service_target *target, const char *key);
bool service_is(const struct service_target *target, const char *key);
long service_int(const struct service_target *target, const char *key);

/* service_list: of a LIST; caller frees. */
MUST_CHECK int service_list(const struct service_target *target,
    const char *key, struct strlist *ret, struct err *err);

/* service_base: "https://host:port" of the URL; "http://" where disabletls is
 * a key of the service and says so; with a plus that scheme. Caller frees.
 * Fails: ERR_CONFIG no host. */
MUST_CHECK int service_base(const struct service_target *target, char **ret,
    struct err *err);

struct cJSON;

/* service_post_json: body, printed, by POST. json: NULL is out of memory, so
 * what makes it need not be checked twice. letter: all but body, length and
 * content type; its method is POST if NULL. */
MUST_CHECK int service_post_json(struct courier *courier,
    const struct letter *letter, const struct cJSON *json,
    struct http_response *ret, struct err *err);

/* service_expect: ERR_REFUSED unless the status is from..to, with what the
 * answer says: its status, and its text at the first of these JSON members
 * that it has (NULL-terminated; "error.message" is a member of a member; of an
 * array its first element counts). NULL, or none of them there: the first line
 * of its body, unless that is a page of HTML. */
MUST_CHECK int service_expect(const struct http_response *response, long from,
    long to, const char *const *members, struct err *err);

#endif
