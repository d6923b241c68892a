#include "lib/base/regex.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Some milliseconds. Not compiled to machine code: a hardened unit forbids
 * memory that is writable and executable. */
#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 20000

#define COMPILE_OPTIONS \
	(PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY)

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

int
regex_new(const char *pattern, struct regex **ret, struct err *err)
{
	CLEANUP(regex_freep) struct regex *regex = calloc(1, sizeof *regex);
	PCRE2_UCHAR why[256];
	PCRE2_SIZE offset;
	int code;

	if (regex == NULL)
		return err_nomem(err);
	regex->code = pcre2_compile((PCRE2_SPTR)pattern,
	    PCRE2_ZERO_TERMINATED, COMPILE_OPTIONS, &code, &offset, NULL);
	if (regex->code == NULL) {
		(void)pcre2_get_error_message(code, why, sizeof why);
		return err_set(err, ERR_CONFIG, "'%s' is not a regular "
		    "expression: %s at offset %zu", pattern,
		    (const char *)why, (size_t)offset);
	}
	regex->data = pcre2_match_data_create(1, NULL);
	regex->context = pcre2_match_context_create(NULL);
	if (regex->data == NULL || regex->context == NULL)
		return err_nomem(err);
	(void)pcre2_set_match_limit(regex->context, MATCH_LIMIT);
	(void)pcre2_set_heap_limit(regex->context, HEAP_LIMIT_KIB);
	*ret = regex;
	regex = NULL;
	return 0;
}

enum regex_result
regex_search(struct regex *regex, const char *text)
{
	int rc = pcre2_match(regex->code, (PCRE2_SPTR)text, strlen(text), 0, 0,
	    regex->data, regex->context);

	return rc >= 0 ? REGEX_YES :
	    rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_UNKNOWN;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_context_free(regex->context);
	pcre2_match_data_free(regex->data);
	pcre2_code_free(regex->code);
	free(regex);
}

void
regex_freep(struct regex **regex)
{
	regex_free(*regex);
}
