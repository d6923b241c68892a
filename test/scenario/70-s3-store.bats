#!/usr/bin/env bats
# The S3 store by itself (test/unit/s3_tool.c), against a real server.

bats_require_minimum_version 1.5.0
load s3

setup_file() {
	: "${BUILD:?its build directory}"
	s3_require
	export S3_DIR
	S3_DIR=$(mktemp -d /tmp/vbackup-s3.XXXXXX)
	s3_start "$S3_DIR"
	head -c 20971521 /dev/urandom >"$S3_DIR/20M"
	s3 mb s3://bucket
}

teardown_file() {
	[[ -n ${S3_DIR-} ]] || return 0
	s3_stop "$S3_DIR"
	rm -rf --one-file-system "$S3_DIR"
}

setup() {
	export LC_ALL=C.UTF-8 S3_BUCKET=bucket S3_PROTO=http S3_PART_MIB=5
	# A directory of its own for each test, with a neighbour that begins
	# with its name.
	export S3_PATH=t$BATS_TEST_NUMBER
	WORK=$BATS_TEST_TMPDIR
	CA=$S3_CA
	unset S3_CA http_proxy https_proxy no_proxy
	FILE=$S3_DIR/20M
}

tool() {
	"$BUILD/test/unit/s3_tool" "$@"
}

# begin SECONDS ARGUMENT...: so long, in the background; $pid is its number.
begin() {
	S3_RATE=5000000 "$BUILD/test/unit/s3_tool" "${@:2}" 3>&- &
	pid=$!
	sleep "$1"
}

# same NAME FILE: another client reads what was put.
same() {
	s3 get --force "s3://$S3_BUCKET/$S3_PATH/$1" "$WORK/got"
	cmp "$WORK/got" "$2"
}

unfinished() {
	s3cmd -c "$S3_CONFIG" multipart s3://bucket | grep -F "$S3_PATH/"
}

@test "archives of all sizes arrive, and another client reads them" {
	local n
	for n in 0 1 5242879 5242880 5242881 10485760; do
		head -c $n "$FILE" >"$WORK/file"
		tool put "of $n" "$WORK/file"
		same "of $n" "$WORK/file"
	done
	tool put large "$FILE"
	same large "$FILE"
	[ "$(tool list | wc -l)" = 7 ]
	[ -z "$(unfinished)" ]
}

@test "an object that is there is not overwritten, unless that is asked" {
	echo one >"$WORK/one"
	tool put name "$WORK/one"
	run --separate-stderr tool put name "$FILE"
	[ "$status" -eq 17 ]
	[[ $stderr == *"an object of that name is there"* ]]
	same name "$WORK/one"
	tool replace name "$FILE"
	same name "$FILE"
}

