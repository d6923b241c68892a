#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/digest.h"

/* FIPS 180-2, appendix B, and the empty message. */
static void
sha256_gives_what_the_standard_says(void **state)
{
	static const struct {
		const char *text;
		size_t repeat;
		const char *hex;
	} cases[] = {
		{ "", 0, "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223"
		    "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    1, "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
		{ "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67"
		    "f1809a48a497200e046d39ccc7112cd0" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(digest_freep) struct digest *digest = NULL;
		struct err err = ERR_INIT;
		char hex[DIGEST_HEX_BYTES];

		assert_int_equal(digest_new(&digest, &err), 0);
		for (k = 0; k < cases[i].repeat; k++)
			assert_int_equal(digest_add(digest, cases[i].text,
			    strlen(cases[i].text), &err), 0);
		assert_int_equal(digest_hex(digest, hex, &err), 0);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void
md5_gives_what_the_standard_says(void **state)
{
	static const char *const cases[][2] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(digest_freep) struct digest *digest = NULL;
		unsigned char bytes[DIGEST_BYTES];
		struct err err = ERR_INIT;
		char hex[DIGEST_HEX_BYTES];
		size_t n;

		assert_int_equal(digest_new_md5(&digest, &err), 0);
		assert_int_equal(digest_add(digest, cases[i][0],
		    strlen(cases[i][0]), &err), 0);
		assert_int_equal(digest_bytes(digest, bytes, &n, &err), 0);
		assert_int_equal(n, 16);
		digest_to_hex(bytes, n, hex);
		assert_string_equal(hex, cases[i][1]);
	}
}

static void
freeing_nothing_does_nothing(void **state)
{
	struct digest *digest = NULL;

	(void)state;
	digest_free(NULL);
	digest_freep(&digest);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_what_the_standard_says),
		cmocka_unit_test(md5_gives_what_the_standard_says),
		cmocka_unit_test(freeing_nothing_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
