"""A stand-in for upstream's ds4-server, of three generations: `may`, `june`, `late`.

Same flags, help, exit statuses, instance lock, log lines, HTTP and signals as the real program; only the
model is missing. It needs nothing but Python, and starts in a few hundredths of a second.

The generation is that of $DS4_STANDIN_GENERATION, else of the name it is started under (`ds4-server-may`),
else `june`. Behaviour is set by the knobs of ds4_knobs.Knobs, as JSON objects, the later winning over the
earlier:

* `DS4_STANDIN='{"load": 2.5}'` in the environment, read at the start;
* `ds4-standin:{"hang": "prefill"}` anywhere in the model file (tests.standins.write_model makes one);
* a member `"standin": {"tokens": 100}` of a request, for that request.

A model file must begin with the magic of GGUF. A request is answered with `tokens` words; its prompt counts
one token for each four bytes of its JSON. The prompt of the request before, with the answer, is the live
state: a next prompt that begins with the prompt's messages continues it. With --kv-disk-dir the state is kept
as a file at shutdown and when another prompt takes its place, and found again.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.standins.ds4_flags import GENERATIONS, BadCommandLine, Options, parse, usage
from tests.standins.ds4_knobs import Knobs, of_environment, of_model, wait
from tests.standins.ds4_requests import Job, Worker, hang, serve


def say(text: str) -> None:
    """A line of the engine: no time. As with fprintf, it is nobody's trouble if nobody reads it any more."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())


def log(text: str) -> None:
    """A line of the server."""
    say(f"{time.strftime('%m%d %H:%M:%S')} ds4-server: {text}")


def _generation(knobs: Knobs) -> str:
    named = [name for name in GENERATIONS if Path(sys.argv[0]).name.endswith(name)]
    return knobs.generation or os.environ.get("DS4_STANDIN_GENERATION", "") or (named or ["june"])[0]


def _options(generation: str) -> Options:
    try:
        options = parse(generation, sys.argv[1:])
    except BadCommandLine as error:
        log(str(error))
        sys.stderr.write(usage(generation))
        sys.exit(2)
    if options.help is not None:
        sys.stdout.write(usage(generation, options.help))
        sys.exit(0)
    return options


def _take_lock() -> int:
    path = os.environ.get("DS4_LOCK_FILE") or "/tmp/ds4.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        say(f"ds4: failed to open lock file {path}: {error.strerror}")
        sys.exit(2)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(fd, 32, 0).decode(errors="replace").strip()
        owner = f" (pid {pid})" if pid.isdigit() else ""
        say(f"ds4: another ds4 process is already running{owner}; refusing to start")
        sys.exit(2)
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _fatal(text: str) -> NoReturn:
    say(f"ds4: {text}")
    sys.exit(1)


def _read_model(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib would hide the path that was given
            head = file.read(1 << 20)
    except OSError as error:
        _fatal(f"cannot open model '{path}': {error.strerror}")
    if len(head) < 4:
        _fatal("model file is too small to be GGUF")
    if head[:4] != b"GGUF":
        _fatal("model is not a GGUF file")
    return head


def _load(knobs: Knobs, options: Options) -> None:
    """The lines of a load, then those of a server that is nearly ready."""
    if knobs.never_ready:
        hang()
    for i in range(knobs.load_lines):
        say(f"ds4: CUDA loading model tensors {(i + 1) * 81 / knobs.load_lines:.2f} GiB cached")
        if isinstance(knobs.load, float | int):
            wait(knobs.load / knobs.load_lines)
    if isinstance(knobs.load, str):
        wait(knobs.load)
    if knobs.load_error:
        _fatal(knobs.load_error)
    if options.text("--mtp-model", options.text("--mtp")) not in ("", "True"):
        path = options.text("--mtp-model", options.text("--mtp"))
        say(f"ds4: MTP support model loaded: {path} (draft={options.number('--mtp-draft', 1)})")
    say("ds4: CUDA backend initialized for graph diagnostics")
    ctx = options.number("--ctx", 32768)
    about = (
        f"ctx={ctx}, backend=cuda, prefill_chunk=2048, raw_kv_rows=2304, compressed_kv_rows={ctx // 4 + 2}"
    )
    log(f"context buffers {ctx / 40:.2f} MiB ({about})")


def _open_kv(options: Options) -> Path | None:
    folder = options.text("--kv-disk-dir")
    if not folder:
        return None
    try:
        Path(folder).mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        log(f"failed to create KV cache directory {folder}: {error.strerror}")
        return None
    number, quant = (
        options.number,
        "reject" if "--kv-cache-reject-different-quant" in options.values else "accept",
    )
    log(
        f"KV disk cache {folder} (budget={number('--kv-disk-space-mb', 4096)} MiB, cross-quant={quant},"
        f" min={number('--kv-cache-min-tokens', 512)},"
        f" cold_max={number('--kv-cache-cold-max-tokens', 30000)},"
        f" continued={number('--kv-cache-continued-interval-tokens', 10000)},"
        f" trim={number('--kv-cache-boundary-trim-tokens', 32)},"
        f" align={number('--kv-cache-boundary-align-tokens', 2048)}, hit_half_life=21600s)"
    )
    return Path(folder)


def _listen(options: Options) -> socket.socket:
    host = options.text("--host", "127.0.0.1").replace("localhost", "127.0.0.1")
    port = options.number("--port", 8000) & 0xFFFF
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        socket.inet_aton(host)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        log(f"failed to listen on {host}:{port}: {error.strerror or 'Invalid argument'}")
        sys.exit(1)
    log(f"listening on http://{host}:{port}")
    return listener


class _Stop:
    """SIGINT and SIGTERM: the first one closes the door, the second one ends everything at once."""

    def __init__(self, worker_stop: threading.Event) -> None:
        self.flag, self.listener, self.ignore = worker_stop, None, False
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._signal)

    listener: socket.socket | None

    def _signal(self, number: int, frame: FrameType | None) -> None:
        if self.ignore:
            return
        if self.flag.is_set():
            os._exit(130)
        self.flag.set()
        if self.listener is not None:
            self.listener.close()


def _accept(listener: socket.socket, worker: Worker, stop: threading.Event) -> list[threading.Thread]:
    threads: list[threading.Thread] = []
    while not stop.is_set():
        try:
            client, _ = listener.accept()
        except OSError:
            break
        thread = threading.Thread(target=serve, args=(client, worker), daemon=True)
        thread.start()
        threads = [*(thread for thread in threads if thread.is_alive()), thread]
    return threads


def main() -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    flag = threading.Event()
    stop = _Stop(flag)
    knobs = of_environment()
    options = _options(_generation(knobs))
    if folder := options.text("--chdir"):
        try:
            os.chdir(folder)
        except OSError as error:
            log(f"failed to chdir to {folder}: {error.strerror}")
            return 1
    lock = _take_lock()
    knobs = of_model(knobs, _read_model(options.text("--model", "ds4flash.gguf")))
    if knobs.once:
        try:
            os.close(os.open(knobs.once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            knobs = knobs.calm()
    stop.ignore = knobs.ignore_term
    if knobs.stdout:
        print(knobs.stdout, flush=True)
    _load(knobs, options)
    jobs: SimpleQueue[Job | None] = SimpleQueue()
    worker = Worker(_generation(knobs), options, knobs, _open_kv(options), flag, jobs, log)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    if not flag.is_set():
        stop.listener = _listen(options)
        clients = _accept(stop.listener, worker, flag)
        log("shutdown requested, draining requests")
        jobs.put(None)
        thread.join()
        for client in clients:
            client.join(15)
    worker.persist()
    with suppress(OSError):
        os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
