#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/base/smtp.h"
#include "test/unit/peer.h"
#include "test/unit/scratch.h"
#include "test/unit/smtp_peer.h"

/* This host too, but not by a name that says so. */
#define ELSEWHERE "0.0.0.0"
#define PASSWORD "tanstaaftanstaaf"
#define PLAIN "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"

#define GREETING { NULL, "220 mail.example ESMTP\r\n" }
#define HELLO(more) { "EHLO me.example", "250-mail.example\r\n" more	\
    "250 HELP\r\n" }
#define FROM { "MAIL FROM:<from@x>", "250 ok\r\n" }
#define TO_A { "RCPT TO:<a@x>", "250 ok\r\n" }
#define TO_B { "RCPT TO:<b@x>", "250 ok\r\n" }
#define DATA { "DATA", "354 go on\r\n" }
#define MAIL { SMTP_PEER_MAIL, "250 queued\r\n" }
#define QUIT { "QUIT", "221 bye\r\n" }
/* Before the login is over, libcurl 7.88 does not say it. */
#define GONE { "QUIT", "221 bye\r\n", SMTP_PEER_ON, true }
#define LOGIN { "AUTH PLAIN", "334 \r\n" }, { PLAIN, "235 welcome\r\n" }

static char a[] = "a@x", b[] = "b@x";
static char *both[] = { a, b };
static const struct strlist to_a = { both, 1 }, to_both = { both, 2 };
static struct scratch certs;
static char *ca;
static int signal_number;

int __wrap_intr_signal(void);

int
__wrap_intr_signal(void)
{
	return signal_number;
}

static struct smtp
call_to(const struct smtp_peer *peer)
{
	static const char mail[] = "Subject: x\r\n\r\nhello\r\n";

	return (struct smtp){
		.host = "127.0.0.1",
		.port = peer != NULL ? (unsigned)peer->port : 1,
		.hello = "me.example", .from = "from@x", .to = &to_a,
		.mail = mail, .mail_len = sizeof mail - 1, .timeout_s = 30
	};
}

static struct smtp
login_to(const struct smtp_peer *peer, enum smtp_auth auth)
{
	struct smtp smtp = call_to(peer);

	smtp.auth = auth;
	smtp.user = "tim";
	smtp.password = PASSWORD;
	return smtp;
}

static void
finish(struct smtp_peer *peer)
{
	smtp_peer_finish(peer);
	smtp_peer_free(peer);
}

static void
succeeds(struct smtp_peer *peer, const struct smtp *smtp)
{
	struct err err = ERR_INIT;

	if (smtp_send(smtp, &err) < 0)
		fail_msg("%s (%s)", err.msg, peer->fault);
	finish(peer);
}

static void
fails(struct smtp_peer *peer, const struct smtp *smtp, enum err_kind kind,
    const char *needle)
{
	struct err err = ERR_INIT;

	assert_int_equal(smtp_send(smtp, &err), -1);
	if (strstr(err.msg, needle) == NULL)
		fail_msg("no '%s' in '%s'", needle, err.msg);
	assert_int_equal(err.kind, kind);
	assert_null(strstr(err.msg, PASSWORD));
	assert_null(strstr(err.msg, PLAIN));
	if (peer != NULL)
		finish(peer);
}

static struct smtp_peer *
plain_peer(const struct smtp_peer_step *steps, size_t n)
{
	return smtp_peer_start(steps, n, NULL, false);
}

static struct smtp_peer *
tls_peer(const struct smtp_peer_step *steps, size_t n)
{
	return smtp_peer_start(steps, n, certs.dir, false);
}

static void
a_mail_goes_to_all_in_one_dialogue(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING, HELLO(""),
		FROM, TO_A, TO_B, DATA, MAIL, QUIT };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(steps));
	struct smtp smtp = call_to(peer);
	struct err err = ERR_INIT;

	(void)state;
	smtp.to = &to_both;
	smtp.mail = ".first\r\n\r\n.\r\n..\r\nx.\r\n.last\r\n";
	smtp.mail_len = strlen(smtp.mail);
	assert_int_equal(smtp_send(&smtp, &err), 0);
	smtp_peer_finish(peer);
	assert_string_equal(peer->mail.s,
	    "..first\r\n\r\n..\r\n...\r\nx.\r\n..last\r\n");
	smtp_peer_free(peer);
}

