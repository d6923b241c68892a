#include "test/unit/letters.h"

#define N(array) (sizeof (array) / sizeof (array)[0])
#define TITLE LETTERS_JSON_TITLE
#define BODY LETTERS_JSON_BODY
#define OK { 204, "" }
#define RAW LETTERS_TITLE "\n\n" LETTERS_BODY
#define TEXT "Accept: text/plain\ntype text/plain\n\n" RAW
#define JSON "Accept: application/json\n" LETTERS_TYPE_JSON

static void
requests_are_as_the_url_says(void **state)
{
	static const struct letters_case cases[] = {
		{ "generic://h", OUTCOME_FAILURE, OK,
		  "POST https://h/\n" TEXT },
		{ "generic://u:p%40@h:81/a/b/?title=x&DisableTLS=yes",
		  OUTCOME_SUCCESS, OK, "POST http://h:81/a/b/\n"
		  "Accept: text/plain\nbasic u:p@\ntype text/plain\n\n" RAW },
		{ "generic+http://h/p?disabletls=no", OUTCOME_FAILURE, OK,
		  "POST http://h/p\n" TEXT },
		{ "generic+https://h/p?disabletls=yes", OUTCOME_FAILURE, OK,
		  "POST https://h/p\n" TEXT },
		{ "generic://[::1]/p%20%C3%A4%3Fx;y:z@/?b=2%20&a=%26&C=%2B&_x="
		  "1&__y=2&__Title=t&__template=u#f", OUTCOME_FAILURE, OK,
		  "POST https://[::1]/p%20%C3%A4%3Fx;y:z@/?C=%2B&Title=t&"
		  "__y=2&_x=1&a=%26&b=2%20&template=u\n" TEXT },
		{ "generic://h/a%2Fb/c?Method=put&contentType=text/html",
		  OUTCOME_FAILURE, OK, "PUT https://h/a%2Fb/c\n" TEXT },
		{ "generic://h?template=JSON", OUTCOME_FAILURE, OK,
		  "POST https://h/\n" JSON "{\"title\":\"" TITLE
		  "\",\"message\":\"" BODY "\"}" },
		{ "generic://h?template=json&titlekey=subject&MESSAGEKEY=text"
		  "&contenttype=application/x%2Bjson&$b=%22&$A=2",
		  OUTCOME_FAILURE, OK, "POST https://h/\n"
		  "Accept: application/x+json\ntype application/x+json\n\n"
		  "{\"subject\":\"" TITLE "\",\"text\":\"" BODY "\",\"b\":"
		  "\"\\\"\",\"A\":\"2\"}" },
		{ "generic://h?template=json&$title=mine&$message=too",
		  OUTCOME_FAILURE, OK, "POST https://h/\n" JSON
		  "{\"title\":\"mine\",\"message\":\"too\"}" },
		{ "generic://h?@acceptLanguage=de&@X-API-Key=k&@x-y=%20z%20&@"
		  "APIKey=a&@authorization=Bearer%20t&@DD-API-KEY=d&@TOKEN=t",
		  OUTCOME_FAILURE, OK, "POST https://h/\n"
		  "Accept-Language: de\nX-API-Key: k\nx-y: z\nAPI-Key: a\n"
		  "Authorization: Bearer t\nDD-API-KEY: d\nTOKEN: t\n" TEXT },
		{ "generic://h?template=json&@contentType=a/b&@accept=c/d",
		  OUTCOME_FAILURE, OK, "POST https://h/\nAccept: c/d\n"
		  "type a/b\n\n{\"title\":\"" TITLE "\",\"message\":\"" BODY
		  "\"}" },
		{ "generic://h?@x=a%0aY:%20b", OUTCOME_FAILURE, OK,
		  "POST https://h/\nX: a Y: b\n" TEXT },
	};

	(void)state;
	letters_expect(cases, N(cases));
}

static void
a_status_from_400_on_is_an_error(void **state)
{
	static const struct letters_failure cases[] = {
		{ "generic://h", { 400, "no such hook\nand more" },
		  ERR_REFUSED, "generic: refused with status 400: no such "
		  "hook" },
		{ "generic://h", { 599, "<!DOCTYPE html>" }, ERR_REFUSED,
		  "generic: refused with status 599" },
		{ "generic://h", { 0, NULL, 0, ERR_TIMEOUT }, ERR_TIMEOUT,
		  "generic: scripted" },
	};

	(void)state;
	letters_expect_failures(cases, N(cases));
}

static void
urls_that_cannot_work_are_refused(void **state)
{
	static const struct letters_refusal cases[] = {
		{ "generic:///hidden", "generic: the host is missing",
		  "hidden" },
		{ "generic+ftp://h/hidden", "generic: only http or https can "
		  "follow with a plus sign", "hidden" },
		{ "generic://h/hidden?template=xml", "generic: the value of "
		  "'template' is not json", "hidden" },
		{ "generic://h/hidden?method=P%20T", "generic: the value of "
		  "'method' is not a method of HTTP", "hidden" },
		{ "generic://h/hidden?method=G1T", "generic: the value of "
		  "'method' is not a method of HTTP", "hidden" },
		{ "generic://h/hidden?disabletls=2", "generic: the value of "
		  "'disabletls' is neither yes nor no", "hidden" },
		{ "generic://h?@=hidden", "generic: what follows an '@' is not "
		  "a header's name", "hidden" },
		{ "generic://h?@a%3Ab=hidden", "generic: what follows an '@' "
		  "is not a header's name", "hidden" },
		{ "generic://h?@a%20b=hidden", "generic: what follows an '@' "
		  "is not a header's name", "hidden" },
		{ "generic://h?@%C3%A4=hidden", "generic: what follows an '@' "
		  "is not a header's name", "hidden" },
	};

	(void)state;
	letters_expect_refusals(cases, N(cases));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_as_the_url_says),
		cmocka_unit_test(a_status_from_400_on_is_an_error),
		cmocka_unit_test(urls_that_cannot_work_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
