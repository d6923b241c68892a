#define _GNU_SOURCE
#include "lib/stream/seal_keys.h"

#include <gpgme.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/stream/seal_gpg.h"
#include "lib/stream/seal_loop.h"

#define BINARY "base64:"
#define BLOCK_BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define NAME_BYTES 512

static void
free_data(gpgme_data_t *data)
{
	if (*data != NULL)
		gpgme_data_release(*data);
}

static void
free_key(gpgme_key_t *key)
{
	if (*key != NULL)
		gpgme_key_unref(*key);
}

/* --- can this key be encrypted to? --------------------------------------- */

/* "'FINGERPRINT' (user id)" */
static void
name_key(gpgme_key_t key, char ret[NAME_BYTES])
{
	const char *fingerprint = key->fpr != NULL ? key->fpr :
	    key->subkeys != NULL ? key->subkeys->fpr : "?";
	const char *uid = key->uids != NULL ? key->uids->uid : NULL;

	(void)snprintf(ret, NAME_BYTES, "'%s' (%s)", fingerprint,
	    uid != NULL ? uid : "without user id");
}

/* NULL if one of its subkeys can encrypt today, else what is wrong. */
static const char *
subkey_fault(gpgme_key_t key)
{
	const char *fault = "cannot encrypt (it is for signatures only)";
	gpgme_subkey_t subkey;

	for (subkey = key->subkeys; subkey != NULL; subkey = subkey->next) {
		if (!subkey->can_encrypt)
			continue;
		if (!subkey->revoked && !subkey->expired &&
		    !subkey->disabled && !subkey->invalid)
			return NULL;
		fault = subkey->revoked ? "has a revoked encryption subkey" :
		    subkey->expired ? "has an expired encryption subkey" :
		    "has an encryption subkey that is not valid";
	}
	return fault;
}

static int
check_key(gpgme_key_t key, struct err *err)
{
	const char *fault = key->revoked ? "is revoked" :
	    key->expired ? "is expired" :
	    key->disabled ? "is disabled" :
	    key->invalid ? "is not valid" : subkey_fault(key);
	char name[NAME_BYTES];

	if (fault == NULL)
		return 0;
	name_key(key, name);
	return err_set(err, ERR_CONFIG, "key %s %s", name, fault);
}

int
seal_keys_list(const char *home, struct strlist *ret, struct err *err)
{
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	gpgme_error_t number;

	if (seal_gpg_new(home, &gpg, err) < 0)
		return -1;
	number = gpgme_op_keylist_start(gpg, NULL, 0);
	while (number == 0) {
		CLEANUP(free_key) gpgme_key_t key = NULL;

		number = gpgme_op_keylist_next(gpg, &key);
		if (number == 0 && (check_key(key, err) < 0 ||
		    strlist_add(ret, key->fpr, err) < 0))
			return -1;
	}
	if (gpgme_err_code(number) != GPG_ERR_EOF)
		return seal_gpg_fail(gpg, number, ERR_SYSTEM,
		    "cannot list keys", err);
	if (ret->n == 0)
		return err_set(err, ERR_CONFIG, "there is no key");
	return 0;
}

/* --- into the private home ----------------------------------------------- */

/* Secret keys: is one there that was taken? */
static int
check_secret(gpgme_ctx_t gpg, struct err *err)
{
	gpgme_import_result_t result = gpgme_op_import_result(gpg);

	if (result == NULL)
		return err_nomem(err);
	if (result->secret_imported + result->secret_unchanged > 0)
		return 0;
	return seal_gpg_fail(gpg, 0, ERR_CONFIG, result->secret_read != 0 ?
	    "there is a secret key in it that cannot be used" :
	    "there is no secret key in it", err);
}

/* Were all keys of the import taken? Each archive is for all of them. */
static int
check_import(gpgme_ctx_t gpg, size_t n_blocks, struct err *err)
{
	gpgme_import_result_t result = gpgme_op_import_result(gpg);
	gpgme_import_status_t one;

	if (result == NULL)
		return err_nomem(err);
	if (result->secret_read != 0)
		return err_set(err, ERR_CONFIG,
		    "there is a secret key in it (give public keys only)");
	for (one = result->imports; one != NULL; one = one->next)
		if (one->result != 0)
			return seal_gpg_fail(gpg, one->result, ERR_CONFIG,
			    "cannot read a key", err);
	if (result->considered <= 0)
		return seal_gpg_fail(gpg, 0, ERR_CONFIG,
		    "there is no public key in it", err);
	if (result->no_user_id != 0 || result->not_imported != 0 ||
	    result->skipped_v3_keys != 0 ||
	    (size_t)result->considered < n_blocks)
		return seal_gpg_fail(gpg, 0, ERR_CONFIG,
		    "there is a key in it that cannot be used", err);
	return 0;
}

#define SECRET SIZE_MAX		/* in place of the number of blocks */

