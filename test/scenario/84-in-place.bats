#!/usr/bin/env bats
# Volumes and directories get the content of an archive in place of their own,
# whole or not at all, and who uses them comes back.

load common
setup() {
	docker_setup
	JOB='' MOUNTS=()
}
teardown() {
	local mount
	[[ -z $JOB ]] || kill -KILL "$JOB" 2>/dev/null || true
	docker_teardown
	for mount in "${MOUNTS[@]}"; do
		umount "$mount" || umount -l "$mount"
	done
}

LABELS=(-l vbackup.enable=true -l vbackup.stop=true)

volume_dir() { docker volume inspect -f '{{.Mountpoint}}' "$1"; }
ledger_is_empty() { [ -z "$(tail -n +2 "$WORK/lock/vbackup.lock")" ]; }
nothing_beside() { # VOLUME: nothing but its content, and the Engine's own file
	[ "$(ls -A "$(dirname "$(volume_dir "$1")")" | grep -v opts.json)" = \
	    _data ]
}

# One that dies at once when it is stopped.
idle() { # NAME VOLUME ARGUMENT...
	local name=$1 volume=$2
	shift 2
	container "$name" -v "$volume:/data" --stop-signal KILL "$@" busybox \
	    sleep 1000
}

# A volume that a stack's two containers have, and an archive of it. What it
# holds is also in $WORK/want.
stack() { # [SETTING...]
	docker volume create --label com.docker.compose.project=shop \
	    --label com.docker.compose.volume=data shop_data >/dev/null
	idle db shop_data "${LABELS[@]}" \
	    -l com.docker.compose.project=shop \
	    -l com.docker.compose.service=db
	idle web shop_data "${LABELS[@]}" \
	    -l com.docker.compose.project=shop \
	    -l com.docker.compose.service=web \
	    -l com.docker.compose.depends_on=db:service_started:false
	[[ -z ${LARGE-} ]] ||
	    head -c "$LARGE" /dev/urandom >"$(volume_dir shop_data)/large"
	fill "$(volume_dir shop_data)"
	cp -a "$(volume_dir shop_data)" "$WORK/want"
	conf < <(printf '%s\n' "$@")
	vbackup -q run
}

# Of owners, modes, times, links, holes and attributes a bit each.
fill() { # DIRECTORY
	mkdir -p "$1/deep/er"
	echo precious >"$1/deep/er/file"
	ln "$1/deep/er/file" "$1/link"
	ln -s deep/er "$1/symlink"
	truncate -s 1M "$1/hole"
	echo x >>"$1/hole"
	mkfifo "$1/fifo"
	chown 1000:1001 "$1/link" "$1/deep"
	chmod 4751 "$1/link"
	setfattr -n user.a -v b "$1/hole"
	setfacl -m u:77:rw "$1/hole"
	touch -d '2001-02-03 04:05:06.789' "$1/link" "$1/deep/er" "$1/deep"
	chmod 2750 "$1"
	chown 999:998 "$1"
	touch -d '2002-02-03 04:05:06.789' "$1"
}

spoil() { # VOLUME
	local dir
	dir=$(volume_dir "$1")
	rm "$dir/link"
	echo wrong >"$dir/deep/er/file"
	echo more >"$dir/more"
	chmod 700 "$dir"
}

is_as_before() { # VOLUME
	"$BUILD/test/unit/compare_trees" "$WORK/want" "$(volume_dir "$1")"
}

is_spoiled() { # VOLUME
	[[ $(cat "$(volume_dir "$1")/more") == more &&
	    $(cat "$(volume_dir "$1")/deep/er/file") == wrong ]]
}

# --- what it is for ----------------------------------------------------------

