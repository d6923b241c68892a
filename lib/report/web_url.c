#include "lib/report/web_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/log.h"
#include "lib/base/str.h"

#define PORT_MAX 65535
#define SECRET_BYTES 14

static int
check_bytes(const char *text, struct err *err)
{
	const char *p;

	for (p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(err, ERR_CONFIG, "the URL has a blank, "
			    "a control character or a letter in it that must "
			    "be percent-encoded");
	return 0;
}

/* *ret: behind the scheme and its slashes; *ret_scheme: with them. */
static int
take_scheme(const char *text, const char **ret_scheme, const char **ret,
    struct err *err)
{
	static const char *const schemes[] = { "http://", "https://" };
	size_t i;

	for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		size_t n = strlen(schemes[i]);

		if (strncasecmp(text, schemes[i], n) == 0) {
			*ret_scheme = schemes[i];
			*ret = text + n;
			return 0;
		}
	}
	return err_set(err, ERR_CONFIG,
	    "the URL does not begin with http:// or https://");
}

static int
copy(const char *text, size_t n, char **ret, struct err *err)
{
	return str_format(ret, err, "%.*s", (int)n, text);
}

static int
digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
	    isxdigit((unsigned char)c) ?
	    tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* Percent-encoding is undone in place. */
static int
decode(char *text, struct err *err)
{
	char *from, *to = text;

	for (from = text; *from != '\0'; from++, to++) {
		*to = *from;
		if (*from != '%')
			continue;
		if (digit(from[1]) < 0 || digit(from[2]) < 0 ||
		    (*to = (char)(digit(from[1]) * 16 + digit(from[2]))) ==
		    '\0')
			return err_set(err, ERR_CONFIG, "the URL has a user "
			    "or password with a %% that encodes nothing");
		from += 2;
	}
	*to = '\0';
	return 0;
}

/* Up to the last @, user and password parted by the first colon. */
static int
take_user(const char *text, size_t n, struct web_url *url, struct err *err)
{
	const char *colon = memchr(text, ':', n);
	size_t user_n = colon != NULL ? (size_t)(colon - text) : n;

	if (copy(text, user_n, &url->user, err) < 0 ||
	    decode(url->user, err) < 0)
		return -1;
	if (strchr(url->user, ':') != NULL)
		return err_set(err, ERR_CONFIG,
		    "the URL has a user with a colon in it");
	return colon == NULL ? 0 :
	    copy(colon + 1, n - user_n - 1, &url->password, err) < 0 ? -1 :
	    decode(url->password, err);
}

/* How many of the n bytes at text are a host; 0: none is. */
static size_t
host_length(const char *text, size_t n)
{
	const char *end = text + n, *p = text;

	if (n == 0 || *p != '[') {
		while (p < end && (isalnum((unsigned char)*p) ||
		    strchr("-._~", *p) != NULL))
			p++;
		return (size_t)(p - text);
	}
	while (p < end && (isxdigit((unsigned char)*p) ||
	    strchr("[:.", *p) != NULL))
		p++;
	return p < end && p > text + 1 && *p == ']' ?
	    (size_t)(p + 1 - text) : 0;
}

/* Is text (n bytes) ":PORT", or empty? Then *port is left alone. */
static bool
take_port(const char *text, size_t n, unsigned *port)
{
	unsigned long number = 0;
	size_t i;

	if (n == 0)
		return true;
	if (*text != ':')
		return false;
	for (i = 1; i < n && isdigit((unsigned char)text[i]) &&
	    number <= PORT_MAX; i++)
		number = number * 10 + (unsigned long)(text[i] - '0');
	*port = (unsigned)number;
	return i == n && number != 0 && number <= PORT_MAX;
}

static int
take_authority(const char *scheme, const char *text, size_t n,
    struct web_url *url, struct err *err)
{
	size_t user = n, host;

	while (user != 0 && text[user - 1] != '@')
		user--;
	if (user != 0 && take_user(text, user - 1, url, err) < 0)
		return -1;
	text += user;
	n -= user;
	host = host_length(text, n);
	url->tls = str_starts(scheme, "https:");
	url->port = url->tls ? 443 : 80;
	if (host == 0 || !take_port(text + host, n - host, &url->port))
		return err_set(err, ERR_CONFIG,
		    "the URL has no host, or one that is none");
	return copy(text, host, &url->host, err) < 0 ? -1 :
	    str_format(&url->base, err, "%s%.*s", scheme, (int)n, text);
}

/* Names of a host, a path or a setting are shorter; tokens are not. */
static int
hide_pieces(const char *text, const char *ends, struct err *err)
{
	size_t n;

	for (; text != NULL && *text != '\0'; text += n + (text[n] != '\0')) {
		CLEANUP(web_url_wipe) char *piece = NULL;
		struct err ignored = ERR_INIT;

		n = strcspn(text, ends);
		if (n < SECRET_BYTES)
			continue;
		if (copy(text, n, &piece, err) < 0)
			return -1;
		/* As it is, if it cannot be decoded. */
		if (log_secret(piece, err) < 0 ||
		    (decode(piece, &ignored) == 0 &&
		    log_secret(piece, err) < 0))
			return -1;
	}
	return 0;
}

