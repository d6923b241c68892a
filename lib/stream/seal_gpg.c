#include "lib/stream/seal_gpg.h"

#include <gpgme.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/str.h"

#define WORDS_BYTES 4096

static void
init(void)
{
	(void)gpgme_check_version(NULL);
}

int
seal_gpg_check(struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, init);
	if (gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP) != 0)
		return err_set(err, ERR_CONFIG, "archives cannot be "
		    "encrypted: there is no gpg (install the package 'gpg')");
	return 0;
}

int
seal_gpg_new(const char *home, struct gpgme_context **ret, struct err *err)
{
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	gpgme_error_t number;

	if (seal_gpg_check(err) < 0)
		return -1;
	number = gpgme_new(&gpg);
	if (number == 0)
		number = gpgme_set_protocol(gpg, GPGME_PROTOCOL_OpenPGP);
	if (number == 0)
		number = gpgme_ctx_set_engine_info(gpg,
		    GPGME_PROTOCOL_OpenPGP, NULL, home);
	if (number != 0)
		return seal_gpg_fail(NULL, number, ERR_SYSTEM,
		    "cannot prepare gpg", err);
	gpgme_set_armor(gpg, 0);
	gpgme_set_offline(gpg, 1);
	*ret = gpg;
	gpg = NULL;
	return 0;
}

void
seal_gpg_freep(struct gpgme_context **gpg)
{
	if (*gpg != NULL)
		gpgme_release(*gpg);
	*gpg = NULL;
}

static void
free_data(gpgme_data_t *data)
{
	if (*data != NULL)
		gpgme_data_release(*data);
}

/* The last line of text, without its end and gpg's name. */
static const char *
last_line(char *text)
{
	size_t n = strlen(text);
	char *line;

	while (n != 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	line = strrchr(text, '\n');
	line = line == NULL ? text : line + 1;
	return str_starts(line, "gpg: ") ? line + strlen("gpg: ") : line;
}

/* What gpg printed last; "" if that cannot be told. */
static const char *
last_words(gpgme_ctx_t gpg, char text[WORDS_BYTES])
{
	CLEANUP(free_data) gpgme_data_t data = NULL;
	gpgme_ssize_t n;

	text[0] = '\0';
	if (gpg == NULL || gpgme_data_new(&data) != 0 ||
	    gpgme_op_getauditlog(gpg, data, GPGME_AUDITLOG_DIAG) != 0)
		return text;
	n = (gpgme_ssize_t)gpgme_data_seek(data, 0, SEEK_END);
	if (n < 0 || gpgme_data_seek(data, n < WORDS_BYTES ? 0 :
	    n - (WORDS_BYTES - 1), SEEK_SET) < 0)
		return text;
	n = gpgme_data_read(data, text, WORDS_BYTES - 1);
	text[n < 0 ? 0 : n] = '\0';
	return last_line(text);
}

int
seal_gpg_fail(struct gpgme_context *gpg, unsigned number, enum err_kind kind,
    const char *what, struct err *err)
{
	char text[WORDS_BYTES], reason[256] = "";
	const char *words = last_words(gpg, text);

	if (gpgme_err_code(number) == GPG_ERR_ENOMEM)
		return err_nomem(err);
	if (number != 0)
		(void)gpgme_strerror_r(number, reason, sizeof reason);
	return err_set(err, kind, "%s%s%s%s%s%s", what,
	    *reason == '\0' ? "" : ": ", reason,
	    *words == '\0' ? "" : " (gpg: ", words, *words == '\0' ? "" : ")");
}
