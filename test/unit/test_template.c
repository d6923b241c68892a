#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/report/template.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const char data_text[] =
    "{\"Name\":\"db\",\"Empty\":\"\",\"Zero\":0,\"One\":1,\"Half\":1.5,"
    "\"Neg\":-7,\"Big\":1500000000000,\"True\":true,\"False\":false,"
    "\"Null\":null,\"List\":[\"a\",\"b\",\"c\"],\"None\":[],\"No\":{},"
    "\"Map\":{\"z\":1,\"a\":2,\"m\":{\"x\":\"deep\"}},"
    "\"Nested\":[[1,2],[3]],\"Html\":\"<a & \\\"b\\\">\\n\","
    "\"Utf\":\"\xc3\xa4\xe2\x82\xac\","
    "\"Time\":\"2026-11-02T15:04:05.678+01:00\","
    "\"Utc\":\"2026-02-09T00:07:08Z\"}";

static struct cJSON *data;

static int
set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	return json_parse(data_text, strlen(data_text), "data", &data, &err);
}

static int
tear_down(void **state)
{
	(void)state;
	json_free(&data);
	return 0;
}

/* What a text defines, or what it is itself, in "t". */
static int
render(const char *text, char **ret, struct err *err)
{
	CLEANUP(templates_freep) struct templates *templates = NULL;
	CLEANUP(str_free) struct str whole = STR_INIT;
	bool defines = strstr(text, "\"t\" }}") != NULL;

	str_addf(&whole, "%s%s%s", defines ? "" : "{{ define \"t\" }}", text,
	    defines ? "" : "{{ end }}");
	assert_false(whole.failed);
	assert_int_equal(templates_new(&templates, err), 0);
	if (templates_add(templates, "f.tmpl", whole.s, whole.len, err) < 0)
		return -1;
	return templates_render(templates, "t", data, ret, err);
}

struct example {
	const char *text;
	const char *result;
};

static void
check_all(const struct example *examples, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		CLEANUP(cleanup_free) char *got = NULL;
		struct err err = ERR_INIT;

		if (render(examples[i].text, &got, &err) < 0)
			fail_msg("%s: %s", examples[i].text, err.msg);
		assert_string_equal(got, examples[i].result);
	}
}

static void
check_fail(const struct example *examples, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		CLEANUP(cleanup_free) char *got = NULL;
		struct err err = ERR_INIT;

		if (render(examples[i].text, &got, &err) == 0)
			fail_msg("%s gives '%s'", examples[i].text, got);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (strstr(err.msg, examples[i].result) == NULL)
			fail_msg("%s: '%s', not '%s'", examples[i].text,
			    err.msg, examples[i].result);
		assert_true(str_starts(err.msg, "f.tmpl:"));
	}
}

static void
fields_and_constants_are_printed(void **state)
{
	static const struct example examples[] = {
		{ "", "" },
		{ "plain } }} { text", "plain } }} { text" },
		{ "{{ .Name }}", "db" },
		{ "{{.Name}}{{$.Name}}", "dbdb" },
		{ "{{ .Map.m.x }}", "deep" },
		{ "{{ (.Map).m.x }}", "deep" },
		{ "{{ (index .Map \"m\").x }}", "deep" },
		{ "[{{ .Nothing }}{{ .Nothing.at.all }}{{ .Null }}]", "[]" },
		{ "{{ .Zero }} {{ .One }} {{ .Half }} {{ .Neg }} {{ .Big }}",
		  "0 1 1.5 -7 1500000000000" },
		{ "{{ .True }} {{ .False }}", "true false" },
		{ "{{ .List }} {{ .Map }} {{ .None }} {{ .No }}",
		  "[\"a\",\"b\",\"c\"] "
		  "{\"z\":1,\"a\":2,\"m\":{\"x\":\"deep\"}} [] {}" },
		{ "{{ 17 }} {{ -3 }} {{ +4 }} {{ 0x1f }} {{ 1.50 }} {{ 1e3 }} "
		  "{{ 2.0 }} {{ 0.1 }} {{ .5 }} {{ 1e-7 }}",
		  "17 -3 4 31 1.5 1000 2 0.1 0.5 1e-07" },
		{ "{{ 9223372036854775807 }}", "9223372036854775807" },
		{ "{{ \"a\\n\\t\\\\\\\"\\x41\\u00e4\\U0001F433\\101\" }}",
		  "a\n\t\\\"A\xc3\xa4\xf0\x9f\x90\xb3" "A" },
		{ "{{ `raw \\n \"\n` }}", "raw \\n \"\n" },
		{ "{{ \"}}\" }}{{ `{{` }}", "}}{{" },
		{ "{{ true }}{{ false }}[{{ nil }}]", "truefalse[]" },
		{ "{{ .Utf }}", "\xc3\xa4\xe2\x82\xac" },
		{ "{{\n.Name\n}}", "db" },
		{ "{{ (1) }}{{ ((.One)) }}", "11" },
	};

	(void)state;
	check_all(examples, LENGTH(examples));
}

