/*
 * mutator: a tree, and random changes of it of every kind.
 *
 * In the tree that is built many files and directories have equal names, sizes
 * and times, so that only those who look closely can tell them apart; the
 * changes that only move things around, or restore a time, keep it so. Needs
 * root. One seed gives one sequence, if nobody else changes the tree.
 */
#ifndef TEST_UNIT_MUTATOR_H
#define TEST_UNIT_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

struct mutator {
	unsigned seed;
	uint64_t state;
	char root[32];
	unsigned n;		/* names made so far */
};

/* mutator_build: a tree in the current directory; number makes its name. */
void mutator_build(struct mutator *mutator, unsigned seed, size_t number);

/* mutator_mutate: one change; now and then of nothing. */
void mutator_mutate(struct mutator *mutator);

#endif