@test "a volume that two containers have gets its content back" {
	stack
	spoil shop_data
	idle unlabelled shop_data
	idle other other_data
	off=$(docker create --name off -v shop_data:/data busybox true)
	was=$(started_at other)
	before=$(started_at unlabelled)
	vbackup restore latest --in-place --dry-run >"$WORK/plan"
	grep -F "volume 'shop_data' is exchanged" "$WORK/plan"
	grep -F "container 'unlabelled' rests meanwhile" "$WORK/plan"
	is_spoiled shop_data
	[ "$(started_at unlabelled)" = "$before" ]
	run --separate-stderr vbackup restore latest --in-place
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	is_as_before shop_data
	nothing_beside shop_data
	running db
	running web
	running unlabelled
	[ "$(started_at unlabelled)" != "$before" ]
	[ "$(started_at other)" = "$was" ]
	[ "$(docker inspect -f '{{.State.Status}}' "$off")" = created ]
	[ "$(docker exec unlabelled cat /data/link)" = precious ]
	[ "$(docker exec db cat /data/link)" = precious ]
	[[ $stderr == *"window: "* ]]
	ledger_is_empty
	# And once more, over what is there now.
	vbackup -q restore latest --in-place
	is_as_before shop_data
	nothing_beside shop_data
}

@test "a volume that is missing is made as it was" {
	docker volume create --label a=b --label c= shop_data >/dev/null
	fill "$(volume_dir shop_data)"
	cp -a "$(volume_dir shop_data)" "$WORK/want"
	conf <<<"volumes = shop_data"
	vbackup -q run
	docker volume rm shop_data >/dev/null
	run --separate-stderr vbackup restore latest --in-place
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	is_as_before shop_data
	nothing_beside shop_data
	[ "$(docker volume inspect -f '{{.Driver}} {{json .Labels}}' \
	    shop_data)" = 'local {"a":"b","c":""}' ]
}

@test "what the metadata masks is not made up, and nothing is made" {
	docker volume create plain >/dev/null
	echo x >"$(volume_dir plain)/x"
	conf <<<"volumes = plain"
	vbackup -q run
	archive=$(the_archive)
	docker volume rm plain >/dev/null
	jq '.sources[0].options = {"o": "addr=x,password=***"}' \
	    "$archive.metadata.json" >"$WORK/json"
	cp "$WORK/json" "$archive.metadata.json"
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"volume 'plain'"*"option 'o'"*"make it by hand"* ]]
	[ -z "$(docker volume ls -q)" ]
}

@test "directories, one of them missing, and a volume among them" {
	docker volume create shop_data >/dev/null
	fill "$(volume_dir shop_data)"
	cp -a "$(volume_dir shop_data)" "$WORK/want"
	mkdir "$WORK/gone"
	echo 1 >"$WORK/source/file"
	echo 2 >"$WORK/gone/file"
	chmod 711 "$WORK/gone"
	conf <<-E
		sources = $WORK/source, $WORK/gone
		volumes = shop_data
	E
	vbackup -q run
	spoil shop_data
	echo changed >"$WORK/source/file"
	rm -r "$WORK/gone"
	container bound -v "$WORK/source:/s" --stop-signal KILL busybox \
	    sleep 1000
	before=$(started_at bound)
	run --separate-stderr vbackup restore latest --in-place
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(cat "$WORK/source/file" "$WORK/gone/file")" = $'1\n2' ]
	[ "$(stat -c %a "$WORK/gone")" = 711 ]
	is_as_before shop_data
	running bound
	[ "$(started_at bound)" != "$before" ]
	[ "$(docker exec bound cat /s/file)" = 1 ]
	[ -z "$(ls -A "$WORK" | grep restore)" ]
}

@test "one volume of two, and one under another name" {
	docker volume create one >/dev/null
	docker volume create two >/dev/null
	echo 1 >"$(volume_dir one)/x"
	echo 2 >"$(volume_dir two)/x"
	conf <<<"volumes = one, two"
	vbackup -q run
	for volume in one two; do echo wrong >"$(volume_dir $volume)/x"; done
	vbackup -q restore latest --in-place --volume one
	[ "$(cat "$(volume_dir one)/x")" = 1 ]
	[ "$(cat "$(volume_dir two)/x")" = wrong ]
	vbackup -q restore latest --in-place --volume one=volumes/two
	[ "$(cat "$(volume_dir one)/x")" = 2 ]
	[ "$(cat "$(volume_dir two)/x")" = wrong ]
	run --separate-stderr vbackup restore latest --in-place --volume three
	[ "$status" -ne 0 ]
	[[ $stderr == *three* ]]
	[ "$(cat "$(volume_dir two)/x")" = wrong ]
}

