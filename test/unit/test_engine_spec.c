#define _GNU_SOURCE
#include "lib/docker/engine_json_spec.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "test/unit/engine_peer.h"

#define SERVICE(spec)							\
	"{\"ID\":\"s\",\"Version\":{\"Index\":18446744073709551615},"	\
	"\"Spec\":" spec ",\"PreviousSpec\":{\"Name\":\"old\",\"N\":1}}"
#define MODE(replicas) "\"Mode\":{\"Replicated\":" replicas "}"
#define TASK(task) "{\"TaskTemplate\":" task "}"
#define C "node.labels.x==y"

/* What a double, or a decoder that knows only its own fields, would lose. */
#define BEFORE "{\"Name\":\"a\\\"\\\\\\u00e9\\n<\"," MIDDLE
#define AFTER "{\"Name\":\"a\\\"\\\\\303\251\\n<\"," MIDDLE
#define MIDDLE "\"Labels\":{\"\":\"\"},\"TaskTemplate\":{\"Limits\":{"	\
	"\"MemoryBytes\":9007199254740993,\"Pids\":0},"			\
	"\"StopGracePeriod\":1080000000000000,\"Ratio\":0.10,"		\
	"\"E\":1E+2,\"Neg\":-9223372036854775808,"			\
	"\"Max\":18446744073709551615,\"None\":null,\"Empty\":{},"	\
	"\"List\":[1,[2,{\"x\":[]}],\"3\",\"\\\\\",true,false],"	\
	"\"Deep\":\"12\\\"34\",\"Not number 5\":\"-6\"},"		\
	"\"Mode\":{\"Replicated\":{\"Replicas\":"
#define REST "},\"Unknown\":[{\"a\":1}]},\"UpdateConfig\":{\"Delay\":1e15}}"

static const struct {
	enum spec_change_kind kind;
	unsigned long long count;
	const char *constraint;
	const char *body;
	const char *spec;	/* NULL: nothing to be written */
	unsigned long long from;	/* of SPEC_SCALE */
	unsigned long long has;
} rows[] = {
	{ SPEC_SCALE, 0, NULL, SERVICE(BEFORE "3" REST), AFTER "0" REST,
	  3, 3 },
	{ SPEC_SCALE, 1000000000000000, NULL, SERVICE(BEFORE "3" REST),
	  AFTER "1000000000000000" REST, 3, 3 },
	{ SPEC_SCALE, 3, NULL, SERVICE(BEFORE "3" REST), NULL, 3, 3 },
	{ SPEC_SCALE, 0, NULL, SERVICE(BEFORE "5" REST), NULL, 3, 5 },
	{ SPEC_SCALE, 0, NULL, SERVICE(BEFORE "0" REST), NULL, 3, 0 },
	{ SPEC_SCALE, 0, NULL, SERVICE(BEFORE "18446744073709551615" REST),
	  NULL, 0, 18446744073709551615u },
	{ SPEC_SCALE, 0, NULL, SERVICE("{\"TaskTemplate\":{}," MODE("{}") "}"),
	  "{\"TaskTemplate\":{}," MODE("{\"Replicas\":0}") "}", 1, 1 },
	{ SPEC_SCALE, 0, NULL,
	  SERVICE("{\"TaskTemplate\":{}," MODE("{\"Replicas\":null}") "}"),
	  "{\"TaskTemplate\":{}," MODE("{\"Replicas\":0}") "}", 1, 1 },
	{ SPEC_SCALE, 3, NULL, SERVICE(BEFORE "0" REST), AFTER "3" REST, 0,
	  0 },
	{ SPEC_SCALE, 3, NULL, SERVICE(BEFORE "3" REST), NULL, 0, 3 },
	{ SPEC_SCALE, 3, NULL, SERVICE(BEFORE "1" REST), NULL, 0, 1 },
	{ SPEC_SCALE, 0, NULL, SERVICE(BEFORE "0" REST), NULL, 0, 0 },
	{ SPEC_FORCE, 0, NULL, SERVICE(TASK("{\"ForceUpdate\":7}")),
	  TASK("{\"ForceUpdate\":8}") },
	{ SPEC_FORCE, 0, NULL, SERVICE(TASK("{\"R\":\"c\"}")),
	  TASK("{\"R\":\"c\",\"ForceUpdate\":1}") },
	{ SPEC_FORCE, 0, NULL, SERVICE(
	  TASK("{\"ForceUpdate\":9007199254740993}")),
	  TASK("{\"ForceUpdate\":9007199254740994}") },
	{ SPEC_FORCE, 8, NULL, SERVICE(TASK("{\"ForceUpdate\":7}")),
	  TASK("{\"ForceUpdate\":8}") },
	{ SPEC_FORCE, 8, NULL, SERVICE(TASK("{\"ForceUpdate\":8}")), NULL },
	{ SPEC_FORCE, 8, NULL, SERVICE(TASK("{\"ForceUpdate\":9}")), NULL },
	{ SPEC_CONSTRAIN, 0, C, SERVICE(TASK("{}")),
	  TASK("{\"Placement\":{\"Constraints\":[\"" C "\"]}}") },
	{ SPEC_CONSTRAIN, 0, C, SERVICE(TASK("{\"Placement\":null}")),
	  TASK("{\"Placement\":{\"Constraints\":[\"" C "\"]}}") },
	{ SPEC_CONSTRAIN, 0, C, SERVICE(TASK(
	  "{\"Placement\":{\"Constraints\":[\"b\",\"a\"],\"MaxReplicas\":2}}")),
	  TASK("{\"Placement\":{\"Constraints\":[\"b\",\"a\",\"" C "\"],"
	  "\"MaxReplicas\":2}}") },
	{ SPEC_CONSTRAIN, 0, C, SERVICE(TASK(
	  "{\"Placement\":{\"Constraints\":[\"" C "\",\"a\"]}}")), NULL },
	{ SPEC_UNCONSTRAIN, 0, C, SERVICE(TASK(
	  "{\"Placement\":{\"Constraints\":[\"b\",\"" C "\",\"a\"]}}")),
	  TASK("{\"Placement\":{\"Constraints\":[\"b\",\"a\"]}}") },
	{ SPEC_UNCONSTRAIN, 0, C, SERVICE(TASK(
	  "{\"Placement\":{\"Constraints\":[\"" C "\",\"" C "\"]}}")),
	  TASK("{\"Placement\":{\"Constraints\":[]}}") },
	{ SPEC_UNCONSTRAIN, 0, C, SERVICE(TASK(
	  "{\"Placement\":{\"Constraints\":[\"" C "2\"]}}")), NULL },
	{ SPEC_UNCONSTRAIN, 0, C, SERVICE(TASK("{}")), NULL },
};