static void
a_long_mail_arrives_whole(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING,
		{ "EHLO me.example", "250-mail\r\n250 SIZE 5000000\r\n" },
		{ "MAIL FROM:<from@x> SIZE=1000000", "250 ok\r\n" }, TO_A,
		DATA, MAIL, QUIT };
	CLEANUP(str_free) struct str mail = STR_INIT;
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(steps));
	struct smtp smtp = call_to(peer);
	struct err err = ERR_INIT;

	(void)state;
	while (mail.len < 1000000)
		str_add(&mail, "Zm9v\r\nYm\r\n");
	smtp.mail = mail.s;
	smtp.mail_len = mail.len;
	assert_int_equal(smtp_send(&smtp, &err), 0);
	smtp_peer_finish(peer);
	assert_true(strcmp(peer->mail.s, mail.s) == 0);
	smtp_peer_free(peer);
}

static void
starttls_is_taken_where_it_is_offered(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING,
		HELLO("250-STARTTLS\r\n250-AUTH PLAIN\r\n"),
		{ "STARTTLS", "220 go\r\n", SMTP_PEER_TLS },
		HELLO("250-AUTH PLAIN\r\n"), LOGIN, FROM, TO_A, DATA, MAIL,
		QUIT };
	static const enum smtp_tls ways[] = { SMTP_TLS_TRY,
		SMTP_TLS_STARTTLS };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct smtp_peer *peer = tls_peer(SMTP_STEPS(steps));
		struct smtp smtp = login_to(peer, SMTP_AUTH_PLAIN);

		smtp.tls = ways[i];
		smtp.ca_more = ca;
		succeeds(peer, &smtp);
	}
}

static void
implicit_tls_is_there_from_the_first_byte(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING,
		HELLO("250-AUTH PLAIN\r\n"), LOGIN, FROM, TO_A, DATA, MAIL,
		QUIT };
	struct smtp_peer *peer = smtp_peer_start(SMTP_STEPS(steps), certs.dir,
	    true);
	struct smtp smtp = login_to(peer, SMTP_AUTH_PLAIN);

	(void)state;
	smtp.tls = SMTP_TLS_IMPLICIT;
	smtp.ca_more = ca;
	succeeds(peer, &smtp);
}

static void
who_is_not_trusted_gets_nothing(void **state)
{
	static const struct smtp_peer_step offered[] = { GREETING,
		HELLO("250-STARTTLS\r\n"),
		{ "STARTTLS", "220 go\r\n", SMTP_PEER_TLS } };
	struct smtp_peer *peer = tls_peer(SMTP_STEPS(offered));
	struct smtp smtp = call_to(peer);

	(void)state;
	smtp.tls = SMTP_TLS_TRY;
	fails(peer, &smtp, ERR_UNTRUSTED, "cannot connect to the mail server "
	    "'127.0.0.1:");
	/* The name counts, too: the certificate is for 127.0.0.1. */
	peer = tls_peer(SMTP_STEPS(offered));
	smtp = call_to(peer);
	smtp.host = "localhost";
	smtp.tls = SMTP_TLS_STARTTLS;
	smtp.ca_more = ca;
	fails(peer, &smtp, ERR_UNTRUSTED, "certificate");
	peer = smtp_peer_start(offered, 0, certs.dir, true);
	smtp = call_to(peer);
	smtp.tls = SMTP_TLS_IMPLICIT;
	peer->n_steps = 1;	/* never come to */
	fails(NULL, &smtp, ERR_UNTRUSTED, "certificate");
	peer->n_steps = 0;
	finish(peer);
}

