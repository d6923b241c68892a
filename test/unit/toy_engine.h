/*
 * toy_engine: an Engine that is a table of containers and services, behind
 * the very functions that quiesce calls, with a clock that only these calls
 * and sleeping move.
 *
 *     toy_reset(); toy_container(...) ...; calls of the code under test;
 *     toy.journal tells what was asked, toy_settle and toy_is_up what became
 *
 * Any call can be made to fail, and a signal to come after any. The linker
 * puts these functions in place of the real ones (--wrap, see meson.build).
 */
#ifndef TEST_UNIT_TOY_ENGINE_H
#define TEST_UNIT_TOY_ENGINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/docker/quiesce.h"

#define TOY_MOST 12

struct toy_container {
	struct container container;	/* what the code under test gets: as it
					 * was at the beginning */
	bool running;			/* as it is now */
	bool paused;
	bool gone;
	bool dies, vanishes;	/* as soon as it is started again */
	bool auto_remove;	/* --rm */
	double rests_at_s;	/* a stop that comes to pass late; 0: none */
	bool rests_by_pause;
	enum health health;	/* once it is started, */
	size_t starting;	/* after so many looks at it */
	size_t looks;
};

struct toy_service {
	struct service service;	/* as at the beginning */
	unsigned long long replicas;
	unsigned long long sets[2];	/* what somebody else makes of that, */
	size_t n_sets, n_set;	/* each as soon as it was asked for */
	unsigned long long due;	/* what he wants, and we did not */
	bool restless;		/* so it goes on for ever, one more each time */
	size_t nodes;		/* of a global one */
	bool constrained;
	bool gone;
	bool vanishes;		/* as soon as it is changed back */
	size_t lost;		/* tasks whose containers were stopped */
	size_t missing;		/* tasks that never run again */
	bool forgets;		/* the tasks that are coming down */
	double slow_s;		/* how long a change takes */
	double changes_at_s;	/* 0: it does not */
	size_t active, running, wanted, ended;	/* as the Swarm sees it */
};

enum toy_effect {	/* of a call that fails */
	TOY_NONE,	/* it does nothing */
	TOY_DONE,	/* it does what it was asked for */
	TOY_LATE	/* it does so 3 s later */
};

struct toy {
	struct toy_container containers[TOY_MOST];
	size_t n_containers;
	struct toy_service services[TOY_MOST];
	size_t n_services;
	bool manager;
	double now_s;
	struct str journal;	/* "stop db\n", "note start db\n", ... */
	size_t calls;
	size_t fail_first;	/* calls that fail, from 1; 0: none */
	size_t fail_last;
	enum err_kind fail_kind;
	enum toy_effect fail_effect;
	size_t failed;		/* of them that came */
	const char *fail_text;	/* calls that begin so fail, each time; NULL */
	size_t signal_after;	/* the number of that call; 0: never */
	bool signalled;
	struct str warnings;
};

extern struct toy toy;

void toy_reset(void);
void toy_free(void);

/* Running, without a health check; labels may be added. */
struct toy_container *toy_container(const char *name);
void toy_label(struct strmap *labels, const char *key, const char *value);
/* Replicated if replicas is not 0, else global on nodes. */
struct toy_service *toy_service(const char *name, unsigned long long replicas,
    size_t nodes);

/* toy_settle: a long time passes. */
void toy_settle(void);
bool toy_is_up(const struct quiesce_target *target);

/* For struct quiesce_settings. */
int toy_note(void *cookie, const struct undo *undo, struct err *err);
void toy_warn(void *cookie, const char *message);

#endif
