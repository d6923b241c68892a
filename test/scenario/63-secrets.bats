#!/usr/bin/env bats
# No secret leaves but in the request that needs it: every setting that may hold
# one has a random one of its own, and all that comes out is searched for any
# part of each, in whatever encoding; see secret_tool.py.

load common
load web
load s3

# Slow with it, and what is searched is the same.
has_asan() { ldd "$VBACKUP" | grep -q libasan; }

setup_file() {
	! has_asan || return 0
	s3_lacks && return
	export S3_DIR
	S3_DIR=$(mktemp -d /tmp/vbackup-s3.XXXXXX)
	s3_start "$S3_DIR"
	s3 mb s3://secrets
}

teardown_file() {
	[[ -n ${S3_DIR-} ]] || return 0
	s3_stop "$S3_DIR"
	rm -rf --one-file-system "$S3_DIR"
}

# All that a test gives is in $IN, all that comes out is elsewhere in $WORK.
setup() {
	! has_asan || skip "the release build shows it"
	common_setup
	IN=$(mktemp -d /tmp/vbackup-secrets.XXXXXX)
	CONF=$IN/vbackup.conf
	OUT=$WORK/out
	mkdir -p "$OUT" "$WORK/spool" "$WORK/metrics"
	tool make "$IN/secrets"
	web_start
	echo data >"$WORK/source/file"
	take_secrets
	write_urls
}

teardown() {
	[[ -n ${IN-} ]] || return 0
	web_stop
	[[ -z ${SERVER-} ]] || kill "$SERVER" 2>/dev/null || true
	[[ -z ${DOCKERED-} ]] || docker_teardown
	rm -rf --one-file-system "$IN"
}

tool() { python3 "$BATS_TEST_DIRNAME/secret_tool.py" "$@"; }