static void
any_certificate_is_good_if_that_is_wanted(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING,
		HELLO("250-STARTTLS\r\n250-AUTH PLAIN\r\n"),
		{ "STARTTLS", "220 go\r\n", SMTP_PEER_TLS },
		HELLO("250-AUTH PLAIN\r\n"), LOGIN, FROM, TO_A, DATA, MAIL,
		QUIT };
	struct smtp_peer *peer = tls_peer(SMTP_STEPS(steps));
	struct smtp smtp = login_to(peer, SMTP_AUTH_PLAIN);

	(void)state;
	smtp.host = ELSEWHERE;
	smtp.tls = SMTP_TLS_TRY;
	smtp.insecure = true;
	succeeds(peer, &smtp);
}

/* Neither tried nor demanded does TLS become no TLS. */
static void
no_password_goes_out_without_tls(void **state)
{
	static const struct smtp_peer_step missing[] = { GREETING,
		HELLO("250-AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2\r\n"), GONE };
	static const struct smtp_peer_step refused[] = { GREETING,
		HELLO("250-STARTTLS\r\n250-AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2"
		"\r\n"), { "STARTTLS", "454 not now\r\n" }, GONE };
	static const struct smtp_peer_step old[] = { GREETING,
		{ "EHLO me.example", "502 what\r\n" }, GONE };
	static const enum smtp_tls ways[] = { SMTP_TLS_TRY,
		SMTP_TLS_STARTTLS };
	enum smtp_auth auth;
	size_t i;

	(void)state;
	for (auth = SMTP_AUTH_PLAIN; auth <= SMTP_AUTH_XOAUTH2; auth++)
		for (i = 0; i < 2; i++) {
			struct smtp_peer *peer =
			    plain_peer(SMTP_STEPS(missing));
			struct smtp smtp = login_to(peer, auth);

			smtp.host = ELSEWHERE;
			smtp.tls = ways[i];
			fails(peer, &smtp, ERR_REFUSED,
			    "does not offer STARTTLS");
			peer = plain_peer(SMTP_STEPS(refused));
			smtp.port = (unsigned)peer->port;
			fails(peer, &smtp, ERR_REFUSED,
			    "refused STARTTLS: 454 not now");
			peer = plain_peer(SMTP_STEPS(old));
			smtp.port = (unsigned)peer->port;
			fails(peer, &smtp, ERR_REFUSED, "502 what");
		}
}

static void
tls_that_is_demanded_is_not_left_out(void **state)
{
	static const struct smtp_peer_step missing[] = { GREETING, HELLO(""),
		GONE };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(missing));
	struct smtp smtp = call_to(peer);

	(void)state;
	smtp.tls = SMTP_TLS_STARTTLS;
	fails(peer, &smtp, ERR_REFUSED, "does not offer STARTTLS");
}

static void
without_a_password_tls_is_only_tried(void **state)
{
	static const struct smtp_peer_step missing[] = { GREETING, HELLO(""),
		FROM, TO_A, DATA, MAIL, QUIT };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(missing));
	struct smtp smtp = call_to(peer);

	(void)state;
	smtp.host = ELSEWHERE;
	smtp.tls = SMTP_TLS_TRY;
	succeeds(peer, &smtp);
}

static void
to_this_host_a_password_may_go_in_the_clear(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING,
		HELLO("250-AUTH PLAIN\r\n"), LOGIN, FROM, TO_A, DATA, MAIL,
		QUIT };
	static const enum smtp_tls ways[] = { SMTP_TLS_NONE, SMTP_TLS_TRY };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct smtp_peer *peer = plain_peer(SMTP_STEPS(steps));
		struct smtp smtp = login_to(peer, SMTP_AUTH_PLAIN);

		smtp.tls = ways[i];
		succeeds(peer, &smtp);
	}
}

static void
only_names_of_this_host_are_this_host(void **state)
{
	static const char *const here[] = { "localhost", "LocalHost",
		"127.0.0.1", "127.9.8.7", "[::1]" };
	static const char *const there[] = { ELSEWHERE, "10.0.0.1",
		"mail.example", "localhost.example", "127.0.0.1.example",
		"127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::]",
		"::1", "128.0.0.1", "localhost.", " localhost" };
	struct smtp smtp = login_to(NULL, SMTP_AUTH_CRAM_MD5);
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof here / sizeof here[0]; i++) {
		smtp.host = here[i];
		assert_int_equal(smtp_check(&smtp, &err), 0);
	}
	for (i = 0; i < sizeof there / sizeof there[0]; i++) {
		smtp.host = there[i];
		if (smtp_check(&smtp, &err) == 0)
			fail_msg("'%s' is taken for this host", there[i]);
		assert_int_equal(err.kind, ERR_CONFIG);
		fails(NULL, &smtp, ERR_CONFIG, "unencrypted");
		smtp.tls = SMTP_TLS_TRY;
		assert_int_equal(smtp_check(&smtp, &err), 0);
		smtp.tls = SMTP_TLS_NONE;
	}
}

