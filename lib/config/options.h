/*
 * options: every setting, declared once.
 *
 * options.def has a row for each setting. From it come the members of struct
 * options (so code says o->lock_timeout_ns, typed), the table option_specs,
 * and through the table: file key and variable, parsing, range errors,
 * defaults (parsed like input), dump, the init sample, the manual's list and
 * completion. A new setting is a new row and nothing else.
 *
 *     options_init, options_set ... (config.h does that), use, options_free
 *
 * A row is OPTION(member, TYPE, .section = ..., .key = ..., ...). TYPE and the
 * C type of the member:
 *
 *     STRING    char *          NULL when unset
 *     SECRET    char *          NULL when unset; masked in the log and dump
 *     BOOL      bool            true false yes no on off 1 0 t f, any case
 *     INT       int64_t         decimal, within min..max
 *     DURATION  int64_t         nanoseconds, within min..max (in ns)
 *     SIZE      int64_t         bytes: 17, 16K, 16KiB, 1M, 2G, 1T (binary)
 *     MODE      int64_t         octal file mode, 0..0777
 *     CHOICE    int             index into choices
 *     LIST      struct strlist  elements by newline or comma, blanks trimmed,
 *                               empty ones dropped; "\," is a comma
 */
#ifndef LIB_CONFIG_OPTIONS_H
#define LIB_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* Tests put a table of their own here, to cover every type. */
#ifndef OPTIONS_DEF
#define OPTIONS_DEF "lib/config/options.def"
#endif

#define OPTION_MEMBER_STRING char *
#define OPTION_MEMBER_SECRET char *
#define OPTION_MEMBER_BOOL bool
#define OPTION_MEMBER_INT int64_t
#define OPTION_MEMBER_DURATION int64_t
#define OPTION_MEMBER_SIZE int64_t
#define OPTION_MEMBER_MODE int64_t
#define OPTION_MEMBER_CHOICE int
#define OPTION_MEMBER_LIST struct strlist

enum option_type { OPTION_STRING, OPTION_SECRET, OPTION_BOOL, OPTION_INT,
	OPTION_DURATION, OPTION_SIZE, OPTION_MODE, OPTION_CHOICE, OPTION_LIST };

enum option_id {
#define OPTION(member, type, ...) OPTION_ID_##member,
#include OPTIONS_DEF
#undef OPTION
	OPTION_COUNT
};

/* What the CHOICE rows mean, in the order of their choices. */
enum split_choice { SPLIT_NONE, SPLIT_PROJECT, SPLIT_VOLUME };
enum snapshot_choice { SNAPSHOT_NONE, SNAPSHOT_STAGED, SNAPSHOT_FALSE,
	SNAPSHOT_TRUE };	/* the last two as docker-volume-backup says */
enum verify_choice { VERIFY_BY_NONE, VERIFY_BY_SIZE, VERIFY_BY_READ,
	VERIFY_BY_DEEP };
enum access_choice { ACCESS_AUTO, ACCESS_ENGINE };
enum quiesce_choice { QUIESCE_BY_STOP, QUIESCE_BY_PAUSE, QUIESCE_BY_NONE };
enum notify_level_choice { NOTIFY_ERROR, NOTIFY_INFO };
enum ping_problems_choice { PING_PROBLEMS_FAIL, PING_PROBLEMS_LOG };
enum windows_choice { WINDOWS_TOGETHER, WINDOWS_EACH };
enum compression_choice { COMPRESS_AUTO, COMPRESS_GZ, COMPRESS_ZST,
	COMPRESS_NONE };

enum option_flag {
	OPTION_RUN_WIDE = 1,	/* one value for the whole run: not in a job */
	OPTION_REPEATS = 2,	/* the key may stand more than once (LIST) */
	OPTION_BINARY = 4,	/* a file (KEY_file) with a NUL or with bytes
				 * that are no UTF-8 becomes "base64:" and
				 * lines of base64 */
	OPTION_OR_ZERO = 8	/* 0 is good, too, where min is above it */
};

struct option_spec {
	const char *member;
	enum option_type type;
	size_t offset;			/* in struct options */
	const char *section;
	const char *key;
	const char *env;		/* NULL: VBACKUP_SECTION_KEY */
	const char *env_old;		/* an early name for env, or NULL */
	const char *def;		/* parsed like input; NULL: unset */
	const char *help;		/* one sentence */
	int64_t min, max;		/* both 0: the type's own range */
	const char *const *choices;	/* NULL-terminated */
	unsigned flags;
};

extern const struct option_spec option_specs[OPTION_COUNT];

enum option_origin_kind { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT };

struct option_origin {		/* where a value came from */
	enum option_origin_kind kind;
	char *where;		/* "/etc/vbackup/vbackup.conf:12",
				 * "BACKUP_SOURCES"; NULL for a default */
};

struct options {
#define OPTION(member, type, ...) OPTION_MEMBER_##type member;
#include OPTIONS_DEF
#undef OPTION
	struct option_origin origin[OPTION_COUNT];
};

/* options_init: the defaults. */
MUST_CHECK int options_init(struct options *ret, struct err *err);
void options_free(struct options *options);	/* secrets are wiped */
MUST_CHECK int options_copy(const struct options *options,
    struct options *ret, struct err *err);

/*
 * options_set: parse text into one member, and say where it came from.
 * An empty text resets the member to its default, but for a SECRET, where it
 * is an error. Secrets are told to log_secret.
 * Fails    ERR_CONFIG "'x' is not a duration (such as 90s or 1h30m)": the
 *          value is quoted but for secrets; the caller adds where it stands
 */
MUST_CHECK int options_set(struct options *options, enum option_id id,
    const char *text, enum option_origin_kind kind, const char *where,
    struct err *err);

/* options_text: the value as text that options_set reads back; NULL if unset;
 * caller frees. Secrets are "***" unless show_secrets. */
MUST_CHECK int options_text(const struct options *options, enum option_id id,
    bool show_secrets, char **ret, struct err *err);

/* options_is_set: did it come from anywhere but the default? */
bool options_is_set(const struct options *options, enum option_id id);

/* option_env: the row's variable, VBACKUP_SECTION_KEY where it names none. */
MUST_CHECK int option_env(const struct option_spec *spec, char **ret,
    struct err *err);

/* option_find: the row of a key in a section, or -1. */
int option_find(const char *section, const char *key);

#endif
