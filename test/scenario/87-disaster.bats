#!/usr/bin/env bats
# A drill. A machine with a stack of containers, volumes and directories is
# lost, with all its disks. Another one has nothing but the configuration, the
# secret key and the images; it brings everything back from S3 and goes on.
#
# With TRANSCRIPT=FILE what the program was asked and said is left there.

load common
load s3

setup() {
	common_setup
	why=$(dockerd_lacks) && skip "no Engine: $why"
	s3_require
	[[ -x $BUILD/test/unit/compare_trees ]] || skip "no compare_trees"
	export GNUPGHOME=$WORK/gnupg S3_DIR ONE TWO
	mkdir -m 700 "$GNUPGHOME"
	S3_DIR=$(mktemp -d /tmp/vbackup-s3.XXXXXX)
	# Named as the suite's, which sweeps up what a killed run left.
	ONE=$(mktemp -d /tmp/vbackup-dockerd.XXXXXX)
	TWO=$(mktemp -d /tmp/vbackup-dockerd.XXXXXX)
	s3_start "$S3_DIR"
	s3 mb s3://offsite
}

teardown() {
	local dir
	gpgconf --kill all 2>/dev/null || true
	for dir in "${ONE-}" "${TWO-}"; do
		[[ -n $dir ]] || continue
		dockerd_stop "$dir" && rm -rf --one-file-system "$dir"
	done
	[[ -n ${S3_DIR-} ]] || return 0
	s3_stop "$S3_DIR"
	rm -rf --one-file-system "$S3_DIR"
}

# What an administrator keeps elsewhere: the key, and the configuration.
keys() {
	gpg -q --batch --pinentry-mode loopback --passphrase 'key phrase' \
	    --quick-gen-key admin@example.org future-default default never
	gpg -q --armor --export >"$WORK/public.asc"
	gpg -q --batch --pinentry-mode loopback --passphrase 'key phrase' \
	    --armor --export-secret-keys >"$WORK/safe/secret.asc"
	gpgconf --kill all
	rm -r "$GNUPGHOME"
	mkdir -m 700 "$GNUPGHOME"
}

settings() {
	conf <<-E
		sources = $WORK/srv/files, $WORK/srv/stack
		compression = zst
		[seal]
		public_key_ring_file = $WORK/public.asc
		[s3]
		bucket = offsite
		path = shop
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
	E
	# S3 only.
	sed -i "/^path = ${ARCHIVE//\//\\/}\$/d" "$CONF"
}

# --- the stack ---------------------------------------------------------------

# As Compose would make them: with labels, one with options of its driver.
stack_volumes() {
	local project=com.docker.compose.project=shop
	docker volume create --label $project \
	    --label com.docker.compose.volume=db shop_db
	docker volume create --label $project --label 'owner=Jürgen, "web"' \
	    shop_site
	docker volume create --label $project -o type=none -o o=bind \
	    -o device="$WORK/srv/media" shop_media
	docker volume create --label $project shop_mail
} >/dev/null

# Needs the volumes, and makes none of them.
stack_up() {
	local project=com.docker.compose.project=shop
	local service=com.docker.compose.service
	docker run -d --network none --name shop-db-1 -l $project \
	    -l $service=db -l vbackup.enable=true -l vbackup.stop=true \
	    -u 999:998 -v shop_db:/data busybox sh -c '
		trap "exit 0" TERM
		while :; do
			i=$(($(tail -n 1 /data/rows) + 1))
			echo $i >>/data/rows
			echo $i >/data/count
			usleep 10000
		done'
	docker run -d --network none --name shop-web-1 -l $project \
	    -l $service=web -l vbackup.enable=true \
	    -l com.docker.compose.depends_on=db:service_started:false \
	    -v shop_site:/site:ro -v shop_media:/site/media:ro \
	    busybox httpd -f -p 8080 -h /site
	docker run -d --network none --name shop-mail-1 -l $project \
	    -l $service=mail -l vbackup.enable=true \
	    -l vbackup.quiesce=pause -l vbackup.stop=true \
	    -u 5000:5000 -v shop_mail:/mail busybox sleep 1000
} >/dev/null

get() { # PATH
	docker exec shop-web-1 wget -qO- "http://127.0.0.1:8080/$1"
}

# Where the data of a volume is, as that machine's Engine says.
data() { # MACHINE VOLUME
	docker -H "unix://$1/docker.sock" volume inspect \
	    -f '{{.Mountpoint}}' "$2"
}

volumes() { # MACHINE
	docker -H "unix://$1/docker.sock" volume inspect shop_db shop_site \
	    shop_media shop_mail |
	    jq -S '[.[] | { Name, Driver, Labels, Options }]'
}

# Owners, modes, times, attributes and ACLs that are worth keeping.
stack_data() {
	local db site mail
	db=$(data "$ONE" shop_db)
	site=$(data "$ONE" shop_site)
	mail=$(data "$ONE" shop_mail)
	echo 0 | tee "$db/rows" >"$db/count"
	mkdir -m 2750 "$db/spool"
	chown -R 999:998 "$db"
	chmod 700 "$db"
	echo '<h1>shop</h1>' >"$site/index.html"
	cp "$(readlink -f "$(command -v busybox)")" "$site/tool"
	setcap cap_net_bind_service=ep "$site/tool"
	ln -s ../../etc/passwd "$site/link"
	ln "$site/index.html" "$site/start.html"
	truncate -s 20M "$site/sparse"
	setfattr -n user.origin -v camera "$site/index.html"
	touch -d '1999-12-31 23:59:59.123456789' "$site/index.html"
	mkdir "$site/media"
	echo picture >"$WORK/srv/media/one.jpg"
	mkdir "$mail/inbox"
	echo letter >"$mail/inbox/1"
	chown -R 5000:5000 "$mail"
	chmod -R o-rwx "$mail"
	setfacl -R -m u:5001:rX -m d:u:5001:rX "$mail"
	touch -d '2001-02-03 04:05:06.789' "$mail/inbox" "$mail"
}

