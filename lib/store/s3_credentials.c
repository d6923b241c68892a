/*
 * Static keys are temporary ones that do not run out. One thread at a time
 * asks for new ones, without the lock; meanwhile the others go on with the old
 * ones while those are good, else they wait, and share what comes of it.
 */
#include "lib/store/s3_credentials.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/store/s3_role.h"
#include "lib/store/s3_temporary.h"

#define EARLY_S 300	/* before they run out, new keys are asked for */
#define AGAIN_S 30	/* after that failed, at most, once more */

struct s3_credentials {
	struct s3_role role;
	bool has_role;
	pthread_mutex_t mutex;		/* guards what follows */
	pthread_cond_t changed;
	bool fetching;			/* somebody asks for new ones */
	unsigned long rounds;		/* how often that came to an end */
	struct s3_temporary current;	/* no keys: none yet */
	time_t due;			/* when to ask for new ones */
	struct err failure;		/* of the last round */
};

void
s3_keys_free(struct s3_keys *keys)
{
	str_zero(keys->access_key);
	free(keys->access_key);
	str_zero(keys->secret_key);
	free(keys->secret_key);
	str_zero(keys->session_token);
	free(keys->session_token);
	*keys = (struct s3_keys)S3_KEYS_INIT;
}

static int
keys_copy(const struct s3_keys *keys, struct s3_keys *ret, struct err *err)
{
	CLEANUP(s3_keys_free) struct s3_keys copy = S3_KEYS_INIT;

	if (str_dup(keys->access_key, &copy.access_key, err) < 0 ||
	    str_dup(keys->secret_key, &copy.secret_key, err) < 0 ||
	    (keys->session_token != NULL &&
	    str_dup(keys->session_token, &copy.session_token, err) < 0))
		return -1;
	*ret = copy;
	copy = (struct s3_keys)S3_KEYS_INIT;
	return 0;
}

/* --- new and free -------------------------------------------------------- */

static bool
is_given(const char *text)
{
	return text != NULL && *text != '\0';
}

static int
take_settings(struct s3_credentials *c,
    const struct s3_credentials_settings *settings, struct err *err)
{
	bool access = is_given(settings->access_key);
	bool secret = is_given(settings->secret_key);

	if (access != secret)
		return err_set(err, ERR_CONFIG, "an access key without its "
		    "secret half, or the other way round");
	if (!access && is_given(settings->session_token))
		return err_set(err, ERR_CONFIG, "a session token without an "
		    "access key");
	if (!access) {
		c->has_role = true;
		if (s3_role_choose(settings, &c->role, err) == 0)
			return 0;
		return err->kind != ERR_NOTFOUND ? -1 : err_set(err,
		    ERR_CONFIG, "there is neither an access key nor a role");
	}
	if (s3_temporary_make(settings->access_key, settings->secret_key,
	    settings->session_token, NULL, &c->current, err) == 0)
		return 0;
	return err->kind != ERR_PROTOCOL ? -1 : err_set(err, ERR_CONFIG,
	    "the access key has a control character in one of its parts");
}

static void
credentials_freep(struct s3_credentials **c)
{
	s3_credentials_free(*c);
}

int
s3_credentials_new(const struct s3_credentials_settings *settings,
    struct s3_credentials **ret, struct err *err)
{
	CLEANUP(credentials_freep) struct s3_credentials *c =
	    calloc(1, sizeof *c);

	if (c == NULL)
		return err_nomem(err);
	c->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	c->changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	if (take_settings(c, settings, err) < 0)
		return -1;
	*ret = c;
	c = NULL;
	return 0;
}

void
s3_credentials_free(struct s3_credentials *c)
{
	if (c == NULL)
		return;
	s3_role_free(&c->role);
	s3_temporary_free(&c->current);
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->mutex);
	free(c);
}

/* --- get ----------------------------------------------------------------- */

static bool
is_good(const struct s3_credentials *c)
{
	return c->current.keys.access_key != NULL &&
	    (c->current.expires == 0 || clock_now() < c->current.expires);
}

static bool
is_due(const struct s3_credentials *c)
{
	return c->has_role && (c->current.keys.access_key == NULL ||
	    (c->current.expires != 0 && clock_now() >= c->due));
}

/* Keys of a short life are asked for at half of it. */
static void
take_keys(struct s3_credentials *c, struct s3_temporary *fetched)
{
	time_t now = clock_now(), life = fetched->expires - now;

	s3_temporary_free(&c->current);
	c->current = *fetched;
	*fetched = (struct s3_temporary)S3_TEMPORARY_INIT;
	c->due = now + (life < 2 * EARLY_S ? life / 2 : life - EARLY_S);
}

/* No new keys, and old ones that will do for a while. */
static void
put_off(struct s3_credentials *c, const struct err *why)
{
	time_t now = clock_now(), left = c->current.expires - now;

	c->due = now + (left / 2 < AGAIN_S ? left / 2 : AGAIN_S);
	log_warning("%s (the old keys are good for %lld seconds more)",
	    why->msg, (long long)left);
}

/* The lock is held when it begins and when it ends, but not between. */
static int
refresh(struct s3_credentials *c, struct err *err)
{
	CLEANUP(s3_temporary_free) struct s3_temporary fetched =
	    S3_TEMPORARY_INIT;
	struct err why = ERR_INIT;
	int rc;

	c->fetching = true;
	pthread_mutex_unlock(&c->mutex);
	rc = s3_role_fetch(&c->role, &fetched, &why);
	pthread_mutex_lock(&c->mutex);
	c->fetching = false;
	c->rounds++;
	pthread_cond_broadcast(&c->changed);
	if (rc == 0) {
		take_keys(c, &fetched);
		return 0;
	}
	c->failure = why;
	if (is_good(c) && why.kind != ERR_INTERRUPTED) {
		put_off(c, &why);
		return 0;
	}
	*err = why;
	return -1;
}

/* Sees to it that the current keys are good; the lock is held. */
static int
make_good(struct s3_credentials *c, struct err *err)
{
	unsigned long rounds = c->rounds;

	while (c->fetching && !is_good(c))
		pthread_cond_wait(&c->changed, &c->mutex);
	if (c->rounds == rounds && !c->fetching && is_due(c))
		return refresh(c, err);
	if (is_good(c))
		return 0;
	*err = c->failure;
	return -1;
}

int
s3_credentials_get(struct s3_credentials *c, struct s3_keys *ret,
    struct err *err)
{
	int rc;

	pthread_mutex_lock(&c->mutex);
	rc = make_good(c, err);
	if (rc == 0)
		rc = keys_copy(&c->current.keys, ret, err);
	pthread_mutex_unlock(&c->mutex);
	return rc;
}
