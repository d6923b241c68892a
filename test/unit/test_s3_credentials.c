/*
 * Keys: as they are given, and of a role, from scripted metadata and STS.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "test/unit/peer.h"
#include "test/unit/scratch.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/store/s3_credentials.h"
#include "lib/store/s3_role.h"
#include "lib/store/s3_temporary.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* --- variables ----------------------------------------------------------- */

static struct variable {
	const char *name;
	const char *value;
} variables[8];

static const char *
look_up(const char *name)
{
	size_t i;

	for (i = 0; i < LENGTH(variables); i++)
		if (variables[i].name != NULL &&
		    strcmp(variables[i].name, name) == 0)
			return variables[i].value;
	return NULL;
}

static void
set_variable(const char *name, const char *value)
{
	size_t i = 0;

	while (variables[i].name != NULL &&
	    strcmp(variables[i].name, name) != 0)
		i++;
	assert_true(i < LENGTH(variables));
	variables[i] = (struct variable){ name, value };
}

static struct scratch scratch;

static int
set_up(void **state)
{
	(void)state;
	memset(variables, 0, sizeof variables);
	scratch_new(&scratch);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	scratch_free(&scratch);
	log_close();
	return 0;
}

/* --- answers ------------------------------------------------------------- */

/* Where steps' texts live, as long as the process. */
static char *
keep(char *text)
{
	static struct strlist kept = STRLIST_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(strlist_add(&kept, text, &err), 0);
	free(text);
	return kept.v[kept.n - 1];
}

static char *PRINTF_LIKE(1, 2)
text(const char *fmt, ...)
{
	va_list args;
	char *made;

	va_start(args, fmt);
	assert_true(vasprintf(&made, fmt, args) >= 0);
	va_end(args);
	return keep(made);
}

static const char *
answer(const char *status, const char *body)
{
	return text("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
	    strlen(body), body);
}

