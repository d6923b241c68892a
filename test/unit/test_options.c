/*
 * The real table: what must hold for every row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/config/config.h"
#include "lib/config/foreign.h"
#include "lib/config/ini.h"
#include "lib/config/options.h"

static char path[64];

static int
make_path(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/vbackup-options-%d", getpid());
	return 0;
}

static int
remove_path(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static struct config
load(const char *ini)
{
	struct config_input input = { path, NULL, NULL };
	struct config config;
	struct err err = ERR_INIT;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(ini, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(config_load(&input, &config, &err), 0);
	if (config.problems.n != 0)
		fail_msg("%s", config.problems.v[0]);
	return config;
}

static void
assert_same_values(const struct options *a, const struct options *b)
{
	struct err err = ERR_INIT;
	int id;

	for (id = 0; id < OPTION_COUNT; id++) {
		char *one, *two;

		assert_int_equal(options_text(a, (enum option_id)id, true,
		    &one, &err), 0);
		assert_int_equal(options_text(b, (enum option_id)id, true,
		    &two, &err), 0);
		if ((one == NULL) != (two == NULL) ||
		    (one != NULL && strcmp(one, two) != 0))
			fail_msg("%s: '%s', '%s'", option_specs[id].member,
			    one != NULL ? one : "", two != NULL ? two : "");
		free(one);
		free(two);
	}
}

static void
no_two_rows_have_the_same_key_or_variable(void **state)
{
	struct err err = ERR_INIT;
	int i, k;

	(void)state;
	for (i = 0; i < OPTION_COUNT; i++) {
		const struct option_spec *a = &option_specs[i];
		char *env;

		assert_int_equal(option_find(a->section, a->key), i);
		assert_int_equal(option_env(a, &env, &err), 0);
		for (k = 0; k < OPTION_COUNT; k++) {
			const struct option_spec *b = &option_specs[k];
			char *other;

			assert_int_equal(option_env(b, &other, &err), 0);
			if (k != i)
				assert_string_not_equal(env, other);
			if (b->env_old != NULL)
				assert_string_not_equal(env, b->env_old);
			free(other);
		}
		free(env);
	}
}

static void
names_are_written_alike_and_are_not_too_long(void **state)
{
	int id;

	(void)state;
	for (id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];
		const char *p;

		for (p = spec->section; *p != '\0'; p++)
			assert_true(islower((unsigned char)*p) || *p == '_' ||
			    isdigit((unsigned char)*p));
		for (p = spec->key; *p != '\0'; p++)
			assert_true(islower((unsigned char)*p) || *p == '_' ||
			    isdigit((unsigned char)*p));
		assert_true(strlen(spec->section) + strlen(spec->key) +
		    strlen("._command") <= INIFILE_KEY_BYTES);
	}
}

static void
help_is_one_sentence(void **state)
{
	int id;

	(void)state;
	for (id = 0; id < OPTION_COUNT; id++) {
		const char *help = option_specs[id].help;
		size_t n = strlen(help);
		const char *p;

		assert_true(isupper((unsigned char)help[0]));
		assert_int_equal(help[n - 1], '.');
		for (p = help; (p = strstr(p, ". ")) != NULL; p++)
			assert_false(isupper((unsigned char)p[2]));
		assert_null(strchr(help, '\n'));
		assert_null(strstr(help, "  "));
	}
}

static void
rows_have_what_their_type_needs(void **state)
{
	int id;

	(void)state;
	for (id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];

		assert_int_equal(spec->choices != NULL,
		    spec->type == OPTION_CHOICE);
		assert_true(spec->min <= spec->max);
		if ((spec->flags & OPTION_OR_ZERO) != 0)
			assert_true(spec->min > 0);
		if ((spec->flags & OPTION_BINARY) != 0)
			assert_true(spec->type == OPTION_STRING ||
			    spec->type == OPTION_SECRET);
		if ((spec->flags & OPTION_REPEATS) != 0)
			assert_int_equal(spec->type, OPTION_LIST);
		if (spec->type == OPTION_SECRET)
			assert_null(spec->def);
		if (spec->env_old != NULL)
			assert_non_null(spec->env);
	}
}

static void
every_default_parses(void **state)
{
	struct options o;
	struct err err = ERR_INIT;
	int id;

	(void)state;
	if (options_init(&o, &err) < 0)
		fail_msg("%s", err.msg);
	for (id = 0; id < OPTION_COUNT; id++)
		assert_false(options_is_set(&o, (enum option_id)id));
	options_free(&o);
}

static void
numbers_are_taken_that_docker_volume_backup_takes(void **state)
{
	static const struct {
		enum option_id id;
		const char *text;
		bool good;
	} rows[] = {
		{ OPTION_ID_retention_days, "0", true },
		{ OPTION_ID_retention_days, "-1", true },
		{ OPTION_ID_retention_days, "-2147483648", true },
		{ OPTION_ID_retention_days, "36501", false },
		{ OPTION_ID_s3_part_mib, "0", true },
		{ OPTION_ID_s3_part_mib, "1", false },
		{ OPTION_ID_s3_part_mib, "4", false },
		{ OPTION_ID_s3_part_mib, "5", true },
		{ OPTION_ID_s3_part_mib, "5121", false },
	};
	struct options o;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(options_init(&o, &err), 0);
	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(options_set(&o, rows[i].id, rows[i].text,
		    ORIGIN_FILE, "x:1", &err), rows[i].good ? 0 : -1);
	options_free(&o);
}

static void
no_setting_is_also_a_foreign_variable(void **state)
{
	struct err err = ERR_INIT;
	int id;

	(void)state;
	for (id = 0; id < OPTION_COUNT; id++) {
		char *env;

		assert_int_equal(option_env(&option_specs[id], &env, &err), 0);
		if (foreign_find(env) != NULL)
			fail_msg("%s", env);
		free(env);
	}
}

static void
the_sample_loads_to_the_defaults(void **state)
{
	struct options defaults;
	struct err err = ERR_INIT;
	struct config config;
	char *sample;
	int id;

	(void)state;
	assert_int_equal(options_init(&defaults, &err), 0);
	assert_int_equal(config_sample(&sample, &err), 0);
	config = load(sample);
	assert_same_values(&config.base, &defaults);
	assert_int_equal(config.n_jobs, 0);
	assert_int_equal(config.n_stores, 0);
	for (id = 0; id < OPTION_COUNT; id++)
		assert_false(options_is_set(&config.base, (enum option_id)id));
	config_free(&config);
	options_free(&defaults);
	free(sample);
}

/* Takes the # of every line that is no prose: "#key = ", "#[job". */
static void
uncomment(char *text)
{
	char *from = text, *to = text;

	while (*from != '\0') {
		size_t n = strcspn(from, "\n");

		if (from[0] == '#' && from[1] != ' ') {
			from++;
			n--;
		}
		n += from[n] == '\n';
		memmove(to, from, n);
		to += n;
		from += n;
	}
	*to = '\0';
}

