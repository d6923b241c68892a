/*
 * config: from files and the environment to options.
 *
 * defaults < vbackup.conf < environment < [job NAME] sections and conf.d.
 * All problems are collected, not only the first: each is one line that names
 * the file and line, or the variable. Nothing is touched. The only files of
 * the project that know inih are behind this header.
 *
 * The file is INI. Values run to the end of the line (no comment after a
 * value); a line that begins with a blank continues the value above it, as one
 * more line: lines are joined by newlines, and where nothing stands behind the
 * = the value begins with the next line. Blanks at both ends of a line are
 * cut; in a continuation line a backslash keeps what would not survive: blanks
 * at its beginning, # and ; there, and an empty line (which is a backslash
 * alone). So a value may be anything but a line with blanks at its end. Lines
 * may be of any length up to 64 KiB. Comments are lines that begin, after any
 * blanks, with # or ;. A key stands once in a section, but for OPTION_REPEATS.
 * A key without a value resets the setting to its default, for a job too.
 *
 * A setting is given as KEY, as KEY_file (a file's content, trailing newlines
 * cut) or KEY_command (what the command prints, the same; SECRET only): at
 * most one of the three, the same for variables with _FILE and _COMMAND. A file
 * in $CREDENTIALS_DIRECTORY (systemd's) that is called as a setting's variable
 * is as that variable with _FILE, and no other form of it may be there. A file
 * that is empty and a variable that is empty count as not set, but for a
 * SECRET, where they are problems.
 */
#ifndef LIB_CONFIG_CONFIG_H
#define LIB_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/options.h"

/* The job of a configuration that names none. */
#define CONFIG_BASE_JOB "backup"

struct config_job {
	char *name;		/* as in [job NAME], or a conf.d file's stem */
	char *where;		/* "/etc/vbackup/conf.d/db.conf:3" */
	struct options options;	/* base, overridden */
};

/* A store of its own: [archive NAME] or [s3 NAME], also in conf.d, with all
 * plain settings but for those that it sets; its keys are those of its
 * section. The plain archive.path is not taken over. Every job uses it, beside
 * the plain stores. */
struct config_store {
	const char *kind;	/* "archive" or "s3" */
	char *name;
	char *where;
	struct options options;
};

struct config {
	struct options base;
	struct config_job *jobs;	/* in the order they were found */
	size_t n_jobs;
	struct config_store *stores;	/* in the order they were found */
	size_t n_stores;
	struct strlist problems;	/* each leads to exit 2 */
	struct strlist warnings;
	bool no_commands;	/* as in the input */
};

struct config_input {
	const char *file;	/* NULL: no file; else it must be readable */
	const char *directory;	/* conf.d; NULL or missing: none */
	char *const *environment;	/* as environ; NULL-terminated; also
					 * says where credentials are */
	bool no_commands;	/* KEY_command is not run: such a secret is
				 * unset, and that is no problem */
};

/*
 * config_load: read everything.
 *
 * Gives    *ret: filled also when there are problems, so that check and
 *          notifications can use what could be read; config_free
 * Fails    ERR_NOMEM only; everything else is in problems
 *
 * Problems: unknown section or key (with the nearest known one), a key twice
 * (both lines named), a value out of range, KEY with KEY_FILE or KEY_COMMAND,
 * a file or command of those that fails or gives nothing for a secret, a job
 * twice or with a name that is empty or has a slash, OPTION_RUN_WIDE in a job,
 * a store twice among those of its kind or with a slash in its name, one
 * without a path or bucket, one in the same place as another of its kind,
 * an unknown VBACKUP_* variable, an unknown BACKUP_* one close to a known one,
 * a credential called VBACKUP_* that is no variable, or as a setting's variable
 * with _FILE or _COMMAND (any other name is somebody else's),
 * a variable that would switch on a store or a sealing that we lack.
 * Warnings: other unknown BACKUP_* variables, variables of
 * docker-volume-backup that have no effect here, early names.
 * In [job NAME] a bare key is one of [backup]; others are "section.key". A job
 * that sets sources or volumes takes only what it sets: of the other it gets
 * nothing (sources unset, volumes none). The plain sections of
 * conf.d/NAME.conf, if it has any, and conf.d/NAME.env make a job NAME.
 */
MUST_CHECK int config_load(const struct config_input *input,
    struct config *ret, struct err *err);
void config_free(struct config *config);

/* config_drop_stores: forget the named stores of a kind. */
void config_drop_stores(struct config *config, const char *kind);

/* config_forget_secrets: overwrite the variables of all SECRET settings and
 * take them out of this process's environment, once they were loaded: no child
 * inherits them, and nobody reads them in /proc. */
void config_forget_secrets(void);

/* config_dump: *ret is an INI text with every setting, and above each a
 * comment that says where it came from; stores and jobs follow with what they
 * set. What
 * is not set is a comment with its default. config_load reads it back to the
 * same, but for blanks at the end of a line, and for secrets: unless
 * show_secrets, what holds one is a comment with *** in its place. */
MUST_CHECK int config_dump(const struct config *config, bool show_secrets,
    char **ret, struct err *err);

/* config_sample: *ret is a commented sample file: every setting with its help
 * and default, commented out, so that it loads to the defaults. */
MUST_CHECK int config_sample(char **ret, struct err *err);

#endif
