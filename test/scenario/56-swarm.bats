#!/usr/bin/env bats
# Services of a real Swarm, of one node and of two.

load common
load swarm
setup_file() { swarm_start; }
teardown_file() { swarm_stop; }
setup() { swarm_setup; }
teardown() {
	rm -f "$WORK/go"	# whoever goes on in the background ends
	swarm_teardown
	[ -z "${ON_SUITE_ENGINE-}" ] || DOCKER_HOST=$ON_SUITE_ENGINE \
	    docker_teardown
}

UPDATE='^POST /v[0-9.]+/services/[^/]+/update'

@test "services are scaled to 0 while they are read, and back to their counts" {
	echo content | docker config create settings - >/dev/null
	# What must not get lost on the way through us.
	service web --replicas 2 --label vbackup.stop=true \
	    --label 'odd=<&> "\ü' --container-label a=b --env X='1 2' \
	    --hostname h --host name:10.0.0.1 --dns 10.0.0.2 \
	    --config src=settings,target=/settings,mode=0440 \
	    --limit-memory 100m --limit-pids 99 --reserve-memory 4m \
	    --ulimit nofile=1000:2000 --cap-add NET_ADMIN --init \
	    --sysctl net.ipv4.ip_default_ttl=63 --stop-grace-period 7m3s \
	    --restart-condition any --restart-delay 1234567ns \
	    --restart-window 9007199254740993ns --update-parallelism 0 \
	    --update-order start-first --rollback-max-failure-ratio 0.1 \
	    --constraint node.role==manager \
	    --placement-pref spread=node.labels.rack \
	    --health-cmd true --health-interval 1s --log-driver json-file \
	    --log-opt max-size=1m --mount type=tmpfs,dst=/t,tmpfs-size=99999
	service app --replicas 1 \
	    --label docker-volume-backup.stop-during-backup=true
	service other --replicas 1
	eventually 30 runs web 2
	eventually 30 runs app 1
	eventually 30 runs other 1
	# Those of `other` are no part of what is counted below.
	others=$(containers_of other)
	web=$(spec web) app=$(spec app)
	old=$(containers_of web)
	conf <<<"volumes = data"
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	runs web 2
	runs app 1
	[ "$(spec web)" = "$web" ]
	[ "$(spec app)" = "$app" ]
	[ "$(containers_of web)" != "$old" ]
	[ "$(containers_of other)" = "$others" ]
	# All had ended before their data was read, and none had begun again.
	[ "$(archived begin)" = 4 ]
	[ "$(archived end)" = 3 ]
	eventually 10 has_logged begin 7
	[[ $stderr == *"window:"* ]]
	[ "$(metadata '[.containers[] | .name + " " + .action] | sort |
	    join(", ")')" = "app scale, web scale" ]
	[ "$(metadata '.containers | all(.window_seconds > 0)')" = true ]
	ledger_is_empty
	store_is_clean
}

@test "a service that does not come to rest in time: no archive, it is back" {
	service web --replicas 2 --label vbackup.stop=true \
	    --stop-grace-period 10m
	eventually 30 runs web 2
	eventually 10 has_logged begin 2
	touch "$DATA/hold"
	conf <<<"volumes = data"
	ENVIRONMENT=(BACKUP_STOP_SERVICE_TIMEOUT=2s)
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 1 ]
	[[ $stderr == *"service 'web' did not come to rest in 2"*"2 of"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
	scaled web 2
	eventually 20 tasks_run web 2
}

@test "a service that cannot run again is reported, the archive is kept" {
	service web --replicas 2 --label vbackup.stop=true
	eventually 30 runs web 2
	eventually 10 has_logged begin 2
	touch "$DATA/hold"
	conf <<<"volumes = data"
	ENVIRONMENT=(BACKUP_STOP_SERVICE_TIMEOUT=4s
	    VBACKUP_QUIESCE_RESUME_RETRY=3s)
	begin_run
	eventually 20 scaled web 0
	docker service update --quiet --detach \
	    --constraint-add node.labels.nowhere==1 web >/dev/null
	rm "$DATA/hold"
	end_run
	cat "$WORK/log"
	[ "$STATUS" -eq 3 ]
	grep -q "service 'web' does not run again: .* 0 of 2 tasks .*no suitable node" \
	    "$WORK/log"
	run ! grep "all that was brought to rest runs again" "$WORK/log"
	[ "$(archived end)" = 2 ]
	[[ $(metadata '.warnings[0]') == *"'web'"* ]]
	scaled web 2
	ledger_is_empty
	# What somebody else has said holds.
	spec_has web '.TaskTemplate.Placement.Constraints ==
	    ["node.labels.nowhere==1"]'
}

@test "labelled tasks of a service are stopped, and renewed by one update" {
	service web --replicas 2 --container-label vbackup.stop=true \
	    --restart-condition on-failure --update-parallelism 0
	eventually 30 runs web 2
	eventually 10 has_logged begin 2
	before=$(spec web | jq '.TaskTemplate.ForceUpdate += 1')
	index=$(version web)
	conf <<<"volumes = data"
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	runs web 2
	diff <(spec web) <(jq -S . <<<"$before")
	[ "$(version web)" -gt "$index" ]
	[ "$(archived begin)" = 2 ]
	[ "$(archived end)" = 2 ]
	eventually 10 has_logged begin 4
	[ "$(logged end)" = 2 ]
	[ "$(metadata '[.containers[].action] | join(" ")')" = "stop stop" ]
	ledger_is_empty
}

# Its health is not known before the time is over.
@test "tasks that take long to run again are renewed only once" {
	service web --replicas 1 --container-label vbackup.stop=true \
	    --restart-condition on-failure \
	    --health-cmd true --health-interval 2500ms
	eventually 30 runs web 1
	conf <<<"volumes = data"
	ENVIRONMENT=(BACKUP_STOP_SERVICE_TIMEOUT=1s
	    VBACKUP_QUIESCE_RESUME_RETRY=3s)
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 3 ]
	[[ $stderr == *"does not run again: service 'web' runs 0 of 1 tasks"* ]]
	[[ $stderr != *"all that was brought to rest runs again"* ]]
	spec_has web '.TaskTemplate.ForceUpdate == 1'
	ledger_is_empty
	eventually 30 runs web 1
}

@test "what cannot be at rest is refused before anything is touched" {
	service any --replicas 1 --container-label vbackup.stop=true
	service both --replicas 1 --container-label vbackup.stop=true \
	    --label vbackup.stop=true --restart-condition on-failure
	service everywhere --mode global --label vbackup.stop=true
	service counted --replicas 1 --label vbackup.stop=true \
	    --label vbackup.quiesce=constraint
	service good --replicas 2 --label vbackup.stop=true
	all="any both everywhere counted good"
	eventually 30 runs good 2
	for name in any both everywhere counted; do
		eventually 30 runs $name 1
	done
	containers=$(docker ps -q | sort)
	for name in $all; do version $name; done >"$WORK/versions"
	conf <<<"volumes = data"
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"'any'"*"restart condition is 'any'"* ]]
	[[ $stderr == *"service 'both' are both labelled"* ]]
	[[ $stderr == *"'everywhere'"*"vbackup.quiesce=constraint"* ]]
	[[ $stderr == *"'counted'"*"is for global services"* ]]
	[[ $stderr != *"'good'"* ]]
	for name in $all; do version $name; done | diff "$WORK/versions" -
	[ "$(docker ps -q | sort)" = "$containers" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	# Each of them is reason enough.
	for name in any both everywhere counted; do
		docker service rm $name >/dev/null
		[ $name = counted ] || {
			run --separate-stderr vbackup run --dry-run
			[ "$status" -eq 2 ]
		}
	done
	run --separate-stderr vbackup run --dry-run
	[ "$status" -eq 0 ]
	[[ $output == *"scale   good"* ]]
	[ "$(containers_of good | wc -l)" = 2 ]
}

