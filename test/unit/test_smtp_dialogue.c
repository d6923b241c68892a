#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/smtp_dialogue.h"

static char one[] = "a@x", two[] = "b@x", three[] = "c@x";
static char *everybody[] = { one, two, three };
static const struct strlist to = { everybody, 3 };

/* What was said, one text after the other: "> command" or a reply, each without
 * its CRLF; replies in pieces of so many bytes. */
static void
play(const char *const *texts, size_t piece, struct smtp_dialogue *ret)
{
	smtp_dialogue_begin(ret, &to);
	for (; *texts != NULL; texts++) {
		CLEANUP(str_free) struct str line = STR_INIT;
		const bool command = str_starts(*texts, "> ");
		size_t at, n;

		str_addf(&line, "%s\r\n", *texts + (command ? 2 : 0));
		if (command) {
			smtp_dialogue_command(ret, line.s, line.len);
			continue;
		}
		for (at = 0; at < line.len; at += n) {
			n = line.len - at < piece ? line.len - at : piece;
			smtp_dialogue_reply(ret, line.s + at, n);
		}
	}
	assert_int_equal(ret->err.kind, ERR_NONE);
}

#define TALK(...) (const char *const[]){ __VA_ARGS__, NULL }

static void
the_last_answer_and_what_it_was_to_are_known(void **state)
{
	static const struct {
		const char *texts[9];
		int code;
		enum smtp_stage answered;
		const char *words;
	} cases[] = {
		{ { "220 hello" }, 220, SMTP_GREETING, "220 hello" },
		{ { "421" }, 421, SMTP_GREETING, "421" },
		{ { "220 x", "> EHLO me", "250-a", "250-b c", "250 d" },
		  250, SMTP_HELLO, "250 a b c d" },
		{ { "220 x", "> EHLO me", "502 no", "> HELO me", "250" },
		  250, SMTP_HELLO, "250" },
		{ { "> STARTTLS", "454 4.7.0 not now" }, 454,
		  SMTP_STARTTLS, "454 4.7.0 not now" },
		{ { "> AUTH PLAIN", "334", "> AGEAYg==", "535-5.7.8 no",
		  "535 5.7.8 really" }, 535, SMTP_LOGIN,
		  "535 5.7.8 no 5.7.8 really" },
		{ { "> MAIL FROM:<a@b>", "550 no" }, 550, SMTP_SENDER,
		  "550 no" },
		{ { "> DATA", "354 go", "552 too much" }, 552,
		  SMTP_CONTENT, "552 too much" },
		/* What is said at the end is of no interest. */
		{ { "> DATA", "552 too much", "> QUIT", "221 bye" }, 552,
		  SMTP_CONTENT, "552 too much" },
		/* What is no answer at all. */
		{ { "220 x", "hello", "", "9", "12", "12x", "250x",
		  "\xff\xff\xff" }, 220, SMTP_GREETING, "220 x" },
		/* A line of a login that looks like something else. */
		{ { "> AUTH LOGIN", "334", "> QUIT", "535 no" }, 334,
		  SMTP_LOGIN, "334" },
		{ { "> AUTH LOGIN", "334", "> QUITxx==", "535 no" }, 535,
		  SMTP_LOGIN, "535 no" },
	};
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (piece = 1; piece < 8; piece += 3) {
			CLEANUP(smtp_dialogue_free)
			    struct smtp_dialogue dialogue;

			play(cases[i].texts, piece, &dialogue);
			assert_int_equal(dialogue.code, cases[i].code);
			assert_int_equal(dialogue.answered, cases[i].answered);
			assert_string_equal(dialogue.words, cases[i].words);
			assert_int_equal(dialogue.refused.n, 0);
		}
}

static void
each_refused_recipient_is_named_with_the_reason(void **state)
{
	CLEANUP(smtp_dialogue_free) struct smtp_dialogue dialogue;

	(void)state;
	play(TALK("> RCPT TO:<a@x>", "550-no", "550 such user",
	    "> RCPT TO:<b@x>", "250 ok", "> RCPT TO:<c@x>", "452 full",
	    "> DATA", "354 go", "250 ok"), 1, &dialogue);
	assert_int_equal(dialogue.n_asked, 3);
	assert_int_equal(dialogue.refused.n, 2);
	assert_string_equal(dialogue.refused.v[0], "'a@x': 550 no such user");
	assert_string_equal(dialogue.refused.v[1], "'c@x': 452 full");
}

static void
more_answers_than_recipients_harm_nobody(void **state)
{
	CLEANUP(smtp_dialogue_free) struct smtp_dialogue dialogue;

	(void)state;
	play(TALK("> RCPT TO:<a@x>", "550 1", "550 2", "> RCPT TO:<b@x>",
	    "> RCPT TO:<c@x>", "> RCPT TO:<d@x>", "550 3"), 1, &dialogue);
	assert_int_equal(dialogue.refused.n, 2);
	assert_string_equal(dialogue.refused.v[1], "'a@x': 550 2");
}

static void
a_login_is_seen_to_be_tried(void **state)
{
	CLEANUP(smtp_dialogue_free) struct smtp_dialogue without, with;

	(void)state;
	play(TALK("220 x", "> EHLO me", "250-AUTH PLAIN", "250 x"), 9,
	    &without);
	play(TALK("220 x", "> EHLO me", "250 AUTH PLAIN", "> AUTH PLAIN"), 9,
	    &with);
	assert_false(without.logged_in);
	assert_true(with.logged_in);
}

static void
endless_words_are_cut(void **state)
{
	CLEANUP(smtp_dialogue_free) struct smtp_dialogue dialogue;
	CLEANUP(str_free) struct str words = STR_INIT;
	int i;

	(void)state;
	while (words.len < 100000)
		str_add(&words, "550-and so on\r\n");
	smtp_dialogue_begin(&dialogue, &to);
	smtp_dialogue_reply(&dialogue, words.s, words.len);
	assert_int_equal(strlen(dialogue.words), sizeof dialogue.words - 1);
	for (i = 0; i < 100000; i++)	/* and no line ever ends */
		smtp_dialogue_reply(&dialogue, "5", 1);
	smtp_dialogue_reply(&dialogue, "\r\n550 end\r\n", 11);
	assert_int_equal(dialogue.code, 550);
	assert_false(dialogue.more);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_answer_and_what_it_was_to_are_known),
		cmocka_unit_test(
		    each_refused_recipient_is_named_with_the_reason),
		cmocka_unit_test(more_answers_than_recipients_harm_nobody),
		cmocka_unit_test(a_login_is_seen_to_be_tried),
		cmocka_unit_test(endless_words_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
