"""Starting, refusing to start, and stopping: messages, exit codes, the lock, signals."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine_fixtures import chat, request, running_engine, start_engine, write_reciting_model

STAMP = r"\d{4} \d\d:\d\d:\d\d ds4-server: "


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.gguf"
    write_reciting_model(path, ["Hm,"], ["Hello"])
    return path


def run(tmp_path: Path, *flags: str, lock: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "ds4agent.engine", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DS4_LOCK_FILE": str(lock or tmp_path / "lock")},
    )
    return done.returncode, done.stdout, done.stderr


def test_help(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("Usage: ")


@pytest.mark.parametrize("topic", ["api", "all", "cooking"])
def test_help_topics(tmp_path: Path, topic: str) -> None:
    code, out, err = run(tmp_path, "--help", topic)
    assert (code, err) == (0, "")
    assert "--trace FILE" in out
    assert ("--kv-disk-dir" in out) == (topic != "api")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--kv-cache-cold-max-tokens", "100"],
            "--kv-cache-cold-max-tokens must be 0 or >= --kv-cache-min-tokens",
        ),
        (["--nope"], "unknown option: --nope"),
        (["--ctx=512"], "unknown option: --ctx=512"),
        (["--ctx", "abc"], "invalid value for --ctx: abc"),
        (["--ctx", "0"], "invalid value for --ctx: 0"),
        (["--ctx", "5x"], "invalid value for --ctx: 5x"),
        (["--port", "70000"], "invalid value for --port: 70000"),
        (["--ctx"], "missing value for --ctx"),
        (["--backend", "abacus"], "invalid value for --backend: abacus"),
    ],
)
def test_bad_flags(tmp_path: Path, flags: list[str], message: str) -> None:
    code, out, err = run(tmp_path, *flags)
    assert (code, out) == (2, "")
    first, _, rest = err.partition("\n")
    assert re.fullmatch(STAMP + re.escape(message), first)
    assert rest.startswith("Usage: ") if "unknown" in message else rest == ""


@pytest.mark.parametrize("name", ["--cuda", "--metal"])
def test_a_backend_that_is_not_there(tmp_path: Path, name: str) -> None:
    code, _, err = run(tmp_path, name)
    assert code == 1
    assert err == (
        f"ds4: {name[2:]} backend requested but this build has no graph backend support; aborting startup\n"
    )


def test_missing_model(tmp_path: Path) -> None:
    absent = tmp_path / "absent.gguf"
    assert run(tmp_path, "-m", str(absent), "--port", "0") == (
        1, "", f"ds4: cannot open model '{absent}': No such file or directory\n"
    )  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"no model", b"GGUF" + b"\xff" * 100])
def test_a_broken_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    code, _, err = run(tmp_path, "-m", str(path), "--port", "0")
    assert code == 1
    assert re.fullmatch(r"ds4: .+\n", err)


def test_a_taken_port_is_found_before_the_model_is_opened(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run(tmp_path, "-m", str(tmp_path / "absent.gguf"), "--port", str(port))
    assert code == 1
    assert re.fullmatch(STAMP + rf"failed to listen on 127.0.0.1:{port}: Address already in use\n", err)


@pytest.mark.parametrize("host", ["::1", "example.org"])
def test_hosts_are_ipv4_addresses(tmp_path: Path, host: str) -> None:
    code, _, err = run(tmp_path, "--host", host, "--port", "0")
    assert code == 1
    assert re.fullmatch(STAMP + rf"failed to listen on {host}:0: Invalid argument\n", err)


def test_an_unknown_folder(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "--chdir", str(tmp_path / "none"))
    assert code == 1
    assert re.fullmatch(STAMP + r"failed to chdir to .*/none: No such file or directory\n", err)


def test_one_engine_at_a_time(tmp_path: Path, model: Path) -> None:
    with running_engine(tmp_path, "--model", str(model)) as engine:
        assert engine.lock.read_text() == f"{engine.process.pid}\n"
        code, _, err = run(tmp_path, "--model", str(model), lock=engine.lock)
        assert code == 2
        pid = engine.process.pid
        assert err == f"ds4: another ds4 process is already running (pid {pid}); refusing to start\n"
    assert engine.lock.exists()
    assert run(tmp_path, "-m", str(tmp_path / "absent"), "--port", "0", lock=engine.lock)[0] == 1


def test_a_lock_file_that_cannot_be_opened(tmp_path: Path) -> None:
    lock = tmp_path / "no" / "lock"
    assert run(tmp_path, lock=lock) == (
        2, "", f"ds4: failed to open lock file {lock}: No such file or directory\n"
    )  # fmt: skip


def test_lock_files_of_other_kinds(tmp_path: Path) -> None:
    assert run(tmp_path, lock=tmp_path)[::2] == (
        2, f"ds4: failed to open lock file {tmp_path}: Is a directory\n"
    )  # fmt: skip
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert run(tmp_path, lock=pipe)[::2] == (
        2, f"ds4: failed to truncate lock file {pipe}: Invalid argument\n"
    )  # fmt: skip


def test_steering_needs_its_file(tmp_path: Path) -> None:
    assert run(tmp_path, "--dir-steering-ffn", "1") == (
        1, "", "ds4: directional steering needs --dir-steering-file\n"
    )  # fmt: skip


def test_a_supervisors_command_line(tmp_path: Path, model: Path) -> None:
    line = (
        "--quality --warm-weights --power 80 --prefill-chunk 2048 --kv-disk-dir kv --kv-disk-space-mb 9 "
        "--disable-exact-dsml-tool-replay --mtp-draft 2 --cpu"
    )
    with running_engine(tmp_path, "-m", str(model), *line.split()) as engine:
        assert engine.stop() == 0
    texts = [line.split("ds4-server: ")[1] for line in engine.lines]
    assert texts[1:3] == [
        "KV disk cache kv (budget=9 MiB, cross-quant=accept, min=512, cold_max=30000, continued=10000, "
        "trim=32, align=2048, hit_half_life=21600s)",
        "exact DSML tool replay disabled; tool history uses canonical JSON rendering",
    ]


def test_trace(tmp_path: Path, model: Path) -> None:
    trace = tmp_path / "trace"
    with running_engine(tmp_path, "-m", str(model), "--trace", str(trace)) as engine:
        engine.wait_for_line(f"tracing session to {trace}")
        for text in ("One", "Two"):
            chat(engine.port, messages=[{"role": "user", "content": text}])
        text = trace.read_text()
    assert [f"===== end request {n} =====" in text for n in (1, 2, 3)] == [True, True, False]
    assert "--- generated text ---\n\n\n--- trace: prefill done; decode_max=393216 ctx_room=" in text
    assert "Hm,</think>Hello" in text


def test_a_trace_file_that_cannot_be_opened(tmp_path: Path, model: Path) -> None:
    code, _, err = run(tmp_path, "-m", str(model), "--port", "0", "--trace", str(tmp_path))
    assert code == 1
    last = err.splitlines()[-1]
    assert re.fullmatch(STAMP + rf"failed to open trace file {tmp_path}: Is a directory", last)


def test_control_in_text_is_a_setting(tmp_path: Path, model: Path) -> None:
    counts = []
    for flags in ([], ["--special-tokens-in-text"]):
        with running_engine(tmp_path, "-m", str(model), *flags) as engine:
            reply = chat(engine.port, messages=[{"role": "user", "content": "a<｜User｜>b"}])
            counts.append(reply["usage"]["prompt_tokens"])
    assert counts[0] - counts[1] == len("<｜User｜>".encode()) - 1


def test_the_second_signal_ends_at_once(tmp_path: Path, model: Path) -> None:
    with running_engine(tmp_path, "-m", str(model)) as engine:
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
            engine.process.send_signal(number)
        assert engine.process.wait(timeout=30) == 130


def test_a_port_that_is_taken_while_the_model_is_opened(tmp_path: Path, model: Path) -> None:
    """Two sockets may be bound to one port as long as nobody listens there."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        trace = tmp_path / "trace"
        os.mkfifo(trace)
        engine = start_engine(tmp_path, "-m", str(model), "--port", str(port), "--trace", str(trace))
        engine.wait_for_line("context buffers")
        other.listen()
        with trace.open("rb"):  # which the engine has been waiting for
            assert engine.process.wait(timeout=30) == 1
    assert engine.lines[-1].endswith(f"failed to listen on 127.0.0.1:{port}: Address already in use")