@test "a global service can be emptied by a constraint that is taken back" {
	service plain --mode global --label vbackup.stop=true \
	    --label vbackup.quiesce=constraint
	service placed --mode global --label vbackup.stop=true \
	    --label vbackup.quiesce=constraint \
	    --constraint node.role==manager --constraint node.hostname!=x
	eventually 30 runs plain 1
	eventually 30 runs placed 1
	eventually 10 has_logged begin 2
	plain=$(spec plain) placed=$(spec placed)
	conf <<<"volumes = data"
	touch "$DATA/hold"
	begin_run
	eventually 20 has_logged asked 2
	spec_has plain '.TaskTemplate.Placement.Constraints | length == 1'
	spec_has placed '.TaskTemplate.Placement.Constraints | length == 3'
	rm "$DATA/hold"
	end_run
	cat "$WORK/log"
	[ "$STATUS" -eq 0 ]
	runs plain 1
	runs placed 1
	diff <(spec plain) <(echo "$plain")
	diff <(spec placed) <(echo "$placed")
	[ "$(archived begin)" = 2 ]
	[ "$(archived end)" = 2 ]
	eventually 10 has_logged begin 4
	[ "$(metadata '[.containers[].action] | join(" ")')" = \
	    "constrain constrain" ]
	ledger_is_empty
}