@test "the old content is kept where that is asked for" {
	stack
	spoil shop_data
	run --separate-stderr vbackup restore latest --in-place --keep-old
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	is_as_before shop_data
	kept=$(echo "$(dirname "$(volume_dir shop_data)")"/_data.vbackup-old-*)
	[[ $output == *"$kept"* ]]
	[ "$(cat "$kept/more")" = more ]
	# The next one keeps another.
	vbackup -q restore latest --in-place --keep-old
	[ -d "$kept" ]
	[ "$(ls -d "$(dirname "$kept")"/_data.vbackup-old-* | wc -l)" -eq 2 ]
}

# --- what keeps it from being done -------------------------------------------

untouched() { # STATUS TEXT: a restore fails so, and nobody has noticed
	local db web
	db=$(started_at db) web=$(started_at web)
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq "$1" ]
	[[ $stderr == *"$2"* ]]
	is_spoiled shop_data
	nothing_beside shop_data
	[ "$(started_at db)" = "$db" ]
	[ "$(started_at web)" = "$web" ]
	ledger_is_empty
}

@test "the old content is kept where something did not come out of the archive" {
	docker volume create shop_data >/dev/null
	idle db shop_data "${LABELS[@]}"
	fill "$(volume_dir shop_data)"
	mknod "$(volume_dir shop_data)/null" c 1 3
	conf </dev/null
	vbackup -q run
	spoil shop_data
	run --separate-stderr vbackup restore latest --in-place
	[ "$status" -eq 3 ]
	[[ $stderr == *null*device* ]]
	[ ! -e "$(volume_dir shop_data)/null" ]
	[ "$(cat "$(volume_dir shop_data)/link")" = precious ]
	kept=$(echo "$(dirname "$(volume_dir shop_data)")"/_data.vbackup-old-*)
	[[ $output == *"$kept"* && -c $kept/null ]]
	spoil shop_data
	vbackup -q restore latest --in-place --devices
	[ -c "$(volume_dir shop_data)/null" ]
}

@test "a damaged archive and a wrong passphrase: nobody has noticed" {
	stack "compression = zst" "[seal]" "passphrase = right"
	spoil shop_data
	sed -i 's/^passphrase = .*/passphrase = wrong/' "$CONF"
	untouched 1 passphrase
	sed -i 's/^passphrase = .*/passphrase = right/' "$CONF"
	archive=$(the_archive)
	cp -p "$archive" "$WORK/good"
	printf x | dd of="$archive" bs=1 seek=300 conv=notrunc status=none
	untouched 1 "$(basename "$archive")"
	truncate -s -20 "$archive"
	untouched 1 "$(basename "$archive")"
	cp -p "$WORK/good" "$archive"
	vbackup -q restore latest --in-place
	is_as_before shop_data
}

@test "a full disk: nobody has noticed" {
	docker volume create shop_data >/dev/null
	dir=$(dirname "$(volume_dir shop_data)")
	mount -t tmpfs -o size=3m tmpfs "$dir"
	MOUNTS+=("$dir")
	mkdir "$dir/_data"
	docker volume create small >/dev/null
	idle db shop_data "${LABELS[@]}"
	idle web shop_data "${LABELS[@]}"
	head -c 1M /dev/urandom >"$dir/_data/big"
	conf <<<"volumes = shop_data"
	vbackup -q run
	mkdir "$dir/_data/deep" "$dir/_data/deep/er"
	echo wrong >"$dir/_data/deep/er/file"
	echo more >"$dir/_data/more"
	head -c 500K /dev/urandom >>"$dir/_data/big"
	head -c 700K /dev/urandom >"$dir/_data/bigger"
	sum=$(md5sum <"$dir/_data/big")
	untouched 1 "No space left"
	[ "$(md5sum <"$dir/_data/big")" = "$sum" ]
	rm "$dir/_data/bigger"
	vbackup -q restore latest --in-place
	[ "$(stat -c %s "$dir/_data/big")" -eq 1048576 ]
	running db
}

@test "a container that a stop would remove, and a paused one: exit 2" {
	stack
	spoil shop_data
	container fleeting --rm -v shop_data:/data busybox sleep 1000
	untouched 2 "--rm"
	docker rm -f fleeting >/dev/null
	idle frozen shop_data
	docker pause frozen >/dev/null
	untouched 2 "container 'frozen' is paused"
	docker unpause frozen >/dev/null
	# A file of another job's directory is not in the archive.
	run --separate-stderr vbackup restore latest --in-place --volume \
	    shop_data=volumes/nothing
	[ "$status" -ne 0 ]
	is_spoiled shop_data
}

