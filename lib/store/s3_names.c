#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/store/s3_store.h"

#define BATCH 1000u		/* so many S3 takes, and lists, at once */
#define STALE_S (24 * 60 * 60)
#define PAGES_MAX 100000u	/* a server that never ends is none */

static struct store_s3 *
s3_of(struct store *store)
{
	return (struct store_s3 *)store;
}

/* The name of what lies right in the store, or NULL. */
static const char *
name_of(const struct store_s3 *s3, const char *key)
{
	const char *name = key + strlen(s3->prefix);

	if (!str_starts(key, s3->prefix) || *name == '\0' ||
	    strchr(name, '/') != NULL)
		return NULL;
	return name;
}

/* --- list ---------------------------------------------------------------- */

/* AWS sorts the query's names before it checks the signature, so they are in
 * that order here. */
static int
list_query(const struct store_s3 *s3, const char *token, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *prefix = NULL;
	CLEANUP(cleanup_free) char *escaped = NULL;

	if (http_escape(s3->prefix, &prefix, err) < 0 ||
	    (token != NULL && http_escape(token, &escaped, err) < 0))
		return -1;
	return str_format(ret, err, "%s%s%sdelimiter=%%2F&encoding-type=url&"
	    "list-type=2&max-keys=%u&prefix=%s",
	    token != NULL ? "continuation-token=" : "",
	    token != NULL ? escaped : "", token != NULL ? "&" : "", BATCH,
	    prefix);
}

static int
list_page(struct store_s3 *s3, const char *token, struct s3_listing *ret,
    struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *query = NULL;
	struct s3_request request = { .method = "GET" };

	if (list_query(s3, token, &query, err) < 0)
		return -1;
	request.query = query;
	if (s3_call(&s3->conn, &request, &answer, err) < 0 ||
	    s3_expect(&answer, err) < 0)
		return -1;
	return s3_xml_listing(answer.response.body, answer.response.body_len,
	    ret, err);
}

static int
add_entry(struct store_list *list, const char *name,
    const struct s3_object *object, struct err *err)
{
	struct store_entry *bigger;
	char *copy = NULL;

	if ((list->n & (list->n - 1)) == 0) {
		bigger = reallocarray(list->v, list->n != 0 ? 2 * list->n : 1,
		    sizeof *bigger);
		if (bigger == NULL)
			return err_nomem(err);
		list->v = bigger;
	}
	if (str_dup(name, &copy, err) < 0)
		return -1;
	list->v[list->n++] = (struct store_entry){ copy, object->bytes,
	    object->modified };
	return 0;
}

/* Hidden ones are left out, as in a directory. */
static int
add_page(const struct store_s3 *s3, const struct s3_listing *page,
    struct store_list *ret, struct err *err)
{
	size_t i;

	for (i = 0; i < page->n; i++) {
		const char *name = name_of(s3, page->v[i].key);

		if (name != NULL && *name != '.' &&
		    add_entry(ret, name, &page->v[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct store_entry *)a)->name,
	    ((const struct store_entry *)b)->name);
}

int
s3_store_list(struct store *store, struct store_list *ret, struct err *err)
{
	CLEANUP(store_list_free) struct store_list list = STORE_LIST_INIT;
	CLEANUP(cleanup_free) char *token = NULL;
	struct store_s3 *s3 = s3_of(store);
	bool more = true;
	unsigned pages;

	for (pages = 0; more; pages++) {
		CLEANUP(s3_listing_free) struct s3_listing page =
		    S3_LISTING_INIT;

		if (pages == PAGES_MAX)
			return err_set(err, ERR_PROTOCOL,
			    "the store's listing does not end");
		if (list_page(s3, token, &page, err) < 0)
			return err_add(err, "cannot list");
		if (add_page(s3, &page, &list, err) < 0)
			return -1;
		more = page.truncated;
		free(token);
		token = page.next;
		page.next = NULL;
	}
	if (list.n != 0)
		qsort(list.v, list.n, sizeof *list.v, compare_entries);
	*ret = list;
	list = (struct store_list)STORE_LIST_INIT;
	return 0;
}

/* --- remove -------------------------------------------------------------- */

static int
remove_one(struct store_s3 *s3, const char *name, struct strlist *failed,
    struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *key = NULL;
	struct s3_request request = { .method = "DELETE" };
	struct err why = ERR_INIT;

	if (str_format(&key, err, "%s%s", s3->prefix, name) < 0)
		return -1;
	request.key = key;
	if (s3_call(&s3->conn, &request, &answer, err) < 0)
		return -1;
	if (answer.response.status == 404 || s3_expect(&answer, &why) == 0)
		return 0;
	return strlist_addf(failed, err, "'%s': %s", name, why.msg);
}

static bool
fits_into_xml(const char *name)
{
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < ' ')
			return false;
	return true;
}

