#!/usr/bin/env bats
# The image for a companion container: made from the tree, and run by a real
# Engine.

bats_require_minimum_version 1.5.0
load ../scenario/common
SCRIPTS=$BATS_TEST_DIRNAME/../../scripts

setup() {
	docker_setup
	SOCKET=${DOCKER_HOST#unix://}
	image
}

teardown() {
	docker_teardown
}

# Once for all tests; what it printed is kept.
image() {
	local said=$BATS_FILE_TMPDIR/said
	[ -e "$said" ] || {
		"$SCRIPTS/image" vbackup "$VBACKUP" >"$said.new"
		mv "$said.new" "$said"
	}
}

teardown_file() {
	[[ -z ${DOCKER_HOST_TEST-} ]] ||
	    docker -H "$DOCKER_HOST_TEST" image rm -f vbackup >/dev/null || true
}

# companion ARGUMENT...: options of docker run, and what is run.
companion() {
	docker run --rm --network none -v "$SOCKET:/var/run/docker.sock" \
	    -v "$ARCHIVE:/archive" "$@"
}

labelled() {
	container data -v kept:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c 'echo hello >/data/file
		touch -d "2001-02-03 04:05:06" /data/file
		trap "exit 0" TERM; while :; do sleep 0.1; done'
}

content() {
	tar -xOf "$(the_archive)" volumes/kept/file
}

@test "the image is small, and has no more than it needs" {
	cat "$BATS_FILE_TMPDIR/said" >&3
	[ "$(docker image inspect -f '{{.Size}}' vbackup)" -lt 110000000 ]
	run docker run --rm --network none vbackup version
	[ "$status" -eq 0 ]
	[[ $output == "vbackup "* ]]
	run docker run --rm --network none --entrypoint sh vbackup \
	    -c 'echo /usr/bin/*'
	echo "$output"
	[ "$(wc -w <<<"$output")" -le 10 ]
	# What is in it needs no library that is not.
	run docker run --rm --network none --entrypoint gpg vbackup --version
	[[ $output == "gpg (GnuPG)"* ]]
}

@test "a run reads volumes where they are, or through the socket alone" {
	labelled
	volumes=$(dirname "$(dirname \
	    "$(docker volume inspect -f '{{.Mountpoint}}' kept)")")
	companion -v "$volumes:$volumes:ro" vbackup -q run
	[ "$(content)" = hello ]
	running data
	[ "$(metadata '.containers[0].name')" = data ]
	rm "$ARCHIVE"/*
	companion vbackup -q run
	[ "$(content)" = hello ]
	running data
}

@test "commands that print secrets, encryption and time zones work in it" {
	labelled
	echo secret >"$WORK/passphrase"
	hours=$(TZ=Asia/Kolkata date +%FT%H)
	companion -v "$WORK/passphrase:/passphrase:ro" -e TZ=Asia/Kolkata \
	    -e GPG_PASSPHRASE_COMMAND='cat /passphrase' vbackup -q run
	archive=$(the_archive)
	[[ $archive == *.gpg ]]
	GNUPGHOME=$WORK gpg --batch -q --pinentry-mode loopback \
	    --passphrase-file "$WORK/passphrase" -d "$archive" >"$WORK/plain"
	[ "$(tar -xzOf "$WORK/plain" volumes/kept/file)" = hello ]
	hours="$hours $(TZ=Asia/Kolkata date +%FT%H)"
	[[ $hours == \
	    *"$(basename "$archive" | sed 's/backup-\(.*T..\)-.*/\1/')"* ]]
}

health() { docker inspect -f '{{.State.Health.Status}}' "$1"; }
is_healthy() { [[ $(health companion) == healthy ]]; }
is_unhealthy() { [[ $(health companion) == unhealthy ]]; }

@test "a companion is healthy once there is an archive, and not before" {
	labelled
	far=$(date -u -d '12 hours' +%H:%M)
	docker run -d --network none --name companion --health-interval 1s \
	    --health-retries 1 -v "$SOCKET:/var/run/docker.sock" \
	    -v "$ARCHIVE:/archive" --entrypoint vbackup-daily vbackup "$far"
	eventually 30 is_unhealthy
	docker exec companion vbackup -q run
	eventually 30 is_healthy
	rm "$ARCHIVE"/*
	eventually 30 is_unhealthy
	# It ends when it is told to, and not by being killed.
	docker stop -t 30 companion
	[ "$(docker inspect -f '{{.State.ExitCode}}' companion)" -eq 0 ]
}

# daily AT NOW: what vbackup-daily waits for, and what it runs then.
daily() {
	rm -rf "$WORK/bin" "$WORK/calls"
	mkdir "$WORK/bin"
	printf '#!/bin/sh\necho %s\n' "$2" >"$WORK/bin/date"
	printf '#!/bin/sh\necho sleep $1 >>%s/calls\n' "$WORK" \
	    >"$WORK/bin/sleep"
	printf '#!/bin/sh\necho $* >>%s/calls\n[ "$*" != run ] || kill $PPID\n' \
	    "$WORK" >"$WORK/bin/vbackup"
	chmod 755 "$WORK"/bin/*
	PATH=$WORK/bin:$PATH timeout 20 dash "$SCRIPTS/compose/vbackup-daily" \
	    "$1"
	tr '\n' , <"$WORK/calls"
}

@test "the daily run is at its time" {
	[ "$(daily 03:17 03:16:58)" = "-q recover,sleep 2,run," ]
	[ "$(daily 03:17 03:17:00)" = "-q recover,sleep 86400,run," ]
	[ "$(daily 03:17 08:09:08)" = "-q recover,sleep 68872,run," ]
	[ "$(daily 23:59 00:00:00)" = "-q recover,sleep 86340,run," ]
	run dash "$SCRIPTS/compose/vbackup-daily" 3:17
	[ "$status" -eq 2 ]
}

@test "the Compose example calls what the image has" {
	command=$(sed -n 's/^ *entrypoint: \[\(.*\)\]/\1/p' \
	    "$SCRIPTS/compose/compose.yml" | tr -d '",')
	[[ $command == vbackup-daily\ ??:?? ]]
	grep -q '^    image: vbackup$' "$SCRIPTS/compose/compose.yml"
	for variable in $(sed -n 's/^      \([A-Z_]*\): .*/\1/p' \
	    "$SCRIPTS/compose/compose.yml"); do
		grep -q "Ev $variable" "$BUILD/man/vbackup.conf.5"
	done
	# Debian's docker.io has no Compose of its own.
	! docker compose version >/dev/null 2>&1 ||
	    docker compose -f "$SCRIPTS/compose/compose.yml" config -q
}
