#!/usr/bin/env bats
# Volumes that cannot be read from the host, or not while they are at rest:
# through the Engine, and never empty. Sources that move while they are read.

load common
load s3

setup() {
	docker_setup
	JOB='' HELPERS=()
}

teardown() {
	local pid
	for pid in "$JOB" "${HELPERS[@]}"; do
		[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
	done
	[[ -z ${S3_DIR-} ]] || { s3_stop "$S3_DIR"; rm -rf "$S3_DIR"; }
	[[ -n ${DOCKER_HOST_TEST-} ]] || return 0
	export DOCKER_HOST=$DOCKER_HOST_TEST
	docker_teardown
	docker image inspect busybox >/dev/null 2>&1 || image_busybox
}

# vbackup in the background: $JOB is its process, $WORK/log what it says.
start_vbackup() { # ARGUMENT...
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "${ENVIRONMENT[@]}" \
	    "$VBACKUP" -c "$CONF" "$@" >"$WORK/stdout" 2>"$WORK/log" 3>&- &
	JOB=$!
}

end_vbackup() { # its exit status is in $status
	status=0
	wait "$JOB" || status=$?
	JOB=''
}

# Has the program this file open? Then it is its turn.
has_open() { [[ $(readlink /proc/"$JOB"/fd/* 2>/dev/null) == *"$1"* ]]; }

mountpoint_of() { docker volume inspect -f '{{.Mountpoint}}' "$1"; }
helpers() { docker ps -aq --filter label=vbackup.helper; }
has_helper() { [[ -n $(helpers) ]]; }

# A volume that its driver mounts only while it is used; its bytes are in
# $WORK/device.
mounted_volume() { # NAME
	mkdir "$WORK/device"
	echo x >"$WORK/device/x"
	docker volume create -o type=none -o o=bind \
	    -o device="$WORK/device" "$1" >/dev/null
}

# The volume takes long to read through the Engine, and no room: zeros.
make_it_long() { truncate -s 200G "$WORK/device/zeros"; }

# An Engine behind a proxy that refuses some requests.
proxy() { # RULE...
	python3 "$BATS_TEST_DIRNAME/engine_proxy.py" "$WORK/proxy.sock" \
	    "${DOCKER_HOST#unix://}" "$WORK/requests" "$@" 3>&- &
	HELPERS+=($!)
	eventually 10 test -S "$WORK/proxy.sock"
	sed -i "s,^host = .*,host = unix://$WORK/proxy.sock," "$CONF"
}

# The Engine at a port, as if it were on another machine. Each request's first
# line goes to $WORK/requests. An answer to one that matches PATTERN is cut
# after so many bytes.
relay() { # [PATTERN BYTES]
	python3 - "${DOCKER_HOST#unix://}" "$WORK/port" "$WORK/requests" \
	    "${1-}" "${2-0}" <<-'E' 3>&- &
		import os, re, socket, sys, threading
		target, port, log, pattern, limit = sys.argv[1:]
		lines = open(log, "a")

		def serve(client):
		    engine = socket.socket(socket.AF_UNIX)
		    engine.connect(target)
		    left = [None]

		    def ask():
		        while data := client.recv(65536):
		            line = data.split(b"\r\n")[0].decode("latin-1")
		            if line.endswith(" HTTP/1.1"):
		                print(line, file=lines, flush=True)
		                if pattern and re.search(pattern, line):
		                    left[0] = int(limit)
		            engine.sendall(data)
		        engine.shutdown(socket.SHUT_WR)

		    def answer():
		        while data := engine.recv(65536):
		            if left[0] is not None:
		                left[0] -= len(data)
		                if left[0] < 0:
		                    break
		            client.sendall(data)
		        for end in client, engine:
		            end.shutdown(socket.SHUT_RDWR)

		    for way in ask, answer:
		        threading.Thread(target=guarded, args=(way,),
		                         daemon=True).start()

		def guarded(way):
		    try:
		        way()
		    except OSError:
		        pass

		server = socket.create_server(("127.0.0.1", 0))
		with open(port + ".new", "w") as file:
		    file.write(str(server.getsockname()[1]))
		os.rename(port + ".new", port)
		while True:
		    serve(server.accept()[0])
	E
	HELPERS+=($!)
	eventually 10 test -s "$WORK/port"
	sed -i "s,^host = .*,host = tcp://127.0.0.1:$(cat "$WORK/port")," \
	    "$CONF"
}

# vbackup in a mount namespace where a shell COMMAND has changed something.
vbackup_where() { # COMMAND ARGUMENT...
	local command=$1
	shift
	unshare -m --propagation private sh -ec "$command"'
		exec "$@"' sh env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" \
	    "${ENVIRONMENT[@]}" "$VBACKUP" -c "$CONF" "$@"
}

# --- mounted only while used -------------------------------------------------

@test "a volume whose only user is stopped already is read through it" {
	mounted_volume mounted
	container off -v mounted:/deep/data busybox true
	eventually 10 stopped off
	[ -z "$(ls -A "$(mountpoint_of mounted)")" ]
	conf <<<"volumes = mounted"
	vbackup run --dry-run | grep -F "(through the Engine)"
	vbackup -q run
	[ "$(tar -tf "$(the_archive)")" = "volumes/mounted/
volumes/mounted/x" ]
	[ "$(tar -xOf "$(the_archive)" volumes/mounted/x)" = x ]
	stopped off
	[ "$(docker ps -aq | wc -l)" -eq 1 ]
}

@test "a volume that no container has is read by a helper that goes" {
	mounted_volume mounted
	conf <<<"volumes = mounted"
	vbackup -q run
	[ "$(tar -tf "$(the_archive)")" = "volumes/mounted/
volumes/mounted/x" ]
	[ -z "$(docker ps -aq)" ]
	[ "$(docker volume ls -q)" = mounted ]
	# Nothing of it was changed, and nothing stays mounted.
	[ "$(ls -A "$WORK/device")" = x ]
	[ -z "$(ls -A "$(mountpoint_of mounted)")" ]
}

@test "TERM while a helper is read: exit 5, no archive, no helper" {
	mounted_volume mounted
	make_it_long
	conf <<-E
		volumes = mounted
		compression = none
		parallelism = 1
	E
	# The estimate does not know it; the disk shall not be filled either.
	start_vbackup run
	eventually 20 has_helper
	eventually 20 eval 'find "$ARCHIVE" -size +1M | grep -q .'
	kill -TERM "$JOB"
	end_vbackup
	[ "$status" -eq 5 ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	eventually 5 eval '! has_helper'
}

@test "KILL while a helper is read: the next run removes it" {
	mounted_volume mounted
	make_it_long
	conf <<-E
		volumes = mounted
		compression = none
	E
	start_vbackup run
	eventually 20 has_helper
	eventually 20 eval 'find "$ARCHIVE" -size +1M | grep -q .'
	kill -KILL "$JOB"
	end_vbackup
	has_helper
	rm "$WORK/device/zeros"
	vbackup -q run
	[ -z "$(docker ps -aq)" ]
	[ "$(tar -xOf "$(the_archive)" volumes/mounted/x)" = x ]
	store_is_clean
}

@test "without an image to make a helper from: exit 2, nothing is touched" {
	mounted_volume mounted
	container ca -v data:/data -l vbackup.enable=true -l vbackup.stop=true \
	    busybox sh -c 'echo x >/data/x; sleep 1000'
	docker rm -f ca >/dev/null
	docker rmi busybox >/dev/null
	conf <<<"volumes = mounted, data"
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"volume 'mounted'"*"no image"* ]]
	# That one is on this host's disk.
	[[ $stderr != *"volume 'data'"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a helper that is refused: exit 1 with its volume, all run again" {
	mounted_volume mounted
	container ca -v data:/data -l vbackup.stop=true busybox \
	    sh -c 'trap "exit 0" TERM; echo x >/data/x
		while :; do sleep 0.1; done'
	eventually 10 docker exec ca test -f /data/x
	was=$(started_at ca)
	conf <<<"volumes = data, mounted"
	proxy "POST .*/containers/create=403"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"volume 'mounted'"*"refused by the proxy"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
	running ca
	[ "$(started_at ca)" != "$was" ]
	kill "${HELPERS[@]}"
	rm "$WORK/proxy.sock"
	was=$(started_at ca)
	proxy "^POST=403"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[ "$(started_at ca)" = "$was" ]
	[ -z "$(helpers)" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a volume whose last user stops after the plan is not packed empty" {
	mounted_volume mounted
	container ca -v mounted:/data busybox sleep 1000
	echo y >"$WORK/source/y"
	conf <<-E
		volumes = mounted
		sources = $WORK/source
		[hooks]
		before = docker -H $DOCKER_HOST stop -t 0 ca
	E
	run --separate-stderr vbackup run
	stopped ca
	[ "$status" -eq 1 ]
	[[ $stderr == *"volume 'mounted'"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

# --- tmpfs -------------------------------------------------------------------

@test "a tmpfs volume: stopping its only user is refused, pausing archives it" {
	docker volume create -o type=tmpfs -o device=tmpfs -o o=size=1m \
	    memory >/dev/null
	container ca -v memory:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c 'trap "exit 0" TERM
		echo x >/data/x; while :; do sleep 0.1; done'
	eventually 10 docker exec ca test -f /data/x
	was=$(started_at ca)
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"volume 'memory' is a tmpfs"*pause* ]]
	[ "$(started_at ca)" = "$was" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	ENVIRONMENT=(VBACKUP_QUIESCE_MODE=pause)
	for access in auto engine; do
		conf <<<"volume_access = $access"
		vbackup -q run
		[ "$(tar -xOf "$(the_archive)" volumes/memory/x)" = x ]
		rm "$ARCHIVE"/*
		[ "$(started_at ca)" = "$was" ]
		[ "$(docker inspect -f '{{.State.Paused}}' ca)" = false ]
	done
	# Another user that runs on keeps it where it is.
	container cb -v memory:/data busybox sleep 1000
	ENVIRONMENT=()
	conf <<<""
	vbackup -q run
	[ "$(tar -xOf "$(the_archive)" volumes/memory/x)" = x ]
	running ca
	[ "$(started_at ca)" != "$was" ]
}

# --- through the Engine ------------------------------------------------------

# Without what an Engine's stream does not hold: see lib/stream/pack_tar.h.
nasty_tree() { # DIR
	"$BUILD/test/unit/make_nasty_tree" "$1"
	# Holes come as zeros, a tebibyte of them.
	rm -r "$1/holes" "$1/acls"
	find "$1/attributes" ! -name program -type f -delete
	rm "$1/attributes/fifo" "$1/attributes/symlink"
	setfattr -x user.x "$1/attributes/directory"
	find "$1" -depth -print0 | python3 -c 'import os, sys
for path in sys.stdin.buffer.read().split(b"\0")[:-1]:
    s = os.lstat(path).st_mtime_ns // 1000000000
    os.utime(path, (s, s), follow_symlinks=False)'
}

@test "everything through the Engine: nasty, empty, large, many" {
	for volume in nasty empty large many; do
		docker volume create $volume >/dev/null
	done
	nasty_tree "$(mountpoint_of nasty)"
	head -c 1000000 /dev/urandom >"$(mountpoint_of large)/million"
	head -c 3000000 /dev/zero >"$(mountpoint_of large)/zeros"
	(cd "$(mountpoint_of many)" && seq 5000 | split -l 1 -a 4)
	find "$(mountpoint_of large)" "$(mountpoint_of many)" \
	    "$(mountpoint_of empty)" -exec touch -d @1234567890 {} +
	# Two of them have a container, which is not running.
	container off -v nasty:/some/where -v "large:/odd +%41 näme" \
	    busybox true
	eventually 10 stopped off
	conf <<-E
		volumes = nasty, empty, large, many
		compression = zst
	E
	ENVIRONMENT=(VBACKUP_BACKUP_VOLUME_ACCESS=engine)
	[ "$(vbackup run --dry-run | grep -c "(through the Engine)")" -eq 4 ]
	run --separate-stderr vbackup run
	echo "$stderr"
	[ "$status" -eq 0 ]
	[[ $stderr == *"volume 'empty' is empty"* ]]
	restore "$(the_archive)" "$WORK/out"
	for volume in nasty empty large many; do
		"$BUILD/test/unit/compare_trees" "$(mountpoint_of $volume)" \
		    "$WORK/out/volumes/$volume"
	done
	[ "$(metadata '.sources[] | select(.name == "many") | .members')" \
	    -eq 5000 ]
	[ -z "$(helpers)" ]
}

@test "the same members as from the mount point, exclusions too" {
	docker volume create data >/dev/null
	data=$(mountpoint_of data)
	mkdir -p "$data/keep/deep" "$data/cache/deep"
	touch "$data"/{keep,cache}/{a.log,b,deep/c.log,deep/d} \
	    "$data/.vbackup-partial-x"
	ln "$data/keep/b" "$data/keep/deep/b again"
	container off -v data:/data busybox true
	for access in auto engine; do
		conf <<-E
			volumes = data
			volume_access = $access
			exclude_regexp = /volumes/data/cache/deep|\.log$
		E
		vbackup -q run
		tar -tf "$(the_archive)" | sort >"$WORK/$access"
		rm "$ARCHIVE"/*
	done
	diff "$WORK/auto" "$WORK/engine"
	grep -qx 'volumes/data/keep/deep/b again' "$WORK/engine"
	[ "$(grep -c log "$WORK/engine")" -eq 0 ]
}

@test "an Engine over tcp: volumes are never read from local paths" {
	container ca -v data:/data -l vbackup.enable=true -l vbackup.stop=true \
	    busybox sh -c 'trap "exit 0" TERM; echo theirs >/data/x
		while :; do sleep 0.1; done'
	eventually 10 docker exec ca test -f /data/x
	was=$(started_at ca)
	mkdir "$WORK/decoy"
	echo ours >"$WORK/decoy/x"
	conf <<<""
	relay
	vbackup_where "mount --bind '$WORK/decoy' '$(mountpoint_of data)'" \
	    -q run
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = theirs ]
	grep -q "GET .*/archive?path=%2Fdata" "$WORK/requests"
	running ca
	[ "$(started_at ca)" != "$was" ]
}

@test "where the mount points are not there, everything is in the archive" {
	container ca -v data:/data -l vbackup.stop=true busybox \
	    sh -c 'trap "exit 0" TERM; echo x >/data/x
		while :; do sleep 0.1; done'
	docker volume create alone >/dev/null
	echo y >"$(mountpoint_of alone)/y"
	eventually 10 docker exec ca test -f /data/x
	conf <<<"volumes = data, alone"
	vbackup_where "mount -t tmpfs none '$DOCKERD_DIR/data/volumes'" -q run
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = x ]
	[ "$(tar -xOf "$(the_archive)" volumes/alone/y)" = y ]
	running ca
	[ -z "$(helpers)" ]
}

@test "a connection cut within the stream: exit 1, no archive, all run" {
	container ca -v data:/data -l vbackup.enable=true -l vbackup.stop=true \
	    busybox sh -c 'trap "exit 0" TERM
		head -c 3000000 /dev/urandom >/data/x; touch /data/ready
		while :; do sleep 0.1; done'
	eventually 10 docker exec ca test -f /data/ready
	was=$(started_at ca)
	for bytes in 0 1000000; do
		conf <<<""
		relay "GET .*/archive" $bytes
		run --separate-stderr vbackup run
		echo "$stderr"
		[ "$status" -eq 1 ]
		[[ $stderr == *"volume 'data'"* ]]
		[ -z "$(ls -A "$ARCHIVE")" ]
		running ca
		[ "$(started_at ca)" != "$was" ]
		was=$(started_at ca)
		kill "${HELPERS[@]}"
		HELPERS=()
		rm "$WORK/port"
	done
}

# --- empty now ---------------------------------------------------------------

@test "what was not empty last time and is empty now is named, exit 3" {
	docker volume create data >/dev/null
	data=$(mountpoint_of data)
	mkdir "$WORK/other"
	touch "$data/x" "$WORK/other/x" "$WORK/source/x"
	conf <<-E
		volumes = data
		sources = $WORK/other, $WORK/source
	E
	vbackup -q run
	rm "$data/x" "$WORK/other/x"
	sleep 1
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"volume 'data' is empty; in '"*"' it had 1 "* ]]
	[[ $stderr == *"directory '$WORK/other' is empty; in '"* ]]
	[[ $stderr != *"directory '$WORK/source' is empty"* ]]
	newest=$(find "$ARCHIVE" -name '*.tar.gz' | sort | tail -n 1)
	tar -tf "$newest" | grep -qx "${WORK#/}/source/x"
	[ "$(jq '.warnings | length' "$newest.metadata.json")" -eq 2 ]
	touch "$data/x" "$WORK/other/x"
	sleep 1
	vbackup -q run
	[ "$(find "$ARCHIVE" -name '*.tar.gz' | wc -l)" -eq 3 ]
	# The same through the Engine.
	rm "$data/x"
	sleep 1
	ENVIRONMENT=(VBACKUP_BACKUP_VOLUME_ACCESS=engine)
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"volume 'data' is empty"* ]]
	# It was empty already: no news.
	sleep 1
	vbackup -q run
}

@test "it is noticed where S3 is the only store, and the name has no time" {
	s3_require
	S3_DIR=$(mktemp -d /tmp/vbackup-s3.XXXXXX)
	s3_start "$S3_DIR"
	s3 mb s3://volumes
	docker volume create data >/dev/null
	data=$(mountpoint_of data)
	touch "$data/x" "$WORK/source/x"
	conf <<-E
		volumes = data
		sources = $WORK/source
		filename = the-one.tar.gz
		[s3]
		bucket = volumes
		path = some where
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
	E
	sed -i "s,^path = $ARCHIVE\$,," "$CONF"
	vbackup -q run
	rm "$data/x"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"volume 'data' is empty; in 'the-one.tar.gz'"* ]]
	touch "$data/x"
	vbackup -q run
	[ "$(s3 ls -r s3://volumes | wc -l)" -eq 2 ]
}

