"""What fits: which contexts a machine can hold beside a model, before the model is loaded.

What is needed is the weights, the rows of the context, and a reserve for scratch buffers and the rest of the
system. All are estimates from above: rows are counted as 32-bit, weights as the file and a twentieth. The
engine keeps compressed rows: of each layer from the third on, one for every 4 tokens (even layers, with an
index row) or for every 128 (odd layers).
"""

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30
CONTEXTS = (32_768, 65_536, 100_000, 131_072, 250_000, 393_216, 1_000_000)
# Context by physical memory, when the user asks for none: (below so many bytes, tokens).
LADDER = ((64 * GIB + 1, 32_768), (192 * GIB, 100_000), (384 * GIB, 250_000))
TOP_RUNG = 393_216
_WEIGHT_MARGIN = 1.05
_RESERVE = 6 * GIB
_UNKNOWN_MEMORY = 16 * GIB


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `available` is what could be had now without swapping; `total` if the system does not tell."""

    total: int
    available: int


@dataclass(frozen=True, slots=True)
class Fit:
    """`largest`: tokens of the largest of `contexts` that fits, 0 if not even the weights do."""

    contexts: tuple[int, ...]
    largest: int
    needed: int
    memory: Memory
    advice: str


def bytes_per_token(n_layers: int = 43, head_dim: int = 512, index_dim: int = 128) -> float:
    """Rows of one token of context. The defaults are DeepSeek V4 Flash."""
    every_4 = max(0, (n_layers - 1) // 2)
    every_128 = max(0, n_layers - 2 - every_4)
    return 4 * (every_4 * (head_dim + index_dim) / 4 + every_128 * head_dim / 128)


def ladder(total: int) -> int:
    """Context tokens for a machine with so many bytes of memory."""
    return next((tokens for below, tokens in LADDER if total < below), TOP_RUNG)


def needed(model_size: int, ctx: int, per_token: float, sessions: int = 1) -> int:
    """Bytes for a model and `sessions` contexts of `ctx` tokens, with the reserve."""
    return int(model_size * _WEIGHT_MARGIN + ctx * per_token * sessions + _RESERVE)


def what_fits(model_size: int, memory: Memory, ctx: int, per_token: float, sessions: int = 1) -> Fit:
    """Judge `ctx`, and tell which contexts would do."""
    fitting = [n for n in CONTEXTS if needed(model_size, n, per_token, sessions) <= memory.available]
    wanted = needed(model_size, ctx, per_token, sessions)
    largest = fitting[-1] if fitting else 0
    return Fit(tuple(fitting), largest, wanted, memory, _advice(model_size, memory, ctx, wanted, largest))


def can_have(ctx: int, model_size: int, most_ctx: int, sessions: int, memory: Memory) -> bool:
    """Whether model and machine allow so many tokens. `most_ctx` 0: the model does not say."""
    fits = needed(model_size, ctx, bytes_per_token(), sessions) <= memory.available
    return fits and not 0 < most_ctx < ctx


def _advice(model_size: int, memory: Memory, ctx: int, wanted: int, largest: int) -> str:
    have = f"{memory.available / GIB:.0f} of {memory.total / GIB:.0f} GiB are available"
    if wanted <= memory.available:
        return f"a context of {ctx:,} tokens fits: about {wanted / GIB:.0f} GiB are needed, {have}"
    lack = f"about {wanted / GIB:.0f} GiB are needed for a context of {ctx:,} tokens, {have}"
    if largest:
        return f"{lack}; {largest:,} tokens would fit (--ctx {largest})"
    if model_size * _WEIGHT_MARGIN + _RESERVE > memory.total:
        return (
            f"{lack}; without SSD streaming this machine cannot hold the weights ({model_size / GIB:.0f} GiB)"
        )
    return f"{lack}; end other programs, or use SSD streaming"


def _read(path: str) -> str:
    return Path(path).read_text()


def _sysctl(name: str) -> str:
    words = ("/usr/sbin/sysctl", "-n", name)
    return subprocess.run(words, capture_output=True, text=True, timeout=5, check=False).stdout


def memory(
    system: str = platform.system(),
    read: Callable[[str], str] = _read,
    sysctl: Callable[[str], str] = _sysctl,
) -> Memory:
    """This machine's, or that of the container we are in; on a Mac what the GPU may hold. `read` gives the
    text of a system file, `sysctl` a value of the system's.
    """
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        total = _UNKNOWN_MEMORY
    if system == "Darwin":
        return Memory(total, _wired_limit(total, sysctl))
    available = _meminfo(read, "MemAvailable") or total
    limit = _cgroup(read, "memory.max")
    if limit and limit < total:
        total, available = limit, min(available, max(0, limit - _cgroup(read, "memory.current")))
    return Memory(total, available)


def _wired_limit(total: int, sysctl: Callable[[str], str]) -> int:
    """What Metal may keep in memory: the user's limit, else three quarters, of a small machine two thirds."""
    try:
        limit = int(sysctl("iogpu.wired_limit_mb")) << 20
    except (OSError, ValueError, subprocess.SubprocessError):
        limit = 0
    return min(limit, total) or (total * 3 // 4 if total > 36 * GIB else total * 2 // 3)


def _meminfo(read: Callable[[str], str], name: str) -> int:
    try:
        lines = read("/proc/meminfo").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0


def _cgroup(read: Callable[[str], str], name: str) -> int:
    """0 where there is no limit, or none that we may know."""
    try:
        return int(read(f"/sys/fs/cgroup/{name}"))
    except (OSError, ValueError):
        return 0
