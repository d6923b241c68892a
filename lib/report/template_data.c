#include "lib/report/template_data.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/report/report_json.h"
#include "lib/report/report_json_add.h"

/* --- .Config ------------------------------------------------------------- */

/* BACKUP_FILENAME is BackupFilename; in place. */
static void
make_pascal(char *name)
{
	bool begins = true;
	char *to = name;

	for (; *name != '\0'; name++) {
		if (*name != '_')
			*to++ = (char)(begins ? toupper((unsigned char)*name) :
			    tolower((unsigned char)*name));
		begins = *name == '_';
	}
	*to = '\0';
}

/* A bool stays one: a text "no" would count as true. What is not set is "", as
 * in Go. */
static int
add_setting(struct cJSON *object, const struct options *options,
    enum option_id id, struct err *err)
{
	const struct option_spec *spec = &option_specs[id];
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *text = NULL;

	if (spec->type == OPTION_SECRET)
		return 0;
	if (option_env(spec, &name, err) < 0 ||
	    options_text(options, id, false, &text, err) < 0)
		return -1;
	make_pascal(name);
	if (spec->type == OPTION_BOOL)
		return json_add_bool(object, name,
		    text != NULL && strcmp(text, "yes") == 0, err);
	if (spec->type == OPTION_INT && text != NULL)
		return json_add_item(object, name, cJSON_CreateRaw(text), err);
	return json_add_text(object, name, text != NULL ? text : "", err);
}

static int
add_config(struct cJSON *root, const struct options *options, struct err *err)
{
	struct cJSON *object;
	int id;

	if (json_add_object(root, "Config", &object, err) < 0)
		return -1;
	for (id = 0; options != NULL && id < OPTION_COUNT; id++)
		if (add_setting(object, options, (enum option_id)id, err) < 0)
			return -1;
	return 0;
}

/* --- .Stats -------------------------------------------------------------- */

/* As Go prints a time.Duration: "850ms", "2.5s", "1h0m5s". */
static int
add_span(struct cJSON *object, const char *key, double seconds,
    struct err *err)
{
	uint64_t ms = json_milliseconds(seconds), s = ms / 1000;
	CLEANUP(str_free) struct str text = STR_INIT;

	if (s >= 3600)
		str_addf(&text, "%" PRIu64 "h", s / 3600);
	if (s >= 60)
		str_addf(&text, "%" PRIu64 "m", s / 60 % 60);
	if (ms != 0 && s == 0) {
		str_addf(&text, "%" PRIu64 "ms", ms);
	} else {
		str_addf(&text, "%" PRIu64, s % 60);
		if (ms % 1000 != 0)
			str_addf(&text, ".%03" PRIu64, ms % 1000);
		while (!text.failed && ms % 1000 != 0 &&
		    text.s[text.len - 1] == '0')
			text.s[--text.len] = '\0';
		str_add(&text, "s");
	}
	return text.failed ? err_nomem(err) :
	    json_add_text(object, key, text.s, err);
}

struct count_names {
	const char *object, *all, *to_stop, *stopped, *errors;
};

static const struct count_names container_names = { "Containers", "All",
	"ToStop", "Stopped", "StopErrors" };
static const struct count_names service_names = { "Services", "All",
	"ToScaleDown", "ScaledDown", "ScaleDownErrors" };

static int
add_counts(struct cJSON *stats, const struct count_names *names, size_t all,
    const struct report_count *count, struct err *err)
{
	struct cJSON *object;

	if (json_add_object(stats, names->object, &object, err) < 0 ||
	    json_add_count(object, names->all, all, err) < 0 ||
	    json_add_count(object, names->to_stop, count->to_stop, err) < 0 ||
	    json_add_count(object, names->stopped, count->stopped, err) < 0)
		return -1;
	return json_add_count(object, names->errors, count->errors, err);
}

static int
add_all_counts(struct cJSON *stats, const struct report *report,
    struct err *err)
{
	struct report_count containers = { 0 }, services = { 0 };
	size_t i;

	for (i = 0; i < report->n_jobs; i++) {
		const struct report_job *job = &report->jobs[i];

		containers.to_stop += job->containers.to_stop;
		containers.stopped += job->containers.stopped;
		containers.errors += job->containers.errors;
		services.to_stop += job->services.to_stop;
		services.stopped += job->services.stopped;
		services.errors += job->services.errors;
	}
	if (add_counts(stats, &container_names, report->n_containers,
	    &containers, err) < 0)
		return -1;
	return add_counts(stats, &service_names, report->n_services, &services,
	    err);
}

