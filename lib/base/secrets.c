#define _GNU_SOURCE
#include "lib/base/secrets.h"

#include <string.h>

#define BYTES_MIN 4

static struct strlist secrets;

int
secrets_add(const char *value, struct err *err)
{
	if (strlen(value) < BYTES_MIN)
		return 0;
	return strlist_add(&secrets, value, err);
}

/* The longest secret that text begins with, or 0. */
static size_t
secret_length(const char *text)
{
	size_t longest = 0, i;

	for (i = 0; i < secrets.n; i++) {
		size_t n = strlen(secrets.v[i]);

		if (n > longest && strncmp(text, secrets.v[i], n) == 0)
			longest = n;
	}
	return longest;
}

void
secrets_add_masked(struct str *s, const char *text)
{
	while (*text != '\0') {
		size_t n = secret_length(text);

		if (n != 0) {
			str_add(s, "***");
			text += n;
		} else {
			str_addn(s, text++, 1);
		}
	}
}

void
secrets_forget(void)
{
	size_t i;

	for (i = 0; i < secrets.n; i++)
		str_zero(secrets.v[i]);
	strlist_free(&secrets);
}
