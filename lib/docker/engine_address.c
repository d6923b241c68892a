#define _GNU_SOURCE
#include "lib/docker/engine_address.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

#define HOST_DEFAULT "unix:///var/run/docker.sock"

void
engine_address_free(struct engine_address *address)
{
	free(address->base);
	free(address->unix_socket);
	free(address->ca_file);
	free(address->cert_file);
	free(address->key_file);
}

static bool
is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

static int
bad_host(const char *host, const char *why, struct err *err)
{
	return err_set(err, ERR_CONFIG, "cannot use the Docker host '%s': %s",
	    host, why);
}

static int
parse_unix(const char *host, const char *path, struct engine_address *ret,
    struct err *err)
{
	if (*path != '/')
		return bad_host(host,
		    "a path that begins with / is needed after unix://", err);
	if (strlen(path) >= sizeof ((struct sockaddr_un *)0)->sun_path)
		return bad_host(host, "the path is too long for a socket", err);
	if (str_dup(path, &ret->unix_socket, err) < 0)
		return -1;
	return str_dup("http://localhost", &ret->base, err);
}

static bool
is_port(const char *text)
{
	unsigned long port = 0;
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 5 || text[n] != '\0')
		return false;
	port = strtoul(text, NULL, 10);
	return port >= 1 && port <= 65535;
}

/* HOST, HOST:PORT, [IPV6]:PORT; the port is the docker command's default. */
static int
parse_tcp(const char *host, const char *rest, bool tls,
    struct engine_address *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	char *colon;
	size_t n;

	if (str_dup(rest, &name, err) < 0)
		return -1;
	n = strlen(name);
	if (n != 0 && name[n - 1] == '/')
		name[n - 1] = '\0';
	colon = strrchr(name, ':');
	if (colon != NULL && strchr(colon, ']') != NULL)
		colon = NULL;	/* it is a part of [::1] */
	if (colon != NULL)
		*colon++ = '\0';
	n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:");
	if (n == 0 || name[n] != '\0' ||
	    (*name != '[' && strchr(name, ':') != NULL))
		return bad_host(host, "tcp://NAME:PORT is needed", err);
	if (colon != NULL && !is_port(colon))
		return bad_host(host, "the port is not 1 to 65535", err);
	return str_format(&ret->base, err, "%s://%s:%s",
	    tls ? "https" : "http", name,
	    colon != NULL ? colon : tls ? "2376" : "2375");
}

static int
find_cert_dir(const char *cert_path, char **ret, struct err *err)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (is_set(cert_path))
		return str_dup(cert_path, ret, err);
	if (!is_set(home)) {
		user = getpwuid(getuid());
		home = user != NULL ? user->pw_dir : "/root";
	}
	return file_join(home, ".docker", ret, err);
}

static int
find_cert(const char *dir, const char *name, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;
	struct err why = ERR_INIT;

	if (file_join(dir, name, &path, err) < 0)
		return -1;
	if (access(path, R_OK) < 0) {
		(void)err_sys(&why, "cannot read '%s'", path);
		return err_set(err, ERR_CONFIG, "%s (TLS to the Docker host "
		    "needs ca.pem, cert.pem and key.pem there)", why.msg);
	}
	*ret = path;
	path = NULL;
	return 0;
}

/* As the docker command: with a directory of certificates but without the
 * wish to verify, the server's certificate is not checked. */
static int
parse_tls(const struct engine_settings *settings, struct engine_address *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *dir = NULL;

	ret->insecure = !is_set(settings->tls_verify);
	if (find_cert_dir(settings->cert_path, &dir, err) < 0 ||
	    find_cert(dir, "ca.pem", &ret->ca_file, err) < 0 ||
	    find_cert(dir, "cert.pem", &ret->cert_file, err) < 0)
		return -1;
	return find_cert(dir, "key.pem", &ret->key_file, err);
}

int
engine_address_parse(const struct engine_settings *settings,
    struct engine_address *ret, struct err *err)
{
	const char *host = is_set(settings->host) ? settings->host :
	    HOST_DEFAULT;
	const char *rest = strstr(host, "://");
	bool certs = is_set(settings->tls_verify) ||
	    is_set(settings->cert_path);
	bool https = str_starts(host, "https://");

	if (rest == NULL)
		return bad_host(host, "it is neither unix:///path nor "
		    "tcp://name:port", err);
	rest += 3;
	if (str_starts(host, "unix://"))
		return parse_unix(host, rest, ret, err);
	if (str_starts(host, "ssh://"))
		return bad_host(host, "ssh is not supported (forward the "
		    "socket: ssh -L /path/docker.sock:/var/run/docker.sock)",
		    err);
	if (!https && !str_starts(host, "tcp://") &&
	    !str_starts(host, "http://"))
		return bad_host(host, "only unix:///path and tcp://name:port "
		    "are supported", err);
	if (certs && parse_tls(settings, ret, err) < 0)
		return -1;
	return parse_tcp(host, rest, certs || https, ret, err);
}
