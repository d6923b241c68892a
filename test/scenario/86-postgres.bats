#!/usr/bin/env bats
# A database that was backed up while it ran comes back: a real PostgreSQL
# starts on what was restored, and has exactly the rows of that time.

load common
load s3
load postgres

setup_file() {
	export S3_DIR=
	dockerd_require
	postgres_require
	s3_require
	S3_DIR=$(mktemp -d /tmp/vbackup-s3.XXXXXX)
	s3_start "$S3_DIR"
	s3 mb s3://database
}

teardown_file() {
	[[ -n ${S3_DIR-} ]] || return 0
	# Others count on there being none but busybox.
	docker -H "$DOCKER_HOST_TEST" rmi -f postgres >/dev/null 2>&1 || true
	s3_stop "$S3_DIR"
	rm -rf --one-file-system "$S3_DIR"
}

setup() {
	docker_setup
	image_postgres
}

teardown() { docker_teardown; }

# Sealed, to a directory and to S3.
database_conf() {
	conf <<-E
		compression = zst
		[seal]
		passphrase = correct horse
		[s3]
		bucket = database
		path = t$BATS_TEST_NUMBER
		endpoint = ${S3_ENDPOINT#http://}
		proto = http
		access_key_id = $S3_ACCESS_KEY
		secret_access_key = $S3_SECRET_KEY
	E
}

# A database with two tables, one of them in the table space; what was written
# last is in the write-ahead log only.
database() { # NAME ARGUMENT...
	local name=$1
	postgres "$@" -l vbackup.enable=true -l vbackup.stop=true
}

fill() { # NAME
	query "$1" "CREATE TABLESPACE space LOCATION '/tablespace'" \
	    "CREATE TABLE account (id int PRIMARY KEY, owner text)" \
	    "CREATE TABLE entry (id int PRIMARY KEY, cents bigint,
	        note text) TABLESPACE space" \
	    "INSERT INTO account SELECT i, md5('owner' || i)
	        FROM generate_series(1, 20000) i" \
	    "INSERT INTO entry SELECT i, i * 7 % 10007, repeat(md5('' || i), 9)
	        FROM generate_series(1, 20000) i" \
	    CHECKPOINT \
	    "UPDATE account SET owner = 'late' WHERE id % 1000 = 0" \
	    "INSERT INTO entry SELECT i, i, 'late'
	        FROM generate_series(20001, 20500) i"
}

# Rows that must not be there afterwards, and changes to those that must.
go_on() { # NAME
	query "$1" "INSERT INTO account VALUES (99999, 'too late')" \
	    "UPDATE entry SET cents = 0" "DELETE FROM entry WHERE id < 100" \
	    "CREATE TABLE later (id int)" CHECKPOINT
}

# All that there is, in few bytes.
content() { # NAME
	query "$1" "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id))
	    FROM account t" \
	    "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id))
	    FROM entry t" \
	    "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class
	    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
}

# It has the content, every page of it has its checksum, and it can be written.
is_whole() { # NAME CONTENT
	[ "$(content "$1")" = "$2" ]
	docker exec "$1" pg_dumpall -h /tmp -U postgres >"$WORK/dump"
	query "$1" "REINDEX TABLE account" "REINDEX TABLE entry" \
	    "INSERT INTO entry VALUES (100000, 1, 'new')" CHECKPOINT
}

succeeds() { # ARGUMENT...: of vbackup
	run --separate-stderr vbackup "$@"
	echo "status $status: $output $stderr"
	[ "$status" -eq 0 ]
}

log_of() { docker logs "$1" 2>&1; }

lose() { # NAME: the container and its volumes
	docker rm -f "$1" >/dev/null
	docker volume rm "$1-data" "$1-space" >/dev/null
}

@test "container and volumes are gone: restored from a directory and from S3" {
	database db
	fill db
	was=$(content db)
	database_conf
	vbackup -q run
	running db
	go_on db
	lose db
	succeeds restore --in-place latest
	[ "$(docker volume ls -q | sort | tr '\n' ' ')" = "db-data db-space " ]
	database db
	is_whole db "$was"
	# The directory's copy is gone, too.
	lose db
	rm -r "${ARCHIVE:?}"/*
	succeeds restore --in-place latest --volume db-data --volume db-space
	database db
	is_whole db "$was"
}

@test "it runs, with other content: it runs afterwards, with the old rows" {
	# Killed by the stop: the newest rows are in the log only.
	database db --stop-signal QUIT
	fill db
	was=$(content db)
	container other -v other:/data -l vbackup.enable=true \
	    -l vbackup.stop=true --stop-signal KILL busybox \
	    sh -c 'echo x >>/data/x; exec sleep 1000'
	database_conf
	vbackup -q run
	eventually "$POSTGRES_START_S" postgres_answers db
	go_on db
	docker exec other sh -c 'echo mine >/data/x'
	id=$(docker inspect -f '{{.Id}}' db)
	started=$(started_at other)
	since=$(date +%s)
	succeeds restore --in-place latest --volume db-data --volume db-space
	running db
	[ "$(docker inspect -f '{{.Id}}' db)" = "$id" ]
	eventually "$POSTGRES_START_S" postgres_answers db
	docker logs --since "$since" db 2>&1 | grep -q "redo starts"
	is_whole db "$was"
	# Nobody asked for that one.
	[ "$(started_at other)" = "$started" ]
	[ "$(docker exec other cat /data/x)" = mine ]
	# Nothing is left beside them.
	[ "$(docker volume ls -q | wc -l)" -eq 3 ]
	for volume in db-data db-space; do
		dir=$(docker volume inspect -f '{{.Mountpoint}}' $volume)
		[ "$(ls -A "$(dirname "$dir")")" = _data ]
	done
}

@test "paused while it was read: comes up by its write-ahead log" {
	database db -l vbackup.quiesce=pause
	fill db
	was=$(content db)
	started=$(started_at db)
	database_conf
	vbackup -q run
	[ "$(started_at db)" = "$started" ]
	[ "$(metadata '.containers[0].action')" = pause ]
	go_on db
	# It runs: a server that is only paused would keep its old files open.
	succeeds restore --in-place latest
	running db
	[ "$(started_at db)" != "$started" ]
	eventually "$POSTGRES_START_S" postgres_answers db
	log_of db | grep -q "redo starts"
	is_whole db "$was"
	# Another one beside it, on S3's copy in a directory.
	succeeds restore latest --store s3 --to "$WORK/out"
	POSTGRES_FROM=$WORK/out/volumes/db- postgres copy
	log_of copy | grep -q "redo starts"
	is_whole copy "$was"
}
