#define _GNU_SOURCE
#include "lib/report/mail.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/base/base64.h"
#include "lib/base/http.h"
#include "lib/base/str.h"

#define LINE_CHARS 76
#define WORD_START "=?UTF-8?B?"
#define WORD_END "?="
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define ATOM LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~"	/* RFC 5322 */

/* --- addresses ------------------------------------------------------------ */

static bool
is_host(const char *host)
{
	size_t n;

	if (*host != '[')
		return *host != '\0' &&
		    strspn(host, LETTERS DIGITS "-._") == strlen(host);
	n = strspn(host + 1, LETTERS DIGITS ":.-");
	return n != 0 && strcmp(host + 1 + n, "]") == 0;
}

int
mail_check_address(const char *address, struct err *err)
{
	const char *at = strchr(address, '@');
	size_t n = strspn(address, ATOM ".");

	if (*address == '\0')
		return err_set(err, ERR_CONFIG, "an address is empty");
	if (strlen(address) > MAIL_ADDRESS_BYTES)
		return err_set(err, ERR_CONFIG, "an address is too long");
	if (*address == '-' || n == 0 || address + n !=
	    (at != NULL ? at : address + strlen(address)) ||
	    (at != NULL && !is_host(at + 1)))
		return err_set(err, ERR_CONFIG,
		    "an address is not of the form user@host");
	return 0;
}

/* --- headers -------------------------------------------------------------- */

/* How much of text, in whole characters, one word of so many can hold. */
static size_t
word_bytes(const char *text, size_t chars)
{
	size_t max = (chars - strlen(WORD_START WORD_END)) / 4 * 3;
	size_t n = 0, more;

	for (; text[n] != '\0'; n += more) {
		more = str_utf8_length(text + n);
		if (more == 0)
			more = 1;	/* message_line leaves none */
		if (n + more > max)
			break;
	}
	return n;
}

static int
add_encoded(struct str *s, const char *text, size_t n, struct err *err)
{
	CLEANUP(cleanup_free) char *encoded = NULL;

	if (base64_encode(text, n, &encoded, err) < 0)
		return -1;
	str_add(s, encoded);
	return 0;
}

/* Words of RFC 2047, one on each line, of which the first has used some. */
static int
add_words(struct str *s, const char *text, size_t used, struct err *err)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		n = word_bytes(text, LINE_CHARS - used);
		str_add(s, WORD_START);
		if (add_encoded(s, text, n, err) < 0)
			return -1;
		str_add(s, text[n] != '\0' ? WORD_END "\r\n " : WORD_END);
		used = 1;	/* the blank that folds */
	}
	return 0;
}

/* One line of plain characters, that nobody takes for an encoded one. */
static bool
is_plain(const char *text, size_t used, bool phrase)
{
	const char *p = text;

	if (strlen(text) + used > LINE_CHARS || strstr(text, "=?") != NULL)
		return false;
	for (; *p != '\0'; p++)
		if (phrase ? strchr(ATOM " ", *p) == NULL :
		    *p < ' ' || *p > '~')
			return false;
	return true;
}

/* Free text behind a header's name. phrase: a person's, before an address. */
static int
add_text(struct str *s, const char *text, size_t used, bool phrase,
    struct err *err)
{
	CLEANUP(cleanup_free) char *line = NULL;

	if (message_line(text, &line, err) < 0)
		return -1;
	if (!is_plain(line, used, phrase))
		return add_words(s, line, used, err);
	str_add(s, line);
	return 0;
}

/* strftime would ask the locale. */
static void
add_date(struct str *s, time_t t)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const time_t never = 0;
	struct tm tm = { 0 };
	long east_min;

	tzset();
	/* The form has years of four digits. */
	if (localtime_r(&t, &tm) == NULL || tm.tm_year < 0 ||
	    tm.tm_year > 9999 - 1900)
		(void)localtime_r(&never, &tm);
	east_min = tm.tm_gmtoff / 60;
	str_addf(s, "Date: %s, %d %s %d %02d:%02d:%02d %c%02ld%02ld\r\n",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    1900 + tm.tm_year, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    east_min < 0 ? '-' : '+', labs(east_min) / 60,
	    labs(east_min) % 60);
}

