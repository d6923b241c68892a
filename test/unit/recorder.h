/*
 * recorder: stands for the web services behind courier_send. Needs
 * -Wl,--wrap=courier_send.
 *
 *     recorder_start(RECORDER_ANSWERS(answers)), calls of the code under test,
 *     recorder_letter(i), recorder_text() or recorder_expect(...),
 *     recorder_end()
 *
 * Keeps a copy of each letter and gives the answers of the script, one after
 * the other. A letter that has no answer left fails the test at once;
 * recorder_end fails it if an answer was not asked for.
 */
#ifndef TEST_UNIT_RECORDER_H
#define TEST_UNIT_RECORDER_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/err.h"
#include "lib/report/courier.h"

struct recorder_answer {
	long status;		/* 0: no answer, courier_send fails */
	const char *body;	/* NULL: "" */
	size_t body_len;	/* 0: strlen(body) */
	enum err_kind kind;	/* of a failure; NONE: ERR_UNREACHABLE */
	const char *header;	/* its name, in lower case; NULL: none */
	const char *value;	/* of the header; NULL: it is not there */
};

#define RECORDER_ANSWERS(array) (array), sizeof (array) / sizeof (array)[0]

void recorder_start(const struct recorder_answer *answers, size_t n);
void recorder_end(void);

size_t recorder_n(void);	/* letters until now */

/*
 * recorder_letter: the i-th letter as a text, until the next recorder_start:
 *
 *     POST https://host/path?query
 *     Name: value                    each header, in their order
 *     basic USER:PASSWORD            if there is a user
 *     insecure                       if it is
 *     type CONTENT-TYPE              if there is a body
 *
 *     BODY
 *
 * A letter without a body ends behind the last of these lines.
 */
const char *recorder_letter(size_t i);
/* recorder_body: of the i-th letter; NULL: none. */
const char *recorder_body(size_t i);

/* recorder_text: all letters, each followed by a line "--". Until the next
 * call of a recorder function. */
const char *recorder_text(void);

/* recorder_expect: letters are n, and exactly these. */
void recorder_expect(const char *const *letters, size_t n);

#endif
