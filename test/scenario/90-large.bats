#!/usr/bin/env bats
# Large inputs; last, because they take time.

load common
setup() { common_setup; }

# The program's peak memory in MiB, its children included, by GNU time's
# method: getrusage.
peak_mib() {
	python3 -c 'import resource,subprocess,sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"
}

@test "a 10 GiB sparse file stays sparse, in the archive and restored" {
	truncate -s 10G "$WORK/source/sparse"
	printf start | dd of="$WORK/source/sparse" conv=notrunc status=none
	printf middle | dd of="$WORK/source/sparse" bs=1M seek=5000 \
	    conv=notrunc status=none
	conf <<-E
		sources = $WORK/source
		compression = none
	E
	vbackup -q run
	[ "$(stat -c %s "$(the_archive)")" -lt 1000000 ]
	for tool in restore restore_bsd; do
		rm -rf "$WORK/out"
		$tool "$(the_archive)" "$WORK/out"
		copy=$WORK/out$WORK/source/sparse
		[ "$(stat -c %s "$copy")" = 10737418240 ]
		[ "$(stat -c %b "$copy")" -lt 2000 ]
		[ "$(head -c 5 "$copy")" = start ]
		[ "$(dd if="$copy" bs=1M skip=5000 count=1 status=none |
		    head -c 6)" = middle ]
	done
}

@test "100,000 small files in bounded memory, all of them" {
	python3 - "$WORK/source" <<-'E'
		import os, sys
		for d in range(100):
		    path = os.path.join(sys.argv[1], 'd%d' % d)
		    os.mkdir(path)
		    for f in range(1000):
		        with open(os.path.join(path, 'f%d' % f), 'w') as out:
		            out.write('%d/%d\n' % (d, f) * (f % 50))
	E
	conf <<<"sources = $WORK/source"
	peak=$(peak_mib env -i PATH="$PATH" "$VBACKUP" -c "$CONF" -q run)
	[ "$(tar -tf "$(the_archive)" | wc -l)" = 100101 ]
	[ "$(metadata .files)" = 100000 ]
	restore "$(the_archive)" "$WORK/out"
	diff -r "$WORK/source" "$WORK/out$WORK/source"
	# A sanitizer multiplies it; the release build is what counts.
	if ! grep -q __asan_init "$VBACKUP"; then
		[ "$peak" -lt 96 ]
	fi
}

@test "a file over 8 GiB keeps its size and its last byte" {
	truncate -s 9G "$WORK/source/big"
	# No holes as far as the file system knows: every byte is read.
	fallocate -l 9G "$WORK/source/big" 2>/dev/null ||
	    skip "the file system cannot fallocate, or is too small"
	printf end | dd of="$WORK/source/big" bs=1 seek=9663676413 \
	    conv=notrunc status=none
	conf <<-E
		sources = $WORK/source
		filename = big.tar.zst
	E
	vbackup -q run
	[ "$(tar -tvf "$(the_archive)" | awk '/big$/ { print $3 }')" = \
	    9663676416 ]
	[ "$(tar -xOf "$(the_archive)" | tail -c 3)" = end ]
}
