#include "test/unit/letters.h"

#include <string.h>

#define N(array) (sizeof (array) / sizeof (array)[0])
#define TITLE LETTERS_JSON_TITLE
#define BODY LETTERS_JSON_BODY
#define JSON LETTERS_TYPE_JSON
#define OK { 200, "{}" }
#define NOTE { 200, "{\"type\":\"note\",\"active\":true}" }
#define BARKED { 200, "{\"code\":200,\"message\":\"success\"}" }

static void
requests_are_as_the_services_want_them(void **state)
{
	static const struct letters_case cases[] = {
		{ "ntfy://ntfy.example/alerts", OUTCOME_FAILURE, OK,
		  "POST https://ntfy.example/\n" JSON "{\"topic\":\"alerts\","
		  "\"title\":\"" TITLE "\",\"message\":\"" BODY "\","
		  "\"tags\":[\"rotating_light\"],\"priority\":4}" },
		{ "ntfy:///alerts?title=x", OUTCOME_SUCCESS, OK,
		  "POST https://ntfy.sh/\n" JSON "{\"topic\":\"alerts\","
		  "\"title\":\"" TITLE "\",\"message\":\"" BODY "\","
		  "\"tags\":[\"white_check_mark\"],\"priority\":3}" },
		{ "ntfy://:tk_secret@h:8080/t?DisableTLS=true&Priority=URGENT"
		  "&tags=a,%20b,", OUTCOME_PROBLEMS, OK,
		  "POST http://h:8080/\nbasic :tk_secret\n" JSON
		  "{\"topic\":\"t\",\"title\":\"" TITLE "\",\"message\":\""
		  BODY "\",\"tags\":[\"a\",\"b\"],\"priority\":5}" },
		{ "ntfy://u:p@h/t?scheme=http&actions=view,%20a,%20x;%0Ahttp"
		  "&cache=no&firebase=0&disableTLSVerification=yes&priority=2"
		  "&click=c&attach=a&filename=f&in=1h&email=e%40x&icon=i&"
		  "markdown=y", OUTCOME_PROBLEMS, OK,
		  "POST http://h/\nActions: view, a, x; http\nCache: no\n"
		  "Firebase: no\nbasic u:p\ninsecure\n" JSON
		  "{\"topic\":\"t\",\"title\":\"" TITLE "\",\"message\":\""
		  BODY "\",\"tags\":[\"warning\"],\"priority\":2,"
		  "\"click\":\"c\",\"attach\":\"a\",\"filename\":\"f\","
		  "\"delay\":\"1h\",\"email\":\"e@x\",\"icon\":\"i\","
		  "\"markdown\":true}" },
		{ "ntfy://@h/t?at=tomorrow&priority=min", OUTCOME_FAILURE, OK,
		  "POST https://h/\n" JSON "{\"topic\":\"t\",\"title\":\""
		  TITLE "\",\"message\":\"" BODY "\","
		  "\"tags\":[\"rotating_light\"],\"priority\":1,"
		  "\"delay\":\"tomorrow\"}" },

		{ "gotify://gotify/AbCdEf012345678?disableTLS=true",
		  OUTCOME_FAILURE, OK,
		  "POST http://gotify/message?token=AbCdEf012345678\n" JSON
		  "{\"title\":\"" TITLE "\",\"message\":\"" BODY "\"}" },
		{ "gotify://h:81/sub/p%C3%A4th/to%2Fken?priority=-2&title=x&"
		  "extras=%7B%22a%22%3A%7B%22b%22%3A1%7D%7D&date=never&"
		  "insecureskipverify=1", OUTCOME_SUCCESS, OK,
		  "POST https://h:81/sub/p%C3%A4th/message?token=to%2Fken\n"
		  "insecure\n" JSON "{\"title\":\"" TITLE "\",\"message\":\""
		  BODY "\",\"priority\":-2,\"extras\":{\"a\":{\"b\":1}}}" },
		{ "gotify://h/sub/t0ken?useHeader=yes&priority=0x0a",
		  OUTCOME_SUCCESS, OK,
		  "POST https://h/sub/message\nX-Gotify-Key: t0ken\n" JSON
		  "{\"title\":\"" TITLE "\",\"message\":\"" BODY "\","
		  "\"priority\":10}" },

		{ "pushbullet://TokenOf34/", OUTCOME_FAILURE, NOTE,
		  "POST https://api.pushbullet.com/v2/pushes\n"
		  "Access-Token: TokenOf34\n" JSON "{\"type\":\"note\","
		  "\"title\":\"" TITLE "\",\"body\":\"" BODY "\"}" },
		{ "pushbullet://t/device", OUTCOME_FAILURE, NOTE,
		  "POST https://api.pushbullet.com/v2/pushes\n"
		  "Access-Token: t\n" JSON "{\"type\":\"note\",\"title\":\""
		  TITLE "\",\"body\":\"" BODY "\",\"device_iden\":"
		  "\"device\"}" },
		{ "pushbullet://t/#channel", OUTCOME_FAILURE, NOTE,
		  "POST https://api.pushbullet.com/v2/pushes\n"
		  "Access-Token: t\n" JSON "{\"type\":\"note\",\"title\":\""
		  TITLE "\",\"body\":\"" BODY "\",\"channel_tag\":"
		  "\"channel\"}" },
		{ "pushbullet://t/a@x?title=x", OUTCOME_FAILURE, NOTE,
		  "POST https://api.pushbullet.com/v2/pushes\n"
		  "Access-Token: t\n" JSON "{\"type\":\"note\",\"title\":\""
		  TITLE "\",\"body\":\"" BODY "\",\"email\":\"a@x\"}" },

		{ "bark://:key@h:81/p/q?badge=3&sound=s&icon=i&group=g&url=u&"
		  "category=c&copy=y", OUTCOME_FAILURE, BARKED,
		  "POST https://h:81/p/q/push\n" JSON "{\"device_key\":\"key\""
		  ",\"title\":\"" TITLE "\",\"body\":\"" BODY "\",\"badge\":3,"
		  "\"sound\":\"s\",\"icon\":\"i\",\"group\":\"g\",\"url\":"
		  "\"u\",\"category\":\"c\",\"copy\":\"y\"}" },
		{ "bark://:key@h?scheme=HTTP", OUTCOME_SUCCESS, BARKED,
		  "POST http://h/push\n" JSON "{\"device_key\":\"key\","
		  "\"title\":\"" TITLE "\",\"body\":\"" BODY "\"}" },

		{ "join://x:k%26ey@join/?devices=d1,%20d2,&icon=i%20c",
		  OUTCOME_FAILURE, { 200, "" },
		  "POST https://joinjoaomgcd.appspot.com/_ah/api/messaging/v1/"
		  "sendPush?apikey=k%26ey&deviceIds=d1%2Cd2&title="
		  LETTERS_FORM_TITLE "&text=" LETTERS_FORM_BODY
		  "&icon=i%20c\n" },

		{ "ifttt://Key/?events=a%2Fb", OUTCOME_FAILURE, OK,
		  "POST https://maker.ifttt.com/trigger/a%2Fb/with/key/Key\n"
		  JSON "{\"value2\":\"" TITLE "\\n\\n" BODY "\"}" },
		{ "ifttt://k/?events=e&messagevalue=1&titlevalue=3&value1=x&"
		  "value2=y&value3=z", OUTCOME_FAILURE, OK,
		  "POST https://maker.ifttt.com/trigger/e/with/key/k\n" JSON
		  "{\"value1\":\"" BODY "\",\"value2\":\"y\",\"value3\":\""
		  TITLE "\"}" },

		{ "notifiarr://api-key", OUTCOME_FAILURE, OK,
		  "POST https://notifiarr.com/api/v1/notification/"
		  "passthrough/api-key\n" JSON "{\"notification\":{\"name\":"
		  "\"vbackup\"},\"discord\":{\"text\":{\"title\":\"" TITLE
		  "\",\"description\":\"" BODY "\"},\"color\":\"E01E5A\"}}" },
		{ "notifiarr+http://h:1/v2/api-key?name=n&color=00FF00&image=i"
		  "&thumbnail=t&channel=18446744073709551615&other=x",
		  OUTCOME_FAILURE, OK,
		  "POST http://h:1/v2/api-key\n" JSON "{\"notification\":"
		  "{\"name\":\"n\"},\"discord\":{\"text\":{\"title\":\"" TITLE
		  "\",\"description\":\"" BODY "\"},\"color\":\"00FF00\","
		  "\"images\":{\"thumbnail\":\"t\",\"image\":\"i\"},\"ids\":"
		  "{\"channel\":18446744073709551615}}}" },
	};

	(void)state;
	letters_expect(cases, N(cases));
}

