#define _GNU_SOURCE
#include "test/unit/toy_scene.h"

#include <string.h>

struct scene scene;

static void
target(enum quiesce_action action, const struct container *container,
    const struct service *service)
{
	struct quiesce_target *made = &scene.targets[scene.n_targets++];

	assert_true(scene.n_targets <= TOY_MOST);
	*made = (struct quiesce_target){ .action = action,
	    .container = container, .service = service,
	    .stop_timeout_s = -1 };
}

struct toy_container *
scene_stop(const char *name, const char *service, const char *depends_on)
{
	struct toy_container *made = toy_container(name);

	toy_label(&made->container.labels, "com.docker.compose.project", "p");
	toy_label(&made->container.labels, "com.docker.compose.service",
	    service);
	toy_label(&made->container.labels, "com.docker.compose.depends_on",
	    depends_on);
	target(QUIESCE_STOP, &made->container, NULL);
	return made;
}

struct toy_container *
scene_pause(const char *name)
{
	struct toy_container *made = toy_container(name);

	target(QUIESCE_PAUSE, &made->container, NULL);
	return made;
}

struct toy_container *
scene_task(const char *name, const char *service)
{
	struct toy_container *made = scene_stop(name, NULL, NULL);

	toy_label(&made->container.labels, LABEL_SERVICE_ID, service);
	return made;
}

struct toy_service *
scene_scale(const char *name, unsigned long long replicas)
{
	struct toy_service *made = toy_service(name, replicas, 0);

	target(QUIESCE_SCALE, NULL, &made->service);
	return made;
}

struct toy_service *
scene_empty(const char *name, size_t nodes)
{
	struct toy_service *made = toy_service(name, 0, nodes);

	target(QUIESCE_CONSTRAIN, NULL, &made->service);
	return made;
}

void
scene_new(void)
{
	quiesce_free(&scene.quiesce);
	toy_reset();
	scene.n_targets = 0;
}

void
scene_end(void)
{
	quiesce_free(&scene.quiesce);
	toy_free();
}

int
scene_begin(struct err *err)
{
	static const struct quiesce_settings settings = {
		.health_s = 20, .service_s = 30,
		.note = toy_note, .warn = toy_warn
	};

	*err = (struct err)ERR_INIT;
	assert_int_equal(quiesce_init(NULL, &settings, scene.targets,
	    scene.n_targets, &scene.quiesce, err), 0);
	return quiesce_begin(&scene.quiesce, err);
}

void
scene_forget(void)
{
	str_free(&toy.journal);
	str_add(&toy.journal, "");
}

void
scene_begun(void)
{
	struct err err;

	if (scene_begin(&err) < 0)
		fail_msg("%s", err.msg);
	scene_forget();
}

void
scene_assert_journal(const char *expected)
{
	assert_string_equal(toy.journal.s, expected);
}

size_t
scene_count(const char *line)
{
	const char *p = toy.journal.s;
	size_t n = 0;

	while ((p = strstr(p, line)) != NULL) {
		n += p == toy.journal.s || p[-1] == '\n';
		p += strlen(line);
	}
	return n;
}

bool
scene_all_up(void)
{
	size_t i;

	for (i = 0; i < scene.n_targets; i++)
		if (!toy_is_up(&scene.targets[i]))
			return false;
	return true;
}

const struct quiesce_unit *
scene_unit(const char *name)
{
	size_t i;

	for (i = 0; i < scene.quiesce.n; i++) {
		const struct quiesce_unit *unit = &scene.quiesce.units[i];
		const struct quiesce_target *of = &unit->target;

		if (strcmp(of->container != NULL ? of->container->name :
		    of->service->name, name) == 0)
			return unit;
	}
	fail_msg("there is no '%s'", name);
	return NULL;
}
