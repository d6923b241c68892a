#include "lib/report/pingers.h"

#include <stdlib.h>

#include "lib/base/parallel.h"
#include "lib/config/problems.h"
#include "lib/report/ping.h"

#define LENGTH(array) (sizeof (array) / sizeof *(array))

static const enum option_id ping_settings[] = { OPTION_ID_ping_url,
	OPTION_ID_ping_kind, OPTION_ID_ping_problems };

struct pinger {			/* an audience's dead man's switch */
	struct audience *audience;
	struct ping ping;	/* url: NULL: it has none */
	bool due;		/* in this round */
	struct courier courier;
	struct report view;
	struct err err;
};

static struct ping
ping_of(const struct options *o)
{
	static const enum ping_kind kinds[] = {
		PING_AUTO, PING_HEALTHCHECKS, PING_PLAIN, PING_KUMA
	};

	return (struct ping){ .url = o->ping_url,
		.kind = kinds[o->ping_kind],
		.problems_are_success = o->ping_problems == PING_PROBLEMS_LOG,
		.body_limit = PING_BODY_BYTES };
}

int
pingers_open(const struct config *config, struct pingers *ret,
    struct strlist *problems, struct err *err)
{
	struct audience_list *list = &ret->audiences;
	size_t i;

	if (audience_make(config, ping_settings,
	    LENGTH(ping_settings), list, err) < 0)
		return -1;
	ret->v = calloc(list->n, sizeof *ret->v);
	if (ret->v == NULL)
		return err_nomem(err);
	for (i = 0; i < list->n; i++) {
		const struct options *o = list->v[i].options;
		struct pinger *pinger = &ret->v[i];

		pinger->audience = &list->v[i];
		pinger->ping = ping_of(o);
		if (o->ping_url == NULL || ping_check(&pinger->ping, err) == 0)
			continue;
		pinger->ping.url = NULL;
		if (problems_absorb(problems,
		    o->origin[OPTION_ID_ping_url].where, NULL, err) < 0)
			return -1;
	}
	return 0;
}

void
pingers_close(struct pingers *pingers)
{
	free(pingers->v);
	audience_free(&pingers->audiences);
}

void
pingers_know(struct pingers *pingers, const struct report *report)
{
	audience_fill(&pingers->audiences, report);
}

static void
begin_one(void *thing)
{
	struct pinger *pinger = thing;

	if (pinger->due && ping_start(&pinger->ping, &pinger->view,
	    &pinger->courier, &pinger->err) == 0)
		pinger->err = (struct err)ERR_INIT;
}

static void
end_one(void *thing)
{
	struct pinger *pinger = thing;

	if (pinger->due && ping_end(&pinger->ping, &pinger->view,
	    &pinger->courier, &pinger->err) == 0)
		pinger->err = (struct err)ERR_INIT;
}

void
pingers_ping(struct pingers *pingers, enum pingers_when when,
    const struct courier *courier, struct report *report)
{
	size_t i;

	for (i = 0; i < pingers->audiences.n; i++) {
		struct pinger *pinger = &pingers->v[i];

		pinger->due = pinger->ping.url != NULL &&
		    audience_concerns(pinger->audience, report);
		pinger->courier = *courier;
		pinger->view = audience_view(pinger->audience, report);
		pinger->err = (struct err)ERR_INIT;
	}
	parallel_run(when == PINGERS_START ? begin_one : end_one, pingers->v,
	    sizeof *pingers->v, pingers->audiences.n);
	for (i = 0; i < pingers->audiences.n; i++)
		if (pingers->v[i].err.kind != ERR_NONE)
			audience_failed(pingers->v[i].audience, report,
			    "ping.url", &pingers->v[i].err);
}
