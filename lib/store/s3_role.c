#include "lib/store/s3_role.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define CONTAINER_BASE "http://169.254.170.2"
#define SESSION_NAME "vbackup"
#define TOKEN_BYTES_MAX ((size_t)64 << 10)

void
s3_role_free(struct s3_role *role)
{
	free(role->base);
	str_zero(role->path);
	free(role->path);
	str_zero(role->token);
	free(role->token);
	free(role->token_file);
	free(role->role_arn);
	free(role->session_name);
	*role = (struct s3_role)S3_ROLE_INIT;
}

static void
free_secret(char **text)
{
	str_zero(*text);
	free(*text);
}

int
s3_role_read_token(const char *path, char **ret, struct err *err)
{
	CLEANUP(free_secret) char *text = NULL;
	const char *trimmed, *p;

	if (file_read(path, TOKEN_BYTES_MAX, &text, NULL, err) < 0) {
		if (err->kind != ERR_NOMEM)
			err->kind = ERR_CONFIG;
		return -1;
	}
	trimmed = str_trim(text);
	if (*trimmed == '\0')
		return err_set(err, ERR_CONFIG, "'%s' is empty", path);
	for (p = trimmed; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return err_set(err, ERR_CONFIG, "'%s' is no token",
			    path);
	if (log_secret(trimmed, err) < 0)
		return -1;
	return str_dup(trimmed, ret, err);
}

static bool
is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

/* A variable, or NULL if it is empty, too. */
static const char *
look_up(const struct s3_credentials_settings *settings, const char *variable)
{
	const char *value = settings->lookup(variable);

	return is_set(value) ? value : NULL;
}

/* --- addresses ----------------------------------------------------------- */

#define HOST_BYTES 256

/* "[::1]:80" without brackets and port; false if there is anything in it that
 * a host does not have, such as a name before an @. */
static bool
cut_host(const char *authority, size_t n, char ret[HOST_BYTES])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	bool bracket = n != 0 && *authority == '[';
	const char *host = authority + bracket;
	size_t len = bracket ? strspn(host, "0123456789abcdefABCDEF:.") :
	    strspn(host, plain);
	const char *rest = host + len + bracket;

	if (len == 0 || len >= HOST_BYTES || (bracket && host[len] != ']'))
		return false;
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (rest != authority + n)
		return false;
	memcpy(ret, host, len);
	ret[len] = '\0';
	return true;
}

/* The hosts that AWS's tools fetch keys from without TLS. */
static bool
is_trusted(const char *host)
{
	static const char *const hosts[] = { "169.254.170.2",
		"169.254.170.23" };
	struct in6_addr v6, eks;
	struct in_addr v4;
	size_t i;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1) {
		for (i = 0; i < sizeof hosts / sizeof *hosts; i++)
			if (strcmp(host, hosts[i]) == 0)
				return true;
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	return inet_pton(AF_INET6, host, &v6) == 1 &&
	    inet_pton(AF_INET6, "fd00:ec2::23", &eks) == 1 &&
	    (IN6_IS_ADDR_LOOPBACK(&v6) || memcmp(&v6, &eks, sizeof v6) == 0);
}

/* Of an address only what is before the path is shown: the rest may be a
 * secret. */
