/*
 * tar_input: a fuzzer's bytes become a tar whose checksums are right, or
 * nothing but them would be tried.
 */
#ifndef TEST_FUZZ_TAR_INPUT_H
#define TEST_FUZZ_TAR_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TAR_BLOCK 512
#define TAR_CHECKSUM_AT 148
#define TAR_MAGIC_AT 257

static inline void
tar_set_checksums(uint8_t *data, size_t size)
{
	size_t at, i;

	for (at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
		uint8_t *block = data + at;
		char text[16];
		unsigned sum = 0;

		if (memcmp(block + TAR_MAGIC_AT, "ustar", 5) != 0)
			continue;
		memset(block + TAR_CHECKSUM_AT, ' ', 8);
		for (i = 0; i < TAR_BLOCK; i++)
			sum += block[i];
		(void)snprintf(text, sizeof text, "%06o", sum);
		memcpy(block + TAR_CHECKSUM_AT, text, 7);
	}
}

#endif
