#!/usr/bin/env bats
# What shells offer behind `vbackup`: bash, zsh and fish ask the program, which
# knows by its own table of verbs.

bats_require_minimum_version 1.5.0
load ../scenario/common
SHELLS=$BATS_TEST_DIRNAME/../../scripts/completion

setup() {
	common_setup
	mkdir "$WORK/bin"
	ln -s "$VBACKUP" "$WORK/bin/vbackup"
	export PATH=$WORK/bin:$PATH XDG_RUNTIME_DIR=$WORK HOME=$WORK
	touch "$ARCHIVE"/{my\ site.tar.gz,a:b=c.tar,no-archive}
	touch -d 2030-01-01 "$ARCHIVE/backup-2030-01-01T03-00-00.tar.gz"
	conf <<-E
		[job one]
		sources = $WORK/source
		[job two words]
		sources = $WORK/source
		[archive second]
		path = $WORK/source
	E
	cd "$WORK"
}

# ask WORD...: what the program says, without remarks.
ask() {
	"$VBACKUP" complete "$@" 2>&1 | cut -f 1
}

is() { # EXPECTED GOT
	[ "$2" = "$1" ] || {
		echo "expected: $1"
		echo "got: $2"
		return 1
	}
}

verbs() {
	"$VBACKUP" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

options() { # [VERB]
	"$VBACKUP" help "$@" | sed -n '/^usage: /,/^$/p' |
	    grep -oE '[[ |(]--?[a-zA-Z][a-z-]*' | cut -c 2-
}

# --- bash --------------------------------------------------------------------

# bash_offers LINE: COMPREPLY, as bash ends words, and quotes do not.
bash_offers() {
	bash -c '
		source "$1/vbackup.bash"
		COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=()
		rest=$2
		while [[ -n $rest ]]; do
			[[ $rest =~ ^([[:space:]]+)?(([^\\[:space:]=:]|\\.)+|[=:])? ]]
			COMP_WORDS+=("${BASH_REMATCH[2]}")
			rest=${rest#"$BASH_REMATCH"}
		done
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_vbackup
		printf "%s\n" "${COMPREPLY[@]}"' bash "$SHELLS" "$1" 2>&1
}

@test "bash completes each verb and each option of the usage" {
	is "$(verbs)" "$(bash_offers 'vbackup ')"
	[ "$(verbs | wc -l)" -ge 13 ]
	run bash_offers 'vbackup -'
	for option in $(options); do
		[[ $'\n'$output$'\n' == *$'\n'$option$'\n'* ]]
	done
	for verb in $(verbs); do
		is "$(options "$verb")" "$(bash_offers "vbackup $verb -")"
	done
	is "$(printf 'status\n')" "$(bash_offers 'vbackup -v stat')"
}

@test "bash completes what only configuration and stores know" {
	is $'one\ntwo\\ words' "$(bash_offers "vbackup -c $CONF run -j ")"
	is 'two\ words' "$(bash_offers "vbackup -c $CONF run -j tw")"
	is $'archive\nsecond' \
	    "$(bash_offers "vbackup -c $CONF list --store ")"
	is second "$(bash_offers "vbackup -c $CONF list --store=se")"
	is $'latest\nbackup-2030-01-01T03-00-00.tar.gz' \
	    "$(bash_offers "vbackup -c $CONF show " | head -n 2)"
	is 'my\ site.tar.gz' "$(bash_offers "vbackup -c $CONF show my\\ s")"
	is 'my\ site.tar.gz' "$(bash_offers "vbackup -c $CONF verify --deep m")"
	# bash has put a:b= on the line for good.
	is 'b=c.tar' "$(bash_offers "vbackup -c $CONF show a:")"
	is 'c.tar' "$(bash_offers "vbackup -c $CONF show a:b=")"
	is text "$(bash_offers 'vbackup --log-format t')"
}

@test "bash completes files and directories where they belong" {
	is vbackup.conf "$(bash_offers 'vbackup -c vb')"
	is vbackup.conf "$(bash_offers 'vbackup --config=vb')"
	is vbackup.conf "$(bash_offers 'vbackup init vb')"
	is '' "$(bash_offers 'vbackup notify vb')"
}

# --- zsh ---------------------------------------------------------------------

has_words() { # TEXT WORD...
	local text=$1 word
	shift
	for word; do
		grep -qwF -e "$word" <<<"$text" || {
			echo "missing: $word, in: $text"
			return 1
		}
	done
}

zsh_shows() { # LINE...
	zsh -f "$BATS_TEST_DIRNAME/zsh_completion" "$SHELLS" "$@"
}

@test "zsh completes each verb and each option of the usage" {
	command -v zsh >/dev/null || skip "no zsh"
	has_words "$(zsh_shows 'vbackup ')" $(verbs)
	has_words "$(zsh_shows 'vbackup -')" $(options)
	for verb in $(verbs); do
		echo "vbackup $verb -"
	done >"$WORK/lines"
	mapfile -t lines <"$WORK/lines"
	zsh_shows "${lines[@]}" >"$WORK/shown"
	for verb in $(verbs); do
		shown=$(sed -n "/vbackup $verb -/,/echo typ/p" "$WORK/shown")
		has_words "$shown" $(options "$verb")
	done
}

@test "zsh completes jobs, stores, archives and files" {
	command -v zsh >/dev/null || skip "no zsh"
	zsh_shows "vbackup -c $CONF run -j o" "vbackup -c $CONF show my" \
	    "vbackup -c $CONF show a:" "vbackup -c $CONF list --store=se" \
	    "vbackup -c vb" "vbackup --config=vb" >"$WORK/shown"
	for line in 'run -j one' 'show my\ site.tar.gz' 'show a:b=c.tar' \
	    'list --store=second' '-c vbackup.conf' '--config=vbackup.conf'; do
		grep -qF -- "$line" "$WORK/shown" || {
			cat -v "$WORK/shown"
			return 1
		}
	done
}

# --- fish --------------------------------------------------------------------

fish_offers() { # LINE
	fish --no-config -c 'source $argv[1]/vbackup.fish
	    complete -C $argv[2]' "$SHELLS" "$1" 2>&1 | cut -f 1
}

@test "fish completes each verb and each option of the usage" {
	command -v fish >/dev/null || skip "no fish"
	is "$(verbs)" "$(fish_offers 'vbackup ')"
	run fish_offers 'vbackup -'
	for option in $(options); do
		[[ $'\n'$output$'\n' == *$'\n'$option$'\n'* ]]
	done
	for verb in $(verbs); do
		is "$(options "$verb")" "$(fish_offers "vbackup $verb -")"
	done
}

@test "fish completes jobs, stores, archives and files" {
	command -v fish >/dev/null || skip "no fish"
	is $'one\ntwo words' "$(fish_offers "vbackup -c $CONF run -j ")"
	is --store=second "$(fish_offers "vbackup -c $CONF list --store=se")"
	is 'my site.tar.gz' "$(fish_offers "vbackup -c $CONF show m")"
	is 'a:b=c.tar' "$(fish_offers "vbackup -c $CONF show a:")"
	is vbackup.conf "$(fish_offers "vbackup -c vb")"
	is --config=vbackup.conf "$(fish_offers "vbackup --config=vb")"
	# Without the program there is nothing, and no noise.
	rm "$WORK/bin/vbackup"
	PATH=/usr/bin:/bin
	command -v vbackup >/dev/null || is '' "$(fish_offers 'vbackup r')"
}

# --- nobody who types is disturbed -------------------------------------------

@test "the list of archives follows the options that were typed" {
	# A place that is filled is not offered again; then come options.
	is "$(options show)" "$(ask -c "$CONF" show latest '')"
	is '' "$(ask -c "$CONF" show -- latest -)"
	"$VBACKUP" help restore >/dev/null 2>&1 || skip "no restore"
	touch "$WORK/source/second.tar"
	is $'latest\nsecond.tar' "$(ask -c "$CONF" restore --store second '')"
	is $'latest\nsecond.tar' \
	    "$(ask --config="$CONF" restore --store=second '')"
}

@test "wrong settings, a missing file and no Engine are not mentioned" {
	is '' "$(ask -c "$WORK/missing" list --store x)"
	echo 'wrong = x' >>"$CONF"
	is $'one\ntwo words' "$(ask -c "$CONF" run -j '')"
	is '' "$(ask no-such-verb '')"
	is '' "$(ask --no-such-option=x)"
	is -c "$(ask -c)"
	is "$(verbs)" "$(ask)"
	run "$VBACKUP" help
	[[ $output != *"  complete"* ]]
}

@test "a command that prints a secret is run for archives of a server only" {
	cat >>"$CONF" <<-E
		[s3 far]
		bucket = b
		endpoint = 127.0.0.1:1
		access_key_id = x
		secret_access_key_command = echo x >>$WORK/ran; echo secret
		[seal]
		passphrase_command = echo x >>$WORK/ran; echo secret
	E
	is $'one\ntwo words' "$(ask -c "$CONF" run -j '')"
	is $'archive\nsecond\nfar' "$(ask -c "$CONF" list --store '')"
	[ ! -e "$WORK/ran" ]
	run ask -c "$CONF" show ''
	[[ $output == latest$'\n'backup-2030* ]]
	[ -e "$WORK/ran" ]
}

@test "who does not answer is not waited for, and what is known is offered" {
	cat >>"$CONF" <<-E
		[s3 far]
		bucket = b
		endpoint = 127.0.0.1:1
		access_key_id = x
		secret_access_key_command = sleep 97 & echo \$! >$WORK/pid; wait
	E
	SECONDS=0
	run ask -c "$CONF" show ''
	[[ $output == latest$'\n'backup-2030* ]]
	((SECONDS < 20))
	# What was started for it is ended.
	eventually 20 run ! kill -0 "$(<"$WORK/pid")"
}

@test "volumes are those of the Engine" {
	"$VBACKUP" help restore >/dev/null 2>&1 || skip "no restore"
	dockerd_require
	docker volume create completed-volume
	sed -i "s,^host = none,host = $DOCKER_HOST," "$CONF"
	is completed-volume "$(ask -c "$CONF" restore --volume completed)"
	is --volume=completed-volume \
	    "$(ask -c "$CONF" restore --volume=completed)"
	docker volume rm completed-volume
	is '' "$(ask -c "$CONF" restore --volume completed)"
	is $'\tdirectories' "$("$VBACKUP" complete restore --to '')"
}
