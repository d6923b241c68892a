/*
 * tables TEMPLATE: print a manual page, with the lists that come from the
 * project's tables put in: the line @OPTIONS@ becomes every setting, the line
 * @EXIT_STATUS@ every exit status, the line @EXAMPLES@ the directory that they
 * are installed in. Runs at build time only.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_config.h"
#include "lib/base/err.h"
#include "lib/config/options.h"

static const char *const type_names[] = {
	[OPTION_STRING] = "text",
	[OPTION_SECRET] = "secret",
	[OPTION_BOOL] = "yes or no",
	[OPTION_INT] = "number",
	[OPTION_DURATION] = "duration",
	[OPTION_SIZE] = "size",
	[OPTION_MODE] = "octal mode",
	[OPTION_CHOICE] = "one of",
	[OPTION_LIST] = "list",
};

/* A text as mdoc: no macro at the start of a line, no escape. */
static void
print_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			(void)fputs("\\e", stdout);
		else if (*text == '-')
			(void)fputs("\\-", stdout);
		else if (*text == '"')
			(void)fputs("\\(dq", stdout);
		else
			(void)putchar(*text);
	}
}

static void
print_type(const struct option_spec *spec)
{
	const char *const *choice;

	(void)printf("%s", type_names[spec->type]);
	if (spec->type == OPTION_CHOICE)
		for (choice = spec->choices; *choice != NULL; choice++)
			(void)printf("%s %s", choice == spec->choices ? "" :
			    ",", *choice);
	if (spec->type == OPTION_INT && spec->max != 0)
		(void)printf(" from %lld to %lld%s", (long long)spec->min,
		    (long long)spec->max,
		    (spec->flags & OPTION_OR_ZERO) != 0 ? ", or 0" : "");
}

static void
print_option(const struct option_spec *spec)
{
	CLEANUP(cleanup_free) char *env = NULL;
	struct err err = ERR_INIT;

	if (option_env(spec, &env, &err) < 0)
		exit(1);
	(void)printf(".It Ic %s Pq Ev %s\n", spec->key, env);
	print_text(spec->help);
	(void)printf("\nValue: ");
	print_type(spec);
	(void)printf("; default: ");
	if (spec->def != NULL)
		print_text(spec->def);
	else
		(void)printf("unset");
	(void)printf(".\n");
	if (spec->env_old != NULL)
		(void)printf("Early name of the variable:\n.Ev %s .\n",
		    spec->env_old);
	if ((spec->flags & OPTION_RUN_WIDE) != 0)
		(void)printf("Not in a job.\n");
	if ((spec->flags & OPTION_REPEATS) != 0)
		(void)printf("The key may stand more than once.\n");
}

static void
print_options(void)
{
	const char *section = NULL;
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *spec = &option_specs[i];

		if (section == NULL || strcmp(section, spec->section) != 0) {
			if (section != NULL)
				(void)printf(".El\n");
			section = spec->section;
			(void)printf(".Ss Section [%s]\n"
			    ".Bl -tag -width Ds\n", section);
		}
		print_option(spec);
	}
	(void)printf(".El\n");
}

static void
print_exit_status(void)
{
	(void)printf(".Bl -tag -width Ds\n");
#define EXIT_STATUS(name, number, meaning)				\
	(void)printf(".It %d\n", number);				\
	print_text(meaning);						\
	(void)putchar('\n');
#include "lib/base/exit_status.def"
#undef EXIT_STATUS
	(void)printf(".El\n");
}

int
main(int argc, char **argv)
{
	CLEANUP(cleanup_fclose) FILE *template = NULL;
	char line[4096];

	if (argc != 2 || (template = fopen(argv[1], "r")) == NULL)
		return 1;
	while (fgets(line, sizeof line, template) != NULL) {
		if (strcmp(line, "@OPTIONS@\n") == 0)
			print_options();
		else if (strcmp(line, "@EXIT_STATUS@\n") == 0)
			print_exit_status();
		else if (strcmp(line, "@EXAMPLES@\n") == 0)
			(void)printf(".Pa %s\n", BUILD_EXAMPLE_DIRECTORY);
		else
			(void)fputs(line, stdout);
	}
	return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1;
}
