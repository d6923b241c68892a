/*
 * fuzz_metrics: whatever a file says of the run before, what is written is
 * text that is read again as what it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/report/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
check(const struct report *report, const char *old)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *again = NULL;
	struct err err = ERR_INIT;

	if (metrics_format(report, old, &text, &err) < 0 ||
	    metrics_format(report, text, &again, &err) < 0)
		return;
	if (strcmp(text, again) != 0 || !str_is_utf8(text) ||
	    (*text != '\0' && !str_ends(text, "\n")))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char name[] = "one";
	struct report_job job = { .name = name, .stored = n % 2 == 0 };
	struct report report = { .finished = 17 };
	CLEANUP(cleanup_free) char *old = malloc(n + 1);

	if (old == NULL)
		return 0;
	memcpy(old, bytes, n);
	old[n] = '\0';
	check(&report, old);
	report.jobs = &job;
	report.n_jobs = 1;
	check(&report, old);
	return 0;
}
