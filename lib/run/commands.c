#include "lib/run/commands.h"

#include <stdlib.h>

#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/base/spawn.h"
#include "lib/base/str.h"

#define NS_PER_S 1e9

static double
limit(int64_t timeout_ns)
{
	double timeout_s = (double)timeout_ns / NS_PER_S;

	return intr_signal() != 0 && (timeout_s > INTR_AFTER_S ||
	    timeout_s <= 0) ? INTR_AFTER_S : timeout_s;
}

/* --- on this host -------------------------------------------------------- */

static void
log_line(void *cookie, const char *line)
{
	const char *hook = cookie;

	log_info("hooks.%s: %s", hook, line);
}

static int
run_hook(const struct commands *commands, const char *hook,
    const char *command, const char *outcome, struct err *err)
{
	const struct job *job = commands->job;
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *result = NULL;
	const char *env[4] = { NULL };
	struct spawn spawn = {
		.command = command, .env = env,
		.timeout_s = (double)job->options->hook_timeout_ns / NS_PER_S,
		.despite_signal = outcome != NULL, .line = log_line,
		.cookie = (void *)(uintptr_t)hook };

	if (str_format(&path, err, "COMMAND_RUNTIME_ARCHIVE_FILEPATH=%s",
	    commands->archive_path) < 0 ||
	    str_format(&name, err, "JOB_NAME=%s", job->name) < 0 ||
	    str_format(&result, err, "JOB_OUTCOME=%s",
	    outcome != NULL ? outcome : "") < 0)
		return -1;
	env[0] = path;
	env[1] = name;
	env[2] = outcome != NULL ? result : NULL;
	return spawn_run(&spawn, err) == 0 ? 0 :
	    err_add(err, "hooks.%s", hook);
}

int
commands_before(struct commands *commands, struct err *err)
{
	const char *command = commands->job->options->hook_before;

	commands->began = true;
	return command == NULL ? 0 :
	    run_hook(commands, "before", command, NULL, err);
}

void
commands_after(struct commands *commands, const char *outcome)
{
	const char *command = commands->job->options->hook_after;
	struct err err = ERR_INIT;

	if (commands->began && command != NULL &&
	    run_hook(commands, "after", command, outcome, &err) < 0)
		teller_say(commands->teller, "%s", err.msg);
}

/* --- in containers ------------------------------------------------------- */

static void
tell_failed(void *cookie, const char *message)
{
	const struct commands *commands = cookie;

	teller_say(commands->teller, "%s", message);
}

int
commands_phase(struct commands *commands, enum lifecycle_phase phase,
    bool post, struct err *err)
{
	const struct options *o = commands->job->options;
	const struct lifecycle_settings settings = {
		.engine = commands->engine,
		.archive_path = commands->archive_path,
		.timeout_s = limit(o->exec_timeout_ns),
		.forward_output = o->exec_forward_output,
		.failed = tell_failed,
		.cookie = commands };

	/* What was not come to has nothing after it: a copy-post may tell
	 * somebody that there is a new copy. */
	if (!post)
		commands->reached[phase] = true;
	if (commands->engine == NULL || !commands->reached[phase])
		return 0;
	return lifecycle_run(&commands->job->lifecycle, &settings, phase, post,
	    err);
}

void
commands_after_phase(struct commands *commands, enum lifecycle_phase phase)
{
	struct err err = ERR_INIT;

	if (commands_phase(commands, phase, true, &err) < 0)
		teller_say(commands->teller, "%s", err.msg);
}
