#include "lib/run/restore_source.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/run/reflow.h"

void
restore_secrets_free(struct restore_secrets *secrets)
{
	openings_free(&secrets->openings);
	if (secrets->passphrase != NULL)
		str_zero(secrets->passphrase);
	free(secrets->passphrase);
	secrets->passphrase = NULL;
}

void
restore_source_free(struct restore_source *source)
{
	metadata_parsed_free(&source->parsed);
	store_free(source->store);
	*source = (struct restore_source)RESTORE_SOURCE_INIT;
}

/* --- whose settings ------------------------------------------------------ */

static const struct options *
options_of_job(const struct config *config, const char *job)
{
	size_t i;

	for (i = 0; i < config->n_jobs; i++)
		if (strcmp(config->jobs[i].name, job) == 0)
			return &config->jobs[i].options;
	return &config->base;
}

static bool
opens_anything(const struct options *options)
{
	return options->seal_passphrase != NULL ||
	    options->seal_secret_key != NULL;
}

/* Those of its job; where that is not known (another host's, another
 * program's), those of a job that has the store, one with a secret first. */
static const struct options *
options_of(const struct config *config, const struct catalogue *catalogue,
    const struct catalogue_entry *entry)
{
	const struct catalogue_store *store =
	    &catalogue->stores[entry->store];
	const struct options *found = &config->base;
	size_t i;

	for (i = 0; i < store->n_jobs; i++) {
		const struct catalogue_job *job =
		    &catalogue->jobs[store->jobs[i]];
		const struct options *options = options_of_job(config,
		    job->name);

		if (entry->job != NULL && strcmp(job->name, entry->job) == 0)
			return options;
		if (!opens_anything(found) && opens_anything(options))
			found = options;
	}
	return found;
}

/* --- metadata ------------------------------------------------------------ */

/* It went away since it was listed, or never made sense, which was logged. */
static int
read_metadata(const struct catalogue *catalogue, struct restore_source *s,
    struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err why = ERR_INIT;
	size_t n;

	if (!s->entry->has_metadata || s->entry->trouble != NULL)
		return 0;
	if (catalogue_document(catalogue, s->entry, &text, &n, &why) == 0 &&
	    metadata_parse(text, n, &s->parsed, &why) == 0) {
		s->metadata = &s->parsed.metadata;
		return 0;
	}
	if (why.kind == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

/* --- what decrypts ------------------------------------------------------- */

struct beginning {
	const char *kind;	/* as unseal_kind */
	bool seen;
};

static int
take_beginning(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct beginning *beginning = cookie;

	beginning->kind = unseal_kind(bytes, n);
	beginning->seen = true;
	return err_set(err, ERR_STREAM, "that is enough");
}

/* NULL: it does not say, or is damaged, which will be seen. */
static int
look_at_beginning(const struct restore_source *s, const char **ret,
    struct err *err)
{
	struct beginning beginning = { .kind = NULL };

	if (store_get(s->store, s->entry->name, take_beginning, &beginning,
	    err) < 0 && !beginning.seen)
		return -1;
	*err = (struct err)ERR_INIT;
	*ret = beginning.kind;
	return 0;
}

static int
ask(const struct restore_settings *settings, const struct restore_source *s,
    struct restore_secrets *secrets, struct err *err)
{
	CLEANUP(str_free) struct str prompt = STR_INIT;

	/* Others may write to the store: no name is to move the cursor. */
	str_add(&prompt, "Passphrase of '");
	str_add_visible(&prompt, s->entry->name);
	str_add(&prompt, "': ");
	if (prompt.failed)
		return err_nomem(err);
	if (settings->ask(settings->cookie, prompt.s, &secrets->passphrase,
	    err) < 0)
		return -1;
	secrets->asked = *s->options;
	secrets->asked.seal_passphrase = secrets->passphrase;
	return log_secret(secrets->passphrase, err);
}

static int
find_unseal(const struct restore_settings *settings,
    struct restore_source *s, const char *encryption,
    struct restore_secrets *secrets, struct err *err)
{
	bool by_passphrase = encryption != NULL &&
	    strcmp(encryption, "openpgp-symmetric") == 0;

	if (by_passphrase && s->options->seal_passphrase == NULL &&
	    secrets->passphrase == NULL && settings->ask != NULL &&
	    ask(settings, s, secrets, err) < 0)
		return -1;
	if (by_passphrase && s->options->seal_passphrase == NULL &&
	    secrets->passphrase != NULL)
		s->options = &secrets->asked;
	if (openings_find(&secrets->openings, s->options, &s->unseal,
	    err) < 0)
		return -1;
	return unseal_can(s->unseal, encryption, err);
}

static int
prepare_unseal(const struct restore_settings *settings,
    struct restore_source *s, struct restore_secrets *secrets,
    struct err *err)
{
	static const struct metadata none = { .name = NULL };
	const char *name = s->entry->name, *encryption;

	if (s->entry->seal == CATALOGUE_AGE)
		return err_set(err, ERR_CONFIG, "it is encrypted with age, "
		    "which cannot be opened here");
	encryption = opening_encryption(name, s->metadata != NULL ?
	    s->metadata : &none);
	if (encryption == NULL)
		return 0;
	if (*encryption == '\0' && look_at_beginning(s, &encryption,
	    err) < 0)
		return -1;
	return find_unseal(settings, s, encryption, secrets, err) < 0 ?
	    err_add(err, "cannot decrypt") : 0;
}

/* --- the whole ----------------------------------------------------------- */

static int
open_it(const struct config *config, const struct restore_settings *settings,
    const struct catalogue *catalogue, struct restore_secrets *secrets,
    struct restore_source *s, struct err *err)
{
	if (store_plan_open(catalogue->stores[s->entry->store].plan,
	    &s->store, err) < 0 ||
	    read_metadata(catalogue, s, err) < 0)
		return -1;
	if (s->metadata != NULL && opening_compare_size(s->metadata,
	    s->entry->bytes, err) < 0)
		return -1;
	s->options = options_of(config, catalogue, s->entry);
	return prepare_unseal(settings, s, secrets, err);
}

/* A store that could not be opened has named itself. */
static int
blame(const struct restore_source *s, struct err *err)
{
	if (s->store == NULL || err->kind == ERR_INTERRUPTED ||
	    err->kind == ERR_NOMEM)
		return -1;
	return opening_blame(store_label(s->store), s->entry->name, err);
}

int
restore_source_open(const struct config *config,
    const struct restore_settings *settings,
    const struct catalogue *catalogue, const struct catalogue_entry *entry,
    struct restore_secrets *secrets, struct restore_source *ret,
    struct err *err)
{
	*ret = (struct restore_source)RESTORE_SOURCE_INIT;
	ret->entry = entry;
	return open_it(config, settings, catalogue, secrets, ret, err) < 0 ?
	    blame(ret, err) : 0;
}

int
restore_source_read(const struct restore_source *s,
    int (*sink)(void *cookie, struct chan *in, struct err *err),
    void *cookie, struct err *err)
{
	struct reflow_settings settings = { .store = s->store,
		.name = s->entry->name, .bytes = s->entry->bytes,
		.unseal = s->unseal, .decompress = { .detect = true },
		.sink = sink, .cookie = cookie };
	struct reflow_result read = { 0 };

	/* Without metadata: names lie. */
	if (s->metadata != NULL)
		settings.decompress = opening_decompression(s->entry->name,
		    s->metadata);
	if (reflow_run(&settings, &read, err) < 0 || (s->metadata != NULL &&
	    opening_compare(s->metadata, &read, err) < 0))
		return blame(s, err);
	return 0;
}
