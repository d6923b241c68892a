#define _GNU_SOURCE
#include "lib/stream/tar_records.h"

#include <string.h>

#define XATTR_PREFIX "SCHILY.xattr."
#define NS_PER_S 1000000000

static int
malformed(struct err *err)
{
	return err_set(err, ERR_SOURCE,
	    "an extended header in its archive is malformed");
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number at *at, of at most n bytes, and how many those were; a number of
 * 19 digits may be too large for us, and no record is that long. */
static size_t
read_number(const char *at, size_t n, uint64_t *ret)
{
	size_t i;

	*ret = 0;
	for (i = 0; i < n && is_digit(at[i]); i++) {
		if (i == 18)
			return 0;
		*ret = *ret * 10 + (uint64_t)(at[i] - '0');
	}
	return i;
}

int
tar_records_next(struct tar_records *records, struct tar_record *ret,
    struct err *err)
{
	const char *record = records->at, *equals;
	uint64_t length;
	size_t digits = read_number(record, records->n, &length);

	*ret = (struct tar_record){ NULL, 0, NULL, 0 };
	if (records->n == 0)
		return 0;
	if (digits == 0 || length > records->n || length < digits + 3 ||
	    record[digits] != ' ' || record[length - 1] != '\n')
		return malformed(err);
	ret->key = record + digits + 1;
	equals = memchr(ret->key, '=', (size_t)length - digits - 2);
	if (equals == NULL || equals == ret->key)
		return malformed(err);
	ret->key_n = (size_t)(equals - ret->key);
	if (memchr(ret->key, '\0', ret->key_n) != NULL)
		return malformed(err);
	ret->value = equals + 1;
	ret->n = (size_t)(record + length - 1 - ret->value);
	records->at += length;
	records->n -= (size_t)length;
	return 0;
}

bool
tar_record_is(const struct tar_record *record, const char *key)
{
	return record->key_n == strlen(key) &&
	    memcmp(record->key, key, record->key_n) == 0;
}

int
tar_record_text(const struct tar_record *record, struct str *ret,
    struct err *err)
{
	if (memchr(record->value, '\0', record->n) != NULL)
		return malformed(err);
	ret->len = 0;
	str_addn(ret, record->value, record->n);
	return ret->failed ? err_nomem(err) : 0;
}

/* The digits behind the point, as nanoseconds. */
static uint32_t
read_fraction(const char *at, size_t n)
{
	uint32_t ns = 0;
	size_t i;

	for (i = 0; i < 9; i++)
		ns = ns * 10 + (i < n ? (uint32_t)(at[i] - '0') : 0);
	return ns;
}

int
tar_record_time(const struct tar_record *record, int64_t *ret_s,
    uint32_t *ret_ns, struct err *err)
{
	bool negative = record->n != 0 && record->value[0] == '-';
	const char *at = record->value + negative;
	size_t n = record->n - negative, i, whole;
	uint64_t s;

	whole = read_number(at, n, &s);
	if (whole == 0 || (whole < n && at[whole] != '.'))
		return malformed(err);
	for (i = whole + 1; i < n; i++)
		if (!is_digit(at[i]))
			return malformed(err);
	*ret_ns = whole < n ? read_fraction(at + whole + 1, n - whole - 1) : 0;
	*ret_s = negative ? -(int64_t)s : (int64_t)s;
	if (negative && *ret_ns != 0) {
		*ret_s -= 1;
		*ret_ns = NS_PER_S - *ret_ns;
	}
	return 0;
}

void
tar_record_attribute(const struct tar_record *record, struct str *ret)
{
	size_t at = strlen(XATTR_PREFIX), n = record->key_n;
	const char *key = record->key;

	ret->len = 0;
	str_add(ret, "");
	if (n <= at || memcmp(key, XATTR_PREFIX, at) != 0)
		return;
	while (at < n) {
		bool equals = n - at >= 3 && memcmp(key + at, "%3D", 3) == 0;
		bool percent = n - at >= 3 && memcmp(key + at, "%25", 3) == 0;

		if (equals || percent)
			str_add(ret, equals ? "=" : "%");
		else
			str_addn(ret, key + at, 1);
		at += equals || percent ? 3 : 1;
	}
}
