#!/usr/bin/env bats
# Who watches from outside: pings to a scripted server, metrics as promtool, a
# real Pushgateway and real alert rules see them.

load common
load web

RULES=$BATS_TEST_DIRNAME/../../scripts/monitoring/vbackup.rules.yml

setup() {
	common_setup
	PROM=$WORK/metrics/vbackup.prom
	mkdir "$WORK/metrics"
	echo hello >"$WORK/source/file"
	STARTED=()
}

teardown() {
	local pid
	web_stop
	for pid in "${STARTED[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# start COMMAND...: beside the test, at the most as long as it.
start() {
	setpriv --pdeathsig KILL "$@" </dev/null >"$WORK/server.log" 2>&1 \
	    3>&- &
	STARTED+=($!)
}

needs() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "no $tool"
	done
}

# --- the ping server ---------------------------------------------------------

# ping_server [RULES]: see web_server.py; $PING_SERVER is its address.
ping_server() {
	web_start
	web_rules "${1-[]}"
	PING_SERVER=http://127.0.0.1:$WEB_PORT
}

# conf_ping PATH: a source, and this path on the server; more from the standard
# input, in [ping].
conf_ping() {
	conf <<-E
		sources = $WORK/source
		[notification]
		timeout = 10s
		[ping]
		url = $PING_SERVER$1
	E
	cat >>"$CONF"
}

# "POST /ping/x/start rid=y"
requests() { web_requests '.method + " " + (.path | sub("[?]"; " "))'; }
# Without the query.
called() { requests | cut -d' ' -f1,2; }
last_called() { called | tail -n 1; }
body() { sed -n "$1p" "$WEB/requests" | jq -j .body; }
last_body() { body '$'; }

# --- the metrics -------------------------------------------------------------

# value FILE SERIES: of a series without the vbackup_ of its name.
value() { awk -v name="vbackup_$2" '$1 == name { print $2 }' "$1"; }
valid() { promtool check metrics <"$1"; }

pushgateway() {
	local port i
	needs prometheus-pushgateway promtool
	for ((i = 0; i < 20; i++)); do
		port=$((20000 + RANDOM % 10000))
		GATEWAY=127.0.0.1:$port
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
		start prometheus-pushgateway --web.listen-address="$GATEWAY"
		eventually 20 pushed "$WORK/pushed" && return
	done
	return 1
}

# pushed FILE: what the gateway has, as Prometheus would read it.
pushed() {
	python3 -c 'import sys, urllib.request
print(urllib.request.urlopen("http://" + sys.argv[1] + "/metrics", timeout=5)
    .read().decode(), end="")' "$GATEWAY" >"$1" 2>/dev/null
}

# Of the job, as the gateway labels it.
pushed_value() {
	pushed "$WORK/pushed"
	value "$WORK/pushed" \
	    "$1{backup_job=\"backup\",instance=\"$(hostname)\",job=\"vbackup\"}"
}

conf_textfile() {
	conf <<-E
		sources = $WORK/source
		[metrics]
		textfile = $PROM
	E
}

# --- tests: the textfile -----------------------------------------------------

@test "the textfile is valid, readable for all, and tells the truth" {
	needs promtool
	conf_textfile
	before=$(date +%s)
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	valid "$PROM"
	[ "$(stat -c %a "$PROM")" = 644 ]
	[ "$(ls -A "$WORK/metrics")" = vbackup.prom ]
	[ "$(value "$PROM" 'last_run_status{backup_job="backup"}')" = 2 ]
	[ "$(value "$PROM" 'archive_size_bytes{backup_job="backup"}')" = \
	    "$(stat -c %s "$(the_archive)")" ]
	at=$(value "$PROM" 'last_success_timestamp_seconds{backup_job="backup"}')
	[ "$at" -ge "$before" ]
	[ "$at" -le "$(date +%s)" ]
	grep -q '^vbackup_storage_upload_success{.*} 1$' "$PROM"
}

@test "a run that fails keeps the last success, whatever it fails with" {
	needs promtool
	conf_textfile
	vbackup -q run
	success='last_success_timestamp_seconds{backup_job="backup"}'
	at=$(value "$PROM" "$success")
	sleep 1.1
	mv "$WORK/source/file" "$WORK/file"
	run vbackup run
	[ "$status" -eq 1 ]
	valid "$PROM"
	[ "$(value "$PROM" "$success")" = "$at" ]
	[ "$(value "$PROM" 'last_run_status{backup_job="backup"}')" = 0 ]
	[ "$(value "$PROM" 'last_run_timestamp_seconds{backup_job="backup"}')" \
	    -gt "$at" ]

	mv "$WORK/file" "$WORK/source/file"
	vbackup -q run
	[ "$(value "$PROM" 'last_run_status{backup_job="backup"}')" = 2 ]
	[ "$(value "$PROM" "$success")" -gt "$at" ]
	at=$(value "$PROM" "$success")
	sed -i "s,^sources = .*,sources = $WORK/missing," "$CONF"
	run vbackup run
	[ "$status" -eq 2 ]
	valid "$PROM"
	[ "$(value "$PROM" "$success")" = "$at" ]
	[ "$(value "$PROM" 'last_run_status{backup_job="backup"}')" = 0 ]
}

