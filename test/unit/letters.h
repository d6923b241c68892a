/*
 * letters: what services make of URLs, by a recorder: one by one, or in tables.
 */
#ifndef TEST_UNIT_LETTERS_H
#define TEST_UNIT_LETTERS_H

#include "lib/report/message.h"
#include "test/unit/recorder.h"

#define LETTERS_TITLE "Backup \"web\" of b\xc3\xbcro"
#define LETTERS_BODY "first & line\nlast\t100%"
/* As they stand in JSON, and in a form or a query. */
#define LETTERS_JSON_TITLE "Backup \\\"web\\\" of b\xc3\xbcro"
#define LETTERS_JSON_BODY "first & line\\nlast\\t100%"
#define LETTERS_FORM_TITLE "Backup%20%22web%22%20of%20b%C3%BCro"
#define LETTERS_FORM_BODY "first%20%26%20line%0Alast%09100%25"
#define LETTERS_TYPE_JSON "type application/json\n\n"

/* From "box", at 2026-11-20 02:00 UTC; local time is two hours later. */
struct message letters_message(enum outcome outcome);

/*
 * letters_send: open url, send message with these answers, close. Gives what
 * service_send gave; opening must not fail. Ends the recording: all answers
 * were asked for.
 */
int letters_send(const char *url, const struct message *message,
    const struct recorder_answer *answers, size_t n, struct err *err);

/* letters_refuse: url is not opened, with exactly this message, and nothing is
 * sent. Fails if the message has one of the words in it that must be kept
 * secret (NULL-terminated; NULL: none). */
void letters_refuse(const char *url, const char *message,
    const char *const *secrets);

struct letters_case {
	const char *url;
	enum outcome outcome;
	struct recorder_answer answer;
	const char *letter;	/* the one that is sent */
};

void letters_expect(const struct letters_case *cases, size_t n);

struct letters_failure {
	const char *url;
	struct recorder_answer answer;
	enum err_kind kind;
	const char *message;	/* exactly */
};

void letters_expect_failures(const struct letters_failure *cases, size_t n);

struct letters_refusal {
	const char *url;
	const char *message;
	const char *secret;	/* must not be in it; NULL: none */
};

void letters_expect_refusals(const struct letters_refusal *cases, size_t n);

/*
 * letters_expect_limits: with a title and a body that are longer than any
 * service takes, what is sent has behind mark a text, up to the next quote or
 * &, of at most max bytes (or characters), and of half as many; it ends as the
 * body does, or in dots; all is UTF-8.
 */
struct letters_limit {
	const char *url;
	struct recorder_answer answer;
	const char *mark;	/* what stands before the text */
	size_t max;
	enum message_unit unit;
};

void letters_expect_limits(const struct letters_limit *cases, size_t n);

#endif
