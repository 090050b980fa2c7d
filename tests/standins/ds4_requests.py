"""The stand-in's HTTP, its one worker and its live state: one request a connection, one at a time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NoReturn

from tests.standins.ds4_dialects import DIALECTS, Completions, Dialect, Messages, Turn
from tests.standins.ds4_flags import Options
from tests.standins.ds4_knobs import Knobs, wait

_HEAD_MAX, _BODY_MAX, _CHUNK = 64 << 10, 64 << 20, 64 << 10
_PHRASES = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
}
_CORS = (
    "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
    "Access-Control-Allow-Headers: *\r\n"
)
_PARAMETERS = (
    *("tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "min_p"),
    *("stop", "seed", "stream", "reasoning_effort"),
)
_MISSING = {"/v1/completions": "prompt", "/v1/responses": "input"}


class _Gone(Exception):
    """The client has left, or the server is stopping."""


class _Refused(Exception):
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body


def hang() -> NoReturn:
    while True:
        time.sleep(3600)


def _crash() -> NoReturn:
    os.kill(os.getpid(), signal.SIGABRT)
    hang()


def _error(message: str) -> bytes:
    body = {"error": {"message": message, "type": "invalid_request_error"}}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@dataclass
class Job:
    """A request that waits for the worker. `done`: its last byte was sent, or will never be."""

    client: socket.socket
    path: str
    body: dict[str, Any]
    knobs: Knobs
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


def serve(client: socket.socket, worker: Worker) -> None:
    """One connection, from its first byte to its end."""
    with client:
        client.settimeout(10)
        worker.n_accepted += 1
        knobs = worker.knobs
        if knobs.after < worker.n_accepted:
            if knobs.hang == "accept":
                hang()
            if knobs.crash == "accept":
                _crash()
            if knobs.close == "accept":
                return
        with suppress(_Gone, OSError):
            try:
                _answer(client, worker)
            except _Refused as error:
                worker.reply(client, error.status, error.body)


def _answer(client: socket.socket, worker: Worker) -> None:
    method, path, body = _read(client)
    if method == "OPTIONS":
        worker.reply(client, 204, b"")
    elif method == "GET" and (card := worker.models(path)):
        worker.reply(client, 200, card)
    elif method == "POST" and path in DIALECTS:
        _enqueue(client, worker, path, body)
    else:
        raise _Refused(404, _error("unknown endpoint"))


def _read(client: socket.socket) -> tuple[str, str, bytes]:
    bad = _Refused(400, _error("bad HTTP request"))
    head = b""
    while not (end := re.search(rb"\r?\n\r?\n", head)):
        try:
            piece = client.recv(8192)
        except OSError:
            raise bad from None
        head += piece
        if not piece or len(head) > _HEAD_MAX:
            raise bad
    line, *fields = head[: end.start()].decode("latin-1").splitlines()
    words = line[:511].split(" ")
    named = [
        value for name, _, value in (f.partition(":") for f in fields) if name.lower() == "content-length"
    ]
    try:
        length = int(named[0]) if named else 0
    except ValueError:
        length = 0
    if len(words) < 2 or not 0 <= length <= _BODY_MAX:
        raise bad
    body = bytearray(head[end.end() :])
    while len(body) < length:
        try:
            piece = client.recv(min(1 << 20, length - len(body)))
        except OSError:
            raise bad from None
        if not piece:
            raise bad
        body += piece
    return words[0][:7], words[1].split("?")[0][:255], bytes(body[:length])


def _enqueue(client: socket.socket, worker: Worker, path: str, raw: bytes) -> None:
    try:
        body = json.loads(raw)
        assert isinstance(body, dict)
    except (ValueError, AssertionError):
        raise _Refused(400, _error("invalid JSON request")) from None
    wanted = _MISSING.get(path, "messages")
    if wanted not in body:
        raise _Refused(400, _error(f"missing {wanted}"))
    knobs = worker.knobs.with_values(body.get("standin", {}))
    n = tokens(rendered(path, body))
    if n >= worker.n_ctx:
        raise _Refused(400, _too_long(path, n, worker.n_ctx))
    job = Job(client, path, body, knobs)
    worker.jobs.put(job)
    job.done.wait()


def _too_long(path: str, n: int, ctx: int) -> bytes:
    message = f"Prompt has {n} tokens, but the configured context size is {ctx} tokens"
    error: dict[str, object] = {"type": "invalid_request_error", "message": message}
    body: dict[str, object] = {"type": "error", "error": error}
    if DIALECTS[path] is not Messages:
        param = _MISSING.get(path, "messages")
        error = {"message": message, "type": error["type"], "param": param, "code": "context_length_exceeded"}
        body = {"error": error}
    error |= {"n_prompt_tokens": n, "n_ctx": ctx}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def rendered(path: str, body: dict[str, Any]) -> str:
    """The prompt as one text; that of a longer conversation begins with that of a shorter one."""
    if DIALECTS[path] is Completions:
        return str(body["prompt"])
    first = [body.get("tools"), body.get("system"), body.get("instructions")]
    given = body.get("messages", body.get("input"))
    messages = given if isinstance(given, list) else [{"role": "user", "content": given}]
    texts = [json.dumps(part) for part in first if part]
    return "".join([*texts, *(f"\n{m.get('role', '')}:{_text(m)}" for m in messages if isinstance(m, dict))])


def _text(message: dict[str, Any]) -> str:
    content = message.get("content", message.get("output", message.get("arguments", "")))
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _common(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def tokens(text: str) -> int:
    return len(text.encode()) // 4 + 1


@dataclass
class Worker:
    """Runs one job after the other. `live`: prompt and answer of the last one."""

    generation: str
    options: Options
    knobs: Knobs
    kv: Path | None
    stop: threading.Event
    jobs: SimpleQueue[Job | None]
    log: Callable[[str], None]
    live: str = ""
    n_accepted: int = 0
    n_done: int = 0

    @property
    def n_ctx(self) -> int:
        return self.options.number("--ctx", 32768)

    def run(self) -> None:
        while job := self.jobs.get():
            try:
                _Request(self, job).run()
            except (_Gone, OSError):
                pass
            finally:
                self.n_done += 1
                job.done.set()
            for i in range(self.knobs.log_noise):
                self.log(f"something that no version says, number {i}")

    def models(self, path: str) -> bytes:
        ids = ["deepseek-v4-flash", "deepseek-v4-pro"][: 1 if self.generation == "may" else 2]
        ctx, limit = self.n_ctx, min(self.options.number("--tokens", 393216), self.n_ctx)
        late = ["ignore_eos"] if self.generation == "late" else []
        parameters = [*_PARAMETERS[:7], *late, *_PARAMETERS[7:]]
        top = {"context_length": ctx, "max_completion_tokens": limit, "is_moderated": False}
        about = {"name": "DeepSeek V4 Flash", "context_length": ctx, "top_provider": top}
        cards = {
            id_: {"id": id_, "object": "model", "created": 1767225600, "owned_by": "ds4.c", **about}
            | {"supported_parameters": parameters}
            for id_ in ids
        }
        every = {"object": "list", "data": list(cards.values())}
        bodies = {"/v1/models": every} | {f"/v1/models/{id_}": card for id_, card in cards.items()}
        return json.dumps(bodies[path], separators=(",", ":")).encode() + b"\n" if path in bodies else b""

    def cors(self) -> str:
        return _CORS if "--cors" in self.options.values else ""

    def reply(self, client: socket.socket, status: int, body: bytes) -> None:
        kind = "Content-Type: application/json\r\n" if status != 204 else ""
        head = f"HTTP/1.1 {status} {_PHRASES.get(status, 'Error')}\r\nContent-Length: {len(body)}\r\n{kind}"
        self.write(client, f"{head}{self.cors()}Connection: close\r\n\r\n".encode() + body)

    def write(self, client: socket.socket, block: bytes) -> None:
        """Raises _Gone: the client takes nothing for two seconds or has left, or the server stops."""
        client.settimeout(2)
        view = memoryview(block)
        while view:
            if self.stop.is_set():
                raise _Gone
            try:
                view = view[client.send(view) :]
            except OSError:
                raise _Gone from None

    def continued(self, prompt: str) -> int:
        """Tokens of the prompt that need not be read again."""
        if self.live and prompt.startswith(self.live):
            return min(tokens(self.live), tokens(prompt) - 1)
        if self.live:
            common = _common(self.live, prompt) // 4
            sizes = f"live={tokens(self.live)} prompt={tokens(prompt)} common={common}"
            self.log(f"live kv cache miss {sizes} reason=token-mismatch")
            self.store("evict")
        return self._of_disk(prompt)

    def _of_disk(self, prompt: str) -> int:
        best: tuple[int, Path] = (0, Path())
        for file in self.kv.glob("*.kv") if self.kv else ():
            text = kv_text(file)
            if text and prompt.encode().startswith(text):
                best = max(best, (len(text), file))
        n_bytes, file = best
        if not n_bytes:
            return 0
        n = n_bytes // 4 + 1
        about = f"tokens={n} text={n_bytes} quant=2 key=token-text load=0.1 ms"
        self.log(f"kv cache hit text {about} file={file}")
        return min(n, tokens(prompt) - 1)

    def store(self, reason: str, wait_for: Knobs | None = None) -> None:
        """Under a temporary name, which stays when the process is killed meanwhile, then renamed."""
        n = tokens(self.live)
        if self.kv is None or n < self.options.number("--kv-cache-min-tokens", 512):
            return
        if reason == "shutdown":
            self.log(f"persisting current KV cache before shutdown tokens={n}")
        text = self.live.encode()
        file = self.kv / f"{hashlib.sha1(text).hexdigest()}.kv"
        temporary = file.with_name(f"{file.name}.tmp.{os.getpid()}")
        number = {"cold": 1, "continued": 2, "evict": 3, "shutdown": 4}[reason]
        abi, now = (0 if self.generation == "may" else 2), int(time.time())
        head = struct.pack(
            "<3s5B3IB3x3QI", b"KVC", 1, 2, number, 0, 0, n, 0, self.n_ctx, abi, now, now, 0, len(text)
        )
        existed = file.exists()
        temporary.write_bytes(head + text)
        if wait_for is not None:
            wait(wait_for.persist)
        temporary.replace(file)
        if not existed:
            about = f"tokens={n} trimmed=0 reason={reason} key=token-text"
            self.log(f"kv cache stored {about} size={len(text) / 2**20:.2f} MiB save=0.1 ms")

    def persist(self) -> None:
        self.store("shutdown", self.knobs)


def kv_text(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError:
        return b""
    if content[:3] != b"KVC" or len(content) < 52:
        return b""
    (length,) = struct.unpack_from("<I", content, 48)
    return content[52 : 52 + length]


class _Request:
    """One job. Every step looks whether a fault is due at it."""

    def __init__(self, worker: Worker, job: Job) -> None:
        self.worker, self.job = worker, job
        due = worker.n_done >= job.knobs.after
        self.knobs = job.knobs if due else job.knobs.calm()
        self.prompt = rendered(job.path, job.body)
        kind = "cmpl" if DIALECTS[job.path] is Completions else "chatcmpl"
        number = os.urandom(12).hex() if worker.generation == "late" else str(worker.n_done + 1)
        self.turn = Turn(f"{kind}-{number}", str(job.body.get("model", "deepseek-v4-flash")))
        self.turn.include_usage = bool((job.body.get("stream_options") or {}).get("include_usage"))
        self.dialect: Dialect = DIALECTS[job.path](self.turn)
        self.started, self.kept_alive, self.headers_sent = time.monotonic(), time.monotonic(), False

    @property
    def _kind(self) -> str:
        return "completion" if DIALECTS[self.job.path] is Completions else "chat"

    @property
    def _flags(self) -> str:
        protocol = " RESPPROTO" if self.job.path == "/v1/responses" else ""
        return protocol + (" TOOLS" if self.job.body.get("tools") else "")

    @property
    def _about(self) -> str:
        turn = self.turn
        return f"{self._kind} ctx={turn.cached}..{turn.prompt}:{turn.written}"

    def _log(self, text: str) -> None:
        self.worker.log(f"{self._about}{text}")

    def _elapsed(self) -> float:
        return max(time.monotonic() - self.started, 0.001)

    def _ended(self) -> bool:
        """The late generation looks whether its client is still there; the others learn it by writing."""
        if self.worker.stop.is_set():
            return self.worker.generation == "late"
        if self.worker.generation != "late":
            return False
        client = self.job.client
        try:
            return bool(select.select([client], [], [], 0)[0]) and not client.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _wait(self, what: float | str) -> None:
        if not wait(what, self._ended):
            self._log(f"{self._flags} client disconnected")
            raise _Gone

    def _fault(self, where: str) -> None:
        if self.knobs.crash == where:
            _crash()
        if self.knobs.hang == where:
            hang()

    def run(self) -> None:
        self.turn.prompt = tokens(self.prompt)
        self.turn.cached = self.worker.continued(self.prompt)
        self._log(f"{self._flags} prompt start")
        self._fault("prefill")
        self._prefill()
        if self.knobs.fail:
            return self._failed(self.knobs.fail)
        self._log(f"{self._flags} prompt done {self._elapsed():.3f}s")
        if self.knobs.status:
            return self.worker.reply(self.job.client, self.knobs.status, _error("scripted"))
        if self.knobs.garbage:
            return self.worker.write(self.job.client, b"\x00\xff no protocol at all\r\n\r\n\x01")
        self._decode()
        self.worker.live = f"{self.prompt}\nassistant:{self.turn.all_text}"
        return None

    def _failed(self, text: str) -> None:
        if self.headers_sent:
            self.worker.write(self.job.client, type(self.dialect).error_event(text))
        else:
            self.worker.reply(self.job.client, 500, _error(text))

    def _prefill(self) -> None:
        n, seconds = self.knobs.prefill_chunks, self.knobs.prefill
        for i in range(n):
            if isinstance(seconds, float | int):
                self._wait(seconds / n)
            elif i == n - 1:
                self._wait(seconds)
            done = self.turn.written * (i + 1) // n
            rate = done / self._elapsed()
            chunk = rate if i else 0.0
            percent = 100 * done / max(self.turn.written, 1)
            progress = f"prefill chunk {done}/{self.turn.written} ({percent:.1f}%)"
            self._log(
                f"{self._flags} {progress} chunk={chunk:.2f} t/s avg={rate:.2f} t/s {self._elapsed():.3f}s"
            )
            if self.job.stream and n > 1:
                self._progress()

    def _progress(self) -> None:
        """Headers with the first event, then a comment when the last one was long ago."""
        if not self.headers_sent:
            return self._headers()
        if self.knobs.keepalive is not None and time.monotonic() - self.kept_alive >= self.knobs.keepalive:
            self.kept_alive = time.monotonic()
            with suppress(_Gone):
                self.worker.write(self.job.client, b": prefill\n\n")
        return None

    def _headers(self) -> None:
        self.headers_sent, self.kept_alive = True, time.monotonic()
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        self.worker.write(self.job.client, f"{head}{self.worker.cors()}Connection: close\r\n\r\n".encode())

    def _decode(self) -> None:
        if not self.job.stream:
            for _ in self._pieces():
                pass
            self._finish()
            if self.knobs.close == "head":
                raise _Gone
            return self.worker.reply(self.job.client, 200, self.dialect.whole())
        try:
            self._stream()
        except _Gone:
            self.turn.finish = "error"
            self._log(f"{self._flags} final stream failed")
            self._finish(' error="client stream write failed"')
            raise
        return None

    def _stream(self) -> None:
        client, write = self.job.client, self.worker.write
        if not self.headers_sent:
            self._headers()
        if self.knobs.close == "head":
            raise _Gone
        self._wait(self.knobs.first)
        for record in self.dialect.head():
            write(client, record)
        for thought, piece in self._pieces():
            for record in self.dialect.reasoning(piece) if thought else self.dialect.text(piece):
                self._fault("decode")
                if self.knobs.close == "event" and self.turn.generated > 1:
                    write(client, record[: len(record) // 2])
                    raise _Gone
                write(client, record)
        self._finish()
        for record in self.dialect.end():
            write(client, record)

    def _pieces(self) -> Iterator[tuple[bool, str]]:
        """What is sampled, piece by piece: (is it reasoning?, text). The turn remembers it."""
        knobs, turn, body = self.knobs, self.turn, self.job.body
        limit = int(body.get("max_tokens") or body.get("max_output_tokens") or 1 << 30)
        words = [f"word{i} " for i in range(knobs.tokens)] if knobs.text is None else knobs.text
        if knobs.flood:
            words = ["x" * _CHUNK] * (-(-knobs.flood // _CHUNK))
        pieces = [*((True, piece) for piece in knobs.reasoning or ()), *((False, piece) for piece in words)]
        for thought, piece in pieces[:limit]:
            self._wait(knobs.interval)
            turn.generated += 1
            (turn.reasoning if thought else turn.text).append(piece)
            yield thought, piece
        turn.finish = "length" if len(pieces) > limit else "tool_calls" if knobs.calls else "stop"
        turn.calls = [] if turn.finish == "length" else [(name, value) for name, value in knobs.calls]

    def _finish(self, more: str = "") -> None:
        turn = self.turn
        turn.finish = self.knobs.finish or turn.finish
        where = f"{self._kind} ctx={turn.prompt}..{turn.prompt + turn.generated}:{turn.generated}"
        rate = turn.generated / self._elapsed()
        speed = f"chunk={rate:.2f} t/s avg={rate:.2f} t/s {self._elapsed():.3f}s"
        self.worker.log(f"{where} gen={turn.generated}{self._flags} decoding {speed}")
        self._log(f" gen={turn.generated}{self._flags} finish={turn.finish}{more} {self._elapsed():.3f}s")
