#define _GNU_SOURCE
#include "lib/stream/extract_made.h"

#include <stdlib.h>

#define CAP_FIRST ((size_t)1024)
#define CAP_MAX (2 * MADE_WORDS_MAX)
#define WORD_BITS 6		/* of an inode's number */
#define DEVICE_SHIFT (64 - WORD_BITS)

_Static_assert(MADE_DEVICES_MAX <= 1 << WORD_BITS, "fits into the key");

static bool
find_device(const struct extract_made *made, dev_t device, size_t *ret)
{
	for (*ret = 0; *ret < made->n_devices; ++*ret)
		if (made->devices[*ret] == device)
			return true;
	return false;
}

static uint64_t
key_of(size_t device, ino_t inode)
{
	return (uint64_t)device << DEVICE_SHIFT |
	    (uint64_t)inode >> WORD_BITS;
}

static uint64_t
bit_of(ino_t inode)
{
	return UINT64_C(1) << (inode & 63);
}

/* Where this key is, or would be. */
static struct made_word *
find_word(struct made_word *words, size_t cap, uint64_t key)
{
	size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (;; i++) {
		struct made_word *word = &words[i & (cap - 1)];

		if (word->bits == 0 || word->key == key)
			return word;
	}
}

static bool
grow(struct extract_made *made)
{
	size_t cap = made->cap == 0 ? CAP_FIRST : 2 * made->cap, i;
	struct made_word *words;

	if (cap > CAP_MAX)
		return false;
	words = calloc(cap, sizeof *words);
	if (words == NULL)
		return false;
	for (i = 0; i < made->cap; i++)
		if (made->words[i].bits != 0)
			*find_word(words, cap, made->words[i].key) =
			    made->words[i];
	free(made->words);
	made->words = words;
	made->cap = cap;
	return true;
}

static bool
find_or_add_device(struct extract_made *made, dev_t device, size_t *ret)
{
	if (find_device(made, device, ret))
		return true;
	if (made->n_devices == MADE_DEVICES_MAX)
		return false;
	made->devices[made->n_devices++] = device;
	return true;
}

/* The word of this key, or a new one; NULL: there is no room for it. */
static struct made_word *
find_or_add_word(struct extract_made *made, uint64_t key)
{
	struct made_word *word;

	if (made->cap == 0 && !grow(made))
		return NULL;
	word = find_word(made->words, made->cap, key);
	if (word->bits != 0)
		return word;
	if (2 * made->n_words >= made->cap) {
		if (!grow(made))
			return NULL;
		word = find_word(made->words, made->cap, key);
	}
	word->key = key;
	made->n_words++;
	return word;
}

void
extract_made_add(struct extract_made *made, const struct stat *st)
{
	struct made_word *word = NULL;
	size_t device;

	if (find_or_add_device(made, st->st_dev, &device))
		word = find_or_add_word(made, key_of(device, st->st_ino));
	if (word == NULL)
		made->full = true;
	else
		word->bits |= bit_of(st->st_ino);
}

bool
extract_made_has(const struct extract_made *made, const struct stat *st)
{
	size_t device;

	return made->cap != 0 && find_device(made, st->st_dev, &device) &&
	    (find_word(made->words, made->cap, key_of(device,
	    st->st_ino))->bits & bit_of(st->st_ino)) != 0;
}

void
extract_made_free(struct extract_made *made)
{
	free(made->words);
	made->words = NULL;
}
