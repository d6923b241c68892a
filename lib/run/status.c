#define _GNU_SOURCE
#include "lib/run/status.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define AHEAD_MAX_S 3600

void
status_free(struct status *status)
{
	size_t i;

	for (i = 0; i < status->n; i++) {
		free(status->rows[i].job);
		free(status->rows[i].text);
	}
	free(status->rows);
	*status = (struct status)STATUS_INIT;
}

static int
rank(enum status_state state)
{
	static const int ranks[] = { [STATUS_OK] = 0, [STATUS_UNKNOWN] = 1,
		[STATUS_WARNING] = 2, [STATUS_CRITICAL] = 3 };

	return ranks[state];
}

enum status_state
status_worst(enum status_state a, enum status_state b)
{
	return rank(a) >= rank(b) ? a : b;
}

const char *
status_word(enum status_state state)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL",
		"UNKNOWN" };

	return words[state];
}

/* --- one row ------------------------------------------------------------- */

/* A size below which it is a drop. */
static uint64_t
least_bytes(const struct status_rules *rules, uint64_t before)
{
	double least = (double)before * (double)(100 - rules->size_drop) /
	    100.0;
	uint64_t whole = (uint64_t)least;

	return (double)whole < least ? whole + 1 : whole;
}

static void
find_archives(const struct catalogue *c, size_t store, struct status_row *row)
{
	size_t i;

	for (i = 0; i < c->n && row->before == NULL; i++) {
		const struct catalogue_entry *entry = &c->entries[i];

		if (entry->store != store || entry->job == NULL ||
		    strcmp(entry->job, row->job) != 0)
			continue;
		if (row->newest == NULL)
			row->newest = entry;
		else
			row->before = entry;
	}
}

/* Everything that is wrong with it, the worst gives the state. */
static void
judge_archive(const struct status_rules *rules, struct status_row *row,
    struct str *text)
{
	const struct catalogue_entry *newest = row->newest;
	int64_t age = (int64_t)rules->now - (int64_t)newest->time;
	char span[CLOCK_SPAN_BYTES], bytes[CLOCK_BYTES_BYTES];

	clock_span(age > 0 ? (double)age : 0.0, span);
	clock_bytes(newest->bytes, bytes);
	str_addf(text, "%s old, %s", span, bytes);
	if (age > rules->max_age_s) {
		clock_span((double)rules->max_age_s, span);
		str_addf(text, ", overdue (more than %s)", span);
		row->state = STATUS_CRITICAL;
	}
	if (newest->check == CATALOGUE_DIFFERS) {
		str_add(text, ", not the size that its metadata says");
		row->state = STATUS_CRITICAL;
	}
	if (row->before != NULL &&
	    newest->bytes < least_bytes(rules, row->before->bytes)) {
		clock_bytes(row->before->bytes, bytes);
		str_addf(text, ", smaller by %.0f%% than the one before it "
		    "(%s)", 100.0 - 100.0 * (double)newest->bytes /
		    (double)row->before->bytes, bytes);
		row->state = status_worst(row->state, STATUS_WARNING);
	}
	if (age < -AHEAD_MAX_S) {
		str_add(text, ", dated in the future");
		row->state = status_worst(row->state, STATUS_WARNING);
	}
}

static int
add_row(const struct catalogue *c, size_t store, const char *job,
    struct status *status, struct err *err)
{
	struct status_row *bigger = realloc(status->rows,
	    (status->n + 1) * sizeof *bigger), *row;
	struct str text = STR_INIT;

	if (bigger == NULL)
		return err_nomem(err);
	status->rows = bigger;
	row = &bigger[status->n];
	*row = (struct status_row){ .store = store < c->n_stores ?
		&c->stores[store] : NULL };
	if (str_dup(job, &row->job, err) < 0)
		return -1;
	status->n++;
	if (row->store != NULL && row->store->err.kind != ERR_NONE) {
		row->state = STATUS_UNKNOWN;
		str_add_visible(&text, row->store->err.msg);
		return str_take(&text, &row->text, err);
	}
	find_archives(c, store, row);
	if (row->newest != NULL) {
		judge_archive(&status->rules, row, &text);
	} else {
		row->state = STATUS_CRITICAL;
		str_add(&text, "no archive");
	}
	return str_take(&text, &row->text, err);
}

/* --- which jobs ---------------------------------------------------------- */

static bool
is_configured(const struct catalogue *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_jobs; i++)
		if (strcmp(c->jobs[i].name, name) == 0)
			return true;
	return false;
}

