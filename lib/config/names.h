/*
 * names: which setting is meant, and which one might have been.
 *
 * A setting is named by a key of a section, or by a variable, and each of them
 * may end in _file or _command. A name that nobody knows is answered with the
 * nearest one that is known.
 */
#ifndef LIB_CONFIG_NAMES_H
#define LIB_CONFIG_NAMES_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/config/options.h"

/* How a setting is given: the value itself, a file that holds it, a command
 * that prints it, or a file of systemd's that has the variable's name. No name
 * says that last one. */
enum form { FORM_VALUE, FORM_FILE, FORM_COMMAND, FORM_CREDENTIAL };

struct name {
	int id;			/* enum option_id; -1: not known */
	enum form form;
	bool early;		/* the variable's early name */
};

/* names_key: a key in a section, or in a job ("key", "section.key"; section
 * is NULL then). FORM_COMMAND is found for any setting: the caller refuses it
 * where the setting is no secret. */
struct name names_key(const char *section, const char *key);

/* names_variable: a variable, the same. */
MUST_CHECK int names_variable(const char *variable, struct name *ret,
    struct err *err);

/* names_has_section: is there such a section? */
bool names_has_section(const char *section);

#define NAMES_BYTES 64

/* names_nearest_*: a known name close to this one, or "". Close is at most 3,
 * or a third of its length, away by str_distance. A longer name than fits is
 * close to nothing. */
void names_nearest_key(const char *section, const char *key,
    char ret[NAMES_BYTES]);
void names_nearest_section(const char *section, char ret[NAMES_BYTES]);
MUST_CHECK int names_nearest_variable(const char *variable,
    char ret[NAMES_BYTES], struct err *err);

/* names_home: the section that has this key, where there is one: or NULL. */
const char *names_home(const char *key);

#endif