static void
settings_that_cannot_be_are_refused(void **state)
{
	static const struct strlist nobody = STRLIST_INIT;
	static const char *const hosts[] = { "a/b", "a@b", "a b", "a?b", "a#b",
		"a:1", "[::1", "a\r\nb" };
	static const char *const names[] = { "", "a b", "a\r\nMAIL", "a/b",
		"k\xc3\xa4se" };
	struct smtp smtp = call_to(NULL);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		smtp.host = hosts[i];
		fails(NULL, &smtp, ERR_CONFIG, "");
	}
	smtp.host = "";
	fails(NULL, &smtp, ERR_CONFIG, "no mail server is named");
	smtp = call_to(NULL);
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		smtp.hello = names[i];
		fails(NULL, &smtp, ERR_CONFIG, "not a host's name");
	}
	smtp = call_to(NULL);
	smtp.to = &nobody;
	fails(NULL, &smtp, ERR_CONFIG, "no recipients");
	smtp = login_to(NULL, SMTP_AUTH_LOGIN);
	smtp.user = NULL;
	fails(NULL, &smtp, ERR_CONFIG, "no user");
	smtp.user = "";
	fails(NULL, &smtp, ERR_CONFIG, "no user");
}

#define OFFER HELLO("250-AUTH CRAM-MD5 XOAUTH2 LOGIN PLAIN\r\n")
#define REST FROM, TO_A, DATA, MAIL, QUIT

static void
the_way_to_log_in_is_the_one_asked_for(void **state)
{
	/* The example of RFC 2195. */
	static const struct smtp_peer_step cram[] = { GREETING, OFFER,
		{ "AUTH CRAM-MD5", "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2Uuc"
		"mVzdG9uLm1jaS5uZXQ+\r\n" },
		{ "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw",
		"235 welcome\r\n" }, REST };
	static const struct smtp_peer_step login[] = { GREETING, OFFER,
		{ "AUTH LOGIN", "334 VXNlcm5hbWU6\r\n" },
		{ "dGlt", "334 UGFzc3dvcmQ6\r\n" },
		{ "dGFuc3RhYWZ0YW5zdGFhZg==", "235 welcome\r\n" }, REST };
	static const struct smtp_peer_step plain[] = { GREETING, OFFER, LOGIN,
		REST };
	/* user=tim ^A auth=Bearer ... ^A ^A */
	static const struct smtp_peer_step oauth[] = { GREETING, OFFER,
		{ "AUTH XOAUTH2", "334 \r\n" },
		{ "dXNlcj10aW0BYXV0aD1CZWFyZXIgdGFuc3RhYWZ0YW5zdGFhZgEB",
		"235 welcome\r\n" }, REST };
	static const struct {
		enum smtp_auth auth;
		const struct smtp_peer_step *steps;
		size_t n;
	} cases[] = {
		{ SMTP_AUTH_CRAM_MD5, SMTP_STEPS(cram) },
		{ SMTP_AUTH_LOGIN, SMTP_STEPS(login) },
		{ SMTP_AUTH_PLAIN, SMTP_STEPS(plain) },
		{ SMTP_AUTH_XOAUTH2, SMTP_STEPS(oauth) },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct smtp_peer *peer = plain_peer(cases[i].steps,
		    cases[i].n);
		struct smtp smtp = login_to(peer, cases[i].auth);

		succeeds(peer, &smtp);
	}
}