static void
one_thing_is_changed_and_nothing_is_lost(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct spec_change change = {
			rows[i].kind, rows[i].count, rows[i].constraint,
			rows[i].from
		};
		struct spec_update update = SPEC_UPDATE_INIT;
		struct err err = ERR_INIT;

		if (engine_json_spec(rows[i].body, strlen(rows[i].body),
		    &change, &update, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		assert_true(change.has == rows[i].has);
		assert_string_equal(update.version, "18446744073709551615");
		if (rows[i].spec == NULL ? update.spec != NULL :
		    update.spec == NULL ||
		    strcmp(rows[i].spec, update.spec) != 0)
			fail_msg("row %zu: %s\n%s", i, rows[i].spec,
			    update.spec);
		spec_update_free(&update);
	}
}

static void
a_count_that_was_forced_is_remembered(void **state)
{
	static const char body[] = SERVICE(TASK("{\"ForceUpdate\":7}"));
	struct spec_change change = { SPEC_FORCE, 0, NULL };
	struct spec_update update = SPEC_UPDATE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(engine_json_spec(body, sizeof body - 1, &change,
	    &update, &err), 0);
	assert_int_equal(change.count, 8);
	spec_update_free(&update);
}

static void
what_cannot_be_written_back_is_refused(void **state)
{
	static const struct {
		struct spec_change change;
		enum err_kind kind;
		const char *body;
		const char *needle;
	} bad[] = {
		{ { SPEC_SCALE, 0, NULL }, ERR_REFUSED,
		  SERVICE("{\"TaskTemplate\":{},\"Mode\":{\"Global\":{}}}"),
		  "not a replicated one" },
		{ { SPEC_SCALE, 0, NULL }, ERR_PROTOCOL,
		  SERVICE("{\"TaskTemplate\":{}," MODE("{\"Replicas\":-1}")
		  "}"), "Spec.Mode.Replicated.Replicas is not a count" },
		{ { SPEC_SCALE, 0, NULL }, ERR_PROTOCOL,
		  SERVICE("{\"TaskTemplate\":{}," MODE("{\"Replicas\":\"1\"}")
		  "}"), "Replicas" },
		{ { SPEC_SCALE, 0, NULL }, ERR_PROTOCOL,
		  SERVICE("{\"TaskTemplate\":{}," MODE("{\"Replicas\":"
		  "18446744073709551616}") "}"), "Replicas" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL,
		  SERVICE(TASK("{\"ForceUpdate\":1.5}")), "ForceUpdate" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL,
		  SERVICE("{\"TaskTemplate\":[]}"), "Spec.TaskTemplate" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL,
		  SERVICE("null"), "Spec.TaskTemplate" },
		{ { SPEC_CONSTRAIN, 0, C }, ERR_PROTOCOL,
		  SERVICE(TASK("{\"Placement\":[]}")), "Placement" },
		{ { SPEC_CONSTRAIN, 0, C }, ERR_PROTOCOL,
		  SERVICE(TASK("{\"Placement\":{\"Constraints\":{}}}")),
		  "Placement.Constraints is not an array" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL, "{", "not JSON" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL, "[]", "Version" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL,
		  "{\"Spec\":" TASK("{}") "}", "Version.Index" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL,
		  "{\"Version\":{\"Index\":\"1\"},\"Spec\":" TASK("{}") "}",
		  "Version.Index" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL,
		  "{\"Version\":{\"Index\":-1},\"Spec\":" TASK("{}") "}",
		  "Version.Index" },
		{ { SPEC_FORCE, 0, NULL }, ERR_PROTOCOL,
		  SERVICE(TASK("{\"a\":\"b\\u0000c\"}")), "NUL" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct spec_change change = bad[i].change;
		struct spec_update update = SPEC_UPDATE_INIT;
		struct err err = ERR_INIT;
		int rc = engine_json_spec(bad[i].body, strlen(bad[i].body),
		    &change, &update, &err);

		assert_outcome(i, rc, &err, bad[i].kind, bad[i].needle);
		assert_null(update.spec);
	}
}

static void
a_nul_among_the_bytes_is_refused(void **state)
{
	static const char body[] = SERVICE(TASK("{\"a\":\"b\0c\"}"));
	struct spec_change change = { SPEC_FORCE, 0, NULL };
	struct spec_update update = SPEC_UPDATE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(engine_json_spec(body, sizeof body - 1, &change,
	    &update, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thing_is_changed_and_nothing_is_lost),
		cmocka_unit_test(a_count_that_was_forced_is_remembered),
		cmocka_unit_test(what_cannot_be_written_back_is_refused),
		cmocka_unit_test(a_nul_among_the_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
