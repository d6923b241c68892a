/* What an S3 server says: every reader of it takes the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/store/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *body = (const char *)data;
	struct s3_unfinished_list uploads = S3_UNFINISHED_LIST_INIT;
	struct s3_failures failures = S3_FAILURES_INIT;
	struct s3_listing listing = S3_LISTING_INIT;
	struct err err = ERR_INIT;
	struct s3_error error;
	char *id = NULL, *etag = NULL;

	s3_xml_error(body, n, &error);
	if (s3_xml_listing(body, n, &listing, &err) == 0)
		s3_listing_free(&listing);
	if (s3_xml_unfinished(body, n, &uploads, &err) == 0)
		s3_unfinished_list_free(&uploads);
	if (s3_xml_failures(body, n, &failures, &err) == 0)
		s3_failures_free(&failures);
	if (s3_xml_upload_id(body, n, &id, &err) == 0)
		free(id);
	if (s3_xml_etag(body, n, &etag, &err) == 0)
		free(etag);
	return 0;
}
