#include "lib/docker/lifecycle.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/lines.h"
#include "lib/base/log.h"
#include "lib/docker/command_words.h"
#include "lib/docker/engine_exec.h"

#define ENV_ARCHIVE "COMMAND_RUNTIME_ARCHIVE_FILEPATH"

#define PREFIX_OLD "docker-volume-backup."
#define PREFIX_NEW "vbackup."

/* Two labels of the same meaning, one for each prefix. */
struct label {
	const char *v[2];
};

#define LABEL(name) { { PREFIX_OLD name, PREFIX_NEW name } }

static const struct label label_exec = LABEL("exec-label");

/* In the order in which they run. */
static const struct slot {
	enum lifecycle_phase phase;
	bool post;
	struct label command;
	struct label user;
	struct label old;	/* early name of command, or NULLs */
} slots[] = {
	{ LIFECYCLE_ARCHIVE, false, LABEL("archive-pre"),
	  LABEL("archive-pre.user"), LABEL("exec-pre") },
	{ LIFECYCLE_ARCHIVE, true, LABEL("archive-post"),
	  LABEL("archive-post.user"), LABEL("exec-post") },
	{ LIFECYCLE_PROCESS, false, LABEL("process-pre"),
	  LABEL("process-pre.user"), { { NULL, NULL } } },
	{ LIFECYCLE_PROCESS, true, LABEL("process-post"),
	  LABEL("process-post.user"), { { NULL, NULL } } },
	{ LIFECYCLE_COPY, false, LABEL("copy-pre"),
	  LABEL("copy-pre.user"), { { NULL, NULL } } },
	{ LIFECYCLE_COPY, true, LABEL("copy-post"),
	  LABEL("copy-post.user"), { { NULL, NULL } } },
	{ LIFECYCLE_PRUNE, false, LABEL("prune-pre"),
	  LABEL("prune-pre.user"), { { NULL, NULL } } },
	{ LIFECYCLE_PRUNE, true, LABEL("prune-post"),
	  LABEL("prune-post.user"), { { NULL, NULL } } },
};

struct candidate {
	const struct container *container;
	bool in_group;		/* exec-label lets its commands run */
};

struct finder {
	struct candidate *candidates;	/* sorted by name */
	size_t n;
	struct lifecycle *commands;	/* has room for them all */
	struct strlist *problems;
	struct strlist *warnings;
};

/* What a label of a container says; name NULL: it has none. */
struct said {
	const char *name;	/* under which it stands */
	const char *text;
};

/* Both at once are a problem: neither can be meant more than the other. */
static int
look_up(const struct finder *f, const struct container *container,
    const struct label *label, struct said *ret, struct err *err)
{
	size_t i;

	*ret = (struct said){ NULL, NULL };
	for (i = 0; i < 2 && label->v[i] != NULL; i++) {
		const char *text = strmap_get(&container->labels, label->v[i]);

		if (text != NULL && ret->name != NULL)
			return strlist_addf(f->problems, err, "container '%s': "
			    "labels %s and %s mean the same (take one away)",
			    container->name, ret->name, label->v[i]);
		if (text != NULL)
			*ret = (struct said){ label->v[i], text };
	}
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	int order = strcmp(left->container->name, right->container->name);

	return order != 0 ? order :
	    strcmp(left->container->id, right->container->id);
}

/* Only those that can run a command, and each once. */
static void
collect(struct finder *f, const struct container *const *containers, size_t n)
{
	size_t i, unique = 0;

	for (i = 0; i < n; i++)
		if (containers[i]->running && !containers[i]->paused)
			f->candidates[f->n++].container = containers[i];
	if (f->n != 0)
		qsort(f->candidates, f->n, sizeof *f->candidates, by_name);
	for (i = 0; i < f->n; i++)
		if (unique == 0 || by_name(&f->candidates[unique - 1],
		    &f->candidates[i]) != 0)
			f->candidates[unique++] = f->candidates[i];
	f->n = unique;
}

static int
group(const struct finder *f, const char *exec_label, struct err *err)
{
	struct said said;
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct candidate *c = &f->candidates[i];

		c->in_group = exec_label == NULL;
		if (c->in_group)
			continue;
		if (look_up(f, c->container, &label_exec, &said, err) < 0)
			return -1;
		c->in_group = said.name != NULL &&
		    strcmp(said.text, exec_label) == 0;
	}
	return 0;
}