@test "a service with no replicas stays as it is, one not to come back too" {
	service idle --replicas 0 --label vbackup.stop=true
	service gone --replicas 1 \
	    --label vbackup.stop-during-backup-no-restart=true
	eventually 30 runs gone 1
	eventually 10 has_logged begin 1
	index=$(version idle)
	conf <<<"volumes = data"
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	[ "$(version idle)" = "$index" ]
	scaled idle 0
	scaled gone 0
	[ "$(archived end)" = 1 ]
	ledger_is_empty
}

@test "others may update a service while it is at rest" {
	service web --replicas 2 --label vbackup.stop=true
	eventually 30 runs web 2
	eventually 10 has_logged begin 2
	touch "$DATA/hold" "$WORK/go" "$WORK/labels"
	conf <<<"volumes = data"
	# A client whose update comes second fails, and is not counted.
	while [ -e "$WORK/go" ]; do
		i=$((${i-0} + 1))
		docker service update --quiet --detach --label-add l$i=x web \
		    >/dev/null 2>&1 && echo l$i >>"$WORK/labels"
	done 3>&- &
	labeller=$!
	eventually 20 test_lines "$WORK/labels" 1
	begin_run
	eventually 20 scaled web 0
	n=$(wc -l <"$WORK/labels")
	eventually 20 test_lines "$WORK/labels" $((n + 3))
	rm "$DATA/hold"
	end_run
	rm "$WORK/go"
	wait $labeller || true
	cat "$WORK/log"
	[ "$STATUS" -eq 0 ]
	runs web 2
	scaled web 2
	[ "$(archived end)" = 2 ]
	spec web | jq -r '.Labels | keys[]' >"$WORK/has"
	run ! grep -vxFf "$WORK/has" "$WORK/labels"
	ledger_is_empty
}
test_lines() { (($(wc -l <"$1") >= $2)); } # FILE COUNT

# Whoever updates a service that is scaled to 0 makes Swarm (20.10) forget its
# tasks that are still coming down: it lists none, and their containers run.
@test "tasks that Swarm has forgotten are waited for" {
	service web --replicas 2 --label vbackup.stop=true \
	    --stop-grace-period 10m
	eventually 30 runs web 2
	eventually 10 has_logged begin 2
	touch "$DATA/hold"
	conf <<<"volumes = data"
	interposer
	begin_run
	eventually 20 has_logged asked 2
	docker service update --quiet --detach --label-add a=b web >/dev/null
	eventually 20 no_task_of web
	[ "$(containers_of web | wc -l)" = 2 ]
	n=$(requests "^GET .*/tasks")
	eventually 20 requests_exceed $((n + 2)) "^GET .*/tasks"
	[ "$(requests "$UPDATE")" = 1 ]
	rm "$DATA/hold"
	end_run
	cat "$WORK/log"
	[ "$STATUS" -eq 0 ]
	runs web 2
	[ "$(archived begin)" = 2 ]
	[ "$(archived end)" = 2 ]
}
no_task_of() { [[ -z $(docker service ps -q "$1") ]]; }

