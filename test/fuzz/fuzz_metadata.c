/* libFuzzer target: the document beside an archive. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/store/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct metadata_parsed parsed = METADATA_PARSED_INIT;
	struct err err = ERR_INIT;
	char *text = NULL;
	int rc = metadata_parse((const char *)data, size, &parsed, &err);

	if (rc < 0 && (err.kind != ERR_PROTOCOL || err.msg[0] == '\0'))
		abort();
	/* What was understood can be said again. */
	if (rc == 0 && metadata_format(&parsed.metadata, &text, &err) < 0)
		abort();
	free(text);
	metadata_parsed_free(&parsed);
	return 0;
}
