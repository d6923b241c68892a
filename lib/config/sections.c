#include "lib/config/sections.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/file.h"
#include "lib/config/ini.h"
#include "lib/config/problems.h"

struct sections {
	struct load *load;
	const char *path;
	const char *job;	/* whom plain sections make, or NULL */
	bool job_tried;		/* it was asked for */
	struct layer *plain;	/* whom plain sections go to */
	struct layer *target;	/* whom this section goes to; NULL: nobody */
	bool in_job;		/* it is [job NAME] */
	const char *kind;	/* it is [KIND NAME], a store; else NULL */
};

/* --- sections ------------------------------------------------------------ */

/* Cuts "KIND NAME" in two; the name is "" where there is none. */
static char *
cut_name(char *section)
{
	char *name = section + strcspn(section, " \t");

	if (*name != '\0')
		*name++ = '\0';
	return str_trim(name);
}

static int
unknown_section(struct sections *s, const char *section, const char *where,
    struct err *err)
{
	char near[NAMES_BYTES];

	if (strncasecmp(section, "job", 3) == 0)
		memcpy(near, "job NAME", sizeof "job NAME");
	else
		names_nearest_section(section, near);
	return strlist_addf(&s->load->config->problems, err,
	    "%s: unknown section [%s]%s%s%s", where, section,
	    *near != '\0' ? " (did you mean [" : "", near,
	    *near != '\0' ? "]?)" : "");
}

static int
begin_plain(struct sections *s, const char *section, const char *where,
    struct err *err)
{
	if (!names_has_section(section))
		return unknown_section(s, section, where, err);
	if (s->job != NULL && !s->job_tried) {
		s->job_tried = true;
		if (load_job(s->load, s->job, where, &s->plain, err) < 0)
			return -1;
	}
	s->target = s->plain;
	return 0;
}

static int
begin_section(struct sections *s, const char *section, const char *where,
    struct err *err)
{
	CLEANUP(cleanup_free) char *first = NULL;
	const char *name;

	if (str_dup(section, &first, err) < 0)
		return -1;
	name = cut_name(first);
	s->target = NULL;
	s->in_job = strcmp(first, "job") == 0;
	s->kind = *name != '\0' ? load_store_kind(first) : NULL;
	if (s->in_job)
		return load_job(s->load, name, where, &s->target, err);
	if (s->kind != NULL)
		return load_store(s->load, s->kind, name, where, &s->target,
		    err);
	return begin_plain(s, section, where, err);
}

/* --- keys ---------------------------------------------------------------- */

/* The section whose keys may stand here; NULL: those of a job. */
static const char *
keys_of(const struct sections *s, const struct inifile_line *line)
{
	return s->in_job ? NULL : s->kind != NULL ? s->kind : line->section;
}

static int
unknown_key(struct sections *s, const struct inifile_line *line,
    const char *where, struct err *err)
{
	const char *home = names_home(line->key);
	CLEANUP(cleanup_free) char *hint = NULL;
	char near[NAMES_BYTES];
	int rc;

	names_nearest_key(keys_of(s, line), line->key, near);
	if (*near == '\0' && home != NULL && s->in_job)
		rc = str_format(&hint, err, " (did you mean '%s.%s'?)", home,
		    line->key);
	else if (*near == '\0' && home != NULL)
		rc = str_format(&hint, err, " (it belongs in [%s])", home);
	else if (*near != '\0')
		rc = str_format(&hint, err, " (did you mean '%s'?)", near);
	else
		rc = str_dup("", &hint, err);
	return rc < 0 ? -1 : strlist_addf(&s->load->config->problems, err,
	    "%s: unknown key '%s' in [%s]%s", where, line->key, line->section,
	    hint);
}

static int
take_key(struct sections *s, const struct inifile_line *line,
    const char *where, struct err *err)
{
	struct strlist *problems = &s->load->config->problems;
	struct name name;

	if (line->section == NULL)
		return strlist_addf(problems, err, "%s: '%s' stands before the "
		    "first [section]", where, line->key);
	if (s->target == NULL)
		return 0;	/* its section is a problem already */
	name = names_key(keys_of(s, line), line->key);
	if (name.id < 0) {
		layer_close(s->target);
		return unknown_key(s, line, where, err);
	}
	return layer_add(s->target, name, line->key, where, line->text,
	    problems, err);
}

/* --- lines --------------------------------------------------------------- */

static int
take_line(void *cookie, const struct inifile_line *line, struct err *err)
{
	struct sections *s = cookie;
	CLEANUP(cleanup_free) char *where = NULL;

	if (line->key != NULL && line->continues) {
		if (s->target != NULL)
			layer_continue(s->target, line->text);
		return 0;
	}
	if (str_format(&where, err, "%s:%u", s->path, line->number) < 0)
		return -1;
	return line->key == NULL ?
	    begin_section(s, line->section, where, err) :
	    take_key(s, line, where, err);
}

static int
take_problem(void *cookie, unsigned number, const char *text, struct err *err)
{
	struct sections *s = cookie;

	return strlist_addf(&s->load->config->problems, err, "%s:%u: %s",
	    s->path, number, text);
}

static void
free_secret(char **text)
{
	str_zero(*text);
	free(*text);
}

int
sections_read(struct load *load, const char *path, const char *job,
    struct err *err)
{
	struct sections s = { .load = load, .path = path, .job = job,
		.plain = job == NULL ? &load->base : NULL };
	struct inifile_sink sink = { take_line, take_problem, &s };
	CLEANUP(free_secret) char *text = NULL;
	size_t n;

	if (file_read(path, LOAD_FILE_BYTES, &text, &n, err) < 0)
		return problems_absorb(&load->config->problems, NULL, NULL,
		    err);
	return inifile_read(text, n, &sink, err);
}