@test "directories that cannot be exchanged: everything is as it was" {
	mkdir -p "$WORK"/{lower/data,upper,work,merged}
	mount -t overlay -o "lowerdir=$WORK/lower,upperdir=$WORK/upper,workdir=$WORK/work,redirect_dir=off" \
	    overlay "$WORK/merged" || skip "no overlay here"
	MOUNTS+=("$WORK/merged")
	echo 1 >"$WORK/merged/data/x"
	container bound -v "$WORK/merged/data:/s" --stop-signal KILL busybox \
	    sleep 1000
	conf <<<"sources = $WORK/merged/data"
	vbackup -q run
	echo 2 >"$WORK/merged/data/x"
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq 1 ]
	[[ $stderr == *"cannot exchange two directories (restore with --to"* ]]
	[ "$(cat "$WORK/merged/data/x")" = 2 ]
	[ "$(ls -A "$WORK/merged")" = data ]
	running bound
	ledger_is_empty
}

@test "a mount point, and one in a directory, are refused" {
	mkdir -p "$WORK/source/inner"
	echo 1 >"$WORK/source/x"
	conf <<<"sources = $WORK/source"
	vbackup -q run
	mount -t tmpfs tmpfs "$WORK/source/inner"
	MOUNTS=("$WORK/source/inner")
	run --separate-stderr vbackup restore latest --in-place
	[ "$status" -eq 2 ]
	[[ $stderr == *"'$WORK/source/inner' is mounted in it"* ]]
	umount "$WORK/source/inner"
	mount -t tmpfs tmpfs "$WORK/source"
	MOUNTS=("$WORK/source")
	run --separate-stderr vbackup restore latest --in-place
	[ "$status" -eq 2 ]
	[[ $stderr == *"is a mount point"* ]]
	[ -z "$(ls -A "$WORK/source")" ]
}

@test "a directory that holds the archives is refused, without an Engine too" {
	unset DOCKER_HOST
	mkdir "$WORK/source/store"
	echo 1 >"$WORK/source/x"
	ARCHIVE=$WORK/source/store
	conf <<<"sources = $WORK/source"
	vbackup -q run
	echo 2 >"$WORK/source/x"
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"'$ARCHIVE' in it is where archives are kept"* ]]
	[ "$(cat "$WORK/source/x")" = 2 ]
	the_archive
	mv "$ARCHIVE" "$WORK/store"
	sed -i "s,^path = .*,path = $WORK/store," "$CONF"
	vbackup -q restore latest --in-place
	[ "$(cat "$WORK/source/x")" = 1 ]
	[ -z "$(ls -A "$WORK" | grep restore)" ]
}

# --- through the Engine ------------------------------------------------------

mounted_volume() {
	mkdir -p "$WORK/device"
	docker volume create -o type=none -o o=bind \
	    -o device="$WORK/device" mounted >/dev/null
}

@test "a volume that is mounted on use is filled through the Engine" {
	mounted_volume
	fill "$WORK/device"
	cp -a "$WORK/device" "$WORK/want"
	idle user mounted
	conf <<<"volumes = mounted"
	vbackup -q run
	# Not empty: nothing is touched.
	was=$(started_at user)
	echo more >"$WORK/device/more"
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"is not empty"* ]]
	[ "$(started_at user)" = "$was" ]
	# Emptied, it is as it was.
	find "$WORK/device" -mindepth 1 -delete
	chmod 700 "$WORK/device"
	chown 0:0 "$WORK/device"
	run --separate-stderr vbackup restore latest --in-place
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	# The Engine writes holes out.
	run "$BUILD/test/unit/compare_trees" "$WORK/want" "$WORK/device"
	echo "$output"
	[ -z "$(grep -v '^hole: blocks' <<<"$output")" ]
	running user
	[ "$(started_at user)" != "$was" ]
	[ "$(docker exec user cat /data/link)" = precious ]
	[ "$(docker ps -aq | wc -l)" -eq 1 ]
	# With overwrite files are replaced, and others stay.
	echo wrong >"$WORK/device/deep/er/file"
	echo more >"$WORK/device/more"
	vbackup -q restore latest --in-place --overwrite
	[ "$(cat "$WORK/device/deep/er/file" "$WORK/device/more")" = \
	    $'precious\nmore' ]
	ledger_is_empty
}

