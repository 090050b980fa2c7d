"""An engine that says what a test wrote down, over real sockets, with ds4-server's framing.

Each request takes the next script: pieces of bytes, with `Pause` where the server waits for the test. The
bodies that clients sent are kept.
"""

import json
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"


@dataclass
class Pause:
    """`reached` is set when the server gets here; it goes on when `go` is set or the client hangs up."""

    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)


Script = Iterable[bytes | Pause]


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _record({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]})


def usage(prompt: int, completion: int, cached: int) -> bytes:
    details = {"cached_tokens": cached, "cache_write_tokens": prompt - cached}
    total = {"prompt_tokens": prompt, "completion_tokens": completion, "prompt_tokens_details": details}
    return _record({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": total})


def _record(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def call(number: int, name: str, arguments: dict[str, Any] | str) -> tuple[str, str, str]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return f"call_{number:032x}", name, text


def reply(
    content: str = "",
    reasoning: str = "",
    calls: Iterable[tuple[str, str, str]] = (),
    finish: str | None = None,
    tokens: tuple[int, int, int] = (0, 0, 0),
) -> list[bytes]:
    """A whole turn as ds4-server streams it; `tokens` are prompt, completion, cached."""
    calls = list(calls)
    pieces = [HEAD, chunk({"role": "assistant"})]
    pieces += [chunk({"reasoning_content": part}) for part in _halves(reasoning)]
    pieces += [chunk({"content": part}) for part in _halves(content)]
    for index, (id_, name, arguments) in enumerate(calls):
        first = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
        pieces.append(chunk({"tool_calls": [first]}))
        for part in _halves(arguments):
            pieces.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]}))
    pieces.append(chunk({}, finish or ("tool_calls" if calls else "stop")))
    if any(tokens):
        pieces.append(usage(*tokens))
    return [*pieces, DONE]


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


def refusal(status: int, body: dict[str, Any]) -> list[bytes]:
    data = json.dumps(body).encode() + b"\n"
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    return [head.encode() + data]


_MODEL = {"id": "deepseek-v4-flash", "owned_by": "ds4.c", "context_length": 16384}
MODELS = {"object": "list", "data": [_MODEL]}


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the client sent no whole request")
    return data


class ScriptedEngine:
    """Context manager; `url` is its address, `bodies` the chat requests it got."""

    def __init__(self, scripts: Iterable[Script]) -> None:
        self._scripts = iter(scripts)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.bodies: list[bytes] = []
        self.hung_up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "ScriptedEngine":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        head, body = self._read(connection)
        if head.startswith(b"GET /v1/models"):
            connection.sendall(refusal(200, MODELS)[0])
            return
        self.bodies.append(body)
        for piece in next(self._scripts):
            if isinstance(piece, bytes):
                connection.sendall(piece)
            else:
                self._pause(connection, piece)

    def _pause(self, connection: socket.socket, pause: Pause) -> None:
        pause.reached.set()
        connection.settimeout(0.01)
        while not pause.go.is_set():
            try:
                gone = connection.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:  # reset: it closed without reading all we sent
                gone = True
            if gone:
                self.hung_up.set()
                return
        connection.settimeout(None)

    @staticmethod
    def _read(connection: socket.socket) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += _some(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        while len(body) < length:
            body += _some(connection)
        return head, body
