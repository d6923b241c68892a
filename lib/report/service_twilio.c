#include "lib/report/service_talk.h"

#include <string.h>

#include "lib/report/service_parts.h"

#define TEXT 1600		/* characters, over all parts of a message */

static const char *const says[] = { "message", NULL };

const struct service_key service_twilio_keys[] = {
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

/* What people write into numbers is taken out. */
static int
plain_number(const char *text, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str number = STR_INIT;

	for (; *text != '\0'; text++)
		if (strchr(" -().", *text) == NULL)
			str_addn(&number, text, 1);
	return str_take(&number, ret, err);
}

static int
need_number(const char *text, const char *what, struct err *err)
{
	CLEANUP(cleanup_free) char *number = NULL;
	const char *digits;

	if (plain_number(text, &number, err) < 0)
		return -1;
	digits = *number == '+' ? number + 1 : number;
	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return err_set(err, ERR_CONFIG, "%s is not a number "
		    "(twilio://SID:TOKEN@+FROM/+TO)", what);
	return 0;
}

static bool
is_service(const char *from)
{
	return str_starts(from, "MG");
}

int
service_twilio_check(struct service_target *target, struct err *err)
{
	const struct service_url *url = &target->url;
	size_t i;

	if (url->user == NULL || *url->user == '\0' ||
	    url->password == NULL || *url->password == '\0')
		return err_set(err, ERR_CONFIG, "the account or its token is "
		    "missing (twilio://SID:TOKEN@+FROM/+TO)");
	if (!is_service(url->host) &&
	    need_number(url->host, "the sender", err) < 0)
		return -1;
	if (url->segments.n == 0)
		return err_set(err, ERR_CONFIG, "a recipient is missing "
		    "(twilio://SID:TOKEN@+FROM/+TO)");
	for (i = 0; i < url->segments.n; i++)
		if (need_number(url->segments.v[i], "a recipient", err) < 0)
			return -1;
	return 0;
}

struct sending {
	const struct service_target *target;
	struct courier *courier;
	const char *url;
	const char *text;
};

static int
make_form(const struct sending *sending, const char *name, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *from = NULL;
	CLEANUP(cleanup_free) char *to = NULL;
	CLEANUP(str_free) struct str form = STR_INIT;
	const char *host = sending->target->url.host;

	if (plain_number(name, &to, err) < 0 ||
	    (is_service(host) ? str_dup(host, &from, err) :
	    plain_number(host, &from, err)) < 0)
		return -1;
	parts_field(&form, "To", to);
	parts_field(&form, is_service(host) ? "MessagingServiceSid" : "From",
	    from);
	parts_field(&form, "Body", sending->text);
	return str_take(&form, ret, err);
}

static int
send_to(void *cookie, const char *name, struct err *err)
{
	const struct sending *sending = cookie;
	const struct service_url *url = &sending->target->url;
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *form = NULL;
	struct letter letter = { .url = sending->url, .user = url->user,
		.password = url->password,
		.content_type = "application/x-www-form-urlencoded" };

	if (make_form(sending, name, &form, err) < 0)
		return -1;
	letter.body = form;
	letter.body_len = strlen(form);
	if (courier_send(sending->courier, &letter, &response, err) < 0)
		return -1;
	return service_expect(&response, 200, 299, says, err);
}

int
service_twilio_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(str_free) struct str url = STR_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct sending sending = { .target = target, .courier = courier };

	str_add(&url, "https://api.twilio.com/2010-04-01/Accounts/");
	parts_escape(&url, target->url.user);
	str_add(&url, "/Messages.json");
	if (url.failed)
		return err_nomem(err);
	if (message_whole(message, "\n", TEXT, MESSAGE_CHARACTERS, &text,
	    err) < 0)
		return -1;
	sending.url = url.s;
	sending.text = text;
	return parts_each(&target->url.segments, send_to, &sending, err);
}