# --- sources that move -------------------------------------------------------

# Eight files in $WORK/source; FILES are their names in the order in which a
# directory gives them. What is done to a later one while an earlier one is
# open is done between the listing and its turn.
eight_files() {
	touch "$WORK/source"/{a,b,c,d,e,f,g,h}
	mapfile -t FILES < <(cd "$WORK/source" && ls -U)
}

# Long enough to be met while it is read.
fill() { head -c 80000000 /dev/urandom >"$1"; }

@test "what shrinks, vanishes or is replaced while it is read is named" {
	eight_files
	cd "$WORK/source"
	fill "${FILES[0]}"
	for i in 1 2 3 7; do
		echo x >"${FILES[i]}"
	done
	conf <<-E
		sources = $WORK/source
		parallelism = 1
	E
	start_vbackup run
	eventually 20 has_open "$WORK/source/${FILES[0]}"
	rm "${FILES[1]}" "${FILES[2]}" "${FILES[3]}"
	mkdir "${FILES[2]}"
	ln -s "${FILES[7]}" "${FILES[3]}"
	truncate -s 10 "${FILES[0]}"
	end_vbackup
	cat "$WORK/log"
	[ "$status" -eq 3 ]
	grep -F "'$WORK/source/${FILES[0]}' shrank" "$WORK/log"
	grep -F "'$WORK/source/${FILES[1]}' vanished" "$WORK/log"
	grep -F "'$WORK/source/${FILES[2]}' was replaced" "$WORK/log"
	grep -F "'$WORK/source/${FILES[3]}' was replaced" "$WORK/log"
	[ "$(metadata '.warnings | length')" -eq 4 ]
	restore "$(the_archive)" "$WORK/out"
	cd "$WORK/out$WORK/source"
	[ "$(stat -c %s "${FILES[0]}")" -eq 80000000 ]
	cmp -n 10 "${FILES[0]}" "$WORK/source/${FILES[0]}"
	[ ! -e "${FILES[1]}" ]
	[ "$(cat "${FILES[7]}")" = x ]
	[ "$(find . -mindepth 1 | wc -l)" -eq 5 ]
}

