#!/usr/bin/env python3
"""restores.py VBACKUP WORK MOMENTS: kill a restore in place at many moments.

Two volumes and a directory are put back, which two containers use, one of
them not labelled. First a restore that is left alone is traced: what lies
beside a volume, and the ledger in the lock file, tell when its phases begin.
Then restores are killed at moments that are spread over all phases, two thirds
of them by SIGKILL. After each:

  * within 10 s every container runs
  * each volume is wholly the old one or wholly the new one
  * the next restore succeeds: all are new, and nothing is left beside them

Then restore and guardian are killed together, and the next restore repairs it.
Prints TAP.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

VBACKUP, WORK, MOMENTS = sys.argv[1], sys.argv[2], int(sys.argv[3])
LOCK = WORK + "/lock/vbackup.lock"
CONTAINERS = ["app", "unlabelled"]
VOLUMES = ["one", "two"]
DIRECTORY = WORK + "/srv"
FILES, FILE_BYTES = 40, 100000
BACK_S = 10
PHASES = ["before the extraction", "extracting", "in the window",
          "after the window"]
ORDER = [2, 1, 2, 3, 0]         # the window is what there is to break


def sh(*command, check=True):
    result = subprocess.run(command, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    if check and result.returncode != 0:
        raise RuntimeError("%s: %s" % (command, result.stdout))
    return result.stdout.strip()


def docker(*arguments):
    return sh("docker", *arguments)


def eventually(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


# --- the world ---------------------------------------------------------------

LOOP = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
ROOTS = []


def make_world():
    for name in VOLUMES:
        docker("volume", "create", name)
        ROOTS.append(docker("volume", "inspect", "-f", "{{.Mountpoint}}",
                            name))
    os.mkdir(DIRECTORY)
    ROOTS.append(DIRECTORY)
    for name, volume in zip(CONTAINERS, VOLUMES):
        labels = [] if name == "unlabelled" else [
            "-l", "vbackup.enable=true", "-l", "vbackup.stop=true"]
        docker("run", "-d", "--network", "none", "--name", name, "-v",
               volume + ":/data", "-v", DIRECTORY + ":/srv", *labels,
               "busybox", "sh", "-c", LOOP)
    with open(WORK + "/vbackup.conf", "w") as out:
        out.write("""[backup]