static void
trim_marks_and_comments_leave_nothing(void **state)
{
	static const struct example examples[] = {
		{ "a  {{- .One -}} \n\t b", "a1b" },
		{ "a  {{- .One }} b", "a1 b" },
		{ "a  {{ .One -}} b", "a  1b" },
		{ "a {{-3}} b", "a -3 b" },
		{ "a {{- 3 -}} b", "a3b" },
		{ "a {{/* c }} \n */}} b", "a  b" },
		{ "a {{- /* c */ -}} b", "ab" },
		{ "a {{- /* c */}} b", "a b" },
		{ "a {{/* c */ -}} b", "a b" },
		{ "{{/**/}}{{/**/}}", "" },
		{ "{{- \"\" -}}", "" },
		{ " {{- if true -}} x {{- end -}} ", "x" },
	};

	(void)state;
	check_all(examples, LENGTH(examples));
}

static void
blocks_choose_and_repeat(void **state)
{
	static const struct example examples[] = {
		{ "{{ if .Name }}y{{ else }}n{{ end }}", "y" },
		{ "{{ if .Empty }}y{{ end }}{{ if .Zero }}y{{ end }}"
		  "{{ if .False }}y{{ end }}{{ if .Null }}y{{ end }}"
		  "{{ if .None }}y{{ end }}{{ if .No }}y{{ end }}"
		  "{{ if .Nothing }}y{{ end }}{{ if 0.0 }}y{{ end }}", "" },
		{ "{{ if .True }}1{{ end }}{{ if .Neg }}2{{ end }}"
		  "{{ if .List }}3{{ end }}{{ if .Map }}4{{ end }}"
		  "{{ if 0.1 }}5{{ end }}{{ if \"no\" }}6{{ end }}", "123456" },
		{ "{{ if .Zero }}a{{ else if .One }}b{{ else }}c{{ end }}",
		  "b" },
		{ "{{ if .Zero }}a{{ else if .Zero }}b{{ else if .Zero }}c"
		  "{{ else }}d{{ end }}e", "de" },
		{ "{{ with .Map }}{{ .a }}{{ $.Name }}{{ else }}n{{ end }}"
		  "{{ .One }}", "2db1" },
		{ "{{ with .Null }}y{{ else }}{{ .Name }}{{ end }}", "db" },
		{ "{{ with .Null }}y{{ else with .Name }}{{ . }}{{ end }}",
		  "db" },
		{ "{{ with print .Name 1 }}{{ . }}{{ . }}{{ end }}",
		  "db1db1" },
		{ "{{ range .List }}<{{ . }}>{{ end }}", "<a><b><c>" },
		{ "{{ range .None }}x{{ else }}none{{ end }}", "none" },
		{ "{{ range .No }}x{{ else }}none{{ end }}", "none" },
		{ "{{ range .Null }}x{{ else }}{{ .Name }}{{ end }}", "db" },
		{ "{{ range .Map }}{{ . }} {{ end }}",
		  "2 {\"x\":\"deep\"} 1 " },
		{ "{{ range .Nested }}{{ range . }}{{ . }}{{ end }};{{ end }}"
		  "{{ .Name }}", "12;3;db" },
		{ "{{ range .List }}{{ if eq . \"b\" }}!{{ else }}{{ . }}"
		  "{{ end }}{{ end }}", "a!c" },
	};

	(void)state;
	check_all(examples, LENGTH(examples));
}

static void
variables_live_as_long_as_their_block(void **state)
{
	static const struct example examples[] = {
		{ "{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}", "12" },
		{ "{{ $x := .Map }}{{ $x.m.x }}{{ len $x }}", "deep3" },
		{ "{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}"
		  "{{ $x }}", "21" },
		{ "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}",
		  "2" },
		{ "{{ $x := 1 }}{{ $x := print $x $x }}{{ $x }}", "1 1" },
		{ "{{ range $e := .List }}{{ $e }}{{ end }}", "abc" },
		{ "{{ range $i, $e := .List }}{{ $i }}{{ $e }}{{ . }} {{ end }}",
		  "0aa 1bb 2cc " },
		{ "{{ range $k, $v := .Map }}{{ $k }}{{ end }}", "amz" },
		{ "{{ $i := 9 }}{{ $e := 9 }}{{ range $i, $e = .List }}"
		  "{{ end }}{{ $i }}{{ $e }}", "2c" },
		{ "{{ $sep := \"\" }}{{ range .List }}{{ $sep }}{{ . }}"
		  "{{ $sep = \", \" }}{{ end }}", "a, b, c" },
		{ "{{ if $x := .Name }}{{ $x }}{{ end }}", "db" },
		{ "{{ if $x := .Empty }}{{ else }}[{{ $x }}]{{ end }}", "[]" },
		{ "{{ with $x := .Map }}{{ $x.a }}{{ .a }}{{ end }}", "22" },
		/* What the dot is must not go with the variable. */
		{ "{{ $x := print 1 2 }}{{ with $x }}{{ $x = print 3 4 }}"
		  "{{ . }} {{ $x }}{{ end }}", "1 2 3 4" },
		{ "{{ $x := print 1 }}{{ if $x = $x }}{{ $x }}{{ end }}",
		  "1" },
		{ "{{ define \"u\" }}{{ $y := 2 }}{{ $.a }}{{ $y }}{{ end }}"
		  "{{ define \"t\" }}{{ $y := 1 }}{{ template \"u\" .Map }}"
		  "{{ $y }}{{ end }}", "221" },
	};

	(void)state;
	check_all(examples, LENGTH(examples));
}

