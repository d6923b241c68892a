#!/usr/bin/env python3
"""secret_tool.py: secrets that can be recognised, and the search for them.

    make FILE             random secrets, as JSON: {"NAME": "value"}
    plant                 what the standard input says, in all forms, a line each
    find FILE PATH...     where a secret of FILE is: "PATH: NAME (form)"
    requests FILE LOG     requests (of web_server.py) with a secret that is not
                          theirs: "METHOD HOST PART: NAME (form)"
    watch DIR COMMAND...  run it; what its children have as arguments and
                          environment goes into DIR, a file for each content

A secret is found by any WINDOW bytes of it, so that a part of one counts, too;
as it is, in base64 (also base64url, wherever in a group of three it begins),
percent-encoded, in hexadecimal digits, escaped as JSON or a log does it, and
in any two of these, one in the other.
"""
import base64
import binascii
import hashlib
import json
import os
import re
import secrets
import string
import subprocess
import sys
import threading
import urllib.parse

WINDOW = 10
GRAM = 6			# what is looked for first, to be quick
BYTES_MAX = 4 << 20		# of a file: what is longer is an archive
LETTERS = string.ascii_letters + string.digits

# What each may be sent to, and whether that service wants it in the body.
# Those in MIXED have, every few bytes, one that must be escaped somewhere.
MIXED = ["GPG", "AWS_SECRET", "NTFY_PASSWORD", "GENERIC_PATH", "GENERIC_QUERY",
         "GENERIC_HEADER", "MATRIX_PASSWORD", "SMTP_PASSWORD", "MAIL_PASSWORD",
         "PING_PASSWORD", "PUSH_PASSWORD", "ERROR_PASSWORD",
         "SUCCESS_PASSWORD", "ZULIP_KEY", "MQTT_PASSWORD"]
HOSTS = {
    "NTFY_PASSWORD": "ntfy.test", "NTFY_TOPIC": "ntfy.test",
    "ERROR_PASSWORD": "rocket.test", "SUCCESS_PASSWORD": "mattermost.test",
    "DISCORD_TOKEN": "discord.com", "GENERIC_PATH": "generic.test",
    "GENERIC_QUERY": "generic.test", "GENERIC_HEADER": "generic.test",
    "MATRIX_PASSWORD": "matrix.test", "TELEGRAM_TOKEN": "api.telegram.org",
    "GOTIFY_TOKEN": "gotify.test", "SLACK_TOKEN": "hooks.slack.com",
    "TEAMS_HOST": "prod-1.westeurope.logic.azure.com",
    "GOOGLE_KEY": "chat.googleapis.com", "GOOGLE_TOKEN": "chat.googleapis.com",
    "ZULIP_KEY": "zulip.test", "IFTTT_KEY": "maker.ifttt.com",
    "JOIN_KEY": "joinjoaomgcd.appspot.com", "BARK_KEY": "bark.test",
    "OPSGENIE_KEY": "api.opsgenie.com",
    "PAGERDUTY_KEY": "events.pagerduty.com",
    "LARK_TOKEN": "open.larksuite.com", "NOTIFIARR_KEY": "notifiarr.com",
    "TWILIO_TOKEN": "api.twilio.com", "WECOM_KEY": "qyapi.weixin.qq.com",
    "PUSHOVER_TOKEN": "api.pushover.net", "PUSHOVER_USER": "api.pushover.net",
    "PING_PASSWORD": "hc-ping.com", "PING_TOKEN": "hc-ping.com",
    "PUSH_PASSWORD": "status.test", "PUSH_PATH": "status.test",
    "AWS_SESSION": "s3.test",
}
# Their interfaces have it there, and nowhere else.
IN_BODY = {"MATRIX_PASSWORD", "NTFY_TOPIC", "PAGERDUTY_KEY", "PUSHOVER_TOKEN",
           "PUSHOVER_USER", "BARK_KEY"}
# Sent to nobody.
ALONE = ["GPG", "AWS_SECRET", "SMTP_PASSWORD", "MAIL_PASSWORD",
         "MQTT_PASSWORD", "SLACK_PART"]


