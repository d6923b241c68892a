# s3.bash: a private S3 server for the scenarios.
#
#     load s3                 (in a .bats file)
#     setup_file() { s3_require && s3_start DIR; }
#     teardown_file() { s3_stop DIR; }
#
# It is Ceph's RADOS Gateway with one monitor and one OSD that keeps everything
# in memory: it checks signatures, and nothing outside DIR is written. It
# listens on 127.0.0.1 only. s3_start exports
#
#     S3_HOST S3_TLS_HOST     "127.0.0.1:port" for http and https
#     S3_ENDPOINT S3_TLS_ENDPOINT   the same as URLs
#     S3_CA                   a file with the certificate that https needs
#     S3_ACCESS_KEY S3_SECRET_KEY S3_REGION S3_DOMAIN
#
# Its processes die with the shell that called s3_start: not by `run`.

S3_START_S=60

# s3_require: skip the test, or the file, where no server can be started.
s3_require() {
	local why
	if why=$(s3_lacks); then
		skip "no S3 server: $why"
	fi
}

# s3_lacks: print why no server can be started here; fails if one can.
s3_lacks() {
	local tool
	for tool in ceph ceph-mon ceph-osd ceph-authtool monmaptool radosgw \
	    radosgw-admin s3cmd jq openssl setsid setpriv
	do
		if ! command -v "$tool" >/dev/null; then
			echo "no $tool"
			return 0
		fi
	done
	return 1
}

