# dockerd.bash: a private Docker Engine for the scenarios.
#
#     load dockerd            (in a .bats file)
#     setup() { dockerd_require; }
#
# setup_suite.bash starts one Engine for the whole run; dockerd_require points
# DOCKER_HOST at it, or skips the test by name where no Engine can run.
# A test that must break its Engine starts another one:
#
#     dockerd_start DIR [DOCKERD-ARGUMENT...]
#     image_busybox
#     dockerd_stop DIR        in teardown, so that it happens after a failure
#
# An Engine has its own data, sockets, control group and network namespace: it
# touches no bridge, no firewall rule and no setting of this machine's network,
# and its containers reach nobody (use --network none). Its mounts are made in
# the caller's mount namespace, where the program under test must see them.
# It dies with the shell that called dockerd_start: do not call it by `run`.

# How long an Engine may take to answer, to end by itself, and to be killed.
DOCKERD_START_S=15
DOCKERD_STOP_S=10

# dockerd_require: skip the test unless the suite's Engine runs; use it.
dockerd_require() {
	if [[ -z ${DOCKER_HOST_TEST-} ]]; then
		skip "no Engine: ${DOCKERD_MISSING:-setup_suite did not run}"
	fi
	export DOCKER_HOST=$DOCKER_HOST_TEST
}

# dockerd_lacks: print why no Engine can be started here; fails if one can.
dockerd_lacks() {
	local tool
	if [[ $(id -u) -ne 0 ]]; then
		echo "not root"
		return 0
	fi
	for tool in docker dockerd containerd runc busybox setsid setpriv \
	    unshare ip
	do
		if ! command -v "$tool" >/dev/null; then
			echo "no $tool"
			return 0
		fi
	done
	return 1
}

# dockerd_start DIR [ARGUMENT...]: start an Engine that lives in DIR (made if
# it is not there), wait until it answers, set DOCKER_HOST. Fails with its log
# on stderr. DIR is absolute and short: a socket's path has 107 bytes.
dockerd_start() {
	local dir=$1 driver why
	shift
	if why=$(dockerd_lacks); then
		echo "cannot start dockerd: $why" >&2
		return 1
	fi
	mkdir -p "$dir"
	# The client must not see the user's own settings and contexts.
	mkdir -p "$dir/client"
	export DOCKER_CONFIG=$dir/client
	unset DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION \
	    DOCKER_CONTEXT
	export DOCKER_HOST=unix://$dir/docker.sock
	echo '{}' >"$dir/daemon.json"
	for driver in overlay2 vfs; do
		dockerd_launch "$dir" --storage-driver "$driver" "$@"
		if dockerd_wait "$dir"; then
			return 0
		fi
		dockerd_stop "$dir"
	done
	tail -n 20 "$dir/log" >&2
	unset DOCKER_HOST
	return 1
}

# The pid file is written here because dockerd's own appears too late. A
# session of its own: Ctrl-C is for bats, which then calls dockerd_stop. No
# descriptor above 2 is inherited: bats waits until its fd 3 is closed.
dockerd_launch() {
	local dir=$1
	shift
	setsid setpriv --pdeathsig TERM unshare --net sh -c \
	    'ip link set lo up; exec dockerd "$@"' dockerd \
	    --config-file "$dir/daemon.json" \
	    --host "unix://$dir/docker.sock" \
	    --data-root "$dir/data" --exec-root "$dir/exec" \
	    --pidfile "$dir/dockerd.pid" \
	    --cgroup-parent "/$(dockerd_cgroup "$dir")" \
	    --exec-opt native.cgroupdriver=cgroupfs \
	    --bridge none --iptables=false --ip-forward=false \
	    --ip-masq=false \
	    "$@" </dev/null >"$dir/log" 2>&1 3>&- 4>&- 5>&- &
	echo $! >"$dir/pid"
	# Not a job of this shell: a bare `wait` in a test must not wait for it.
	disown $!
}

