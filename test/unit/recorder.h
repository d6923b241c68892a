/*
 * recorder: stands for the web services behind courier_send, for tests of
 * services. Needs -Wl,--wrap=courier_send.
 *
 *     recorder_start(RECORDER_ANSWERS(answers)), calls of the code under test,
 *     recorder_letter(i) or recorder_expect(...), recorder_end()
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
#include "lib/report/message.h"

struct recorder_answer {
	long status;		/* 0: no answer, courier_send fails */
	const char *body;	/* NULL: "" */
	size_t body_len;	/* 0: strlen(body) */
	enum err_kind kind;	/* of a failure; NONE: ERR_UNREACHABLE */
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

/* recorder_expect: letters are n, and exactly these. */
void recorder_expect(const char *const *letters, size_t n);

/*
 * recorder_send: open url, send message with these answers, close. Gives what
 * service_send gave; opening must not fail. Ends the recording: all answers
 * were asked for.
 */
int recorder_send(const char *url, const struct message *message,
    const struct recorder_answer *answers, size_t n, struct err *err);

/* recorder_refuses: url is not opened, with exactly this message, and nothing
 * is sent. Fails if the message has one of the words in it that must be kept
 * secret (NULL-terminated; NULL: none). */
void recorder_refuses(const char *url, const char *message,
    const char *const *secrets);

#endif