static const char *
utc(time_t t)
{
	struct tm tm;
	char stamp[32];

	assert_non_null(gmtime_r(&t, &tm));
	assert_int_not_equal(strftime(stamp, sizeof stamp,
	    "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
	return text("%s", stamp);
}

/* Keys as instance metadata gives them, by their number. */
static const char *
keys_answer(int number, time_t life_s)
{
	return answer("200 OK", text("{\"Code\":\"Success\","
	    "\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"AKIA%d\","
	    "\"SecretAccessKey\":\"secret-%d\",\"Token\":\"token-%d\","
	    "\"Expiration\":\"%s\"}", number, number, number,
	    utc(clock_now() + life_s)));
}

static void
assert_keys(const struct s3_keys *keys, int number)
{
	assert_string_equal(keys->access_key, text("AKIA%d", number));
	assert_string_equal(keys->secret_key, text("secret-%d", number));
	assert_string_equal(keys->session_token, text("token-%d", number));
}

/* --- calls --------------------------------------------------------------- */

static struct s3_credentials *
make(const struct s3_credentials_settings *from)
{
	struct s3_credentials_settings settings = *from;
	struct s3_credentials *c = NULL;
	struct err err = ERR_INIT;

	settings.lookup = look_up;
	if (s3_credentials_new(&settings, &c, &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

static struct s3_credentials *
make_role(const char *endpoint)
{
	struct s3_credentials_settings settings = { .role_endpoint = endpoint };

	return make(&settings);
}

static void
get_keys(struct s3_credentials *c, int number)
{
	CLEANUP(s3_keys_free) struct s3_keys keys = S3_KEYS_INIT;
	struct err err = ERR_INIT;

	if (s3_credentials_get(c, &keys, &err) < 0)
		fail_msg("%s", err.msg);
	assert_keys(&keys, number);
}

static void
get_fails(struct s3_credentials *c, enum err_kind kind, const char *message)
{
	struct s3_keys keys = S3_KEYS_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(s3_credentials_get(c, &keys, &err), -1);
	if (err.kind != kind || strstr(err.msg, message) == NULL)
		fail_msg("%d: %s", (int)err.kind, err.msg);
	assert_null(strstr(err.msg, "hush"));
	assert_null(keys.access_key);
}

static void
new_fails(const struct s3_credentials_settings *from, const char *message)
{
	struct s3_credentials_settings settings = *from;
	struct s3_credentials *c = NULL;
	struct err err = ERR_INIT;

	settings.lookup = look_up;
	assert_int_equal(s3_credentials_new(&settings, &c, &err), -1);
	if (err.kind != ERR_CONFIG || strstr(err.msg, message) == NULL)
		fail_msg("%d: %s", (int)err.kind, err.msg);
	assert_null(strstr(err.msg, "hush"));
	assert_null(c);
}

static const char *
address(const struct peer *peer, const char *path)
{
	return text("http://127.0.0.1:%d%s", peer->port, path);
}

static void
finish(struct peer *peer, struct s3_credentials *c)
{
	s3_credentials_free(c);
	peer_finish(peer);
	peer_free(peer);
}

/* --- static keys --------------------------------------------------------- */

static void
given_keys_are_given_back(void **state)
{
	static const struct s3_credentials_settings settings = {
		.access_key = "AKIA1", .secret_key = "secret-1",
		.session_token = "token-1", .role_endpoint = "http://x" };
	struct s3_credentials *c = make(&settings);
	struct s3_credentials_settings less = settings;
	struct s3_keys keys;
	struct err err = ERR_INIT;
	char *masked;

	(void)state;
	get_keys(c, 1);
	get_keys(c, 1);
	assert_int_equal(log_mask("secret-1 token-1 AKIA1", &masked, &err), 0);
	assert_string_equal(masked, "*** *** AKIA1");
	free(masked);
	s3_credentials_free(c);
	less.session_token = NULL;
	c = make(&less);
	assert_int_equal(s3_credentials_get(c, &keys, &err), 0);
	assert_null(keys.session_token);
	s3_keys_free(&keys);
	s3_keys_free(&keys);	/* twice does no harm */
	s3_credentials_free(c);
	s3_credentials_free(NULL);
}

static void
half_of_it_or_nothing_is_a_wrong_setting(void **state)
{
	static const struct {
		struct s3_credentials_settings settings;
		const char *message;
	} rows[] = {
		{ { .access_key = "a" }, "without its secret half" },
		{ { .secret_key = "hush" }, "without its secret half" },
		{ { .access_key = "a", .secret_key = "",
		    .role_endpoint = "http://x" }, "without its secret half" },
		{ { .session_token = "t", .role_endpoint = "http://x" },
		    "a session token without" },
		{ { NULL }, "neither an access key nor a role" },
		{ { .role_endpoint = "" }, "neither an access key nor a role" },
		{ { .access_key = "a\nb", .secret_key = "hush" },
		    "control character" },
		{ { .access_key = "a", .secret_key = "hush",
		    .session_token = "t\r" }, "control character" },
		{ { .role_endpoint = "169.254.169.254" },
		    "is not an address with http:// or https://" },
		{ { .role_endpoint = "ftp://x" }, "is not an address" },
		{ { .role_endpoint = "http:///x" }, "no host" },
		{ { .role_endpoint = "http://a@x" }, "no host" },
		{ { .role_endpoint = "http://x/a b" }, "has a character" },
		{ { .role_endpoint = "http://x/#a" }, "has a character" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++)
		new_fails(&rows[i].settings, rows[i].message);
}

/* --- who is asked -------------------------------------------------------- */

static void
choose(const char *role_endpoint, const char *region, struct s3_role *ret)
{
	struct s3_credentials_settings settings = { .lookup = look_up,
		.role_endpoint = role_endpoint, .region = region };
	struct err err = ERR_INIT;

	if (s3_role_choose(&settings, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
web_identity_comes_before_container_before_metadata(void **state)
{
	CLEANUP(s3_role_free) struct s3_role identity = S3_ROLE_INIT;
	CLEANUP(s3_role_free) struct s3_role relative = S3_ROLE_INIT;
	CLEANUP(s3_role_free) struct s3_role full = S3_ROLE_INIT;
	CLEANUP(s3_role_free) struct s3_role instance = S3_ROLE_INIT;

	(void)state;
	scratch_write(&scratch, "token", "jwt\n", 4);
	choose("http://169.254.169.254/", NULL, &instance);
	assert_int_equal(instance.kind, S3_ROLE_INSTANCE);
	assert_string_equal(instance.base, "http://169.254.169.254");
	assert_string_equal(instance.path, "");
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    "http://169.254.170.23/v1/credentials");
	set_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "");
	choose("http://169.254.169.254", NULL, &full);
	assert_int_equal(full.kind, S3_ROLE_CONTAINER);
	assert_string_equal(full.base, "http://169.254.170.23");
	assert_string_equal(full.path, "/v1/credentials");
	set_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/c?id=1");
	choose("http://169.254.169.254", NULL, &relative);
	assert_int_equal(relative.kind, S3_ROLE_CONTAINER);
	assert_string_equal(relative.base, "http://169.254.170.2");
	assert_string_equal(relative.path, "/v2/c?id=1");
	set_variable("AWS_WEB_IDENTITY_TOKEN_FILE",
	    text("%s", scratch_path(&scratch, "token")));
	choose("https://sts.example.com", NULL, &identity);
	assert_int_equal(identity.kind, S3_ROLE_WEB_IDENTITY);
	assert_string_equal(identity.base, "https://sts.example.com");
	assert_string_equal(identity.path, "/");
	assert_string_equal(identity.session_name, "vbackup");
}

static void
without_an_endpoint_sts_is_that_of_the_region(void **state)
{
	static const struct {
		const char *region, *base;
	} rows[] = {
		{ NULL, "https://sts.amazonaws.com" },
		{ "", "https://sts.amazonaws.com" },
		{ "eu-central-1", "https://sts.eu-central-1.amazonaws.com" },
		{ "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn" },
	};
	struct s3_credentials_settings settings = { .region = "x/y" };
	size_t i;

	(void)state;
	scratch_write(&scratch, "token", "jwt", 3);
	set_variable("AWS_WEB_IDENTITY_TOKEN_FILE",
	    text("%s", scratch_path(&scratch, "token")));
	for (i = 0; i < LENGTH(rows); i++) {
		CLEANUP(s3_role_free) struct s3_role role = S3_ROLE_INIT;

		choose(NULL, rows[i].region, &role);
		assert_string_equal(role.base, rows[i].base);
	}
	new_fails(&settings, "'x/y' is not a region");
}

static void
a_container_is_asked_without_tls_only_where_that_is_safe(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
		{ "http://127.0.0.1/c", true },
		{ "http://127.9.9.9:80/c", true },
		{ "HTTP://localhost:1/c", true },
		{ "http://[::1]/c", true },
		{ "http://169.254.170.2/c", true },
		{ "http://169.254.170.23:80/c", true },
		{ "http://[fd00:ec2::23]/c", true },
		{ "http://[fd00:ec2:0::23]:80/c", true },
		{ "https://example.com/c", true },
		{ "http://example.com/c", false },
		{ "http://169.254.169.254/c", false },
		{ "http://127.0.0.1.example.com/c", false },
		{ "http://127.0.0.1@example.com/c", false },
		{ "http://example.com\\@127.0.0.1/c", false },
		{ "http://example.com#@127.0.0.1/c", false },
		{ "http://127.1/c", false },
		{ "http://[fd00:ec2::24]/c", false },
		{ "http://[::1/c", false },
		{ "http://[::1]x/c", false },
		{ "http://:80/c", false },
		{ "file:///etc/shadow", false },
		{ "/c", false },
	};
	struct s3_credentials_settings settings = { NULL };
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
		    rows[i].url);
		if (rows[i].good)
			s3_credentials_free(make(&settings));
		else
			new_fails(&settings,
			    "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	}
	set_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	    "@example.com/");
	new_fails(&settings, "does not begin with a slash");
}

/* --- instance metadata --------------------------------------------------- */

#define TTL "X-aws-ec2-metadata-token-ttl-seconds: 21600"
#define SESSION "X-aws-ec2-metadata-token: session-1"
#define ROLES "/latest/meta-data/iam/security-credentials/"

static void
instance_metadata_is_asked_with_a_session_and_once(void **state)
{
	static struct peer_step steps[3];
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	steps[0] = (struct peer_step){ .request = "PUT /latest/api/token",
		.header = TTL, .answer = answer("200 OK", "session-1") };
	steps[1] = (struct peer_step){ .request = "GET " ROLES,
		.header = SESSION, .answer = answer("200 OK", "a+b@c\nd\n") };
	steps[2] = (struct peer_step){ .request = "GET " ROLES "a+b@c",
		.header = SESSION, .answer = keys_answer(1, 3600) };
	peer = peer_start_tcp(STEPS(steps));
	c = make_role(address(peer, "/"));
	get_keys(c, 1);
	get_keys(c, 1);
	finish(peer, c);
}

static void
metadata_without_sessions_is_asked_without(void **state)
{
	static struct peer_step steps[5][3];
	static const char *const statuses[] = { "403 Forbidden",
		"404 Not Found", "405 Method Not Allowed", NULL };
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(statuses); i++) {
		struct peer_step *s = steps[i];
		struct peer *peer;
		struct s3_credentials *c;
		double begun_s = clock_mono_s();

		s[0] = (struct peer_step){ .request = "PUT /latest/api/token",
			.answer = statuses[i] != NULL ?
			answer(statuses[i], "<no>") : NULL,
			.then = statuses[i] != NULL ? PEER_KEEP : PEER_STALL };
		s[1] = (struct peer_step){ .request = "GET " ROLES,
			.no_header = "X-aws", .answer = answer("200 OK",
			"role") };
		s[2] = (struct peer_step){ .request = "GET " ROLES "role",
			.no_header = "X-aws", .answer = keys_answer(2, 3600) };
		peer = peer_start_tcp(s, 3);
		c = make_role(address(peer, ""));
		get_keys(c, 2);
		assert_true(clock_mono_s() - begun_s < 30);
		finish(peer, c);
	}
}

static void
what_metadata_lacks_is_said(void **state)
{
	static const struct {
		const char *session, *list, *keys;	/* status and body */
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ "400 Bad Request", NULL, NULL, ERR_REFUSED,
		    "it answers '/latest/api/token' with status 400" },
		{ "200 OK|a b", NULL, NULL, ERR_PROTOCOL,
		    "its session token is none" },
		{ "200 OK|", NULL, NULL, ERR_PROTOCOL,
		    "its session token is none" },
		{ "200 OK|t", "404 Not Found", NULL, ERR_REFUSED,
		    "has this host a role?" },
		{ "200 OK|t", "401 Unauthorized", NULL, ERR_REFUSED,
		    "with status 401" },
		{ "200 OK|t", "200 OK|\n \n", NULL, ERR_REFUSED,
		    "this host has no role" },
		{ "200 OK|t", "200 OK|<html>", NULL, ERR_PROTOCOL,
		    "not the name of a role" },
		{ "200 OK|t", "200 OK|a b", NULL, ERR_PROTOCOL,
		    "not the name of a role" },
		{ "200 OK|t", "200 OK|r", "200 OK|{\"Code\":\"Failed\","
		    "\"Message\":\"no\\nway\"}", ERR_REFUSED,
		    "it says: Failed: no\\nway" },
		{ "200 OK|t", "200 OK|r", "500 Oops", ERR_UNREACHABLE,
		    "with status 500" },
	};
	static struct peer_step steps[LENGTH(rows)][5];
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		const char *texts[] = { rows[i].session, rows[i].list,
			rows[i].keys };
		const char *requests[] = { "PUT /latest/api/token",
			"GET " ROLES, "GET " ROLES "r" };
		struct peer *peer;
		struct s3_credentials *c;
		size_t n = 0, k;

		for (k = 0; k < 3 && texts[k] != NULL; k++) {
			const char *bar = strchrnul(texts[k], '|');
			int times = *texts[k] == '5' ? 3 : 1;

			for (; times > 0; times--)
				steps[i][n++] = (struct peer_step){
					.request = requests[k], .answer =
					answer(text("%.*s", (int)(bar -
					texts[k]), texts[k]),
					*bar != '\0' ? bar + 1 : "") };
		}
		peer = peer_start_tcp(steps[i], n);
		c = make_role(address(peer, ""));
		get_fails(c, rows[i].kind, rows[i].message);
		finish(peer, c);
	}
}

static void
a_peer_that_cannot_just_now_is_asked_again(void **state)
{
	static struct peer_step steps[3];
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	set_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc");
	steps[0] = (struct peer_step){ .request = "GET /c",
		.answer = answer("503 Slow Down", "") };
	steps[1] = (struct peer_step){ .request = "GET /c",
		.answer = answer("429 Too Many", "") };
	steps[2] = (struct peer_step){ .request = "GET /c",
		.header = "Authorization: Basic abc",
		.answer = keys_answer(3, 3600) };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	c = make_role(NULL);
	get_keys(c, 3);
	finish(peer, c);
}

static void
nobody_there_is_unreachable(void **state)
{
	struct peer *peer = peer_start_tcp(NULL, 0);
	const char *url = address(peer, "/hush/path");
	struct s3_credentials *c;

	(void)state;
	peer_finish(peer);
	peer_free(peer);
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
	c = make_role(NULL);
	get_fails(c, ERR_UNREACHABLE, "no keys from the container's endpoint "
	    "at 'http://127.0.0.1:");
	s3_credentials_free(c);
	memset(variables, 0, sizeof variables);
	c = make_role(text("%.*s", (int)strcspn(url + 7, "/") + 7, url));
	get_fails(c, ERR_UNREACHABLE, "no keys from the instance metadata");
	s3_credentials_free(c);
}

/* --- container credentials ----------------------------------------------- */

static void
answers_that_are_none_are_refused_without_a_secret(void **state)
{
	static const struct {
		const char *status, *body;
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ "200 OK", "", ERR_PROTOCOL, "is not JSON" },
		{ "200 OK", "hush", ERR_PROTOCOL, "is not JSON" },
		{ "200 OK", "[\"hush\"]", ERR_PROTOCOL, "is not JSON" },
		{ "200 OK", "{\"AccessKeyId\":\"hush\"} x", ERR_PROTOCOL,
		    "is not JSON" },
		{ "200 OK", "{}", ERR_PROTOCOL, "no access key" },
		{ "200 OK", "{\"AccessKeyId\":1}", ERR_PROTOCOL,
		    "no access key" },
		{ "200 OK", "{\"AccessKeyId\":\"a\"}", ERR_PROTOCOL,
		    "no secret key" },
		{ "200 OK", "{\"AccessKeyId\":\"a\\r\\nb\"}", ERR_PROTOCOL,
		    "a malformed access key" },
		{ "200 OK", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":"
		    "\"hush\",\"Token\":\"hush\\n\"}", ERR_PROTOCOL,
		    "a malformed token" },
		{ "200 OK", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":"
		    "\"hush\",\"Expiration\":\"soon\"}", ERR_PROTOCOL,
		    "'soon' is not a time" },
		{ "200 OK", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":"
		    "\"hush\",\"Expiration\":\"2001-02-03T04:05:06Z\"}",
		    ERR_REFUSED, "have run out" },
		{ "403 Forbidden", "{\"code\":\"Denied\",\"message\":\"No\"}",
		    ERR_REFUSED, "it says: Denied: No" },
		{ "403 Forbidden", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\""
		    ":\"hush\"}", ERR_REFUSED, "with status 403" },
		{ "301 Moved", "", ERR_REFUSED, "with status 301" },
	};
	static struct peer_step steps[LENGTH(rows)];
	struct peer *peer;
	struct s3_credentials *c;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++)
		steps[i] = (struct peer_step){ .request = "GET /hush",
			.no_header = "Authorization",
			.answer = answer(rows[i].status, rows[i].body) };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/hush"));
	c = make_role(NULL);
	for (i = 0; i < LENGTH(rows); i++)
		get_fails(c, rows[i].kind, rows[i].message);
	finish(peer, c);
}

