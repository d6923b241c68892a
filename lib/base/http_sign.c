#define _GNU_SOURCE
#include "lib/base/http_sign.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"

#define HASH "x-amz-content-sha256:"
#define TIME_BYTES sizeof "20130524T000000Z"
#define DAY_BYTES 8	/* of that */

/* The host as it is sent: without the port that the scheme means. */
static int
add_host(const char *base, struct strlist *ret, struct err *err)
{
	bool tls = str_starts(base, "https://");
	const char *host = strstr(base, "://"), *port;
	size_t n;

	host = host != NULL ? host + 3 : base;
	n = strcspn(host, "/");
	port = tls ? ":443" : ":80";
	if (n > strlen(port) && strncmp(host + n - strlen(port), port,
	    strlen(port)) == 0)
		n -= strlen(port);
	return strlist_addf(ret, err, "host:%.*s", (int)n, host);
}

/* "Name:  a   b " is "name:a b". */
static int
add_canonical(const char *line, struct strlist *ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	CLEANUP(cleanup_free) char *canonical = NULL;
	bool blank = false, in_value = false;
	size_t begin = 0;

	for (; *line != '\0'; line++) {
		char c = in_value ? *line :
		    (char)tolower((unsigned char)*line);

		if (c == ' ' || c == '\t') {
			blank = true;
			continue;
		}
		if (blank && text.len > begin)
			str_addn(&text, " ", 1);
		blank = false;
		str_addn(&text, &c, 1);
		if (c == ':' && !in_value) {
			in_value = true;
			begin = text.len;
		}
	}
	if (str_take(&text, &canonical, err) < 0)
		return -1;
	return strlist_add(ret, canonical, err);
}

/* By name: a name that ends sorts before one that goes on. */
static int
compare_names(const void *a, const void *b)
{
	const char *one = *(char *const *)a, *other = *(char *const *)b;
	size_t n = strcspn(one, ":"), m = strcspn(other, ":");
	int order = memcmp(one, other, n < m ? n : m);

	return order != 0 ? order : (n > m) - (n < m);
}

static int
make_canonical(const struct strlist *headers, const char *base,
    struct strlist *ret, struct err *err)
{
	size_t i;

	if (add_host(base, ret, err) < 0)
		return -1;
	for (i = 0; i < headers->n; i++)
		if (add_canonical(headers->v[i], ret, err) < 0)
			return -1;
	qsort(ret->v, ret->n, sizeof *ret->v, compare_names);
	return 0;
}

static const char *
find_hash(const struct strlist *canonical)
{
	size_t i;

	for (i = 0; i < canonical->n; i++)
		if (str_starts(canonical->v[i], HASH))
			return canonical->v[i] + strlen(HASH);
	return NULL;
}

static int
name_headers(const struct strlist *canonical, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str names = STR_INIT;
	size_t i;

	for (i = 0; i < canonical->n; i++)
		str_addf(&names, "%s%.*s", i != 0 ? ";" : "",
		    (int)strcspn(canonical->v[i], ":"), canonical->v[i]);
	return str_take(&names, ret, err);
}

/* The SHA-256 of the canonical request. */
static int
hash_request(const struct http_request *request,
    const struct strlist *canonical, const char *names, const char *hash,
    char ret[DIGEST_HEX_BYTES], struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(str_free) struct str s = STR_INIT;
	size_t path = strcspn(request->path, "?"), i;

	str_addf(&s, "%s\n%.*s\n%s\n", request->method, (int)path,
	    request->path, request->path[path] == '?' ?
	    request->path + path + 1 : "");
	for (i = 0; i < canonical->n; i++)
		str_addf(&s, "%s\n", canonical->v[i]);
	str_addf(&s, "\n%s\n%s", names, hash);
	if (str_take(&s, &text, err) < 0 ||
	    digest_new(&digest, err) < 0 ||
	    digest_add(digest, text, strlen(text), err) < 0)
		return -1;
	return digest_hex(digest, ret, err);
}

/* The chain of keys: of the secret, a day, a region, a service. */
static int
sign(const struct http_aws *aws, const char *day, const char *text,
    char ret[DIGEST_HEX_BYTES], struct err *err)
{
	const char *const steps[] = { day, aws->region, aws->service,
	    "aws4_request", text };
	unsigned char key[DIGEST_BYTES];
	char *secret = NULL;
	size_t i;
	int rc;

	if (str_format(&secret, err, "AWS4%s", aws->secret_key) < 0)
		return -1;
	rc = digest_hmac(secret, strlen(secret), steps[0], key, err);
	str_zero(secret);
	free(secret);
	for (i = 1; rc == 0 && i < sizeof steps / sizeof steps[0]; i++)
		rc = digest_hmac(key, sizeof key, steps[i], key, err);
	if (rc == 0)
		digest_to_hex(key, sizeof key, ret);
	return rc;
}

static int
authorize(const struct http_request *request, const char *time,
    const struct strlist *canonical, struct strlist *headers, struct err *err)
{
	const struct http_aws *aws = request->aws;
	const char *hash = find_hash(canonical);
	CLEANUP(cleanup_free) char *names = NULL;
	CLEANUP(cleanup_free) char *scope = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	char hex[DIGEST_HEX_BYTES], day[DAY_BYTES + 1] = "";

	if (hash == NULL)
		return err_set(err, ERR_SYSTEM,
		    "a request cannot be signed without its payload's hash");
	memcpy(day, time, DAY_BYTES);
	if (name_headers(canonical, &names, err) < 0 ||
	    hash_request(request, canonical, names, hash, hex, err) < 0 ||
	    str_format(&scope, err, "%s/%s/%s/aws4_request", day,
	    aws->region, aws->service) < 0 ||
	    str_format(&text, err, "AWS4-HMAC-SHA256\n%s\n%s\n%s", time, scope,
	    hex) < 0 ||
	    sign(aws, day, text, hex, err) < 0)
		return -1;
	return strlist_addf(headers, err, "Authorization: AWS4-HMAC-SHA256 "
	    "Credential=%s/%s,SignedHeaders=%s,Signature=%s", aws->access_key,
	    scope, names, hex);
}

int
http_sign(const struct http_request *request, const char *base, time_t now,
    struct strlist *headers, struct err *err)
{
	CLEANUP(strlist_free) struct strlist canonical = STRLIST_INIT;
	char time[TIME_BYTES];
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &tm) == 0)
		return err_set(err, ERR_SYSTEM, "cannot tell the time");
	if (strlist_addf(headers, err, "x-amz-date: %s", time) < 0 ||
	    make_canonical(headers, base, &canonical, err) < 0)
		return -1;
	return authorize(request, time, &canonical, headers, err);
}