static int
import(gpgme_data_t data, size_t n_blocks, const char *home, struct err *err)
{
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	struct seal_loop loop;
	gpgme_error_t number;

	if (seal_gpg_new(home, &gpg, err) < 0)
		return -1;
	seal_loop_init(&loop, gpg);
	number = gpgme_op_import_start(gpg, data);
	if (number == 0)
		number = seal_loop_run(&loop);
	seal_loop_cancel(&loop, gpg);
	/* The reasons tell more than the number, where there are any. */
	if (n_blocks == SECRET ? check_secret(gpg, err) < 0 :
	    check_import(gpg, n_blocks, err) < 0)
		return -1;
	if (number != 0)
		return seal_gpg_fail(gpg, number, ERR_CONFIG,
		    "cannot read the keys", err);
	return 0;
}

static int
import_bytes(const void *bytes, size_t n, size_t n_blocks, const char *home,
    struct err *err)
{
	CLEANUP(free_data) gpgme_data_t data = NULL;
	gpgme_error_t number = gpgme_data_new_from_mem(&data, bytes, n, 0);

	if (number != 0)
		return seal_gpg_fail(NULL, number, ERR_SYSTEM,
		    "cannot hold the keys", err);
	return import(data, n_blocks, home, err);
}

/* Armored, or "base64:..." of what is not. */
static int
import_text(const char *text, size_t n_blocks, const char *home,
    struct err *err)
{
	CLEANUP(cleanup_free) unsigned char *bytes = NULL;
	size_t n;
	int rc;

	if (seal_gpg_check(err) < 0)
		return -1;
	if (!str_starts(text, BINARY))
		return import_bytes(text, strlen(text), n_blocks, home, err);
	if (base64_decode(text + strlen(BINARY), &bytes, &n, err) < 0) {
		err->kind = ERR_CONFIG;
		return -1;
	}
	rc = import_bytes(bytes, n, n_blocks == SECRET ? SECRET : 0, home,
	    err);
	explicit_bzero(bytes, n);
	return rc;
}

int
seal_keys_from_ring(const char *key_ring, const char *home, struct err *err)
{
	const char *block = key_ring;
	size_t n_blocks = 0;

	while ((block = strstr(block, BLOCK_BEGIN)) != NULL) {
		block += strlen(BLOCK_BEGIN);
		n_blocks++;
	}
	return import_text(key_ring, n_blocks, home, err);
}

int
seal_keys_secret(const char *secret_key, const char *home, struct err *err)
{
	return import_text(secret_key, SECRET, home, err);
}

int
seal_keys_any_secret(const char *home, bool *ret, struct err *err)
{
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	CLEANUP(free_key) gpgme_key_t key = NULL;
	gpgme_error_t number;

	if (seal_gpg_new(home, &gpg, err) < 0)
		return -1;
	number = gpgme_op_keylist_start(gpg, NULL, 1);
	if (number == 0)
		number = gpgme_op_keylist_next(gpg, &key);
	if (number != 0 && gpgme_err_code(number) != GPG_ERR_EOF)
		return seal_gpg_fail(gpg, number, ERR_SYSTEM,
		    "cannot list secret keys", err);
	*ret = number == 0;
	return 0;
}

/* --- from the user's keyring --------------------------------------------- */

/* Anything shorter could be somebody else's key; a name certainly. */
static bool
is_fingerprint(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefABCDEF");

	return text[n] == '\0' && (n == 40 || n == 64);
}

static int
copy_key(gpgme_ctx_t user, const char *recipient, const char *home,
    struct err *err)
{
	CLEANUP(free_data) gpgme_data_t data = NULL;
	CLEANUP(free_key) gpgme_key_t key = NULL;
	const char *fingerprint = str_starts(recipient, "0x") ?
	    recipient + 2 : recipient;
	gpgme_key_t keys[2] = { NULL, NULL };
	gpgme_error_t number;

	if (!is_fingerprint(fingerprint))
		return err_set(err, ERR_CONFIG, "'%s' is not a fingerprint "
		    "(of 40 hexadecimal digits)", recipient);
	number = gpgme_get_key(user, fingerprint, &key, 0);
	if (gpgme_err_code(number) == GPG_ERR_EOF)
		return err_set(err, ERR_CONFIG, "key '%s' is not in the "
		    "user's keyring", recipient);
	/* A key that is disabled is so in this keyring only. */
	if (number == 0 && check_key(key, err) < 0)
		return -1;
	keys[0] = key;
	if (number != 0 || (number = gpgme_data_new(&data)) != 0 ||
	    (number = gpgme_op_export_keys(user, keys, 0, data)) != 0 ||
	    gpgme_data_seek(data, 0, SEEK_SET) < 0)
		return seal_gpg_fail(user, number, ERR_SYSTEM,
		    "cannot read the user's keyring", err);
	return import(data, 0, home, err);
}

int
seal_keys_from_user(const struct strlist *recipients, const char *home,
    struct err *err)
{
	CLEANUP(seal_gpg_freep) gpgme_ctx_t user = NULL;
	size_t i;

	if (seal_gpg_new(NULL, &user, err) < 0)
		return -1;
	for (i = 0; i < recipients->n; i++)
		if (copy_key(user, recipients->v[i], home, err) < 0)
			return -1;
	return 0;
}