static void
functions_do_what_they_do_in_go(void **state)
{
	static const struct example examples[] = {
		{ "{{ eq 1 1 }} {{ eq 1 2 }} {{ eq 1 2 3 1 }} {{ eq 1 1.0 }}",
		  "true false true true" },
		{ "{{ eq .Name \"db\" }} {{ eq .Name .One }} {{ eq nil .Null }}"
		  " {{ eq true .True }} {{ eq .Name nil }} {{ eq .List nil }}",
		  "true false true true false false" },
		{ "{{ ne 1 2 }} {{ ne \"a\" \"a\" }} {{ ne .Null 0 }}",
		  "true false true" },
		{ "{{ lt 1 2 }} {{ lt 2 1.5 }} {{ le 2 2 }} {{ gt 2 1 }} "
		  "{{ ge 1 2 }} {{ lt \"a\" \"b\" }} {{ gt \"B\" \"a\" }}",
		  "true false true true false true false" },
		{ "{{ lt 9007199254740992 9007199254740993 }}", "true" },
		{ "{{ and 1 0 2 }} {{ and 1 2 }} [{{ and \"\" 1 }}] {{ or 0 3 "
		  "4 }} {{ or 0 \"\" }}{{ or .Null .False }}",
		  "0 2 [] 3 false" },
		{ "{{ and .Null (index .List 9) }}{{ or 1 (index .List 9) }}",
		  "1" },
		{ "{{ .One | or 0 }}{{ .One | and 0 }}", "10" },
		{ "{{ not .One }} {{ not .Null }} {{ not (eq 1 2) }} "
		  "{{not(eq 1 1)}}", "false true true false" },
		{ "{{ len .List }}{{ len .Map }}{{ len .Utf }}{{ len .Null }}"
		  "{{ len \"\" }}", "33500" },
		{ "{{ index .List 0 }}{{ index .List 2 }}"
		  "{{ index .Map \"m\" \"x\" }}{{ index .Nested 1 0 }}"
		  "[{{ index .Map \"none\" }}{{ index .Null 1 }}]",
		  "acdeep3[]" },
		{ "{{ print \"a\" 1 2 \"b\" true }}", "a1 2btrue" },
		{ "{{ print }}{{ print nil }}{{ print 1 1 }}", "1 1" },
		{ "{{ print 1 | print 2 | print 3 }}", "321" },
		{ "{{ toJson .Map }} {{ toJson .Html }} {{ toJson nil }} "
		  "{{ toJson 1.5 }} {{ toJson true }}",
		  "{\"z\":1,\"a\":2,\"m\":{\"x\":\"deep\"}} "
		  "\"<a & \\\"b\\\">\\n\" null 1.5 true" },
		{ "{{ toPrettyJson .Nested }} {{ toPrettyJson .None }}",
		  "[\n  [\n    1,\n    2\n  ],\n  [\n    3\n  ]\n] []" },
		{ "{{ .Map.m | toPrettyJson }}", "{\n  \"x\": \"deep\"\n}" },
		{ "{{ toJson \"\\x01\" }}", "\"\\u0001\"" },
	};

	(void)state;
	check_all(examples, LENGTH(examples));
}

