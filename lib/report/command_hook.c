#include "lib/report/command_hook.h"

#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/base/spawn.h"
#include "lib/report/report_json.h"

/* Who was asked to end shall be able to. */
#define AFTER_SIGNAL_S 5.0
#define FACTS 9

struct facts {			/* "NAME=value" */
	struct strlist texts;
	const char *env[FACTS + 1];
};

static double
limit(double timeout_s)
{
	return intr_signal() != 0 && (timeout_s > AFTER_SIGNAL_S ||
	    timeout_s <= 0) ? AFTER_SIGNAL_S : timeout_s;
}

static void
log_line(void *cookie, const char *line)
{
	const char *event = cookie;

	log_info("hook for %s: %s", event, line);
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

		str_addf(&names, "%s%s", i == 0 ? "" : "\n", job->name);
		size_bytes += job->size_bytes;
		if (job->archive != NULL)
			str_addf(&archives, "%s%s", archives.len == 0 ? "" :
			    "\n", job->archive);
	}
	if (str_take(&names, &all_names, err) < 0 ||
	    str_take(&archives, &all_archives, err) < 0 ||
	    strlist_addf(texts, err, "RUN_JOBS=%s", all_names) < 0 ||
	    strlist_addf(texts, err, "RUN_ARCHIVES=%s", all_archives) < 0)
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
	    strlist_addf(texts, err, "RUN_ERROR=%s",
	    error != NULL ? error : "") < 0 ||
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
		.timeout_s = limit(timeout_s), .env = facts.env,
		.despite_signal = true, .line = log_line,
		.cookie = (void *)(uintptr_t)event };

	if (collect(&facts, event, report, err) < 0 ||
	    report_json_text(report, &json, err) < 0)
		return -1;
	spawn.input = json;
	spawn.input_len = strlen(json);
	return spawn_run(&spawn, err);
}
