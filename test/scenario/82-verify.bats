#!/usr/bin/env bats
# verify: what is intact is found so, and damage is found and named, in
# directories and in a real S3 server, whatever the compression and sealing.

load common
load s3

setup() {
	common_setup
	gnupg_home
	head -c 3000000 /dev/urandom >"$WORK/source/big"
	seq 1 200000 >"$WORK/source/numbers"
	ln "$WORK/source/big" "$WORK/source/hard"
	ln -s nowhere "$WORK/source/link"
	truncate -s 5000000 "$WORK/source/sparse"
}

# Its agent would measure out for seconds how often to hash a passphrase.
gnupg_home() {
	export GNUPGHOME=$WORK/gnupg
	mkdir -m 700 "$GNUPGHOME"
	echo 's2k-count 65536' >"$GNUPGHOME/gpg-agent.conf"
}

teardown() {
	gpgconf --kill all 2>/dev/null || true
	[[ ! -d $WORK/s3 ]] || s3_stop "$WORK/s3"
}

no_gpg_is_left() {
	! pgrep -af "$WORK/vbackup-gpg-" || return 1
	! compgen -G "$WORK/vbackup-gpg-*"
}

verifies() { # ARGUMENT...
	run --separate-stderr vbackup verify "$@"
	echo "status $status: $output $stderr"
	[ "$status" -eq 0 ]
}

# It is damaged: 1, and both the store and the archive are named.
damaged() { # NEEDLE ARGUMENT...
	local needle=$1
	shift
	run --separate-stderr vbackup verify "$@"
	echo "status $status: $output $stderr"
	[ "$status" -eq 1 ]
	[[ $stderr == *"$ARCHIVE"* || $stderr == *"s3 'verify"* ]]
	[[ $stderr == *backup-* ]]
	[[ $stderr == *$needle* ]]
	[[ $output == *damaged* ]]
}