@test "any name works, in one part and in many, and can be removed" {
	local name names=('a b' 'a+b' 'a%20b' 'ä ö' "&<c>\"d'" 'a?b#c' \
	    '~x!*()' $'e\xcc\x81')
	head -c 5242881 "$FILE" >"$WORK/parts"
	echo x >"$WORK/one"
	export S3_PATH="t p+%/ü"
	for name in "${names[@]}"; do
		tool put "$name" "$WORK/one"
		tool put "m$name" "$WORK/parts"
		[ "$(tool has "$name")" = yes ]
	done
	[ "$(tool list | sed 's/^[0-9]* //' | sort)" = "$(
		printf '%s\n' "${names[@]}" "${names[@]/#/m}" | sort)" ]
	[ -z "$(tool remove "${names[@]}" "${names[@]/#/m}")" ]
	[ -z "$(tool list)" ]
}

@test "neighbours and what lies deeper are not listed" {
	echo x >"$WORK/one"
	tool put mine "$WORK/one"
	S3_PATH=${S3_PATH}2 tool put other "$WORK/one"
	S3_PATH=$S3_PATH/deep tool put other "$WORK/one"
	s3 put "$WORK/one" "s3://bucket/$S3_PATH/.hidden"
	[ "$(tool list)" = "2 mine" ]
	S3_PATH=${S3_PATH}2
	[ "$(tool list)" = "2 other" ]
}

@test "2,500 objects are listed and removed" {
	tool fill "name +" 2500
	[ "$(tool list | wc -l)" = 2500 ]
	[ -z "$(tool list | sed 's/^2 //' | tool remove -)" ]
	[ -z "$(tool list)" ]
}

@test "https needs our CA, beside the system's" {
	export S3_PROTO=https S3_HOST=$S3_TLS_HOST S3_RETRY=1
	run --separate-stderr tool check
	[ "$status" -eq 19 ]
	S3_CA=$CA tool put file "$FILE"
	S3_CA=$(<"$CA") tool check
	S3_INSECURE=1 tool check
	same file "$FILE"
}

@test "virtual-host style" {
	S3_STYLE=virtual S3_HOST=$S3_DOMAIN:${S3_HOST##*:} tool check
}

@test "reasons are said" {
	S3_SECRET_KEY=wrong run --separate-stderr tool check
	[ "$status" -eq 20 ]
	[[ $stderr == *SignatureDoesNotMatch*"secret key"* ]]
	S3_ACCESS_KEY=nobody run --separate-stderr tool check
	[[ $stderr == *InvalidAccessKeyId* ]]
	S3_BUCKET=nobucket run --separate-stderr tool check
	[ "$status" -eq 16 ]
	[[ $stderr == *"there is no such bucket"* ]]
	S3_SKEW=90000 S3_AHEAD=90000 run --separate-stderr tool check
	[[ $stderr == *RequestTimeTooSkewed*"clock is 25h00m ahead"* ]]
	S3_BUCKET=nobucket run --separate-stderr tool put x "$FILE"
	[ "$status" -eq 16 ]
	S3_HOST=127.0.0.1:1 S3_RETRY=1 run --separate-stderr tool check
	[ "$status" -eq 18 ]
	http_proxy=http://127.0.0.1:1 S3_RETRY=1 run tool check
	[ "$status" -eq 18 ]
}

@test "class, encryption and metadata are kept" {
	local info
	export S3_CLASS=STANDARD_IA
	S3_METADATA='job=1,job-name=b  c,job2=x' tool put file "$FILE"
	info=$(s3cmd -c "$S3_CONFIG" info "s3://bucket/$S3_PATH/file")
	grep -q 'Storage: *STANDARD_IA' <<<"$info"
	grep -q 'x-amz-meta-job: 1' <<<"$info"
	grep -q 'x-amz-meta-job-name: b  c' <<<"$info"
	# The server has no key of that name, but it must take the signature.
	S3_ENCRYPTION=aws:kms S3_ENCRYPTION_KEY=k run --separate-stderr \
	    tool put secret "$FILE"
	[[ $stderr != *Signature* ]]
}

@test "an archive that breaks off leaves nothing" {
	run tool put-broken file "$FILE"
	[ "$status" -eq 24 ]
	[ -z "$(tool list)" ]
	[ -z "$(unfinished)" ]
}

@test "a spool in memory need not hold more than its window" {
	S3_PART_MIB=8 S3_WINDOW=10000000 tool put small "$FILE"
	same small "$FILE"
	S3_PART_MIB=8 S3_WINDOW=41943040 tool put larger "$FILE"
	same larger "$FILE"
}

@test "SIGTERM aborts an upload; what SIGKILL leaves is swept a day later" {
	local rc=0 pid
	begin 2 put file "$FILE"
	kill -TERM $pid
	wait $pid || rc=$?
	[ "$rc" -eq 26 ]
	[ -z "$(unfinished)" ]
	begin 2 put file "$FILE"
	kill -KILL $pid
	wait $pid || true
	[ -n "$(unfinished)" ]
	[ "$(tool sweep file)" = 0 ]
	[ "$(S3_AHEAD=90000 tool sweep other)" = 0 ]
	[ "$(S3_AHEAD=90000 tool sweep file)" = 1 ]
	[ -z "$(unfinished)" ]
}
