/*
 * From files and the environment to options, and what is said of mistakes.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/config/config.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* A directory for each test: vbackup.conf, value and conf.d are in it. */
static char root[64], file[96], directory[96], value[96];

static void
write_bytes(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

static void
write_member(const char *name, const char *text)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	write_text(path, text);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof root, "/tmp/vbackup-config-XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	(void)snprintf(file, sizeof file, "%s/vbackup.conf", root);
	(void)snprintf(directory, sizeof directory, "%s/conf.d", root);
	(void)snprintf(value, sizeof value, "%s/value", root);
	return mkdir(directory, 0700);
}

static int
tear_down(void **state)
{
	char command[200];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

/* ini: NULL for no file; variables: NULL-terminated, or NULL. */
static struct config
load(const char *ini, const char *const *variables)
{
	struct config_input input = { ini != NULL ? file : NULL, directory,
		(char *const *)(uintptr_t)variables };
	struct config config;
	struct err err = ERR_INIT;

	if (ini != NULL)
		write_text(file, ini);
	if (config_load(&input, &config, &err) < 0)
		fail_msg("%s", err.msg);
	return config;
}

static struct config
load_well(const char *ini, const char *const *variables)
{
	struct config config = load(ini, variables);

	if (config.problems.n != 0)
		fail_msg("%s", config.problems.v[0]);
	return config;
}

/* In expected, @ stands for root; "" is none; a bar separates lines. */
static void
assert_lines(const struct strlist *lines, const char *expected)
{
	CLEANUP(str_free) struct str want = STR_INIT;
	CLEANUP(str_free) struct str have = STR_INIT;
	size_t i;

	str_add(&want, "");
	str_add(&have, "");
	for (; *expected != '\0'; expected++) {
		if (*expected == '@')
			str_add(&want, root);
		else
			str_addn(&want, expected, 1);
	}
	for (i = 0; i < lines->n; i++)
		str_addf(&have, "%s%s", i != 0 ? "|" : "", lines->v[i]);
	assert_string_equal(have.s, want.s);
}

static void
assert_list(const struct strlist *list, const char *expected)
{
	CLEANUP(str_free) struct str have = STR_INIT;
	size_t i;

	str_add(&have, "");
	for (i = 0; i < list->n; i++)
		str_addf(&have, "%s%s", i != 0 ? "|" : "", list->v[i]);
	assert_string_equal(have.s, expected);
}

/* --- the file ------------------------------------------------------------ */

static void
a_value_runs_to_the_end_of_its_line_and_over_indented_ones(void **state)
{
	static const struct {
		const char *ini, *filename;
	} rows[] = {
		{ "[backup]\nfilename = a\n", "a" },
		{ "[backup]\nfilename=a", "a" },
		{ "[backup]\r\nfilename = a\r\n", "a" },
		{ "\xef\xbb\xbf[backup]\nfilename = a\n", "a" },
		{ "\xef\xbb\xbf# c\n[backup]\nfilename = a\n", "a" },
		{ "[ backup ]\nfilename: a\n", "a" },
		{ "[backup]\nfilename = a ; b # c\n", "a ; b # c" },
		{ "[backup]\nfilename = ;a\n", ";a" },
		{ "[backup]\nfilename = \"a\"\n", "\"a\"" },
		{ "[backup]\nfilename = a = b: c\n", "a = b: c" },
		{ "; c\n[backup]\n# c\n  ; c\nfilename = a\n", "a" },
		{ "[backup]\nfilename = a\n\n  # c\n\tb\n", "a\nb" },
		{ "[backup]\nfilename =\n a\n b\n", "a\nb" },
		{ "[backup]\nfilename =\n\t\\\n\t\\#\n\t\\  x\n\t\\\\\n\t\\y\n",
		    "\n#\n  x\n\\\n\\y" },
		{ "[backup]\nfilename = a\n [lock]\n", "a\n[lock]" },
		{ "[backup]\n[lock]\ntimeout = 5s\n[backup]\nfilename = a\n",
		    "a" },
		{ "[backup]\nfilename =\n", NULL },
		{ "[backup]\n", NULL },
		{ "", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct config config = load_well(rows[i].ini, NULL);

		if (rows[i].filename == NULL)
			assert_false(options_is_set(&config.base,
			    OPTION_ID_filename));
		else
			assert_string_equal(config.base.filename,
			    rows[i].filename);
		assert_int_equal(config.warnings.n, 0);
		config_free(&config);
	}
}

static void
a_line_may_have_64_kib(void **state)
{
	static char text[2 * 65536];
	size_t head = strlen("[backup]\n");
	struct config config;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	memcpy(text, "[backup]\nfilename = ", head + 11);
	memcpy(text + head + 65536, "\nlatest_symlink = y\n", 21);
	config = load_well(text, NULL);
	assert_int_equal(strlen(config.base.filename), 65536 - 11);
	assert_string_equal(config.base.latest_symlink, "y");
	config_free(&config);

	memset(text + head + 65536, 'x', 1);
	memcpy(text + head + 65537, "\n  z\nlatest_symlink = y\n", 25);
	config = load(text, NULL);
	assert_lines(&config.problems,
	    "@/vbackup.conf:2: a line of more than 64 KiB");
	assert_string_equal(config.base.latest_symlink, "y");
	config_free(&config);
}

static void
a_repeating_key_adds_to_its_list(void **state)
{
	struct config config = load_well("[backup]\nexclude = a, b\n"
	    "sources = /x,\n /y\n\n /z\nexclude =\n\tc\nexclude = d\n", NULL);

	(void)state;
	assert_list(&config.base.exclude, "a|b|c|d");
	assert_list(&config.base.sources, "/x|/y|/z");
	config_free(&config);
}

static void
mistakes_are_all_told_with_file_and_line(void **state)
{
	static const struct {
		const char *ini, *problems;
	} rows[] = {
		{ "[backup]\nretenton = 1\ncompresion = gz\n",
		    "@/vbackup.conf:2: unknown key 'retenton' in [backup]|"
		    "@/vbackup.conf:3: unknown key 'compresion' in [backup] "
		    "(did you mean 'compression'?)" },
		{ "[backup]\ntimeout = 1s\n a\n",
		    "@/vbackup.conf:2: unknown key 'timeout' in [backup] "
		    "(it belongs in [exec])" },
		{ "[bakup]\nx = 1\n y\n[]\n[archives]\n[jobs x]\n",
		    "@/vbackup.conf:1: unknown section [bakup] (did you mean "
		    "[backup]?)|"
		    "@/vbackup.conf:4: unknown section []|"
		    "@/vbackup.conf:5: unknown section [archives] (did you "
		    "mean [archive]?)|"
		    "@/vbackup.conf:6: unknown section [jobs x] (did you mean "
		    "[job NAME]?)" },
		{ "filename = x\n y\n",
		    "@/vbackup.conf:1: 'filename' stands before the first "
		    "[section]" },
		{ " filename = x\n[backup]\n filename = x\n",
		    "@/vbackup.conf:1: a line that begins with a blank "
		    "continues the value above it, and there is none|"
		    "@/vbackup.conf:3: a line that begins with a blank "
		    "continues the value above it, and there is none" },
		{ "[backup]\nfilename\n x\n[backup\n y\nfilename = x\n=x\n",
		    "@/vbackup.conf:2: neither [section] nor key = value|"
		    "@/vbackup.conf:4: a section does not end in ]|"
		    "@/vbackup.conf:7: neither [section] nor key = value" },
		{ "[backup]\na ;b = c\n"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1\n",
		    "@/vbackup.conf:2: no key has a semicolon|"
		    "@/vbackup.conf:3: no key is as long as this one" },
		{ "[seal]\npassphrase geheim= \ngeh/eim=\ngeh+eim==\n",
		    "@/vbackup.conf:2: no key has a blank or such a character "
		    "(is there no '=' behind it?)|"
		    "@/vbackup.conf:3: no key has a blank or such a character "
		    "(is there no '=' behind it?)|"
		    "@/vbackup.conf:4: no key has a blank or such a character "
		    "(is there no '=' behind it?)" },
		{ "[backup]\nfilename = a\nfilename = b\n c\nfilename = d\n",
		    "@/vbackup.conf:3: 'filename' is set twice (first at "
		    "@/vbackup.conf:2)|"
		    "@/vbackup.conf:5: 'filename' is set twice (first at "
		    "@/vbackup.conf:2)" },
		{ "[backup]\nexclude_file = /x\nexclude_file = /x\n",
		    "@/vbackup.conf:3: 'exclude_file' is set twice (first at "
		    "@/vbackup.conf:2)|"
		    "@/vbackup.conf:2: exclude_file: cannot open '/x': No "
		    "such file or directory" },
		{ "[job a\tb]\nx = 1\n",
		    "@/vbackup.conf:1: 'a\tb' cannot be a job's name (it "
		    "needs one, without a slash)" },
		{ "[backup]\nfilename = a\n[backup]\nfilename = b\n",
		    "@/vbackup.conf:4: 'filename' is set twice (first at "
		    "@/vbackup.conf:2)" },
		{ "[backup]\nfilename_file = /x\nfilename = b\n",
		    "@/vbackup.conf:2: filename_file: cannot open '/x': No "
		    "such file or directory|"
		    "@/vbackup.conf:3: filename: the same setting is given by "
		    "'filename_file' at @/vbackup.conf:2 (only one of them "
		    "may be there)" },
		{ "[backup]\ncompression = lzma\nparallelism = 300\n"
		    "[lock]\ntimeout = 5\n",
		    "@/vbackup.conf:2: compression: 'lzma' is none of auto, "
		    "gz, zst, none|"
		    "@/vbackup.conf:3: parallelism: '300' is not within 0 to "
		    "256|"
		    "@/vbackup.conf:5: timeout: '5' is not a duration (such "
		    "as 90s or 1h30m)" },
		{ "[backup]\nparallelism = 1\n 2\n",
		    "@/vbackup.conf:2: parallelism: '1\n2' is not a whole "
		    "number" },
		{ "[backup]\nfilename_command = echo x\n",
		    "@/vbackup.conf:2: 'filename_command' is of no use: only "
		    "a secret may be given by a command" },
		{ "[backup]\nfi\tlename = \x01\n",
		    "@/vbackup.conf:2: no key has a blank or such a character "
		    "(is there no '=' behind it?)" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct config config = load(rows[i].ini, NULL);

		assert_lines(&config.problems, rows[i].problems);
		config_free(&config);
	}
}

/* A string of the environment is where /proc shows it: it is not enough to take
 * it out of the list. */
static void
secrets_are_overwritten_in_the_environment(void **state)
{
	char secret[] = "GPG_PASSPHRASE=geheim";
	char other[] = "BACKUP_ARCHIVE=/x";

	(void)state;
	assert_int_equal(putenv(secret), 0);
	assert_int_equal(putenv(other), 0);
	config_forget_secrets();
	assert_null(getenv("GPG_PASSPHRASE"));
	assert_memory_equal(secret, "GPG_PASSPHRASE=\0\0\0\0\0\0",
	    sizeof secret);
	assert_string_equal(getenv("BACKUP_ARCHIVE"), "/x");
	assert_int_equal(unsetenv("BACKUP_ARCHIVE"), 0);
}

static void
a_nul_byte_is_a_problem_of_its_line(void **state)
{
	struct config_input input = { file, NULL, NULL };
	struct config config;
	struct err err = ERR_INIT;

	(void)state;
	write_bytes(file, "[backup]\nfile\0name = x\n y\nfilename = z\n", 39);
	assert_int_equal(config_load(&input, &config, &err), 0);
	assert_lines(&config.problems,
	    "@/vbackup.conf:2: a line with a NUL byte");
	assert_string_equal(config.base.filename, "z");
	config_free(&config);
}

static void
a_file_that_was_named_must_be_there(void **state)
{
	struct config_input input = { file, NULL, NULL };
	struct config config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(config_load(&input, &config, &err), 0);
	assert_lines(&config.problems, "cannot open '@/vbackup.conf': No such "
	    "file or directory");
	assert_int_equal(config.base.lock_timeout_ns, INT64_C(3600000000000));
	assert_int_equal(config.n_stores, 0);
	config_free(&config);
	config_free(&config);	/* twice does no harm */
}

/* --- the environment ----------------------------------------------------- */

static void
the_environment_goes_over_the_file(void **state)
{
	const char *const environment[] = { "BACKUP_FILENAME=env",
		"BACKUP_FILENAME=second", "BACKUP_LATEST_SYMLINK=",
		"VBACKUP_BACKUP_EXCLUDE=x,y", "TZ_COMMAND=date", "PATH=/bin",
		"NO_EQUALS", "AWS_REGION=x", "BACKUP_COMPRESSION_FILE=", NULL };
	struct config config = load_well("[backup]\nfilename = file\n"
	    "latest_symlink = kept\nexclude = a\ncompression = zst\n",
	    environment);
	const struct option_origin *origin = config.base.origin;

	(void)state;
	assert_string_equal(config.base.filename, "env");
	assert_int_equal(origin[OPTION_ID_filename].kind, ORIGIN_ENVIRONMENT);
	assert_string_equal(origin[OPTION_ID_filename].where,
	    "BACKUP_FILENAME");
	assert_string_equal(config.base.latest_symlink, "kept");
	assert_int_equal(config.base.compression, 2);
	assert_int_equal(origin[OPTION_ID_latest_symlink].kind, ORIGIN_FILE);
	assert_list(&config.base.exclude, "x|y");
	assert_int_equal(config.warnings.n, 0);
	config_free(&config);
}

static void
any_variable_may_name_a_file_instead(void **state)
{
	char variable[200];
	const char *const environment[] = { variable, NULL };
	struct config config;

	(void)state;
	(void)snprintf(variable, sizeof variable, "BACKUP_SOURCES_FILE=%s",
	    value);
	write_text(value, "/a, /b\n/c\n\n");
	config = load_well(NULL, environment);
	assert_list(&config.base.sources, "/a|/b|/c");
	assert_string_equal(config.base.origin[OPTION_ID_sources].where,
	    "BACKUP_SOURCES_FILE");
	config_free(&config);

	write_text(value, "\n");
	config = load_well("[backup]\nsources = /x\n", environment);
	assert_list(&config.base.sources, "/x");
	config_free(&config);
}

/* --- systemd's credentials ----------------------------------------------- */

/* Up to three files below root; and up to two variables. */
struct credentials {
	struct { const char *name, *content; } files[3];
	const char *variables[2];
};

static struct config
load_credentials(const char *ini, const struct credentials *credentials)
{
	char variable[128], secrets[96], path[200];
	const char *environment[] = { variable, credentials->variables[0],
		credentials->variables[1], NULL };
	struct config config;
	size_t i;

	(void)snprintf(secrets, sizeof secrets, "%s/c", root);
	assert_int_equal(mkdir(secrets, 0700), 0);
	(void)snprintf(variable, sizeof variable, "CREDENTIALS_DIRECTORY=%s",
	    secrets);
	for (i = 0; i < 3 && credentials->files[i].name != NULL; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", secrets,
		    credentials->files[i].name);
		if (credentials->files[i].content == NULL)
			assert_int_equal(mkdir(path, 0700), 0);
		else
			write_text(path, credentials->files[i].content);
	}
	config = load(ini, environment);
	(void)snprintf(path, sizeof path, "rm -rf '%s'", secrets);
	assert_int_equal(system(path), 0);
	return config;
}

static void
a_credential_is_the_variable_that_it_is_called_as(void **state)
{
	static const struct credentials credentials = { .files = {
		{ "GPG_PASSPHRASE", "open sesame\r\n\n" },
		{ "BACKUP_SOURCES", "/a\n/b\n" },
		{ "LOCK_TIMEOUT", "\n" } } };
	struct config config = load_credentials("[lock]\ntimeout = 5s\n"
	    "[seal]\npassphrase = of the file\n[job x]\nsources = /x\n"
	    "[job y]\nsources = /y\nseal.passphrase = of the job\n",
	    &credentials);
	char where[200];

	(void)state;
	assert_lines(&config.problems, "");
	assert_lines(&config.warnings, "");
	assert_string_equal(config.base.seal_passphrase, "open sesame");
	assert_list(&config.base.sources, "/a|/b");
	assert_int_equal(config.base.lock_timeout_ns, INT64_C(5000000000));
	(void)snprintf(where, sizeof where, "%s/c/GPG_PASSPHRASE", root);
	assert_string_equal(
	    config.base.origin[OPTION_ID_seal_passphrase].where, where);
	assert_int_equal(config.base.origin[OPTION_ID_seal_passphrase].kind,
	    ORIGIN_ENVIRONMENT);
	assert_int_equal(config.n_jobs, 2);
	assert_string_equal(config.jobs[0].options.seal_passphrase,
	    "open sesame");
	assert_string_equal(config.jobs[1].options.seal_passphrase,
	    "of the job");
	config_free(&config);
}

static void
what_credentials_say_is_judged(void **state)
{
	static const struct {
		struct credentials credentials;
		const char *problems, *warnings;
	} rows[] = {
		{ { { { "GPG_PASSPHRASE", "x" } },
		    { "GPG_PASSPHRASE=y" } }, "@/c/GPG_PASSPHRASE: the same "
		    "setting is given by 'GPG_PASSPHRASE' (only one of them "
		    "may be there)", "" },
		{ { { { "GPG_PASSPHRASE", "x" } },
		    { "GPG_PASSPHRASE_FILE=/dev/zero" } },
		    "GPG_PASSPHRASE_FILE: cannot read '/dev/zero': more than "
		    "1048576 bytes|@/c/GPG_PASSPHRASE: the same setting is "
		    "given by 'GPG_PASSPHRASE_FILE' (only one of them may be "
		    "there)", "" },
		{ { { { "GPG_PASSPHRASE", "x" } },
		    { "GPG_PASSPHRASE_COMMAND=echo y" } },
		    "@/c/GPG_PASSPHRASE: the same setting is given by "
		    "'GPG_PASSPHRASE_COMMAND' (only one of them may be there)",
		    "" },
		{ { { { "GPG_PASSPHRASE", "" } } }, "@/c/GPG_PASSPHRASE: a "
		    "secret must not be empty", "" },
		{ { { { "GPG_PASSPHRASE", NULL } } }, "@/c/GPG_PASSPHRASE: "
		    "cannot read '@/c/GPG_PASSPHRASE': Is a directory", "" },
		{ { { { "LOCK_TIMEOUT", "5 parsecs" } } },
		    "@/c/LOCK_TIMEOUT: '5 parsecs' is not a duration (such "
		    "as 90s or 1h30m)", "" },
		{ { { { "VBACKUP_LOCK_DIRECTRY", "x" } } }, "credential "
		    "VBACKUP_LOCK_DIRECTRY: unknown variable (did you mean "
		    "VBACKUP_LOCK_DIRECTORY?)", "" },
		{ { { { "VBACKUP_", "x" } } },
		    "credential VBACKUP_: unknown variable", "" },
		{ { { { "GPG_PASSPHRASE_FILE", "x" } } }, "credential "
		    "GPG_PASSPHRASE_FILE: a credential is called as the "
		    "variable, without _FILE or _COMMAND", "" },
		{ { { { "LOCK_TIMEOUT_COMMAND", "x" } } }, "credential "
		    "LOCK_TIMEOUT_COMMAND: a credential is called as the "
		    "variable, without _FILE or _COMMAND", "" },
		{ { { { "BACKUP_SOURCE", "x" }, { "tls.key", "x" },
		    { "gpg_passphrase", "x" } } }, "", "" },
		{ { { { ".VBACKUP_X", "x" } } }, "", "" },
		{ { { { "BACKUP_STOP_CONTAINER_LABEL", "x" } } }, "",
		    "credential BACKUP_STOP_CONTAINER_LABEL: an early name, "
		    "now it is BACKUP_STOP_DURING_BACKUP_LABEL" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct config config = load_credentials(NULL,
		    &rows[i].credentials);

		assert_lines(&config.problems, rows[i].problems);
		assert_lines(&config.warnings, rows[i].warnings);
		config_free(&config);
	}
}

static void
no_directory_of_credentials_is_no_mistake(void **state)
{
	char file_instead[200];
	const char *const none[] = { "CREDENTIALS_DIRECTORY=", NULL };
	const char *const missing[] = { "CREDENTIALS_DIRECTORY=/not/there",
		NULL };
	const char *const wrong[] = { file_instead, NULL };
	struct config config = load_well(NULL, none);

	(void)state;
	config_free(&config);
	config = load_well(NULL, missing);
	config_free(&config);
	write_text(value, "");
	(void)snprintf(file_instead, sizeof file_instead,
	    "CREDENTIALS_DIRECTORY=%s", value);
	config = load(NULL, wrong);
	assert_lines(&config.problems, "CREDENTIALS_DIRECTORY: cannot read "
	    "directory '@/value': Not a directory");
	config_free(&config);
}

static void
what_variables_say_is_judged(void **state)
{
	static const struct {
		const char *a, *b, *problems, *warnings;
	} rows[] = {
		{ "BACKUP_COMPRESSION=lzma", NULL, "BACKUP_COMPRESSION: "
		    "'lzma' is none of auto, gz, zst, none", "" },
		{ "VBACKUP_LOCK_DIRECTRY=/x", NULL, "VBACKUP_LOCK_DIRECTRY: "
		    "unknown variable (did you mean VBACKUP_LOCK_DIRECTORY?)",
		    "" },
		{ "VBACKUP_BACKUP_SOURCES=/x", NULL, "VBACKUP_BACKUP_SOURCES: "
		    "unknown variable (did you mean BACKUP_SOURCES?)", "" },
		{ "VBACKUP_SOMETHING_ELSE_ENTIRELY=1", NULL,
		    "VBACKUP_SOMETHING_ELSE_ENTIRELY: unknown variable", "" },
		{ "VBACKUP_BUT_LONGER_THAN_ANY_NAME_THAT_WE_HAVE_OR_WILL_"
		    "EVER_HAVE_SO_THAT_A_THIRD_OF_IT_IS_FURTHER_THAN_WHAT_"
		    "STR_DISTANCE_GIVES_AS_FAR_IF_IT_IS_TWO_HUNDRED_LONG_"
		    "OR_MORE_THAN_TWO_HUNDRED_LONG_IN_ALL=1", NULL,
		    "VBACKUP_BUT_LONGER_THAN_ANY_NAME_THAT_WE_HAVE_OR_WILL_"
		    "EVER_HAVE_SO_THAT_A_THIRD_OF_IT_IS_FURTHER_THAN_WHAT_"
		    "STR_DISTANCE_GIVES_AS_FAR_IF_IT_IS_TWO_HUNDRED_LONG_"
		    "OR_MORE_THAN_TWO_HUNDRED_LONG_IN_ALL: unknown variable",
		    "" },
		{ "BACKUP_SOURCE=/x", NULL, "BACKUP_SOURCE: unknown variable "
		    "(did you mean BACKUP_SOURCES?)", "" },
		{ "BACKUP_PC_HOME_OF_IT_ALL=/x", NULL, "",
		    "BACKUP_PC_HOME_OF_IT_ALL: unknown variable" },
		{ "LOCK_TIMEOUT=5s", "LOCK_TIMEOUT_FILE=/x",
		    "LOCK_TIMEOUT_FILE: the same setting is given by "
		    "'LOCK_TIMEOUT' (only one of them may be there)", "" },
		{ "LOCK_TIMEOUT=5s", "LOCK_TIMEOUT_FILE=", "", "" },
		{ "LOCK_TIMEOUT_FILE=/not/there", NULL, "LOCK_TIMEOUT_FILE: "
		    "cannot open '/not/there': No such file or directory",
		    "" },
		{ "BACKUP_STOP_CONTAINER_LABEL=x", NULL, "",
		    "BACKUP_STOP_CONTAINER_LABEL: an early name, now it is "
		    "BACKUP_STOP_DURING_BACKUP_LABEL" },
		{ "BACKUP_STOP_CONTAINER_LABEL=", NULL, "", "" },
		{ "BACKUP_STOP_CONTAINER_LABEL=x",
		    "BACKUP_STOP_DURING_BACKUP_LABEL=x", "",
		    "BACKUP_STOP_CONTAINER_LABEL: an early name, now it is "
		    "BACKUP_STOP_DURING_BACKUP_LABEL" },
		{ "BACKUP_STOP_CONTAINER_LABEL=x",
		    "BACKUP_STOP_DURING_BACKUP_LABEL=y",
		    "BACKUP_STOP_DURING_BACKUP_LABEL: the same setting is "
		    "given by 'BACKUP_STOP_CONTAINER_LABEL', with another "
		    "value",
		    "BACKUP_STOP_CONTAINER_LABEL: an early name, now it is "
		    "BACKUP_STOP_DURING_BACKUP_LABEL" },
		{ "BACKUP_CRON_EXPRESSION=@daily", NULL, "", "" },
		{ "BACKUP_FILENAME_COMMAND=date", NULL,
		    "BACKUP_FILENAME_COMMAND: 'BACKUP_FILENAME_COMMAND' is of "
		    "no use: only a secret may be given by a command", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		const char *environment[] = { rows[i].a, rows[i].b, NULL };
		struct config config = load(NULL, environment);

		assert_lines(&config.problems, rows[i].problems);
		assert_lines(&config.warnings, rows[i].warnings);
		config_free(&config);
	}
}

/* Names that no version will have as a setting of its own stand here, so that
 * this need not change with every row that goes. */
static void
what_we_lack_is_refused_but_not_its_value(void **state)
{
	static const struct {
		const char *variable, *problem, *warning;
	} rows[] = {
		{ "DROPBOX_REFRESH_TOKEN=hunter22", "DROPBOX_REFRESH_TOKEN: "
		    "there is no Dropbox store in this version (unset it to "
		    "go on without)", "" },
		{ "DROPBOX_APP_KEY_FILE=/hunter22", "DROPBOX_APP_KEY_FILE: "
		    "there is no Dropbox store in this version (unset it to "
		    "go on without)", "" },
		{ "GOOGLE_DRIVE_CREDENTIALS_JSON_FILE=/x",
		    "GOOGLE_DRIVE_CREDENTIALS_JSON_FILE: there is no Google "
		    "Drive store in this version (unset it to go on without)",
		    "" },
		{ "DROPBOX_REFRESH_TOKEN=", "", "" },
		{ "BACKUP_CRON_EXPRESSION_FILE=/x", "", "" },
		{ "WEBDAV_URL_OF_MINE=x", "", "" },
		{ "PACKAGE_NAME=x", "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		const char *environment[] = { rows[i].variable, NULL };
		struct config config = load(NULL, environment);

		assert_lines(&config.problems, rows[i].problem);
		assert_lines(&config.warnings, rows[i].warning);
		config_free(&config);
	}
}

/* --- jobs ---------------------------------------------------------------- */

static void
a_job_goes_over_file_and_environment(void **state)
{
	const char *const environment[] = { "BACKUP_FILENAME=env",
		"BACKUP_COMPRESSION=zst", NULL };
	struct config config = load_well("[job b]\nfilename = job\n"
	    "archive.path = /b\nexclude =\nbackup.parallelism = 2\n"
	    "[job  a b ]\n"
	    "[backup]\nfilename = base\nexclude = x\nsources = /s\n",
	    environment);
	const struct options *job = &config.jobs[0].options;

	(void)state;
	assert_int_equal(config.n_jobs, 2);
	assert_string_equal(config.jobs[0].name, "b");
	assert_string_equal(job->filename, "job");
	assert_string_equal(job->archive_path, "/b");
	assert_int_equal(job->parallelism, 2);
	assert_int_equal(job->compression, 2);
	assert_list(&job->exclude, "");
	assert_list(&job->sources, "/s");
	assert_string_equal(config.jobs[1].name, "a b");
	assert_string_equal(config.jobs[1].options.filename, "env");
	assert_list(&config.jobs[1].options.exclude, "x");
	assert_string_equal(config.base.filename, "env");
	config_free(&config);
}

static void
a_job_that_names_sources_or_volumes_gets_no_others(void **state)
{
	static const struct {
		const char *ini, *sources, *volumes;
	} rows[] = {
		{ "[backup]\nsources = /a\n[job x]\n", "/a", "labelled" },
		{ "[backup]\nsources = /a\n[job x]\nsources = /b\n", "/b",
		    "none" },
		{ "[backup]\nsources = /a\n[job x]\nsources = /a\n", "/a",
		    "none" },
		{ "[backup]\nsources = /a\n[job x]\nvolumes = v\n", "", "v" },
		{ "[job x]\nvolumes = v\nsources = /b\n", "/b", "v" },
		{ "[backup]\nvolumes = all\n[job x]\nsources = /b\n", "/b",
		    "none" },
		{ "[backup]\nvolumes = all\n[job x]\nsources =\n", "", "all" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct config config = load_well(rows[i].ini, NULL);

		assert_int_equal(config.n_jobs, 1);
		assert_list(&config.jobs[0].options.sources, rows[i].sources);
		assert_list(&config.jobs[0].options.volumes, rows[i].volumes);
		config_free(&config);
	}
}

static void
a_job_can_be_wrong_in_more_ways(void **state)
{
	struct config config = load("[job]\n[job a/b]\nx = 1\n[job c]\n"
	    "filname = x\ntimeout = 5s\nlock.timeout = 5s\narchive.pat = x\n"
	    "nothing.like.this = x\n"
	    "[job c]\nfilename = x\n[job\td]\ncompression = lzma\n"
	    "filename = a\nbackup.filename = b\n", NULL);

	(void)state;
	assert_lines(&config.problems,
	    "@/vbackup.conf:1: '' cannot be a job's name (it needs one, "
	    "without a slash)|"
	    "@/vbackup.conf:2: 'a/b' cannot be a job's name (it needs one, "
	    "without a slash)|"
	    "@/vbackup.conf:5: unknown key 'filname' in [job c] (did you mean "
	    "'filename'?)|"
	    "@/vbackup.conf:6: unknown key 'timeout' in [job c] (did you mean "
	    "'exec.timeout'?)|"
	    "@/vbackup.conf:7: 'lock.timeout' holds for the whole run and "
	    "cannot be set for one job|"
	    "@/vbackup.conf:8: unknown key 'archive.pat' in [job c] (did you "
	    "mean 'archive.path'?)|"
	    "@/vbackup.conf:9: unknown key 'nothing.like.this' in [job c]|"
	    "@/vbackup.conf:10: there is a job 'c' already (at "
	    "@/vbackup.conf:4)|"
	    "@/vbackup.conf:15: 'backup.filename' is set twice (first at "
	    "@/vbackup.conf:14)|"
	    "@/vbackup.conf:13: compression: 'lzma' is none of auto, gz, zst, "
	    "none");
	assert_int_equal(config.n_jobs, 2);
	assert_string_equal(config.jobs[1].name, "d");
	assert_string_equal(config.jobs[1].options.filename, "a");
	config_free(&config);
}

/* --- stores -------------------------------------------------------------- */

static void
a_named_store_has_all_settings_but_for_its_own(void **state)
{
	const char *const environment[] = { "AWS_S3_BUCKET_NAME=plain",
		"AWS_REGION=eu", NULL };
	struct config config = load_well("[archive nas]\npath = /nas\n"
	    "mode = 0640\n"
	    "[s3  off site ]\npath = sub\nprune = no\nregion =\n"
	    "[s3 nas]\nbucket = other\npart_size = 7\n"
	    "metadata =\n\ta=1\n\tb=2\n"
	    "[s3]\npath = base\nstorage_class = COLD\npart_size = 9\n"
	    "[archive]\npath = /a\nowner = me\n", environment);
	const struct config_store *s = config.stores;

	(void)state;
	assert_int_equal(config.n_stores, 3);
	assert_int_equal(config.n_jobs, 0);
	assert_string_equal(s[0].kind, "archive");
	assert_string_equal(s[0].name, "nas");
	assert_true(str_ends(s[0].where, "/vbackup.conf:1"));
	assert_string_equal(s[0].options.archive_path, "/nas");
	assert_string_equal(s[0].options.archive_owner, "me");
	assert_int_equal(s[0].options.archive_mode, 0640);
	assert_string_equal(s[1].kind, "s3");
	assert_string_equal(s[1].name, "off site");
	assert_string_equal(s[1].options.s3_bucket, "plain");
	assert_string_equal(s[1].options.s3_path, "sub");
	assert_string_equal(s[1].options.s3_storage_class, "COLD");
	assert_null(s[1].options.s3_region);
	assert_false(s[1].options.s3_prune);
	assert_string_equal(s[2].name, "nas");
	assert_string_equal(s[2].options.s3_bucket, "other");
	assert_string_equal(s[2].options.s3_path, "base");
	assert_string_equal(s[2].options.s3_region, "eu");
	assert_int_equal(s[2].options.s3_part_mib, 7);
	assert_list(&s[2].options.s3_metadata, "a=1|b=2");
	assert_int_equal(config.base.s3_part_mib, 9);
	assert_string_equal(config.base.archive_path, "/a");
	config_free(&config);
}

static void
a_named_store_has_a_place_of_its_own(void **state)
{
	static const struct {
		const char *ini, *problems;
	} rows[] = {
		{ "[archive a]\npath = /a\n[archive b]\npath = /b\n", "" },
		{ "[archive]\npath = /a\n[archive b]\nmode = 0640\n",
		    "@/vbackup.conf:3: [archive b] has no path" },
		{ "[archive b]\npath =\n",
		    "@/vbackup.conf:1: [archive b] has no path" },
		{ "[archive]\npath = /a\n[archive b]\npath = /a/\n",
		    "@/vbackup.conf:3: [archive b] is in the same place as "
		    "[archive] (it needs a path of its own)" },
		{ "[archive a]\npath = /a\n[s3 a]\nbucket = a\n"
		    "[archive b]\npath = /a\n",
		    "@/vbackup.conf:5: [archive b] is in the same place as "
		    "[archive a] (it needs a path of its own)" },
		{ "[archive b]\npath_file = /not/there\n",
		    "@/vbackup.conf:2: path_file: cannot open '/not/there': "
		    "No such file or directory" },
		{ "[s3 b]\npath = p\n",
		    "@/vbackup.conf:1: [s3 b] has no bucket" },
		{ "[s3]\nbucket = a\n[s3 b]\nendpoint = e\nbucket =\n",
		    "@/vbackup.conf:3: [s3 b] has no bucket" },
		{ "[s3]\nbucket = a\n[s3 b]\nprune = no\n",
		    "@/vbackup.conf:3: [s3 b] is in the same place as [s3] "
		    "(it needs a bucket, path or endpoint of its own)" },
		{ "[s3]\nbucket = a\npath = p\n[s3 b]\npath = /p/\n",
		    "@/vbackup.conf:4: [s3 b] is in the same place as [s3] "
		    "(it needs a bucket, path or endpoint of its own)" },
		{ "[s3]\nbucket = a\npath = p\n[s3 b]\npath =\n", "" },
		{ "[s3]\nbucket = a\n[s3 b]\nendpoint = e\n", "" },
		{ "[s3]\nbucket = a\n[s3 b]\nbucket = b\n[s3 c]\n"
		    "bucket = b\nendpoint = e\n[s3 d]\nbucket = b\n",
		    "@/vbackup.conf:8: [s3 d] is in the same place as [s3 b] "
		    "(it needs a bucket, path or endpoint of its own)" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct config config = load(rows[i].ini, NULL);

		assert_lines(&config.problems, rows[i].problems);
		config_free(&config);
	}
}

static void
a_named_store_can_be_wrong_in_more_ways(void **state)
{
	struct config config = load("[archive a]\npath = /a\n"
	    "[archive a]\npath = /b\n x\n[s3 a/b]\nbucket = x\n"
	    "[s3 s]\nbuket = x\n y\ntimeout = 5s\nlock.timeout = 5s\n"
	    "s3.path = x\nbucket = s\nregion = a\nregion_file = /x\n"
	    "region = b\npart_size = 4\npath_command = x\n"
	    "[archives a]\n[lock a]\n[s3b]\n", NULL);

	(void)state;
	assert_lines(&config.problems,
	    "@/vbackup.conf:3: there is a store [archive a] already (at "
	    "@/vbackup.conf:1)|"
	    "@/vbackup.conf:6: 'a/b' cannot be a store's name (there must be "
	    "no slash in it)|"
	    "@/vbackup.conf:9: unknown key 'buket' in [s3 s] (did you mean "
	    "'bucket'?)|"
	    "@/vbackup.conf:11: unknown key 'timeout' in [s3 s] (it belongs "
	    "in [exec])|"
	    "@/vbackup.conf:12: unknown key 'lock.timeout' in [s3 s]|"
	    "@/vbackup.conf:13: unknown key 's3.path' in [s3 s] (did you mean "
	    "'path'?)|"
	    "@/vbackup.conf:17: 'region' is set twice (first at "
	    "@/vbackup.conf:15)|"
	    "@/vbackup.conf:19: 'path_command' is of no use: only a secret "
	    "may be given by a command|"
	    "@/vbackup.conf:20: unknown section [archives a] (did you mean "
	    "[archive]?)|"
	    "@/vbackup.conf:21: unknown section [lock a] (did you mean "
	    "[lock]?)|"
	    "@/vbackup.conf:22: unknown section [s3b] (did you mean [s3]?)|"
	    "@/vbackup.conf:16: region_file: the same setting is given by "
	    "'region' at @/vbackup.conf:15 (only one of them may be there)|"
	    "@/vbackup.conf:18: part_size: '4' is not within 5 to 5120, nor "
	    "0");
	assert_int_equal(config.n_stores, 2);
	assert_string_equal(config.stores[0].options.archive_path, "/a");
	config_free(&config);
}

static void
a_store_that_is_named_in_conf_d_belongs_to_every_job(void **state)
{
	struct config config;

	(void)state;
	write_member("a.conf", "[s3 x]\nbucket = x\n[archive y]\npath = /y\n");
	write_member("b.conf", "[archive]\nmode = 0644\n[s3 z]\npath = z\n");
	write_member("c.conf", "[s3 x]\nbucket = c\n");
	config = load("[s3]\nbucket = base\n[archive]\npath = /a\n", NULL);
	assert_lines(&config.problems, "@/conf.d/c.conf:1: there is a store "
	    "[s3 x] already (at @/conf.d/a.conf:1)");
	assert_int_equal(config.n_jobs, 1);	/* of b.conf's plain section */
	assert_string_equal(config.jobs[0].name, "b");
	assert_int_equal(config.n_stores, 3);
	assert_string_equal(config.stores[0].options.s3_bucket, "x");
	assert_string_equal(config.stores[1].options.archive_path, "/y");
	assert_int_equal(config.stores[1].options.archive_mode, 0600);
	assert_string_equal(config.stores[2].options.s3_bucket, "base");
	config_free(&config);
}

/* --- conf.d -------------------------------------------------------------- */

static void
each_file_of_conf_d_makes_jobs(void **state)
{
	const char *const environment[] = { "BACKUP_FILENAME=env", "APP=app",
		NULL };
	struct config config;

	(void)state;
	write_member("20-plain.conf", "# c\n\n[backup]\nsources = /p\n"
	    "[archive]\nmode = 0644\n[job inner]\nvolumes = v\n");
	write_member("10-dvb.env", "BACKUP_CRON_EXPRESSION=@hourly\n"
	    "NAME=$APP\nBACKUP_SOURCES=\"/data/$NAME\"\nBACKUP_FILENAME=\n"
	    "export BACKUP_LATEST_SYMLINK='$NAME' # c\n");
	write_member("30-only-jobs.conf", "[job third]\n");
	write_member("40-empty.conf", "");
	write_member("50-empty.env", "");
	write_member(".hidden", "x");
	write_member("old.conf~", "x");
	write_member("README", "x");
	config = load_well("[job first]\n", environment);
	assert_int_equal(config.n_jobs, 6);
	assert_string_equal(config.jobs[0].name, "first");
	assert_string_equal(config.jobs[1].name, "10-dvb");
	assert_list(&config.jobs[1].options.sources, "/data/app");
	assert_list(&config.jobs[1].options.volumes, "none");
	assert_string_equal(config.jobs[1].options.filename, "env");
	assert_string_equal(config.jobs[1].options.latest_symlink, "$NAME");
	assert_string_equal(config.jobs[2].name, "20-plain");
	assert_list(&config.jobs[2].options.sources, "/p");
	assert_int_equal(config.jobs[2].options.archive_mode, 0644);
	assert_true(str_ends(config.jobs[2].where, "/20-plain.conf:3"));
	assert_string_equal(config.jobs[3].name, "inner");
	assert_string_equal(config.jobs[4].name, "third");
	assert_string_equal(config.jobs[5].name, "50-empty");
	assert_int_equal(config.base.archive_mode, 0600);
	assert_lines(&config.warnings, "@/conf.d/README: not read, because it "
	    "ends neither in .conf nor in .env");
	config_free(&config);
}

static void
conf_d_has_its_own_problems(void **state)
{
	struct config config;

	(void)state;
	write_member("a.conf", "[lock]\ntimeout = 5s\n[backup]\nx = 1\n");
	write_member("a.env", "BACKUP_SOURCES=/x\n");
	write_member("b.env", "LOCK_TIMEOUT=5s\nVBACKUP_X=1\n"
	    "WEBDAV_URL=http://x\nBACKUP_SOURCE=x\n\n"
	    "BACKUP_COMPRESSION=lzma\nBACKUP_STOP_CONTAINER_LABEL=x\n"
	    "BACKUP_FILENAME=$(date)\n");
	write_member("c.conf", "[job b]\n[bakup]\n");
	write_member("d.conf", "[job d]\n[backup]\nfilename = x\n[archive]\n");
	config = load(NULL, NULL);
	assert_lines(&config.problems,
	    "@/conf.d/a.conf:2: 'timeout' holds for the whole run and cannot "
	    "be set for one job|"
	    "@/conf.d/a.conf:4: unknown key 'x' in [backup]|"
	    "@/conf.d/a.env: there is a job 'a' already (at "
	    "@/conf.d/a.conf:1)|"
	    "@/conf.d/b.env:8: no command is run here ($( can stand in "
	    "'...')|"
	    "@/conf.d/b.env:1: 'LOCK_TIMEOUT' holds for the whole run and "
	    "cannot be set for one job|"
	    "@/conf.d/b.env:2: VBACKUP_X: unknown variable|"
	    "@/conf.d/b.env:3: WEBDAV_URL: there is no WebDAV store in this "
	    "version (unset it to go on without)|"
	    "@/conf.d/b.env:4: BACKUP_SOURCE: unknown variable (did you mean "
	    "BACKUP_SOURCES?)|"
	    "@/conf.d/c.conf:1: there is a job 'b' already (at "
	    "@/conf.d/b.env)|"
	    "@/conf.d/c.conf:2: unknown section [bakup] (did you mean "
	    "[backup]?)|"
	    "@/conf.d/d.conf:2: there is a job 'd' already (at "
	    "@/conf.d/d.conf:1)|"
	    "@/conf.d/b.env:6: BACKUP_COMPRESSION: 'lzma' is none of auto, "
	    "gz, zst, none");
	assert_lines(&config.warnings, "@/conf.d/b.env:7: "
	    "BACKUP_STOP_CONTAINER_LABEL: an early name, now it is "
	    "BACKUP_STOP_DURING_BACKUP_LABEL");
	config_free(&config);
}

static void
a_directory_that_is_not_there_is_fine_but_not_one_that_is_a_file(void **state)
{
	struct config config;
	struct config_input input = { NULL, value, NULL };
	struct err err = ERR_INIT;
	char path[200];

	(void)state;
	assert_int_equal(config_load(&input, &config, &err), 0);
	assert_int_equal(config.problems.n, 0);
	config_free(&config);
	write_text(value, "");
	assert_int_equal(config_load(&input, &config, &err), 0);
	assert_lines(&config.problems, "cannot read directory '@/value': Not "
	    "a directory");
	config_free(&config);

	(void)snprintf(path, sizeof path, "%s/x.conf", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/y.conf", directory);
	assert_int_equal(symlink("not there", path), 0);
	(void)snprintf(path, sizeof path, "%s/z.env", directory);
	assert_int_equal(symlink("not there", path), 0);
	config = load(NULL, NULL);
	assert_lines(&config.problems, "cannot open '@/conf.d/y.conf': No "
	    "such file or directory|cannot open '@/conf.d/z.env': No such "
	    "file or directory");
	config_free(&config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_runs_to_the_end_of_its_line_and_over_indented_ones),
		TEST(a_line_may_have_64_kib),
		TEST(a_repeating_key_adds_to_its_list),
		TEST(mistakes_are_all_told_with_file_and_line),
		TEST(secrets_are_overwritten_in_the_environment),
		TEST(a_nul_byte_is_a_problem_of_its_line),
		TEST(a_file_that_was_named_must_be_there),
		TEST(the_environment_goes_over_the_file),
		TEST(any_variable_may_name_a_file_instead),
		TEST(a_credential_is_the_variable_that_it_is_called_as),
		TEST(what_credentials_say_is_judged),
		TEST(no_directory_of_credentials_is_no_mistake),
		TEST(what_variables_say_is_judged),
		TEST(what_we_lack_is_refused_but_not_its_value),
		TEST(a_job_goes_over_file_and_environment),
		TEST(a_job_that_names_sources_or_volumes_gets_no_others),
		TEST(a_job_can_be_wrong_in_more_ways),
		TEST(a_named_store_has_all_settings_but_for_its_own),
		TEST(a_named_store_has_a_place_of_its_own),
		TEST(a_named_store_can_be_wrong_in_more_ways),
		TEST(a_store_that_is_named_in_conf_d_belongs_to_every_job),
		TEST(each_file_of_conf_d_makes_jobs),
		TEST(conf_d_has_its_own_problems),
		TEST(
	    a_directory_that_is_not_there_is_fine_but_not_one_that_is_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
