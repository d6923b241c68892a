#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service.h"
#include "test/unit/letters.h"

#define SAYS "type application/json\n\n"
#define FORM "type application/x-www-form-urlencoded\n\n"

static const struct message plain = {
	.title = "backup \"a\" failed", .body = "line <1>\n\nline 2\n",
	.outcome = OUTCOME_FAILURE, .host = "h", .time = 1,
};

#define ONE_TEXT "\"backup \\\"a\\\" failed\\n\\nline <1>\\n\\nline 2\\n\""
#define BODY_TEXT "\"line <1>\\n\\nline 2\\n\""
#define BODY_FORM "line%20%3C1%3E%0A%0Aline%202%0A"
#define ONE_FORM "backup%20%22a%22%20failed%0A%0A" BODY_FORM

time_t __wrap_clock_now(void);

/* Lark wants the time of sending in the request. */
time_t
__wrap_clock_now(void)
{
	return 1700000000;
}

#define LETTERS_MAX 5

struct golden {
	const char *url;
	const char *answers[LETTERS_MAX];	/* each with status 200 */
	const char *letters[LETTERS_MAX];
};

static void
assert_golden(const struct golden *golden)
{
	struct recorder_answer answers[LETTERS_MAX];
	struct err err = ERR_INIT;
	size_t n = 0;

	for (; n < LETTERS_MAX && golden->letters[n] != NULL; n++)
		answers[n] = (struct recorder_answer){ .status = 200,
		    .body = golden->answers[n] };
	if (letters_send(golden->url, &plain, answers, n, &err) < 0)
		fail_msg("%s: %s", golden->url, err.msg);
	recorder_expect(golden->letters, n);
}

#define ASSERT_GOLDEN(rows)						\
	do {								\
		size_t row;						\
		for (row = 0; row < sizeof (rows) / sizeof (rows)[0]; row++) \
			assert_golden(&(rows)[row]);			\
	} while (0)

/* --- telegram ------------------------------------------------------------ */

#define TELEGRAM "telegram://123:se_cr-et@telegram?chats="
#define TO_TELEGRAM "POST https://api.telegram.org/bot123:se_cr-et/"	\
    "sendMessage\n"
#define TELEGRAM_TEXT "{\"text\":\"<b>backup \\\"a\\\" failed</b>\\n"	\
    "line &lt;1&gt;\\n\\nline 2\\n\","
#define TELEGRAM_END(mode, preview, silent) "\"parse_mode\":\"" mode	\
    "\",\"disable_web_page_preview\":" preview ",\"disable_notification\":" \
    silent "}"
#define GOOD "{\"ok\":true}"

static void
telegram_gets_a_bold_title_and_an_escaped_body(void **state)
{
	static const struct golden rows[] = {
		{ TELEGRAM "@chan", { GOOD }, { TO_TELEGRAM SAYS TELEGRAM_TEXT
		  "\"chat_id\":\"@chan\"," TELEGRAM_END("HTML", "false",
		  "false") } },
		{ TELEGRAM "-100123:45,%20@b:c&preview=No&notification=0"
		  "&title=x", { GOOD, GOOD }, {
		  TO_TELEGRAM SAYS TELEGRAM_TEXT "\"message_thread_id\":45,"
		  "\"chat_id\":\"-100123\"," TELEGRAM_END("HTML", "true",
		  "true"),
		  TO_TELEGRAM SAYS TELEGRAM_TEXT
		  "\"chat_id\":\"@b:c\"," TELEGRAM_END("HTML", "true",
		  "true") } },
		{ "telegram://123:se_cr-et@telegram?channels=7&parseMode=html",
		  { GOOD }, { TO_TELEGRAM SAYS "{\"text\":\"<b>backup \\\"a"
		  "\\\" failed</b>\\nline <1>\\n\\nline 2\\n\","
		  "\"chat_id\":\"7\"," TELEGRAM_END("HTML", "false",
		  "false") } },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

static void
telegram_gets_titles_that_are_no_markup(void **state)
{
	static const char *const rows[][2] = {
		{ "Markdown", "{\"text\":\"a\\\\_b \\\\* \\\\[x] <&> 1.5\\n"
		  "*body*\",\"chat_id\":\"1\","
		  TELEGRAM_END("Markdown", "false", "false") },
		{ "MarkdownV2", "{\"text\":\"a\\\\_b \\\\* \\\\[x\\\\] "
		  "<&\\\\> 1\\\\.5\\n*body*\",\"chat_id\":\"1\","
		  TELEGRAM_END("MarkdownV2", "false", "false") },
		{ "HTML", "{\"text\":\"<b>a_b * [x] &lt;&amp;&gt; 1.5</b>\\n"
		  "*body*\",\"chat_id\":\"1\","
		  TELEGRAM_END("HTML", "false", "false") },
	};
	const struct recorder_answer answer = { .status = 200, .body = GOOD };
	struct message message = plain;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	message.title = "a_b * [x] <&> 1.5";
	message.body = "*body*";
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CLEANUP(cleanup_free) char *url = NULL;

		assert_int_equal(str_format(&url, &err, "%s1&parsemode=%s",
		    TELEGRAM, rows[i][0]), 0);
		assert_int_equal(letters_send(url, &message, &answer, 1,
		    &err), 0);
		assert_string_equal(recorder_body(0), rows[i][1]);
	}
}

/* A text of n times a piece, with a newline after each 50. */
static char *
long_text(size_t n, const char *piece)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char *ret = NULL;
	size_t i;

	for (i = 1; i <= n; i++)
		str_add(&text, i % 50 == 0 ? "\n" : piece);
	assert_int_equal(str_take(&text, &ret, &err), 0);
	return ret;
}

