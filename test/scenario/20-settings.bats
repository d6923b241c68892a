#!/usr/bin/env bats
# Settings: what is wrong is said before anything is touched.

load common
setup() {
	common_setup
	echo x >"$WORK/source/file"
}

# Fails with status 2, names what is given, leaves the store empty.
refused() {
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ] || return 1
	local word
	for word; do
		[[ $stderr == *"$word"* ]] || {
			echo "missing: $word in: $stderr" >&2
			return 1
		}
	done
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "an unknown key names file, line and the nearest known key" {
	conf <<-E
		sources = $WORK/source
		filenam = x
	E
	refused "$CONF:10" filenam filename
}

@test "a key that stands twice names both lines" {
	conf <<-E
		sources = $WORK/source
		filename = a
		filename = b
	E
	refused "$CONF:11" "10" "filename"
}

@test "a value out of range, an unknown section, a line that is none" {
	conf <<-E
		sources = $WORK/source
		parallelism = 1000
		[bakup]
		this is no line
	E
	refused "$CONF:10" 1000 "$CONF:11" bakup "$CONF:12"
}

@test "wrong variables are named" {
	conf <<<"sources = $WORK/source"
	ENVIRONMENT=(BACKUP_COMPRESSION=lzma)
	refused BACKUP_COMPRESSION lzma
	ENVIRONMENT=(VBACKUP_LOCK_TIMEUOT=1s)
	refused VBACKUP_LOCK_TIMEUOT
	ENVIRONMENT=(BACKUP_SOURCE=/x)
	refused BACKUP_SOURCE BACKUP_SOURCES
	ENVIRONMENT=(BACKUP_SOURCES=/x BACKUP_SOURCES_FILE=/y)
	refused BACKUP_SOURCES_FILE
	ENVIRONMENT=(BACKUP_FILENAME_FILE=/does/not/exist)
	refused BACKUP_FILENAME_FILE /does/not/exist
}

@test "a store or an encryption that we lack is refused, never ignored" {
	conf <<<"sources = $WORK/source"
	for variable in AGE_PASSPHRASE=topsecret \
	    WEBDAV_URL=http://x SSH_HOST_NAME=h AGE_PASSPHRASE_FILE=/x \
	    AZURE_STORAGE_ACCOUNT_NAME=a DROPBOX_REFRESH_TOKEN=t; do
		ENVIRONMENT=("$variable")
		refused "${variable%%=*}"
		[[ $stderr != *topsecret* ]]
	done
}

@test "a variable wins over the file, and dump says so" {
	conf <<-E
		sources = $WORK/source
		compression = none
	E
	ENVIRONMENT=(BACKUP_COMPRESSION=zst)
	run --separate-stderr vbackup dump
	[ "$status" -eq 0 ]
	[[ $output == *"BACKUP_COMPRESSION"*"compression = zst"* ]]
	[[ $output == *"$CONF:9"* ]]
	vbackup -q run
	[[ $(the_archive) == *.tar.zst ]]
}

@test "what dump prints gives the same when it is read" {
	conf <<-E
		sources = $WORK/source
		    /etc
		exclude = *.tmp
		exclude = a\,b
		[job x]
		sources = /etc
	E
	vbackup dump | grep -v '^#' >"$WORK/first"
	CONF=$WORK/first
	vbackup dump | grep -v '^#' >"$WORK/second"
	diff "$WORK/first" "$WORK/second"
	grep -q 'a\\,b' "$WORK/second"
}

@test "the sample that init writes loads to the defaults" {
	"$VBACKUP" init "$WORK/sample.conf"
	CONF=$WORK/sample.conf
	vbackup dump | grep -v '^#' >"$WORK/sample.dump"
	CONF=/dev/null
	vbackup dump | grep -v '^#' >"$WORK/default.dump"
	diff "$WORK/sample.dump" "$WORK/default.dump"
	run "$VBACKUP" init "$WORK/sample.conf"
	[ "$status" -eq 1 ]
}

@test "no source, a source that is missing, no store, a store that is missing" {
	conf <<<""
	refused "nothing is selected"
	conf <<<"sources = $WORK/missing"
	refused "$WORK/missing"
	conf <<<"sources = relative/path"
	refused "not an absolute path"
	[ -d /archive ] && skip "this machine has an /archive"
	conf <<<"sources = $WORK/source"
	sed -i '/^path/d' "$CONF"
	refused "no store"
	ENVIRONMENT=(BACKUP_ARCHIVE="$WORK/nowhere")
	refused "$WORK/nowhere"
}

