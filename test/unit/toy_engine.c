#define _GNU_SOURCE
#include "test/unit/toy_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"

struct toy toy;

/* What the linker calls instead of the real ones. */
int __wrap_engine_stop(struct engine *engine, const char *id, double timeout_s,
    struct err *err);
int __wrap_engine_pause(struct engine *engine, const char *id,
    struct err *err);
int __wrap_engine_state(struct engine *engine, const char *id,
    struct container_state *ret, struct err *err);
int __wrap_engine_is_manager(struct engine *engine, bool *ret,
    struct err *err);
int __wrap_engine_service_count(struct engine *engine, const char *id,
    unsigned long long *ret, struct err *err);
int __wrap_engine_service_scale(struct engine *engine, const char *id,
    unsigned long long from, unsigned long long to, bool *ret_done,
    struct err *err);
int __wrap_engine_service_constrain(struct engine *engine, const char *id,
    const char *constraint, bool add, struct err *err);
int __wrap_engine_service_tasks(struct engine *engine, const char *id,
    struct service_tasks *ret, struct err *err);
int __wrap_engine_service_local(struct engine *engine, const char *id,
    size_t *ret, struct err *err);
int __wrap_undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err);
double __wrap_clock_mono_s(void);
int __wrap_nanosleep(const struct timespec *span, struct timespec *left);
int __wrap_intr_check(struct err *err);
bool __wrap_intr_sleep(double seconds);

void
toy_reset(void)
{
	toy_free();
	toy.manager = true;
	toy.now_s = 1000;
	str_add(&toy.journal, "");
	str_add(&toy.warnings, "");
}

void
toy_free(void)
{
	size_t i;

	for (i = 0; i < toy.n_containers; i++) {
		free(toy.containers[i].container.id);
		free(toy.containers[i].container.name);
		strmap_free(&toy.containers[i].container.labels);
	}
	for (i = 0; i < toy.n_services; i++) {
		free(toy.services[i].service.id);
		free(toy.services[i].service.name);
	}
	str_free(&toy.journal);
	str_free(&toy.warnings);
	toy = (struct toy){ .n_containers = 0 };
}

struct toy_container *
toy_container(const char *name)
{
	struct toy_container *made = &toy.containers[toy.n_containers++];

	assert_true(toy.n_containers <= TOY_MOST);
	made->container.id = strdup(name);
	made->container.name = strdup(name);
	made->container.running = made->running = true;
	return made;
}

void
toy_label(struct strmap *labels, const char *key, const char *value)
{
	struct err err = ERR_INIT;

	if (value != NULL)
		assert_int_equal(strmap_add(labels, key, value, &err), 0);
}

struct toy_service *
toy_service(const char *name, unsigned long long replicas, size_t nodes)
{
	struct toy_service *made = &toy.services[toy.n_services++];

	assert_true(toy.n_services <= TOY_MOST);
	made->service.id = strdup(name);
	made->service.name = strdup(name);
	made->service.mode = replicas != 0 ? SERVICE_REPLICATED :
	    SERVICE_GLOBAL;
	made->service.replicas = made->replicas = made->due = replicas;
	made->nodes = nodes;
	made->active = made->running = made->wanted = replicas != 0 ?
	    (size_t)replicas : nodes;
	return made;
}

static struct toy_container *
find_container(const char *id)
{
	size_t i;

	for (i = 0; i < toy.n_containers; i++)
		if (strcmp(toy.containers[i].container.id, id) == 0)
			return &toy.containers[i];
	fail_msg("nobody knows container '%s'", id);
	return NULL;
}

static struct toy_service *
find_service(const char *id)
{
	size_t i;

	for (i = 0; i < toy.n_services; i++)
		if (strcmp(toy.services[i].service.id, id) == 0)
			return &toy.services[i];
	fail_msg("nobody knows service '%s'", id);
	return NULL;
}

/* The Swarm begins to make it so; what is to go, goes at the end. */
static void
change(struct toy_service *service)
{
	service->changes_at_s = toy.now_s + service->slow_s;
}

static void
reach(struct toy_service *service)
{
	size_t wanted = service->service.mode == SERVICE_GLOBAL ?
	    (service->constrained ? 0 : service->nodes) :
	    (size_t)service->replicas;
	size_t down = service->lost + service->missing;

	service->changes_at_s = 0;
	service->wanted = wanted - (wanted != 0 ? service->lost : 0);
	service->running = service->active = down < wanted ? wanted - down : 0;
	service->ended = service->lost;
}

static void
come_to_rest(struct toy_container *container, bool pause)
{
	const char *id = strmap_get(&container->container.labels,
	    LABEL_SERVICE_ID);

	container->rests_at_s = 0;
	if (pause) {
		container->paused = true;
		return;
	}
	if (container->running && id != NULL && toy.manager) {
		find_service(id)->lost++;
		change(find_service(id));
	}
	container->running = false;
}

