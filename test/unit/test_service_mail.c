#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/base/smtp.h"
#include "lib/base/spawn.h"
#include "lib/report/service.h"
#include "test/unit/scratch.h"

/* What was asked of the server and of the program; what they answer. */
static struct {
	int calls;
	struct smtp smtp;	/* the last one, its texts below */
	char host[64], user[64], password[64], hello[256], from[64];
	struct strlist to;
	char *mail;
	char *command;
	struct spawn spawn;
	enum err_kind fails;	/* each call, or so many */
	int n_fails;
	int pauses;
	bool signalled;
	bool for_real;		/* the command is run */
} seen;

int __wrap_smtp_send(const struct smtp *, struct err *);
int __real_spawn_run(const struct spawn *, struct err *);
int __wrap_spawn_run(const struct spawn *, struct err *);
bool __wrap_intr_sleep(double);

static void
copy(char *ret, size_t size, const char *text)
{
	(void)snprintf(ret, size, "%s", text != NULL ? text : "(none)");
}

static void
forget(void)
{
	strlist_free(&seen.to);
	free(seen.mail);
	free(seen.command);
	memset(&seen, 0, sizeof seen);
}

static int
answer(struct err *err)
{
	return seen.calls++ < seen.n_fails ?
	    err_set(err, seen.fails, "as the test wants it") : 0;
}

int
__wrap_smtp_send(const struct smtp *smtp, struct err *err)
{
	assert_int_equal(smtp_check(smtp, err), 0);
	seen.smtp = *smtp;
	copy(seen.host, sizeof seen.host, smtp->host);
	copy(seen.user, sizeof seen.user, smtp->user);
	copy(seen.password, sizeof seen.password, smtp->password);
	copy(seen.hello, sizeof seen.hello, smtp->hello);
	copy(seen.from, sizeof seen.from, smtp->from);
	strlist_free(&seen.to);
	assert_int_equal(strlist_copy(smtp->to, &seen.to, err), 0);
	free(seen.mail);
	seen.mail = strndup(smtp->mail, smtp->mail_len);
	assert_true(smtp->timeout_s > 0);
	return answer(err);
}

int
__wrap_spawn_run(const struct spawn *spawn, struct err *err)
{
	seen.spawn = *spawn;
	free(seen.command);
	seen.command = strdup(spawn->command);
	free(seen.mail);
	seen.mail = strndup(spawn->input, spawn->input_len);
	assert_true(spawn->timeout_s > 0);
	return seen.for_real ? __real_spawn_run(spawn, err) : answer(err);
}

bool
__wrap_intr_sleep(double seconds)
{
	assert_true(seconds > 0);
	seen.pauses++;
	return seen.signalled;
}

static int
tell(const char *url, const struct message *message, double left_s,
    struct err *err)
{
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;
	struct courier courier = { .ca_more = "roots",
	    .until_s = clock_mono_s() + left_s };

	if (service_open(url, &target, err) < 0)
		fail_msg("%s: %s", url, err->msg);
	return service_send(&target, message, &courier, err);
}

static const struct message usual = { .title = "It is done",
	.body = "line 1\nline 2\n", .outcome = OUTCOME_SUCCESS,
	.host = "host" };

static void
told(const char *url)
{
	struct err err = ERR_INIT;

	if (tell(url, &usual, 60, &err) < 0)
		fail_msg("%s: %s", url, err.msg);
}

