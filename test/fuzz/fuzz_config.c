/*
 * Any bytes as vbackup.conf, and as a docker-volume-backup file: nothing may
 * crash, hang or leak; a configuration without problems must survive a dump.
 *
 * Link everything of lib/config, and of lib/base all but spawn.c: no command
 * that an input makes up is ever run.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/spawn.h"
#include "lib/config/config.h"
#include "lib/config/envfile.h"

static char home[] = "HOME=/root";
static char *const environment[] = { home, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
spawn_capture(const char *command, double timeout_s, size_t max, char **ret,
    struct err *err)
{
	(void)timeout_s;
	(void)max;
	return str_dup(command, ret, err);
}

/* An input may name files; those of this test's own process could block. */
static bool
names_a_device(const uint8_t *data, size_t size)
{
	return memmem(data, size, "/dev", 4) != NULL ||
	    memmem(data, size, "/proc", 5) != NULL;
}

static void
load(const void *bytes, size_t n, struct config *ret)
{
	struct config_input input = { .environment = environment };
	CLEANUP(cleanup_close) int fd = memfd_create("config", MFD_CLOEXEC);
	struct err err = ERR_INIT;
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	input.file = path;
	if (fd < 0 || file_write_fd(fd, path, bytes, n, &err) < 0 ||
	    config_load(&input, ret, &err) < 0)
		abort();
}

static void
check_same_values(const struct options *a, const struct options *b)
{
	struct err err = ERR_INIT;
	int id;

	for (id = 0; id < OPTION_COUNT; id++) {
		CLEANUP(cleanup_free) char *one = NULL, *two = NULL;

		if (options_text(a, (enum option_id)id, true, &one, &err) < 0 ||
		    options_text(b, (enum option_id)id, true, &two, &err) < 0 ||
		    (one == NULL) != (two == NULL) ||
		    (one != NULL && strcmp(one, two) != 0))
			abort();
	}
}

static void
check_same(const struct config *a, const struct config *b)
{
	size_t i;

	if (a->n_jobs != b->n_jobs || a->n_stores != b->n_stores ||
	    b->problems.n != 0)
		abort();
	check_same_values(&a->base, &b->base);
	for (i = 0; i < a->n_jobs; i++) {
		if (strcmp(a->jobs[i].name, b->jobs[i].name) != 0)
			abort();
		check_same_values(&a->jobs[i].options, &b->jobs[i].options);
	}
	for (i = 0; i < a->n_stores; i++) {
		if (strcmp(a->stores[i].kind, b->stores[i].kind) != 0 ||
		    strcmp(a->stores[i].name, b->stores[i].name) != 0)
			abort();
		check_same_values(&a->stores[i].options,
		    &b->stores[i].options);
	}
}

static void
dump_and_load(const struct config *config)
{
	CLEANUP(cleanup_free) char *dump = NULL, *dump_again = NULL;
	struct err err = ERR_INIT;
	struct config again;

	if (config_dump(config, true, &dump, &err) < 0)
		abort();
	load(dump, strlen(dump), &again);
	check_same(config, &again);
	if (config_dump(&again, false, &dump_again, &err) < 0)
		abort();
	config_free(&again);
}

static void
parse_env(const uint8_t *data, size_t size)
{
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(envfile_free) struct envfile file = ENVFILE_INIT;
	CLEANUP(cleanup_free) char *copy = malloc(size + 1);
	struct err err = ERR_INIT;

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	copy[size] = '\0';
	if (envfile_parse(copy, size, "x", environment, &file, &problems,
	    &err) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;

	parse_env(data, size);
	if (names_a_device(data, size))
		return 0;
	load(data, size, &config);
	if (config.problems.n == 0)
		dump_and_load(&config);
	config_free(&config);
	log_close();	/* forgets the secrets that it was told */
	return 0;
}
