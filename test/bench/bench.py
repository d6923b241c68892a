#!/usr/bin/env python3
"""bench.py VBACKUP WORK [-n RUNS] [-s SCALE] [SET...]

Whole-process comparisons of vbackup with what a user would otherwise run: wall
time, CPU (children included) and peak memory (of the whole process tree), as
ratios of medians of paired runs, beside the machine's own floor. See
scripts/bench. Data is made below WORK, once. S3_ENDPOINT and its companions
(see test/scenario/s3.bash) say where to upload to; without them nothing is
uploaded, and that is said.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import threading
import time

PASSPHRASE = "correct horse battery staple"


# --- data -------------------------------------------------------------------

class Content:
    """The bytes of the machine's own programs, libraries and documentation,
    one file after the other, in an order that the seed decides. After the last
    they begin again: then tools that deduplicate have less to do."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.paths = []
        for directory, _, names in os.walk("/usr"):
            self.paths += [os.path.join(directory, name) for name in names]
        self.paths = [path for path in sorted(self.paths)
                      if os.path.isfile(path) and not os.path.islink(path)
                      and 0 < os.path.getsize(path) < 64 << 20]
        self.rng.shuffle(self.paths)
        self.at, self.buffer = 0, b""

    def take(self, n):
        pieces, have = [self.buffer], len(self.buffer)
        while have < n:
            with open(self.paths[self.at % len(self.paths)], "rb") as source:
                pieces.append(source.read())
            have += len(pieces[-1])
            self.at += 1
        whole = b"".join(pieces)
        self.buffer = whole[n:]
        return whole[:n]


