#include "test/unit/letters.h"

#define N(array) (sizeof (array) / sizeof (array)[0])
#define TITLE LETTERS_JSON_TITLE
#define BODY LETTERS_JSON_BODY
#define JSON LETTERS_TYPE_JSON
#define UUID "4513b7ea-3b91-438f-b7e4-e3e54af9147c"
#define DONE { 202, "{\"result\":\"Request will be processed\"}" }
#define ENQUEUED { 202, "{\"status\":\"success\"}" }
#define GENIE(host) "POST https://" host "/v2/alerts\n" \
    "Authorization: GenieKey key\n" JSON
#define PAGER "POST https://events.pagerduty.com/v2/enqueue\n" JSON \
    "{\"routing_key\":\"key\",\"event_action\":"
#define REST(severity, source) "\"payload\":{\"summary\":\"" TITLE "\"," \
    "\"severity\":\"" severity "\",\"source\":\"" source "\"," \
    "\"timestamp\":\"2026-11-20T04:00:00+02:00\"," \
    "\"component\":\"vbackup\",\"group\":\"backups\",\"custom_details\":{"

static void
requests_are_as_the_services_want_them(void **state)
{
	static const struct letters_case cases[] = {
		{ "opsgenie:///key", OUTCOME_FAILURE, DONE,
		  GENIE("api.opsgenie.com") "{\"message\":\"" TITLE
		  "\",\"description\":\"" BODY "\"}" },
		{ "opsgenie://api.eu.opsgenie.com:443/key?alias=a&title=x&"
		  "description=more&entity=e&source=s&priority=p1&note=n&"
		  "user=u&tags=t1,t2&actions=x,%20y&details=k:v:w,l:",
		  OUTCOME_PROBLEMS, DONE, GENIE("api.eu.opsgenie.com:443")
		  "{\"message\":\"" TITLE "\",\"description\":\"" BODY
		  "\\nmore\",\"actions\":[\"x\",\"y\"],\"tags\":[\"t1\","
		  "\"t2\"],\"details\":{\"k\":\"v:w\",\"l\":\"\"},\"alias\":"
		  "\"a\",\"entity\":\"e\",\"source\":\"s\",\"priority\":"
		  "\"P1\",\"note\":\"n\",\"user\":\"u\"}" },
		{ "opsgenie://h/key?responders=team:ops,user:a%40x,schedule:"
		  UUID "&visibleTo=escalation:e,user:" UUID,
		  OUTCOME_SUCCESS, DONE, GENIE("h")
		  "{\"message\":\"" TITLE "\",\"description\":\"" BODY
		  "\",\"responders\":[{\"type\":\"team\",\"name\":\"ops\"},"
		  "{\"type\":\"user\",\"username\":\"a@x\"},{\"type\":"
		  "\"schedule\",\"id\":\"" UUID "\"}],\"visibleTo\":[{"
		  "\"type\":\"escalation\",\"name\":\"e\"},{\"type\":\"user\","
		  "\"id\":\"" UUID "\"}]}" },

		{ "pagerduty:///key", OUTCOME_FAILURE, ENQUEUED,
		  PAGER "\"trigger\"," REST("error", "box")
		  "\"message\":\"" BODY "\"}}}" },
		{ "pagerduty:///key", OUTCOME_SUCCESS, ENQUEUED,
		  PAGER "\"trigger\"," REST("info", "box")
		  "\"message\":\"" BODY "\"}}}" },
		{ "pagerduty:///key?dedup_key=d", OUTCOME_SUCCESS, ENQUEUED,
		  PAGER "\"resolve\",\"dedup_key\":\"d\"," REST("info", "box")
		  "\"message\":\"" BODY "\"}}}" },
		{ "pagerduty:///key?dedup_key=d", OUTCOME_PROBLEMS, ENQUEUED,
		  PAGER "\"trigger\",\"dedup_key\":\"d\"," REST("warning",
		  "box") "\"message\":\"" BODY "\"}}}" },
		{ "pagerduty:///key?dedup_key=d&action=Acknowledge&severity="
		  "critical&source=s&client=c&client_url=u&details=%7B%22a%22:"
		  "[1],%22message%22:2%7D&contexts=link:http://x/,image:"
		  "http://y/,link:z", OUTCOME_SUCCESS, ENQUEUED,
		  PAGER "\"acknowledge\",\"dedup_key\":\"d\",\"client\":\"c\","
		  "\"client_url\":\"u\"," REST("critical", "s") "\"a\":[1],"
		  "\"message\":\"" BODY "\"}},\"links\":[{\"href\":"
		  "\"http://x/\"},{\"href\":\"z\"}],\"images\":[{\"src\":"
		  "\"http://y/\"}]}" },
		{ "pagerduty://h:1/key?contexts=%5B%7B%22type%22:%22link%22,"
		  "%22href%22:%22u%22,%22text%22:%22t%22%7D,%7B%22src%22:"
		  "%22s%22,%22type%22:%22image%22%7D%5D", OUTCOME_FAILURE,
		  ENQUEUED, "POST https://h:1/v2/enqueue\n" JSON
		  "{\"routing_key\":\"key\",\"event_action\":\"trigger\","
		  REST("error", "box") "\"message\":\"" BODY "\"}},"
		  "\"links\":[{\"href\":\"u\",\"text\":\"t\"}],\"images\":"
		  "[{\"src\":\"s\"}]}" },
	};

	(void)state;
	letters_expect(cases, N(cases));
}

