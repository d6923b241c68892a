#!/usr/bin/env python3
"""flaky_proxy.py HOST:PORT PORTFILE PATTERN [damage|hold]

A TCP proxy before an HTTP server, on a free port that it writes to PORTFILE:
each connection is passed on until a request comes whose first line matches
PATTERN (a regular expression): then it is cut. For connections that break in
the middle of a transfer, which a real server does not do on demand. With
"damage" it is not cut: what the server answers from then on comes with other
bytes in it, though with as many. With "hold" that request goes nowhere, and
PORTFILE.held appears.
"""
import re
import socket
import sys
import threading


def pump(source, target, change=bytes):
    try:
        while True:
            chunk = source.recv(65536)
            if not chunk:
                break
            target.sendall(change(chunk))
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, host, port, pattern, how):
    server = socket.create_connection((host, port))
    hit = threading.Event()

    def change(chunk):
        if not hit.is_set() or len(chunk) < 1000 or b"HTTP/1" in chunk:
            return chunk
        return chunk[:-1] + bytes([chunk[-1] ^ 16])

    threading.Thread(target=pump, args=(server, client, change),
                     daemon=True).start()
    try:
        while True:
            chunk = client.recv(65536)
            if chunk and re.search(pattern, chunk[:2000]):
                if how == "hold":
                    open(sys.argv[2] + ".held", "w").close()
                    while client.recv(65536):
                        pass
                if how != "damage":
                    break
                hit.set()
            if not chunk:
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
                         args=(client, host, int(port), pattern,
                               "".join(sys.argv[4:]))).start()


main()
