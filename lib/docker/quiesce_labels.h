/*
 * quiesce_labels: what the labels of a container or of a service say of
 * quiescing. "P." below is "docker-volume-backup." or "vbackup."
 *
 *     P.stop-during-backup = VALUES     quiesced, if one of VALUES (separated
 *     vbackup.stop = VALUES             by commas) is the value looked for
 *     P.stop-during-backup-no-restart   the same, and not brought back
 *     vbackup.quiesce = stop|pause|none how, instead of the setting; for a
 *                                       global service also "constraint"
 *     vbackup.stop-timeout = DURATION   instead of the setting
 *     vbackup.order = INTEGER           lower is stopped first
 */
#ifndef LIB_DOCKER_QUIESCE_LABELS_H
#define LIB_DOCKER_QUIESCE_LABELS_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

enum quiesce_mode { QUIESCE_MODE_STOP, QUIESCE_MODE_PAUSE, QUIESCE_MODE_NONE,
	QUIESCE_MODE_CONSTRAINT };

struct quiesce_labels {
	bool selected;		/* labelled to be quiesced */
	bool any_value;		/* has such a label, whatever its value */
	bool no_restart;
	bool both;		/* labelled with restart and without: an error
				 * for whoever would stop it */
	enum quiesce_mode mode;
	double stop_timeout_s;	/* negative: neither label nor setting */
	long order;
};

struct quiesce_defaults {
	const char *stop_value;		/* BACKUP_STOP_DURING_BACKUP_LABEL */
	const char *no_restart_value;	/* ..._NO_RESTART_LABEL */
	enum quiesce_mode mode;
	double stop_timeout_s;		/* negative: none set */
};

/* quiesce_labels_read. Fails: ERR_CONFIG a value that cannot be: the label and
 * the value are named, and what could be. Whose it is, the caller adds. */
MUST_CHECK int quiesce_labels_read(const struct strmap *labels,
    const struct quiesce_defaults *defaults, struct quiesce_labels *ret,
    struct err *err);

#endif
