#!/usr/bin/env python3
"""mail_json.py FILE...: each mail as one line of JSON, read by Python's strict
parser. A mail with any defect that it knows is an error."""
import email
import email.policy
import json
import sys


def part(message, kind):
    found = message.get_body(preferencelist=(kind,))
    if found is None:
        return None
    text = found.get_content()
    if text.count("\n") != text.count("\r\n"):
        sys.exit("a line of the text does not end with CRLF")
    return text.replace("\r\n", "\n")


def check(path, raw, message):
    for piece in message.walk():
        if piece.defects:
            sys.exit(f"{path}: {piece.defects}")
    for name, value in message.items():
        if getattr(value, "defects", ()):
            sys.exit(f"{path}: {name}: {value.defects}")
    for line in raw.split(b"\n"):
        if len(line) > 998 or any(c > 126 for c in line):
            sys.exit(f"{path}: {line!r} is no line of a mail")


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        raw = file.read()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    check(path, raw, message)
    received = str(message["Received"])
    print(json.dumps({
        "subject": message["Subject"],
        "from": str(message["From"]),
        "from_name": message["From"].addresses[0].display_name,
        "to": [a.addr_spec for a in message["To"].addresses],
        "envelope_from": str(message["Return-path"]),
        "envelope_to": str(message["Envelope-to"]),
        "with": received.split(" with ")[1].split()[0],
        "priority": message["X-Priority"],
        "auto": message["Auto-Submitted"],
        "id": message["Message-ID"],
        "date": message["Date"].datetime.timestamp(),
        "n_headers": {n.lower(): len(message.get_all(n))
                      for n in message.keys() if n != "Received"},
        "text": part(message, "plain"),
        "html": part(message, "html"),
    }))
