# swarm.bash: a Swarm on private Engines, for the scenarios about services.
#
#     setup_file() { swarm_start; }       teardown_file() { swarm_stop; }
#     setup() { swarm_setup; }            teardown() { swarm_teardown; }
#
# Not on the suite's Engine: a node of a Swarm answers differently than others.
# Node 1 is the manager, and all of the Swarm until swarm_join, which makes
# node 2 a worker. Each node has its own network; a veth pair joins the two.

SWARM_ADDRESS=10.98.0

swarm_start() {
	export SWARM_MISSING='' SWARM_DIR='' SWARM_HOST_1='' SWARM_HOST_2=''
	if SWARM_MISSING=$(dockerd_lacks); then
		return 0
	fi
	# Short, and not below bats' directory: see setup_suite.bash.
	SWARM_DIR=$(mktemp -d /tmp/vbackup-dockerd.XXXXXX)
	if swarm_engine 2 && SWARM_HOST_2=$DOCKER_HOST &&
	    swarm_engine 1 && SWARM_HOST_1=$DOCKER_HOST &&
	    nsenter -t "$(<"$SWARM_DIR/1/pid")" -n \
		ip addr add "$SWARM_ADDRESS.1/32" dev lo &&
	    docker swarm init --advertise-addr "$SWARM_ADDRESS.1" >/dev/null
	then
		SWARM_MISSING=''
	else
		SWARM_MISSING="no Swarm can be had here"
	fi
	unset DOCKER_HOST
}

swarm_engine() { # NUMBER
	dockerd_start "$SWARM_DIR/$1" && image_busybox
}

swarm_stop() {
	local node rc=0 wait_for=()
	[[ -n ${SWARM_DIR-} ]] || return 0
	for node in 1 2; do
		dockerd_stop "$SWARM_DIR/$node" &
		wait_for+=($!)
	done
	for node in "${wait_for[@]}"; do
		wait "$node" || rc=1
	done
	((rc)) || rm -rf --one-file-system "$SWARM_DIR"
	return $rc
}

# swarm_join: node 2 becomes a worker, if it is not one yet.
swarm_join() {
	local first second token
	[[ $(docker node ls -q | wc -l) == 1 ]] || return 0
	first=$(<"$SWARM_DIR/1/pid")
	second=$(<"$SWARM_DIR/2/pid")
	nsenter -t "$first" -n ip link add node1 type veth \
	    peer name node2 netns "$second"
	swarm_link "$first" 1
	swarm_link "$second" 2
	token=$(docker swarm join-token -q worker)
	docker -H "$SWARM_HOST_2" swarm join --token "$token" \
	    --advertise-addr "$SWARM_ADDRESS.2" "$SWARM_ADDRESS.1:2377" \
	    >/dev/null
}

swarm_link() { # PID NUMBER
	nsenter -t "$1" -n ip addr add "$SWARM_ADDRESS.$2/24" dev "node$2"
	nsenter -t "$1" -n ip link set "node$2" up
}

# --- each test ---------------------------------------------------------------

swarm_setup() {
	PROXY='' JOB=''
	common_setup
	[[ -z $SWARM_MISSING ]] || skip "no Swarm: $SWARM_MISSING"
	export DOCKER_HOST=$SWARM_HOST_1
	docker volume create data >/dev/null
	DATA=$(docker volume inspect -f '{{.Mountpoint}}' data)
}

swarm_teardown() {
	[[ -n ${SWARM_HOST_1-} ]] || return 0
	[[ -z $JOB ]] || kill -KILL "$JOB" 2>/dev/null || true
	[[ -z $PROXY ]] || kill "$PROXY" 2>/dev/null || true
	DOCKER_HOST=$SWARM_HOST_1
	docker service ls -q | xargs -r docker service rm >/dev/null
	for DOCKER_HOST in "$SWARM_HOST_2" "$SWARM_HOST_1"; do
		eventually 20 node_is_empty
	done
}

# Tasks of a service that was removed come down by themselves; those that hold
# on (see TASK) would do so for long. Swarm and we may remove the same one.
node_is_empty() {
	docker ps -aq | xargs -r docker rm -f -v >/dev/null 2>&1 || true
	docker volume ls -q | xargs -r docker volume rm -f >/dev/null 2>&1 ||
	    true
	[[ -z $(docker ps -aq)$(docker volume ls -q) ]]
}

# What a task does: it says when it begins, and when it is asked to end, which
# it does as soon as the volume has no file `hold`.
TASK='trap "
	echo asked >>/data/log
	while [ -e /data/hold ]; do usleep 50000; done
	echo end >>/data/log
	exit 0" TERM
echo begin >>/data/log
sleep 100000 &
wait'

