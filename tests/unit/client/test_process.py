"""An engine process of our own, played by small programs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ds4agent.client.cancel import Cancel, Cancelled
from ds4agent.client.engine import BadEngine, Wanted, call, command
from ds4agent.client.errors import EngineError, EngineStartError
from ds4agent.client.process import EngineProcess
from tests.unit.client.scripted_engine import ScriptedEngine

SAY = """
import os, signal, sys
def say(line):
    print('0102 03:04:05 ds4-server: ' + line, file=sys.stderr, flush=True)
"""
LISTEN = "say('listening on http://127.0.0.1:4242')\n"
PREFILL = "say('chat ctx=0..9:9 prefill chunk 4/9 (44.4%) chunk=0.00 t/s avg=2.50 t/s 1.0s')\n"
WAIT = "while True: signal.pause()\n"


@pytest.fixture
def cancel() -> Iterator[Cancel]:
    made = Cancel()
    yield made
    made.close()


def start(text: str, seen: list[tuple[int, int, float]] | None = None) -> EngineProcess:
    return EngineProcess(
        [sys.executable, "-c", text], lambda *args: seen.append(args) if seen is not None else None
    )


def test_ready_progress_and_a_gentle_end(cancel: Cancel, tmp_path: Path) -> None:
    seen: list[tuple[int, int, float]] = []
    mark = tmp_path / "mark"
    save = f"open({str(mark)!r}, 'w').write('saved'), sys.exit(0)"
    stop = f"signal.signal(signal.SIGTERM, lambda *a: ({save}))\n"
    process = start(SAY + stop + PREFILL + LISTEN + WAIT, seen)
    assert process.wait_ready(cancel) == "http://127.0.0.1:4242"
    process.stop()
    process.stop()
    assert mark.read_text() == "saved"
    assert seen == [(4, 9, 2.5)]


def test_each_process_has_a_lock_of_its_own(cancel: Cancel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DS4_LOCK_FILE", raising=False)
    text = SAY + "say(os.environ['DS4_LOCK_FILE'])\n" + LISTEN + WAIT
    first, second = start(text), start(text)
    assert first.identity != second.identity
    for process in (first, second):
        process.wait_ready(cancel)
        process.stop()
    locks = [Path(process._last_lines[-1].rpartition(" ")[2]) for process in (first, second)]
    assert locks[0] != locks[1]
    assert not locks[0].parent.exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "import sys; sys.stderr.write('ds4: model is not a GGUF file\\n'); sys.exit(1)",
            "model is not a GGUF file (exit code 1)",
        ),
        ("import sys; sys.stderr.write('a\\rds4: half a line'); sys.exit(2)", "half a line (exit code 2)"),
        ("pass", "exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    ],
)
def test_a_failed_start_is_explained(cancel: Cancel, text: str, why: str) -> None:
    process = start(text)
    with pytest.raises(EngineStartError, match=r"^the engine did not start: ") as caught:
        process.wait_ready(cancel)
    process.stop()
    assert str(caught.value).endswith(why)


def test_loading_can_be_cancelled(cancel: Cancel) -> None:
    process = start("import signal\nsignal.pause()")
    cancel.set()
    with pytest.raises(Cancelled):
        process.wait_ready(cancel)
    process.stop()


def test_a_program_that_is_none() -> None:
    with pytest.raises(EngineStartError, match=r"cannot be run: No such file"):
        EngineProcess(["/nowhere/engine"], lambda *args: None)


PARENT = """
import sys
from ds4agent.client.cancel import Cancel
from ds4agent.client.process import EngineProcess
child = "import os, sys; print('listening on http://x', file=sys.stderr, flush=True); os.read(0, 1)"
process = EngineProcess([sys.executable, "-c", child], print)
process.wait_ready(Cancel())
print(process._process.pid, flush=True)
os_wait = sys.stdin.read()
"""


def test_the_engine_learns_of_our_death(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stdin=subprocess.PIPE, cwd=Path.cwd()
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 30
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_command_lines(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"")
    plain = ["-m", "ds4agent.engine", "--port", "0"]
    assert command(Wanted("embedded"))[1:] == plain
    assert command(Wanted("embedded", kv_dir=tmp_path))[1:] == [*plain, "--kv-disk-dir", str(tmp_path)]
    embedded = command(Wanted("embedded", str(model), 4096, kv_dir=tmp_path, kv_space_mb=9))
    kept = ["--kv-disk-dir", str(tmp_path), "--kv-disk-space-mb", "9"]
    assert embedded[1:] == [*plain, *kept, "--model", str(model), "--ctx", "4096"]
    program = tmp_path / "ds4-server"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(BadEngine, match="is no engine"):
        command(Wanted(str(program)))
    program.chmod(0o755)
    line = command(Wanted(str(program)))
    assert line[:2] == [str(program), "--port"]
    assert 0 < int(line[2]) < 65536


def test_what_cannot_be_meant(cancel: Cancel) -> None:
    with pytest.raises(BadEngine, match=r"the model /nowhere/m\.gguf does not exist"):
        call(Wanted("embedded", "/nowhere/m.gguf"), cancel, lambda *args: None)
    with pytest.raises(BadEngine, match="the model /etc is not a file"):
        call(Wanted("embedded", "/etc"), cancel, lambda *args: None)


def test_attaching_asks_for_the_models(cancel: Cancel) -> None:
    with ScriptedEngine([]) as engine:
        attached = call(Wanted(engine.url + "/v1"), cancel, lambda *args: None).wait(cancel)
        assert attached.endpoint.url == engine.url == attached.identity
    with pytest.raises(EngineError, match="no engine answers"):
        call(Wanted(engine.url), cancel, lambda *args: None).wait(cancel)
