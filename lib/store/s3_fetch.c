/*
 * s3_role_fetch: the conversations of which s3_role.c says with whom.
 */
#include "lib/store/s3_role.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/http.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/store/s3_sts.h"

#define ANSWER_BYTES_MAX ((size_t)256 << 10)
#define METADATA_CONNECT_S 2.0
#define STS_CONNECT_S 5.0
#define TOTAL_S 10.0
/* A container's way to the metadata may be one hop too long for a session
 * token: then there is no answer, and v1 is still to be asked. */
#define SESSION_S 2.0
#define TRIES 3
#define PAUSE_S 0.2		/* doubled each time */
#define NAME_BYTES_MAX 256	/* of a role */

#define SESSION_PATH "/latest/api/token"
#define SESSION_TTL "X-aws-ec2-metadata-token-ttl-seconds: 21600"
#define KEYS_PATH "/latest/meta-data/iam/security-credentials/"

struct talk {
	struct http *http;
	double deadline_s;	/* by clock_mono_s */
};

static void
talk_free(struct talk *talk)
{
	http_free(talk->http);
}

static void
free_secret(char **text)
{
	str_zero(*text);
	free(*text);
}

/* A body may have keys in it. */
static void
free_answer(struct http_response *answer)
{
	str_zero(answer->body);
	http_response_free(answer);
}

static int
talk_begin(const struct s3_role *role, struct talk *ret, struct err *err)
{
	bool sts = role->kind == S3_ROLE_WEB_IDENTITY;
	struct http_endpoint endpoint = {
		.base = role->base,
		.no_proxy = !sts,	/* these are addresses of this host */
		.connect_timeout_s = sts ? STS_CONNECT_S : METADATA_CONNECT_S,
	};

	ret->deadline_s = clock_mono_s() + TOTAL_S;
	return http_new(&endpoint, &ret->http, err);
}

static bool
is_passing(long status)
{
	return status == 429 || status >= 500;
}

/* One request, and another one if the peer says that it cannot just now. */
static int
ask(const struct talk *talk, struct http_request *request,
    struct http_response *ret, struct err *err)
{
	double limit_s = request->timeout_s, pause_s = PAUSE_S;
	int tries;

	request->interruptible = true;
	request->max_body = ANSWER_BYTES_MAX;
	for (tries = 1;; tries++, pause_s *= 2) {
		double left_s = talk->deadline_s - clock_mono_s();

		if (left_s < 0.001)
			return err_set(err, ERR_TIMEOUT, "no answer in time");
		request->timeout_s = limit_s != 0 && limit_s < left_s ?
		    limit_s : left_s;
		if (http_call(talk->http, request, ret, err) < 0)
			return -1;
		if (!is_passing(ret->status) || tries == TRIES)
			return 0;
		free_answer(ret);
		if (intr_sleep(pause_s))
			return intr_check(err);
	}
}

static int
refuse(long status, const char *path, struct err *err)
{
	return err_set(err, is_passing(status) ? ERR_UNREACHABLE : ERR_REFUSED,
	    "it answers%s%s%s with status %ld", path != NULL ? " '" : "",
	    path != NULL ? path : "", path != NULL ? "'" : "", status);
}

/* What an answer means whose body was read with this result: another status
 * than 200 may come with words, but never with keys. */
static int
judge(long status, int rc, struct s3_temporary *ret, struct err *err)
{
	if (status == 200)
		return rc;
	if (rc == 0)
		s3_temporary_free(ret);
	else if (err->kind == ERR_NOMEM ||
	    (err->kind == ERR_REFUSED && !is_passing(status)))
		return -1;
	return refuse(status, NULL, err);
}

/* --- container credentials ----------------------------------------------- */

static int
fetch_container(const struct talk *talk, const struct s3_role *role,
    struct s3_temporary *ret, struct err *err)
{
	CLEANUP(free_answer) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(free_secret) char *token = NULL;
	CLEANUP(free_secret) char *line = NULL;
	const char *headers[] = { NULL, NULL };
	struct http_request request = { .method = "GET", .path = role->path,
		.headers = headers };

	if (role->token_file != NULL ?
	    s3_role_read_token(role->token_file, &token, err) < 0 :
	    role->token != NULL && str_dup(role->token, &token, err) < 0)
		return -1;
	if (token != NULL && str_format(&line, err, "Authorization: %s",
	    token) < 0)
		return -1;
	headers[0] = line;
	if (ask(talk, &request, &answer, err) < 0)
		return -1;
	return judge(answer.status, s3_temporary_json(answer.body,
	    answer.body_len, ret, err), ret, err);
}

/* --- web identity -------------------------------------------------------- */

static int
add_field(struct str *form, const char *name, const char *value,
    struct err *err)
{
	CLEANUP(free_secret) char *escaped = NULL;

	if (value == NULL)
		return 0;
	if (http_escape(value, &escaped, err) < 0)
		return -1;
	str_addf(form, "&%s=%s", name, escaped);
	return 0;
}