static int
add_backup_file(struct cJSON *stats, const struct report *report,
    struct err *err)
{
	const char *path = "", *slash;
	struct cJSON *object;
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < report->n_jobs && *path == '\0'; i++) {
		const struct report_job *job = &report->jobs[i];

		if (!job->stored || job->archive == NULL)
			continue;
		path = job->archive;
		size = job->size_bytes;
	}
	slash = strrchr(path, '/');
	if (json_add_object(stats, "BackupFile", &object, err) < 0 ||
	    json_add_text(object, "Name", slash != NULL ? slash + 1 : path,
	    err) < 0 ||
	    json_add_text(object, "FullPath", path, err) < 0)
		return -1;
	return json_add_count(object, "Size", size, err);
}

/* label: how labels of stores of that kind begin. */
static int
add_storage(struct cJSON *storages, const char *name, const char *label,
    const struct report *report, struct err *err)
{
	size_t total = 0, pruned = 0, errors = 0, i, j;
	struct cJSON *object;

	for (i = 0; i < report->n_jobs; i++) {
		for (j = 0; j < report->jobs[i].n_stores; j++) {
			const struct report_store *store =
			    &report->jobs[i].stores[j];

			if (store->label == NULL ||
			    !str_starts(store->label, label))
				continue;
			total += store->total;
			pruned += store->pruned;
			errors += store->prune_errors;
		}
	}
	if (json_add_object(storages, name, &object, err) < 0 ||
	    json_add_count(object, "Total", total, err) < 0 ||
	    json_add_count(object, "Pruned", pruned, err) < 0)
		return -1;
	return json_add_count(object, "PruneErrors", errors, err);
}

static int
add_log(struct cJSON *stats, const struct report *report, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	size_t i;

	str_add(&text, "");
	for (i = 0; i < report->log.n; i++) {
		str_add(&text, report->log.v[i]);
		str_add(&text, "\n");
	}
	return text.failed ? err_nomem(err) :
	    json_add_text(stats, "LogOutput", text.s, err);
}

static int
add_stats(struct cJSON *root, const struct report *report, struct err *err)
{
	struct cJSON *stats, *storages;

	if (json_add_object(root, "Stats", &stats, err) < 0 ||
	    json_add_time(stats, "StartTime", report->started, err) < 0 ||
	    json_add_time(stats, "EndTime", report->finished, err) < 0 ||
	    add_span(stats, "TookTime", report->seconds, err) < 0 ||
	    add_span(stats, "LockedTime", report->lock_wait_s, err) < 0 ||
	    add_log(stats, report, err) < 0 ||
	    add_all_counts(stats, report, err) < 0 ||
	    add_backup_file(stats, report, err) < 0 ||
	    json_add_object(stats, "Storages", &storages, err) < 0 ||
	    add_storage(storages, "Local", "local ", report, err) < 0)
		return -1;
	return add_storage(storages, "S3", "s3 ", report, err);
}

/* --- all ----------------------------------------------------------------- */

static int
add_jobs(struct cJSON *root, const struct report *report, struct err *err)
{
	CLEANUP(str_free) struct str names = STR_INIT;
	size_t i;

	str_add(&names, "");
	for (i = 0; i < report->n_jobs; i++) {
		str_add(&names, i != 0 ? ", " : "");
		str_add(&names, report->jobs[i].name);
	}
	return names.failed ? err_nomem(err) :
	    json_add_text(root, "Job", names.s, err);
}

static int
add_report(struct cJSON *root, const struct report *report, struct err *err)
{
	struct cJSON *tree = NULL;

	if (report_json(report, &tree, err) < 0)
		return -1;
	return json_add_item(root, "Report", tree, err);
}

int
template_data(const struct report *report, const struct options *options,
    struct cJSON **ret, struct err *err)
{
	CLEANUP(json_free) struct cJSON *root = cJSON_CreateObject();

	if (root == NULL)
		return err_nomem(err);
	if (json_add_text(root, "Error", report_error(report), err) < 0 ||
	    json_add_text(root, "Outcome",
	    outcome_name(report_outcome(report)), err) < 0 ||
	    json_add_count(root, "ExitStatus", report_exit(report), err) < 0 ||
	    json_add_text(root, "Host", report->host, err) < 0 ||
	    add_jobs(root, report, err) < 0 ||
	    add_config(root, options, err) < 0 ||
	    add_stats(root, report, err) < 0 ||
	    add_report(root, report, err) < 0)
		return -1;
	*ret = root;
	root = NULL;
	return 0;
}
