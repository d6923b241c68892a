#define _GNU_SOURCE
#include "lib/report/service_url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define SCHEME_CHARACTERS LETTERS DIGITS ".-"
#define BLANKS " \t\r\v\f"

/* A part of the text, before decoding. */
struct piece {
	const char *s;
	size_t n;
};

/* The parts, as they stand in the text. s NULL: there is none. */
struct pieces {
	struct piece scheme, plus, user, password, host, port, path, query,
	    fragment;
};

static int
wrong(struct err *err, const char *part, const char *why)
{
	return err_set(err, ERR_CONFIG, "the %s %s", part, why);
}

static void
zero_all(struct strlist *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		str_zero(list->v[i]);
}

void
service_url_free(struct service_url *url)
{
	char *const texts[] = { url->scheme, url->plus, url->user,
		url->password, url->host, url->path, url->fragment };
	size_t i;

	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		str_zero(texts[i]);
		free(texts[i]);
	}
	zero_all(&url->segments);
	zero_all(&url->query.keys);
	zero_all(&url->query.values);
	strlist_free(&url->segments);
	strmap_free(&url->query);
	*url = (struct service_url)SERVICE_URL_INIT;
}

/* *whole up to c, which is dropped; *rest what is behind it. Without c *rest
 * stays as it is. */
static bool
cut_at(struct piece *whole, char c, struct piece *rest)
{
	const char *at = memchr(whole->s, c, whole->n);

	if (at == NULL)
		return false;
	*rest = (struct piece){ at + 1,
		whole->n - (size_t)(at + 1 - whole->s) };
	whole->n = (size_t)(at - whole->s);
	return true;
}

static void
split_user(struct piece *authority, struct pieces *ret)
{
	const char *at = memrchr(authority->s, '@', authority->n);

	if (at == NULL)
		return;
	ret->user = (struct piece){ authority->s,
		(size_t)(at - authority->s) };
	authority->n -= ret->user.n + 1;
	authority->s = at + 1;
	(void)cut_at(&ret->user, ':', &ret->password);
}

static int
split_host(struct piece authority, struct pieces *ret, struct err *err)
{
	const char *end;

	ret->host = authority;
	if (authority.n == 0 || *authority.s != '[') {
		(void)cut_at(&ret->host, ':', &ret->port);
		return 0;
	}
	end = memchr(authority.s, ']', authority.n);
	if (end == NULL)
		return wrong(err, "host", "has no closing bracket");
	ret->host.n = (size_t)(end + 1 - authority.s);
	authority.s += ret->host.n;
	authority.n -= ret->host.n;
	if (authority.n != 0 && *authority.s != ':')
		return wrong(err, "host", "goes on behind its bracket");
	if (authority.n != 0)
		ret->port = (struct piece){ authority.s + 1, authority.n - 1 };
	return 0;
}

static int
split_scheme(const char *text, struct pieces *ret, struct piece *rest,
    struct err *err)
{
	const size_t n = strspn(text, SCHEME_CHARACTERS "+");

	if (n == 0 || strchr(LETTERS, *text) == NULL ||
	    !str_starts(text + n, "://"))
		return err_set(err, ERR_CONFIG,
		    "it does not begin with a scheme and '://'");
	ret->scheme = (struct piece){ text, n };
	*rest = (struct piece){ text + n + 3, strlen(text + n + 3) };
	if (!cut_at(&ret->scheme, '+', &ret->plus) || ret->plus.n != 0)
		return 0;
	return wrong(err, "scheme", "ends with a plus sign");
}

/* In the order of Go's net/url: the order is what the syntax is. */
static int
split_text(const char *text, struct pieces *ret, struct err *err)
{
	struct piece rest = { NULL, 0 }, authority;
	const char *slash;

	if (split_scheme(text, ret, &rest, err) < 0)
		return -1;
	(void)cut_at(&rest, '#', &ret->fragment);
	(void)cut_at(&rest, '?', &ret->query);
	slash = memchr(rest.s, '/', rest.n);
	authority = rest;
	if (slash != NULL)
		authority.n = (size_t)(slash - rest.s);
	ret->path = (struct piece){ rest.s + authority.n,
		rest.n - authority.n };
	split_user(&authority, ret);
	return split_host(authority, ret, err);
}

