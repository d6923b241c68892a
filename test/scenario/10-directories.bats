#!/usr/bin/env bats
# Directories, without a Docker Engine.

load common
setup() { common_setup; }

@test "a directory becomes an archive that plain tar restores" {
	mkdir -p "$WORK/source/a/empty"
	echo hello >"$WORK/source/a/file"
	ln -s file "$WORK/source/a/link"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[ "$output" = "$(the_archive)" ]
	restore "$(the_archive)" "$WORK/out"
	diff -r "$WORK/source" "$WORK/out$WORK/source"
	[ -d "$WORK/out$WORK/source/a/empty" ]
	[ "$(readlink "$WORK/out$WORK/source/a/link")" = file ]
	store_is_clean
}

@test "members are relative and below the directory's own path" {
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/source"
	vbackup -q run
	run tar -tf "$(the_archive)"
	[ "${lines[0]}" = "${WORK#/}/source/" ]
	[ "${lines[1]}" = "${WORK#/}/source/file" ]
}

@test "the archive is 0600, or what mode and owner say" {
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/source"
	vbackup -q run
	[ "$(stat -c %a "$(the_archive)")" = 600 ]
	rm "$ARCHIVE"/*
	conf <<-E
		sources = $WORK/source
		[archive]
		mode = 0640
		owner = 12:34
	E
	vbackup -q run
	[ "$(stat -c '%a %u %g' "$(the_archive)")" = "640 12 34" ]
	[ "$(stat -c '%a %u %g' "$(the_archive).metadata.json")" = \
	    "640 12 34" ]
}

@test "the metadata file tells the truth" {
	echo hello >"$WORK/source/file"
	conf <<<"sources = $WORK/source"
	vbackup -q run
	a=$(the_archive)
	[ "$(metadata .version)" = 1 ]
	[ "$(metadata .name)" = "$(basename "$a")" ]
	[ "$(metadata .sha256)" = "$(sha256sum "$a" | cut -d' ' -f1)" ]
	[ "$(metadata .size_bytes)" = "$(stat -c %s "$a")" ]
	[ "$(metadata .raw_bytes)" = 6 ]
	[ "$(metadata .files)" = 1 ]
	[ "$(metadata .compression)" = gzip ]
	[ "$(metadata '.sources[0].type')" = directory ]
	[ "$(metadata '.sources[0].path')" = "$WORK/source" ]
	[ "$(metadata .job)" = backup ]
}

@test "the compression follows from the name, and from the setting" {
	echo hello >"$WORK/source/file"
	for name in a-%s.tar.gz a-%s.tgz a-%s.tar.zst a-%s.tar; do
		rm -f "$ARCHIVE"/*
		conf <<-E
			sources = $WORK/source
			filename = $name
		E
		vbackup -q run
		archive=$(find "$ARCHIVE" -name 'a-*' ! -name '*.json')
		case $name in
		*gz) gzip -t <"$archive" ;;
		*zst) zstd -q -t "$archive" ;;
		*) ! gzip -t <"$archive" 2>/dev/null ;;
		esac
		[ "$(tar -xOf "$archive")" = hello ]
	done
	rm -f "$ARCHIVE"/*
	ENVIRONMENT=(BACKUP_COMPRESSION=zst)
	conf <<-E
		sources = $WORK/source
		filename = a-%s.{{ .Extension }}
	E
	vbackup -q run
	[[ $(the_archive) == *.tar.zst ]]
	zstd -q -t "$(the_archive)"
}

@test "a compression that the name denies wins, with a warning" {
	echo hello >"$WORK/source/file"
	conf <<-E
		sources = $WORK/source
		compression = none
		filename = a-%s.tar.gz
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"says gz"*"none"* ]]
	cp "$(the_archive)" "$WORK/a.tar"
	[ "$(tar -xOf "$WORK/a.tar")" = hello ]
}

@test "variables of docker-volume-backup do the same without a file" {
	mkdir "$WORK/two"
	echo 1 >"$WORK/source/file"
	echo 2 >"$WORK/two/file"
	echo 3 >"$WORK/two/file.tmp"
	run --separate-stderr env -i PATH="$PATH" DOCKER_HOST=none \
	    VBACKUP_LOCK_DIRECTORY="$WORK/lock" LOCK_TIMEOUT=5s TZ=UTC \
	    BACKUP_SOURCES="$WORK/source,$WORK/two" BACKUP_ARCHIVE="$ARCHIVE" \
	    BACKUP_FILENAME='$NAME-%Y.{{ .Extension }}' NAME=mine \
	    BACKUP_FILENAME_EXPAND=true BACKUP_LATEST_SYMLINK='latest-$NAME' \
	    BACKUP_EXCLUDE_REGEXP='\.tmp$' GZIP_PARALLELISM=1 \
	    "$VBACKUP" -c /dev/null run
	[ "$status" -eq 0 ]
	[ "$output" = "$ARCHIVE/mine-$(TZ=UTC date +%Y).tar.gz" ]
	[ "$(readlink "$ARCHIVE/latest-mine")" = "$(basename "$output")" ]
	[ "$(tar -xOf "$output")" = $'1\n2' ]
}

@test "the latest symlink leads to the newest archive" {
	echo 1 >"$WORK/source/file"
	conf <<-E
		sources = $WORK/source
		filename = a-%Y%m%d%H%M%S.tar.gz
		latest_symlink = latest.tar.gz
	E
	vbackup -q run
	first=$(readlink "$ARCHIVE/latest.tar.gz")
	sleep 1.1
	vbackup -q run
	[ "$(readlink "$ARCHIVE/latest.tar.gz")" != "$first" ]
	[ -f "$ARCHIVE/$first" ]
	tar -tf "$ARCHIVE/latest.tar.gz" >/dev/null
}

@test "globs and regular expressions leave out what they say" {
	mkdir -p "$WORK/source/cache/deep" "$WORK/source/keep"
	touch "$WORK/source/cache/deep/x" "$WORK/source/keep/a.tmp" \
	    "$WORK/source/keep/b" "$WORK/source/keep/c.log"
	conf <<-E
		sources = $WORK/source
		exclude = *.tmp
		exclude = cache
		exclude_regexp = \.LOG$
	E
	vbackup -q run
	run tar -tf "$(the_archive)"
	[[ $output == *c.log* && $output != *cache* && $output != *.tmp* ]]
	rm "$ARCHIVE"/*
	sed -i 's/LOG/log/' "$CONF"
	vbackup -q run
	run tar -tf "$(the_archive)"
	[[ $output == */keep/b* && $output != *c.log* ]]
}