directories() {
	mkdir -p "$WORK"/srv/{files,media,stack} "$WORK/safe"
	"$BUILD/test/unit/make_nasty_tree" "$WORK/srv/files"
	# They would have to be asked for.
	find "$WORK/srv/files" \( -type b -o -type c \) -delete
	echo 'services: {}' >"$WORK/srv/stack/compose.yaml"
	(umask 077 && echo 'PASSWORD=secret' >"$WORK/srv/stack/.env")
	chown -R 1000:1000 "$WORK/srv/stack"
	chmod 750 "$WORK/srv/stack"
}

succeeds() { # ARGUMENT...: of vbackup
	run --separate-stderr vbackup "$@"
	printf '# vbackup %s\n%s\n%s\n' "$*" "$output" "$stderr" |
	    tee -a "$WORK/transcript"
	[ "$status" -eq 0 ]
}

has_counted() { [[ $(docker exec shop-db-1 cat /data/count) -gt $1 ]]; }

@test "all is lost but S3, the configuration and the key: another machine goes on" {
	directories
	keys
	dockerd_start "$ONE"
	image_busybox
	stack_volumes
	stack_data
	stack_up
	eventually 20 has_counted 10
	settings
	[ "$(get media/one.jpg)" = picture ]
	succeeds run
	succeeds list
	# It goes on; what it does from now on is lost.
	eventually 20 has_counted "$(docker exec shop-db-1 cat /data/count)"
	docker stop shop-db-1 >/dev/null
	docker rm -f shop-db-1 shop-web-1 shop-mail-1 >/dev/null
	volumes "$ONE" >"$WORK/volumes-one"
	dockerd_stop "$ONE"
	mv "$WORK/srv" "$WORK/lost"
	rm -r "$WORK/lock"

	# Another machine: an Engine that has the images.
	dockerd_start "$TWO"
	image_busybox
	[ -z "$(docker volume ls -q)" ]
	# What was sealed to the public key is not opened by it.
	settings
	run --separate-stderr vbackup restore --in-place latest
	[ "$status" -eq 2 ]
	[[ $stderr == *secret_key* ]]
	[ -z "$(docker volume ls -q)" ]
	[ ! -e "$WORK/srv" ]
	cat >>"$CONF" <<-E
		[seal]
		secret_key_file = $WORK/safe/secret.asc
		secret_key_passphrase = key phrase
	E
	succeeds list
	[ "$(wc -l <<<"$output")" -eq 1 ]
	succeeds verify --deep
	succeeds status
	[[ $output == OK* ]]
	succeeds show latest
	# A directory's parent may be a file system that is not mounted yet.
	run --separate-stderr vbackup restore --in-place latest
	[ "$status" -eq 2 ]
	[[ $stderr == *"$WORK/srv/files"*missing* ]]
	[ -z "$(docker volume ls -q)" ]
	mkdir "$WORK/srv"
	succeeds restore --in-place --dry-run latest
	[ -z "$(docker volume ls -q)" ]
	[ ! -e "$WORK/srv/files" ]
	# What a volume's driver mounts must be there, as on the first one; else
	# nothing is.
	run --separate-stderr vbackup restore --in-place latest
	[ "$status" -eq 1 ]
	[[ $stderr == *"volume 'shop_media'"*"$WORK/srv/media"* ]]
	[ -z "$(docker volume ls -q)" ]
	[ -z "$(ls -A "$WORK/srv")" ]
	mkdir "$WORK/srv/media"
	succeeds restore --in-place latest

	# Everything is there, and as it was.
	volumes "$TWO" | diff "$WORK/volumes-one" -
	for volume in shop_site shop_mail; do
		"$BUILD/test/unit/compare_trees" \
		    "$ONE/data/volumes/$volume/_data" \
		    "$(data "$TWO" $volume)"
	done
	for directory in files stack; do
		"$BUILD/test/unit/compare_trees" "$WORK/lost/$directory" \
		    "$WORK/srv/$directory"
	done
	[ "$(cat "$WORK/srv/media/one.jpg")" = picture ]
	# The database: as it was while it was at rest.
	db=$(data "$TWO" shop_db)
	[ "$(stat -c '%u:%g %a' "$db" "$db/spool" "$db/rows")" = \
	    "$(stat -c '%u:%g %a' "$ONE"/data/volumes/shop_db/_data{,/spool,/rows})" ]
	[ "$(tail -n 1 "$db/rows")" = "$(cat "$db/count")" ]
	before=$(cat "$db/count")
	[ "$before" -lt "$(cat "$ONE/data/volumes/shop_db/_data/count")" ]
	cmp "$db/rows" <(head -n $((before + 1)) \
	    "$ONE/data/volumes/shop_db/_data/rows")

	# The stack, and its first backup.
	stack_up
	[ "$(get index.html)" = '<h1>shop</h1>' ]
	[ "$(get media/one.jpg)" = picture ]
	eventually 20 has_counted "$before"
	[ "$(docker exec shop-mail-1 cat /mail/inbox/1)" = letter ]
	succeeds run
	succeeds list
	[ "$(wc -l <<<"$output")" -eq 2 ]
	succeeds verify --deep latest
	[ -z "${TRANSCRIPT-}" ] || cp "$WORK/transcript" "$TRANSCRIPT"
}
