#include "lib/run/opening.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/store/name.h"

struct opening {
	const struct options *options;
	struct unseal *unseal;
};

void
openings_free(struct openings *openings)
{
	size_t i;

	for (i = 0; i < openings->n; i++)
		unseal_free(openings->v[i].unseal);
	free(openings->v);
	*openings = (struct openings)OPENINGS_INIT;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
opens_the_same(const struct options *a, const struct options *b)
{
	return is_same_text(a->seal_passphrase, b->seal_passphrase) &&
	    is_same_text(a->seal_secret_key, b->seal_secret_key) &&
	    is_same_text(a->seal_secret_key_passphrase,
	    b->seal_secret_key_passphrase);
}

int
openings_find(struct openings *openings, const struct options *options,
    struct unseal **ret, struct err *err)
{
	struct unseal_settings settings = {
		.passphrase = options->seal_passphrase,
		.secret_key = options->seal_secret_key,
		.secret_key_passphrase = options->seal_secret_key_passphrase,
	};
	struct opening *bigger;
	size_t i;

	for (i = 0; i < openings->n; i++)
		if (opens_the_same(openings->v[i].options, options)) {
			*ret = openings->v[i].unseal;
			return 0;
		}
	bigger = realloc(openings->v, (openings->n + 1) * sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	openings->v = bigger;
	if (unseal_new(&settings, ret, err) < 0)
		return -1;
	bigger[openings->n++] = (struct opening){ options, *ret };
	return 0;
}

const char *
opening_encryption(const char *name, const struct metadata *metadata)
{
	const char *said = metadata->encryption;

	if (said != NULL)
		return strcmp(said, "none") == 0 ? NULL : said;
	return str_ends(name, NAME_SEALED_SUFFIX) ? "" : NULL;
}

int
openings_can(struct openings *openings, const struct options *options,
    const char *name, const struct metadata *metadata, struct err *err)
{
	const char *encryption = opening_encryption(name, metadata);
	struct unseal *unseal;

	if (encryption == NULL)
		return 0;
	if (openings_find(openings, options, &unseal, err) < 0 ||
	    unseal_can(unseal, *encryption != '\0' ? encryption : NULL,
	    err) < 0)
		return err_add(err, "'%s' cannot be decrypted", name);
	return 0;
}

struct decompress_settings
opening_decompression(const char *name, const struct metadata *metadata)
{
	static const struct {
		const char *word, *extension;
		enum compression kind;
	} kinds[] = {
		{ "gzip", "gz", COMPRESSION_GZIP },
		{ "zstd", "zst", COMPRESSION_ZSTD },
		{ "none", "none", COMPRESSION_NONE },
	};
	const char *said = metadata->compression;
	size_t n = strlen(name), m = strlen(NAME_SEALED_SUFFIX), i;
	char plain[512] = "";
	const char *extension;

	if (str_ends(name, NAME_SEALED_SUFFIX))
		n -= m;
	if (n < sizeof plain)
		memcpy(plain, name, n);
	extension = name_suffix_compression(plain);
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (said != NULL ? strcmp(said, kinds[i].word) == 0 :
		    extension != NULL &&
		    strcmp(extension, kinds[i].extension) == 0)
			return (struct decompress_settings){
				.kind = kinds[i].kind };
	return (struct decompress_settings){ .detect = true };
}

int
opening_compare_size(const struct metadata *metadata, uint64_t bytes,
    struct err *err)
{
	if (metadata->size_bytes == 0 || metadata->size_bytes == bytes)
		return 0;
	return err_set(err, ERR_SOURCE, "it has %" PRIu64 " bytes, its "
	    "metadata says %" PRIu64, bytes, metadata->size_bytes);
}

int
opening_compare(const struct metadata *metadata,
    const struct reflow_result *read, struct err *err)
{
	if (opening_compare_size(metadata, read->bytes, err) < 0)
		return -1;
	if (metadata->sha256 != NULL &&
	    strcasecmp(metadata->sha256, read->sha256) != 0)
		return err_set(err, ERR_SOURCE, "its SHA-256 is %s, its "
		    "metadata says %s", read->sha256, metadata->sha256);
	return 0;
}

/* store.c has named the store in what it failed with. */
int
opening_blame(const char *label, const char *name, struct err *err)
{
	if (!str_starts(err->msg, label))
		return err_add(err, "%s: '%s'", label, name);
	if (strstr(err->msg, name) == NULL)
		return err_add(err, "'%s'", name);
	return -1;
}