static void
no_mail_goes_without_the_login(void **state)
{
	static const struct smtp_peer_step none[] = { GREETING, HELLO(""),
		GONE };
	static const struct smtp_peer_step other[] = { GREETING,
		HELLO("250-AUTH LOGIN GSSAPI\r\n"), GONE };
	static const struct smtp_peer_step wrong[] = { GREETING,
		HELLO("250-AUTH PLAIN\r\n"), { "AUTH PLAIN", "334 \r\n" },
		{ PLAIN, "535-5.7.8 not\r\n535 5.7.8 you\r\n" }, GONE };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(none));
	struct smtp smtp = login_to(peer, SMTP_AUTH_PLAIN);

	(void)state;
	fails(peer, &smtp, ERR_REFUSED, "does not offer to log in");
	peer = plain_peer(SMTP_STEPS(other));
	smtp.port = (unsigned)peer->port;
	fails(peer, &smtp, ERR_REFUSED, "does not offer to log in");
	peer = plain_peer(SMTP_STEPS(wrong));
	smtp.port = (unsigned)peer->port;
	fails(peer, &smtp, ERR_REFUSED,
	    "refused the login: 535 5.7.8 not 5.7.8 you");
}

static void
one_refused_recipient_keeps_none_from_it(void **state)
{
	static const struct smtp_peer_step first[] = { GREETING, HELLO(""),
		FROM, { "RCPT TO:<a@x>", "550 no\x01 such user\r\n" }, TO_B,
		DATA, MAIL, QUIT };
	static const struct smtp_peer_step last[] = { GREETING, HELLO(""),
		FROM, TO_A, { "RCPT TO:<b@x>", "452 full\r\n" }, DATA, MAIL,
		QUIT };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(first));
	struct smtp smtp = call_to(peer);

	(void)state;
	smtp.to = &to_both;
	fails(peer, &smtp, ERR_REFUSED, "refused 1 of 2 recipients: 'a@x': "
	    "550 no\\x01 such user");
	peer = plain_peer(SMTP_STEPS(last));
	smtp.port = (unsigned)peer->port;
	fails(peer, &smtp, ERR_REFUSED,
	    "refused 1 of 2 recipients: 'b@x': 452 full");
}

static void
if_all_are_refused_nothing_is_sent(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING, HELLO(""),
		FROM, { "RCPT TO:<a@x>", "550 no\r\n" },
		{ "RCPT TO:<b@x>", "553 nor him\r\n" }, QUIT };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(steps));
	struct smtp smtp = call_to(peer);

	(void)state;
	smtp.to = &to_both;
	fails(peer, &smtp, ERR_REFUSED, "refused 2 of 2 recipients: "
	    "'a@x': 550 no; 'b@x': 553 nor him");
}

static void
many_refusals_make_one_short_message(void **state)
{
	static char names[40][8];
	static char *list[40];
	static struct smtp_peer_step steps[44] = { GREETING, HELLO(""), FROM };
	static char lines[40][32];
	struct strlist to = { list, 40 };
	struct smtp_peer *peer;
	struct smtp smtp;
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		(void)snprintf(names[i], sizeof names[i], "n%zu@x", i);
		(void)snprintf(lines[i], sizeof lines[i], "RCPT TO:<%s>",
		    names[i]);
		list[i] = names[i];
		steps[3 + i] = (struct smtp_peer_step){ lines[i],
		    "550 no\r\n", SMTP_PEER_ON };
	}
	steps[43] = (struct smtp_peer_step)QUIT;
	peer = plain_peer(SMTP_STEPS(steps));
	smtp = call_to(peer);
	smtp.to = &to;
	fails(peer, &smtp, ERR_REFUSED, "refused 40 of 40 recipients: 'n0@x': "
	    "550 no; 'n1@x': 550 no; 'n2@x': 550 no; and 37 more");
}

