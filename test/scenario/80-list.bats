#!/usr/bin/env bats
# What is in the stores: list, show and status, without Engine and lock.

load common
load s3

setup_file() {
	export S3_DIR=
	s3_lacks >/dev/null || {
		S3_DIR=$(mktemp -d /tmp/vbackup-s3.XXXXXX)
		s3_start "$S3_DIR"
		s3 mb s3://listed
	}
}

teardown_file() {
	[[ -n ${S3_DIR-} ]] || return 0
	s3_stop "$S3_DIR"
	rm -rf --one-file-system "$S3_DIR"
}

setup() {
	common_setup
	SECOND=$WORK/second
	mkdir "$SECOND"
	head -c 5000 /dev/urandom >"$WORK/source/file"
}

# Two jobs, one of them sealed, in two directories.
two_jobs() {
	conf <<-E
		[archive second]
		path = $SECOND
		[job db]
		sources = $WORK/source
		[job mail]
		sources = $WORK/source
		seal.passphrase = correct horse
	E
}

to_s3() { # PREFIX
	[[ -n $S3_DIR ]] || s3_require
	cat >>"$CONF" <<-E
		[s3]
		bucket = listed
		path = $1
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
	E
}

# What the Monitoring Plugins' guidelines allow: one line with performance
# data, others without, and a status that goes with it.
is_plugin_output() {
	local number='-?[0-9.]+' range word
	range="(@?(~|$number)?:?($number)?)?"
	local item="'([^'=|]|'')+'=$number(s|B|%|c)?(;$range(;$range(;($number)?(;($number)?)?)?)?)?"
	case $status in
	0) word=OK ;; 1) word=WARNING ;; 2) word=CRITICAL ;; 3) word=UNKNOWN ;;
	esac
	head -n 1 <<<"$output" |
	    grep -qxE "$word - [^|]+( \|( $item)+)?"
	! tail -n +2 <<<"$output" |
	    grep -vxE '(OK|WARNING|CRITICAL|UNKNOWN) - [^|]+'
}

@test "list: every job in every store, the newest first, sealed or not" {
	two_jobs
	vbackup -q run
	sleep 1.1
	vbackup -q run
	run --separate-stderr vbackup list
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 8 ]
	[ "$(awk '{ print $1 }' <<<"$output")" = \
	    "$(awk '{ print $1 }' <<<"$output" | sort -r)" ]
	[ "$(grep -c ' mail .* openpgp .*agrees .*\.tar\.gz\.gpg$' <<<"$output")" -eq 4 ]
	[ "$(grep -c ' db .* none .*agrees .*\.tar\.gz$' <<<"$output")" -eq 4 ]
	[[ -z $stderr ]]
	run vbackup list --store second -j mail
	[ "${#lines[@]}" -eq 2 ]
	[[ $output != *" archive "* && $output != *" db "* ]]
	run vbackup list --store "$SECOND"
	[ "${#lines[@]}" -eq 4 ]
}

@test "list --json is one document that says the same" {
	two_jobs
	vbackup -q run
	touch "$ARCHIVE/backup-2020-01-02T03-04-05.tar.gz.age"
	vbackup list --json >"$WORK/json"
	jq -e . "$WORK/json" >/dev/null
	[ "$(wc -l <"$WORK/json")" -eq 1 ]
	jq -e '.archives | length == 5' "$WORK/json"
	jq -e '[.archives[] | select(.job == "mail")] |
	    all(.sealed and .encryption == "openpgp" and .checked and
	    .compression == "gzip" and .time_from == "metadata")' "$WORK/json"
	jq -e '.archives[-1] | .encryption == "age" and .sealed and
	    .job == null and .checked == null and (.metadata | not) and
	    (.time | startswith("2020-01-02T03:04:05"))' "$WORK/json"
	jq -e '.stores | length == 2 and all(.error == null)' "$WORK/json"
}

@test "nothing there: nothing printed, and a note in the log" {
	two_jobs
	run --separate-stderr vbackup list
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr == *"no archive"* ]]
	run --separate-stderr vbackup list --json
	jq -e '.archives == []' <<<"$output"
}

