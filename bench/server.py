"""What the server costs on top of libds4: decode rate, delays and resident memory.

The same greedy turn is decoded twice a round, in turns: by a bare loop over the binding (draw, evaluate), and
by the engine process, read from its event stream by this process. Both rates are of the tokens between the
first and the last; the ratio is the median of the ratios of each round. The client shares the cores with the
engine, so a thread fewer than there are cores is measured as well.

Two delays are taken with a plain socket. To the first event: from the first byte of a request to the first
token of a prompt that is in the cache, so that all but one draw is the server's own time. To the end of work:
from the moment at which a client closes its connection in the middle of a prefill until /health says idle.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path

from ds4agent.engine.backend import DrawSettings
from ds4agent.engine.binding import Model
from ds4agent.resources import bundled_model
from tests.engine_fixtures import EngineProcess, request, running_engine

TOKENS = 512
CONTEXT = 8192
DELAYS = 30
GREEDY = DrawSettings(0.0, 1.0, 0.0, 0, 1)
PROMPT = "Write down everything you know about the sea."


def _bare(model: Model) -> float:
    """Tokens/s of draw and evaluate, the way the engine does it, with nothing around."""
    with model.session(CONTEXT) as session:
        session.eval(model.tokenize(PROMPT.encode()))
        draw = session.sampler(GREEDY)
        start = time.perf_counter()
        for _ in range(TOKENS):
            session.eval([draw(False)])
        return TOKENS / (time.perf_counter() - start)


def _served(port: int) -> float:
    """Tokens/s between the first event and the last."""
    body = json.dumps(
        {
            "messages": [{"role": "user", "content": PROMPT}],
            "thinking": False,
            "temperature": 0,
            "ignore_eos": True,
            "max_tokens": TOKENS,
            "stream": True,
        }
    ).encode()
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request("POST", "/v1/chat/completions", body))
        times = []
        while sock.recv(1 << 16):
            times.append(time.perf_counter())
    return (TOKENS - 1) / (times[-1] - times[0])


def _body(prompt: str, tokens: int) -> bytes:
    fields = {"thinking": False, "temperature": 0, "ignore_eos": True, "stream": True, "max_tokens": tokens}
    return json.dumps({"messages": [{"role": "user", "content": prompt}], **fields}).encode()


def _first_event(port: int) -> float:
    """Milliseconds to the first token of a prompt that is in the cache."""
    data = request("POST", "/v1/chat/completions", _body(PROMPT, 1))
    with socket.create_connection(("127.0.0.1", port)) as sock:
        start = time.perf_counter()
        sock.sendall(data)
        got = b""
        while b'"content"' not in got:
            got += sock.recv(1 << 16)
        delay = time.perf_counter() - start
        while sock.recv(1 << 16):
            pass
    return delay * 1000


def _is_busy(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request("GET", "/health"))
        got = b""
        while data := sock.recv(1 << 16):
            got += data
    return b'"busy":true' in got


def _cancelled(port: int, number: int) -> float:
    """Milliseconds from the end of a client to the end of its prefill."""
    prompt = " ".join(f"{number} {i}" for i in range(1000))
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request("POST", "/v1/chat/completions", _body(prompt, 1)))
        while not _is_busy(port):
            pass
    start = time.perf_counter()
    while _is_busy(port):
        pass
    return (time.perf_counter() - start) * 1000


def _resident(engine: EngineProcess) -> dict[str, float]:
    lines = Path(f"/proc/{engine.process.pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon")}


def _row(threads: int, rounds: int, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, Model(path, threads) as model:
        flags = ("--model", str(path), "--ctx", str(CONTEXT), "--threads", str(threads))
        with running_engine(Path(folder), *flags) as engine:
            _served(engine.port)
            pairs = [(_bare(model), _served(engine.port)) for _ in range(rounds)]
            resident = _resident(engine)
            delays = sorted(_first_event(engine.port) for _ in range(DELAYS))
            ends = sorted(_cancelled(engine.port, i) for i in range(DELAYS))
    bare, served = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(
        f"| decode, {threads} threads | {bare:,.0f} | {served:,.0f} | tokens/s | {ratio:.2f}x |", flush=True
    )
    for what, values in (("first event", delays), ("end of work after its client's", ends)):
        print(
            f"| {what}, {threads} threads | | {statistics.median(values):.1f} | ms | worst {values[-1]:.1f} |"
        )
    if threads == 1:
        size = path.stat().st_size / 1e6
        private = f"private {resident['RssAnon']:,.1f}"
        print(f"| resident | {size:,.1f} (model file) | {resident['VmRSS']:,.1f} | MB | {private} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=bundled_model())
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    print(f"{args.model.name}, {os.cpu_count()} cores, median of {args.rounds}\n")
    print("| measurement | libds4 | engine process | unit | ratio |\n|---|---|---|---|---|")
    for threads in (1, 2):
        _row(threads, args.rounds, args.model)


if __name__ == "__main__":
    main()
