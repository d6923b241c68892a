#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service.h"
#include "test/unit/letters.h"

#define T24 "abcdefghijklmnopqrstuvwX"
#define HOOK "slack://hook:T00000000-B00000000-" T24 "@webhook"
#define BOT "slack://xoxb:123456789-234567890-" T24 "@C0123ABC"
#define TEAMS "teams://?host=https%3A%2F%2Fprod-1.westeurope.logic.azure.com" \
    "%3A443%2Fworkflows%2Fw1%2Ftriggers%2Fmanual%2Fpaths%2Finvoke%3Fapi-" \
    "version%3D1%26sig%3Ds3cr3t-s3cr3t"
#define TEAMS_URL "https://prod-1.westeurope.logic.azure.com:443/workflows/w1" \
    "/triggers/manual/paths/invoke?api-version=1&sig=s3cr3t-s3cr3t"
#define GOOGLE "googlechat://chat.googleapis.com/v1/spaces/FOO/messages" \
    "?key=google-key-1&token=google%2Ftoken"

#define SAYS "type application/json\n\n"

static const struct message plain = {
	.title = "backup \"a\" failed", .body = "line <1>\n\nline 2\n",
	.outcome = OUTCOME_FAILURE, .host = "h", .time = 1,
};

struct golden {
	const char *url;
	enum outcome outcome;
	long status;
	const char *answer;
	const char *letter;
};

static void
assert_golden(const struct golden *golden)
{
	const struct recorder_answer answer = { .status = golden->status,
	    .body = golden->answer };
	struct message message = plain;
	struct err err = ERR_INIT;

	message.outcome = golden->outcome;
	if (letters_send(golden->url, &message, &answer, 1, &err) < 0)
		fail_msg("%s: %s", golden->url, err.msg);
	recorder_expect(&golden->letter, 1);
}

#define ASSERT_GOLDEN(rows)						\
	do {								\
		size_t row;						\
		for (row = 0; row < sizeof (rows) / sizeof (rows)[0]; row++) \
			assert_golden(&(rows)[row]);			\
	} while (0)

#define DISCORD_TEXT "\"title\":\"backup \\\"a\\\" failed\",\"description\":" \
    "\"line <1>\\n\\nline 2\\n\",\"color\":"