@test "a terminal gets titles" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	run script -qec "$VBACKUP -c $CONF list" /dev/null
	[[ ${lines[0]} == TIME*NAME* ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "foreign files are left out, docker-volume-backup's archives are not" {
	conf <<-E
		sources = $WORK/source
		filename = nightly-%Y-%m-%d.tar.gz
	E
	touch "$ARCHIVE"/{notes.txt,.hidden.tar.gz,lonely.tar.gz.metadata.json}
	mkdir "$ARCHIVE/directory.tar.gz"
	ln -s /etc/passwd "$ARCHIVE/link.tar.gz"
	for name in backup-2024-01-02T03-04-05.tar.{gz,zst}{,.gpg,.age}; do
		touch "$ARCHIVE/$name"
	done
	run --separate-stderr vbackup list
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 6 ]
	[ "$(grep -c '^2024-01-02T03:04:05' <<<"$output")" -eq 6 ]
	[ "$(grep -c ' age ' <<<"$output")" -eq 2 ]
	run --separate-stderr vbackup show latest
	[ "$status" -eq 0 ]
	[[ $output == *"name "*backup-2024-01-02T03-04-05.tar.gz* ]]
}

@test "broken metadata is a warning and hides nothing" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	archive=$(the_archive)
	printf '{"version":1,"na\033[2J' >"$archive.metadata.json"
	run --separate-stderr vbackup list
	[ "$status" -eq 0 ]
	[[ $output == *" backup "*unchecked*"$(basename "$archive")" ]]
	[[ $stderr == *warning*"$(basename "$archive")"*metadata* ]]
	[[ $stderr != *$'\033[2J'* ]]
	run --separate-stderr vbackup show latest
	[ "$status" -eq 0 ]
	run --separate-stderr vbackup show latest --json
	jq -e '.size_bytes > 0 and .job == "backup"' <<<"$output"
	head -c 5000000 /dev/zero >"$archive.metadata.json"
	run --separate-stderr vbackup list
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "an archive that was cut is seen by its size" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	truncate -s -1 "$(the_archive)"
	run vbackup list
	[[ $output == *" differs "* ]]
	run --separate-stderr vbackup status
	[ "$status" -eq 2 ]
	is_plugin_output
	[[ $output == *"not the size"* ]]
}

@test "a store that is gone keeps no other from being listed" {
	two_jobs
	vbackup -q run
	mv "$SECOND" "$WORK/away"
	run --separate-stderr vbackup list
	[ "$status" -eq 3 ]
	[ "${#lines[@]}" -eq 2 ]
	[[ $stderr == *"$SECOND"* ]]
	run --separate-stderr vbackup list --json
	[ "$status" -eq 3 ]
	jq -e '[.stores[] | select(.error != null)] | length == 1' <<<"$output"
	run --separate-stderr vbackup show latest
	[ "$status" -eq 3 ]
	[[ $output == *name* ]]
	run --separate-stderr vbackup status
	[ "$status" -eq 3 ]
	is_plugin_output
	mv "$ARCHIVE" "$WORK/away2"
	run --separate-stderr vbackup list
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "neither lock nor sources nor Engine are needed" {
	conf <<<"sources = $WORK/source"
	vbackup -q run
	rm -r "$WORK/source"
	sed -i 's,^host = .*,host = unix:///nowhere/docker.sock,' "$CONF"
	exec {lock}>>"$(find "$WORK/lock" -type f | head -n 1)"
	flock "$lock"
	for verb in list "show latest" status; do
		run --separate-stderr timeout 5 env -i "$VBACKUP" -c "$CONF" $verb
		[ "$status" -eq 0 ]
		[ -n "$output" ]
	done
}

@test "show: the document as stored, text with all stores, near names" {
	two_jobs
	vbackup -q run -j db
	archive=$(the_archive)
	name=$(basename "$archive")
	run --separate-stderr vbackup show "$name" --json
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat "$archive.metadata.json")" ]
	run --separate-stderr vbackup show "$archive"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^store ' <<<"$output")" -eq 2 ]
	[[ $output == *"$(sha256sum <"$archive" | cut -d' ' -f1)"* ]]
	[[ $output == *"job "*db* && $output == *"directory $WORK/source"* ]]
	rm "$archive.metadata.json" "$SECOND/$name.metadata.json"
	run --separate-stderr vbackup show "$name"
	[ "$status" -eq 0 ]
	[[ $output == *"without metadata"* ]]
	run --separate-stderr vbackup show "x$name"
	[ "$status" -eq 1 ]
	[[ -z $output && $stderr == *"$name"* ]]
	run --separate-stderr vbackup show latest -j mail
	[ "$status" -eq 1 ]
}

