/*
 * smtp and sendmail: the same mail, to a server or to this host's program.
 *
 * shoutrrr sends one mail to each recipient; this is one mail to all of them,
 * that some may be refused for.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/smtp.h"
#include "lib/base/spawn.h"
#include "lib/report/mail.h"
#include "lib/report/service.h"

#define PORT_SMTP 25
#define PORT_SMTPS 465
#define PAUSE_S 1.0		/* before the second try; then doubled */
#define HELLO_BYTES 256

static const char *const auths[] = { "Unknown", "None", "Plain", "Login",
	"CRAMMD5", "OAuth2", NULL };
static const char *const encryptions[] = { "Auto", "None", "ExplicitTLS",
	"ImplicitTLS", NULL };

static const struct service_key smtp_keys[] = {
	{ .name = "fromaddress", .alias = "from", .required = true },
	{ .name = "fromname" },
	{ .name = "toaddresses", .alias = "to", .type = KEY_LIST,
	  .required = true },
	{ .name = "subject", .alias = "title", .def = "vbackup" },
	{ .name = "auth", .type = KEY_CHOICE, .choices = auths,
	  .def = "Unknown" },
	{ .name = "encryption", .type = KEY_CHOICE, .choices = encryptions,
	  .def = "Auto" },
	{ .name = "usestarttls", .alias = "starttls", .type = KEY_BOOL,
	  .def = "yes" },
	{ .name = "requirestarttls", .type = KEY_BOOL, .def = "no" },
	{ .name = "usehtml", .type = KEY_BOOL, .def = "no" },
	{ .name = "clienthost", .def = "localhost" },
	{ .name = "skiptlsverify", .type = KEY_BOOL, .def = "no" },
	{ .name = "timeout" },
	{ .name = NULL },
};

static const struct service_key sendmail_keys[] = {
	{ .name = "fromaddress", .alias = "from" },
	{ .name = "fromname" },
	{ .name = "toaddresses", .alias = "to", .type = KEY_LIST,
	  .required = true },
	{ .name = "subject", .alias = "title", .def = "vbackup" },
	{ .name = "usehtml", .type = KEY_BOOL, .def = "no" },
	{ .name = NULL },
};

/* Whom a mail is from and to: what both services have. */
struct ends {
	char *from;		/* NULL: not said */
	struct strlist to;
};

#define ENDS_INIT { NULL, STRLIST_INIT }

static void
ends_free(struct ends *ends)
{
	free(ends->from);
	strlist_free(&ends->to);
}

/* A blank within was a plus sign that nobody had escaped: me+tag@host. */
static int
check_address(char *address, struct err *err)
{
	char *p;

	for (p = address; *p != '\0'; p++)
		if (*p == ' ')
			*p = '+';
	return mail_check_address(address, err);
}

static int
get_ends(const struct service_target *target, struct ends *ret,
    struct err *err)
{
	const char *from = service_get(target, "fromaddress");
	size_t i;

	if (from != NULL && (str_dup(from, &ret->from, err) < 0 ||
	    check_address(ret->from, err) < 0))
		return err_add(err, "fromaddress");
	if (service_list(target, "toaddresses", &ret->to, err) < 0)
		return -1;
	for (i = 0; i < ret->to.n; i++)
		if (check_address(ret->to.v[i], err) < 0)
			return err_add(err, "toaddresses");
	return 0;
}

static int
make_mail(const struct service_target *target, const struct ends *ends,
    const struct message *message, char **ret, struct err *err)
{
	struct mail mail = {
		.from = ends->from, .from_name = service_get(target,
		"fromname"), .to = &ends->to,
		.html = service_is(target, "usehtml")
	};
	struct message titled = *message;

	if (titled.title[strspn(titled.title, " \t\r\n")] == '\0')
		titled.title = service_get(target, "subject");
	if (titled.title == NULL)
		titled.title = "";
	return mail_format(&mail, &titled, ret, err);
}

/* --- smtp ----------------------------------------------------------------- */

static bool
has(const struct service_target *target, const char *key, const char *value)
{
	return strcmp(service_get(target, key), value) == 0;
}

