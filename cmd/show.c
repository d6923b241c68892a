#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/run/catalogue_text.h"

/* Those names that it may have been. */
static enum exit_status
unknown(const struct catalogue *catalogue, const char *name)
{
	const char *near[CATALOGUE_NEAREST];
	size_t n = catalogue_nearest(catalogue, name, near), i;
	struct err err = ERR_INIT;

	(void)err_set(&err, ERR_NOTFOUND, "there is no archive '%s'%s", name,
	    n == 0 ? " (vbackup list prints all names)" : "; near to it are:");
	log_error("%s", err.msg);
	for (i = 0; i < n; i++)
		log_error("    %s", near[i]);
	return EXIT_FAILED;
}

/* Metadata that makes no sense is no reason to show nothing: what is wrong with
 * it was logged when the catalogue read it. */
static int
print(const struct catalogue *catalogue, const struct catalogue_entry *entry,
    bool json, struct err *err)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;
	CLEANUP(cleanup_free) char *document = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	bool usable = entry->has_metadata && entry->read &&
	    entry->trouble == NULL;
	size_t n = 0;

	if (usable && (catalogue_document(catalogue, entry, &document, &n,
	    err) < 0 || metadata_parse(document, n, &parsed, err) < 0))
		return -1;
	if (usable && json)
		return fwrite(document, 1, n, stdout) == n ? 0 :
		    err_sys(err, "cannot write to the standard output");
	if ((json ? catalogue_show_json(entry, &text, err) :
	    catalogue_show_text(catalogue, entry, usable ? &parsed.metadata :
	    NULL, &text, err)) < 0)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

/* *ret is NULL where there is none. Of the newest one the time must be certain;
 * of a named one only the first store's metadata is read. */
static int
choose(struct catalogue *c, const struct strlist *jobs, const char *name,
    const struct catalogue_entry **ret, struct err *err)
{
	size_t i;

	*ret = NULL;
	if (strcmp(name, "latest") == 0) {
		if (catalogue_settle(c, 1, err) < 0)
			return -1;
		catalogue_keep_jobs(c, jobs);
		*ret = catalogue_latest(c);
		if (*ret == NULL)
			return 0;
		name = (*ret)->name;
	}
	*ret = catalogue_find(c, name);
	for (i = 0; i < c->n; i++)
		c->entries[i].wanted = &c->entries[i] == *ret;
	if (catalogue_read(c, err) < 0)
		return -1;
	*ret = catalogue_find(c, name);	/* reading sorts */
	if (*ret != NULL && jobs->n != 0 && ((*ret)->job == NULL ||
	    !strlist_has(jobs, (*ret)->job)))
		*ret = NULL;
	return 0;
}

static enum exit_status
show(const struct config *config, const struct strlist *jobs,
    const char *name, bool json)
{
	CLEANUP(catalogue_free) struct catalogue catalogue = CATALOGUE_INIT;
	struct catalogue_filter filter = { NULL, jobs };
	const struct catalogue_entry *entry;
	struct err err = ERR_INIT;

	if (catalogue_open(config, &filter, &catalogue, &err) < 0 ||
	    choose(&catalogue, jobs, name, &entry, &err) < 0)
		return cmd_fail(&err);
	if (entry == NULL) {
		(void)catalogue_exit(&catalogue);
		return unknown(&catalogue, name);
	}
	if (print(&catalogue, entry, json, &err) < 0)
		return cmd_fail(&err);
	return catalogue_exit(&catalogue);
}

static enum exit_status
take(int argc, char **argv, struct strlist *jobs, bool *json)
{
	static const struct option options[] = {
		{ "job", required_argument, NULL, 'j' },
		{ "json", no_argument, NULL, 'J' },
		{ NULL, 0, NULL, 0 }
	};
	struct err err = ERR_INIT;
	int c;

	while ((c = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
		if (c == 'J')
			*json = true;
		else if (c != 'j')
			return cmd_usage("show", "wrong option");
		else if (strlist_add(jobs, optarg, &err) < 0)
			return cmd_fail(&err);
	}
	if (optind == argc)
		return cmd_usage("show", "no archive");
	if (optind + 1 != argc)
		return cmd_usage("show", "unexpected '%s'", argv[optind + 1]);
	return EXIT_DONE;
}

enum exit_status
cmd_show(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(strlist_free) struct strlist jobs = STRLIST_INIT;
	struct err err = ERR_INIT;
	bool json = false;
	enum exit_status status = take(argc, argv, &jobs, &json);

	if (status != EXIT_DONE)
		return status;
	if (cmd_load_config(context, &config, &err) < 0)
		return cmd_fail(&err);
	return cmd_flush(show(&config, &jobs, argv[optind], json));
}
