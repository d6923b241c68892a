#include "lib/config/foreign.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct foreign rows[] = {
#include "lib/config/foreign.def"
};

static bool
is_named(const struct foreign *row, const char *variable)
{
	size_t n = strlen(row->name);

	if (row->name[n - 1] == '*')
		return strncmp(variable, row->name, n - 1) == 0;
	return strncmp(variable, row->name, n) == 0 &&
	    (variable[n] == '\0' || strcmp(variable + n, "_FILE") == 0);
}

const struct foreign *
foreign_find(const char *variable)
{
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is_named(&rows[i], variable))
			return &rows[i];
	return NULL;
}
