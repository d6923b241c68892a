#!/usr/bin/env bats
# Encryption with OpenPGP: plain gpg opens the result, and nothing is left.

load common
setup() {
	common_setup
	echo hello >"$WORK/source/file"
	export GNUPGHOME=$WORK/gnupg
	mkdir -m 700 "$GNUPGHOME"
}
teardown() { gpgconf --kill all 2>/dev/null || true; }

decrypt() { # ARCHIVE [GPG-ARGUMENT...]
	local archive=$1
	shift
	gpg -q --batch --pinentry-mode loopback "$@" -d "$archive"
}

# The private homes of the runs of this test are below $WORK.
no_gpg_is_left() {
	! pgrep -af "$WORK/vbackup-gpg-" || return 1
	! compgen -G "$WORK/vbackup-gpg-*"
}

key() { # NAME [EXPIRY]
	gpg -q --batch --pinentry-mode loopback --passphrase '' \
	    --quick-gen-key "$1" future-default default "${2:-never}"
}

@test "a passphrase: gpg -d and tar restore it" {
	printf 'odd $# "pass\\phrase" \xc3\xa9\n' >"$WORK/secret"
	conf <<<"sources = $WORK/source"
	ENVIRONMENT=(GPG_PASSPHRASE_FILE="$WORK/secret")
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $(the_archive) == *.tar.gz.gpg ]]
	decrypt "$(the_archive)" --passphrase-file "$WORK/secret" \
	    >"$WORK/plain"
	[ "$(tar -xOf "$WORK/plain")" = hello ]
	[ "$(metadata .encryption)" = openpgp-symmetric ]
	[ "$(metadata .sha256)" = "$(sha256sum "$(the_archive)" |
	    cut -d' ' -f1)" ]
	[[ $stderr$(cat "$(the_archive).metadata.json") != *phrase\\\\* ]]
	gpg --list-packets --batch --pinentry-mode loopback \
	    --passphrase-file "$WORK/secret" "$(the_archive)" 2>&1 |
	    grep -q 'cipher 9'
	no_gpg_is_left
}

@test "a key ring: each of its keys opens the archive" {
	key alice@example.org
	key bob@example.org
	gpg -q --armor --export >"$WORK/ring"
	conf <<<"sources = $WORK/source"
	ENVIRONMENT=(GPG_PUBLIC_KEY_RING_FILE="$WORK/ring")
	vbackup -q run
	[ "$(metadata .encryption)" = openpgp ]
	for who in alice bob; do
		other=$([ $who = alice ] && echo bob || echo alice)
		home=$WORK/$who
		cp -r "$GNUPGHOME" "$home"
		GNUPGHOME=$home gpg -q --batch --yes \
		    --delete-secret-and-public-key \
		    "$(gpg --list-keys --with-colons $other |
		    awk -F: '/^fpr/ { print $10; exit }')"
		GNUPGHOME=$home decrypt "$(the_archive)" >"$WORK/plain"
		[ "$(tar -xOf "$WORK/plain")" = hello ]
		GNUPGHOME=$home gpgconf --kill all
	done
	rm "$ARCHIVE"/*
	gpg -q --export >"$WORK/binary"
	ENVIRONMENT=(GPG_PUBLIC_KEY_RING_FILE="$WORK/binary")
	vbackup -q run
	decrypt "$(the_archive)" >"$WORK/plain"
	[ "$(tar -xOf "$WORK/plain")" = hello ]
	no_gpg_is_left
}

@test "what cannot seal is refused before anything is touched" {
	conf <<<"sources = $WORK/source"
	key old@example.org 1d
	key new@example.org
	: >"$WORK/empty"
	gpg -q --armor --export new@example.org >"$WORK/ring"
	for variables in "GPG_PASSPHRASE_FILE=$WORK/missing" \
	    "GPG_PASSPHRASE_FILE=$WORK/empty" "GPG_PASSPHRASE=" \
	    "GPG_PUBLIC_KEY_RING=garbage" \
	    "GPG_PASSPHRASE=abcdef GPG_PUBLIC_KEY_RING_FILE=$WORK/ring" \
	    "VBACKUP_SEAL_RECIPIENTS=0123456789ABCDEF0123456789ABCDEF01234567"
	do
		# shellcheck disable=SC2206
		ENVIRONMENT=($variables)
		run --separate-stderr vbackup run
		[ "$status" -eq 2 ]
		[ -z "$(ls -A "$ARCHIVE")" ]
	done
	no_gpg_is_left
}

@test "TERM while it seals leaves no gpg, no home and no archive" {
	head -c 500000000 /dev/urandom >"$WORK/source/big"
	conf <<<"sources = $WORK/source"
	ENVIRONMENT=(GPG_PASSPHRASE=correct-horse)
	vbackup -q run 3>&- &
	job=$!
	eventually 20 compgen -G "$ARCHIVE/.vbackup-partial-*"
	sleep 0.5
	pkill -TERM -f -- "-c $CONF -q run"
	status=0
	wait $job || status=$?
	[ "$status" -eq 5 ]
	[ -z "$(ls -A "$ARCHIVE")" ]
	no_gpg_is_left
}

@test "no secret is in the log, the dump, or a child's arguments" {
	head -c 200000000 /dev/urandom >"$WORK/source/big"
	conf <<<"sources = $WORK/source"
	ENVIRONMENT=(GPG_PASSPHRASE=very-secret-thing)
	vbackup dump >"$WORK/dump"
	! grep -q very-secret-thing "$WORK/dump"
	vbackup dump --show-secrets | grep -q very-secret-thing
	vbackup -v run 2>"$WORK/log" 3>&- &
	job=$!
	while kill -0 $job 2>/dev/null; do
		for pid in $(pgrep -f "$WORK/vbackup-gpg-"); do
			cat "/proc/$pid/cmdline" "/proc/$pid/environ" \
			    2>/dev/null | tr '\0' '\n' >>"$WORK/seen" || true
		done
	done
	wait $job
	grep -q homedir "$WORK/seen"
	! grep -q very-secret-thing "$WORK/log"
	! grep -q very-secret-thing "$WORK/seen"
	! grep -q very-secret-thing "$ARCHIVE"/*.json
}

@test "a runtime directory on an overlay of two file systems: nothing is left" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	mkdir "$WORK"/{low,up,run}
	conf <<<"sources = $WORK/source"
	ENVIRONMENT=(GPG_PASSPHRASE=very-secret-thing
	    XDG_RUNTIME_DIR="$WORK/run")
	overlay() {
		mount -t tmpfs up "$WORK/up" && mkdir "$WORK"/up/{new,work} &&
		    mount -t overlay -o "lowerdir=$WORK/low,upperdir=$WORK/up/new,workdir=$WORK/up/work" \
		    overlay "$WORK/run"
	}
	export -f overlay vbackup
	export WORK VBACKUP CONF
	unshare -m bash -c overlay || skip "no overlay can be mounted"
	declare -p ENVIRONMENT >"$WORK/environment"
	unshare -m bash -c '. "$WORK/environment" && overlay &&
	    vbackup -q run && [ -z "$(ls -A "$WORK/run")" ]'
	[ -f "$(the_archive)" ]
}
