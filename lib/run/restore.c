#include "lib/run/restore.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/run/restoring.h"

void
restore_result_free(struct restore_result *result)
{
	free(result->archive);
	free(result->store);
	*result = (struct restore_result)RESTORE_RESULT_INIT;
}

static void
restoring_end(struct restoring *r)
{
	restore_source_free(&r->source);
	restore_secrets_free(&r->secrets);
	restore_choice_free(&r->choice);
	restore_wants_free(&r->wants);
}

static int
choose(struct restoring *r, struct err *err)
{
	const struct restore_settings *settings = r->settings;

	if (restore_wants_parse(settings->volumes, settings->paths,
	    &r->wants, err) < 0 ||
	    restore_choose(r->config, settings, &r->wants, &r->choice,
	    err) < 0)
		return -1;
	r->result->problems += r->choice.problems;
	if (str_dup(r->choice.v[0]->name, &r->result->archive, err) < 0)
		return -1;
	if (settings->archive == NULL)
		log_info("the archive is '%s'", r->result->archive);
	return restoring_open(r, err);
}

/* Names and directory may be anything: the line stays one. */
static int
tell_result(const struct restoring *r, struct err *err)
{
	const struct restore_settings *settings = r->settings;
	const struct restore_result *result = r->result;
	CLEANUP(str_free) struct str line = STR_INIT;
	char size[CLOCK_BYTES_BYTES];

	clock_bytes(result->raw_bytes, size);
	str_addf(&line, "%s: %" PRIu64 " files, %s, from ",
	    settings->dry_run ? "would restore" : "restored", result->files,
	    size);
	str_add_visible(&line, result->archive);
	str_addf(&line, " in %s ", result->store);
	str_add(&line, settings->to != NULL ? "to " : "in place");
	str_add_visible(&line, settings->to != NULL ? settings->to : "");
	if (line.failed)
		return err_nomem(err);
	if (settings->dry_run)
		log_info("%s", line.s);
	else
		settings->tell(settings->cookie, line.s);
	return 0;
}

static int
restore(struct restoring *r, struct err *err)
{
	if ((r->settings->to != NULL ? restore_to(r, err) :
	    restore_in_place(r, err)) < 0 ||
	    str_dup(store_label(r->source.store), &r->result->store,
	    err) < 0)
		return -1;
	if (restore_wants_check(&r->wants, err) < 0)
		return opening_blame(r->result->store, r->result->archive,
		    err);
	return tell_result(r, err);
}

int
restore_run(const struct config *config,
    const struct restore_settings *settings, struct restore_result *ret,
    struct err *err)
{
	CLEANUP(restoring_end) struct restoring r = { .config = config,
		.settings = settings, .result = ret,
		.secrets = RESTORE_SECRETS_INIT,
		.source = RESTORE_SOURCE_INIT };

	*ret = (struct restore_result)RESTORE_RESULT_INIT;
	return choose(&r, err) < 0 ? -1 : restore(&r, err);
}
