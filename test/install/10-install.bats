#!/usr/bin/env bats
# The README's first command, and what meson install puts where.

bats_require_minimum_version 1.5.0
load ../scenario/dockerd

setup() {
	: "${BUILD:?the release build directory}"
	WORK=$BATS_TEST_TMPDIR
	TOP=$BATS_TEST_DIRNAME/../..
	export LC_ALL=C QUICKSTART_ARCHIVE=$WORK/archive
	unset DOCKER_HOST
}

# A copy of the tree, as a newcomer has it after a clone. The first test builds
# it, the others use that build.
copy() {
	COPY=$BATS_FILE_TMPDIR/tree
	[ -d "$COPY" ] || {
		mkdir -p "$COPY"
		tar -C "$TOP" --exclude='./build*' --exclude=./.git -c . |
		    tar -x -C "$COPY"
	}
}

@test "quickstart backs up the directories that it is given" {
	copy
	mkdir -p "$WORK/a, b" "$WORK/c"
	echo 1 >"$WORK/a, b/file"
	echo 2 >"$WORK/c/file"
	cd "$WORK"
	run "$COPY/scripts/quickstart" "a, b" c
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"no difference"* ]]
	[[ $output == *"Label a container"*"timer"*"Restore"* ]]
	[ "$(tar -xOf "$WORK"/archive/backup-*.tar.gz)" = $'1\n2' ]
}

@test "quickstart makes a sample tree where there is nothing else" {
	copy
	DOCKER_HOST=none run "$COPY/scripts/quickstart"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"sample tree"*"index.html"*"no difference"* ]]
}

@test "quickstart backs up the volumes of labelled containers" {
	copy
	dockerd_require
	docker run -d --network none --name quick -v quick:/data \
	    -l vbackup.enable=true busybox sh -c 'echo x >/data/x; sleep 1000'
	run "$COPY/scripts/quickstart"
	docker rm -f quick
	docker volume rm quick
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"volume quick"* ]]
	[ "$(tar -xOf "$WORK"/archive/backup-*.tar.gz)" = x ]
}

@test "quickstart says which directory is missing" {
	copy
	run "$COPY/scripts/quickstart" "$WORK/missing"
	[ "$status" -ne 0 ]
	[[ $output == *"$WORK/missing"* ]]
	[ -z "$(ls -A "$WORK/archive" 2>/dev/null)" ]
}

# What meson install puts below $ROOT, once for all tests.
installed() {
	ROOT=$BATS_FILE_TMPDIR/root
	[ -d "$ROOT" ] ||
	    DESTDIR=$ROOT meson install -C "$BUILD" --no-rebuild >/dev/null
}

@test "install puts everything in its place below DESTDIR" {
	installed
	run find "$ROOT" -type f
	for file in /bin/vbackup /man1/vbackup.1 /man5/vbackup.conf.5 \
	    /man7/vbackup-labels.7 /man7/vbackup-migration.7 \
	    /man7/vbackup-notify.7 /vbackup.service /vbackup.timer \
	    /vbackup-recover.service \
	    /bash-completion/completions/vbackup /site-functions/_vbackup \
	    /vendor_completions.d/vbackup.fish \
	    /doc/vbackup/examples/{vbackup.conf,vbackup.cron} \
	    /doc/vbackup/examples/{vbackup.rules.yml,nagios-command.cfg} \
	    /doc/vbackup/examples/compose.yml; do
		[[ $output == *"$file"$'\n'* || $output == *"$file" ]] || {
			echo "not installed: $file"
			return 1
		}
	done
	[ -d "$ROOT/etc/vbackup/conf.d" ]
	# No settings but the sample, nothing of the build, and no test.
	[ -z "$(find "$ROOT/etc/vbackup" -type f)" ]
	[[ $output != *test_* && $output != *.a* && $output != *.in* ]]
}

@test "systemd finds nothing wrong with the installed units" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	installed
	units=$(dirname "$(find "$ROOT" -name vbackup.timer)")
	cp -r "$units" "$WORK/units"
	sed -i -E "s,=[^ ]*/vbackup ,=$(find "$ROOT" -path '*/bin/vbackup') ," \
	    "$WORK"/units/*.service
	run systemd-analyze verify --man=no "$WORK"/units/vbackup*
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *vbackup* ]]
}

@test "what the examples call is there" {
	installed
	examples=$(dirname "$(find "$ROOT" -name vbackup.cron)")
	grep -ohE '[^[:space:]=]+/bin/vbackup( -q)? [a-z]+' "$examples"/*.c[rf]* \
	    >"$WORK/calls"
	[ "$(wc -l <"$WORK/calls")" -ge 4 ]
	while read -r program words; do
		[ -x "$ROOT$program" ]
		"$ROOT$program" help "${words##* }" >/dev/null
	done <"$WORK/calls"
	# The sample is a configuration that sets nothing.
	env -i "$VBACKUP" -c "$examples/vbackup.conf" dump >"$WORK/dump"
	run grep -E '^[a-z]' "$WORK/dump"
	[ "$status" -eq 1 ]
}

@test "the manual says where the examples are" {
	installed
	examples=$(dirname "$(find "$ROOT" -name vbackup.cron)")
	page=$(find "$ROOT" -name vbackup.1)
	grep -qF ".Pa ${examples#"$ROOT"}" "$page"
	for file in "$examples"/*; do
		grep -qF ".It Pa ${file##*/}" "$page" || {
			echo "not in the manual: $file"
			return 1
		}
	done
}

@test "the release build is hardened" {
	run readelf -h -l -d -W "$BUILD/cmd/vbackup"
	[[ $output == *"DYN (Position-Independent Executable"* ]]
	[[ $output == *GNU_RELRO* && $output == *BIND_NOW* ]]
	[[ $output != *" RWE "* ]]
	run readelf -s -W "$BUILD/cmd/vbackup"
	[[ $output == *__stack_chk_fail* && $output == *_chk@GLIBC* ]]
}
