#define _GNU_SOURCE
#include "lib/base/tail.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/secrets.h"

struct tail_line {
	struct tail_line *next;
	size_t bytes;		/* with a newline */
	const char *text;	/* in head, behind its NUL */
	char head[];
};

static void
drop_first(struct tail *tail)
{
	struct tail_line *line = tail->first;

	tail->first = line->next;
	if (tail->first == NULL)
		tail->last = NULL;
	tail->bytes -= line->bytes;
	explicit_bzero(line->head, line->bytes + 1);
	free(line);
}

static struct tail_line *
new_line(const char *head, const char *text)
{
	size_t n_head = strlen(head), n_text = strlen(text);
	struct tail_line *line = malloc(sizeof *line + n_head + n_text + 2);

	if (line == NULL)
		return NULL;
	line->next = NULL;
	line->bytes = n_head + n_text + 1;
	memcpy(line->head, head, n_head + 1);
	memcpy(line->head + n_head + 1, text, n_text + 1);
	line->text = line->head + n_head + 1;
	return line;
}

void
tail_add(struct tail *tail, const char *head, const char *text)
{
	struct tail_line *line;

	if (tail->max_bytes == 0)
		return;
	line = new_line(head, text);
	if (line == NULL) {
		tail->dropped++;
		return;
	}
	if (tail->last != NULL)
		tail->last->next = line;
	else
		tail->first = line;
	tail->last = line;
	tail->bytes += line->bytes;
	for (; tail->bytes > tail->max_bytes; tail->dropped++)
		drop_first(tail);
}

static int
list_line(const struct tail_line *line, struct strlist *ret, struct err *err)
{
	CLEANUP(str_free) struct str masked = STR_INIT;
	CLEANUP(str_free) struct str visible = STR_INIT;

	str_add(&visible, line->head);
	secrets_add_masked(&masked, line->text);
	if (masked.s != NULL)
		str_add_visible(&visible, masked.s);
	if (masked.failed || visible.failed)
		return err_nomem(err);
	return strlist_add(ret, visible.s, err);
}

int
tail_list(const struct tail *tail, struct strlist *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist lines = STRLIST_INIT;
	const struct tail_line *line;

	*ret = (struct strlist)STRLIST_INIT;
	if (tail->dropped != 0 && strlist_addf(&lines, err,
	    "[%zu earlier line%s left out]", tail->dropped,
	    tail->dropped == 1 ? "" : "s") < 0)
		return -1;
	for (line = tail->first; line != NULL; line = line->next)
		if (list_line(line, &lines, err) < 0)
			return -1;
	*ret = lines;
	lines = (struct strlist)STRLIST_INIT;
	return 0;
}

void
tail_forget(struct tail *tail)
{
	while (tail->first != NULL)
		drop_first(tail);
	*tail = (struct tail){ 0 };
}