static void
printf_knows_verbs_flags_and_widths(void **state)
{
	static const struct example examples[] = {
		{ "{{ printf \"%s %v %d %q %%\" .Name .Half 17 \"a\\\"\" }}",
		  "db 1.5 17 \"a\\\"\" %" },
		{ "{{ printf \"%5d|%-5d|%05d|%+d|% d\" 42 42 -42 42 42 }}",
		  "   42|42   |-0042|+42| 42" },
		{ "{{ printf \"%5s|%-5s|%.1s|%5.1s\" .Utf .Utf .Utf \"abc\" }}",
		  "   \xc3\xa4\xe2\x82\xac|\xc3\xa4\xe2\x82\xac   |\xc3\xa4|"
		  "    a" },
		{ "{{ printf \"%.2f %f %6.1f|%-6.1f|\" 1.005 2 3.14 -1.25 }}",
		  "1.00 2.000000    3.1|-1.2  |" },
		{ "{{ printf \"%t %v %s\" true .List 7 }}",
		  "true [\"a\",\"b\",\"c\"] 7" },
		{ "{{ printf \"\" }}{{ printf \"%s\" nil }}", "" },
		{ "{{ 3 | printf \"%s=%d\" \"n\" }}", "n=3" },
		{ "{{ printf \"%q\" \"\\n\\t\\x01\" }}", "\"\\n\\t\\x01\"" },
		{ "{{ printf \"%d\" -9223372036854775808 }}",
		  "-9223372036854775808" },
	};
	static const struct example bad[] = {
		{ "{{ printf 1 }}", "printf: its first value must be a text" },
		{ "{{ printf \"%d\" \"x\" }}", "%d needs a whole number" },
		{ "{{ printf \"%d\" 1.5 }}", "%d needs a whole number" },
		{ "{{ printf \"%f\" \"x\" }}", "%f needs a number" },
		{ "{{ printf \"%t\" 1 }}", "%t needs a bool" },
		{ "{{ printf \"%d\" }}", "more % than values" },
		{ "{{ printf \"%d\" 1 2 }}", "more values than %" },
		{ "{{ printf \"%z\" 1 }}", "only %v %s" },
		{ "{{ printf \"%n\" 1 }}", "only %v %s" },
		{ "{{ printf \"%*d\" 1 2 }}", "only %v %s" },
		{ "{{ printf \"%1000d\" 1 }}", "only %v %s" },
		{ "{{ printf \"100%\" }}", "a % at the end" },
	};

	(void)state;
	check_all(examples, LENGTH(examples));
	check_fail(bad, LENGTH(bad));
}