/* STARTTLS is tried even with encryption=None: shoutrrr does so. Who demands it
 * in any way gets it, whatever usestarttls says. */
static enum smtp_tls
tls_of(const struct service_target *target)
{
	if (has(target, "encryption", "ImplicitTLS") ||
	    (has(target, "encryption", "Auto") &&
	    target->url.port == PORT_SMTPS))
		return SMTP_TLS_IMPLICIT;
	if (has(target, "encryption", "ExplicitTLS") ||
	    service_is(target, "requirestarttls"))
		return SMTP_TLS_STARTTLS;
	return service_is(target, "usestarttls") ? SMTP_TLS_TRY :
	    SMTP_TLS_NONE;
}

static enum smtp_auth
auth_of(const struct service_target *target)
{
	static const enum smtp_auth kinds[] = { SMTP_AUTH_PLAIN,
		SMTP_AUTH_NONE, SMTP_AUTH_PLAIN, SMTP_AUTH_LOGIN,
		SMTP_AUTH_CRAM_MD5, SMTP_AUTH_XOAUTH2 };
	const char *user = target->url.user;
	size_t i = 0;

	while (!has(target, "auth", auths[i]))
		i++;
	return i == 0 && (user == NULL || *user == '\0') ? SMTP_AUTH_NONE :
	    kinds[i];
}

static int
get_timeout(const struct service_target *target, double *ret, struct err *err)
{
	const char *text = service_get(target, "timeout");
	int64_t ns = 0;

	*ret = 0;
	if (text == NULL)
		return 0;
	if (clock_parse_duration(text, &ns, err) < 0)
		return err_set(err, ERR_CONFIG,
		    "the value of 'timeout' is not a duration such as 30s");
	*ret = (double)ns / 1e9;
	return 0;
}

struct parts {			/* of a call, owned */
	struct ends ends;
	char hello[HELLO_BYTES];
	double timeout_s;	/* 0: none of its own */
	struct smtp smtp;
};

static void
parts_free(struct parts *parts)
{
	ends_free(&parts->ends);
}

static int
get_hello(const struct service_target *target, struct parts *parts,
    struct err *err)
{
	const char *name = service_get(target, "clienthost");

	if (name == NULL || strcasecmp(name, "auto") != 0)
		(void)snprintf(parts->hello, sizeof parts->hello, "%s",
		    name != NULL ? name : "localhost");
	else if (gethostname(parts->hello, sizeof parts->hello - 1) < 0)
		return err_sys(err, "cannot get this host's name");
	return 0;
}

/* All but the mail. */
static int
get_parts(const struct service_target *target, struct parts *ret,
    struct err *err)
{
	const enum smtp_tls tls = tls_of(target);

	if (get_ends(target, &ret->ends, err) < 0 ||
	    get_hello(target, ret, err) < 0 ||
	    get_timeout(target, &ret->timeout_s, err) < 0)
		return -1;
	ret->smtp = (struct smtp){
		.host = target->url.host,
		.port = target->url.port != 0 ? target->url.port :
		tls == SMTP_TLS_IMPLICIT ? PORT_SMTPS : PORT_SMTP,
		.tls = tls, .insecure = service_is(target, "skiptlsverify"),
		.auth = auth_of(target), .user = target->url.user,
		.password = target->url.password, .hello = ret->hello,
		.from = ret->ends.from, .to = &ret->ends.to
	};
	return smtp_check(&ret->smtp, err);
}

static int
smtp_service_check(struct service_target *target, struct err *err)
{
	CLEANUP(parts_free) struct parts parts = { .ends = ENDS_INIT };

	return get_parts(target, &parts, err);
}

static int
no_time(struct err *err)
{
	return err_set(err, ERR_TIMEOUT, "no time is left");
}

/* Again, but only if nobody can have got it: the server may be in one of the
 * containers that were just started. */