# service NAME ARGUMENT...: with the volume `data`; does not wait for its tasks.
service() {
	local name=$1
	shift
	docker service create --quiet --detach --no-resolve-image \
	    --name "$name" --mount type=volume,src=data,dst=/data \
	    "$@" busybox sh -c "$TASK" >/dev/null
}

spec() { docker service inspect "$1" | jq -S '.[0].Spec'; }
spec_has() { spec "$1" | jq -e "$2" >/dev/null; } # NAME JQ-FILTER
version() { docker service inspect "$1" | jq '.[0].Version.Index'; }
replicas() { spec "$1" | jq '.Mode.Replicated.Replicas'; }
scaled() { [[ $(replicas "$1") == "$2" ]]; } # NAME COUNT

# tasks_run NAME COUNT: so many, and no others are wanted, for all that Swarm
# knows of all nodes.
tasks_run() {
	local states
	states=$(docker service ps -f desired-state=running \
	    --format '{{.CurrentState}}' "$1")
	[[ $(grep -c . <<<"$states") == "$2" &&
	    $(grep -c '^Running ' <<<"$states") == "$2" ]]
}

# The containers of a service that run on the node of DOCKER_HOST.
containers_of() {
	docker ps -q -f "label=com.docker.swarm.service.name=$1" | sort
}

# runs NAME COUNT: for Swarm and for the only node.
runs() {
	tasks_run "$1" "$2" && [[ $(containers_of "$1" | wc -l) == "$2" ]]
}

# In the log of the tasks as the archive has it, or the volume.
archived() { tar -xOf "$(the_archive)" volumes/data/log | grep -c "^$1$"; }
logged() { grep -c "^$1$" "$DATA/log"; }
has_logged() { [[ $(logged "$1") == "$2" ]]; } # WORD COUNT

# --- runs in the background --------------------------------------------------

# begin_run: JOB is vbackup itself. Its log is $WORK/log.
begin_run() {
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "${ENVIRONMENT[@]}" \
	    "$VBACKUP" -c "$CONF" run >"$WORK/stdout" 2>"$WORK/log" 3>&- &
	JOB=$!
}

# end_run: its exit status, in STATUS.
end_run() {
	STATUS=0
	wait "$JOB" || STATUS=$?
	JOB=
}

ledger_is_empty() {
	[[ $(tail -n +2 "$WORK/lock/vbackup.lock" | wc -c) == 0 ]]
}

# --- between vbackup and the Engine ------------------------------------------

# interposer [PATTERN COMMAND]: a proxy before the Engine. Its log is
# $WORK/requests. Before it passes on a request whose first line matches
# PATTERN, COMMAND is run by bash, with N saying how many such there were.
interposer() {
	python3 - "$WORK/proxy.sock" "${DOCKER_HOST#unix://}" \
	    "$WORK/requests" "$@" 3>&- <<-'PYTHON' &
	import re, socket, subprocess, sys, threading

	listen, target, log = sys.argv[1:4]
	pattern, command = (sys.argv[4:] + ["$.", ""])[:2]
	count = 0

	def receive(peer):
	    data = b""
	    while b"\r\n\r\n" not in data:
	        more = peer.recv(65536)
	        if not more:
	            return None, None
	        data += more
	    head, body = data.split(b"\r\n\r\n", 1)
	    size = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
	    while size and len(body) < int(size[1]):
	        body += peer.recv(65536)
	    return head, body

	def serve(peer):
	    global count
	    head, body = receive(peer)
	    if head is None:
	        return peer.close()
	    line = head.split(b"\r\n", 1)[0].decode("latin-1")
	    print(line, file=lines, flush=True)
	    if re.search(pattern, line):
	        count += 1
	        subprocess.run(["bash", "-c", "N=%d; %s" % (count, command)],
	                       check=True)
	    upstream = socket.socket(socket.AF_UNIX)
	    upstream.connect(target)
	    upstream.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
	    while chunk := upstream.recv(65536):
	        peer.sendall(chunk)
	    upstream.close()
	    peer.close()

	server = socket.socket(socket.AF_UNIX)
	server.bind(listen)
	server.listen(16)
	with open(log, "a") as lines:
	    while True:
	        threading.Thread(target=serve, daemon=True,
	                         args=(server.accept()[0],)).start()
	PYTHON
	PROXY=$!
	eventually 10 test -S "$WORK/proxy.sock"
	sed -i "s,^host = .*,host = unix://$WORK/proxy.sock," "$CONF"
}

requests() { grep -cE "$1" "$WORK/requests"; } # PATTERN
requests_exceed() { (($(requests "$2") > $1)); } # COUNT PATTERN