@test "a store inside a source is left out" {
	mkdir "$WORK/source/store"
	echo old >"$WORK/source/store/old.tar"
	echo x >"$WORK/source/file"
	ARCHIVE=$WORK/source/store
	conf <<<"sources = $WORK/source"
	vbackup -q run
	run tar -tf "$(find "$ARCHIVE" -name 'backup-*.gz')"
	[[ $output == */file* && $output != *old.tar* ]]
}

@test "a name without a time is replaced, one with a time never" {
	echo 1 >"$WORK/source/file"
	conf <<-E
		sources = $WORK/source
		filename = fixed.tar.gz
	E
	vbackup -q run
	echo 2 >"$WORK/source/file"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"replaced"* ]]
	[ "$(tar -xOf "$ARCHIVE/fixed.tar.gz")" = 2 ]
	conf <<-E
		sources = $WORK/source
		filename = year-%Y.tar.gz
	E
	vbackup -q run
	before=$(sha256sum "$ARCHIVE"/year-*.gz)
	echo 3 >"$WORK/source/file"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"there already"* ]]
	[ "$(sha256sum "$ARCHIVE"/year-*.gz)" = "$before" ]
	store_is_clean
}

@test "nothing but empty sources is an error, an empty one beside others not" {
	mkdir "$WORK/empty"
	conf <<<"sources = $WORK/empty"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"empty"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/empty, $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"'$WORK/empty' is empty"* ]]
}