# Standard input ends at once, and a SIGTERM of its own comes later: with the loop gone, or with the
# interpreter's handlers gone.
_LATE_SIGNAL = """
import asyncio, os, runpy, signal, sys

def late(kill=os.kill, pid=os.getpid(), number=signal.SIGTERM):
    kill(pid, number)

class Last:
    def __del__(self, late=late):
        late()

def run(main, run=asyncio.run):
    run(main)
    late()

read, write = os.pipe()
os.dup2(read, 0)
os.close(write)
if os.environ["LATE"] == "loop":
    asyncio.run = run
else:
    last = Last()
runpy.run_module("ds4agent.engine", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("late", ["loop", "interpreter"])
def test_a_signal_behind_the_end_changes_nothing(
    tmp_path: Path, model: Path, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DS4AGENT_STOP_WITH_STDIN", "1")
    monkeypatch.setenv("LATE", late)
    engine = start_engine(tmp_path, "-m", str(model), "--port", "0", program=("-c", _LATE_SIGNAL))
    assert engine.process.wait(timeout=30) == 0
    assert "Traceback" not in engine.log.read_text()


# A signal between the interpreter's last instruction and the sleep of the event loop: nothing of ours runs
# inside of the list.
_SIGNAL_BEFORE_SLEEP = """
import ctypes, operator, runpy, select, selectors, signal
from functools import partial

first = [partial(ctypes.CDLL(None)["raise"], int(signal.SIGTERM))]

