/*
 * pack_tar: a source that is given as a tar stream, not as a directory.
 *
 *     pack_new, (pack_source or pack_tar) ..., pack_finish, pack_free
 *
 * For a Docker volume that cannot be read from the host: the Engine's archive
 * endpoint gives it as a stream (written by Go's archive/tar), which becomes
 * members of our archive as pack_source would have written them: one root, the
 * same names, exclusions, counts and events, our own headers. The stream's
 * first member is that root, a directory or one file; the names of all others
 * begin with its name.
 *
 * Kept is what the stream holds: owners and groups by number, modes, times,
 * symbolic and hard links, devices, FIFOs, extended attributes (SCHILY.xattr),
 * ACLs (SCHILY.acl), names of any bytes and length, holes where the stream has
 * a map of them (GNU tar's). Seen with Docker 20.10, the Engine's stream lacks:
 * fractions of seconds, ACLs, every attribute but security.capability, and
 * sockets (uncounted here); holes come as zeros. And the Engine leaves out a
 * file that it cannot read, and only its own log says so.
 *
 * What pack_source knows from the file system is not known here: a store's
 * directory below the volume is not left out (PACK_LEFT_OUT never comes), and
 * nothing is linked to a file of another source. A hard link to a file that was
 * left out cannot be written: PACK_UNREADABLE. That any other hard link's file
 * is in the stream, before it, is taken on trust, because no list of names is
 * kept.
 *
 * A stream that ends early, without the blocks that end an archive, or with
 * anything but zeros behind them, is an error, never a shorter archive. So are
 * names that lead out of the root (absolute, "..", another first component).
 *
 * Memory: some 5 MiB, whatever the stream holds; see tar_reader.h.
 */
#ifndef LIB_STREAM_PACK_TAR_H
#define LIB_STREAM_PACK_TAR_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/stream/pack.h"

typedef int pack_tar_write_fn(void *write_cookie, const void *bytes, size_t n,
    struct err *err);

/* Pushes the whole stream into write, any number of bytes at a time; a -1 of
 * write ends it with that error. */
typedef int pack_tar_fetch_fn(void *cookie, pack_tar_write_fn *write,
    void *write_cookie, struct err *err);

/* pack_tar: adds one source; its path is not used.
 *
 * fetch runs on a thread of its own while pack_tar runs; when that ends for
 * another reason, it waits until fetch has noticed, at its next write: fetch
 * must not wait for its bytes without limit, and must look at intr.h.
 *
 * Fails    what fetch failed with, if that is the cause; ERR_SOURCE the stream
 *          is no tar, damaged, cut off, or has a name that leads out of it;
 *          ERR_STREAM the pack's channel was cancelled; ERR_INTERRUPTED,
 *          ERR_NOMEM, ERR_SYSTEM no thread; *ret is set even then. */
MUST_CHECK int pack_tar(struct pack *pack, const struct pack_source *source,
    pack_tar_fetch_fn *fetch, void *cookie, struct pack_result *ret,
    struct err *err);

#endif
