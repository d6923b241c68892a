#!/usr/bin/env python3
"""engine_proxy.py LISTEN TARGET LOG [PATTERN=STATUS]...

A proxy before an Engine's socket, for what a real Engine does not do on
demand. Writes each request line to LOG. A request line that matches a PATTERN
(a regular expression) is not passed on, but answered with STATUS; STATUS
"hang" never answers, "cut" closes the connection. Requests of the API's
endpoints that vbackup uses have no body.
"""
import re
import socket
import sys
import threading


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return None
        head += more
    return head


def answer(connection, status):
    body = (b'{"message":"No such container: it"}' if status == 404 else
            b'{"message":"refused by the proxy"}')
    connection.sendall(b"HTTP/1.1 %d Refused\r\nContent-Type: application/json"
                       b"\r\nContent-Length: %d\r\n\r\n%s"
                       % (status, len(body), body))


def pass_on(head, target, connection):
    """One connection to the Engine for each request; then this one ends."""
    upstream = socket.socket(socket.AF_UNIX)
    upstream.connect(target)
    upstream.sendall(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    while True:
        chunk = upstream.recv(65536)
        if not chunk:
            break
        connection.sendall(chunk)
    upstream.close()


def serve(connection, target, log, rules):
    try:
        while True:
            head = read_head(connection)
            if head is None:
                return
            line = head.split(b"\r\n", 1)[0].decode("latin-1")
            print(line, file=log, flush=True)
            for pattern, status in rules:
                if re.search(pattern, line):
                    if status == "hang":
                        threading.Event().wait()
                    if status == "cut":
                        return
                    answer(connection, int(status))
                    break
            else:
                pass_on(head, target, connection)
                return
    except OSError:
        pass
    finally:
        connection.close()


def main():
    listen, target, log = sys.argv[1:4]
    rules = [tuple(rule.rsplit("=", 1)) for rule in sys.argv[4:]]
    server = socket.socket(socket.AF_UNIX)
    server.bind(listen)
    server.listen(16)
    with open(log, "a") as lines:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, daemon=True,
                             args=(connection, target, lines, rules)).start()


main()
