/*
 * tree_compare: is a restored tree the same as its source?
 *
 * By names, types, modes, owners, sizes, times in nanoseconds, device numbers,
 * link targets, contents, holes (a restored file may not take more room), hard
 * links, and every extended attribute (ACLs and capabilities are some). What
 * an archive leaves out, sockets, is not expected.
 */
#ifndef TEST_UNIT_TREE_COMPARE_H
#define TEST_UNIT_TREE_COMPARE_H

#include "lib/base/str.h"

/* tree_compare: append a line to *ret for each difference of what is below
 * (and of) these two directories; -1 with a message on stderr if they cannot
 * be read. Directories' link counts and access times do not count. */
MUST_CHECK int tree_compare(int source_fd, int restored_fd, struct str *ret);

#endif