static void
what_a_peer_says_is_shown_masked_and_not_at_length(void **state)
{
	struct err err = ERR_INIT;
	char words[1000];

	(void)state;
	memset(words, 'x', sizeof words - 1);
	words[sizeof words - 1] = '\0';
	assert_int_equal(log_secret("hunter22", &err), 0);
	assert_int_equal(s3_temporary_refused("Bad", "it was hunter22\x1b",
	    &err), -1);
	assert_string_equal(err.msg, "it says: Bad: it was ***\\x1b");
	assert_int_equal(s3_temporary_refused(NULL, words, &err), -1);
	assert_true(strlen(err.msg) < 400 && str_ends(err.msg, "xxx..."));
	assert_int_equal(s3_temporary_refused("", NULL, &err), -1);
	assert_string_equal(err.msg, "it gives no reason");
}

static void
too_long_an_answer_is_refused(void **state)
{
	static struct peer_step steps[1];
	static char body[300000];
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	memset(body, ' ', sizeof body - 1);
	steps[0] = (struct peer_step){ .request = "GET /c",
		.answer = answer("200 OK", body), .then = PEER_CLOSE };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	c = make_role(NULL);
	get_fails(c, ERR_PROTOCOL, "longer than");
	finish(peer, c);
}

static void
a_token_file_is_read_again_each_time(void **state)
{
	static struct peer_step steps[2];
	struct s3_credentials_settings none = { NULL };
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	steps[0] = (struct peer_step){ .request = "GET /c",
		.header = "Authorization: one", .answer = keys_answer(1, 2) };
	steps[1] = (struct peer_step){ .request = "GET /c",
		.header = "Authorization: two", .answer = keys_answer(2, 8) };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	set_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this one");
	set_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	    text("%s", scratch_path(&scratch, "token")));
	new_fails(&none, "cannot open");
	scratch_write(&scratch, "token", " \n", 2);
	new_fails(&none, "is empty");
	scratch_write(&scratch, "token", "a\nb", 3);
	new_fails(&none, "is no token");
	scratch_write(&scratch, "token", "one\n", 4);
	c = make_role(NULL);
	get_keys(c, 1);
	scratch_write(&scratch, "token", "two", 3);
	(void)poll(NULL, 0, 2100);
	get_keys(c, 2);
	assert_int_equal(unlink(scratch_path(&scratch, "token")), 0);
	(void)poll(NULL, 0, 3500);
	get_keys(c, 2);		/* a warning, and the old ones */
	(void)poll(NULL, 0, 3000);
	get_fails(c, ERR_SYSTEM, "cannot open");
	finish(peer, c);
}

