/* make_nasty_tree DIR [over]: see nasty_tree.h. */
#include <stdio.h>
#include <string.h>

#include "test/unit/nasty_tree.h"

int
main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "usage: make_nasty_tree DIR [over]\n");
		return 2;
	}
	return nasty_tree_build(argv[1],
	    argc > 2 && strcmp(argv[2], "over") == 0) < 0;
}