/* The sender's host, or ours, or any: what counts is the number before. */
static const char *
id_host(const struct mail *mail, const struct message *message)
{
	const char *at = mail->from != NULL ? strchr(mail->from, '@') : NULL;

	if (at != NULL && is_host(at + 1))
		return at + 1;
	return message->host != NULL && is_host(message->host) &&
	    strlen(message->host) < MAIL_ADDRESS_BYTES ?
	    message->host : "localhost";
}

static int
random_number(uint64_t *ret, struct err *err)
{
	if (getrandom(ret, sizeof *ret, 0) != sizeof *ret)
		return err_sys(err, "cannot make a random number");
	return 0;
}

static int
add_from(struct str *s, const struct mail *mail, struct err *err)
{
	const bool named = mail->from_name != NULL && *mail->from_name != '\0';

	if (mail->from == NULL)
		return 0;
	str_add(s, "From: ");
	if (named && add_text(s, mail->from_name, strlen("From: "), true,
	    err) < 0)
		return -1;
	str_addf(s, "%s%s%s\r\n", named ? "\r\n <" : "", mail->from,
	    named ? ">" : "");
	return 0;
}

static int
add_headers(struct str *s, const struct mail *mail,
    const struct message *message, struct err *err)
{
	uint64_t number[2];
	size_t i;

	if (random_number(&number[0], err) < 0 ||
	    random_number(&number[1], err) < 0 || add_from(s, mail, err) < 0)
		return -1;
	for (i = 0; i < mail->to->n; i++)
		str_addf(s, "%s%s", i == 0 ? "To: " : ",\r\n ",
		    mail->to->v[i]);
	str_add(s, "\r\nSubject: ");
	if (add_text(s, message->title, strlen("Subject: "), false, err) < 0)
		return -1;
	str_add(s, "\r\n");
	add_date(s, message->time);
	str_addf(s, "Message-ID:\r\n <%016" PRIx64 "%016" PRIx64 "@%s>\r\n",
	    number[0], number[1], id_host(mail, message));
	str_add(s, "Auto-Submitted: auto-generated\r\n");
	if (message->outcome == OUTCOME_FAILURE)
		str_add(s, "X-Priority: 1\r\n");
	str_add(s, "MIME-Version: 1.0\r\n");
	return 0;
}

/* --- the body ------------------------------------------------------------- */

/* Lines of a text end with CRLF also below its encoding (RFC 2045, 6.8). */
static void
add_lines(struct str *s, const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		n = strcspn(text, "\n");
		str_addn(s, text, n);
		str_add(s, "\r\n");
		n += text[n] == '\n';
	}
}

static void
add_html(struct str *s, const char *text)
{
	static const char special[] = "&<>\"";
	static const char *const names[] = { "&amp;", "&lt;", "&gt;",
		"&quot;" };
	size_t n;

	str_add(s, "<!DOCTYPE html>\r\n<html><body><pre>\r\n");
	for (; *text != '\0'; text += n) {
		n = strcspn(text, special);
		str_addn(s, text, n);
		if (text[n] != '\0')
			str_add(s, names[strchr(special, text[n++]) -
			    special]);
	}
	str_add(s, "</pre></body></html>\r\n");
}

static int
add_part(struct str *s, const char *type, const struct str *text,
    struct err *err)
{
	CLEANUP(cleanup_free) char *encoded = NULL;
	const char *p;

