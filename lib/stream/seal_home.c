#define _GNU_SOURCE
#include "lib/stream/seal_home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/spawn.h"
#include "lib/base/str.h"

#define PREFIX "vbackup-gpg-"
#define TRIES 50
#define PAUSE_NS 10000000L
#define END_AGENT_S 10.0
#define SETTLED_S 60	/* nobody takes that long from mkdtemp to flock */

/*
 * A cipher that is demanded, not preferred: old keys may state none that we
 * want.
 */
static const char conf[] =
    "batch\n"
    "no-tty\n"
    "no-greeting\n"
    "disable-dirmngr\n"
    "no-auto-key-retrieve\n"
    "no-auto-key-locate\n"
    "no-auto-check-trustdb\n"
    "trust-model always\n"
    "lock-never\n"
    "no-random-seed-file\n"
    "cipher-algo AES256\n"
    "compress-algo none\n"
    "s2k-digest-algo SHA512\n";

/* --- removing ------------------------------------------------------------ */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

/* A gpg that was cut off may make one more file while it ends. No FTW_MOUNT: on
 * an overlay whose layers lie on several file systems a file's device is not
 * its directory's, and everything would stay, secret keys among it. */
static void
remove_tree(const char *path)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	int i;

	for (i = 0; i < TRIES && nftw(path, remove_one, 8,
	    FTW_DEPTH | FTW_PHYS) == 0 &&
	    access(path, F_OK) == 0; i++)
		(void)nanosleep(&pause, NULL);
}

