# common.bash: what every scenario uses.
#
# $VBACKUP is the program, $BUILD the build directory (see scripts/test). Each
# test has $WORK, removed afterwards, with a store in $ARCHIVE and a
# configuration file that `conf` writes.

bats_require_minimum_version 1.5.0
# shellcheck source=test/scenario/dockerd.bash
source "$(dirname "${BASH_SOURCE[0]}")/dockerd.bash"

common_setup() {
	: "${VBACKUP:?the program under test}" "${BUILD:?its build directory}"
	WORK=$BATS_TEST_TMPDIR
	ARCHIVE=$WORK/archive
	CONF=$WORK/vbackup.conf
	mkdir -p "$ARCHIVE" "$WORK/source"
	export LC_ALL=C
	unset DOCKER_HOST
}

# conf: the configuration file from the standard input, below what every test
# needs. Keys of [backup] may be written first, without a section.
conf() {
	{
		printf '[lock]\ndirectory = %s\ntimeout = 20s\n' "$WORK/lock"
		printf '[docker]\nhost = %s\n' "${DOCKER_HOST:-none}"
		printf '[archive]\npath = %s\n[backup]\n' "$ARCHIVE"
		cat
	} >"$CONF"
}

# vbackup ARGUMENT...: the program, in an empty environment but for variables
# that are given before its name: `VAR=x vbackup ...` does not work in bash for
# functions with env -i, so they are in the array ENVIRONMENT.
ENVIRONMENT=()
vbackup() {
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "${ENVIRONMENT[@]}" \
	    "$VBACKUP" -c "$CONF" "$@"
}

# The one archive in the store, or in a directory.
the_archive() {
	local found
	found=$(find "${1:-$ARCHIVE}" -maxdepth 1 -type f -name '*.tar*' \
	    ! -name '*.metadata.json')
	[[ -n $found && $found != *$'\n'* ]] || {
		echo "not one archive: ${found:-none}" >&2
		return 1
	}
	echo "$found"
}

# Nothing partial, nothing temporary is in the store.
store_is_clean() {
	local left
	left=$(find "$ARCHIVE" -name '.*' ! -path "$ARCHIVE")
	[[ -z $left ]] || {
		echo "left in the store: $left" >&2
		return 1
	}
}

# restore ARCHIVE DIR: with GNU tar, everything that it can restore.
restore() {
	mkdir -p "$2"
	env -i PATH="$PATH" tar --numeric-owner --acls --xattrs \
	    --xattrs-include='*' -xpf "$1" -C "$2"
}

restore_bsd() {
	mkdir -p "$2"
	env -i PATH="$PATH" bsdtar --numeric-owner --acls --xattrs -xpf "$1" \
	    -C "$2"
}

metadata() { # JQ-FILTER
	jq -er "$1" "$(the_archive).metadata.json"
}

# eventually SECONDS COMMAND...: wait until it succeeds.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || {
			echo "never: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

# --- containers --------------------------------------------------------------

# container NAME ARGUMENT...: started, removed after the test.
container() {
	local name=$1
	shift
	docker run -d --network none --name "$name" "$@" >/dev/null
	CONTAINERS+=("$name")
}

# A container whose process counts, into two files that agree only while
# nothing is being written, every 10 ms; it ends at once and says so.
counting_container() { # NAME VOLUME ARGUMENT...
	local name=$1 volume=$2
	shift 2
	container "$name" -v "$volume:/data" "$@" busybox sh -c '
		trap "echo end >>/data/log; exit 0" TERM
		i=0
		while :; do
			i=$((i + 1))
			echo $i >>/data/log
			echo $i >/data/count
			usleep 10000
		done'
}

running() { [[ $(docker inspect -f '{{.State.Running}}' "$1") == true ]]; }
stopped() { ! running "$1"; }
started_at() { docker inspect -f '{{.State.StartedAt}}' "$1"; }
finished_at() { docker inspect -f '{{.State.FinishedAt}}' "$1"; }

docker_setup() {
	CONTAINERS=()
	common_setup
	dockerd_require
}

docker_teardown() {
	[[ -n ${DOCKER_HOST-} ]] || return 0
	docker ps -aq | xargs -r docker rm -f -v >/dev/null
	docker volume ls -q | xargs -r docker volume rm -f >/dev/null
}
