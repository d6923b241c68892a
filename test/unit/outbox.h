/*
 * outbox: stands for courier_send (-Wl,--wrap=courier_send): keeps what is to
 * be sent, and gives the answers of a script.
 *
 *     outbox_start(OUTBOX_ANSWERS(answers)), calls of the code under test,
 *     outbox_text(), outbox_end()
 *
 * A letter without an answer left fails the test; outbox_end does if an answer
 * was not asked for.
 */
#ifndef TEST_UNIT_OUTBOX_H
#define TEST_UNIT_OUTBOX_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/err.h"

struct outbox_answer {
	long status;		/* 0: none, courier_send fails with kind */
	const char *body;	/* NULL: "" */
	const char *limit;	/* header Ping-Body-Limit; NULL: none */
	enum err_kind kind;
};

#define OUTBOX_ANSWERS(array) (array), sizeof (array) / sizeof (array)[0]

void outbox_start(const struct outbox_answer *answers, size_t n);
void outbox_end(void);

/* outbox_text: all letters until now, each as
 *
 *     METHOD URL [USER:PASSWORD] [CONTENT-TYPE]
 *     BODY
 *     --
 *
 * where what is not there is left out. Until the next letter. */
const char *outbox_text(void);
/* outbox_body_len: of the last letter. */
size_t outbox_body_len(void);

#endif
