/*
 * progress: counters that stages bump and the flow reads, for a status line.
 */
#ifndef LIB_STREAM_PROGRESS_H
#define LIB_STREAM_PROGRESS_H

#include <stdatomic.h>

struct progress {
	atomic_ullong members;		/* packed so far */
	atomic_ullong raw_bytes;	/* of file content read so far */
	atomic_ullong stored_bytes;	/* written to the spool file so far */
};

#endif
