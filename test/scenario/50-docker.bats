#!/usr/bin/env bats
# Labelled containers of a real Engine.

load common
setup() { docker_setup; }
teardown() {
	[ -z "${PROXY-}" ] || kill "$PROXY" 2>/dev/null || true
	docker_teardown
}

# An Engine behind a proxy that refuses some requests.
proxy() { # RULE...
	python3 "$BATS_TEST_DIRNAME/engine_proxy.py" "$WORK/proxy.sock" \
	    "${DOCKER_HOST#unix://}" "$WORK/requests" "$@" 3>&- &
	PROXY=$!
	eventually 10 test -S "$WORK/proxy.sock"
	sed -i "s,^host = .*,host = unix://$WORK/proxy.sock," "$CONF"
}

# The two files of counting_container agree: nothing was written meanwhile.
consistent() { # ARCHIVE VOLUME
	restore "$1" "$WORK/out"
	local data=$WORK/out/volumes/$2
	[ "$(tail -n 2 "$data/log" | head -n 1)" = "$(cat "$data/count")" ]
	[ "$(tail -n 1 "$data/log")" = end ]
}

@test "a labelled container is stopped, packed consistently, and runs again" {
	counting_container counter data -l vbackup.enable=true \
	    -l docker-volume-backup.stop-during-backup=true
	container bystander -v other:/data -l vbackup.enable=true busybox \
	    sh -c 'echo x >/data/x; sleep 1000'
	before=$(started_at bystander)
	was=$(started_at counter)
	sleep 1
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	consistent "$(the_archive)" data
	[ -f "$WORK/out/volumes/other/x" ]
	running counter
	[ "$(started_at counter)" != "$was" ]
	[ "$(started_at bystander)" = "$before" ]
	[[ $stderr == *"window:"* ]]
	[ "$(metadata '.containers | length')" = 1 ]
	[ "$(metadata '.containers[0].name')" = counter ]
	[ "$(metadata '.containers[0].window_seconds > 0')" = true ]
	[ "$(metadata '.sources[0] | .type + .name + .driver')" = \
	    volumedatalocal ]
	store_is_clean
}

@test "a container that was not running is not started, its volume is packed" {
	container off -v data:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c 'echo x >/data/x'
	eventually 10 stopped off
	was=$(started_at off)
	conf <<<""
	vbackup -q run
	stopped off
	[ "$(started_at off)" = "$was" ]
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = x ]
}

@test "only the stop label's value stops" {
	container one -v data:/data -l vbackup.enable=true \
	    -l vbackup.stop=night busybox sh -c 'echo x >/data/x; sleep 1000'
	was=$(started_at one)
	eventually 10 docker exec one test -f /data/x
	conf <<<""
	vbackup -q run
	[ "$(started_at one)" = "$was" ]
	ENVIRONMENT=(BACKUP_STOP_CONTAINER_LABEL=night)
	sleep 1
	vbackup -q run
	[ "$(started_at one)" != "$was" ]
}

@test "dependents stop before what they depend on, and start after it" {
	project=com.docker.compose.project=shop
	service=com.docker.compose.service
	depends=com.docker.compose.depends_on
	enders='trap "exit 0" TERM; echo x >/data/x; while :; do sleep 0.1; done'
	container shop-db -v db:/data -l vbackup.enable=true \
	    -l vbackup.stop=true -l $project -l $service=db busybox \
	    sh -c "$enders"
	container shop-app -v db:/data -l vbackup.stop=true -l $project \
	    -l $service=app -l $depends=db:service_started:false busybox \
	    sh -c "$enders"
	container shop-a-web -v db:/data -l vbackup.stop=true -l $project \
	    -l $service=web -l $depends=app:service_healthy:true busybox \
	    sh -c "$enders"
	conf <<<""
	vbackup -q run
	[[ $(finished_at shop-a-web) < $(finished_at shop-app) ]]
	[[ $(finished_at shop-app) < $(finished_at shop-db) ]]
	[[ $(started_at shop-db) < $(started_at shop-app) ]]
	[[ $(started_at shop-app) < $(started_at shop-a-web) ]]
}

@test "a stop that fails: nothing is packed, what was stopped is started" {
	ender='trap "exit 0" TERM; echo x >/data/x; while :; do sleep 0.1; done'
	container ca -v data:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c "$ender"
	container cb -v data:/data -l vbackup.stop=true busybox sh -c "$ender"
	conf <<<""
	id=$(docker inspect -f '{{.Id}}' cb)
	was=$(started_at ca)
	proxy "POST .*/$id/stop=500"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"'cb'"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
	running ca
	running cb
	[ "$(started_at ca)" != "$was" ]
}