static int
hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
	    isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 :
	    -1;
}

/* The byte at piece->s[*i], which goes to its last digit; -1: bad. */
static int
decode_byte(const struct piece *piece, size_t *i)
{
	int high, low;

	if (piece->s[*i] != '%')
		return (unsigned char)piece->s[*i];
	if (piece->n - *i < 3)
		return -1;
	high = hex_digit(piece->s[*i + 1]);
	low = hex_digit(piece->s[*i + 2]);
	*i += 2;
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool
is_control(int c)
{
	return c < 0x20 || c == 0x7f;
}

/* What is decoded ends in a text, so a NUL must not. */
static int
decode(struct piece piece, const char *part, bool is_value, struct str *ret,
    struct err *err)
{
	size_t i;

	str_add(ret, "");
	for (i = 0; i < piece.n; i++) {
		const bool encoded = piece.s[i] == '%';
		int c = decode_byte(&piece, &i);
		char byte;

		if (c < 0)
			return wrong(err, part, "has a '%' without two "
			    "hexadecimal digits behind it");
		if (is_control(c) && !(encoded && is_value &&
		    (c == '\n' || c == '\t')))
			return wrong(err, part, "has a control character");
		byte = is_value && !encoded && c == '+' ? ' ' : (char)c;
		str_addn(ret, &byte, 1);
	}
	if (ret->failed)
		return err_nomem(err);
	if (!str_is_utf8(ret->s))
		return wrong(err, part, "is not UTF-8");
	return 0;
}

static int
take_part(struct piece piece, const char *part, char **ret, struct err *err)
{
	CLEANUP(str_wipe) struct str text = STR_INIT;

	if (piece.s == NULL)
		return 0;
	if (decode(piece, part, false, &text, err) < 0)
		return -1;
	return str_take(&text, ret, err);
}

static int
take_lower(struct piece piece, char **ret, struct err *err)
{
	char *p;

	if (take_part(piece, "scheme", ret, err) < 0)
		return -1;
	for (p = *ret; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

/* A host becomes part of another URL: what would end it there is refused. */
static int
take_host(struct piece piece, char **ret, struct err *err)
{
	if (take_part(piece, "host", ret, err) < 0)
		return -1;
	if (**ret == '[') {
		const size_t n = strspn(*ret + 1, LETTERS DIGITS ":.%_-");

		return strcmp(*ret + 1 + n, "]") == 0 ? 0 :
		    wrong(err, "host", "is no address in brackets");
	}
	if (strpbrk(*ret, " /\\?#@:<>\"`^|{}[]%") != NULL)
		return wrong(err, "host",
		    "has a character that no host can have");
	return 0;
}

/* Without a number behind the colon there is none: Go has it so. */
static int
take_port(struct piece piece, unsigned *ret, struct err *err)
{
	unsigned long port = 0;
	size_t i;

	for (i = 0; i < piece.n; i++) {
		if (!isdigit((unsigned char)piece.s[i]))
			break;
		port = port * 10 + (unsigned long)(piece.s[i] - '0');
		if (port > 65535)
			break;
	}
	if (i != piece.n || (piece.n != 0 && port == 0))
		return wrong(err, "port", "is not a number from 1 to 65535");
	*ret = (unsigned)port;
	return 0;
}

static int
add_segment(struct piece piece, struct strlist *ret, struct err *err)
{
	CLEANUP(str_wipe) struct str segment = STR_INIT;

	if (piece.n == 0)
		return 0;
	if (decode(piece, "path", false, &segment, err) < 0)
		return -1;
	return strlist_add(ret, segment.s, err);
}

static int
take_segments(struct piece path, struct strlist *ret, struct err *err)
{
	struct piece rest = path;
	bool more = true;

	while (more) {
		more = cut_at(&path, '/', &rest);
		if (add_segment(path, ret, err) < 0)
			return -1;
		path = rest;
	}
	return 0;
}

static int
add_pair(struct piece pair, struct strmap *ret, struct err *err)
{
	CLEANUP(str_wipe) struct str key = STR_INIT;
	CLEANUP(str_wipe) struct str value = STR_INIT;
	struct piece rest = { pair.s + pair.n, 0 };

	if (pair.n == 0 || memchr(pair.s, ';', pair.n) != NULL)
		return 0;
	(void)cut_at(&pair, '=', &rest);
	if (decode(pair, "query", true, &key, err) < 0 ||
	    decode(rest, "query", true, &value, err) < 0)
		return -1;
	if (strmap_get(ret, key.s) != NULL)
		return 0;
	if (ret->keys.n >= SERVICE_URL_KEYS)
		return wrong(err, "query", "has too many keys");
	return strmap_add(ret, key.s, value.s, err);
}

static int
take_query(struct piece query, struct strmap *ret, struct err *err)
{
	struct piece rest = query;
	bool more = query.s != NULL;

	while (more) {
		more = cut_at(&query, '&', &rest);
		if (add_pair(query, ret, err) < 0)
			return -1;
		query = rest;
	}
	return 0;
}

int
service_url_parse(const char *text, struct service_url *ret, struct err *err)
{
	CLEANUP(service_url_free) struct service_url url = SERVICE_URL_INIT;
	struct pieces pieces = { .scheme = { NULL, 0 } };

	if (split_text(text, &pieces, err) < 0 ||
	    take_lower(pieces.scheme, &url.scheme, err) < 0 ||
	    take_lower(pieces.plus, &url.plus, err) < 0 ||
	    take_part(pieces.user, "user", &url.user, err) < 0 ||
	    take_part(pieces.password, "password", &url.password, err) < 0 ||
	    take_host(pieces.host, &url.host, err) < 0 ||
	    take_port(pieces.port, &url.port, err) < 0 ||
	    take_part(pieces.path, "path", &url.path, err) < 0 ||
	    take_segments(pieces.path, &url.segments, err) < 0 ||
	    take_query(pieces.query, &url.query, err) < 0 ||
	    take_part(pieces.fragment, "fragment", &url.fragment, err) < 0)
		return -1;
	*ret = url;
	url = (struct service_url)SERVICE_URL_INIT;
	return 0;
}

/* Does an URL of a service begin at p? */
static bool
begins_url(const char *p, bool (*known)(const char *scheme, size_t n))
{
	const size_t n = strspn(p, SCHEME_CHARACTERS);
	size_t plus = 0;

	if (n != 0 && p[n] == '+')
		plus = 1 + strspn(p + n + 1, SCHEME_CHARACTERS);
	return n != 0 && str_starts(p + n + plus, "://") && known(p, n);
}

/* Where the URL that begins at p ends. */
static const char *
end_of_url(const char *p, bool (*known)(const char *scheme, size_t n))
{
	const char *next;

	for (; *p != '\0' && *p != '\n'; p++) {
		if (*p != ',')
			continue;
		next = p + strspn(p, "," BLANKS);
		if (*next == '\0' || *next == '\n' || begins_url(next, known))
			return p;
		p = next - 1;
	}
	return p;
}

static int
add_url(const char *p, size_t n, struct strlist *ret, struct err *err)
{
	CLEANUP(str_wipe) struct str url = STR_INIT;

	while (n != 0 && strchr(BLANKS, p[n - 1]) != NULL)
		n--;
	str_addn(&url, p, n);
	if (url.failed)
		return err_nomem(err);
	return n != 0 ? strlist_add(ret, url.s, err) : 0;
}

int
service_urls_split(const char *text,
    bool (*known)(const char *scheme, size_t n), struct strlist *ret,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist urls = STRLIST_INIT;
	const char *p = text, *end;

	for (;;) {
		p += strspn(p, "\n," BLANKS);
		if (*p == '\0')
			break;
		end = end_of_url(p, known);
		if (add_url(p, (size_t)(end - p), &urls, err) < 0)
			return -1;
		p = end;
	}
	*ret = urls;
	urls = (struct strlist)STRLIST_INIT;
	return 0;
}