/* The command of this container in this slot; its name is NULL where there is
 * none. docker-volume-backup would run both the new and the early name. */
static int
choose(const struct finder *f, const struct candidate *c,
    const struct slot *slot, struct said *ret, struct err *err)
{
	struct said said = { NULL, NULL }, old;

	if (c->in_group &&
	    look_up(f, c->container, &slot->command, &said, err) < 0)
		return -1;
	if (look_up(f, c->container, &slot->old, &old, err) < 0)
		return -1;
	*ret = said.name != NULL ? said : old;
	if (old.name == NULL)
		return 0;
	if (said.name != NULL)
		return strlist_addf(f->warnings, err, "container '%s': label "
		    "%s is an early name of %s, which stands beside it: only "
		    "the latter's command is run", c->container->name,
		    old.name, said.name);
	return strlist_addf(f->warnings, err, "container '%s': label %s is an "
	    "early name of %s", c->container->name, old.name,
	    slot->command.v[str_starts(old.name, PREFIX_NEW)]);
}

static void
command_free(struct lifecycle_command *command)
{
	free(command->label);
	free(command->user);
	command_words_free(command->argv);
}

/* A command that is none is a problem, and is left out. */
static int
add(struct finder *f, const struct candidate *c, const struct slot *slot,
    const struct said *said, struct err *err)
{
	CLEANUP(command_free) struct lifecycle_command command = {
		.container = c->container, .phase = slot->phase,
		.post = slot->post,
	};
	struct err problem = ERR_INIT;
	struct said user;

	if (look_up(f, c->container, &slot->user, &user, err) < 0 ||
	    str_dup(said->name, &command.label, err) < 0 ||
	    (user.name != NULL && *user.text != '\0' &&
	    str_dup(user.text, &command.user, err) < 0))
		return -1;
	if (command_words(said->text, &command.argv, &problem) < 0)
		return problem.kind == ERR_NOMEM ? err_nomem(err) :
		    strlist_addf(f->problems, err, "container '%s': label "
		    "%s: %s", c->container->name, said->name, problem.msg);
	f->commands->v[f->commands->n++] = command;
	command = (struct lifecycle_command){ .container = NULL };
	return 0;
}

static int
find(struct finder *f, struct err *err)
{
	size_t i, k;

	for (i = 0; i < sizeof slots / sizeof slots[0]; i++)
		for (k = 0; k < f->n; k++) {
			struct said said;

			if (choose(f, &f->candidates[k], &slots[i], &said,
			    err) < 0)
				return -1;
			if (said.name != NULL && add(f, &f->candidates[k],
			    &slots[i], &said, err) < 0)
				return -1;
		}
	return 0;
}

int
lifecycle_find(const struct container *const *containers, size_t n,
    const char *exec_label, struct lifecycle *ret, struct strlist *problems,
    struct strlist *warnings, struct err *err)
{
	CLEANUP(lifecycle_free) struct lifecycle commands = LIFECYCLE_INIT;
	CLEANUP(cleanup_free) struct candidate *candidates = NULL;
	struct finder f = { .commands = &commands, .problems = problems,
		.warnings = warnings };

	candidates = calloc(n + 1, sizeof *candidates);
	f.candidates = candidates;
	if (candidates == NULL)
		return err_nomem(err);
	collect(&f, containers, n);
	commands.v = calloc(f.n * (sizeof slots / sizeof slots[0]) + 1,
	    sizeof *commands.v);
	if (commands.v == NULL)
		return err_nomem(err);
	if (group(&f, exec_label, err) < 0 || find(&f, err) < 0)
		return -1;
	*ret = commands;
	commands = (struct lifecycle)LIFECYCLE_INIT;
	return 0;
}

void
lifecycle_free(struct lifecycle *lifecycle)
{
	size_t i;

	for (i = 0; i < lifecycle->n; i++)
		command_free(&lifecycle->v[i]);
	free(lifecycle->v);
	*lifecycle = (struct lifecycle)LIFECYCLE_INIT;
}