volumes = one, two
sources = %s
compression = none
[lock]
directory = %s/lock
timeout = 60s
[docker]
host = %s
[quiesce]
resume_retry = 5s
[archive]
path = %s/archive
""" % (DIRECTORY, WORK, os.environ["DOCKER_HOST"], WORK))
    fill("new")
    process = start("run")
    process.wait()
    if process.returncode != 0:
        raise RuntimeError("the backup: " + log())


def fill(state):
    """As somebody who has lost what there was, and begun anew."""
    for root in ROOTS:
        for name in os.listdir(root):
            os.remove(root + "/" + name)
        for i in range(FILES):
            with open("%s/%s-%d" % (root, state, i), "w") as out:
                out.write(state)
                out.write("x" * FILE_BYTES)


def state_of(root):
    names = os.listdir(root)
    states = {name.split("-")[0] for name in names}
    if len(names) != FILES or len(states) != 1:
        return "neither"
    state = states.pop()
    for name in names:
        with open(root + "/" + name) as text:
            content = text.read()
        if content != state + "x" * FILE_BYTES:
            return "neither"
    return state


def what_is_down():
    return [name for name in CONTAINERS if docker(
        "inspect", "-f", "{{.State.Running}}", name) != "true"]


def beside():
    return [name for root in ROOTS
            for name in os.listdir(os.path.dirname(root))
            if "vbackup-" in name]


# --- a restore ---------------------------------------------------------------

def start(*arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": WORK,
                   "XDG_RUNTIME_DIR": WORK + "/runtime"}
    os.makedirs(WORK + "/runtime", exist_ok=True)
    out = open(WORK + "/log", "w")
    return subprocess.Popen([VBACKUP, "-c", WORK + "/vbackup.conf",
                             *arguments],
                            env=environment, stdin=subprocess.DEVNULL,
                            stdout=out, stderr=out, start_new_session=True)


def restore():
    return start("restore", "latest", "--in-place")


def log():
    with open(WORK + "/log") as text:
        return text.read()


def ledger():
    try:
        with open(LOCK) as text:
            return text.read().count("{")
    except OSError:
        return 0


def is_staged():
    return os.path.isdir(os.path.dirname(ROOTS[0]) + "/.vbackup-restore")


class Watch:
    """Which phase a restore is in, by what can be seen of it."""

    def __init__(self):
        self.phase, self.process = 0, restore()
        self.began = time.monotonic()

    def look(self):
        if self.phase == 0 and is_staged():
            self.phase = 1
        n = ledger()
        if self.phase < 2 and n > 0:
            self.phase = 2
        if self.phase == 2 and n == 0:
            self.phase = 3
        return self.process.poll() is None

    def now(self):
        return time.monotonic() - self.began


def trace():
    """How long each phase of an undisturbed restore takes."""
    watch, begins = Watch(), [0.0]
    while watch.look():
        while len(begins) <= watch.phase:
            begins.append(watch.now())
        time.sleep(0.001)
    end = watch.now()
    if watch.process.returncode != 0 or len(begins) != len(PHASES):
        raise RuntimeError("the undisturbed restore: status %s, %s: %s" % (
            watch.process.returncode, begins, log()))
    return [b - a for a, b in zip(begins, begins[1:] + [end])]


# --- what must hold ----------------------------------------------------------

def next_restore():
    """Complaints about the restore after a kill."""
    process = restore()
    process.wait()
    wrong = []
    if process.returncode != 0:
        wrong.append("the next restore: status %d: %s" % (
            process.returncode, log()))
    wrong += ["down after the next restore: " + d for d in what_is_down()]
    wrong += ["%s is not new" % root for root in ROOTS
              if state_of(root) != "new"]
    wrong += ["left beside: " + name for name in beside()]
    if ledger() != 0:
        wrong.append("the next restore leaves a ledger")
    return wrong


tests = []


def result(name, wrong):
    tests.append(not wrong)
    print("%sok %d - %s" % ("not " if wrong else "", len(tests), name),
          flush=True)
    for line in wrong:
        print("# " + line.replace("\n", "\n# "), flush=True)


def look(process, number):
    wrong = []
    if not eventually(lambda: not what_is_down(), BACK_S):
        wrong += ["down: " + d for d in what_is_down()]
    states = [state_of(root) for root in ROOTS]
    if "neither" in states:
        wrong.append("neither old nor new: %s" % states)
    if number == signal.SIGTERM and log():
        if process.returncode not in (0, 5):
            wrong.append("status %d: %s" % (process.returncode, log()))
        expected = {0: {"new"}, 5: {"old"}}.get(process.returncode, set())
        if set(states) != expected:
            wrong.append("status %d, and %s" % (process.returncode, states))
        wrong += ["left beside: " + name for name in beside()]
    return states, wrong


def kill_in(phase, delay, number):
    fill("old")
    watch = Watch()
    while watch.look() and watch.phase < phase:
        time.sleep(0.001)
    at = watch.now()
    while watch.look() and watch.now() < at + delay:
        time.sleep(0.001)
    if watch.process.poll() is None:
        os.kill(watch.process.pid, number)
        watch.process.wait()
        name = PHASES[watch.phase]
    else:
        name = "after its end"
    states, wrong = look(watch.process, number)
    wrong += next_restore()
    result("%s %s, at %.2f s: %s, and the next restore is clean" % (
        signal.Signals(number).name, name, at + delay, "/".join(states)),
        wrong)


def kill_both():
    """Restore and guardian at once, while everybody rests."""
    fill("old")
    process = restore()
    eventually(lambda: ledger() == len(CONTAINERS), 60)
    for pid in os.listdir("/proc"):     # the guardian has a session of its own
        try:
            with open("/proc/%s/environ" % pid, "rb") as text:
                ours = ("XDG_RUNTIME_DIR=%s/runtime" % WORK).encode() in \
                    text.read()
        except OSError:
            continue
        if ours:
            os.kill(int(pid), signal.SIGKILL)
    process.wait()
    states = [state_of(root) for root in ROOTS]
    wrong = ["neither old nor new: %s" % states] if "neither" in states else []
    wrong += next_restore()
    result("SIGKILL of restore and guardian, repaired by the next restore",
           wrong)


def main():
    make_world()
    fill("old")
    trace()                     # the first one warms up
    fill("old")
    spans = trace()
    print("# an undisturbed restore: " + ", ".join(
        "%.2f s %s" % (span, name) for span, name in zip(spans, PHASES)),
        flush=True)
    rng = random.Random(MOMENTS)
    for i in range(MOMENTS):
        phase = ORDER[i % len(ORDER)]
        kill_in(phase, spans[phase] * rng.uniform(0, 0.95),
                signal.SIGTERM if i % 3 == 2 else signal.SIGKILL)
    kill_both()
    print("1..%d" % len(tests))
    return 0 if all(tests) else 1


sys.exit(main())
