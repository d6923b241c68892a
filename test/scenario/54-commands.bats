#!/usr/bin/env bats
# Commands around a job: in containers, by their labels, and on this host, by
# the configuration.

load common
setup() { docker_setup; }
teardown() {
	[ -z "${SERVER-}" ] || kill "$SERVER" 2>/dev/null || true
	docker_teardown
	[ -z "${IMAGE-}" ] || docker rmi "$IMAGE" >/dev/null
}

THEIRS=docker-volume-backup
OURS=vbackup
ENABLE=vbackup.enable=true
STOP=vbackup.stop=true

# A container with data, which is there when this returns. Its labels of
# commands are given without "-l".
idle() { # NAME LABEL...
	local name=$1 label labels=()
	shift
	for label; do labels+=(-l "$label"); done
	container "$name" -v data:/data -v "$ARCHIVE:/store:ro" \
	    --stop-signal KILL -l $ENABLE "${labels[@]}" "${OPTIONS[@]}" \
	    busybox sh -c 'echo x >/data/x; exec sleep 1000'
	eventually 10 test -s "$(data)/x"
}
OPTIONS=()

data() { docker volume inspect -f '{{.Mountpoint}}' data; }

# What commands have appended to a file in the volume, in one line.
order() { tr '\n' ' ' <"$(data)/order"; }

# What was done from the mark on: "CONTAINER: ACTION"; a command's action is
# "exec_start: " and its words.
mark() { SINCE=$(date +%s.%N); }
events() { # ACTION|ACTION...
	docker events --since "$SINCE" --until "$(date +%s.%N)" \
	    --filter type=container --format '{{
	    .Actor.Attributes.name}}: {{.Action}}' |
	    sed 's/ $//' | grep -E "^[^ ]*: ($1)" || true
}

same() { # GOT WANTED
	[[ $1 == "$2" ]] || {
		diff -u <(echo "$2") <(echo "$1") >&2
		return 1
	}
}

# Not `! grep`, which never fails a test.
lacks() { # GREP-ARGUMENT...
	! grep "$@"
}

no_archive() {
	store_is_clean
	[ -z "$(ls -A "$ARCHIVE")" ]
}

# One label for each phase that leaves its own name.
PHASES='archive-pre archive-post process-pre process-post copy-pre copy-post
    prune-pre prune-post'
leaving_names() { # PREFIX
	local phase
	for phase in $PHASES; do
		echo "$1.$phase=echo $phase >>/data/order"
	done
}

# --- phases ------------------------------------------------------------------

@test "every phase has its commands, before and after it, by either prefix" {
	labels=("$STOP")
	for phase in $PHASES; do
		labels+=("$OURS.$phase=true our $phase")
	done
	idle two "${labels[@]}"
	labels=("$STOP")
	for phase in $PHASES; do
		labels+=("$THEIRS.$phase=true their $phase")
	done
	idle one "${labels[@]}"
	conf <<<""
	mark
	vbackup -q run
	running one
	running two
	same "$(events 'exec_start|stop|start')" \
	    "one: exec_start: true their archive-pre
two: exec_start: true our archive-pre
one: exec_start: true their process-pre
two: exec_start: true our process-pre
one: stop
two: stop
two: start
one: start
one: exec_start: true their copy-pre
two: exec_start: true our copy-pre
one: exec_start: true their archive-post
two: exec_start: true our archive-post
one: exec_start: true their process-post
two: exec_start: true our process-post
one: exec_start: true their copy-post
two: exec_start: true our copy-post
one: exec_start: true their prune-pre
two: exec_start: true our prune-pre
one: exec_start: true their prune-post
two: exec_start: true our prune-post"
}

@test "what a command before the archive makes is in the archive" {
	idle one "$OURS.archive-pre=echo dump >/data/dump" \
	    "$OURS.archive-post=rm /data/dump"
	conf <<<""
	vbackup -q run
	[ "$(tar -xOf "$(the_archive)" volumes/data/dump)" = dump ]
	[ ! -e "$(data)/dump" ]
}

