#!/usr/bin/env bats
# Whole runs with S3 beside or instead of a directory, against a real server:
# its objects are read back by another program, gpg and tar.

load common
load s3

setup_file() {
	s3_require
	export S3_DIR
	S3_DIR=$(mktemp -d /tmp/vbackup-s3.XXXXXX)
	s3_start "$S3_DIR"
	s3 mb s3://offsite
}

teardown_file() {
	[[ -n ${S3_DIR-} ]] || return 0
	s3_stop "$S3_DIR"
	rm -rf --one-file-system "$S3_DIR"
}

setup() {
	common_setup
	PREFIX="t$BATS_TEST_NUMBER/my host"
	head -c 30000000 /dev/urandom >"$WORK/source/big"
	echo hello >"$WORK/source/file"
}

# conf with an S3 store, and [backup] keys from the standard input.
offsite_conf() {
	conf
	cat >>"$CONF" <<-E
		[s3]
		bucket = offsite
		path = $PREFIX
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
		part_size = 5
		retry = 3s
	E
}

without_directory() { sed -i "s,^path = $ARCHIVE\$,," "$CONF"; }

objects() { s3 ls "s3://offsite/$PREFIX/" | awk '{ print $NF }'; }

# The one archive in the bucket, as a file.
fetch() { # FILE
	local name
	name=$(s3 ls "s3://offsite/$PREFIX/" | grep -v metadata |
	    sed 's,.*s3://,s3://,')
	[[ $name != *$'\n'* ]]
	s3 get --force "$name" "$1" >/dev/null
}

no_uploads() { [ -z "$(s3 multipart s3://offsite | grep "$PREFIX")" ]; }

@test "sealed, to a directory and to S3: the same bytes, decrypted and compared" {
	offsite_conf <<-E
		sources = $WORK/source
		compression = zst
		[seal]
		passphrase = correct horse
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	fetch "$WORK/fetched"
	cmp "$WORK/fetched" "$(the_archive)"
	gpg -q --batch --pinentry-mode loopback --passphrase 'correct horse' \
	    -d "$WORK/fetched" | zstd -dcq | tar -x -C "$WORK"
	cmp "$WORK/source/big" "$WORK$WORK/source/big"
	[ "$(objects | wc -l)" -eq 2 ]
	no_uploads
	store_is_clean
}

@test "S3 alone, by way of a spool file that goes, and without one" {
	offsite_conf <<<"sources = $WORK/source"
	without_directory
	mkdir "$WORK/spool"
	ENVIRONMENT=(VBACKUP_BACKUP_SPOOL="$WORK/spool")
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $output == s3://*offsite*.tar.gz ]]
	[ -z "$(ls -A "$WORK/spool")" ]
	fetch "$WORK/a"
	s3 del -r --force "s3://offsite/$PREFIX/" >/dev/null
	ENVIRONMENT=(VBACKUP_BACKUP_SPOOL=none)
	vbackup -q run
	fetch "$WORK/b"
	for copy in a b; do
		mkdir "$WORK/out$copy"
		tar -xf "$WORK/$copy" -C "$WORK/out$copy"
		cmp "$WORK/source/big" "$WORK/out$copy$WORK/source/big"
	done
	no_uploads
}

@test "a store that fails keeps no other from its archive: 3, and 1 if all do" {
	mkdir "$WORK/second"
	offsite_conf <<-E
		sources = $WORK/source
		[archive second]
		path = $WORK/second
	E
	sed -i 's,^bucket = .*,bucket = nowhere,' "$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *NoSuchBucket* ]]
	cmp "$(the_archive)" "$(the_archive "$WORK/second")"
	[[ $(metadata '.warnings[0]') == *NoSuchBucket* ]]
	offsite_conf <<<"sources = $WORK/source"
	without_directory
	sed -i 's,^secret_access_key = .*,secret_access_key = wrongsecret,' \
	    "$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *SignatureDoesNotMatch* && $stderr != *wrongsecret* ]]
}

