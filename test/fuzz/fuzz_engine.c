/*
 * libFuzzer target: the Engine's JSON. The first byte chooses the decoder.
 * Each result is freed, so that leaks and half-made values are seen.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_frames.h"
#include "lib/docker/engine_json.h"
#include "lib/docker/engine_json_exec.h"
#include "lib/docker/engine_json_helper.h"
#include "lib/docker/engine_json_spec.h"
#include "lib/docker/engine_json_swarm.h"
#include "lib/docker/undo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
decode_list(char choice, const char *body, size_t len, struct err *err)
{
	struct container_list containers = CONTAINER_LIST_INIT;
	struct volume_list volumes = VOLUME_LIST_INIT;
	struct service_list services = SERVICE_LIST_INIT;
	int rc;

	switch (choice) {
	case 'c':
		rc = engine_json_containers(body, len, &containers, err);
		container_list_free(&containers);
		return rc;
	case 'v':
		rc = engine_json_volumes(body, len, &volumes, err);
		volume_list_free(&volumes);
		return rc;
	default:
		rc = engine_json_services(body, len, &services, err);
		service_list_free(&services);
		return rc;
	}
}

static int
decode_tasks(const char *body, size_t len, struct err *err)
{
	struct task_list tasks = TASK_LIST_INIT;
	struct strlist down = STRLIST_INIT;
	struct service_tasks counted;
	int rc = engine_json_tasks(body, len, &tasks, err);

	task_list_count(&tasks, &down, &counted);
	if (counted.active > tasks.n || counted.running > counted.wanted)
		abort();
	task_list_free(&tasks);
	return rc;
}

/* What was written once must be there when it is read again. */
static int
change_spec(const char *body, size_t len, struct err *err)
{
	struct spec_change change = { SPEC_CONSTRAIN, 0, "a==b" };
	struct spec_update first = SPEC_UPDATE_INIT;
	struct spec_update again = SPEC_UPDATE_INIT;
	char *wrapped = NULL;
	int rc = engine_json_spec(body, len, &change, &first, err);

	if (rc == 0 && first.spec != NULL) {
		if (str_format(&wrapped, err, "{\"Version\":{\"Index\":%s},"
		    "\"Spec\":%s}", first.version, first.spec) < 0 ||
		    engine_json_spec(wrapped, strlen(wrapped), &change, &again,
		    err) < 0 || again.spec != NULL)
			abort();
	}
	free(wrapped);
	spec_update_free(&first);
	spec_update_free(&again);
	return rc;
}

static int
hear(void *cookie, const void *bytes, size_t n, struct err *err)
{
	(void)bytes;
	(void)err;
	*(size_t *)cookie += n;
	return 0;
}

static int
decode_frames(const char *body, size_t len, struct err *err)
{
	size_t heard = 0;
	struct frames frames = { .output = hear, .cookie = &heard };
	int rc = frames_feed(&frames, body, len / 2, err);

	if (rc == 0)
		rc = frames_feed(&frames, body + len / 2, len - len / 2, err);
	if (heard > len)
		abort();
	return rc;
}

static int
decode_undo(const char *body, size_t len, struct err *err)
{
	struct undo undo = UNDO_INIT;
	struct str text = STR_INIT;
	int rc = undo_parse(body, len, &undo, err);

	if (rc == 0) {
		undo_format(&text, &undo);
		if (text.failed || strchr(text.s, '\n') !=
		    text.s + text.len - 1)
			abort();
	}
	str_free(&text);
	undo_free(&undo);
	return rc;
}

static int
decode_one(char choice, const char *body, size_t len, struct err *err)
{
	struct container_state container;
	struct exec_state exec;
	struct strlist list = STRLIST_INIT;
	double timeout_s;
	char *id = NULL;
	int rc;

	switch (choice) {
	case 't':
		return engine_json_stop_timeout(body, len, &timeout_s, err);
	case 'i':
		return engine_json_state(body, len, &container, err);
	case 'e':
		return engine_json_exec_state(body, len, &exec, err);
	case 'n':
		rc = engine_json_down_nodes(body, len, &list, err);
		break;
	case 'm':
		rc = engine_json_image_volumes(body, len, &list, err);
		break;
	default:
		rc = engine_json_smallest(body, len, &id, err);
		if (rc < 0 && err->kind == ERR_NOTFOUND)
			err->kind = ERR_PROTOCOL;
		break;
	}
	strlist_free(&list);
	free(id);
	return rc;
}

static void
decode(char choice, const char *body, size_t len)
{
	char message[ENGINE_JSON_MESSAGE_BYTES];
	struct err err = ERR_INIT;
	int rc;

	if (strchr("cvs", choice) != NULL)
		rc = decode_list(choice, body, len, &err);
	else if (strchr("tienmg", choice) != NULL)
		rc = decode_one(choice, body, len, &err);
	else if (choice == 'k')
		rc = decode_tasks(body, len, &err);
	else if (choice == 'p')
		rc = change_spec(body, len, &err);
	else if (choice == 'f')
		rc = decode_frames(body, len, &err);
	else if (choice == 'u')
		rc = decode_undo(body, len, &err);
	else {
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