static void
refusals_are_told_in_the_servers_words(void **state)
{
	static const struct smtp_peer_step greeting[] = {
		{ NULL, "554 go away\r\n" }, GONE };
	static const struct smtp_peer_step busy[] = {
		{ NULL, "421 busy\r\n", SMTP_PEER_CLOSE } };
	static const struct smtp_peer_step hello[] = { GREETING,
		{ "EHLO me.example", "502 what\r\n" },
		{ "HELO me.example", "550-not\r\n550 you\r\n" }, GONE };
	static const struct smtp_peer_step sender[] = { GREETING, HELLO(""),
		{ "MAIL FROM:<from@x>", "451 later\r\n" }, QUIT };
	static const struct smtp_peer_step data[] = { GREETING, HELLO(""),
		FROM, TO_A, { "DATA", "503 no\r\n" }, QUIT };
	static const struct smtp_peer_step mail[] = { GREETING, HELLO(""),
		FROM, TO_A, DATA, { SMTP_PEER_MAIL, "552 too much\r\n" },
		QUIT };
	static const struct {
		const struct smtp_peer_step *steps;
		size_t n;
		const char *message;
	} cases[] = {
		{ SMTP_STEPS(greeting), "refused to talk: 554 go away" },
		{ SMTP_STEPS(busy), "refused to talk: 421 busy" },
		{ SMTP_STEPS(hello), "refused to talk: 550 not you" },
		{ SMTP_STEPS(sender), "refused the sender: 451 later" },
		{ SMTP_STEPS(data), "refused the mail: 503 no" },
		{ SMTP_STEPS(mail), "refused the mail: 552 too much" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct smtp_peer *peer = plain_peer(cases[i].steps,
		    cases[i].n);
		struct smtp smtp = call_to(peer);

		fails(peer, &smtp, ERR_REFUSED, cases[i].message);
	}
}

static void
what_is_no_smtp_or_cut_off_is_an_error(void **state)
{
	static const struct smtp_peer_step garbage[] = {
		{ NULL, "HTTP/1.1 400 Bad Request\r\n\r\n", SMTP_PEER_CLOSE } };
	static const struct smtp_peer_step empty[] = {
		{ NULL, NULL, SMTP_PEER_CLOSE } };
	static const struct smtp_peer_step hello[] = { GREETING,
		{ "EHLO me.example", "250-mail", SMTP_PEER_CLOSE } };
	static const struct smtp_peer_step mail[] = { GREETING, HELLO(""),
		FROM, TO_A, DATA, { SMTP_PEER_MAIL, NULL, SMTP_PEER_CLOSE } };
	static const struct {
		const struct smtp_peer_step *steps;
		size_t n;
	} cases[] = {
		{ SMTP_STEPS(garbage) }, { SMTP_STEPS(empty) },
		{ SMTP_STEPS(hello) }, { SMTP_STEPS(mail) },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct smtp_peer *peer = plain_peer(cases[i].steps,
		    cases[i].n);
		struct smtp smtp = call_to(peer);

		fails(peer, &smtp, ERR_PROTOCOL, "no valid answer from");
	}
}

#define STALLS(line) { line, NULL, SMTP_PEER_STALL }

static void
a_server_that_says_nothing_is_not_waited_for(void **state)
{
	static const struct smtp_peer_step greeting[] = { STALLS(NULL) };
	static const struct smtp_peer_step sender[] = { GREETING, HELLO(""),
		STALLS("MAIL FROM:<from@x>") };
	static const struct smtp_peer_step mail[] = { GREETING, HELLO(""),
		FROM, TO_A, DATA, STALLS(SMTP_PEER_MAIL) };
	static const struct {
		const struct smtp_peer_step *steps;
		size_t n;
	} cases[] = {
		{ SMTP_STEPS(greeting) }, { SMTP_STEPS(sender) },
		{ SMTP_STEPS(mail) },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		struct smtp_peer *peer = plain_peer(cases[i / 2].steps,
		    cases[i / 2].n);
		struct smtp smtp = call_to(peer);

		/* By its time, or by a signal: much more time is left. */
		signal_number = i % 2 == 0 ? 0 : SIGTERM;
		smtp.timeout_s = i % 2 == 0 ? 0.3 : 300;
		smtp.after_signal_s = 0.2;
		fails(peer, &smtp, ERR_TIMEOUT, "no answer from");
	}
	signal_number = 0;
}

static void
after_a_signal_there_is_still_time_for_a_mail(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING, HELLO(""),
		REST };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(steps));
	struct smtp smtp = call_to(peer);

	(void)state;
	signal_number = SIGTERM;
	smtp.after_signal_s = 30;
	succeeds(peer, &smtp);
	signal_number = 0;
}