@test "a run of one job leaves the series of the others as they are" {
	needs promtool
	conf <<-E
		[metrics]
		textfile = $PROM
		[job one]
		sources = $WORK/source
		[job two]
		sources = $WORK/source
	E
	vbackup -q run
	at=$(value "$PROM" 'last_run_timestamp_seconds{backup_job="two"}')
	sleep 1.1
	vbackup -q run -j one
	valid "$PROM"
	[ "$(value "$PROM" 'last_run_timestamp_seconds{backup_job="two"}')" = \
	    "$at" ]
	[ "$(value "$PROM" 'last_run_timestamp_seconds{backup_job="one"}')" \
	    -gt "$at" ]
}

@test "a textfile that cannot be written is a problem, not a failure" {
	conf_textfile
	echo precious >"$WORK/other"
	ln -s "$WORK/other" "$PROM"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"not a regular file"* ]]
	[ "$(<"$WORK/other")" = precious ]
	the_archive
	rm -r "$WORK/metrics" "$ARCHIVE"/*
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"$WORK/metrics"* ]]
	the_archive
}

@test "what is in the textfile that is not ours goes" {
	needs promtool
	conf_textfile
	head -c 100000 /dev/urandom >"$PROM"
	vbackup -q run
	valid "$PROM"
	! grep -v '^vbackup_\|^# HELP vbackup_\|^# TYPE vbackup_' "$PROM"
}

# --- tests: the Pushgateway and the rules ------------------------------------

@test "a real Pushgateway takes it, and keeps the last success" {
	pushgateway
	conf <<-E
		sources = $WORK/source
		[metrics]
		pushgateway = http://$GATEWAY/
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[ "$(pushed_value last_run_status)" = 2 ]
	at=$(pushed_value last_success_timestamp_seconds)
	[ -n "$at" ]
	valid "$WORK/pushed"

	sleep 1.1
	rm "$WORK/source/file"
	run vbackup run
	[ "$status" -eq 1 ]
	[ "$(pushed_value last_run_status)" = 0 ]
	[ "$(pushed_value last_success_timestamp_seconds)" = "$at" ]

	sed -i "s,^sources = .*,sources = $WORK/missing," "$CONF"
	run vbackup run
	[ "$status" -eq 2 ]
	[ "$(pushed_value last_run_status)" = 0 ]
	[ "$(pushed_value last_success_timestamp_seconds)" = "$at" ]
	! grep -q '^push_failure_time_seconds.* [1-9]' "$WORK/pushed"
}

@test "names of jobs reach the Pushgateway as they are" {
	pushgateway
	conf <<-E
		[metrics]
		pushgateway = http://$GATEWAY
		[job my db-1_a.b]
		sources = $WORK/source
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	pushed "$WORK/pushed"
	grep -q '^vbackup_last_run_status{backup_job="my db-1_a.b",.*} 2$' \
	    "$WORK/pushed"
}

@test "a dead Pushgateway is a problem, and its URL is not shown" {
	conf <<-E
		sources = $WORK/source
		[notification]
		timeout = 2s
		[metrics]
		pushgateway = http://me:pushsecret@127.0.0.1:1/pathsecret
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"127.0.0.1:1"* && $stderr != *secret* ]]
	the_archive
}

@test "the example rules are valid, and fire when they should" {
	needs promtool
	promtool check rules "$RULES"
	cat >"$WORK/rules_test.yml" <<-E
		rule_files: [$(realpath "$RULES")]
		evaluation_interval: 1m
		tests:
		  - interval: 1h
		    input_series:
		      - series: vbackup_last_success_timestamp_seconds{backup_job="good",instance="h"}
		        values: "0+3600x50"
		      - series: vbackup_last_run_status{backup_job="good",instance="h"}
		        values: "2x50"
		      - series: vbackup_last_success_timestamp_seconds{backup_job="old",instance="h"}
		        values: "0x50"
		      - series: vbackup_last_run_status{backup_job="old",instance="h"}
		        values: "0x50"
		      - series: vbackup_last_run_status{backup_job="new",instance="h"}
		        values: "1x50"
		      - series: vbackup_storage_upload_success{backup_job="good",instance="h",storage="s"}
		        values: "1x20 0x30"
		      - series: vbackup_archive_size_bytes{backup_job="good",instance="h"}
		        values: "1000x39 100x10"
		    alert_rule_test:
		      - eval_time: 35h
		        alertname: VbackupNoNewArchive
		      - eval_time: 48h
		        alertname: VbackupNoNewArchive
		        exp_alerts:
		          - exp_labels: {severity: critical, backup_job: old, instance: h}
		            exp_annotations:
		              summary: No new archive of old on h
		              description: The last one was made 2d 0h 0m 0s ago.
		      - eval_time: 48h
		        alertname: VbackupNoArchiveAtAll
		        exp_alerts:
		          - exp_labels: {severity: critical, backup_job: new, instance: h}
		            exp_annotations:
		              summary: Never an archive of new on h
		              description: There were runs, but none of them made an archive.
		      - eval_time: 48h
		        alertname: VbackupFailed
		        exp_alerts:
		          - exp_labels: {severity: warning, backup_job: old, instance: h}
		            exp_annotations:
		              summary: Backup of old on h failed
		              description: The last run made no archive; its log says why.
		      - eval_time: 48h
		        alertname: VbackupProblems
		        exp_alerts:
		          - exp_labels: {severity: warning, backup_job: new, instance: h}
		            exp_annotations:
		              summary: Backup of new on h has problems
		              description: There is a new archive, but something beside it failed; the log says what.
		      - eval_time: 10h
		        alertname: VbackupStoreMissed
		      - eval_time: 48h
		        alertname: VbackupStoreMissed
		        exp_alerts:
		          - exp_labels: {severity: warning, backup_job: good, instance: h, storage: s}
		            exp_annotations:
		              summary: The last archive of good is not in s
		              description: The run on h could not store it there.
		      - eval_time: 39h
		        alertname: VbackupArchiveShrank
		      - eval_time: 42h
		        alertname: VbackupArchiveShrank
		        exp_alerts:
		          - exp_labels: {severity: warning, backup_job: good, instance: h}
		            exp_annotations:
		              summary: The archive of good on h is much smaller
		              description: It has 100B, less than half of what they had in the last week.
	E
	promtool test rules "$WORK/rules_test.yml"
}

# --- tests: pings ------------------------------------------------------------

@test "Healthchecks hears of start and success of the same run" {
	ping_server
	conf_ping '/ping/uuid?create=1' </dev/null
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[ "$(called)" = $'POST /ping/uuid/start\nPOST /ping/uuid' ]
	mapfile -t queries < <(requests | cut -d' ' -f3)
	[[ ${queries[0]} =~ ^create=1\&rid=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]]
	[ "${queries[0]}" = "${queries[1]}" ]
	[ "$(last_body | head -n 1)" = "vbackup: success" ]
	# The log is below, and its end is there.
	[ "$(last_body | sed -n 2p)" = "" ]
	[ -n "$(last_body | sed -n 3p)" ]
	rm "$ARCHIVE"/*	# perhaps of the same second
	vbackup -q run
	[ "$(requests | cut -d' ' -f3 | sort -u | wc -l)" -eq 2 ]
}

@test "the body is as short as the server wants it" {
	ping_server '[{"match": "/start", "headers": {"Ping-Body-Limit": 120}}]'
	conf_ping /ping/uuid </dev/null
	vbackup -q run
	[ "$(last_body | wc -c)" -le 120 ]
	[ "$(last_body | head -n 1)" = "vbackup: success" ]
}

@test "a failure is told by the exit status, with the reason" {
	ping_server
	conf_ping /ping/uuid </dev/null
	rm "$WORK/source/file"
	run vbackup run
	[ "$status" -eq 1 ]
	[ "$(called)" = $'POST /ping/uuid/start\nPOST /ping/uuid/1' ]
	[ "$(last_body | head -n 1)" = "vbackup: failure" ]
	[[ $(last_body) == *empty* ]]
}

@test "settings that are wrong are told with 2" {
	ping_server
	conf_ping /ping/uuid </dev/null
	sed -i "s,^sources = .*,sources = $WORK/missing," "$CONF"
	run vbackup run
	[ "$status" -eq 2 ]
	[ "$(last_called)" = "POST /ping/uuid/2" ]
	[[ $(last_body) == "vbackup: failure"* ]]
}

@test "a lock that another run holds is told with 4" {
	ping_server
	conf_ping /ping/uuid </dev/null
	vbackup -q run
	# The lock file, by another program.
	lock=$(find "$WORK/lock" -type f)
	[ -n "$lock" ]
	exec {held}>>"$lock"
	flock "$held"
	ENVIRONMENT=(LOCK_TIMEOUT=300ms)
	run --separate-stderr vbackup run
	exec {held}>&-
	[ "$status" -eq 4 ]
	[ "$(last_called)" = "POST /ping/uuid/4" ]
	[[ $(last_body) == "vbackup: failure"*lock* ]]
}

# A store that is not there, beside the directory.
one_store_is_dead() {
	cat >>"$CONF" <<-E
		[s3]
		bucket = b
		endpoint = 127.0.0.1:1
		proto = http
		access_key_id = k
		secret_access_key = s
		retry = 1s
	E
}

@test "problems are told with 3, or as a log before a success" {
	ping_server
	conf_ping /ping/uuid </dev/null
	one_store_is_dead
	run vbackup run
	[ "$status" -eq 3 ]
	[ "$(called)" = $'POST /ping/uuid/start\nPOST /ping/uuid/3' ]
	[ "$(last_body | head -n 1)" = "vbackup: problems" ]
	rm "$WEB/requests"

	conf_ping /ping/uuid <<<"problems = log"
	one_store_is_dead
	run vbackup run
	[ "$status" -eq 3 ]
	[ "$(called)" = "POST /ping/uuid/start
POST /ping/uuid/log
POST /ping/uuid" ]
	[[ $(body 2) == "vbackup: problems"*127.0.0.1:1* ]]
}

@test "a signal in the middle is told with 5" {
	ping_server
	head -c 600000000 /dev/urandom >"$WORK/source/big"
	conf_ping /ping/uuid </dev/null
	sed -i "s,^sources = .*,&\nparallelism = 1," "$CONF"
	vbackup run 2>"$WORK/log" 3>&- &
	job=$!
	eventually 20 compgen -G "$ARCHIVE/.vbackup-partial-*" >/dev/null
	sleep 0.2
	pkill -TERM -f -- "-c $CONF run"
	status=0
	wait $job || status=$?
	[ "$status" -eq 5 ]
	[ "$(last_called)" = "POST /ping/uuid/5" ]
	[ -z "$(ls -A "$ARCHIVE")" ]
}

@test "a server that stumbles is asked again" {
	ping_server '[{"match": "/start", "status": 503, "times": 1},
	    {"match": "/start", "close": true, "times": 1},
	    {"match": "uuid[?]", "status": 503, "times": 1}]'
	conf_ping /ping/uuid </dev/null
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[ "$(called)" = "POST /ping/uuid/start
POST /ping/uuid/start
POST /ping/uuid/start
POST /ping/uuid
POST /ping/uuid" ]
	[ -n "$(body 4)" ]
	[ "$(body 4)" = "$(body 5)" ]
}

@test "a ping server that is dead, hangs or refuses costs no archive" {
	ping_server '[{"match": "", "hang": 60}]'
	conf_ping /ping/urlsecret </dev/null
	sed -i 's/^timeout = 10s/timeout = 1s/' "$CONF"
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"${PING_SERVER#http://}"* && $stderr != *urlsecret* ]]
	the_archive

	rm "$ARCHIVE"/*
	web_stop
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *"${PING_SERVER#http://}"* && $stderr != *urlsecret* ]]
	the_archive

	rm "$ARCHIVE"/*
	ping_server '[{"match": "", "status": 404}]'
	conf_ping /ping/urlsecret </dev/null
	run --separate-stderr vbackup run
	[ "$status" -eq 3 ]
	[[ $stderr == *404* && $stderr != *urlsecret* ]]
	the_archive
}

@test "Uptime Kuma hears up or down, at the end" {
	ping_server
	conf_ping '/api/push/token?status=up&msg=OK&ping=' </dev/null
	vbackup -q run
	[[ $(requests) =~ ^GET\ /api/push/token\ status=up\&msg=success\&ping=[0-9]+$ ]]
	rm "$WORK/source/file"
	run vbackup run
	[ "$status" -eq 1 ]
	[[ $(requests | tail -n 1) == \
	    "GET /api/push/token status=down&msg=failure%3A%20"*"&ping="* ]]
	[ "$(called | wc -l)" -eq 2 ]
}

@test "a plain URL is called after a success only, with the host's name" {
	ping_server
	conf_ping '/alive/%s?x=y' </dev/null
	vbackup -q run
	rm "$WORK/source/file"
	run vbackup run
	[ "$status" -eq 1 ]
	[ "$(requests)" = "GET /alive/$(hostname) x=y" ]
	conf_ping /alive <<<"kind = healthchecks"
	run vbackup run
	[ "$(last_called)" = "POST /alive/1" ]
}
