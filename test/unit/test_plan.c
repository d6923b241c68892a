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

struct s {
	const char *name;
	enum service_mode mode;
	bool restarts_any;
	const char *labels;
	const char *mounts;
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

static size_t
put_mounts(struct mount **ret, const char *text)
{
	CLEANUP(cleanup_free) char *copy = strdup(text);
	char *rest = copy, *word;

	size_t n = 0;

	*ret = calloc(8, sizeof **ret);
	while ((word = strsep(&rest, " ")) != NULL && *word != '\0') {
		struct mount *m = &(*ret)[n++];
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
	return n;
}

/* --- the Engine, as far as a plan asks it -------------------------------- */

static struct world *asked;	/* the world that is being planned */
static bool no_image;

int __wrap_engine_state(struct engine *engine, const char *id,
    struct container_state *ret, struct err *err);
int __wrap_engine_any_image(struct engine *engine, char **ret,
    struct err *err);

/* "--rm" is a label here. */
int
__wrap_engine_state(struct engine *engine, const char *id,
    struct container_state *ret, struct err *err)
{
	size_t i;

	(void)engine;
	for (i = 0; i < asked->inventory.containers.n; i++) {
		const struct container *c = &asked->inventory.containers.v[i];

		if (strcmp(c->id, id) != 0)
			continue;
		*ret = (struct container_state){ .running = true,
			.auto_remove = strmap_get(&c->labels, "--rm") != NULL };
		return 0;
	}
	return err_set(err, ERR_NOTFOUND, "no such container");
}

int
__wrap_engine_any_image(struct engine *engine, char **ret, struct err *err)
{
	(void)engine;
	if (no_image)
		return err_set(err, ERR_NOTFOUND, "no image");
	return str_dup("image", ret, err);
}

static void
put_services(struct inventory *inventory, const struct s *s)
{
	inventory->services.v = calloc(8, sizeof *inventory->services.v);
	for (; s != NULL && s->name != NULL; s++) {
		struct service *new =
		    &inventory->services.v[inventory->services.n++];

		new->id = strdup(s->name);
		new->name = strdup(s->name);
		new->mode = s->mode;
		new->replicas = 2;
		new->restarts_any = s->restarts_any;
		put_labels(&new->labels, s->labels);
		new->n_mounts = put_mounts(&new->mounts, s->mounts);
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
		new->n_mounts = put_mounts(&new->mounts, c->mounts);
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
make_swarm(struct world *w, const struct c *c, const struct v *v,
    const struct s *s, char *const *settings)
{
	struct config_input input = { .environment = settings };
	struct err err = ERR_INIT;

	memset(w, 0, sizeof *w);
	asked = w;
	put_inventory(&w->inventory, c, v);
	put_services(&w->inventory, s);
	assert_int_equal(config_load(&input, &w->config, &err), 0);
	assert_int_equal(w->config.problems.n, 0);
	assert_int_equal(plan_make(&w->config, &w->inventory, NOON, &w->plan,
	    &w->problems, &w->warnings, &err), 0);
}

static void
make(struct world *w, const struct c *c, const struct v *v,
    char *const *settings)
{
	make_swarm(w, c, v, NULL, settings);
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

static void
add_target(struct str *s, const struct quiesce_target *target)
{
	static const char *const words[] = { [QUIESCE_STOP] = "stop",
		[QUIESCE_PAUSE] = "pause", [QUIESCE_SCALE] = "scale",
		[QUIESCE_CONSTRAIN] = "empty" };

	str_addf(s, " %s%s %s", words[target->action],
	    target->no_restart ? "!" : "", target->container != NULL ?
	    target->container->name : target->service->name);
}

/* The plan in one line: "job[a*,b stop c / pause d]": * for what is read in a
 * window, / between windows, ! for what is not brought back. */
static void
assert_plan(const struct world *w, const char *expected)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	size_t i, k, m;

	for (i = 0; i < w->plan.n_jobs; i++) {
		const struct job *job = &w->plan.jobs[i];

		str_addf(&s, "%s%s[", i != 0 ? " " : "", job->name);
		for (k = 0; k < job->sources.n; k++)
			str_addf(&s, "%s%s%s", k != 0 ? "," : "",
			    job->sources.v[k].member,
			    job->sources.v[k].quiesced ? "*" : "");
		for (k = 0; k < job->n_windows; k++) {
			const struct job_window *window = &job->windows[k];

			str_addf(&s, "%s", k != 0 ? " /" : "");
			for (m = 0; m < window->n_targets; m++)
				add_target(&s, &window->targets[m]);
		}
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
	    "VBACKUP_BACKUP_VOLUMES=labelled,a,nowhere",
	    "BACKUP_SOURCES=relative,/does/not/exist"));
	assert_problem(&w, "container 'one': label vbackup.enable");
	assert_problem(&w, "names 'x'");
	assert_problem(&w, "volume 'a', whose label");
	assert_problem(&w, "no volume 'nowhere'");
	assert_problem(&w, "'relative' is not an absolute path");
	assert_problem(&w, "/does/not/exist");
	unmake(&w);
}

static void
modes_and_order_come_from_labels_and_settings(void **state)
{
	static const struct c containers[] = {
		{ "a", "running", "vbackup.enable=true vbackup.stop=x,true "
		    "vbackup.quiesce=pause", "volume:a" },
		{ "b", "running", "vbackup.enable=true vbackup.stop=true "
		    "vbackup.quiesce=none", "volume:b" },
		{ "c", "running", "vbackup.enable=true "
		    "docker-volume-backup.stop-during-backup-no-restart=true",
		    "volume:c" },
		{ "d", "running", "vbackup.enable=true vbackup.stop=true "
		    "com.docker.compose.project=other", "volume:c" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v ours[] = { { "a", NULL, NULL },
		{ "b", NULL, NULL }, { "c", NULL, NULL },
		{ NULL, NULL, NULL } };
	struct world w;

	(void)state;
	make(&w, containers, ours, SETTINGS());
	assert_plan(&w, "backup[volumes/a*,volumes/c*,volumes/b pause a "
	    "stop! c stop d]");
	unmake(&w);
	make(&w, containers, ours, SETTINGS("VBACKUP_QUIESCE_MODE=none"));
	assert_plan(&w, "backup[volumes/a*,volumes/b,volumes/c pause a]");
	unmake(&w);
	make(&w, containers, ours, SETTINGS("VBACKUP_QUIESCE_MODE=pause",
	    "VBACKUP_QUIESCE_PROJECT=other"));
	assert_plan(&w, "backup[volumes/c*,volumes/a,volumes/b pause d]");
	unmake(&w);
}

static void
each_group_that_shares_sources_has_a_window_of_its_own(void **state)
{
	static const struct c containers[] = {
		{ "a1", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:a" },
		{ "b", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:b" },
		{ "c", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:a volume:c" },
		{ "d", "running", "vbackup.enable=true", "volume:d" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v ours[] = { { "a", NULL, NULL },
		{ "b", NULL, NULL }, { "c", NULL, NULL }, { "d", NULL, NULL },
		{ NULL, NULL, NULL } };
	struct world w;

	(void)state;
	make(&w, containers, ours, SETTINGS(
	    "VBACKUP_QUIESCE_WINDOWS=each"));
	assert_plan(&w, "backup[volumes/a*,volumes/c*,volumes/b*,volumes/d "
	    "stop a1 stop c / stop b]");
	assert_int_equal(w.plan.jobs[0].windows[0].n_sources, 2);
	assert_int_equal(w.plan.jobs[0].windows[1].n_sources, 1);
	unmake(&w);
}

/* One that uses nothing of the job rests for the sake of all of it. */
static void
a_stranger_puts_all_into_one_window(void **state)
{
	static const struct c containers[] = {
		{ "a", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:a" },
		{ "b", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:b" },
		{ "z", "running", "vbackup.stop=true", "" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v ours[] = { { "a", NULL, NULL },
		{ "b", NULL, NULL }, { NULL, NULL, NULL } };
	struct world w;

	(void)state;
	make(&w, containers, ours, SETTINGS(
	    "VBACKUP_QUIESCE_WINDOWS=each"));
	assert_plan(&w, "backup[volumes/a*,volumes/b* stop a stop b stop z]");
	unmake(&w);
}

static void
services_rest_by_their_own_labels(void **state)
{
	static const struct c containers[] = {
		{ "web.1", "running", "vbackup.enable=true "
		    "com.docker.swarm.service.id=web", "volume:a" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v ours[] = { { "a", NULL, NULL },
		{ NULL, NULL, NULL } };
	static const struct s services[] = {
		{ "web", SERVICE_REPLICATED, true, "vbackup.stop=true",
		    "volume:a" },
		{ "agent", SERVICE_GLOBAL, true, "vbackup.stop=true "
		    "vbackup.quiesce=constraint", "volume:a" },
		{ "quiet", SERVICE_REPLICATED, true, "vbackup.stop=other",
		    "volume:a" },
		{ NULL, SERVICE_JOB, false, NULL, NULL }
	};
	struct world w;

	(void)state;
	make_swarm(&w, containers, ours, services, SETTINGS(
	    "VBACKUP_QUIESCE_MODE=pause"));
	assert_plan(&w, "backup[volumes/a* scale web empty agent]");
	/* Its only container is a task, and will be gone. */
	assert_true(w.plan.jobs[0].sources.v[0].through_engine);
	assert_null(w.plan.jobs[0].sources.v[0].through);
	assert_string_equal(w.plan.jobs[0].helper_image, "image");
	unmake(&w);
}

static void
what_cannot_be_brought_to_rest_is_a_problem(void **state)
{
	static const struct c containers[] = {
		{ "both", "running", "vbackup.enable=true vbackup.stop=true "
		    "vbackup.stop-during-backup-no-restart=true", "volume:a" },
		{ "gone", "running", "vbackup.stop=true --rm=1", "volume:a" },
		{ "frozen", "running", "vbackup.stop=true --rm=1 "
		    "vbackup.quiesce=pause", "volume:a" },
		{ "odd", "running", "vbackup.stop=true "
		    "vbackup.quiesce=sleep", "volume:a" },
		{ "web.1", "running", "vbackup.stop=true "
		    "com.docker.swarm.service.id=web", "volume:a" },
		{ "any.1", "running", "vbackup.stop=true "
		    "com.docker.swarm.service.id=any", "volume:a" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v ours[] = { { "a", NULL, NULL },
		{ NULL, NULL, NULL } };
	static const struct s services[] = {
		{ "web", SERVICE_REPLICATED, false, "vbackup.stop=other",
		    "volume:a" },
		{ "any", SERVICE_REPLICATED, true, NULL, "volume:a" },
		{ "agent", SERVICE_GLOBAL, true, "vbackup.stop=true",
		    "volume:a" },
		{ "once", SERVICE_JOB, false, "vbackup.stop=true",
		    "volume:a" },
		{ NULL, SERVICE_JOB, false, NULL, NULL }
	};
	struct world w;

	(void)state;
	make_swarm(&w, containers, ours, services, SETTINGS());
	assert_problem(&w, "'both' is labelled both");
	assert_problem(&w, "'gone' was started with --rm");
	assert_problem(&w, "'odd': ");
	assert_problem(&w, "'web.1' and its service 'web' are both");
	assert_problem(&w, "'any.1' is a task of service 'any'");
	assert_problem(&w, "'agent' cannot be brought to rest: a global");
	assert_problem(&w, "'once' cannot be brought to rest: it is a job");
	assert_int_equal(w.problems.n, 7);
	unmake(&w);
}

static void
our_own_container_is_left_alone(void **state)
{
	static const struct c containers[] = {
		{ "own", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:a" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v ours[] = { { "a", NULL, NULL },
		{ NULL, NULL, NULL } };
	struct world w;
	struct err err = ERR_INIT;

	(void)state;
	make(&w, containers, ours, SETTINGS());
	w.inventory.own = w.inventory.containers.v[0].id;
	plan_free(&w.plan);
	assert_int_equal(plan_make(&w.config, &w.inventory, NOON, &w.plan,
	    &w.problems, &w.warnings, &err), 0);
	assert_plan(&w, "backup[volumes/a]");
	assert_non_null(strstr(w.warnings.v[0], "'own' is the one"));
	unmake(&w);
}

static void
a_tmpfs_that_would_be_gone_is_a_problem(void **state)
{
	static const struct c containers[] = {
		{ "one", "running", "vbackup.enable=true vbackup.stop=true",
		    "volume:t" },
		{ NULL, NULL, NULL, NULL }
	};
	static const struct v ours[] = { { "t", NULL, "tmpfs" },
		{ NULL, NULL, NULL } };
	struct world w;
	struct err err = ERR_INIT;

	(void)state;
	make(&w, containers, ours, SETTINGS());
	assert_int_equal(strmap_add(&w.inventory.volumes.v[0].options, "type",
	    "tmpfs", &err), 0);
	plan_free(&w.plan);
	assert_int_equal(plan_make(&w.config, &w.inventory, NOON, &w.plan,
	    &w.problems, &w.warnings, &err), 0);
	assert_problem(&w, "volume 't' is a tmpfs");
	unmake(&w);
	make(&w, containers, ours, SETTINGS("VBACKUP_QUIESCE_MODE=pause"));
	assert_plan(&w, "backup[volumes/t* pause one]");
	unmake(&w);
}

static void
without_container_and_image_a_volume_cannot_be_reached(void **state)
{
	static const struct v ours[] = {
		{ "a", "vbackup.enable=true", "/dev/sdx" },
		{ NULL, NULL, NULL } };
	struct world w;

	(void)state;
	no_image = true;
	make(&w, NULL, ours, SETTINGS());
	assert_problem(&w, "no image to make one from");
	no_image = false;
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
		cmocka_unit_test(modes_and_order_come_from_labels_and_settings),
		cmocka_unit_test(
		    each_group_that_shares_sources_has_a_window_of_its_own),
		cmocka_unit_test(a_stranger_puts_all_into_one_window),
		cmocka_unit_test(services_rest_by_their_own_labels),
		cmocka_unit_test(what_cannot_be_brought_to_rest_is_a_problem),
		cmocka_unit_test(our_own_container_is_left_alone),
		cmocka_unit_test(a_tmpfs_that_would_be_gone_is_a_problem),
		cmocka_unit_test(
		    without_container_and_image_a_volume_cannot_be_reached),
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
