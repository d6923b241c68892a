#define _GNU_SOURCE
#include "lib/store/s3_settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/base64.h"
#include "lib/base/file.h"
#include "lib/store/s3_upload.h"

#define REGION_DEFAULT "us-east-1"
#define PARALLEL_DEFAULT 3u
#define CA_MAX ((size_t)1 << 20)
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"

static bool
is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

static bool
has_only(const char *text, const char *more)
{
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) &&
		    strchr(more, *text) == NULL)
			return false;
	return true;
}

/* --- where --------------------------------------------------------------- */

/* The path without slashes at its ends. */
static int
trim_path(const char *path, char **ret, struct err *err)
{
	size_t n;

	if (path == NULL)
		path = "";
	path += strspn(path, "/");
	for (n = strlen(path); n != 0 && path[n - 1] == '/'; n--)
		;
	return str_format(ret, err, "%.*s", (int)n, path);
}

static int
take_place(const struct store_s3_settings *settings, struct store_s3 *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;

	if (!is_set(settings->bucket))
		return err_set(err, ERR_CONFIG, "s3: no bucket is set");
	if (trim_path(settings->path, &path, err) < 0 ||
	    str_format(&ret->store.label, err, "s3 '%s%s%s'",
	    settings->bucket, *path != '\0' ? "/" : "", path) < 0 ||
	    str_format(&ret->prefix, err, "%s%s", path,
	    *path != '\0' ? "/" : "") < 0)
		return -1;
	if (!has_only(settings->bucket, ".-_:"))
		return err_set(err, ERR_CONFIG,
		    "'%s' is not the name of a bucket", settings->bucket);
	if (!str_is_utf8(path) || strstr(path, "//") != NULL)
		return err_set(err, ERR_CONFIG,
		    "'%s' is not a path in a bucket", path);
	return 0;
}

static bool
is_aws(const char *endpoint)
{
	size_t n = strcspn(endpoint, ":");
	size_t i;
	static const char *const domains[] = { "amazonaws.com",
	    "amazonaws.com.cn" };

	for (i = 0; i < sizeof domains / sizeof domains[0]; i++) {
		size_t len = strlen(domains[i]);

		if (n >= len && strncasecmp(endpoint + n - len, domains[i],
		    len) == 0 && (n == len || endpoint[n - len - 1] == '.'))
			return true;
	}
	return false;
}

/* AWS answers for a region at that region's own host. */
static int
find_host(const struct store_s3_settings *settings, const char *region,
    char **ret, struct err *err)
{
	const char *endpoint = settings->endpoint;

	if (is_set(endpoint) && strcasecmp(endpoint, "s3.amazonaws.com") != 0)
		return str_dup(endpoint, ret, err);
	if (strcmp(region, REGION_DEFAULT) == 0)
		return str_dup("s3.amazonaws.com", ret, err);
	return str_format(ret, err, "s3.%s.amazonaws.com%s", region,
	    str_starts(region, "cn-") ? ".cn" : "");
}

static int
check_host(const char *host, struct err *err)
{
	if (strstr(host, "://") != NULL)
		return err_set(err, ERR_CONFIG, "the endpoint '%s' is not a "
		    "host (http or https is a setting of its own)", host);
	if (!has_only(host, ".-_:[]") || *host == ':')
		return err_set(err, ERR_CONFIG, "the endpoint '%s' is not a "
		    "host, or host:port", host);
	return 0;
}

/* A bucket's name with dots is not covered by AWS's certificate. */
static bool
wants_virtual(const struct store_s3_settings *settings, const char *host)
{
	if (settings->style == S3_STYLE_AUTO)
		return is_aws(host) && has_only(settings->bucket, "-");
	return settings->style == S3_STYLE_VIRTUAL;
}

static int
take_host(const struct store_s3_settings *settings, struct s3_client *ret,
    struct err *err)
{
	const char *proto = is_set(settings->proto) ? settings->proto :
	    "https";
	CLEANUP(cleanup_free) char *host = NULL;
	bool is_virtual;

	if (str_dup(is_set(settings->region) ? settings->region :
	    REGION_DEFAULT, &ret->region, err) < 0)
		return -1;
	if (!has_only(ret->region, "-_."))
		return err_set(err, ERR_CONFIG, "'%s' is not a region",
		    ret->region);
	if (strcmp(proto, "https") != 0 && strcmp(proto, "http") != 0)
		return err_set(err, ERR_CONFIG,
		    "'%s' is neither http nor https", proto);
	if (find_host(settings, ret->region, &host, err) < 0 ||
	    check_host(host, err) < 0)
		return -1;
	is_virtual = wants_virtual(settings, host);
	if (str_format(&ret->base, err, "%s://%s%s%s", proto,
	    is_virtual ? settings->bucket : "", is_virtual ? "." : "",
	    host) < 0)
		return -1;
	return str_format(&ret->root, err, "%s%s", is_virtual ? "" : "/",
	    is_virtual ? "" : settings->bucket);
}

/* --- trust --------------------------------------------------------------- */