def make_one(name):
    plain = "".join(secrets.choice(LETTERS) for _ in range(32))
    if name not in MIXED:
        return plain
    marks = "/+%&=?#@"
    return "".join(plain[i:i + 3] + marks[i // 3 % len(marks)]
                   for i in range(0, 27, 3)) + plain[27:]


def make(path):
    names = sorted(set(HOSTS) | set(ALONE))
    with open(path, "w") as out:
        json.dump({name: make_one(name) for name in names}, out)


# --- the search -------------------------------------------------------------

def unescape(data):
    def one(match):
        text = match.group(1)
        if len(text) > 1:
            return chr(int(text[1:], 16)).encode()
        return {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(text, text)
    return re.sub(rb'\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^ux])', one, data)


def unbase64(data):
    found = []
    for run in re.findall(rb"[A-Za-z0-9+/_-]{12,}", data):
        run = run.replace(b"-", b"+").replace(b"_", b"/")
        for skip in range(4):
            part = run[skip:]
            part = part[:len(part) // 4 * 4]
            found.append(binascii.a2b_base64(part))
    return b"\n".join(found)


def unhex(data):
    found = []
    for run in re.findall(rb"[0-9a-fA-F]{20,}", data):
        for skip in range(2):
            part = run[skip:]
            found.append(bytes.fromhex(part[:len(part) // 2 * 2].decode()))
    return b"\n".join(found)


def unpercent(data):
    return urllib.parse.unquote_to_bytes(data) if b"%" in data else b""


FORMS = {
    "plain": lambda data: data,
    "percent": unpercent,
    "form": lambda data: unpercent(data.replace(b"+", b" ")),
    "escaped": lambda data: unescape(data) if b"\\" in data else b"",
    "base64": unbase64,
    "hex": unhex,
}


class Search:
    def __init__(self, path):
        with open(path) as file:
            self.secrets = json.load(file)
        self.windows, self.grams = {}, set()
        for name, value in self.secrets.items():
            value = value.encode()
            for i in range(len(value) - WINDOW + 1):
                self.windows[value[i:i + WINDOW]] = name
            for i in range(len(value) - GRAM + 1):
                self.grams.add(value[i:i + GRAM])

    def _scan(self, data, form, found):
        """Each window has a gram of its own at one of the places that are
        looked at."""
        for i in range(0, len(data) - GRAM + 1, WINDOW - GRAM + 1):
            if data[i:i + GRAM] not in self.grams:
                continue
            for k in range(max(0, i - WINDOW), i + WINDOW):
                name = self.windows.get(data[k:k + WINDOW])
                if name is not None:
                    found.setdefault(name, form)

    def find(self, data):
        """{NAME: form} of what is in these bytes."""
        found, seen = {}, set()
        for outer, decode in FORMS.items():
            view = decode(data)
            for inner, again in FORMS.items():
                text = again(view)
                if not text or text in seen:
                    continue
                seen.add(text)
                self._scan(text, " in ".join(
                    form for form in (inner, outer) if form != "plain")
                    or "plain", found)
        return found


def files(paths):
    for path in paths:
        if not os.path.isdir(path):
            yield path
        for where, _, names in os.walk(path):
            yield from (os.path.join(where, name) for name in names)


def find(secrets_path, paths):
    search = Search(secrets_path)
    seen = set()
    for path in files(paths):
        names = search.find(os.fsencode(path))
        for name, form in names.items():
            print("name of %s: %s (%s)" % (path, name, form))
        if not os.path.isfile(path) or os.path.getsize(path) > BYTES_MAX:
            continue
        with open(path, "rb") as file:
            data = file.read()
        if data in seen:
            continue
        seen.add(data)
        for name, form in search.find(data).items():
            print("%s: %s (%s)" % (path, name, form))


def requests(secrets_path, log):
    search = Search(secrets_path)
    if not os.path.exists(log):
        return
    with open(log) as file:
        lines = [json.loads(line) for line in file]
    for request in lines:
        host = request["host"].split(":")[0]
        for part in ("body", "path", "headers", "host"):
            value = request[part]
            text = value if isinstance(value, str) else "\n".join(
                "%s: %s" % pair for pair in value.items())
            for name, form in search.find(text.encode()).items():
                if HOSTS.get(name) == host and \
                        (part != "body" or name in IN_BODY):
                    continue
                print("%s %s %s: %s (%s)" % (request["method"], host, part,
                                             name, form))


# --- what is planted --------------------------------------------------------

def plant():
    value = sys.stdin.buffer.read().rstrip(b"\n")
    half = value[:len(value) // 2]
    forms = [value, half, b"x" + half + b"..."]
    for shift in range(3):
        coded = base64.b64encode(b"\xfb\xff:"[:shift] + value + b":\xff")
        forms += [coded, coded.translate(bytes.maketrans(b"+/", b"-_"))]
    upper = "".join("%%%02X" % c for c in value).encode()
    forms += [upper, upper.lower(),
              urllib.parse.quote(value, safe="").encode(),
              urllib.parse.quote_plus(value).encode(),
              value.hex().encode(), value.hex().upper().encode(),
              b"f" + value.hex().encode(),
              "".join("\\u%04x" % c for c in value).encode(),
              "".join("\\x%02x" % c for c in value).encode(),
              urllib.parse.quote(base64.b64encode(value)).encode(),
              base64.b64encode(urllib.parse.quote(value).encode())]
    for form in forms:
        sys.stdout.buffer.write(form + b"\n")


# --- children ---------------------------------------------------------------

def processes():
    """{pid: (parent, session)}"""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry) as stat:
                fields = stat.read().rpartition(")")[2].split()
                found[int(entry)] = int(fields[1]), int(fields[3])
        except (OSError, ValueError):
            pass
    return found


def keep(directory, pid, known):
    for what in ("cmdline", "environ"):
        try:
            with open("/proc/%d/comm" % pid) as file:
                comm = file.read().strip().replace("/", "_")
            if comm == "vbackup" and what == "environ":
                continue    # it was forked, and is what it was forked from
            with open("/proc/%d/%s" % (pid, what), "rb") as file:
                data = file.read().replace(b"\0", b"\n")
        except OSError:
            continue
        if data and (comm, what, data) not in known:
            known.add((comm, what, data))
            digest = hashlib.sha256(data).hexdigest()[:16]
            name = "%s/%s.%s.%s" % (directory, comm, what, digest)
            with open(name, "wb") as out:
                out.write(data)


def sample(directory, root, over):
    """The program's own environment is as it was given when it begins: its
    arguments are looked at, whoever descends from it, and who is in its session
    though his parent is gone."""
    ours, known = {root}, set()
    while not over.is_set():
        tree = processes()
        for _ in range(4):
            ours.update(pid for pid, (parent, session) in tree.items()
                        if parent in ours or session == root)
        for pid in ours & set(tree):
            if pid != root:
                keep(directory, pid, known)
        try:
            with open("/proc/%d/cmdline" % root, "rb") as file:
                data = file.read()
            with open("%s/root.cmdline" % directory, "wb") as out:
                out.write(data.replace(b"\0", b"\n"))
        except OSError:
            pass
        over.wait(0.02)


def watch(directory, command):
    os.makedirs(directory, exist_ok=True)
    child = subprocess.Popen(command, start_new_session=True)
    over = threading.Event()
    thread = threading.Thread(target=sample, args=(directory, child.pid, over))
    thread.start()
    status = child.wait()
    over.set()
    thread.join()
    sys.exit(status if status >= 0 else 128 - status)


COMMANDS = {
    "make": lambda args: make(args[0]),
    "plant": lambda args: plant(),
    "find": lambda args: find(args[0], args[1:]),
    "requests": lambda args: requests(args[0], args[1]),
    "watch": lambda args: watch(args[0], args[1:]),
}
COMMANDS[sys.argv[1]](sys.argv[2:])
