#!/usr/bin/env bats
# restore --to: what was packed comes back from directories and from S3,
# whatever the compression and sealing, ours and docker-volume-backup's; what is
# there is kept, or replaced by a good archive only; damage is a failure.

load common
load s3

# A key for all tests: its passphrase is "pass of the key".
setup_file() {
	export KEYS=$BATS_FILE_TMPDIR
	GNUPGHOME=$KEYS/home
	export GNUPGHOME
	mkdir -m 700 "$GNUPGHOME"
	gpg -q --batch --pinentry-mode loopback --passphrase 'pass of the key' \
	    --quick-gen-key me@example.org future-default default never
	gpg -q --armor --export >"$KEYS/ring"
	gpg -q --batch --pinentry-mode loopback --passphrase 'pass of the key' \
	    --armor --export-secret-keys >"$KEYS/secret"
	gpgconf --kill all
}

setup() {
	common_setup
	OUT=$WORK/out
	# Only what is given may be used.
	export GNUPGHOME=$WORK/gnupg
	mkdir -m 700 "$GNUPGHOME"
}

teardown() {
	gpgconf --kill all 2>/dev/null || true
	[[ ! -d $WORK/s3 ]] || s3_stop "$WORK/s3"
}

no_gpg_is_left() {
	run ! pgrep -af "$WORK/vbackup-gpg-"
	run ! compgen -G "$WORK/vbackup-gpg-*"
}

# restores STATUS ARGUMENT...
restores() {
	local wanted=$1
	shift
	run --separate-stderr vbackup restore "$@"
	echo "status $status: $output $stderr"
	[ "$status" -eq "$wanted" ]
}

flip() { # FILE OFFSET
	local byte
	byte=$(od -An -tu1 -j "$2" -N1 "$1")
	printf "\\x$(printf %x $((byte ^ 16)))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

small_source() {
	mkdir -p "$WORK/source/sub/deep"
	seq 1 20000 >"$WORK/source/numbers"
	head -c 300000 /dev/urandom >"$WORK/source/sub/random"
	echo deep >"$WORK/source/sub/deep/file"
	ln -s nowhere "$WORK/source/link"
}

same() { # [DIR]
	diff -r --no-dereference "$WORK/source" "${1:-$OUT}$WORK/source"
}

# An archive NAME of the two volumes db and www and a directory srv, as a run on
# a host with containers would leave it.
volumes() { # NAME
	local tree=$WORK/tree
	mkdir -p "$tree"/volumes/{db/base,www,empty} "$tree/srv/files"
	echo row >"$tree/volumes/db/base/1"
	echo page >"$tree/volumes/www/index.html"
	echo text >"$tree/srv/files/text"
	tar -C "$tree" -czf "$ARCHIVE/$1" volumes srv
	jq -n --arg name "$1" --arg sum \
	    "$(sha256sum <"$ARCHIVE/$1" | cut -d' ' -f1)" \
	    --argjson size "$(stat -c %s "$ARCHIVE/$1")" \
	    '{version: 1, name: $name, job: "backup", size_bytes: $size,
	    sha256: $sum, raw_bytes: 14, files: 3, compression: "gzip",
	    started: "2025-01-02T03:04:05Z", encryption: "none", sources: [
	    {type: "volume", name: "db", path: "/v/db"},
	    {type: "volume", name: "www", path: "/v/www"},
	    {type: "volume", name: "empty", path: "/v/empty"},
	    {type: "directory", path: "/srv/files"}]}' \
	    >"$ARCHIVE/$1.metadata.json"
}

# Its files with thousands of holes take seconds to remove: once is enough.
@test "everything that a file system can hold comes back" {
	[ "$(id -u)" = 0 ] || skip "not root"
	"$BUILD/test/unit/make_nasty_tree" "$WORK/source"
	conf <<-E
		sources = $WORK/source
		compression = zst
	E
	vbackup -q run
	restores 0 --to "$OUT" --devices
	[[ $output == "restored: "*" files, "*" to $OUT" ]]
	"$BUILD/test/unit/compare_trees" "$WORK/source" "$OUT$WORK/source"
}

