/*
 * engine_address: where the Engine is, and how it is spoken to: from the
 * docker command's variables to what HTTP needs. For engine.c only.
 */
#ifndef LIB_DOCKER_ENGINE_ADDRESS_H
#define LIB_DOCKER_ENGINE_ADDRESS_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"

struct engine_address {
	char *base;
	char *unix_socket;	/* or NULL */
	char *ca_file;		/* of TLS; all three or none */
	char *cert_file;
	char *key_file;
	bool insecure;
};

/* engine_address_parse. Fails: ERR_CONFIG. What *ret holds is freed in any
 * case. */
MUST_CHECK int engine_address_parse(const struct engine_settings *settings,
    struct engine_address *ret, struct err *err);
void engine_address_free(struct engine_address *address); /* for CLEANUP */

#endif
