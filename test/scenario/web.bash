# web.bash: the scripted web (web_server.py), trusted by a test's own authority.
#
# web_start, in a test or before each; web_stop after it. The program is to be
# told of it by WEB_ENVIRONMENT (its proxy) and by notification.ca_cert =
# $WEB/ca.pem.

WEB_HOSTS="discord.com hooks.slack.com slack.com api.telegram.org \
open.larksuite.com qyapi.weixin.qq.com api.twilio.com events.pagerduty.com \
api.opsgenie.com api.pushover.net api.pushbullet.com maker.ifttt.com \
joinjoaomgcd.appspot.com notifiarr.com chat.googleapis.com zulip.test \
ntfy.test gotify.test matrix.test mattermost.test rocket.test bark.test \
signal.test generic.test prod-1.westeurope.logic.azure.com hc-ping.com \
status.test localhost"

web_certificates() {
	local names
	names=$(printf 'DNS:%s,' $WEB_HOSTS)
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca \
	    -keyout "$WEB/ca.key" -out "$WEB/ca.pem" &&
	    openssl req -newkey rsa:2048 -nodes -subj /CN=web \
	    -keyout "$WEB/web.key" -out "$WEB/web.csr" &&
	    openssl x509 -req -in "$WEB/web.csr" -CA "$WEB/ca.pem" \
	    -CAkey "$WEB/ca.key" -CAcreateserial -days 2 -extfile \
	    <(echo "subjectAltName=${names}IP:127.0.0.1") \
	    -out "$WEB/web.crt" && cat "$WEB/web.key" "$WEB/web.crt" \
	    >"$WEB/web.pem"
}

web_start() {
	WEB=$WORK/web
	mkdir -p "$WEB"
	rm -f "$WEB/port"
	web_certificates >"$WEB/openssl.log" 2>&1
	python3 "$BATS_TEST_DIRNAME/web_server.py" "$WEB" \
	    >"$WEB/log" 2>&1 3>&- &
	WEB_SERVER=$!
	eventually 20 test -s "$WEB/port"
	WEB_PORT=$(<"$WEB/port")
	WEB_ENVIRONMENT=(https_proxy="http://127.0.0.1:$WEB_PORT"
	    http_proxy="http://127.0.0.1:$WEB_PORT")
}

web_stop() {
	[[ -z ${WEB_SERVER-} ]] || kill "$WEB_SERVER" || true
	WEB_SERVER=
}

# web_rules JSON: what is answered from now on; see web_server.py.
web_rules() { echo "$1" >"$WEB/rules.new" && mv "$WEB/rules.new" "$WEB/rules"; }

# web_requests JQ-FILTER: of each request so far, one line.
web_requests() {
	[[ ! -e $WEB/requests ]] || jq -rc "$1" "$WEB/requests"
}
