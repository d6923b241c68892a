/*
 * putback: who rests, what is exchanged, and that it is all or nothing,
 * whatever fails and whenever it is killed.
 */
#define _GNU_SOURCE
#include "lib/run/putback.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/docker/engine_volume.h"
#include "lib/run/ledger.h"
#include "test/unit/kill_at.h"
#include "test/unit/scratch.h"
#include "test/unit/toy_engine.h"

#define MOST 6

/* --- the world ----------------------------------------------------------- */

static struct world {
	struct scratch scratch;
	struct lock lock;
	struct options options;
	struct volume volumes[MOST];
	size_t n_volumes;
	struct mount mounts[TOY_MOST];	/* one for each container */
	struct service services[TOY_MOST];
	struct inventory inventory;
	struct putback_want wants[MOST];
	size_t n_wants;
	struct putback_settings settings;
	struct str told;
	struct strlist problems;
	size_t n_texts;
	size_t renames;
	size_t fail_rename;	/* its number; 0: none */
	const char *appears;	/* a volume that somebody else makes */
} world;

static char texts[64][512];	/* live as long as the world */

int __wrap_inventory_take(const struct options *options,
    struct inventory *ret, struct err *err);
void __wrap_inventory_free(struct inventory *inventory);
int __wrap_engine_volumes(struct engine *engine, struct volume_list *ret,
    struct err *err);
int __wrap_engine_volume_create(struct engine *engine,
    const struct engine_volume_wanted *wanted, struct volume *ret,
    struct err *err);
int __wrap_engine_volume_remove(struct engine *engine, const char *name,
    struct err *err);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to,
    unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to,
    unsigned flags);

static char *
path(const char *name)
{
	char *text = texts[world.n_texts++];

	assert_true(world.n_texts < sizeof texts / sizeof *texts);
	(void)snprintf(text, sizeof *texts, "%s/%s", world.scratch.dir, name);
	return text;
}

static char *
word(const char *text)
{
	char *copy = texts[world.n_texts++];

	(void)snprintf(copy, sizeof *texts, "%s", text);
	return copy;
}

static void
make_dirs(const char *name)
{
	struct err err = ERR_INIT;

	assert_int_equal(file_make_dirs(path(name), 0755, &err), 0);
}

static void
write_in(const char *dir, const char *name, const char *text)
{
	char whole[256];

	(void)snprintf(whole, sizeof whole, "%s/%s", dir, name);
	scratch_write(&world.scratch, whole, text, strlen(text));
}

static void
make_volume_dir(const char *name)
{
	char dir[128];

	(void)snprintf(dir, sizeof dir, "volumes/%s/_data", name);
	make_dirs(dir);
}

/* The inventory as it is now: of the toy's containers, as at the beginning. */
static struct inventory
inventory_now(void)
{
	static struct container containers[TOY_MOST];
	struct inventory inventory = { .engine = (struct engine *)1,
		.volumes = { world.volumes, world.n_volumes },
		.containers = { containers, toy.n_containers },
		.services = { world.services, toy.n_services },
		.own = world.inventory.own };
	size_t i;

	for (i = 0; i < toy.n_containers; i++)
		containers[i] = toy.containers[i].container;
	for (i = 0; i < toy.n_services; i++)
		world.services[i] = toy.services[i].service;
	return inventory;
}

int
__wrap_inventory_take(const struct options *options, struct inventory *ret,
    struct err *err)
{
	(void)options;
	(void)err;
	*ret = inventory_now();
	return 0;
}

void
__wrap_inventory_free(struct inventory *inventory)
{
	*inventory = (struct inventory)INVENTORY_INIT;
}

int
__wrap_engine_volumes(struct engine *engine, struct volume_list *ret,
    struct err *err)
{
	(void)engine;
	*ret = (struct volume_list)VOLUME_LIST_INIT;
	if (world.appears == NULL)
		return 0;
	ret->v = calloc(1, sizeof *ret->v);
	assert_non_null(ret->v);
	ret->n = 1;
	return str_dup(world.appears, &ret->v[0].name, err);
}

int
__wrap_engine_volume_create(struct engine *engine,
    const struct engine_volume_wanted *wanted, struct volume *ret,
    struct err *err)
{
	char dir[128];

