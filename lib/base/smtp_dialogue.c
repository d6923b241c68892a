#define _GNU_SOURCE
#include "lib/base/smtp_dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/log.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_reply(const char *line)
{
	return is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]) &&
	    (line[3] == ' ' || line[3] == '-' || line[3] == '\0');
}

/* The words of the first line with its code, of others behind a blank. */
static void
keep_words(struct smtp_dialogue *dialogue, const char *line)
{
	char *words = dialogue->words;
	const char *text = line[3] != '\0' ? line + 4 : "";
	size_t len = dialogue->more ? strlen(words) : 0;
	CLEANUP(cleanup_free) char *masked = NULL;

	/* Before it is cut: a part of a secret is not known for one. */
	if (log_mask(text, &masked, &dialogue->err) < 0)
		return;
	text = masked;

	if (len == 0) {
		words[0] = '\0';
		len = (size_t)snprintf(words, sizeof dialogue->words, "%.3s",
		    line);
	}
	(void)snprintf(words + len, sizeof dialogue->words - len, "%s%s",
	    *text != '\0' ? " " : "", text);
}

static void
note_refusal(struct smtp_dialogue *dialogue)
{
	size_t i = dialogue->n_asked - 1;

	if (i < dialogue->to->n && strlist_addf(&dialogue->refused,
	    &dialogue->err, "'%s': %s", dialogue->to->v[i],
	    dialogue->words) < 0)
		return;		/* err says it */
}

static void
take_line(void *cookie, const char *line)
{
	struct smtp_dialogue *dialogue = cookie;

	/* What it says at the end changes nothing any more. */
	if (dialogue->stage == SMTP_QUIT || !is_reply(line))
		return;
	keep_words(dialogue, line);
	dialogue->code = atoi(line);
	dialogue->answered = dialogue->stage;
	dialogue->more = line[3] == '-';
	if (!dialogue->more && dialogue->code >= 400 &&
	    dialogue->stage == SMTP_RECIPIENT)
		note_refusal(dialogue);
}

void
smtp_dialogue_begin(struct smtp_dialogue *dialogue, const struct strlist *to)
{
	*dialogue = (struct smtp_dialogue){ .to = to };
	dialogue->lines.line = take_line;
	dialogue->lines.cookie = dialogue;
}

void
smtp_dialogue_free(struct smtp_dialogue *dialogue)
{
	strlist_free(&dialogue->refused);
}

/* A line of a login itself is base64, and so none of these. */
void
smtp_dialogue_command(struct smtp_dialogue *dialogue, const char *bytes,
    size_t n)
{
	static const struct {
		const char *start;
		enum smtp_stage stage;
	} commands[] = {
		{ "EHLO ", SMTP_HELLO }, { "HELO ", SMTP_HELLO },
		{ "STARTTLS\r", SMTP_STARTTLS }, { "AUTH ", SMTP_LOGIN },
		{ "MAIL FROM:", SMTP_SENDER }, { "RCPT TO:", SMTP_RECIPIENT },
		{ "DATA\r", SMTP_CONTENT }, { "QUIT\r", SMTP_QUIT },
	};
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (n >= strlen(commands[i].start) && strncasecmp(bytes,
		    commands[i].start, strlen(commands[i].start)) == 0)
			break;
	if (i == sizeof commands / sizeof commands[0])
		return;
	dialogue->stage = commands[i].stage;
	dialogue->more = false;
	dialogue->logged_in |= dialogue->stage == SMTP_LOGIN;
	dialogue->n_asked += dialogue->stage == SMTP_RECIPIENT;
}

void
smtp_dialogue_reply(struct smtp_dialogue *dialogue, const char *bytes,
    size_t n)
{
	lines_add(&dialogue->lines, bytes, n);
}