static void
an_url_says_all_that_is_needed(void **state)
{
	forget();
	(void)state;
	told("smtp://me%40x:p%3Aw%20%2F@mail.example:587/?from=me@x&to=a@x,"
	    "%20b@x,&fromname=The%20Backup&clienthost=here.example"
	    "&skiptlsverify=yes&timeout=7s");
	assert_string_equal(seen.host, "mail.example");
	assert_int_equal(seen.smtp.port, 587);
	assert_int_equal(seen.smtp.tls, SMTP_TLS_TRY);
	assert_int_equal(seen.smtp.auth, SMTP_AUTH_PLAIN);
	assert_string_equal(seen.user, "me@x");
	assert_string_equal(seen.password, "p:w /");
	assert_string_equal(seen.hello, "here.example");
	assert_string_equal(seen.from, "me@x");
	assert_int_equal(seen.to.n, 2);
	assert_string_equal(seen.to.v[0], "a@x");
	assert_string_equal(seen.to.v[1], "b@x");
	assert_true(seen.smtp.insecure);
	assert_true(seen.smtp.timeout_s == 7);
	assert_true(seen.smtp.after_signal_s == INTR_AFTER_S);
	assert_string_equal(seen.smtp.ca_more, "roots");
	assert_non_null(strstr(seen.mail, "From: The Backup\r\n <me@x>\r\n"));
	assert_non_null(strstr(seen.mail, "To: a@x,\r\n b@x\r\n"));
	assert_non_null(strstr(seen.mail, "Subject: It is done\r\n"));
	assert_non_null(strstr(seen.mail, "text/plain"));
	assert_null(strstr(seen.mail, "text/html"));
	assert_int_equal(seen.calls, 1);
}

static void
a_short_url_has_good_defaults(void **state)
{
	forget();
	(void)state;
	told("smtp://mail.example?FROM=me@x&ToAddresses=a@x");
	assert_int_equal(seen.smtp.port, 25);
	assert_int_equal(seen.smtp.tls, SMTP_TLS_TRY);
	assert_int_equal(seen.smtp.auth, SMTP_AUTH_NONE);
	assert_string_equal(seen.hello, "localhost");
	assert_false(seen.smtp.insecure);
	assert_true(seen.smtp.timeout_s > 50 && seen.smtp.timeout_s <= 60);
	assert_non_null(strstr(seen.mail, "From: me@x\r\n"));
}

#define ENDS "from=me@x&to=a@x"

