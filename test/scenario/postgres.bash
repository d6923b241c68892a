# postgres.bash: a real PostgreSQL in a container, for the scenarios.
#
#     load postgres           (in a .bats file, after common)
#     setup_file() { postgres_require; }
#     setup() { docker_setup; image_postgres; }
#
# The image is made of this machine's packages; as the well-known one it runs
# as the user 999, makes its cluster in /var/lib/postgresql/data if there is
# none, and is stopped by SIGINT. It never changes owner or mode of a directory that
# is there: a server that starts has found them as it must have them. A second
# directory of its own, /tablespace, is for a table space.

POSTGRES_START_S=60
POSTGRES_DATA=/var/lib/postgresql/data

# postgres_require: skip the test, or the file, where the image cannot be made.
postgres_require() {
	local why
	if why=$(postgres_lacks); then
		skip "no PostgreSQL: $why"
	fi
}

# postgres_lacks: print why there can be none; fails if there can be.
postgres_lacks() {
	local program
	for program in postgres initdb psql pg_dumpall; do
		if [[ -z $(postgres_home) || ! -x $(postgres_home)/bin/$program ]]
		then
			echo "no $program"
			return 0
		fi
	done
	return 1
}

# The newest one.
postgres_home() {
	find /usr/lib/postgresql -mindepth 1 -maxdepth 1 2>/dev/null |
	    sort -V | tail -n 1
}

# image_postgres: give the Engine of DOCKER_HOST an image `postgres`, once.
image_postgres() {
	local root rc=0
	if docker image inspect postgres >/dev/null 2>&1; then
		return 0
	fi
	root=$(mktemp -d)
	image_root "$root" && postgres_root "$root" && tar -C "$root" -c . |
	    docker import -c 'USER postgres' -c "ENV PGDATA=$POSTGRES_DATA" \
	        -c "ENV PATH=/bin:$(postgres_home)/bin" -c 'ENV TZ=UTC' \
	        -c 'ENTRYPOINT ["/entry"]' \
	        - postgres >/dev/null || rc=1
	rm -rf "$root"
	return $rc
}

# postgres_root DIR: programs, modules (but not the compiler), the files that
# they read, and all libraries that those need.
postgres_root() {
	local root=$1 home share library
	home=$(postgres_home)
	share=/usr/share/postgresql/${home##*/}
	cp --parents -r "$home/bin" "$share" /usr/share/zoneinfo/UTC "$root"
	cp --parents "$home"/lib/{plpgsql,dict_snowball}.so "$root"
	for library in $(ldd "$home"/bin/* \
	    "$home"/lib/{plpgsql,dict_snowball}.so |
	    grep -o '/[^ ]*' | grep -v :$ | sort -u); do
		mkdir -p "$root$(dirname "$library")"
		cp -L "$library" "$root$library"
	done
	echo 'postgres:x:999:999::/:/bin/sh' >>"$root/etc/passwd"
	echo 'postgres:x:999:' >>"$root/etc/group"
	chmod 1777 "$root/tmp"
	mkdir -p "$root$POSTGRES_DATA" "$root/tablespace"
	chmod 700 "$root$POSTGRES_DATA" "$root/tablespace"
	chown 999:999 "$root$POSTGRES_DATA" "$root/tablespace"
	cat >"$root/entry" <<-'E'
		#!/bin/sh
		set -e
		[ -s "$PGDATA/PG_VERSION" ] ||
		    initdb -N -k -A trust -E UTF8 --locale=C \
		        --wal-segsize=1 >/dev/null
		exec postgres -c jit=off -c listen_addresses= \
		    -c unix_socket_directories=/tmp "$@"
	E
	chmod 755 "$root/entry"
}

# postgres NAME ARGUMENT...: a container with the volumes NAME-data and
# NAME-space, which takes queries when this returns; where POSTGRES_FROM is set
# it stands for "NAME-", and may be the beginning of a path.
postgres() {
	local name=$1
	shift
	local from=${POSTGRES_FROM:-$name-}
	container "$name" --stop-signal INT -v "${from}data:$POSTGRES_DATA" \
	    -v "${from}space:/tablespace" "$@" postgres
	eventually "$POSTGRES_START_S" postgres_answers "$name"
}

postgres_answers() { [[ $(query "$1" 'SELECT 1' 2>/dev/null) == 1 ]]; }

# query NAME SQL...: each as a transaction of its own; rows as plain lines.
query() {
	local name=$1 sql words=()
	shift
	for sql; do words+=(-c "$sql"); done
	docker exec "$name" psql -h /tmp -U postgres -XAtq \
	    -v ON_ERROR_STOP=1 "${words[@]}"
}