/* What happens by itself as time passes. */
static void
pass(double seconds)
{
	size_t i;

	toy.now_s += seconds;
	for (i = 0; i < toy.n_containers; i++) {
		struct toy_container *container = &toy.containers[i];

		if (container->rests_at_s > 0 &&
		    toy.now_s >= container->rests_at_s)
			come_to_rest(container, container->rests_by_pause);
	}
	for (i = 0; i < toy.n_services; i++)
		if (toy.services[i].changes_at_s > 0 &&
		    toy.now_s >= toy.services[i].changes_at_s)
			reach(&toy.services[i]);
}

void
toy_settle(void)
{
	pass(1e6);
}

bool
toy_is_up(const struct quiesce_target *target)
{
	const struct toy_service *service;

	if (target->action == QUIESCE_STOP || target->action == QUIESCE_PAUSE) {
		const struct toy_container *container =
		    find_container(target->container->id);
		const char *id = strmap_get(&target->container->labels,
		    LABEL_SERVICE_ID);

		if (id == NULL || !toy.manager)
			return container->running && !container->paused;
		return find_service(id)->lost == 0;
	}
	service = find_service(target->service->id);
	return !service->constrained &&
	    service->replicas == service->due;
}

/* Writes it down; does it fail? Then *ret_effect says what comes of it. */
static bool
call(const char *what, const char *id, enum toy_effect *ret_effect,
    struct err *err)
{
	CLEANUP(str_free) struct str line = STR_INIT;
	bool fails;

	toy.calls++;
	pass(0.01);
	str_addf(&line, "%s %s", what, id);
	fails = (toy.calls >= toy.fail_first && toy.calls <= toy.fail_last) ||
	    (toy.fail_text != NULL && str_starts(line.s, toy.fail_text));
	str_addf(&toy.journal, "%s%s\n", line.s, fails ? " FAILS" : "");
	toy.failed += fails;
	*ret_effect = fails ? toy.fail_effect : TOY_DONE;
	if (toy.calls == toy.signal_after) {
		toy.signalled = true;
		str_add(&toy.journal, "SIGNAL\n");
	}
	if (fails)
		(void)err_set(err, toy.fail_kind, "toy: %s", line.s);
	return fails;
}

static int
rest(const char *what, const char *id, bool pause, struct err *err)
{
	struct toy_container *container = find_container(id);
	enum toy_effect effect;
	bool fails = call(what, id, &effect, err);

	if (!fails && container->gone)
		return err_set(err, ERR_NOTFOUND, "no such container: %s", id);
	if (effect == TOY_DONE) {
		come_to_rest(container, pause);
	} else if (effect == TOY_LATE) {
		container->rests_at_s = toy.now_s + 3;
		container->rests_by_pause = pause;
	}
	return fails ? -1 : 0;
}

int
__wrap_engine_stop(struct engine *engine, const char *id, double timeout_s,
    struct err *err)
{
	char what[32] = "stop";

	(void)engine;
	if (timeout_s >= 0)
		(void)snprintf(what, sizeof what, "stop(%g)", timeout_s);
	return rest(what, id, false, err);
}

int
__wrap_engine_pause(struct engine *engine, const char *id, struct err *err)
{
	(void)engine;
	return rest("pause", id, true, err);
}

int
__wrap_engine_state(struct engine *engine, const char *id,
    struct container_state *ret, struct err *err)
{
	struct toy_container *container = find_container(id);
	enum toy_effect effect;

	(void)engine;
	if (call("state", id, &effect, err))
		return -1;
	if (container->gone)
		return err_set(err, ERR_NOTFOUND, "no such container: %s", id);
	*ret = (struct container_state){ .running = container->running,
	    .paused = container->paused,
	    .auto_remove = container->auto_remove };
	ret->health = container->looks++ < container->starting ?
	    HEALTH_STARTING : container->health;
	return 0;
}

int
__wrap_engine_is_manager(struct engine *engine, bool *ret, struct err *err)
{
	enum toy_effect effect;

	(void)engine;
	if (call("manager", "?", &effect, err))
		return -1;
	*ret = toy.manager;
	return 0;
}

/* What somebody else does after we have looked. */
static void
meddle(struct toy_service *service)
{
	if (!service->restless && service->n_set == service->n_sets)
		return;
	service->due = service->restless ? service->replicas + 1 :
	    service->sets[service->n_set++];
	service->replicas = service->due;
	change(service);
}

int
__wrap_engine_service_count(struct engine *engine, const char *id,
    unsigned long long *ret, struct err *err)
{
	struct toy_service *service = find_service(id);
	enum toy_effect effect;

	(void)engine;
	if (call("count", id, &effect, err))
		return -1;
	if (service->gone)
		return err_set(err, ERR_NOTFOUND, "no such service: %s", id);
	*ret = service->replicas;
	meddle(service);
	return 0;
}

int
__wrap_engine_service_scale(struct engine *engine, const char *id,
    unsigned long long from, unsigned long long to, bool *ret_done,
    struct err *err)
{
	struct toy_service *service = find_service(id);
	enum toy_effect effect;
	bool fails;
	char what[32];

