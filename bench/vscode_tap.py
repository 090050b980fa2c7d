#!/usr/bin/env python3
"""Stands before the language server and notes when it says what: `TIME METHOD` lines of text.

The server and the file for the notes are named in tap.json beside this program. TIME is in milliseconds since
1970, taken before the message is handed on. METHOD of an answer is that of the request.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any


def message(source: IO[bytes]) -> bytes:
    """The next one with its head; empty at the end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = source.readline()
        if not line:
            return b""
        head += line
    (length,) = (
        int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")
    )
    return head + source.read(length)


def body(data: bytes) -> Any:
    return json.loads(data.partition(b"\r\n\r\n")[2])


def main() -> None:
    folder = Path(__file__).resolve().parent
    settings = json.loads((folder / "tap.json").read_text())
    server = subprocess.Popen(
        [settings["server"], *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin
    assert server.stdout
    asked: dict[Any, str] = {}

    def to_server(sink: IO[bytes]) -> None:
        while data := message(sys.stdin.buffer):
            found = body(data)
            if "method" in found and "id" in found:
                asked[found["id"]] = found["method"]
            sink.write(data)
            sink.flush()
        sink.close()

    threading.Thread(target=to_server, args=(server.stdin,), daemon=True).start()
    with Path(settings["notes"]).open("a") as notes:
        while data := message(server.stdout):
            found = body(data)
            method = found.get("method") or asked.get(found.get("id"), "")
            kind = found.get("params", {}).get("kind", "") if method == "ds4/chat/delta" else ""
            empty = "empty" if "method" not in found and not (found.get("result") or {}) else ""
            notes.write(f"{time.time() * 1e3:.3f} {method} {kind}{empty}\n")
            notes.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    os._exit(server.wait())


if __name__ == "__main__":
    main()
