# mail.bash: a private mail server for the scenarios.
#
#     load mail                (in a .bats file)
#     setup_file() { mail_require && mail_start; }
#     teardown_file() { mail_stop; }
#
# It is exim with a configuration, a spool and mailboxes of its own, all in
# $MAIL, as the user whom its package makes; it listens on 127.0.0.1 only.
# Mailboxes are alice, bob and carol @mail.test; carol's takes only mail of who
# has logged in (alice, with MAIL_PASSWORD). mail_start exports
#
#     MAIL MAIL_CA             its directory; the certificate to trust
#     MAIL_HOST                127.0.0.1:port, with STARTTLS
#     MAIL_TLS_HOST            the same, TLS from the first byte
#     MAIL_OLD_PORT            of one without STARTTLS
#     MAIL_SENDMAIL            its program

load s3 # for s3_free_ports

MAIL_EXIM=/usr/sbin/exim4

# mail_require: skip the test, or the file, where no server can be started.
mail_require() {
	local tool
	for tool in "$MAIL_EXIM" openssl python3 jq setsid; do
		command -v "$tool" >/dev/null || skip "no mail server: no $tool"
	done
	getent passwd Debian-exim >/dev/null ||
	    skip "no mail server: exim has no user"
	[[ $(id -u) == 0 ]] || skip "no mail server: not root"
}

mail_start() {
	local port
	port=$(s3_free_ports)
	MAIL=$(mktemp -d /tmp/vbackup-mail.XXXXXX)
	export MAIL MAIL_CA=$MAIL/tls.pem MAIL_SENDMAIL=$MAIL/sendmail
	export MAIL_HOST=127.0.0.1:$port MAIL_TLS_HOST=127.0.0.1:$((port + 1))
	export MAIL_OLD_PORT=$((port + 2)) MAIL_PASSWORD='s3cret: with/signs'
	mkdir "$MAIL/spool" "$MAIL/log" "$MAIL/box"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 2 -subj /CN=mail.test \
	    -addext subjectAltName=DNS:mail.test,IP:127.0.0.1 \
	    -keyout "$MAIL/tls.key" -out "$MAIL/tls.pem" 2>"$MAIL/openssl"
	mail_settings "$port" >"$MAIL/exim.conf"
	printf '#!/bin/sh\nexec %s -C %s "$@"\n' "$MAIL_EXIM" \
	    "$MAIL/exim.conf" >"$MAIL_SENDMAIL"
	chmod 755 "$MAIL" "$MAIL_SENDMAIL"
	chown -R Debian-exim: "$MAIL/spool" "$MAIL/log" "$MAIL/box" \
	    "$MAIL/tls.key"
	setsid "$MAIL_EXIM" -C "$MAIL/exim.conf" -bdf </dev/null \
	    >"$MAIL/out" 2>&1 3>&- 4>&- 5>&- &
	echo $! >"$MAIL/pid"
	disown $!
	mail_wait "$port" || {
		cat "$MAIL/out" "$MAIL/log"/* >&2
		mail_stop
		return 1
	}
}

mail_wait() { # PORT
	local i
	for ((i = 0; i < 100; i++)); do
		if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
			return 0
		fi
		sleep 0.1
	done
	return 1
}

mail_settings() { # PORT
	cat <<-E
		exim_path = $MAIL_EXIM
		spool_directory = $MAIL/spool
		log_file_path = $MAIL/log/%s
		pid_file_path = $MAIL/spool/pid
		local_interfaces = <; 127.0.0.1.$1; 127.0.0.1.$(($1 + 1)); 127.0.0.1.$(($1 + 2))
		tls_on_connect_ports = $(($1 + 1))
		tls_advertise_hosts = \${if eq{\$received_port}{$(($1 + 2))}{}{*}}
		tls_certificate = $MAIL/tls.pem
		tls_privatekey = $MAIL/tls.key
		primary_hostname = mail.test
		domainlist local_domains = mail.test
		deliver_drop_privilege = true
		keep_environment =
		host_lookup =
		rfc1413_query_timeout = 0s
		message_size_limit = 2M
		acl_smtp_rcpt = check
		begin acl
		check:
		deny local_parts = carol
		     !authenticated = *
		     message = log in first
		accept domains = +local_domains
		     local_parts = alice : bob : carol
		deny message = no such user
		begin authenticators
		plain:
		driver = plaintext
		public_name = PLAIN
		server_prompts = :
		server_condition = \${if and{{eq{\$auth2}{alice}}{eq{\$auth3}{$MAIL_PASSWORD}}}}
		login:
		driver = plaintext
		public_name = LOGIN
		server_prompts = Username:: : Password::
		server_condition = \${if and{{eq{\$auth1}{alice}}{eq{\$auth2}{$MAIL_PASSWORD}}}}
		cram:
		driver = cram_md5
		public_name = CRAM-MD5
		server_secret = \${if eq{\$auth1}{alice}{$MAIL_PASSWORD}fail}
		begin routers
		boxes:
		driver = accept
		domains = +local_domains
		local_parts = alice : bob : carol
		transport = box
		begin transports
		box:
		driver = appendfile
		directory = $MAIL/box/\$local_part_data
		maildir_format
		create_directory
		envelope_to_add
		return_path_add
		user = Debian-exim
		group = Debian-exim
	E
}

mail_stop() {
	local pid
	[[ -n ${MAIL-} && -d $MAIL ]] || return 0
	pid=$(<"$MAIL/pid")
	# Only what is still ours: a number may have a new owner.
	if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
	    grep -qF -- "-C $MAIL/exim.conf"; then
		kill -TERM "$pid" 2>/dev/null || true
	fi
	rm -rf --one-file-system "$MAIL"
}

# mail_clear: no mail is in any box.
mail_clear() {
	rm -rf --one-file-system "$MAIL/box"/*
}

# mail_count BOX N: are there so many? For eventually.
mail_count() {
	[[ $(find "$MAIL/box/$1/new" -type f 2>/dev/null | wc -l) == "$2" ]]
}

# mail_read BOX JQ-FILTER: of the one mail that is there, or comes.
mail_read() {
	eventually 20 mail_count "$1" 1
	python3 "$BATS_TEST_DIRNAME/mail_json.py" "$MAIL/box/$1/new"/* |
	    jq -er "$2"
}
