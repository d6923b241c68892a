/*
 * extract_made: which entries of the disk an extraction has made.
 *
 * Known by device and inode, not by name: what somebody else puts in the place
 * of one does not count. The answer is never a guess, for a hard link to what
 * was there before would be one to a file that the archive knows nothing of.
 *
 * A bit for each inode, in words of 64 inodes: file systems number what is made
 * one after the other densely, so a million files take less than 1 MiB. Where
 * they do not, and a word has one file only, memory is bounded all the same:
 * what comes after MADE_WORDS_MAX words is not remembered, and `full` says so.
 */
#ifndef LIB_STREAM_EXTRACT_MADE_H
#define LIB_STREAM_EXTRACT_MADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define MADE_WORDS_MAX ((size_t)1 << 20)	/* 32 MiB */
#define MADE_DEVICES_MAX 64

struct made_word {
	uint64_t key;		/* the device's place in devices, and the
				 * inode's upper bits */
	uint64_t bits;		/* 0: nothing is kept here */
};

struct extract_made {
	struct made_word *words;
	size_t n_words;
	size_t cap;		/* a power of 2, or 0 */
	dev_t devices[MADE_DEVICES_MAX];
	size_t n_devices;
	bool full;		/* something was not remembered */
};

void extract_made_add(struct extract_made *made, const struct stat *st);
bool extract_made_has(const struct extract_made *made, const struct stat *st);
void extract_made_free(struct extract_made *made);

#endif
