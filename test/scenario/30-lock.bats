#!/usr/bin/env bats
# One run at a time, and signals.

load common
setup() { common_setup; }

# Enough to read for a few seconds: random, so that it does not shrink.
slow_source() {
	head -c 600000000 /dev/urandom >"$WORK/source/big"
	conf <<-E
		sources = $WORK/source
		filename = a-%s.tar.gz
		parallelism = 1
	E
}

partial_exists() { compgen -G "$ARCHIVE/.vbackup-partial-*" >/dev/null; }

@test "a second run waits for the first, or gives up with 4" {
	slow_source
	vbackup -q run 3>&- &
	first=$!
	eventually 20 partial_exists
	ENVIRONMENT=(LOCK_TIMEOUT=300ms)
	run --separate-stderr vbackup run
	[ "$status" -eq 4 ]
	[[ $stderr == *"holds the lock"* ]]
	kill -0 "$first"
	ENVIRONMENT=(LOCK_TIMEOUT=5m)
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"waiting for another run"* ]]
	wait "$first"
	[ "$(find "$ARCHIVE" -name 'a-*.gz' | wc -l)" -eq 2 ]
}

@test "a signal ends a run with 5 and leaves nothing" {
	slow_source
	for signal in TERM INT HUP; do
		vbackup -q run 3>&- &
		job=$!
		eventually 20 partial_exists
		sleep 0.2
		pkill -$signal -f -- "-c $CONF -q run"
		status=0
		wait $job || status=$?
		[ "$status" -eq 5 ]
		[ -z "$(ls -A "$ARCHIVE")" ]
	done
}

@test "a signal ends the wait for the lock" {
	slow_source
	vbackup -q run 3>&- &
	first=$!
	eventually 20 partial_exists
	vbackup run 2>"$WORK/log" 3>&- &
	second=$!
	eventually 20 grep -q waiting "$WORK/log"
	pkill -TERM -n -f -- "-c $CONF run"
	status=0
	wait $second || status=$?
	[ "$status" -eq 5 ]
	wait $first
}

@test "a killed run leaves a partial file, which the next one removes" {
	slow_source
	vbackup -q run 3>&- &
	eventually 20 partial_exists
	pkill -KILL -f -- "-c $CONF -q run"
	wait || true
	partial_exists
	[ "$(find "$ARCHIVE" -name 'a-*' | wc -l)" -eq 0 ]
	echo small >"$WORK/source/big"
	vbackup -q run
	! partial_exists
	[ "$(tar -xOf "$(the_archive)")" = small ]
}