static int
add_once(struct strlist *names, const char *name, struct err *err)
{
	return strlist_has(names, name) ? 0 : strlist_add(names, name, err);
}

/* Those that labels make, in this store. */
static int
add_found(const struct catalogue *c, size_t store,
    const struct catalogue_job *from, struct strlist *names, struct err *err)
{
	size_t before = names->n, i;

	for (i = 0; i < c->n; i++) {
		const struct catalogue_entry *entry = &c->entries[i];

		if (entry->store == store && entry->job != NULL &&
		    (strcmp(entry->job, from->name) == 0 ||
		    !is_configured(c, entry->job)) &&
		    add_once(names, entry->job, err) < 0)
			return -1;
	}
	return names->n != before ? 0 : add_once(names, from->name, err);
}

static int
find_all(const struct catalogue *c, size_t store, struct strlist *names,
    struct err *err)
{
	const struct catalogue_store *s = &c->stores[store];
	size_t i;

	for (i = 0; i < s->n_jobs; i++) {
		const struct catalogue_job *job = &c->jobs[s->jobs[i]];

		if ((job->split ? add_found(c, store, job, names, err) :
		    add_once(names, job->name, err)) < 0)
			return -1;
	}
	return 0;
}

static bool
has_job(const struct catalogue *c, size_t store, const char *name)
{
	const struct catalogue_store *s = &c->stores[store];
	size_t i;

	for (i = 0; i < s->n_jobs; i++)
		if (strcmp(c->jobs[s->jobs[i]].name, name) == 0)
			return true;
	return false;
}

/* Somebody else's job may be in any store that does not answer. */
static bool
may_have(const struct catalogue *c, size_t store, const char *name)
{
	size_t i;

	if (is_configured(c, name))
		return has_job(c, store, name);
	if (c->stores[store].err.kind != ERR_NONE)
		return true;
	for (i = 0; i < c->n; i++)
		if (c->entries[i].store == store && c->entries[i].job != NULL &&
		    strcmp(c->entries[i].job, name) == 0)
			return true;
	return false;
}

static int
add_rows(const struct catalogue *c, size_t store, const struct strlist *jobs,
    struct status *status, struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	size_t i;

	if (jobs->n == 0 && find_all(c, store, &names, err) < 0)
		return -1;
	for (i = 0; i < jobs->n; i++)
		if (may_have(c, store, jobs->v[i]) &&
		    add_once(&names, jobs->v[i], err) < 0)
			return -1;
	for (i = 0; i < names.n; i++)
		if (add_row(c, store, names.v[i], status, err) < 0)
			return -1;
	return 0;
}

static bool
has_row(const struct status *status, const char *job)
{
	size_t i;

	for (i = 0; i < status->n; i++)
		if (strcmp(status->rows[i].job, job) == 0)
			return true;
	return false;
}

static int
worst_first(const void *a, const void *b)
{
	const struct status_row *x = a, *y = b;
	int states = rank(y->state) - rank(x->state);

	if (states != 0)
		return states;
	if (strcmp(x->job, y->job) != 0)
		return strcmp(x->job, y->job);
	return (x->store > y->store) - (x->store < y->store);
}

static int
fill(const struct catalogue *c, const struct strlist *jobs,
    struct status *status, struct err *err)
{
	size_t i;

	for (i = 0; i < c->n_stores; i++)
		if (add_rows(c, i, jobs, status, err) < 0)
			return -1;
	for (i = 0; i < jobs->n; i++)
		if (!has_row(status, jobs->v[i]) &&
		    add_row(c, SIZE_MAX, jobs->v[i], status, err) < 0)
			return -1;
	return 0;
}

int
status_judge(const struct catalogue *c, const struct strlist *jobs,
    const struct status_rules *rules, struct status *ret, struct err *err)
{
	size_t i;

	*ret = (struct status){ .rules = *rules };
	if (fill(c, jobs, ret, err) < 0) {
		status_free(ret);
		return -1;
	}
	if (ret->n != 0)
		qsort(ret->rows, ret->n, sizeof *ret->rows, worst_first);
	for (i = 0; i < ret->n; i++)
		ret->state = status_worst(ret->state, ret->rows[i].state);
	return 0;
}

/* --- what a plugin prints ------------------------------------------------ */