static int
hide(const struct web_url *url, struct err *err)
{
	return (url->password != NULL && log_secret(url->password, err) < 0) ||
	    hide_pieces(url->user, "", err) < 0 ||
	    hide_pieces(url->path, "/", err) < 0 ||
	    hide_pieces(url->query, "&=", err) < 0 ? -1 : 0;
}

static int
take(const char *text, struct web_url *ret, struct err *err)
{
	CLEANUP(web_url_free) struct web_url url = { 0 };
	const char *scheme = "", *at = text;
	size_t n;

	if (check_bytes(text, err) < 0 ||
	    take_scheme(text, &scheme, &at, err) < 0)
		return -1;
	n = strcspn(at, "/?#");
	if (take_authority(scheme, at, n, &url, err) < 0)
		return -1;
	at += n;
	n = strcspn(at, "?#");
	if (copy(at, n, &url.path, err) < 0)
		return -1;
	at += n;
	if (*at == '?' &&
	    copy(at + 1, strcspn(at + 1, "#"), &url.query, err) < 0)
		return -1;
	*ret = url;
	url = (struct web_url){ 0 };
	return 0;
}

int
web_url_parse(const char *text, struct web_url *ret, struct err *err)
{
	CLEANUP(web_url_free) struct web_url url = { 0 };

	if (take(text, &url, err) < 0 ||
	    hide(&url, err) < 0)
		return -1;
	*ret = url;
	url = (struct web_url){ 0 };
	return 0;
}

/* Blanks too, and what is not ASCII; but none in scheme and authority. */
static int
escape(const char *text, char **ret, struct err *err)
{
	CLEANUP(str_wipe) struct str escaped = STR_INIT;
	const char *slashes = strstr(text, "://");
	const char *p = slashes != NULL ? slashes + 3 : text;

	p += strcspn(p, "/?#");
	str_addn(&escaped, text, (size_t)(p - text));
	for (; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			str_addf(&escaped, "%%%02X", (unsigned char)*p);
		else
			str_addn(&escaped, p, 1);
	return str_take(&escaped, ret, err);
}

int
web_url_parse_loose(const char *text, struct web_url *ret, struct err *err)
{
	CLEANUP(web_url_wipe) char *escaped = NULL;

	return escape(text, &escaped, err) < 0 ? -1 :
	    take(escaped, ret, err);
}

/* A reference that begins with "SCHEME:" is whole by itself. */
static bool
has_scheme(const char *reference)
{
	const char *p = reference;

	if (!isalpha((unsigned char)*p))
		return false;
	while (isalnum((unsigned char)*p) || (*p != '\0' &&
	    strchr("+.-", *p) != NULL))
		p++;
	return *p == ':';
}

static int
join(const struct web_url *from, const char *reference, char **ret,
    struct err *err)
{
	const char *slash = strrchr(from->path, '/');
	size_t kept = 0;

	if (has_scheme(reference))
		return str_dup(reference, ret, err);
	if (str_starts(reference, "//"))
		return str_format(ret, err, "%s:%s",
		    from->tls ? "https" : "http", reference);
	if (*reference == '\0' || *reference == '#')
		return web_url_make(from, NULL, NULL, ret, err);
	if (*reference == '?')
		kept = strlen(from->path);
	else if (*reference != '/' && slash != NULL)
		kept = (size_t)(slash + 1 - from->path);
	return str_format(ret, err, "%s%.*s%s%s", from->base, (int)kept,
	    from->path, kept == 0 && strchr("/?", *reference) == NULL ?
	    "/" : "", reference);
}

int
web_url_resolve(const struct web_url *from, const char *reference,
    struct web_url *ret, struct err *err)
{
	CLEANUP(web_url_wipe) char *text = NULL;

	return join(from, reference, &text, err) < 0 ? -1 :
	    web_url_parse_loose(text, ret, err);
}

void
web_url_wipe(char **text)
{
	if (*text != NULL)
		str_zero(*text);
	free(*text);
	*text = NULL;
}

void
web_url_free(struct web_url *url)
{
	web_url_wipe(&url->base);
	web_url_wipe(&url->host);
	web_url_wipe(&url->user);
	web_url_wipe(&url->password);
	web_url_wipe(&url->path);
	web_url_wipe(&url->query);
}

int
web_url_make(const struct web_url *url, const char *more, const char *query,
    char **ret, struct err *err)
{
	const char *own = url->query != NULL ? url->query : "";
	size_t n = strlen(url->path);

	while (more != NULL && n != 0 && url->path[n - 1] == '/')
		n--;
	if (query == NULL)
		query = "";
	return str_format(ret, err, "%s%.*s%s%s%s%s%s", url->base, (int)n,
	    url->path, more != NULL ? more : "",
	    *own != '\0' || *query != '\0' ? "?" : "", own,
	    *own != '\0' && *query != '\0' ? "&" : "", query);
}