# A store that has nothing, takes nothing, and notes whether what is PUT or
# POSTed to it comes after the file MARK was made.
refusing_store() { # MARK LOG
	python3 - "$WORK/port" "$@" 3>&- <<-'E' &
		import http.server, os, sys
		port, mark, log = sys.argv[1:4]

		class Handler(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"

		    def answer(self, status, body=b""):
		        self.send_response(status)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        self.wfile.write(body)

		    def do_GET(self):
		        self.answer(200, b"<ListBucketResult><IsTruncated>false"
		                    b"</IsTruncated></ListBucketResult>")

		    def do_HEAD(self):	# the bucket is there
		        self.send_response(200 if self.path in ("/b", "/b/")
		                           else 404)
		        self.end_headers()

		    def do_PUT(self):
		        self.rfile.read(int(self.headers["Content-Length"]))
		        with open(log, "a") as lines:
		            print("after" if os.path.exists(mark) else "before",
		                  file=lines)
		        self.answer(403)

		    do_POST = do_PUT

		    def log_message(self, *arguments):
		        pass

		server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
		with open(port + ".new", "w") as file:
		    print(server.server_address[1], file=file)
		os.rename(port + ".new", port)
		server.serve_forever()
	E
	SERVER=$!
	eventually 10 test -f "$WORK/port"
	cat >>"$CONF" <<-E
		[s3]
		bucket = b
		endpoint = 127.0.0.1:$(<"$WORK/port")
		proto = http
		access_key_id = x
		secret_access_key = x
		retry = 0s
	E
}

@test "copy-pre is run before anything is uploaded, and everybody runs then" {
	idle one "$STOP" "$OURS.copy-pre=sleep 1; touch /data/mark"
	conf <<<""
	refusing_store "$(data)/mark" "$WORK/puts"
	run --separate-stderr vbackup run
	echo "$stderr" >&2
	[ "$status" -eq 3 ]
	[ -s "$WORK/puts" ]
	lacks before "$WORK/puts"
	# And if it fails, nothing is.
	docker rm -f one >/dev/null
	rm "$ARCHIVE"/* "$WORK/puts"
	idle one "$STOP" "$OURS.copy-pre=(exit 4)" \
	    "$OURS.copy-post=echo copy-post >>/data/order" \
	    "$OURS.archive-post=echo archive-post >>/data/order"
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"'one'"*copy-pre*"status 4"* ]]
	same "$(events 'stop|start|exec_start: sh -c .exit')" "one: stop
one: start
one: exec_start: sh -c (exit 4)"
	[ ! -e "$WORK/puts" ]
	no_archive
	running one
	[ "$(order)" = "archive-post copy-post " ]
}

@test "archives are in the store after copy-pre, and before copy-post" {
	idle one "$STOP" "$OURS.copy-pre=ls /store >/data/before" \
	    "$OURS.copy-post=ls /store >/data/after"
	mkdir "$WORK/spool"
	conf <<<"spool = $WORK/spool"
	vbackup -q run
	[ -e "$(data)/before" ]
	lacks backup- "$(data)/before"
	grep -qx "$(basename "$(the_archive)")" "$(data)/after"
}

# --- who, as whom, with what -------------------------------------------------

@test "commands run as the user of their label" {
	mkdir -m 777 "$WORK/data"
	docker volume create -o type=none -o o=bind -o device="$WORK/data" \
	    data >/dev/null
	container one -v data:/data -l $ENABLE --user 77 \
	    -l $OURS.archive-pre="id -u >/data/1" \
	    -l $OURS.archive-post="id -u >/data/2" \
	    -l $OURS.archive-post.user=88 \
	    -l $THEIRS.copy-pre="id -u >/data/3" \
	    -l $THEIRS.copy-pre.user=root \
	    -l $THEIRS.prune-pre="id -u >/data/4; id -g >>/data/4" \
	    -l $OURS.prune-pre.user=99:98 \
	    -l $THEIRS.prune-post.user=nobody \
	    busybox sh -c 'echo x >/data/x; exec sleep 1000'
	eventually 10 test -s "$WORK/data/x"
	conf <<<""
	vbackup -q run
	[ "$(cat "$WORK/data"/[1-4] | tr '\n' ' ')" = "77 88 0 99 98 " ]
}

@test "with EXEC_LABEL, only the containers that have it run commands" {
	say='echo $HOSTNAME >>/data/order'
	OPTIONS=(--hostname one)
	idle one $OURS.exec-label=db "$OURS.archive-pre=$say"
	OPTIONS=(--hostname two)
	idle two $THEIRS.exec-label=db "$THEIRS.archive-pre=$say"
	OPTIONS=(--hostname three)
	idle three $THEIRS.exec-label=web "$THEIRS.archive-pre=$say"
	OPTIONS=(--hostname four)
	idle four "$THEIRS.archive-pre=$say"
	# An early name is not filtered, as it was not.
	OPTIONS=(--hostname five)
	idle five "$THEIRS.exec-pre=$say"
	conf <<<""
	ENVIRONMENT=(EXEC_LABEL=db)
	vbackup -q run
	[ "$(order)" = "five one two " ]
	rm "$(data)/order" "$ARCHIVE"/*
	ENVIRONMENT=()
	vbackup -q run
	[ "$(order)" = "five four one three two " ]
}

@test "exec-pre and exec-post are early names, and give way to the new ones" {
	idle one "$THEIRS.exec-pre=echo pre >>/data/order" \
	    "$THEIRS.exec-post=echo post >>/data/order"
	idle two "$OURS.exec-pre=echo old >>/data/order" \
	    "$OURS.archive-pre=echo new >>/data/order"
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[ "$(order)" = "pre new post " ]
	[[ $stderr == *"'one'"*exec-pre*"early name"* ]]
	[[ $stderr == *"'two'"*exec-pre*"early name"* ]]
}

@test "one phase's command under both prefixes: exit 2, nothing is touched" {
	idle one $STOP "$OURS.archive-pre=touch /data/a" \
	    "$THEIRS.archive-pre=touch /data/b"
	idle two $STOP "$OURS.copy-pre= "
	conf <<<""
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"'one'"*archive-pre*archive-pre* ]]
	[[ $stderr == *"'two'"*copy-pre* ]]
	[ -z "$(events 'exec_start|stop')" ]
	no_archive
}

# An image that has two programs, and no shell.
image_without_shell() {
	local root=$WORK/root
	mkdir -p "$root/bin" "$root/data"
	cp "$(readlink -f "$(command -v busybox)")" "$root/bin/sleep"
	ln "$root/bin/sleep" "$root/bin/touch"
	IMAGE=without-shell
	tar -C "$root" -c . | docker import -c 'ENV PATH=/bin' - $IMAGE \
	    >/dev/null
}

@test "plain words need no shell; what only a shell knows gets one" {
	image_without_shell
	container bare -v data:/data -l $ENABLE --stop-signal KILL \
	    -l "$OURS.archive-pre=touch '/data/a b' \"/data/c;d\" /data/e\\ f" \
	    $IMAGE sleep 1000
	idle one "$OURS.archive-pre=echo \$((6 * 7)) | sed s/4/four/ >/data/sh"
	conf <<<""
	mark
	vbackup -q run
	[ "$(tar -tf "$(the_archive)" | sort | tail -n +2 | tr '\n' '|')" = \
	    "volumes/data/a b|volumes/data/c;d|volumes/data/e f|volumes/data/sh|volumes/data/x|" ]
	[ "$(tar -xOf "$(the_archive)" volumes/data/sh)" = four2 ]
	same "$(events exec_start)" \
	    "bare: exec_start: touch /data/a b /data/c;d /data/e f
one: exec_start: sh -c echo \$((6 * 7)) | sed s/4/four/ >/data/sh"
	# There the Engine cannot start what was asked for.
	docker rm -f bare one >/dev/null
	rm "$ARCHIVE"/*
	container bare -v data:/data -l $ENABLE --stop-signal KILL \
	    -l "$OURS.archive-pre=touch /data/g; touch /data/h" \
	    $IMAGE sleep 1000
	run --separate-stderr vbackup run
	docker rm -f bare >/dev/null
	[ "$status" -eq 1 ]
	[[ $stderr == *"'bare'"*archive-pre*'"sh"'* ]]
	no_archive
}

@test "commands know where the archive will be, and no secret" {
	labels=()
	for phase in $PHASES; do
		labels+=("$OURS.$phase=env >/data/env-$phase")
	done
	idle one "${labels[@]}"
	conf <<<""
	ENVIRONMENT=(GPG_PASSPHRASE=open-sesame)
	vbackup -q run
	for phase in $PHASES; do
		grep -qxF "COMMAND_RUNTIME_ARCHIVE_FILEPATH=$(the_archive)" \
		    "$(data)/env-$phase"
	done
	lacks -r sesame "$(data)"
}

@test "where no directory keeps the archive, they are told of the spool file" {
	mkdir "$WORK/spool"
	OPTIONS=(-v "$WORK/spool:$WORK/spool:ro")
	path='"$COMMAND_RUNTIME_ARCHIVE_FILEPATH"'
	idle one "$OURS.archive-pre=test -f $path" \
	    "$OURS.process-post=dirname $path >/data/d; wc -c <$path >/data/n"
	conf <<-E
		spool = $WORK/spool
		[hooks]
		before = echo "at $path"
	E
	sed -i "s,^path = $ARCHIVE\$,," "$CONF"
	refusing_store "$WORK/mark" "$WORK/puts"
	run --separate-stderr vbackup run
	echo "$stderr" >&2
	[ "$status" -eq 1 ]
	[ -s "$WORK/puts" ]
	[ "$(cat "$(data)/d")" = "$WORK/spool" ]
	[ "$(cat "$(data)/n")" -gt 0 ]
	# Before that, there is only a name.
	[[ $stderr == *"hooks.before: at backup-"*.tar.gz* ]]
}

@test "what does not run has no commands" {
	idle off "$OURS.archive-pre=touch /data/off"
	idle frozen "$OURS.archive-pre=touch /data/frozen"
	idle on "$OURS.archive-pre=touch /data/on"
	docker kill off >/dev/null
	docker pause frozen >/dev/null
	conf <<<""
	mark
	vbackup -q run
	same "$(events exec_start)" "on: exec_start: touch /data/on"
	docker unpause frozen >/dev/null
}

# --- failures ----------------------------------------------------------------

@test "a command before that fails: no archive, what began has its command after" {
	post="echo \$HOSTNAME >>/data/order"
	OPTIONS=(--hostname one)
	idle one $STOP "$OURS.archive-pre=true" "$OURS.archive-post=$post" \
	    "$OURS.process-pre=true" "$OURS.process-post=$post"
	OPTIONS=(--hostname two)
	idle two $STOP "$OURS.archive-pre=echo no luck; exit 7" \
	    "$OURS.archive-post=$post"
	OPTIONS=(--hostname three)
	idle two-b $STOP "$OURS.archive-pre=true" "$OURS.archive-post=$post"
	conf <<<""
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"'two'"*archive-pre*"status 7: no luck"* ]]
	no_archive
	[ -z "$(events 'stop|start')" ]
	[ "$(order)" = "one two " ]
}

@test "of a phase that was not come to, no command after it is run" {
	labels=()
	for phase in archive process copy prune; do
		labels+=("$OURS.$phase-post=echo $phase >>/data/order")
	done
	idle one "${labels[@]}"
	idle two "$OURS.archive-pre=false"
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[ "$(order)" = "archive " ]
}

@test "process-pre that fails: no archive, archive-post and process-post" {
	idle one $STOP "$OURS.archive-pre=true" "$OURS.process-pre=sh -c 'exit 9'" \
	    "$OURS.archive-post=echo archive-post >>/data/order" \
	    "$OURS.process-post=echo process-post >>/data/order"
	conf <<<""
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *process-pre*"status 9"* ]]
	no_archive
	[ -z "$(events stop)" ]
	[ "$(order)" = "archive-post process-post " ]
}

@test "a command after that fails never costs the archive: exit 3" {
	labels=()
	for phase in archive process copy prune; do
		labels+=("$OURS.$phase-post=echo $phase >>/data/order; exit 5")
	done
	idle one "${labels[@]}"
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	for phase in archive process copy prune; do
		[[ $stderr == *"'one'"*"$phase-post"*"status 5"* ]]
	done
	[ "$(order)" = "archive process copy prune " ]
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = x ]
}

@test "a command that takes too long is given up: exit 1, or 3 after it" {
	idle one $STOP "$OURS.archive-pre=sleep 1000" \
	    "$OURS.archive-post=touch /data/after"
	conf <<<""
	printf '[exec]\ntimeout = 1s\n' >>"$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"'one'"*archive-pre*"did not end within"* ]]
	no_archive
	[ -e "$(data)/after" ]
	docker rm -f one >/dev/null
	idle one $STOP "$OURS.copy-post=sleep 1000"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"'one'"*copy-post*"did not end within"* ]]
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = x ]
	running one
}

# Three archives by their names, two of them old.
@test "prune-pre that fails: nothing is removed, exit 3; else what is old is" {
	idle one "$OURS.prune-pre=test -e /data/allowed" \
	    "$OURS.prune-post=echo prune-post >>/data/order"
	touch "$ARCHIVE"/backup-2020-01-0{1,2}T00-00-00.tar.gz
	conf <<<""
	printf '[retention]\ndays = 1\n' >>"$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"nothing is pruned"*"'one'"*prune-pre* ]]
	[ "$(find "$ARCHIVE" -name 'backup-2020*' | wc -l)" = 2 ]
	[ "$(order)" = "prune-post " ]
	touch "$(data)/allowed"
	find "$ARCHIVE" -type f ! -name 'backup-2020*' -delete
	vbackup -q run
	[ -z "$(find "$ARCHIVE" -name 'backup-2020*')" ]
}

@test "TERM while a command runs: exit 5, its command after, all runs" {
	idle one $STOP "$OURS.archive-pre=touch /data/begun; sleep 1000" \
	    "$OURS.archive-post=touch /data/after"
	conf <<<""
	mark
	vbackup -q run 2>"$WORK/log" 3>&- &
	job=$!
	eventually 20 test -e "$(data)/begun"
	pkill -TERM -f -- "-c $CONF -q run"
	status=0
	wait $job || status=$?
	[ "$status" -eq 5 ]
	[ -e "$(data)/after" ]
	[ -z "$(events stop)" ]
	no_archive
}

# --- output ------------------------------------------------------------------

@test "what commands print is in the log with -v, or when it is forwarded" {
	idle one "$OURS.archive-pre=echo to say; echo to warn >&2" \
	    "$OURS.archive-post=printf unended"
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr != *"to say"* && $stderr != *"to warn"* ]]
	[[ $stderr != *unended* ]]
	rm "$ARCHIVE"/*
	run --separate-stderr vbackup -v run
	[[ $stderr == *"'one': to say"* && $stderr == *"'one': to warn"* ]]
	[[ $stderr == *"'one': unended"* ]]
	rm "$ARCHIVE"/*
	ENVIRONMENT=(EXEC_FORWARD_OUTPUT=true)
	run --separate-stderr vbackup run
	[[ $stderr == *"'one': to say"* && $stderr == *"'one': to warn"* ]]
	[[ $stderr == *"'one': unended"* ]]
	[[ $output != *say* && $output != *warn* && $output != *unended* ]]
}

# --- on this host ------------------------------------------------------------

# conf with hooks; there is one directory to pack, and no Engine.
hooks() { # BEFORE AFTER
	local host=$DOCKER_HOST
	echo x >"$WORK/source/file"
	DOCKER_HOST=none
	conf <<-E
		sources = $WORK/source
		[hooks]
		before = $1
		after = $2
	E
	DOCKER_HOST=$host
}

tell='echo $JOB_NAME:$JOB_OUTCOME:$COMMAND_RUNTIME_ARCHIVE_FILEPATH'

@test "hooks know the job, its outcome, and its archive; the log has their words" {
	hooks "ls $ARCHIVE | wc -l; $tell" "ls $ARCHIVE | wc -l; $tell >&2"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $output != *:* ]]
	[[ $stderr == *"hooks.before: 0"*"hooks.before: backup::$(the_archive)"* ]]
	[[ $stderr == *"hooks.after: 2"*"hooks.after: backup:success:$(the_archive)"* ]]
}

@test "hooks run for each job, with its own settings" {
	mkdir "$WORK/other"
	echo y >"$WORK/other/file"
	hooks "$tell" "$tell"
	cat >>"$CONF" <<-E
		[job second]
		sources = $WORK/other
		hooks.after = echo own \$JOB_NAME \$JOB_OUTCOME
	E
	sed -i 's/^\[backup\]/&\nfilename = {{ .Job }}-%Y.tar.gz/' "$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"hooks.after: backup:success:$ARCHIVE/backup-"* ]]
	[[ $stderr == *"hooks.before: second::$ARCHIVE/second-"* ]]
	[[ $stderr == *"hooks.after: own second success"* ]]
}

@test "a hook before that fails: exit 1, nothing is touched, the one after runs" {
	idle one $STOP "$OURS.archive-pre=touch /data/no"
	conf <<-E
		[hooks]
		before = echo no luck; exit 6
		after = $tell
	E
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"hooks.before"*"6"*"no luck"* ]]
	[[ $stderr == *"hooks.after: backup:failure:$ARCHIVE/backup-"* ]]
	[ -z "$(events 'exec_start|stop')" ]
	no_archive
}

@test "a hook after that fails: exit 3; it knows of problems and failures" {
	hooks true "echo \$JOB_OUTCOME; exit 6"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"hooks.after: success"*"hooks.after"*"6"* ]]
	the_archive
	rm "$ARCHIVE"/*
	# Nothing but an empty directory.
	hooks true "echo \$JOB_OUTCOME"
	rm "$WORK/source/file"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"hooks.after: failure"* ]]
	no_archive
	idle one "$OURS.archive-post=false"
	conf <<-E
		[hooks]
		after = echo \$JOB_OUTCOME
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"hooks.after: problems"* ]]
}

@test "hooks that take too long are killed with all they started" {
	# Seconds that no other suite's sleep has.
	long=1000.$$
	hooks "sleep $long & sleep $long" "sleep $long"
	sed -i 's/^\[hooks\]/&\ntimeout = 1s/' "$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"hooks.before"*"did not end within"* ]]
	[[ $stderr == *"hooks.after"*"did not end within"* ]]
	no_archive
	run ! pgrep -f "sleep $long"
}

@test "TERM while a hook runs: exit 5, and the one after still runs" {
	hooks "touch $WORK/begun; sleep 1000" "$tell"
	vbackup run 2>"$WORK/log" 3>&- &
	job=$!
	eventually 20 test -e "$WORK/begun"
	pkill -TERM -f -- "-c $CONF run"
	status=0
	wait $job || status=$?
	[ "$status" -eq 5 ]
	grep -q 'hooks.after: backup:failure' "$WORK/log"
	no_archive
}

@test "no secret is in a hook's environment" {
	hooks "env >$WORK/before" "env >$WORK/after"
	ENVIRONMENT=(GPG_PASSPHRASE=open-sesame
	    AWS_SECRET_ACCESS_KEY=open-sesame HARMLESS=yes)
	vbackup -q run
	for file in "$WORK/before" "$WORK/after"; do
		grep -qx HARMLESS=yes "$file"
		lacks sesame "$file"
	done
	[[ $(the_archive) == *.gpg ]]
}

@test "a label never gets a shell on this host" {
	command="mkdir -p $WORK; touch $WORK/here"
	labels=()
	for prefix in $OURS $THEIRS; do
		for name in before after hooks.before hooks.after hook-before; do
			labels+=("$prefix.$name=$command")
		done
	done
	labels+=("VBACKUP_HOOKS_BEFORE=$command" "hooks.before=$command")
	for phase in $PHASES; do
		labels+=("$OURS.$phase=$command")
	done
	idle one $STOP "${labels[@]}"
	conf <<<""
	vbackup -q run
	docker exec one test -e "$WORK/here"
	[ ! -e "$WORK/here" ]
}
