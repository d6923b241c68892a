#include "test/unit/letters.h"

#include <libdeflate.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cipher.h"

#define N(array) (sizeof (array) / sizeof (array)[0])
#define URL "POST https://api.pushover.net/1/messages.json\n" \
    "type application/x-www-form-urlencoded\n\n"
#define TEXTS "&title=" LETTERS_FORM_TITLE "&message=" LETTERS_FORM_BODY
#define OK { 200, "{\"status\":1,\"request\":\"r\"}" }
#define HEX "000102030405060708090A0B0C0D0E0F" \
    "101112131415161718191a1b1c1d1e1f"

static void
requests_are_forms(void **state)
{
	static const struct letters_case cases[] = {
		{ "pushover://x:to%26ken@UserKey/", OUTCOME_FAILURE, OK, URL
		  "token=to%26ken&user=UserKey" TEXTS "&priority=0" },
		{ "pushover://:t@u?devices=a,%20b&priority=-2&title=x",
		  OUTCOME_SUCCESS, OK, URL "token=t&user=u&device=a%2Cb" TEXTS
		  "&priority=-2" },
		{ "pushover://x:t@u?priority=2", OUTCOME_SUCCESS, OK, URL
		  "token=t&user=u" TEXTS "&priority=2&retry=30&expire=600" },
	};

	(void)state;
	letters_expect(cases, N(cases));
}

static void
answers_that_are_no_success_are_errors(void **state)
{
	static const struct letters_failure cases[] = {
		{ "pushover://x:t@u", { 400, "{\"user\":\"invalid\",\"errors\":"
		  "[\"user key is invalid\"],\"status\":0}" }, ERR_REFUSED,
		  "pushover: refused with status 400: user key is invalid" },
		{ "pushover://x:t@u", { 200, "{\"status\":0}" }, ERR_PROTOCOL,
		  "pushover: the answer does not say that the message was "
		  "taken" },
		{ "pushover://x:t@u", { 200, "{}" }, ERR_PROTOCOL, "pushover: "
		  "the answer does not say that the message was taken" },
		{ "pushover://x:t@u", { 200, "" }, ERR_PROTOCOL,
		  "pushover: malformed answer to what was sent: it is not JSON" },
		{ "pushover://x:t@u", { 0 }, ERR_UNREACHABLE,
		  "pushover: scripted" },
	};

	(void)state;
	letters_expect_failures(cases, N(cases));
}

static void
urls_that_cannot_work_are_refused(void **state)
{
	static const char missing[] = "pushover: the token or the user's key "
	    "is missing (pushover://x:TOKEN@USERKEY)";
	static const char key[] = "pushover: the encryption key is not 64 "
	    "hexadecimal digits";
	static const struct letters_refusal cases[] = {
		{ "pushover://hidden", missing, "hidden" },
		{ "pushover://x:hidden@", missing, "hidden" },
		{ "pushover://x:@hidden", missing, "hidden" },
		{ "pushover://x:hidden@u?key=hidden", key, "hidden" },
		{ "pushover://x:t@u?encryptionkey=g" HEX, key, HEX },
		{ "pushover://x:t@u?encryptionkey=0" HEX, key, HEX },
		{ "pushover://x:hidden@u?priority=3", "pushover: the value of "
		  "'priority' is out of range", "hidden" },
	};

	(void)state;
	letters_expect_refusals(cases, N(cases));
}

/* --- what the phone does ------------------------------------------------- */

/* The value of a field; every % in it is one of base64's digits. */
static char *
field(const char *form, const char *name)
{
	const char *p = strstr(form, name);
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char *ret = NULL;

	assert_non_null(p);
	for (p += strlen(name); *p != '&' && *p != '\0'; p++)
		if (*p != '%') {
			str_addn(&text, p, 1);
		} else {
			str_add(&text, p[1] == '3' ? "=" : p[2] == 'B' ? "+" :
			    "/");
			p += 2;
		}
	assert_int_equal(str_take(&text, &ret, &err), 0);
	return ret;
}

static char *
gunzip(const unsigned char *bytes, size_t n)
{
	struct libdeflate_decompressor *decompressor =
	    libdeflate_alloc_decompressor();
	char *text = calloc(1, 100000);
	size_t len;

	assert_non_null(decompressor);
	assert_non_null(text);
	assert_int_equal(libdeflate_gzip_decompress(decompressor, bytes, n,
	    text, 99999, &len), LIBDEFLATE_SUCCESS);
	assert_int_equal(strlen(text), len);
	libdeflate_free_decompressor(decompressor);
	return text;
}