/* --- web identity -------------------------------------------------------- */

#define STS_KEYS(time)							\
	"<Credentials><SessionToken>token-7</SessionToken>"		\
	"<SecretAccessKey>secret-7</SecretAccessKey>"			\
	"<Expiration>" time "</Expiration>"				\
	"<AccessKeyId>AKIA7</AccessKeyId></Credentials>"
#define STS_ANSWER(time)						\
	"<?xml version=\"1.0\"?>\n<AssumeRoleWithWebIdentityResponse "	\
	"xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"		\
	"<AssumeRoleWithWebIdentityResult><AssumedRoleUser>"		\
	"<Arn>x</Arn></AssumedRoleUser>" STS_KEYS(time)			\
	"</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"

static void
web_identity_gets_keys_from_sts(void **state)
{
	static struct peer_step steps[1];
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	scratch_write(&scratch, "jwt", "e.y=/+\n", 7);
	set_variable("AWS_WEB_IDENTITY_TOKEN_FILE",
	    text("%s", scratch_path(&scratch, "jwt")));
	set_variable("AWS_ROLE_ARN", "arn:aws:iam::1:role/b");
	set_variable("AWS_ROLE_SESSION_NAME", "me & you");
	steps[0] = (struct peer_step){ .request = "POST /sts?x=y",
		.header = "Content-Type: application/x-www-form-urlencoded",
		.body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
		"&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fb"
		"&RoleSessionName=me%20%26%20you"
		"&WebIdentityToken=e.y%3D%2F%2B",
		.answer = answer("200 OK", STS_ANSWER("2222-01-01T00:00:00Z"))
	};
	peer = peer_start_tcp(STEPS(steps));
	c = make_role(address(peer, "/sts?x=y"));
	get_keys(c, 7);
	get_keys(c, 7);
	finish(peer, c);
}