@test "sockets are left out and counted" {
	echo x >"$WORK/source/file"
	python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
	    "$WORK/source/socket"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"sockets left out: 1"* ]]
	! tar -tf "$(the_archive)" | grep socket
}

@test "an unreadable file is named, the run ends with 3, the archive is good" {
	[ "$(id -u)" = 0 ] || skip "not root"
	install -d -o 65534 "$WORK/source" "$ARCHIVE" "$WORK/lock"
	chmod 755 "$WORK" "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" \
	    "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	echo good >"$WORK/source/good"
	echo secret >"$WORK/source/bad"
	chmod 600 "$WORK/source/bad"
	chmod 644 "$WORK/source/good"
	conf <<<"sources = $WORK/source"
	chmod 644 "$CONF"
	cp "$VBACKUP" "$WORK/vbackup"
	run --separate-stderr setpriv --reuid 65534 --clear-groups \
	    env -i PATH="$PATH" "$WORK/vbackup" -c "$CONF" run
	[ "$status" -eq 3 ]
	[[ $stderr == *"source/bad"*"Permission denied"* ]]
	[ "$(tar -xOf "$(the_archive)")" = good ]
	[[ $(metadata '.warnings[0]') == *"source/bad"* ]]
}

@test "several jobs succeed or fail each by itself" {
	mkdir "$WORK/two" "$WORK/three" "$WORK/other"
	echo 1 >"$WORK/source/file"
	echo 2 >"$WORK/two/file"
	conf <<-E
		[job one]
		sources = $WORK/source
		[job two]
		sources = $WORK/two
		archive.path = $WORK/other
		compression = zst
		[job three]
		sources = $WORK/three
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"three: no archive"* ]]
	[[ $(the_archive) == */one-*.tar.gz ]]
	[[ $(the_archive "$WORK/other") == */two-*.tar.zst ]]
	[ "${#lines[@]}" -eq 2 ]
	rm "$ARCHIVE"/* "$WORK/other"/*
	run --separate-stderr vbackup run -j two
	[ "$status" -eq 0 ]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a dry run prints the plan and touches nothing" {
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run --dry-run
	[ "$status" -eq 0 ]
	[[ $output == *"job backup"*"directory $WORK/source"*"$ARCHIVE"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
	[ ! -e "$WORK/lock" ]
}

@test "quiet success prints nothing, quiet failure does" {
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/source"
	run vbackup -q run
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	rm "$WORK/source/file" "$ARCHIVE"/*
	run vbackup -q run
	[ "$status" -eq 1 ]
	[ -n "$output" ]
}

@test "the log is JSON when asked for, whatever a file is called" {
	bad=$'new\nline \xff"quote\\'
	echo x >"$WORK/source/file"
	mkdir "$WORK/source/$bad"
	python3 -c 'import socket,sys,os
os.chdir(os.fsencode(sys.argv[1])); socket.socket(socket.AF_UNIX).bind("s")' \
	    "$WORK/source/$bad"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup -v --log-format json run
	[ "$status" -eq 0 ]
	jq -es 'map(select(.msg | test("is a socket"))) | length == 1' \
	    <<<"$stderr"
}

@test "no colour and no status line without a terminal, both with one" {
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/missing"
	run vbackup run
	[ "$status" -eq 2 ]
	[[ $output != *$'\033'* ]]
	run script -qec "env -i PATH=$PATH $VBACKUP -c $CONF run" /dev/null
	[[ $output == *$'\033[31m'* ]]
	run script -qec "env -i PATH=$PATH $VBACKUP -c $CONF -C run" /dev/null
	[[ $output != *$'\033[31m'* ]]
}
