/*
 * fuzz_mail: whatever title, body, name and addresses are, a mail has the same
 * headers, and lines that are short and ASCII; whatever a server says is kept
 * within bounds. The first byte says which.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/smtp_dialogue.h"
#include "lib/report/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
check_line(const char *line, size_t n)
{
	size_t i;

	if (line[n] != '\r' || line[n + 1] != '\n')
		abort();
	for (i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			abort();
	if (n > 76 + MAIL_ADDRESS_BYTES)
		abort();
}

static void
check(const char *mail, int n_headers)
{
	const char *head = strstr(mail, "\r\n\r\n"), *p;
	size_t n;
	int found = 0;

	for (p = mail; *p != '\0'; p += n + 2) {
		n = strcspn(p, "\r\n");
		check_line(p, n);
		found += p <= head && n != 0 && *p != ' ';
	}
	if (found != n_headers)
		abort();
}

/* name, title and body, with newlines between. */
static void
fuzz_mail(char *text, bool html)
{
	char to_whom[] = "a@x", *body, *title;
	char *list[] = { to_whom };
	const struct strlist to = { list, 1 };
	CLEANUP(cleanup_free) char *mail = NULL;
	struct err err = ERR_INIT;

	title = strchr(text, '\n');
	body = title != NULL ? strchr(title + 1, '\n') : NULL;
	if (body == NULL)
		return;
	*title++ = '\0';
	*body++ = '\0';
	if (mail_format(&(struct mail){ .from = "b@x", .from_name = text,
	    .to = &to, .html = html }, &(struct message){ .title = title,
	    .body = body, .host = text, .outcome = OUTCOME_FAILURE,
	    .time = (time_t)strlen(body) << 32 }, &mail, &err) < 0)
		abort();
	check(mail, html ? 9 : 10);
}

static void
fuzz_address(const char *text)
{
	struct err err = ERR_INIT;

	if (mail_check_address(text, &err) == 0 &&
	    text[strcspn(text, " \t\r\n<>()\",;\\\x7f")] != '\0')
		abort();
}

static void
fuzz_dialogue(const char *text)
{
	char one[] = "a@x", *list[] = { one };
	const struct strlist to = { list, 1 };
	CLEANUP(smtp_dialogue_free) struct smtp_dialogue dialogue;
	size_t n;

	smtp_dialogue_begin(&dialogue, &to);
	for (; *text != '\0'; text += n) {
		n = strcspn(text, "\n");
		n += text[n] == '\n';
		if (*text == '>')
			smtp_dialogue_command(&dialogue, text + 1, n - 1);
		else
			smtp_dialogue_reply(&dialogue, text, n);
	}
	if (strlen(dialogue.words) >= sizeof dialogue.words ||
	    dialogue.code < 0 || dialogue.code > 999)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	CLEANUP(cleanup_free) char *text = malloc(n + 1);

	if (text == NULL || n == 0)
		return 0;
	memcpy(text, bytes + 1, n - 1);
	text[n - 1] = '\0';
	if (bytes[0] % 4 == 0)
		fuzz_dialogue(text);
	else if (bytes[0] % 4 == 1)
		fuzz_address(text);
	else
		fuzz_mail(text, bytes[0] % 4 == 2);
	return 0;
}
