/*
 * s3_xml: what S3 says, as data. The only file that knows expat.
 *
 * A document is a peer's bytes: whatever is in it, these functions end, use
 * memory in proportion to it, and give what is well-formed or ERR_PROTOCOL.
 * Unknown elements are skipped, name spaces do not matter, and a document type
 * is refused, because nobody needs one and entities are a trap.
 */
#ifndef LIB_STORE_S3_XML_H
#define LIB_STORE_S3_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"

struct s3_error {
	char code[64];		/* "" where the document is no error */
	char message[256];
	char region[64];	/* where the bucket is, if the server says */
	char endpoint[160];
};

#define S3_ERROR_INIT { "", "", "", "" }

/* s3_xml_error: is this document an <Error>? Anything else, and what is no XML
 * at all (a proxy's page), leaves ret->code empty. */
void s3_xml_error(const char *body, size_t n, struct s3_error *ret);

struct s3_object {
	char *key;
	uint64_t bytes;
	time_t modified;
};

struct s3_listing {	/* of ListObjectsV2; one page */
	struct s3_object *v;
	size_t n;
	bool truncated;
	char *next;	/* continuation token; NULL unless truncated */
};

#define S3_LISTING_INIT { NULL, 0, false, NULL }

/* Keys that are not UTF-8 text without NUL are left out: none of them is ours.
 * Fails: ERR_PROTOCOL no listing; an object without a key, a size or a time;
 * truncated without saying where to go on. */
MUST_CHECK int s3_xml_listing(const char *body, size_t n,
    struct s3_listing *ret, struct err *err);
void s3_listing_free(struct s3_listing *listing);	/* for CLEANUP */

struct s3_unfinished {	/* an upload that was begun */
	char *key;
	char *id;
	time_t begun;
};

struct s3_unfinished_list {	/* of ListMultipartUploads; one page */
	struct s3_unfinished *v;
	size_t n;
	bool truncated;
	char *next_key;		/* markers; NULL unless truncated */
	char *next_id;
};

#define S3_UNFINISHED_LIST_INIT { NULL, 0, false, NULL, NULL }

MUST_CHECK int s3_xml_unfinished(const char *body, size_t n,
    struct s3_unfinished_list *ret, struct err *err);
void s3_unfinished_list_free(struct s3_unfinished_list *list);

/* s3_xml_upload_id: of InitiateMultipartUpload; caller frees. */
MUST_CHECK int s3_xml_upload_id(const char *body, size_t n, char **ret,
    struct err *err);

/* s3_xml_etag: of CompleteMultipartUpload, without quotes, "" if there is none;
 * caller frees. Fails: ERR_PROTOCOL another document. */
MUST_CHECK int s3_xml_etag(const char *body, size_t n, char **ret,
    struct err *err);

struct s3_failure {	/* to remove one object */
	char *key;
	char *code;
	char *message;
};

struct s3_failures {
	struct s3_failure *v;
	size_t n;
};

#define S3_FAILURES_INIT { NULL, 0 }

/* s3_xml_failures: of DeleteObjects. */
MUST_CHECK int s3_xml_failures(const char *body, size_t n,
    struct s3_failures *ret, struct err *err);
void s3_failures_free(struct s3_failures *failures);

#endif
