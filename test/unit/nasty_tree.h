/*
 * nasty_tree: a directory with everything that archives get wrong.
 *
 * Names, link targets, hard links, holes, times, owners, modes, attributes,
 * ACLs, devices and depths that lose something with one tar or another. Needs
 * root and a file system with user, trusted and security attributes and ACLs.
 * Its sockets are what an archive leaves out.
 */
#ifndef TEST_UNIT_NASTY_TREE_H
#define TEST_UNIT_NASTY_TREE_H

#include <stdbool.h>

/* nasty_tree_build: fill dir, which is made; -1 with a message on stderr. With
 * over_path_max there are also paths that no single system call takes; GNU
 * tar cannot extract those. */
int nasty_tree_build(const char *dir, bool over_path_max);

#endif