static void
long_messages_keep_the_limits(void **state)
{
	static const struct letters_limit cases[] = {
		{ "ntfy://h/t", OK, "\"message\":\"", 4096, MESSAGE_BYTES },
		{ "ntfy://h/t", OK, "\"title\":\"", 250, MESSAGE_CHARACTERS },
		{ "gotify://h/t", OK, "\"message\":\"", 65535,
		  MESSAGE_BYTES },
		{ "pushbullet://t", NOTE, "\"body\":\"", 8192,
		  MESSAGE_BYTES },
		{ "bark://:k@h", BARKED, "\"body\":\"", 2000, MESSAGE_BYTES },
		{ "bark://:k@h", BARKED, "\"title\":\"", 250, MESSAGE_BYTES },
		{ "join://x:k@join?devices=d", OK, "&text=", 4500,
		  MESSAGE_BYTES },
		{ "ifttt://k?events=e", OK, "\"value2\":\"", 8192,
		  MESSAGE_BYTES },
		{ "notifiarr://k", OK, "\"title\":\"", 256,
		  MESSAGE_CHARACTERS },
		{ "notifiarr://k", OK, "\"description\":\"", 4000,
		  MESSAGE_CHARACTERS },
	};

	(void)state;
	letters_expect_limits(cases, N(cases));
}

