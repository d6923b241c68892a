#define _GNU_SOURCE
#include "lib/base/systemd.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "lib/base/log.h"
#include "lib/base/str.h"

/* The address in $NOTIFY_SOCKET, its length; 0 if there is none that we know
 * how to reach. */
static socklen_t
find_manager(struct sockaddr_un *ret)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t n = name != NULL ? strlen(name) : 0;

	if (n < 2 || n >= sizeof ret->sun_path ||
	    (*name != '/' && *name != '@'))
		return 0;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, name, n);
	if (*name == '/')	/* its NUL belongs to a path, and to no other */
		n++;
	else
		ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

bool
systemd_is_there(void)
{
	struct sockaddr_un address;

	return find_manager(&address) != 0;
}

void
systemd_notify(const char *state)
{
	static const struct timeval soon = { .tv_sec = 1 };
	struct sockaddr_un address;
	socklen_t n = find_manager(&address);
	CLEANUP(cleanup_close) int fd = -1;

	if (n == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&address, n);
}

void
systemd_status(const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(str_free) struct str state = STR_INIT;
	struct err ignored = ERR_INIT;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text == NULL || log_mask(text, &masked, &ignored) < 0)
		return;
	str_add(&state, "STATUS=");
	str_add_visible(&state, masked);
	if (!state.failed)
		systemd_notify(state.s);
}
