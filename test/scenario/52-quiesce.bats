#!/usr/bin/env bats
# Who comes to rest, how, in which order, and comes back. Docker's own events
# say what was done, and when.

load common
setup() { docker_setup; }
teardown() { docker_teardown; }

VALUE=vbackup.stop=true
ENABLE=vbackup.enable=true

# A container that dies at once when it is stopped, and has data by the time
# that this returns.
idle() { # NAME VOLUME ARGUMENT...
	local name=$1 volume=$2
	shift 2
	container "$name" -v "$volume:/data" --stop-signal KILL "$@" busybox \
	    sh -c 'echo x >/data/x; exec sleep 1000'
	eventually 10 test -s "$(volume_dir "$volume")/x"
}

# One that does with signals what the shell's words say.
trapping() { # NAME VOLUME TRAP ARGUMENT...
	local name=$1 volume=$2 words=$3
	shift 3
	container "$name" -v "$volume:/data" "$@" busybox sh -c "$words
		echo x >/data/x; while :; do sleep 0.1; done"
	eventually 10 test -s "$(volume_dir "$volume")/x"
}

volume_dir() { docker volume inspect -f '{{.Mountpoint}}' "$1"; }
is_paused() { [[ $(docker inspect -f '{{.State.Paused}}' "$1") == true ]]; }
is_awake() { [[ $(docker inspect -f '{{.State.Paused}}' "$1") == false ]]; }

# Events from here on, and those that there were: "ACTION CONTAINER[ SIGNAL]".
mark() { SINCE=$(date +%s.%N); }
events() { # ACTION|ACTION...
	docker events --since "$SINCE" --until "$(date +%s.%N)" \
	    --filter type=container --format '{{.Action}} {{
	    .Actor.Attributes.name}} {{.Actor.Attributes.signal}}{{
	    .Actor.Attributes.exitCode}}' |
	    sed -E 's/ (<no value>)*$//; s/<no value>//g' |
	    grep -E "^($1) " || true
}

same() { # GOT WANTED
	[[ $1 == "$2" ]] || {
		diff -u <(echo "$2") <(echo "$1") >&2
		return 1
	}
}

ledger() { tail -n +2 "$WORK/lock/vbackup.lock"; }

# --- how ---------------------------------------------------------------------

# A process that writes to one file, then to another, all the time, and a large
# file that lies between them for whoever reads them in turn.
writer() { # NAME LABEL...
	local name=$1 label labels=()
	shift
	for label; do labels+=(-l "$label"); done
	container "$name" -v "$name:/data" -l $ENABLE -l $VALUE "${labels[@]}" \
	    busybox sh -c '
		trap "exit 0" TERM
		mkdir /data/1 /data/2 /data/3
		head -c 80000000 /dev/zero >/data/2/large
		i=0
		while :; do
			i=$((i + 1))
			echo $i >>/data/1/a
			echo $i >>/data/3/c
			usleep 5000
		done'
	eventually 30 test -s "$(volume_dir "$name")/3/c"
}

# What was written to the one by the time that the other was read.
drift() { # ARCHIVE VOLUME
	local a c
	a=$(tar -xOf "$1" "volumes/$2/1/a" | tail -n 1)
	c=$(tar -xOf "$1" "volumes/$2/3/c" | tail -n 1)
	echo "a: $a, c: $c" >&2
	echo $((a > c ? a - c : c - a))
}

