#!/usr/bin/env python3
"""datagrams.py PATH OUT: each datagram that comes to a socket at PATH, one JSON
object a line in OUT: {"KEY": "value"}, as systemd's journal and its manager
read them. Bytes that are no UTF-8 are escaped."""
import json
import os
import socket
import struct
import sys


def text(data):
    return data.decode("utf-8", "backslashreplace")


def fields(data):
    found = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (n,) = struct.unpack("<Q", data[:8])
            value, data = data[8:8 + n], data[8 + n + 1:]
        found[text(name)] = text(value)
    return found


def entry(server):
    data, fds, _, _ = socket.recv_fds(server, 1 << 20, 1)
    for fd in fds:
        with os.fdopen(fd, "rb") as file:
            file.seek(0)
            data = file.read()
    return fields(data)


path, out = sys.argv[1:]
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind("\0" + path[1:] if path.startswith("@") else path)
with open(out, "w", buffering=1, encoding="utf-8") as file:
    while True:
        file.write(json.dumps(entry(server)) + "\n")
