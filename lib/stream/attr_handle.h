/*
 * attr_handle: a file whose attributes are asked for and set, be it a symbolic
 * link: the calls for that refuse a descriptor that only stands for a file
 * (O_PATH), but its name under /proc leads to the very file.
 */
#ifndef LIB_STREAM_ATTR_HANDLE_H
#define LIB_STREAM_ATTR_HANDLE_H

#include <stddef.h>
#include <sys/types.h>

struct attr_handle {
	int fd;			/* borrowed */
	char path[32];		/* "" where fd will do */
};

/* attr_handle_for: mode as in struct stat, of which the type counts. fd is open
 * to read, for a regular file or a directory; else O_PATH. */
struct attr_handle attr_handle_for(int fd, mode_t mode);

/* attr_set, attr_drop: as setxattr, removexattr. -1 with errno. */
int attr_set(const struct attr_handle *handle, const char *name,
    const void *value, size_t n);
int attr_drop(const struct attr_handle *handle, const char *name);

#endif
