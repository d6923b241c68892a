/*
 * complete WORD...: what may the last word become? The words are those behind
 * `vbackup` on somebody's command line; the last one may be empty.
 *
 * One candidate on each line, with a tab and a remark behind some. A line that
 * begins with a tab is a wish: the shell shall offer files, or directories.
 * The three shells' own files (scripts/completion) do no more than ask this,
 * and this knows no verb and no option by itself: see complete_usage.h.
 *
 * Somebody is typing. So there is no noise, whatever is wrong; no command that
 * prints a secret is run but for archives on a server, which need it; and who
 * does not answer soon is not waited for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/complete_usage.h"
#include "lib/run/complete.h"

#define LIMIT_S 2

struct complete {
	const char *config_file;
	const struct cmd_verb *verb;	/* NULL: before it */
	struct complete_usage usage;	/* of the verb, or of what is before */
	const char *option;	/* that the last word belongs to, or NULL */
	size_t place;		/* that it fills, if it is no option */
	bool no_options;	/* "--" stood before it */
	const char *word;	/* the last one, as far as it is typed */
	const char *prefix;	/* "--store=", of prefix_n bytes, if it is in */
	size_t prefix_n;	/* the word */
	struct strlist jobs;	/* named before it */
	const char *store;
};

/* --- output -------------------------------------------------------------- */

static void
offer(const struct complete *c, const char *text, const char *remark)
{
	if (!str_starts(text, c->word) || strpbrk(text, "\t\n\r") != NULL)
		return;
	(void)printf("%.*s%s%s%s\n", (int)c->prefix_n, c->prefix, text,
	    *remark != '\0' ? "\t" : "", remark);
}

static void
offer_verbs(const struct complete *c)
{
	const struct cmd_verb *verb;

	for (verb = cmd_verbs; verb->name != NULL; verb++)
		if (!verb->hidden)
			offer(c, verb->name, verb->help);
}

static void
offer_options(const struct complete *c)
{
	size_t i;

	for (i = 0; i < c->usage.options.keys.n; i++)
		offer(c, c->usage.options.keys.v[i],
		    c->usage.options.values.v[i]);
}

/* --- names that only files, stores and the Engine know ------------------- */

static void
offer_new(const struct complete *c, const struct strlist *names,
    const struct strlist *offered)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (!strlist_has(offered, names->v[i]))
			offer(c, names->v[i], "");
	(void)fflush(stdout);
}

/* Those in directories first: they are there, whatever becomes of the rest. */
static int
offer_archives(const struct complete *c, bool servers,
    const struct strlist *offered, struct err *err)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	struct cmd_context context = { .config_file = c->config_file,
		.no_commands = !servers };
	struct catalogue_filter filter = { c->store, &c->jobs };
	bool more;

	if (cmd_read_config(&context, &config, err) < 0)
		return -1;
	more = !servers && complete_forget_servers(&config);
	if (complete_archives(&config, &filter, &names, err) < 0)
		*err = (struct err)ERR_INIT;
	offer_new(c, &names, offered);
	return more ? offer_archives(c, true, &names, err) : 0;
}

static int
list(const struct complete *c, const char *what, struct strlist *to,
    struct err *err)
{
	CLEANUP(config_free) struct config config = { 0 };
	struct cmd_context context = { .config_file = c->config_file,
		.no_commands = true };

	if (cmd_read_config(&context, &config, err) < 0)
		return -1;
	if (strcmp(what, "JOB") == 0)
		return complete_jobs(&config, to, err);
	if (strcmp(what, "STORE") == 0)
		return complete_stores(&config, to, err);
	if (strcmp(what, "VOLUME") == 0)
		return complete_volumes(&config, to, err);
	if (strcmp(what, "CONTAINER") == 0)
		return complete_containers(&config, to, err);
	return 0;
}

