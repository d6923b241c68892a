/*
 * s3_script: answers of a scripted S3 server.
 */
#ifndef TEST_UNIT_S3_SCRIPT_H
#define TEST_UNIT_S3_SCRIPT_H

#include "test/unit/peer.h"

/* Each answer ends its connection: a store holds several, the peer serves one
 * at a time. */
#define SAYS(status, headers, length, body)				\
	.answer = PEER_ANSWER(status, headers, length, body),		\
	.then = PEER_CLOSE
#define SAYS_ERROR(status, length, code)				\
	SAYS(status, "", length, "<Error><Code>" code "</Code></Error>")

#endif
