#!/usr/bin/env bats
# vbackup-migration(7) is believed by whoever changes over: what it says of each
# variable of docker-volume-backup is asked of the program.

load common

PAGE=$BATS_TEST_DIRNAME/../../man/vbackup-migration.7.in

setup() {
	common_setup
	echo x >"$WORK/source/file"
	conf <<<"sources = $WORK/source"
}

# variables SECTION: those that stand in its list.
variables() {
	awk -v section=".Ss $1" '
		/^\.S[sh] / { in_it = $0 == section }
		in_it && /^\.It Ev / { $1 = $2 = ""; gsub(/,/, ""); print }
	' "$PAGE" | tr -s ' ' '\n' | sed '/^$/d'
}

# checked STATUS NAME=VALUE: check ends so, and names a variable that it
# refuses.
checked() {
	ENVIRONMENT=("$2")
	run --separate-stderr vbackup check
	[ "$status" -eq "$1" ] && [[ $1 = 0 || $stderr == *"${2%%=*}"* ]] || {
		echo "$2: $status, $stderr" >&2
		return 1
	}
}

@test "what the manual calls the same is a setting, also as a file" {
	local name n=0
	for name in $(variables "The same") \
	    $(variables "The same, with a difference"); do
		checked 2 "${name}_FILE=/nonexistent"
		n=$((n + 1))
	done
	[ "$n" -ge 40 ]
}

@test "what it calls ignored changes nothing" {
	local name n=0 plain
	plain=$(vbackup dump)
	for name in $(variables Ignored); do
		checked 0 "$name=/nonexistent"
		[ "$(vbackup dump)" = "$plain" ]
		n=$((n + 1))
	done
	[ "$n" -ge 12 ]
}

@test "what it calls refused is refused, also as a file" {
	local name n=0
	for name in $(variables Refused); do
		checked 2 "$name=x"
		checked 2 "${name}_FILE=/nonexistent"
		n=$((n + 1))
	done
	[ "$n" -ge 23 ]
}
