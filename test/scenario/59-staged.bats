#!/usr/bin/env bats
# snapshot = staged: copied before the stop, brought up to date in the window.

load common

setup() {
	docker_setup
	JOB='' PROXY=''
	STAGING=$WORK/staging
	mkdir "$STAGING" "$WORK/sync"
}

teardown() {
	local pid
	for pid in "$JOB" "$PROXY"; do
		[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
	done
	touch "$WORK/sync/go"
	docker_teardown
	! mountpoint -q "$STAGING" || umount "$STAGING"
}

# conf for staged copies in $STAGING, which is on another path than the store.
staged_conf() {
	conf < <(printf 'snapshot = staged\nstaging = %s\n' "$STAGING"; cat)
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
	cat "$WORK/log"
}

mountpoint_of() { docker volume inspect -f '{{.Mountpoint}}' "$1"; }
stages() { find "$WORK" -name '.vbackup-stage.*'; }
has_stage() { [[ -n $(stages) ]]; }
was_staged() { grep -q ' in the window: ' "$WORK/log"; }
not_staged() { ! was_staged; }
no_stage() { [[ -z $(stages) && -z $(ls -A "$STAGING") ]]; }

proxy() { # RULE...
	python3 "$BATS_TEST_DIRNAME/engine_proxy.py" "$WORK/proxy.sock" \
	    "${DOCKER_HOST#unix://}" "$WORK/requests" "$@" 3>&- &
	PROXY=$!
	eventually 10 test -S "$WORK/proxy.sock"
	sed -i "s,^host = .*,host = unix://$WORK/proxy.sock," "$CONF"
}

# A container that, when it is asked to stop, says so and waits: meanwhile the
# test changes its volume, as it would do itself. It marks the end.
lingering_container() { # NAME VOLUME ARGUMENT...
	local name=$1 volume=$2
	shift 2
	container "$name" -v "$volume:/data" -v "$WORK/sync:/sync" \
	    --stop-timeout 60 -l vbackup.enable=true "$@" busybox sh -c '
		trap "touch /sync/resting
			while [ ! -f /sync/go ]; do usleep 20000; done
			echo final >/data/final; exit 0" TERM
		touch /sync/ready
		while :; do usleep 20000; done'
	eventually 10 test -f "$WORK/sync/ready"
}
NO_RESTART=vbackup.stop-during-backup-no-restart=true

# The volume, at rest since the run, and what a restore gives.
same() { # VOLUME
	restore "$(the_archive)" "$WORK/out"
	"$BUILD/test/unit/compare_trees" "$(mountpoint_of "$1")" \
	    "$WORK/out/volumes/$1"
}

# The two files of counting_container agree: nothing was written meanwhile.
consistent() { # VOLUME
	restore "$(the_archive)" "$WORK/out"
	local data=$WORK/out/volumes/$1
	[ "$(tail -n 2 "$data/log" | head -n 1)" = "$(cat "$data/count")" ]
	[ "$(tail -n 1 "$data/log")" = end ]
}

@test "a tree under heavy change is packed as it was at rest, byte for byte" {
	container busy -v data:/data -l vbackup.enable=true -l "$NO_RESTART" \
	    busybox sh -c '
		trap "echo final >/data/final; exit 0" TERM
		mkdir /data/busy; cd /data/busy; i=0
		while :; do
			i=$((i + 1)); n=$((i % 40)); m=$(((i * 7 + 3) % 40))
			echo $i >f$n; echo $i >>log
			mv f$n g$m 2>/dev/null
			rm -f g$n; ln g$m h$n 2>/dev/null
			mkdir -p d$n/deep; echo $i >d$n/deep/x
			rm -rf e$m; mv d$n e$m 2>/dev/null
			[ -d e1 ] && [ -d e3 ] && mv e1 t && mv e3 e1 &&
			    mv t e3
			dd if=/dev/zero of=sparse seek=$((n * 100)) count=1 \
			    conv=notrunc 2>/dev/null
			chmod 6$((n % 8))4 g$m 2>/dev/null
			ln -sf e$n link
		done'
	data=$(mountpoint_of data)
	"$BUILD/test/unit/make_nasty_tree" "$data/nasty"
	eventually 10 test -e "$data/busy/link"
	staged_conf <<<""
	start_vbackup run
	end_vbackup
	[ "$status" -eq 0 ]
	was_staged
	stopped busy
	[ "$(cat "$data/final")" = final ]
	same data
	no_stage
	store_is_clean
}

@test "every kind of change between copy and stop comes into the archive" {
	docker volume create data >/dev/null
	data=$(mountpoint_of data)
	cd "$data"
	mkdir -p many swap1/a swap2/b moved/in/deep gone/in/deep acl
	(cd many && seq 500 | split -l 1 -a 3)
	for file in vanishes renamed swap1/f swap2/f moved/in/deep/f \
	    gone/in/deep/f grows shrinks modes owner times attribute acl/f \
	    becomes-dir linked mapped; do
		echo "content of $file" >$file
	done
	mkdir becomes-file
	touch becomes-file/x
	ln linked linked-again
	ln linked unlinked-later
	ln -s somewhere symlink
	printf 'one\n' >equal1
	printf 'two\n' >equal2
	touch -d @1234567890.5 equal1 equal2
	printf 'aaa\n' >stamped
	touch -d @1234567890.5 stamped
	truncate -s 5000000 sparse full
	head -c 1000000 /dev/urandom >full
	setfattr -n user.old -v x attribute
	lingering_container ca data -l "$NO_RESTART"
	staged_conf <<<""
	# What changed within the second before a copy is copied again.
	sleep 1.5
	start_vbackup run
	eventually 20 test -f "$WORK/sync/resting"
	rm vanishes
	mv renamed "new name"
	mv swap1 t && mv swap2 swap1 && mv t swap2
	mv moved/in elsewhere
	rm -r gone
	echo more >>grows
	truncate -s 3 shrinks
	chmod 4711 modes
	chown 12345:54321 owner
	touch -d @1000000000.123456789 times
	setfattr -n user.new -v y attribute
	setfattr -x user.old attribute
	setfacl -m u:4711:r acl/f
	setfacl -d -m u:4711:rwx acl
	rm becomes-dir && mkdir becomes-dir && touch becomes-dir/x
	rm -r becomes-file && echo x >becomes-file
	rm unlinked-later && echo "content of linked" >unlinked-later
	ln swap1/f "new link"
	ln -sf "somewhere else" symlink
	mv equal1 t && mv equal2 equal1 && mv t equal2
	printf 'bbb\n' >stamped && touch -d @1234567890.5 stamped
	python3 -c 'import mmap
file = open("mapped", "r+b")
mmap.mmap(file.fileno(), 0)[0:7] = b"CONTENT"'
	printf x | dd of=sparse bs=1 seek=3000000 conv=notrunc status=none
	fallocate -p -o 0 -l 500000 full
	mkfifo fifo
	mkdir -m 2750 "new dir"
	seq 3 >"new dir/file"
	touch "$WORK/sync/go"
	end_vbackup
	[ "$status" -eq 0 ]
	stopped ca
	[ -f final ]
	same data
	# All others were copied once.
	[[ $(grep -o ' in the window: [0-9]*' "$WORK/log") =~ [0-9]+ ]]
	[ "${BASH_REMATCH[0]}" -ge 10 ]
	[ "${BASH_REMATCH[0]}" -lt 60 ]
	no_stage
}

@test "the copy is whole before the stop, without what is excluded" {
	docker volume create data >/dev/null
	data=$(mountpoint_of data)
	mkdir -p "$data/keep/deep" "$data/cache/deep" "$data/some"
	touch "$data"/{keep,cache}/{a.log,deep/c.log,deep/d}
	echo x >"$data/some/file"
	lingering_container ca data -l vbackup.stop=true
	staged_conf <<-E
		exclude_regexp = /cache\$|\.log\$
	E
	since=$(date +%s.%N)
	start_vbackup run
	eventually 20 test -f "$WORK/sync/resting"
	[ "$(stages | wc -l)" -eq 1 ]
	stage=$(stages)
	[[ $stage == "$STAGING"/* ]]
	[ "$(stat -c %a "$stage")" = 700 ]
	# Whoever was here first: the stop is under way, the copy is done.
	find "$stage" -type f -printf '%P\n' >"$WORK/copied"
	grep -q '/some/file$' "$WORK/copied"
	grep -q '/keep/deep/d$' "$WORK/copied"
	[ "$(wc -l <"$WORK/copied")" -eq 2 ]
	[ -z "$(find "$stage" -name cache)" ]
	grep -q ' staged: ' "$WORK/log"
	touch "$WORK/sync/go"
	end_vbackup
	[ "$status" -eq 0 ]
	running ca
	no_stage
	tar -tf "$(the_archive)" | grep -v '/$' | sort >"$WORK/packed"
	[ "$(xargs <"$WORK/packed")" = "volumes/data/final\
 volumes/data/keep/deep/d volumes/data/some/file" ]
	copied=$(date -d "$(grep ' staged: ' "$WORK/log" | cut -d ' ' -f 1)" \
	    +%s%N)
	docker events --since "$since" --until "$(date +%s.%N)" \
	    --filter type=container --filter container=ca \
	    --format '{{.Action}} {{.TimeNano}}' >"$WORK/events"
	cat "$WORK/events"
	[ "$(cut -d ' ' -f 1 "$WORK/events" | xargs)" = "kill die stop start" ]
	[ "$(head -n 1 "$WORK/events" | cut -d ' ' -f 2)" -ge "$copied" ]
}

@test "BACKUP_FROM_SNAPSHOT does the same, beside the spool file" {
	counting_container ca data -l vbackup.enable=true \
	    -l docker-volume-backup.stop-during-backup=true
	container bystander -v other:/data -l vbackup.enable=true busybox \
	    sh -c 'echo x >/data/x; sleep 1000'
	was=$(started_at ca)
	conf <<<""
	ENVIRONMENT=(BACKUP_FROM_SNAPSHOT=true)
	start_vbackup run
	end_vbackup
	[ "$status" -eq 0 ]
	was_staged
	consistent data
	[ "$(cat "$WORK/out/volumes/other/x")" = x ]
	running ca
	[ "$(started_at ca)" != "$was" ]
	[ "$(metadata '.sources[0].path')" = "$(mountpoint_of data)" ]
	no_stage
	store_is_clean
	rm "$ARCHIVE"/*
	ENVIRONMENT=(BACKUP_FROM_SNAPSHOT=false)
	start_vbackup run
	end_vbackup
	not_staged
}

@test "windows = each works with it: one after the other" {
	for name in ca cb; do
		counting_container $name data-$name -l vbackup.enable=true \
		    -l vbackup.stop=true
	done
	staged_conf <<-E
		[quiesce]
		windows = each
	E
	sleep 1
	start_vbackup run
	end_vbackup
	[ "$status" -eq 0 ]
	was_staged
	consistent data-ca
	rm -r "$WORK/out"
	consistent data-cb
	running ca
	running cb
	[[ $(started_at ca) < $(finished_at cb) ||
	    $(started_at cb) < $(finished_at ca) ]]
	[ "$(metadata '.containers | length')" -eq 2 ]
	no_stage
}

@test "a staging directory that is full: exit 1, nobody is stopped" {
	mount -t tmpfs -o size=2m none "$STAGING"
	counting_container ca data -l vbackup.enable=true -l vbackup.stop=true
	head -c 5000000 /dev/urandom >"$(mountpoint_of data)/big"
	was=$(started_at ca)
	staged_conf <<<""
	start_vbackup run
	end_vbackup
	[ "$status" -eq 1 ]
	grep -F "$STAGING" "$WORK/log"
	running ca
	[ "$(started_at ca)" = "$was" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	no_stage
	# One that is not there.
	STAGING=$WORK/nowhere
	staged_conf <<<""
	start_vbackup run
	end_vbackup
	STAGING=$WORK/staging
	[ "$status" -eq 1 ]
	grep -F "$WORK/nowhere" "$WORK/log"
	[ "$(started_at ca)" = "$was" ]
}

@test "TERM while it copies: exit 5, nobody is stopped, no copy is left" {
	counting_container ca data -l vbackup.enable=true -l vbackup.stop=true
	data=$(mountpoint_of data)
	# Many, so that it takes a while even where extents are shared.
	mkdir "$data/many"
	(cd "$data/many" && seq 8000 | split -l 1 -a 4)
	was=$(started_at ca)
	staged_conf <<<""
	start_vbackup run
	eventually 20 has_stage
	kill -TERM "$JOB"
	end_vbackup
	not_staged
	[ "$status" -eq 5 ]
	[ "$(started_at ca)" = "$was" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	no_stage
}

@test "TERM in the window: exit 5, it runs again, no copy is left" {
	lingering_container ca data -l vbackup.stop=true
	was=$(started_at ca)
	staged_conf <<<""
	start_vbackup run
	eventually 20 test -f "$WORK/sync/resting"
	has_stage
	kill -TERM "$JOB"
	touch "$WORK/sync/go"
	end_vbackup
	[ "$status" -eq 5 ]
	running ca
	[ "$(started_at ca)" != "$was" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	no_stage
}

@test "a stop that fails after the copy: exit 1, no copy is left" {
	counting_container ca data -l vbackup.enable=true -l vbackup.stop=true
	was=$(started_at ca)
	staged_conf <<<""
	proxy "POST .*/stop=500"
	start_vbackup run
	end_vbackup
	[ "$status" -eq 1 ]
	grep -q ' staged: ' "$WORK/log"
	running ca
	[ -z "$(ls -A "$ARCHIVE")" ]
	no_stage
}

@test "KILL in the window: the next run removes the copy" {
	lingering_container ca data -l vbackup.stop=true
	was=$(started_at ca)
	staged_conf <<-E
		[quiesce]
		resume_retry = 3s
	E
	start_vbackup run
	eventually 20 test -f "$WORK/sync/resting"
	kill -KILL "$JOB"
	end_vbackup
	has_stage
	touch "$WORK/sync/go"
	restarted() { running ca && [[ $(started_at ca) != "$was" ]]; }
	eventually 20 restarted
	start_vbackup run
	end_vbackup
	[ "$status" -eq 0 ]
	running ca
	[ "$(tar -xOf "$(the_archive)" volumes/data/final)" = final ]
	no_stage
	store_is_clean
}

@test "a staging directory within a source is not packed" {
	lingering_container ca data -l vbackup.stop=true
	rmdir "$STAGING"
	STAGING=$WORK/source
	echo x >"$WORK/source/x"
	touch "$WORK/sync/go"
	staged_conf <<-E
		volumes = labelled
		sources = $WORK/source
	E
	start_vbackup run
	end_vbackup
	[ "$status" -eq 0 ]
	was_staged
	[ "$(tar -tf "$(the_archive)")" = "volumes/data/
volumes/data/final
${WORK#/}/source/
${WORK#/}/source/x" ]
	# The same where that source is quiesced, and copied itself.
	rm "$ARCHIVE"/*
	container cb -v "$WORK/source:/data" -l vbackup.stop=true busybox \
	    sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	start_vbackup run
	end_vbackup
	[ "$status" -eq 0 ]
	[ "$(tar -tf "$(the_archive)" | grep "^${WORK#/}")" = \
	    "${WORK#/}/source/
${WORK#/}/source/x" ]
	[ -z "$(stages)" ]
}

@test "what comes through the Engine is not staged, but consistent" {
	counting_container ca data -l vbackup.enable=true -l vbackup.stop=true
	staged_conf <<<"volume_access = engine"
	start_vbackup run
	end_vbackup
	[ "$status" -eq 0 ]
	not_staged
	grep -F "volume 'data' is read through the Engine" "$WORK/log"
	consistent data
	running ca
	no_stage
}
