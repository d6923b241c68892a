#define _GNU_SOURCE
#include "lib/docker/undo.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_archive.h"
#include "lib/docker/engine_swarm.h"
#include "lib/base/json.h"

static const struct {
	const char *text;
	const char *failure;
} kinds[] = {
	[UNDO_START] = { "start", "cannot start container" },
	[UNDO_UNPAUSE] = { "unpause", "cannot unpause container" },
	[UNDO_SCALE] = { "scale", "cannot scale up service" },
	[UNDO_FORCE] = { "force", "cannot renew the tasks of service" },
	[UNDO_UNCONSTRAIN] = {
		"unconstrain", "cannot let tasks run again of service"
	},
	[UNDO_NOTHING] = { "nothing", "" },
};

#define N_KINDS (sizeof kinds / sizeof kinds[0])

void
undo_free(struct undo *undo)
{
	free(undo->id);
	free(undo->name);
	*undo = (struct undo)UNDO_INIT;
}

const char *
undo_text(enum undo_kind kind)
{
	return kinds[kind].text;
}

static bool
add_members(cJSON *json, const struct undo *undo)
{
	char replicas[32];

	(void)snprintf(replicas, sizeof replicas, "%llu", undo->replicas);
	return cJSON_AddStringToObject(json, "undo",
	    undo_text(undo->kind)) != NULL &&
	    cJSON_AddStringToObject(json, "id", undo->id) != NULL &&
	    cJSON_AddStringToObject(json, "name", undo->name) != NULL &&
	    (undo->kind != UNDO_SCALE ||
	    cJSON_AddRawToObject(json, "replicas", replicas) != NULL);
}

void
undo_format(struct str *ret, const struct undo *undo)
{
	CLEANUP(json_free) cJSON *json = cJSON_CreateObject();
	CLEANUP(cleanup_free) char *text = NULL;
	struct err ignored = ERR_INIT;

	if (!add_members(json, undo) || json_print(json, &text, &ignored) < 0)
		ret->failed = true;
	else
		str_addf(ret, "%s\n", text);
}

/* Of the ledger nobody but we is the author: what is wrong matters less than
 * which entry. */
static const struct json_place place = { "the ledger", "" };

static int
decode_kind(const cJSON *json, enum undo_kind *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t i;

	if (json_need_text(&place, json, "undo", &text, err) < 0)
		return -1;
	for (i = 0; i < N_KINDS; i++)
		if (strcmp(text, kinds[i].text) == 0) {
			*ret = (enum undo_kind)i;
			return 0;
		}
	return err_set(err, ERR_PROTOCOL, "unknown");
}

static int
decode(const char *line, size_t len, struct undo *ret, struct err *err)
{
	CLEANUP(json_free) cJSON *json = NULL;

	if (json_parse(line, len, place.endpoint, &json, err) < 0 ||
	    decode_kind(json, &ret->kind, err) < 0 ||
	    json_need_text(&place, json, "id", &ret->id, err) < 0 ||
	    json_want_text(&place, json, "name", &ret->name, err) < 0)
		return -1;
	if (ret->kind == UNDO_SCALE && json_member(json, "replicas") == NULL)
		return json_malformed(&place, "replicas", "is missing", err);
	return json_want_count(&place, json, "replicas", &ret->replicas, err);
}

int
undo_parse(const char *line, size_t len, struct undo *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *text = strndup(line, len);
	CLEANUP(undo_free) struct undo undo = UNDO_INIT;
	struct err why = ERR_INIT;

	if (text == NULL)
		return err_nomem(err);
	if (strlen(text) != len || decode(text, len, &undo, &why) < 0)
		return why.kind == ERR_NOMEM ? err_nomem(err) : err_set(err,
		    ERR_PROTOCOL, "no entry of a ledger (of another version "
		    "of vbackup?): %.200s", text);
	*ret = undo;
	undo = (struct undo)UNDO_INIT;
	return 0;
}

/* Tasks that run, as many as are wanted, are new ones already: whoever stopped
 * a container of theirs was forestalled by Swarm, or by us, a try before. */
static int
renew(struct engine *engine, const char *id, struct err *err)
{
	struct service_tasks tasks;

	if (engine_service_tasks(engine, id, &tasks, err) < 0)
		return -1;
	if (tasks.wanted != 0 && tasks.running == tasks.wanted &&
	    tasks.ended == 0)
		return 0;
	return engine_service_force(engine, id, err);
}

static int
apply(struct engine *engine, const struct undo *undo, struct err *err)
{
	switch (undo->kind) {
	case UNDO_START:
		return engine_start(engine, undo->id, err);
	case UNDO_UNPAUSE:
		return engine_unpause(engine, undo->id, err);
	case UNDO_SCALE:
		return engine_service_unscale(engine, undo->id,
		    undo->replicas, err);
	case UNDO_FORCE:
		return renew(engine, undo->id, err);
	case UNDO_UNCONSTRAIN:
		return engine_service_constrain(engine, undo->id,
		    UNDO_CONSTRAINT, false, err);
	case UNDO_NOTHING:
		return 0;
	}
	return err_set(err, ERR_PROTOCOL, "no such undoing");
}

int
undo_apply(struct engine *engine, const struct undo *undo, struct err *err)
{
	if (apply(engine, undo, err) < 0)
		return err_add(err, "%s '%s'", kinds[undo->kind].failure,
		    *undo->name != '\0' ? undo->name : undo->id);
	return 0;
}