static int
make_form(const struct s3_role *role, char **ret, struct err *err)
{
	CLEANUP(free_secret) char *token = NULL;
	CLEANUP(str_wipe) struct str form = STR_INIT;

	if (s3_role_read_token(role->token_file, &token, err) < 0)
		return -1;
	str_add(&form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15");
	if (add_field(&form, "RoleArn", role->role_arn, err) < 0 ||
	    add_field(&form, "RoleSessionName", role->session_name, err) < 0 ||
	    add_field(&form, "WebIdentityToken", token, err) < 0)
		return -1;
	return str_take(&form, ret, err);
}

static int
fetch_web_identity(const struct talk *talk, const struct s3_role *role,
    struct s3_temporary *ret, struct err *err)
{
	CLEANUP(free_answer) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(free_secret) char *form = NULL;
	struct http_request request = { .method = "POST", .path = role->path,
		.content_type = "application/x-www-form-urlencoded" };

	if (make_form(role, &form, err) < 0)
		return -1;
	request.body = form;
	request.body_len = strlen(form);
	if (ask(talk, &request, &answer, err) < 0)
		return -1;
	return judge(answer.status, s3_sts_read(answer.body, answer.body_len,
	    ret, err), ret, err);
}

/* --- instance metadata --------------------------------------------------- */

/* One GET below the role's base; session is a header, or NULL. */
static int
get(const struct talk *talk, const struct s3_role *role, const char *path,
    const char *session, struct http_response *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *whole = NULL;
	const char *headers[] = { session, NULL };
	struct http_request request = { .method = "GET", .headers = headers };

	if (str_format(&whole, err, "%s%s", role->path, path) < 0)
		return -1;
	request.path = whole;
	if (ask(talk, &request, ret, err) < 0)
		return -1;
	if (ret->status == 200)
		return 0;
	if (ret->status == 404)
		return err_set(err, ERR_REFUSED, "it knows nothing of '%s' "
		    "(has this host a role?)", path);
	return refuse(ret->status, path, err);
}

/* A metadata service of version 1 knows nothing of sessions, or may only have
 * been told to refuse them; then *ret stays NULL. */
static int
begin_session(const struct talk *talk, const struct s3_role *role, char **ret,
    struct err *err)
{
	CLEANUP(free_answer) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *path = NULL;
	const char *const headers[] = { SESSION_TTL, NULL };
	struct http_request request = { .method = "PUT", .headers = headers,
		.timeout_s = SESSION_S };
	char *token, *p;

	if (str_format(&path, err, "%s" SESSION_PATH, role->path) < 0)
		return -1;
	request.path = path;
	if (ask(talk, &request, &answer, err) < 0)
		return err->kind == ERR_TIMEOUT ? 0 : -1;
	if (answer.status == 403 || answer.status == 404 ||
	    answer.status == 405)
		return 0;
	if (answer.status != 200)
		return refuse(answer.status, SESSION_PATH, err);
	token = str_trim(answer.body);
	for (p = token; *p > ' ' && *p != 0x7f;)
		p++;
	if (*p != '\0' || p == token)
		return err_set(err, ERR_PROTOCOL, "its session token is none");
	if (log_secret(token, err) < 0)
		return -1;
	return str_format(ret, err, "X-aws-ec2-metadata-token: %s", token);
}

/* The first line of the list is the role. */
static int
read_name(char *list, const char **ret, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-:/";
	char *name = list + strspn(list, " \t\r\n");

	name[strcspn(name, "\r\n")] = '\0';
	name = str_trim(name);
	if (*name == '\0')
		return err_set(err, ERR_REFUSED, "this host has no role");
	if (strlen(name) > NAME_BYTES_MAX ||
	    name[strspn(name, letters)] != '\0')
		return err_set(err, ERR_PROTOCOL, "it lists what is not the "
		    "name of a role");
	*ret = name;
	return 0;
}

static int
fetch_instance(const struct talk *talk, const struct s3_role *role,
    struct s3_temporary *ret, struct err *err)
{
	CLEANUP(free_answer) struct http_response list = HTTP_RESPONSE_INIT;
	CLEANUP(free_answer) struct http_response answer = HTTP_RESPONSE_INIT;
	CLEANUP(free_secret) char *session = NULL;
	CLEANUP(cleanup_free) char *path = NULL;
	const char *name = NULL;

	if (begin_session(talk, role, &session, err) < 0 ||
	    get(talk, role, KEYS_PATH, session, &list, err) < 0 ||
	    read_name(list.body, &name, err) < 0 ||
	    str_format(&path, err, KEYS_PATH "%s", name) < 0 ||
	    get(talk, role, path, session, &answer, err) < 0)
		return -1;
	return s3_temporary_json(answer.body, answer.body_len, ret, err);
}

/* --- all ----------------------------------------------------------------- */

int
s3_role_fetch(const struct s3_role *role, struct s3_temporary *ret,
    struct err *err)
{
	static const struct {
		const char *name;
		int (*fetch)(const struct talk *, const struct s3_role *,
		    struct s3_temporary *, struct err *);
	} kinds[] = {
		[S3_ROLE_WEB_IDENTITY] = { "STS", fetch_web_identity },
		[S3_ROLE_CONTAINER] = { "the container's endpoint",
		    fetch_container },
		[S3_ROLE_INSTANCE] = { "the instance metadata",
		    fetch_instance },
	};
	CLEANUP(s3_temporary_free) struct s3_temporary fetched =
	    S3_TEMPORARY_INIT;
	CLEANUP(talk_free) struct talk talk = { NULL, 0 };

	if (talk_begin(role, &talk, err) < 0 ||
	    kinds[role->kind].fetch(&talk, role, &fetched, err) < 0) {
		/* It is too late to say that nothing was touched. */
		if (err->kind == ERR_CONFIG)
			err->kind = ERR_SYSTEM;
		return err_add(err, "no keys from %s at '%s'",
		    kinds[role->kind].name, role->base);
	}
	if (fetched.expires != 0 && fetched.expires <= clock_now())
		return err_set(err, ERR_REFUSED, "no keys from %s at '%s': "
		    "those that it gives have run out (is the clock right?)",
		    kinds[role->kind].name, role->base);
	*ret = fetched;
	fetched = (struct s3_temporary)S3_TEMPORARY_INIT;
	return 0;
}