static int
send_patiently(struct parts *parts, struct courier *courier, struct err *err)
{
	struct smtp *smtp = &parts->smtp;
	double pause_s = PAUSE_S, left_s;
	int i;

	smtp->ca_more = courier->ca_more;
	smtp->after_signal_s = INTR_AFTER_S;
	for (i = 1;; i++, pause_s *= 2) {
		left_s = courier_left_s(courier);
		if (left_s <= 0)
			return no_time(err);
		smtp->timeout_s = parts->timeout_s > 0 &&
		    parts->timeout_s < left_s ? parts->timeout_s : left_s;
		if (smtp_send(smtp, err) == 0)
			return 0;
		if (err->kind != ERR_UNREACHABLE || i == COURIER_TRIES ||
		    courier_left_s(courier) <= pause_s)
			return -1;
		if (intr_sleep(pause_s))
			i = COURIER_TRIES - 1;	/* the last one */
	}
}

static int
smtp_service_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(parts_free) struct parts parts = { .ends = ENDS_INIT };
	CLEANUP(cleanup_free) char *mail = NULL;

	if (get_parts(target, &parts, err) < 0 ||
	    make_mail(target, &parts.ends, message, &mail, err) < 0)
		return -1;
	parts.smtp.mail = mail;
	parts.smtp.mail_len = strlen(mail);
	return send_patiently(&parts, courier, err);
}

/* --- sendmail ------------------------------------------------------------- */

static int
sendmail_check(struct service_target *target, struct err *err)
{
	CLEANUP(ends_free) struct ends ends = ENDS_INIT;
	const char *path = target->url.path;

	if (*target->url.host != '\0' || target->url.user != NULL ||
	    target->url.port != 0)
		return err_set(err, ERR_CONFIG, "a program is named, not a "
		    "host (three slashes: sendmail:///usr/sbin/sendmail)");
	if (path[0] != '\0' && path[strlen(path) - 1] == '/' &&
	    path[1] != '\0')
		return err_set(err, ERR_CONFIG, "the program's name is "
		    "missing at the path's end");
	if (get_ends(target, &ends, err) < 0)
		return -1;
	if (ends.from == NULL && service_get(target, "fromname") != NULL)
		return err_set(err, ERR_CONFIG,
		    "'fromname' needs 'fromaddress'");
	return 0;
}

/* For the shell, whatever is in it. */
static void
add_quoted(struct str *s, const char *word)
{
	size_t n;

	str_add(s, "'");
	for (; *word != '\0'; word += n) {
		n = strcspn(word, "'");
		str_addn(s, word, n);
		if (word[n] == '\'') {
			str_add(s, "'\\''");
			n++;
		}
	}
	str_add(s, "'");
}

static int
make_command(const char *path, const char *from, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;

	if (*path == '\0' || strcmp(path, "/") == 0) {
		str_add(&s, "PATH=\"${PATH:-/usr/bin:/bin}\":/usr/sbin:"
		    "/usr/lib; exec sendmail");
	} else {
		str_add(&s, "exec ");
		add_quoted(&s, path);
	}
	str_add(&s, " -t -oi");
	if (from != NULL) {
		str_add(&s, " -f ");
		add_quoted(&s, from);
	}
	return str_take(&s, ret, err);
}

/* Its lines end as this host's do. */
static void
drop_returns(char *mail)
{
	char *to = mail;

	for (; *mail != '\0'; mail++)
		if (*mail != '\r')
			*to++ = *mail;
	*to = '\0';
}

static int
sendmail_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(ends_free) struct ends ends = ENDS_INIT;
	CLEANUP(cleanup_free) char *mail = NULL;
	CLEANUP(cleanup_free) char *command = NULL;
	struct spawn spawn = { .despite_signal = true };

	if (get_ends(target, &ends, err) < 0 ||
	    make_mail(target, &ends, message, &mail, err) < 0 ||
	    make_command(target->url.path, ends.from, &command, err) < 0)
		return -1;
	drop_returns(mail);
	spawn.command = command;
	spawn.input = mail;
	spawn.input_len = strlen(mail);
	spawn.timeout_s = courier_left_s(courier);
	return spawn.timeout_s > 0 ? spawn_run(&spawn, err) : no_time(err);
}

const struct service service_mail[] = {
	{ .scheme = "smtp", .keys = smtp_keys, .check = smtp_service_check,
	  .send = smtp_service_send },
	{ .scheme = "sendmail", .keys = sendmail_keys,
	  .check = sendmail_check, .send = sendmail_send },
	{ .scheme = NULL },
};