static void
refusals_and_nonsense_are_errors(void **state)
{
	static const struct letters_failure cases[] = {
		{ "ntfy://h/t", { 400, "{\"code\":40014,\"http\":400,\"error\":"
		  "\"attachments off\"}" }, ERR_REFUSED,
		  "ntfy: refused with status 400: attachments off" },
		{ "ntfy://h/t", { 200, "<html>" }, ERR_PROTOCOL,
		  "ntfy: malformed answer to what was sent: it is not JSON" },
		{ "ntfy://h/t", { 200, "" }, ERR_PROTOCOL,
		  "ntfy: malformed answer to what was sent: it is not JSON" },
		{ "ntfy://h/t", { 0, NULL, 0, ERR_TIMEOUT }, ERR_TIMEOUT,
		  "ntfy: scripted" },
		{ "gotify://h/t", { 401, "{\"error\":\"Unauthorized\","
		  "\"errorCode\":401,\"errorDescription\":\"give a token\"}" },
		  ERR_REFUSED, "gotify: refused with status 401: give a "
		  "token" },
		{ "gotify://h/t", { 200, "[]" }, ERR_PROTOCOL, "gotify: "
		  "malformed answer to what was sent: it is not an object" },
		{ "pushbullet://t", { 401, "{\"error\":{\"message\":"
		  "\"Access token is missing\"}}" }, ERR_REFUSED, "pushbullet:"
		  " refused with status 401: Access token is missing" },
		{ "pushbullet://t", { 200, "{\"type\":7}" }, ERR_PROTOCOL,
		  "pushbullet: the answer does not say that the message was "
		  "taken" },
		{ "bark://:k@h", { 200, "{\"code\":400,\"message\":"
		  "\"no device\"}" }, ERR_REFUSED,
		  "bark: refused: no device" },
		{ "bark://:k@h", { 200, "{\"code\":\"200\"}" }, ERR_REFUSED,
		  "bark: refused, without a reason" },
		{ "bark://:k@h", { 400, "{\"code\":400,\"message\":\"bad\"}" },
		  ERR_REFUSED, "bark: refused with status 400: bad" },
		{ "bark://:k@h", { 200, "ok" }, ERR_PROTOCOL,
		  "bark: malformed answer to what was sent: it is not JSON" },
		{ "join://x:k@join?devices=d", { 200, "{\"success\":false,"
		  "\"errorMessage\":\"User not authenticated\"}" },
		  ERR_REFUSED,
		  "join: refused: User not authenticated" },
		{ "join://x:k@join?devices=d", { 201, "" }, ERR_REFUSED,
		  "join: refused with status 201" },
		{ "ifttt://k?events=e", { 401, "{\"errors\":[{\"message\":"
		  "\"bad key\"}]}" }, ERR_REFUSED, "ifttt: refused with status"
		  " 401: {\"errors\":[{\"message\":\"bad key\"}]}" },
		{ "notifiarr://k", { 401, "{\"result\":\"error\",\"details\":"
		  "{\"response\":\"Invalid key\"}}" }, ERR_REFUSED,
		  "notifiarr: refused with status 401: Invalid key" },
	};

	(void)state;
	letters_expect_failures(cases, N(cases));
}

