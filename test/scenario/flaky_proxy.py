#!/usr/bin/env python3
"""flaky_proxy.py HOST:PORT PORTFILE PATTERN

A TCP proxy before an HTTP server, on a free port that it writes to PORTFILE:
each connection is passed on until a request comes whose first line matches
PATTERN (a regular expression): then it is cut. For connections that break in
the middle of a transfer, which a real server does not do on demand.
"""
import re
import socket
import sys
import threading


def pump(source, target):
    try:
        while True:
            chunk = source.recv(65536)
            if not chunk:
                break
            target.sendall(chunk)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, host, port, pattern):
    server = socket.create_connection((host, port))
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    try:
        while True:
            chunk = client.recv(65536)
            if not chunk or re.search(pattern, chunk[:2000]):
                break
            server.sendall(chunk)
    except OSError:
        pass
    server.close()
    client.close()


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    pattern = re.compile(sys.argv[3].encode())
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    with open(sys.argv[2], "w") as out:
        print(listener.getsockname()[1], file=out)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, daemon=True,
                         args=(client, host, int(port), pattern)).start()


main()
