#!/usr/bin/env bats
# The store: full, not writable, in the way.

load common
setup() { common_setup; }
teardown() { ! mountpoint -q "$ARCHIVE" || umount "$ARCHIVE"; }

small_store() { # SIZE
	[ "$(id -u)" = 0 ] || skip "not root"
	mount -t tmpfs -o size="$1" tmpfs "$ARCHIVE"
}

@test "a disk that fills up ends the run with 1 and leaves nothing" {
	small_store 8m
	head -c 20000000 /dev/urandom >"$WORK/source/big"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"No space left"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a disk that cannot hold it is refused before anything is read" {
	small_store 8m
	head -c 20000000 /dev/urandom >"$WORK/source/big"
	conf <<-E
		sources = $WORK/source
		compression = none
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *MiB* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a latest symlink does not replace a file" {
	echo x >"$WORK/source/file"
	echo precious >"$ARCHIVE/latest"
	conf <<-E
		sources = $WORK/source
		latest_symlink = latest
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[ "$(cat "$ARCHIVE/latest")" = precious ]
	tar -tf "$(the_archive)" >/dev/null
}

@test "a read-only store is an error before anything is read" {
	small_store 8m
	mount -o remount,ro "$ARCHIVE"
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"Read-only file system"* ]]
}