@test "status: up to date, overdue, smaller, none" {
	two_jobs
	vbackup -q run
	run --separate-stderr vbackup status
	[ "$status" -eq 0 ]
	is_plugin_output
	[ "${#lines[@]}" -eq 5 ]
	sleep 2.1	# in whole seconds it is over one, then
	run --separate-stderr vbackup status --max-age 1s -j db
	[ "$status" -eq 2 ]
	is_plugin_output
	[ "${#lines[@]}" -eq 3 ]
	[[ $output == *overdue* ]]
	echo small >"$WORK/source/file"
	vbackup -q run
	run --separate-stderr vbackup status
	[ "$status" -eq 1 ]
	is_plugin_output
	[[ $output == *smaller* ]]
	run --separate-stderr vbackup status --size-drop 100
	[ "$status" -eq 0 ]
	vbackup status --json | jq -e '.state == "WARNING" and
	    (.rows | length == 4 and all(.age_seconds < 60 and
	    .previous_size_bytes > .size_bytes))'
	rm "$SECOND"/mail-*
	run --separate-stderr vbackup status
	[ "$status" -eq 2 ]
	is_plugin_output
	[[ $output == "CRITICAL - mail in second: no archive"* ]]
}

@test "jobs that nothing but metadata names" {
	conf <<-E
		sources = $WORK/source
		split = project
	E
	name=shop-$(date +%Y-%m-%dT%H-%M-%S).tar.gz
	printf x >"$ARCHIVE/$name"
	printf '{"version":1,"name":"%s","job":"shop","started":"%s","size_bytes":1}' \
	    "$name" "$(date -Iseconds)" >"$ARCHIVE/$name.metadata.json"
	run --separate-stderr vbackup status
	[ "$status" -eq 0 ]
	[[ ${lines[1]} == "OK - shop in archive: "* ]]
	run --separate-stderr vbackup list -j shop
	[[ $output == *" agrees "*"$name" ]]
	run --separate-stderr vbackup status -j other
	[ "$status" -eq 2 ]
	is_plugin_output
}

@test "what is wrong: usage is 2, and for status UNKNOWN" {
	conf <<<"sources = $WORK/source"
	for arguments in "list x" "list --wrong" "list --store nowhere" show \
	    "show a b" "show --wrong a"
	do
		run --separate-stderr vbackup $arguments
		[ "$status" -eq 2 ]
		[ -z "$output" ]
	done
	for arguments in x --wrong "--max-age 1y" "--size-drop 101" \
	    "--size-drop x" "--max-age"
	do
		run --separate-stderr vbackup status $arguments
		[ "$status" -eq 3 ]
		is_plugin_output
		[ "${#lines[@]}" -eq 1 ]
	done
	echo 'nonsense = 1' >>"$CONF"
	run --separate-stderr vbackup list
	[ "$status" -eq 2 ]
	run --separate-stderr vbackup status
	[ "$status" -eq 3 ]
	is_plugin_output
}

@test "S3 and two directories: metadata of many objects, and a server that is gone" {
	two_jobs
	to_s3 "many/my host"
	vbackup -q run
	mkdir "$WORK/put"
	for i in $(seq 1 40); do
		name=db-2025-01-01T00-00-$(printf %02d "$i").tar.gz
		printf x >"$WORK/put/$name"
		printf '{"version":1,"name":"%s","job":"db","started":"2025-01-01T00:00:%02dZ","size_bytes":1}' \
		    "$name" "$i" >"$WORK/put/$name.metadata.json"
	done
	s3 put -q "$WORK"/put/* "s3://listed/many/my host/" >/dev/null
	run --separate-stderr vbackup list --json
	[ "$status" -eq 0 ]
	jq -e '(.archives | length == 46 and all(.checked)) and
	    ([.archives[] | select(.store.name == "s3")] | length == 42)' \
	    <<<"$output"
	run --separate-stderr vbackup list --store s3 -j mail
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *" s3 "*openpgp* ]]
	run --separate-stderr vbackup show latest -j mail
	[ "$(grep -c '^store ' <<<"$output")" -eq 3 ]
	run --separate-stderr vbackup status
	[ "$status" -eq 0 ]
	is_plugin_output
	[ "${#lines[@]}" -eq 7 ]
	sed -i 's,^endpoint = .*,endpoint = 127.0.0.1:1,' "$CONF"
	run --separate-stderr timeout 40 "$VBACKUP" -c "$CONF" list
	[ "$status" -eq 3 ]
	[ "${#lines[@]}" -eq 4 ]
	run --separate-stderr timeout 40 "$VBACKUP" -c "$CONF" status
	[ "$status" -eq 3 ]
	is_plugin_output
}

@test "the Nagios example calls what there is" {
	line=$(sed -n 's,^.*command_line[[:blank:]]*[^ ]*/vbackup ,,p' \
	    "$BUILD/scripts/nagios-command.cfg")
	[ -n "$line" ]
	conf <<<"sources = $WORK/source"
	vbackup -q run
	line=${line//\'\$ARG1\$\'/26h}
	run --separate-stderr vbackup ${line//\'\$ARG2\$\'/50}
	[ "$status" -eq 0 ]
	is_plugin_output
}
