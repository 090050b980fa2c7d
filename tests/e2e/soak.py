"""Many impatient clients, an engine that is killed again and again, and nothing lost or left over.

`python -m tests.e2e.soak --seconds 3600`. Clients of all APIs ask the stand-in of ds4-server through a
sidecar; a third of them leave at a random moment. Each request must end in one of the known ways; at the end
the sidecar must have as many connections, tasks, descriptors and processes as at the beginning.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ds4agent.sidecar.settings import EngineSettings
from tests.sidecar_fixtures import Sidecar, connect, post, request, reset, running_sidecar
from tests.standins import free_port, write_binary, write_model

CLIENTS = 32
PATIENCE = 120.0
GROWTH = 8 << 20
LARGE = 6 << 20  # more than the sidecar holds of one that waits
REFUSED = ("429", "502", "503")
LAST_EVENTS = (b"data: [DONE]\n\n", b"event: message_stop\n", b"response.completed", b"response.incomplete")
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hello"}]},
    "/v1/messages": {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50},
    "/v1/responses": {"input": "Hello"},
    "/v1/completions": {"prompt": "Hello"},
}


def _request(random: random.Random) -> bytes:
    path = random.choice(sorted(BODIES))
    knobs: dict[str, Any] = {"tokens": random.randrange(1, 30), "interval": random.choice((0.0, 0.002))}
    if random.random() < 0.1:
        knobs |= random.choice(
            ({"close": "event"}, {"close": "head"}, {"garbage": True}, {"fail": "no room"})
        )
    padding = "x" * (LARGE if random.random() < 0.01 else random.choice((0, 0, 1000, 300_000)))
    fields = {**BODIES[path], "stream": random.random() < 0.7, "metadata": padding, "standin": knobs}
    body = json.dumps(fields).encode()
    if random.random() < 0.2:
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return request("POST", path, b"", "Transfer-Encoding: chunked") + chunk
    return post(path, body)


def outcome(reply: bytes) -> str:
    """How a request ended. Raises AssertionError if that is no way to end."""
    assert reply, "a connection that ended without a byte"
    head, found, body = reply.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 ") or not found:
        return "garbage"  # as the engine was told to
    status = head.split(b" ")[1].decode()
    if status != "200":
        assert json.loads(body)["error"]["message"]
        return status
    if b"text/event-stream" not in head:
        with suppress(ValueError):
            json.loads(body)
            return "whole"
        return "cut"
    if b"event: error" in body or b'data: {"error"' in body:
        return "error event"
    return "whole" if any(last in body for last in LAST_EVENTS) else "cut"


def born(pid: int) -> str:
    """When a process began, in ticks since the system did: within an hour its number may be another's. "" if
    there is none of this number.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


