/*
 * service_parts: what the services are made of.
 *
 * Documents are made by a row of appends that is checked once, by parts_whole:
 * appending to what could not be made (NULL) does nothing and is false. URLs
 * are made likewise, in a struct str.
 */
#ifndef LIB_REPORT_SERVICE_PARTS_H
#define LIB_REPORT_SERVICE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/http.h"
#include "lib/base/str.h"
#include "lib/report/courier.h"
#include "lib/report/service.h"

struct cJSON;

/* parts_text: a member, unless value is NULL. */
bool parts_text(struct cJSON *object, const char *name, const char *value);

/* parts_put_key: a key of the URL, under that name; nothing if it is unset. */
bool parts_put_key(struct cJSON *object, const char *name,
    const struct service_target *target, const char *key);

/* parts_object: a new one at the end of an array; borrowed. */
struct cJSON *parts_object(struct cJSON *array);

/* parts_list: an array of these texts as a member, unless there are none. */
bool parts_list(struct cJSON *object, const char *name,
    const struct strlist *texts);

/* parts_whole: json if all went well, else NULL, and json is freed. */
struct cJSON *parts_whole(struct cJSON *json, bool well);

/* parts_host: a host for an URL that has none. */
MUST_CHECK int parts_host(struct service_target *target, const char *host,
    struct err *err);

/* parts_one_key: the path is one key; and parts_host. */
MUST_CHECK int parts_one_key(struct service_target *target, const char *host,
    struct err *err);

#define PARTS_PAIR_BYTES 32

/* parts_pair: of TYPE:NAME the type, and where the name begins in it; false:
 * one of them is missing, or the type is too long. */
bool parts_pair(const char *pair, char ret_type[PARTS_PAIR_BYTES],
    const char **ret_name);

/* parts_scheme: "http" as the value of the key "scheme" becomes
 * disabletls=yes. */
MUST_CHECK int parts_scheme(struct service_target *target, struct err *err);

/* parts_secret: is told to log_secret if it is so long that it hardly is a
 * word of the log: for what may be one. NULL: nothing. */
MUST_CHECK int parts_secret(const char *text, struct err *err);

/* parts_url: the service's base (service_base), the first n segments of its
 * path, escaped, and tail; caller frees and wipes. */
MUST_CHECK int parts_url(const struct service_target *target, size_t n,
    const char *tail, char **ret, struct err *err);

/* parts_escape: append text percent-encoded. parts_field: append
 * "name=text" to a form, or a query, unless text is NULL. */
void parts_escape(struct str *s, const char *text);
void parts_field(struct str *form, const char *name, const char *text);

/* parts_wipe: overwrite a text and free it; for CLEANUP. */
void parts_wipe(char **text);

/* parts_each_line: do with each line of text that has more than blanks in it,
 * without its end, until one is not done (false). Text is written to and left
 * as it was. */
bool parts_each_line(char *text, bool (*line)(void *cookie, const char *line),
    void *cookie);

/* parts_post: json, which is taken, by service_post_json; what comes back
 * must have a status from..to. members: see service_expect. */
MUST_CHECK int parts_post(struct courier *courier, const struct letter *letter,
    struct cJSON *json, long from, long to, const char *const *members,
    struct err *err);

/* parts_ask: json, which is taken; *ret is the answer: an object, json_free.
 * Fails: ERR_REFUSED a status that is not 2xx, ERR_PROTOCOL another answer. */
MUST_CHECK int parts_ask(struct courier *courier, const struct letter *letter,
    struct cJSON *json, const char *const *members, struct cJSON **ret,
    struct err *err);

/* parts_json: the answer as a JSON object; json_free. Fails: ERR_PROTOCOL */
MUST_CHECK int parts_json(const struct http_response *response,
    struct cJSON **ret, struct err *err);

/* parts_answer: the same, of a status that is 2xx. */
MUST_CHECK int parts_answer(const struct http_response *response,
    const char *const *members, struct cJSON **ret, struct err *err);

/* parts_refused: ERR_REFUSED, with the text of this member of an answer that
 * came with a good status, or what stands for it; returns -1. */
int parts_refused(const struct cJSON *answer, const char *member,
    struct err *err);

/*
 * parts_each: send to each of these, one after the other. One that fails keeps
 * nobody else from being told: the first failure is what is returned, behind
 * the name of the one it is about ("'@ops': ...") and how many there are.
 */
MUST_CHECK int parts_each(const struct strlist *names,
    int (*send)(void *cookie, const char *name, struct err *err),
    void *cookie, struct err *err);

#endif
