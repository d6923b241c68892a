/*
 * fuzz_name: patterns of any kind give a name or an error, and a name that is
 * given keeps the promises of name.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/tempfile.h"
#include "lib/store/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *
lookup(const char *variable)
{
	if (*variable == '\0')
		abort();
	return strcmp(variable, "A") == 0 ? "%Y{{ .Job }}" : NULL;
}

/* What was made is found again, as what it was. */
static void
check_match(const char *pattern, const char *name)
{
	CLEANUP(cleanup_free) char *again = NULL;
	struct err err = ERR_INIT;
	time_t made;

	/* Of hours and days that are not told some may be out of reach. */
	if (!name_match(pattern, name, &made))
		return;
	if (name_format(pattern, made, &again, &err) < 0 ||
	    strcmp(again, name) != 0)
		abort();
}

static void
check_name(const char *pattern, const char *name, const char *later)
{
	if (*name == '\0' || strlen(name) > 200 ||
	    strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0 || str_starts(name, TEMPFILE_PREFIX))
		abort();
	if (strcmp(name, later) != 0 && !name_has_time(pattern))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct name_values values = { "tar.gz", "j%b" };
	CLEANUP(cleanup_free) char *text = malloc(n + 1);
	CLEANUP(cleanup_free) char *expanded = NULL;
	CLEANUP(cleanup_free) char *pattern = NULL;
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *later = NULL;
	struct err err = ERR_INIT;
	time_t made;

	if (text == NULL)
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';
	(void)name_suffix_compression(text);
	(void)name_has_time(text);
	(void)name_tells_day(text);
	(void)name_match("a%Y%-m%-d%Z%s.tar.gz", text, &made);
	if (name_expand(text, lookup, &expanded, &err) < 0 ||
	    name_template(expanded, &values, &pattern, &err) < 0 ||
	    name_format(pattern, 1000000000, &name, &err) < 0 ||
	    name_format(pattern, 1795140061, &later, &err) < 0)
		return 0;
	check_name(pattern, name, later);
	check_match(pattern, name);
	return 0;
}
