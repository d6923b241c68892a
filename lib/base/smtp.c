/*
 * libcurl speaks SMTP; smtp_dialogue.c listens to what is said.
 *
 * libcurl (7.88) waits in two places as if it were alone, and no multi handle
 * helps: for the answer to the mail, and for the one to QUIT. So
 * curl_easy_perform is used; in the first of them the timeout of the whole and
 * the progress callback hold, in the second only the timeout for a response,
 * which is set when QUIT is seen.
 */
#define _GNU_SOURCE
#include "lib/base/smtp.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/libcurl.h"
#include "lib/base/smtp_dialogue.h"

#define QUIT_S 1L		/* for the answer to QUIT */
#define REFUSED_NAMED 3		/* recipients in an error message */

#if LIBCURL_VERSION_NUM >= 0x080200
#define RCPT_ALLOWFAILS CURLOPT_MAIL_RCPT_ALLOWFAILS
#else
#define RCPT_ALLOWFAILS CURLOPT_MAIL_RCPT_ALLLOWFAILS
#endif

struct call {
	const struct smtp *smtp;
	CURL *easy;
	CURLU *url;
	struct curl_slist *to;
	char *ca_all;		/* PEM; NULL: libcurl's own */
	size_t offset;		/* of what is read next */
	double until_s;		/* once a signal came; 0: none did */
	bool not_logged_in;	/* though it was asked for: nothing was sent */
	char text[CURL_ERROR_SIZE];	/* libcurl's own words */
	struct smtp_dialogue dialogue;
};

static void
call_free(struct call *call)
{
	curl_easy_cleanup(call->easy);
	curl_url_cleanup(call->url);
	curl_slist_free_all(call->to);
	free(call->ca_all);
	smtp_dialogue_free(&call->dialogue);
}

/* Is that this host, whatever a resolver says? */
static bool
is_loopback(const char *host)
{
	struct in_addr address;

	return strcasecmp(host, "localhost") == 0 ||
	    strcmp(host, "[::1]") == 0 ||
	    (inet_pton(AF_INET, host, &address) == 1 &&
	    ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
}

static bool
is_name(const char *text)
{
	return *text != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") == strlen(text);
}

int
smtp_check(const struct smtp *smtp, struct err *err)
{
	if (smtp->host == NULL || *smtp->host == '\0')
		return err_set(err, ERR_CONFIG, "no mail server is named");
	if (!is_name(smtp->hello))
		return err_set(err, ERR_CONFIG,
		    "the name to greet with is not a host's name");
	if (smtp->to->n == 0)
		return err_set(err, ERR_CONFIG, "there are no recipients");
	if (smtp->auth == SMTP_AUTH_NONE)
		return 0;
	if (smtp->user == NULL || *smtp->user == '\0')
		return err_set(err, ERR_CONFIG, "no user to log in with");
	if (smtp->tls == SMTP_TLS_NONE && !is_loopback(smtp->host))
		return err_set(err, ERR_CONFIG, "the password would go "
		    "unencrypted to '%s' (allow STARTTLS)", smtp->host);
	return 0;
}

/* libcurl goes on without TLS where that is merely tried. */
static enum smtp_tls
tls_of(const struct smtp *smtp)
{
	return smtp->tls == SMTP_TLS_TRY && smtp->auth != SMTP_AUTH_NONE &&
	    !is_loopback(smtp->host) ? SMTP_TLS_STARTTLS : smtp->tls;
}

/* --- while libcurl works -------------------------------------------------- */

static size_t
on_read(char *bytes, size_t size, size_t n, void *data)
{
	struct call *call = data;
	const struct smtp *smtp = call->smtp;

	n *= size;
	if (n > smtp->mail_len - call->offset)
		n = smtp->mail_len - call->offset;
	memcpy(bytes, smtp->mail + call->offset, n);
	call->offset += n;
	return n;
}

/* Before the sender is named. Where a server offers no AUTH at all libcurl goes
 * on without. */
static int
on_ready(void *data, char *ip, char *own_ip, int port, int own_port)
{
	struct call *call = data;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	call->not_logged_in = call->smtp->auth != SMTP_AUTH_NONE &&
	    !call->dialogue.logged_in;
	return call->not_logged_in ? CURL_PREREQFUNC_ABORT :
	    CURL_PREREQFUNC_OK;
}

static size_t
on_reply(char *bytes, size_t size, size_t n, void *data)
{
	struct call *call = data;

	smtp_dialogue_reply(&call->dialogue, bytes, size * n);
	return size * n;
}

static size_t
on_nothing(char *bytes, size_t size, size_t n, void *data)
{
	(void)bytes;
	(void)data;
	return size * n;
}

static int
on_debug(CURL *easy, curl_infotype type, char *bytes, size_t n, void *data)
{
	struct call *call = data;

	if (type != CURLINFO_HEADER_OUT)
		return 0;
	smtp_dialogue_command(&call->dialogue, bytes, n);
	if (call->dialogue.stage == SMTP_QUIT)
		(void)curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
		    QUIT_S);
	return 0;
}