/* What could not be had is not offered. */
static void
offer_list(const struct complete *c, const char *what)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	static const struct strlist none = STRLIST_INIT;
	struct err ignored = ERR_INIT;

	(void)fflush(stdout);	/* what is known already, should time run out */
	if (strcmp(what, "ARCHIVE") == 0)
		(void)offer_archives(c, false, &none, &ignored);
	else if (list(c, what, &names, &ignored) == 0)
		offer_new(c, &names, &none);
}

/* What the manual calls NAME behind --store is a STORE. */
static void
offer_named_as(const struct complete *c, const char *option)
{
	char what[64];
	size_t i;

	option += strspn(option, "-");
	for (i = 0; option[i] != '\0' && i + 1 < sizeof what; i++)
		what[i] = option[i] >= 'a' && option[i] <= 'z' ?
		    (char)(option[i] - 'a' + 'A') : option[i];
	what[i] = '\0';
	offer_list(c, what);
}

static void
offer_one(const struct complete *c, const char *what)
{
	if (*what >= 'a' && *what <= 'z')
		offer(c, what, "");
	else if (strcmp(what, "COMMAND") == 0)
		offer_verbs(c);
	else if (strcmp(what, "FILE") == 0 || strcmp(what, "PATH") == 0)
		(void)puts("\tfiles");
	else if (strcmp(what, "DIR") == 0)
		(void)puts("\tdirectories");
	else if (strcmp(what, "NAME") == 0 && c->option != NULL)
		offer_named_as(c, c->option);
	else
		offer_list(c, what);
}

/* "text|json", "latest|ARCHIVE": what is quick to tell comes first. */
static void
offer_alternatives(const struct complete *c, const char *alternatives)
{
	int names;

	for (names = 0; names < 2; names++) {
		CLEANUP(cleanup_free) char *copy = strdup(alternatives);
		char *rest = copy, *what;

		while (copy != NULL && (what = strsep(&rest, "|")) != NULL)
			if ((*what >= 'A' && *what <= 'Z') == (names == 1))
				offer_one(c, what);
	}
}

/* --- where the last word stands ------------------------------------------ */

/* "--config" in the usage: the texts have the short ones of some, only. */
static const char *
short_of(const char *word, char ret[3])
{
	const struct option *o;

	if (!str_starts(word, "--"))
		return word;
	if (strcmp(word, "--job") == 0)
		return "-j";
	for (o = cmd_global_options; o->name != NULL; o++)
		if (strcmp(word + 2, o->name) == 0 && o->val < 128) {
			(void)snprintf(ret, 3, "-%c", o->val);
			return ret;
		}
	return word;
}

/* What an option takes; "" nothing; NULL: there is no such option. */
static const char *
argument_of(const struct complete *c, const char *word)
{
	const char *found = strmap_get(&c->usage.options, word);
	char shorter[3];

	return found != NULL ? found : strmap_get(&c->usage.options,
	    short_of(word, shorter));
}

static int
note(struct complete *c, const char *option, const char *value,
    struct err *err)
{
	char shorter[3];

	option = short_of(option, shorter);
	if (c->verb == NULL && strcmp(option, "-c") == 0)
		c->config_file = value;
	else if (c->verb != NULL && strcmp(option, "-j") == 0)
		return strlist_add(&c->jobs, value, err);
	else if (c->verb != NULL && strcmp(option, "--store") == 0)
		c->store = value;
	return 0;
}

/* Before the verb, options have long names that the usage leaves out. */
static int
read_global(struct complete *c, struct err *err)
{
	const struct option *o;

	if (complete_usage_read(cmd_global_arguments, &c->usage, err) < 0)
		return -1;
	for (o = cmd_global_options; o->name != NULL; o++) {
		CLEANUP(cleanup_free) char *name = NULL;
		const char *argument;

		if (str_format(&name, err, "--%s", o->name) < 0)
			return -1;
		argument = argument_of(c, name);
		if (strmap_add(&c->usage.options, name,
		    argument != NULL ? argument : "", err) < 0)
			return -1;
	}
	return 0;
}

