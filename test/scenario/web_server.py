#!/usr/bin/python3
"""web_server.py DIR: a scripted web: every host there is.

Listens on a port of 127.0.0.1, written to DIR/port, as a server and as a proxy:
requests for other hosts come as they go to a proxy, those by TLS after CONNECT;
they are answered here, with the certificate DIR/web.pem (key and certificate).

Each request is a line of JSON in DIR/requests: scheme, host, method, path,
headers (names in lower case) and body. The answer is that of the first rule in
DIR/rules (a JSON list, read anew each time) whose "match" (a regular
expression) is found in "METHOD scheme://host/path": "status", "headers",
"body"; "hang" seconds before it; "times": a rule that is used up is passed
over; "close": the connection ends without an answer; "echo": in place of @ in
this text the body has path, headers and body of the request, in one line.
Without a rule: 200, and a body that means success to whoever is asked.
"""
import collections
import json
import os
import re
import socketserver
import ssl
import sys
import threading
import time

DIR = sys.argv[1]
LOCK = threading.Lock()
USED = collections.Counter()

SUCCESS = {
    "hooks.slack.com": "ok",
    "open.larksuite.com": '{"code":0}',
    "qyapi.weixin.qq.com": '{"errcode":0}',
    "api.telegram.org": '{"ok":true}',
    "api.pushbullet.com": '{"type":"note","active":true}',
    "api.pushover.net": '{"status":1}',
    "zulip.test": '{"result":"success"}',
    "bark.test": '{"code":200}',
}


def read_request(stream):
    line = stream.readline(65536).decode("latin-1").strip()
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers = {}
    while True:
        line = stream.readline(65536).decode("latin-1").rstrip("\r\n")
        if not line:
            break
        name, value = line.split(":", 1)
        headers[name.lower()] = value.strip()
    return method, target, headers


def read_body(stream, headers):
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            n = int(stream.readline(), 16)
            body += stream.read(n)
            stream.readline()
            if n == 0:
                return body
    return stream.read(int(headers.get("content-length", "0")))


def find_answer(request):
    where = "%s %s://%s%s" % (request["method"], request["scheme"],
                              request["host"], request["path"])
    try:
        with open(DIR + "/rules") as rules:
            rules = json.load(rules)
    except FileNotFoundError:
        rules = []
    for rule in rules:
        if not re.search(rule["match"], where):
            continue
        key = json.dumps(rule, sort_keys=True)
        USED[key] += 1
        if USED[key] <= rule.get("times", 1 << 30):
            return rule
    return {"body": SUCCESS.get(request["host"], "{}")}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            self.serve(self.connection, "http", None)
        except (OSError, ValueError):
            pass

    def serve(self, connection, scheme, host):
        stream = connection.makefile("rb")
        while True:
            request = read_request(stream)
            if request is None:
                return
            method, target, headers = request
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                self.serve_tls(connection, target)
                return
            absolute = re.match(r"http://([^/]*)(/.*)?$", target)
            place = host or (absolute and absolute.group(1)) \
                or headers.get("host", "")
            path = (absolute.group(2) or "/") if absolute else target
            if not self.answer(connection, {
                    "scheme": scheme, "host": re.sub(r":443$", "", place),
                    "method": method, "path": path, "headers": headers,
                    "body": read_body(stream, headers).decode(
                        "utf-8", "backslashreplace")}):
                return

    def serve_tls(self, connection, target):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(DIR + "/web.pem")
        with context.wrap_socket(connection, server_side=True) as tls:
            self.serve(tls, "https", target)

    def answer(self, connection, request):
        with LOCK:
            rule = find_answer(request)
            with open(DIR + "/requests", "a") as out:
                out.write(json.dumps(request) + "\n")
        time.sleep(rule.get("hang", 0))
        if rule.get("close"):
            return False
        body = rule.get("body", "")
        if "echo" in rule:
            body = rule["echo"].replace("@", " ".join(
                [request["path"]] + list(request["headers"].values()) +
                [request["body"].replace("\n", " ")]))
        body = body.encode()
        head = "HTTP/1.1 %d X\r\nContent-Length: %d\r\n" % (
            rule.get("status", 200), len(body))
        for name, value in rule.get("headers", {}).items():
            head += "%s: %s\r\n" % (name, value)
        connection.sendall(head.encode() + b"\r\n" + (
            b"" if request["method"] == "HEAD" else body))
        return True


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", 0), Handler) as server:
    with open(DIR + "/port.new", "w") as port:
        port.write("%d\n" % server.server_address[1])
    os.rename(DIR + "/port.new", DIR + "/port")
    server.serve_forever()