static void
answers_of_sts_that_are_none_are_refused_without_a_secret(void **state)
{
	static const struct {
		const char *status, *body;
		enum err_kind kind;
		const char *message;
	} rows[] = {
		{ "200 OK", "", ERR_PROTOCOL, "is not XML" },
		{ "200 OK", "hush", ERR_PROTOCOL, "is not XML" },
		{ "200 OK", "{\"a\":1}", ERR_PROTOCOL, "is not XML" },
		{ "200 OK", "<a>" STS_KEYS("2222-01-01T00:00:00Z"),
		    ERR_PROTOCOL, "is not XML" },
		{ "200 OK", "<a><AccessKeyId>x</AccessKeyId></a>",
		    ERR_PROTOCOL, "no access key" },
		{ "200 OK", "<Credentials><a><AccessKeyId>x</AccessKeyId></a>"
		    "</Credentials>", ERR_PROTOCOL, "no access key" },
		{ "200 OK", "<Credentials><AccessKeyId>a&#10;b</AccessKeyId>"
		    "</Credentials>", ERR_PROTOCOL, "a malformed access key" },
		{ "200 OK", STS_ANSWER("x"), ERR_PROTOCOL,
		    "'x' is not a time" },
		{ "200 OK", STS_ANSWER("2001-01-01T00:00:00Z"), ERR_REFUSED,
		    "have run out" },
		{ "200 OK", "<!DOCTYPE a [<!ENTITY b \"hush\">]><a>&b;</a>",
		    ERR_PROTOCOL, "a document type" },
		{ "200 OK", "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		    "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
		    ERR_PROTOCOL, "nested too deep" },
		{ "403 Forbidden", "<ErrorResponse><Error><Type>Sender</Type>"
		    "<Code>ExpiredTokenException</Code><Message>Token &lt;"
		    "jwt-hidden&gt; expired</Message></Error></ErrorResponse>",
		    ERR_REFUSED, "it says: ExpiredTokenException: Token <***> "
		    "expired" },
		{ "400 Bad", "<Error><Code>No</Code></Error>", ERR_REFUSED,
		    "it says: No" },
		{ "404 Not Found", "<html><p>hush</html>", ERR_REFUSED,
		    "with status 404" },
		{ "403 Forbidden", STS_ANSWER("2222-01-01T00:00:00Z"),
		    ERR_REFUSED, "with status 403" },
	};
	static struct peer_step steps[LENGTH(rows)];
	struct peer *peer;
	struct s3_credentials *c;
	size_t i;

	(void)state;
	scratch_write(&scratch, "jwt", "jwt-hidden", 10);
	set_variable("AWS_WEB_IDENTITY_TOKEN_FILE",
	    text("%s", scratch_path(&scratch, "jwt")));
	for (i = 0; i < LENGTH(rows); i++)
		steps[i] = (struct peer_step){ .request = "POST /", .body =
			"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
			"&RoleSessionName=vbackup&WebIdentityToken=jwt-hidden",
			.answer = answer(rows[i].status, rows[i].body) };
	peer = peer_start_tcp(STEPS(steps));
	c = make_role(address(peer, ""));
	for (i = 0; i < LENGTH(rows); i++)
		get_fails(c, rows[i].kind, rows[i].message);
	finish(peer, c);
}

