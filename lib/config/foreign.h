/*
 * foreign: variables of docker-volume-backup that we know but lack.
 */
#ifndef LIB_CONFIG_FOREIGN_H
#define LIB_CONFIG_FOREIGN_H

enum foreign_verdict {
	FOREIGN_REFUSE,		/* would switch on a store or a sealing */
	FOREIGN_IGNORE		/* has no effect, and does no harm */
};

struct foreign {
	const char *name;	/* a * at its end stands for anything */
	enum foreign_verdict verdict;
	const char *reason;	/* what is missing */
};

/* foreign_find: the row of this variable, or of what its name is without
 * _FILE; or NULL. */
const struct foreign *foreign_find(const char *variable);

#endif