@test "an update that somebody else's has overtaken is made again" {
	service web --replicas 2 --label vbackup.stop=true
	eventually 30 runs web 2
	conf <<<"volumes = data"
	# Between our reading and our writing, on the way down and up.
	interposer "$UPDATE" 'case $N in
		1 | 2 | 4) docker service update --quiet --detach \
		    --label-add l$N=x web ;;
		esac >/dev/null'
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	runs web 2
	[ "$(requests "$UPDATE")" = 5 ]
	spec_has web '.Labels |
	    keys == ["l1", "l2", "l4", "vbackup.stop"]'
	[ "$(archived end)" = 2 ]
}

@test "TERM while services are at rest: exit 5, and they run" {
	service web --replicas 2 --label vbackup.stop=true \
	    --stop-grace-period 10m
	service app --replicas 1 --label vbackup.stop=true \
	    --stop-grace-period 10m
	eventually 30 runs web 2
	eventually 30 runs app 1
	eventually 10 has_logged begin 3
	before=$(spec web)
	touch "$DATA/hold"
	conf <<<"volumes = data"
	begin_run
	eventually 20 scaled web 0
	eventually 20 scaled app 0
	kill -TERM "$JOB"
	end_run
	cat "$WORK/log"
	[ "$STATUS" -eq 5 ]
	tasks_run web 2
	tasks_run app 1
	[ "$(spec web)" = "$before" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	ledger_is_empty
}

@test "KILL while services are at rest: the guardian brings them back" {
	service web --replicas 2 --label vbackup.stop=true \
	    --stop-grace-period 10m
	service app --replicas 1 --label vbackup.stop=true \
	    --stop-grace-period 10m
	service all --mode global --label vbackup.stop=true \
	    --label vbackup.quiesce=constraint --stop-grace-period 10m
	eventually 30 runs web 2
	eventually 30 runs app 1
	eventually 30 runs all 1
	eventually 10 has_logged begin 4
	touch "$DATA/hold"
	conf <<<"volumes = data"
	ENVIRONMENT=(VBACKUP_QUIESCE_RESUME_RETRY=5s)
	begin_run
	eventually 20 has_logged asked 4
	scaled web 0
	scaled app 0
	kill -KILL "$JOB"
	end_run
	[ "$STATUS" -eq 137 ]
	eventually 10 scaled web 2
	eventually 10 scaled app 1
	eventually 20 tasks_run web 2
	eventually 20 tasks_run app 1
	eventually 20 tasks_run all 1
	spec_has all '(.TaskTemplate.Placement.Constraints // []) == []'
	grep -q "the run died" "$WORK/log"
	rm "$DATA/hold"
	eventually 20 ledger_is_empty
	eventually 20 runs web 2
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	runs web 2
	runs app 1
	runs all 1
	store_is_clean
}

@test "KILL of the run and of its guardian: recover brings services back" {
	service web --replicas 2 --label vbackup.stop=true
	service all --mode global --label vbackup.stop=true \
	    --label vbackup.quiesce=constraint
	eventually 30 runs web 2
	eventually 30 runs all 1
	eventually 10 has_logged begin 3
	touch "$DATA/hold"
	conf <<<"volumes = data"
	ENVIRONMENT=(VBACKUP_QUIESCE_RESUME_RETRY=3s)
	begin_run
	eventually 20 has_logged asked 3
	guardian=$(pgrep -P "$JOB" vbackup-guard)
	kill -KILL "$guardian" "$JOB"
	end_run
	rm "$DATA/hold"
	scaled web 0
	run ! ledger_is_empty
	run --separate-stderr vbackup recover
	echo "$stderr"
	[ "$status" -eq 0 ]
	[ "$output" = "brought back: 2" ]
	scaled web 2
	eventually 20 runs web 2
	eventually 20 runs all 1
	ledger_is_empty
	run --separate-stderr vbackup recover
	[ "$output" = "brought back: 0" ]
}

@test "a volume of services is put back in place while they are at 0" {
	service web --replicas 2
	service agent --mode global
	eventually 30 runs web 2
	eventually 30 runs agent 1
	eventually 10 has_logged begin 3
	echo 1 >"$DATA/x"
	conf <<<"volumes = data"
	vbackup -q run
	web=$(spec web) agent=$(spec agent)
	old=$(containers_of web)$(containers_of agent)
	echo 2 >"$DATA/x"
	run --separate-stderr vbackup restore latest --in-place
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(cat "$DATA/x")" = 1 ]
	runs web 2
	runs agent 1
	[ "$(spec web)" = "$web" ]
	[ "$(spec agent)" = "$agent" ]
	[ "$(containers_of web)$(containers_of agent)" != "$old" ]
	[ "$(docker exec "$(containers_of agent)" cat /data/x)" = 1 ]
	ledger_is_empty
}

@test "without a Swarm a task's container is a container like any other" {
	dockerd_require
	ON_SUITE_ENGINE=$DOCKER_HOST CONTAINERS=()
	container task -v data:/data -l vbackup.stop=true \
	    -l com.docker.swarm.service.id=of-another-life busybox \
	    sh -c "$TASK"
	eventually 10 docker exec task test -s /data/log
	was=$(started_at task)
	conf <<<"volumes = data"
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	running task
	[ "$(started_at task)" != "$was" ]
	[ "$(archived end)" = 1 ]
	ledger_is_empty
}

@test "tasks on every node are waited for" {
	swarm_join
	docker -H "$SWARM_HOST_2" volume create data >/dev/null
	far=$(docker -H "$SWARM_HOST_2" volume inspect -f '{{.Mountpoint}}' \
	    data)
	service web --replicas 2 --replicas-max-per-node 1 \
	    --label vbackup.stop=true --stop-grace-period 10m
	eventually 30 tasks_run web 2
	[ "$(containers_of web | wc -l)" = 1 ]
	eventually 10 test -s "$DATA/log"
	eventually 10 test -s "$far/log"
	touch "$far/hold"
	conf <<<"volumes = data"
	interposer
	begin_run
	eventually 20 grep -q asked "$far/log"
	eventually 20 no_container_of web
	# Here all is quiet, and still it asks.
	n=$(requests "^GET .*/tasks")
	eventually 20 requests_exceed $((n + 2)) "^GET .*/tasks"
	[ "$(requests "$UPDATE")" = 1 ]
	[ -z "$(ls -A "$ARCHIVE")" ] || [ -z "$(tar -t -f \
	    "$ARCHIVE"/.vbackup-partial-* 2>/dev/null)" ]
	rm "$far/hold"
	end_run
	cat "$WORK/log"
	[ "$STATUS" -eq 0 ]
	tasks_run web 2
	[ "$(requests "$UPDATE")" = 2 ]
	[ "$(archived end)" = 1 ]
	[ "$(grep -c end "$far/log")" = 1 ]
}
no_container_of() { [[ -z $(containers_of "$1") ]]; }

@test "on a worker only containers are known" {
	swarm_join
	service web --replicas 2 --replicas-max-per-node 1 \
	    --label vbackup.stop=true
	eventually 30 tasks_run web 2
	index=$(version web)
	DOCKER_HOST=$SWARM_HOST_2 CONTAINERS=()
	tasks=$(containers_of web)
	[ -n "$tasks" ]
	container plain -v data:/data -l vbackup.stop=true busybox \
	    sh -c "$TASK"
	DATA=$(docker volume inspect -f '{{.Mountpoint}}' data)
	eventually 10 has_logged begin 2
	was=$(started_at plain)
	conf <<<"volumes = data"
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	running plain
	[ "$(started_at plain)" != "$was" ]
	[ "$(archived end)" = 1 ]
	[ "$(containers_of web)" = "$tasks" ]
	DOCKER_HOST=$SWARM_HOST_1
	[ "$(version web)" = "$index" ]
}