	(void)engine;
	str_addf(&toy.journal, "create %s %s %s\n", wanted->name,
	    wanted->driver, strmap_get(wanted->labels, "a"));
	make_volume_dir(wanted->name);
	(void)snprintf(dir, sizeof dir, "volumes/%s/_data", wanted->name);
	*ret = (struct volume){ .name = NULL };
	return str_dup(wanted->name, &ret->name, err) < 0 ||
	    str_dup("local", &ret->driver, err) < 0 ||
	    str_dup(path(dir), &ret->mountpoint, err) < 0 ? -1 : 0;
}

int
__wrap_engine_volume_remove(struct engine *engine, const char *name,
    struct err *err)
{
	(void)engine;
	(void)err;
	str_addf(&toy.journal, "remove %s\n", name);
	return 0;
}

int
__wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to,
    unsigned flags)
{
	if (++world.renames == world.fail_rename) {
		errno = EIO;
		return -1;
	}
	return __real_renameat2(from_fd, from, to_fd, to, flags);
}

static void
tell(void *cookie, const char *message)
{
	(void)cookie;
	str_addf(&world.told, "%s\n", message);
}

static void
world_begin(void)
{
	struct err err = ERR_INIT;

	toy_reset();
	world = (struct world){ .lock = LOCK_NONE, .told = STR_INIT,
		.options = { .resume_retry_ns = 5000000000,
		.service_timeout_ns = 5000000000 } };
	str_add(&world.told, "");
	scratch_new(&world.scratch);
	assert_int_equal(lock_take(&world.lock, path("lock"), 1, &err), 0);
	world.inventory = inventory_now();
	world.settings = (struct putback_settings){
		.options = &world.options, .inventory = &world.inventory,
		.lock = &world.lock, .tell = tell };
}

static void
world_end(void)
{
	lock_release(&world.lock);
	scratch_free(&world.scratch);
	strlist_free(&world.problems);
	str_free(&world.told);
	toy_free();
}

/* A volume with a file `x` that says "old". */
static void
volume(const char *name)
{
	char dir[128];

	make_volume_dir(name);
	(void)snprintf(dir, sizeof dir, "volumes/%s/_data", name);
	write_in(dir, "x", "old");
	world.volumes[world.n_volumes++] = (struct volume){
		.name = word(name), .driver = word("local"),
		.mountpoint = path(dir) };
}

static struct putback_want *
want(const char *name, const char *dir, const char *member)
{
	struct putback_want *made = &world.wants[world.n_wants++];

	made->volume = name;
	made->path = dir != NULL ? path(dir) : NULL;
	made->member = member;
	return made;
}

/* A container that runs, with that volume, or a bind of that directory. */
static struct toy_container *
container(const char *name, const char *volume_name, const char *source)
{
	struct mount *mount = &world.mounts[toy.n_containers];
	struct toy_container *made = toy_container(name);

	mount->name = word(volume_name);
	mount->source = word(source);
	mount->destination = word("/data");
	made->container.mounts = mount;
	made->container.n_mounts = 1;
	return made;
}

static struct putback *
look(void)
{
	struct putback *putback = NULL;
	struct err err = ERR_INIT;

	world.inventory = inventory_now();
	if (putback_new(&world.settings, world.wants, world.n_wants, &putback,
	    &world.problems, &err) < 0)
		fail_msg("%s", err.msg);
	return putback;
}

static struct putback *
look_well(void)
{
	struct putback *putback = look();

	if (world.problems.n != 0)
		fail_msg("%s", world.problems.v[0]);
	return putback;
}

static void
assert_problem(const char *needle)
{
	struct putback *putback = look();

	if (world.problems.n != 1 ||
	    strstr(world.problems.v[0], needle) == NULL)
		fail_msg("%zu problems, '%s', not '%s'", world.problems.n,
		    world.problems.n != 0 ? world.problems.v[0] : "", needle);
	putback_free(putback);
	world_end();
}

/* As extract_stage would: the archive has for each want a directory and a file
 * `x` that says "new". */
