#!/usr/bin/env bats
# Mail, by a real server and its sendmail, read by another program.

load common
load mail

setup_file() {
	mail_require
	mail_start
}

teardown_file() { mail_stop; }

setup() {
	common_setup
	mail_clear
	LOGIN=alice:s3cret%3A%20with%2Fsigns
	ENDS='from=vbackup@mail.test&to=alice@mail.test'
	TITLE='Failure on host' TEXT='It did not work.'
}

# notify URL [CA]: tell TITLE and TEXT.
notify() {
	conf <<-E
		[notification]
		timeout = 10s
		ca_cert = ${2-$MAIL_CA}
	E
	ENVIRONMENT=(NOTIFICATION_URLS="$1")
	run vbackup notify "$TITLE" "$TEXT"
	echo "$output"
	# Which URL it is need not be told here.
	output=${output#"NOTIFICATION_URLS: URL 1 "}
}

# Nobody has got a mail, nor will: the server has nothing in hand.
nobody_has_mail() {
	[ -z "$(find "$MAIL/spool/input" -type f)" ]
	[ -z "$(find "$MAIL/box" -type f)" ]
}

@test "a mail arrives as it was meant, once in each mailbox" {
	notify "smtp://$MAIL_HOST/?from=vbackup@mail.test&fromname=Night%20K%C3%A4se&to=alice@mail.test,bob@mail.test"
	[ "$status" -eq 0 ]
	[ "$output" = "(smtp): sent" ]
	for box in alice bob; do
		[ "$(mail_read $box .subject)" = "$TITLE" ]
		[ "$(mail_read $box .text)" = "$TEXT" ]
		[ "$(mail_read $box .from_name)" = "Night Käse" ]
		[ "$(mail_read $box .envelope_from)" = "<vbackup@mail.test>" ]
		[ "$(mail_read $box .envelope_to)" = "$box@mail.test" ]
		[ "$(mail_read $box '.to | join(" ")')" = \
		    "alice@mail.test bob@mail.test" ]
		[ "$(mail_read $box .auto)" = auto-generated ]
		# TLS was offered, so it was used.
		[ "$(mail_read $box .with)" = esmtps ]
	done
	[ "$(mail_read alice .id)" = "$(mail_read bob .id)" ]
	[ "$(mail_read alice '[.n_headers[]] | max')" -eq 1 ]
	now=$(date +%s)
	[ "$(mail_read alice "(.date - $now) | fabs < 60")" = true ]
}

@test "long and strange texts come back byte by byte" {
	export LC_ALL=C.UTF-8
	TITLE="Käse 🐳 $(printf 'äöü€ %.0s' {1..60})end"
	TEXT=$(printf '.\n..\n.dot\nFrom here\n\ttab  \n\n=C3 --=_ <b>&amp;\n'
	    for i in {1..2000}; do echo ".$i: Größe 12 € 🐳 and so on"; done
	    printf '%s' {1..2000}
	    printf '\nlast: x')
	notify "smtp://$MAIL_HOST/?$ENDS"
	[ "$status" -eq 0 ]
	[ "$(mail_read alice .subject)" = "$TITLE" ]
	[ "$(mail_read alice .text)" = "$TEXT" ]
	mail_clear
	notify "smtp://$MAIL_HOST/?$ENDS&usehtml=yes"
	[ "$(mail_read alice .text)" = "$TEXT" ]
	mail_read alice .html | python3 -c '
import html, re, sys
text = re.search("<pre>\n(.*)</pre>", sys.stdin.read(), re.S).group(1)
print(html.unescape(text), end="")' >"$WORK/html"
	cmp "$WORK/html" <(echo "$TEXT")
}

@test "a title with line ends makes no header" {
	TITLE=$'one\r\nBcc: bob@mail.test\r\n\r\nbody'
	notify "smtp://$MAIL_HOST/?$ENDS"
	[ "$status" -eq 0 ]
	[ "$(mail_read alice .subject)" = \
	    "one  Bcc: bob@mail.test    body" ]
	[ "$(mail_read alice .text)" = "$TEXT" ]
	[ ! -e "$MAIL/box/bob" ]
}

@test "a failed run mails its log" {
	conf <<-E
		sources = $WORK/source
		[notification]
		ca_cert = $MAIL_CA
		urls = smtp://$MAIL_HOST/?$ENDS
	E
	run vbackup -q run
	[ "$status" -eq 1 ]
	[[ $(mail_read alice .subject) == *failure* ]]
	[[ $(mail_read alice .text) == *"every source is empty"* ]]
	[ "$(mail_read alice .priority)" = 1 ]
}

@test "all ways to log in work, and only with the right password" {
	local auth
	for auth in Unknown Plain Login CRAMMD5; do
		mail_clear
		notify "smtp://$LOGIN@$MAIL_HOST/?from=a@mail.test&to=carol@mail.test&auth=$auth"
		[ "$status" -eq 0 ]
		[ "$(mail_read carol .with)" = esmtpsa ]
		mail_clear
		notify "smtp://alice:wrong-password@$MAIL_HOST/?from=a@mail.test&to=carol@mail.test&auth=$auth"
		[ "$status" -eq 1 ]
		[[ $output == "(smtp): not sent: smtp: "*"refused the login: 535"* ]]
		[[ $output != *wrong-password* ]]
	done
	notify "smtp://$MAIL_HOST/?from=a@mail.test&to=carol@mail.test"
	[ "$status" -eq 1 ]
	[[ $output == *"refused 1 of 1 recipients: 'carol@mail.test': 550 log in first"* ]]
	notify "smtp://$LOGIN@$MAIL_HOST/?from=a@mail.test&to=carol@mail.test&auth=OAuth2"
	[ "$status" -eq 1 ]
	[[ $output == *"does not offer to log in this way"* ]]
	nobody_has_mail
}

@test "one refused recipient keeps none of the others from it" {
	notify "smtp://$MAIL_HOST/?from=a@mail.test&to=alice@mail.test,dave@mail.test,bob@mail.test"
	[ "$status" -eq 1 ]
	[[ $output == *"refused 1 of 3 recipients: 'dave@mail.test': 550 no such user"* ]]
	[ "$(mail_read alice .subject)" = "$TITLE" ]
	[ "$(mail_read bob .subject)" = "$TITLE" ]
}

@test "TLS from the first byte" {
	notify "smtp://$LOGIN@$MAIL_TLS_HOST/?$ENDS&encryption=ImplicitTLS"
	[ "$status" -eq 0 ]
	[ "$(mail_read alice .with)" = esmtpsa ]
}

@test "a certificate that is not trusted is refused unless that is wanted" {
	local url
	# A certificate, but not of this server.
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 2 -subj /CN=other -keyout "$WORK/key" -out "$WORK/ca" \
	    2>"$WORK/openssl"
	for url in "smtp://$LOGIN@$MAIL_HOST/?$ENDS" \
	    "smtp://$MAIL_HOST/?$ENDS" \
	    "smtp://$LOGIN@$MAIL_TLS_HOST/?$ENDS&encryption=ImplicitTLS"
	do
		notify "$url&timeout=1s" "$WORK/ca"
		[ "$status" -eq 1 ]
		[[ $output == *"cannot connect to the mail server"*certificate* ]]
		# The right one, but for another name.
		notify "${url/127.0.0.1/localhost}&timeout=1s"
		[ "$status" -eq 1 ]
	done
	nobody_has_mail
	notify "smtp://$LOGIN@$MAIL_HOST/?$ENDS&skiptlsverify=yes" "$WORK/ca"
	[ "$status" -eq 0 ]
	[ "$(mail_read alice .with)" = esmtpsa ]
}

@test "STARTTLS that is demanded must be there" {
	local key
	for key in requirestarttls=yes encryption=ExplicitTLS; do
		notify "smtp://127.0.0.1:$MAIL_OLD_PORT/?$ENDS&$key"
		[ "$status" -eq 1 ]
		[[ $output == *"does not offer STARTTLS"* ]]
	done
	nobody_has_mail
	notify "smtp://$LOGIN@127.0.0.1:$MAIL_OLD_PORT/?$ENDS"
	[ "$status" -eq 0 ]
	[ "$(mail_read alice .with)" = esmtpa ]
}

# 0.0.0.0 is this host too, but vbackup does not know.
@test "no password goes to another host in the clear" {
	notify "smtp://$LOGIN@0.0.0.0:$MAIL_OLD_PORT/?$ENDS"
	[ "$status" -eq 1 ]
	[[ $output == *"does not offer STARTTLS"* ]]
	notify "smtp://$LOGIN@0.0.0.0:$MAIL_OLD_PORT/?$ENDS&usestarttls=no"
	[ "$status" -ne 0 ]
	[[ $output == *"smtp: the password would go unencrypted"* ]]
	[[ $output != *s3cret* ]]
	nobody_has_mail
	notify "smtp://0.0.0.0:$MAIL_OLD_PORT/?$ENDS"
	[ "$status" -eq 0 ]
	[ "$(mail_read alice .with)" = esmtp ]
}

@test "who is not there is named" {
	notify "smtp://$LOGIN@127.0.0.1:1/?$ENDS&timeout=1s"
	[ "$status" -eq 1 ]
	[[ $output == "(smtp): not sent: smtp: cannot connect to the mail server '127.0.0.1:1'"* ]]
}

@test "old settings of mail do the same" {
	conf <<-E
		[notification]
		ca_cert = $MAIL_CA
	E
	ENVIRONMENT=(EMAIL_NOTIFICATION_RECIPIENT=carol@mail.test
	    EMAIL_SMTP_HOST=127.0.0.1 EMAIL_SMTP_PORT="${MAIL_HOST#*:}"
	    EMAIL_SMTP_USERNAME=alice EMAIL_SMTP_PASSWORD="$MAIL_PASSWORD")
	run vbackup notify "$TITLE" "$TEXT"
	[ "$status" -eq 0 ]
	[ "$(mail_read carol .with)" = esmtpsa ]
	[ "$(mail_read carol .from)" = noreply@nohost ]
}

@test "sendmail takes the same mail" {
	export LC_ALL=C.UTF-8
	TITLE='Käse' TEXT=$'.\n..\nGröße\nlast'
	notify "sendmail://$MAIL_SENDMAIL?from=me@mail.test&fromname=Me&to=alice@mail.test,bob@mail.test"
	[ "$status" -eq 0 ]
	[ "$output" = "(sendmail): sent" ]
	for box in alice bob; do
		[ "$(mail_read $box .subject)" = "$TITLE" ]
		[ "$(mail_read $box .text)" = "$TEXT" ]
		[ "$(mail_read $box .from)" = "Me <me@mail.test>" ]
		[ "$(mail_read $box .envelope_from)" = "<me@mail.test>" ]
	done
	mail_clear
	# Without a sender it is who runs it.
	notify "sendmail://$MAIL_SENDMAIL?to=alice@mail.test"
	[[ $(mail_read alice .from) == *"<root@mail.test>" ]]
}

@test "sendmail is found by its name, and missed with a reason" {
	mkdir "$WORK/bin"
	ln -s "$MAIL_SENDMAIL" "$WORK/bin/sendmail"
	PATH=$WORK/bin:$PATH notify "sendmail://?to=alice@mail.test"
	[ "$status" -eq 0 ]
	[ "$(mail_read alice .text)" = "$TEXT" ]
	notify "sendmail://$WORK/nothing?to=alice@mail.test"
	[ "$status" -eq 1 ]
	[[ $output == *"exited with status 127"* ]]
}
