#include "lib/config/config.h"

#include <string.h>

#include "lib/config/ini.h"

#define WIDTH 78

static const char head[] =
    "# Settings of vbackup; vbackup.conf(5) tells more. What stands here are\n"
    "# the defaults: take the # away and change what you need. A line that\n"
    "# begins with a blank continues the value above it. Instead of KEY, any\n"
    "# setting may be given as KEY_file, the name of a file that holds the\n"
    "# value, and a secret as KEY_command, a command that prints it.\n";

static const char tail[] =
    "\n"
    "# More stores, beside those above and for every job, each with a name.\n"
    "# What it does not set is as above, but for the path of an archive.\n"
    "#[archive nas]\n"
    "#path = /mnt/nas\n"
    "#[s3 offsite]\n"
    "#bucket = backups\n"
    "#endpoint = s3.example.com\n"
    "\n"
    "# A job makes an archive of its own. It takes over everything above and\n"
    "# changes some of it: keys of [backup] as they are, others with their\n"
    "# section in front.\n"
    "#[job web]\n"
    "#sources = /srv/web\n"
    "#archive.path = /archive/web\n";

/* Prose as comment lines that are not too long. */
static void
add_prose(const char *prose, struct str *ret)
{
	size_t column = 0;
	const char *word = prose + strspn(prose, " ");

	while (*word != '\0') {
		size_t n = strcspn(word, " ");

		if (column != 0 && column + 1 + n > WIDTH) {
			str_add(ret, "\n");
			column = 0;
		}
		str_add(ret, column == 0 ? "# " : " ");
		column += (column == 0 ? 2 : 1) + n;
		str_addn(ret, word, n);
		word += n + strspn(word + n, " ");
	}
	str_add(ret, "\n");
}

static void
add_choices(const struct option_spec *spec, struct str *prose)
{
	const char *const *choice;

	str_add(prose, " One of");
	for (choice = spec->choices; *choice != NULL; choice++)
		str_addf(prose, "%s %s", choice == spec->choices ? "" : ",",
		    *choice);
	str_add(prose, ".");
}

static int
add_setting(const struct option_spec *spec, struct str *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *env = NULL;
	CLEANUP(str_free) struct str prose = STR_INIT;

	if (option_env(spec, &env, err) < 0)
		return -1;
	str_add(&prose, spec->help);
	if (spec->choices != NULL)
		add_choices(spec, &prose);
	str_addf(&prose, " Variable: %s.", env);
	if (prose.failed)
		return err_nomem(err);
	str_add(ret, "\n");
	add_prose(prose.s, ret);
	inifile_write(spec->key, spec->def != NULL ? spec->def : "", "#",
	    ret);
	return 0;
}

int
config_sample(char **ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	const char *section = "";
	int id;

	str_add(&text, head);
	for (id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];

		if (strcmp(spec->section, section) != 0)
			str_addf(&text, "\n[%s]\n", spec->section);
		section = spec->section;
		if (add_setting(spec, &text, err) < 0)
			return -1;
	}
	str_add(&text, tail);
	return str_take(&text, ret, err);
}
