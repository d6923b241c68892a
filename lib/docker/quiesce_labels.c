#define _GNU_SOURCE
#include "lib/docker/quiesce_labels.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define THEIRS "docker-volume-backup."
#define OURS "vbackup."
#define STOP "stop-during-backup"
#define NO_RESTART "stop-during-backup-no-restart"

#define LABEL_MODE OURS "quiesce"
#define LABEL_TIMEOUT OURS "stop-timeout"
#define TIMEOUT_MAX_NS INT64_C(3000000000000)	/* an answer to a stop is awaited
						 * for an hour */
#define LABEL_ORDER OURS "order"

#define BLANKS " \t\n"

/* Is value one of list, "a, b,c"? An empty one is none. */
static bool
list_has(const char *list, const char *value)
{
	size_t wanted = strlen(value);

	while (*list != '\0') {
		size_t len, item_len;

		list += strspn(list, BLANKS ",");
		len = item_len = strcspn(list, ",");
		while (item_len != 0 &&
		    strchr(BLANKS, list[item_len - 1]) != NULL)
			item_len--;
		if (item_len != 0 && item_len == wanted &&
		    memcmp(list, value, wanted) == 0)
			return true;
		list += len;
	}
	return false;
}

/* Does one of these n labels have the value? *any: is one of them there? */
static bool
selects(const struct strmap *labels, const char *const *names, size_t n,
    const char *value, bool *any)
{
	bool found = false;
	size_t i;

	for (i = 0; i < n; i++) {
		const char *has = strmap_get(labels, names[i]);

		if (has == NULL)
			continue;
		*any = true;
		found = found || (value != NULL && list_has(has, value));
	}
	return found;
}

static void
read_stop(const struct strmap *labels, const struct quiesce_defaults *defaults,
    struct quiesce_labels *ret)
{
	static const char *const stop[] = { THEIRS STOP, OURS STOP,
		OURS "stop" };
	static const char *const no_restart[] = { THEIRS NO_RESTART,
		OURS NO_RESTART };
	bool restart = selects(labels, stop, sizeof stop / sizeof *stop,
	    defaults->stop_value, &ret->any_value);

	ret->no_restart = selects(labels, no_restart,
	    sizeof no_restart / sizeof *no_restart,
	    defaults->no_restart_value, &ret->any_value);
	ret->selected = restart || ret->no_restart;
	ret->both = restart && ret->no_restart;
}

static int
read_mode(const char *text, enum quiesce_mode *ret, struct err *err)
{
	static const char *const words[] = {
		[QUIESCE_MODE_STOP] = "stop",
		[QUIESCE_MODE_PAUSE] = "pause",
		[QUIESCE_MODE_NONE] = "none",
		[QUIESCE_MODE_CONSTRAINT] = "constraint"
	};
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (enum quiesce_mode)i;
			return 0;
		}
	return err_set(err, ERR_CONFIG, "'%s' is not stop, pause or none, nor "
	    "constraint for a global service", text);
}

/* As clock_parse_duration; and whole seconds without a unit, as Docker's own
 * --stop-timeout has them. */
static int
read_timeout(const char *text, double *ret, struct err *err)
{
	char seconds[CLOCK_SPAN_BYTES];
	size_t len = strlen(text);
	int64_t ns;

	if (len != 0 && len < sizeof seconds - 1 &&
	    strspn(text, "0123456789") == len) {
		(void)snprintf(seconds, sizeof seconds, "%ss", text);
		text = seconds;
	}
	if (clock_parse_duration(text, &ns, err) < 0)
		return -1;
	if (ns > TIMEOUT_MAX_NS)
		return err_set(err, ERR_CONFIG, "'%s' is more than 50m", text);
	*ret = (double)ns / 1e9;
	return 0;
}

static int
read_order(const char *text, long *ret, struct err *err)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;

	errno = 0;
	*ret = strtol(text, &end, 10);
	if (*digits < '0' || *digits > '9' || *end != '\0' || errno != 0)
		return err_set(err, ERR_CONFIG, "'%s' is not a whole number "
		    "from %ld to %ld", text, LONG_MIN, LONG_MAX);
	return 0;
}

/* One label, without blanks around its value, if it is there. */
static int
read_one(const struct strmap *labels, const char *name,
    struct quiesce_labels *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *copy = NULL;
	const char *has = strmap_get(labels, name), *text;
	int rc;

	if (has == NULL)
		return 0;
	if (str_dup(has, &copy, err) < 0)
		return -1;
	text = str_trim(copy);
	if (strcmp(name, LABEL_MODE) == 0)
		rc = read_mode(text, &ret->mode, err);
	else if (strcmp(name, LABEL_TIMEOUT) == 0)
		rc = read_timeout(text, &ret->stop_timeout_s, err);
	else
		rc = read_order(text, &ret->order, err);
	return rc < 0 ? err_add(err, "label '%s'", name) : 0;
}

int
quiesce_labels_read(const struct strmap *labels,
    const struct quiesce_defaults *defaults, struct quiesce_labels *ret,
    struct err *err)
{
	struct quiesce_labels read = {
		.mode = defaults->mode,
		.stop_timeout_s = defaults->stop_timeout_s
	};

	read_stop(labels, defaults, &read);
	if (read_one(labels, LABEL_MODE, &read, err) < 0 ||
	    read_one(labels, LABEL_TIMEOUT, &read, err) < 0 ||
	    read_one(labels, LABEL_ORDER, &read, err) < 0)
		return -1;
	*ret = read;
	return 0;
}