static void
extract(struct putback *putback)
{
	size_t i;

	for (i = 0; i < world.n_wants; i++) {
		struct extract_place place;
		struct err err = ERR_INIT;
		char name[256];
		int fd;

		(void)snprintf(name, sizeof name, "%s/x",
		    world.wants[i].member);
		assert_int_equal(putback_place(putback, name, &place, &err),
		    0);
		assert_true(place.dir >= 0);
		assert_string_equal(place.path, "x");
		fd = openat(place.dir, place.path, O_WRONLY | O_CREAT |
		    O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, "new", 3), 3);
		(void)close(fd);
	}
}

static struct putback *
prepared(void)
{
	struct putback *putback = look_well();
	struct err err = ERR_INIT;

	if (putback_prepare(putback, &err) < 0)
		fail_msg("%s", err.msg);
	extract(putback);
	return putback;
}

static void
commit_well(struct putback *putback)
{
	struct err err = ERR_INIT;
	struct putback_result result;

	if (putback_commit(putback, &result, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(result.problems, 0);
}

static bool
says(const char *name, const char *text)
{
	return strcmp(scratch_read(&world.scratch, name), text) == 0;
}

static size_t
count_in(const char *dir)
{
	DIR *list = opendir(scratch_path(&world.scratch, dir));
	size_t n = 0;

	assert_non_null(list);
	while (readdir(list) != NULL)
		n++;
	(void)closedir(list);
	return n - 2;
}

/* Where a line begins in the journal. */
static size_t
at(const char *line)
{
	const char *found = strstr(toy.journal.s, line);

	if (found == NULL)
		fail_msg("no '%s' in:\n%s", line, toy.journal.s);
	return (size_t)(found - toy.journal.s);
}

static bool
ledger_is_empty(void)
{
	CLEANUP(ledger_free) struct ledger ledger = LEDGER_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(ledger_read(world.lock.fd, &ledger, &err), 0);
	return ledger.n == 0;
}

/* --- tests --------------------------------------------------------------- */

static void
old_and_new_are_exchanged_while_all_users_rest(void **state)
{
	struct putback *putback;

	(void)state;
	world_begin();
	volume("db");
	make_dirs("srv/data/inner");
	write_in("srv/data", "x", "old");
	want("db", NULL, "volumes/db");
	want(NULL, "srv/data", "srv/data");
	(void)container("app", "db", "/elsewhere");
	(void)container("web", "", path("srv/data/inner"));
	(void)container("around", "", path("srv"));
	(void)container("other", "dbx", "/srv/database");
	(void)container("agent", "", path("volumes"));	/* sees both */
	container("off", "db", "")->container.running = false;
	putback = prepared();
	assert_true(says("volumes/db/_data/x", "old"));
	assert_int_equal(toy.calls, 3);		/* each is asked for --rm */
	commit_well(putback);
	assert_true(says("volumes/db/_data/x", "new"));
	assert_true(says("srv/data/x", "new"));
	assert_int_equal(count_in("volumes/db"), 1);
	assert_int_equal(count_in("srv"), 1);
	(void)at("stop app\n");
	(void)at("stop web\n");
	(void)at("stop around\n");
	assert_true(at("stop app\n") < at("undo start app\n"));
	assert_null(strstr(toy.journal.s, "other"));
	assert_null(strstr(toy.journal.s, "agent"));
	assert_null(strstr(toy.journal.s, "stop off"));
	assert_true(ledger_is_empty());
	assert_non_null(strstr(world.told.s, "volume 'db' is put back\n"));
	putback_free(putback);
	assert_true(says("volumes/db/_data/x", "new"));
	world_end();
}

static void
what_is_against_it_is_known_before(void **state)
{
	CLEANUP(strmap_free) struct strmap none = STRMAP_INIT;
	CLEANUP(strmap_free) struct strmap masked = STRMAP_INIT;
	CLEANUP(strlist_free) struct strlist stores = STRLIST_INIT;
	struct metadata_source source = { .type = "volume", .name = "db",
		.driver = "local", .labels = &none, .options = &masked };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(strmap_add(&masked, "o", "username=a,password=***",
	    &err), 0);

	world_begin();
	want("db", NULL, "volumes/db");
	assert_problem("does not say how to make it");

	world_begin();
	want("db", NULL, "volumes/db")->source = &source;
	assert_problem("option 'o' is not in the archive's metadata");

	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	container("app", "db", "")->auto_remove = true;
	assert_problem("--rm");

	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	container("app", "db", "")->container.paused = true;
	assert_problem("is paused");

	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	world.inventory.own = container("me", "db", "")->container.id;
	assert_problem("is the one that vbackup runs in");

	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	toy_label(&container("app", "db", "")->container.labels,
	    LABEL_SERVICE_ID, "web");
	assert_problem("cannot empty");

	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	want("db", NULL, "volumes/other");
	assert_problem("lies in");

	world_begin();
	make_dirs("srv/data");
	want(NULL, "srv", "srv");
	want(NULL, "srv/data", "srv/data");
	assert_problem("cannot be put back together");

	world_begin();
	make_dirs("srv/archives");
	want(NULL, "srv", "srv");
	assert_int_equal(strlist_add(&stores, path("srv/archives"), &err), 0);
	world.settings.stores = &stores;
	assert_problem("archives are kept");

	world_begin();
	world.wants[world.n_wants++] = (struct putback_want){
		.path = world.scratch.dir, .member = "" };
	assert_problem("our lock is");

	world_begin();
	want(NULL, "missing/deeper", "missing/deeper");
	assert_problem("(make it first)");

	world_begin();
	write_in(".", "file", "");
	want(NULL, "file", "file");
	assert_problem("is no directory");

	world_begin();
	world.wants[world.n_wants++] = (struct putback_want){ .path = "/proc",
		.member = "proc" };
	assert_problem("is a mount point");

	world_begin();
	world.wants[world.n_wants++] = (struct putback_want){ .path = "/",
		.member = "" };
	assert_problem("the root directory");
}

static void
a_plan_is_told(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(strmap_free) struct strmap none = STRMAP_INIT;
	struct metadata_source source = { .type = "volume", .name = "new",
		.driver = "local", .labels = &none, .options = &none };
	struct err err = ERR_INIT;
	struct putback *putback;

	(void)state;
	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	want("new", NULL, "volumes/new")->source = &source;
	(void)container("app", "db", "");
	world.settings.lock = NULL;
	putback = look_well();
	assert_int_equal(putback_text(putback, &text, &err), 0);
	assert_string_equal(text,
	    "volume 'db' is exchanged, from 'volumes/db'\n"
	    "volume 'new' is made, and filled, from 'volumes/new'\n"
	    "container 'app' rests meanwhile\n");
	putback_free(putback);
	assert_string_equal(toy.journal.s, "state app\n");
	world_end();
}

static void
a_service_is_emptied_once_for_all_its_tasks(void **state)
{
	struct putback *putback;

	(void)state;
	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	(void)toy_service("web", 2, 0);
	(void)toy_service("agent", 0, 2);
	toy_label(&container("web.1", "db", "")->container.labels,
	    LABEL_SERVICE_ID, "web");
	toy_label(&container("web.2", "db", "")->container.labels,
	    LABEL_SERVICE_ID, "web");
	toy_label(&container("agent.1", "db", "")->container.labels,
	    LABEL_SERVICE_ID, "agent");
	putback = prepared();
	commit_well(putback);
	assert_true(at("scale(0) web\n") < at("undo scale web\n"));
	assert_true(at("constrain agent\n") < at("undo unconstrain agent\n"));
	assert_null(strstr(strstr(toy.journal.s, "scale(0) web") + 1,
	    "scale(0) web"));
	assert_null(strstr(toy.journal.s, "stop "));
	putback_free(putback);
	world_end();
}

static void
members_go_where_they_belong(void **state)
{
	struct extract_place place;
	struct err err = ERR_INIT;
	struct putback *putback;
	int db, outer, inner;

	(void)state;
	world_begin();
	volume("db");
	make_dirs("a");
	make_dirs("b");
	want("db", NULL, "volumes/db");
	want(NULL, "a", "srv");
	want(NULL, "b", "srv/inner");
	putback = look_well();
	assert_int_equal(putback_prepare(putback, &err), 0);
#define PLACE(name) (assert_int_equal(putback_place(putback, name, &place, \
	&err), 0), place.dir)
	db = PLACE("volumes/db");
	assert_true(db >= 0);
	assert_string_equal(place.path, "");
	assert_int_equal(PLACE("volumes/db/a/b"), db);
	assert_string_equal(place.path, "a/b");
	assert_int_equal(PLACE("volumes/dbx"), -1);
	assert_int_equal(PLACE("volumes"), -1);
	assert_int_equal(PLACE(""), -1);
	outer = PLACE("srv/x");
	inner = PLACE("srv/inner/x");
	assert_string_equal(place.path, "x");
	assert_true(outer >= 0 && inner >= 0 && outer != inner);
	assert_int_equal(PLACE("srv/innermost"), outer);
	putback_free(putback);
	assert_true(says("volumes/db/_data/x", "old"));
	assert_int_equal(count_in("volumes/db"), 1);
	world_end();
}

