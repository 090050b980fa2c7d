"""A model that recites: the real engine, the real file format, and a reply that is known beforehand.

All attention and expert outputs are zero, so that what leaves the last layer is the embedding of the last
token, and the head is set so that each token of the reply has its successor as the only likely one. After
`<think>` comes the reasoning, after `</think>` the answer, then the end marker. Each piece of a reply is a
token of its own; other text is bytes.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from native.tests.random_model import ARCH, Shape, add_metadata, tensors

CONTROL = (
    "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<｜User｜>", "<｜Assistant｜>",
    "<think>", "</think>", "｜DSML｜",
)  # fmt: skip
# As ds4-server has it without flags.
ONE_SESSION = ("--batched-session", "1")
START_SECONDS = 30.0
MODULE = ("-m", "ds4agent.engine")


def _byte_symbols() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(others)) for b in range(256)]


SYMBOLS = _byte_symbols()


def shape_of(n_vocab: int) -> Shape:
    return Shape(
        name="recite", ratios=(0, 4, 128), d=64, heads=2, head_dim=64, rope_dims=16, q_lora=32, out_groups=2,
        o_lora=32, experts=4, experts_used=2, expert_ff=32, window=32, index_heads=4, index_dim=64,
        index_top_k=16, hash_layers=1, vocab=n_vocab, context=1 << 20,
    )  # fmt: skip


def write_reciting_model(
    path: Path,
    reasoning: Sequence[str],
    answer: Sequence[str],
    title: str = "Reciting Model",
    instead: Sequence[str] = (),
) -> None:
    """A GGUF of about 1 MB. The pieces must differ from each other and be longer than one byte. `instead`:
    what is as likely as the first piece of the answer, but not taken at a temperature of 0.
    """
    pieces = [*reasoning, *answer, *instead]
    assert len(set(pieces)) == len(pieces)
    tokens = [*CONTROL, *SYMBOLS, "".join(SYMBOLS[b] for b in b"he")]
    first = len(tokens)
    tokens += ["".join(SYMBOLS[b] for b in piece.encode()) for piece in pieces]
    split = first + len(reasoning)
    last = split + len(answer)
    think_open, think_close, end = (CONTROL.index(t) for t in ("<think>", "</think>", CONTROL[1]))
    chain = [think_open, *range(first, split), think_close, *range(split, last), end]

    shape = shape_of(len(tokens))
    weights = tensors(shape)
    for name in weights:
        if name.endswith(("attn_output_b.weight", "ffn_down_exps.weight", "ffn_down_shexp.weight")):
            weights[name] = np.zeros_like(weights[name])
    weights["output_norm.weight"] = np.ones(shape.d, np.float32)
    head = np.zeros((shape.vocab, shape.d), np.float32)
    for token, successor in pairwise(chain):
        head[successor] = weights["token_embd.weight"][token]
    for other in range(last, len(tokens)):
        head[other] = head[split]
        head[split + 1] += weights["token_embd.weight"][other]
    weights["output.weight"] = head
    write_model(path, title, shape, weights, tokens)


def write_model(
    path: Path, title: str, shape: Shape, weights: dict[str, np.ndarray], tokens: list[str]
) -> None:
    w = gguf.GGUFWriter(path, ARCH)
    w.add_name(title)
    add_metadata(w, shape)
    del w.kv_data[0]["tokenizer.ggml.model"]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("joyai-llm")
    w.add_token_list(tokens)
    w.add_token_types([3] * len(CONTROL) + [1] * (len(tokens) - len(CONTROL)))
    w.add_token_merges(["h e"])
    w.add_bos_token_id(0)
    w.add_eos_token_id(1)
    w.add_pad_token_id(2)
    for name, values in weights.items():
        w.add_tensor(name, values)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


@dataclass
class EngineProcess:
    """A running engine, its port and everything it has written to stderr."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0
    lock: Path = field(default_factory=Path)

    @property
    def lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()

    def wait_for_line(self, part: str) -> str:
        """The first line with this text, waited for as long as the process lives."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            ended = self.process.poll() is not None
            for line in self.lines:
                if part in line:
                    return line
            assert not ended, f"the engine ended without {part!r}: {self.log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"no line with {part!r}: {self.log.read_text()[-2000:]}"
            time.sleep(0.005)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=START_SECONDS)


def start_engine(folder: Path, *flags: str, program: Sequence[str] = MODULE) -> EngineProcess:
    """Without waiting for anything; the lock is one of its own. `program`: what Python is to run."""
    folder.mkdir(parents=True, exist_ok=True)
    log, lock = folder / "log", folder / "lock"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *program, *flags],
            stdout=subprocess.DEVNULL,
            stderr=out,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "DS4_LOCK_FILE": str(lock)},
            cwd=log.parent,
        )
    return EngineProcess(process, log, lock=lock)


@contextmanager
def running_engine(folder: Path, *flags: str, program: Sequence[str] = MODULE) -> Iterator[EngineProcess]:
    """An engine that listens on a free port."""
    engine = start_engine(folder, "--port", "0", "--threads", "1", *flags, program=program)
    try:
        engine.port = int(engine.wait_for_line("listening on").rsplit(":", 1)[1])
        yield engine
    finally:
        if engine.process.poll() is None:
            engine.stop()


@contextmanager
def reciting_engine(
    folder: Path,
    reasoning: Sequence[str],
    answer: Sequence[str],
    *flags: str,
    title: str = "Reciting Model",
    instead: Sequence[str] = (),
) -> Iterator[EngineProcess]:
    """An engine whose model says this in each turn."""
    path = folder / "model.gguf"
    write_reciting_model(path, reasoning, answer, title, instead)
    with running_engine(folder, "--model", str(path), *flags) as engine:
        yield engine


def resident(pid: int) -> int:
    """Bytes of memory that a process has; reads /proc."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def exchange(port: int, request: bytes, *, half_close: bool = False) -> tuple[str, bytes]:
    """Send raw bytes, read to the end; (head, body)."""
    with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as sock:
        sock.sendall(request)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode(), body


def request(method: str, path: str, body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n".encode() + body


def post_chat(port: int, **fields: Any) -> tuple[str, bytes]:
    body = json.dumps(fields, ensure_ascii=False).encode()
    return exchange(port, request("POST", "/v1/chat/completions", body))


def chat(port: int, **fields: Any) -> dict[str, Any]:
    """A reply that is not streamed; must be a 200."""
    head, body = post_chat(port, **fields)
    assert head.startswith("HTTP/1.1 200 OK\r\n"), head
    value: dict[str, Any] = json.loads(body)
    return value


def chat_stream(port: int, **fields: Any) -> list[Any]:
    """The records of a streamed reply, without [DONE], which must be there."""
    head, body = post_chat(port, stream=True, **fields)
    assert head == (
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close"
    )
    records = body.decode().split("\n\n")
    assert records[-2:] == ["data: [DONE]", ""]
    return [json.loads(r.removeprefix("data: ")) for r in records[:-2] if not r.startswith(":")]
