/*
 * fuzz_web_url: any text is an URL whose parts can be sent, or an error that
 * shows nothing of it; so it is as a reference in another.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/report/web_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What was made is an URL again, of the same place. */
static void
check(const struct web_url *url)
{
	CLEANUP(web_url_free) struct web_url again = { 0 };
	CLEANUP(web_url_wipe) char *made = NULL;
	struct err err = ERR_INIT;

	if (web_url_make(url, "/more", "a=b", &made, &err) < 0)
		return;
	if (web_url_parse(made, &again, &err) < 0 ||
	    strcmp(again.base, url->base) != 0 || again.user != NULL ||
	    !str_ends(again.path, "/more") || !str_ends(again.query, "a=b") ||
	    made[strcspn(made, "\r\n #")] != '\0')
		abort();
}

static void
check_reference(const char *text)
{
	CLEANUP(web_url_free) struct web_url from = { 0 };
	CLEANUP(web_url_free) struct web_url to = { 0 };
	struct err err = ERR_INIT;

	if (web_url_parse("http://u:p@h.example:80/a/b?c", &from, &err) < 0)
		abort();
	if (web_url_resolve(&from, text, &to, &err) == 0)
		check(&to);
	else if (err.kind != ERR_CONFIG)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	CLEANUP(web_url_free) struct web_url url = { 0 };
	CLEANUP(cleanup_free) char *text = malloc(n + 1);
	struct err err = ERR_INIT;

	if (text == NULL)
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';
	if (web_url_parse(text, &url, &err) == 0)
		check(&url);
	check_reference(text);
	return 0;
}
