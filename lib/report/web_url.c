#include "lib/report/web_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/str.h"

#define PORT_MAX 65535

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

/* Is text (n bytes) a host, and ":port" or nothing behind it? */
static bool
is_host(const char *text, size_t n)
{
	const char *end = text + n, *p = text;
	unsigned long port = 0;

	if (n != 0 && *p == '[') {
		while (p < end && (isxdigit((unsigned char)*p) ||
		    strchr("[:.", *p) != NULL))
			p++;
		if (p == end || *p++ != ']')
			return false;
	} else {
		while (p < end && (isalnum((unsigned char)*p) ||
		    strchr("-._~", *p) != NULL))
			p++;
	}
	if (p == text || p == end)
		return p != text;
	if (*p++ != ':' || p == end)
		return false;
	for (; p < end && isdigit((unsigned char)*p) && port <= PORT_MAX; p++)
		port = port * 10 + (unsigned long)(*p - '0');
	return p == end && port != 0 && port <= PORT_MAX;
}

static int
take_authority(const char *scheme, const char *text, size_t n,
    struct web_url *url, struct err *err)
{
	size_t host = n;

	while (host != 0 && text[host - 1] != '@')
		host--;
	if (host != 0 && take_user(text, host - 1, url, err) < 0)
		return -1;
	if (!is_host(text + host, n - host))
		return err_set(err, ERR_CONFIG,
		    "the URL has no host, or one that is none");
	return str_format(&url->base, err, "%s%.*s", scheme, (int)(n - host),
	    text + host);
}

int
web_url_parse(const char *text, struct web_url *ret, struct err *err)
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