static void
times_take_the_layouts_of_go(void **state)
{
	static const struct example examples[] = {
		{ "2006-01-02T15:04:05Z07:00", "2026-11-02T15:04:05+01:00" },
		{ "Mon Jan _2 15:04:05 2006", "Mon Nov  2 15:04:05 2026" },
		{ "Monday, 02-Jan-06 15:04:05 -0700",
		  "Monday, 02-Nov-26 15:04:05 +0100" },
		{ "Jan 2", "Nov 2" }, { "3:04PM", "3:04PM" },
		{ "03:04 pm", "03:04 pm" }, { "January 1", "November 11" },
		{ "05.000", "05.678" }, { "05,00", "05,67" },
		{ "05.9999", "05.678" }, { "5.000000000", "5.678000000" },
		{ "4 04 3 03 15", "4 04 3 03 15" }, { "06 2006", "26 2026" },
		{ "Z07 Z0700 Z07:00:00 -07 -07:00 -070000",
		  "+01 +0100 +01:00:00 +01 +01:00 +010000" },
		{ "002 __2", "306 306" }, { "MST", "+01" },
		{ "Janus Money", "Janus Money" }, { "_2006", "_2026" },
		{ "2006.01.02", "2026.11.02" },
		{ "at 15h", "at 15h" }, { "", "" }, { "%Y %s", "%Y %s" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(examples); i++) {
		CLEANUP(str_free) struct str text = STR_INIT;
		struct example one = { NULL, examples[i].result };

		str_addf(&text, "{{ .Time | formatTime \"%s\" }}",
		    examples[i].text);
		one.text = text.s;
		check_all(&one, 1);
	}
}

static void
times_are_checked_and_zones_shown(void **state)
{
	static const struct example examples[] = {
		{ "{{ formatTime .Time }} {{ formatTime .Utc }}",
		  "2026-11-02T15:04:05+01:00 2026-02-09T00:07:08Z" },
		{ "{{ formatTime \"Z07:00 Z07 -07:00 MST 3PM _2 __2\" .Utc }}",
		  "Z Z +00:00 UTC 12AM  9  40" },
		{ "{{ formatTime \".999 .000|\" .Utc }}", " .000|" },
		{ "{{ formatTime \"Jan 2\" \"2024-02-29T23:59:59-11:30\" }}",
		  "Feb 29" },
		{ "{{ formatTime \"MST -07\" \"2024-02-29T23:59:59-11:30\" }}",
		  "-1130 -11" },
		{ "[{{ formatTime .Null }}]", "[]" },
		{ "{{ formatTime \"2006\" \"0001-01-01T00:00:00Z\" }}",
		  "0001" },
	};
	static const char *const bad[] = { "", "now", "2026-02-30T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00", "2026-01-01T00:00:00+1",
		"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00Zx", "02026-01-01T00:00:00Z" };
	size_t i;

	(void)state;
	check_all(examples, LENGTH(examples));
	for (i = 0; i < LENGTH(bad); i++) {
		CLEANUP(str_free) struct str text = STR_INIT;
		struct example one = { NULL, "f.tmpl:1: formatTime: '" };

		str_addf(&text, "{{ formatTime \"%s\" }}", bad[i]);
		one.text = text.s;
		check_fail(&one, 1);
	}
}

static void
sizes_and_spans_are_for_people(void **state)
{
	static const struct example examples[] = {
		{ "{{ formatBytesBin 0 }} {{ formatBytesBin 1023 }} "
		  "{{ formatBytesBin 1536 }} {{ .Big | formatBytesBin }}",
		  "0 B 1023 B 1.5 KiB 1.4 TiB" },
		{ "{{ formatBytesDec 999 }} {{ formatBytesDec 1000 }} "
		  "{{ formatBytesDec 999960 }} {{ formatBytesDec .Big }}",
		  "999 B 1.0 kB 1.0 MB 1.5 TB" },
		{ "{{ formatBytesDec 1e30 }}", "1000000000000.0 EB" },
		{ "{{ formatBytesBin 1e30 }}", "16.0 EiB" },
		{ "{{ formatDuration 0.85 }} {{ formatDuration 250 }}",
		  "850ms 4m10s" },
		{ "[{{ formatBytesBin .Null }}{{ formatBytesDec .Null }}"
		  "{{ formatDuration .Null }}]", "[]" },
	};
	static const struct example bad[] = {
		{ "{{ formatBytesBin \"x\" }}", "formatBytesBin: it needs" },
		{ "{{ formatBytesDec -1 }}", "formatBytesDec: it needs" },
		{ "{{ formatDuration .List }}", "gets a list" },
	};

	(void)state;
	check_all(examples, LENGTH(examples));
	check_fail(bad, LENGTH(bad));
}

static void
env_gives_no_secret(void **state)
{
	static const struct example examples[] = {
		{ "{{ env \"T_PLAIN\" }}", "plain" },
		{ "[{{ env \"T_UNSET\" }}{{ env \"\" }}{{ env \"=\" }}]",
		  "[]" },
		{ "{{ env \"AWS_SECRET_ACCESS_KEY\" }}", "***" },
		{ "{{ env \"AWS_SECRET_ACCESS_KEY_FILE\" }}", "***" },
		{ "[{{ env \"GPG_PASSPHRASE\" }}]", "[]" },
		{ "{{ env \"T_HOLDS\" }}", "x ***\" y" },
		{ "{{ env \"T_HOLDS\" | toJson }}", "\"x ***\\\" y\"" },
		{ "{{ env \"T_HOLDS\" | printf \"%.7s\" }}", "x ***\" " },
		{ "hidden\" and {{ \"hid\" }}{{ \"den\\\"\" }}",
		  "*** and ***" },
	};
	struct err err = ERR_INIT;

	(void)state;
	setenv("T_PLAIN", "plain", 1);
	setenv("T_HOLDS", "x hidden\"\" y", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "never shown", 1);
	setenv("AWS_SECRET_ACCESS_KEY_FILE", "/run/never", 1);
	unsetenv("GPG_PASSPHRASE");
	assert_int_equal(log_secret("hidden\"", &err), 0);
	check_all(examples, LENGTH(examples));
	log_close();
}

static void
mistakes_are_named_with_their_line(void **state)
{
	static const struct example examples[] = {
		{ "\n\n{{ nope }}", "f.tmpl:3: unknown function 'nope'" },
		{ "{{ .A", "unexpected '{'" },
		{ "{{ define \"t\" }}{{ .A", "an action without its }}" },
		{ "{{ define \"t\" }}{{ .A }", "unexpected '}'" },
		{ "{{ define \"t\" }}{{", "an action without its }}" },
		{ "{{ }}", "f.tmpl:1: a value is missing before }}" },
		{ "{{ .A | }}", "a value is missing" },
		{ "{{ | .A }}", "'|' instead of a value" },
		{ "\n{{ if .A }}\n", "f.tmpl:3: no {{ end }} for the block of "
		  "line 1" },
		{ "{{ if }}x{{ end }}", "a value is missing" },
		{ "{{ if 1 }}{{ else }}{{ else }}{{ end }}",
		  "a second {{ else }}" },
		{ "{{ if 1 }}{{ else if }}{{ end }}", "a value is missing" },
		{ "{{ range 1 }}{{ else range 2 }}{{ end }}",
		  "'range' instead of }}" },
		{ "{{ end }}", "{{ end }} without a block" },
		{ "{{ define \"t\" }}{{ end }}{{ else }}",
		  "{{ else }} without a block" },
		{ "{{ define \"x\" }}{{ end }}", "within another block" },
		{ "{{ define \"t\" }}{{ else }}{{ end }}",
		  "{{ else }} in the definition" },
		{ "{{ define \"t\" }}{{ end x }}", "'x' instead of }}" },
		{ "{{ template x }}", "'x' instead of a name" },
		{ "{{ .A .B }}", "only functions take arguments" },
		{ "{{ .A | .B }}", "only functions take arguments" },
		{ "{{ 1 | 2 }}", "only functions take arguments" },
		{ "{{ eq 1 }}", "eq needs at least 2 arguments" },
		{ "{{ 1 | lt 1 2 }}", "lt takes at most 2 arguments" },
		{ "{{ not }}", "not needs at least 1 argument" },
		{ "{{ eq len 1 }}", "must stand in ( ): 'len'" },
		{ "{{ eq 1 nope }}", "unknown function 'nope'" },
		{ "{{ eq \"a\"\"b\" }}", "instead of a blank" },
		{ "{{ eq 1 2 ) }}", "')' instead of }}" },
		{ "{{ (eq 1 2 }}", ") is missing before }}" },
		{ "{{ ( ) }}", "instead of a value" },
		{ "{{ \"a\".b }}", "a constant has no field 'b'" },
		{ "{{ .A.. }}", "instead of a blank" },
		{ "{{ \"abc }}\n\" }}", "a \" without its end" },
		{ "{{ `abc }}", "a ` without its end" },
		{ "{{ \"\\z\" }}", "a backslash" },
		{ "{{ \"\\x0\" }}", "a backslash" },
		{ "{{ \"\\x00\" }}", "a backslash" },
		{ "{{ \"\\U00110000\" }}", "a backslash" },
		{ "{{ \"\\xff\" }}", "not UTF-8" },
		{ "{{ \"\\ud800\" }}", "not UTF-8" },
		{ "{{ /* c */}}", "'/'" },
		{ "{{/* c }}", "the comment has no end" },
		{ "{{/* c */ x }}", "a comment must be alone" },
		{ "{{ 1x }}", "'1x' is not a number" },
		{ "{{ 1..2 }}", "is not a number" },
		{ "{{ 1e999 }}", "is not a number" },
		{ "{{ 99999999999999999999 }}", "is not a number" },
		{ "{{ 0xzz }}", "is not a number" },
		{ "{{ 'a' }}", "unexpected '''" },
		{ "{{ .A\x01 }}", "unexpected byte 0x01" },
		{ "{{ $x }}", "unknown variable '$x'" },
		{ "{{ $x = 1 }}", "unknown variable '$x'" },
		{ "{{ $x := $x }}", "unknown variable '$x'" },
		{ "{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}",
		  "unknown variable '$x'" },
		{ "{{ if 1 }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}",
		  "unknown variable '$x'" },
		{ "{{ $ := 1 }}", "$ cannot be set" },
		{ "{{ $a, $b := .List }}", "unknown variable '$a'" },
		{ "{{ range $a, 1 := .List }}", "instead of a variable" },
		{ "{{ range $a, $b .List }}", "instead of :=" },
		{ "{{ block \"x\" . }}{{ end }}", "unknown function 'block'" },
	};

	(void)state;
	check_fail(examples, LENGTH(examples));
}

static void
what_cannot_be_done_names_its_line_once(void **state)
{
	static const struct example examples[] = {
		{ "\n{{ if 1 }}\n{{ index .List 3 }}{{ end }}",
		  "f.tmpl:3: index: 3 is not in the list (the first one is 0)" },
		{ "{{ index .List -1 }}", "index: -1 is not in the list" },
		{ "{{ index .List \"a\" }}", "must be a whole number" },
		{ "{{ index .List 0.5 }}", "must be a whole number" },
		{ "{{ index .Map 1 }}", "a number cannot be looked up in an "
		  "object" },
		{ "{{ index .Name 1 }}", "cannot be looked up in a text" },
		{ "{{ .Name.x }}", "f.tmpl:1: a text has no field 'x'" },
		{ "{{ .List.x }}", "a list has no field 'x'" },
		{ "{{ range .Name }}{{ end }}", "range: a text is no list" },
		{ "{{ range 3 }}{{ end }}", "range: a number is no list" },
		{ "{{ lt 1 \"a\" }}", "lt: cannot compare" },
		{ "{{ lt .Null 1 }}", "lt: cannot compare nothing and a "
		  "number" },
		{ "{{ eq .List .List }}", "eq: cannot compare a list and" },
		{ "{{ ne .Map 1 }}", "ne: cannot compare an object and" },
		{ "{{ len 1 }}", "len: a number has no length" },
		{ "{{ env 1 }}", "env: the name must be a text" },
		{ "{{ formatTime 1 }}", "formatTime: a number is not a time" },
		{ "{{ formatTime 1 .Time }}", "formatTime: the layout must" },
		{ "\n{{ template \"none\" }}", "f.tmpl:2: no template 'none'" },
		{ "{{ define \"u\" }}\n{{ len 1 }}{{ end }}"
		  "{{ define \"t\" }}{{ template \"u\" }}{{ end }}",
		  "f.tmpl:2: len: a number" },
	};
	size_t i;

	(void)state;
	check_fail(examples, LENGTH(examples));
	for (i = 0; i < LENGTH(examples); i++) {
		CLEANUP(cleanup_free) char *got = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(render(examples[i].text, &got, &err), -1);
		assert_null(strstr(err.msg + 1, "f.tmpl:"));
	}
}

/* n times before, then the middle, then n times after. */
static void
add_around(struct str *s, size_t n, const char *before, const char *middle,
    const char *after)
{
	size_t i;

	for (i = 0; i < n; i++)
		str_add(s, before);
	str_add(s, middle);
	for (i = 0; i < n; i++)
		str_add(s, after);
}

static void
nesting_has_an_end(void **state)
{
	static const struct {
		const char *before, *middle, *after;
	} cases[] = {
		{ "{{ if 1 }}", "x", "{{ end }}" },
		{ "{{ range .None }}", "x", "{{ end }}" },
		{ "{{ with 1 }}", "x", "{{ end }}" },
		{ "{{ if 0 }}{{ else with 0 }}", "x", "{{ end }}" },
	};
	static const size_t sizes[] = { 33, 10000 };
	size_t i, j;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		for (j = 0; j < LENGTH(sizes); j++) {
			CLEANUP(str_free) struct str s = STR_INIT;
			struct example one = { NULL, "nested too deep" };

			add_around(&s, sizes[j], cases[i].before,
			    cases[i].middle, cases[i].after);
			one.text = s.s;
			check_fail(&one, 1);
		}
	}
	for (j = 0; j < LENGTH(sizes); j++) {
		CLEANUP(str_free) struct str s = STR_INIT;
		struct example one = { NULL, "nested too deep" };

		str_add(&s, "{{ ");
		add_around(&s, sizes[j], "(", "1", ")");
		str_add(&s, " }}");
		one.text = s.s;
		check_fail(&one, 1);
	}
}

