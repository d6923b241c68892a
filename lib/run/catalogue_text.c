#define _GNU_SOURCE
#include "lib/run/catalogue_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define COLUMNS 7
#define GAP 2

/* --- the table ----------------------------------------------------------- */

/* In characters: good enough for what names are made of. */
static size_t
width(const char *text)
{
	size_t n = 0;

	while (*text != '\0') {
		size_t bytes = str_utf8_length(text);

		text += bytes != 0 ? bytes : 1;
		n++;
	}
	return n;
}

static int
visible(const char *text, char **ret, struct err *err)
{
	struct str s = STR_INIT;

	str_add_visible(&s, text);
	return str_take(&s, ret, err);
}

struct row {
	char *cells[COLUMNS];
};

static int
fill_row(const struct catalogue *c, const struct catalogue_entry *entry,
    struct row *row, struct err *err)
{
	char time[CLOCK_RFC3339_BYTES], bytes[CLOCK_BYTES_BYTES];
	const char *texts[COLUMNS] = { time,
		entry->job != NULL ? entry->job : "-", bytes,
		c->stores[entry->store].plan->name,
		catalogue_seal_word(entry->seal),
		catalogue_check_word(entry->check), entry->name };
	size_t i;

	clock_rfc3339(entry->time, time);
	clock_bytes(entry->bytes, bytes);
	for (i = 0; i < COLUMNS; i++)
		if (visible(texts[i], &row->cells[i], err) < 0)
			return -1;
	return 0;
}

static void
print_rows(const struct row *rows, size_t n, struct str *to)
{
	size_t widths[COLUMNS] = { 0 }, i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < COLUMNS; k++)
			if (width(rows[i].cells[k]) > widths[k])
				widths[k] = width(rows[i].cells[k]);
	for (i = 0; i < n; i++)
		for (k = 0; k < COLUMNS; k++) {
			const char *cell = rows[i].cells[k];
			bool last = k == COLUMNS - 1;

			str_addf(to, "%s%*s%s", cell, last ? 0 :
			    (int)(widths[k] - width(cell) + GAP), "",
			    last ? "\n" : "");
		}
}

static int
fill_rows(const struct catalogue *c, bool header, struct row *rows,
    struct err *err)
{
	static const char *const titles[COLUMNS] = { "TIME", "JOB", "SIZE",
		"STORE", "SEALED", "CHECKED", "NAME" };
	size_t i;

	for (i = 0; header && i < COLUMNS; i++)
		if (str_dup(titles[i], &rows[0].cells[i], err) < 0)
			return -1;
	for (i = 0; i < c->n; i++)
		if (fill_row(c, &c->entries[i], &rows[i + header], err) < 0)
			return -1;
	return 0;
}

int
catalogue_table(const struct catalogue *c, bool header, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_free) struct row *rows =
	    calloc(c->n + 1, sizeof *rows);
	struct str text = STR_INIT;
	size_t i, k;
	int rc;

	if (rows == NULL)
		return err_nomem(err);
	header = header && c->n != 0;
	rc = fill_rows(c, header, rows, err);
	if (rc == 0)
		print_rows(rows, c->n + header, &text);
	for (i = 0; i <= c->n; i++)
		for (k = 0; k < COLUMNS; k++)
			free(rows[i].cells[k]);
	return rc < 0 ? -1 : str_take(&text, ret, err);
}

/* --- one archive --------------------------------------------------------- */

static void
add_text(struct str *s, const char *key, const char *value)
{
	if (value == NULL)
		return;
	str_addf(s, "%-12s ", key);
	str_add_visible(s, value);
	str_add(s, "\n");
}

static void
add_time(struct str *s, const char *key, time_t t)
{
	char text[CLOCK_RFC3339_BYTES];

	if (t == 0)
		return;
	clock_rfc3339(t, text);
	add_text(s, key, text);
}