static int
split_url(const char *url, const char *what, struct s3_role *role,
    char host[HOST_BYTES], struct err *err)
{
	bool https = strncasecmp(url, "https://", 8) == 0;
	size_t scheme = https ? 8 : 7, n;
	const char *path, *p;

	if (!https && strncasecmp(url, "http://", 7) != 0)
		return err_set(err, ERR_CONFIG, "%s is not an address with "
		    "http:// or https://", what);
	n = strcspn(url + scheme, "/?#");
	path = url + scheme + n;
	if (!cut_host(url + scheme, n, host))
		return err_set(err, ERR_CONFIG, "%s has no host that could "
		    "be asked", what);
	for (p = path; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#')
			return err_set(err, ERR_CONFIG, "%s has a character "
			    "that no address has", what);
	if (str_format(&role->base, err, "%.*s", (int)(scheme + n), url) < 0)
		return -1;
	return str_format(&role->path, err, "%s%s",
	    *path == '/' ? "" : "/", path);
}

/* --- kinds --------------------------------------------------------------- */

static int
copy_optional(const char *text, char **ret, struct err *err)
{
	return text != NULL ? str_dup(text, ret, err) : 0;
}

static int
sts_address(const char *region, char **ret, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	if (!is_set(region))
		return str_dup("https://sts.amazonaws.com", ret, err);
	if (region[strspn(region, letters)] != '\0')
		return err_set(err, ERR_CONFIG, "'%s' is not a region of "
		    "Amazon's", region);
	return str_format(ret, err, "https://sts.%s.amazonaws.com%s", region,
	    str_starts(region, "cn-") ? ".cn" : "");
}

static int
choose_web_identity(const struct s3_credentials_settings *settings,
    const char *token_file, struct s3_role *role, struct err *err)
{
	CLEANUP(cleanup_free) char *address = NULL;
	const char *name = look_up(settings, "AWS_ROLE_SESSION_NAME");
	char host[HOST_BYTES];

	role->kind = S3_ROLE_WEB_IDENTITY;
	if (str_dup(token_file, &role->token_file, err) < 0 ||
	    copy_optional(look_up(settings, "AWS_ROLE_ARN"), &role->role_arn,
	    err) < 0 ||
	    str_dup(name != NULL ? name : SESSION_NAME, &role->session_name,
	    err) < 0)
		return -1;
	if (is_set(settings->role_endpoint))
		return split_url(settings->role_endpoint, "the role endpoint",
		    role, host, err);
	if (sts_address(settings->region, &address, err) < 0)
		return -1;
	return split_url(address, "the address of STS", role, host, err);
}

static int
choose_container(const struct s3_credentials_settings *settings,
    const char *relative, const char *full, struct s3_role *role,
    struct err *err)
{
	const char *file = look_up(settings,
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = look_up(settings,
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char host[HOST_BYTES];

	role->kind = S3_ROLE_CONTAINER;
	if (copy_optional(file, &role->token_file, err) < 0 ||
	    copy_optional(file == NULL ? token : NULL, &role->token, err) < 0 ||
	    (role->token != NULL && log_secret(role->token, err) < 0))
		return -1;
	if (relative != NULL && *relative != '/')
		return err_set(err, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_"
		    "RELATIVE_URI does not begin with a slash");
	if (relative != NULL) {
		CLEANUP(cleanup_free) char *url = NULL;

		if (str_format(&url, err, "%s%s", CONTAINER_BASE,
		    relative) < 0)
			return -1;
		return split_url(url, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		    role, host, err);
	}
	if (split_url(full, "AWS_CONTAINER_CREDENTIALS_FULL_URI", role, host,
	    err) < 0)
		return -1;
	if (strncasecmp(full, "https://", 8) != 0 && !is_trusted(host))
		return err_set(err, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_"
		    "FULL_URI leads to '%s' without TLS (only https, this "
		    "host, 169.254.170.2 and 169.254.170.23 are trusted)",
		    host);
	return 0;
}

static int
choose_instance(const char *endpoint, struct s3_role *role, struct err *err)
{
	char host[HOST_BYTES];
	size_t n;

	role->kind = S3_ROLE_INSTANCE;
	if (split_url(endpoint, "the role endpoint", role, host, err) < 0)
		return -1;
	n = strlen(role->path);
	while (n != 0 && role->path[n - 1] == '/')
		role->path[--n] = '\0';
	return 0;
}

static int
choose(const struct s3_credentials_settings *settings, struct s3_role *role,
    struct err *err)
{
	const char *identity = look_up(settings,
	    "AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *relative = look_up(settings,
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = look_up(settings,
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI");

	if (identity != NULL)
		return choose_web_identity(settings, identity, role, err);
	if (relative != NULL || full != NULL)
		return choose_container(settings, relative, full, role, err);
	if (is_set(settings->role_endpoint))
		return choose_instance(settings->role_endpoint, role, err);
	return err_set(err, ERR_NOTFOUND, "no role");
}

int
s3_role_choose(const struct s3_credentials_settings *settings,
    struct s3_role *ret, struct err *err)
{
	CLEANUP(s3_role_free) struct s3_role role = S3_ROLE_INIT;
	CLEANUP(free_secret) char *token = NULL;	/* only to be seen */

	if (choose(settings, &role, err) < 0)
		return -1;
	if (role.token_file != NULL &&
	    s3_role_read_token(role.token_file, &token, err) < 0)
		return err_add(err, "cannot ask for the keys of a role");
	*ret = role;
	role = (struct s3_role)S3_ROLE_INIT;
	return 0;
}