/* A secret has no default that could stand there: an empty one is wrong. */
static void
comment_secrets(char *text)
{
	int id;

	for (id = 0; id < OPTION_COUNT; id++) {
		char line[100], *found;

		if (option_specs[id].type != OPTION_SECRET)
			continue;
		(void)snprintf(line, sizeof line, "\n%s =\n",
		    option_specs[id].key);
		found = strstr(text, line);
		assert_non_null(found);
		found[1] = '#';
	}
}

static void
the_sample_without_its_comment_signs_loads_to_the_defaults(void **state)
{
	struct options defaults;
	struct err err = ERR_INIT;
	struct config config;
	char *sample;

	(void)state;
	assert_int_equal(options_init(&defaults, &err), 0);
	assert_int_equal(config_sample(&sample, &err), 0);
	uncomment(sample);
	comment_secrets(sample);
	config = load(sample);
	assert_same_values(&config.base, &defaults);
	assert_int_equal(config.n_jobs, 1);
	assert_int_equal(config.n_stores, 2);
	config_free(&config);
	options_free(&defaults);
	free(sample);
}

static void
the_sample_has_no_long_lines(void **state)
{
	struct err err = ERR_INIT;
	char *sample, *line;

	(void)state;
	assert_int_equal(config_sample(&sample, &err), 0);
	for (line = sample; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 79);
	free(sample);
}