static void
settings_of_tls_are_taken_as_shoutrrr_does_or_stricter(void **state)
{
	static const struct {
		const char *url;
		unsigned port;
		enum smtp_tls tls;
	} cases[] = {
		{ "smtp://h/?" ENDS, 25, SMTP_TLS_TRY },
		{ "smtp://h:465/?" ENDS, 465, SMTP_TLS_IMPLICIT },
		{ "smtp://h:465/?usestarttls=no&" ENDS, 465,
		  SMTP_TLS_IMPLICIT },
		{ "smtp://h:465/?encryption=none&" ENDS, 465, SMTP_TLS_TRY },
		{ "smtp://h:465/?encryption=ExplicitTLS&" ENDS, 465,
		  SMTP_TLS_STARTTLS },
		{ "smtp://h/?encryption=implicittls&" ENDS, 465,
		  SMTP_TLS_IMPLICIT },
		{ "smtp://h:2465/?encryption=ImplicitTLS&" ENDS, 2465,
		  SMTP_TLS_IMPLICIT },
		{ "smtp://h/?encryption=ExplicitTLS&" ENDS, 25,
		  SMTP_TLS_STARTTLS },
		{ "smtp://h/?encryption=ExplicitTLS&starttls=no&" ENDS, 25,
		  SMTP_TLS_STARTTLS },
		{ "smtp://h/?requirestarttls=yes&" ENDS, 25,
		  SMTP_TLS_STARTTLS },
		{ "smtp://h/?requirestarttls=1&usestarttls=no&" ENDS, 25,
		  SMTP_TLS_STARTTLS },
		{ "smtp://h/?usestarttls=no&" ENDS, 25, SMTP_TLS_NONE },
		{ "smtp://h/?starttls=0&encryption=None&" ENDS, 25,
		  SMTP_TLS_NONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		forget();
		told(cases[i].url);
		assert_int_equal(seen.smtp.port, cases[i].port);
		assert_int_equal(seen.smtp.tls, cases[i].tls);
	}
}

static void
each_way_to_log_in_can_be_asked_for(void **state)
{
	static const struct {
		const char *url;
		enum smtp_auth auth;
		const char *password;
	} cases[] = {
		{ "smtp://u:longpass@h/?" ENDS, SMTP_AUTH_PLAIN, "longpass" },
		{ "smtp://u@h/?" ENDS, SMTP_AUTH_PLAIN, "(none)" },
		{ "smtp://u:@h/?" ENDS, SMTP_AUTH_PLAIN, "" },
		{ "smtp://:@h/?" ENDS, SMTP_AUTH_NONE, "" },
		{ "smtp://h/?auth=none&" ENDS, SMTP_AUTH_NONE, "(none)" },
		{ "smtp://u:longpass@h/?auth=None&" ENDS, SMTP_AUTH_NONE,
		  "longpass" },
		{ "smtp://u:longpass@h/?auth=Unknown&" ENDS, SMTP_AUTH_PLAIN,
		  "longpass" },
		{ "smtp://u:longpass@h/?auth=PLAIN&" ENDS, SMTP_AUTH_PLAIN,
		  "longpass" },
		{ "smtp://u:longpass@h/?auth=Login&" ENDS, SMTP_AUTH_LOGIN,
		  "longpass" },
		{ "smtp://u:longpass@h/?auth=CramMD5&" ENDS,
		  SMTP_AUTH_CRAM_MD5, "longpass" },
		{ "smtp://u:longpass@h/?auth=oauth2&" ENDS, SMTP_AUTH_XOAUTH2,
		  "longpass" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		forget();
		told(cases[i].url);
		assert_int_equal(seen.smtp.auth, cases[i].auth);
		assert_string_equal(seen.password, cases[i].password);
	}
}

static void
wrong_urls_are_refused_without_touching_anything(void **state)
{
	static const struct {
		const char *url;
		const char *message;
	} cases[] = {
		{ "smtp:///?" ENDS, "no mail server" },
		{ "smtp://h/?to=a@x", "fromaddress" },
		{ "smtp://h/?from=a@x", "toaddresses" },
		{ "smtp://h/?from=a@x&to=,%20,", "toaddresses" },
		{ "smtp://h/?from=a@x&to=a@x,b%0aRCPT", "toaddresses" },
		{ "smtp://h/?from=a@x&to=a@x,%3Cb@x%3E", "toaddresses" },
		{ "smtp://h/?from=%22a%22@x&to=a@x", "fromaddress" },
		{ "smtp://h/?colour=red&" ENDS, "unknown key 'colour'" },
		{ "smtp://h/?auth=ntlm&" ENDS, "auth" },
		{ "smtp://h/?auth=&" ENDS, "auth" },
		{ "smtp://h/?encryption=tls&" ENDS, "encryption" },
		{ "smtp://h/?starttls=maybe&" ENDS, "usestarttls" },
		{ "smtp://h/?timeout=10&" ENDS, "timeout" },
		{ "smtp://h/?timeout=ten&" ENDS, "timeout" },
		{ "smtp://h/?timeout=-1s&" ENDS, "timeout" },
		{ "smtp://h/?clienthost=a%20b&" ENDS, "name to greet with" },
		{ "smtp://h/?auth=plain&" ENDS, "no user to log in with" },
		{ "smtp://:hunter2hunter2@h/?auth=oauth2&" ENDS,
		  "no user to log in with" },
		/* No password in the clear to another host. */
		{ "smtp://u:hunter2hunter2@h/?starttls=no&" ENDS,
		  "unencrypted" },
		{ "smtp://u:hunter2hunter2@h/?auth=Login&starttls=no&" ENDS,
		  "unencrypted" },
		{ "smtp://u:hunter2hunter2@h/?auth=CRAMMD5&starttls=no&" ENDS,
		  "unencrypted" },
		{ "smtp://u:hunter2hunter2@h/?auth=OAuth2&starttls=no&" ENDS,
		  "unencrypted" },
		{ "smtp://u:hunter2hunter2@127.0.0.1.h/?encryption=none&"
		  "starttls=no&" ENDS, "unencrypted" },
		{ "sendmail://?from=a@x", "toaddresses" },
		{ "sendmail://host/?to=a@x", "three slashes" },
		{ "sendmail://usr/sbin/sendmail?to=a@x", "three slashes" },
		{ "sendmail://u@/usr/sbin/sendmail?to=a@x", "" },
		{ "sendmail:///usr/sbin/?to=a@x", "name is missing" },
		{ "sendmail://?to=a@x%3Bid", "toaddresses" },
		{ "sendmail://?to=a@x&from=-oQ/tmp", "fromaddress" },
		{ "sendmail://?to=a@x&fromname=me", "'fromname' needs" },
		{ "sendmail://?to=a@x&auth=plain", "unknown key 'auth'" },
	};
	size_t i;

	(void)state;
	forget();
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct service_target target = SERVICE_TARGET_INIT;
		struct err err = ERR_INIT;

		if (service_open(cases[i].url, &target, &err) == 0)
			fail_msg("'%s' is accepted", cases[i].url);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (!str_starts(err.msg, "smtp: ") &&
		    !str_starts(err.msg, "sendmail: "))
			fail_msg("%s", err.msg);
		if (strstr(err.msg, cases[i].message) == NULL)
			fail_msg("'%s': no '%s' in '%s'", cases[i].url,
			    cases[i].message, err.msg);
		assert_null(strstr(err.msg, "hunter2"));
	}
	assert_int_equal(seen.calls, 0);
}

static void
a_password_in_the_clear_may_go_to_this_host(void **state)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1",
		"[::1]" };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		CLEANUP(cleanup_free) char *url = NULL;
		struct err err = ERR_INIT;

		forget();
		assert_int_equal(str_format(&url, &err,
		    "smtp://u:longpass@%s/?starttls=no&" ENDS, hosts[i]), 0);
		told(url);
		assert_string_equal(seen.host, hosts[i]);
	}
}