@test "what grows while it is read is packed as it was, exit 0" {
	eight_files
	fill "$WORK/source/${FILES[0]}"
	size=$(stat -c %s "$WORK/source/${FILES[0]}")
	conf <<-E
		sources = $WORK/source
		parallelism = 1
	E
	start_vbackup run
	eventually 20 has_open "$WORK/source/${FILES[0]}"
	echo more >>"$WORK/source/${FILES[0]}"
	end_vbackup
	[ "$status" -eq 0 ]
	grep -F "'$WORK/source/${FILES[0]}' grew" "$WORK/log"
	restore "$(the_archive)" "$WORK/out"
	truncate -s "$size" "$WORK/source/${FILES[0]}"
	cmp "$WORK/source/${FILES[0]}" "$WORK/out$WORK/source/${FILES[0]}"
}

@test "a hundred problems are named, and all of them counted" {
	install -d -o 65534 "$WORK/source" "$ARCHIVE" "$WORK/lock"
	chmod 755 "$WORK" "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" \
	    "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	(cd "$WORK/source" && seq 130 | split -l 1 -a 3)
	chmod 600 "$WORK/source"/*
	echo good >"$WORK/source/good"
	unset DOCKER_HOST
	conf <<<"sources = $WORK/source"
	chmod 644 "$CONF"
	cp "$VBACKUP" "$WORK/vbackup"
	run --separate-stderr setpriv --reuid 65534 --clear-groups \
	    env -i PATH="$PATH" "$WORK/vbackup" -c "$CONF" run
	[ "$status" -eq 3 ]
	[ "$(grep -c 'cannot read' <<<"$stderr")" -eq 100 ]
	[[ $stderr == *"130 problems in all, 100 of them named above"* ]]
	[ "$(metadata '.warnings | length')" -eq 100 ]
	[ "$(tar -xOf "$(the_archive)")" = good ]
}
