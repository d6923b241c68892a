/* select, window, naming and plan: from options and labels to jobs. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/run/plan.h"
#include "lib/run/select.h"

#define NOON 1700000000

/* An Engine's content, written as a table. */
struct c {
	const char *name;
	const char *state;	/* "running", "paused", "off" */
	const char *labels;	/* "key=value key=value" */
	const char *mounts;	/* "volume:a bind:/srv/x" */
};

struct v {
	const char *name;
	const char *labels;
	const char *device;	/* mounted by the driver; NULL: plain */
};

struct world {
	struct config config;
	struct inventory inventory;
	struct plan plan;
	struct strlist problems;
	struct strlist warnings;
};

static void
put_labels(struct strmap *map, const char *text)
{
	CLEANUP(cleanup_free) char *copy = strdup(text != NULL ? text : "");
	struct err err;
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value = '\0';
		assert_int_equal(strmap_add(map, word, value + 1, &err), 0);
	}
}

static void
put_mounts(struct container *container, const char *text)
{
	CLEANUP(cleanup_free) char *copy = strdup(text);
	char *rest = copy, *word;

	container->mounts = calloc(8, sizeof *container->mounts);
	while ((word = strsep(&rest, " ")) != NULL && *word != '\0') {
		struct mount *m = &container->mounts[container->n_mounts++];
		char *name = strchr(word, ':') + 1;
		bool volume = strncmp(word, "volume", 6) == 0;
		char *path = NULL;

		assert_true(asprintf(&path, volume ? "/v/%s/_data" : "%s",
		    name) > 0);
		m->type = strdup(volume ? "volume" : "bind");
		m->name = strdup(volume ? name : "");
		m->source = path;
		m->destination = strdup("/inside");
		m->driver = strdup(volume ? "local" : "");
	}
}

static void
put_inventory(struct inventory *inventory, const struct c *c,
    const struct v *v)
{
	inventory->engine = (void *)inventory;	/* "there is one" */
	inventory->containers.v = calloc(8, sizeof *inventory->containers.v);
	inventory->volumes.v = calloc(8, sizeof *inventory->volumes.v);
	for (; c != NULL && c->name != NULL; c++) {
		struct container *new =
		    &inventory->containers.v[inventory->containers.n++];

		new->id = strdup(c->name);
		new->name = strdup(c->name);
		new->image = strdup("image");
		new->running = strcmp(c->state, "off") != 0;
		new->paused = strcmp(c->state, "paused") == 0;
		put_labels(&new->labels, c->labels);
		put_mounts(new, c->mounts);
	}
	for (; v != NULL && v->name != NULL; v++) {
		struct volume *new =
		    &inventory->volumes.v[inventory->volumes.n++];
		struct err err;

		new->name = strdup(v->name);
		new->driver = strdup("local");
		assert_true(asprintf(&new->mountpoint, "/v/%s/_data",
		    v->name) > 0);
		put_labels(&new->labels, v->labels);
		if (v->device != NULL)
			assert_int_equal(strmap_add(&new->options, "device",
			    v->device, &err), 0);
	}
}

/* settings: "KEY=VALUE" variables, as in the environment. */
static void
make(struct world *w, const struct c *c, const struct v *v,
    char *const *settings)
{
	struct config_input input = { .environment = settings };
	struct err err = ERR_INIT;

	memset(w, 0, sizeof *w);
	put_inventory(&w->inventory, c, v);
	assert_int_equal(config_load(&input, &w->config, &err), 0);
	assert_int_equal(w->config.problems.n, 0);
	assert_int_equal(plan_make(&w->config, &w->inventory, NOON, &w->plan,
	    &w->problems, &w->warnings, &err), 0);
}

static void
unmake(struct world *w)
{
	plan_free(&w->plan);
	w->inventory.engine = NULL;
	inventory_free(&w->inventory);
	config_free(&w->config);
	strlist_free(&w->problems);
	strlist_free(&w->warnings);
}

/* The plan in one line: "job[a*,b stop c]", * for what is in the window. */
static void
assert_plan(const struct world *w, const char *expected)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	size_t i, k;

	for (i = 0; i < w->plan.n_jobs; i++) {
		const struct job *job = &w->plan.jobs[i];

		str_addf(&s, "%s%s[", i != 0 ? " " : "", job->name);
		for (k = 0; k < job->sources.n; k++)
			str_addf(&s, "%s%s%s", k != 0 ? "," : "",
			    job->sources.v[k].member,
			    job->sources.v[k].quiesced ? "*" : "");
		for (k = 0; k < job->n_stopped; k++)
			str_addf(&s, " stop %s", job->stopped[k]->name);
		str_add(&s, "]");
	}
	assert_string_equal(s.s != NULL ? s.s : "", expected);
	assert_int_equal(w->problems.n, 0);
}

static void
assert_problem(const struct world *w, const char *part)
{
	size_t i;

	for (i = 0; i < w->problems.n; i++)
		if (strstr(w->problems.v[i], part) != NULL)
			return;
	fail_msg("no problem with '%s'", part);
}

