#include "lib/docker/command_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#define BLANKS " \t"
#define SPECIAL "$`;&|<>()*?[~#"	/* to a shell, where not quoted */

struct splitter {
	const char *p;		/* what is left */
	struct str word;	/* that comes */
	bool in_word;		/* '' is one, though empty */
	struct strlist words;
	bool needs_shell;
};

static void
splitter_free(struct splitter *s)
{
	str_free(&s->word);
	strlist_free(&s->words);
}

static void
take(struct splitter *s)
{
	str_addn(&s->word, s->p++, 1);
	s->in_word = true;
}

static int
end_word(struct splitter *s, struct err *err)
{
	CLEANUP(cleanup_free) char *word = NULL;

	if (!s->in_word)
		return 0;
	s->in_word = false;
	if (str_take(&s->word, &word, err) < 0)
		return -1;
	return strlist_add(&s->words, word, err);
}

/* p is behind a backslash, outside of single quotes. */
static void
escaped(struct splitter *s)
{
	if (*s->p == '\0')
		s->needs_shell = true;
	else if (*s->p == '\n')
		s->p++;
	else
		take(s);
}

/* p is behind the opening quote. */
static void
single_quoted(struct splitter *s)
{
	size_t n = strcspn(s->p, "'");

	s->in_word = true;
	str_addn(&s->word, s->p, n);
	s->p += n;
	if (*s->p == '\'')
		s->p++;
	else
		s->needs_shell = true;
}

static void
double_quoted(struct splitter *s)
{
	s->in_word = true;
	while (*s->p != '"' && !s->needs_shell) {
		if (*s->p == '\0' || *s->p == '$' || *s->p == '`') {
			s->needs_shell = true;
		} else if (*s->p == '\\' && s->p[1] != '\0' &&
		    strchr("\"\\$`\n", s->p[1]) != NULL) {
			s->p++;
			escaped(s);
		} else {
			take(s);
		}
	}
	if (!s->needs_shell)
		s->p++;
}

/* Does this newline stand between words, where it ends a command? */
static bool
separates(const struct splitter *s)
{
	return (s->in_word || s->words.n != 0) &&
	    s->p[strspn(s->p, BLANKS "\n")] != '\0';
}

static int
step(struct splitter *s, struct err *err)
{
	if (strchr(SPECIAL, *s->p) != NULL ||
	    (*s->p == '\n' && separates(s))) {
		s->needs_shell = true;
	} else if (strchr(BLANKS "\n", *s->p) != NULL) {
		s->p++;
		return end_word(s, err);
	} else if (*s->p == '\\') {
		s->p++;
		escaped(s);
	} else if (*s->p == '\'') {
		s->p++;
		single_quoted(s);
	} else if (*s->p == '"') {
		s->p++;
		double_quoted(s);
	} else {
		take(s);
	}
	return 0;
}

/* NAME=value: a shell would take it for a variable of what follows. */
static bool
begins_with_assignment(const char *command)
{
	const char *p = command + strspn(command, BLANKS "\n");

	if (!isalpha((unsigned char)*p) && *p != '_')
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return *p == '=';
}

static int
split(struct splitter *s, struct err *err)
{
	s->needs_shell = begins_with_assignment(s->p);
	while (*s->p != '\0' && !s->needs_shell)
		if (step(s, err) < 0)
			return -1;
	return s->needs_shell ? 0 : end_word(s, err);
}

/* In place of whatever words there were. */
static int
use_shell(struct strlist *words, const char *command, struct err *err)
{
	strlist_free(words);
	if (strlist_add(words, "sh", err) < 0 ||
	    strlist_add(words, "-c", err) < 0)
		return -1;
	return strlist_add(words, command, err);
}

int
command_words(const char *command, char ***ret, struct err *err)
{
	CLEANUP(splitter_free) struct splitter s = { .p = command };
	char **v;

	if (split(&s, err) < 0)
		return -1;
	if (!s.needs_shell && (s.words.n == 0 || s.words.v[0][0] == '\0'))
		return err_set(err, ERR_CONFIG, "it names no command");
	if (s.needs_shell && use_shell(&s.words, command, err) < 0)
		return -1;
	v = calloc(s.words.n + 1, sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	memcpy(v, s.words.v, s.words.n * sizeof *v);
	s.words.n = 0;		/* the words are v's now */
	*ret = v;
	return 0;
}

void
command_words_free(char **words)
{
	char **p;

	for (p = words; p != NULL && *p != NULL; p++)
		free(*p);
	free(words);
}
