#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "lib/docker/quiesce.h"
#include "lib/docker/quiesce_order.h"
#include "test/unit/toy_engine.h"

#define MOST 8

static struct quiesce_target targets[TOY_MOST];
static size_t n_targets;

static void
begin(void)
{
	toy_reset();
	n_targets = 0;
}

static struct quiesce_target *
add(const char *name, const char *project, const char *service,
    const char *depends_on)
{
	struct container *container = &toy_container(name)->container;

	toy_label(&container->labels, "com.docker.compose.project", project);
	toy_label(&container->labels, "com.docker.compose.service", service);
	toy_label(&container->labels, "com.docker.compose.depends_on",
	    depends_on);
	targets[n_targets] = (struct quiesce_target){
		.action = QUIESCE_STOP, .container = container
	};
	return &targets[n_targets++];
}

static struct quiesce_target *
add_service(const char *name, unsigned long long replicas)
{
	targets[n_targets] = (struct quiesce_target){
		.action = replicas != 0 ? QUIESCE_SCALE : QUIESCE_CONSTRAIN,
		.service = &toy_service(name, replicas, 2)->service
	};
	return &targets[n_targets++];
}

static void
assert_order(const char *expected)
{
	CLEANUP(str_free) struct str order = STR_INIT;
	struct quiesce_settings settings = { .note = toy_note };
	struct quiesce quiesce;
	struct err err = ERR_INIT;
	size_t i;

	assert_int_equal(quiesce_init(NULL, &settings, targets, n_targets,
	    &quiesce, &err), 0);
	str_add(&order, "");
	for (i = 0; i < quiesce.n; i++) {
		const struct quiesce_target *target = &quiesce.units[i].target;

		str_addf(&order, "%s%s", i != 0 ? " " : "",
		    target->container != NULL ? target->container->name :
		    target->service->name);
		assert_false(quiesce.units[i].touched);
	}
	assert_string_equal(order.s, expected);
	assert_string_equal(toy.journal.s, "");
	quiesce_free(&quiesce);
	toy_free();
}

static void
dependents_stop_before_what_they_depend_on(void **state)
{
	static const struct {
		struct {
			const char *name, *project, *service, *depends_on;
			long order;
		} containers[MOST];
		const char *order;
	} rows[] = {
		{ { { NULL } }, "" },
		{ { { "c" }, { "a" }, { "b" } }, "a b c" },
		{ { { "a-db", "p", "db", NULL },
		    { "z-web", "p", "web", "db:service_healthy:false" } },
		  "z-web a-db" },
		{ { { "a", "p", "db", "" }, { "b", "p", "cache", "db" },
		    { "c", "p", "web", "db,cache" } }, "c b a" },
		{ { { "a", "p", "db", NULL }, { "b", "p", "cache", NULL },
		    { "c", "p", "web", "db:service_healthy:false,"
		    "cache:service_started:true" } }, "c a b" },
		/* another project, no project, an unknown service, itself */
		{ { { "a", "p", "db", NULL }, { "b", "q", "web", "db" } },
		  "a b" },
		{ { { "a", NULL, "db", NULL }, { "b", NULL, "web", "db" } },
		  "a b" },
		{ { { "a", "p", "db", "no,db,, :x" } }, "a" },
		{ { { "a", "p", "db", NULL }, { "b", "p", "web", "d,dbx" } },
		  "a b" },
		{ { { "a", "p", "", NULL }, { "b", "p", "web", ":x,," } },
		  "a b" },
		/* a scaled service, on both sides */
		{ { { "db-1", "p", "db", NULL }, { "db-2", "p", "db", NULL },
		    { "web-1", "p", "web", "db" },
		    { "web-2", "p", "web", "db" } }, "web-1 web-2 db-1 db-2" },
		/* cycles: alone; with one above and one below it */
		{ { { "b", "p", "b", "a" }, { "a", "p", "a", "b" } }, "a b" },
		{ { { "c", "p", "c", "a" }, { "b", "p", "b", "c" },
		    { "a", "p", "a", "b" } }, "a b c" },
		{ { { "a-base", "p", "base", NULL },
		    { "b", "p", "b", "c,base" }, { "c", "p", "c", "b" },
		    { "z-top", "p", "top", "c" } }, "z-top b c a-base" },
		/* order, where there is a choice: before names, not before
		 * dependencies, and within a cycle */
		{ { { "a", .order = 2 }, { "b", .order = -1 }, { "c" },
		    { "d" } }, "b c d a" },
		{ { { "a", "p", "db", NULL, -5 },
		    { "b", "p", "web", "db", 5 } }, "b a" },
		{ { { "a", "p", "db", NULL, -5 }, { "b", "p", "web", "db", 5 },
		    { "c", .order = 1 }, { "d", .order = 9 } }, "c b a d" },
		{ { { "a", "p", "a", "b", 1 }, { "b", "p", "b", "a", 0 } },
		  "b a" },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin();
		for (j = 0; j < MOST && rows[i].containers[j].name != NULL; j++)
			add(rows[i].containers[j].name,
			    rows[i].containers[j].project,
			    rows[i].containers[j].service,
			    rows[i].containers[j].depends_on)->order =
			    rows[i].containers[j].order;
		assert_order(rows[i].order);
	}
}

