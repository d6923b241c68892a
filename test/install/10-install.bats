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

@test "install puts program, manual, units and directories below DESTDIR" {
	DESTDIR=$WORK/root meson install -C "$BUILD" --no-rebuild
	run find "$WORK/root" -type f
	for file in /bin/vbackup /man1/vbackup.1 /man5/vbackup.conf.5 \
	    /man7/vbackup-labels.7 /man7/vbackup-migration.7 \
	    /man7/vbackup-notify.7 /vbackup.service /vbackup.timer \
	    /vbackup-recover.service; do
		[[ $output == *"$file"* ]]
	done
	[ -d "$WORK/root/etc/vbackup/conf.d" ]
	# Nothing of the build is left in it, and no test.
	[[ $output != *test_* && $output != *.a* ]]
}

@test "the release build is hardened" {
	run readelf -h -l -d -W "$BUILD/cmd/vbackup"
	[[ $output == *"DYN (Position-Independent Executable"* ]]
	[[ $output == *GNU_RELRO* && $output == *BIND_NOW* ]]
	[[ $output != *" RWE "* ]]
	run readelf -s -W "$BUILD/cmd/vbackup"
	[[ $output == *__stack_chk_fail* && $output == *_chk@GLIBC* ]]
}
