/* unseal, of what gpg and seal made, and of what is broken. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/stream/unseal.h"
#include "test/unit/sealer.h"

#define BLOCK_BYTES ((size_t)65536)
#define A_BIT 300000

struct line {
	struct chan *in;
	struct chan *out;
};

static void *
feed(void *cookie)
{
	struct line *line = cookie;
	CLEANUP(cleanup_close) int fd = open("out", O_RDONLY | O_CLOEXEC);
	struct err err = ERR_INIT;
	char bytes[10000];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		if (chan_write(line->in, bytes, (size_t)n, &err) < 0)
			return NULL;
	(void)!chan_finish(line->in, &err);
	return NULL;
}

static void *
collect(void *cookie)
{
	struct line *line = cookie;
	CLEANUP(cleanup_close) int fd = open("got",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err err = ERR_INIT;
	const void *bytes;
	size_t n;

	while (chan_read(line->out, &bytes, &n, &err) == 0 && n != 0)
		if (file_write_fd(fd, "got", bytes, n, &err) < 0)
			abort();
	return NULL;
}

/* The file "out" to the file "got". */
static int
unseal_out(const struct unseal_settings *settings, struct err *err)
{
	CLEANUP(unseal_freep) struct unseal *unseal = NULL;
	pthread_t feeder, collector;
	struct line line;
	int rc;

	*err = (struct err)ERR_INIT;
	if (unseal_new(settings, &unseal, err) < 0)
		fail_msg("%s", err->msg);
	assert_int_equal(chan_new(BLOCK_BYTES, 4, &line.in, err), 0);
	assert_int_equal(chan_new(BLOCK_BYTES, 4, &line.out, err), 0);
	assert_int_equal(pthread_create(&feeder, NULL, feed, &line), 0);
	assert_int_equal(pthread_create(&collector, NULL, collect, &line), 0);
	rc = unseal_stage(unseal, line.in, line.out, err);
	if (rc < 0) {
		chan_cancel(line.in);
		chan_cancel(line.out);
	}
	(void)pthread_join(feeder, NULL);
	(void)pthread_join(collector, NULL);
	chan_free(line.in);
	chan_free(line.out);
	return rc;
}

static void
expect_good(const struct unseal_settings *settings)
{
	struct err err;

	if (unseal_out(settings, &err) < 0)
		fail_msg("%s", err.msg);
	(void)sealer_shell("cmp got wanted");
	sealer_assert_clean();
}

static void
expect_bad(const struct unseal_settings *settings, const char *needle)
{
	struct err err;

	assert_int_equal(unseal_out(settings, &err), -1);
	if (strstr(err.msg, needle) == NULL)
		fail_msg("'%s' is not in: %s", needle, err.msg);
	assert_int_equal(err.kind, ERR_SOURCE);
	sealer_assert_clean();
}

static void
what_seal_sealed_with_a_passphrase_is_opened(void **state)
{
	static const size_t sizes[] = { 0, 1, 65536, A_BIT, 9000000 };
	const struct seal_settings seal = { .passphrase = "p\xc3\xa9 #1" };
	const struct unseal_settings good = { .passphrase = "p\xc3\xa9 #1" };
	const struct unseal_settings bad = { .passphrase = "p" };
	const struct unseal_settings none = { .passphrase = NULL };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		sealer_seal(&seal, sizes[i]);
		sealer_pattern("wanted", sizes[i]);
		expect_good(&good);
	}
	expect_bad(&bad, "not the one that it was encrypted with");
	expect_bad(&none, "set seal.passphrase");
}

static void
a_given_secret_key_opens_and_another_does_not(void **state)
{
	char ring[20000], secret[20000], other[20000];
	const struct seal_settings seal = { .key_ring = ring };
	const struct unseal_settings good = { .secret_key = secret };
	const struct unseal_settings bad = { .secret_key = other };

	(void)state;
	(void)snprintf(ring, sizeof ring, "%s", sealer_shell("cat alice.asc"));
	(void)snprintf(secret, sizeof secret, "%s", sealer_shell("gpg -q "
	    "--homedir alice --batch --armor --export-secret-keys 2>log"));
	(void)snprintf(other, sizeof other, "%s", sealer_shell("gpg -q "
	    "--homedir bob --batch --armor --export-secret-keys 2>log"));
	sealer_seal(&seal, A_BIT);
	sealer_pattern("wanted", A_BIT);
	expect_good(&good);
	expect_bad(&bad, "no secret key for it");
}

static void
what_is_cut_or_altered_is_an_error(void **state)
{
	static const char *const breaks[] = {
		"head -c 100000 whole >out",
		"head -c -1 whole >out",
		"head -c -30 whole >out",
		"head -c 5 whole >out",
		": >out",
		"echo no message >out",
		("cp whole out; printf x | dd of=out bs=1 seek=200000 "
		    "conv=notrunc 2>log"),
		"cat whole whole >out",
		"gpg -q --homedir alice --batch --yes --store -o out wanted",
	};
	const struct seal_settings seal = { .passphrase = "right" };
	const struct unseal_settings unseal = { .passphrase = "right" };
	size_t i;

	(void)state;
	sealer_seal(&seal, A_BIT);
	sealer_pattern("wanted", A_BIT);
	(void)sealer_shell("mv out whole");
	for (i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
		(void)sealer_shell("%s", breaks[i]);
		expect_bad(&unseal, "cannot decrypt");
	}
}

static void
settings_that_are_wrong_are_said_early(void **state)
{
	const struct unseal_settings key = { .secret_key = "garbage" };
	const struct unseal_settings public = {
		.secret_key = sealer_shell("cat alice.asc") };
	const struct unseal_settings phrase = { .passphrase = "two\nlines" };
	const struct unseal_settings *const rows[] = { &key, &public,
		&phrase };
	struct unseal *unseal = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(unseal_new(rows[i], &unseal, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
	sealer_assert_clean();
}

static void
the_first_packet_tells_a_passphrase_from_a_key(void **state)
{
	/* Tags in both formats of a header; an armored message; others. */
	static const struct { const char *bytes; const char *kind; } cases[] = {
		{ "\x8c\x0d", "openpgp-symmetric" },
		{ "\xc3\x0d", "openpgp-symmetric" },
		{ "\x85\x01", "openpgp" },
		{ "\xc1\x5e", "openpgp" },
		{ "\xd2\xff", NULL }, { "-----BEGIN", NULL },
		{ "\x1f\x8b", NULL }, { "\xa3\x01", NULL }, { "", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *kind = unseal_kind(cases[i].bytes,
		    strlen(cases[i].bytes));

		if (cases[i].kind == NULL)
			assert_null(kind);
		else
			assert_string_equal(kind, cases[i].kind);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_seal_sealed_with_a_passphrase_is_opened),
		cmocka_unit_test(
		    a_given_secret_key_opens_and_another_does_not),
		cmocka_unit_test(what_is_cut_or_altered_is_an_error),
		cmocka_unit_test(settings_that_are_wrong_are_said_early),
		cmocka_unit_test(
		    the_first_packet_tells_a_passphrase_from_a_key),
	};

	return cmocka_run_group_tests(tests, sealer_setup, sealer_teardown);
}