static void
long_messages_keep_the_limits(void **state)
{
	static const struct letters_limit cases[] = {
		{ "opsgenie:///key", DONE, "\"message\":\"", 130,
		  MESSAGE_CHARACTERS },
		{ "opsgenie:///key", DONE, "\"description\":\"", 15000,
		  MESSAGE_CHARACTERS },
		{ "pagerduty:///key", ENQUEUED, "\"summary\":\"", 1024,
		  MESSAGE_CHARACTERS },
		{ "pagerduty:///key", ENQUEUED, "\"message\":\"", 10000,
		  MESSAGE_BYTES },
	};

	(void)state;
	letters_expect_limits(cases, N(cases));
}

static void
refusals_are_errors_in_the_services_words(void **state)
{
	static const struct letters_failure cases[] = {
		{ "opsgenie:///key", { 422, "{\"message\":\"Key format is not "
		  "valid!\",\"took\":0.1}" }, ERR_REFUSED, "opsgenie: refused "
		  "with status 422: Key format is not valid!" },
		{ "opsgenie:///key", { 404, "<html>" }, ERR_REFUSED,
		  "opsgenie: refused with status 404" },
		{ "pagerduty:///key", { 400, "{\"status\":\"invalid event\","
		  "\"message\":\"Event object is invalid\",\"errors\":"
		  "[\"'routing_key' is missing\"]}" }, ERR_REFUSED,
		  "pagerduty: refused with status 400: 'routing_key' is "
		  "missing" },
		{ "pagerduty:///key", { 400, "{\"message\":\"no\",\"errors\":"
		  "[]}" }, ERR_REFUSED,
		  "pagerduty: refused with status 400: no" },
		{ "pagerduty:///key", { 0, NULL, 0, ERR_UNREACHABLE },
		  ERR_UNREACHABLE, "pagerduty: scripted" },
	};

	(void)state;
	letters_expect_failures(cases, N(cases));
}

#define PEOPLE(key) "opsgenie: an element of '" key "' is not team:NAME, " \
    "user:NAME, escalation:NAME or schedule:NAME"
#define CONTEXTS "pagerduty: the value of 'contexts' is neither " \
    "link:URL,image:URL nor such a JSON list"

static void
urls_that_cannot_work_are_refused(void **state)
{
	static const struct letters_refusal cases[] = {
		{ "opsgenie://hidden", "opsgenie: the path is not one key "
		  "(opsgenie://HOST/KEY)", "hidden" },
		{ "opsgenie://h/hidden/x", "opsgenie: the path is not one key "
		  "(opsgenie://HOST/KEY)", "hidden" },
		{ "opsgenie:///hidden?responders=ops", PEOPLE("responders"),
		  "hidden" },
		{ "opsgenie:///hidden?responders=team:", PEOPLE("responders"),
		  "hidden" },
		{ "opsgenie:///hidden?visibleto=team:a,:b",
		  PEOPLE("visibleto"), "hidden" },
		{ "opsgenie:///hidden?visibleto=robot:b", PEOPLE("visibleto"),
		  "hidden" },
		{ "opsgenie:///hidden?details=a", "opsgenie: an element of "
		  "'details' is not NAME:VALUE", "hidden" },
		{ "opsgenie:///hidden?priority=P6", "opsgenie: the value of "
		  "'priority' is none of P1, P2, P3, P4, P5", "hidden" },
		{ "pagerduty://hidden", "pagerduty: the path is not one key "
		  "(pagerduty://HOST/KEY)", "hidden" },
		{ "pagerduty:///hidden?severity=bad", "pagerduty: the value of"
		  " 'severity' is none of critical, error, warning, info",
		  "hidden" },
		{ "pagerduty:///hidden?details=%5B%5D", "pagerduty: the value "
		  "of 'details' is not a JSON object", "hidden" },
		{ "pagerduty:///hidden?details=x", "pagerduty: the value of "
		  "'details' is not a JSON object", "hidden" },
		{ "pagerduty:///hidden?contexts=x", CONTEXTS, "hidden" },
		{ "pagerduty:///hidden?contexts=link:", CONTEXTS, "hidden" },
		{ "pagerduty:///hidden?contexts=video:x", CONTEXTS, "hidden" },
		{ "pagerduty:///hidden?contexts=%5B", CONTEXTS, "hidden" },
		{ "pagerduty:///hidden?contexts=%5B1%5D", CONTEXTS, "hidden" },
		{ "pagerduty:///hidden?contexts=%5B%7B%22type%22:%22link%22,"
		  "%22src%22:%22u%22%7D%5D", CONTEXTS, "hidden" },
	};

	(void)state;
	letters_expect_refusals(cases, N(cases));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_as_the_services_want_them),
		cmocka_unit_test(long_messages_keep_the_limits),
		cmocka_unit_test(refusals_are_errors_in_the_services_words),
		cmocka_unit_test(urls_that_cannot_work_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
