/* What comes out, as plain gpg sees it. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/base/base64.h"
#include "lib/base/file.h"
#include "test/unit/sealer.h"

#define A_BIT 70000	/* more than one buffer */
#define MIB ((size_t)1 << 20)

/* "out" decrypts with this passphrase to n bytes of the pattern. */
static void
assert_opens_with(const char *passphrase, size_t n)
{
	scratch_write(&sealer_scratch, "secret", passphrase,
	    strlen(passphrase));
	sealer_pattern("wanted", n);
	(void)sealer_shell("gpg -q --homedir alice --batch --pinentry-mode "
	    "loopback --passphrase-file secret -d out >got 2>log && "
	    "cmp got wanted");
}

static void
assert_opens_for(const char *home, size_t n)
{
	sealer_pattern("wanted", n);
	(void)sealer_shell("gpg -q --homedir %s --batch -d out >got 2>log && "
	    "cmp got wanted", home);
}

static void
any_passphrase_opens_what_it_sealed(void **state)
{
	char long_one[501], longest[4096];
	const char *const passphrases[] = {
		"x", "correct horse battery staple", " blanks around\t ",
		"#$\"\\'`!%%s&;|<>*?~{}[]()", "-dash", "gr\xc3\xbc\xc3\x9f "
		"\xf0\x9f\x94\x91", "latin \xe9\xff bytes", "\x01\x1b[31m\r",
		long_one, longest,
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof longest; i++)
		longest[i] = (char)('!' + i % 90);
	longest[sizeof longest - 1] = '\0';
	memcpy(long_one, longest, sizeof long_one);
	long_one[sizeof long_one - 1] = '\0';
	for (i = 0; i < sizeof passphrases / sizeof passphrases[0]; i++) {
		struct seal_settings settings = {
			.passphrase = passphrases[i] };

		sealer_seal(&settings, A_BIT);
		sealer_assert_clean();
		assert_opens_with(passphrases[i], A_BIT);
	}
}

/* As a user does it: gpg, its agent, and a pinentry that is asked. */
static void
a_passphrase_can_be_typed(void **state)
{
	static const char pinentry[] = "#!/bin/sh\necho OK\n"
	    "while read -r word rest; do case $word in\n"
	    "GETPIN) echo 'D gr\xc3\xbc\xc3\x9f #$\"%25'; echo OK;;\n"
	    "BYE) exit;; *) echo OK;; esac; done\n";
	struct seal_settings settings = {
		.passphrase = "gr\xc3\xbc\xc3\x9f #$\"%" };

	(void)state;
	sealer_seal(&settings, A_BIT);
	sealer_pattern("wanted", A_BIT);
	scratch_write(&sealer_scratch, "pinentry", pinentry,
	    sizeof pinentry - 1);
	(void)sealer_shell("chmod 755 pinentry && mkdir -m 700 typist && "
	    "echo pinentry-program $PWD/pinentry >typist/gpg-agent.conf && "
	    "touch typist/gpg.conf && "
	    "gpg -q --homedir typist -d out >got 2>log && cmp got wanted");
}

static void
a_passphrase_gives_aes256_well_derived_and_not_compressed(void **state)
{
	struct seal_settings settings = { .passphrase = "secret" };
	const char *packets;

	(void)state;
	sealer_seal(&settings, A_BIT);
	packets = sealer_shell("printf secret | gpg --homedir alice --batch "
	    "--pinentry-mode loopback --passphrase-fd 0 --list-packets out "
	    "2>log");
	assert_non_null(strstr(packets, "cipher 9, aead 0,s2k 3, hash 10"));
	assert_non_null(strstr(packets, "count 65011712 (255)"));
	assert_non_null(strstr(packets, "mdc_method: 2"));
	assert_null(strstr(packets, "compressed"));
	assert_non_null(strstr(packets, "mode b (62)"));
	assert_non_null(strstr(packets, "name=\"\""));
	assert_null(strstr(packets, "BEGIN PGP"));
}

static void
one_key_opens_it(void **state)
{
	CLEANUP(cleanup_free) char *ring = NULL;
	struct seal_settings settings = { 0 };
	struct err err = ERR_INIT;
	const char *packets;

	(void)state;
	assert_int_equal(file_read("alice.asc", MIB, &ring, NULL, &err), 0);
	settings.key_ring = ring;
	sealer_seal(&settings, A_BIT);
	sealer_assert_clean();
	assert_opens_for("alice", A_BIT);
	packets = sealer_shell("gpg --homedir alice --batch --status-fd 1 "
	    "--list-packets out 2>log");
	assert_non_null(strstr(packets, "DECRYPTION_INFO 2 9"));
	assert_null(strstr(packets, "compressed"));
	assert_int_equal(atoi(sealer_shell("gpg --homedir alice --list-only "
	    "--list-packets out 2>log | grep -c pubkey.enc")), 1);
}

static void
assert_both_open(const struct seal_settings *settings)
{
	sealer_seal(settings, A_BIT);
	sealer_assert_clean();
	assert_opens_for("alice", A_BIT);
	assert_opens_for("bob", A_BIT);
	assert_int_equal(atoi(sealer_shell("gpg --homedir alice --list-only "
	    "--list-packets out 2>log | grep -c pubkey.enc")), 2);
}