/* --- refresh ------------------------------------------------------------- */

static void
times_are_read_with_fractions_and_offsets(void **state)
{
	static const struct {
		const char *text;
		long long t;	/* -1: it is none */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-20T03:00:00Z", 1795143600 },
		{ "2026-11-20T03:00:00.123456Z", 1795143600 },
		{ "2026-11-20T04:00:00+01:00", 1795143600 },
		{ "2026-11-19T22:30:00-04:30", 1795143600 },
		{ "2024-02-29T23:59:60z", 1709251200 },
		{ "", -1 },
		{ "soon", -1 },
		{ "1795143600", -1 },
		{ "2026-11-20", -1 },
		{ "2026-11-20T03:00:00", -1 },
		{ "2026-11-20 03:00:00Z", -1 },
		{ "2026-11-20T03:00:00Zx", -1 },
		{ "2026-11-20T03:00:00+0100", -1 },
		{ "2026-11-20T03:00:00+01:0", -1 },
		{ "2026-11-20T03:00:00+ 1:00", -1 },
		{ "2026-11-20T03:00:00+24:00", -1 },
		{ "2026-13-20T03:00:00Z", -1 },
		{ "2026-11-32T03:00:00Z", -1 },
		{ "2026-11-20T24:00:00Z", -1 },
		{ "-026-11-20T03:00:00Z", -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct err err = ERR_INIT;
		time_t t = -1;

		assert_int_equal(s3_temporary_time(rows[i].text, &t, &err),
		    rows[i].t < 0 ? -1 : 0);
		assert_int_equal(t, rows[i].t);
	}
}

static void
keys_without_an_end_are_not_fetched_again(void **state)
{
	static struct peer_step steps[1];
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	steps[0] = (struct peer_step){ .request = "GET /c",
		.answer = answer("200 OK", "{\"AccessKeyId\":\"AKIA1\","
		"\"SecretAccessKey\":\"secret-1\",\"Token\":\"token-1\","
		"\"Expiration\":\"\"}") };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	c = make_role(NULL);
	get_keys(c, 1);
	get_keys(c, 1);
	finish(peer, c);
}

static void
old_keys_serve_while_new_ones_cannot_be_had(void **state)
{
	static struct peer_step steps[4];
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	steps[0] = (struct peer_step){ .request = "GET /c",
		.answer = keys_answer(1, 6) };
	steps[1] = (struct peer_step){ .request = "GET /c",
		.answer = answer("403 Forbidden", "") };
	steps[2] = (struct peer_step){ .request = "GET /c",
		.answer = keys_answer(2, -5) };	/* have run out */
	steps[3] = (struct peer_step){ .request = "GET /c",
		.answer = keys_answer(3, 600) };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	c = make_role(NULL);
	get_keys(c, 1);
	(void)poll(NULL, 0, 3200);
	get_keys(c, 1);		/* the refusal is a warning */
	assert_int_equal(peer->done, 2);
	get_keys(c, 1);		/* and not asked again at once */
	assert_int_equal(peer->done, 2);
	(void)poll(NULL, 0, 3000);
	get_fails(c, ERR_REFUSED, "have run out");
	get_keys(c, 3);
	finish(peer, c);
}

struct getter {
	pthread_t thread;
	struct s3_credentials *c;
	struct s3_keys keys;
	struct err err;
	int rc;
};

static void *
get_in_thread(void *data)
{
	struct getter *getter = data;

	getter->rc = s3_credentials_get(getter->c, &getter->keys,
	    &getter->err);
	return NULL;
}

static void
start(struct getter *getter, struct s3_credentials *c)
{
	*getter = (struct getter){ .c = c, .keys = S3_KEYS_INIT };
	assert_int_equal(pthread_create(&getter->thread, NULL, get_in_thread,
	    getter), 0);
}

static void
many_threads_ask_once_and_share_what_comes(void **state)
{
	static struct peer_step steps[2];
	struct getter getters[8];
	struct peer *peer;
	struct s3_credentials *c;
	size_t round, i;

	(void)state;
	steps[0] = (struct peer_step){ .request = "GET /c", .delay_s = 0.5,
		.answer = answer("403 Forbidden", "") };
	steps[1] = (struct peer_step){ .request = "GET /c", .delay_s = 0.5,
		.answer = keys_answer(1, 3600) };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	c = make_role(NULL);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < LENGTH(getters); i++)
			start(&getters[i], c);
		for (i = 0; i < LENGTH(getters); i++) {
			assert_int_equal(pthread_join(getters[i].thread,
			    NULL), 0);
			assert_int_equal(getters[i].rc, round == 0 ? -1 : 0);
			if (round == 0)
				assert_int_equal(getters[i].err.kind,
				    ERR_REFUSED);
			else
				assert_keys(&getters[i].keys, 1);
			s3_keys_free(&getters[i].keys);
		}
		assert_int_equal(peer->done, round + 1);
	}
	finish(peer, c);
}

