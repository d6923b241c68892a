#include "lib/run/restore_choose.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/log.h"

void
restore_choice_free(struct restore_choice *choice)
{
	free(choice->v);
	catalogue_free(&choice->catalogue);
	*choice = (struct restore_choice)RESTORE_CHOICE_INIT;
}

/* --- the newest with these volumes --------------------------------------- */

static bool
wants_volumes(const struct restore_wants *wants)
{
	size_t i;

	for (i = 0; i < wants->n; i++)
		if (wants->v[i].volume != NULL)
			return true;
	return false;
}

/* An archive whose metadata cannot be had is not the one. */
static int
has_volumes(const struct catalogue *c, const struct catalogue_entry *entry,
    const struct restore_wants *wants, bool *ret, struct err *err)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	const struct restore_want *missing;
	struct err why = ERR_INIT;
	size_t n;

	*ret = false;
	if (intr_check(err) < 0)
		return -1;
	if (!entry->has_metadata ||
	    c->stores[entry->store].err.kind != ERR_NONE)
		return 0;
	if (catalogue_document(c, entry, &text, &n, &why) == 0 &&
	    metadata_parse(text, n, &parsed, &why) == 0)
		*ret = restore_wants_in(wants, &parsed.metadata, &missing);
	else if (why.kind == ERR_NOMEM)
		return err_nomem(err);
	else
		log_debug("'%s' is passed over: %s", entry->name, why.msg);
	return intr_check(err);
}

static int
find_with_volumes(const struct catalogue *c,
    const struct restore_wants *wants, const char **ret, struct err *err)
{
	bool has = false;
	size_t i;

	for (i = 0; i < c->n && !has; i++) {
		if (has_volumes(c, &c->entries[i], wants, &has, err) < 0)
			return -1;
		if (has)
			*ret = c->entries[i].name;
	}
	return 0;
}

static int
find_newest(struct catalogue *c, const struct restore_settings *settings,
    const struct restore_wants *wants, const char **ret, struct err *err)
{
	const struct catalogue_entry *latest;

	if (catalogue_settle(c, 1, err) < 0)
		return -1;
	catalogue_keep_jobs(c, settings->jobs);
	if (wants_volumes(wants))
		return find_with_volumes(c, wants, ret, err);
	latest = catalogue_latest(c);
	*ret = latest != NULL ? latest->name : NULL;
	return 0;
}

/* --- there is none ------------------------------------------------------- */

static int
no_such_name(const struct catalogue *c, const char *name, struct err *err)
{
	const char *near[CATALOGUE_NEAREST];
	size_t n = catalogue_nearest(c, name, near), i;
	CLEANUP(str_free) struct str text = STR_INIT;

	for (i = 0; i < n; i++)
		str_addf(&text, "%s'%s'", i != 0 ? ", " : "", near[i]);
	if (text.failed)
		return err_nomem(err);
	return n == 0 ? err_set(err, ERR_NOTFOUND, "there is no archive '%s' "
	    "(vbackup list prints all names; latest is the newest; what is "
	    "wanted of it comes behind it)", name) :
	    err_set(err, ERR_NOTFOUND, "there is no archive '%s' (near to it "
	    "are: %s)", name, text.s);
}

static int
none(const struct catalogue *c, const struct restore_settings *settings,
    const struct restore_wants *wants, struct err *err)
{
	(void)catalogue_exit(c);
	if (settings->archive != NULL)
		return no_such_name(c, settings->archive, err);
	if (wants_volumes(wants))
		return err_set(err, ERR_NOTFOUND, "no archive's metadata has "
		    "the volume '%s'%s (name an archive to look into one "
		    "without metadata)", wants->v[0].volume, wants->n > 1 ?
		    " and the others that are wanted" : "");
	return err_set(err, ERR_NOTFOUND, "no store has an archive");
}

/* --- who has it ---------------------------------------------------------- */

static bool
is_local(const struct catalogue *c, const struct catalogue_entry *entry)
{
	return c->stores[entry->store].plan->kind == STORE_KIND_LOCAL;
}

static bool
is_of_jobs(const struct catalogue_entry *entry, const struct strlist *jobs)
{
	return jobs->n == 0 ||
	    (entry->job != NULL && strlist_has(jobs, entry->job));
}

/* Entries of one name are in the order of the stores. */
static void
collect(struct restore_choice *choice, const char *name, bool local,
    const struct strlist *jobs)
{
	const struct catalogue *c = &choice->catalogue;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->entries[i].name, name) == 0 &&
		    is_local(c, &c->entries[i]) == local &&
		    is_of_jobs(&c->entries[i], jobs))
			choice->v[choice->n++] = &c->entries[i];
}

/* The metadata of all that have that name: it knows the job. Reading sorts. */
static int
gather(struct restore_choice *choice, const char *name,
    const struct strlist *jobs, struct err *err)
{
	struct catalogue *c = &choice->catalogue;
	size_t i;

	choice->v = calloc(c->n + 1, sizeof *choice->v);
	if (choice->v == NULL)
		return err_nomem(err);
	for (i = 0; i < c->n; i++)
		c->entries[i].wanted = strcmp(c->entries[i].name, name) == 0;
	if (catalogue_read(c, err) < 0)
		return -1;
	collect(choice, name, true, jobs);
	collect(choice, name, false, jobs);
	return 0;
}

static void
warn(struct restore_choice *choice)
{
	const struct catalogue *c = &choice->catalogue;
	size_t i;

	for (i = 0; i < c->n_stores; i++)
		if (c->stores[i].err.kind != ERR_NONE) {
			log_warning("%s", c->stores[i].err.msg);
			choice->problems++;
		}
}

int
restore_choose(const struct config *config,
    const struct restore_settings *settings,
    const struct restore_wants *wants, struct restore_choice *ret,
    struct err *err)
{
	const struct catalogue_filter filter = { settings->store,
		settings->jobs };
	struct catalogue *c = &ret->catalogue;
	const struct catalogue_entry *entry;
	const char *name = NULL;

	if (catalogue_open(config, &filter, c, err) < 0)
		return -1;
	if (settings->archive != NULL) {
		entry = catalogue_find(c, settings->archive);
		name = entry != NULL ? entry->name : NULL;
	} else if (find_newest(c, settings, wants, &name, err) < 0)
		return -1;
	if (name != NULL && gather(ret, name, settings->jobs, err) < 0)
		return -1;
	if (ret->n == 0)
		return none(c, settings, wants, err);
	warn(ret);
	return 0;
}