	if (text->failed)
		return err_nomem(err);
	if (base64_encode(text->s != NULL ? text->s : "", text->len, &encoded,
	    err) < 0)
		return -1;
	str_addf(s, "Content-Type: text/%s; charset=UTF-8\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\n", type);
	for (p = encoded; *p != '\0'; p += strnlen(p, LINE_CHARS)) {
		str_addn(s, p, strnlen(p, LINE_CHARS));
		str_add(s, "\r\n");
	}
	return 0;
}

/* The last part is the one that is shown. No line of base64 can be taken for
 * the boundary. */
static int
add_alternatives(struct str *s, const struct str *text, struct err *err)
{
	CLEANUP(str_free) struct str html = STR_INIT;
	uint64_t number;

	if (text->failed)
		return err_nomem(err);
	add_html(&html, text->s != NULL ? text->s : "");
	if (random_number(&number, err) < 0)
		return -1;
	str_addf(s, "Content-Type: multipart/alternative;\r\n"
	    " boundary=\"=_%016" PRIx64 "\"\r\n\r\n--=_%016" PRIx64 "\r\n",
	    number, number);
	if (add_part(s, "plain", text, err) < 0)
		return -1;
	str_addf(s, "--=_%016" PRIx64 "\r\n", number);
	if (add_part(s, "html", &html, err) < 0)
		return -1;
	str_addf(s, "--=_%016" PRIx64 "--\r\n", number);
	return 0;
}

/* In place. */
static void
drop_returns(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
		if (text[0] != '\r' || text[1] != '\n')
			*to++ = *text;
	*to = '\0';
}

static int
make_text(const struct message *message, struct str *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *fitted = NULL;
	CLEANUP(cleanup_free) char *clean = NULL;

	if (message_fit(message->body, MAIL_BODY_BYTES, MESSAGE_BYTES,
	    &fitted, err) < 0)
		return -1;
	drop_returns(fitted);
	if (message_utf8(fitted, &clean, err) < 0)
		return -1;
	add_lines(ret, clean);
	return 0;
}

int
mail_format(const struct mail *mail, const struct message *message,
    char **ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	CLEANUP(str_free) struct str s = STR_INIT;

	if (make_text(message, &text, err) < 0 ||
	    add_headers(&s, mail, message, err) < 0 ||
	    (mail->html ? add_alternatives(&s, &text, err) :
	    add_part(&s, "plain", &text, err)) < 0)
		return -1;
	return str_take(&s, ret, err);
}

/* --- EMAIL_* -------------------------------------------------------------- */

static void
wipe(char **text)
{
	str_zero(*text);
	free(*text);
}

static int
escape(const char *text, char **ret, struct err *err)
{
	return http_escape(text != NULL ? text : "", ret, err);
}

/* An IPv6 address needs brackets; they and its colons are not escaped. */
static int
escape_host(const char *host, char **ret, struct err *err)
{
	if (strchr(host, ':') != strrchr(host, ':') &&
	    strspn(host, "0123456789abcdefABCDEF:.") == strlen(host))
		return str_format(ret, err, "[%s]", host);
	return *host == '[' && is_host(host) ? str_dup(host, ret, err) :
	    escape(host, ret, err);
}

int
mail_legacy_url(const char *recipient, const char *sender, const char *host,
    long port, const char *user, const char *password, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *to = NULL;
	CLEANUP(cleanup_free) char *from = NULL;
	CLEANUP(cleanup_free) char *server = NULL;
	CLEANUP(wipe) char *name = NULL;
	CLEANUP(wipe) char *secret = NULL;
	const bool known = user != NULL && *user != '\0';

	if (escape(recipient, &to, err) < 0 ||
	    escape(sender, &from, err) < 0 ||
	    escape_host(host, &server, err) < 0 ||
	    escape(user, &name, err) < 0 || escape(password, &secret, err) < 0)
		return -1;
	return str_format(ret, err, "smtp://%s%s%s%s%s:%ld/?from=%s&to=%s",
	    known ? name : "", known && *secret != '\0' ? ":" : "",
	    known ? secret : "", known ? "@" : "", server, port, from, to);
}
