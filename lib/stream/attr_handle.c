#include "lib/stream/attr_handle.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct attr_handle
attr_handle_for(int fd, mode_t mode)
{
	struct attr_handle handle = { .fd = fd, .path = "" };

	if (!S_ISREG(mode) && !S_ISDIR(mode))
		(void)snprintf(handle.path, sizeof handle.path,
		    "/proc/self/fd/%d", fd);
	return handle;
}

int
attr_set(const struct attr_handle *handle, const char *name,
    const void *value, size_t n)
{
	if (handle->path[0] != '\0')
		return setxattr(handle->path, name, value, n, 0);
	return fsetxattr(handle->fd, name, value, n, 0);
}

int
attr_drop(const struct attr_handle *handle, const char *name)
{
	if (handle->path[0] != '\0')
		return removexattr(handle->path, name);
	return fremovexattr(handle->fd, name);
}
