#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/store/s3_request.h"

#define HINT_BYTES 320

/* What a HEAD request, which has no body, or a proxy means. */
static const char *
status_name(long status)
{
	switch (status) {
	case 301: return "PermanentRedirect";
	case 307: return "TemporaryRedirect";
	case 400: return "BadRequest";
	case 403: return "AccessDenied";
	case 404: return "NotFound";
	case 407: return "ProxyAuthenticationRequired";
	case 412: return "PreconditionFailed";
	case 429: return "TooManyRequests";
	case 503: return "ServiceUnavailable";
	default: return "UnexpectedAnswer";
	}
}

static enum err_kind
kind_of(const struct s3_answer *answer)
{
	long status = answer->response.status;

	if (status == 507 || s3_is(answer, "QuotaExceeded") ||
	    s3_is(answer, "XMinioStorageFull"))
		return ERR_NOSPACE;
	return status == 404 ? ERR_NOTFOUND : status == 412 ? ERR_EXISTS :
	    ERR_REFUSED;
}

/* By how much this machine's clock differs from the server's. */
static void
skew_hint(const struct s3_answer *answer, char ret[HINT_BYTES])
{
	const char *date = strmap_get(&answer->response.headers, "date");
	char span[CLOCK_SPAN_BYTES];
	struct tm tm = { .tm_isdst = 0 };
	double ahead_s;

	if (date == NULL ||
	    strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL) {
		(void)snprintf(ret, HINT_BYTES, " (set this machine's clock)");
		return;
	}
	ahead_s = difftime(clock_now(), timegm(&tm));
	clock_span(ahead_s < 0 ? -ahead_s : ahead_s, span);
	(void)snprintf(ret, HINT_BYTES, " (this machine's clock is %s %s "
	    "the server's: set it)", span, ahead_s < 0 ? "behind" : "ahead of");
}

static void
region_hint(const struct s3_answer *answer, char ret[HINT_BYTES])
{
	const char *region = strmap_get(&answer->response.headers,
	    "x-amz-bucket-region");

	if (region == NULL)
		region = answer->error.region;
	if (*region != '\0')
		(void)snprintf(ret, HINT_BYTES,
		    " (the bucket's region is '%.64s': set it)", region);
	else if (answer->error.endpoint[0] != '\0')
		(void)snprintf(ret, HINT_BYTES,
		    " (the bucket is at '%s': set the endpoint or the region)",
		    answer->error.endpoint);
}

static void
hint_for(const struct s3_answer *answer, char ret[HINT_BYTES])
{
	long status = answer->response.status;

	ret[0] = '\0';
	if (s3_is(answer, "RequestTimeTooSkewed"))
		skew_hint(answer, ret);
	else if (s3_is(answer, "InvalidAccessKeyId"))
		(void)snprintf(ret, HINT_BYTES,
		    " (the server does not know the access key)");
	else if (s3_is(answer, "SignatureDoesNotMatch"))
		(void)snprintf(ret, HINT_BYTES,
		    " (the secret key is not that of the access key)");
	else if (s3_is(answer, "NoSuchBucket"))
		(void)snprintf(ret, HINT_BYTES, " (there is no such bucket)");
	else if (status / 100 == 3 || status == 400 || status == 403)
		region_hint(answer, ret);
}

int
s3_expect(const struct s3_answer *answer, struct err *err)
{
	const struct s3_error *error = &answer->error;
	long status = answer->response.status;
	char hint[HINT_BYTES], times[48] = "";

	if (s3_ok(answer))
		return 0;
	hint_for(answer, hint);
	if (answer->attempts > 1)
		(void)snprintf(times, sizeof times, ", after %u attempts",
		    answer->attempts);
	return err_set(err, kind_of(answer), "%s%s%s (status %ld%s)%s",
	    error->code[0] != '\0' ? error->code : status_name(status),
	    error->message[0] != '\0' ? ": " : "", error->message, status,
	    times, hint);
}
