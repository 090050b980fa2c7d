"""Memory figures: of this very process, and of tools that answer, lie, hang or are not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ds4agent.sidecar.memory import (
    Amount,
    DeviceMemory,
    measure,
    nvidia_amount,
    process_bytes,
    rocm_amount,
    vm_stat_available,
)

MIB = 1 << 20
HOG = """
import sys
data = bytearray(100 << 20)
data[::4096] = b"x" * len(data[::4096])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PSS is Linux's")
def test_a_process_that_takes_memory_is_seen_to() -> None:
    with subprocess.Popen([sys.executable, "-c", HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as hog:
        assert hog.stdin is not None
        assert hog.stdout is not None
        assert hog.stdout.readline() == b"ready\n"
        got = process_bytes(hog.pid)
        hog.stdin.close()
        hog.wait()
        assert got is not None
        assert 100 * MIB < got < 200 * MIB
        assert process_bytes(hog.pid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_machine_has_memory() -> None:
    memory = measure(os.getpid(), Amount(1, 2))
    assert memory.process is not None
    assert memory.total is not None
    assert memory.available is not None
    assert memory.process < memory.total
    assert 0 < memory.available < memory.total
    assert memory.device == Amount(1, 2)
    assert measure(None, None).process is None


VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              100000.
Pages active:                            900000.
Pages inactive:                           50000.
Pages speculative:                         2000.
Pages wired down:                        400000.
Pages purgeable:                           1000.
"""


def test_vm_stat() -> None:
    assert vm_stat_available(VM_STAT) == 153000 * 16384
    assert vm_stat_available("") is None


def test_what_the_tools_print() -> None:
    assert nvidia_amount("1024, 81559\n512, 81559\n") == Amount(1536 * MIB, 163118 * MIB)
    assert nvidia_amount("[N/A], [N/A]\n") is None
    assert nvidia_amount("No devices were found\n") is None
    card = '{"VRAM Total Memory (B)": "100", "VRAM Total Used Memory (B)": "40"}'
    assert rocm_amount(f'{{"card0": {card}, "card1": {card}, "system": {{}}}}') == Amount(80, 200)
    for text in ("", "[]", "{}", "7", '{"card0": {"VRAM Total Memory (B)": "x"}}', "[" * 100000):
        assert rocm_amount(text) is None


class Tools:
    """A folder that is the only one on PATH, and a clock that is turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 0.0

    def install(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def device(self, limit: float = 60.0) -> DeviceMemory:
        return DeviceMemory(lambda: self.now, age=10.0, limit=limit)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setenv("PATH", str(tmp_path))
    return Tools(tmp_path)


def test_a_tool_is_asked_and_its_answer_kept(tools: Tools) -> None:
    tools.install("nvidia-smi", f'echo x >> {tools.folder}/asked; echo "1, 2"')
    device = tools.device()
    assert device.current() is None
    device.wait()
    for now in (5.0, 9.9, 10.0):
        tools.now = now
        assert device.current() == Amount(MIB, 2 * MIB)
        device.wait()
    assert (tools.folder / "asked").read_text() == "x\nx\n"


def test_the_other_vendor_is_asked_when_the_first_cannot_tell(tools: Tools) -> None:
    tools.install("nvidia-smi", "echo failed; exit 9")
    card = '{"card0": {"VRAM Total Memory (B)": "9", "VRAM Total Used Memory (B)": "4"}}'
    tools.install("rocm-smi", f"echo '{card}'")
    device = tools.device()
    device.ask()
    assert device.last == Amount(4, 9)


def test_without_a_tool_nobody_tells_and_it_is_asked_seldom(tools: Tools) -> None:
    device = tools.device()
    device.current()
    device.wait()
    tools.install("nvidia-smi", 'echo "1, 2"')
    tools.now = 99.0
    assert device.current() is None
    device.wait()
    assert device.last is None
    tools.now = 100.0
    device.current()
    device.wait()
    assert device.last == Amount(MIB, 2 * MIB)


def test_a_tool_that_hangs_is_given_up(tools: Tools) -> None:
    tools.install("nvidia-smi", "exec /bin/sleep 600")
    device = tools.device(limit=0.1)
    device.ask()
    assert device.last is None


def test_nobody_waits_for_a_tool(tools: Tools) -> None:
    os.mkfifo(tools.folder / "gate")
    tools.install("nvidia-smi", f'read line < {tools.folder}/gate; echo "1, 2"')
    device = tools.device()
    assert device.current() is None
    tools.now = 1000.0
    assert device.current() is None  # and no second one is started
    (tools.folder / "gate").write_text("go\n")
    device.wait()
    assert device.last == Amount(MIB, 2 * MIB)