static void
nothing_is_touched_when_the_archive_has_nothing_of_it(void **state)
{
	struct err err = ERR_INIT;
	struct putback *putback;
	struct putback_result result;

	(void)state;
	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	(void)container("app", "db", "");
	putback = look_well();
	assert_int_equal(putback_prepare(putback, &err), 0);
	assert_int_equal(putback_commit(putback, &result, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	putback_free(putback);
	assert_null(strstr(toy.journal.s, "stop"));
	assert_true(says("volumes/db/_data/x", "old"));
	assert_int_equal(count_in("volumes/db"), 1);
	world_end();
}

static void
what_a_killed_one_left_is_removed(void **state)
{
	struct putback *putback;

	(void)state;
	world_begin();
	volume("db");
	make_dirs("volumes/db/.vbackup-restore/deep/er");
	write_in("volumes/db/.vbackup-restore", "y", "left");
	make_dirs("volumes/db/.vbackup-restore-try");
	make_dirs(".data.vbackup-restore/deep");
	make_dirs("data");
	want("db", NULL, "volumes/db");
	want(NULL, "data", "data");
	putback = prepared();
	commit_well(putback);
	putback_free(putback);
	assert_true(says("volumes/db/_data/x", "new"));
	assert_false(scratch_has(&world.scratch, "volumes/db/_data/y"));
	assert_int_equal(count_in("volumes/db"), 1);
	assert_false(scratch_has(&world.scratch, ".data.vbackup-restore"));
	world_end();
}

/* Renames 1 to 3 try it. */
static void
an_exchange_that_fails_takes_the_others_back(void **state)
{
	size_t i;

	(void)state;
	for (i = 1; i <= 6; i++) {
		struct err err = ERR_INIT;
		struct putback *putback;
		struct putback_result result;
		int rc;

		world_begin();
		volume("a");
		volume("b");
		want("a", NULL, "volumes/a");
		want("b", NULL, "volumes/b");
		want(NULL, "new", "new");
		(void)container("app", "a", "");
		world.fail_rename = i < 4 ? i : i + 1;
		putback = look_well();
		rc = putback_prepare(putback, &err);
		assert_int_equal(rc, i < 4 ? -1 : 0);
		if (rc == 0) {
			extract(putback);
			assert_int_equal(putback_commit(putback, &result,
			    &err), -1);
			assert_non_null(strstr(toy.journal.s, "start app\n"));
			assert_true(ledger_is_empty());
		}
		assert_non_null(strstr(err.msg, "cannot exchange"));
		assert_int_equal(err.kind, ERR_SYSTEM);
		putback_free(putback);
		assert_true(says("volumes/a/_data/x", "old"));
		assert_true(says("volumes/b/_data/x", "old"));
		assert_int_equal(count_in("volumes/a"), 1);
		assert_int_equal(count_in("volumes/b"), 1);
		assert_false(scratch_has(&world.scratch, "new"));
		assert_false(scratch_has(&world.scratch,
		    ".new.vbackup-restore"));
		world_end();
	}
}

static void
who_cannot_rest_keeps_everything_as_it_was(void **state)
{
	struct err err = ERR_INIT;
	struct putback *putback;
	struct putback_result result;

	(void)state;
	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	(void)container("app", "db", "");
	(void)container("zoo", "db", "");
	putback = prepared();
	toy.fail_text = "stop zoo";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(putback_commit(putback, &result, &err), -1);
	(void)at("start app\n");
	putback_free(putback);
	assert_true(says("volumes/db/_data/x", "old"));
	assert_int_equal(count_in("volumes/db"), 1);
	world_end();
}

static void
who_does_not_come_back_is_a_problem(void **state)
{
	struct err err = ERR_INIT;
	struct putback *putback;
	struct putback_result result;

	(void)state;
	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	(void)container("app", "db", "");
	putback = prepared();
	toy.fail_text = "undo start app";
	toy.fail_kind = ERR_REFUSED;
	assert_int_equal(putback_commit(putback, &result, &err), 0);
	assert_true(result.problems >= 1);
	assert_false(ledger_is_empty());
	putback_free(putback);
	assert_true(says("volumes/db/_data/x", "new"));
	world_end();
}

static void
a_signal_before_the_exchange_undoes_and_after_it_completes(void **state)
{
	size_t after;
	bool undone = false, completed = false;

	(void)state;
	for (after = 1; after < 40; after++) {
		struct err err = ERR_INIT;
		struct putback *putback;
		struct putback_result result;
		bool is_new;
		int rc;

		world_begin();
		volume("db");
		want("db", NULL, "volumes/db");
		(void)container("app", "db", "");
		putback = prepared();
		toy.signal_after = toy.calls + after;
		rc = putback_commit(putback, &result, &err);
		is_new = says("volumes/db/_data/x", "new");
		assert_int_equal(rc, is_new ? 0 : -1);
		if (rc < 0)
			assert_int_equal(err.kind, ERR_INTERRUPTED);
		undone = undone || rc < 0;
		completed = completed || (rc == 0 && toy.signalled);
		toy.signalled = false;
		assert_true(toy.containers[0].running);
		putback_free(putback);
		assert_int_equal(count_in("volumes/db"), 1);
		world_end();
	}
	assert_true(undone && completed);
}

static void
who_came_meanwhile_rests_too(void **state)
{
	struct err err = ERR_INIT;
	struct putback *putback;
	struct putback_result result;

	(void)state;
	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	putback = prepared();
	(void)container("late", "db", "");
	commit_well(putback);
	(void)at("stop late\n");
	putback_free(putback);
	world_end();

	world_begin();
	volume("db");
	want("db", NULL, "volumes/db");
	putback = prepared();
	container("late", "db", "")->auto_remove = true;
	assert_int_equal(putback_commit(putback, &result, &err), -1);
	assert_non_null(strstr(err.msg, "--rm"));
	putback_free(putback);
	assert_true(says("volumes/db/_data/x", "old"));
	world_end();
}

static void
a_missing_volume_is_made_and_not_left_after_a_failure(void **state)
{
	CLEANUP(strmap_free) struct strmap options = STRMAP_INIT;
	CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
	struct metadata_source source = { .type = "volume", .name = "new",
		.driver = "local", .labels = &labels, .options = &options };
	struct err err = ERR_INIT;
	struct putback *putback;

	(void)state;
	assert_int_equal(strmap_add(&labels, "a", "b", &err), 0);
	world_begin();
	want("new", NULL, "volumes/new")->source = &source;
	putback = prepared();
	(void)at("create new local b\n");
	commit_well(putback);
	putback_free(putback);
	assert_null(strstr(toy.journal.s, "remove"));
	assert_true(says("volumes/new/_data/x", "new"));
	assert_int_equal(count_in("volumes/new"), 1);
	world_end();

	world_begin();
	want("new", NULL, "volumes/new")->source = &source;
	putback_free(prepared());
	assert_true(at("create new") < at("remove new\n"));
	assert_int_equal(count_in("volumes/new"), 1);
	world_end();

	/* One that is not ours is never removed. */
	world_begin();
	want("new", NULL, "volumes/new")->source = &source;
	world.appears = "new";
	putback = look_well();
	assert_int_equal(putback_prepare(putback, &err), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	putback_free(putback);
	assert_string_equal(toy.journal.s, "");
	world_end();
}

static void
the_old_content_is_kept_where_it_is_asked_for(void **state)
{
	struct putback *putback;
	char *end, *at_path;

	(void)state;
	world_begin();
	volume("db");
	make_dirs("data");
	write_in("data", "x", "old");
	want("db", NULL, "volumes/db");
	want(NULL, "data", "data");
	world.settings.keep_old = true;
	putback = prepared();
	commit_well(putback);
	putback_free(putback);
	assert_true(says("volumes/db/_data/x", "new"));
	assert_int_equal(count_in("volumes/db"), 2);
	at_path = strstr(world.told.s, "volume 'db': the old content is in '");
	assert_non_null(at_path);
	at_path += strlen("volume 'db': the old content is in '");
	end = strchr(at_path, '\'');
	assert_non_null(end);
	*end = '\0';
	assert_non_null(strstr(at_path, "/volumes/db/_data.vbackup-old-2"));
	assert_int_equal(access(at_path, F_OK), 0);
	world_end();
}

/* A directory that the archive does not have itself, only what is in it. */
static void
a_directory_without_a_member_keeps_owner_and_mode(void **state)
{
	struct putback *putback;
	struct stat st;

	(void)state;
	world_begin();
	volume("db");
	assert_int_equal(chmod(world.volumes[0].mountpoint, 02751), 0);
	want("db", NULL, "volumes/db");
	want(NULL, "data", "data");
	putback = prepared();
	commit_well(putback);
	putback_free(putback);
	assert_int_equal(stat(world.volumes[0].mountpoint, &st), 0);
	assert_int_equal(st.st_mode & 07777, 02751);
	assert_int_equal(stat(world.wants[1].path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	world_end();
}

/* --- killed -------------------------------------------------------------- */

static int
put_back(void *data)
{
	struct err err = ERR_INIT;
	struct putback *putback;
	struct putback_result result;

	(void)data;
	putback = prepared();
	if (putback_commit(putback, &result, &err) < 0)
		return 1;
	putback_free(putback);
	return 0;
}

static void
killed_at_any_moment_it_is_the_old_or_the_new(void **state)
{
	bool was_new = false, was_old = false;
	int stop;

	(void)state;
	if (!kill_at_works())
		skip();
	/* After one call is before the next. */
	for (stop = 0;; stop += 2) {
		bool more, is_new;

		world_begin();
		volume("db");
		write_in("volumes/db/_data", "more", "old");
		want("db", NULL, "volumes/db");
		(void)container("app", "db", "");
		more = kill_at(put_back, NULL, stop);
		is_new = says("volumes/db/_data/x", "new");
		assert_true(is_new || says("volumes/db/_data/x", "old"));
		assert_int_equal(count_in("volumes/db/_data"), is_new ? 1 : 2);
		was_new = was_new || is_new;
		was_old = was_old || !is_new;
		/* And the next one puts it right. */
		if (more && stop % 8 == 0) {
			assert_int_equal(put_back(NULL), 0);
			assert_true(says("volumes/db/_data/x", "new"));
			assert_int_equal(count_in("volumes/db"), 1);
		}
		world_end();
		if (!more)
			break;
	}
	assert_true(was_new && was_old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    old_and_new_are_exchanged_while_all_users_rest),
		cmocka_unit_test(what_is_against_it_is_known_before),
		cmocka_unit_test(a_plan_is_told),
		cmocka_unit_test(a_service_is_emptied_once_for_all_its_tasks),
		cmocka_unit_test(members_go_where_they_belong),
		cmocka_unit_test(
		    nothing_is_touched_when_the_archive_has_nothing_of_it),
		cmocka_unit_test(what_a_killed_one_left_is_removed),
		cmocka_unit_test(an_exchange_that_fails_takes_the_others_back),
		cmocka_unit_test(who_cannot_rest_keeps_everything_as_it_was),
		cmocka_unit_test(who_does_not_come_back_is_a_problem),
		cmocka_unit_test(
		    a_signal_before_the_exchange_undoes_and_after_it_completes),
		cmocka_unit_test(who_came_meanwhile_rests_too),
		cmocka_unit_test(
		    a_missing_volume_is_made_and_not_left_after_a_failure),
		cmocka_unit_test(the_old_content_is_kept_where_it_is_asked_for),
		cmocka_unit_test(
		    a_directory_without_a_member_keeps_owner_and_mode),
		cmocka_unit_test(killed_at_any_moment_it_is_the_old_or_the_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