@test "a paused process is frozen while its data is read, then goes on" {
	writer frozen vbackup.quiesce=pause
	was=$(started_at frozen)
	conf <<<""
	mark
	vbackup -q run
	[ "$(drift "$(the_archive)" frozen)" -le 1 ]
	same "$(events 'pause|unpause|kill|stop|die|start|restart')" \
	    $'pause frozen\nunpause frozen'
	[ "$(started_at frozen)" = "$was" ]
	[ "$(metadata '.containers[0] | .name + " " + .action')" = \
	    "frozen pause" ]
	before=$(wc -l <"$(volume_dir frozen)/1/a")
	more() { (($(wc -l <"$(volume_dir frozen)/1/a") > before)); }
	eventually 10 more
	[ -z "$(ledger)" ]
	# The same process, not frozen: it writes on while it is read.
	rm "$ARCHIVE"/*
	printf '[quiesce]\nmode = none\n' >>"$CONF"
	docker rm -f -v frozen >/dev/null
	docker volume rm frozen >/dev/null
	writer free
	vbackup -q run || [ $? -eq 3 ]
	[ "$(drift "$(the_archive)" free)" -gt 1 ]
}

@test "a label says how one comes to rest, the setting how the others do" {
	idle by-setting v1 -l $ENABLE -l $VALUE
	idle to-stop v2 -l $ENABLE -l $VALUE -l vbackup.quiesce=stop
	idle to-pause v3 -l $ENABLE -l $VALUE -l vbackup.quiesce=pause
	idle to-leave v4 -l $ENABLE -l $VALUE -l vbackup.quiesce=none
	idle at-rest v5 -l $ENABLE -l $VALUE
	docker pause at-rest >/dev/null
	for mode in pause none; do
		conf <<<""
		printf '[quiesce]\nmode = %s\n' $mode >>"$CONF"
		rm -f "$ARCHIVE"/*
		mark
		vbackup -q run
		case $mode in
		pause) first='pause by-setting ' last=' unpause by-setting' ;;
		none) first='' last='' ;;
		esac
		same "$(events 'pause|unpause|stop|start' | tr '\n' ' ')" \
		    "${first}pause to-pause stop to-stop start to-stop unpause to-pause$last "
		[ "$(tar -tf "$(the_archive)" | grep -c /x)" = 5 ]
	done
	is_paused at-rest
	conf <<<""
	printf '[quiesce]\nmode = sleep\n' >>"$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
}

@test "a mode that there is not, and an order, and a timeout: exit 2" {
	idle one data -l $ENABLE -l $VALUE -l vbackup.quiesce=sleep
	idle two data -l $VALUE -l vbackup.order=last
	idle three data -l $VALUE -l vbackup.stop-timeout=soon
	conf <<<""
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"'one'"*vbackup.quiesce*sleep* ]]
	[[ $stderr == *"'two'"*vbackup.order*last* ]]
	[[ $stderr == *"'three'"*vbackup.stop-timeout*soon* ]]
	[ -z "$(events 'pause|stop|kill')" ]
}

@test "a container's stop signal and timeout hold, unless others are said" {
	# Takes longer than its own timeout.
	patient='trap "sleep 1.5; exit 0" USR1'
	trapping patient data "$patient" -l $ENABLE -l $VALUE \
	    --stop-signal USR1 --stop-timeout 1
	trapping labelled data "$patient" -l $VALUE --stop-signal USR1 \
	    --stop-timeout 1 -l vbackup.stop-timeout=1m
	trapping stubborn data 'trap "" TERM' -l $VALUE --stop-timeout 600 \
	    -l vbackup.stop-timeout=1
	conf <<<""
	mark
	vbackup -q run
	# The container's own second, the label's minute, the label's second.
	same "$(events 'kill|die|stop|start' | grep patient)" \
	    $'kill patient 10\nkill patient 9\ndie patient 137
stop patient\nstart patient'
	same "$(events 'kill|die|stop|start' | grep labelled)" \
	    $'kill labelled 10\ndie labelled 0\nstop labelled
start labelled'
	same "$(events 'kill|die|stop|start' | grep stubborn)" \
	    $'kill stubborn 15\nkill stubborn 9\ndie stubborn 137
stop stubborn\nstart stubborn'
	# The setting, over the container's own, below the label's.
	docker rm -f labelled >/dev/null
	printf '[quiesce]\nstop_timeout = 1m\n' >>"$CONF"
	rm "$ARCHIVE"/*
	mark
	vbackup -q run
	same "$(events 'kill|die' | grep patient)" \
	    $'kill patient 10\ndie patient 0'
	same "$(events 'kill|die' | grep stubborn)" \
	    $'kill stubborn 15\nkill stubborn 9\ndie stubborn 137'
}

# --- in which order ----------------------------------------------------------

SHOP=com.docker.compose.project=shop
SERVICE=com.docker.compose.service
DEPENDS=com.docker.compose.depends_on

@test "dependents first, then by vbackup.order and name; back in reverse" {
	idle shop-db data -l $ENABLE -l $VALUE -l $SHOP -l $SERVICE=db \
	    -l vbackup.order=-9
	idle shop-app data -l $VALUE -l $SHOP -l $SERVICE=app \
	    -l $DEPENDS=db:service_started:false
	idle shop-web data -l $VALUE -l $SHOP -l $SERVICE=web \
	    -l $DEPENDS=app:service_started:false,db:service_started:true
	# What they say of another project's services means nothing.
	idle last data -l $VALUE -l $SERVICE=db -l vbackup.order=7 \
	    -l com.docker.compose.project=other
	idle first data -l $VALUE -l vbackup.order=-3
	idle second data -l $VALUE -l vbackup.order=-3
	conf <<<""
	mark
	vbackup -q run
	same "$(events stop)" "stop first
stop second
stop shop-web
stop shop-app
stop shop-db
stop last"
	same "$(events start)" "$(events stop | sed s/stop/start/ | tac)"
}

@test "containers that depend on each other do not keep a run from its end" {
	idle one data -l $ENABLE -l $VALUE -l $SHOP -l $SERVICE=one \
	    -l $DEPENDS=two:service_healthy:false
	idle two data -l $VALUE -l $SHOP -l $SERVICE=two \
	    -l $DEPENDS=one:service_healthy:false
	conf <<<""
	mark
	vbackup -q run
	same "$(events 'stop|start')" "stop one
stop two
start two
start one"
}

# --- health ------------------------------------------------------------------

# A database that says after a while that it is healthy, and what needs it so.
database() { # HEALTH-COMMAND ARGUMENT...
	local check=$1
	shift
	container db -v db:/data --stop-signal KILL -l $ENABLE -l $VALUE \
	    -l $SHOP -l $SERVICE=db --health-cmd "$check" \
	    --health-interval 200ms "$@" busybox sh -c '
		rm -f /data/healthy
		echo x >/data/x
		sleep 1
		[ -f /data/sick ] || touch /data/healthy
		exec sleep 1000'
	idle app app -l $ENABLE -l $VALUE -l $SHOP -l $SERVICE=app \
	    -l $DEPENDS=db:service_healthy:false
}

has_health() { # CONTAINER STATE
	[[ $(docker inspect -f '{{.State.Health.Status}}' "$1") == "$2" ]]
}

@test "what needs another to be healthy starts only when it is" {
	database 'test -f /data/healthy' --health-retries 1000
	eventually 10 has_health db healthy
	conf <<<""
	mark
	vbackup -q run
	same "$(events 'start|health_status: healthy')" "start db
health_status: healthy db
start app"
}

@test "health that never comes: the dependent starts all the same, exit 3" {
	database 'test -f /data/healthy' --health-retries 1000
	eventually 10 has_health db healthy
	touch "$(volume_dir db)/sick"
	conf <<<""
	printf '[quiesce]\nhealth_timeout = 2s\n' >>"$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"'db' did not become healthy in time"*"'app'"* ]]
	running db
	running app
	[ "$(tar -tf "$(the_archive)" | grep -c '/x$')" = 2 ]
	[[ $(metadata '.warnings[0]') == *"'db'"* ]]
	[ -z "$(ledger)" ]
}

@test "one that is known to be unhealthy is not waited for, exit 3" {
	database 'test -f /data/healthy' --health-retries 8
	eventually 10 has_health db healthy
	touch "$(volume_dir db)/sick"
	conf <<<""
	printf '[quiesce]\nhealth_timeout = 1h\n' >>"$CONF"
	mark
	run --separate-stderr timeout 60 env -i PATH="$PATH" "$VBACKUP" \
	    -c "$CONF" run
	[ "$status" -eq 3 ]
	[[ $stderr == *"'db' is unhealthy"*"'app'"* ]]
	running app
	same "$(events 'start|health_status: unhealthy')" "start db
health_status: unhealthy db
start app"
}

# --- who ---------------------------------------------------------------------

@test "a label may list the values that it goes by" {
	idle nightly data -l $ENABLE -l "vbackup.stop=night , weekly"
	idle weekly data -l docker-volume-backup.stop-during-backup=weekly,x
	idle daily data -l vbackup.stop=daily,week
	conf <<<""
	mark
	vbackup -q run
	[ -z "$(events stop)" ]
	ENVIRONMENT=(BACKUP_STOP_DURING_BACKUP_LABEL=weekly)
	rm "$ARCHIVE"/*
	vbackup -q run
	same "$(events stop)" $'stop nightly\nstop weekly'
	printf '[quiesce]\nstop_label = night\n' >>"$CONF"
	ENVIRONMENT=()
	mark
	rm "$ARCHIVE"/*
	vbackup -q run
	same "$(events stop)" "stop nightly"
}

@test "only one project's containers, if it is said which" {
	idle one data -l $ENABLE -l $VALUE -l $SHOP
	idle two data -l $VALUE -l com.docker.compose.project=office
	idle three data -l $VALUE
	conf <<<""
	printf '[quiesce]\nproject = shop\n' >>"$CONF"
	mark
	vbackup -q run
	same "$(events 'stop|start')" $'stop one\nstart one'
}

@test "one that is not to be brought back stays down, and is not owed" {
	idle gone data -l $ENABLE \
	    -l docker-volume-backup.stop-during-backup-no-restart=true
	idle other data -l vbackup.stop-during-backup-no-restart=weekly
	idle back data -l $VALUE
	conf <<<""
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	stopped gone
	running other
	running back
	[ -z "$(ledger)" ]
	[ "$(vbackup recover)" = "brought back: 0" ]
	stopped gone
	ENVIRONMENT=(BACKUP_STOP_DURING_BACKUP_NO_RESTART_LABEL=weekly)
	rm "$ARCHIVE"/*
	vbackup -q run
	stopped other
	running back
}

@test "labelled to be brought back and not to be: exit 2, nothing is touched" {
	idle both data -l $ENABLE -l $VALUE \
	    -l docker-volume-backup.stop-during-backup-no-restart=true
	idle another data -l $VALUE
	conf <<<""
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"'both'"* ]]
	[ -z "$(events 'stop|kill|pause')" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a container with --rm: exit 2 before anything is stopped; or a pause" {
	idle fleeting data --rm -l $ENABLE -l $VALUE
	idle another data -l $VALUE
	conf <<<""
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 2 ]
	[[ $stderr == *"'fleeting'"*--rm* ]]
	[ -z "$(events 'stop|kill|pause')" ]
	running fleeting
	[ -z "$(ls -A "$ARCHIVE")" ]
	printf '[quiesce]\nmode = pause\n' >>"$CONF"
	vbackup -q run
	running fleeting
	is_awake fleeting
	same "$(events 'stop|kill|pause' | sort)" \
	    $'pause another\npause fleeting'
}

# --- windows -----------------------------------------------------------------

@test "windows = each: a group is down only while its own data is read" {
	idle ca va -l $ENABLE -l $VALUE
	idle cb vb -l $ENABLE -l $VALUE
	# Shares with ca, and is stopped first.
	idle ca-too va -l $VALUE -l vbackup.order=-1
	conf <<<""
	mark
	vbackup -q run
	same "$(events 'stop|start' | tr '\n' ' ')" "stop ca-too stop ca \
stop cb start cb start ca start ca-too "
	printf '[quiesce]\nwindows = each\n' >>"$CONF"
	rm "$ARCHIVE"/*
	mark
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	first="stop ca-too stop ca start ca start ca-too "
	then="stop cb start cb "
	got=$(events 'stop|start' | tr '\n' ' ')
	[ "$got" = "$first$then" ] || [ "$got" = "$then$first" ]
	[ "$(grep -c window: <<<"$stderr")" = 2 ]
	[ "$(tar -tf "$(the_archive)" | grep -c '/x$')" = 2 ]
	[ "$(metadata '[.containers[].window_seconds > 0] | all')" = true ]
	[ -z "$(ledger)" ]
}

# --- what does not come back -------------------------------------------------

# One that has lost what it needs to be started again, and two that have not.
losing() {
	mkdir "$WORK/needed"
	idle ca data -l $ENABLE -l $VALUE
	idle cb data -l $VALUE --mount \
	    "type=bind,source=$WORK/needed,target=/needed"
	idle cc data -l $VALUE
	rmdir "$WORK/needed"
	conf <<<""
	printf '[quiesce]\nresume_retry = 300ms\n' >>"$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"container 'cb' does not run again"* ]]
	running ca
	stopped cb
	running cc
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = x ]
	[[ $(metadata '.warnings[0]') == *"'cb'"* ]]
	ledger | grep -q '"cb"'
}

@test "what cannot be started stays owed until recover can bring it back" {
	losing
	run --separate-stderr vbackup recover
	[ "$status" -eq 1 ]
	[[ $stderr == *"'cb'"* ]]
	stopped cb
	ledger | grep -q '"cb"'
	mkdir "$WORK/needed"
	run --separate-stderr vbackup recover
	[ "$status" -eq 0 ]
	[ "$output" = "brought back: 1" ]
	[[ $stderr == *"start 'cb'"* ]]
	running cb
	[ -z "$(ledger)" ]
	[ "$(vbackup recover)" = "brought back: 0" ]
}

@test "the next run goes on trying, says so, and settles what it can" {
	losing
	rm "$ARCHIVE"/*
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"earlier run"*"'cb'"* ]]
	ledger | grep -q '"cb"'
	running ca
	running cc
	mkdir "$WORK/needed"
	rm "$ARCHIVE"/*
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[[ $stderr == *"start 'cb'"* ]]
	running cb
	[ -z "$(ledger)" ]
}

@test "who came back is not started again for the sake of one who did not" {
	losing
	docker kill ca >/dev/null
	mkdir "$WORK/needed"
	[ "$(vbackup recover)" = "brought back: 1" ]
	running cb
	stopped ca
}

# --- vbackup in a container --------------------------------------------------

# With this host's programs and libraries, and the Engine's socket.
@test "vbackup does not stop the container that it runs in" {
	idle another data -l $ENABLE -l $VALUE
	conf <<<""
	sed -i 's,^host = .*,host = unix:///engine.sock,' "$CONF"
	container self --stop-signal KILL -l $VALUE -v data:/data \
	    -v "${DOCKER_HOST#unix://}:/engine.sock" -v "$WORK:$WORK" \
	    -v "$(dirname "$VBACKUP"):/program:ro" -v /usr:/usr:ro \
	    -v /lib:/lib:ro -v /lib64:/lib64:ro busybox sleep 1000
	mark
	run --separate-stderr docker exec -e ASAN_OPTIONS=detect_leaks=0 \
	    -e PATH=/usr/bin:/bin self /program/vbackup -c "$CONF" run
	echo "$stderr" >&2
	[ "$status" -eq 0 ]
	[[ $stderr == *"'self'"*"runs in"* ]]
	same "$(events 'stop|start|pause')" $'stop another\nstart another'
	running self
	[ "$(tar -xOf "$(the_archive)" volumes/data/x)" = x ]
}
