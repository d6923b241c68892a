/*
 * file: what the rest needs of files, whole and checked.
 */
#ifndef LIB_BASE_FILE_H
#define LIB_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* file_read: the whole of a file, NUL-terminated, caller frees; *ret_len (may
 * be NULL) without the NUL. More than max bytes is an error, naming the path.*/
MUST_CHECK int file_read(const char *path, size_t max, char **ret,
    size_t *ret_len, struct err *err);

/* file_read_fd: the same from an open descriptor, to its end; name is for
 * messages. */
MUST_CHECK int file_read_fd(int fd, const char *name, size_t max, char **ret,
    size_t *ret_len, struct err *err);

/* file_write_fd: all n bytes; EINTR and short writes are continued. */
MUST_CHECK int file_write_fd(int fd, const char *name, const void *bytes,
    size_t n, struct err *err);

/* file_write_out: the first `end` bytes of fd are written; have the disk work
 * on them (sync_file_range) once enough came together since *out, where the
 * last call stopped (0 at first). So the fsync at the end finds little to do,
 * and a disk that failed or is full is known early. */
MUST_CHECK int file_write_out(int fd, const char *name, uint64_t end,
    uint64_t *out, struct err *err);

/* file_join: *ret is "dir/name" with exactly one slash between; caller frees.*/
MUST_CHECK int file_join(const char *dir, const char *name, char **ret,
    struct err *err);

/* file_is_dir: does path lead (through symlinks) to a directory? */
bool file_is_dir(const char *path);

/* file_is_in: is this path the directory's, or one below it? Of their texts
 * alone: absolute ones, without "." and "..". */
bool file_is_in(const char *path, const char *directory);

/* file_list: *ret gets the names in a directory, sorted by their bytes, but
 * none that begins with a dot. ERR_NOTFOUND if there is no such directory. */
MUST_CHECK int file_list(const char *path, struct strlist *ret,
    struct err *err);

/* file_make_dirs: mkdir -p; directories that are made get this mode. */
MUST_CHECK int file_make_dirs(const char *path, mode_t mode, struct err *err);

/* file_sync_dir: fsync the directory itself, where the file system can. */
MUST_CHECK int file_sync_dir(int dirfd, const char *path, struct err *err);

#endif
