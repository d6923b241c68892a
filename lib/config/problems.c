#include "lib/config/problems.h"

#include <string.h>

#include "lib/base/log.h"

int
problems_absorb(struct strlist *list, const char *where, const char *what,
    struct err *err)
{
	struct err absorbed = *err;

	if (absorbed.kind == ERR_NOMEM)
		return -1;
	return strlist_addf(list, err, "%s%s%s%s%s",
	    where != NULL ? where : "", where != NULL ? ": " : "",
	    what != NULL ? what : "", what != NULL ? ": " : "", absorbed.msg);
}

/* Jobs share labels, so the same may have been found more than once. */
static bool
seen_before(const struct strlist *list, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (strcmp(list->v[i], list->v[at]) == 0)
			return true;
	return false;
}

int
problems_log(const struct strlist *problems, const struct strlist *warnings,
    struct err *err)
{
	size_t n = 0, i;

	for (i = 0; i < warnings->n; i++)
		if (!seen_before(warnings, i))
			log_warning("%s", warnings->v[i]);
	for (i = 0; i < problems->n; i++) {
		if (seen_before(problems, i))
			continue;
		log_error("%s", problems->v[i]);
		n++;
	}
	if (n == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "nothing was touched: %zu problem%s "
	    "in settings or labels", n, n == 1 ? "" : "s");
}
