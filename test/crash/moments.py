#!/usr/bin/env python3
"""moments.py VBACKUP WORK MOMENTS: kill a run at many moments.

Three containers and two Swarm services are brought to rest by a run that
writes to a directory and to S3. First a run that is left alone is traced: the
ledger in the lock file tells when its phases begin. Then runs are killed at
moments that are spread over all phases, half of them by SIGTERM and half by
SIGKILL. After each:

  * within 10 s everything runs that ran before, with the replicas it had
  * no archive under a final name that is not whole, in neither store
  * the next run succeeds, and leaves no temporary file, no upload, no child,
    no gpg-agent

Then run and guardian are killed together, and `recover`, or the next run,
repairs it. Prints TAP.
"""
import glob
import os
import random
import signal
import subprocess
import sys
import time

VBACKUP, WORK, MOMENTS = sys.argv[1], sys.argv[2], int(sys.argv[3])
ARCHIVE, LOCK = WORK + "/archive", WORK + "/lock/vbackup.lock"
CONTAINERS = ["c1", "c2", "c3"]
SERVICES = {"s1": 2, "s2": 1}
AT_REST = len(CONTAINERS) + len(SERVICES)
BACK_S = 10
RETRY_S = 5
PHASES = ["before the window", "stopping", "at rest and starting",
          "after the window"]