static char *
decrypt(const char *field_text)
{
	CLEANUP(cleanup_free) unsigned char *sealed = NULL;
	unsigned char key[CIPHER_KEY_BYTES], mac[32], plain[4096];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	struct err err = ERR_INIT;
	size_t n, i;
	unsigned mac_n;
	int head, tail;

	for (i = 0; i < sizeof key; i++)
		key[i] = (unsigned char)i;
	assert_int_equal(base64_decode(field_text, &sealed, &n, &err), 0);
	assert_true(n >= 16 + 16 + 32 && n < sizeof plain);
	assert_non_null(HMAC(EVP_sha256(), key, sizeof key, sealed, n - 32,
	    mac, &mac_n));
	assert_memory_equal(mac, sealed + n - 32, 32);
	assert_int_equal(EVP_DecryptInit_ex(context, EVP_aes_256_cbc(), NULL,
	    key, sealed), 1);
	assert_int_equal(EVP_DecryptUpdate(context, plain, &head, sealed + 16,
	    (int)n - 48), 1);
	assert_int_equal(EVP_DecryptFinal_ex(context, plain + head, &tail), 1);
	EVP_CIPHER_CTX_free(context);
	return gunzip(plain, (size_t)(head + tail));
}

static void
send_encrypted(const struct message *message, char **ret_title,
    char **ret_body)
{
	static const struct recorder_answer answer = OK;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(letters_send("pushover://x:t@u?encryptionkey=" HEX,
	    message, &answer, 1, &err), 0);
	title = field(recorder_body(0), "&title=");
	body = field(recorder_body(0), "&message=");
	assert_true(strlen(title) <= 250);
	assert_true(strlen(body) <= 1024);
	assert_true(str_ends(recorder_body(0), "&priority=0&encrypted=1"));
	*ret_title = decrypt(title);
	*ret_body = decrypt(body);
}

static void
only_who_has_the_key_can_read_it(void **state)
{
	const struct message message = letters_message(OUTCOME_FAILURE);
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(cleanup_free) char *before = NULL;
	CLEANUP(cleanup_free) char *after = NULL;
	CLEANUP(cleanup_free) char *again = NULL;
	CLEANUP(cleanup_free) char *other = NULL;

	(void)state;
	send_encrypted(&message, &title, &body);
	assert_string_equal(title, LETTERS_TITLE);
	assert_string_equal(body, LETTERS_BODY);
	before = field(recorder_body(0), "&message=");
	send_encrypted(&message, &again, &other);
	after = field(recorder_body(0), "&message=");
	assert_string_not_equal(before, after);	/* never the same IV */
}

/* What does not get shorter by compressing, in characters of any length. */
static void
limits_hold_for_what_is_encrypted(void **state)
{
	static const size_t lengths[] = { 100, 1000, 5000 };
	size_t i, k;

	(void)state;
	srand(1);
	for (i = 0; i < N(lengths); i++) {
		struct message message = letters_message(OUTCOME_FAILURE);
		CLEANUP(str_free) struct str noise = STR_INIT;
		CLEANUP(cleanup_free) char *title = NULL;
		CLEANUP(cleanup_free) char *body = NULL;

		for (k = 0; k < lengths[i]; k++)
			str_addf(&noise, "\xf0%c%c%c", 0x90 + rand() % 32,
			    0x80 + rand() % 64, 0x80 + rand() % 64);
		assert_false(noise.failed);
		message.title = message.body = noise.s;
		send_encrypted(&message, &title, &body);
		assert_true(str_is_utf8(title) && str_is_utf8(body));
		assert_memory_equal(title, noise.s, 16);
		assert_memory_equal(body, noise.s, 16);
	}
}

static void
long_messages_keep_the_limits(void **state)
{
	const struct message start = letters_message(OUTCOME_FAILURE);
	static const struct recorder_answer answer = OK;
	CLEANUP(str_free) struct str text = STR_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	struct message message = start;
	struct err err = ERR_INIT;

	(void)state;
	while (text.len < 5000)
		str_add(&text, "x");
	assert_false(text.failed);
	message.title = message.body = text.s;
	assert_int_equal(letters_send("pushover://x:t@u", &message, &answer,
	    1, &err), 0);
	title = field(recorder_body(0), "&title=");
	body = field(recorder_body(0), "&message=");
	assert_int_equal(strlen(title), 250);
	assert_true(strlen(body) <= 1024 && strlen(body) > 1000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_forms),
		cmocka_unit_test(answers_that_are_no_success_are_errors),
		cmocka_unit_test(urls_that_cannot_work_are_refused),
		cmocka_unit_test(only_who_has_the_key_can_read_it),
		cmocka_unit_test(limits_hold_for_what_is_encrypted),
		cmocka_unit_test(long_messages_keep_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
