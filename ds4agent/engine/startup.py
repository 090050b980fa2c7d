"""What the engine needs of the machine before it can serve, each with its own way to fail."""

import os
import resource
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from ds4agent.engine.binding import Model
from ds4agent.engine.flags import Flags
from ds4agent.engine.kv.store import KvStore, StoreBusy, StoreError
from ds4agent.engine.lock import LockError, lock_path, take_lock
from ds4agent.engine.trace import FileTrace, Trace
from ds4agent.resources import MissingResource, bundled_model
from ds4agent.wire.logline import disk_cache, stamped

# Where the system names no upper limit of descriptors.
MANY_DESCRIPTORS = 10240
DEFAULT_SESSIONS = 4


class StartupError(Exception):
    """The engine cannot start. `stamp`: the line carries a time, as the server's own lines do."""

    def __init__(self, code: int, message: str, stamp: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.stamp = stamp


def log(text: str) -> None:
    # Who started us may be gone, and its end of the pipe with it: no reason not to end in order.
    with suppress(OSError):
        sys.stderr.write(stamped(time.localtime(), text))
        sys.stderr.flush()


def enter(folder: Path) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise StartupError(1, f"failed to chdir to {folder}: {error.strerror}", stamp=True) from error


def take_instance_lock() -> None:
    try:
        take_lock(lock_path())
    except LockError as error:
        raise StartupError(2, str(error)) from error


def bind(host: str, port: int) -> socket.socket:
    address = "127.0.0.1" if host == "localhost" else host
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setblocking(False)
    try:
        socket.inet_pton(socket.AF_INET, address)
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise _no_port(host, port, error) from error
    return sock


def listen(sock: socket.socket, host: str, backlog: int) -> None:
    """On a bound socket. Somebody else who was bound too may have come first."""
    try:
        sock.listen(backlog)
    except OSError as error:
        raise _no_port(host, sock.getsockname()[1], error) from error


def _no_port(host: str, port: int, error: OSError) -> StartupError:
    why = error.strerror or "Invalid argument"
    return StartupError(1, f"failed to listen on {host}:{port}: {why}", stamp=True)


def model_path(flag: Path | None) -> Path:
    named = flag or os.environ.get("DS4AGENT_MODEL")
    try:
        path = Path(named) if named else bundled_model()
        with path.open("rb"):
            return path
    except MissingResource as error:
        raise StartupError(1, str(error)) from error
    except OSError as error:
        raise StartupError(1, f"cannot open model '{path}': {error.strerror}") from error


def raise_descriptor_limit() -> None:
    """Every client holds one, also the idle ones."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def free_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None


def sessions_that_fit(asked: int | None, most: int) -> int:
    """How many resident sessions of `most` bytes to allow. Raises StartupError: not as many as asked for."""
    wanted, free = asked or DEFAULT_SESSIONS, free_memory()
    if free is None or wanted * most <= free:
        return wanted
    if asked is None:
        return max(1, free // most)
    need, have = wanted * most / 2**30, free / 2**30
    said = f"{wanted} resident sessions may need {need:.2f} GiB, {have:.2f} GiB are free"
    raise StartupError(1, f"{said}: use fewer (--batched-session) or a smaller context (--ctx)")


def open_store(flags: Flags, model: Model, block_bytes: int) -> KvStore | None:
    """The store of `--kv-disk-dir`; without it, or while another process has it, None."""
    folder = flags.kv_disk_dir
    if folder is None:
        return None
    try:
        store = KvStore(folder, model.fingerprint, block_bytes, flags.kv_space_mb << 20, log, time.time)
    except StoreBusy as busy:
        log(f"KV disk cache {folder} not used: {busy}")
        return None
    except StoreError as error:
        raise StartupError(1, str(error), stamp=True) from error
    numbers = (
        flags.kv_min_tokens, flags.kv_cold_max_tokens, flags.kv_interval, flags.kv_trim, flags.kv_align
    )  # fmt: skip
    log(disk_cache(str(folder), flags.kv_space_mb, numbers, flags.kv_reject))
    return store


def open_trace(path: Path | None) -> Trace:
    if path is None:
        return Trace()
    try:
        trace = FileTrace(path)
    except OSError as error:
        raise StartupError(1, f"failed to open trace file {path}: {error.strerror}", stamp=True) from error
    log(f"tracing session to {path}")
    return trace
