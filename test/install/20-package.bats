#!/usr/bin/env bats
# The Debian package: built, looked at, installed into a fresh Debian, used,
# removed and purged there. The tests follow one another.

bats_require_minimum_version 1.5.0

# mmdebstrap and the build need minutes: side by side, and once.
setup_file() {
	local why
	export WORK=$BATS_FILE_TMPDIR/work ROOT=$BATS_FILE_TMPDIR/debian LC_ALL=C
	export LACKS=
	mkdir "$WORK"
	LACKS=$(lacks) || return 0
	make_debian >"$WORK/debian.log" 2>&1 3>&- &
	local debian=$!
	DEB_BUILD_OPTIONS='nocheck noautodbgsym parallel=2' \
	    "$BATS_TEST_DIRNAME/../../scripts/deb" "$WORK" \
	    >"$WORK/build.log" 2>&1 3>&- || echo $? >"$WORK/build.failed"
	wait "$debian" || LACKS="mmdebstrap: $(tail -n 2 "$WORK/debian.log")"
}

# Fails if something is missing, and prints what.
lacks() {
	local tool
	[[ $(id -u) -eq 0 ]] || { echo "not root"; return 1; }
	for tool in dpkg-buildpackage dh lintian mmdebstrap chroot unshare; do
		command -v "$tool" >/dev/null || { echo "no $tool"; return 1; }
	done
}

# From where this machine's packages come.
make_debian() {
	apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' \
	    'Created-By: Packages' 'Origin: Debian' >"$WORK/sources"
	[ -s "$WORK/sources" ] || { echo "apt has no sources"; return 1; }
	# It keeps its lists of packages: the package's own need is in them.
	mmdebstrap --mode=root --variant=apt --skip=cleanup/apt \
	    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$ROOT" \
	    "$WORK/sources"
}

teardown_file() {
	rm -rf --one-file-system "$BATS_FILE_TMPDIR/debian"
}

setup() {
	export DEBIAN_FRONTEND=noninteractive
}

needs_debian() {
	[[ -z $LACKS ]] || skip "$LACKS"
	[ -x "$ROOT/usr/bin/dpkg" ]
}

# With a /proc of its own; whatever it leaves running ends with it, and nothing
# stays mounted.
in_debian() {
	unshare --mount --propagation private --pid --fork --kill-child sh -c '
		mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' \
	    "$ROOT" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
	    DEBIAN_FRONTEND=noninteractive \
	    ${http_proxy:+http_proxy="$http_proxy"} "$@"
}

@test "the package is built" {
	[[ -z $LACKS || $LACKS == mmdebstrap:* ]] || skip "$LACKS"
	tail -n 30 "$WORK/build.log"
	[ ! -e "$WORK/build.failed" ]
	version=$(dpkg-deb -f "$WORK"/vbackup_*.deb Version)
	# That of the program, and what it says of itself.
	grep -q "version: '$version'" "$BATS_TEST_DIRNAME/../../meson.build"
	# The tree is as it was.
	[ ! -e "$BATS_TEST_DIRNAME/../../debian" ]
}

@test "lintian has neither errors nor warnings" {
	[[ -z $LACKS || $LACKS == mmdebstrap:* ]] || skip "$LACKS"
	run lintian --allow-root --fail-on error,warning "$WORK"/vbackup_*.changes
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "it installs into a fresh Debian, and starts nothing" {
	needs_debian
	cp "$WORK"/vbackup_*.deb "$ROOT/tmp/vbackup.deb"
	# What tools of the base system make when they run first is not ours.
	in_debian apt-get install -y -q gpg gpg-agent ca-certificates
	(cd "$ROOT" && find . -path ./proc -prune -o -print | sort) \
	    >"$WORK/before"
	in_debian apt-get install -y -q /tmp/vbackup.deb
	in_debian vbackup version
	[ -d "$ROOT/etc/vbackup/conf.d" ]
	[ -z "$(find "$ROOT/etc/vbackup" -type f)" ]
	[ -f "$ROOT/lib/systemd/system/vbackup.timer" ]
	[ -z "$(find "$ROOT/etc/systemd" -name 'vbackup*')" ]
	[ -f "$ROOT/usr/share/zsh/vendor-completions/_vbackup" ]
	# Without a configuration it says so, and does not say that all is well.
	run in_debian vbackup run
	[ "$status" -eq 2 ]
	[[ $output == *"nothing was touched"* ]]
}

@test "it takes a sealed backup there, and verifies it" {
	needs_debian
	[ -x "$ROOT/usr/bin/vbackup" ]
	mkdir "$ROOT/backups" "$ROOT/srv/site"
	echo hello >"$ROOT/srv/site/page"
	echo secret >"$ROOT/etc/vbackup/passphrase"
	cat >"$ROOT/etc/vbackup/vbackup.conf" <<-'E'
		[archive]
		path = /backups
		[backup]
		sources = /srv/site
		[seal]
		passphrase_file = /etc/vbackup/passphrase
		[docker]
		host = none
	E
	in_debian vbackup -q run
	in_debian vbackup verify --deep
	in_debian vbackup status
	in_debian vbackup check
	in_debian gpg --version >/dev/null
	[ "$(in_debian sh -c 'gpg --batch -q --pinentry-mode loopback \
	    --passphrase-file /etc/vbackup/passphrase -d /backups/*.gpg |
	    tar -xzO srv/site/page')" = hello ]
	in_debian bash -c '
		source /usr/share/bash-completion/completions/vbackup
		COMP_LINE="vbackup rec" COMP_POINT=11 COMP_CWORD=1
		COMP_WORDS=(vbackup rec)
		_vbackup
		[ "${COMPREPLY[*]}" = recover ]'
}

@test "the units in the package are as systemd wants them" {
	needs_debian
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	grep -q '^ExecStart=/usr/bin/vbackup run$' \
	    "$ROOT/lib/systemd/system/vbackup.service"
	mkdir "$WORK/units"
	cp "$ROOT"/lib/systemd/system/vbackup* "$WORK/units"
	sed -i "s,=/usr/bin/vbackup,=$ROOT/usr/bin/vbackup," "$WORK"/units/*
	run systemd-analyze verify --man=no "$WORK"/units/vbackup*
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"$WORK/units"* && $output != *vbackup*: ]]
}

@test "a removal leaves settings and archives, and so does a purge" {
	needs_debian
	[ -x "$ROOT/usr/bin/vbackup" ]
	in_debian apt-get remove -y -q vbackup
	[ ! -e "$ROOT/usr/bin/vbackup" ]
	[ -f "$ROOT/etc/vbackup/vbackup.conf" ]
	in_debian apt-get install -y -q /tmp/vbackup.deb
	in_debian vbackup -q run
	in_debian apt-get purge -y -q vbackup
	[ -f "$ROOT/etc/vbackup/passphrase" ]
	[ "$(find "$ROOT/backups" -name '*.gpg' | wc -l)" -eq 2 ]
	[ ! -e "$ROOT/run/vbackup" ]
}

@test "a purge leaves nothing of the package" {
	needs_debian
	rm -r "$ROOT/etc/vbackup" "$ROOT/backups" "$ROOT/srv/site"
	in_debian apt-get install -y -q /tmp/vbackup.deb
	in_debian apt-get purge -y -q vbackup
	in_debian apt-get autoremove -y -q --purge
	(cd "$ROOT" && find . -path ./proc -prune -o -print | sort) \
	    >"$WORK/after"
	run comm -13 "$WORK/before" "$WORK/after"
	echo "$output"
	[[ $output != *vbackup* ]]
}
