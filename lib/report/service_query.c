#define _GNU_SOURCE
#include "lib/report/service_query.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES_MAX 24	/* longer than any key: may be a token */

static const struct service_key *
key_of(const struct service *service, const char *name)
{
	int (*compare)(const char *, const char *) =
	    (service->flags & SERVICE_EXACT_KEYS) != 0 ? strcmp : strcasecmp;
	const struct service_key *key;

	for (key = service->keys; key != NULL && key->name != NULL; key++)
		if (compare(name, key->name) == 0 ||
		    (key->alias != NULL && compare(name, key->alias) == 0))
			return key;
	return NULL;
}

/* Somebody's token without its key must not be shown. */
static int
unknown_key(const char *name, struct err *err)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || *p == '_' || *p == '-')
		p++;
	if (*p != '\0' || p == name || p - name > NAME_BYTES_MAX)
		return err_set(err, ERR_CONFIG, "unknown key");
	return err_set(err, ERR_CONFIG, "unknown key '%s'", name);
}

static int
wrong_value(const struct service_key *key, struct err *err, const char *why)
{
	return err_set(err, ERR_CONFIG, "the value of '%s' is %s", key->name,
	    why);
}

static bool
is_one_of(const char *value, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcasecmp(value, *list) == 0)
			return true;
	return false;
}

static int
check_bool(const struct service_key *key, const char *value, char **ret,
    struct err *err)
{
	static const char *const yes[] = { "true", "1", "yes", "y", NULL };
	static const char *const no[] = { "false", "0", "no", "n", NULL };

	if (is_one_of(value, yes))
		return str_dup("yes", ret, err);
	if (is_one_of(value, no))
		return str_dup("no", ret, err);
	return wrong_value(key, err, "neither yes nor no");
}

static int
check_int(const struct service_key *key, const char *value, char **ret,
    struct err *err)
{
	const bool ranged = key->min != 0 || key->max != 0;
	const char *digits = value;
	int base = 10;
	char *end;
	long n;

	if (*value == '#' || strncasecmp(value, "0x", 2) == 0) {
		base = 16;
		digits += *value == '#' ? 1 : 2;
	} else if (*value == '-' || *value == '+') {
		digits++;
	}
	/* strtol takes blanks, signs and another 0x: a digit must come. */
	if (!isxdigit((unsigned char)*digits) ||
	    strncasecmp(digits, "0x", 2) == 0)
		return wrong_value(key, err, "not a number");
	errno = 0;
	n = strtol(base == 16 ? digits : value, &end, base);
	if (*end != '\0')
		return wrong_value(key, err, "not a number");
	if (errno == ERANGE || (ranged && (n < key->min || n > key->max)))
		return wrong_value(key, err, "out of range");
	return str_format(ret, err, "%ld", n);
}

static int
check_choice(const struct service_key *key, const char *value, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str why = STR_INIT;
	const char *const *choice;

	for (choice = key->choices; *choice != NULL; choice++) {
		if (strcasecmp(value, *choice) == 0)
			return str_dup(*choice, ret, err);
		str_addf(&why, "%s%s", choice == key->choices ? "none of " :
		    ", ", *choice);
	}
	if (why.failed)
		return err_nomem(err);
	return wrong_value(key, err, why.s);
}

static int
check_value(const struct service_key *key, const char *value, char **ret,
    struct err *err)
{
	switch (key->type) {
	case KEY_BOOL:
		return check_bool(key, value, ret, err);
	case KEY_INT:
		return check_int(key, value, ret, err);
	case KEY_CHOICE:
		return check_choice(key, value, ret, err);
	case KEY_TEXT:
	case KEY_LIST:
		break;
	}
	return str_dup(value, ret, err);
}

static int
add_value(const struct service_key *key, const char *value,
    struct strmap *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *checked = NULL;
	int rc;

	if (strmap_get(ret, key->name) != NULL)	/* the first one counts */
		return 0;
	if (check_value(key, value, &checked, err) < 0)
		return -1;
	rc = strmap_add(ret, key->name, checked, err);
	str_zero(checked);
	return rc;
}

static int
add_given(const struct service *service, const struct strmap *query,
    struct strmap *ret, struct err *err)
{
	size_t i;

	for (i = 0; i < query->keys.n; i++) {
		const char *name = query->keys.v[i];
		const char *value = query->values.v[i];
		const struct service_key *key = key_of(service, name);

		if (key == NULL && (service->flags & SERVICE_ANY_KEYS) == 0)
			return unknown_key(name, err);
		if ((key != NULL ? add_value(key, value, ret, err) :
		    strmap_add(ret, name, value, err)) < 0)
			return -1;
	}
	return 0;
}

static bool
is_there(const struct service_key *key, const struct strmap *query)
{
	const char *value = strmap_get(query, key->name);

	return value != NULL && value[strspn(value,
	    key->type == KEY_LIST ? ", \t" : "")] != '\0';
}

static int
add_defaults(const struct service *service, struct strmap *ret,
    struct err *err)
{
	const struct service_key *key;

	for (key = service->keys; key != NULL && key->name != NULL; key++) {
		if (key->def != NULL && add_value(key, key->def, ret, err) < 0)
			return -1;
		if (key->required && !is_there(key, ret))
			return err_set(err, ERR_CONFIG, "'%s' is missing",
			    key->name);
	}
	return 0;
}

static void
wipe(struct strmap *map)
{
	size_t i;

	for (i = 0; i < map->values.n; i++)
		str_zero(map->values.v[i]);
	strmap_free(map);
}

int
service_query_check(const struct service *service, struct strmap *query,
    struct err *err)
{
	CLEANUP(wipe) struct strmap checked = STRMAP_INIT;
	struct strmap old;

	if (add_given(service, query, &checked, err) < 0 ||
	    add_defaults(service, &checked, err) < 0)
		return -1;
	old = *query;
	*query = checked;
	checked = old;
	return 0;
}

const char *
service_get(const struct service_target *target, const char *key)
{
	const char *value = strmap_get(&target->url.query, key);

	return value != NULL && *value != '\0' ? value : NULL;
}

bool
service_is(const struct service_target *target, const char *key)
{
	const char *value = service_get(target, key);

	return value != NULL && strcmp(value, "yes") == 0;
}

long
service_int(const struct service_target *target, const char *key)
{
	const char *value = service_get(target, key);

	return value != NULL ? strtol(value, NULL, 10) : 0;
}

static int
add_element(const char *p, size_t n, struct strlist *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *element = strndup(p, n);
	const char *text;

	if (element == NULL)
		return err_nomem(err);
	text = str_trim(element);
	return *text != '\0' ? strlist_add(ret, text, err) : 0;
}

int
service_list(const struct service_target *target, const char *key,
    struct strlist *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist list = STRLIST_INIT;
	const char *p = service_get(target, key);
	size_t n;

	for (; p != NULL; p = p[n] == ',' ? p + n + 1 : NULL) {
		n = strcspn(p, ",");
		if (add_element(p, n, &list, err) < 0)
			return -1;
	}
	*ret = list;
	list = (struct strlist)STRLIST_INIT;
	return 0;
}