/* Whether each block is base64; libcurl would skip what is not. */
static int
check_pem(const char *text, struct err *err)
{
	const char *begin = strstr(text, PEM_BEGIN), *end;

	if (begin == NULL)
		return err_set(err, ERR_CONFIG, "the CA is no certificate in "
		    "PEM, nor the path of a file that holds one");
	for (; begin != NULL; begin = strstr(end, PEM_BEGIN)) {
		CLEANUP(cleanup_free) char *block = NULL;
		CLEANUP(cleanup_free) unsigned char *bytes = NULL;
		size_t n = 0;

		begin += strlen(PEM_BEGIN);
		end = strstr(begin, PEM_END);
		if (end == NULL)
			return err_set(err, ERR_CONFIG,
			    "the CA is a certificate that is cut off");
		if (str_format(&block, err, "%.*s", (int)(end - begin),
		    begin) < 0)
			return -1;
		if (base64_decode(block, &bytes, &n, err) < 0 || n == 0)
			return err_set(err, ERR_CONFIG,
			    "the CA is a damaged certificate");
	}
	return 0;
}

static int
take_trust(const struct store_s3_settings *settings, struct s3_client *ret,
    struct err *err)
{
	const char *ca = settings->ca_cert;

	ret->insecure = settings->insecure;
	if (settings->insecure && !str_starts(ret->base, "https:"))
		return err_set(err, ERR_CONFIG,
		    "'insecure' means something with https only");
	if (!is_set(ca))
		return 0;
	if (strstr(ca, PEM_BEGIN) != NULL) {
		if (str_dup(ca, &ret->ca_more, err) < 0)
			return -1;
	} else if (file_read(ca, CA_MAX, &ret->ca_more, NULL, err) < 0) {
		err->kind = ERR_CONFIG;
		return err_add(err, "the CA");
	}
	return check_pem(ret->ca_more, err);
}

static const char *
look_up(const char *variable)
{
	return getenv(variable);
}

static int
take_credentials(const struct store_s3_settings *settings,
    struct s3_client *ret, struct err *err)
{
	const struct s3_credentials_settings credentials = {
		.access_key = settings->access_key,
		.secret_key = settings->secret_key,
		.session_token = settings->session_token,
		.role_endpoint = settings->role_endpoint,
		.region = ret->region, .lookup = look_up
	};

	return s3_credentials_new(&credentials, &ret->credentials, err);
}

/* --- objects ------------------------------------------------------------- */

/* What goes into a header: a line break would begin another one. */
static bool
is_value(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static int
add_header(struct strlist *headers, const char *name, const char *value,
    struct err *err)
{
	if (!is_set(value))
		return 0;
	if (!is_value(value))
		return err_set(err, ERR_CONFIG, "'%s' for %s has characters "
		    "that no header can hold", value, name);
	return strlist_addf(headers, err, "%s: %s", name, value);
}

static int
add_metadata(struct strlist *headers, const char *entry, struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	size_t n = strcspn(entry, "=");

	if (str_format(&name, err, "x-amz-meta-%.*s", (int)n, entry) < 0)
		return -1;
	if (n == 0 || entry[n] == '\0' || !has_only(name, "-_."))
		return err_set(err, ERR_CONFIG, "the metadata '%s' is not "
		    "NAME=VALUE", entry);
	return add_header(headers, name, entry[n + 1] != '\0' ?
	    entry + n + 1 : " ", err);
}

/* A document beside an archive is read often: it stays in the usual class. */
static int
take_headers(const struct store_s3_settings *settings, struct store_s3 *ret,
    struct err *err)
{
	struct strlist *headers = &ret->headers;
	size_t i;

	if (add_header(headers, "x-amz-server-side-encryption",
	    settings->encryption, err) < 0 ||
	    add_header(headers, "x-amz-server-side-encryption-aws-kms-key-id",
	    settings->encryption_key, err) < 0 ||
	    strlist_copy(headers, &ret->small_headers, err) < 0 ||
	    add_header(headers, "x-amz-storage-class",
	    settings->storage_class, err) < 0)
		return -1;
	for (i = 0; settings->metadata != NULL && i < settings->metadata->n;
	    i++)
		if (add_metadata(headers, settings->metadata->v[i], err) < 0)
			return -1;
	return 0;
}

static int
take_sizes(const struct store_s3_settings *settings, struct store_s3 *ret,
    struct err *err)
{
	ret->part_bytes = settings->part_bytes;
	ret->parallel = settings->parallel != 0 ? settings->parallel :
	    PARALLEL_DEFAULT;
	ret->rate_bytes_s = settings->rate_bytes_s;
	ret->client.retry_s = settings->retry_s;
	if (ret->part_bytes != 0 && (ret->part_bytes < S3_PART_MIN_BYTES ||
	    ret->part_bytes > S3_PART_MAX_BYTES))
		return err_set(err, ERR_CONFIG,
		    "the part size is not between 5 MiB and 5 GiB");
	return 0;
}

int
s3_settings_take(const struct store_s3_settings *settings,
    struct store_s3 *ret, struct err *err)
{
	if (take_place(settings, ret, err) < 0 ||
	    take_host(settings, &ret->client, err) < 0 ||
	    take_trust(settings, &ret->client, err) < 0 ||
	    take_credentials(settings, &ret->client, err) < 0 ||
	    take_headers(settings, ret, err) < 0)
		return -1;
	return take_sizes(settings, ret, err);
}