static void
what_is_at_rest_already_is_not_taken(void **state)
{
	struct container *container;
	struct quiesce_target *scaled;

	(void)state;
	begin();
	((struct container *)add("off", NULL, NULL, NULL)->container)->running
	    = false;
	container = (struct container *)add("frozen", NULL, NULL,
	    NULL)->container;
	container->paused = true;
	container = (struct container *)add("frozen2", NULL, NULL,
	    NULL)->container;
	container->paused = true;
	targets[n_targets - 1].action = QUIESCE_PAUSE;
	scaled = add_service("none", 1);
	((struct service *)scaled->service)->replicas = 0;
	add("on", NULL, NULL, NULL);
	add_service("everywhere", 0);
	assert_order("on everywhere");
}

static void
each_is_taken_once(void **state)
{
	(void)state;
	begin();
	add("b", NULL, NULL, NULL);
	add("a", NULL, NULL, NULL);
	add_service("s", 2);
	targets[n_targets++] = targets[0];
	targets[n_targets] = targets[0];
	targets[n_targets++].order = 5;
	targets[n_targets++] = targets[2];
	assert_order("a b s");
}

static void
services_come_after_containers(void **state)
{
	(void)state;
	begin();
	add_service("c", 1)->order = -9;
	add_service("a", 1);
	add_service("b", 0);
	add("z", NULL, NULL, NULL)->order = 9;
	/* Whose task it is may be known: it is a container all the same. */
	add("y", NULL, NULL, NULL)->service = targets[0].service;
	assert_order("y z c a b");
}

static void
only_service_healthy_waits_for_health(void **state)
{
	static const struct {
		const char *depends_on;
		bool healthy;
	} rows[] = {
		{ "db:service_healthy:false", true },
		{ "db:service_healthy", true },
		{ "cache:service_started:true,db:service_healthy:true", true },
		{ "cache:service_healthy:true,db:service_started:true",
		  false },
		{ "db:service_started:false", false },
		{ "db", false },
		{ "db,x:service_healthy:false", false },
		{ "db:", false },
		{ "db:service_healthy_:x", false },
		{ "dbx:service_healthy:x", false },
		{ "service_healthy:db", false },
		{ "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin();
		add("a", "p", "db", NULL);
		add("b", "p", "web", rows[i].depends_on);
		add("c", "q", "db", NULL);
		if (quiesce_order_healthy(targets[1].container,
		    targets[0].container) != rows[i].healthy)
			fail_msg("%s", rows[i].depends_on);
		assert_false(quiesce_order_healthy(targets[1].container,
		    targets[2].container));
		assert_false(quiesce_order_healthy(targets[0].container,
		    targets[1].container));
	}
	toy_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dependents_stop_before_what_they_depend_on),
		cmocka_unit_test(what_is_at_rest_already_is_not_taken),
		cmocka_unit_test(each_is_taken_once),
		cmocka_unit_test(services_come_after_containers),
		cmocka_unit_test(only_service_healthy_waits_for_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
