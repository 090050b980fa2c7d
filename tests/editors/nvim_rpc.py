"""The little of MessagePack-RPC that asks a running Neovim for the value of a Lua expression.

Requests are `nvim_exec_lua`; values come as JSON, so that a reply holds nothing but numbers, nil, arrays and
texts (https://github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = 60.0
CODE = "return vim.json.encode(({}))"
_SIZED = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I", 0xDC: ">H"}
_INTEGERS = (0xCC, 0xCD, 0xCE)


def _text(value: str) -> bytes:
    data = value.encode()
    return b"\xdb" + struct.pack(">I", len(data)) + data


def _request(expression: str) -> bytes:
    code = CODE.replace("{}", expression)
    return b"\x94\x00\x01" + _text("nvim_exec_lua") + b"\x92" + _text(code) + b"\x90"


class _Reply:
    """Reads one value at a time; IndexError and struct.error while there is not all of it."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def _take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise IndexError(self.at)
        self.at += count
        return self.data[self.at - count : self.at]

    def value(self) -> Any:
        (kind,) = self._take(1)
        if kind < 0x80:
            return kind
        if kind == 0xC0:
            return None
        if kind in _SIZED:
            shape = _SIZED[kind]
            (size,) = struct.unpack(shape, self._take(struct.calcsize(shape)))
            if kind in _INTEGERS:
                return size
        else:
            size = kind & (0x0F if kind < 0xA0 else 0x1F)
        if 0x90 <= kind < 0xA0 or kind == 0xDC:
            return [self.value() for _ in range(size)]
        return self._take(size).decode(errors="replace")


class Rpc:
    """A connection. `meanwhile` is called again and again while an answer is awaited."""

    def __init__(self, path: Path, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile
        deadline = time.monotonic() + SECONDS
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:  # not there, or not listened to, until the editor is up
                assert time.monotonic() < deadline, "the editor does not listen"
                meanwhile()
        self._socket.setblocking(False)

    def ask(self, expression: str) -> Any:
        """The value of a Lua expression. Raises AssertionError for one that fails."""
        self._socket.sendall(_request(expression))
        data = b""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                data += self._socket.recv(1 << 20)
                _, _, fault, value = _Reply(data).value()
            except (BlockingIOError, IndexError):
                assert time.monotonic() < deadline, f"no answer to {expression}: the editor waits for a key"
                self._meanwhile()
                continue
            assert fault is None, fault[1]
            return json.loads(value)

    def close(self) -> None:
        self._socket.close()
