"""Memory in bytes, by the figure that is true on each platform.

Resident size is wrong for an engine: it counts a shared page in full, and on Metal it leaves out what is
wired for the device. Linux tells the proportional size (PSS), macOS the physical footprint; what a discrete
device holds only its vendor's tool knows. Such a tool can take seconds and, with a sick driver, for ever: it
runs in a thread of its own, and the last answer is what is told meanwhile. None: nobody can tell.
"""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Amount:
    used: int
    total: int


@dataclass(frozen=True, slots=True)
class Memory:
    """`process`: the engine; `device`: all devices and processes together; `available`: to new programs."""

    process: int | None
    device: Amount | None
    total: int | None
    available: int | None


def measure(pid: int | None, device: Amount | None) -> Memory:
    """Takes less than a millisecond on Linux; on macOS it starts a program."""
    total, available = _linux_memory() if sys.platform == "linux" else _darwin_memory()
    return Memory(process_bytes(pid) if pid else None, device, total, available)


def process_bytes(pid: int) -> int | None:
    return _footprint(pid) if sys.platform == "darwin" else _pss(pid)


def _kib(text: str, name: str) -> int | None:
    found = re.search(rf"^{name}:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _pss(pid: int) -> int | None:
    try:
        return _kib((_PROC / str(pid) / "smaps_rollup").read_text(), "Pss")
    except OSError:  # gone, or of another user
        return None


def _linux_memory() -> tuple[int | None, int | None]:
    try:
        text = (_PROC / "meminfo").read_text()
    except OSError:
        return None, None
    return _kib(text, "MemTotal"), _kib(text, "MemAvailable")


def _footprint(pid: int) -> int | None:
    """ri_phys_footprint of rusage_info_v0, which is 16 bytes of uuid and then ten 64-bit numbers."""
    import ctypes  # a megabyte that only macOS needs

    values = (ctypes.c_uint64 * 12)()
    try:
        failed = ctypes.CDLL("/usr/lib/libproc.dylib").proc_pid_rusage(pid, 0, ctypes.byref(values))
    except (OSError, AttributeError):
        return None
    return None if failed else values[9]


def _darwin_memory() -> tuple[int | None, int | None]:
    said = [_said(command, 2.0) for command in (("sysctl", "-n", "hw.memsize"), ("vm_stat",))]
    total, pages = said
    return int(total) if total and total.strip().isdigit() else None, vm_stat_available(pages or "")


def vm_stat_available(text: str) -> int | None:
    """Bytes that macOS can give away at once, from what vm_stat prints."""
    size = re.search(r"page size of (\d+) bytes", text)
    names = "Pages free|Pages inactive|Pages speculative|Pages purgeable"
    pages = re.findall(rf"^(?:{names}):\s+(\d+)\.", text, re.MULTILINE)
    return int(size[1]) * sum(map(int, pages)) if size and pages else None


def _said(command: Sequence[str], seconds: float) -> str | None:
    """stdout of a program that succeeds within this time."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def nvidia_amount(text: str) -> Amount | None:
    """From lines of "used, total" in MiB. Devices that share the system's memory say [N/A]."""
    found = [
        (int(used) << 20, int(total) << 20) for used, total in re.findall(r"(?m)^(\d+), (\d+)\s*$", text)
    ]
    return Amount(*map(sum, zip(*found, strict=True))) if found else None


def rocm_amount(text: str) -> Amount | None:
    """From rocm-smi's JSON, card -> figures in bytes."""
    amounts = []
    with suppress(ValueError, AttributeError, KeyError, TypeError, RecursionError):
        for card in json.loads(text).values():
            if "VRAM Total Memory (B)" in card:
                used, total = card["VRAM Total Used Memory (B)"], card["VRAM Total Memory (B)"]
                amounts.append((int(used), int(total)))
    return Amount(*map(sum, zip(*amounts, strict=True))) if amounts else None


_TOOLS: tuple[tuple[tuple[str, ...], Callable[[str], Amount | None]], ...] = (
    (
        ("nvidia-smi", "--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"),
        nvidia_amount,
    ),
    (("rocm-smi", "--showmeminfo", "vram", "--json"), rocm_amount),
)


class DeviceMemory:
    """What the devices hold, at most `age` seconds old where the tool answers in time.

    `clock`: monotonic seconds. A machine on which no tool tells is asked again after ten times that age.
    """

    def __init__(self, clock: Callable[[], float], age: float = 10.0, limit: float = 5.0) -> None:
        self._clock, self._age, self._limit = clock, age, limit
        self._asking: threading.Thread | None = None
        self._again = 0.0
        self.last: Amount | None = None

    def current(self) -> Amount | None:
        """The last answer, at once; a new one is asked for when it is too old."""
        last = self.last
        if (self._asking is None or not self._asking.is_alive()) and self._clock() >= self._again:
            self._again = self._clock() + self._age
            self._asking = threading.Thread(target=self.ask, name="device memory", daemon=True)
            self._asking.start()
        return last

    def ask(self) -> None:
        """Ask now; waits for the tool."""
        found = None
        for command, read in _TOOLS:
            found = found or read(_said(command, self._limit) or "")
        if found is None:
            self._again = self._clock() + 10 * self._age
        self.last = found

    def wait(self) -> None:
        """Until no tool is asked."""
        if self._asking is not None:
            self._asking.join()