@test "check reports all problems at once and touches nothing" {
	conf <<-E
		sources = $WORK/missing
		exclude_regexp = (
		nonsense = 1
		filename = {{ .Nonsense }}
	E
	ENVIRONMENT=(BACKUP_COMPRESSION=lzma)
	run --separate-stderr vbackup check
	[ "$status" -eq 2 ]
	for word in "$WORK/missing" nonsense lzma; do
		[[ $stderr == *"$word"* ]]
	done
	ENVIRONMENT=()
	conf <<-E
		sources = $WORK/source
		exclude_regexp = (
		filename = {{ .Nonsense }}
	E
	run --separate-stderr vbackup check
	[ "$status" -eq 2 ]
	[[ $stderr == *exclude_regexp* && $stderr == *Nonsense* ]]
	conf <<<"sources = $WORK/source"
	run vbackup check
	[ "$status" -eq 0 ]
	[ ! -e "$WORK/lock" ]
}

@test "jobs that would make the same file are refused" {
	conf <<-E
		filename = same-%Y.tar.gz
		[job a]
		sources = $WORK/source
		[job b]
		sources = $WORK/source
	E
	refused "'a'" "'b'" "same-"
	# Under another suffix too: each would prune what the other made.
	conf <<-E
		filename = same-%Y.{{ .Extension }}
		[job a]
		sources = $WORK/source
		[job b]
		sources = $WORK/source
		compression = zst
	E
	refused "'a'" "'b'" "told apart"
	mkdir "$WORK/link"
	ln -s "$ARCHIVE" "$WORK/link/archive"
	conf <<-E
		filename = same.tar.gz
		[job a]
		sources = $WORK/source
		[job b]
		sources = $WORK/source
		archive.path = $WORK/link/archive/
	E
	refused "'a'" "'b'" "same.tar.gz"
}

@test "a name with an impossible field or a slash" {
	conf <<-E
		sources = $WORK/source
		filename = {{ .Nonsense }}.tar
	E
	refused Nonsense
	conf <<-E
		sources = $WORK/source
		filename = sub/a-%s.tar
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"cut to"* ]]
	[[ $(the_archive) == "$ARCHIVE"/a-*.tar ]]
}

@test "conf.d adds jobs, from our files and docker-volume-backup's" {
	[ "$(id -u)" = 0 ] || skip "not root"
	mkdir "$WORK/two"
	echo 2 >"$WORK/two/file"
	conf <<<""
	mkdir -p "$WORK/etc/conf.d"
	cp "$CONF" "$WORK/etc/vbackup.conf"
	printf '[backup]\nsources = %s\n' "$WORK/source" \
	    >"$WORK/etc/conf.d/first.conf"
	printf '# a comment with $(touch %s)\nBASE=%s\nBACKUP_SOURCES="$BASE/two"\nBACKUP_COMPRESSION=zst\n' \
	    "$WORK/touched" "$WORK" >"$WORK/etc/conf.d/second.env"
	run --separate-stderr unshare -m sh -c '
		mkdir -p /etc/vbackup && mount --bind "$1" /etc/vbackup &&
		exec env -i PATH="$PATH" "$2" run' sh "$WORK/etc" "$VBACKUP"
	[ "$status" -eq 0 ]
	[[ $output == *first-*.tar.gz*second-*.tar.zst* ]]
	[ ! -e "$WORK/touched" ]
}

@test "usage errors end with 2 and say how it goes" {
	conf <<<"sources = $WORK/source"
	for arguments in "" nonsense "run --nonsense" "run extra" "init a b" \
	    "version x" "help nonsense" "dump x" "check x"; do
		# shellcheck disable=SC2086
		run vbackup $arguments
		[ "$status" -eq 2 ]
		[[ $output == *usage* ]]
	done
	run vbackup run -j nonsense
	[ "$status" -eq 2 ]
	[[ $output == *"no job 'nonsense'"* ]]
	CONF=$WORK/missing.conf
	run vbackup run
	[ "$status" -eq 2 ]
	[[ $output == *missing.conf* ]]
}

@test "version and help" {
	conf <<<""
	[[ $(vbackup version) == "vbackup "* ]]
	vbackup version --json | jq -e '.version'
	[[ $(vbackup help) == *"exit status"* ]]
	[[ $(vbackup help run) == *"dry-run"* ]]
	[[ $("$VBACKUP" --version) == "vbackup "* ]]
	run bash -c '"$1" help >/dev/full' bash "$VBACKUP"
	[ "$status" -ne 0 ]
}
