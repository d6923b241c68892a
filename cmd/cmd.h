/*
 * cmd: what the verbs share.
 *
 * main.c has a table of verbs; each verb is one file: arguments in, one call
 * into lib, output. Results go to stdout, the log to stderr.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <getopt.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/config/config.h"

struct cmd_context {
	const char *config_file;	/* -c, or NULL */
	bool quiet;
	bool no_commands;	/* see config_input */
};

struct cmd_verb {
	const char *name;
	const char *arguments;	/* "[-j JOB]... [--dry-run]" */
	const char *help;	/* one line */
	enum exit_status (*run)(const struct cmd_context *context, int argc,
	    char **argv);	/* argv[0] is the verb */
	bool hidden;		/* for programs, not for people */
};

extern const struct cmd_verb cmd_verbs[];	/* ends with a NULL name */
const struct cmd_verb *cmd_find(const char *name);

/* What stands before the verb. */
extern const char cmd_global_arguments[];	/* "[-c FILE] [-v|-q] ..." */
extern const struct option cmd_global_options[];

enum exit_status cmd_run(const struct cmd_context *, int, char **);
enum exit_status cmd_prune(const struct cmd_context *, int, char **);
enum exit_status cmd_list(const struct cmd_context *, int, char **);
enum exit_status cmd_show(const struct cmd_context *, int, char **);
enum exit_status cmd_restore(const struct cmd_context *, int, char **);
enum exit_status cmd_status(const struct cmd_context *, int, char **);
enum exit_status cmd_notify(const struct cmd_context *, int, char **);
enum exit_status cmd_recover(const struct cmd_context *, int, char **);
enum exit_status cmd_check(const struct cmd_context *, int, char **);
enum exit_status cmd_dump(const struct cmd_context *, int, char **);
enum exit_status cmd_init(const struct cmd_context *, int, char **);
enum exit_status cmd_verify(const struct cmd_context *, int, char **);
enum exit_status cmd_version(const struct cmd_context *, int, char **);
enum exit_status cmd_complete(const struct cmd_context *, int, char **);
enum exit_status cmd_help(const struct cmd_context *, int, char **);

/* cmd_usage: one line on stderr: what is wrong, and how it goes. */
enum exit_status cmd_usage(const char *verb, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* cmd_fail: log the error; the exit status that it leads to. */
enum exit_status cmd_fail(const struct err *err);

/* cmd_take_jobs: the options of run and prune, [-j JOB]... [--dry-run], and
 * [--json] unless json is NULL. EXIT_DONE, or the usage was printed. */
enum exit_status cmd_take_jobs(int argc, char **argv, struct strlist *jobs,
    bool *dry_run, bool *json);

/* cmd_flush: is everything that went to stdout really out? */
enum exit_status cmd_flush(enum exit_status status);

/* cmd_read_config: all settings, problems included; applies the time zone.
 * Without -c: the installed file, if it is there, and conf.d. */
MUST_CHECK int cmd_read_config(const struct cmd_context *context,
    struct config *ret, struct err *err);

/* cmd_load_config: the same, but problems are logged and are an error. */
MUST_CHECK int cmd_load_config(const struct cmd_context *context,
    struct config *ret, struct err *err);

#endif
