"""Starts the stand-in of ds4-server for tests. What it can do is told in ds4_server.py."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parent / "ds4_server.py"


def write_binary(path: Path, generation: str = "june") -> Path:
    """An executable that is ds4-server of that generation ("may", "june", "late")."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!/bin/sh\nDS4_STANDIN_GENERATION={generation}\nexport DS4_STANDIN_GENERATION\n"
        f'exec {sys.executable} -S -E {PROGRAM} "$@"\n'
    )
    path.chmod(0o755)
    return path


def write_model(path: Path, **knobs: Any) -> Path:
    """A GGUF of architecture deepseek4 without tensors, which carries the knobs."""
    name, architecture = b"general.architecture", b"deepseek4"
    head = struct.pack("<4sIQQ", b"GGUF", 3, 0, 1)
    entry = struct.pack(f"<Q{len(name)}sIQ", len(name), name, 8, len(architecture)) + architecture
    text = b"ds4-standin:" + json.dumps(knobs).encode() if knobs else b""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + entry + bytes(8) + text)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Standin:
    """A running stand-in; leave the `with` block to end it. `lines`: its stderr up to now, as read."""

    process: subprocess.Popen[bytes]
    port: int
    lines: list[str]

    @classmethod
    def start(
        cls, folder: Path, *flags: str, generation: str = "june", ready: bool = True, **knobs: Any
    ) -> Standin:
        """In `folder`, with a lock of its own there. `ready`: wait for its "listening" line."""
        binary, model = folder / f"ds4-server-{generation}", folder / "model.gguf"
        write_binary(binary, generation)
        write_model(model, **knobs)
        port = free_port()
        words = [str(binary), "--model", str(model), "--port", str(port), *flags]
        env = {**os.environ, "DS4_LOCK_FILE": str(folder / "ds4.lock")}
        process = subprocess.Popen(words, stderr=subprocess.PIPE, cwd=folder, env=env)
        standin = cls(process, port, [])
        if ready:
            standin.wait_for("listening on")
        return standin

    def wait_for(self, text: str) -> str:
        """The next line of stderr that holds `text`. Raises EOFError when the process ends first."""
        assert self.process.stderr is not None
        while line := self.process.stderr.readline():
            self.lines.append(line.decode().rstrip("\n"))
            if text in self.lines[-1]:
                return self.lines[-1]
        raise EOFError(f"ended without {text!r}: {self.lines}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit status; all of stderr is in `lines` then."""
        self.process.send_signal(number)
        assert self.process.stderr is not None
        self.lines += self.process.stderr.read().decode().splitlines()
        return self.process.wait()

    def __enter__(self) -> Standin:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
