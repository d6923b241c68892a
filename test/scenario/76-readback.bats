#!/usr/bin/env bats
# backup.verify: a new archive is read back from each store before old ones go.

load common
load s3

setup() {
	docker_setup
	head -c 300000 /dev/urandom >"$WORK/source/big"
	mkdir "$WORK/second"
}

teardown() {
	[ -z "${PROXY-}" ] || kill "$PROXY" 2>/dev/null || true
	[[ ! -d $WORK/s3 ]] || s3_stop "$WORK/s3"
	docker_teardown
}

# Archives of long ago, in these directories.
old() { # DIRECTORY...
	local directory
	for directory; do
		echo old >"$directory/backup-2020-01-01T00-00-00.tar.gz"
	done
}

# A job that stores in two directories; between the copy and all that follows,
# the newest archive in each of the given ones is altered.
two_stores() { # HOW DIRECTORY...
	local how=$1 i=0 options=() directory
	shift
	conf <<-E
		sources = $WORK/source
		verify = $how
		latest_symlink = latest.tar.gz
		[retention]
		days = 7
		[archive second]
		path = $WORK/second
	E
	old "$ARCHIVE" "$WORK/second"
	for directory; do
		options+=(-v "$directory:/store/$((i++))")
	done
	container one "${options[@]}" -v data:/data -l vbackup.enable=true \
	    --stop-signal KILL -l "vbackup.copy-post=
		for d in /store/*; do
			f=\$(ls \$d/*.tar.gz | grep -v latest | tail -n 1)
			printf damaged | dd of=\$f bs=1 seek=1000 conv=notrunc
		done" busybox sleep 1000
}

the_json() { # JQ-FILTER
	jq -er "$1" <<<"${lines[-1]}"
}

@test "read: damage in one of two stores: 3, told, nothing is pruned there" {
	two_stores read "$ARCHIVE"
	run --separate-stderr vbackup run --json
	echo "$status $output $stderr"
	[ "$status" -eq 3 ]
	[[ $stderr == *"not good: local '$ARCHIVE': 'backup-"*SHA-256* ]]
	[ "$(the_json '.jobs[0].stores | map(.stored, .verified) | @csv')" = \
	    true,false,true,true ]
	the_json '.jobs[0].stores[0].error' | grep SHA-256
	the_json '.jobs[0].problems[0]' | grep SHA-256
	[[ $(the_json '.jobs[0].archive') == "$WORK/second/"* ]]
	[ -e "$ARCHIVE/backup-2020-01-01T00-00-00.tar.gz" ]
	[ ! -e "$WORK/second/backup-2020-01-01T00-00-00.tar.gz" ]
	[ ! -e "$ARCHIVE/latest.tar.gz" ]
	[ -e "$WORK/second/latest.tar.gz" ]
}

@test "read and deep: damage in all stores: 1, and nothing is pruned" {
	two_stores read "$ARCHIVE" "$WORK/second"
	for how in read deep; do
		sed -i "s,^verify = .*,verify = $how," "$CONF"
		run --separate-stderr vbackup run --json
		echo "$status $output $stderr"
		[ "$status" -eq 1 ]
		[[ $stderr == *"no store has a good one"* ]]
		[ "$(the_json .outcome)" = failure ]
		[ "$(the_json '.jobs[0].archive == null')" = true ]
		[ "$(the_json '.errors | length')" -ge 2 ]
		[ -e "$ARCHIVE/backup-2020-01-01T00-00-00.tar.gz" ]
		[ -e "$WORK/second/backup-2020-01-01T00-00-00.tar.gz" ]
		sleep 1
	done
}

@test "size, the default: it is not read back, and the report says so" {
	two_stores size "$ARCHIVE"
	sed -i '/^verify/d' "$CONF"
	run --separate-stderr vbackup run --json
	[ "$status" -eq 0 ]
	[ "$(the_json '.jobs[0].stores[0].verified == null')" = true ]
	[ ! -e "$ARCHIVE/backup-2020-01-01T00-00-00.tar.gz" ]
}

@test "deep: each sealing and compression, intact, also by variable" {
	export GNUPGHOME=$WORK/gnupg
	mkdir -m 700 "$GNUPGHOME"
	echo 's2k-count 65536' >"$GNUPGHOME/gpg-agent.conf"
	gpg -q --batch --passphrase '' --quick-gen-key me@example.org \
	    future-default default never
	gpg -q --armor --export >"$WORK/ring"
	gpg -q --batch --armor --export-secret-keys >"$WORK/secret"
	gpgconf --kill all
	unset GNUPGHOME
	ENVIRONMENT=(VBACKUP_BACKUP_VERIFY=deep)
	for compression in gz zst none; do
		conf <<-E
			sources = $WORK/source
			compression = $compression
			filename = $compression-%s.{{ .Extension }}
			[seal]
			$(case $compression in
			gz) ;;
			zst) echo "passphrase = correct horse" ;;
			none) echo "public_key_ring_file = $WORK/ring"
			    echo "secret_key_file = $WORK/secret" ;;
			esac)
		E
		run --separate-stderr vbackup run --json
		echo "$status $output $stderr"
		[ "$status" -eq 0 ]
		[ "$(the_json '.jobs[0].stores[0].verified')" = true ]
		[[ $stderr == *"is good"* ]]
	done
	run ! compgen -G "$WORK/vbackup-gpg-*"

	# Without the key, with another one: known before anything is done.
	rm "$ARCHIVE"/*
	sed -i '/^secret_key/d' "$CONF"
	mkdir -m 700 "$WORK/nobody"
	ENVIRONMENT+=(GNUPGHOME="$WORK/nobody")
	run --separate-stderr vbackup check
	[ "$status" -eq 2 ]
	[[ $stderr == *"backup.verify = deep: there is no secret key"* ]]
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	echo 's2k-count 65536' >"$WORK/nobody/gpg-agent.conf"
	GNUPGHOME=$WORK/nobody gpg -q --batch --passphrase '' \
	    --quick-gen-key you@example.org future-default default never
	GNUPGHOME=$WORK/nobody gpgconf --kill all
	run --separate-stderr vbackup run
	echo "$status $output $stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"backup.verify = deep: "*"no secret key for it"* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
	run ! pgrep -af "gpg-agent.*$WORK"
	ENVIRONMENT=(VBACKUP_BACKUP_VERIFY=read GNUPGHOME="$WORK/nobody")
	vbackup -q run
}

# An S3 server behind a proxy that treats whoever asks for an archive so.
s3_behind_proxy() { # HOW
	s3_require
	s3_start "$WORK/s3"
	s3 mb s3://readback
	python3 "$BATS_TEST_DIRNAME/flaky_proxy.py" "${S3_ENDPOINT#http://}" \
	    "$WORK/port" 'GET [^ ]*[.]tar[.]gz ' "$1" 3>&- &
	PROXY=$!
	eventually 10 test -s "$WORK/port"
	conf <<-E
		sources = $WORK/source
		verify = read
		[retention]
		days = 7
		[s3]
		bucket = readback
		endpoint = 127.0.0.1:$(cat "$WORK/port")
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
		retry = 3s
	E
	old "$ARCHIVE"
	s3 put "$ARCHIVE"/backup-2020* s3://readback/ >/dev/null
}

@test "an S3 store that gives other bytes back" {
	s3_behind_proxy damage
	run --separate-stderr vbackup run --json
	echo "$status $output $stderr"
	[ "$status" -eq 3 ]
	[ "$(the_json '.jobs[0].stores | map(.verified) | @csv')" = \
	    true,false ]
	[[ $stderr == *"not good: s3 'readback"*SHA-256* ]]
	s3 ls s3://readback/ | grep backup-2020
	[ ! -e "$ARCHIVE/backup-2020-01-01T00-00-00.tar.gz" ]
}

@test "a signal while it is read back: 5, and what is not verified is not pruned" {
	local pid rc=0
	s3_behind_proxy hold
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "$VBACKUP" -c "$CONF" \
	    run >"$WORK/out" 2>&1 3>&- &
	pid=$!
	eventually 60 test -e "$WORK/port.held"
	kill -TERM $pid
	wait $pid || rc=$?
	cat "$WORK/out"
	[ "$rc" -eq 5 ]
	s3 ls s3://readback/ | grep backup-2020
	[ "$(s3 ls s3://readback/ | grep -c 'backup-.*gz$')" -eq 2 ]
}
