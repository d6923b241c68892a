#!/usr/bin/env bats
# How far run and verify are: on a terminal a line that is drawn again and
# again, and is gone at the end; nowhere else.

load common
setup() {
	common_setup
	head -c 60000000 /dev/urandom >"$WORK/source/big"
	conf <<<"sources = $WORK/source"
}

# The program on a terminal, with standard output and error on it.
on_terminal() { # ARGUMENT...
	env -i PATH="$PATH" TERM=xterm XDG_RUNTIME_DIR="$WORK" \
	    script -qec "'$VBACKUP' -c '$CONF' $*" /dev/null </dev/null
}

# All that was ever drawn, a line each.
drawn() { tr '\r' '\n' <<<"$output" | grep -aF "$(printf '\033[K')"; }

@test "run on a terminal: bytes of how many, rate, members; wiped at the end" {
	run on_terminal run
	[ "$status" -eq 0 ]
	drawn | grep -aE '[0-9] [KM]?i?B of 57[.]2 MiB, [0-9.]+ [KM]?i?B/s'
	drawn | grep -aE 'B/s, [0-9]+ members?'
	# What was drawn last is nothing, or a line of the log overwrote it.
	[[ $(drawn | tail -n 1) != *B/s* ]]
}

@test "verify on a terminal: the archive, bytes of how many, rate" {
	vbackup -q run
	name=$(basename "$(the_archive)")
	for how in '' --deep; do
		run on_terminal verify $how
		[ "$status" -eq 0 ]
		drawn | grep -aE "$name: [0-9.]+ MiB of 57[.][0-9] MiB, "
		[[ $output == *"$name: good"* ]]
	done
}

@test "no terminal, or not wanted: nothing is drawn" {
	run vbackup -v run
	[ "$status" -eq 0 ]
	[[ $output != *$'\033'* && $output != *B/s* ]]
	run on_terminal -q verify
	[ "$status" -eq 0 ]
	[[ $output != *B/s* ]]
}
