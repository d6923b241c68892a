#!/usr/bin/env bats
# Who is told of a run: services, commands, and the report itself.

load common
load web

setup() {
	common_setup
	web_start
	echo data >"$WORK/source/file"
	ENVIRONMENT=("${WEB_ENVIRONMENT[@]}")
	TITLE='.body | fromjson | .title'
}

teardown() { web_stop; }

told() { # EXTRA-LINES...: a configuration with a source
	conf <<-E
		sources = $WORK/source
		filename = a.tar.gz
		[notification]
		ca_cert = $WEB/ca.pem
		timeout = 5s
		$(printf '%s\n' "$@")
	E
}

# A run that fails: its source is not there.
broken() { rm -r "$WORK/source" && mkdir "$WORK/source"; }

@test "a failure is told, a success only at level info" {
	told "urls = ntfy://ntfy.test/topic"
	vbackup -q run
	[ -z "$(web_requests .)" ]
	broken
	run vbackup -q run
	[ "$status" -eq 1 ]
	[ "$(web_requests .host)" = ntfy.test ]
	[[ $(web_requests "$TITLE") == *failure* ]]
	[[ $(web_requests '.body | fromjson | .message') == \
	    *"every source is empty"* ]]
	echo data >"$WORK/source/file"
	ENVIRONMENT+=(NOTIFICATION_LEVEL=info)
	vbackup -q run
	[[ $(web_requests "$TITLE" | tail -n 1) == *success* ]]
	[[ $(web_requests '.body | fromjson | .message' | tail -n 30) == \
	    *"backup of 1 source into 1 store begins"* ]]
}

@test "URLs for trouble and for successes only" {
	told "urls_error = ntfy://ntfy.test/bad" \
	    "urls_success = ntfy://ntfy.test/good"
	vbackup -q run
	[ "$(web_requests '.body | fromjson | .topic')" = good ]
	broken
	run vbackup -q run
	[ "$(web_requests '.body | fromjson | .topic' | tail -n 1)" = bad ]
	[ "$(web_requests . | wc -l)" -eq 2 ]
}

@test "a lock that is held is told, with exit 4" {
	told "urls = ntfy://ntfy.test/topic"
	mkdir -p "$WORK/lock"
	exec 9>"$WORK/lock/vbackup.lock"
	flock 9
	ENVIRONMENT+=(LOCK_TIMEOUT=100ms)
	run vbackup -q run 9>&-
	exec 9>&-
	[ "$status" -eq 4 ]
	[[ $(web_requests '.body | fromjson | .message') == *"holds the lock"* ]]
}

@test "wrong settings are told, as far as it is known to whom, with exit 2" {
	told "urls = ntfy://ntfy.test/topic,ntfy://ntfy.test/t?colour=red"
	echo "colour = red" >>"$CONF"
	run --separate-stderr vbackup -q run
	[ "$status" -eq 2 ]
	[[ $stderr == *"URL 2: ntfy: "*colour* ]]
	message=$(web_requests '.body | fromjson | .message')
	[[ $message == *"unknown key 'colour'"* ]]
	[ "$(web_requests . | wc -l)" -eq 1 ]
	run vbackup check
	[ "$status" -eq 2 ]
	[ "$(web_requests . | wc -l)" -eq 1 ]
}

