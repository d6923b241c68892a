/* Into a directory: what is there stays, but for what overwrite replaces. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/run/restore_look.h"
#include "lib/run/restoring.h"

/* Of a directory that is made: what is restored may have been below one that
 * nobody else could enter. */
#define MODE 0700

struct target {
	struct restore_wants *wants;
	int dir;
};

/* The directory itself is the user's, not the archive's. */
static int
place(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	const struct target *target = cookie;

	(void)err;
	*ret = (struct extract_place){ .dir = *name != '\0' &&
		restore_wants_has(target->wants, name) ? target->dir : -1,
		.path = name };
	return 0;
}

static int
open_target(const char *path, int *ret, struct err *err)
{
	if (file_make_dirs(path, MODE, err) < 0)
		return -1;
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? err_sys(err, "cannot open '%s'", path) : 0;
}

/* Nothing is replaced by an archive that is damaged or lacks something. */
static int
look_first(struct restoring *r, struct err *err)
{
	struct restore_look look = { .wants = &r->wants };

	log_info("reading the whole archive before anything is replaced");
	if (restore_look_at(&r->source, &look, err) < 0)
		return -1;
	r->final = true;	/* the same from any store */
	if (restore_wants_check(&r->wants, err) < 0)
		return -1;
	r->final = false;
	return 0;
}

static int
extract(struct restoring *r, struct err *err)
{
	CLEANUP(cleanup_close) int dir = -1;
	struct target target = { .wants = &r->wants };
	int rc;

	if (open_target(r->settings->to, &dir, err) < 0) {
		r->final = true;
		return -1;
	}
	target.dir = dir;
	rc = restoring_extract(r, place, &target, r->settings->overwrite,
	    err);
	/* "restored" means that it is on the disk. */
	if (rc == 0 && syncfs(dir) < 0)
		rc = err_sys(err, "cannot write '%s' to its disk",
		    r->settings->to);
	r->final = r->result->members != 0;
	return rc < 0 && r->final ? err_add(err, "what is in '%s' is not "
	    "complete", r->settings->to) : rc;
}

static int
attempt(struct restoring *r, void *cookie, struct err *err)
{
	(void)cookie;
	if (r->settings->dry_run)
		return restoring_print(r, err);
	if (r->settings->overwrite && look_first(r, err) < 0)
		return -1;
	return extract(r, err);
}

int
restore_to(struct restoring *r, struct err *err)
{
	return restoring_each(r, attempt, NULL, err);
}