static const char jobs_and_all[] =
    "[backup]\nsources = /srv/a\n\t/srv/b,/srv/c\nexclude = *.tmp\n"
    "exclude = #*#\nfilename = %Y; # x.tar.gz\ncompression = zst\n"
    "[archive]\nmode = 0640\n[lock]\ntimeout = 90m\n"
    "[job one]\nvolumes = data\\,1, data2\nexclude =\narchive.mode = 600\n"
    "[job two]\n[job three]\nsources = /srv/a\n[job a]b]\nfilename = x\n"
    "[archive]\npath = /a\nowner = me\n[archive b]\npath = /b\nowner =\n"
    "[s3]\npath = p\npart_size = 5\n[s3 b]\nbucket = b\nprune = yes\n"
    "path =\nmetadata = a=1, b=2\n[s3 c]\nbucket = c\n";

static void
a_dump_loads_to_the_same(void **state)
{
	struct config config = load(jobs_and_all), again;
	struct err err = ERR_INIT;
	char *dump, *dump_again;
	size_t i;
	int id;

	(void)state;
	assert_int_equal(config_dump(&config, true, &dump, &err), 0);
	again = load(dump);
	assert_same_values(&config.base, &again.base);
	assert_int_equal(again.n_jobs, config.n_jobs);
	for (i = 0; i < config.n_jobs; i++) {
		assert_string_equal(again.jobs[i].name, config.jobs[i].name);
		assert_same_values(&config.jobs[i].options,
		    &again.jobs[i].options);
	}
	assert_int_equal(config.n_stores, 3);
	assert_int_equal(again.n_stores, config.n_stores);
	for (i = 0; i < config.n_stores; i++) {
		assert_string_equal(again.stores[i].kind,
		    config.stores[i].kind);
		assert_string_equal(again.stores[i].name,
		    config.stores[i].name);
		assert_same_values(&config.stores[i].options,
		    &again.stores[i].options);
	}
	for (id = 0; id < OPTION_COUNT; id++)
		assert_int_equal(
		    options_is_set(&config.base, (enum option_id)id),
		    options_is_set(&again.base, (enum option_id)id));
	assert_int_equal(config_dump(&config, false, &dump_again, &err), 0);
	assert_string_equal(dump, dump_again);
	free(dump);
	free(dump_again);
	config_free(&config);
	config_free(&again);
}

static void
a_dump_says_where_values_came_from(void **state)
{
	struct config config = load(jobs_and_all);
	struct err err = ERR_INIT;
	char expected[200], *dump;

	(void)state;
	assert_int_equal(config_dump(&config, false, &dump, &err), 0);
	(void)snprintf(expected, sizeof expected, "\n# from %s:2\nsources =\n"
	    "\t/srv/a\n\t/srv/b\n\t/srv/c\n# default\n# volumes = labelled\n",
	    path);
	assert_non_null(strstr(dump, expected));
	assert_non_null(strstr(dump, "\n# default\n# latest_symlink =\n"));
	assert_non_null(strstr(dump, "\tdata\\,1\n\tdata2\n"));
	assert_non_null(strstr(dump, "\narchive.mode = 0600\n"));
	assert_non_null(strstr(dump, "\n# taken away here\nexclude =\n"));
	assert_non_null(strstr(dump, "\n[job two]\n\n"));
	assert_non_null(strstr(dump, "\n[s3 b]\n"));
	assert_non_null(strstr(dump, "\nprune = yes\n"));
	assert_non_null(strstr(dump, "\n# taken away here\nowner =\n"));
	(void)snprintf(expected, sizeof expected, "\n\n# from %s:35\n"
	    "[s3 c]\n# from %s:36\nbucket = c\n\n", path, path);
	assert_non_null(strstr(dump, expected));
	free(dump);
	config_free(&config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_rows_have_the_same_key_or_variable),
		cmocka_unit_test(names_are_written_alike_and_are_not_too_long),
		cmocka_unit_test(help_is_one_sentence),
		cmocka_unit_test(rows_have_what_their_type_needs),
		cmocka_unit_test(every_default_parses),
		cmocka_unit_test(
		    numbers_are_taken_that_docker_volume_backup_takes),
		cmocka_unit_test(no_setting_is_also_a_foreign_variable),
		cmocka_unit_test(the_sample_loads_to_the_defaults),
		cmocka_unit_test(
		    the_sample_without_its_comment_signs_loads_to_the_defaults),
		cmocka_unit_test(the_sample_has_no_long_lines),
		cmocka_unit_test(a_dump_loads_to_the_same),
		cmocka_unit_test(a_dump_says_where_values_came_from),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