/* Does the process live that is named in the directory's name? */
static bool
owner_lives(const char *name)
{
	long pid = strtol(name + sizeof PREFIX - 1, NULL, 10);

	return pid > 0 && pid == (pid_t)pid &&
	    (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

/* Was this a home of ours, and is its process dead? From mkdtemp to flock, an
 * instant, nobody holds it: then its process lives. */
static bool
is_left_behind(int dirfd, const char *name)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct stat st;

	if (!str_starts(name, PREFIX) ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (owner_lives(name) && st.st_mtime > time(NULL) - SETTLED_S))
		return false;
	fd = openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void
sweep(const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		CLEANUP(cleanup_free) char *path = NULL;
		struct err ignored = ERR_INIT;

		if (is_left_behind(dirfd(dir), entry->d_name) &&
		    file_join(base, entry->d_name, &path, &ignored) == 0)
			remove_tree(path);
	}
	(void)closedir(dir);
}

/* --- making -------------------------------------------------------------- */

/* 0; *ret is NULL where this is no place for it. */
static int
make_in(const char *base, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;

	/* A line end could not be written into gpg.conf. */
	if (base == NULL || *base != '/' || strchr(base, '\n') != NULL)
		return 0;
	if (str_format(&path, err, "%s/" PREFIX "%ld-XXXXXX", base,
	    (long)getpid()) < 0)
		return -1;
	if (mkdtemp(path) == NULL)
		return 0;
	sweep(base);
	*ret = path;
	path = NULL;
	return 0;
}

static int
make_dir(char **ret, struct err *err)
{
	const char *const bases[] = { getenv("XDG_RUNTIME_DIR"),
		"/run/vbackup", "/tmp" };
	size_t i;

	(void)mkdir("/run/vbackup", 0755);
	for (i = 0; i < sizeof bases / sizeof bases[0]; i++) {
		if (make_in(bases[i], ret, err) < 0)
			return -1;
		if (*ret != NULL)
			return 0;
	}
	return err_sys(err, "cannot make a directory for gpg in '/tmp'");
}

static int
write_file(const struct seal_home *home, const char *name,
    const struct str *text, struct err *err)
{
	CLEANUP(cleanup_close) int fd = openat(home->dirfd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (text->failed)
		return err_nomem(err);
	if (fd < 0)
		return err_sys(err, "cannot make '%s/%s'", home->dir, name);
	return file_write_fd(fd, name, text->s, text->len, err);
}

/*
 * An imported key keeps the protection that it came with until its first use.
 * Then the agent protects it anew, and would first measure out for how long:
 * seconds of CPU, in each agent's life. As often as OpenPGP can say is no less.
 */
static int
write_agent_conf(const struct seal_home *home, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;

	str_addf(&text, "s2k-count %d\n", SEAL_HOME_S2K_MOST);
	return write_file(home, "gpg-agent.conf", &text, err);
}

static int
write_conf(const struct seal_home *home, int s2k_count, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;

	str_add(&text, conf);
	str_addf(&text, "s2k-count %d\n", s2k_count);
	if (!home->has_agent)
		str_add(&text, "no-autostart\n");
	if (home->pipe >= 0)
		str_addf(&text, "passphrase-file %s/passphrase\n", home->dir);
	return write_file(home, "gpg.conf", &text, err);
}

/* --- the passphrase ------------------------------------------------------ */

static int
check_passphrase(const char *passphrase, struct err *err)
{
	size_t n = strlen(passphrase);

	if (n == 0)
		return err_set(err, ERR_CONFIG, "the passphrase is empty");
	if (n > SEAL_HOME_PASSPHRASE_MAX)
		return err_set(err, ERR_CONFIG, "the passphrase is longer "
		    "than %d bytes", SEAL_HOME_PASSPHRASE_MAX);
	/* gpg would take the first line alone, and say nothing. */
	if (strchr(passphrase, '\n') != NULL)
		return err_set(err, ERR_CONFIG,
		    "the passphrase has more than one line");
	return 0;
}

/* Both ends are held open, so that neither side ever waits for the other. The
 * kernel keeps the line; no copy of it is made here. */
static int
offer(struct seal_home *home, const char *passphrase, struct err *err)
{
	size_t n = strlen(passphrase);
	char end[] = "\n";
	struct iovec line[] = {
		{ (void *)(uintptr_t)passphrase, n }, { end, 1 } };

	if (mkfifoat(home->dirfd, "passphrase", 0600) < 0)
		return err_sys(err, "cannot make a named pipe in '%s'",
		    home->dir);
	home->pipe = openat(home->dirfd, "passphrase",
	    O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (home->pipe < 0 || writev(home->pipe, line, 2) != (ssize_t)n + 1)
		return err_sys(err, "cannot write to the named pipe in '%s'",
		    home->dir);
	return 0;
}

bool
seal_home_was_asked(const struct seal_home *home)
{
	int n;

	return ioctl(home->pipe, FIONREAD, &n) == 0 && n == 0;
}

/* --- the whole ----------------------------------------------------------- */

static int
make_home(const char *passphrase, int s2k_count, bool has_agent,
    struct seal_home *ret, struct err *err)
{
	CLEANUP(seal_home_free) struct seal_home home = SEAL_HOME_NONE;

	if ((passphrase != NULL && check_passphrase(passphrase, err) < 0) ||
	    make_dir(&home.dir, err) < 0)
		return -1;
	home.dirfd = open(home.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (home.dirfd < 0 || flock(home.dirfd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(err, "cannot lock '%s'", home.dir);
	home.has_agent = has_agent;
	if ((passphrase != NULL && offer(&home, passphrase, err) < 0) ||
	    write_conf(&home, s2k_count, err) < 0 ||
	    (has_agent && write_agent_conf(&home, err) < 0))
		return -1;
	*ret = home;
	home = (struct seal_home)SEAL_HOME_NONE;
	return 0;
}

int
seal_home_new(const char *passphrase, int s2k_count, struct seal_home *ret,
    struct err *err)
{
	return make_home(passphrase, s2k_count, false, ret, err);
}

int
seal_home_new_secret(struct seal_home *ret, struct err *err)
{
	return make_home(NULL, SEAL_HOME_S2K_MOST, true, ret, err);
}

/* Its socket may lie elsewhere, below /run/user. An agent that cannot be told
 * to end does so by itself when it sees that its home is gone. */
static void
end_agent(const struct seal_home *home)
{
	CLEANUP(cleanup_free) char *variable = NULL;
	const char *env[] = { NULL, NULL };
	const struct spawn spawn = {
		.command = "gpgconf --homedir \"$GNUPGHOME\" --kill gpg-agent; "
		    "gpgconf --homedir \"$GNUPGHOME\" --remove-socketdir",
		.timeout_s = END_AGENT_S, .env = env, .despite_signal = true
	};
	struct err ignored = ERR_INIT;

	if (str_format(&variable, &ignored, "GNUPGHOME=%s", home->dir) < 0)
		return;
	env[0] = variable;
	(void)!spawn_run(&spawn, &ignored);
}

/* The pipe is closed last: a gpg that still opens it gets an end, and ends. */
void
seal_home_free(struct seal_home *home)
{
	if (home->dir != NULL && home->has_agent)
		end_agent(home);
	if (home->dir != NULL)
		remove_tree(home->dir);
	cleanup_close(&home->pipe);
	cleanup_close(&home->dirfd);
	cleanup_free(&home->dir);
	home->has_agent = false;
}
