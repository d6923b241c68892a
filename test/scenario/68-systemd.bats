#!/usr/bin/env bats
# As a service of systemd: units, its notices, the journal, credentials.

load common
setup() {
	common_setup
	echo hello >"$WORK/source/file"
}
teardown() {
	[[ -z ${SERVER-} ]] || kill "$SERVER" 2>/dev/null || true
}

# serve PATH OUT: who reads datagrams, see datagrams.py.
serve() {
	python3 "$BATS_TEST_DIRNAME/datagrams.py" "$1" "$2" 3>&- &
	SERVER=$!
	eventually 20 test -e "$2"
}

# Entries that the JQ-FILTER selects, one JSON object on each line.
entries() { # FILE JQ-FILTER
	jq -c "select($2)" "$1"
}

# As vbackup, with a standard error that is the journal's, in $WORK/stderr, and
# with the socket $WORK/journal, if it is there, where the journal's is.
journal_vbackup() {
	: >"$WORK/stderr"
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "${ENVIRONMENT[@]}" \
	    JOURNAL_STREAM="$(stat -c %d:%i "$WORK/stderr")" \
	    unshare -m --propagation private sh -c '
		mount -t tmpfs none /run && mkdir -p /run/systemd/journal &&
		    ln -s "$0" /run/systemd/journal/socket && exec "$@"' \
	    "$WORK/journal" "$VBACKUP" -c "$CONF" "$@" 2>>"$WORK/stderr"
}

needs_namespaces() {
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
}

two_jobs() {
	mkdir "$WORK/other"
	echo x >"$WORK/other/file"
	conf <<-E
		[job one]
		sources = $WORK/source
		filename = one-%s.tar
		[job two]
		sources = $WORK/other
		filename = two-%s.tar
	E
}

# --- units -------------------------------------------------------------------

@test "systemd finds nothing wrong with the units" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	mkdir "$WORK/units"
	cp "$BATS_TEST_DIRNAME/../../scripts/systemd/vbackup.timer" \
	    "$WORK/units"
	for unit in "$BUILD"/scripts/vbackup*.service; do
		sed -E "s,=[^ ]*/vbackup ,=$VBACKUP ," "$unit" \
		    >"$WORK/units/${unit##*/}"
	done
	[ "$(find "$WORK/units" -type f | wc -l)" -eq 3 ]
	run systemd-analyze verify --man=no "$WORK"/units/vbackup*
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"$WORK/units"* && $output != *vbackup*: ]]
	# It does look: a key that there is not is seen.
	echo 'Nicety=10' >>"$WORK/units/vbackup.service"
	run systemd-analyze verify --man=no "$WORK/units/vbackup.service"
	[[ $output == *Nicety* ]]
}

@test "the units' commands are ones that vbackup has" {
	units=$BUILD/scripts
	for unit in vbackup.service vbackup-recover.service; do
		sed -n 's,^Exec[A-Za-z]*=[^ ]*/vbackup ,,p' "$units/$unit"
	done >"$WORK/commands"
	[ "$(wc -l <"$WORK/commands")" -eq 3 ]
	conf <<<"sources = $WORK/source"
	while read -r command; do
		# shellcheck disable=SC2086
		vbackup $command
	done <"$WORK/commands"
	the_archive
}

# --- notices -----------------------------------------------------------------