static void
add_escaped(struct str *s, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("&<>\"'", *text) != NULL)
			str_addf(s, "&#%d;", *text);
		else
			str_addn(s, text, 1);
	}
}

static int
make_document(const struct store_s3 *s3, const struct strlist *names,
    size_t from, size_t to, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	size_t i;

	str_add(&text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete "
	    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (i = from; i < to; i++) {
		if (!fits_into_xml(names->v[i]) || !str_is_utf8(names->v[i]))
			continue;
		str_add(&text, "<Object><Key>");
		add_escaped(&text, s3->prefix);
		add_escaped(&text, names->v[i]);
		str_add(&text, "</Key></Object>");
	}
	str_add(&text, "<Quiet>true</Quiet></Delete>");
	return str_take(&text, ret, err);
}

static int
add_failures(const struct store_s3 *s3, const struct s3_answer *answer,
    struct strlist *failed, struct err *err)
{
	CLEANUP(s3_failures_free) struct s3_failures failures =
	    S3_FAILURES_INIT;
	size_t i;

	if (s3_xml_failures(answer->response.body, answer->response.body_len,
	    &failures, err) < 0)
		return -1;
	for (i = 0; i < failures.n; i++) {
		const struct s3_failure *f = &failures.v[i];
		const char *name = name_of(s3, f->key);
		const char *message = f->message != NULL ? f->message : "";

		if (f->code != NULL && strcmp(f->code, "NoSuchKey") == 0)
			continue;
		if (strlist_addf(failed, err, "'%s': %s%s%s",
		    name != NULL ? name : f->key,
		    f->code != NULL ? f->code : "refused",
		    *message != '\0' ? ": " : "", message) < 0)
			return -1;
	}
	return 0;
}

static int
refuse_all(const struct s3_answer *answer, const struct strlist *names,
    size_t from, size_t to, struct strlist *failed, struct err *err)
{
	struct err why = ERR_INIT;

	(void)!s3_expect(answer, &why);
	for (; from < to; from++)
		if (strlist_addf(failed, err, "'%s': %s", names->v[from],
		    why.msg) < 0)
			return -1;
	return 0;
}

/* *ret_lacks: the server does not know how to remove many at once. */
static int
remove_batch(struct store_s3 *s3, const struct strlist *names, size_t from,
    size_t to, struct strlist *failed, bool *ret_lacks, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	CLEANUP(cleanup_free) char *body = NULL;
	struct s3_request request = {
		.method = "POST", .query = "delete=", .headers = &headers,
		.content_type = "application/xml"
	};

	if (make_document(s3, names, from, to, &body, err) < 0 ||
	    s3_add_md5(body, strlen(body), &headers, err) < 0)
		return -1;
	request.body = body;
	request.body_len = strlen(body);
	if (s3_call(&s3->conn, &request, &answer, err) < 0)
		return -1;
	if (s3_ok(&answer))
		return add_failures(s3, &answer, failed, err);
	*ret_lacks = answer.response.status == 501 ||
	    answer.response.status == 405 || s3_is(&answer, "NotImplemented");
	return *ret_lacks ? 0 :
	    refuse_all(&answer, names, from, to, failed, err);
}

/* One by one: all of them, or those that XML cannot name. */
static int
remove_singly(struct store_s3 *s3, const struct strlist *names, size_t from,
    size_t to, bool all, struct strlist *failed, struct err *err)
{
	for (; from < to; from++) {
		const char *name = names->v[from];

		if ((all || !fits_into_xml(name) || !str_is_utf8(name)) &&
		    remove_one(s3, name, failed, err) < 0)
			return -1;
	}
	return 0;
}

int
s3_store_remove(struct store *store, const struct strlist *names,
    struct strlist *failed, struct err *err)
{
	struct store_s3 *s3 = s3_of(store);
	bool singly = names->n == 1;
	size_t from, to;

	for (from = 0; from < names->n; from = to) {
		to = names->n - from > BATCH ? from + BATCH : names->n;
		if ((!singly && remove_batch(s3, names, from, to, failed,
		    &singly, err) < 0) ||
		    remove_singly(s3, names, from, to, singly, failed,
		    err) < 0)
			return err_add(err, "cannot remove");
	}
	return 0;
}

/* --- sweep --------------------------------------------------------------- */

static int
sweep_query(const struct store_s3 *s3, const struct s3_unfinished_list *last,
    char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *prefix = NULL;
	CLEANUP(cleanup_free) char *key = NULL;
	CLEANUP(cleanup_free) char *id = NULL;
	CLEANUP(str_free) struct str query = STR_INIT;

	if (http_escape(s3->prefix, &prefix, err) < 0 ||
	    (last->next_key != NULL &&
	    http_escape(last->next_key, &key, err) < 0) ||
	    (last->next_id != NULL &&
	    http_escape(last->next_id, &id, err) < 0))
		return -1;
	str_add(&query, "encoding-type=url");
	if (key != NULL)
		str_addf(&query, "&key-marker=%s", key);
	str_addf(&query, "&max-uploads=%u&prefix=%s", BATCH, prefix);
	if (key != NULL && id != NULL)
		str_addf(&query, "&upload-id-marker=%s", id);
	str_add(&query, "&uploads=");
	return str_take(&query, ret, err);
}

/* The next page, which replaces *page. */
static int
sweep_page(struct store_s3 *s3, struct s3_unfinished_list *page,
    struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *query = NULL;
	struct s3_request request = { .method = "GET" };

	if (sweep_query(s3, page, &query, err) < 0)
		return -1;
	s3_unfinished_list_free(page);
	request.query = query;
	if (s3_call(&s3->conn, &request, &answer, err) < 0 ||
	    s3_expect(&answer, err) < 0)
		return -1;
	return s3_xml_unfinished(answer.response.body,
	    answer.response.body_len, page, err);
}

/* One that is gone by now is a success: somebody else was faster. */
static int
abort_one(struct store_s3 *s3, const struct s3_unfinished *upload,
    struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *id = NULL;
	CLEANUP(cleanup_free) char *query = NULL;
	struct s3_request request = { .method = "DELETE",
	    .key = upload->key };

	if (http_escape(upload->id, &id, err) < 0 ||
	    str_format(&query, err, "uploadId=%s", id) < 0)
		return -1;
	request.query = query;
	if (s3_call(&s3->conn, &request, &answer, err) < 0)
		return -1;
	return answer.response.status == 404 ? 0 : s3_expect(&answer, err);
}

struct sweep {
	bool (*ours)(void *cookie, const char *name);
	void *cookie;
	time_t before;
	size_t n;
};

static int
abort_stale(struct store_s3 *s3, const struct s3_unfinished_list *page,
    struct sweep *sweep, struct err *err)
{
	size_t i;

	for (i = 0; i < page->n; i++) {
		const char *name = name_of(s3, page->v[i].key);

		if (name == NULL || page->v[i].begun >= sweep->before ||
		    !sweep->ours(sweep->cookie, name))
			continue;
		if (abort_one(s3, &page->v[i], err) < 0)
			return err_add(err, "cannot abort the upload of '%s'",
			    name);
		sweep->n++;
	}
	return 0;
}

int
s3_store_sweep(struct store *store,
    bool (*ours)(void *cookie, const char *name), void *cookie,
    size_t *ret_n, struct err *err)
{
	CLEANUP(s3_unfinished_list_free) struct s3_unfinished_list page =
	    S3_UNFINISHED_LIST_INIT;
	struct sweep sweep = { ours, cookie, clock_now() - STALE_S, 0 };
	struct store_s3 *s3 = s3_of(store);
	unsigned pages;

	for (pages = 0; pages == 0 || page.truncated; pages++) {
		if (pages == PAGES_MAX)
			return err_set(err, ERR_PROTOCOL,
			    "the store's listing of uploads does not end");
		if (sweep_page(s3, &page, err) < 0)
			return err_add(err, "cannot list unfinished uploads");
		if (abort_stale(s3, &page, &sweep, err) < 0)
			return -1;
	}
	*ret_n = sweep.n;
	return 0;
}
