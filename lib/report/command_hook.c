#include "lib/report/command_hook.h"

#include <string.h>

#include "lib/base/log.h"
#include "lib/base/spawn.h"
#include "lib/report/report_json.h"

/* Of a list in the environment, which has room for 128 KiB in one variable. */
#define LIST_BYTES 60000
#define FACTS 9

struct facts {			/* "NAME=value" */
	struct strlist texts;
	const char *env[FACTS + 1];
};

static void
log_line(void *cookie, const char *line)
{
	const char *event = cookie;

	log_info("hook for %s: %s", event, line);
}

/* Masked as the log is: environments are for everybody to see. */
static int
add_fact(struct strlist *texts, const char *name, const char *value,
    struct err *err)
{
	CLEANUP(cleanup_free) char *masked = NULL;

	if (log_mask(value, &masked, err) < 0)
		return -1;
	return strlist_addf(texts, err, "%s=%s", name, masked);
}

static void
add_line(struct str *list, const char *text)
{
	if (list->len + strlen(text) < LIST_BYTES)
		str_addf(list, "%s%s", list->len == 0 ? "" : "\n", text);
}

static int
add_lists(struct strlist *texts, const struct report *report, struct err *err)
{
	CLEANUP(str_free) struct str names = STR_INIT;
	CLEANUP(str_free) struct str archives = STR_INIT;
	CLEANUP(cleanup_free) char *all_names = NULL;
	CLEANUP(cleanup_free) char *all_archives = NULL;
	uint64_t size_bytes = 0;
	size_t i;

	for (i = 0; i < report->n_jobs; i++) {
		const struct report_job *job = &report->jobs[i];

		add_line(&names, job->name);
		size_bytes += job->size_bytes;
		if (job->archive != NULL)
			add_line(&archives, job->archive);
	}
	if (str_take(&names, &all_names, err) < 0 ||
	    str_take(&archives, &all_archives, err) < 0 ||
	    add_fact(texts, "RUN_JOBS", all_names, err) < 0 ||
	    add_fact(texts, "RUN_ARCHIVES", all_archives, err) < 0)
		return -1;
	return strlist_addf(texts, err, "RUN_SIZE_BYTES=%llu",
	    (unsigned long long)size_bytes);
}

static int
collect(struct facts *facts, const char *event, const struct report *report,
    struct err *err)
{
	bool over = report->finished != 0;
	const char *error = over ? report_error(report) : NULL;
	struct strlist *texts = &facts->texts;
	size_t i;

	if (strlist_addf(texts, err, "RUN_EVENT=%s", event) < 0 ||
	    strlist_addf(texts, err, "RUN_ID=%s", report->id) < 0 ||
	    strlist_addf(texts, err, "RUN_OUTCOME=%s",
	    over ? outcome_name(report_outcome(report)) : "") < 0 ||
	    (over ? strlist_addf(texts, err, "RUN_EXIT_STATUS=%d",
	    (int)report_exit(report)) :
	    strlist_add(texts, "RUN_EXIT_STATUS=", err)) < 0 ||
	    add_fact(texts, "RUN_ERROR", error != NULL ? error : "",
	    err) < 0 ||
	    strlist_addf(texts, err, "RUN_SECONDS=%.3f",
	    report->seconds) < 0 ||
	    add_lists(texts, report, err) < 0)
		return -1;
	for (i = 0; i < texts->n && i < FACTS; i++)
		facts->env[i] = texts->v[i];
	return 0;
}

static void
facts_free(struct facts *facts)
{
	strlist_free(&facts->texts);
}

int
command_hook_run(const char *command, const char *event, double timeout_s,
    const struct report *report, struct err *err)
{
	CLEANUP(facts_free) struct facts facts = { .texts = STRLIST_INIT };
	CLEANUP(cleanup_free) char *json = NULL;
	struct spawn spawn = { .command = command,
		.timeout_s = timeout_s, .env = facts.env,
		.despite_signal = report->finished != 0, .line = log_line,
		.cookie = (void *)(uintptr_t)event };

	if (collect(&facts, event, report, err) < 0 ||
	    report_json_text(report, &json, err) < 0)
		return -1;
	spawn.input = json;
	spawn.input_len = strlen(json);
	return spawn_run(&spawn, err);
}