static void
as_much_nesting_as_is_allowed_works(void **state)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	struct example one = { NULL, "xx" };
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		add_around(&s, 32, "{{ if 1 }}", "x", "{{ end }}");
	one.text = s.s;
	check_all(&one, 1);
}

static void
more_than_is_allowed_is_refused(void **state)
{
	static const struct example examples[] = {
		{ "{{ define \"t\" }}{{ template \"t\" }}{{ end }}",
		  "nested too deep" },
		{ "{{ define \"u\" }}{{ template \"t\" . }}{{ end }}"
		  "{{ define \"t\" }}{{ template \"u\" . }}{{ end }}",
		  "nested too deep" },
		/* Twice as much each time. */
		{ "{{ $x := \"0123456789abcdef\" }}"
		  "{{ range .List }}{{ range $.List }}{{ range $.List }}"
		  "{{ $x = print $x $x }}{{ end }}{{ end }}{{ end }}",
		  "print: more than 1048576 bytes" },
		{ "{{ $x := \"0123456789abcdef\" }}"
		  "{{ range .List }}{{ range $.List }}"
		  "{{ $x = print $x $x }}{{ end }}{{ end }}"
		  "{{ range .List }}{{ range $.List }}{{ range $.List }}"
		  "{{ range $.List }}{{ range $.List }}"
		  "{{ $x }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}",
		  "more than 1048576 bytes come out" },
		/* Nothing comes out, but it would take hours. */
		{ "{{ define \"u\" }}{{ range $.List }}{{ range $.List }}"
		  "{{ range $.List }}{{ template \"u\" $ }}{{ end }}{{ end }}"
		  "{{ end }}{{ end }}"
		  "{{ define \"t\" }}{{ range .List }}{{ range $.List }}"
		  "{{ range $.List }}{{ range $.List }}{{ range $.List }}"
		  "{{ range $.List }}{{ range $.List }}{{ range $.List }}"
		  "{{ range $.List }}{{ range $.List }}{{ range $.List }}"
		  "{{ range $.List }}{{ range $.List }}{{ range $.List }}"
		  "{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}"
		  "{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}"
		  "{{ end }}{{ end }}{{ end }}", "it is too much work" },
	};
	CLEANUP(str_free) struct str args = STR_INIT;
	CLEANUP(str_free) struct str variables = STR_INIT;
	struct example one = { NULL, "print takes at most 32 arguments" };
	struct example other = { NULL, "more than 31 variables" };
	int i;

	(void)state;
	check_fail(examples, LENGTH(examples));
	str_add(&args, "{{ print");
	for (i = 0; i < 1000; i++) {
		str_add(&args, " 1");
		str_addf(&variables, "{{ $v%d := 1 }}", i);
	}
	str_add(&args, " }}");
	one.text = args.s;
	check_fail(&one, 1);
	other.text = variables.s;
	check_fail(&other, 1);
}