@test "a run tells the manager that it lives and what it is at" {
	conf <<<"sources = $WORK/source"
	for name in "$WORK/notify" "@vbackup-test-$$-$BATS_TEST_NUMBER"; do
		rm -f "$ARCHIVE"/*
		serve "$name" "$WORK/notices"
		ENVIRONMENT=(NOTIFY_SOCKET="$name")
		vbackup -q run
		eventually 20 grep -q STATUS "$WORK/notices"
		kill "$SERVER"
		[ "$(entries "$WORK/notices" .EXTEND_TIMEOUT_USEC |
		    head -n 1)" = '{"EXTEND_TIMEOUT_USEC":"120000000"}' ]
		rm "$WORK/notices"
	done
}

@test "a manager that is not there changes nothing" {
	conf <<<"sources = $WORK/source"
	for name in "$WORK/nobody" @vbackup-test-nobody vsock:2:1 x; do
		rm -f "$ARCHIVE"/*
		ENVIRONMENT=(NOTIFY_SOCKET="$name")
		run --separate-stderr vbackup -q run
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		the_archive
	done
}

# --- the journal -------------------------------------------------------------

@test "in the journal lines are entries with priority and job" {
	needs_namespaces
	two_jobs
	serve "$WORK/journal" "$WORK/entries"
	journal_vbackup run
	[ ! -s "$WORK/stderr" ]
	eventually 20 grep -q '"VBACKUP_JOB": "two"' "$WORK/entries"
	[ -n "$(entries "$WORK/entries" \
	    '.VBACKUP_JOB == "one" and .PRIORITY == "6"')" ]
	[ -z "$(entries "$WORK/entries" '.MESSAGE == null or
	    .SYSLOG_IDENTIFIER != "vbackup"')" ]
	# The text alone: no time, no level, no job.
	[ -z "$(entries "$WORK/entries" \
	    '.MESSAGE | test("^(20[0-9][0-9]-|info|one:|two:)")')" ]
}

@test "an error has its priority, and no secret" {
	needs_namespaces
	conf <<<"sources = $WORK/nothing-open-sesame"
	ENVIRONMENT=(GPG_PASSPHRASE=open-sesame)
	serve "$WORK/journal" "$WORK/entries"
	run journal_vbackup run
	[ "$status" -ne 0 ]
	eventually 20 grep -q '"PRIORITY": "3"' "$WORK/entries"
	[ ! -s "$WORK/stderr" ]
	grep -q 'nothing-\*\*\*' "$WORK/entries"
	! grep -q open-sesame "$WORK/entries" || return 1
}

@test "without the journal's socket a line has its priority before it" {
	needs_namespaces
	two_jobs
	journal_vbackup run
	grep -q '^<6>info    one: ' "$WORK/stderr"
	! grep -v '^<[3-7]>[a-z]' "$WORK/stderr" || return 1
}

@test "lines of JSON stay on the standard error" {
	needs_namespaces
	two_jobs
	serve "$WORK/journal" "$WORK/entries"
	journal_vbackup --log-format json run
	! grep -v '^<[3-7]>{' "$WORK/stderr" || return 1
	cut -c 4- "$WORK/stderr" | jq -e . >/dev/null
	[ -z "$(entries "$WORK/entries" '.MESSAGE_ID == null')" ]
}

@test "a standard error that is not the journal's is written as ever" {
	needs_namespaces
	conf <<<"sources = $WORK/source"
	serve "$WORK/journal" "$WORK/entries"
	ENVIRONMENT=(JOURNAL_STREAM=1:1)
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == 20??-*" info "* ]]
	[ ! -s "$WORK/entries" ]
}

@test "the end of a run is an event in the journal, even if it is quiet" {
	needs_namespaces
	conf <<<"sources = $WORK/source"
	serve "$WORK/journal" "$WORK/entries"
	journal_vbackup -q run
	eventually 20 grep -q MESSAGE_ID "$WORK/entries"
	event=$(entries "$WORK/entries" .MESSAGE_ID)
	[ "$(jq -r .MESSAGE_ID <<<"$event")" = \
	    956471b184a5435c9c59d30fafa75a98 ]
	[ "$(jq -r .VBACKUP_OUTCOME <<<"$event")" = success ]
	[ "$(jq -r .VBACKUP_EXIT_STATUS <<<"$event")" = 0 ]
	[ "$(jq -r .VBACKUP_ARCHIVE <<<"$event")" = "$(the_archive)" ]
	[ "$(jq -r .PRIORITY <<<"$event")" = 6 ]
}

# --- credentials -------------------------------------------------------------

credentials() {
	mkdir -p "$WORK/credentials"
	ENVIRONMENT=(CREDENTIALS_DIRECTORY="$WORK/credentials")
}

@test "a passphrase that is a credential seals the archive" {
	credentials
	echo 'open sesame' >"$WORK/credentials/GPG_PASSPHRASE"
	echo other >"$WORK/credentials/somebody-elses"
	conf <<<"sources = $WORK/source"
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $(the_archive) == *.gpg ]]
	export GNUPGHOME=$WORK/gnupg
	mkdir -m 700 "$GNUPGHOME"
	gpg -q --batch --pinentry-mode loopback --passphrase 'open sesame' \
	    -d "$(the_archive)" >"$WORK/plain"
	gpgconf --kill all
	[ "$(tar -xOf "$WORK/plain")" = hello ]
	[[ $stderr != *sesame* ]]
	run vbackup dump
	[[ $output == *"$WORK/credentials/GPG_PASSPHRASE"* ]]
	[[ $output != *sesame* ]]
}

@test "a credential beside another form, or one that nobody knows, is named" {
	conf <<<"sources = $WORK/source"
	credentials
	echo secret >"$WORK/credentials/GPG_PASSPHRASE"
	for form in GPG_PASSPHRASE=x GPG_PASSPHRASE_FILE=$CONF \
	    GPG_PASSPHRASE_COMMAND="echo x"; do
		credentials
		ENVIRONMENT+=("$form")
		run --separate-stderr vbackup run
		[ "$status" -eq 2 ]
		[[ $stderr == *credentials/GPG_PASSPHRASE*"${form%%=*}"* ]]
	done
	credentials
	rm "$WORK/credentials/GPG_PASSPHRASE"
	echo x >"$WORK/credentials/VBACKUP_LOCK_TIMEUOT"
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *VBACKUP_LOCK_TIMEUOT* ]]
	[ -z "$(ls -A "$ARCHIVE")" ]
}