/* One line without a bar: that begins performance data. */
static void
add_plain(struct str *s, const char *text)
{
	struct str visible = STR_INIT;
	char *p;

	str_add_visible(&visible, text);
	for (p = visible.s; p != NULL && (p = strchr(p, '|')) != NULL;)
		*p = '/';
	if (visible.s != NULL)
		str_add(s, visible.s);
	s->failed = s->failed || visible.failed;
	str_free(&visible);
}

/* In a label an equals sign would end it, and a quote is doubled. */
static void
add_label(struct str *s, const char *text)
{
	struct str plain = STR_INIT;
	size_t i;

	add_plain(&plain, text);
	for (i = 0; i < plain.len; i++) {
		if (plain.s[i] == '\'')
			str_add(s, "'");
		str_addn(s, plain.s[i] == '=' ? "_" : &plain.s[i], 1);
	}
	s->failed = s->failed || plain.failed;
	str_free(&plain);
}

/* By its name; by its place where another row has both names. */
static const char *
store_word(const struct status *status, const struct status_row *row)
{
	const struct store_plan *plan = row->store->plan;
	size_t i;

	for (i = 0; i < status->n; i++) {
		const struct status_row *other = &status->rows[i];

		if (other != row && other->store != NULL &&
		    strcmp(other->job, row->job) == 0 &&
		    strcmp(other->store->plan->name, plan->name) == 0)
			return plan->place;
	}
	return plan->name;
}

static void
begin_label(struct str *s, const struct status *status,
    const struct status_row *row)
{
	str_add(s, " '");
	add_label(s, row->job);
	str_add(s, " ");
	add_label(s, store_word(status, row));
}

/* 'label'=value[unit];[warning];[critical];[minimum] */
static void
add_performance(struct str *s, const struct status *status,
    const struct status_row *row)
{
	int64_t age;

	if (row->newest == NULL)
		return;
	age = (int64_t)status->rules.now - (int64_t)row->newest->time;
	begin_label(s, status, row);
	str_addf(s, " age'=%" PRId64 "s;;%" PRId64 ";0", age > 0 ? age : 0,
	    status->rules.max_age_s);
	begin_label(s, status, row);
	str_addf(s, " size'=%" PRIu64 "B;", row->newest->bytes);
	if (row->before != NULL)
		str_addf(s, "%" PRIu64 ":", least_bytes(&status->rules,
		    row->before->bytes));
	str_add(s, ";;0");
}

static void
add_where(struct str *s, const struct status *status,
    const struct status_row *row)
{
	add_plain(s, row->job);
	str_add(s, " in ");
	add_plain(s, row->store != NULL ? store_word(status, row) :
	    "any store");
	str_add(s, ": ");
	add_plain(s, row->text);
}

static void
add_summary(struct str *s, const struct status *status)
{
	char span[CLOCK_SPAN_BYTES];
	int64_t oldest = 0;
	size_t bad = 0, i;

	for (i = 0; i < status->n; i++) {
		const struct catalogue_entry *newest = status->rows[i].newest;
		int64_t age = newest == NULL ? 0 :
		    (int64_t)status->rules.now - (int64_t)newest->time;

		bad += status->rows[i].state != STATUS_OK;
		oldest = age > oldest ? age : oldest;
	}
	if (bad == 0) {
		clock_span((double)oldest, span);
		str_addf(s, "%zu of %zu up to date, at most %s old",
		    status->n, status->n, span);
		return;
	}
	add_where(s, status, &status->rows[0]);
	if (bad > 1)
		str_addf(s, " (and %zu more)", bad - 1);
}

int
status_text(const struct status *status, char **ret, struct err *err)
{
	struct str s = STR_INIT;
	size_t n_archives = 0, i;

	for (i = 0; i < status->n; i++)
		n_archives += status->rows[i].newest != NULL;
	str_addf(&s, "%s - ", status_word(status->state));
	add_summary(&s, status);
	if (n_archives != 0)
		str_add(&s, " |");
	for (i = 0; i < status->n; i++)
		add_performance(&s, status, &status->rows[i]);
	str_add(&s, "\n");
	for (i = 0; i < status->n; i++) {
		str_addf(&s, "%s - ", status_word(status->rows[i].state));
		add_where(&s, status, &status->rows[i]);
		str_add(&s, "\n");
	}
	return str_take(&s, ret, err);
}

int
status_line(enum status_state state, const char *text, char **ret,
    struct err *err)
{
	struct str s = STR_INIT;

	str_addf(&s, "%s - ", status_word(state));
	add_plain(&s, text);
	str_add(&s, "\n");
	return str_take(&s, ret, err);
}