# Each secret NAME as $NAME, and as $E_NAME as it stands in an URL.
take_secrets() {
	local name value
	while IFS=$'\t' read -r name value; do
		declare -g "$name=$value"
	done < <(jq -r 'to_entries[] | "\(.key)\t\(.value)",
	    "E_\(.key)\t\(.value | @uri)"' "$IN/secrets")
}

# --- what is given -----------------------------------------------------------

# A port of this host that nobody listens on.
dead_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# One URL on each line of $IN/urls: every service that has a secret.
write_urls() {
	DEAD=$(dead_port)
	cat >"$IN/urls" <<-E
		ntfy://nuser:$E_NTFY_PASSWORD@ntfy.test/$NTFY_TOPIC
		discord://$DISCORD_TOKEN@4711
		generic://generic.test/$E_GENERIC_PATH?template=json&@Authorization=Bearer+$E_GENERIC_HEADER&token=$E_GENERIC_QUERY
		matrix://muser:$E_MATRIX_PASSWORD@matrix.test/?rooms=!r:matrix.test
		telegram://110201543:$TELEGRAM_TOKEN@telegram?chats=@chan
		gotify://gotify.test/A${GOTIFY_TOKEN:0:14}
		slack://hook:TTTTTTTTT-BBBBBBBBB-${SLACK_TOKEN:0:24}@webhook
		teams://?host=https%3A%2F%2Fprod-1.westeurope.logic.azure.com%3A443%2Fworkflows%2F$TEAMS_HOST%2Ftriggers
		googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=$GOOGLE_KEY&token=$GOOGLE_TOKEN
		zulip://bot%40x:$E_ZULIP_KEY@zulip.test/?stream=S&topic=P
		ifttt://$IFTTT_KEY/?events=e1
		join://x:$JOIN_KEY@join/?devices=d1
		bark://:$BARK_KEY@bark.test
		opsgenie://api.opsgenie.com/$OPSGENIE_KEY
		pagerduty:///$PAGERDUTY_KEY
		lark://open.larksuite.com/$LARK_TOKEN
		notifiarr://$NOTIFIARR_KEY
		twilio://ACsid:$TWILIO_TOKEN@+15551/+15552
		wecom://$WECOM_KEY
		pushover://shoutrrr:$PUSHOVER_TOKEN@$PUSHOVER_USER
		mqtt://quser:$E_MQTT_PASSWORD@127.0.0.1:$DEAD/topic
		smtp://suser:$E_SMTP_PASSWORD@127.0.0.1:$DEAD/?from=a@b.test&to=c@d.test
	E
	URLS=$(<"$IN/urls")
	PING=https://puser:$E_PING_PASSWORD@hc-ping.com/ping/$PING_TOKEN
	PUSH=https://guser:$E_PUSH_PASSWORD@status.test/$PUSH_PATH
	ERROR_URL=rocketchat://rocket.test/a/$E_ERROR_PASSWORD/chan
	SUCCESS_URL=mattermost://bot@mattermost.test/$E_SUCCESS_PASSWORD/town
}

# The settings as variables, in ENVIRONMENT.
by_variables() {
	ENVIRONMENT=("${WEB_ENVIRONMENT[@]}" no_proxy=127.0.0.1
	    GPG_PASSPHRASE="$GPG" NOTIFICATION_URLS="$URLS"
	    NOTIFICATION_URLS_ERROR="$ERROR_URL"
	    NOTIFICATION_URLS_SUCCESS="$SUCCESS_URL"
	    VBACKUP_PING_URL="$PING" VBACKUP_METRICS_PUSHGATEWAY="$PUSH"
	    EMAIL_SMTP_PASSWORD="$MAIL_PASSWORD")
}

S3_FAKE="bucket = b
endpoint = s3.test
proto = http
retry = 1s
access_key_id = AKIAEXAMPLE"

# A configuration without secrets; sections from the standard input follow.
# Commands put what they are given, and what they see of us, into $OUT.
see="env; tr '\\0' '\\n' </proc/\$PPID/environ; sleep 0.2"
settings() {
	conf <<-E
		sources = $WORK/source
		spool = $WORK/spool
		[notification]
		ca_cert = $WEB/ca.pem
		timeout = 20s
		level = info
		[email]
		recipient = a@b.test
		smtp_host = 127.0.0.1
		smtp_port = $DEAD
		smtp_username = euser
		[metrics]
		textfile = $WORK/metrics/vbackup.prom
		[hooks]
		before = { $see; } >>$OUT/hook.before
		after = { $see; } >>$OUT/hook.after
		on_start = { cat; $see; } >>$OUT/hook.on_start
		on_error = { cat; $see; } >>$OUT/hook.on_error
		on_problem = { cat; $see; } >>$OUT/hook.on_problem
		on_success = { cat; $see; } >>$OUT/hook.on_success
		always = { cat; $see; } >>$OUT/hook.always
	E
	cat >>"$CONF"
}

# The program with its children watched; what it says goes to $OUT.
N=0
watched() {
	N=$((N + 1))
	status=0
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "${ENVIRONMENT[@]}" \
	    "$(command -v python3)" "$BATS_TEST_DIRNAME/secret_tool.py" watch \
	    "$OUT/children.$N" "$VBACKUP" -c "$CONF" "$@" \
	    >"$OUT/stdout.$N" 2>"$OUT/stderr.$N" 3>&- || status=$?
}

# The same of a check, which has no children.
check() {
	N=$((N + 1))
	status=0
	vbackup check >"$OUT/stdout.$N" 2>"$OUT/stderr.$N" || status=$?
}

said() { cat "$OUT/stdout.$N" "$OUT/stderr.$N"; }

# --- what comes out ----------------------------------------------------------

# Of all files below $WORK, what is found. Requests are the business of their
# own check: there a secret is at home in one.
leaks() {
	local found
	found=$(find "$WORK" -path "$WEB" -prune -o -type f -print0 |
	    xargs -0 python3 "$BATS_TEST_DIRNAME/secret_tool.py" find \
	    "$IN/secrets") || return 2
	found+=$(tool requests "$IN/secrets" "$WEB/requests") || return 2
	[[ -z $found ]] || echo "$found"
}

nothing_leaks() {
	local found
	found=$(leaks)
	[[ -z $found ]] || {
		echo "$found" >&2
		return 1
	}
}

asked() { # HOST
	grep -qF "\"host\": \"$1" "$WEB/requests" || {
		echo "nobody asked $1" >&2
		return 1
	}
}

ECHO403='[{"match":"s3.test","status":403,"echo":
    "<Error><Code>No</Code><Message><![CDATA[@]]></Message></Error>"},
    {"match":".","status":403,"echo":"@"}]'

# --- the search itself -------------------------------------------------------

