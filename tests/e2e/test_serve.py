"""`ds4agent serve` as its user starts it: the embedded engine, a stand-in of ds4-server, one that runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ds4agent.resources import bundled_model
from ds4agent.sidecar import kv_folder, runtime
from ds4agent.sidecar.settings import EngineSettings, ModelSettings, SidecarSettings
from tests.e2e.task_runner import private_environment
from tests.sidecar_fixtures import PROGRAM, connect, post, read_all
from tests.standins import Standin, write_binary, write_model

COMMAND = [sys.executable, "-m", "ds4agent"]
START_SECONDS = 60.0


@dataclass
class Sidecar:
    process: subprocess.Popen[bytes]
    found: runtime.Runtime
    log: Path
    env: dict[str, str]

    def ask(self, path: str, body: Any = None, **fields: str) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.found.port}{path}", data, fields)
        try:
            with urllib.request.urlopen(asked, timeout=START_SECONDS) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def chat(self, **fields: Any) -> tuple[int, str]:
        body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4, **fields}
        return self.ask("/v1/chat/completions", body)

    def order(self, what: str) -> tuple[int, str]:
        """POST to an endpoint of the sidecar's own."""
        asked = f"http://127.0.0.1:{self.found.port}/ds4agent/{what}"
        fields = {"Authorization": f"Bearer {self.found.token}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(asked, b"", fields)) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_for(self, phase: str) -> dict[str, Any]:
        while (status := self.status())["phase"] != phase:
            pass  # what was asked for is on its way
        return status

    def status(self) -> dict[str, Any]:
        code, text = self.ask("/ds4agent/status", Authorization=f"Bearer {self.found.token}")
        assert code == 200
        value: dict[str, Any] = json.loads(text)
        return value


@contextmanager
def running(tmp_path: Path, argv: list[str], **more: str) -> Iterator[Sidecar]:
    env = private_environment(tmp_path) | {"DS4_LOCK_FILE": str(tmp_path / "lock")} | more
    log, file = tmp_path / "serve.log", tmp_path / ".local/state/ds4agent/sidecar.json"
    with log.open("wb") as out:
        process = subprocess.Popen(argv, env=env, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_SECONDS
        while (found := runtime.read(file)) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield Sidecar(process, found, log, env)
    finally:
        process.terminate()
        assert process.wait(START_SECONDS) == 0, log.read_text()


def serving(tmp_path: Path, *words: str) -> Any:
    return running(tmp_path, [*COMMAND, "serve", "--port", "0", *words])


def test_the_embedded_engine_starts_with_the_first_request_and_ends_with_the_sidecar(tmp_path: Path) -> None:
    with serving(tmp_path) as sidecar:
        assert json.loads(sidecar.ask("/health")[1])["engine"] == "stopped"
        code, text = sidecar.chat()
        assert code == 200
        assert json.loads(text)["usage"]["completion_tokens"] == 4
        status = sidecar.status()
        pid = status["engine"]["pid"]
        assert status["engine"]["state"] == "ready"
        assert 'lane="interactive",status="200"} 1' in sidecar.ask("/metrics")[1]
        shown = subprocess.run([*COMMAND, "status"], env=sidecar.env, capture_output=True, text=True)
        assert shown.returncode == 0
        assert "bundled" in shown.stdout
    assert not Path(f"/proc/{pid}").exists() or _is_zombie(pid)


def test_an_environment_that_is_larger_than_one_variable_may_be(tmp_path: Path) -> None:
    """It is the engine's, too, without what the sidecar has for itself."""
    large = {f"LARGE_{i}": "x" * 100_000 for i in range(3)}
    with running(tmp_path, [*COMMAND, "serve", "--port", "0"], **large) as sidecar:
        assert sidecar.chat()[0] == 200
        if sys.platform == "linux":
            words = Path(f"/proc/{sidecar.status()['engine']['pid']}/environ").read_text().split("\0")
            environment = dict(word.split("=", 1) for word in words if word)
            assert large.items() <= environment.items()
            assert not {"MALLOC_ARENA_MAX", "DS4AGENT_SIDECAR"} & environment.keys()


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_counters_and_the_cache_survive_a_restart(tmp_path: Path) -> None:
    text = " ".join(f"fact {i}" for i in range(400))
    body = {"messages": [{"role": "system", "content": text}, {"role": "user", "content": "Hello"}]}
    with serving(tmp_path) as sidecar:
        assert sidecar.ask("/v1/chat/completions", {**body, "max_tokens": 2})[0] == 200
    with serving(tmp_path) as sidecar:
        code, reply = sidecar.ask("/v1/chat/completions", {**body, "max_tokens": 2})
        assert code == 200
        assert json.loads(reply)["usage"]["cache"]["disk"] > 500
        assert 'status="200"} 2' in sidecar.ask("/metrics")[1]


def test_a_second_sidecar_is_refused_and_names_the_first(tmp_path: Path) -> None:
    with serving(tmp_path) as sidecar:
        second = subprocess.run(
            [*COMMAND, "serve", "--port", "0"], env=sidecar.env, capture_output=True, text=True
        )
        assert second.returncode == 2
        assert f"pid {sidecar.process.pid}, port {sidecar.found.port}" in second.stderr


def test_a_ds4_server_of_the_users(tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "bin/ds4-server", "may")
    model = write_model(tmp_path / "v4.gguf", tokens=3)
    with serving(tmp_path, "--engine", str(binary), "--model", str(model), "--", "--quality") as sidecar:
        assert sidecar.chat()[0] == 200
        pid = sidecar.status()["engine"]["pid"]
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        assert b"--quality" in argv
        assert b"--kv-disk-dir" in argv


def test_a_data_folder_whose_name_is_no_utf_8(tmp_path: Path) -> None:
    """What is said of it, here of a file that a killed engine left there, keeps no engine from its start."""
    home = os.fsdecode(os.fsencode(tmp_path) + b"/data-\xff")
    kv = kv_folder.of_file(Path(home, "ds4agent", "kv-models"), bundled_model())
    kv.mkdir(parents=True)
    orphan = kv / f"{'a' * 40}.kv.tmp.4294967295"
    orphan.touch()
    with running(tmp_path, [*COMMAND, "serve", "--port", "0"], XDG_DATA_HOME=home) as sidecar:
        code, text = sidecar.chat()
        assert code == 200, text
        assert b"removed " + os.fsencode(orphan) in sidecar.log.read_bytes()


def test_an_engine_that_runs_already_is_used_and_left_running(tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "bin/ds4-server", "june")
    model = write_model(tmp_path / "v4.gguf")
    with Standin.start(tmp_path) as theirs:
        lock = str(tmp_path / "ds4.lock")
        argv = [*COMMAND, "serve", "--port", "0", "--engine", str(binary), "--model", str(model)]
        with running(tmp_path, argv, DS4_LOCK_FILE=lock) as sidecar:
            assert sidecar.chat()[0] == 200
            assert sidecar.status()["engine"]["pid"] == theirs.process.pid
        assert theirs.process.poll() is None


def test_an_engine_that_cannot_start_is_refused_with_its_last_words(tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "bin/ds4-server", "june")
    model = write_model(tmp_path / "v4.gguf", load_error="required tokenizer token is missing: X")
    with serving(tmp_path, "--engine", str(binary), "--model", str(model)) as sidecar:
        code, text = sidecar.chat()
        assert code == 503
        assert "required tokenizer token is missing: X" in text


def test_the_engine_changes_with_the_model_that_is_asked_for(tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "bin/ds4-server", "june")
    files = {
        name: write_model(tmp_path / name / "v4.gguf", text=[f"I am {name}."]) for name in ("alpha", "beta")
    }
    models = tuple(ModelSettings(name, str(path), names=(f"{name}-alias",)) for name, path in files.items())
    env: dict[str, str | None] = {"DS4_LOCK_FILE": str(tmp_path / "lock")}
    flags = {"--model": "FILE", "--host": "H", "--port": "N", "--ctx": "N", "--power": "N"}
    engine = EngineSettings(program=(str(binary),), flags=flags, models=models, environment=env)
    file = tmp_path / ".local/state/ds4agent/sidecar.json"
    settings = SidecarSettings(engine, str(file), str(tmp_path), port=0)
    argv = [sys.executable, "-m", "ds4agent.sidecar"]
    with running(tmp_path, argv, DS4AGENT_SIDECAR=settings.to_json()) as sidecar:
        for name in ("alpha", "beta", "Beta-Alias", "alpha"):
            code, text = sidecar.chat(model=name)
            assert code == 200
            assert f"I am {name.split('-')[0].lower()}." in text
        listed = json.loads(sidecar.ask("/v1/models")[1])["data"]
        assert [card["id"] for card in listed] == ["alpha", "beta"]
        code, text = sidecar.chat(model="gamma")
        assert code == 404
        assert "there are: alpha, beta" in text


def test_a_crashed_engine_is_started_again_for_the_next_request(tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "bin/ds4-server", "june")
    model = write_model(tmp_path / "v4.gguf")
    with serving(tmp_path, "--engine", str(binary), "--model", str(model)) as sidecar:
        assert sidecar.chat()[0] == 200
        pid = sidecar.status()["engine"]["pid"]
        os.kill(pid, signal.SIGKILL)
        while sidecar.status()["engine"]["pid"] == pid:
            pass  # its end is not known yet
        assert sidecar.chat()[0] == 200
        status = sidecar.status()
        assert status["engine"]["restarts"] == 1
        assert status["engine"]["pid"] != pid


def test_models_of_the_catalog_by_all_their_names(tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "bin/ds4-server", "june")
    for name in ("alpha", "beta"):
        write_model(tmp_path / f"models/{name}.gguf", text=[f"I am {name}."], reasoning=["Hm."])
    env = {"DS4AGENT_MODEL_DIRS": str(tmp_path / "models"), "DS4AGENT_ALIASES": "mine=beta"}
    argv = [*COMMAND, "serve", "--port", "0", "--engine", str(binary), "--model", "alpha"]
    with running(tmp_path, argv, **env) as sidecar:
        assert "I am alpha." in sidecar.chat()[1]
        assert "I am beta." in sidecar.chat(model="mine")[1]
        assert "I am beta." in sidecar.chat(model="beta-think-max")[1]
        assert sidecar.chat(model="claude-something")[0] == 404


@contextmanager
def hand_made(
    tmp_path: Path, models: tuple[ModelSettings, ...], program: Sequence[str] = PROGRAM, **more: Any
) -> Iterator[Sidecar]:
    """A sidecar with a stand-in, without what `serve` finds out about this machine."""
    binary = write_binary(tmp_path / "bin/ds4-server", "june")
    env: dict[str, str | None] = {"DS4_LOCK_FILE": str(tmp_path / "lock")}
    flags = {"--model": "FILE", "--host": "H", "--port": "N", "--ctx": "N", "--power": "N"}
    options = {"ctx": 65_536, "extra": []}
    engine = EngineSettings(
        program=(str(binary),), flags=flags, models=models, environment=env, options=options, **more
    )
    file = tmp_path / ".local/state/ds4agent/sidecar.json"
    settings = SidecarSettings(engine, str(file), str(tmp_path), port=0)
    argv = [sys.executable, *program]
    with running(tmp_path, argv, DS4AGENT_SIDECAR=settings.to_json()) as sidecar:
        yield sidecar


def test_tokens_are_counted_where_the_engine_cannot(tmp_path: Path) -> None:
    files = (bundled_model(), write_model(tmp_path / "v4.gguf"))
    models = tuple(ModelSettings(path.stem, str(path)) for path in files)
    body = {"messages": [{"role": "user", "content": "Hello there"}]}
    with hand_made(tmp_path, models) as sidecar:
        code, text = sidecar.ask("/v1/messages/count_tokens", {"model": "bundled", **body})
        assert (code, json.loads(text)) == (200, {"input_tokens": 6})
        assert sidecar.ask("/v1/messages/count_tokens", {"model": "claude-x", **body}) == (code, text)
        code, text = sidecar.ask("/v1/responses/input_tokens", {"model": "bundled", "input": "Hello there"})
        assert (code, json.loads(text)["input_tokens"]) == (200, 6)
        code, text = sidecar.ask("/v1/messages/count_tokens", {"model": "v4", **body})
        assert (code, json.loads(text)["type"]) == (501, "error")
        assert json.loads(sidecar.ask("/health")[1])["engine"] == "stopped"


def test_a_count_ends_with_its_client(tmp_path: Path) -> None:
    """Also one that takes long."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$4" in */slow.gguf) exec sleep 600; esac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    become = "import sys, ds4agent.sidecar.__main__ as program"
    code = f"{become}; sys.executable = {str(python)!r}; sys.exit(program.main())"
    models = tuple(ModelSettings(path.stem, str(path)) for path in (bundled_model(), tmp_path / "slow.gguf"))
    body = {"messages": [{"role": "user", "content": "Hello there"}]}
    raw = [
        post("/v1/messages/count_tokens", json.dumps({"model": name, **body}).encode())
        for name in ("slow", "bundled")
    ]
    with hand_made(tmp_path, models, program=("-c", code)) as sidecar:
        first, second = (connect(sidecar.found.port, words) for words in raw)
        first.close()
        assert read_all(second).endswith(b'{"input_tokens":6}\n')


def test_the_most_thinking_gets_the_context_that_it_needs(tmp_path: Path) -> None:
    models = tuple(
        ModelSettings(name, str(write_model(tmp_path / f"{name}.gguf")), think_max=name == "large")
        for name in ("large", "small")
    )
    with hand_made(tmp_path, models) as sidecar:

        def engine_for(**fields: Any) -> tuple[int, int]:
            assert sidecar.chat(**fields)[0] == 200
            status = sidecar.status()
            return status["engine"]["pid"], status["model"]["context"]

        first, context = engine_for(model="large", reasoning_effort="high")
        assert context == 65_536
        second, context = engine_for(model="large", reasoning_effort="max")
        assert context == 393_216
        assert second != first
        # It stays for those that need less, until another model comes.
        assert engine_for(model="large") == (second, context)
        assert engine_for(model="large-think-max") == (second, context)
        assert sidecar.order("unload")[0] == 200
        sidecar.wait_for("stopped")
        assert engine_for()[1] == 65_536
        assert engine_for(model="small", reasoning_effort="max")[1] == 65_536


def test_an_engine_of_somebody_else_is_asked_whatever_a_request_needs(tmp_path: Path) -> None:
    with Standin.start(tmp_path) as theirs:
        models = tuple(
            ModelSettings(name, str(write_model(tmp_path / f"{name}.gguf")), think_max=True)
            for name in ("alpha", "beta")
        )
        with hand_made(tmp_path, models, adopt=str(tmp_path / "ds4.lock")) as sidecar:
            for name in ("beta", "alpha", "beta"):
                assert sidecar.chat(model=name, reasoning_effort="max")[0] == 200
                assert sidecar.status()["engine"]["pid"] == theirs.process.pid


def test_an_engine_that_was_preloaded_takes_the_first_request(tmp_path: Path) -> None:
    models = (ModelSettings("alpha", str(write_model(tmp_path / "alpha.gguf"))),)
    with hand_made(tmp_path, models, preload=True) as sidecar:
        sidecar.wait_for("idle")
        assert sidecar.chat(model="alpha")[0] == 200


def test_an_engine_at_an_address_takes_the_first_request(tmp_path: Path) -> None:
    with Standin.start(tmp_path) as theirs:
        with serving(tmp_path, "--engine", f"http://127.0.0.1:{theirs.port}") as sidecar:
            assert sidecar.chat(model="whatever")[0] == 200
            assert sidecar.ask("/v1/messages/count_tokens", {"messages": []})[0] == 404
        assert theirs.process.poll() is None


def test_a_model_is_loaded_and_unloaded_by_hand(tmp_path: Path) -> None:
    models = (
        ModelSettings("alpha", str(write_model(tmp_path / "alpha.gguf"))),
        ModelSettings("beta", str(write_model(tmp_path / "beta.gguf")), names=("b",), context=70_000),
    )
    with hand_made(tmp_path, models) as sidecar:
        assert sidecar.order("load")[0] == 200
        first = sidecar.wait_for("idle")
        assert first["model"]["model"] == "alpha"
        assert sidecar.order("load/alpha")[0] == 200
        assert sidecar.order("load/b")[0] == 200
        while (status := sidecar.wait_for("idle"))["model"]["model"] == "alpha":
            pass
        assert status["model"]["context"] == 70_000
        assert status["engine"]["pid"] != first["engine"]["pid"]
        assert sidecar.order("unload")[0] == 200
        sidecar.wait_for("stopped")
        code, text = sidecar.order("load/gamma")
        assert code == 404
        assert "there are: alpha, beta" in text
        assert sidecar.chat(model="alpha")[0] == 200


def test_what_runs_is_not_unloaded(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    models = (ModelSettings("alpha", str(write_model(tmp_path / "alpha.gguf", prefill=str(gate)))),)
    with hand_made(tmp_path, models) as sidecar, ThreadPoolExecutor() as threads:
        reply = threads.submit(sidecar.chat)
        sidecar.wait_for("prefill")
        code, text = sidecar.order("unload")
        assert code == 409
        assert "the engine is busy; try again when it is idle" in text
        gate.touch()
        assert reply.result()[0] == 200


def test_a_model_has_an_idle_time_of_its_own(tmp_path: Path) -> None:
    alpha, beta = (write_model(tmp_path / f"{name}.gguf") for name in ("alpha", "beta"))
    models = (ModelSettings("alpha", str(alpha), idle=0.0), ModelSettings("beta", str(beta)))
    with hand_made(tmp_path, models, idle=0.01) as sidecar:
        assert sidecar.chat(model="beta")[0] == 200
        sidecar.wait_for("stopped")
        assert sidecar.chat(model="alpha")[0] == 200
        assert sidecar.wait_for("idle")["engine"]["pid"]


def test_settings_come_from_the_file_and_from_variables(tmp_path: Path) -> None:
    binary = write_binary(tmp_path / "bin/ds4-server", "june")
    model = write_model(tmp_path / "models/alpha.gguf")
    file = tmp_path / ".config/ds4agent/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(
        f"""
        engine = "{binary}"
        model = "alpha"
        model_dirs = ["{model.parent}"]
        [models.Alpha]
        context = 50_000
        [serve]
        port = 0
        kv_root = "{tmp_path / "kv"}"
        kv_space_mb = 77
        kv_interval = 5000
        kv_reject_other_quant = true
        power = 60
        trace = "{tmp_path / "trace"}"
        api_keys = {{ me = "secret" }}
        """
    )
    env = {"XDG_CONFIG_HOME": str(tmp_path / ".config"), "DS4AGENT_SERVE_POWER": "55"}
    with running(tmp_path, [*COMMAND, "serve", "--", "--quality"], **env) as sidecar:
        assert sidecar.chat()[0] == 401
        assert sidecar.order("load")[0] == 200
        pid = sidecar.wait_for("idle")["engine"]["pid"]
        said = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    flags = {
        "--ctx": "50000", "--kv-disk-dir": f"{tmp_path}/kv/alpha", "--kv-disk-space-mb": "77",
        "--power": "55", "--kv-cache-continued-interval-tokens": "5000", "--trace": f"{tmp_path}/trace",
    }  # fmt: skip
    assert {flag: said[said.index(flag) + 1] for flag in flags} == flags
    assert {"--kv-cache-reject-different-quant", "--quality"} <= set(said)


def test_the_engines_log_can_be_read_and_is_kept(tmp_path: Path) -> None:
    models = (ModelSettings("alpha", str(write_model(tmp_path / "alpha.gguf"))),)
    with hand_made(tmp_path, models) as sidecar:
        assert sidecar.ask("/ds4agent/log")[0] == 401
        assert sidecar.chat()[0] == 200
        code, text = sidecar.ask("/ds4agent/log", Authorization=f"Bearer {sidecar.found.token}")
        assert code == 200
        assert "listening on http://127.0.0.1:" in text
    assert (tmp_path / "engine.log").read_text().startswith(text)


def test_asking_the_sidecar_does_not_keep_an_engine_that_is_idle(tmp_path: Path) -> None:
    models = (ModelSettings("alpha", str(write_model(tmp_path / "alpha.gguf"))),)
    with hand_made(tmp_path, models, idle=0.2) as sidecar:
        assert sidecar.chat()[0] == 200
        while sidecar.status()["phase"] != "stopped":  # asked without a pause
            assert sidecar.ask("/health")[0] == sidecar.ask("/v1/models")[0] == 200
        assert sidecar.ask("/metrics")[0] == 200
        assert sidecar.status()["phase"] == "stopped"
