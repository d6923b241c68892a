# One Engine for the whole bats run; see dockerd.bash.
#
# Exports DOCKER_HOST_TEST, its address, or else DOCKERD_MISSING, which says
# why there is none: tests that need one call dockerd_require. DOCKER_HOST is
# not left set: a test says itself which Engine it means.

# shellcheck source=test/scenario/dockerd.bash
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/dockerd.bash"

# What runs that were killed left behind: their Engines died with them.
sweep() {
	local dir
	for dir in /tmp/vbackup-dockerd.*; do
		if [[ -f $dir/pid ]] && ! dockerd_lives "$(<"$dir/pid")"; then
			dockerd_stop "$dir" &&
			    rm -rf --one-file-system "$dir"
		fi
	done
}

setup_suite() {
	local why
	export DOCKER_HOST_TEST='' DOCKERD_MISSING=''
	unset DOCKER_HOST
	if why=$(dockerd_lacks); then
		DOCKERD_MISSING=$why
		return 0
	fi
	sweep || true
	# Short, and not below bats' own directory, which bats removes
	# recursively: nothing mounted may ever lie there.
	DOCKERD_DIR=$(mktemp -d /tmp/vbackup-dockerd.XXXXXX)
	export DOCKERD_DIR
	if dockerd_start "$DOCKERD_DIR" && image_busybox; then
		DOCKER_HOST_TEST=$DOCKER_HOST
	else
		DOCKERD_MISSING="dockerd does not start here"
	fi
	unset DOCKER_HOST
}

teardown_suite() {
	[[ -n ${DOCKERD_DIR-} ]] || return 0
	dockerd_stop "$DOCKERD_DIR"
	rm -rf --one-file-system "$DOCKERD_DIR"
}