@test "an Engine that does not answer is told" {
	told "urls = ntfy://ntfy.test/topic"
	ENVIRONMENT+=(DOCKER_HOST=unix://$WORK/nobody.sock)
	run vbackup -q run
	[ "$status" -eq 1 ]
	[[ $(web_requests '.body | fromjson | .message') == *nobody.sock* ]]
}

@test "a service that refuses makes exit 3, and keeps no other from being told" {
	told "urls = ntfy://ntfy.test/topic,gotify://gotify.test/Atokentokentok" \
	    "level = info"
	web_rules '[{"match":"ntfy","status":403,"body":"{\"error\":\"no\"}"}]'
	run --separate-stderr vbackup -q run
	[ "$status" -eq 3 ]
	[[ $stderr == *"URL 1 (ntfy)"*403* ]]
	the_archive
	[ "$(web_requests .host | sort | tr '\n' ' ')" = \
	    "gotify.test ntfy.test " ]
	# A failure stays one.
	broken
	run vbackup -q run
	[ "$status" -eq 1 ]
}

@test "429 is waited for, 5xx and cut answers are tried again, 4xx is not" {
	told "urls = ntfy://ntfy.test/topic"
	sed -i 's/^timeout = 5s/timeout = 30s/' "$CONF"
	web_rules '[{"match":"ntfy","status":429,"headers":{"Retry-After":"1"},
	    "times":1},{"match":"ntfy","close":true,"times":1}]'
	vbackup -q notify Title
	[ "$(web_requests . | wc -l)" -eq 3 ]
	web_rules '[{"match":"ntfy","status":503,"times":1}]'
	vbackup -q notify Title
	[ "$(web_requests . | wc -l)" -eq 5 ]
	web_rules '[{"match":"ntfy","status":404}]'
	run vbackup -q notify Title
	[ "$status" -eq 1 ]
	[ "$(web_requests . | wc -l)" -eq 6 ]
}

@test "a service that hangs costs its timeout, and the others nothing" {
	told "urls = ntfy://ntfy.test/topic,gotify://gotify.test/Atokentokentok" \
	    "level = info" "timeout = 2s"
	sed -i '/^timeout = 5s/d' "$CONF"
	web_rules '[{"match":"ntfy","hang":30}]'
	run --separate-stderr vbackup -q run
	[ "$status" -eq 3 ]
	[[ $stderr == *"(ntfy)"* ]]
	[[ $stderr != *"(gotify)"* ]]
	[[ $(web_requests .host) == *gotify.test* ]]
	the_archive
}

@test "redirects stay on their host" {
	told "urls = generic+http://generic.test/hook" "level = info"
	web_rules '[{"match":"http://generic.test/hook","status":308,
	    "headers":{"Location":"https://generic.test/there"}}]'
	vbackup -q run
	[ "$(web_requests '.scheme + .path' | tail -n 1)" = https/there ]
	web_rules '[{"match":"generic.test","status":307,
	    "headers":{"Location":"https://elsewhere.test/"}}]'
	run --separate-stderr vbackup -q run
	[ "$status" -eq 3 ]
	[[ $stderr == *elsewhere.test* ]]
	[[ $(web_requests .host) != *elsewhere.test* ]]
}

@test "a certificate that nobody trusts is none" {
	told "urls = ntfy://ntfy.test/topic" "level = info"
	sed -i '/^ca_cert/d' "$CONF"
	run --separate-stderr vbackup -q run
	[ "$status" -eq 3 ]
	[[ $stderr == *certificate* ]]
	[ -z "$(web_requests .)" ]
}