# s3_start DIR: start a new, empty server in DIR (absolute, made if it is not
# there), wait until it serves signed requests. Fails with its logs on stderr.
s3_start() {
	local dir=$1 port step
	mkdir -p "$dir/run" "$dir/log" "$dir/mon" "$dir/osd" "$dir/rgw"
	port=$(s3_free_ports)
	export S3_ACCESS_KEY=VBACKUPKEY S3_SECRET_KEY='s3cret/+with=signs'
	export S3_REGION=us-east-1 S3_DOMAIN=s3.localhost
	export S3_HOST=127.0.0.1:$port S3_TLS_HOST=127.0.0.1:$((port + 1))
	export S3_ENDPOINT=http://$S3_HOST S3_TLS_ENDPOINT=https://$S3_TLS_HOST
	export S3_CA=$dir/tls.pem S3_CONFIG=$dir/s3cmd.conf
	for step in s3_write_settings s3_start_cluster s3_make_user \
	    s3_start_gateway s3_wait
	do
		if ! "$step" "$dir" "$port"; then
			echo "S3 server: $step failed" >&2
			tail -n 5 "$dir"/log/* >&2
			s3_stop "$dir"
			return 1
		fi
	done
}

# The first of ten neighbouring ports that nobody listens on.
s3_free_ports() {
	local base i
	while true; do
		base=$((20000 + RANDOM % 10000))
		for ((i = base; i < base + 10; i++)); do
			if (: <"/dev/tcp/127.0.0.1/$i") 2>/dev/null; then
				continue 2
			fi
		done
		echo "$base"
		return
	done
}

s3_write_settings() {
	local dir=$1 port=$2
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 2 -subj "/CN=$S3_DOMAIN" -addext \
	    "subjectAltName=DNS:$S3_DOMAIN,DNS:*.$S3_DOMAIN,IP:127.0.0.1" \
	    -keyout "$dir/tls.key" -out "$dir/tls.pem" 2>"$dir/log/openssl"
	s3_ceph_settings "$dir" "$port" >"$dir/ceph.conf"
	cat >"$S3_CONFIG" <<-E
		[default]
		access_key = $S3_ACCESS_KEY
		secret_key = $S3_SECRET_KEY
		host_base = $S3_HOST
		host_bucket = $S3_HOST
		use_https = False
	E
}

# One copy of everything, no authentication between the parts, no checks that
# a cluster of one cannot pass.
s3_ceph_settings() {
	local dir=$1 port=$2
	cat <<-E
		[global]
		fsid = $(</proc/sys/kernel/random/uuid)
		mon_host = v2:127.0.0.1:$((port + 2))
		public_addr = 127.0.0.1
		cluster_addr = 127.0.0.1
		ms_bind_msgr1 = false
		ms_bind_ipv6 = false
		ms_bind_port_min = $((port + 3))
		ms_bind_port_max = $((port + 9))
		ms_client_mode = crc
		ms_mon_client_mode = crc
		auth_cluster_required = none
		auth_service_required = none
		auth_client_required = none
		run_dir = $dir/run
		admin_socket = $dir/run/\$name.sock
		log_file = $dir/log/\$name
		mon_cluster_log_file = $dir/log/cluster
		crash_dir = $dir/run
		keyring = $dir/keyring
		pid_file =
		osd_crush_chooseleaf_type = 0
		osd_pool_default_size = 1
		osd_pool_default_min_size = 1
		osd_pool_default_pg_num = 8
		osd_pool_default_pgp_num = 8
		osd_pool_default_pg_autoscale_mode = off
		mon_allow_pool_size_one = true
		mon_max_pg_per_osd = 1000
		[mon]
		mon_data = $dir/mon
		mon_data_avail_crit = 1
		mon_data_avail_warn = 2
		paxos_propose_interval = 0.05
		paxos_min_wait = 0.01
		[osd]
		osd_data = $dir/osd
		osd_objectstore = memstore
		memstore_device_bytes = 8589934592
		osd_max_object_name_len = 2048
		osd_class_update_on_start = false
		[client.rgw]
		rgw_data = $dir/rgw
		rgw_dns_name = $S3_DOMAIN
		rgw_frontends = beast endpoint=$S3_HOST ssl_endpoint=$S3_TLS_HOST ssl_certificate=$dir/tls.pem ssl_private_key=$dir/tls.key
		rgw_rados_pool_pg_num_min = 8
		rgw_override_bucket_index_max_shards = 1
		rgw_dynamic_resharding = false
		rgw_crypt_require_ssl = false
		rgw_run_sync_thread = false
		rgw_gc_obj_min_wait = 5
		rgw_gc_processor_period = 10
	E
}

# s3_launch DIR NAME COMMAND...: see dockerd_launch for the descriptors.
s3_launch() {
	local dir=$1 name=$2
	shift 2
	setsid setpriv --pdeathsig TERM "$@" </dev/null \
	    >"$dir/log/$name.out" 2>&1 3>&- 4>&- 5>&- &
	echo $! >"$dir/run/$name.pid"
	disown $!
}

s3_start_cluster() {
	local dir=$1 port=$2 conf=$1/ceph.conf name id
	for name in mon. client.admin client.rgw; do
		ceph-authtool "$dir/keyring" -C --gen-key -n "$name" \
		    --cap mon 'allow *' --cap osd 'allow *'
	done >"$dir/log/keys" 2>&1
	monmaptool -c "$conf" --create --clobber --fsid \
	    "$(sed -n 's/^fsid = //p' "$conf")" --addv a \
	    "[v2:127.0.0.1:$((port + 2))]" "$dir/monmap" \
	    >"$dir/log/monmap" 2>&1 || return 1
	ceph-mon -c "$conf" --mkfs -i a --monmap "$dir/monmap" \
	    --keyring "$dir/keyring" >"$dir/log/mkfs-mon" 2>&1 || return 1
	s3_launch "$dir" mon ceph-mon -c "$conf" -i a -f
	id=$(</proc/sys/kernel/random/uuid)
	timeout "$S3_START_S" ceph -c "$conf" osd new "$id" 0 \
	    >"$dir/log/osd-new" 2>&1 || return 1
	ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$id" \
	    >"$dir/log/mkfs-osd" 2>&1 || return 1
	s3_launch "$dir" osd ceph-osd -c "$conf" -i 0 -f
}

# A user, a region with AWS's name, and a second storage class.
s3_make_user() {
	local dir=$1
	s3_admin "$dir" user create --uid=test --display-name=test \
	    --access-key="$S3_ACCESS_KEY" --secret-key="$S3_SECRET_KEY" &&
	    s3_admin "$dir" zonegroup get >/dev/null &&
	    jq --arg region "$S3_REGION" '.api_name = $region |
	        .placement_targets[].storage_classes =
	        ["STANDARD", "STANDARD_IA"]' "$dir/log/admin" \
	        >"$dir/zonegroup.json" &&
	    s3_admin "$dir" zonegroup set --infile "$dir/zonegroup.json" &&
	    s3_admin "$dir" zone placement add --rgw-zone default \
	        --placement-id default-placement \
	        --storage-class STANDARD_IA \
	        --data-pool default.rgw.buckets.data
}

s3_admin() {
	local dir=$1
	shift
	timeout "$S3_START_S" radosgw-admin -c "$dir/ceph.conf" \
	    -n client.rgw "$@" >"$dir/log/admin" 2>"$dir/log/admin-errors"
}

s3_start_gateway() {
	s3_launch "$1" rgw radosgw -c "$1/ceph.conf" -n client.rgw -f
}

s3_wait() {
	local dir=$1 end=$((SECONDS + S3_START_S))
	while ((SECONDS < end)); do
		if timeout 20 s3cmd -q -c "$S3_CONFIG" mb s3://ready \
		    >"$dir/log/ready" 2>&1; then
			s3 rb s3://ready
			return
		fi
		kill -0 "$(<"$dir/run/rgw.pid")" 2>/dev/null || return 1
		sleep 0.2
	done
	return 1
}

# s3_stop DIR: end its processes. DIR remains. Does nothing the second time.
s3_stop() {
	local dir=$1 name pid i
	for name in rgw osd mon; do
		[[ -f $dir/run/$name.pid ]] || continue
		pid=$(<"$dir/run/$name.pid")
		# Only what is still ours: a number may have a new owner.
		if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
		    grep -qF -- "-c $dir/ceph.conf"; then
			# Nothing of it is kept: it need not tidy up.
			kill -KILL "$pid" 2>/dev/null || true
			for ((i = 0; i < 100; i++)); do
				[[ -d /proc/$pid ]] || break
				sleep 0.05
			done
		fi
		rm -f "$dir/run/$name.pid"
	done
}

# s3 ARGUMENT...: s3cmd as the server's user; another program's view.
s3() {
	s3cmd --no-progress -c "$S3_CONFIG" "$@"
}