bool
lifecycle_any(const struct lifecycle *lifecycle, enum lifecycle_phase phase)
{
	size_t i;

	for (i = 0; i < lifecycle->n; i++)
		if (lifecycle->v[i].phase == phase)
			return true;
	return false;
}

struct listener {
	const char *container;
	bool forward;
};

static void
log_output(void *cookie, const char *line)
{
	const struct listener *listener = cookie;

	if (listener->forward)
		log_info("container '%s': %s", listener->container, line);
	else
		log_debug("container '%s': %s", listener->container, line);
}

static int
take_output(void *cookie, const void *bytes, size_t n, struct err *err)
{
	(void)err;
	lines_add(cookie, bytes, n);
	return 0;
}

/* What is to be said of one that failed: by itself, or to be run at all. */
static int
fail(const struct lifecycle_command *command, int status,
    const struct err *failure, const char *last, struct err *err)
{
	const char *separator = *last != '\0' ? ": " : "";

	if (failure->kind == ERR_NONE)
		return err_set(err, ERR_SYSTEM, "command of container '%s' "
		    "(label %s) failed with status %d%s%s",
		    command->container->name, command->label, status,
		    separator, last);
	return err_set(err, failure->kind, "command of container '%s' "
	    "(label %s): %s%s%s", command->container->name, command->label,
	    failure->msg, separator, last);
}

static int
execute(const struct lifecycle_command *command,
    const struct lifecycle_settings *settings, struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;
	struct listener listener = { command->container->name,
		settings->forward_output };
	struct lines lines = { .line = log_output, .cookie = &listener };
	const char *env[] = { NULL, NULL };
	struct engine_exec exec = {
		.argv = (const char *const *)command->argv, .env = env,
		.user = command->user, .timeout_s = settings->timeout_s,
		.output = take_output, .cookie = &lines,
	};
	struct err failure = ERR_INIT;
	int status = 0, rc;

	if (settings->archive_path != NULL && str_format(&path, err,
	    ENV_ARCHIVE "=%s", settings->archive_path) < 0)
		return -1;
	env[0] = path;
	log_info("container '%s': running the command of label %s",
	    command->container->name, command->label);
	rc = engine_exec_run(settings->engine, command->container->id, &exec,
	    &status, &failure);
	lines_end(&lines);
	if (rc == 0 && status == 0)
		return 0;
	return fail(command, status, &failure, lines.last, err);
}

/* The command on the other side of the phase, in the same container, or
 * NULL. */
static struct lifecycle_command *
counterpart(struct lifecycle *lifecycle,
    const struct lifecycle_command *command)
{
	size_t i;

	for (i = 0; i < lifecycle->n; i++) {
		struct lifecycle_command *other = &lifecycle->v[i];

		if (other->container == command->container &&
		    other->phase == command->phase &&
		    other->post != command->post)
			return other;
	}
	return NULL;
}

static int
run_before(struct lifecycle *lifecycle, struct lifecycle_command *command,
    const struct lifecycle_settings *settings, struct err *err)
{
	struct lifecycle_command *after = counterpart(lifecycle, command);

	if (intr_check(err) < 0)
		return -1;
	/* Before the call: whatever comes of it, something may have begun. */
	if (after != NULL)
		after->began = true;
	return execute(command, settings, err);
}

static void
run_after(struct lifecycle *lifecycle, struct lifecycle_command *command,
    const struct lifecycle_settings *settings)
{
	bool due = command->began || counterpart(lifecycle, command) == NULL;
	struct err err = ERR_INIT;

	command->began = false;		/* once for each time it was begun */
	if (due && execute(command, settings, &err) < 0)
		settings->failed(settings->cookie, err.msg);
}

int
lifecycle_run(struct lifecycle *lifecycle,
    const struct lifecycle_settings *settings, enum lifecycle_phase phase,
    bool post, struct err *err)
{
	size_t i;

	for (i = 0; i < lifecycle->n; i++) {
		struct lifecycle_command *command = &lifecycle->v[i];

		if (command->phase != phase || command->post != post)
			continue;
		if (post)
			run_after(lifecycle, command, settings);
		else if (run_before(lifecycle, command, settings, err) < 0)
			return -1;
	}
	return 0;
}