	(void)engine;
	(void)snprintf(what, sizeof what, "scale(%llu)", to);
	fails = call(what, id, &effect, err);
	*ret_done = !fails && service->replicas == from;
	if (effect != TOY_NONE && service->replicas == from) {
		service->replicas = to;
		change(service);
	}
	return fails ? -1 : 0;
}

int
__wrap_engine_service_constrain(struct engine *engine, const char *id,
    const char *constraint, bool add, struct err *err)
{
	struct toy_service *service = find_service(id);
	enum toy_effect effect;
	bool fails = call("constrain", id, &effect, err);

	(void)engine;
	assert_string_equal(constraint, UNDO_CONSTRAINT);
	assert_true(add);
	if (effect != TOY_NONE) {
		service->constrained = true;
		change(service);
	}
	return fails ? -1 : 0;
}

int
__wrap_engine_service_tasks(struct engine *engine, const char *id,
    struct service_tasks *ret, struct err *err)
{
	struct toy_service *service = find_service(id);
	enum toy_effect effect;

	(void)engine;
	if (call("tasks", id, &effect, err))
		return -1;
	if (service->gone)
		return err_set(err, ERR_NOTFOUND, "no such service: %s", id);
	*ret = (struct service_tasks){
	    .active = service->forgets ? 0 : service->active,
	    .running = service->running, .wanted = service->wanted,
	    .ended = service->ended };
	if (service->missing != 0)
		(void)snprintf(ret->failure, sizeof ret->failure,
		    "no suitable node");
	return 0;
}

/* All of its nodes are this one. Not in the journal: it only looks. */
int
__wrap_engine_service_local(struct engine *engine, const char *id,
    size_t *ret, struct err *err)
{
	(void)engine;
	(void)err;
	*ret = find_service(id)->active;
	return 0;
}

static void
start_again(const struct undo *undo)
{
	struct toy_container *container = find_container(undo->id);

	if (undo->kind == UNDO_UNPAUSE) {
		container->paused = false;
	} else if (!container->running) {
		container->running = !container->dies;
		container->gone = container->vanishes;
		container->looks = 0;
	}
}

static void
change_back(const struct undo *undo)
{
	struct toy_service *service = find_service(undo->id);

	if (undo->kind == UNDO_SCALE && service->replicas == 0)
		service->replicas = undo->replicas;
	if (undo->kind == UNDO_UNCONSTRAIN)
		service->constrained = false;
	/* As it seems to the Swarm at this moment. */
	if (undo->kind == UNDO_FORCE && service->wanted != 0 &&
	    service->running == service->wanted && service->ended == 0)
		return;
	if (undo->kind == UNDO_FORCE)
		service->lost = 0;
	service->gone = service->vanishes;
	change(service);
}

static const char *const undo_names[] = {
	[UNDO_START] = "start", [UNDO_UNPAUSE] = "unpause",
	[UNDO_SCALE] = "scale", [UNDO_FORCE] = "force",
	[UNDO_UNCONSTRAIN] = "unconstrain", [UNDO_NOTHING] = "nothing"
};

int
__wrap_undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err)
{
	bool of_container = undo->kind == UNDO_START ||
	    undo->kind == UNDO_UNPAUSE;
	bool gone = of_container ? find_container(undo->id)->gone :
	    find_service(undo->id)->gone;
	enum toy_effect effect;
	char what[32];
	bool fails;

	(void)engine;
	(void)snprintf(what, sizeof what, "undo %s", undo_names[undo->kind]);
	fails = call(what, undo->id, &effect, err);
	if (!fails && gone)
		return err_set(err, ERR_NOTFOUND, "no such thing: %s",
		    undo->id);
	if (effect != TOY_NONE && of_container)
		start_again(undo);
	else if (effect != TOY_NONE)
		change_back(undo);
	return fails ? -1 : 0;
}

int
toy_note(void *cookie, const struct undo *undo, struct err *err)
{
	enum toy_effect effect;
	char what[64];

	(void)cookie;
	assert_non_null(undo->id);
	assert_non_null(undo->name);
	(void)snprintf(what, sizeof what, "note %s", undo_names[undo->kind]);
	if (undo->kind == UNDO_SCALE)
		(void)snprintf(what, sizeof what, "note scale(%llu)",
		    undo->replicas);
	return call(what, undo->id, &effect, err) ? -1 : 0;
}

void
toy_warn(void *cookie, const char *message)
{
	(void)cookie;
	str_addf(&toy.warnings, "%s\n", message);
}

double
__wrap_clock_mono_s(void)
{
	return toy.now_s;
}

int
__wrap_nanosleep(const struct timespec *span, struct timespec *left)
{
	(void)left;
	pass((double)span->tv_sec + (double)span->tv_nsec / 1e9);
	return 0;
}

int
__wrap_intr_check(struct err *err)
{
	return toy.signalled ?
	    err_set(err, ERR_INTERRUPTED, "interrupted by SIGTERM") : 0;
}

bool
__wrap_intr_sleep(double seconds)
{
	if (!toy.signalled)
		pass(seconds);
	return toy.signalled;
}
