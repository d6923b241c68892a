#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"

/* RFC 4648, section 10, and the two digits that other alphabets change. */
static const struct {
	const char *bytes;
	const char *text;
} pairs[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/" },
};

static void
both_ways_give_what_the_standard_says(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		CLEANUP(cleanup_free) unsigned char *bytes = NULL;
		CLEANUP(cleanup_free) char *text = NULL;
		struct err err = ERR_INIT;
		size_t n = strlen(pairs[i].bytes), got;

		assert_int_equal(base64_encode(pairs[i].bytes, n, &text,
		    &err), 0);
		assert_string_equal(text, pairs[i].text);
		assert_int_equal(base64_decode(pairs[i].text, &bytes, &got,
		    &err), 0);
		assert_int_equal(got, n);
		assert_memory_equal(bytes, pairs[i].bytes, n + 1);
	}
}

static void
white_space_between_digits_is_skipped(void **state)
{
	CLEANUP(cleanup_free) unsigned char *bytes = NULL;
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	assert_int_equal(base64_decode(" \nZ\tm9\r\nvYg\v\f=\n= \n", &bytes,
	    &n, &err), 0);
	assert_int_equal(n, 4);
	assert_string_equal((char *)bytes, "foob");
}

static void
what_is_not_base64_is_refused(void **state)
{
	static const char *const texts[] = {
		"Z", "Zg", "Zg=", "Zm9vY", "=", "====", "Z===", "=Zg=",
		"Z=g=", "Zg==Zg==", "Zg==Z", "Zm8=Zm9v", "Zg==-", "Zm9-",
		"Zm9_", "Zm9v-", "-Zm9v", "Zm9v====", "Zm\xc3\xa9", "Zm.v",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		unsigned char *bytes = NULL;
		struct err err = ERR_INIT;
		size_t n;

		if (base64_decode(texts[i], &bytes, &n, &err) == 0)
			fail_msg("'%s' was accepted", texts[i]);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_null(bytes);
	}
}

/* Longer than the step in which libcrypto is fed, at every length mod 3. */
static void
long_values_with_every_byte_come_back(void **state)
{
	size_t n = ((size_t)3 << 20) * 2 + 7, rest, i;
	CLEANUP(cleanup_free) unsigned char *bytes = malloc(n);

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < n; i++)
		bytes[i] = (unsigned char)(i ^ i >> 8);
	for (rest = 0; rest < 3; rest++, n--) {
		CLEANUP(cleanup_free) unsigned char *back = NULL;
		CLEANUP(cleanup_free) char *text = NULL;
		struct err err = ERR_INIT;
		size_t got;

		assert_int_equal(base64_encode(bytes, n, &text, &err), 0);
		assert_int_equal(strlen(text), (n + 2) / 3 * 4);
		assert_int_equal(base64_decode(text, &back, &got, &err), 0);
		assert_int_equal(got, n);
		assert_memory_equal(back, bytes, n);
		assert_int_equal(back[n], 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_give_what_the_standard_says),
		cmocka_unit_test(white_space_between_digits_is_skipped),
		cmocka_unit_test(what_is_not_base64_is_refused),
		cmocka_unit_test(long_values_with_every_byte_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
