#define _GNU_SOURCE
#include "lib/run/inventory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"

#define DEFAULT_SOCKET "/var/run/docker.sock"

#define MOUNTS_BYTES_MAX ((size_t)4 << 20)

struct engine_settings
inventory_docker(const struct options *o)
{
	return (struct engine_settings){
		.host = o->docker_host,
		.tls_verify = o->docker_tls_verify,
		.cert_path = o->docker_cert_path,
		.api_version = o->docker_api_version,
	};
}

/* Nobody asked for this address: what does its silence mean? */
static int
default_engine_silent(struct err *err)
{
	if (access(DEFAULT_SOCKET, F_OK) < 0) {
		log_debug("no Docker Engine here");
		*err = (struct err)ERR_INIT;
		return 0;
	}
	if (access(DEFAULT_SOCKET, W_OK) < 0)
		return err_add(err, "cannot speak to the Docker Engine (run as "
		    "root, or set docker.host to none to run without it)");
	return err_add(err, "the Docker Engine is not to be reached (start it, "
	    "or set docker.host to none to run without it)");
}

static int
open_engine(const struct options *o, struct engine **ret, struct err *err)
{
	struct engine_settings settings = inventory_docker(o);

	*ret = NULL;
	if (o->docker_host != NULL && strcmp(o->docker_host, "none") == 0)
		return 0;
	if (engine_open(&settings, ret, err) == 0)
		return 0;
	if (o->docker_host == NULL && err->kind == ERR_UNREACHABLE)
		return default_engine_silent(err);
	return -1;
}

/* In a container, the Engine mounts /etc/hostname and its like from a directory
 * that is named after the container. */
static bool
is_own_line(const char *line, const char *id)
{
	char root[4096], mounted[4096];

	return sscanf(line, "%*s %*s %*s %4095s %4095s", root, mounted) == 2 &&
	    (strcmp(mounted, "/etc/hostname") == 0 ||
	    strcmp(mounted, "/etc/hosts") == 0 ||
	    strcmp(mounted, "/etc/resolv.conf") == 0) &&
	    *id != '\0' && strstr(root, id) != NULL;
}

static void
find_own(struct inventory *inventory)
{
	CLEANUP(cleanup_free) char *mounts = NULL;
	struct err ignored = ERR_INIT;
	char *rest, *line;
	size_t i;

	if (file_read("/proc/self/mountinfo", MOUNTS_BYTES_MAX, &mounts, NULL,
	    &ignored) < 0)
		return;
	for (rest = mounts; (line = strsep(&rest, "\n")) != NULL; )
		for (i = 0; i < inventory->containers.n; i++)
			if (is_own_line(line, inventory->containers.v[i].id))
				inventory->own =
				    inventory->containers.v[i].id;
}

static int
take_services(struct inventory *inventory, struct err *err)
{
	bool manager;

	if (engine_is_manager(inventory->engine, &manager, err) < 0)
		return -1;
	return manager ? engine_services(inventory->engine,
	    &inventory->services, err) : 0;
}

int
inventory_take(const struct options *options, struct inventory *ret,
    struct err *err)
{
	CLEANUP(inventory_free) struct inventory inventory = INVENTORY_INIT;

	if (open_engine(options, &inventory.engine, err) < 0)
		return -1;
	if (inventory.engine != NULL &&
	    (engine_containers(inventory.engine, &inventory.containers,
	    err) < 0 ||
	    engine_volumes(inventory.engine, &inventory.volumes, err) < 0 ||
	    take_services(&inventory, err) < 0))
		return -1;
	find_own(&inventory);
	inventory.docker = inventory_docker(options);
	*ret = inventory;
	inventory = (struct inventory)INVENTORY_INIT;
	return 0;
}

void
inventory_free(struct inventory *inventory)
{
	container_list_free(&inventory->containers);
	volume_list_free(&inventory->volumes);
	service_list_free(&inventory->services);
	engine_free(inventory->engine);
	*inventory = (struct inventory)INVENTORY_INIT;
}

const struct volume *
inventory_volume(const struct inventory *inventory, const char *name)
{
	size_t i;

	for (i = 0; i < inventory->volumes.n; i++)
		if (strcmp(inventory->volumes.v[i].name, name) == 0)
			return &inventory->volumes.v[i];
	return NULL;
}