static int
take_verb(struct complete *c, const char *word, struct err *err)
{
	c->verb = cmd_find(word);
	complete_usage_free(&c->usage);
	c->usage = (struct complete_usage)COMPLETE_USAGE_INIT;
	return c->verb == NULL ? err_set(err, ERR_USAGE, "no such verb") :
	    complete_usage_read(c->verb->arguments, &c->usage, err);
}

/* A word before the last one. */
static int
take_word(struct complete *c, const char *word, struct err *err)
{
	const char *equals = strchr(word, '='), *argument;

	if (c->option != NULL) {
		const char *option = c->option;

		c->option = NULL;
		return note(c, option, word, err);
	}
	if (!c->no_options && strcmp(word, "--") == 0) {
		c->no_options = true;
		return 0;
	}
	if (!c->no_options && str_starts(word, "--") && equals != NULL) {
		CLEANUP(cleanup_free) char *option = strndup(word,
		    (size_t)(equals - word));

		return option == NULL ? err_nomem(err) :
		    note(c, option, equals + 1, err);
	}
	if (!c->no_options && *word == '-' && word[1] != '\0') {
		argument = argument_of(c, word);
		if (argument != NULL && *argument != '\0')
			c->option = word;
		return 0;
	}
	if (c->verb == NULL)
		return take_verb(c, word, err);
	c->place++;
	return 0;
}

/* "--store=na": the last word is "na", and belongs to --store. */
static int
take_last(struct complete *c, const char *word, char **ret_option,
    struct err *err)
{
	const char *equals = strchr(word, '=');

	c->word = word;
	if (c->option != NULL || c->no_options || !str_starts(word, "--") ||
	    equals == NULL)
		return 0;
	*ret_option = strndup(word, (size_t)(equals - word));
	if (*ret_option == NULL)
		return err_nomem(err);
	c->option = *ret_option;
	c->prefix = word;
	c->prefix_n = (size_t)(equals - word) + 1;
	c->word = equals + 1;
	return 0;
}

static void
answer(const struct complete *c)
{
	const char *place = complete_usage_place(&c->usage, c->place);

	if (c->option != NULL) {
		const char *argument = argument_of(c, c->option);

		if (argument != NULL)
			offer_alternatives(c, argument);
	} else if (!c->no_options && *c->word == '-') {
		offer_options(c);
	} else if (c->verb == NULL) {
		offer_verbs(c);
	} else if (place != NULL) {
		offer_alternatives(c, place);
	} else if (!c->no_options && *c->word == '\0') {
		offer_options(c);
	}
}

static int
complete(struct complete *c, int argc, char **argv, struct err *err)
{
	CLEANUP(cleanup_free) char *option = NULL;
	int i;

	if (read_global(c, err) < 0)
		return -1;
	for (i = 1; i < argc - 1; i++)
		if (take_word(c, argv[i], err) < 0)
			return -1;
	if (take_last(c, argc > 1 ? argv[argc - 1] : "", &option, err) < 0)
		return -1;
	answer(c);
	c->option = NULL;
	return 0;
}

/* --- nobody waits -------------------------------------------------------- */

/* First as anybody would end us, so that a command that was started is ended,
 * too; then for good, where that did not help. */
static void
time_is_up(int signo)
{
	static volatile sig_atomic_t again;

	(void)signo;
	if (again)
		_exit(0);
	again = 1;
	(void)kill(getpid(), SIGTERM);
	(void)alarm(1);
}

static void
be_quick_and_silent(void)
{
	struct sigaction action = { .sa_handler = time_is_up };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)alarm(LIMIT_S);
}

enum exit_status
cmd_complete(const struct cmd_context *context, int argc, char **argv)
{
	struct complete c = { .config_file = context->config_file,
		.usage = COMPLETE_USAGE_INIT, .prefix = "",
		.jobs = STRLIST_INIT };
	struct err ignored = ERR_INIT;

	be_quick_and_silent();
	(void)complete(&c, argc, argv, &ignored);
	complete_usage_free(&c.usage);
	strlist_free(&c.jobs);
	(void)fflush(stdout);
	return EXIT_DONE;
}
