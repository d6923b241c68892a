#define _GNU_SOURCE
#include "lib/report/courier_address.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
courier_address_free(struct courier_address *address)
{
	service_url_free(&address->url);
	str_zero(address->base);
	str_zero(address->path);
	free(address->base);
	free(address->path);
	*address = (struct courier_address)COURIER_ADDRESS_INIT;
}

/* Up to the fragment; what cannot stand in a request's first line escaped. */
static int
make_path(const char *text, char **ret, struct err *err)
{
	CLEANUP(str_wipe) struct str path = STR_INIT;

	if (*text != '/')
		str_add(&path, "/");
	for (; *text != '\0' && *text != '#'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c >= 0x7f)
			str_addf(&path, "%%%02X", c);
		else
			str_addn(&path, text, 1);
	}
	return str_take(&path, ret, err);
}

static int
make_base(const struct service_url *url, char **ret, struct err *err)
{
	if (url->plus != NULL || (strcmp(url->scheme, "http") != 0 &&
	    strcmp(url->scheme, "https") != 0))
		return err_set(err, ERR_CONFIG,
		    "the URL begins with neither http:// nor https://");
	if (*url->host == '\0')
		return err_set(err, ERR_CONFIG, "the URL has no host");
	return url->port == 0 ?
	    str_format(ret, err, "%s://%s", url->scheme, url->host) :
	    str_format(ret, err, "%s://%s:%u", url->scheme, url->host,
	    url->port);
}

/* Path and query are not ours to decode: only what is before them is parsed. */
int
courier_address_parse(const char *text, struct courier_address *ret,
    struct err *err)
{
	CLEANUP(courier_address_free) struct courier_address address =
	    COURIER_ADDRESS_INIT;
	CLEANUP(str_wipe) struct str head = STR_INIT;
	const char *authority = strstr(text, "://");
	size_t n = authority == NULL ? strlen(text) :
	    (size_t)(authority - text) + 3;

	n += strcspn(text + n, "/?#");
	str_addn(&head, text, n);
	if (head.failed)
		return err_nomem(err);
	if (service_url_parse(head.s, &address.url, err) < 0)
		return err_add(err, "cannot use an URL");
	if (make_base(&address.url, &address.base, err) < 0 ||
	    make_path(text + n, &address.path, err) < 0)
		return -1;
	*ret = address;
	address = (struct courier_address)COURIER_ADDRESS_INIT;
	return 0;
}

/* A reference that begins with "SCHEME:" is whole by itself. */
static bool
has_scheme(const char *location)
{
	const char *p = location;

	if (!isalpha((unsigned char)*p))
		return false;
	while (isalnum((unsigned char)*p) || (*p != '\0' &&
	    strchr("+.-", *p) != NULL))
		p++;
	return *p == ':';
}

/* RFC 3986, 5.2, but that dot segments are left for the server. */
static int
resolve(const struct courier_address *from, const char *location, char **ret,
    struct err *err)
{
	const size_t path = strcspn(from->path, "?");
	const char *slash = memrchr(from->path, '/', path);
	size_t kept = 0;

	if (has_scheme(location))
		return str_dup(location, ret, err);
	if (str_starts(location, "//"))
		return str_format(ret, err, "%s:%s", from->url.scheme,
		    location);
	if (*location == '\0' || *location == '#')
		kept = strlen(from->path);
	else if (*location == '?')
		kept = path;
	else if (*location != '/' && slash != NULL)
		kept = (size_t)(slash + 1 - from->path);
	return str_format(ret, err, "%s%.*s%s", from->base, (int)kept,
	    from->path, location);
}

static bool
is_tls(const struct service_url *url)
{
	return strcmp(url->scheme, "https") == 0;
}

static unsigned
port_of(const struct service_url *url)
{
	return url->port != 0 ? url->port : is_tls(url) ? 443 : 80;
}

static int
check_same(const struct courier_address *from,
    const struct courier_address *to, struct err *err)
{
	const bool upgrade = !is_tls(&from->url) && is_tls(&to->url);
	const char *why = NULL;

	if (strcasecmp(from->url.host, to->url.host) != 0)
		why = "another host";
	else if (is_tls(&from->url) && !is_tls(&to->url))
		why = "not encrypted";
	else if (!upgrade && port_of(&from->url) != port_of(&to->url))
		why = "another port";
	return why == NULL ? 0 : err_set(err, ERR_REFUSED,
	    "'%s' redirects to '%s', which is %s: not followed", from->base,
	    to->base, why);
}

int
courier_address_follow(struct courier_address *address, const char *location,
    struct err *err)
{
	CLEANUP(courier_address_free) struct courier_address to =
	    COURIER_ADDRESS_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct err why = ERR_INIT;
	char *old;

	if (resolve(address, location, &text, err) < 0)
		return -1;
	if (courier_address_parse(text, &to, &why) < 0)
		return why.kind == ERR_NOMEM ? err_nomem(err) :
		    err_set(err, ERR_REFUSED, "'%s' redirects to what is no "
		    "URL of HTTP", address->base);
	if (check_same(address, &to, err) < 0)
		return -1;
	/* All but the user, which the first URL had. */
	old = address->base;
	address->base = to.base;
	to.base = old;
	old = address->path;
	address->path = to.path;
	to.path = old;
	old = address->url.scheme;
	address->url.scheme = to.url.scheme;
	to.url.scheme = old;
	address->url.port = to.url.port;
	return 0;
}