static void
the_password_is_masked(void **state)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	struct err err = ERR_INIT;

	(void)state;
	forget();
	told("smtp://u:open%20sesame@h/?" ENDS);
	assert_int_equal(log_mask("it is open sesame", &masked, &err), 0);
	assert_null(strstr(masked, "sesame"));
	log_close();
}

static void
an_unescaped_plus_sign_in_an_address_stays_one(void **state)
{
	(void)state;
	forget();
	told("smtp://h/?from=me+tag@x&to=a+b+c@x,%20d%2Be@x");
	assert_string_equal(seen.from, "me+tag@x");
	assert_string_equal(seen.to.v[0], "a+b+c@x");
	assert_string_equal(seen.to.v[1], "d+e@x");
}

static void
this_hosts_name_can_be_the_one_to_greet_with(void **state)
{
	char name[256] = "";

	(void)state;
	forget();
	assert_int_equal(gethostname(name, sizeof name - 1), 0);
	told("smtp://h/?clienthost=auto&" ENDS);
	assert_string_equal(seen.hello, name);
}

static void
the_subject_of_the_url_is_for_messages_without_a_title(void **state)
{
	static const struct {
		const char *url;
		const char *title;
		const char *subject;
	} cases[] = {
		{ "smtp://h/?subject=Mine&" ENDS, "Theirs", "Theirs" },
		{ "smtp://h/?title=Mine&" ENDS, "", "Mine" },
		{ "smtp://h/?subject=Mine%0ABcc:%20x&" ENDS, " \n",
		  "Mine Bcc: x" },
		{ "smtp://h/?" ENDS, "", "vbackup" },
		{ "smtp://h/?subject=&" ENDS, "", "" },
		{ "sendmail://?subject=Mine&to=a@x", "", "Mine" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *line = NULL;
		struct message message = usual;
		struct err err = ERR_INIT;

		forget();
		message.title = cases[i].title;
		assert_int_equal(tell(cases[i].url, &message, 60, &err), 0);
		assert_int_equal(str_format(&line, &err, "Subject: %s%s",
		    cases[i].subject, str_starts(cases[i].url, "smtp") ?
		    "\r\n" : "\n"), 0);
		if (strstr(seen.mail, line) == NULL)
			fail_msg("no '%s' in '%s'", line, seen.mail);
	}
}

static void
html_comes_if_it_is_asked_for(void **state)
{
	(void)state;
	forget();
	told("smtp://h/?usehtml=yes&" ENDS);
	assert_non_null(strstr(seen.mail, "multipart/alternative"));
	forget();
	told("sendmail://?usehtml=yes&to=a@x");
	assert_non_null(strstr(seen.mail, "multipart/alternative"));
}

static void
only_what_reached_nobody_is_tried_again(void **state)
{
	static const struct {
		enum err_kind fails;
		int n_fails;
		bool signalled;
		int calls;
		int rc;
	} cases[] = {
		{ ERR_UNREACHABLE, 2, false, 3, 0 },
		{ ERR_UNREACHABLE, COURIER_TRIES - 1, false, COURIER_TRIES, 0 },
		{ ERR_UNREACHABLE, 99, false, COURIER_TRIES, -1 },
		{ ERR_UNREACHABLE, 99, true, 2, -1 },
		{ ERR_UNTRUSTED, 99, false, 1, -1 },
		{ ERR_REFUSED, 99, false, 1, -1 },
		{ ERR_TIMEOUT, 99, false, 1, -1 },
		{ ERR_PROTOCOL, 99, false, 1, -1 },
		{ ERR_NOMEM, 99, false, 1, -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;

		forget();
		seen.fails = cases[i].fails;
		seen.n_fails = cases[i].n_fails;
		seen.signalled = cases[i].signalled;
		assert_int_equal(tell("smtp://h/?" ENDS, &usual, 60, &err),
		    cases[i].rc);
		assert_int_equal(seen.calls, cases[i].calls);
		assert_int_equal(seen.pauses, cases[i].calls - 1);
		if (cases[i].rc == 0)
			continue;
		assert_int_equal(err.kind, cases[i].fails);
		assert_string_equal(err.msg, "smtp: as the test wants it");
	}
}

static void
without_time_nothing_is_sent(void **state)
{
	static const char *const urls[] = { "smtp://h/?" ENDS,
		"sendmail://?to=a@x" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct err err = ERR_INIT;

		forget();
		assert_int_equal(tell(urls[i], &usual, -1, &err), -1);
		assert_int_equal(err.kind, ERR_TIMEOUT);
		assert_int_equal(seen.calls, 0);
	}
	/* Nor is waited for a pause that would end too late. */
	forget();
	seen.fails = ERR_UNREACHABLE;
	seen.n_fails = 99;
	assert_int_equal(tell(urls[0], &usual, 0.5, &(struct err)ERR_INIT),
	    -1);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.pauses, 0);
}

#define DEFAULT "PATH=\"${PATH:-/usr/bin:/bin}\":/usr/sbin:/usr/lib; "	\
    "exec sendmail -t -oi"

static void
commands_of_sendmail_have_nothing_that_a_shell_runs(void **state)
{
	static const struct {
		const char *url;
		const char *command;
	} cases[] = {
		{ "sendmail://?to=a@x", DEFAULT },
		{ "sendmail:///?to=a@x", DEFAULT },
		{ "sendmail://?to=a@x&from=me@x", DEFAULT " -f 'me@x'" },
		{ "sendmail://?to=a@x&from=o'me@x",
		  DEFAULT " -f 'o'\\''me@x'" },
		{ "sendmail://?to=a@x&from=$HOME`id`@x",
		  DEFAULT " -f '$HOME`id`@x'" },
		{ "sendmail:///usr/sbin/sendmail?to=a@x",
		  "exec '/usr/sbin/sendmail' -t -oi" },
		{ "sendmail:///opt/my%20mail;id/$(id)'%22%60%5C?to=a@x",
		  "exec '/opt/my mail;id/$(id)'\\''\"`\\' -t -oi" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		forget();
		told(cases[i].url);
		assert_string_equal(seen.command, cases[i].command);
		assert_true(seen.spawn.despite_signal);
		assert_null(seen.spawn.line);
	}
}

static void
sendmail_gets_the_mail_with_this_hosts_line_ends(void **state)
{
	(void)state;
	forget();
	told("sendmail://?to=a@x,b@x&from=me@x&fromname=Me");
	assert_null(strchr(seen.mail, '\r'));
	assert_true(str_starts(seen.mail,
	    "From: Me\n <me@x>\nTo: a@x,\n b@x\nSubject: It is done\n"));
	assert_true(str_ends(seen.mail, "\n"));
	assert_non_null(strstr(seen.mail, "\n\n"));
	forget();
	told("sendmail://?to=a@x");
	assert_true(str_starts(seen.mail, "To: a@x\n"));
}

/* By a real shell: a program with a terrible name writes down its words. */
static void
a_program_of_any_name_is_run_with_these_words(void **state)
{
	static const char name[] = "a b';touch gone;'$(touch gone)\"`x`\\";
	static const char script[] = "#!/bin/sh\n"
	    "cd \"${0%/*}\" && for w; do echo \"$w\"; done >words && "
	    "cat >mail\n";
	CLEANUP(cleanup_free) char *url = NULL;
	struct scratch scratch;
	struct err err = ERR_INIT;

	(void)state;
	forget();
	seen.for_real = true;
	scratch_new(&scratch);
	scratch_write(&scratch, name, script, sizeof script - 1);
	assert_int_equal(chmod(scratch_path(&scratch, name), 0755), 0);
	assert_int_equal(str_format(&url, &err, "sendmail://%s/"
	    "a%%20b';touch%%20gone;'$(touch%%20gone)%%22%%60x%%60%%5C"
	    "?to=a@x&from=o'me@x", scratch.dir), 0);
	told(url);
	assert_string_equal(scratch_read(&scratch, "words"),
	    "-t\n-oi\n-f\no'me@x\n");
	assert_string_equal(scratch_read(&scratch, "mail"), seen.mail);
	assert_false(scratch_has(&scratch, "gone"));
	assert_int_not_equal(access("gone", F_OK), 0);
	scratch_free(&scratch);
}

static void
a_program_that_fails_or_is_not_there_is_told(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	forget();
	seen.for_real = true;
	assert_int_equal(tell("sendmail:///bin/false?to=a@x", &usual, 60,
	    &err), -1);
	assert_string_equal(err.msg,
	    "sendmail: command exited with status 1");
	assert_int_equal(tell("sendmail:///nowhere/sendmail?to=a@x", &usual,
	    60, &err), -1);
	assert_non_null(strstr(err.msg, "sendmail: command exited with status "
	    "127"));
}

static int
tear_down(void **state)
{
	(void)state;
	forget();
	log_close();
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_url_says_all_that_is_needed),
		cmocka_unit_test(a_short_url_has_good_defaults),
		cmocka_unit_test(
		    settings_of_tls_are_taken_as_shoutrrr_does_or_stricter),
		cmocka_unit_test(each_way_to_log_in_can_be_asked_for),
		cmocka_unit_test(
		    wrong_urls_are_refused_without_touching_anything),
		cmocka_unit_test(a_password_in_the_clear_may_go_to_this_host),
		cmocka_unit_test(the_password_is_masked),
		cmocka_unit_test(
		    an_unescaped_plus_sign_in_an_address_stays_one),
		cmocka_unit_test(this_hosts_name_can_be_the_one_to_greet_with),
		cmocka_unit_test(
		    the_subject_of_the_url_is_for_messages_without_a_title),
		cmocka_unit_test(html_comes_if_it_is_asked_for),
		cmocka_unit_test(only_what_reached_nobody_is_tried_again),
		cmocka_unit_test(without_time_nothing_is_sent),
		cmocka_unit_test(
		    commands_of_sendmail_have_nothing_that_a_shell_runs),
		cmocka_unit_test(
		    sendmail_gets_the_mail_with_this_hosts_line_ends),
		cmocka_unit_test(a_program_of_any_name_is_run_with_these_words),
		cmocka_unit_test(a_program_that_fails_or_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