flip() { # FILE OFFSET
	local byte
	byte=$(od -An -tu1 -j "$2" -N1 "$1")
	printf "\\x$(printf %x $((byte ^ 16)))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

key() { # PASSPHRASE
	gpg -q --batch --pinentry-mode loopback --passphrase "$1" \
	    --quick-gen-key me@example.org future-default default never
	gpg -q --armor --export >"$WORK/ring"
	gpg -q --batch --pinentry-mode loopback --passphrase "$1" --armor \
	    --export-secret-keys >"$WORK/secret"
	# Only what is given may be used.
	gpgconf --kill all
	rm -r "$GNUPGHOME"
	gnupg_home
}

without_metadata() { # COMMAND...
	mv "$ARCHIVE"/*.metadata.json "$WORK/aside"
	"$@"
	mv "$WORK/aside" "$(the_archive).metadata.json"
}

# The archive in $ARCHIVE: intact, then altered at its beginning, in its middle
# and near its end, and cut off. What reads it finds each of them without
# metadata, too, unless it is a bare tar.
every_damage() { # [bare]
	local file size at
	verifies
	verifies --deep
	file=$(the_archive)
	size=$(stat -c %s "$file")
	cp "$file" "$WORK/whole"
	for at in 20 $((size / 2)) $((size - 3)); do
		flip "$file" "$at"
		[[ ${1-} == bare ]] || without_metadata damaged "" --deep
		((at == 20)) || damaged SHA-256
		cp "$WORK/whole" "$file"
	done
	truncate -s $((size - 1)) "$file"
	damaged "bytes, its metadata says"
	without_metadata damaged "" --deep
	cp "$WORK/whole" "$file"
}

one_damage() {
	local file
	verifies --deep
	file=$(the_archive)
	flip "$file" $(($(stat -c %s "$file") / 2))
	damaged "" --deep
}

# sources, compression and what is in [seal], if anything
sealed_conf() { # COMPRESSION [LINE...]
	local compression=$1
	shift
	{
		printf 'sources = %s\ncompression = %s\n' "$WORK/source" \
		    "$compression"
		printf '[seal]\n'
		(($# == 0)) || printf '%s\n' "$@"
	} | conf
}

@test "not sealed, each compression: intact and every damage" {
	for compression in gz zst none; do
		sealed_conf $compression
		vbackup -q run
		every_damage "${compression/none/bare}"
		rm "$ARCHIVE"/*
	done
}

@test "metadata that says something else, makes no sense, or is alone" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	file=$(the_archive)
	cp "$file.metadata.json" "$WORK/aside"
	jq -c '.files += 1' "$WORK/aside" >"$file.metadata.json"
	verifies
	damaged "files, its metadata says" --deep
	jq -c '.raw_bytes += 1' "$WORK/aside" >"$file.metadata.json"
	damaged "bytes, its metadata says" --deep
	echo '{"version":1' >"$file.metadata.json"
	damaged "its metadata"
	rm "$file.metadata.json"
	verifies
	verifies --deep
	cp "$WORK/aside" "$file.metadata.json"
	rm "$file"
	damaged "archive is missing"
}

@test "sealed with a passphrase: intact and every damage" {
	sealed_conf gz 'passphrase = correct horse'
	vbackup -q run
	every_damage
	for compression in zst none; do
		rm "$ARCHIVE"/*
		sealed_conf $compression 'passphrase = correct horse'
		vbackup -q run
		one_damage
	done
	no_gpg_is_left
}

@test "sealed to keys: with the secret key, its passphrase, and without" {
	key 'pass of the key'
	seal=("public_key_ring_file = $WORK/ring"
	    "secret_key_file = $WORK/secret"
	    'secret_key_passphrase = pass of the key')
	sealed_conf zst "${seal[@]}"
	vbackup -q run
	every_damage
	no_gpg_is_left
	sed -i 's/= pass of the key/= another one/' "$CONF"
	run --separate-stderr vbackup verify --deep
	[ "$status" -eq 1 ]
	[[ $stderr == *"another passphrase"* ]]
	sed -i '/^secret_key/d' "$CONF"
	ENVIRONMENT=(GNUPGHOME="$GNUPGHOME")
	run --separate-stderr vbackup verify --deep
	[ "$status" -eq 2 ]
	[[ $stderr == *"no secret key"* ]]
	verifies
	no_gpg_is_left
	run ! pgrep -af "gpg-agent.*$GNUPGHOME"
	for compression in gz none; do
		rm "$ARCHIVE"/*
		sealed_conf $compression "${seal[@]}"
		vbackup -q run
		one_damage
	done
	no_gpg_is_left
}

@test "sealed to a key of the user's own keyring, whose agent is ended again" {
	gpg -q --batch --pinentry-mode loopback --passphrase '' \
	    --quick-gen-key me@example.org future-default default never
	gpg -q --armor --export >"$WORK/ring"
	gpgconf --kill all
	conf <<-E
		sources = $WORK/source
		[seal]
		public_key_ring_file = $WORK/ring
	E
	vbackup -q run
	ENVIRONMENT=(GNUPGHOME="$GNUPGHOME")
	verifies --deep
	run ! pgrep -af "gpg-agent.*$GNUPGHOME"
}

@test "a wrong passphrase is said, and none is said before anything is read" {
	conf <<-E
		sources = $WORK/source
		[seal]
		passphrase = correct horse
	E
	vbackup -q run
	sed -i 's/correct horse/wrong horse/' "$CONF"
	damaged "passphrase is not the one" --deep
	[[ $stderr != *"wrong horse"* ]]
	sed -i '/^passphrase/d' "$CONF"
	run --separate-stderr vbackup verify --deep
	[ "$status" -eq 2 ]
	[[ $stderr == *seal.passphrase* ]]
	no_gpg_is_left
}

@test "latest, a name, all, and as JSON; a job; what there is none of" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	first=$(basename "$(the_archive)")
	old=backup-2020-01-01T00-00-00.tar.gz
	cp "$ARCHIVE/$first" "$ARCHIVE/$old"
	flip "$ARCHIVE/$old" 5000
	echo foreign >"$ARCHIVE/foreign.tar.gz"
	verifies latest --deep
	[[ $output == *"$first: good" && $output != *"$old"* ]]
	verifies "$first"
	damaged "$old" --all --deep
	[[ $output == *"$first: good"* && $output != *foreign* ]]
	run vbackup -q verify --all --deep --json
	[ "$status" -eq 1 ]
	[ "$(jq -r '.archives | length' <<<"${lines[-1]}")" -eq 2 ]
	jq -e '.archives[] | select(.state == "damaged") | .error' \
	    <<<"${lines[-1]}"
	verifies -j backup
	run vbackup verify -j nobody
	[ "$status" -eq 2 ]
	run --separate-stderr vbackup verify none.tar.gz
	[ "$status" -eq 1 ]
	[[ $stderr == *"no store has"* ]]
	run vbackup verify --all latest
	[ "$status" -eq 2 ]
}

@test "what a job splits into is known by its metadata alone" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	file=$(the_archive)
	for name in web-1 web-2 db-1; do
		cp "$file" "$ARCHIVE/$name.tar.gz"
		jq -c --arg job "${name%-*}" --arg day "0${name#*-}" \
		    '.job = $job | .started = "2026-01-\($day)T00:00:00Z"' \
		    "$file.metadata.json" >"$ARCHIVE/$name.tar.gz.metadata.json"
	done
	rm "$file" "$file.metadata.json" "$ARCHIVE/db-1.tar.gz"
	sed -i 's/^sources/split = project\nsources/' "$CONF"
	verifies -j web
	[[ $output == *web-2.tar.gz:\ good && $output != *web-1* ]]
	verifies -j web --all
	[ "${#lines[@]}" -eq 2 ]
	run --separate-stderr vbackup verify
	[ "$status" -eq 1 ]
	[[ $stderr == *"db-1.tar.gz': the archive is missing"* ]]
	[[ $output == *"web-2.tar.gz: good"* ]]
	run --separate-stderr vbackup verify -j nobody
	[ "$status" -eq 1 ]
	[[ $stderr == *"no store has an archive"* ]]
}

@test "without the Engine and beside a run that holds the lock" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	sed -i 's,^host = .*,host = unix:///nonexistent,' "$CONF"
	flock "$WORK/lock/vbackup.lock" -c 'sleep 20' 3>&- &
	holder=$!
	verifies --deep
	kill $holder
}

@test "a store that cannot be reached is 1, and the others are verified" {
	conf <<-E
		sources = $WORK/source
		[s3]
		bucket = b
		endpoint = 127.0.0.1:1
		proto = http
		access_key_id = a
		secret_access_key = bbbbbbbb
		retry = 1s
	E
	run vbackup -q run
	[ "$status" -eq 3 ]
	run --separate-stderr vbackup verify
	[ "$status" -eq 1 ]
	[[ $output == *good* && $stderr == *127.0.0.1* ]]
}

@test "what docker-volume-backup left: GNU tar, gzip and gpg by hand" {
	conf <<-E
		filename = backup-%Y-%m-%dT%H-%M-%S.tar.gz
		sources = $WORK/source
		[seal]
		passphrase = correct horse
	E
	mkdir "$WORK/backup"
	cp -a "$WORK/source" "$WORK/backup/data"
	name=backup-2024-05-06T07-08-09.tar.gz
	tar -C "$WORK" -P --transform 's,^backup,/backup,' -cz backup \
	    >"$ARCHIVE/$name"
	tar -tPf "$ARCHIVE/$name" | grep -q ^/backup/data
	verifies --deep
	# The slash at the beginning is no damage, and not even worth a word.
	[ -z "$stderr" ]
	cp "$ARCHIVE/$name" "$WORK/whole"
	tar -C "$WORK" -P --transform 's,^backup,../backup,' -cz backup \
	    >"$ARCHIVE/$name"
	verifies --deep
	[[ $stderr == *"names lead out of where it would be extracted"* ]]
	mv "$WORK/whole" "$ARCHIVE/$name"
	gpg -q --batch --pinentry-mode loopback --passphrase 'correct horse' \
	    -c -o "$ARCHIVE/$name.gpg" "$ARCHIVE/$name"
	verifies --deep --all
	[[ $output == *"$name: good"* && $output == *"$name.gpg: good"* ]]
	# Behind the message, and a message that is not sealed at all.
	cp "$ARCHIVE/$name.gpg" "$WORK/whole"
	cat "$WORK/whole" >>"$ARCHIVE/$name.gpg"
	damaged "" --deep "$name.gpg"
	gpg -q --batch --store -o "$WORK/stored" "$ARCHIVE/$name"
	cp "$WORK/stored" "$ARCHIVE/$name.gpg"
	damaged "not encrypted" --deep "$name.gpg"
}

@test "S3: each compression, each sealing: intact, and every damage" {
	s3_require
	s3_start "$WORK/s3"
	s3 mb s3://verify
	key ''
	head -c 10000000 /dev/urandom >"$WORK/source/big"
	s3_case zst
	s3_damaged SHA-256
	truncate -s 1000000 "$WORK/object"
	s3 put "$WORK/object" "$name" >/dev/null
	s3_damaged "bytes, its metadata says"
	s3 del "$name" >/dev/null
	s3_damaged "archive is missing"
	rm "$ARCHIVE"/*
	s3_case none 'passphrase = correct horse'
	rm "$ARCHIVE"/*
	s3_case gz "public_key_ring_file = $WORK/ring" \
	    "secret_key_file = $WORK/secret"
	no_gpg_is_left
}

# Intact, then damaged in the second part of the object, $name; the directory
# has it whole.
s3_case() { # COMPRESSION [LINE...]
	local file
	sealed_conf "$@"
	cat >>"$CONF" <<-E
		[s3]
		bucket = verify
		path = my host
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
		retry = 3s
	E
	vbackup -q run
	verifies --deep
	[ "${#lines[@]}" -eq 2 ]
	file=$(the_archive)
	name="s3://verify/my host/${file##*/}"
	cp "$file" "$WORK/object"
	flip "$WORK/object" 9000000
	s3 put "$WORK/object" "$name" >/dev/null
	s3_damaged "" --deep
}

s3_damaged() { # NEEDLE ARGUMENT...
	damaged "$@"
	[[ $stderr != *"local '"* && $stderr == *"s3 'verify"* ]]
	[[ $output == *"good"* ]]
}
