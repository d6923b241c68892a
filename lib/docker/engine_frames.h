/*
 * engine_frames: what a command in a container prints, as the Engine sends it
 * where there is no terminal: frames of 8 bytes (stream, three zeros, length
 * with its highest byte first) and so many bytes of that stream. Taken apart
 * as they come, in pieces of any size. Pure. Only for engine_exec.c and the
 * tests. Source: Docker Engine API, ContainerAttach, "Stream format".
 */
#ifndef LIB_DOCKER_ENGINE_FRAMES_H
#define LIB_DOCKER_ENGINE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct frames {
	int (*output)(void *cookie, const void *bytes, size_t n,
	    struct err *err);
	void *cookie;
	unsigned char head[8];
	size_t have;		/* bytes of head */
	uint32_t left;		/* bytes of the frame after it */
};

/* frames_feed: output gets the bytes of all streams, one after the other.
 * Fails: ERR_PROTOCOL these are no frames; as output. */
MUST_CHECK int frames_feed(struct frames *frames, const void *bytes, size_t n,
    struct err *err);

/* frames_whole: does what came so far end with the end of a frame? */
bool frames_whole(const struct frames *frames);

#endif