@test "each service is told in its own words, at its own address" {
	cat >"$WORK/urls" <<-'E'
		discord://discordtoken@4711
		slack://hook:TTTTTTTTT-BBBBBBBBB-XXXXXXXXXXXXXXXXXXXXXXXX@webhook
		telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw@telegram?chats=@chan,-1001
		matrix://user:matrixpass@matrix.test/?rooms=!r:matrix.test
		mattermost://bot@mattermost.test/mattermosttoken/town
		rocketchat://rocket.test/rocketA/rocketB/chan
		ntfy://u:p@ntfy.test/topic
		gotify://gotify.test/Atokentokentok?disableTLS=true
		pushover://shoutrrr:pushoverapi@pushoveruser
		pushbullet://o.0123456789012345678901234567890A
		teams://?host=https%3A%2F%2Fprod-1.westeurope.logic.azure.com%3A443%2Fworkflows%2Fteamskey%2Ftriggers
		googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=gk&token=gt
		zulip://bot%40x:zulipkey@zulip.test/?stream=S&topic=P
		ifttt://iftttkey/?events=e1
		join://x:joinapikey@join/?devices=d1
		bark://:barkkey@bark.test
		opsgenie://api.opsgenie.com/opsgeniekey
		pagerduty:///pagerdutykey
		lark://open.larksuite.com/larktoken
		notifiarr://notifiarrkey
		signal://signal.test:443/+49123/+49456
		twilio://ACsid:twiliotoken@+15551/+15552
		wecom://wecomkey
		generic://generic.test/hook?template=json
		generic+https://generic.test/plain
		logger://
	E
	web_rules '[{"match":"GET .*login","body":
	    "{\"flows\":[{\"type\":\"m.login.password\"}]}"},
	    {"match":"POST .*login","body":"{\"access_token\":\"t\"}"},
	    {"match":"matrix","body":"{\"room_id\":\"!r:matrix.test\"}"},
	    {"match":"pushbullet","body":
	    "{\"type\":\"note\",\"active\":true,\"body\":\"Text of it\"}"}]'
	ENVIRONMENT+=(NOTIFICATION_URLS_FILE="$WORK/urls")
	told
	sed -i "s/^timeout = 5s/timeout = 60s/" "$CONF"
	run --separate-stderr vbackup notify "A title" "Text of it"
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(grep -c ': sent$' <<<"$output")" -eq 26 ]
	[[ $stderr == *"Text of it"* ]]	# logger://
	# Everybody else's request has title and text, and went by TLS.
	for host in discord.com hooks.slack.com api.telegram.org matrix.test \
	    mattermost.test rocket.test ntfy.test gotify.test api.pushover.net \
	    api.pushbullet.com prod-1.westeurope.logic.azure.com \
	    chat.googleapis.com zulip.test maker.ifttt.com \
	    joinjoaomgcd.appspot.com bark.test api.opsgenie.com \
	    events.pagerduty.com open.larksuite.com notifiarr.com signal.test \
	    api.twilio.com qyapi.weixin.qq.com generic.test; do
		request=$(web_requests "select(.host | startswith(\"$host\")) |
		    .scheme + .path + .body")
		[[ $request == *Text*of*it* ]] || {
			echo "$host: $request"
			false
		}
		[[ $host == gotify.test || $request == https* ]]
	done
	[ "$(web_requests 'select(.host == "api.telegram.org")' | wc -l)" -eq 2 ]
	# No URL is ever shown.
	! grep -E 'discordtoken|matrixpass|pushoverapi|iftttkey|wecomkey|larktoken|gk|teamskey' \
	    <<<"$output$stderr" || false
}

@test "notify says for each how it went, and exits 1 if one failed" {
	told "urls = ntfy://ntfy.test/topic,gotify://gotify.test/Atokentokentok"
	web_rules '[{"match":"ntfy","status":403}]'
	run --separate-stderr vbackup notify Title
	[ "$status" -eq 1 ]
	[[ $output == *"URL 1 (ntfy): not sent: "*403* ]]
	[[ $output == *"URL 2 (gotify): sent"* ]]
	told
	run --separate-stderr vbackup notify Title
	[ "$status" -eq 2 ]
	run vbackup notify
	[ "$status" -eq 2 ]
}

@test "jobs with URLs of their own are told there, of themselves" {
	mkdir "$WORK/other" "$WORK/empty"
	echo data >"$WORK/other/file"
	cat >"$CONF" <<-E
		[lock]
		directory = $WORK/lock
		[docker]
		host = none
		[archive]
		path = $ARCHIVE
		[notification]
		ca_cert = $WEB/ca.pem
		level = info
		urls = ntfy://ntfy.test/base
		[job one]
		sources = $WORK/other
		[job two]
		sources = $WORK/empty
		notification.urls = ntfy://ntfy.test/two
	E
	run vbackup -q run
	[ "$status" -eq 1 ]
	[ "$(web_requests '.body | fromjson | .topic + " " +
	    (.title | split(" ") | map(select(test("success|failure")))[0])' |
	    sort | tr -d :, | tr '\n' ' ')" = "base success two failure " ]
}

