/* compare_trees SOURCE RESTORED: see tree_compare.h; prints each difference,
 * exit 1 if there is one. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

#include "test/unit/tree_compare.h"

int
main(int argc, char **argv)
{
	CLEANUP(str_free) struct str differences = STR_INIT;
	int source, restored;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: compare_trees SOURCE RESTORED\n");
		return 2;
	}
	source = open(argv[1], O_RDONLY | O_DIRECTORY);
	restored = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (source < 0 || restored < 0 ||
	    tree_compare(source, restored, &differences) < 0)
		return 2;
	if (differences.len == 0)
		return 0;
	(void)fputs(differences.s, stdout);
	return 1;
}