static void
nobody_waits_for_new_keys_while_the_old_are_good(void **state)
{
	static struct peer_step steps[2];
	struct getter getter;
	struct peer *peer;
	struct s3_credentials *c;

	(void)state;
	steps[0] = (struct peer_step){ .request = "GET /c",
		.answer = keys_answer(1, 6) };
	steps[1] = (struct peer_step){ .request = "GET /c", .delay_s = 1.5,
		.answer = keys_answer(2, 3600) };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	c = make_role(NULL);
	get_keys(c, 1);
	(void)poll(NULL, 0, 3200);
	start(&getter, c);
	(void)poll(NULL, 0, 300);
	get_keys(c, 1);
	assert_int_equal(pthread_join(getter.thread, NULL), 0);
	assert_int_equal(getter.rc, 0);
	assert_keys(&getter.keys, 2);
	s3_keys_free(&getter.keys);
	get_keys(c, 2);
	finish(peer, c);
}

static void
a_peer_that_says_nothing_is_not_waited_for(void **state)
{
	static struct peer_step steps[1];
	struct peer *peer;
	struct s3_credentials *c;
	double begun_s = clock_mono_s();

	(void)state;
	steps[0] = (struct peer_step){ .request = "GET /c",
		.then = PEER_STALL };
	peer = peer_start_tcp(STEPS(steps));
	set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    address(peer, "/c"));
	c = make_role(NULL);
	get_fails(c, ERR_TIMEOUT, "no keys from the container's endpoint");
	assert_true(clock_mono_s() - begun_s < 60);
	finish(peer, c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(given_keys_are_given_back),
		TEST(half_of_it_or_nothing_is_a_wrong_setting),
		TEST(web_identity_comes_before_container_before_metadata),
		TEST(without_an_endpoint_sts_is_that_of_the_region),
		TEST(a_container_is_asked_without_tls_only_where_that_is_safe),
		TEST(instance_metadata_is_asked_with_a_session_and_once),
		TEST(metadata_without_sessions_is_asked_without),
		TEST(what_metadata_lacks_is_said),
		TEST(a_peer_that_cannot_just_now_is_asked_again),
		TEST(nobody_there_is_unreachable),
		TEST(answers_that_are_none_are_refused_without_a_secret),
		TEST(what_a_peer_says_is_shown_masked_and_not_at_length),
		TEST(too_long_an_answer_is_refused),
		TEST(a_token_file_is_read_again_each_time),
		TEST(web_identity_gets_keys_from_sts),
		TEST(answers_of_sts_that_are_none_are_refused_without_a_secret),
		TEST(times_are_read_with_fractions_and_offsets),
		TEST(keys_without_an_end_are_not_fetched_again),
		TEST(old_keys_serve_while_new_ones_cannot_be_had),
		TEST(many_threads_ask_once_and_share_what_comes),
		TEST(nobody_waits_for_new_keys_while_the_old_are_good),
		TEST(a_peer_that_says_nothing_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