#define SETTINGS(...) ((char *[]){ "BACKUP_ARCHIVE=/tmp", \
	__VA_ARGS__ __VA_OPT__(,) NULL })

static const struct v volumes[] = {
	{ "a", NULL, NULL }, { "b", NULL, NULL }, { "c", NULL, NULL },
	{ NULL, NULL, NULL }
};

static void
labels_select_volumes_once_and_in_order(void **state)
{
	static const struct c containers[] = {
		{ "one", "running", "vbackup.enable=true",
		    "volume:b volume:a" },
		{ "two", "off", "vbackup.enable=TRUE", "volume:a" },
		{ "three", "running", "", "volume:c" },
		{ NULL, NULL, NULL, NULL }
	};
	struct world w;

	(void)state;
	make(&w, containers, volumes, SETTINGS());
	assert_plan(&w, "backup[volumes/b,volumes/a]");
	unmake(&w);
}

static void
the_stop_label_puts_what_its_container_uses_into_the_window(void **state)
{
	static const struct c containers[] = {
		{ "app", "running", "vbackup.enable=true", "volume:a" },
		{ "db", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:b" },
		{ "off", "off", "vbackup.enable=true vbackup.stop=true",
		    "volume:c" },
		{ "still", "paused", "vbackup.stop=true", "volume:a" },
		{ NULL, NULL, NULL, NULL }
	};
	struct world w;

	(void)state;
	make(&w, containers, volumes, SETTINGS());
	assert_plan(&w,
	    "backup[volumes/b*,volumes/a,volumes/c stop db]");
	unmake(&w);
}

static void
who_uses_no_source_is_stopped_for_all_of_them(void **state)
{
	static const struct c containers[] = {
		{ "db", "running", "vbackup.enable=true", "volume:a" },
		{ "writer", "running",
		    "docker-volume-backup.stop-during-backup=true", "" },
		{ NULL, NULL, NULL, NULL }
	};
	struct world w;

	(void)state;
	make(&w, containers, volumes, SETTINGS());
	assert_plan(&w, "backup[volumes/a* stop writer]");
	unmake(&w);
}

static void
a_directory_is_used_by_who_mounts_something_in_or_around_it(void **state)
{
	static const struct c containers[] = {
		{ "inside", "running", "vbackup.stop=1", "bind:/usr/share" },
		{ "around", "running", "vbackup.stop=1", "bind:/" },
		{ "beside", "running", "vbackup.stop=1 vbackup.enable=true",
		    "volume:a" },
		{ NULL, NULL, NULL, NULL }
	};
	struct world w;

	(void)state;
	make(&w, containers, volumes, SETTINGS("BACKUP_SOURCES=/usr,/etc",
	    "BACKUP_STOP_DURING_BACKUP_LABEL=1"));
	assert_plan(&w, "backup[volumes/a*,usr*,etc* "
	    "stop inside stop around stop beside]");
	unmake(&w);
}

static void
a_neighbour_with_a_longer_name_does_not_use_a_directory(void **state)
{
	static const struct c containers[] = {
		{ "one", "running", "vbackup.enable=true vbackup.stop=true",
		    "bind:/usr-other volume:a" },
		{ NULL, NULL, NULL, NULL }
	};
	struct world w;

	(void)state;
	make(&w, containers, volumes, SETTINGS("BACKUP_SOURCES=/usr/"));
	assert_plan(&w, "backup[volumes/a*,usr stop one]");
	unmake(&w);
}

static void
split_deals_sources_out_and_stops_only_for_whose_they_are(void **state)
{
	static const struct c containers[] = {
		{ "w1", "running", "vbackup.enable=true vbackup.stop=true "
		    "com.docker.compose.project=web", "volume:a" },
		{ "w2", "running", "vbackup.stop=true "
		    "com.docker.compose.project=web", "" },
		{ "s1", "running", "vbackup.enable=true "
		    "com.docker.compose.project=shop", "volume:b" },
		{ "plain", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:c" },
		{ NULL, NULL, NULL, NULL }
	};
	struct world w;

	(void)state;
	make(&w, containers, volumes, SETTINGS(
	    "VBACKUP_BACKUP_SPLIT=project"));
	assert_plan(&w, "web[volumes/a* stop w1 stop w2] shop[volumes/b] "
	    "backup[volumes/c* stop plain]");
	assert_true(strncmp(w.plan.jobs[0].archive_name, "web-2023", 8) == 0);
	unmake(&w);
	make(&w, containers, volumes, SETTINGS("VBACKUP_BACKUP_SPLIT=volume"));
	assert_plan(&w, "a[volumes/a* stop w1 stop w2] b[volumes/b] "
	    "c[volumes/c* stop plain]");
	unmake(&w);
}

static void
contradicting_labels_and_unknown_volumes_are_problems(void **state)
{
	static const struct c containers[] = {
		{ "one", "running", "vbackup.enable=maybe", "volume:a" },
		{ "two", "running", "vbackup.enable=true vbackup.volumes=b,x",
		    "volume:b" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v labelled[] = {
		{ "a", "vbackup.enable=false", NULL }, { "b", NULL, NULL },
		{ "m", NULL, "/dev/sdx" }, { NULL, NULL, NULL }
	};
	struct world w;

	(void)state;
	make(&w, containers, labelled, SETTINGS(
	    "VBACKUP_BACKUP_VOLUMES=labelled,a,nowhere,m",
	    "BACKUP_SOURCES=relative,/does/not/exist"));
	assert_problem(&w, "container 'one': label vbackup.enable");
	assert_problem(&w, "names 'x'");
	assert_problem(&w, "volume 'a', whose label");
	assert_problem(&w, "no volume 'nowhere'");
	assert_problem(&w, "'m' is mounted by its driver");
	assert_problem(&w, "'relative' is not an absolute path");
	assert_problem(&w, "/does/not/exist");
	unmake(&w);
}

static void
an_empty_selection_and_a_missing_store_are_problems(void **state)
{
	struct world w;

	(void)state;
	make(&w, NULL, NULL, SETTINGS("VBACKUP_BACKUP_VOLUMES=none"));
	assert_problem(&w, "nothing is selected");
	unmake(&w);
	make(&w, NULL, NULL, (char *[]){ "BACKUP_SOURCES=/usr",
	    "BACKUP_ARCHIVE=/does/not/exist", NULL });
	assert_problem(&w, "'/does/not/exist' is not a directory");
	unmake(&w);
}

static void
names_and_compression_follow_from_the_settings(void **state)
{
	static const struct {
		const char *filename;
		const char *compression;	/* or NULL */
		const char *name;
		enum compression kind;
		bool has_time;
	} rows[] = {
		{ "x.tar.zst", NULL, "x.tar.zst", COMPRESSION_ZSTD, false },
		{ "x-%Y.tgz", NULL, "x-2023.tgz", COMPRESSION_GZIP, true },
		{ "x.tar", NULL, "x.tar", COMPRESSION_NONE, false },
		{ "x.bin", NULL, "x.bin", COMPRESSION_GZIP, false },
		{ "x.bin", "zst", "x.bin", COMPRESSION_ZSTD, false },
		{ "x.tar.gz", "none", "x.tar.gz", COMPRESSION_NONE, false },
		{ "{{.Job}}-%%.{{ .Extension }}", "zst", "backup-%.tar.zst",
		    COMPRESSION_ZSTD, false },
		{ "a/b/c.tar", NULL, "c.tar", COMPRESSION_NONE, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CLEANUP(cleanup_free) char *filename = NULL;
		CLEANUP(cleanup_free) char *compression = NULL;
		struct world w;

		assert_true(asprintf(&filename, "BACKUP_FILENAME=%s",
		    rows[i].filename) > 0);
		assert_true(asprintf(&compression, "BACKUP_COMPRESSION=%s",
		    rows[i].compression != NULL ? rows[i].compression :
		    "auto") > 0);
		make(&w, NULL, NULL, SETTINGS("BACKUP_SOURCES=/usr", filename,
		    compression));
		assert_plan(&w, "backup[usr]");
		assert_string_equal(w.plan.jobs[0].archive_name,
		    rows[i].name);
		assert_int_equal(w.plan.jobs[0].compression, rows[i].kind);
		assert_int_equal(w.plan.jobs[0].name_has_time,
		    rows[i].has_time);
		unmake(&w);
	}
}

static void
narrowing_keeps_the_named_jobs_and_refuses_unknown_ones(void **state)
{
	static const struct c containers[] = {
		{ "one", "running", "vbackup.enable=true",
		    "volume:a volume:b" },
		{ NULL, NULL, NULL, NULL }
	};
	char *wanted[] = { "b", "x" };
	struct strlist names = { wanted, 2 };
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	make(&w, containers, volumes, SETTINGS("VBACKUP_BACKUP_SPLIT=volume"));
	assert_int_equal(plan_narrow(&w.plan, &names, &w.problems, &err), 0);
	assert_int_equal(w.plan.n_jobs, 1);
	assert_string_equal(w.plan.jobs[0].name, "b");
	assert_problem(&w, "no job 'x'");
	unmake(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_select_volumes_once_and_in_order),
		cmocka_unit_test(
		    the_stop_label_puts_what_its_container_uses_into_the_window),
		cmocka_unit_test(who_uses_no_source_is_stopped_for_all_of_them),
		cmocka_unit_test(
		    a_directory_is_used_by_who_mounts_something_in_or_around_it),
		cmocka_unit_test(
		    a_neighbour_with_a_longer_name_does_not_use_a_directory),
		cmocka_unit_test(
		    split_deals_sources_out_and_stops_only_for_whose_they_are),
		cmocka_unit_test(
		    contradicting_labels_and_unknown_volumes_are_problems),
		cmocka_unit_test(
		    an_empty_selection_and_a_missing_store_are_problems),
		cmocka_unit_test(
		    names_and_compression_follow_from_the_settings),
		cmocka_unit_test(
		    narrowing_keeps_the_named_jobs_and_refuses_unknown_ones),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