static void
a_later_definition_replaces_if_it_is_not_blank(void **state)
{
	CLEANUP(templates_freep) struct templates *templates = NULL;
	CLEANUP(cleanup_free) char *got = NULL;
	struct err err = ERR_INIT;
	static const char *const texts[] = {
		"{{ define \"a\" }}1{{ end }}{{ define \"b\" }}1{{ end }}",
		"outside {{ define \"a\" }}2{{ template \"b\" }}{{ end }}",
		"{{ define \"b\" }} {{/* nothing */}}\n{{ end }}",
		"{{ define \"c\" }}{{ end }}",
	};
	size_t i;

	(void)state;
	assert_int_equal(templates_new(&templates, &err), 0);
	for (i = 0; i < LENGTH(texts); i++)
		assert_int_equal(templates_add(templates, "n", texts[i],
		    strlen(texts[i]), &err), 0);
	/* Of a text with a mistake nothing is taken. */
	assert_int_equal(templates_add(templates, "n",
	    "{{ define \"a\" }}3{{ end }}{{ x }}", 35, &err), -1);
	assert_int_equal(templates_render(templates, "a", NULL, &got, &err),
	    0);
	assert_string_equal(got, "21");
	free(got);
	assert_int_equal(templates_render(templates, "c", NULL, &got, &err),
	    0);
	assert_string_equal(got, "");
	free(got);
	got = NULL;
	assert_int_equal(templates_render(templates, "d", NULL, &got, &err),
	    -1);
	assert_string_equal(err.msg, "no template 'd'");
}

