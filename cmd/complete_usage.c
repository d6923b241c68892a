#define _GNU_SOURCE
#include "cmd/complete_usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 1024

struct reading {
	struct complete_usage *to;
	char options[TEXT_BYTES];	/* "-v|-q" that may take a word; "" */
	bool bar;			/* "|" stood before this word */
	bool filled;			/* a place, since the last bracket */
};

void
complete_usage_free(struct complete_usage *usage)
{
	strmap_free(&usage->options);
	strlist_free(&usage->places);
}

const char *
complete_usage_place(const struct complete_usage *usage, size_t place)
{
	size_t n = usage->places.n;

	if (place < n)
		return usage->places.v[place];
	return usage->repeats && n != 0 ? usage->places.v[n - 1] : NULL;
}

/* Each of "-v|-q" takes this. */
static int
set_options(struct reading *r, const char *names, const char *argument,
    struct err *err)
{
	char copy[TEXT_BYTES], *rest = copy, *name;

	(void)snprintf(copy, sizeof copy, "%s", names);
	while ((name = strsep(&rest, "|")) != NULL)
		if (strmap_add(&r->to->options, name, argument, err) < 0)
			return -1;
	return 0;
}

static int
add_alternative(struct reading *r, const char *word, struct err *err)
{
	char **last = &r->to->places.v[r->to->places.n - 1], *longer;

	if (str_format(&longer, err, "%s|%s", *last, word) < 0)
		return -1;
	free(*last);
	*last = longer;
	return 0;
}

static int
take_place(struct reading *r, const char *word, struct err *err)
{
	bool alternative = r->bar && r->filled;

	r->filled = true;
	r->bar = false;
	r->to->repeats = false;
	return alternative ? add_alternative(r, word, err) :
	    strlist_add(&r->to->places, word, err);
}

static int
take_word(struct reading *r, const char *word, struct err *err)
{
	char options[TEXT_BYTES];

	if (strcmp(word, "|") == 0) {
		r->bar = true;
		*r->options = '\0';
		return 0;
	}
	if (*word == '-') {
		r->bar = false;
		(void)snprintf(r->options, sizeof r->options, "%s", word);
		return set_options(r, word, "", err);
	}
	if (strcmp(word, "...") == 0)
		r->to->repeats = r->filled;
	if (*word == '.' || *word == '=')
		return 0;	/* "[=MEMBER]" is for people */
	if (*r->options == '\0')
		return take_place(r, word, err);
	memcpy(options, r->options, sizeof options);
	*r->options = '\0';
	return set_options(r, options, word, err);
}

/* Brackets end a word, and what they hold is a matter of its own. What stood
 * in one that is closed may still repeat. */
static int
take_group(struct reading *r, char *group, struct err *err)
{
	char *word;

	*r->options = '\0';
	r->bar = false;
	if (strncmp(group + strspn(group, " "), "...", 3) != 0)
		r->filled = false;
	while ((word = strsep(&group, " ")) != NULL)
		if (*word != '\0' && take_word(r, word, err) < 0)
			return -1;
	return 0;
}

/* "[PATH...]" is "[PATH ...]". */
static void
set_dots_apart(const char *text, char *to, size_t n)
{
	size_t used = 0;

	for (; *text != '\0' && used + 2 < n; text++) {
		if (strncmp(text, "...", 3) == 0)
			to[used++] = ' ';
		to[used++] = *text;
	}
	to[used] = '\0';
}

int
complete_usage_read(const char *text, struct complete_usage *ret,
    struct err *err)
{
	struct reading r = { .to = ret };
	char copy[TEXT_BYTES], *rest = copy, *group;

	set_dots_apart(text, copy, sizeof copy);
	while ((group = strsep(&rest, "[]()")) != NULL)
		if (*group != '\0' && take_group(&r, group, err) < 0)
			return -1;
	return 0;
}