static void
add_bytes(struct str *s, const char *key, uint64_t bytes)
{
	char text[CLOCK_BYTES_BYTES];

	clock_bytes(bytes, text);
	str_addf(s, "%-12s %s (%" PRIu64 " bytes)\n", key, text, bytes);
}

static void
add_sources(struct str *s, const struct metadata *m)
{
	size_t i;

	for (i = 0; i < m->n_sources; i++) {
		const struct metadata_source *source = &m->sources[i];

		str_addf(s, "%-12s ", "source");
		str_add_visible(s, source->type);
		if (source->name != NULL) {
			str_add(s, " ");
			str_add_visible(s, source->name);
		}
		if (source->path != NULL) {
			str_add(s, " ");
			str_add_visible(s, source->path);
		}
		str_addf(s, ", %" PRIu64 " members\n", source->members);
	}
}

static void
add_containers(struct str *s, const struct metadata *m)
{
	char span[CLOCK_SPAN_BYTES];
	size_t i;

	for (i = 0; i < m->n_containers; i++) {
		const struct metadata_container *container =
		    &m->containers[i];

		clock_span(container->window_s, span);
		str_addf(s, "%-12s ", "container");
		str_add_visible(s, container->name);
		str_add(s, ", ");
		str_add_visible(s, container->action != NULL ?
		    container->action : "untouched");
		str_addf(s, " for %s\n", span);
	}
}

static void
add_metadata(struct str *s, const struct metadata *m)
{
	size_t i;

	add_text(s, "host", m->host);
	add_time(s, "finished", m->finished);
	if (m->raw_bytes != 0)
		add_bytes(s, "content", m->raw_bytes);
	str_addf(s, "%-12s %" PRIu64 "\n", "files", m->files);
	add_text(s, "sha256", m->sha256);
	add_sources(s, m);
	add_containers(s, m);
	for (i = 0; i < m->warnings->n; i++)
		add_text(s, "warning", m->warnings->v[i]);
	add_text(s, "vbackup", m->vbackup);
}

/* Every store that has it, with what it has, where that is not the same. */
static void
add_stores(struct str *s, const struct catalogue *c,
    const struct catalogue_entry *entry)
{
	size_t store, i;

	for (store = 0; store < c->n_stores; store++)
		for (i = 0; i < c->n; i++) {
			const struct catalogue_entry *copy = &c->entries[i];

			if (copy->store != store ||
			    strcmp(copy->name, entry->name) != 0)
				continue;
			str_addf(s, "%-12s ", "store");
			str_add_visible(s, c->stores[store].plan->name);
			str_add(s, " ");
			str_add_visible(s, c->stores[store].plan->place);
			if (copy->bytes != entry->bytes)
				str_addf(s, ", %" PRIu64 " bytes there",
				    copy->bytes);
			str_addf(s, "%s\n", copy->has_metadata ? "" :
			    ", without metadata");
		}
}

int
catalogue_show_text(const struct catalogue *c,
    const struct catalogue_entry *entry, const struct metadata *metadata,
    char **ret, struct err *err)
{
	struct str s = STR_INIT;

	add_text(&s, "name", entry->name);
	add_text(&s, "job", entry->job);
	add_time(&s, entry->time_from == CATALOGUE_BY_STORE ? "stored" :
	    "started", entry->time);
	add_bytes(&s, "size", entry->bytes);
	add_text(&s, "size is", entry->check == CATALOGUE_AGREES ?
	    "as its metadata says" : entry->check == CATALOGUE_DIFFERS ?
	    "NOT what its metadata says" : "not known from metadata");
	add_text(&s, "compression", entry->compression);
	add_text(&s, "encryption", metadata != NULL &&
	    metadata->encryption != NULL ? metadata->encryption :
	    catalogue_seal_word(entry->seal));
	if (metadata != NULL)
		add_metadata(&s, metadata);
	add_stores(&s, c, entry);
	return str_take(&s, ret, err);
}
