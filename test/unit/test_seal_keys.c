/* What seal_new refuses, in which words, leaving nothing behind. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/base/file.h"
#include "test/unit/sealer.h"

#define MIB ((size_t)1 << 20)
#define GEN "gpg -q --batch --passphrase '' --homedir %s "

/* Refused as a matter of configuration, with both texts in the message. */
static void
assert_refused(const struct seal_settings *settings, const char *one,
    const char *other)
{
	struct seal *seal = NULL;
	struct err err = ERR_INIT;

	if (seal_new(settings, &seal, &err) == 0)
		fail_msg("accepted, not refused with '%s'", one);
	assert_null(seal);
	if (err.kind != ERR_CONFIG || strstr(err.msg, one) == NULL ||
	    strstr(err.msg, other) == NULL)
		fail_msg("kind %d: '%s', not '%s' and '%s'", err.kind,
		    err.msg, one, other);
	sealer_assert_clean();
}

/* The key of this home, beside a good one, is named with what is wrong. */
static void
assert_key_refused(const char *home, const char *uid, const char *fault)
{
	CLEANUP(cleanup_free) char *ring = NULL;
	struct seal_settings settings = { 0 };
	struct err err = ERR_INIT;
	char words[256];

	(void)sealer_shell("{ cat alice.asc; gpg --homedir %s --armor "
	    "--export 2>log; } >ring", home);
	assert_int_equal(file_read("ring", MIB, &ring, NULL, &err), 0);
	settings.key_ring = ring;
	(void)snprintf(words, sizeof words, "key '%s' (%s) %s",
	    sealer_fingerprint(home), uid, fault);
	assert_refused(&settings, words, "public key ring: ");
}

static void
exactly_one_of_the_three_settings_is_taken(void **state)
{
	char name[] = "0123456789012345678901234567890123456789";
	char *names[] = { name };
	struct strlist some = { names, 1 }, none = STRLIST_INIT;
	const struct seal_settings cases[] = {
		{ "secret", "ring", NULL },
		{ "secret", NULL, &some },
		{ NULL, "ring", &some },
		{ "secret", "ring", &some },
	};
	struct seal_settings nothing = { NULL, NULL, &none };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_refused(&cases[i], "only one of a passphrase", "");
	assert_refused(&nothing, "one of a passphrase", "must be given");
}

static void
a_passphrase_that_gpg_would_not_take_whole_is_refused(void **state)
{
	char long_one[4097];
	struct seal_settings settings = { .passphrase = "" };

	(void)state;
	assert_refused(&settings, "passphrase is empty", "");
	settings.passphrase = "two\nlines";
	assert_refused(&settings, "more than one line", "");
	memset(long_one, 'x', sizeof long_one - 1);
	long_one[sizeof long_one - 1] = '\0';
	settings.passphrase = long_one;
	assert_refused(&settings, "longer than 4095 bytes", "");
}

static void
an_expired_key_is_refused(void **state)
{
	(void)state;
	(void)sealer_shell("mkdir -m 700 expired && " GEN
	    "--faked-system-time 20200101T000000 --quick-gen-key "
	    "'Expired <e@example.com>' future-default default 30d 2>log",
	    "expired");
	assert_key_refused("expired", "Expired <e@example.com>",
	    "is expired");
}

static void
an_expired_encryption_subkey_is_refused(void **state)
{
	(void)state;
	(void)sealer_shell("mkdir -m 700 half && " GEN
	    "--faked-system-time 20200101T000000 --quick-gen-key "
	    "'half <h@example.com>' ed25519 sign 0 2>log", "half");
	(void)sealer_shell(GEN "--faked-system-time 20200101T000000 "
	    "--quick-add-key $(gpg --homedir half --with-colons -k 2>log | "
	    "awk -F: '/^fpr/ { print $10; exit }') cv25519 encr 30d 2>log",
	    "half");
	assert_key_refused("half", "half <h@example.com>",
	    "has an expired encryption subkey");
}

static void
a_key_that_only_signs_is_refused(void **state)
{
	(void)state;
	(void)sealer_shell("mkdir -m 700 signer && " GEN "--quick-gen-key "
	    "'signer <s@example.com>' ed25519 sign 0 2>log", "signer");
	assert_key_refused("signer", "signer <s@example.com>",
	    "cannot encrypt (it is for signatures only)");
}

static void
a_revoked_key_is_refused(void **state)
{
	(void)state;
	(void)sealer_shell("mkdir -m 700 revoked && " GEN "--quick-gen-key "
	    "'r\xc3\xa9voqu\xc3\xa9 <r@example.com>' future-default default "
	    "0 2>log", "revoked");
	(void)sealer_shell("sed 's/^:--/--/' revoked/openpgp-revocs.d/*.rev | "
	    "gpg -q --homedir revoked --batch --import 2>log");
	assert_key_refused("revoked",
	    "r\xc3\xa9voqu\xc3\xa9 <r@example.com>", "is revoked");
}