static void
discord_gets_one_embed_with_the_colour_of_the_outcome(void **state)
{
	static const struct golden rows[] = {
		{ "discord://to-ken@4711", OUTCOME_FAILURE, 204, "",
		  "POST https://discord.com/api/webhooks/4711/to-ken\n"
		  SAYS "{\"embeds\":[{" DISCORD_TEXT "14026000}]}" },
		{ "discord://to-ken@4711?title=x&splitlines=No",
		  OUTCOME_PROBLEMS, 200, "{}",
		  "POST https://discord.com/api/webhooks/4711/to-ken\n"
		  SAYS "{\"embeds\":[{" DISCORD_TEXT "16761921}]}" },
		{ "discord://to-ken@4711/?username=b%C3%A4r&avatarURL=https%3A"
		  "//x/y.png&thread_id=99&color=0x000001&colorError=%23000002"
		  "&colorwarn=3&colordebug=0&json=no", OUTCOME_SUCCESS, 204,
		  "", "POST https://discord.com/api/webhooks/4711/to-ken"
		  "?thread_id=99\n" SAYS "{\"username\":\"b\xc3\xa4r\","
		  "\"avatar_url\":\"https://x/y.png\",\"embeds\":[{"
		  DISCORD_TEXT "1}]}" },
		{ "discord://to-ken@4711?color=1&colorerror=ff0000",
		  OUTCOME_FAILURE, 204, "",
		  "POST https://discord.com/api/webhooks/4711/to-ken\n"
		  SAYS "{\"embeds\":[{" DISCORD_TEXT "16711680}]}" },
		{ "discord://to%2Fken@47%3911", OUTCOME_SUCCESS, 204, "",
		  "POST https://discord.com/api/webhooks/47911/to%2Fken\n"
		  SAYS "{\"embeds\":[{" DISCORD_TEXT "2394367}]}" },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

static void
discord_gets_a_body_that_is_json_as_it_is(void **state)
{
	static const char *const urls[] = { "discord://t@1/raw",
		"discord://t@1?json=yes" };
	static const char *const wrong[] = { "text", "[1]", "\"x\"", "{} {}",
		" " };
	static const char *const letter =
	    "POST https://discord.com/api/webhooks/1/t\n" SAYS
	    " {\"content\": \"x\"}\n";
	const struct recorder_answer answer = { .status = 204 };
	struct message message = plain;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		message.body = " {\"content\": \"x\"}\n";
		assert_int_equal(letters_send(urls[i], &message, &answer, 1,
		    &err), 0);
		recorder_expect(&letter, 1);
	}
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		message.body = wrong[i];
		assert_int_equal(letters_send(urls[0], &message, NULL, 0,
		    &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.msg, "discord: the message's body is "
		    "not a JSON object, as /raw and json=yes want it to be");
	}
}

#define SLACK_TEXT "{\"text\":\"backup \\\"a\\\" failed\","
#define LINES(color) "\"attachments\":[{\"text\":\"line <1>\",\"color\":\"" \
    color "\"},{\"text\":\"line 2\",\"color\":\"" color "\"}]"
#define HOOK_URL "POST https://hooks.slack.com/services/T00000000/B00000000/" \
    T24 "\n"

static void
slack_gets_a_line_as_an_attachment(void **state)
{
	static const struct golden rows[] = {
		{ HOOK, OUTCOME_FAILURE, 200, "ok", HOOK_URL SAYS SLACK_TEXT
		  LINES("danger") "}" },
		{ HOOK, OUTCOME_PROBLEMS, 200, "", HOOK_URL SAYS SLACK_TEXT
		  LINES("warning") "}" },
		{ "slack://hook-T00000000-B00000000-" T24 "@webhook?botname=b"
		  "&title=x&icon=robot&thread_ts=12.5&color=%23112233",
		  OUTCOME_SUCCESS, 200, "ok\n", HOOK_URL SAYS SLACK_TEXT
		  "\"username\":\"b\"," LINES("#112233")
		  ",\"thread_ts\":\"12.5\",\"icon_emoji\":\"robot\"}" },
		{ "slack://bot@T00000000/B00000000/" T24 "?icon_url=https://i",
		  OUTCOME_SUCCESS, 200, "ok", HOOK_URL SAYS SLACK_TEXT
		  "\"username\":\"bot\"," LINES("good")
		  ",\"icon_url\":\"https://i\"}" },
		{ "slack://T00000000/B00000000/" T24 "?username=u",
		  OUTCOME_SUCCESS, 200, "ok", HOOK_URL SAYS SLACK_TEXT
		  "\"username\":\"u\"," LINES("good") "}" },
		{ "slack://T00000000,B00000000," T24 "@webhook",
		  OUTCOME_SUCCESS, 200, "ok", HOOK_URL SAYS SLACK_TEXT
		  LINES("good") "}" },
		{ BOT, OUTCOME_SUCCESS, 200, "{\"ok\":true}",
		  "POST https://slack.com/api/chat.postMessage\n"
		  "Authorization: Bearer xoxb-123456789-234567890-" T24 "\n"
		  SAYS SLACK_TEXT LINES("good") ",\"channel\":\"C0123ABC\"}" },
		{ "slack://xoxp-123456789-234567890-" T24 "@C1?icon_emoji="
		  "http://i", OUTCOME_SUCCESS, 200, "{\"ok\":true}",
		  "POST https://slack.com/api/chat.postMessage\n"
		  "Authorization: Bearer xoxp-123456789-234567890-" T24 "\n"
		  SAYS SLACK_TEXT LINES("good")
		  ",\"channel\":\"C1\",\"icon_url\":\"http://i\"}" },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

#define ONE_TEXT "\"backup \\\"a\\\" failed\\n\\nline <1>\\n\\nline 2\\n\""

static void
webhooks_get_title_and_body_in_one_text(void **state)
{
	static const struct golden rows[] = {
		{ "mattermost://mm.example/tok-en", OUTCOME_SUCCESS, 200, "ok",
		  "POST https://mm.example/hooks/tok-en\n" SAYS
		  "{\"text\":\"backup \\\"a\\\" failed\\nline <1>\\n\\n"
		  "line 2\\n\"}" },
		{ "mattermost://me@mm.example:8065/tok-en/town%20square"
		  "?icon=robot&disableTLS=true&title=x", OUTCOME_SUCCESS, 200,
		  "ok", "POST http://mm.example:8065/hooks/tok-en\n" SAYS
		  "{\"text\":\"backup \\\"a\\\" failed\\nline <1>\\n\\n"
		  "line 2\\n\",\"username\":\"me\",\"channel\":\"town square\""
		  ",\"icon_emoji\":\"robot\"}" },
		{ "mattermost://@[::1]:1/t/c?icon_url=https://i",
		  OUTCOME_SUCCESS, 200, "", "POST https://[::1]:1/hooks/t\n"
		  SAYS "{\"text\":\"backup \\\"a\\\" failed\\nline <1>\\n\\n"
		  "line 2\\n\",\"channel\":\"c\",\"icon_url\":\"https://i\"}" },
		{ "rocketchat://rc.example/to/ken", OUTCOME_SUCCESS, 200, "",
		  "POST https://rc.example/hooks/to/ken\n" SAYS "{\"text\":"
		  ONE_TEXT "}" },
		{ "rocketchat://me@rc.example:444/to/k%2Fen/room?any=thing",
		  OUTCOME_SUCCESS, 200, "",
		  "POST https://rc.example:444/hooks/to/k%2Fen\n" SAYS
		  "{\"text\":" ONE_TEXT ",\"username\":\"me\","
		  "\"channel\":\"#room\"}" },
		{ "rocketchat://rc.example/to/ken/@you", OUTCOME_SUCCESS, 200,
		  "", "POST https://rc.example/hooks/to/ken\n" SAYS
		  "{\"text\":" ONE_TEXT ",\"channel\":\"@you\"}" },
		{ "rocketchat://rc.example/to/ken/#room", OUTCOME_SUCCESS, 200,
		  "", "POST https://rc.example/hooks/to/ken\n" SAYS
		  "{\"text\":" ONE_TEXT ",\"channel\":\"#room\"}" },
		{ GOOGLE, OUTCOME_SUCCESS, 200, "{}",
		  "POST https://chat.googleapis.com/v1/spaces/FOO/messages"
		  "?key=google-key-1&token=google%2Ftoken\n" SAYS
		  "{\"text\":" ONE_TEXT "}" },
		{ "hangouts://chat.googleapis.com/v1/spaces/F%20O/messages"
		  "?thread=1&Token=t&KEY=k", OUTCOME_SUCCESS, 200, "{}",
		  "POST https://chat.googleapis.com/v1/spaces/F%20O/messages"
		  "?key=k&token=t\n" SAYS "{\"text\":" ONE_TEXT "}" },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

#define CARD(color) "{\"type\":\"message\",\"attachments\":[{\"contentType\":" \
    "\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,"	\
    "\"content\":{\"$schema\":\"http://adaptivecards.io/schemas/"	\
    "adaptive-card.json\",\"type\":\"AdaptiveCard\",\"version\":\"1.2\"," \
    "\"body\":[{\"type\":\"TextBlock\",\"text\":\"backup \\\"a\\\" failed\"," \
    "\"weight\":\"Bolder\",\"size\":\"Medium\",\"color\":\"" color "\"}," \
    "{\"type\":\"TextBlock\",\"text\":\"line <1>\",\"wrap\":true},"	\
    "{\"type\":\"TextBlock\",\"text\":\"line 2\",\"wrap\":true}]}}]}"

static void
teams_gets_a_card(void **state)
{
	static const struct golden rows[] = {
		{ TEAMS, OUTCOME_FAILURE, 202, "", "POST " TEAMS_URL "\n" SAYS
		  CARD("attention") },
		{ TEAMS "&color=808080&title=x&other=1", OUTCOME_PROBLEMS, 200,
		  "1", "POST " TEAMS_URL "\n" SAYS CARD("warning") },
		{ TEAMS "&color=Accent", OUTCOME_SUCCESS, 202, "",
		  "POST " TEAMS_URL "\n" SAYS CARD("accent") },
		{ TEAMS, OUTCOME_SUCCESS, 202, "", "POST " TEAMS_URL "\n" SAYS
		  CARD("good") },
		{ "teams://?host=https://x.00.environment.api.powerplatform."
		  "com/powerautomate/automations/direct/w", OUTCOME_SUCCESS,
		  202, "", "POST https://x.00.environment.api.powerplatform."
		  "com/powerautomate/automations/direct/w\n" SAYS
		  CARD("good") },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

/* --- limits -------------------------------------------------------------- */

/* A text of n characters of 2 bytes, with a newline after each 50. */
static char *
long_text(size_t n, const char *character)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char *ret = NULL;
	size_t i;

	for (i = 1; i <= n; i++)
		str_add(&text, i % 50 == 0 ? "\n" : character);
	assert_int_equal(str_take(&text, &ret, &err), 0);
	return ret;
}

/* What was sent, after a long title and a long body. */
static cJSON *
send_long(const char *url, const char *title, const char *body)
{
	const struct recorder_answer answer = { .status = 200, .body = "" };
	struct message message = plain;
	struct err err = ERR_INIT;
	cJSON *json;

	message.title = title;
	message.body = body;
	assert_int_equal(letters_send(url, &message, &answer, 1, &err), 0);
	assert_true(str_is_utf8(recorder_body(0)));
	json = cJSON_Parse(recorder_body(0));
	assert_non_null(json);
	return json;
}

static const char *
text_at(const cJSON *json, const char *name)
{
	const char *text = cJSON_GetStringValue(json_member(json, name));

	assert_non_null(text);
	return text;
}

static void
long_texts_are_fitted_into_one_text(void **state)
{
	static const struct {
		const char *url;
		size_t max;
	} rows[] = {
		{ "mattermost://h/t", 16383 }, { "rocketchat://h/a/b", 5000 },
		{ GOOGLE, 4096 },
	};
	CLEANUP(cleanup_free) char *body = long_text(100000, "\xc3\xa4");
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cJSON *json = send_long(rows[i].url, "title", body);

		n = str_characters(text_at(json, "text"));
		assert_true(n <= rows[i].max && n > rows[i].max - 100);
		assert_non_null(strstr(text_at(json, "text"), MESSAGE_MARK));
		assert_true(str_starts(text_at(json, "text"), "title\n"));
		cJSON_Delete(json);
	}
}

static void
a_long_embed_is_fitted(void **state)
{
	CLEANUP(cleanup_free) char *body = long_text(100000,
	    "\xf0\x9f\x90\xb3");
	CLEANUP(cleanup_free) char *title = long_text(49, "abcdefghij");
	cJSON *json = send_long("discord://t@1", title, body);
	const cJSON *embeds = json_member(json, "embeds");
	const cJSON *embed = cJSON_GetArrayItem(embeds, 0);

	(void)state;
	assert_int_equal(cJSON_GetArraySize(embeds), 1);
	assert_int_equal(str_characters(text_at(embed, "title")), 256);
	assert_true(str_characters(text_at(embed, "description")) <= 4000);
	assert_true(str_characters(text_at(embed, "description")) > 3900);
	cJSON_Delete(json);
}

static void
slack_gets_a_hundred_attachments_at_most(void **state)
{
	CLEANUP(str_free) struct str body = STR_INIT;
	const cJSON *array;
	size_t i;
	cJSON *json;

	(void)state;
	for (i = 1; i <= 102; i++)
		str_addf(&body, "%zu\n \n", i);
	json = send_long(HOOK, "t", body.s);
	array = json_member(json, "attachments");
	assert_int_equal(cJSON_GetArraySize(array), 100);
	assert_string_equal(text_at(cJSON_GetArrayItem(array, 0), "text"),
	    "1");
	assert_string_equal(text_at(cJSON_GetArrayItem(array, 98), "text"),
	    "99");
	assert_string_equal(text_at(cJSON_GetArrayItem(array, 99), "text"),
	    "100\n101\n102");
	cJSON_Delete(json);
}

static void
slack_gets_no_endless_text(void **state)
{
	CLEANUP(cleanup_free) char *body = long_text(200000, "\xe2\x82\xac");
	cJSON *json = send_long(HOOK, body, body);
	const cJSON *array = json_member(json, "attachments"), *attachment;
	size_t n = 0;

	(void)state;
	assert_int_equal(str_characters(text_at(json, "text")), 1000);
	cJSON_ArrayForEach(attachment, array)
		n += str_characters(text_at(attachment, "text"));
	assert_true(n <= 12000 && n > 11000);
	assert_int_equal(cJSON_GetArraySize(array), 100);
	cJSON_Delete(json);
}

static void
a_card_has_28_kilobytes_at_most(void **state)
{
	static const struct {
		const char *character;
		size_t n, min;
	} rows[] = {
		{ "\xc3\xa4", 100000, 18000 },
		{ "\"", 100000, 18000 },	/* twice its length as JSON */
		{ "\n", 100000, 100 },		/* no lines at all */
		{ "a\n", 100000, 15000 },	/* many */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CLEANUP(cleanup_free) char *body = long_text(rows[i].n,
		    rows[i].character);

		cJSON_Delete(send_long(TEAMS, body, body));
		assert_true(strlen(recorder_body(0)) <= 28000);
		assert_true(strlen(recorder_body(0)) > rows[i].min);
	}
}

static void
an_empty_title_is_left_out(void **state)
{
	static const char *const urls[] = { "discord://t@1", TEAMS,
		"mattermost://h/t", GOOGLE };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		cJSON_Delete(send_long(urls[i], "", "body"));
		assert_null(strstr(recorder_body(0), "\"\""));
		assert_null(strstr(recorder_body(0), "\\nbody"));
	}
}

/* --- answers ------------------------------------------------------------- */

static void
answers_that_are_no_success_are_errors(void **state)
{
	static const struct {
		const char *url;
		long status;
		const char *body;
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ "discord://t@1", 404, "{\"message\":\"Unknown Webhook\","
		  "\"code\":10015}", ERR_REFUSED,
		  "discord: refused with status 404: Unknown Webhook" },
		{ "discord://t@1", 206, "", ERR_REFUSED,
		  "discord: refused with status 206" },
		{ "discord://t@1", 0, NULL, ERR_UNREACHABLE,
		  "discord: scripted" },
		{ HOOK, 403, "invalid_token", ERR_REFUSED,
		  "slack: refused with status 403: invalid_token" },
		{ HOOK, 200, "no_text", ERR_REFUSED,
		  "slack: refused with status 200: no_text" },
		{ HOOK, 0, NULL, ERR_UNREACHABLE, "slack: scripted" },
		{ BOT, 200, "{\"ok\":false,\"error\":\"channel_not_found\"}",
		  ERR_REFUSED, "slack: refused: channel_not_found" },
		{ BOT, 200, "{\"ok\":\"true\"}", ERR_REFUSED,
		  "slack: refused, without a reason" },
		{ BOT, 200, "{\"ok\":false,\"error\":\"a\\u001b\\nb\"}",
		  ERR_REFUSED, "slack: refused: a\\x1b\\nb" },
		{ BOT, 200, "{}", ERR_REFUSED,
		  "slack: refused, without a reason" },
		{ BOT, 200, "[]", ERR_PROTOCOL, "slack: malformed answer to "
		  "what was sent: it is not an object" },
		{ BOT, 200, "ok", ERR_PROTOCOL, "slack: malformed answer to "
		  "what was sent: it is not JSON" },
		{ BOT, 200, "", ERR_PROTOCOL, "slack: malformed answer to "
		  "what was sent: it is not JSON" },
		{ BOT, 500, "<html>", ERR_REFUSED,
		  "slack: refused with status 500" },
		{ "mattermost://h/t", 400, "{\"message\":\"no hook\"}",
		  ERR_REFUSED, "mattermost: refused with status 400: no hook" },
		{ "mattermost://h/t", 201, "", ERR_REFUSED,
		  "mattermost: refused with status 201" },
		{ "mattermost://h/t", 0, NULL, ERR_UNREACHABLE,
		  "mattermost: scripted" },
		{ "rocketchat://h/a/b", 401, "{\"success\":false,\"error\":"
		  "\"Invalid token\"}", ERR_REFUSED,
		  "rocketchat: refused with status 401: Invalid token" },
		{ "rocketchat://h/a/b", 500, "\xff\n", ERR_REFUSED,
		  "rocketchat: refused with status 500: ?" },
		{ GOOGLE, 400, "{\n \"error\": {\"code\": 400, \"message\": "
		  "\"bad\"}}", ERR_REFUSED,
		  "googlechat: refused with status 400: bad" },
		{ GOOGLE, 0, NULL, ERR_UNREACHABLE, "googlechat: scripted" },
		{ TEAMS, 401, "{\"error\":{\"code\":\"x\",\"message\":"
		  "\"expired\"}}", ERR_REFUSED,
		  "teams: refused with status 401: expired" },
		{ TEAMS, 203, "", ERR_REFUSED,
		  "teams: refused with status 203" },
		{ TEAMS, 0, NULL, ERR_UNREACHABLE, "teams: scripted" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct recorder_answer answer = {
		    .status = rows[i].status, .body = rows[i].body };
		struct err err = ERR_INIT;

		assert_int_equal(letters_send(rows[i].url, &plain, &answer, 1,
		    &err), -1);
		assert_string_equal(err.msg, rows[i].message);
		assert_int_equal(err.kind, rows[i].kind);
	}
}

static void
what_slack_says_is_cut(void **state)
{
	CLEANUP(cleanup_free) char *words = long_text(40000, "\xc3\xa4");
	CLEANUP(str_free) struct str body = STR_INIT;
	struct recorder_answer answer = { .status = 200 };
	struct err err = ERR_INIT;
	char *p;

	(void)state;
	for (p = words; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	str_addf(&body, "{\"error\":\"%s\"}", words);
	answer.body = body.s;
	assert_int_equal(letters_send(BOT, &plain, &answer, 1, &err), -1);
	assert_true(str_is_utf8(err.msg));
	assert_true(str_ends(err.msg, "..."));
	assert_true(str_characters(err.msg) < 330);
}

/* --- URLs ---------------------------------------------------------------- */

static void
wrong_urls_are_refused(void **state)
{
	static const char *const secrets[] = { "SeCrEt", T24, NULL };
	static const char slack[] = "slack: the token is not one "
	    "(slack://hook:A-B-C@webhook or slack://xoxb:A-B-C@CHANNEL)";
	static const char teams[] = "teams: the value of 'host' is not the "
	    "URL of a workflow (https://....logic.azure.com/workflows/..., "
	    "percent-encoded)";
	static const char *const rows[][2] = {
		{ "discord://4711", "discord: the token is missing "
		  "(discord://TOKEN@WEBHOOKID)" },
		{ "discord://@4711", "discord: the token is missing "
		  "(discord://TOKEN@WEBHOOKID)" },
		{ "discord://SeCrEt@", "discord: the webhook's id is missing "
		  "(discord://TOKEN@WEBHOOKID)" },
		{ "discord://SeCrEt@1/rawer",
		  "discord: the path is none, or /raw" },
		{ "discord://SeCrEt@1/raw/raw",
		  "discord: the path is none, or /raw" },
		{ "discord://SeCrEt@1?colour=1",
		  "discord: unknown key 'colour'" },
		{ "discord://SeCrEt@1?color=red", "discord: the value of "
		  "'color' is not a colour, like 2488ff" },
		{ "discord://SeCrEt@1?colorinfo=1000000", "discord: the value "
		  "of 'colorinfo' is not a colour, like 2488ff" },
		{ "discord://SeCrEt@1?colorwarn=0x", "discord: the value of "
		  "'colorwarn' is not a colour, like 2488ff" },
		{ "discord://SeCrEt@1?colordebug=-1", "discord: the value of "
		  "'colordebug' is not a colour, like 2488ff" },
		{ "discord://SeCrEt@1?json=maybe", "discord: the value of "
		  "'json' is neither yes nor no" },
		{ "discord://SeCrEt@1?thread_id=1%26x=y", "discord: the value "
		  "of 'thread_id' is not a number" },
		{ "slack://webhook", slack },
		{ "slack://hook:@webhook", slack },
		{ "slack://hook@webhook", slack },
		{ "slack://hook:T00000000-B0000000-" T24 "@webhook", slack },
		{ "slack://hook:T0000000-B00000000-" T24 "@webhook", slack },
		{ "slack://hook:T00000000-B00000000," T24 "@webhook", slack },
		{ "slack://hook:T00000000-B00000000-" T24 "-@webhook", slack },
		{ "slack://hook:T00000000-B00000000-SeCrEt@webhook", slack },
		{ "slack://hook:t00000000-B00000000-" T24 "@webhook", slack },
		{ "slack://hool:T00000000-B00000000-" T24 "@webhook", slack },
		{ "slack://T00000000/B00000000/" T24 "/x", slack },
		{ "slack://T00000000/B00000000", slack },
		{ "slack://xoxb:123456789-234567890-" T24 "@",
		  "slack: the channel is missing "
		  "(slack://xoxb:A-B-C@CHANNEL)" },
		{ HOOK "?channel=x", "slack: unknown key 'channel'" },
		{ "mattermost://h", "mattermost: the token is missing" },
		{ "mattermost:///SeCrEt", "mattermost: the URL has no host" },
		{ "mattermost://h/SeCrEt/c/d", "mattermost: the path is not "
		  "/TOKEN or /TOKEN/CHANNEL" },
		{ "mattermost://h/SeCrEt?disabletls=SeCrEt", "mattermost: the "
		  "value of 'disabletls' is neither yes nor no" },
		{ "mattermost://h/SeCrEt?color=1",
		  "mattermost: unknown key 'color'" },
		{ "rocketchat://h/SeCrEt",
		  "rocketchat: the path has no two tokens: /TOKEN/TOKEN" },
		{ "rocketchat:///SeCrEt/SeCrEt",
		  "rocketchat: the URL has no host" },
		{ "rocketchat://h/SeCrEt/b/c/d", "rocketchat: the path is not "
		  "/TOKEN/TOKEN or /TOKEN/TOKEN/CHANNEL" },
		{ "googlechat://h/v1?token=SeCrEt",
		  "googlechat: 'key' is missing" },
		{ "googlechat://h/v1?key=SeCrEt",
		  "googlechat: 'token' is missing" },
		{ "hangouts://h?key=SeCrEt&token=SeCrEt", "hangouts: the path "
		  "is missing: /v1/spaces/SPACE/messages" },
		{ "googlechat:///v1?key=SeCrEt&token=SeCrEt",
		  "googlechat: the URL has no host" },
		{ "teams://group@tenant/SeCrEt", "teams: 'host' is missing" },
		{ "teams://?host=SeCrEt", teams },
		{ "teams://?host=http://a.logic.azure.com/workflows/SeCrEt",
		  teams },
		{ "teams://?host=https://a.logic.azure.com/SeCrEt", teams },
		{ "teams://?host=https://.logic.azure.com/workflows/SeCrEt",
		  teams },
		{ "teams://?host=https://a.logic.azure./workflows/SeCrEt",
		  teams },
		{ "teams://?host=https://evil/a.logic.azure.com/workflows/x",
		  teams },
		{ "teams://?host=https://a.logic.azure.com%40evil/workflows/x",
		  teams },
		{ "teams://?host=https://a.logic.azure.com/workflows/%0Ax",
		  teams },
		{ "teams://?host=https://a.logic.azure.com/workflows/%C3%A4",
		  teams },
		{ "teams://?host=https://a.environment.api.powerplatform.com"
		  ".evil/powerautomate/automations/direct/x", teams },
		{ "teams://?host=https://a.environment.api.powerplatform.com"
		  "/SeCrEt", teams },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		letters_refuse(rows[i][0], rows[i][1], secrets);
}

static void
tokens_are_masked_and_names_are_not(void **state)
{
	static const char *const rows[][3] = {
		{ "discord://discord-token@4711", "discord-token at 4711",
		  "*** at 4711" },
		{ HOOK, "hook webhook " T24, "hook webhook ***" },
		{ "slack://bot-name@T00000000/B00000000/" T24,
		  "bot-name " T24, "bot-name ***" },
		{ "mattermost://bot-name@h/mm-token/backups",
		  "bot-name mm-token backups", "bot-name *** backups" },
		{ "rocketchat://bot-name@h/rc-token-1/rc-token-2/backups",
		  "bot-name rc-token-1/rc-token-2 backups",
		  "bot-name ***/*** backups" },
		{ GOOGLE, "chat.googleapis.com google-key-1 google/token",
		  "chat.googleapis.com *** ***" },
		{ TEAMS, "at " TEAMS_URL, "at ***" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct service_target target = SERVICE_TARGET_INIT;
		CLEANUP(cleanup_free) char *masked = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(service_open(rows[i][0], &target, &err), 0);
		service_close(&target);
		assert_int_equal(log_mask(rows[i][1], &masked, &err), 0);
		assert_string_equal(masked, rows[i][2]);
	}
	log_close();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    discord_gets_one_embed_with_the_colour_of_the_outcome),
		cmocka_unit_test(discord_gets_a_body_that_is_json_as_it_is),
		cmocka_unit_test(slack_gets_a_line_as_an_attachment),
		cmocka_unit_test(webhooks_get_title_and_body_in_one_text),
		cmocka_unit_test(teams_gets_a_card),
		cmocka_unit_test(long_texts_are_fitted_into_one_text),
		cmocka_unit_test(a_long_embed_is_fitted),
		cmocka_unit_test(slack_gets_a_hundred_attachments_at_most),
		cmocka_unit_test(slack_gets_no_endless_text),
		cmocka_unit_test(a_card_has_28_kilobytes_at_most),
		cmocka_unit_test(an_empty_title_is_left_out),
		cmocka_unit_test(answers_that_are_no_success_are_errors),
		cmocka_unit_test(what_slack_says_is_cut),
		cmocka_unit_test(wrong_urls_are_refused),
		cmocka_unit_test(tokens_are_masked_and_names_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
