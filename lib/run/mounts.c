#define _GNU_SOURCE
#include "lib/run/mounts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define MOUNTS_BYTES_MAX ((size_t)4 << 20)
#define FIELD 4		/* of the mount point, from 0: proc(5) */

/* Blanks, newlines and backslashes are \040 and the like there. In place. */
static void
turn_back(char *text)
{
	char *to = text;

	while (*text != '\0') {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ = (char)((text[1] - '0') << 6 |
			    (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static int
add_line(char *line, struct strlist *ret, struct err *err)
{
	char *field = NULL;
	int i;

	for (i = 0; i <= FIELD; i++)
		field = strsep(&line, " ");
	if (field == NULL)
		return 0;
	turn_back(field);
	return strlist_add(ret, field, err);
}

int
mounts_read(struct strlist *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist list = STRLIST_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	char *rest, *line;

	if (file_read("/proc/self/mountinfo", MOUNTS_BYTES_MAX, &text, NULL,
	    err) < 0)
		return -1;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL; )
		if (add_line(line, &list, err) < 0)
			return -1;
	*ret = list;
	list = (struct strlist)STRLIST_INIT;
	return 0;
}

bool
mounts_has(const struct strlist *mounts, const char *path)
{
	return strlist_has(mounts, path);
}

const char *
mounts_below(const struct strlist *mounts, const char *path)
{
	size_t n = strlen(path), i;

	for (i = 0; i < mounts->n; i++)
		if (strncmp(mounts->v[i], path, n) == 0 &&
		    mounts->v[i][n] == '/')
			return mounts->v[i];
	return NULL;
}
