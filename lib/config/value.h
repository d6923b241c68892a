/*
 * value: one setting's value, from text and to text, by its row's type.
 *
 * Pure, but that the log is told what is secret. Only options.c, which knows
 * where a value lives, needs this; everybody else calls options_set and
 * options_text.
 */
#ifndef LIB_CONFIG_VALUE_H
#define LIB_CONFIG_VALUE_H

#include "lib/config/options.h"

/* A value between the text and the member. */
union value {
	char *string;		/* STRING, SECRET */
	bool boolean;
	int64_t number;		/* INT, DURATION, SIZE, MODE */
	int choice;
	struct strlist list;
};

/* value_is_empty: no text, or, for a list, a text without any element. */
bool value_is_empty(const struct option_spec *spec, const char *text);

/*
 * value_parse: read a text that is not empty.
 *
 * Gives    *ret: the caller owns what its member points to
 * Fails    ERR_CONFIG as options_set says, without the place; ERR_NOMEM
 */
MUST_CHECK int value_parse(const struct option_spec *spec, const char *text,
    union value *ret, struct err *err);

/* value_text: what value_parse reads back, from the member itself; NULL if it
 * is unset; caller frees. */
MUST_CHECK int value_text(const struct option_spec *spec, const void *value,
    bool show_secrets, char **ret, struct err *err);

#endif
