#define _GNU_SOURCE
#include "lib/store/retain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/calendar.h"

/* No history is longer, and no sum of such numbers overflows. */
#define COUNT_MAX 1000000000
#define SPAN_MAX 1000000

#define HOUR_S INT64_C(3600)

/* --- the keep setting ---------------------------------------------------- */

static bool
parse_number(const char **text, int64_t max, int64_t *ret)
{
	const char *p = *text;
	int64_t number = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		number = number * 10 + (*p - '0');
		if (number > max)
			return false;
	}
	if (p == *text)
		return false;
	*text = p;
	*ret = number;
	return true;
}

static int
parse_count(const char *word, const char *value, int64_t *ret,
    struct err *err)
{
	if (strcmp(value, "unlimited") == 0 || strcmp(value, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	if (!parse_number(&value, COUNT_MAX, ret) || *value != '\0')
		return err_set(err, ERR_CONFIG,
		    "'%s' has no number behind the = (or unlimited)", word);
	return 0;
}

static int64_t *
span_part(struct retain_policy *policy, char unit)
{
	switch (unit) {
	case 'y':
		return &policy->within_years;
	case 'm':
		return &policy->within_months;
	case 'd':
		return &policy->within_days;
	case 'h':
		return &policy->within_hours;
	}
	return NULL;
}

/* "1y2m3d4h": each unit at most once, and not nothing. */
static bool
parse_span(const char *value, struct retain_policy *policy)
{
	int64_t number, *part;
	bool any = false;

	while (*value != '\0') {
		if (!parse_number(&value, SPAN_MAX, &number))
			return false;
		part = span_part(policy, *value);
		if (part == NULL || *part != 0)
			return false;
		*part = number;
		any = any || number != 0;
		value++;
	}
	return any;
}

static int64_t *
count_named(struct retain_policy *policy, const char *name, size_t n)
{
	const struct {
		const char *name;
		int64_t *count;
	} counts[] = {
		{ "last", &policy->last },
		{ "hourly", &policy->hourly },
		{ "daily", &policy->daily },
		{ "weekly", &policy->weekly },
		{ "monthly", &policy->monthly },
		{ "yearly", &policy->yearly },
	};
	size_t i;

	for (i = 0; i < sizeof counts / sizeof counts[0]; i++)
		if (strlen(counts[i].name) == n &&
		    strncmp(counts[i].name, name, n) == 0)
			return counts[i].count;
	return NULL;
}

static int
parse_word(const char *word, struct retain_policy *policy, struct err *err)
{
	size_t n = strcspn(word, "=");
	int64_t *count = count_named(policy, word, n);

	if (word[n] == '\0')
		return err_set(err, ERR_CONFIG,
		    "'%s' is not like last=3 or within=90d", word);
	if (count != NULL)
		return parse_count(word, word + n + 1, count, err);
	if (strncmp(word, "within", n) != 0 || n != strlen("within"))
		return err_set(err, ERR_CONFIG, "'%s' is unknown (there are "
		    "last, hourly, daily, weekly, monthly, yearly, within)",
		    word);
	if (!parse_span(word + n + 1, policy))
		return err_set(err, ERR_CONFIG, "'%s' is not a span of "
		    "years, months, days and hours (like 1y6m or 90d)", word);
	policy->has_within = true;
	return 0;
}

static bool
is_repeated(const struct strlist *words, size_t at)
{
	size_t n = strcspn(words->v[at], "="), i;

	for (i = 0; i < at; i++)
		if (strncmp(words->v[i], words->v[at], n + 1) == 0)
			return true;
	return false;
}

int
retain_parse_keep(const struct strlist *words, struct retain_policy *ret,
    struct err *err)
{
	struct retain_policy policy = { .days = ret->days,
		.leeway_s = ret->leeway_s, .min_keep = ret->min_keep };
	size_t i;

	for (i = 0; i < words->n; i++) {
		if (is_repeated(words, i))
			return err_set(err, ERR_CONFIG,
			    "'%s' is there a second time", words->v[i]);
		if (parse_word(words->v[i], &policy, err) < 0)
			return -1;
	}
	policy.has_keep = words->n != 0;
	if (policy.has_keep && !policy.has_within && policy.last == 0 &&
	    policy.hourly == 0 && policy.daily == 0 && policy.weekly == 0 &&
	    policy.monthly == 0 && policy.yearly == 0)
		return err_set(err, ERR_CONFIG, "it keeps nothing");
	*ret = policy;
	return 0;
}

bool
retain_is_on(const struct retain_policy *policy)
{
	return policy->days >= 0 || policy->has_keep;
}

/* --- the rules ----------------------------------------------------------- */

/* An archive among the others, the newest first. */
struct ranked {
	const struct retain_candidate *candidate;
	size_t index;
	struct tm tm;
	bool keep;
};

/* Names decide between equal times, so that the order given does not. */
static int
newest_first(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	time_t left_t = left->candidate->time;
	time_t right_t = right->candidate->time;

	if (left_t != right_t)
		return left_t > right_t ? -1 : 1;
	return strcmp(right->candidate->name, left->candidate->name);
}

enum bucket { BUCKET_EACH, BUCKET_HOUR, BUCKET_DAY, BUCKET_WEEK, BUCKET_MONTH,
	BUCKET_YEAR };

/* Equal for neighbours in the same hour (day, ...), else different. */
static int64_t
bucket_of(const struct ranked *r, enum bucket bucket, size_t rank)
{
	int64_t year = r->tm.tm_year;
	int64_t day = year * 1000 + r->tm.tm_yday;
	int iso_year, week;

	switch (bucket) {
	case BUCKET_EACH:
		break;
	case BUCKET_HOUR:
		return day * 100 + r->tm.tm_hour;
	case BUCKET_DAY:
		return day;
	case BUCKET_WEEK:
		calendar_iso_week(&r->tm, &iso_year, &week);
		return (int64_t)iso_year * 100 + week;
	case BUCKET_MONTH:
		return year * 100 + r->tm.tm_mon;
	case BUCKET_YEAR:
		return year;
	}
	return (int64_t)rank;
}

/* As restic has it: where there are fewer than count, the oldest archive of
 * all is kept, too, so that the history reaches back as far as it can. */
static void
keep_buckets(struct ranked *v, size_t n, enum bucket bucket, int64_t count)
{
	int64_t last = 0, this;
	size_t i;

	for (i = 0; i < n && count != 0; i++) {
		this = bucket_of(&v[i], bucket, i);
		if (i != 0 && this == last && i != n - 1)
			continue;
		v[i].keep = true;
		last = this;
		if (count > 0)
			count--;
	}
}

/* t, so much earlier by the calendar; the earliest there is if no calendar
 * goes back so far. */
static time_t
go_back(time_t t, int64_t years, int64_t months, int64_t days)
{
	time_t readings[CALENDAR_READINGS_MAX];
	struct tm tm;

	if (years > SPAN_MAX || months > SPAN_MAX || days > SPAN_MAX ||
	    localtime_r(&t, &tm) == NULL)
		return INT64_MIN;
	/* Not INT_MIN: timegm adds to these. */
	tm.tm_year -= (int)years;
	tm.tm_mon -= (int)months;
	tm.tm_mday -= (int)days;
	return calendar_readings(&tm, readings, NULL) != 0 ? readings[0] :
	    INT64_MIN;
}

/* Counted back from the newest, but not from one whose time is still to come:
 * a clock that was wrong for once must not make everything old. */
static void
keep_within(struct ranked *v, size_t n, time_t now,
    const struct retain_policy *policy)
{
	int64_t limit = INT64_MIN, hours_s;
	size_t newest = 0, i;

	while (newest < n && v[newest].candidate->time > now)
		newest++;
	if (newest < n)
		limit = go_back(v[newest].candidate->time,
		    policy->within_years, policy->within_months,
		    policy->within_days);
	if (__builtin_mul_overflow(policy->within_hours, HOUR_S, &hours_s) ||
	    __builtin_sub_overflow(limit, hours_s, &limit))
		limit = INT64_MIN;
	for (i = 0; i < n; i++)
		if (limit == INT64_MIN || v[i].candidate->time > limit)
			v[i].keep = true;
}

static void
keep_days(struct ranked *v, size_t n, time_t now,
    const struct retain_policy *policy)
{
	int64_t deadline = go_back(now, 0, 0, policy->days);
	size_t i;

	if (deadline != INT64_MIN && __builtin_add_overflow(deadline,
	    policy->leeway_s, &deadline))
		deadline = policy->leeway_s > 0 ? INT64_MAX : INT64_MIN;
	for (i = 0; i < n; i++)
		if (v[i].candidate->time >= deadline)
			v[i].keep = true;
}

static void
keep_by_rules(struct ranked *v, size_t n, time_t now,
    const struct retain_policy *policy)
{
	if (policy->days >= 0)
		keep_days(v, n, now, policy);
	if (!policy->has_keep)
		return;
	keep_buckets(v, n, BUCKET_EACH, policy->last);
	keep_buckets(v, n, BUCKET_HOUR, policy->hourly);
	keep_buckets(v, n, BUCKET_DAY, policy->daily);
	keep_buckets(v, n, BUCKET_WEEK, policy->weekly);
	keep_buckets(v, n, BUCKET_MONTH, policy->monthly);
	keep_buckets(v, n, BUCKET_YEAR, policy->yearly);
	if (policy->has_within)
		keep_within(v, n, now, policy);
}

static struct ranked *
rank(const struct retain_candidate *candidates, size_t n)
{
	struct ranked *v = calloc(n + 1, sizeof *v);
	size_t i;

	if (v == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		v[i].candidate = &candidates[i];
		v[i].index = i;
		/* Of a time that no calendar holds the buckets are zero. */
		if (localtime_r(&candidates[i].time, &v[i].tm) == NULL)
			memset(&v[i].tm, 0, sizeof v[i].tm);
	}
	qsort(v, n, sizeof *v, newest_first);
	return v;
}

static int
ascending(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return left < right ? -1 : left > right;
}

int
retain_select(const struct retain_candidate *candidates, size_t n, time_t now,
    const struct retain_policy *policy, size_t **ret, size_t *ret_n,
    bool *ret_guarded, struct err *err)
{
	CLEANUP(cleanup_free) struct ranked *v = rank(candidates, n);
	size_t *selected = calloc(n + 1, sizeof *selected);
	size_t n_selected = 0, kept = 0, i;

	if (v == NULL || selected == NULL) {
		free(selected);
		return err_nomem(err);
	}
	if (retain_is_on(policy)) {
		keep_by_rules(v, n, now, policy);
		for (i = 0; i < n; i++)
			kept += v[i].keep;
		for (i = 0; kept != 0 && i < n; i++)
			if (!v[i].keep && (int64_t)i >= policy->min_keep)
				selected[n_selected++] = v[i].index;
	}
	qsort(selected, n_selected, sizeof *selected, ascending);
	*ret_guarded = retain_is_on(policy) && n != 0 && kept == 0;
	*ret = selected;
	*ret_n = n_selected;
	return 0;
}