static void
urls_that_cannot_work_are_refused(void **state)
{
	static const struct letters_refusal cases[] = {
		{ "ntfy://hidden", "ntfy: the path is not one topic "
		  "(ntfy://HOST/TOPIC)", "hidden" },
		{ "ntfy://h/hidden/b", "ntfy: the path is not one topic "
		  "(ntfy://HOST/TOPIC)", "hidden" },
		{ "ntfy://h/hidden?priority=hidden", "ntfy: the value of "
		  "'priority' is none of min, low, default, high, max, urgent,"
		  " 1, 2, 3, 4, 5", "hidden" },
		{ "ntfy+http://h/hidden", "ntfy: nothing can follow with a "
		  "plus sign", "hidden" },
		{ "gotify://hidden", "gotify: the host or the token is missing "
		  "(gotify://HOST/TOKEN)", "hidden" },
		{ "gotify:///hidden", "gotify: the host or the token is "
		  "missing (gotify://HOST/TOKEN)", "hidden" },
		{ "gotify://h/hidden?priority=11", "gotify: the value of "
		  "'priority' is out of range", "hidden" },
		{ "gotify://h/hidden?extras=%5B1%5D", "gotify: the value of "
		  "'extras' is not a JSON object", "hidden" },
		{ "gotify://h/hidden?extras=%7B%7Dx", "gotify: the value of "
		  "'extras' is not a JSON object", "hidden" },
		{ "gotify://h/?token=hidden", "gotify: unknown key 'token'",
		  "hidden" },
		{ "pushbullet:///hidden", "pushbullet: the token is missing "
		  "(pushbullet://TOKEN)", "hidden" },
		{ "bark://hidden@h", "bark: the host or the device's key is "
		  "missing (bark://:KEY@HOST)", "hidden" },
		{ "bark://:hidden@", "bark: the host or the device's key is "
		  "missing (bark://:KEY@HOST)", "hidden" },
		{ "join://hidden@join?devices=d", "join: the key is missing "
		  "(join://x:KEY@join/?devices=ID)", "hidden" },
		{ "join://x:hidden@join?devices=%20,", "join: 'devices' is "
		  "missing", "hidden" },
		{ "ifttt://hidden", "ifttt: 'events' is missing", "hidden" },
		{ "ifttt://?events=hidden", "ifttt: the key is missing "
		  "(ifttt://KEY/?events=NAME)", "hidden" },
		{ "ifttt://hidden?events=e&titlevalue=2", "ifttt: "
		  "'messagevalue' and 'titlevalue' are the same", "hidden" },
		{ "ifttt://hidden?events=e&messagevalue=4", "ifttt: the value "
		  "of 'messagevalue' is out of range", "hidden" },
		{ "notifiarr://", "notifiarr: the key is missing "
		  "(notifiarr://KEY)", NULL },
		{ "notifiarr+https://h/", "notifiarr: the key is missing "
		  "(notifiarr://KEY)", NULL },
		{ "notifiarr://hidden?channel=1e3", "notifiarr: the value of "
		  "'channel' is not a channel's number", "hidden" },
		{ "notifiarr://hidden?channel=007", "notifiarr: the value of "
		  "'channel' is not a channel's number", "hidden" },
		{ "notifiarr+ftp://h/hidden", "notifiarr: only http or https "
		  "can follow with a plus sign", "hidden" },
	};

	(void)state;
	letters_expect_refusals(cases, N(cases));
}

/* One that fails does not keep the others from being told. */
static void
every_goal_is_tried(void **state)
{
	static const struct {
		const char *url;
		struct recorder_answer answers[3];
		size_t n;
		const char *message;	/* NULL: success */
	} cases[] = {
		{ "pushbullet://t/d1/a@x#c", { NOTE, NOTE, NOTE }, 3, NULL },
		{ "pushbullet://t/d1/%23b#c", { { 400, "one" }, NOTE,
		  { 400, "three" } }, 3, "pushbullet: 2 of 3 failed: refused "
		  "with status 400: one" },
		{ "ifttt://k?events=a,b", { OK, { 500, "two" } }, 2,
		  "ifttt: 1 of 2 failed: refused with status 500: two" },
	};
	struct message message = letters_message(OUTCOME_FAILURE);
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		struct err err = ERR_INIT;
		int rc = letters_send(cases[i].url, &message,
		    cases[i].answers, cases[i].n, &err);

		assert_int_equal(rc, cases[i].message != NULL ? -1 : 0);
		assert_string_equal(err.msg, cases[i].message != NULL ?
		    cases[i].message : "");
	}
	assert_non_null(strstr(recorder_letter(0), "/trigger/a/"));
	assert_non_null(strstr(recorder_letter(1), "/trigger/b/"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_as_the_services_want_them),
		cmocka_unit_test(long_messages_keep_the_limits),
		cmocka_unit_test(refusals_and_nonsense_are_errors),
		cmocka_unit_test(urls_that_cannot_work_are_refused),
		cmocka_unit_test(every_goal_is_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
