/*
 * variables: the environment, and files that stand for one, become layers.
 *
 * A file in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=) that is called
 * as a variable of ours stands for it, with its content, as another form of the
 * same setting.
 *
 * Variables that are none of ours are left alone, but for what begins with
 * VBACKUP_ or BACKUP_, and for those of docker-volume-backup (foreign.h).
 */
#ifndef LIB_CONFIG_VARIABLES_H
#define LIB_CONFIG_VARIABLES_H

#include "lib/base/err.h"
#include "lib/config/load.h"

/* variables_read: from load->environment to load->variables. Fails with
 * ERR_NOMEM only. */
MUST_CHECK int variables_read(struct load *load, struct err *err);

/* variables_read_credentials: the same for the files in the directory that
 * load->environment names, after variables_read. None, or none there, is no
 * mistake. Fails with ERR_NOMEM only. */
MUST_CHECK int variables_read_credentials(struct load *load, struct err *err);

/* variables_read_file: a file (envfile.h) makes a job. Fails with ERR_NOMEM
 * only. */
MUST_CHECK int variables_read_file(struct load *load, const char *path,
    const char *job, struct err *err);

#endif