@test "a start that fails keeps the archive and no other container down" {
	ender='trap "exit 0" TERM; echo x >/data/x; while :; do sleep 0.1; done'
	for name in ca cb cc; do
		container $name -v data:/data -l vbackup.enable=true \
		    -l vbackup.stop=true busybox sh -c "$ender"
	done
	conf <<-E
		[quiesce]
		resume_retry = 5s
	E
	id=$(docker inspect -f '{{.Id}}' cb)
	proxy "POST .*/$id/start=404"
	run --separate-stderr vbackup run --json
	[ "$status" -eq 3 ]
	[[ $stderr == *"container 'cb' does not run again"* ]]
	[ "$(jq -c '.containers' <<<"$output")" = \
	    '{"all":3,"to_stop":3,"stopped":3,"errors":1}' ]
	jq -e '.outcome == "problems" and .jobs[0].window_seconds > 0 and
	    (.jobs[0].problems[0] | test("cb"))' <<<"$output"
	running ca
	stopped cb
	running cc
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = x ]
	[[ $(metadata '.warnings[0]') == *"'cb'"* ]]
}

@test "TERM during the pack: exit 5, no archive, the container runs again" {
	container big -v data:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c 'trap "exit 0" TERM
		[ -f /data/ready ] ||
		    { head -c 500000000 /dev/urandom >/data/big
		      touch /data/ready; }
		while :; do sleep 0.1; done'
	eventually 60 docker exec big test -f /data/ready
	conf <<<"parallelism = 1"
	vbackup run 2>"$WORK/log" 3>&- &
	job=$!
	eventually 30 stopped big
	eventually 30 compgen -G "$ARCHIVE/.vbackup-partial-*"
	pkill -TERM -f -- "-c $CONF run"
	status=0
	wait $job || status=$?
	[ "$status" -eq 5 ]
	running big
	[ -z "$(ls -A "$ARCHIVE")" ]
	grep -q SIGTERM "$WORK/log"
}

@test "the container runs again before a slow compression is done" {
	container big -v data:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c 'trap "exit 0" TERM
		echo x >/data/x; while :; do sleep 0.1; done'
	eventually 10 docker exec big test -f /data/x
	head -c 400000000 /dev/urandom >"$WORK/source/big"
	conf <<-E
		sources = $WORK/source
		volumes = labelled
		parallelism = 1
	E
	vbackup run 2>"$WORK/log" 3>&- &
	job=$!
	eventually 60 grep -q window: "$WORK/log"
	running big
	kill -0 $job
	wait $job
	# The volume came first, and was read before the window's end.
	[ "$(tar -tf "$(the_archive)" | head -n 1)" = volumes/data/ ]
}

@test "a volume that containers share is packed once" {
	container ca -v data:/data -l vbackup.enable=true busybox \
	    sh -c 'echo x >/data/x; sleep 1000'
	container cb -v data:/data -l vbackup.enable=true busybox sleep 1000
	conf <<<""
	vbackup -q run
	[ "$(tar -tf "$(the_archive)" | grep -c '^volumes/data/x$')" = 1 ]
}

@test "labels choose volumes, and can leave them out" {
	docker volume create -d local --label vbackup.enable=false out >/dev/null
	container ca -v in:/in -v out:/out -v narrow:/narrow \
	    -l vbackup.enable=true -l vbackup.volumes=in,out busybox \
	    sh -c 'touch /in/in /out/out /narrow/narrow; sleep 1000'
	container cb -v plain:/plain busybox sh -c 'touch /plain/p; sleep 1000'
	container cc -v no:/no -l vbackup.enable=false busybox \
	    sh -c 'touch /no/no; sleep 1000'
	eventually 10 docker exec ca test -f /narrow/narrow
	conf <<<""
	[ "$(vbackup run --dry-run | grep -c source)" = 1 ]
	vbackup run --dry-run | grep -q 'volume in '
	conf <<<"volumes = all"
	run --separate-stderr vbackup run --dry-run
	[[ $output == *"volume in "*"volume plain "* ]]
	[[ $output != *"volume out "* && $output != *"volume no "* ]]
	conf <<<"volumes = plain, no"
	run --separate-stderr vbackup run --dry-run
	[[ $output == *"volume no "* && $output == *"volume plain "* ]]
	[ "$(grep -c source <<<"$output")" = 2 ]
	conf <<<"volumes = nonsense"
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"no volume 'nonsense'"* ]]
	conf <<<"volumes = out"
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"'out'"* ]]
	conf <<<"volumes = none"
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
}

@test "wrong labels are named before anything is stopped" {
	container ca -v data:/data -l vbackup.enable=yes-please \
	    -l vbackup.stop=true busybox sleep 1000
	container cb -v data:/data -l vbackup.enable=true \
	    -l vbackup.volumes=data,nonsense busybox sleep 1000
	was=$(started_at ca)
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"'ca'"*yes-please* && $stderr == *"'cb'"*nonsense* ]]
	[ "$(started_at ca)" = "$was" ]
}

