#define _GNU_SOURCE
#include "lib/report/metrics_samples.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A line of a file that anybody may have written is taken apart by these, each
 * of which moves *at on; false: it is not ours. Out of memory is remembered
 * by the struct str of a label. */

static bool
take(const char **at, const char *text)
{
	if (!str_starts(*at, text))
		return false;
	*at += strlen(text);
	return true;
}

static bool
take_metric(const char **at, enum metric *ret)
{
	size_t n = strcspn(*at, "{");
	int i;

	for (i = 0; i < METRICS; i++) {
		const char *name = metrics_name((enum metric)i);

		if (strlen(name) == n && strncmp(name, *at, n) == 0) {
			*at += n;
			*ret = (enum metric)i;
			return true;
		}
	}
	return false;
}

/* NAME="VALUE" */
static bool
take_label(const char **at, const char *name, struct str *ret)
{
	str_add(ret, "");
	if (!take(at, name) || !take(at, "=\""))
		return false;
	for (; **at != '"'; (*at)++) {
		if (**at == '\0')
			return false;
		if (**at != '\\') {
			str_addn(ret, *at, 1);
			continue;
		}
		(*at)++;
		if (**at != 'n' && **at != '\\' && **at != '"')
			return false;
		str_addn(ret, **at == 'n' ? "\n" : *at, 1);
	}
	(*at)++;
	return true;
}

/* Digits with a point in them: what we print. NaN, signs and exponents are
 * none of ours. */
static bool
take_value(const char *at, char ret[METRICS_VALUE_BYTES])
{
	size_t whole = strspn(at, "0123456789"), n = whole;

	if (at[n] == '.')
		n += 1 + strspn(at + n + 1, "0123456789");
	if (whole == 0 || n == whole + 1 || at[n] != '\0' ||
	    n >= METRICS_VALUE_BYTES)
		return false;
	memcpy(ret, at, n + 1);
	return true;
}

struct line {
	enum metric metric;
	struct str job;
	struct str more;
	char value[METRICS_VALUE_BYTES];
};

static void
line_free(struct line *line)
{
	str_free(&line->job);
	str_free(&line->more);
}

static bool
take_line(const char *at, struct line *ret)
{
	const char *label;

	if (!take_metric(&at, &ret->metric) || !take(&at, "{") ||
	    !take_label(&at, "backup_job", &ret->job))
		return false;
	label = metrics_label(ret->metric);
	if (label != NULL &&
	    (!take(&at, ",") || !take_label(&at, label, &ret->more)))
		return false;
	return take(&at, "} ") && take_value(at, ret->value);
}

/* *ret is a copy if all of it could be printed as it is. */
static int
take_text(struct str *text, bool *ret_clean, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *raw = NULL;

	if (str_take(text, &raw, err) < 0 || message_utf8(raw, ret, err) < 0)
		return -1;
	*ret_clean = strcmp(raw, *ret) == 0;
	return 0;
}

static int
keep_line(struct line *line, struct metrics_samples *samples, struct err *err)
{
	CLEANUP(cleanup_free) char *job = NULL;
	CLEANUP(cleanup_free) char *more = NULL;
	char *taken_job, *taken_more;
	bool clean, more_clean = true;

	if (take_text(&line->job, &clean, &job, err) < 0 ||
	    (metrics_label(line->metric) != NULL &&
	    take_text(&line->more, &more_clean, &more, err) < 0))
		return -1;
	if (!clean || !more_clean)
		return 0;
	taken_job = job;
	taken_more = more;
	job = more = NULL;
	return metrics_samples_take(samples, line->metric, taken_job,
	    taken_more, line->value, err);
}

int
metrics_samples_parse(const char *text, struct metrics_samples *samples,
    struct err *err)
{
	while (*text != '\0') {
		CLEANUP(line_free) struct line line = { 0 };
		CLEANUP(cleanup_free) char *copy = NULL;
		size_t n = strcspn(text, "\n");

		if (str_format(&copy, err, "%.*s", (int)n, text) < 0 ||
		    (take_line(copy, &line) &&
		    keep_line(&line, samples, err) < 0))
			return -1;
		text += n + (text[n] == '\n');
	}
	return 0;
}