@test "what is planted is found, in each form, and nothing else" {
	echo "a text like any other, $(head -c 300 /dev/urandom | base64 -w0)" \
	    >"$WORK/plain"
	nothing_leaks
	rm "$WORK/plain"
	for name in GPG NTFY_TOPIC; do
		tool plant <<<"${!name}" >"$IN/planted"
		[ "$(wc -l <"$IN/planted")" -ge 19 ]
		n=0
		while IFS= read -r line; do
			n=$((n + 1))
			printf '%d: %s behind\n' "$n" "$line" >"$OUT/planted.$n"
		done <"$IN/planted"
		[ "$(leaks | grep -c "/planted\.[0-9]*: $name (")" -eq "$n" ]
		find "$OUT" -name 'planted.*' -delete
	done
	nothing_leaks
	: >"$OUT/file-$NTFY_TOPIC"
	[[ $(leaks) == "name of "*NTFY_TOPIC* ]]
}

@test "a secret in another's request, or in a body, is found" {
	request='{"scheme":"https","host":"%s","method":"POST","path":"/%s",
	    "headers":{"authorization":"Basic %s"},"body":"%s"}'
	request=${request//$'\n'/}
	coded=$(printf 'u:%s' "$NTFY_PASSWORD" | base64 -w0)
	# shellcheck disable=SC2059
	plant() { printf "$request\n" "$@" >"$WEB/requests"; }
	plant ntfy.test x "$coded" x
	nothing_leaks
	plant generic.test x "$coded" x
	[[ $(leaks) == "POST generic.test headers: NTFY_PASSWORD (base64"* ]]
	plant ntfy.test x x "$coded"
	[[ $(leaks) == "POST ntfy.test body: NTFY_PASSWORD"* ]]
	plant generic.test "$E_NTFY_PASSWORD" x x
	[[ $(leaks) == "POST generic.test path: NTFY_PASSWORD (percent"* ]]
	plant ntfy.test "$GPG" x x
	[[ $(leaks) == "POST ntfy.test path: GPG"* ]]
}

@test "what a child has as argument or environment is seen" {
	settings </dev/null
	echo "on_start = X=$NTFY_TOPIC sh -c 'sleep 0.3; true'" >"$IN/more"
	sed -i -e '/^on_start/d' -e "/^\[hooks\]/r $IN/more" "$CONF"
	ENVIRONMENT=(PLANTED="$GOTIFY_TOKEN")
	watched -q run
	[ "$status" -eq 3 ]	# mail has nobody who takes it
	found=$(leaks)
	[[ $found == *children.*cmdline*NTFY_TOPIC* ]]
	[[ $found == *children.*environ*NTFY_TOPIC* ]]
	[[ $found == *hook.before*GOTIFY_TOKEN* ]]
}

# --- runs --------------------------------------------------------------------

@test "a run that stores in a directory and in S3" {
	s3_require
	head -c 20000000 /dev/urandom >"$WORK/source/big"
	# Mail and MQTT have nobody here who takes them.
	URLS=$(grep -v 127.0.0.1 "$IN/urls")
	by_variables
	settings <<-E
		[s3]
		bucket = secrets
		path = run
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
	E
	sed -i '/^recipient = /d' "$CONF"
	# The real server's key is what it is.
	jq --arg key "$S3_SECRET_KEY" '.AWS_SECRET = $key' "$IN/secrets" \
	    >"$IN/new"
	mv "$IN/new" "$IN/secrets"
	ENVIRONMENT+=(AWS_SECRET_ACCESS_KEY="$S3_SECRET_KEY")
	web_rules '[{"match":"GET .*login","body":
	    "{\"flows\":[{\"type\":\"m.login.password\"}]}"},
	    {"match":"POST .*login","body":"{\"access_token\":\"t\"}"},
	    {"match":"matrix","body":"{\"room_id\":\"!r:matrix.test\"}"}]'
	watched -v run
	said
	[ "$status" -eq 0 ]
	[[ $(the_archive) == *.gpg ]]
	s3 get --recursive s3://secrets/run/ "$OUT" >/dev/null
	compgen -G "$OUT/*.metadata.json"
	for host in ntfy.test discord.com generic.test matrix.test \
	    api.telegram.org gotify.test hooks.slack.com zulip.test \
	    api.pushover.net events.pagerduty.com hc-ping.com status.test \
	    mattermost.test; do
		asked "$host"
	done
	# They were there to be seen.
	grep -q homedir "$OUT"/children.*/*.cmdline.*
	grep -q hook.before "$OUT"/children.*/*.cmdline.*
	grep -q ^RUN_EVENT= "$OUT/hook.on_success" "$OUT/hook.always"
	grep -q ^vbackup_ "$WORK/metrics/vbackup.prom"
	nothing_leaks
}