@test "templates of docker-volume-backup, and what is wrong in them" {
	mkdir "$WORK/templates"
	cat >"$WORK/templates/mine.template" <<-'E'
		{{ define "title_success" }}Done {{ .Stats.BackupFile.Name }}{{ end }}
		{{ define "body_success" -}}
		{{ formatBytesBin .Stats.BackupFile.Size }} from {{ env "MY_HOST" }}
		{{ range .Stats.Storages }}pruned {{ .Pruned }}
		{{ end -}}
		{{ .Config.BackupFilename }}
		{{- end }}
	E
	told "urls = ntfy://ntfy.test/topic" "level = info" \
	    "templates = $WORK/templates"
	ENVIRONMENT+=(MY_HOST=here)
	vbackup -q run
	[[ $(web_requests "$TITLE") == "Done a.tar.gz" ]]
	message=$(web_requests '.body | fromjson | .message')
	[[ $message == *" B from here"* ]]
	[[ $message == *"a.tar.gz"* ]]
	echo '{{ define "body_success" }}{{ exec "id" }}{{ end }}' \
	    >"$WORK/templates/z.template"
	run --separate-stderr vbackup check
	[ "$status" -eq 2 ]
	[[ $stderr == *"z.template:1: "*exec* ]]
}

@test "what a filter finds leaves in no message, hook or metadata" {
	told "urls = ntfy://ntfy.test/topic" "filter = (?i)project-x" \
	    "level = info"
	cat >>"$CONF" <<-E
		[hooks]
		before = echo about Project-X; echo about nothing
		always = cat >$WORK/report
	E
	mkfifo "$WORK/source/project-x"
	chmod 000 "$WORK/source/file"
	vbackup -q run
	message=$(web_requests '.body | fromjson | .message')
	[[ $message == *"about nothing"* ]]
	[[ $message == *"filtered"* ]]
	! grep -i project-x "$WEB/requests" "$WORK/report" || false
	jq -e '.log | length > 2' "$WORK/report"
}

@test "commands get the report, and facts in their environment" {
	told
	cat >>"$CONF" <<-E
		[hooks]
		on_start = echo "\$RUN_EVENT:\$RUN_OUTCOME:\$RUN_JOBS" >>$WORK/facts
		on_success = echo "\$RUN_EVENT:\$RUN_EXIT_STATUS:\$RUN_ARCHIVES" >>$WORK/facts; cat >$WORK/report
		on_error = echo "\$RUN_EVENT:\$RUN_EXIT_STATUS:\$RUN_ERROR" >>$WORK/facts
		on_problem = echo "\$RUN_EVENT:\$RUN_EXIT_STATUS" >>$WORK/facts
		always = echo "\$RUN_EVENT" >>$WORK/facts; exit \$(cat $WORK/exit)
		timeout = 3s
	E
	echo 0 >"$WORK/exit"
	vbackup -q run
	archive=$(the_archive)
	diff - "$WORK/facts" <<-E
		start::backup
		success:0:$archive
		always
	E
	jq -e --arg archive "$archive" '.outcome == "success" and
	    .jobs[0].archive == $archive and .jobs[0].stores[0].stored' \
	    "$WORK/report"
	echo 7 >"$WORK/exit"
	run --separate-stderr vbackup -q run
	[ "$status" -eq 3 ]
	[[ $stderr == *"hooks.always: exit status 7"* || \
	    $stderr == *"hooks.always"*7* ]]
	broken
	echo 0 >"$WORK/exit"
	: >"$WORK/facts"
	run vbackup -q run
	[ "$status" -eq 1 ]
	grep -q '^error:1:every source is empty' "$WORK/facts"
	grep -qx always "$WORK/facts"
}

@test "run --json prints one document, whatever happened" {
	told
	vbackup -q run --json >"$WORK/json"
	jq -e --arg archive "$(the_archive)" '.version == 1 and
	    .exit_status == 0 and .jobs[0].archive == $archive and
	    (.id | length) == 36 and (.log | length) > 0' "$WORK/json"
	[ "$(jq -s length "$WORK/json")" -eq 1 ]
	broken
	run --separate-stderr vbackup -q run --json
	[ "$status" -eq 1 ]
	jq -e '.outcome == "failure" and .jobs[0].archive == null' \
	    <<<"$output"
	echo "colour = red" >>"$CONF"
	run --separate-stderr vbackup -q run --json
	[ "$status" -eq 2 ]
	jq -e '.exit_status == 2 and .jobs == [] and
	    (.errors | map(select(test("colour"))) | length) > 0' <<<"$output"
}