def make_small(path, scale):
    """(a) many small files: 60,000 with 0.8 GB."""
    content = Content(1)
    for i in range(int(60000 * scale)):
        directory = os.path.join(path, "d%d" % (i // 200))
        if i % 200 == 0:
            os.makedirs(directory)
        size = min(200000, int(content.rng.lognormvariate(8.9, 1.1)))
        with open(os.path.join(directory, "f%d" % i), "wb") as out:
            out.write(content.take(size))


def make_mixed(path, scale):
    """(b) large files, three of four compressible: 4 GB."""
    content = Content(2)
    os.makedirs(path)
    for i in range(8):
        with open(os.path.join(path, "file%d" % i), "wb") as out:
            for _ in range(int(500 * scale)):
                out.write(os.urandom(1 << 20) if i % 4 == 3 else
                          content.take(1 << 20))


def make_random(path, scale):
    """(c) incompressible: 2 GB."""
    os.makedirs(path)
    with open(os.path.join(path, "random"), "wb") as out:
        for _ in range(int(2000 * scale)):
            out.write(os.urandom(1 << 20))


def make_pages(path, scale):
    """4 GB in files of 1 MiB, half of them compressible: a staged snapshot."""
    content = Content(3)
    os.makedirs(path)
    for i in range(int(4096 * scale)):
        with open(os.path.join(path, "f%d" % i), "wb") as out:
            out.write(os.urandom(1 << 20) if i % 2 else content.take(1 << 20))


SETS = {"small": make_small, "mixed": make_mixed, "random": make_random}


# --- measuring --------------------------------------------------------------

def tree_memory(root):
    """Proportional set size of a process and all below it, in KiB."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    total, todo = 0, [root]
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        try:
            with open("/proc/%d/smaps_rollup" % pid) as rollup:
                for line in rollup:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
                        break
        except OSError:
            pass
    return total


class Result:
    def __init__(self, wall, cpu, peak):
        self.wall, self.cpu, self.peak = wall, cpu, peak


def run(command, env=None, memory=False):
    """command: a list, or a text for bash with pipefail."""
    if isinstance(command, str):
        command = ["bash", "-euo", "pipefail", "-c", command]
    peak, done = [0], threading.Event()
    before = os.times()
    start = time.monotonic()
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL)

    def watch():
        while not done.wait(0.01):
            peak[0] = max(peak[0], tree_memory(process.pid))
    if memory:
        threading.Thread(target=watch, daemon=True).start()
    status = process.wait()
    wall = time.monotonic() - start
    done.set()
    after = os.times()
    if status != 0:
        raise SystemExit("status %d: %s" % (status, command))
    cpu = (after.children_user + after.children_system -
           before.children_user - before.children_system)
    return Result(wall, cpu, peak[0])


def paired(commands, runs, clean):
    """Medians of each command, run in turns."""
    results = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            clean()
            result = command()
            if turn > 0:        # the first turn warms the cache
                results[name].append(result)
    return {name: Result(*(statistics.median(getattr(r, field) for r in rs)
                           for field in ("wall", "cpu", "peak")))
            for name, rs in results.items()}


# --- what is compared -------------------------------------------------------

class Bench:
    def __init__(self, args):
        self.args = args
        self.work = os.path.abspath(args.work)
        self.out = os.path.join(self.work, "out")
        self.secret = os.path.join(self.work, "passphrase")
        os.makedirs(self.work, exist_ok=True)
        with open(self.secret, "w") as out:
            out.write(PASSPHRASE)
        self.endpoint = os.environ.get("S3_ENDPOINT")
        self.bucket = "bench"
        self.turn = 0

    def data(self, name):
        path = os.path.join(self.work, name)
        if not os.path.exists(path + ".made"):
            shutil.rmtree(path, ignore_errors=True)
            SETS[name](path, self.args.scale)
            open(path + ".made", "w").close()
        return path

    def clean(self):
        shutil.rmtree(self.out, ignore_errors=True)
        os.makedirs(self.out)

    def filename(self):
        """Two runs may begin in the same second."""
        self.turn += 1
        return "vbackup-%%s-%d.{{ .Extension }}" % self.turn

    def vbackup(self, source, memory=False, **settings):
        env = {"PATH": os.environ["PATH"], "HOME": self.work,
               "DOCKER_HOST": "none", "BACKUP_SOURCES": source,
               "BACKUP_ARCHIVE": self.out, "VBACKUP_BACKUP_VOLUMES": "none",
               "BACKUP_FILENAME": self.filename(),
               "VBACKUP_LOCK_DIRECTORY": os.path.join(self.work, "lock")}
        env.update({k: v for k, v in settings.items() if v is not None})
        return run([self.args.vbackup, "-q", "-c", "/dev/null", "run"],
                   env=env, memory=memory)

    def s3(self):
        host = self.endpoint.split("://", 1)[1]
        return {"AWS_S3_BUCKET_NAME": self.bucket, "AWS_ENDPOINT": host,
                "AWS_ENDPOINT_PROTO": "http",
                "AWS_ACCESS_KEY_ID": os.environ["S3_ACCESS_KEY"],
                "AWS_SECRET_ACCESS_KEY": os.environ["S3_SECRET_KEY"]}

    def upload(self, path):
        return ("curl -sS --fail -T %s --aws-sigv4 aws:amz:us-east-1:s3 "
                "-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "
                "--user %s:%s %s/%s/%s" % (
                    path, os.environ["S3_ACCESS_KEY"],
                    os.environ["S3_SECRET_KEY"], self.endpoint, self.bucket,
                    os.path.basename(path)))

    def pipe(self, source, compressor, suffix, upload=False):
        target = os.path.join(self.out, "pipe.tar." + suffix + ".gpg")
        command = ("tar -C / -cf - %s | %s | gpg -q --batch --yes "
                   "--pinentry-mode loopback --passphrase-file %s -c "
                   "--cipher-algo AES256 -z 0 -o %s && sync %s" % (
                       source.lstrip("/"), compressor, self.secret, target,
                       target))
        if upload:
            command += " && " + self.upload(target)
        return run(command)

    def size(self):
        return sum(os.path.getsize(os.path.join(self.out, name))
                   for name in os.listdir(self.out)
                   if not name.endswith(".json"))

    def restic(self, source):
        return run("export RESTIC_REPOSITORY=%s/restic RESTIC_PASSWORD=x "
                   "RESTIC_CACHE_DIR=%s/cache; restic init -q && "
                   "restic backup -q %s" % (self.out, self.out, source))

    def borg(self, source):
        return run("export BORG_PASSPHRASE=x BORG_BASE_DIR=%s; "
                   "borg init -e repokey-blake2 %s/borg 2>/dev/null && borg create "
                   "-C zstd,3 %s/borg::a %s" % (self.out, self.out, self.out,
                                                source))

    def floor(self, source):
        """max(sum of all stages' CPU / cores, slowest single stage): each
        stage alone, by the plainest tool, from and to memory."""
        memory = "/dev/shm/vbackup-bench"
        shutil.rmtree(memory, ignore_errors=True)
        os.makedirs(memory)
        tar, zst = memory + "/a.tar", memory + "/a.zst"
        stages = {}
        stages["read"] = run("tar -C / -cf - %s | cat >/dev/null" %
                             source.lstrip("/"))
        run("tar -C / -cf %s %s" % (tar, source.lstrip("/")))
        stages["zstd -3"] = run("zstd -q -3 -T1 -f %s -o %s" % (tar, zst))
        os.remove(tar)
        stages["seal"] = run("gpg -q --batch --yes --pinentry-mode loopback "
                             "--passphrase-file %s -c --cipher-algo AES256 "
                             "-z 0 -o /dev/null %s" % (self.secret, zst))
        stages["hash"] = run("sha256sum %s >/dev/null" % zst)
        stages["write"] = run("dd if=%s of=%s/w bs=1M conv=fsync "
                              "status=none" % (zst, self.out))
        shutil.rmtree(memory)
        total = sum(r.cpu for r in stages.values()) / os.cpu_count()
        return max([total] + [r.wall for r in stages.values()]), stages

    def bench(self, name):
        source = self.data(name)
        key = {"GPG_PASSPHRASE": PASSPHRASE}
        print("\n== %s: %s" % (name, SETS[name].__doc__), flush=True)
        commands = {
            "vbackup zstd+seal": lambda: self.vbackup(
                source, BACKUP_COMPRESSION="zst", **key),
            "tar|zstd -T0|gpg": lambda: self.pipe(source, "zstd -q -T0",
                                                  "zst"),
            "vbackup gzip": lambda: self.vbackup(
                source, BACKUP_COMPRESSION="gz"),
            "tar|pigz -6": lambda: run(
                "tar -C / -cf - %s | pigz -6 >%s/a.tar.gz && sync "
                "%s/a.tar.gz" % (source.lstrip("/"), self.out, self.out)),
            "tar|pigz|gpg": lambda: self.pipe(source, "pigz -6", "gz"),
        }
        if self.endpoint:
            commands["vbackup zstd+seal+S3"] = lambda: self.vbackup(
                source, BACKUP_COMPRESSION="zst", **key, **self.s3())
            commands["tar|zstd|gpg, then curl to S3"] = lambda: self.pipe(
                source, "zstd -q -T0", "zst", upload=True)
        else:
            print("no S3 server: nothing is uploaded")
        for tool in ("restic", "borg"):
            if shutil.which(tool):
                commands[tool] = lambda tool=tool: getattr(self, tool)(source)
        results = paired(commands, self.args.runs, self.clean)
        self.clean()
        floor, stages = self.floor(source)
        sizes = {}
        for compression in ("gz", "zst"):
            self.clean()
            self.vbackup(source, BACKUP_COMPRESSION=compression)
            sizes[compression] = self.size()
        for command, tool in (("pigz -6", "pigz"), ("zstd -q -T0", "zstd")):
            self.clean()
            run("tar -C / -cf - %s | %s >%s/a" % (source.lstrip("/"), command,
                                                  self.out))
            sizes[tool] = self.size()
        self.print_table(results, floor, stages, sizes)
        return {"wall": {k: r.wall for k, r in results.items()},
                "cpu": {k: r.cpu for k, r in results.items()},
                "floor": floor, "sizes": sizes}

    def print_table(self, results, floor, stages, sizes):
        for command, r in results.items():
            print("%-32s wall %7.2f s  CPU %7.2f s" % (command, r.wall, r.cpu))
        print("floor %.2f s: %s" % (floor, ", ".join(
            "%s %.2f" % (k, r.cpu) for k, r in stages.items())))

        def ratio(what, a, b, target):
            print("%-58s %5.2f  (at most %.1f)" % (what, a / b, target))
        r = results
        if "vbackup zstd+seal+S3" in r:
            ratio("zstd+seal+local+S3, wall / pipe, then upload",
                  r["vbackup zstd+seal+S3"].wall,
                  r["tar|zstd|gpg, then curl to S3"].wall, 0.8)
        ratio("zstd+seal+local, wall / floor", r["vbackup zstd+seal"].wall,
              floor, 1.2)
        ratio("zstd+seal+local, CPU / pipe", r["vbackup zstd+seal"].cpu,
              r["tar|zstd -T0|gpg"].cpu, 1.0)
        ratio("gzip, CPU / tar|pigz -6", r["vbackup gzip"].cpu,
              r["tar|pigz -6"].cpu, 0.4)
        ratio("gzip, size / pigz -6", sizes["gz"], sizes["pigz"], 1.1)
        ratio("zstd, size / zstd -T0", sizes["zst"], sizes["zstd"], 1.1)
        for tool in ("restic", "borg"):
            if tool in r:
                print("%-58s %5.2f" % (
                    "zstd+seal+local, wall / first backup by " + tool,
                    r["vbackup zstd+seal"].wall / r[tool].wall))

    def memory(self):
        """Peak memory of the whole tree of processes, gpg included."""
        print("\n== memory: peak of all processes, MiB (at most 96; 160 with "
              "spool = none)")
        base = os.path.join(self.work, "memory")
        shutil.rmtree(base, ignore_errors=True)
        os.makedirs(base + "/one")
        with open(base + "/one/file", "wb") as out:
            out.write(os.urandom(1 << 20) * 1000)
        os.makedirs(base + "/sparse")
        with open(base + "/sparse/file", "wb") as out:
            out.truncate(200 << 30)
        for i in range(int(1000 * self.args.scale)):
            os.makedirs(base + "/many/d%d" % i)
            for k in range(1000):
                open(base + "/many/d%d/%d" % (i, k), "w").close()
        for name in ("many", "sparse", "one"):
            for spool in (None, "none"):
                if spool and not self.endpoint:
                    continue
                self.clean()
                settings = {"GPG_PASSPHRASE": PASSPHRASE,
                            "BACKUP_COMPRESSION": "zst"}
                if self.endpoint:
                    settings.update(self.s3())
                r = self.vbackup(os.path.join(base, name), memory=True,
                                 VBACKUP_BACKUP_SPOOL=spool, **settings)
                print("%-32s %7.1f" % (name + (", spool = none" if spool
                                               else ""), r.peak / 1024),
                      flush=True)
        shutil.rmtree(base)


    def labelled_volume(self, data, at_its_end):
        """A volume with that data, and a container that uses it, stops when
        asked to, and runs a command then. Gives the mount point, or None."""
        if not (os.environ.get("DOCKER_HOST") and self.endpoint):
            print("no Engine or no S3 server: not measured")
            return None
        subprocess.run(["docker", "volume", "create", "bench"], check=True,
                       stdout=subprocess.DEVNULL)
        mount = subprocess.check_output([
            "docker", "volume", "inspect", "-f", "{{.Mountpoint}}", "bench"],
            text=True).strip()
        run(["cp", "-a", data + "/.", mount])
        subprocess.run([
            "docker", "run", "-d", "--network", "none", "--name", "bench", "-v",
            "bench:/data", "-l", "vbackup.enable=true", "-l",
            "vbackup.stop=true", "busybox", "sh", "-c",
            "trap '%s; exit 0' TERM; while :; do sleep 0.1; done" %
            at_its_end], check=True, stdout=subprocess.DEVNULL)
        return mount

    def remove_volume(self):
        subprocess.run(["docker", "rm", "-f", "bench"], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["docker", "volume", "rm", "bench"], check=True,
                       stdout=subprocess.DEVNULL)

    def window(self):
        """The window of a labelled container against GNU tar writing the same
        volume into a pipe that is thrown away; S3 throttled to 1 MB/s."""
        print("\n== window: small files in a volume, zstd, local spool, S3 at "
              "1 MB/s")
        mount = self.labelled_volume(self.data("small"), ":")
        if mount is None:
            return
        windows, tars, sealed = [], [], {"GPG_PASSPHRASE": PASSPHRASE}
        for turn in range(self.args.runs + 1):
            tar = run("tar -C %s -cf - . | cat >/dev/null" % mount).wall
            window = self.one_window(sealed)
            if turn > 0:
                tars.append(tar)
                windows.append(window)
        self.remove_volume()
        print("tar %.2f s, window %.2f s (the stop and the start included)" %
              (statistics.median(tars), statistics.median(windows)))
        print("%-58s %5.2f  (at most 1.6)" % (
            "window / tar into a pipe", statistics.median(
                w / t for w, t in zip(windows, tars))))

    def staged(self):
        """The window with snapshot = staged against that without, when one
        file in a hundred is written after the copy."""
        print("\n== staged: 4 GB, 1 % changed between the copy and the window")
        SETS["pages"] = make_pages
        if self.labelled_volume(
                self.data("pages"), "i=0; while [ $i -lt %d ]; do dd "
                "if=/dev/urandom of=/data/f$i bs=1M count=1 2>/dev/null; "
                "i=$((i + 100)); done" % int(4096 * self.args.scale)) is None:
            return
        windows = {"none": [], "staged": []}
        for turn in range(self.args.runs + 1):
            for snapshot, results in windows.items():
                window = self.one_window(
                    {"VBACKUP_BACKUP_SNAPSHOT": snapshot})
                if turn > 0:
                    results.append(window)
        self.remove_volume()
        print("none %.2f s, staged %.2f s (the stop and the start included)" %
              tuple(statistics.median(v) for v in windows.values()))
        print("%-58s %5.2f  (at most 0.1)" % (
            "window staged / none", statistics.median(
                s / n for n, s in zip(windows["none"], windows["staged"]))))

    def one_window(self, settings):
        """Runs until the window is over; the upload is of no interest."""
        self.clean()
        env = {"PATH": os.environ["PATH"], "HOME": self.work,
               "DOCKER_HOST": os.environ["DOCKER_HOST"],
               "BACKUP_ARCHIVE": self.out, "BACKUP_COMPRESSION": "zst",
               "BACKUP_FILENAME": self.filename(),
               "VBACKUP_S3_RATE_LIMIT": "1M",
               "VBACKUP_LOCK_DIRECTORY": os.path.join(self.work, "lock")}
        env.update(settings)
        env.update(self.s3())
        process = subprocess.Popen(
            [self.args.vbackup, "--log-format", "json", "-c", "/dev/null",
             "run"], env=env, stderr=subprocess.PIPE, text=True,
            stdout=subprocess.DEVNULL)
        seconds = None
        for line in process.stderr:
            message = json.loads(line)["msg"]
            if message.startswith("window: "):
                seconds = span(message.split()[1])
                process.terminate()
        process.wait()
        if seconds is None:
            raise SystemExit("no window was logged")
        return seconds


def span(text):
    """Reads what clock_span writes."""
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    minutes, _, rest = text.rpartition("m")
    return float(minutes or 0) * 60 + float(rest.rstrip("s"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vbackup")
    parser.add_argument("work")
    parser.add_argument("-n", "--runs", type=int, default=3)
    parser.add_argument("-s", "--scale", type=float, default=1.0)
    parser.add_argument("sets", nargs="*",
                        default=list(SETS) + ["memory", "window", "staged"])
    bench = Bench(parser.parse_intermixed_args())
    figures = {}
    for name in bench.args.sets:
        if name in ("memory", "window", "staged"):
            getattr(bench, name)()
        else:
            figures[name] = bench.bench(name)
    with open(os.path.join(bench.work, "figures.json"), "w") as out:
        json.dump(figures, out, indent=1)


if __name__ == "__main__":
    main()