static void
a_ring_without_a_key_is_refused(void **state)
{
	static const char *const rings[] = {
		"", "\n", "garbage", "\xff\xfe\x01", "base64:", "base64:Zm9v",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
		"-----END PGP PUBLIC KEY BLOCK-----\n",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nZm9v\n=abcd\n"
		"-----END PGP PUBLIC KEY BLOCK-----\n",
	};
	struct seal_settings settings = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rings / sizeof rings[0]; i++) {
		settings.key_ring = rings[i];
		assert_refused(&settings, "public key ring: ", "no public key");
	}
	settings.key_ring = "base64:Zm9v!";
	assert_refused(&settings, "public key ring: ", "not base64");
}

/* It would leave archives that one of the intended readers cannot open. */
static void
a_ring_of_which_a_part_is_damaged_is_refused(void **state)
{
	static const char *const damages[] = {
		"sed 9d bob.asc",	/* a line is missing */
		"head -n 4 bob.asc",	/* cut off */
		"sed '4s/^...../AAAAA/' bob.asc",
		"echo -----BEGIN PGP PUBLIC KEY BLOCK-----",
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof damages / sizeof damages[0]; i++) {
		CLEANUP(cleanup_free) char *ring = NULL;
		struct seal_settings settings = { 0 };

		(void)sealer_shell("{ cat alice.asc; %s; } >ring", damages[i]);
		assert_int_equal(file_read("ring", MIB, &ring, NULL, &err), 0);
		settings.key_ring = ring;
		assert_refused(&settings, "public key ring: ", "");
		(void)sealer_shell("{ %s; cat alice.asc; } >ring", damages[i]);
		cleanup_free(&ring);
		assert_int_equal(file_read("ring", MIB, &ring, NULL, &err), 0);
		settings.key_ring = ring;
		assert_refused(&settings, "public key ring: ", "");
	}
}

static void
a_secret_key_in_the_ring_is_refused(void **state)
{
	CLEANUP(cleanup_free) char *ring = NULL;
	struct seal_settings settings = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	(void)sealer_shell("{ cat bob.asc; gpg -q --homedir alice --batch "
	    "--armor --export-secret-keys; } >ring 2>log");
	assert_int_equal(file_read("ring", MIB, &ring, NULL, &err), 0);
	settings.key_ring = ring;
	assert_refused(&settings, "public key ring: ", "secret key");
}

static void
recipients_are_checked_in_the_users_keyring(void **state)
{
	struct strlist one = STRLIST_INIT;
	struct seal_settings settings = { .recipients = &one };
	struct err err = ERR_INIT;
	static const struct {
		const char *name;
		const char *fault;
	} cases[] = {
		{ "0123456789012345678901234567890123456789",
		    "is not in the user's keyring" },
		{ "alice", "'alice' is not a fingerprint" },
		{ "0123456789ABCDEF", "is not a fingerprint" },
		{ "--output", "is not a fingerprint" },
		{ "", "is not a fingerprint" },
	};
	size_t i;

	(void)state;
	(void)sealer_shell("mkdir -m 700 user && gpg -q --homedir user "
	    "--import alice.asc bob.asc 2>log && gpgconf --homedir $PWD/user "
	    "--kill all");
	assert_int_equal(setenv("GNUPGHOME", scratch_path(&sealer_scratch,
	    "user"), 1), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(strlist_add(&one, cases[i].name, &err), 0);
		assert_refused(&settings, "recipients: ", cases[i].fault);
		strlist_free(&one);
	}
	(void)sealer_shell("printf 'disable\\nquit\\n' | gpg --homedir user "
	    "--no-tty --command-fd 0 --edit-key bob@example.com >log 2>&1");
	assert_int_equal(strlist_add(&one, sealer_fingerprint("alice"),
	    &err), 0);
	assert_int_equal(strlist_add(&one, sealer_fingerprint("bob"), &err),
	    0);
	assert_refused(&settings, one.v[1], "is disabled");
	strlist_free(&one);
	assert_int_equal(unsetenv("GNUPGHOME"), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_one_of_the_three_settings_is_taken),
		cmocka_unit_test(
		    a_passphrase_that_gpg_would_not_take_whole_is_refused),
		cmocka_unit_test(an_expired_key_is_refused),
		cmocka_unit_test(an_expired_encryption_subkey_is_refused),
		cmocka_unit_test(a_key_that_only_signs_is_refused),
		cmocka_unit_test(a_revoked_key_is_refused),
		cmocka_unit_test(a_ring_without_a_key_is_refused),
		cmocka_unit_test(a_ring_of_which_a_part_is_damaged_is_refused),
		cmocka_unit_test(a_secret_key_in_the_ring_is_refused),
		cmocka_unit_test(recipients_are_checked_in_the_users_keyring),
	};

	return cmocka_run_group_tests(tests, sealer_setup, sealer_teardown);
}