@test "TERM: whoever is to be told is told, soon, and the exit is 5" {
	told "urls = ntfy://ntfy.test/topic"
	head -c 300000000 /dev/urandom >"$WORK/source/big"
	vbackup -q run 3>&- &
	job=$!
	eventually 20 compgen -G "$ARCHIVE/.vbackup-partial-*"
	pkill -TERM -f -- "-c $CONF -q run"
	status=0
	wait $job || status=$?
	[ "$status" -eq 5 ]
	[[ $(web_requests "$TITLE") == *failure* ]]
	[[ $(web_requests '.body | fromjson | .message') == *interrupted* ]]
}

@test "a host without an Engine is none that failed" {
	conf <<-E
		sources = $WORK/source
		[hooks]
		on_success = touch $WORK/good
	E
	sed -i '/^host = none/d' "$CONF"
	run --separate-stderr unshare -m sh -c 'mount -t tmpfs none /run &&
	    exec "$@"' sh env -i PATH="$PATH" "$VBACKUP" -c "$CONF" -q run
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ -e "$WORK/good" ]
	the_archive
}

@test "templates that were only found cost no backup" {
	mkdir "$WORK/found"
	echo '{{ nonsense' >"$WORK/found/bad.tmpl"
	told "urls = ntfy://ntfy.test/topic" "level = info"
	run --separate-stderr unshare -m sh -c 'mount -t tmpfs none /etc/opt &&
	    mkdir -p /etc/dockervolumebackup &&
	    mount -t tmpfs none /etc/dockervolumebackup &&
	    cp -r "$1" /etc/dockervolumebackup/notifications.d && shift &&
	    exec "$@"' sh "$WORK/found" env -i PATH="$PATH" \
	    "${ENVIRONMENT[@]}" "$VBACKUP" -c "$CONF" -q run
	rmdir /etc/dockervolumebackup 2>/dev/null || true
	[ "$status" -eq 0 ]
	[[ $stderr == *"templates that were found"* ]]
	[[ $(web_requests "$TITLE") == *success* ]]
}

@test "TERM ends what is run before the backup, and soon what is run after it" {
	for hook in on_start always; do
		told
		cat >>"$CONF" <<-E
			[hooks]
			$hook = touch $WORK/$hook; sleep 1000
		E
		vbackup -q run 3>&- &
		job=$!
		eventually 20 test -e "$WORK/$hook"
		pkill -TERM -f -- "-c $CONF -q run"
		eventually 20 eval "! kill -0 $job 2>/dev/null"
		status=0
		wait $job || status=$?
		echo "$hook: $status"
		[ "$status" -eq "$([ $hook = on_start ] && echo 5 || echo 3)" ]
	done
}

@test "a dead monitor of one job is not the trouble of another" {
	mkdir "$WORK/other"
	echo data >"$WORK/other/file"
	cat >"$CONF" <<-E
		[lock]
		directory = $WORK/lock
		[docker]
		host = none
		[archive]
		path = $ARCHIVE
		[notification]
		ca_cert = $WEB/ca.pem
		timeout = 5s
		level = info
		[job one]
		sources = $WORK/other
		notification.urls = ntfy://ntfy.test/one
		ping.url = https://hc-ping.com/11111111-1111-1111-1111-111111111111
		[job two]
		sources = $WORK/source
		notification.urls = ntfy://ntfy.test/two
		ping.url = https://hc-ping.com/22222222-2222-2222-2222-222222222222
	E
	web_rules '[{"match":"1111","status":404}]'
	run vbackup -q run
	[ "$status" -eq 3 ]
	web_requests 'select(.host == "hc-ping.com") | .path' |
	    grep -q '^/22222222-2222-2222-2222-222222222222?rid='
	[ "$(web_requests 'select(.host == "ntfy.test") | .body | fromjson |
	    .topic + " " + (.title | split(" ") |
	    map(select(test("success|problems")))[0])' | tr -d :, | sort |
	    tr '\n' ' ')" = "one problems two success " ]
}