@test "each compression, each sealing" {
	small_source
	for how in 'gz ' 'zst passphrase = correct horse' \
	    "none public_key_ring_file = $KEYS/ring
secret_key_file = $KEYS/secret
secret_key_passphrase = pass of the key"; do
		conf <<-E
			sources = $WORK/source
			compression = ${how%% *}
			[seal]
			${how#* }
		E
		vbackup -q run
		restores 0 --to "$OUT"
		same
		rm -r "$OUT" "$ARCHIVE"/*
	done
	no_gpg_is_left
}

@test "devices only if asked for, and each is told" {
	[ "$(id -u)" = 0 ] || skip "not root"
	echo x >"$WORK/source/file"
	mknod "$WORK/source/null" c 1 3
	mkfifo "$WORK/source/fifo"
	conf <<<"sources = $WORK/source"
	vbackup -q run
	restores 3 --to "$OUT"
	[[ $stderr == *warning*null* ]]
	[[ -p $OUT$WORK/source/fifo && ! -e $OUT$WORK/source/null ]]
	restores 0 --to "$WORK/again" --devices
	[[ -c $WORK/again$WORK/source/null ]]
}

@test "without the Engine and beside a run that holds the lock" {
	small_source
	conf <<<"sources = $WORK/source"
	vbackup -q run
	sed -i 's,^host = .*,host = unix:///nonexistent,' "$CONF"
	flock "$WORK/lock/vbackup.lock" -c 'sleep 20' 3>&- &
	holder=$!
	run --separate-stderr vbackup -q restore --to "$OUT"
	kill $holder
	[ "$status" -eq 0 ]
	[[ -z $output && -z $stderr ]]
	same
}

@test "volumes and paths, and what there is none of" {
	conf <<<"sources = $WORK/source"
	volumes old.tar.gz
	restores 0 --to "$OUT" --volume db
	[ "$(cd "$OUT" && find . -type f)" = ./volumes/db/base/1 ]
	rm -r "$OUT"
	restores 0 old.tar.gz --to "$OUT" /srv/files volumes/www/index.html
	[ "$(cd "$OUT" && find . -type f | sort | xargs)" = \
	    "./srv/files/text ./volumes/www/index.html" ]
	rm -r "$OUT"
	restores 0 latest --to "$OUT" --volume other=volumes/db ./srv/
	[ "$(cat "$OUT/volumes/db/base/1" "$OUT/srv/files/text" | xargs)" = \
	    "row text" ]
	[ ! -e "$OUT/volumes/www" ]
	# A volume that is empty is there.
	restores 0 --to "$WORK/again" --volume empty
	[ -d "$WORK/again/volumes/empty" ]
	rm -r "$OUT"
	restores 1 old.tar.gz --to "$OUT" --volume dbs
	[[ $stderr == *"no volume 'dbs'"*"'db', 'www'"* && ! -e $OUT ]]
	restores 1 --to "$OUT" --volume dbs
	[[ $stderr == *"'dbs'"* && ! -e $OUT ]]
	restores 1 old.tar.gz --to "$OUT" --volume db srv/nothing
	[[ $stderr == *"nothing of 'srv/nothing'"* ]]
	[ "$(cat "$OUT/volumes/db/base/1")" = row ]
}

@test "the newest archive, of all jobs, of one, and with a volume" {
	small_source
	conf <<-E
		[job a]
		sources = $WORK/source/sub
		filename = a-%Y-%m-%dT%H-%M-%S.{{ .Extension }}
		[job b]
		sources = $WORK/source
		filename = b-%Y-%m-%dT%H-%M-%S.{{ .Extension }}
	E
	vbackup -q run -j b
	sleep 1.1
	vbackup -q run -j a
	restores 0 latest --to "$OUT"
	[[ $output == *" from a-"* ]]
	restores 0 -j b --to "$WORK/b"
	[[ $output == *" from b-"* ]]
	same "$WORK/b"
	# Older than both, but theirs have no volume.
	volumes volumes.tar.gz
	restores 0 --volume www --to "$WORK/v"
	[[ $output == *" from volumes.tar.gz "* ]]
	restores 1 --volume www -j a --to "$WORK/w"
	restores 1 volumes.tar.gz -j a --to "$WORK/w"
	[ ! -e "$WORK/w" ]
}

@test "a dry run prints each member, finds damage, and touches nothing" {
	conf <<<"sources = $WORK/source"
	volumes old.tar.gz
	run --separate-stderr vbackup -q restore --dry-run --to "$OUT" \
	    old.tar.gz --volume db srv
	[ "$status" -eq 0 ]
	[ "$(sort <<<"$output" | xargs)" = "srv srv/files srv/files/text \
volumes/db volumes/db/base volumes/db/base/1" ]
	[ ! -e "$OUT" ]
	restores 1 --dry-run --to "$OUT" old.tar.gz nothing
	flip "$ARCHIVE/old.tar.gz" 30
	restores 1 --dry-run --to "$OUT" old.tar.gz
	[ ! -e "$OUT" ]
}

@test "what is there is kept and told, or replaced if asked for" {
	small_source
	conf <<<"sources = $WORK/source"
	vbackup -q run
	mkdir -p "$OUT$WORK/source"
	echo mine >"$OUT$WORK/source/numbers"
	echo mine >"$OUT$WORK/source/other"
	restores 3 --to "$OUT"
	[[ $stderr == *warning*source/numbers* ]]
	[ "$(cat "$OUT$WORK/source/numbers")" = mine ]
	cmp "$WORK/source/sub/random" "$OUT$WORK/source/sub/random"
	restores 0 --to "$OUT" --overwrite
	[ "$(cat "$OUT$WORK/source/other")" = mine ]
	rm "$OUT$WORK/source/other"
	same
	# Not through a link that is there, and not into its target.
	rm -r "$OUT$WORK/source/sub"
	mkdir "$WORK/elsewhere"
	ln -s "$WORK/elsewhere" "$OUT$WORK/source/sub"
	restores 3 --to "$OUT"
	[ -z "$(ls "$WORK/elsewhere")" ]
}

# Damaged: 1, and the archive is named; with --overwrite nothing is replaced.
damaged() { # NEEDLE
	restores 1 --to "$WORK/damaged" latest
	[[ $stderr == *backup-*$1* ]]
	restores 1 --to "$OUT" --overwrite latest
	[[ $stderr == *backup-* ]]
	[ "$(find "$OUT" -type f -exec cat {} +)" = mine ]
	rm -rf "$WORK/damaged"
}

@test "damage of every kind: it fails, and replaces nothing" {
	small_source
	mkdir -p "$OUT$WORK/source"
	echo mine >"$OUT$WORK/source/numbers"
	for how in 'gz ' 'none ' 'zst passphrase = correct horse'; do
		conf <<-E
			sources = $WORK/source
			compression = ${how%% *}
			[seal]
			${how#* }
		E
		vbackup -q run
		file=$(the_archive)
		size=$(stat -c %s "$file")
		cp "$file" "$WORK/whole"
		flip "$file" $((size / 2))
		damaged ""
		[[ $how != 'none '* ]] || [[ $stderr == *SHA-256* ]]
		cp "$WORK/whole" "$file"
		truncate -s $((size - 600)) "$file"
		damaged "bytes, its metadata says"
		mv "$file.metadata.json" "$WORK/aside"
		damaged ""
		cp "$WORK/whole" "$file"
		jq -c '.raw_bytes = 4096' "$WORK/aside" \
		    >"$file.metadata.json"
		damaged ""
		rm "$ARCHIVE"/*
	done
	# What a failure leaves is said to be no whole.
	conf <<-E
		sources = $WORK/source
		compression = none
	E
	vbackup -q run
	flip "$(the_archive)" 200000
	restores 1 --to "$WORK/part"
	[[ $stderr == *"what is in '$WORK/part' is not complete"* ]]
	no_gpg_is_left
}

@test "a wrong passphrase, a wrong key, and none" {
	small_source
	conf <<-E
		sources = $WORK/source
		[seal]
		passphrase = correct horse
	E
	vbackup -q run
	sed -i 's/correct horse/wrong horse/' "$CONF"
	restores 1 --to "$OUT"
	[[ $stderr == *"passphrase is not the one"* ]]
	[[ $stderr != *"wrong horse"* && -z $(find "$OUT" -type f) ]]
	rm -r "$OUT"
	sed -i '/^passphrase/d' "$CONF"
	for with in metadata none; do
		run --separate-stderr setsid -w env -i PATH="$PATH" \
		    XDG_RUNTIME_DIR="$WORK" "$VBACKUP" -c "$CONF" restore \
		    --to "$OUT"
		[ "$status" -eq 2 ]
		[[ $stderr == *seal.passphrase* && ! -e $OUT ]]
		rm -f "$ARCHIVE"/*.metadata.json
	done
	rm "$ARCHIVE"/*
	conf <<-E
		sources = $WORK/source
		[seal]
		public_key_ring_file = $KEYS/ring
	E
	vbackup -q run
	ENVIRONMENT=(GNUPGHOME="$GNUPGHOME")
	restores 2 --to "$OUT"
	[[ $stderr == *"no secret key"*seal.secret_key* && ! -e $OUT ]]
	conf <<-E
		sources = $WORK/source
		[seal]
		secret_key_file = $KEYS/secret
		secret_key_passphrase = another
	E
	restores 1 --to "$OUT"
	[[ $stderr == *"passphrase (set seal.secret_key_passphrase)"* ]]
	no_gpg_is_left
}

@test "the passphrase is asked for on the terminal, without echo" {
	small_source
	conf <<-E
		sources = $WORK/source
		[seal]
		passphrase = correct horse
	E
	vbackup -q run
	sed -i '/^passphrase/d' "$CONF"
	python3 "$BATS_TEST_DIRNAME/terminal.py" answer 'correct horse' \
	    0 "$VBACKUP" -c "$CONF" restore --to "$OUT"
	same
	rm -r "$OUT" "$ARCHIVE"/*.metadata.json
	python3 "$BATS_TEST_DIRNAME/terminal.py" answer 'correct horse' \
	    0 "$VBACKUP" -c "$CONF" restore --to "$OUT"
	same
	rm -r "$OUT"
	python3 "$BATS_TEST_DIRNAME/terminal.py" answer 'wrong horse' \
	    1 "$VBACKUP" -c "$CONF" restore --to "$OUT"
	rm -r "$OUT"
	python3 "$BATS_TEST_DIRNAME/terminal.py" answer '' \
	    2 "$VBACKUP" -c "$CONF" restore --to "$OUT"
	python3 "$BATS_TEST_DIRNAME/terminal.py" interrupt '' \
	    5 "$VBACKUP" -c "$CONF" restore --to "$OUT"
	[ ! -e "$OUT" ]
}

@test "interrupted: 5, and what is there is said to be no whole" {
	mkdir "$WORK"/source/{a,b}
	echo first >"$WORK/source/a/file"
	head -c 200M /dev/zero >"$WORK/source/b/file"
	conf <<-E
		sources = $WORK/source/a, $WORK/source/b
		compression = none
		[seal]
		passphrase = correct horse
	E
	vbackup -q run
	# env becomes the program; a function would be a shell around it.
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "$VBACKUP" -c "$CONF" \
	    restore --to "$OUT" 2>"$WORK/errors" 3>&- &
	until [[ -e $OUT$WORK/source/b/file ]]; do
		kill -0 $!
	done
	kill -INT $!
	status=0
	wait $! || status=$?
	cat "$WORK/errors"
	[ "$status" -eq 5 ]
	grep -q "not complete: .*interrupted by SIGINT" "$WORK/errors"
	no_gpg_is_left
}

@test "what docker-volume-backup left: GNU tar, gzip, zstd and gpg" {
	conf <<-E
		filename = backup-%Y-%m-%dT%H-%M-%S.tar.gz
		sources = $WORK/source
		[seal]
		passphrase = correct horse
	E
	small_source
	mkdir "$WORK/backup"
	cp -a "$WORK/source" "$WORK/backup/data"
	name=backup-2024-05-06T07-08-09.tar.gz
	tar -C "$WORK" -P --transform 's,^backup,/backup,' -cz backup \
	    >"$ARCHIVE/$name"
	restores 0 --to "$OUT"
	[[ $output == *" from $name "* ]]
	diff -r --no-dereference "$WORK/backup" "$OUT/backup"
	restores 0 "$name" --to "$WORK/volume" --volume data
	[ -e "$WORK/volume/backup/data/numbers" ]
	restores 0 "$name" --to "$WORK/path" /backup/data/sub
	[ ! -e "$WORK/path/backup/data/numbers" ]
	diff -r "$WORK/source/sub" "$WORK/path/backup/data/sub"
	restores 1 "$name" --to "$WORK/path" --volume other
	# Zstandard under that name, too, and encrypted.
	gpg -q --batch --pinentry-mode loopback --passphrase 'correct horse' \
	    -c -o "$ARCHIVE/$name.gpg" "$ARCHIVE/$name"
	rm -r "$OUT"
	restores 0 "$name.gpg" --to "$OUT"
	diff -r --no-dereference "$WORK/backup" "$OUT/backup"
	gzip -dc "$ARCHIVE/$name" | zstd -q >"$WORK/zst"
	mv "$WORK/zst" "$ARCHIVE/$name"
	rm -r "$OUT"
	restores 0 "$name" --to "$OUT"
	diff -r --no-dereference "$WORK/backup" "$OUT/backup"
	# A name that leads out: nothing is put there, nor beside it.
	mkdir "$WORK/deep"
	tar -C "$WORK" -P --transform 's,^backup,../../escaped,' -cz backup \
	    >"$ARCHIVE/evil.tar.gz"
	restores 1 evil.tar.gz --to "$WORK/deep/out"
	[[ $stderr == *".."* ]]
	[ -z "$(find "$WORK" -name 'escaped*')" ]
	cp "$ARCHIVE/$name" "$ARCHIVE/$name.age"
	restores 2 "$name.age" --to "$OUT"
	[[ $stderr == *age* ]]
}

@test "wrong usage is 2, and says how it goes" {
	conf <<<"sources = $WORK/source"
	volumes old.tar.gz
	restores 2 old.tar.gz
	[[ $stderr == *"--to DIR"*usage:* ]]
	restores 2 --to "$OUT" --in-place
	restores 2 old.tar.gz --in-place srv
	[[ $stderr == *srv* ]]
	restores 2 old.tar.gz --to "$OUT" --keep-old
	restores 2 old.tar.gz --to ''
	restores 2 old.tar.gz --to "$OUT" ../etc
	restores 2 old.tar.gz --to "$OUT" --volume a/b
	restores 2 old.tar.gz --to "$OUT" --volume db --volume db=srv
	restores 2 old.tar.gz --to "$OUT" --store nowhere
	restores 2 old.tar.gz --to "$OUT" --no-such-option
	restores 1 olt.tar.gz --to "$OUT"
	[[ $stderr == *"'old.tar.gz'"* ]]
	[ ! -e "$OUT" ]
	echo file >"$WORK/file"
	restores 1 old.tar.gz --to "$WORK/file"
	restores 1 old.tar.gz --to "$WORK/file/below"
	[[ $stderr == *"$WORK/file"* ]]
}

@test "S3: from there where it must be, and what is missing or damaged" {
	s3_require
	s3_start "$WORK/s3"
	s3 mb s3://restore
	small_source
	head -c 12M /dev/urandom >"$WORK/source/big"
	conf <<-E
		sources = $WORK/source
		compression = zst
		[seal]
		passphrase = correct horse
		[s3]
		bucket = restore
		path = my host
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
		retry = 3s
	E
	vbackup -q run
	file=$(the_archive)
	name=${file##*/}
	restores 0 --to "$OUT"
	[[ $output == *" in local "* ]]
	rm -r "$OUT"
	restores 0 "$name" --store s3 --to "$OUT"
	[[ $output == *" in s3 "* ]]
	same
	rm -r "$OUT"
	# Damaged here: from there, and that is told.
	flip "$file" 1000
	restores 3 --to "$OUT" --overwrite
	[[ $stderr == *warning*"$ARCHIVE"*"going on with"* ]]
	[[ $output == *" in s3 "* ]]
	same
	rm -r "$OUT"
	# Gone here: not even a warning.
	rm "$file" "$file.metadata.json"
	restores 0 --to "$OUT"
	same
	rm -r "$OUT"
	s3 get --force "s3://restore/my host/$name" "$WORK/object" >/dev/null
	flip "$WORK/object" 9000000
	s3 put "$WORK/object" "s3://restore/my host/$name" >/dev/null
	restores 1 --to "$OUT" --overwrite
	[ -z "$(ls "$OUT" 2>/dev/null)" ]
	s3 del "s3://restore/my host/$name" >/dev/null
	restores 1 "$name" --to "$OUT"
	[[ $stderr == *"no archive"* ]]
	# What cannot be reached keeps nobody from what is here, and is told.
	s3_stop "$WORK/s3"
	cp "$WORK/object" "$ARCHIVE/$name"
	volumes old.tar.gz
	restores 3 old.tar.gz --to "$OUT"
	[[ $stderr == *warning*127.0.0.1* ]]
	[ "$(cat "$OUT/volumes/db/base/1")" = row ]
	no_gpg_is_left
}