/* Characters as the API counts them; fails where a mark or an entity is not
 * whole. */
static size_t
characters_of_html(const char *text)
{
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;" };
	size_t i, n = 0;

	for (; *text != '\0'; text++) {
		if (str_starts(text, "<b>") || str_starts(text, "</b>")) {
			text = strchr(text, '>');
			continue;
		}
		assert_int_not_equal(*text, '<');
		for (i = 0; *text == '&' && !str_starts(text, entities[i]);
		    i++)
			assert_true(i < 2);
		if (*text == '&')
			text = strchr(text, ';');
		n += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return n;
}

/* What was sent, after a long title and a long body. */
static cJSON *
send_long(const char *url, const char *title, const char *body,
    const char *says)
{
	const struct recorder_answer answer = { .status = 200, .body = says };
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
telegram_counts_what_is_left_of_marks(void **state)
{
	static const char *const modes[] = { "None", "HTML", "Markdown",
		"MarkdownV2" };
	static const char *const pieces[] = { "x", "&", "<", "\xc3\xa4",
		"\xf0\x9f\x90\xb3", "<b>bold</b>", "&amp;" };
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof modes / sizeof modes[0]; i++)
		for (k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
			CLEANUP(cleanup_free) char *body = long_text(9000,
			    pieces[k]);
			CLEANUP(cleanup_free) char *url = NULL;
			struct err err = ERR_INIT;
			size_t n;
			cJSON *json;

			assert_int_equal(str_format(&url, &err,
			    "%s1&parsemode=%s", TELEGRAM, modes[i]), 0);
			json = send_long(url, "<&> title", body, GOOD);
			n = characters_of_html(text_at(json, "text"));
			assert_true(n <= 4096 && n > 3000);
			assert_true(str_starts(text_at(json, "text"),
			    "<b>&lt;&amp;&gt; title</b>\n"));
			assert_string_equal(text_at(json, "parse_mode"),
			    "HTML");
			cJSON_Delete(json);
		}
}

static void
telegram_gets_all_that_has_room(void **state)
{
	CLEANUP(cleanup_free) char *title = long_text(49, "0123456789");
	CLEANUP(str_free) struct str body = STR_INIT;
	size_t i;
	cJSON *json;

	(void)state;
	for (i = 0; i < 4096 - 256 - 1; i++)
		str_add(&body, "&");
	json = send_long(TELEGRAM "1", title, body.s, GOOD);
	assert_int_equal(characters_of_html(text_at(json, "text")), 4096);
	assert_null(strstr(text_at(json, "text"), MESSAGE_MARK));
	cJSON_Delete(json);
	str_add(&body, "&");
	json = send_long(TELEGRAM "1", title, body.s, GOOD);
	assert_true(characters_of_html(text_at(json, "text")) <= 4096);
	assert_non_null(strstr(text_at(json, "text"), MESSAGE_MARK));
	cJSON_Delete(json);
	json = send_long(TELEGRAM "1", "", "<", GOOD);
	assert_string_equal(text_at(json, "text"), "&lt;");
	cJSON_Delete(json);
}

static void
one_chat_that_fails_keeps_nothing_from_the_others(void **state)
{
	static const struct recorder_answer answers[] = {
		{ .status = 200, .body = GOOD },
		{ .status = 400, .body = "{\"ok\":false,\"description\":"
		  "\"chat not found\"}" },
		{ .status = 0 },
		{ .status = 200, .body = GOOD },
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(letters_send(TELEGRAM "1,2,3,4", &plain,
	    RECORDER_ANSWERS(answers), &err), -1);
	assert_string_equal(err.msg, "telegram: 2 of 4 failed: '2': refused "
	    "with status 400: chat not found");
	assert_int_equal(err.kind, ERR_REFUSED);
}

static void
names_are_shown_so_that_they_harm_nobody(void **state)
{
	static const struct recorder_answer answers[] = {
		{ .status = 200, .body = "{\"joined_rooms\":[\"\\u001b\\n"
		  "01234567890123456789012345678901234567890123456789"
		  "01234567890123456789012345678901234567890123456789\"]}" },
		{ .status = 404 },
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(letters_send("matrix://:to-ken@h", &plain,
	    RECORDER_ANSWERS(answers), &err), -1);
	assert_string_equal(err.msg, "matrix: '\\x1b\\n"
	    "01234567890123456789012345678901234567890123456789"
	    "01234567890123456789012345678901234567890...': "
	    "refused with status 404");
}

/* --- matrix -------------------------------------------------------------- */

#define API "https://mx.example/_matrix/client/v3"
#define LOGIN "{\"type\":\"m.login.password\",\"identifier\":{\"type\":" \
    "\"m.id.user\",\"user\":\"me\"},\"password\":\"secret\",\"device_id\":" \
    "\"VB5aa8e66a\",\"initial_device_display_name\":\"vbackup\"}"
#define MATRIX_BODY SAYS "{\"msgtype\":\"m.text\",\"body\":" ONE_TEXT "}"
#define AS(token) "Authorization: Bearer " token "\n"
#define SENT "{\"event_id\":\"$1\"}"

static void
matrix_logs_in_finds_rooms_and_sends(void **state)
{
	static const struct golden rows[] = {
		{ "matrix://me:secret@mx.example/?rooms=!abc:mx.example",
		  { "{\"access_token\":\"to-ken\"}", SENT },
		  { "POST " API "/login\n" SAYS LOGIN,
		    "PUT " API "/rooms/%21abc%3Amx.example/send/m.room.message"
		    "/vb8e197aa83b4970c2c3f271920b61a5eb\n" AS("to-ken")
		    MATRIX_BODY } },
		{ "matrix://:to-ken@mx.example?room=%23a:x,b%3Ax&title=x",
		  { "{\"room_id\":\"!def:x\"}", SENT,
		    "{\"room_id\":\"!1:x\"}", SENT },
		  { "POST " API "/join/%23a%3Ax\n" AS("to-ken") SAYS "{}",
		    "PUT " API "/rooms/%21def%3Ax/send/m.room.message"
		    "/vbf2bc4222cd9db139adbca2a72264e19b\n" AS("to-ken")
		    MATRIX_BODY,
		    "POST " API "/join/%23b%3Ax\n" AS("to-ken") SAYS "{}",
		    "PUT " API "/rooms/%211%3Ax/send/m.room.message"
		    "/vbcc8268fca897d7f00d8b0f7252cdc0ee\n" AS("to-ken")
		    MATRIX_BODY } },
		{ "matrix://:to-ken@mx.example:8008/?disableTLS=yes",
		  { "{\"joined_rooms\":[\"!def:x\",\"!1:x\"]}", SENT, SENT },
		  { "GET http://mx.example:8008/_matrix/client/v3"
		    "/joined_rooms\n" AS("to-ken"),
		    "PUT http://mx.example:8008/_matrix/client/v3/rooms"
		    "/%21def%3Ax/send/m.room.message"
		    "/vbf2bc4222cd9db139adbca2a72264e19b\n" AS("to-ken")
		    MATRIX_BODY,
		    "PUT http://mx.example:8008/_matrix/client/v3/rooms"
		    "/%211%3Ax/send/m.room.message"
		    "/vbcc8268fca897d7f00d8b0f7252cdc0ee\n" AS("to-ken")
		    MATRIX_BODY } },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

static void
matrix_says_where_it_failed(void **state)
{
	static const char login[] = "matrix://me:secret@mx.example?room=!a:x";
	static const char all[] = "matrix://:to-ken@mx.example";
	static const char alias[] = "matrix://:to-ken@mx.example?room=a:x";
	static const struct {
		const char *url;
		struct recorder_answer answer;
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ login, { 403, "{\"errcode\":\"M_FORBIDDEN\",\"error\":"
		  "\"Invalid password\"}" }, ERR_REFUSED, "matrix: cannot log "
		  "in: refused with status 403: Invalid password" },
		{ login, { 200, "{}" }, ERR_PROTOCOL, "matrix: cannot log in: "
		  "malformed answer to login: access_token is not a text" },
		{ login, { 200, "x" }, ERR_PROTOCOL, "matrix: cannot log in: "
		  "malformed answer to what was sent: it is not JSON" },
		{ login, { 0 }, ERR_UNREACHABLE,
		  "matrix: cannot log in: scripted" },
		{ all, { 401, "{\"errcode\":\"M_UNKNOWN_TOKEN\"}" },
		  ERR_REFUSED,
		  "matrix: refused with status 401: M_UNKNOWN_TOKEN" },
		{ all, { 200, "{\"joined_rooms\":[]}" }, ERR_REFUSED,
		  "matrix: the user is in no room" },
		{ all, { 200, "{\"joined_rooms\":{}}" }, ERR_PROTOCOL,
		  "matrix: malformed answer to joined_rooms: joined_rooms "
		  "is not an array" },
		{ all, { 200, "{\"joined_rooms\":[1]}" }, ERR_PROTOCOL,
		  "matrix: malformed answer to joined_rooms: joined_rooms "
		  "has what is not a text" },
		{ alias, { 404, "{\"error\":\"no such room\"}" }, ERR_REFUSED,
		  "matrix: 'a:x': refused with status 404: no such room" },
		{ alias, { 200, "{\"room_id\":\"\"}" }, ERR_PROTOCOL,
		  "matrix: 'a:x': malformed answer to join: room_id is not a "
		  "text" },
		{ "matrix://:to-ken@mx.example?room=!a:x", { 200, "<html>" },
		  ERR_PROTOCOL, "matrix: '!a:x': malformed answer to what was "
		  "sent: it is not JSON" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(letters_send(rows[i].url, &plain,
		    &rows[i].answer, 1, &err), -1);
		assert_string_equal(err.msg, rows[i].message);
		assert_int_equal(err.kind, rows[i].kind);
	}
}

/* --- zulip, lark, wecom, signal, twilio ---------------------------------- */

#define ZULIP "zulip://bot%40x:zulip-key@z.example/?"
#define TO_ZULIP "POST https://z.example/api/v1/messages\n"		\
    "basic bot@x:zulip-key\n" FORM
#define ZULIP_OK "{\"result\":\"success\",\"id\":1}"

static void
zulip_has_the_title_as_its_topic(void **state)
{
	static const struct golden rows[] = {
		{ ZULIP "stream=a%20b", { ZULIP_OK }, { TO_ZULIP
		  "type=channel&to=a%20b&content=" BODY_FORM
		  "&topic=backup%20%22a%22%20failed" } },
		{ ZULIP "stream=s&topic=p&any=1&read_by_sender=true",
		  { ZULIP_OK }, { TO_ZULIP "type=channel&to=s&content="
		  ONE_FORM "&topic=p&read_by_sender=true" } },
		{ ZULIP "type=Channel&to=s&title=x", { ZULIP_OK }, { TO_ZULIP
		  "type=channel&to=s&content=" BODY_FORM
		  "&topic=backup%20%22a%22%20failed" } },
		{ ZULIP "type=direct&to=a@x,%20b%22@x&topic=p", { ZULIP_OK },
		  { TO_ZULIP "type=direct&to=%5B%22a%40x%22%2C%22b%5C%22%40x"
		  "%22%5D&content=" ONE_FORM } },
		{ "zulip://b:k@z:9443?type=direct&to=9,10", { ZULIP_OK }, {
		  "POST https://z:9443/api/v1/messages\nbasic b:k\n" FORM
		  "type=direct&to=%5B9%2C10%5D&content=" ONE_FORM } },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

/* A value of a form, decoded; caller frees. */
static char *
form_value(const char *form, const char *name)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	struct err err = ERR_INIT;
	const char *p = strstr(form, name);
	char *ret = NULL;

	assert_non_null(p);
	for (p += strlen(name); *p != '\0' && *p != '&'; p++) {
		char hex[3] = { '%', '\0', '\0' }, byte = *p;

		if (*p == '%') {
			memcpy(hex, p + 1, 2);
			byte = (char)strtol(hex, NULL, 16);
			p += 2;
		}
		str_addn(&text, &byte, 1);
	}
	assert_int_equal(str_take(&text, &ret, &err), 0);
	return ret;
}

static void
zulip_has_limits(void **state)
{
	static const char title[] = "Failure running the backup of everything "
	    "at 2026-11-20T03:00:00+01:00";
	CLEANUP(cleanup_free) char *body = long_text(20000, "\xe2\x82\xac");
	CLEANUP(cleanup_free) char *topic = NULL;
	CLEANUP(cleanup_free) char *content = NULL;
	const struct recorder_answer answer = { .status = 200,
	    .body = ZULIP_OK };
	struct message message = plain;
	struct err err = ERR_INIT;

	(void)state;
	message.title = title;
	message.body = body;
	assert_int_equal(letters_send(ZULIP "stream=s", &message, &answer, 1,
	    &err), 0);
	topic = form_value(recorder_body(0), "&topic=");
	content = form_value(recorder_body(0), "&content=");
	assert_int_equal(str_characters(topic), 60);
	assert_true(str_ends(topic, "..."));
	assert_true(str_starts(content, title));
	assert_true(strlen(content) <= 10000 && strlen(content) > 9800);
	assert_true(str_is_utf8(content));
}

#define LARK "lark://open.larksuite.com/lark-token"
#define TO_LARK "POST https://open.larksuite.com/open-apis/bot/v2/hook/" \
    "lark-token\n" SAYS
#define POST "\"msg_type\":\"post\",\"content\":{\"post\":{\"en_us\":{"	\
    "\"title\":\"backup \\\"a\\\" failed\",\"content\":[[{\"tag\":\"text\"," \
    "\"text\":" BODY_TEXT "}]"
#define WECOM_URL "POST https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="

static void
groups_get_what_their_robots_take(void **state)
{
	static const struct golden rows[] = {
		{ LARK, { "{\"code\":0}" }, { TO_LARK "{" POST "]}}}}" } },
		{ "lark://open.feishu.cn/lark%2Ftoken?link=https://l&title=x",
		  { "{\"code\":0,\"msg\":\"success\"}" },
		  { "POST https://open.feishu.cn/open-apis/bot/v2/hook/"
		  "lark%2Ftoken\n" SAYS "{" POST ",[{\"tag\":\"a\",\"text\":"
		  "\"https://l\",\"href\":\"https://l\"}]]}}}}" } },
		{ LARK "?secret=lark-secret", { "{\"code\":0}" }, { TO_LARK
		  "{\"timestamp\":\"1700000000\",\"sign\":"
		  "\"3K5KZdokND8ZKOA4MeLzCyzrEdEQGLkyTnklgWvOFGY=\"," POST
		  "]}}}}" } },
		{ "wecom://wecom-Key", { "{\"errcode\":0}" },
		  { WECOM_URL "wecom-Key\n" SAYS "{\"msgtype\":\"text\","
		  "\"text\":{\"content\":" ONE_TEXT "}}" } },
		{ "wecom://other-key?key=we%26com&mentioned_list=@all,%20b"
		  "&mentioned_mobile_list=138,139",
		  { "{\"errcode\":0,\"errmsg\":\"ok\"}" },
		  { WECOM_URL "we%26com\n" SAYS "{\"msgtype\":\"text\","
		  "\"text\":{\"content\":" ONE_TEXT ",\"mentioned_list\":"
		  "[\"@all\",\"b\"],\"mentioned_mobile_list\":[\"138\","
		  "\"139\"]}}" } },
		{ "wecom:///?key=k-e-y-1", { "{\"errcode\":0}" },
		  { WECOM_URL "k-e-y-1\n" SAYS "{\"msgtype\":\"text\","
		  "\"text\":{\"content\":" ONE_TEXT "}}" } },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

#define SIGNAL_BODY "{\"message\":" ONE_TEXT ",\"number\":\"+491\","

static void
telephones_get_title_and_body_in_one_text(void **state)
{
	static const struct golden rows[] = {
		{ "signal://s.example/+491/+492", { "{}" }, {
		  "POST https://s.example:8080/v2/send\n" SAYS SIGNAL_BODY
		  "\"recipients\":[\"+492\"]}" } },
		{ "signal://me:secret@s.example:80/+491/group.a/b=/+492/name"
		  "/group.c=?disabletls=yes", { "" }, {
		  "POST http://s.example:80/v2/send\nbasic me:secret\n" SAYS
		  SIGNAL_BODY "\"recipients\":[\"group.a/b=\",\"+492\","
		  "\"name\",\"group.c=\"]}" } },
		{ "signal://x:y@z:1/+1/+2?host=s.example&port=0x10&user=me"
		  "&password=p4ss&source=+491&recipients=+492,group.x"
		  "&title=x", { "" }, {
		  "POST https://s.example:16/v2/send\nbasic me:p4ss\n" SAYS
		  SIGNAL_BODY "\"recipients\":[\"+492\",\"group.x\"]}" } },
		{ "signal://me:secret@s.example/491/+492?apikey=to-ken"
		  "&to=%2B493", { "" }, {
		  "POST https://s.example:8080/v2/send\n" AS("to-ken") SAYS
		  SIGNAL_BODY "\"recipients\":[\"+493\"]}" } },
		{ "twilio://AC1:secret@+1555/+1666?title=x", { "{}" }, {
		  "POST https://api.twilio.com/2010-04-01/Accounts/AC1/"
		  "Messages.json\nbasic AC1:secret\n" FORM "To=%2B1666&From="
		  "%2B1555&Body=backup%20%22a%22%20failed%0A" BODY_FORM } },
		{ "twilio://AC1:secret@MGabc/+1-(666)%20.7/1888",
		  { "", "" }, {
		  "POST https://api.twilio.com/2010-04-01/Accounts/AC1/"
		  "Messages.json\nbasic AC1:secret\n" FORM "To=%2B16667"
		  "&MessagingServiceSid=MGabc&Body=backup%20%22a%22%20failed"
		  "%0A" BODY_FORM,
		  "POST https://api.twilio.com/2010-04-01/Accounts/AC1/"
		  "Messages.json\nbasic AC1:secret\n" FORM "To=1888"
		  "&MessagingServiceSid=MGabc&Body=backup%20%22a%22%20failed"
		  "%0A" BODY_FORM } },
	};

	(void)state;
	ASSERT_GOLDEN(rows);
}

static void
long_texts_are_fitted(void **state)
{
	CLEANUP(cleanup_free) char *body = long_text(100000, "\"\xc3\xa4");
	CLEANUP(cleanup_free) char *sms = NULL;
	const struct recorder_answer created = { .status = 201, .body = "{}" };
	struct message message = plain;
	struct err err = ERR_INIT;
	const char *text;
	cJSON *json;

	(void)state;
	json = send_long("wecom://wecom-Key", "title", body,
	    "{\"errcode\":0}");
	text = text_at(json_member(json, "text"), "content");
	assert_true(strlen(text) <= 2048 && strlen(text) > 1800);
	cJSON_Delete(json);
	json = send_long("signal://h/+1/+2", "title", body, "{}");
	text = text_at(json, "message");
	assert_true(strlen(text) <= 16000 && strlen(text) > 15000);
	cJSON_Delete(json);
	json = send_long("matrix://:t@h?room=!a:x", "title", body, "{}");
	assert_true(strlen(recorder_body(0)) < 62000);
	assert_true(strlen(text_at(json, "body")) > 29000);
	cJSON_Delete(json);
	json = send_long(LARK, body, body, "{\"code\":0}");
	assert_true(strlen(recorder_body(0)) < 2 * (4096 + 256) + 200);
	assert_true(strlen(recorder_body(0)) > 4096);
	cJSON_Delete(json);
	message.body = body;
	assert_int_equal(letters_send("twilio://a:b@+1/+2", &message,
	    &created, 1, &err), 0);
	sms = form_value(recorder_body(0), "&Body=");
	assert_true(str_characters(sms) <= 1600 && str_characters(sms) > 1500);
}

/* --- answers ------------------------------------------------------------- */

static void
answers_that_are_no_success_are_errors(void **state)
{
	static const char signal[] = "signal://h/+1/+2";
	static const char twilio[] = "twilio://AC1:secret@+1/+2";
	static const struct {
		const char *url;
		struct recorder_answer answer;
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ TELEGRAM "1", { 200, "{\"ok\":false,\"description\":"
		  "\"no\"}" }, ERR_REFUSED, "telegram: '1': refused: no" },
		{ TELEGRAM "1", { 200, "{\"ok\":1}" }, ERR_REFUSED,
		  "telegram: '1': refused, without a reason" },
		{ TELEGRAM "1", { 200, "" }, ERR_PROTOCOL, "telegram: '1': "
		  "malformed answer to what was sent: it is not JSON" },
		{ TELEGRAM "1", { 502, "<html>bad gateway" }, ERR_REFUSED,
		  "telegram: '1': refused with status 502" },
		{ TELEGRAM "1", { 401, "{\"ok\":false,\"description\":"
		  "\"Unauthorized\"}" }, ERR_REFUSED,
		  "telegram: '1': refused with status 401: Unauthorized" },
		{ TELEGRAM "1", { 0 }, ERR_UNREACHABLE,
		  "telegram: '1': scripted" },
		{ ZULIP "stream=s", { 400, "{\"result\":\"error\",\"msg\":"
		  "\"Stream does not exist\"}" }, ERR_REFUSED, "zulip: refused "
		  "with status 400: Stream does not exist" },
		{ ZULIP "stream=s", { 200, "{\"result\":\"error\",\"msg\":"
		  "\"x\"}" }, ERR_REFUSED, "zulip: refused: x" },
		{ ZULIP "stream=s", { 200, "{\"result\":1}" }, ERR_REFUSED,
		  "zulip: refused, without a reason" },
		{ ZULIP "stream=s", { 200, "hello" }, ERR_PROTOCOL, "zulip: "
		  "malformed answer to what was sent: it is not JSON" },
		{ ZULIP "stream=s", { 0 }, ERR_UNREACHABLE,
		  "zulip: scripted" },
		{ LARK, { 200, "{\"code\":19021,\"msg\":\"sign match fail\"}" },
		  ERR_REFUSED, "lark: refused: sign match fail" },
		{ LARK, { 200, "{\"code\":\"0\"}" }, ERR_REFUSED,
		  "lark: refused, without a reason" },
		{ LARK, { 200, "{}" }, ERR_REFUSED,
		  "lark: refused, without a reason" },
		{ LARK, { 200, "null" }, ERR_PROTOCOL, "lark: malformed "
		  "answer to what was sent: it is not an object" },
		{ LARK, { 400, "{\"code\":1,\"msg\":\"no\"}" }, ERR_REFUSED,
		  "lark: refused with status 400: no" },
		{ LARK, { 0 }, ERR_UNREACHABLE, "lark: scripted" },
		{ "wecom://wecom-Key", { 200, "{\"errcode\":93000,\"errmsg\":"
		  "\"invalid webhook url\"}" }, ERR_REFUSED,
		  "wecom: refused: invalid webhook url" },
		{ "wecom://wecom-Key", { 200, "{\"errcode\":null}" },
		  ERR_REFUSED, "wecom: refused, without a reason" },
		{ "wecom://wecom-Key", { 200, "{" }, ERR_PROTOCOL, "wecom: "
		  "malformed answer to what was sent: it is not JSON" },
		{ "wecom://wecom-Key", { 500, "" }, ERR_REFUSED,
		  "wecom: refused with status 500" },
		{ "wecom://wecom-Key", { 0 }, ERR_UNREACHABLE,
		  "wecom: scripted" },
		{ signal, { 400, "{\"error\":\"Unregistered user\"}" },
		  ERR_REFUSED,
		  "signal: refused with status 400: Unregistered user" },
		{ signal, { 0 }, ERR_UNREACHABLE, "signal: scripted" },
		{ twilio, { 401, "{\"code\":20003,\"message\":"
		  "\"Authenticate\"}" }, ERR_REFUSED,
		  "twilio: '+2': refused with status 401: Authenticate" },
		{ twilio, { 500, "\x01\xff" }, ERR_REFUSED,
		  "twilio: '+2': refused with status 500: ?" },
		{ twilio, { 0 }, ERR_UNREACHABLE, "twilio: '+2': scripted" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(letters_send(rows[i].url, &plain,
		    &rows[i].answer, 1, &err), -1);
		assert_string_equal(err.msg, rows[i].message);
		assert_int_equal(err.kind, rows[i].kind);
	}
}

/* --- URLs ---------------------------------------------------------------- */

static void
wrong_urls_are_refused(void **state)
{
	static const char *const secrets[] = { "SeCrEt", NULL };
	static const char telegram[] = "telegram: the token is not one "
	    "(telegram://ID:SECRET@telegram?chats=...)";
	static const char matrix[] = "matrix: the password is missing "
	    "(matrix://USER:PASSWORD@HOST or matrix://:TOKEN@HOST)";
	static const char zulip[] = "zulip: the bot or its key is missing "
	    "(zulip://BOT:KEY@HOST)";
	static const char signal_from[] = "signal: the source is not a number "
	    "(signal://HOST/+SOURCE/+RECIPIENT)";
	static const char signal_to[] = "signal: a recipient is missing "
	    "(signal://HOST/+SOURCE/+RECIPIENT)";
	static const char twilio[] = "twilio: the account or its token is "
	    "missing (twilio://SID:TOKEN@+FROM/+TO)";
	static const char twilio_from[] = "twilio: the sender is not a number "
	    "(twilio://SID:TOKEN@+FROM/+TO)";
	static const char twilio_to[] = "twilio: a recipient is not a number "
	    "(twilio://SID:TOKEN@+FROM/+TO)";
	static const char *const rows[][2] = {
		{ "telegram://telegram?chats=1", telegram },
		{ "telegram://1@telegram?chats=1", telegram },
		{ "telegram://1:@telegram?chats=1", telegram },
		{ "telegram://:SeCrEt@telegram?chats=1", telegram },
		{ "telegram://x1:SeCrEt@telegram?chats=1", telegram },
		{ "telegram://1:SeCrEt%2F@telegram?chats=1", telegram },
		{ "telegram://1:SeCrEt@telegram",
		  "telegram: 'chats' is missing" },
		{ "telegram://1:SeCrEt@telegram?chats=%20,",
		  "telegram: 'chats' is missing" },
		{ "telegram://1:SeCrEt@telegram?chats=1&parsemode=SeCrEt",
		  "telegram: the value of 'parsemode' is none of None, "
		  "Markdown, HTML, MarkdownV2" },
		{ "telegram://1:SeCrEt@telegram?chats=1&preview=SeCrEt",
		  "telegram: the value of 'preview' is neither yes nor no" },
		{ "telegram://1:SeCrEt@telegram?chat=1",
		  "telegram: unknown key 'chat'" },
		{ "matrix://h", matrix }, { "matrix://me@h", matrix },
		{ "matrix://me:@h", matrix },
		{ "matrix://me:SeCrEt@", "matrix: the URL has no host" },
		{ "matrix://me:SeCrEt@h?rooms=a&x=1",
		  "matrix: unknown key 'x'" },
		{ "matrix://me:SeCrEt@h?disabletls=",
		  "matrix: the value of 'disabletls' is neither yes nor no" },
		{ "zulip://h?stream=s", zulip },
		{ "zulip://b@h?stream=s", zulip },
		{ "zulip://:SeCrEt@h?stream=s", zulip },
		{ "zulip://b:SeCrEt@?stream=s",
		  "zulip: the URL has no host" },
		{ "zulip://b:SeCrEt@h?topic=t",
		  "zulip: 'stream' is missing" },
		{ "zulip://b:SeCrEt@h?Stream=s",
		  "zulip: 'stream' is missing" },
		{ "zulip://b:SeCrEt@h?type=direct&stream=s",
		  "zulip: 'to' is missing" },
		{ "zulip://b:SeCrEt@h?type=x&stream=s", "zulip: the value of "
		  "'type' is none of channel, direct" },
		{ "lark://open.example/SeCrEt", "lark: the host is neither "
		  "open.larksuite.com nor open.feishu.cn" },
		{ "lark://open.feishu.cn",
		  "lark: the path is not a token: /TOKEN" },
		{ "lark://open.feishu.cn/SeCrEt/x",
		  "lark: the path is not a token: /TOKEN" },
		{ "lark://open.feishu.cn/SeCrEt?sign=SeCrEt",
		  "lark: unknown key 'sign'" },
		{ "wecom://", "wecom: the key is missing (wecom://KEY)" },
		{ "wecom://SeCrEt?title=x", "wecom: unknown key 'title'" },
		{ "signal:///+1/+2", "signal: the URL has no host" },
		{ "signal://h/x/+2", signal_from },
		{ "signal://h/+/+2", signal_from },
		{ "signal://h/+1x/+2", signal_from },
		{ "signal://h?source=x&to=+2", signal_from },
		{ "signal://h?to=+2", signal_from },
		{ "signal://h/+1", signal_to },
		{ "signal://h/+1?to=,", signal_to },
		{ "signal://h/+1/+2?port=0",
		  "signal: the value of 'port' is out of range" },
		{ "signal://h/+1/+2?host=a%2Fb",
		  "signal: the value of 'host' is not a host" },
		{ "signal://h/+1/+2?text_mode=1",
		  "signal: unknown key 'text_mode'" },
		{ "twilio://+1/+2", twilio }, { "twilio://AC1@+1/+2", twilio },
		{ "twilio://AC1:@+1/+2", twilio },
		{ "twilio://:SeCrEt@+1/+2", twilio },
		{ "twilio://AC1:SeCrEt@/+2", twilio_from },
		{ "twilio://AC1:SeCrEt@+/+2", twilio_from },
		{ "twilio://AC1:SeCrEt@me/+2", twilio_from },
		{ "twilio://AC1:SeCrEt@+1/+2/you", twilio_to },
		{ "twilio://AC1:SeCrEt@+1", "twilio: a recipient is missing "
		  "(twilio://SID:TOKEN@+FROM/+TO)" },
		{ "twilio://AC1:SeCrEt@+1/+2?color=1",
		  "twilio: unknown key 'color'" },
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
		{ TELEGRAM "@backups", "123:se_cr-et telegram @backups",
		  "123:*** telegram @backups" },
		{ "matrix://me-me:secret-m@mx.example?room=backups",
		  "me-me:secret-m mx.example backups",
		  "me-me:*** mx.example backups" },
		{ ZULIP "stream=backups", "bot@x:zulip-key backups",
		  "bot@x:*** backups" },
		{ LARK "?secret=lark-secret", "lark-token lark-secret larks",
		  "*** *** larks" },
		{ "wecom://wecom-Key?key=other-key", "wecom-Key other-key",
		  "*** ***" },
		{ "signal://me-me:secret-s@h/+1/+2?token=secret-t&password="
		  "secret-p", "me-me secret-s secret-t secret-p",
		  "me-me *** *** ***" },
		{ "twilio://AC1234:secret-w@+1555/+1666",
		  "AC1234:secret-w +1555", "AC1234:*** +1555" },
	};
	size_t i;

	(void)state;
	log_close();	/* what other tests told */
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

/* One that is got by logging in is a secret as well. */
static void
the_token_of_a_session_is_masked(void **state)
{
	static const struct recorder_answer answers[] = {
		{ .status = 200, .body = "{\"access_token\":\"syt_new\"}" },
		{ .status = 200, .body = SENT },
	};
	CLEANUP(cleanup_free) char *masked = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(letters_send("matrix://me:secret@h?room=!a:x",
	    &plain, RECORDER_ANSWERS(answers), &err), 0);
	assert_int_equal(log_mask("<syt_new>", &masked, &err), 0);
	assert_string_equal(masked, "<***>");
	log_close();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    telegram_gets_a_bold_title_and_an_escaped_body),
		cmocka_unit_test(telegram_gets_titles_that_are_no_markup),
		cmocka_unit_test(telegram_counts_what_is_left_of_marks),
		cmocka_unit_test(telegram_gets_all_that_has_room),
		cmocka_unit_test(
		    one_chat_that_fails_keeps_nothing_from_the_others),
		cmocka_unit_test(names_are_shown_so_that_they_harm_nobody),
		cmocka_unit_test(matrix_logs_in_finds_rooms_and_sends),
		cmocka_unit_test(matrix_says_where_it_failed),
		cmocka_unit_test(zulip_has_the_title_as_its_topic),
		cmocka_unit_test(zulip_has_limits),
		cmocka_unit_test(groups_get_what_their_robots_take),
		cmocka_unit_test(telephones_get_title_and_body_in_one_text),
		cmocka_unit_test(long_texts_are_fitted),
		cmocka_unit_test(answers_that_are_no_success_are_errors),
		cmocka_unit_test(wrong_urls_are_refused),
		cmocka_unit_test(tokens_are_masked_and_names_are_not),
		cmocka_unit_test(the_token_of_a_session_is_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