@test "an upload that breaks off keeps the spool file, unless told otherwise" {
	offsite_conf <<<"sources = $WORK/source"
	without_directory
	mkdir "$WORK/spool"
	# The server is there for the check, and gone for the upload.
	python3 "$BATS_TEST_DIRNAME/flaky_proxy.py" \
	    "${S3_ENDPOINT#http://}" "$WORK/port" 'PUT .*partNumber=3' 3>&- &
	proxy=$!
	eventually 10 test -s "$WORK/port"
	sed -i "s,^endpoint = .*,endpoint = 127.0.0.1:$(cat "$WORK/port")," \
	    "$CONF"
	ENVIRONMENT=(VBACKUP_BACKUP_SPOOL="$WORK/spool")
	run --separate-stderr vbackup run
	[ "$status" -eq 1 ]
	[[ $stderr == *"kept"*"$WORK/spool"* ]]
	[ "$(tar -xOf "$(the_archive "$WORK/spool")" "${WORK#/}/source/file")" = hello ]
	rm "$WORK/spool"/*
	ENVIRONMENT+=(VBACKUP_BACKUP_SPOOL_KEEP=no)
	run --separate-stderr vbackup run
	kill $proxy
	[ "$status" -eq 1 ]
	[ -z "$(ls -A "$WORK/spool")" ]
	[ -z "$(objects)" ]
}

@test "TERM while it uploads leaves neither object nor upload" {
	offsite_conf <<<"sources = $WORK/source"
	without_directory
	ENVIRONMENT=(VBACKUP_S3_RATE_LIMIT=2M)
	vbackup -q run 3>&- &
	job=$!
	eventually 30 eval '[ -n "$(s3 multipart s3://offsite | grep "$PREFIX")" ]'
	sleep 1
	pkill -TERM -f -- "-c $CONF -q run"
	status=0
	wait $job || status=$?
	[ "$status" -eq 5 ]
	[ -z "$(objects)" ]
	no_uploads
}

@test "pruning in S3: old ones go with their metadata, neighbours stay" {
	offsite_conf <<-E
		sources = $WORK/source
		[retention]
		days = 7
	E
	without_directory
	# Is as good as an archive, and is metadata.
	echo '{"version":1,"name":"old"}' >"$WORK/old"
	for days in 8 9 10 3; do
		name=backup-$(date -d "$days days ago" +%Y-%m-%dT12-00-00).tar.gz
		for object in "$name" "$name.metadata.json" "sub/$name" \
		    "foreign-$name"; do
			s3 put "$WORK/old" "s3://offsite/$PREFIX/$object" \
			    >/dev/null
		done
		s3 put "$WORK/old" "s3://offsite/${PREFIX}2/$name" >/dev/null
	done
	vbackup -q run
	[ "$(objects | grep -c '/backup-.*gz$')" -eq 2 ]
	[ "$(objects | grep -c '/backup-.*json$')" -eq 2 ]
	[ "$(objects | grep -c foreign-)" -eq 4 ]
	[ "$(s3 ls "s3://offsite/$PREFIX/sub/" | wc -l)" -eq 4 ]
	[ "$(s3 ls "s3://offsite/${PREFIX}2/" | wc -l)" -eq 4 ]
}

@test "the containers run again long before a slow upload is done" {
	dockerd_require
	CONTAINERS=()
	container slow -v slow:/data -l vbackup.enable=true \
	    -l vbackup.stop=true busybox sh -c 'trap "exit 0" TERM
		head -c 20000000 /dev/urandom >/data/x; touch /data/ready
		while :; do sleep 0.1; done'
	eventually 20 docker exec slow test -f /data/ready
	offsite_conf </dev/null
	without_directory
	ENVIRONMENT=(VBACKUP_S3_RATE_LIMIT=2M)
	vbackup run 2>"$WORK/log" 3>&- &
	job=$!
	eventually 30 grep -q window: "$WORK/log"
	running slow
	kill -0 $job
	wait $job
	docker rm -f slow >/dev/null
	docker volume rm slow >/dev/null
	[ "$(objects | wc -l)" -eq 2 ]
}

# The README says which rights such a key needs.
@test "a key that may only add: archives are made, none can be removed" {
	s3_admin "$S3_DIR" user create --uid=host --display-name=host \
	    --access-key=HOSTKEY --secret-key=hostsecret
	s3 mb s3://additions
	cat >"$WORK/policy" <<-'E'
		{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow",
		  "Principal": { "AWS": [ "arn:aws:iam:::user/host" ] },
		  "Action": [ "s3:PutObject", "s3:GetObject", "s3:ListBucket",
		    "s3:ListBucketMultipartUploads",
		    "s3:AbortMultipartUpload" ],
		  "Resource": [ "arn:aws:s3:::additions",
		    "arn:aws:s3:::additions/*" ] } ] }
	E
	s3 setpolicy "$WORK/policy" s3://additions
	offsite_conf <<-E
		sources = $WORK/source
		[retention]
		keep = last=1
	E
	without_directory
	sed -i 's/^bucket = .*/bucket = additions/
	    s/^access_key_id = .*/access_key_id = HOSTKEY/
	    s/^secret_access_key = .*/secret_access_key = hostsecret/' "$CONF"
	ENVIRONMENT=(VBACKUP_S3_PRUNE=no)
	vbackup -q run
	sleep 1
	vbackup -q run
	run vbackup verify --all
	[ "$status" -eq 0 ]
	[ "$(grep -c good <<<"$output")" -eq 2 ]
	# Whoever leaves retention on is told.
	ENVIRONMENT=()
	sleep 1
	run --separate-stderr vbackup -q run
	[ "$status" -eq 3 ]
	[[ $stderr == *"cannot remove"*AccessDenied* ]]
	[ "$(vbackup list | wc -l)" -eq 3 ]
}
