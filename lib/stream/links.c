#define _GNU_SOURCE
#include "lib/stream/links.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct link_entry {
	struct link_entry *next;
	dev_t dev;
	ino_t ino;
	mode_t type;
	nlink_t left;		/* names not met yet */
	char path[];
};

static size_t
bucket_of(size_t n_buckets, dev_t dev, ino_t ino)
{
	/* Inode numbers of neighbours differ little: spread them. */
	uint64_t hash = ((uint64_t)ino ^ (uint64_t)dev << 32) *
	    UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 20) & (n_buckets - 1);
}

/* Where the pointer to this file's entry is, or the NULL at the chain's end. */
static struct link_entry **
slot(const struct links *links, const struct stat *st)
{
	struct link_entry **at = &links->buckets[bucket_of(links->n_buckets,
	    st->st_dev, st->st_ino)];

	while (*at != NULL && ((*at)->ino != st->st_ino ||
	    (*at)->dev != st->st_dev ||
	    (*at)->type != (st->st_mode & S_IFMT)))
		at = &(*at)->next;
	return at;
}

const char *
links_find(const struct links *links, const struct stat *st)
{
	struct link_entry *entry;

	if (links->n == 0)
		return NULL;
	entry = *slot(links, st);
	return entry == NULL ? NULL : entry->path;
}

static int
grow(struct links *links, struct err *err)
{
	size_t n_buckets = links->n_buckets == 0 ? 64 : 2 * links->n_buckets;
	struct link_entry **buckets = calloc(n_buckets, sizeof(*buckets));
	size_t i;

	if (buckets == NULL)
		return err_nomem(err);
	for (i = 0; i < links->n_buckets; i++) {
		struct link_entry *entry, *next;

		for (entry = links->buckets[i]; entry != NULL; entry = next) {
			size_t to = bucket_of(n_buckets, entry->dev,
			    entry->ino);

			next = entry->next;
			entry->next = buckets[to];
			buckets[to] = entry;
		}
	}
	free(links->buckets);
	links->buckets = buckets;
	links->n_buckets = n_buckets;
	return 0;
}

int
links_add(struct links *links, const struct stat *st, const char *path,
    struct err *err)
{
	size_t bytes = strlen(path) + 1;
	struct link_entry *entry, **at;

	if (links->n == links->n_buckets && grow(links, err) < 0)
		return -1;
	entry = malloc(sizeof *entry + bytes);
	if (entry == NULL)
		return err_nomem(err);
	*entry = (struct link_entry){ .dev = st->st_dev, .ino = st->st_ino,
		.type = st->st_mode & S_IFMT, .left = st->st_nlink - 1 };
	memcpy(entry->path, path, bytes);
	at = slot(links, st);
	entry->next = *at;
	*at = entry;
	links->n++;
	return 0;
}

void
links_met(struct links *links, const struct stat *st)
{
	struct link_entry **at = slot(links, st), *entry = *at;

	if (--entry->left != 0)
		return;
	*at = entry->next;
	free(entry);
	links->n--;
}

void
links_free(struct links *links)
{
	size_t i;

	for (i = 0; i < links->n_buckets; i++) {
		struct link_entry *entry, *next;

		for (entry = links->buckets[i]; entry != NULL; entry = next) {
			next = entry->next;
			free(entry);
		}
	}
	free(links->buckets);
	*links = (struct links)LINKS_INIT;
}