/* libcurl would wait for two minutes. */
static void
a_server_that_stalls_at_the_end_has_the_mail(void **state)
{
	static const struct smtp_peer_step quit[] = { GREETING, HELLO(""),
		FROM, TO_A, DATA, MAIL, STALLS("QUIT") };
	static const struct smtp_peer_step refused[] = { GREETING, HELLO(""),
		{ "MAIL FROM:<from@x>", "550 no\r\n" }, STALLS("QUIT") };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(quit));
	struct smtp smtp = call_to(peer);

	(void)state;
	smtp.timeout_s = 300;
	succeeds(peer, &smtp);
	peer = plain_peer(SMTP_STEPS(refused));
	smtp.port = (unsigned)peer->port;
	fails(peer, &smtp, ERR_REFUSED, "refused the sender: 550 no");
}

static void
who_cannot_be_reached_is_named(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) }
	};
	socklen_t len = sizeof address;
	struct smtp smtp = call_to(NULL);
	int fd = socket(AF_INET, SOCK_STREAM, 0);	/* does not listen */

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len),
	    0);
	smtp.port = ntohs(address.sin_port);
	fails(NULL, &smtp, ERR_UNREACHABLE,
	    "cannot connect to the mail server '127.0.0.1:");
	(void)close(fd);
	smtp.host = "nowhere.invalid";
	fails(NULL, &smtp, ERR_UNREACHABLE,
	    "cannot connect to the mail server 'nowhere.invalid:");
}

static void
no_proxy_comes_between(void **state)
{
	static const struct smtp_peer_step steps[] = { GREETING, HELLO(""),
		REST };
	struct smtp_peer *peer = plain_peer(SMTP_STEPS(steps));
	struct smtp smtp = call_to(peer);

	(void)state;
	assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("smtp_proxy", "http://127.0.0.1:1", 1), 0);
	succeeds(peer, &smtp);
	assert_int_equal(unsetenv("all_proxy"), 0);
	assert_int_equal(unsetenv("smtp_proxy"), 0);
}

static int
set_up(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	scratch_new(&certs);
	peer_tls_certs(certs.dir);
	ca = strdup(scratch_read(&certs, "ca.pem"));
	return ca != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	free(ca);
	scratch_free(&certs);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_goes_to_all_in_one_dialogue),
		cmocka_unit_test(a_long_mail_arrives_whole),
		cmocka_unit_test(starttls_is_taken_where_it_is_offered),
		cmocka_unit_test(implicit_tls_is_there_from_the_first_byte),
		cmocka_unit_test(who_is_not_trusted_gets_nothing),
		cmocka_unit_test(any_certificate_is_good_if_that_is_wanted),
		cmocka_unit_test(no_password_goes_out_without_tls),
		cmocka_unit_test(tls_that_is_demanded_is_not_left_out),
		cmocka_unit_test(without_a_password_tls_is_only_tried),
		cmocka_unit_test(to_this_host_a_password_may_go_in_the_clear),
		cmocka_unit_test(only_names_of_this_host_are_this_host),
		cmocka_unit_test(settings_that_cannot_be_are_refused),
		cmocka_unit_test(the_way_to_log_in_is_the_one_asked_for),
		cmocka_unit_test(no_mail_goes_without_the_login),
		cmocka_unit_test(one_refused_recipient_keeps_none_from_it),
		cmocka_unit_test(if_all_are_refused_nothing_is_sent),
		cmocka_unit_test(many_refusals_make_one_short_message),
		cmocka_unit_test(refusals_are_told_in_the_servers_words),
		cmocka_unit_test(what_is_no_smtp_or_cut_off_is_an_error),
		cmocka_unit_test(a_server_that_says_nothing_is_not_waited_for),
		cmocka_unit_test(after_a_signal_there_is_still_time_for_a_mail),
		cmocka_unit_test(a_server_that_stalls_at_the_end_has_the_mail),
		cmocka_unit_test(who_cannot_be_reached_is_named),
		cmocka_unit_test(no_proxy_comes_between),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
