/*
 * toy_scene: containers and services of a toy_engine as targets of one
 * quiesce.
 *
 *     scene_new(); scene_stop("db", ...); ...
 *     scene_begun(), or scene_begin where it may fail
 *     quiesce_resume(&scene.quiesce, ...); what became of it; scene_end()
 */
#ifndef TEST_UNIT_TOY_SCENE_H
#define TEST_UNIT_TOY_SCENE_H

#include "lib/docker/quiesce.h"
#include "test/unit/toy_engine.h"

struct scene {
	struct quiesce_target targets[TOY_MOST];	/* as they were added */
	size_t n_targets;
	struct quiesce quiesce;
};

extern struct scene scene;

void scene_new(void);
void scene_end(void);

/* A container of that Compose service, to be stopped; one to be paused; a
 * task's, to be stopped; a service with replicas; one on so many nodes. */
struct toy_container *scene_stop(const char *name, const char *service,
    const char *depends_on);
struct toy_container *scene_pause(const char *name);
struct toy_container *scene_task(const char *name, const char *service);
struct toy_service *scene_scale(const char *name, unsigned long long replicas);
struct toy_service *scene_empty(const char *name, size_t nodes);

/* scene_begin: init and begin; health is awaited for 20 s, services for 30.
 * scene_begun: that must go well; then the journal is forgotten. */
int scene_begin(struct err *err);
void scene_begun(void);
void scene_forget(void);

void scene_assert_journal(const char *expected);
/* scene_count: lines of the journal that begin so. */
size_t scene_count(const char *line);
bool scene_all_up(void);	/* all targets, now */
const struct quiesce_unit *scene_unit(const char *name);

#endif
