/*
 * smtp_dialogue: what goes to and fro while libcurl sends a mail, understood
 * as far as errors need it. Pure. For smtp.c only.
 *
 *     command and reply as they pass, in any pieces (replies), whole (commands)
 *
 * libcurl itself keeps no server's words, and tells neither which recipient was
 * refused nor that it went on without logging in.
 */
#ifndef LIB_BASE_SMTP_DIALOGUE_H
#define LIB_BASE_SMTP_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/lines.h"
#include "lib/base/str.h"

enum smtp_stage { SMTP_GREETING, SMTP_HELLO, SMTP_STARTTLS, SMTP_LOGIN,
	SMTP_SENDER, SMTP_RECIPIENT, SMTP_CONTENT, SMTP_QUIT };

struct smtp_dialogue {
	const struct strlist *to;	/* borrowed; in the order of asking */
	enum smtp_stage stage;
	bool logged_in;		/* it was tried at least */
	size_t n_asked;		/* recipients so far */
	int code;		/* of the last reply, until QUIT; 0: none */
	enum smtp_stage answered;	/* what that was the answer to */
	char words[512];	/* of that, code and all lines */
	bool more;		/* lines of that reply will come */
	struct strlist refused;	/* "'a@x': 550 no such user" */
	struct err err;		/* out of memory, somewhere */
	struct lines lines;
};

void smtp_dialogue_begin(struct smtp_dialogue *dialogue,
    const struct strlist *to);
void smtp_dialogue_free(struct smtp_dialogue *dialogue); /* for CLEANUP */
void smtp_dialogue_command(struct smtp_dialogue *dialogue, const char *bytes,
    size_t n);
void smtp_dialogue_reply(struct smtp_dialogue *dialogue, const char *bytes,
    size_t n);

#endif