@dataclass
class Soak:
    sidecar: Sidecar
    until: float
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    engines: set[tuple[int, str]] = field(default_factory=set)

    def client(self, seed: int) -> None:
        rng = random.Random(seed)
        while time.monotonic() < self.until and not self.failures:
            try:
                how = self._one(rng)
                self.outcomes[how] += 1
                time.sleep(rng.uniform(0.05, 0.3) if how in REFUSED else 0.0)
            except (AssertionError, OSError, ValueError) as error:
                self.failures.append(f"client {seed}: {error!r}")

    def _one(self, rng: random.Random) -> str:
        raw = _request(rng)
        if rng.random() < 0.1:
            connect(self.sidecar.port, raw[: rng.randrange(len(raw))]).close()
            return "left while asking"
        with connect(self.sidecar.port, raw) as sock:
            leaves_after = rng.choice((0.0, 0.001, 0.01, 0.1, 0.5)) if rng.random() < 0.3 else None
            return self._stay(sock) if leaves_after is None else self._leave(sock, leaves_after, rng)

    def _stay(self, sock: socket.socket) -> str:
        sock.settimeout(PATIENCE)
        return outcome(b"".join(iter(lambda: sock.recv(1 << 16), b"")))

    def _leave(self, sock: socket.socket, seconds: float, rng: random.Random) -> str:
        end = time.monotonic() + seconds
        with suppress(TimeoutError):
            while (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                if not sock.recv(1 << 16):
                    return "ended first"
        if rng.random() < 0.5:
            reset(sock)
        return "left"

    def status(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.sidecar.own("status"))
        return value

    def kill_engines(self, every: float) -> None:
        """A breaker that has opened is closed by hand, as a user would."""
        while (left := self.until - time.monotonic()) > 0:
            time.sleep(min(every, left))
            engine = self.status()["engine"]
            if engine["state"] == "broken":
                self.sidecar.own("load", "POST")
            elif engine["pid"] is not None:
                self.engines.add((engine["pid"], born(engine["pid"])))
                with suppress(ProcessLookupError):
                    os.kill(engine["pid"], signal.SIGKILL)
                self.outcomes["engines killed"] += 1

    # -- what is left over
    # -----------------------------------------------------------------------------------------

    def rest(self) -> dict[str, int]:
        """When nobody asks and the engine is ready: what the sidecar has, twice the same."""
        deadline = time.monotonic() + PATIENCE
        last: dict[str, int] = {}
        while True:
            outcome(self._ask())
            status, pid = self.status(), self.sidecar.process.pid
            kept = {name: status[name] for name in ("connections", "tasks", "running")}
            kept["waiting"] = len(status["waiting"])
            kept["descriptors"] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            kept["processes"] = len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            # The status is asked for by one connection; refused clients may linger for a second.
            settled = kept["connections"] == 1 and not kept["running"] and not kept["waiting"]
            if settled and status["engine"]["state"] == "ready" and kept == last:
                return kept
            last = kept
            assert time.monotonic() < deadline, f"it does not come to rest: {kept}, {status['engine']}"
            if status["engine"]["state"] == "broken":
                self.sidecar.own("load", "POST")
            time.sleep(0.2)

    def _ask(self) -> bytes:
        with connect(self.sidecar.port, post("/v1/completions", b'{"prompt":"Hello"}')) as sock:
            sock.settimeout(PATIENCE)
            return b"".join(iter(lambda: sock.recv(1 << 16), b""))

    def memory(self) -> int:
        text = Path(f"/proc/{self.sidecar.process.pid}/smaps_rollup").read_text()
        return 1024 * next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def _round(run: Soak, seconds: float, kill_every: float, seed: int) -> None:
    run.until = time.monotonic() + seconds
    threads = [threading.Thread(target=run.client, args=(seed * 1000 + i,)) for i in range(CLIENTS)]
    threads.append(threading.Thread(target=run.kill_engines, args=(kill_every,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not run.failures, run.failures[:5]
    time.sleep(1.5)  # for which refused clients may linger


def soak(folder: Path, seconds: float, kill_every: float, seed: int = 1) -> str:
    """What happened, in a line. Raises AssertionError."""
    port = free_port()
    argv = (str(write_binary(folder / "ds4-server", "june")), "--model", str(write_model(folder / "m.gguf")))
    environment: dict[str, str | None] = {"DS4_LOCK_FILE": str(folder / "lock")}
    engine = EngineSettings((*argv, "--port", str(port)), environment=environment, port=port, grace=5.0)
    with running_sidecar(folder, engine, keepalive=0.3, max_queue=24) as sidecar:
        run = Soak(sidecar, 0.0)
        # What so many clients need at once, and what is made with the first of each kind, is no leak.
        _round(run, seconds / 4, kill_every, seed + 1)
        before, memory = run.rest(), run.memory()
        _round(run, seconds * 3 / 4, kill_every, seed)
        after, more = run.rest(), run.memory() - memory
        assert after == before, f"before {before}, after {after}"
        assert more < GROWTH, f"{more / 1e6:.1f} MB more"
    left = [(pid, when) for pid, when in run.engines if when and born(pid) == when]
    assert not left, f"engines that still run: {left}"
    parts = [f"{name} {count}" for name, count in sorted(run.outcomes.items())]
    return f"{seconds:g} s, {CLIENTS} clients: {', '.join(parts)}; {more / 1e6:+.1f} MB; at rest {after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--kill-every", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(soak(Path(folder), args.seconds, args.kill_every, args.seed))


if __name__ == "__main__":
    main()