@test "bind mounts come along when asked for" {
	echo x >"$WORK/source/file"
	container ca -v data:/data -v "$WORK/source:/bind:ro" \
	    -v "${DOCKER_HOST#unix://}:/socket" -l vbackup.enable=true \
	    busybox sh -c 'echo y >/data/y; sleep 1000'
	conf <<<""
	[ "$(vbackup run --dry-run | grep -c source)" = 1 ]
	conf <<<"bind_mounts = yes"
	vbackup -q run
	[ "$(tar -xOf "$(the_archive)" "${WORK#/}/source/file")" = x ]
	! tar -tf "$(the_archive)" | grep docker.sock
}

@test "split makes a job for each project or volume" {
	project=com.docker.compose.project
	container ca -v a1:/1 -v a2:/2 -l vbackup.enable=true -l $project=alpha \
	    busybox sh -c 'echo 1 >/1/f; echo 2 >/2/f; sleep 1000'
	container cb -v b1:/1 -l vbackup.enable=true -l $project=beta \
	    -l vbackup.stop=true busybox sh -c 'trap "exit 0" TERM
		echo 3 >/1/f; while :; do sleep 0.1; done'
	container cc -v c1:/1 -l vbackup.enable=true busybox \
	    sh -c 'echo 4 >/1/f; sleep 1000'
	eventually 10 docker exec cb test -f /1/f
	conf <<<"split = project"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[ "$(tar -tf "$ARCHIVE"/alpha-*.gz | grep -c /f)" = 2 ]
	[ "$(tar -tf "$ARCHIVE"/beta-*.gz | grep -c /f)" = 1 ]
	[ "$(tar -tf "$ARCHIVE"/backup-*.gz | grep -c /f)" = 1 ]
	rm "$ARCHIVE"/*
	conf <<<"split = volume"
	vbackup -q run
	for volume in a1 a2 b1 c1; do
		tar -tf "$ARCHIVE/$volume"-*.gz | grep -q "volumes/$volume/f"
	done
	# Who uses no volume of a job is not stopped for it.
	run --separate-stderr vbackup run --dry-run
	[ "$(grep -c '  stop    cb' <<<"$output")" = 1 ]
	conf <<-E
		split = volume
		filename = same-%Y.tar.gz
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
}

@test "a dry run says who would be stopped, and stops nobody" {
	container ca -v data:/data -l vbackup.enable=true -l vbackup.stop=true \
	    busybox sleep 1000
	was=$(started_at ca)
	conf <<<""
	run --separate-stderr vbackup run --dry-run
	[ "$status" -eq 0 ]
	[[ $output == *"volume data "*"in the window"*"stop    ca"* ]]
	[ "$(started_at ca)" = "$was" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a volume that is mounted only while used is not packed empty" {
	mkdir "$WORK/device"
	docker volume create -o type=none -o o=bind \
	    -o device="$WORK/device" mounted >/dev/null
	container ca -v mounted:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c 'echo x >/data/x; sleep 1000'
	conf <<<""
	vbackup run --dry-run | grep -F "(through the Engine)"
	vbackup -q run
	[ "$(tar -xOf "$(the_archive)" volumes/mounted/x)" = x ]
	[ "$(docker inspect -f '{{.State.Running}}' ca)" = true ]
}

@test "an Engine that is configured and does not answer is an error" {
	echo x >"$WORK/source/file"
	DOCKER_HOST=unix://$WORK/nobody.sock
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *nobody.sock* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
	DOCKER_HOST=ssh://host
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	unset DOCKER_HOST
}

@test "an Engine behind a proxy that refuses to stop: nothing changes" {
	container ca -v data:/data -l vbackup.enable=true -l vbackup.stop=true \
	    busybox sh -c 'echo x >/data/x; sleep 1000'
	was=$(started_at ca)
	conf <<<""
	proxy "^POST=403"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[ "$(started_at ca)" = "$was" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "only the endpoints that a run needs are called" {
	container ca -v data:/data -l vbackup.enable=true -l vbackup.stop=true \
	    busybox sh -c 'trap "exit 0" TERM; echo x >/data/x
		while :; do sleep 0.1; done'
	conf <<<""
	proxy
	vbackup -q run
	run sed -E 's,/v1\.[0-9]+,,; s,/[0-9a-f]{64},/ID,; s, HTTP.*,,' \
	    "$WORK/requests"
	expected="GET /_ping
GET /containers/json?all=1
GET /volumes
GET /info
GET /containers/ID/json
GET /containers/ID/json
GET /containers/ID/json
POST /containers/ID/stop
POST /containers/ID/start"
	[ "$output" = "$expected" ]
}
