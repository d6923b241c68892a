/*
 * s3_upload: an archive becomes an object, while it is being made.
 *
 * One that ends within the first part is a plain PUT. Any other is a multipart
 * upload: `parallel` threads, each of which takes the next part, waits for its
 * bytes, and sends it; nothing is buffered here, so that memory does not grow
 * with the size of parts. It is completed only when the stream has ended well,
 * and counts only when the server then confirms size and checksum; else it is
 * aborted.
 */
#ifndef LIB_STORE_S3_UPLOAD_H
#define LIB_STORE_S3_UPLOAD_H

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/store/s3_request.h"
#include "lib/store/store.h"

#define S3_PARTS_MAX 10000u
#define S3_PART_MIN_BYTES ((uint64_t)5 << 20)
#define S3_PART_MAX_BYTES ((uint64_t)5 << 30)

struct s3_upload {
	const struct s3_client *client;
	const char *key;
	enum store_put_mode mode;
	const struct store_stream *stream;
	const struct strlist *headers;	/* of the object: x-amz-... */
	uint64_t part_bytes;	/* of the first parts; 0: 8 MiB */
	unsigned parallel;	/* not 0 */
	uint64_t rate_bytes_s;	/* of all threads together; 0: no limit */
};

/* s3_upload_run: as store_put. */
MUST_CHECK int s3_upload_run(const struct s3_upload *upload, struct err *err);

/*
 * s3_part_bytes: how long is part `number` (from 1)?
 *
 * Takes    first: of the first 1,000 parts, 0: 8 MiB; window: what the stream
 *          may keep; parallel
 * Gives    sizes that grow every 1,000 parts, so that 10,000 of them are more
 *          than 5 TiB; where the window is smaller than that, as large as lets
 *          parallel + 1 of them, and in the end two, fit into it; 5 MiB at
 *          least, unless first is less
 */
uint64_t s3_part_bytes(unsigned number, uint64_t first, uint64_t window,
    unsigned parallel);

#endif
