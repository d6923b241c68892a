#!/usr/bin/env bats
# Retention: what goes, and above all what stays.

load common
setup() {
	common_setup
	echo x >"$WORK/source/file"
}

# Archives of so many days ago, at noon, with their metadata.
old() { # DAYS...
	local days name
	for days; do
		name=backup-$(date -d "$days days ago" +%Y-%m-%dT12-00-00).tar.gz
		echo old >"$ARCHIVE/$name"
		echo '{"version":1,"name":"'"$name"'"}' >\
		    "$ARCHIVE/$name.metadata.json"
	done
}

count() { find "$ARCHIVE" -name 'backup-*.tar.gz' | wc -l; }

@test "old archives go with their metadata, after the new one is stored" {
	old 3 9 10 30
	conf <<-E
		sources = $WORK/source
		[retention]
		days = 7
	E
	run --separate-stderr vbackup run
	[ "$status" -eq 0 ]
	[ "$(count)" -eq 2 ]
	[ "$(find "$ARCHIVE" -name '*.metadata.json' | wc -l)" -eq 2 ]
}

@test "foreign files, directories, symlinks and neighbours stay" {
	old 30 40
	mkdir "$ARCHIVE/backup-2020-01-01T00-00-00.tar.gz"
	ln -s /etc/passwd "$ARCHIVE/backup-2020-01-02T00-00-00.tar.gz"
	touch -d '1 year ago' "$ARCHIVE/notes.txt" \
	    "$ARCHIVE/backup2-2020-01-01T00-00-00.tar.gz" \
	    "$ARCHIVE/backup-2020-13-01T00-00-00.tar.gz" \
	    "$ARCHIVE/backup-2020-01-01.tar.gz" "$ARCHIVE/.hidden"
	conf <<-E
		sources = $WORK/source
		[retention]
		days = 7
	E
	vbackup -q run
	[ "$(find "$ARCHIVE" -maxdepth 1 -type f -name 'backup-*T12-00-00*' |
	    wc -l)" -eq 0 ]
	for kept in backup-2020-01-01T00-00-00.tar.gz notes.txt .hidden \
	    backup2-2020-01-01T00-00-00.tar.gz backup-2020-01-01.tar.gz \
	    backup-2020-13-01T00-00-00.tar.gz; do
		[ -e "$ARCHIVE/$kept" ]
	done
	[ -L "$ARCHIVE/backup-2020-01-02T00-00-00.tar.gz" ]
}

@test "all or nothing: where every candidate would go, none does" {
	old 30 40
	conf <<-E
		sources = $WORK/source
		[retention]
		days = 7
	E
	run --separate-stderr vbackup prune
	[ "$status" -eq 0 ]
	[ "$(grep -c warning <<<"$stderr")" -eq 2 ]
	[ "$(count)" -eq 2 ]
}

@test "no new archive, no pruning" {
	old 1 30
	rm "$WORK/source/file"
	conf <<-E
		sources = $WORK/source
		[retention]
		days = 7
	E
	run vbackup run
	[ "$status" -eq 1 ]
	[ "$(count)" -eq 2 ]
}

@test "prune alone says what went, a dry run what would go" {
	old 1 30 40
	conf <<-E
		sources = $WORK/source
		[retention]
		days = 7
	E
	run --separate-stderr vbackup prune --dry-run
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$(count)" -eq 3 ]
	dry=$output
	run --separate-stderr vbackup prune
	[ "$status" -eq 0 ]
	[ "$output" = "$dry" ]
	[ "$(count)" -eq 1 ]
	run --separate-stderr vbackup prune
	[ -z "$output" ]
}

@test "keep rules, and a store that is not pruned" {
	old 0 1 2 3 4 5 6 7
	conf <<-E
		sources = $WORK/source
		[retention]
		keep = last=2, weekly=1
		min_keep = 3
	E
	vbackup -q prune
	[ "$(count)" -eq 3 ]
	old 4 5 6 7
	sed -i "s,^path = .*,&\nprune = no," "$CONF"
	vbackup -q prune
	[ "$(count)" -eq 7 ]
	conf <<-E
		sources = $WORK/source
		[retention]
		keep = lst=2
	E
	run vbackup prune
	[ "$status" -eq 2 ]
	[[ $output == *lst* ]]
}

@test "a prefix widens the candidates, and is not a pattern" {
	old 1
	touch -d '1 year ago' "$ARCHIVE/backup-other" "$ARCHIVE/backup*x" \
	    "$ARCHIVE/other"
	conf <<<"sources = $WORK/source"
	ENVIRONMENT=(BACKUP_RETENTION_DAYS=7 'BACKUP_PRUNING_PREFIX=backup*')
	vbackup -q run
	[ -e "$ARCHIVE/backup-other" ]
	ENVIRONMENT=(BACKUP_RETENTION_DAYS=7 BACKUP_PRUNING_PREFIX=backup-)
	vbackup -q prune
	[ ! -e "$ARCHIVE/backup-other" ]
	[ -e "$ARCHIVE/backup*x" ]
	[ -e "$ARCHIVE/other" ]
	ENVIRONMENT=(BACKUP_RETENTION_DAYS=7 BACKUP_PRUNING_PREFIX=backup
	    BACKUP_SKIP_BACKENDS_FROM_PRUNE=S3,local)
	vbackup -q prune
	[ -e "$ARCHIVE/backup*x" ]
}