@test "services and stores that refuse, and give back what they were sent" {
	URLS=$(grep -v 127.0.0.1 "$IN/urls")	# who is not there is asked long
	by_variables
	ENVIRONMENT+=(AWS_SECRET_ACCESS_KEY="$AWS_SECRET"
	    AWS_SESSION_TOKEN="$AWS_SESSION")
	settings <<<"[s3]
$S3_FAKE"
	sed -i '/^recipient = /d' "$CONF"
	web_rules "$ECHO403"
	for arguments in "-v run" "-v --log-format json run --json" \
	    "notify Title Text"; do
		# shellcheck disable=SC2086
		watched $arguments
		[ "$status" -ne 0 ]
		said
		[[ $(said) == *403* ]]
	done
	# Who says more with another status, and at whatever place it is cut.
	for n in 0 150 180 260 290 400; do
		pad=$(printf "%${n}s" '' | tr ' ' x)
		web_rules "[{\"match\":\"s3.test\",\"status\":400,\"echo\":
		    \"<Error><Code>Bad</Code><Message><![CDATA[$pad@]]></Message></Error>\"},
		    {\"match\":\".\",\"status\":400,\"echo\":\"$pad@\"}]"
		watched -q run --json
		[ "$status" -ne 0 ]
	done
	asked s3.test
	asked status.test
	nothing_leaks
}

# What is too long is cut: wherever that is, no part of a secret is left.
@test "a store that gives back what it was sent, cut somewhere" {
	settings <<<"[s3]
$S3_FAKE"
	sed -i -e '/^\(recipient\|before\|after\|on_.*\|always\) = /d' "$CONF"
	ENVIRONMENT=("${WEB_ENVIRONMENT[@]}"
	    AWS_SECRET_ACCESS_KEY="$AWS_SECRET"
	    AWS_SESSION_TOKEN="$AWS_SESSION")
	for ((n = 0; n < 256; n += 28)); do
		pad=$(printf "%${n}s" '' | tr ' ' x)
		web_rules "[{\"match\":\".\",\"status\":400,\"echo\":
		    \"<Error><Code>Bad</Code><Message><![CDATA[$pad@]]></Message></Error>\"}]"
		N=$n
		status=0
		vbackup -q run --json >"$OUT/stdout.$N" 2>"$OUT/stderr.$N" ||
		    status=$?
		[ "$status" -eq 3 ]
		find "$ARCHIVE" -type f -delete	# of the same second, perhaps
	done
	said
	[[ $(said) == *xxxxxxxx* ]]
	nothing_leaks
}

@test "services that hang, redirect, fail, or close, and certificates of others" {
	by_variables
	settings </dev/null
	sed -i 's/^timeout = 20s/timeout = 4s/' "$CONF"
	for rule in '"hang":20' '"close":true' '"status":500,"echo":"@"' \
	    '"status":307,"headers":{"Location":"https://elsewhere.test/x"}' \
	    '"status":308,"headers":{"Location":"http://u:p@ntfy.test/"}'; do
		web_rules "[{\"match\":\".\",$rule}]"
		watched -v run
		[ "$status" -eq 3 ]
	done
	run asked elsewhere.test
	[ "$status" -ne 0 ]
	sed -i '/^ca_cert/d' "$CONF"
	rm "$WEB/requests"
	watched -v run
	[ "$status" -eq 3 ]
	[[ $(said) == *certificate* ]]
	[ ! -e "$WEB/requests" ]
	# No proxy, so nobody at all.
	for i in "${!ENVIRONMENT[@]}"; do
		ENVIRONMENT[i]=${ENVIRONMENT[i]/127.0.0.1:$WEB_PORT/127.0.0.1:$DEAD}
	done
	watched -v run
	[ "$status" -eq 3 ]
	nothing_leaks
}

@test "a mail server that gives back the login" {
	cat >"$IN/smtp.py" <<-'P'
		import socketserver, sys
		class Handler(socketserver.StreamRequestHandler):
		    def handle(self):
		        self.wfile.write(b"220 x\r\n")
		        for line in self.rfile:
		            word = line.split()[0].upper()
		            if word == b"EHLO":
		                said = b"250-x\r\n250 AUTH PLAIN LOGIN\r\n"
		            elif word == b"QUIT":
		                said = b"221 x\r\n"
		            elif word == b"AUTH":	# the login comes next
		                said = b"334 \r\n"
		            else:
		                said = b"535 no: " + b"x" * int(open(
		                    sys.argv[2]).read()) + line.strip() + b"\r\n"
		            self.wfile.write(said)
		with socketserver.ThreadingTCPServer(("127.0.0.1", 0),
		        Handler) as server:
		    server.daemon_threads = True
		    with open(sys.argv[1], "w") as out:
		        print(server.server_address[1], file=out)
		    server.serve_forever()
	P
	echo 0 >"$IN/pad"
	python3 "$IN/smtp.py" "$IN/port" "$IN/pad" 3>&- &
	SERVER=$!
	eventually 20 test -s "$IN/port"
	DEAD=$(<"$IN/port")
	settings </dev/null
	ENVIRONMENT=(EMAIL_SMTP_PASSWORD="$MAIL_PASSWORD"
	    NOTIFICATION_URLS="smtp://suser:$E_SMTP_PASSWORD@127.0.0.1:$DEAD/?from=a@b.test&to=c@d.test&auth=Plain")
	watched -v run
	said
	[ "$status" -eq 3 ]
	# It did give it back.
	[[ $(said) == *"refused the login: 535 no: "*"***"* ]]
	# Cut, too, wherever that is.
	for ((n = 380; n < 510; n += 26)); do
		echo "$n" >"$IN/pad"
		vbackup -q notify Title >"$OUT/notify.$n" 2>&1 ||
		    [ $? -eq 1 ]
	done
	grep -q 535 "$OUT/notify.380"
	nothing_leaks
}

@test "mail by sendmail, of a run whose other services failed" {
	by_variables
	cat >"$IN/sendmail" <<-E
		#!/bin/sh
		{ echo "\$@"; env; cat; sleep 0.2; } >>$OUT/mail
	E
	chmod 755 "$IN/sendmail"
	settings <<<"[s3]
$S3_FAKE"
	ENVIRONMENT+=(AWS_SECRET_ACCESS_KEY="$AWS_SECRET"
	    NOTIFICATION_URLS="$URLS"$'\n'"sendmail://$IN/sendmail?from=a@b.test&to=c@d.test")
	web_rules "$ECHO403"
	watched -v run
	[ "$status" -eq 3 ]
	grep -q base64 "$OUT/mail"
	grep -q sendmail "$OUT"/children.*/*.cmdline.*
	nothing_leaks
}

@test "a lock that is held, dump, check, and a run of nothing" {
	by_variables
	ENVIRONMENT+=(AWS_SECRET_ACCESS_KEY="$AWS_SECRET"
	    AWS_SESSION_TOKEN="$AWS_SESSION")
	settings <<<"[s3]
$S3_FAKE"
	mkdir -p "$WORK/lock"
	exec 9>"$WORK/lock/vbackup.lock"
	flock 9
	ENVIRONMENT+=(LOCK_TIMEOUT=100ms)
	watched -v run 9>&-
	exec 9>&-
	[ "$status" -eq 4 ]
	for arguments in dump check "-v run --dry-run" "-v prune" recover; do
		# shellcheck disable=SC2086
		watched $arguments
	done
	# Reads no settings; its only child is the leak checker of ASan.
	vbackup version --json >"$OUT/version"
	rm "$WORK/source/file"
	watched --log-format json run --json
	[ "$status" -eq 1 ]
	# An error, which commands have in their environment, that names one.
	settings <<<""
	echo "nothing-$SLACK_PART" >"$IN/say"
	sed -i "s,^before = .*,before = cat $IN/say; exit 1," "$CONF"
	ENVIRONMENT+=(GPG_PASSPHRASE="$SLACK_PART")
	rm "$OUT"/hook.*
	watched -v run --json
	[ "$status" -ne 0 ]
	grep -q "^RUN_ERROR=.*nothing-\*\*\*" "$OUT/hook.on_error"
	nothing_leaks
	# This one may, and does.
	by_variables
	ENVIRONMENT+=(AWS_SECRET_ACCESS_KEY="$AWS_SECRET"
	    AWS_SESSION_TOKEN="$AWS_SESSION")
	settings <<<"[s3]
$S3_FAKE"
	watched dump --show-secrets
	[ "$status" -eq 0 ]
	found=$(leaks)
	for name in GPG AWS_SECRET AWS_SESSION NTFY_PASSWORD MATRIX_PASSWORD \
	    PING_TOKEN PUSH_PATH MAIL_PASSWORD; do
		[[ $found == *"stdout.$N: $name ("* ]]
	done
	[ -z "$(grep -v "stdout\.$N: " <<<"$found")" ]
}

@test "URLs that are wrong, each of them" {
	settings </dev/null
	n=0
	while IFS= read -r url; do
		for wrong in "$url%zz" "x$url" "${url/:\/\//:/}" \
		    "${url/:\/\//+gopher://}" "${url/:\/\//://%00}" \
		    "${url/:\/\// ://}" "${url/\?/?nonsense=1&}" \
		    "${url%%\?*}?nonsense=$GENERIC_QUERY" "$url:99999999"; do
			ENVIRONMENT=(NOTIFICATION_URLS="$wrong")
			check
			n=$((n + (status == 2)))
			[ "$status" -ne 2 ] || [[ $(said) == *URL* ]]
		done
	done <"$IN/urls"
	[ "$n" -ge 100 ]
	for variable in VBACKUP_PING_URL VBACKUP_METRICS_PUSHGATEWAY; do
		for wrong in "ftp://u:$E_PING_PASSWORD@h/$PING_TOKEN" \
		    "$PING_TOKEN" "${PING/puser:/%zz:}" \
		    "${PING/puser:/x%3ay:}" "${PING/\/\//\/\/ }"; do
			ENVIRONMENT=("$variable=$wrong")
			check
			echo "$status: $wrong"; said
			[ "$status" -eq 2 ]
		done
	done
	# A run tells whoever can be told.
	by_variables
	ENVIRONMENT+=(NOTIFICATION_URLS="$URLS"$'\n'"ntfy://x:$GPG@ntfy.test/a?z=1"
	    AWS_SECRET_ACCESS_KEY="$AWS_SECRET")
	watched -v run --json
	[ "$status" -eq 2 ]
	asked ntfy.test
	nothing_leaks
}

@test "lines of files that are wrong" {
	n=0
	while IFS= read -r line; do
		settings <<<"[seal]"$'\n'"$line"
		check
		echo "$line"; said
		[ "$status" -eq 2 ]
		n=$((n + 1))
	done <<-E
		[seal] passphrase = $GPG
		passphrase $GPG
		[s3 secret_access_key = $AWS_SECRET
		secret_access_key = $AWS_SECRET
		$GPG=
		pasphrase: $GPG
	E
	[ "$n" -eq 6 ]
	settings <<-E
		[seal]
		passphrase = $GPG
		passphrase = $AWS_SECRET
		passphrase_command = echo $AWS_SECRET >/dev/null; exit 3
		[ping]
		url = $PING
		kind = kumma
		[s3]
		secret_access_key_file = $IN/none
	E
	watched check
	[ "$status" -eq 2 ]
	settings </dev/null
	printf '%s\0%s\n' "$GPG" "$GPG" >"$IN/nul"
	for form in GPG_PASSPHRASE_COMMAND="cat $IN/nul" \
	    GPG_PASSPHRASE_FILE="$IN/nul" \
	    GPG_PASSPHRASE_COMMAND="sed 's/\\x00.*//' $IN/nul; exit 9"; do
		ENVIRONMENT=("$form")
		watched check
		[ "$status" -eq 2 ]
	done
	nothing_leaks
}

# --- other ways to give them -------------------------------------------------

@test "secrets from files, commands, credentials, and the configuration" {
	mkdir "$IN/credentials"
	echo "$GPG" >"$IN/gpg"
	echo "$AWS_SECRET" >"$IN/aws"
	echo "$AWS_SESSION" >"$IN/credentials/AWS_SESSION_TOKEN"
	echo "$PING" >"$IN/credentials/VBACKUP_PING_URL"
	echo "$PUSH" >"$IN/push"
	ENVIRONMENT=("${WEB_ENVIRONMENT[@]}" no_proxy=127.0.0.1
	    CREDENTIALS_DIRECTORY="$IN/credentials"
	    NOTIFICATION_URLS_FILE="$IN/urls"
	    GPG_PASSPHRASE_COMMAND="sleep 0.2; cat $IN/gpg")
	settings <<-E
		[s3]
		$S3_FAKE
		secret_access_key_command = cat $IN/aws
		[metrics]
		pushgateway_file = $IN/push
	E
	# Sections come once.
	sed -i -e '/^\[metrics\]$/d' -e "s,^pushgateway_file,[metrics]\n&," \
	    -e "s,^textfile = .*,[email]\nsmtp_password = $MAIL_PASSWORD," \
	    "$CONF" || true
	sed -i "s,^smtp_password = .*,smtp_password = ${MAIL_PASSWORD//&/\\&}," \
	    "$CONF"
	web_rules "$ECHO403"
	for arguments in dump check "-v run --json" "notify A B"; do
		# shellcheck disable=SC2086
		watched $arguments
		said
		[ "$status" -ne 2 ]
	done
	asked s3.test
	asked hc-ping.com
	asked status.test
	grep -q "cat $IN/gpg" "$OUT"/children.*/*.cmdline.*
	nothing_leaks
}

# --- the journal -------------------------------------------------------------

@test "entries and lines for the journal" {
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	by_variables
	settings <<<"[s3]
$S3_FAKE"
	ENVIRONMENT+=(AWS_SECRET_ACCESS_KEY="$AWS_SECRET")
	web_rules "$ECHO403"
	python3 "$BATS_TEST_DIRNAME/datagrams.py" "$WORK/journal" \
	    "$OUT/entries" 3>&- &
	SERVER=$!
	eventually 20 test -e "$OUT/entries"
	for socket in "$WORK/journal" "$WORK/nobody"; do
		: >"$OUT/journal.stderr"
		env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "${ENVIRONMENT[@]}" \
		    JOURNAL_STREAM="$(stat -c %d:%i "$OUT/journal.stderr")" \
		    unshare -m --propagation private sh -c '
			mount -t tmpfs none /run &&
			    mkdir -p /run/systemd/journal &&
			    ln -s "$0" /run/systemd/journal/socket &&
			    exec "$@"' "$socket" "$VBACKUP" -c "$CONF" -v run \
		    2>>"$OUT/journal.stderr" || true
	done
	eventually 20 grep -q MESSAGE_ID "$OUT/entries"
	grep -q 403 "$OUT/entries"
	grep -q 403 "$OUT/journal.stderr"
	nothing_leaks
}

# --- processes ---------------------------------------------------------------

@test "neither we nor the guardian have secrets in the environment" {
	dockerd_require
	DOCKERED=1
	CONTAINERS=()
	container held -v held:/data -l vbackup.enable=true \
	    -l vbackup.stop=true --stop-signal KILL busybox sleep 1000
	by_variables
	ENVIRONMENT+=(AWS_SECRET_ACCESS_KEY="$AWS_SECRET")
	settings <<<"[s3]
$S3_FAKE"
	watched -v run
	said
	grep -q ^PATH= "$OUT"/hook.before "$OUT"/children.*/vbackup-guard.environ.*
	nothing_leaks
}

@test "nothing that we start can dump a core" {
	settings </dev/null
	sed -i "s,^before = .*,before = cat /proc/self/limits /proc/\$PPID/limits >$OUT/limits," \
	    "$CONF"
	(
		ulimit -c unlimited 2>/dev/null || true
		vbackup -q run || [ $? -eq 3 ]	# nobody takes the mail
	)
	[ "$(grep -c '^Max core file size *0 *0 ' "$OUT/limits")" -eq 2 ]
}

@test "our own user cannot read our memory or environment" {
	install -m 755 "$VBACKUP" "$IN/vbackup"
	mkdir "$IN/own" "$IN/own/source" "$IN/own/archive"
	echo x >"$IN/own/source/file"
	cat >"$IN/own/conf" <<-E
		[lock]
		directory = $IN/own/lock
		[docker]
		host = none
		[archive]
		path = $IN/own/archive
		[backup]
		sources = $IN/own/source
		[hooks]
		before = stat -c %u /proc/\$PPID/environ >$IN/own/owner; cat /proc/\$PPID/environ >$IN/own/environ 2>$IN/own/why; cat /proc/self/environ >$IN/own/ours; true
	E
	chmod 711 "$IN"
	chown -R 65534 "$IN/own"
	setpriv --reuid 65534 --regid 65534 --clear-groups env -i \
	    PATH="$PATH" "$IN/vbackup" -c "$IN/own/conf" -q run
	[ "$(<"$IN/own/owner")" -eq 0 ]
	[ ! -s "$IN/own/environ" ]
	grep -q denied "$IN/own/why"
	[ -s "$IN/own/ours" ]
}