/* Once a second at least. */
static int
on_progress(void *data, curl_off_t all_in, curl_off_t in, curl_off_t all_out,
    curl_off_t out)
{
	struct call *call = data;

	(void)all_in;
	(void)in;
	(void)all_out;
	(void)out;
	if (intr_signal() == 0 || call->smtp->after_signal_s <= 0)
		return 0;
	if (call->until_s == 0)
		call->until_s = clock_mono_s() + call->smtp->after_signal_s;
	return clock_mono_s() >= call->until_s;
}

/* --- what it is told ------------------------------------------------------ */

static int
make_url(struct call *call, struct err *err)
{
	const struct smtp *smtp = call->smtp;
	CLEANUP(cleanup_free) char *port = NULL;
	CLEANUP(cleanup_free) char *path = NULL;

	if (str_format(&port, err, "%u", smtp->port) < 0 ||
	    str_format(&path, err, "/%s", smtp->hello) < 0)
		return -1;
	call->url = curl_url();
	if (call->url == NULL)
		return err_nomem(err);
	/* The path is what EHLO says. */
	if (curl_url_set(call->url, CURLUPART_SCHEME,
	    smtp->tls == SMTP_TLS_IMPLICIT ? "smtps" : "smtp", 0) !=
	    CURLUE_OK || curl_url_set(call->url, CURLUPART_HOST, smtp->host,
	    0) != CURLUE_OK || curl_url_set(call->url, CURLUPART_PORT, port,
	    0) != CURLUE_OK || curl_url_set(call->url, CURLUPART_PATH, path,
	    CURLU_URLENCODE) != CURLUE_OK)
		return err_set(err, ERR_CONFIG,
		    "'%s:%u' is not a server's name and port", smtp->host,
		    smtp->port);
	return 0;
}

static int
make_to(struct call *call, struct err *err)
{
	size_t i;

	for (i = 0; i < call->smtp->to->n; i++) {
		struct curl_slist *longer = curl_slist_append(call->to,
		    call->smtp->to->v[i]);

		if (longer == NULL)
			return err_nomem(err);
		call->to = longer;
	}
	return 0;
}

static bool
set_tls(struct call *call)
{
	enum smtp_tls tls = tls_of(call->smtp);
	long use = tls == SMTP_TLS_NONE ? CURLUSESSL_NONE :
	    tls == SMTP_TLS_TRY ? CURLUSESSL_TRY : CURLUSESSL_ALL;

	return curl_easy_setopt(call->easy, CURLOPT_USE_SSL, use) ==
	    CURLE_OK &&
	    libcurl_trust(call->easy, call->ca_all, call->smtp->insecure);
}

/* Without the option libcurl takes the mechanism that it likes best. */
static bool
set_login(struct call *call)
{
	static const char *const options[] = {
		[SMTP_AUTH_PLAIN] = "AUTH=PLAIN",
		[SMTP_AUTH_LOGIN] = "AUTH=LOGIN",
		[SMTP_AUTH_CRAM_MD5] = "AUTH=CRAM-MD5",
		[SMTP_AUTH_XOAUTH2] = "AUTH=XOAUTH2",
	};
	const struct smtp *smtp = call->smtp;
	const char *password = smtp->password != NULL ? smtp->password : "";

	return smtp->auth == SMTP_AUTH_NONE ||
	    (curl_easy_setopt(call->easy, CURLOPT_LOGIN_OPTIONS,
	    options[smtp->auth]) == CURLE_OK &&
	    curl_easy_setopt(call->easy, CURLOPT_USERNAME, smtp->user) ==
	    CURLE_OK &&
	    curl_easy_setopt(call->easy, smtp->auth == SMTP_AUTH_XOAUTH2 ?
	    CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, password) == CURLE_OK);
}

static bool
set_callbacks(struct call *call)
{
	CURL *easy = call->easy;

	return curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_READDATA, call) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_nothing) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, call) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, call) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->text) ==
	    CURLE_OK;
}

static bool
set_mail(struct call *call)
{
	const struct smtp *smtp = call->smtp;
	CURL *easy = call->easy;
	long timeout_ms = (long)(smtp->timeout_s * 1000);

	/* FORBID_REUSE: so that QUIT belongs to this call. */
	return curl_easy_setopt(easy, CURLOPT_CURLU, call->url) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps") ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
	    timeout_ms > 0 ? timeout_ms : 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, smtp->from) ==
	    CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, call->to) == CURLE_OK &&
	    curl_easy_setopt(easy, RCPT_ALLOWFAILS, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
	    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
	    (curl_off_t)smtp->mail_len) == CURLE_OK;
}