/* Blocks one after the other, a key twice, words and line ends around. */
static void
each_of_several_keys_opens_it(void **state)
{
	CLEANUP(cleanup_free) char *ring = NULL;
	struct seal_settings settings = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	(void)sealer_shell("{ cat alice.asc; echo; echo and bob:; "
	    "sed 's/$/\\r/' bob.asc; cat alice.asc; } >both.asc");
	assert_int_equal(file_read("both.asc", MIB, &ring, NULL, &err), 0);
	settings.key_ring = ring;
	assert_both_open(&settings);
}

static void
a_binary_ring_does_as_well(void **state)
{
	CLEANUP(cleanup_free) char *bytes = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	char ring[8192];
	struct seal_settings settings = { .key_ring = ring };
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	(void)sealer_shell("for i in alice bob; do gpg --homedir $i --export; "
	    "done >both.gpg 2>log");
	assert_int_equal(file_read("both.gpg", MIB, &bytes, &n, &err), 0);
	assert_int_equal(base64_encode(bytes, n, &text, &err), 0);
	(void)snprintf(ring, sizeof ring, "base64:%s", text);
	assert_both_open(&settings);
}

/* Whatever the user's gpg.conf says, and without an agent in his home. */
static void
recipients_come_from_the_users_keyring(void **state)
{
	struct strlist recipients = STRLIST_INIT;
	struct seal_settings settings = { .recipients = &recipients };
	struct err err = ERR_INIT;

	(void)state;
	(void)sealer_shell("mkdir -m 700 user && gpg -q --homedir user "
	    "--import alice.asc bob.asc 2>log && "
	    "printf 'armor\\nrecipient nobody\\ncipher-algo 3DES\\n"
	    "compress-algo zlib\\n' >user/gpg.conf && "
	    "gpgconf --homedir $PWD/user --kill all");
	assert_int_equal(setenv("GNUPGHOME", scratch_path(&sealer_scratch,
	    "user"), 1), 0);
	assert_int_equal(strlist_addf(&recipients, &err, "0x%s",
	    sealer_fingerprint("alice")), 0);
	assert_int_equal(strlist_add(&recipients, sealer_fingerprint("bob"),
	    &err), 0);
	assert_both_open(&settings);
	assert_non_null(strstr(sealer_shell("gpg --homedir alice --batch "
	    "--status-fd 1 --list-packets out 2>log"),
	    "DECRYPTION_INFO 2 9"));
	assert_string_equal(sealer_shell("ls user | grep '^S\\.' || :"), "");
	assert_int_equal(unsetenv("GNUPGHOME"), 0);
	strlist_free(&recipients);
}

static void
a_key_that_does_not_ask_for_aes256_gets_it_as_well(void **state)
{
	CLEANUP(cleanup_free) char *ring = NULL;
	struct seal_settings settings = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	(void)sealer_shell("mkdir -m 700 old && gpg -q --homedir old --batch "
	    "--passphrase '' --default-preference-list 'S7 H8 Z2' "
	    "--quick-gen-key old future-default default 0 2>log && "
	    "gpg --homedir old --armor --export >old.asc");
	assert_int_equal(file_read("old.asc", MIB, &ring, NULL, &err), 0);
	settings.key_ring = ring;
	sealer_seal(&settings, A_BIT);
	assert_opens_for("old", A_BIT);
	assert_non_null(strstr(sealer_shell("gpg --homedir old --batch "
	    "--status-fd 1 --list-packets out 2>log"),
	    "DECRYPTION_INFO 2 9"));
}

static void
any_size_comes_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537,
		(size_t)1 << 19, ((size_t)1 << 22) + 1 };
	struct seal_settings settings = { .passphrase = "secret" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		sealer_seal(&settings, sizes[i]);
		assert_opens_with("secret", sizes[i]);
	}
}

static long
peak_kib(void)
{
	CLEANUP(cleanup_fclose) FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	return kib;
}

static void
memory_does_not_grow_with_the_size(void **state)
{
	struct seal_settings settings = { .passphrase = "secret" };
	long before;

	(void)state;
	sealer_seal(&settings, 8 * MIB);
	before = peak_kib();
	assert_true(before > 0);
	sealer_seal(&settings, 100 * MIB);
	assert_in_range(peak_kib() - before, 0, 32 * 1024);
	assert_opens_with("secret", 100 * MIB);
	sealer_assert_clean();
}

static void
one_seal_serves_many_archives(void **state)
{
	struct seal_settings settings = { .passphrase = "secret" };
	CLEANUP(seal_freep) struct seal *seal = NULL;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(seal_new(&settings, &seal, &err), 0);
	assert_string_equal(seal_name(seal), "openpgp-symmetric");
	for (i = 0; i < 3; i++) {
		struct sealer_line line = { .seal = seal, .n = A_BIT + i };

		sealer_begin(&line);
		sealer_end(&line);
		assert_int_equal(line.rc, 0);
		assert_opens_with("secret", A_BIT + i);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_passphrase_opens_what_it_sealed),
		cmocka_unit_test(a_passphrase_can_be_typed),
		cmocka_unit_test(
		    a_passphrase_gives_aes256_well_derived_and_not_compressed),
		cmocka_unit_test(one_key_opens_it),
		cmocka_unit_test(each_of_several_keys_opens_it),
		cmocka_unit_test(a_binary_ring_does_as_well),
		cmocka_unit_test(recipients_come_from_the_users_keyring),
		cmocka_unit_test(
		    a_key_that_does_not_ask_for_aes256_gets_it_as_well),
		cmocka_unit_test(any_size_comes_back),
		cmocka_unit_test(memory_does_not_grow_with_the_size),
		cmocka_unit_test(one_seal_serves_many_archives),
	};

	return cmocka_run_group_tests(tests, sealer_setup, sealer_teardown);
}
