/*
 * libFuzzer target: the Engine's JSON. The first byte chooses the decoder.
 * Each result is freed, so that leaks and half-made values are seen.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode(char choice, const char *body, size_t len)
{
	struct container_list containers = CONTAINER_LIST_INIT;
	struct volume_list volumes = VOLUME_LIST_INIT;
	char message[ENGINE_JSON_MESSAGE_BYTES];
	struct err err = ERR_INIT;
	double timeout_s = 0;
	int rc;

	switch (choice) {
	case 'c':
		rc = engine_json_containers(body, len, &containers, &err);
		container_list_free(&containers);
		break;
	case 'v':
		rc = engine_json_volumes(body, len, &volumes, &err);
		volume_list_free(&volumes);
		break;
	case 't':
		rc = engine_json_stop_timeout(body, len, &timeout_s, &err);
		break;
	default:
		engine_json_message(body, len, message);
		if (message[0] == '\0')
			abort();
		return;
	}
	if (rc < 0 && (err.kind != ERR_PROTOCOL || err.msg[0] == '\0'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body;

	if (size == 0)
		return 0;
	body = malloc(size);	/* exactly: reading past its NUL is seen */
	if (body == NULL)
		return 0;
	memcpy(body, data + 1, size - 1);
	body[size - 1] = '\0';
	decode((char)data[0], body, size - 1);
	free(body);
	return 0;
}
