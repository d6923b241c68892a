#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void
cleanup_free(void *pointer_to_pointer)
{
	void **pointer = pointer_to_pointer;

	free(*pointer);
	*pointer = NULL;
}

void
cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

void
cleanup_fclose(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
	*file = NULL;
}