static int
prepare(struct call *call, struct err *err)
{
	smtp_dialogue_begin(&call->dialogue, call->smtp->to);
	if (libcurl_setup(err) < 0 || make_url(call, err) < 0 ||
	    make_to(call, err) < 0)
		return -1;
	call->easy = curl_easy_init();
	if (call->easy == NULL)
		return err_nomem(err);
	if (call->smtp->ca_more != NULL && libcurl_join_roots(call->easy,
	    NULL, call->smtp->ca_more, &call->ca_all, err) < 0)
		return -1;
	if (!set_mail(call) || !set_tls(call) || !set_login(call) ||
	    !set_callbacks(call))
		return err_nomem(err);
	return 0;
}

/* --- what came of it ------------------------------------------------------ */

static int
explain_refused(const struct call *call, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	const struct strlist *refused = &call->dialogue.refused;
	size_t i;

	for (i = 0; i < refused->n && i < REFUSED_NAMED; i++) {
		str_add(&text, i != 0 ? "; " : "");
		str_add_visible(&text, refused->v[i]);
	}
	if (refused->n > REFUSED_NAMED)
		str_addf(&text, "; and %zu more", refused->n - REFUSED_NAMED);
	if (text.failed)
		return err_nomem(err);
	return err_set(err, ERR_REFUSED,
	    "the mail server '%s:%u' refused %zu of %zu recipients: %s",
	    call->smtp->host, call->smtp->port, refused->n,
	    call->smtp->to->n, text.s);
}

static int
explain_words(const struct call *call, struct err *err)
{
	static const char *const refused[] = {
		[SMTP_GREETING] = "to talk", [SMTP_HELLO] = "to talk",
		[SMTP_STARTTLS] = "STARTTLS", [SMTP_LOGIN] = "the login",
		[SMTP_SENDER] = "the sender",
		[SMTP_RECIPIENT] = "a recipient",
		[SMTP_CONTENT] = "the mail",
	};
	CLEANUP(str_free) struct str text = STR_INIT;

	str_add_visible(&text, call->dialogue.words);
	if (text.failed)
		return err_nomem(err);
	return err_set(err, ERR_REFUSED,
	    "the mail server '%s:%u' refused %s: %s", call->smtp->host,
	    call->smtp->port, refused[call->dialogue.answered], text.s);
}

static int
explain(const struct call *call, CURLcode code, struct err *err)
{
	const struct smtp *smtp = call->smtp;
	enum err_kind kind = libcurl_kind(call->easy, (int)code);
	const char *text = call->text[0] != '\0' ? call->text :
	    curl_easy_strerror(code);

	if (kind == ERR_NOMEM)
		return err_nomem(err);
	if (call->not_logged_in || code == CURLE_LOGIN_DENIED)
		return err_set(err, ERR_REFUSED, "the mail server '%s:%u' "
		    "does not offer to log in this way", smtp->host,
		    smtp->port);
	if (code == CURLE_USE_SSL_FAILED)
		return err_set(err, ERR_REFUSED, "the mail server '%s:%u' "
		    "does not offer STARTTLS, and nothing goes to it "
		    "unencrypted", smtp->host, smtp->port);
	return err_set(err, kind, "%s the mail server '%s:%u': %s",
	    libcurl_phrase(kind), smtp->host, smtp->port, text);
}

static int
judge(const struct call *call, CURLcode code, struct err *err)
{
	const struct smtp_dialogue *dialogue = &call->dialogue;
	enum err_kind kind;

	if (dialogue->err.kind != ERR_NONE) {
		*err = dialogue->err;
		return -1;
	}
	if (code == CURLE_OK)
		return dialogue->refused.n == 0 ? 0 :
		    explain_refused(call, err);
	kind = libcurl_kind(call->easy, (int)code);
	if (kind == ERR_PROTOCOL || kind == ERR_REFUSED) {
		if (dialogue->refused.n == call->smtp->to->n)
			return explain_refused(call, err);
		if (dialogue->code >= 400)
			return explain_words(call, err);
	}
	return explain(call, code, err);
}

int
smtp_send(const struct smtp *smtp, struct err *err)
{
	CLEANUP(call_free) struct call call = { .smtp = smtp };

	if (smtp_check(smtp, err) < 0 || prepare(&call, err) < 0)
		return -1;
	return judge(&call, curl_easy_perform(call.easy), err);
}