def sh(*command, check=True):
    result = subprocess.run(command, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    if check and result.returncode != 0:
        raise RuntimeError("%s: %s" % (command, result.stdout))
    return result.stdout.strip()


def docker(*arguments):
    return sh("docker", *arguments)


# --- the world ---------------------------------------------------------------

LOOP = "trap 'exit 0' TERM; while :; do sleep 0.1; done"


def make_world():
    for name in CONTAINERS:
        docker("run", "-d", "--network", "none", "--name", name, "-v",
               "v%s:/data" % name, "-l", "vbackup.enable=true", "-l",
               "vbackup.stop=true", "busybox", "sh", "-c", LOOP)
    for name, replicas in SERVICES.items():
        docker("service", "create", "--detach", "--no-resolve-image",
               "--name", name, "--replicas", str(replicas), "--label",
               "vbackup.stop=true", "--mount",
               "type=volume,source=v%s,target=/data" % name,
               "--container-label", "vbackup.enable=true", "busybox", "sh",
               "-c", LOOP)
    eventually(lambda: not what_is_down(), 60)
    for name in CONTAINERS + list(SERVICES):
        path = docker("volume", "inspect", "-f", "{{.Mountpoint}}",
                      "v" + name)
        with open(path + "/data", "wb") as out:
            out.write(os.urandom(12 << 20))
    with open(WORK + "/vbackup.conf", "w") as out:
        out.write("""[backup]
compression = zst
volumes = %s
filename = crash-%%s.{{ .Extension }}
[lock]
directory = %s/lock
timeout = 60s
[docker]
host = %s
[quiesce]
resume_retry = %ds
[archive]
path = %s
[seal]
passphrase = secret
[s3]
bucket = crash
endpoint = %s
proto = http
access_key_id = %s
secret_access_key = %s
rate_limit = 12M
part_size = 5
[retention]
keep = last=2
""" % (",".join("v" + n for n in CONTAINERS + list(SERVICES)), WORK,
       os.environ["DOCKER_HOST"], RETRY_S, ARCHIVE, os.environ["S3_HOST"],
       os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"]))


def what_is_down():
    down = [name for name in CONTAINERS if docker(
        "inspect", "-f", "{{.State.Running}}", name) != "true"]
    for name, replicas in SERVICES.items():
        wanted = docker("service", "inspect", "-f",
                        "{{.Spec.Mode.Replicated.Replicas}}", name)
        tasks = docker("service", "ps", "-f", "desired-state=running",
                       "--format", "{{.CurrentState}}", name)
        running = [t for t in tasks.splitlines() if t.startswith("Running")]
        if wanted != str(replicas) or len(running) != replicas:
            down.append("%s (%s wanted, %d run)" % (name, wanted,
                                                    len(running)))
    return down


def eventually(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


# --- a run -------------------------------------------------------------------

def start():
    environment = {"PATH": os.environ["PATH"], "HOME": WORK,
                   "XDG_RUNTIME_DIR": WORK + "/runtime"}
    os.makedirs(WORK + "/runtime", exist_ok=True)
    os.makedirs(WORK + "/gnupg", mode=0o700, exist_ok=True)
    # File names carry seconds.
    time.sleep(max(0, start.last + 1.05 - time.time()))
    start.last = time.time()
    log = open(WORK + "/log", "w")
    return subprocess.Popen([VBACKUP, "-c", WORK + "/vbackup.conf", "run"],
                            env=environment, stdin=subprocess.DEVNULL,
                            stdout=log, stderr=log, start_new_session=True)


start.last = 0


def ledger():
    try:
        with open(LOCK) as text:
            return text.read().count("{")
    except OSError:
        return 0


def trace():
    """When each phase of an undisturbed run begins, and when it ends."""
    process, began = start(), time.monotonic()
    first = last = clear = None
    most = 0
    while process.poll() is None:
        n, now = ledger(), time.monotonic() - began
        if n > 0 and first is None:
            first = now
        if n > most:
            most, last = n, now
        if most > 0 and n == 0 and clear is None:
            clear = now
        time.sleep(0.005)
    end = time.monotonic() - began
    if process.returncode != 0 or most != AT_REST or clear is None:
        raise RuntimeError("the undisturbed run: status %s, %d at rest: %s" %
                           (process.returncode, most, log()))
    return [0.0, first, last, clear, end]


def log():
    with open(WORK + "/log") as text:
        return text.read()


def phase_of(n_before, n_most):
    """By what the ledger shows at the moment of the kill."""
    if n_before == 0:
        return 3 if n_most > 0 else 0
    return 2 if n_before == AT_REST else 1


def killed_run(moment, number):
    """The phase that it was in, or None: it had ended before."""
    process, began = start(), time.monotonic()
    most = 0
    while time.monotonic() - began < moment and process.poll() is None:
        most = max(most, ledger())
        time.sleep(0.002)
    phase = phase_of(ledger(), most)
    if process.poll() is not None:
        return None, process
    os.kill(process.pid, number)
    process.wait()
    return phase, process


# --- what must hold ----------------------------------------------------------

def is_whole(path):
    test = "gpg -q --batch --pinentry-mode loopback --passphrase secret " \
        "-d %s 2>/dev/null | zstd -dcq | tar -t | wc -l" % path
    result = subprocess.run(["bash", "-o", "pipefail", "-c", test],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True,
                            env=dict(os.environ, GNUPGHOME=WORK + "/gnupg"))
    # Five volumes, each with its root and a file.
    return result.returncode == 0 and result.stdout.strip() == "10"


def s3cmd(*arguments):
    return sh("s3cmd", "-c", os.environ["S3_CONFIG"], *arguments)


def wrong_archives():
    """Archives under a final name that are not whole."""
    fetched, wrong = WORK + "/fetched", []
    for path in glob.glob(ARCHIVE + "/crash-*"):
        if not path.endswith(".json") and not is_whole(path):
            wrong.append(path)
    for line in s3cmd("ls", "s3://crash/").splitlines():
        url = line.split()[-1]
        if url.endswith(".json"):
            continue
        s3cmd("get", "--force", url, fetched)
        if not is_whole(fetched):
            wrong.append(url)
        os.remove(fetched)
    return wrong


def children():
    """Processes of ours that outlived their run."""
    left = []
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open("/proc/%s/environ" % pid, "rb") as text:
                if ("XDG_RUNTIME_DIR=%s/runtime" % WORK).encode() in \
                        text.read():
                    left.append(pid)
        except OSError:
            continue
    return left


def leftovers():
    left = [p for p in glob.glob(ARCHIVE + "/.*")
            if os.path.basename(p) not in (".", "..")]
    left += glob.glob(WORK + "/runtime/*")
    left += [line for line in s3cmd("multipart", "s3://crash").splitlines()
             if "crash-" in line]
    left += ["process " + pid for pid in children()]
    return left


def next_run():
    """Complaints about the run after a kill."""
    process = start()
    process.wait()
    wrong = []
    if process.returncode != 0:
        wrong.append("the next run: status %d: %s" % (process.returncode,
                                                     log()))
    wrong += ["down after the next run: " + d for d in what_is_down()]
    if ledger() != 0:
        wrong.append("the next run leaves a ledger")
    # S3 keeps the uploads of a killed run for a day, as it must: another run
    # could be at them.
    wrong += ["left behind: " + item for item in leftovers()
              if not item.split()[0].startswith("20")]
    return wrong


tests = []


def result(name, wrong):
    tests.append(not wrong)
    print("%sok %d - %s" % ("not " if wrong else "", len(tests), name),
          flush=True)
    for line in wrong:
        print("# " + line.replace("\n", "\n# "), flush=True)


def kill_at(moment, number):
    name = signal.Signals(number).name
    phase, process = killed_run(moment, number)
    began = time.monotonic()
    back = eventually(lambda: not what_is_down(), BACK_S)
    after = time.monotonic() - began
    wrong = [] if back else ["down: " + d for d in what_is_down()]
    # Before it has said anything, it may not have a handler yet.
    if phase is not None and number == signal.SIGTERM and \
            process.returncode not in (0, 5) and log():
        wrong.append("status %d: %s" % (process.returncode, log()))
    wrong += ["not whole: " + path for path in wrong_archives()]
    wrong += next_run()
    result("%s at %.2f s, %s: back within %.1f s, and the next run is clean" %
           (name, moment, "after the end" if phase is None else
            PHASES[phase], after), wrong)
    return phase


def kill_both(repair):
    """Run and guardian at once, while everything is at rest."""
    process = start()
    eventually(lambda: ledger() == AT_REST, 60)
    for pid in children():      # the guardian has a session of its own
        os.kill(int(pid), signal.SIGKILL)
    process.wait()
    time.sleep(1)
    wrong = [] if what_is_down() else ["nothing was down: no test"]
    if repair == "recover":
        out = subprocess.run([VBACKUP, "-c", WORK + "/vbackup.conf",
                              "recover"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        if out.returncode != 0:
            wrong.append("recover: status %d: %s" % (out.returncode,
                                                     out.stdout))
        if not eventually(lambda: not what_is_down(), BACK_S):
            wrong += ["down: " + d for d in what_is_down()]
        if ledger() != 0:
            wrong.append("recover leaves a ledger")
    wrong += next_run()
    result("SIGKILL of run and guardian, repaired by " + repair, wrong)


def main():
    make_world()
    trace()                     # the first one warms up
    marks = trace()
    print("# phases of an undisturbed run begin at: " + ", ".join(
        "%.2f s %s" % (at, name) for at, name in zip(marks, PHASES + ["end"])),
        flush=True)
    rng = random.Random(MOMENTS)
    moments, seen = [], set()
    for i in range(MOMENTS):
        phase = i // 2 % len(PHASES)
        lo, hi = marks[phase], marks[phase + 1]
        moments.append((lo + (hi - lo) * rng.uniform(0.02, 0.98),
                        signal.SIGTERM if i % 2 else signal.SIGKILL))
    for moment, number in moments:
        seen.add((kill_at(moment, number), number))
    missing = ["%s: never killed %s" % (signal.Signals(number).name, name)
               for i, name in enumerate(PHASES)
               for number in (signal.SIGTERM, signal.SIGKILL)
               if (i, number) not in seen]
    result("every phase was hit by both signals", missing)
    kill_both("recover")
    kill_both("the next run")
    print("1..%d" % len(tests))
    return 0 if all(tests) else 1


sys.exit(main())
