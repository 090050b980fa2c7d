"""The clients of bench.proxy: plain sockets in a process of their own.

`python -m bench.proxy_client NAME JSON` runs one function of this file and prints what it returns as JSON.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from typing import Any

CHAT = "/v1/chat/completions"
_STAMP = re.compile(rb"at (\d+)")
BODY = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"Hello"}]}'


def request(query: str, body: bytes = BODY) -> bytes:
    head = f"POST {CHAT}?{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def connect(port: int, query: str, body: bytes = BODY) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=60)
    sock.sendall(request(query, body))
    return sock


def read(sock: socket.socket) -> bytes:
    """To the end, which closes it."""
    with sock:
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def ask(sender: int, query: str) -> int:
    """A number from the sender itself."""
    return int(read(connect(sender, query)).rpartition(b"\r\n\r\n")[2])


def small(port: int, count: int) -> list[float]:
    """Milliseconds from the connection to the first byte of small replies, one after the other."""
    times = []
    for _ in range(count):
        began = time.monotonic_ns()
        sock = connect(port, "do=small")
        first = sock.recv(1 << 16)
        times.append((time.monotonic_ns() - began) / 1e6)
        assert first.startswith(b"HTTP/1.1 200"), first
        read(sock)
    return times


def streams(port: int, count: int, events: int, ms: int) -> dict[str, Any]:
    """Delays of events in ms, and how many events came in how many reads."""
    selector, delays, reads = selectors.DefaultSelector(), [], 0
    for _ in range(count):
        selector.register(connect(port, f"do=stream&n={events}&ms={ms}"), selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select():
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            data, now = sock.recv(1 << 16), time.monotonic_ns()
            if not data:
                selector.unregister(sock)
                sock.close()
            stamps = _STAMP.findall(data)
            reads += bool(stamps)
            delays += [(now - int(stamp)) / 1e6 for stamp in stamps]
    return {"delays": delays, "reads": reads}


def body(port: int, n_bytes: int) -> str:
    """The status of a large request."""
    return read(connect(port, "do=small", b" " * n_bytes)).split(b" ", 2)[1].decode()


def stall(port: int, sender: int, n_bytes: int) -> int:
    """Start a flood and read nothing of it; says "stalled" when no more is sent, ends with the input."""
    before = ask(sender, "do=sent")
    sock = connect(port, f"do=flood&n={n_bytes}")
    sent, last = before, -1
    while sent != last or sent == before:
        time.sleep(0.25)
        last, sent = sent, ask(sender, "do=sent")
    print("stalled", flush=True)
    sys.stdin.read()
    sock.close()
    return sent - before


def leave(port: int, sender: int, query: str, wait: bool, count: int) -> list[float]:
    """Milliseconds from a client's leaving to the end of the connection at the server. `wait`: for the first
    bytes of the reply.
    """
    times = []
    for i in range(count):
        name = f"{port}-{query[:9]}-{i}"
        sock = connect(port, f"{query}&id={name}")
        ask(sender, f"do=arrived&of={name}")
        if wait:
            sock.recv(1 << 16)
        left = time.monotonic_ns()
        sock.close()
        times.append((ask(sender, f"do=ended&of={name}") - left) / 1e6)
    return times


def queued(port: int, sender: int, width: int, count: int) -> list[float]:
    """With all places taken, one that waits leaves and then one that runs: milliseconds until the next one
    behind it is at the server. The one that left must never get there.
    """
    times = []
    for i in range(count):
        names = [f"q{i}-{j}" for j in range(width + 2)]
        socks = []
        for name in names:
            socks.append(connect(port, f"do=silent&id={name}"))
            if len(socks) <= width:
                ask(sender, f"do=arrived&of={name}")
        socks[width].close()
        left = time.monotonic_ns()
        socks[0].close()
        times.append((ask(sender, f"do=arrived&of={names[-1]}") - left) / 1e6)
        for sock in socks:
            sock.close()
        ask(sender, f"do=ended&of={names[-1]}")
    return times


def _depth(port: int) -> int:
    """How many wait, as the sidecar says."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return int(json.loads(read(sock).partition(b"\r\n\r\n")[2])["queue_depth"])


def unread(port: int, width: int, n_bytes: int, count: int) -> list[float]:
    """With all places taken, one leaves the queue whose body is larger than what is read of it: milliseconds
    until the sidecar says that nobody waits.
    """
    times = []
    running = [connect(port, "do=silent") for _ in range(width)]
    for _ in range(count):
        large = connect(port, "do=silent", b" " * n_bytes)
        while _depth(port) != 1:
            pass
        left = time.monotonic_ns()
        large.close()
        while _depth(port):
            pass
        times.append((time.monotonic_ns() - left) / 1e6)
    for sock in running:
        sock.close()
    return times


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*json.loads(sys.argv[2]))))
