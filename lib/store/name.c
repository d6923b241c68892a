#define _GNU_SOURCE
#include "lib/store/name.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/base/tempfile.h"

#define NAME_BYTES_MAX 200
/* More than that is no name; so much as the conversions may still shrink. */
#define FORMAT_BYTES 4096

typedef const char *lookup_fn(const char *variable);

/* The length of the variable's name that text begins with, or 0. */
static size_t
variable_length(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	if (strspn(text, letters) == 0)
		return 0;
	return strspn(text, letters) + strspn(text + strspn(text, letters),
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
}

/* The variable's value, or the n bytes of fallback if it is unset or empty. */
static int
add_variable(struct str *s, const char *variable, size_t variable_len,
    const char *fallback, size_t n, lookup_fn *lookup, struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	char host[256];
	const char *value;

	if (str_format(&name, err, "%.*s", (int)variable_len, variable) < 0)
		return -1;
	value = lookup(name);
	/* Shells set it without exporting it: cron's runs do not see it. */
	if ((value == NULL || *value == '\0') &&
	    strcmp(name, "HOSTNAME") == 0 &&
	    gethostname(host, sizeof host) == 0) {
		host[sizeof host - 1] = '\0';
		value = host;
	}
	if (value != NULL && *value != '\0')
		str_add(s, value);
	else
		str_addn(s, fallback, n);
	return 0;
}

/* text is behind "${"; *ret_end is behind the "}". */
static int
add_braced(struct str *s, const char *text, const char **ret_end,
    lookup_fn *lookup, struct err *err)
{
	const char *end = strchr(text, '}');
	size_t n = variable_length(text);
	const char *fallback = text + n;

	if (end == NULL)
		return err_set(err, ERR_CONFIG, "unclosed brace in '${%s'",
		    text);
	if (n == 0 || (fallback != end && !str_starts(fallback, ":-")))
		return err_set(err, ERR_CONFIG, "'${%.*s}' is neither ${NAME} "
		    "nor ${NAME:-default}", (int)(end - text), text);
	if (fallback != end)
		fallback += 2;
	*ret_end = end + 1;
	return add_variable(s, text, n, fallback, (size_t)(end - fallback),
	    lookup, err);
}

/* text is behind the dollar; *ret_end is behind what was used of it. */
static int
add_dollar(struct str *s, const char *text, const char **ret_end,
    lookup_fn *lookup, struct err *err)
{
	size_t n = variable_length(text);

	*ret_end = text + n;
	if (n != 0)
		return add_variable(s, text, n, "", 0, lookup, err);
	if (*text == '(')
		return err_set(err, ERR_CONFIG,
		    "commands are not run in a name: '$%s'", text);
	if (*text == '{')
		return add_braced(s, text + 1, ret_end, lookup, err);
	str_add(s, "$");
	*ret_end = text + (*text == '$' ? 1 : 0);
	return 0;
}

int
name_expand(const char *text, const char *(*lookup)(const char *variable),
    char **ret, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;

	while (*text != '\0') {
		size_t n = strcspn(text, "$`");

		str_addn(&s, text, n);
		text += n;
		if (*text == '`')
			return err_set(err, ERR_CONFIG,
			    "commands are not run in a name: '%s'", text);
		if (*text == '$' &&
		    add_dollar(&s, text + 1, &text, lookup, err) < 0)
			return -1;
	}
	return str_take(&s, ret, err);
}

static void
add_quoted(struct str *s, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '%')
			str_add(s, "%");
		str_addn(s, value, 1);
	}
}

/* field is what stands between the braces. */
static int
add_field(struct str *s, const char *field, size_t n,
    const struct name_values *values, struct err *err)
{
	CLEANUP(cleanup_free) char *copy = NULL;
	const char *name;

	if (str_format(&copy, err, "%.*s", (int)n, field) < 0)
		return -1;
	name = str_trim(copy);
	if (strcmp(name, ".Extension") == 0)
		add_quoted(s, values->extension);
	else if (strcmp(name, ".Job") == 0)
		add_quoted(s, values->job);
	else
		return err_set(err, ERR_CONFIG, "unknown field '{{ %s }}' "
		    "(there are {{ .Extension }} and {{ .Job }})", name);
	return 0;
}

int
name_template(const char *text, const struct name_values *values, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	const char *open, *close;

	while ((open = strstr(text, "{{")) != NULL) {
		close = strstr(open + 2, "}}");
		if (close == NULL)
			return err_set(err, ERR_CONFIG,
			    "unclosed braces in '%s'", open);
		str_addn(&s, text, (size_t)(open - text));
		if (add_field(&s, open + 2, (size_t)(close - open - 2), values,
		    err) < 0)
			return -1;
		text = close + 2;
	}
	str_add(&s, text);
	return str_take(&s, ret, err);
}

static int
check_name(const char *name, struct err *err)
{
	if (*name == '\0')
		return err_set(err, ERR_CONFIG, "archive name is empty");
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strchr(name, '/') != NULL)
		return err_set(err, ERR_CONFIG,
		    "archive name '%s' is not the name of a file", name);
	if (str_starts(name, TEMPFILE_PREFIX))
		return err_set(err, ERR_CONFIG, "archive name '%s' begins "
		    "with '%s' (as temporary files do)", name,
		    TEMPFILE_PREFIX);
	if (strlen(name) > NAME_BYTES_MAX)
		return err_set(err, ERR_CONFIG,
		    "archive name '%s' is longer than %d bytes", name,
		    NAME_BYTES_MAX);
	return 0;
}

int
name_format(const char *pattern, time_t t, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *padded = NULL;
	char name[FORMAT_BYTES];
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return err_sys(err, "cannot tell the time");
	/* One byte more, in front: else an empty result looks like failure. */
	if (str_format(&padded, err, "x%s", pattern) < 0)
		return -1;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (strftime(name, sizeof name, padded, &tm) == 0)
#pragma GCC diagnostic pop
		return err_set(err, ERR_CONFIG,
		    "archive name is longer than %d bytes", NAME_BYTES_MAX);
	if (check_name(name + 1, err) < 0)
		return -1;
	return str_dup(name + 1, ret, err);
}

bool
name_has_time(const char *pattern)
{
	while ((pattern = strchr(pattern, '%')) != NULL) {
		pattern++;
		/* Flags, a width, and one modifier, as in %-d and %Oy. */
		pattern += strspn(pattern, "_-0^#");
		pattern += strspn(pattern, "0123456789");
		pattern += *pattern == 'E' || *pattern == 'O';
		if (*pattern == '\0')
			return false;
		/* Others are no conversion and stay as they are. */
		if (strchr("aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ",
		    *pattern) != NULL)
			return true;
		pattern++;
	}
	return false;
}

const char *
name_suffix_compression(const char *name)
{
	static const struct {
		const char *suffix;
		const char *compression;
	} suffixes[] = {
		{ ".tar.gz", "gz" },
		{ ".tgz", "gz" },
		{ ".tar.zst", "zst" },
		{ ".tzst", "zst" },
		{ ".tar", "none" },
	};
	size_t i;

	for (i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
		if (str_ends(name, suffixes[i].suffix))
			return suffixes[i].compression;
	return NULL;
}
