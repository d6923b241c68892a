/*
 * libFuzzer target: a template's text, parsed and rendered with fixed data.
 * Whatever the text, it is refused with a message, or text comes out that is no
 * longer than allowed, and UTF-8 (where the environment is).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/report/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char tree[] =
    "{\"Name\":\"db\",\"Zero\":0,\"Half\":1.5,\"True\":true,\"Null\":null,"
    "\"List\":[\"a\",1,[2,3],{}],\"Map\":{\"z\":1,\"m\":{\"x\":\"\xc3\xa4\"}},"
    "\"Time\":\"2026-11-02T15:04:05.678+01:00\"}";

static void
render(const struct templates *templates, const struct cJSON *data,
    const char *name)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	if (templates_render(templates, name, data, &text, &err) < 0) {
		if (err.kind != ERR_CONFIG || err.msg[0] == '\0')
			abort();
		return;
	}
	if (strlen(text) > TEMPLATE_OUTPUT_BYTES)
		abort();
	if (!str_is_utf8(text))
		abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct templates *templates = NULL;
	struct cJSON *json = NULL;
	struct err err = ERR_INIT;
	struct str text = STR_INIT;

	if (templates_new(&templates, &err) < 0 ||
	    json_parse(tree, strlen(tree), "tree", &json, &err) < 0)
		abort();
	str_add(&text, "{{ define \"t\" }}");
	str_addn(&text, data, size);
	str_add(&text, "{{ end }}");
	if (templates_add(templates, "f", text.s, text.len, &err) < 0) {
		if (err.kind != ERR_CONFIG || err.msg[0] == '\0')
			abort();
	} else {
		render(templates, json, "t");
	}
	str_free(&text);
	json_free(&json);
	templates_free(templates);
	return 0;
}
