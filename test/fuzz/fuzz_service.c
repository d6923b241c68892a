/*
 * fuzz_service: a message of any text, and any answers: what is sent is UTF-8,
 * and an answer is a success or an error. The first two bytes choose the
 * service and the status, a NUL ends the message's body; what is behind it is
 * every answer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/report/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int __wrap_courier_send(struct courier *courier, const struct letter *letter,
    struct http_response *ret, struct err *err);

#define TOKEN "abcdefghijklmnopqrstuvwx"

static const char *const urls[] = {
	"discord://t@1", "discord://t@1/raw",
	"slack://hook:T00000000-B00000000-" TOKEN "@webhook",
	"slack://xoxb:T00000000-B00000000-" TOKEN "@C1",
	"mattermost://h/t", "rocketchat://h/a/b",
	"googlechat://h/v1?key=k&token=t",
	"teams://?host=https://a.logic.azure.com/workflows/x",
	"telegram://1:t@telegram?chats=1,-2:3",
	"telegram://1:t@telegram?chats=1&parsemode=MarkdownV2",
	"matrix://u:p@h?rooms=a", "matrix://:p@h", "zulip://b:k@h?stream=s",
	"zulip://b:k@h?type=direct&to=1,a@x", "lark://open.feishu.cn/t",
	"wecom://k", "signal://h/+1/+2", "twilio://a:b@+1/+2/+3",
};

static struct {
	const char *body;
	size_t len;
	long status;
	size_t n;
} answer;

static void
demand(bool good)
{
	if (!good)
		abort();
}

int
__wrap_courier_send(struct courier *courier, const struct letter *letter,
    struct http_response *ret, struct err *err)
{
	(void)courier;
	demand(letter->url != NULL);
	if (letter->body != NULL)
		demand(letter->content_type != NULL &&
		    strlen(letter->body) == letter->body_len &&
		    str_is_utf8(letter->body));
	/* Rooms come from an answer: any number. */
	if (answer.n++ > 40)
		return err_set(err, ERR_TIMEOUT, "no time left");
	*ret = (struct http_response){ .status = answer.status,
	    .body_len = answer.len };
	ret->body = malloc(answer.len + 1);
	demand(ret->body != NULL);
	memcpy(ret->body, answer.body, answer.len);
	ret->body[answer.len] = '\0';
	return 0;
}

static void
send_it(const char *url, const char *text)
{
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	struct courier courier = { .until_s = 1e18 };
	struct message message = { .outcome = OUTCOME_PROBLEMS, .host = "h" };
	struct err err = ERR_INIT;

	demand(message_line(text, &title, &err) == 0 &&
	    message_utf8(text, &body, &err) == 0);
	message.title = title;
	message.body = body;
	demand(service_open(url, &target, &err) == 0);
	if (service_send(&target, &message, &courier, &err) < 0)
		demand(err.kind != ERR_NONE && err.kind != ERR_NOMEM &&
		    str_is_utf8(err.msg));
	log_close();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const long statuses[] = { 200, 200, 201, 204, 400, 500 };
	CLEANUP(cleanup_free) char *text = NULL;
	size_t len;

	if (n < 2)
		return 0;
	text = malloc(n - 1);
	demand(text != NULL);
	memcpy(text, bytes + 2, n - 2);
	text[n - 2] = '\0';
	len = strlen(text);
	answer.body = len < n - 2 ? text + len + 1 : "";
	answer.len = len < n - 2 ? n - 3 - len : 0;
	answer.n = 0;
	answer.status = statuses[bytes[1] %
	    (sizeof statuses / sizeof statuses[0])];
	send_it(urls[bytes[0] % (sizeof urls / sizeof urls[0])], text);
	return 0;
}
