#!/usr/bin/env bats
# The Engine itself goes away while a run has containers at rest. Each test has
# an Engine of its own.

load common

setup() {
	common_setup
	local why
	if why=$(dockerd_lacks); then
		skip "no Engine: $why"
	fi
	ENGINE=$(mktemp -d /tmp/vbackup-dockerd.XXXXXX)
	dockerd_start "$ENGINE"
	image_busybox
	CONTAINERS=()
	container fast -v fast:/data -l vbackup.enable=true \
	    -l vbackup.stop=true -l vbackup.order=1 busybox sh -c '
		echo x >/data/x; trap "exit 0" TERM; while :; do sleep 0.1; done'
	# Takes its time to stop: in between, the Engine goes.
	container slow -v slow:/data -l vbackup.enable=true \
	    -l vbackup.stop=true -l vbackup.order=2 --stop-timeout 4 \
	    busybox sh -c 'echo x >/data/x; trap "" TERM
		while :; do sleep 0.1; done'
	conf <<<""
}

teardown() {
	[[ -n ${ENGINE-} ]] || return 0
	dockerd_stop "$ENGINE"
	rm -rf --one-file-system "$ENGINE"
}

start_run() {
	vbackup run >"$WORK/log" 2>&1 3>&- &
	RUN=$!
}

# At rest, or about to be: both stand in the ledger.
both_are_noted() {
	[ "$(grep -c '"undo"' "$WORK/lock/vbackup.lock" 2>/dev/null)" = 2 ]
}
ledger_is_empty() { ! grep -q '"undo"' "$WORK/lock/vbackup.lock"; }

restart_engine() {
	local pid
	pid=$(<"$ENGINE/pid")
	kill -TERM "$pid"
	dockerd_wait_gone 15 "$pid"
	dockerd_launch "$ENGINE" --storage-driver "$(<"$ENGINE/driver")"
	dockerd_wait "$ENGINE"
}

# Whether the stop that was under way still has its answer is the Engine's to
# say: then there is an archive.
@test "an Engine that is restarted in the window: what was stopped runs again" {
	docker info -f '{{.Driver}}' >"$ENGINE/driver"
	start_run
	eventually 20 both_are_noted
	restart_engine
	wait "$RUN" && status=0 || status=$?
	cat "$WORK/log"
	[ "$(find "$ARCHIVE" -name '*.tar.gz' | wc -l)" -eq $((1 - status)) ]
	running fast
	running slow
	ledger_is_empty
	store_is_clean
	eventually 5 vbackup -q run
}

@test "an Engine that hangs for a while in the window only makes it longer" {
	start_run
	eventually 20 both_are_noted
	kill -STOP "$(<"$ENGINE/pid")"
	sleep 3
	kill -CONT "$(<"$ENGINE/pid")"
	wait "$RUN"
	running fast
	running slow
	[ "$(tar -xOf "$(the_archive)" volumes/slow/x)" = x ]
}

@test "a power cut in the window: recover brings back what the ledger on disk tells" {
	docker info -f '{{.Driver}}' >"$ENGINE/driver"
	start_run
	eventually 20 both_are_noted
	# The run, the process beside it and the Engine, at once.
	pkill -KILL -f "$VBACKUP -c $CONF" || true
	wait "$RUN" || true
	restart_engine
	stopped fast
	ENVIRONMENT=(VBACKUP_QUIESCE_RESUME_RETRY=5s)
	run --separate-stderr vbackup recover
	[ "$status" -eq 0 ]
	[[ $output == "brought back: 2" ]]
	running fast
	running slow
	ledger_is_empty
	run --separate-stderr vbackup recover
	[[ $output == "brought back: 0" ]]
}