static void
bytes_that_are_no_text_are_refused(void **state)
{
	CLEANUP(templates_freep) struct templates *templates = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(templates_new(&templates, &err), 0);
	assert_int_equal(templates_add(templates, "n", "a\0b", 3, &err), -1);
	assert_string_equal(err.msg, "n: it has a NUL");
	assert_int_equal(templates_add(templates, "n", "a\xff", 2, &err), -1);
	assert_string_equal(err.msg, "n: it is not UTF-8");
	assert_int_equal(templates_add(templates, "n", "", 0, &err), 0);
}

static void
write_file(const char *directory, const char *name, const char *text)
{
	CLEANUP(str_free) struct str path = STR_INIT;
	CLEANUP(cleanup_fclose) FILE *file = NULL;

	str_addf(&path, "%s/%s", directory, name);
	file = fopen(path.s, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void
remove_file(const char *directory, const char *name)
{
	CLEANUP(str_free) struct str path = STR_INIT;

	str_addf(&path, "%s/%s", directory, name);
	assert_int_equal(remove(path.s), 0);
}

static void
a_directory_is_read_in_the_order_of_names(void **state)
{
	static const char *const names[] = { "b.tmpl", "a.tmpl", "z", ".c.tmpl",
		"d.tmpl~" };
	CLEANUP(templates_freep) struct templates *templates = NULL;
	CLEANUP(cleanup_free) char *got = NULL;
	CLEANUP(str_free) struct str deep = STR_INIT;
	char directory[] = "/tmp/test_template.XXXXXX";
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(templates_new(&templates, &err), 0);
	str_addf(&deep, "%s/x.d", directory);
	assert_int_equal(mkdir(deep.s, 0700), 0);
	assert_int_equal(templates_add_dir(templates, directory, &err), -1);
	assert_non_null(strstr(err.msg, "no template in '"));
	write_file(directory, "b.tmpl", "{{ define \"t\" }}b{{ end }}");
	write_file(directory, "a.tmpl", "{{ define \"t\" }}a{{ end }}");
	write_file(directory, "z", "{{ x");
	write_file(directory, ".c.tmpl", "{{ x");
	write_file(directory, "d.tmpl~", "{{ x");
	assert_int_equal(templates_add_dir(templates, directory, &err), 0);
	assert_int_equal(templates_render(templates, "t", data, &got, &err),
	    0);
	assert_string_equal(got, "b");
	write_file(directory, "b.tmpl", "\n{{ x");
	assert_int_equal(templates_add_dir(templates, directory, &err), -1);
	assert_non_null(strstr(err.msg, "/b.tmpl:2: "));
	for (i = 0; i < LENGTH(names); i++)
		remove_file(directory, names[i]);
	assert_int_equal(rmdir(deep.s), 0);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(templates_add_dir(templates, directory, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_and_constants_are_printed),
		cmocka_unit_test(trim_marks_and_comments_leave_nothing),
		cmocka_unit_test(blocks_choose_and_repeat),
		cmocka_unit_test(variables_live_as_long_as_their_block),
		cmocka_unit_test(functions_do_what_they_do_in_go),
		cmocka_unit_test(printf_knows_verbs_flags_and_widths),
		cmocka_unit_test(times_take_the_layouts_of_go),
		cmocka_unit_test(times_are_checked_and_zones_shown),
		cmocka_unit_test(sizes_and_spans_are_for_people),
		cmocka_unit_test(env_gives_no_secret),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(what_cannot_be_done_names_its_line_once),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(as_much_nesting_as_is_allowed_works),
		cmocka_unit_test(more_than_is_allowed_is_refused),
		cmocka_unit_test(
		    a_later_definition_replaces_if_it_is_not_blank),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(a_directory_is_read_in_the_order_of_names),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
