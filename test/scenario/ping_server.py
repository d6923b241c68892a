#!/usr/bin/env python3
"""ping_server.py DIR [PLAN]

What a monitoring service is to vbackup, on a free port of 127.0.0.1 that it
writes to DIR/port. Each request becomes a line of DIR/requests, "METHOD PATH
QUERY" ("-" for none), and its body the file DIR/body.N (from 1 on).

PLAN is what is answered, one word for each request, the last one for all that
come after it: ok (the default), a status such as 503, limit=N (ok with
Ping-Body-Limit: N), hang (no answer, until the client goes), cut (the
connection is closed without one).
"""
import http.server
import os
import sys
import threading
import urllib.parse

DIR = sys.argv[1]
PLAN = sys.argv[2:] or ["ok"]
lock = threading.Lock()
count = 0


def record(method, path, body):
    """Returns what is to be answered. The line comes last: who sees it may
    look at the body."""
    global count
    with lock:
        count += 1
        word = PLAN[min(count, len(PLAN)) - 1]
        with open(os.path.join(DIR, f"body.{count}"), "wb") as out:
            out.write(body)
        parts = urllib.parse.urlsplit(path)
        with open(os.path.join(DIR, "requests"), "a") as out:
            print(method, parts.path, parts.query or "-", file=out)
    return word


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        word = record(self.command, self.path, self.rfile.read(length))
        if word in ("hang", "cut"):
            if word == "hang":
                self.connection.recv(1)
            self.close_connection = True
            return
        status = int(word) if word.isdigit() else 200
        text = b"OK" if status == 200 else b"no"
        self.send_response(status)
        if word.startswith("limit="):
            self.send_header("Ping-Body-Limit", word[len("limit="):])
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with open(os.path.join(DIR, "port.new"), "w") as out:
        print(server.server_address[1], file=out)
    os.rename(os.path.join(DIR, "port.new"), os.path.join(DIR, "port"))
    server.serve_forever()


main()
