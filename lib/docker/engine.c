#define _GNU_SOURCE
#include "lib/docker/engine.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/http.h"
#include "lib/docker/engine_json.h"

#define HOST_DEFAULT "unix:///var/run/docker.sock"
#define ACCEPT_S 10.0
#define ANSWER_S 60.0
/* Where a proxy keeps a container's own stop timeout from us. */
#define STOP_UNKNOWN_S 600.0
#define STOP_FOREVER_S 1e6

/* The range of API versions that this file was written for: 1.24 is Docker
 * 1.12, and what newer Engines add above 1.47 we do not use. */
#define API_MINOR_MIN 24u
#define API_MINOR_MAX 47u

struct engine {
	struct http *http;
	char version[16];
	bool version_given;
};

struct address {		/* what engine_settings come to */
	char *base;
	char *unix_socket;
	char *ca_file;
	char *cert_file;
	char *key_file;
	bool insecure;
};

static void
address_free(struct address *address)
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
parse_unix(const char *host, const char *path, struct address *ret,
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
parse_tcp(const char *host, const char *rest, bool tls, struct address *ret,
    struct err *err)
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
parse_tls(const struct engine_settings *settings, struct address *ret,
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

static int
parse_address(const struct engine_settings *settings, struct address *ret,
    struct err *err)
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

/* "1.41" gives 41. A later major version counts as newer than all we know. */
static bool
parse_version(const char *text, unsigned *ret_minor)
{
	unsigned major, minor;
	char end;

	if (strspn(text, "0123456789.") != strlen(text) ||
	    sscanf(text, "%3u.%4u%c", &major, &minor, &end) != 2)
		return false;
	*ret_minor = major > 1 ? API_MINOR_MAX : major == 1 ? minor : 0;
	return true;
}

static int
take_version(struct engine *engine, const char *given, struct err *err)
{
	unsigned minor;

	if (!is_set(given))
		return 0;
	if (*given == 'v')
		given++;
	if (!parse_version(given, &minor) ||
	    strlen(given) >= sizeof engine->version)
		return err_set(err, ERR_CONFIG,
		    "the Docker API version '%s' is not like '1.41'", given);
	memcpy(engine->version, given, strlen(given) + 1);
	engine->version_given = true;
	return 0;
}

/* What an Engine refuses with: its own words, and where. */
static int
refused(const char *endpoint, const struct http_response *response,
    struct err *err)
{
	char message[ENGINE_JSON_MESSAGE_BYTES];
	enum err_kind kind = ERR_REFUSED;

	engine_json_message(response->body, response->body_len, message);
	/* A start gives 404 also for a network that is not there now, and a
	 * proxy for what it does not let pass: only this one is for good. */
	if (response->status == 404 &&
	    (strcasestr(message, "no such container") != NULL ||
	    strcasestr(message, "no container with") != NULL))
		kind = ERR_NOTFOUND;
	/* A proxy that gave up waiting: what it asked for may still happen. */
	if (response->status >= 502 && response->status <= 504)
		kind = ERR_TIMEOUT;
	return err_set(err, kind, "the Engine refuses %s: %s (status %ld)%s",
	    endpoint, message, response->status,
	    response->status == 403 ?
	    " (a proxy before its socket must let this pass)" : "");
}

static int
negotiate(struct engine *engine, const struct http_response *pong,
    struct err *err)
{
	static const char endpoint[] = "GET /_ping";
	const char *version = strmap_get(&pong->headers, "api-version");
	unsigned minor;

	if (engine->version_given)
		return 0;
	if (pong->status != 200)
		return refused(endpoint, pong, err);
	if (version == NULL || !parse_version(version, &minor))
		return err_set(err, ERR_PROTOCOL, "malformed answer to %s: "
		    "header Api-Version is '%.40s' (no Docker Engine?)",
		    endpoint, version != NULL ? version : "");
	if (minor < API_MINOR_MIN)
		return err_set(err, ERR_PROTOCOL, "the Engine is too old: it "
		    "speaks API %s, and 1.%u is needed", version,
		    API_MINOR_MIN);
	(void)snprintf(engine->version, sizeof engine->version, "1.%u",
	    minor < API_MINOR_MAX ? minor : API_MINOR_MAX);
	return 0;
}

static int
ping(struct engine *engine, struct err *err)
{
	static const struct http_request request = {
		.method = "GET", .path = "/_ping", .timeout_s = ANSWER_S,
		.interruptible = true
	};
	CLEANUP(http_response_free) struct http_response pong =
	    HTTP_RESPONSE_INIT;

	if (http_call(engine->http, &request, &pong, err) < 0)
		return err_add(err, "no Docker Engine");
	return negotiate(engine, &pong, err);
}

int
engine_open(const struct engine_settings *settings, struct engine **ret,
    struct err *err)
{
	CLEANUP(address_free) struct address address = { .base = NULL };
	CLEANUP(engine_freep) struct engine *engine = NULL;
	struct http_endpoint endpoint = {
		.no_proxy = true, .connect_timeout_s = ACCEPT_S
	};

	if (parse_address(settings, &address, err) < 0)
		return -1;
	engine = calloc(1, sizeof *engine);
	if (engine == NULL)
		return err_nomem(err);
	endpoint.base = address.base;
	endpoint.unix_socket = address.unix_socket;
	endpoint.ca_file = address.ca_file;
	endpoint.cert_file = address.cert_file;
	endpoint.key_file = address.key_file;
	endpoint.insecure = address.insecure;
	if (take_version(engine, settings->api_version, err) < 0 ||
	    http_new(&endpoint, &engine->http, err) < 0 ||
	    ping(engine, err) < 0)
		return -1;
	*ret = engine;
	engine = NULL;
	return 0;
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	http_free(engine->http);
	free(engine);
}

void
engine_freep(struct engine **engine)
{
	engine_free(*engine);
	*engine = NULL;
}

/* The negotiated version is always named: without it an Engine takes its
 * newest one. */
static int
call(struct engine *engine, struct http_request *request, const char *path,
    struct http_response *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *versioned = NULL;

	if (str_format(&versioned, err, "/v%s%s", engine->version, path) < 0)
		return -1;
	request->path = versioned;
	return http_call(engine->http, request, ret, err);
}

/* A list: a signal may end it, and 200 is the only success. */
static int
get_list(struct engine *engine, const char *path, const char *endpoint,
    struct http_response *ret, struct err *err)
{
	struct http_request request = {
		.method = "GET", .timeout_s = ANSWER_S, .interruptible = true
	};

	if (call(engine, &request, path, ret, err) < 0)
		return err_add(err, "%s", endpoint);
	return ret->status == 200 ? 0 : refused(endpoint, ret, err);
}

int
engine_containers(struct engine *engine, struct container_list *ret,
    struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (get_list(engine, "/containers/json?all=1", "GET /containers/json",
	    &response, err) < 0)
		return -1;
	return engine_json_containers(response.body, response.body_len, ret,
	    err);
}

int
engine_volumes(struct engine *engine, struct volume_list *ret,
    struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (get_list(engine, "/volumes", "GET /volumes", &response, err) < 0)
		return -1;
	return engine_json_volumes(response.body, response.body_len, ret, err);
}

/* A call on one container; suffix is "/json", "/stop" or "/start". */
static int
call_container(struct engine *engine, const char *method, const char *id,
    const char *suffix, double timeout_s, struct http_response *ret,
    struct err *err)
{
	struct http_request request = {
		.method = method, .timeout_s = timeout_s
	};
	CLEANUP(cleanup_free) char *escaped = NULL;
	CLEANUP(cleanup_free) char *path = NULL;

	if (http_escape(id, &escaped, err) < 0 ||
	    str_format(&path, err, "/containers/%s%s", escaped, suffix) < 0)
		return -1;
	if (call(engine, &request, path, ret, err) < 0)
		return err_add(err, "%s /containers/ID%s", method, suffix);
	return 0;
}

/* How long to wait for the answer to a stop; 0: for ever. Where a proxy does
 * not let us ask, we wait long: to give up early would be to start a container
 * that is about to stop. */
static int
stop_deadline(struct engine *engine, const char *id, double *ret_s,
    struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	struct err why = ERR_INIT;
	double own_s;

	if (call_container(engine, "GET", id, "/json", ANSWER_S, &response,
	    err) < 0)
		return -1;
	if (response.status != 200) {
		(void)refused("GET /containers/ID/json", &response, &why);
		if (why.kind == ERR_NOTFOUND)
			return err_set(err, why.kind, "%s", why.msg);
		*ret_s = STOP_UNKNOWN_S;
		return 0;
	}
	if (engine_json_stop_timeout(response.body, response.body_len, &own_s,
	    err) < 0)
		return -1;
	*ret_s = own_s < 0 || own_s > STOP_FOREVER_S ? 0 : own_s + ANSWER_S;
	return 0;
}

/* 304: it was in that state already. */
static int
change_state(struct engine *engine, const char *id, const char *suffix,
    double timeout_s, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *endpoint = NULL;

	if (call_container(engine, "POST", id, suffix, timeout_s, &response,
	    err) < 0)
		return -1;
	if (response.status / 100 == 2 || response.status == 304)
		return 0;
	if (str_format(&endpoint, err, "POST /containers/ID%s", suffix) < 0)
		return -1;
	return refused(endpoint, &response, err);
}

int
engine_stop(struct engine *engine, const char *id, struct err *err)
{
	double timeout_s;

	if (stop_deadline(engine, id, &timeout_s, err) < 0)
		return -1;
	return change_state(engine, id, "/stop", timeout_s, err);
}

int
engine_start(struct engine *engine, const char *id, struct err *err)
{
	return change_state(engine, id, "/start", ANSWER_S, err);
}

int
engine_is_running(struct engine *engine, const char *id, bool *ret,
    struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (call_container(engine, "GET", id, "/json", ANSWER_S, &response,
	    err) < 0)
		return -1;
	if (response.status != 200)
		return refused("GET /containers/ID/json", &response, err);
	return engine_json_running(response.body, response.body_len, ret, err);
}

static void
mount_free(struct mount *mount)
{
	free(mount->type);
	free(mount->name);
	free(mount->source);
	free(mount->destination);
	free(mount->driver);
}

static void
container_free(struct container *container)
{
	size_t i;

	free(container->id);
	free(container->name);
	free(container->image);
	strmap_free(&container->labels);
	for (i = 0; i < container->n_mounts; i++)
		mount_free(&container->mounts[i]);
	free(container->mounts);
}

void
container_list_free(struct container_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		container_free(&list->v[i]);
	free(list->v);
	*list = (struct container_list)CONTAINER_LIST_INIT;
}

void
volume_list_free(struct volume_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free(list->v[i].name);
		free(list->v[i].driver);
		free(list->v[i].mountpoint);
		strmap_free(&list->v[i].labels);
		strmap_free(&list->v[i].options);
	}
	free(list->v);
	*list = (struct volume_list)VOLUME_LIST_INIT;
}
