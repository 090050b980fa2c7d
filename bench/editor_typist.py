"""Who types, in the benchmark of the editor, and what the engine counts meanwhile."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tests.engine_fixtures import EngineProcess, exchange, request
from tests.lsp_client import Editor

URI = "file:///project/held_out.py"
# With the debounce out of the way: it is the same for all, and not computing.
SETTINGS = {"debounce": 0}
# Looks, 20 ms apart, at which an engine that rests has to be seen at rest.
QUIET = 25


def _counter(engine: EngineProcess, name: str) -> int:
    _, body = exchange(engine.port, request("GET", "/metrics"))
    found = re.search(rf"^{name} (\d+)", body.decode(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def read_tokens(engine: EngineProcess) -> int:
    return _counter(engine, "ds4_read_tokens_total")


def holes(engine: EngineProcess) -> int:
    return _counter(engine, "ds4_time_to_first_token_seconds_count")


def busy(engine: EngineProcess) -> bool:
    return b'"busy":true' in exchange(engine.port, request("GET", "/health"))[1]


def settings(engine: EngineProcess, **lsp: Any) -> dict[str, Any]:
    return {"engine": f"http://127.0.0.1:{engine.port}", "lsp": {**SETTINGS, **lsp}}


async def warmed(it: Editor, engine: EngineProcess, line: int) -> None:
    """The cursor rests there until the engine has read all around it."""
    before = read_tokens(engine)
    it.tell("ds4/cursor", {"textDocument": {"uri": URI}, "position": {"line": line, "character": 0}})
    # It may know nearly all of it from before, so what counts is that it was asked and has come to rest.
    quiet, read = 0, before
    while quiet < QUIET or read == before:
        await asyncio.sleep(0.02)
        now = read_tokens(engine)
        quiet = quiet + 1 if now == read and not busy(engine) else 0
        read = now


class Typist:
    """Types lines of the file anew, one after the other, into the middle of it."""

    def __init__(self, it: Editor, text: str, at: int) -> None:
        lines = text.split("\n")
        self._it, self._keys = it, list("\n".join(lines[at : at + 60]) + "\n")
        self.lines = [*lines[:at], "", *lines[at + 60 :]]
        self.line, self.column, self.typed = at, 0, ""
        it.open(URI, "\n".join(self.lines))

    def key(self) -> None:
        char = self._keys.pop(0)
        self._it.change(URI, (self.line, self.column), (self.line, self.column), char)
        if char == "\n":
            self.lines.insert(self.line + 1, "")
            self.line, self.column = self.line + 1, 0
        else:
            self.lines[self.line] += char
            self.column += 1
        self.typed += char