dockerd_wait() {
	local dir=$1 pid end
	pid=$(<"$dir/pid")
	end=$((SECONDS + DOCKERD_START_S))
	while ((SECONDS < end)); do
		if timeout 5 docker -H "unix://$dir/docker.sock" version \
		    >/dev/null 2>&1; then
			return 0
		fi
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

dockerd_cgroup() {
	echo "vbackup-test${1//\//-}"
}

# dockerd_stop DIR: end the Engine of DIR with all its containers, unmount what
# it mounted. Takes seconds at most, whatever state it is in; does nothing the
# second time. DIR and the Engine's files remain. Fails if something is left.
dockerd_stop() {
	local dir=$1 pid
	[[ -f $dir/pid ]] || return 0
	pid=$(<"$dir/pid")
	if kill -0 "$pid" 2>/dev/null; then
		dockerd_remove_containers "$dir"
		kill -TERM "$pid" 2>/dev/null || true
		dockerd_wait_gone "$DOCKERD_STOP_S" "$pid" || true
	fi
	dockerd_kill "$dir"
	dockerd_unmount "$dir"
	if [[ -n $(dockerd_processes "$dir") ]] ||
	    [[ -n $(dockerd_mounts "$dir") ]]; then
		echo "dockerd in $dir left something behind:" >&2
		dockerd_processes "$dir" >&2
		dockerd_mounts "$dir" >&2
		return 1
	fi
	rm -f "$dir/pid"
}

# Containers are removed by force first: on SIGTERM the Engine gives each of
# them its stop timeout, and a service would start another one.
dockerd_remove_containers() {
	local host=unix://$1/docker.sock ids
	timeout 10 docker -H "$host" swarm leave --force \
	    >/dev/null 2>&1 || true
	ids=$(timeout 5 docker -H "$host" ps -aq 2>/dev/null) || true
	if [[ -n $ids ]]; then
		# shellcheck disable=SC2086 # one word for each container
		timeout 10 docker -H "$host" rm -f $ids >/dev/null 2>&1 || true
	fi
}

# dockerd_wait_gone SECONDS PID...: wait until none of them lives.
dockerd_wait_gone() {
	local end=$((SECONDS + $1)) pid alive=1
	shift
	while ((alive && SECONDS <= end)); do
		alive=0
		for pid in "$@"; do
			if dockerd_lives "$pid"; then
				alive=1
			fi
		done
		((!alive)) || sleep 0.05
	done
	((!alive))
}

# A zombie does not live: its parent may be anyone.
dockerd_lives() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" \
	    2>/dev/null) || return 1
	[[ -n $state && $state != Z* && $state != X* ]]
}

# Kills dockerd, containerd, shims, and then the containers' processes. Frozen
# ones must be thawed, else they die never.
dockerd_kill() {
	local dir=$1 pids group
	pids=$(dockerd_processes "$dir")
	if [[ -n $pids ]]; then
		# shellcheck disable=SC2086 # one word for each process
		kill -KILL $pids 2>/dev/null || true
		for group in $(dockerd_groups "$dir"); do
			dockerd_thaw "$group"
		done
		# shellcheck disable=SC2086
		dockerd_wait_gone 5 $pids || true
	fi
	dockerd_groups "$dir" | sort -r | while read -r group; do
		rmdir "$group" 2>/dev/null || true
	done
}

dockerd_thaw() {
	if [[ -f $1/freezer.state ]]; then
		echo THAWED >"$1/freezer.state" 2>/dev/null || true
	elif [[ -f $1/cgroup.freeze ]]; then
		echo 0 >"$1/cgroup.freeze" 2>/dev/null || true
	fi
}

# The control groups of the Engine's containers, in every hierarchy.
dockerd_groups() {
	local root
	for root in /sys/fs/cgroup/"$(dockerd_cgroup "$1")" \
	    /sys/fs/cgroup/*/"$(dockerd_cgroup "$1")"; do
		[[ ! -d $root ]] || find "$root" -type d
	done
}

# dockerd_processes DIR: those of its control groups, and those whose command
# line names its sockets (dockerd, containerd, shims).
dockerd_processes() {
	local dir=$1 group file
	for group in $(dockerd_groups "$dir"); do
		cat "$group/cgroup.procs" 2>/dev/null || true
	done
	for file in /proc/[0-9]*; do
		# Not a client, and not the shell that looks.
		case $(readlink "$file/exe" 2>/dev/null) in
		*/dockerd | */containerd | */containerd-shim*) ;;
		*) continue ;;
		esac
		if xargs -0 -a "$file/cmdline" printf '%s\n' 2>/dev/null |
		    grep -qE "^(unix://)?$dir/(docker\.sock|exec/)"; then
			echo "${file#/proc/}"
		fi
	done
}

dockerd_mounts() {
	awk -v prefix="$1/" 'index($5, prefix) == 1 { print $5 }' \
	    /proc/self/mountinfo
}

# The last mount first: one may lie upon another.
dockerd_unmount() {
	local mount
	dockerd_mounts "$1" | tac | while read -r mount; do
		umount -l "$mount" 2>/dev/null || true
	done
}

# image_busybox: give the Engine of DOCKER_HOST an image `busybox` with a shell
# and the usual tools in /bin, made from this machine's static busybox.
image_busybox() {
	local root rc=0
	root=$(mktemp -d)
	image_root "$root" && tar -C "$root" -c . |
	    docker import -c 'ENV PATH=/bin' -c 'CMD ["sh"]' - busybox \
	        >/dev/null || rc=1
	rm -rf "$root"
	return $rc
}

# image_root DIR: what every image has.
image_root() {
	local root=$1 name
	if ldd "$(command -v busybox)" >/dev/null 2>&1; then
		echo "busybox is not static (install busybox-static)" >&2
		return 1
	fi
	mkdir -p "$root"/{bin,etc,tmp,root}
	cp "$(readlink -f "$(command -v busybox)")" "$root/bin/busybox"
	for name in $(busybox --list); do
		[[ $name == busybox ]] || ln -s busybox "$root/bin/$name"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
}
