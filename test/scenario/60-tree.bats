#!/usr/bin/env bats
# Trees with everything that a file system can hold, through the whole program
# in an empty environment, and back with both tars.

load common
setup() {
	common_setup
	[ "$(id -u)" = 0 ] || skip "not root"
}

@test "everything comes back with GNU tar, for each compression" {
	"$BUILD/test/unit/make_nasty_tree" "$WORK/source"
	for compression in gz zst none; do
		conf <<-E
			sources = $WORK/source
			compression = $compression
		E
		vbackup -q run
		restore "$(the_archive)" "$WORK/out" 2>"$WORK/errors"
		cat "$WORK/errors"
		"$BUILD/test/unit/compare_trees" "$WORK/source" \
		    "$WORK/out$WORK/source"
		rm -rf "$WORK/out" "$ARCHIVE"/*
	done
}

@test "bsdtar reads it too, and differs only where it misreads" {
	"$BUILD/test/unit/make_nasty_tree" "$WORK/source"
	conf <<<"sources = $WORK/source"
	vbackup -q run
	restore_bsd "$(the_archive)" "$WORK/out"
	run "$BUILD/test/unit/compare_trees" "$WORK/source" \
	    "$WORK/out$WORK/source"
	# See pack.h: times before 1970, attribute names with = or %, ACL ids
	# from 2^31. Names and contents are never among them.
	! grep -vE 'mtime|attribute|xattr|acl' <<<"$output"
}

@test "names with newlines and bytes that are no UTF-8 are logged in one line" {
	bad=$'new\nline\xff'
	mkdir "$WORK/source/$bad"
	python3 -c 'import socket,sys,os
os.chdir(os.fsencode(sys.argv[1])); socket.socket(socket.AF_UNIX).bind("s")' \
	    "$WORK/source/$bad"
	echo x >"$WORK/source/$bad/file"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup -v run
	[ "$status" -eq 0 ]
	grep -q 'new\\nline\\xff/s. is a socket' <<<"$stderr"
	restore "$(the_archive)" "$WORK/out"
	[ "$(cat "$WORK/out$WORK/source/$bad/file")" = x ]
}

@test "getfattr, getfacl and getcap see the same after a restore" {
	echo x >"$WORK/source/file"
	setfattr -n user.comment -v hello "$WORK/source/file"
	setfattr -n trusted.secret -v inside "$WORK/source/file"
	setfacl -m u:12345:rw,g:54321:r "$WORK/source/file"
	mkdir "$WORK/source/dir"
	setfacl -d -m u:12345:rwx "$WORK/source/dir"
	cp /bin/true "$WORK/source/capable"
	setcap cap_net_raw+ep "$WORK/source/capable"
	conf <<<"sources = $WORK/source"
	vbackup -q run
	restore "$(the_archive)" "$WORK/out"
	for tool in "getfattr -R -d -h -m - -e hex" "getfacl -R -n" \
	    "getcap -r"; do
		(cd "$WORK/source" && $tool . >"$WORK/before")
		(cd "$WORK/out$WORK/source" && $tool . >"$WORK/after")
		[ -s "$WORK/before" ]
		diff <(sort "$WORK/before") <(sort "$WORK/after")
	done
}