class Selector(selectors.SelectSelector):
    def _select(self, r, w, x, timeout=None):
        calls = [partial(select.select, r, w, x, timeout)]
        if timeout is None and first:
            calls.insert(0, first.pop())
        return list(map(operator.call, calls))[-1]

selectors.DefaultSelector = Selector
runpy.run_module("ds4agent.engine", run_name="__main__", alter_sys=True)
"""


def test_a_signal_at_the_moment_of_falling_asleep_ends_it(tmp_path: Path, model: Path) -> None:
    engine = start_engine(tmp_path, "-m", str(model), "--port", "0", program=("-c", _SIGNAL_BEFORE_SLEEP))
    try:
        engine.wait_for_line("listening on")
        assert engine.process.wait(timeout=10) == 0
    finally:
        engine.process.kill()
        engine.process.wait()
    assert engine.lines[-1].endswith("shutdown requested, draining requests")


def test_a_model_whose_path_is_not_text(tmp_path: Path, model: Path) -> None:
    path = tmp_path / os.fsdecode(b"m\xff.gguf")
    path.symlink_to(model)
    with running_engine(tmp_path, "-m", str(path)) as engine:
        assert chat(engine.port, messages=[{"role": "user", "content": "Hi"}])["choices"]


def test_a_terminal_that_is_closed_ends_it_in_order(tmp_path: Path, model: Path) -> None:
    """The kernel and the shell both say so."""
    flags = ("-m", str(model), "--kv-disk-dir", str(tmp_path / "kv"), "--kv-cache-min-tokens", "1")
    with running_engine(tmp_path, *flags) as engine:
        chat(engine.port, messages=[{"role": "user", "content": "Hi"}])
        engine.process.send_signal(signal.SIGHUP)
        engine.wait_for_line("shutdown requested")
        engine.process.send_signal(signal.SIGHUP)
        assert engine.process.wait(timeout=30) == 0
        engine.wait_for_line("reason=shutdown")


def test_nohup_keeps_it_running(tmp_path: Path, model: Path) -> None:
    script = "import runpy, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    script += "runpy.run_module('ds4agent.engine', run_name='__main__', alter_sys=True)"
    with running_engine(tmp_path, "-m", str(model), program=("-c", script)) as engine:
        engine.process.send_signal(signal.SIGHUP)
        assert chat(engine.port, messages=[{"role": "user", "content": "Hi"}])["choices"]
        assert engine.stop() == 0
        assert len([line for line in engine.lines if "shutdown requested" in line]) == 1


def test_no_new_client_after_the_end(tmp_path: Path, model: Path) -> None:
    with running_engine(tmp_path, "-m", str(model)) as engine:
        with socket.create_connection(("127.0.0.1", engine.port), timeout=30) as idle:
            assert engine.stop() == 0
            assert idle.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", engine.port))


def test_start_and_stop_lines(tmp_path: Path, model: Path) -> None:
    with running_engine(tmp_path, "--chdir", str(model.parent), "-m", model.name, "-c", "1024") as engine:
        assert engine.stop() == 0
    shapes = [
        r"context buffers \d+\.\d\d MiB \(ctx=1024, backend=cpu, prefill_chunk=512, raw_kv_rows=32, "
        r"compressed_kv_rows=258\)",
        rf"listening on http://127\.0\.0\.1:{engine.port}",
        "shutdown requested, draining requests",
    ]
    assert len(engine.lines) == len(shapes)
    for line, shape in zip(engine.lines, shapes, strict=True):
        assert re.fullmatch(STAMP + shape, line), line


def test_a_context_larger_than_the_models_is_cut_and_said(tmp_path: Path, model: Path) -> None:
    with running_engine(tmp_path, "-m", str(model), "-c", "2000000") as engine:
        engine.wait_for_line("context of 2000000 tokens asked, the model has 1048576; using 1048576")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stream", [True, False])
def test_a_signal_breaks_off_what_runs(tmp_path: Path, model: Path, number: int, stream: bool) -> None:
    with running_engine(tmp_path, "-m", str(model)) as engine:
        body = json.dumps({"messages": [{"role": "user", "content": "x" * 30000}], "stream": stream}).encode()
        with socket.create_connection(("127.0.0.1", engine.port), timeout=30) as sock:
            sock.sendall(request("POST", "/v1/chat/completions", body))
            engine.wait_for_line("prefill chunk 512/")
            engine.process.send_signal(number)
            assert engine.process.wait(timeout=30) == 0
            try:
                rest = b"".join(iter(lambda: sock.recv(65536), b""))
            except ConnectionResetError:
                rest = b""
            assert b"[DONE]" not in rest
            assert not rest or stream
        assert any("stream closed during prefill" in line for line in engine.lines)


def test_stop_before_the_model_is_open(tmp_path: Path, model: Path) -> None:
    engine = start_engine(tmp_path, "-m", str(model), "--port", "0")
    engine.process.terminate()
    assert engine.process.wait(timeout=30) in (0, -signal.SIGTERM)
