/*
 * engine: the Docker Engine's API, typed; as much of it as a run needs.
 *
 * The version is negotiated through /_ping, so that Engines from 20.10 on,
 * those that refuse old versions, and Podman's compatible socket work. Only
 * endpoints that a run needs are called: people put filtering proxies before
 * the socket. The Engine has 10 s to accept and 60 s to answer. Errors carry
 * the Engine's own message. Source: Docker Engine API v1.41 and later.
 */
#ifndef LIB_DOCKER_ENGINE_H
#define LIB_DOCKER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* What Compose says of its project, on containers and on volumes. */
#define LABEL_PROJECT "com.docker.compose.project"

struct engine;

struct engine_settings {	/* as the docker command's variables */
	const char *host;	/* unix:///path or tcp://host:port; NULL:
				 * unix:///var/run/docker.sock */
	const char *tls_verify;	/* any text: TLS, verified */
	const char *cert_path;	/* ca.pem, cert.pem, key.pem; NULL: ~/.docker.
				 * Set without tls_verify: TLS, not verified */
	const char *api_version;	/* NULL: negotiated */
};

struct mount {
	char *type;		/* "volume", "bind", "tmpfs" */
	char *name;		/* of a volume; else "" */
	char *source;		/* path on the Engine's host */
	char *destination;	/* path in the container */
	char *driver;		/* of a volume; else "" */
};

struct container {
	char *id;
	char *name;		/* without the leading slash */
	char *image;
	bool running;		/* includes paused and restarting */
	bool paused;
	struct strmap labels;
	struct mount *mounts;
	size_t n_mounts;
};

struct container_list {
	struct container *v;
	size_t n;
};

struct volume {
	char *name;
	char *driver;
	char *mountpoint;	/* on the Engine's host */
	struct strmap labels;
	struct strmap options;
};

struct volume_list {
	struct volume *v;
	size_t n;
};

#define CONTAINER_LIST_INIT { NULL, 0 }
#define VOLUME_LIST_INIT { NULL, 0 }

/*
 * engine_open: connect and negotiate.
 * Fails    ERR_CONFIG host or version is malformed, a certificate is missing;
 *          ERR_UNREACHABLE nobody answers at that address; ERR_UNTRUSTED;
 *          ERR_TIMEOUT; ERR_REFUSED, ERR_PROTOCOL
 */
MUST_CHECK int engine_open(const struct engine_settings *settings,
    struct engine **ret, struct err *err);
void engine_free(struct engine *engine);
void engine_freep(struct engine **engine);	/* for CLEANUP */

/* engine_containers: running and stopped ones, sorted by name. */
MUST_CHECK int engine_containers(struct engine *engine,
    struct container_list *ret, struct err *err);
void container_list_free(struct container_list *list);

/* engine_volumes: all volumes, sorted by name. */
MUST_CHECK int engine_volumes(struct engine *engine, struct volume_list *ret,
    struct err *err);
void volume_list_free(struct volume_list *list);

/*
 * engine_stop: stop, with the container's own signal; returns when it has
 * stopped; one that is stopped already is a success. timeout_s: how long it
 * has before it is killed, rounded up to seconds; negative: its own. Waits as
 * long as that may take, but an hour at most, whatever was asked for and also
 * where the container may take for ever: then it is ERR_TIMEOUT, and it may
 * still stop. Not interrupted by a signal to us: what was asked for must be
 * known before anything is undone.
 * engine_start: start; one that runs already is a success.
 * engine_pause, engine_unpause: freeze and thaw; one that is so already is a
 * success.
 * Fails    ERR_NOTFOUND no such container; ERR_REFUSED; ERR_UNREACHABLE;
 *          ERR_TIMEOUT; ERR_PROTOCOL. Only after the first two is it known that
 *          nothing more will come of it
 */
MUST_CHECK int engine_stop(struct engine *engine, const char *id,
    double timeout_s, struct err *err);
MUST_CHECK int engine_start(struct engine *engine, const char *id,
    struct err *err);
MUST_CHECK int engine_pause(struct engine *engine, const char *id,
    struct err *err);
MUST_CHECK int engine_unpause(struct engine *engine, const char *id,
    struct err *err);

enum health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct container_state {
	bool running;		/* includes paused and restarting */
	bool paused;
	enum health health;	/* NONE: it has no health check */
	bool auto_remove;	/* --rm: a stop would remove it */
};

/* engine_state: of this moment. Fails as those above do. */
MUST_CHECK int engine_state(struct engine *engine, const char *id,
    struct container_state *ret, struct err *err);

#endif