@test "one that is missing is made with its options, and filled" {
	mounted_volume
	echo x >"$WORK/device/x"
	conf <<<"volumes = mounted"
	vbackup -q run
	docker volume rm mounted >/dev/null
	rm "$WORK/device/x"
	vbackup -q restore latest --in-place
	[ "$(cat "$WORK/device/x")" = x ]
	[ "$(docker volume inspect -f '{{.Options.o}} {{.Options.device}}' \
	    mounted)" = "bind $WORK/device" ]
	[ -z "$(docker ps -aq)" ]
	# What it is a directory of is not empty any more: it is not left.
	docker volume rm mounted >/dev/null
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq 1 ]
	[[ $stderr == *"is not empty"* ]]
	[ -z "$(docker volume ls -q)" ]
	[ "$(cat "$WORK/device/x")" = x ]
}

@test "a disk that is full behind the Engine is told as not complete" {
	mounted_volume
	mount -t tmpfs -o size=1m tmpfs "$WORK/device"
	MOUNTS+=("$WORK/device")
	idle user mounted
	head -c 900K /dev/urandom >"$WORK/device/x"
	conf <<<"volumes = mounted"
	vbackup -q run
	rm "$WORK/device/x"
	mount -o remount,size=500k "$WORK/device"
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq 1 ]
	[[ $stderr == *"volume 'mounted' is not complete"* ]]
	running user
	ledger_is_empty
	[ "$(docker ps -aq | wc -l)" -eq 1 ]
}

@test "a tmpfs volume cannot keep what is put there: exit 2" {
	docker volume create -o type=tmpfs -o device=tmpfs fleeting >/dev/null
	idle user fleeting
	docker exec user sh -c 'echo x >/data/x'
	conf <<<"volumes = fleeting"
	vbackup -q run
	run --separate-stderr vbackup restore latest --in-place
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"volume 'fleeting' is a tmpfs"* ]]
	[ "$(docker exec user cat /data/x)" = x ]
}

# --- signals -----------------------------------------------------------------

# JOB is vbackup itself.
begin_restore() {
	env -i PATH="$PATH" XDG_RUNTIME_DIR="$WORK" "$VBACKUP" -c "$CONF" \
	    restore latest --in-place >"$WORK/log" 2>&1 3>&- &
	JOB=$!
}

@test "interrupted while it is extracted: exit 5, everything as it was" {
	LARGE=60M
	stack
	spoil shop_data
	db=$(started_at db)
	dir=$(dirname "$(volume_dir shop_data)")
	begin_restore
	until [[ -d $dir/.vbackup-restore ]]; do
		kill -0 "$JOB"
	done
	kill -TERM "$JOB"
	status=0
	wait "$JOB" || status=$?
	JOB=''
	cat "$WORK/log"
	[ "$status" -eq 5 ]
	is_spoiled shop_data
	nothing_beside shop_data
	[ "$(started_at db)" = "$db" ]
	ledger_is_empty
}

@test "interrupted while a container is being stopped: all are back" {
	docker volume create shop_data >/dev/null
	container slow -v shop_data:/data --stop-timeout 30 busybox sh -c '
		trap "echo asked >/data/asked; sleep 2; exit 0" TERM
		while :; do sleep 0.1; done'
	idle quick shop_data
	echo 1 >"$(volume_dir shop_data)/x"
	conf <<<"volumes = shop_data"
	vbackup -q run
	echo 2 >"$(volume_dir shop_data)/x"
	begin_restore
	eventually 20 test -e "$(volume_dir shop_data)/asked"
	kill -TERM "$JOB"
	status=0
	wait "$JOB" || status=$?
	JOB=''
	cat "$WORK/log"
	[ "$status" -eq 5 ]
	[ "$(cat "$(volume_dir shop_data)/x")" = 2 ]
	nothing_beside shop_data
	running slow
	running quick
	ledger_is_empty
}
