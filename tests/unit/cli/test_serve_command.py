"""What `ds4agent serve` tells the process that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ds4agent.cli import serve
from ds4agent.sidecar.settings import SidecarSettings

Told = Callable[..., SidecarSettings]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    found: list[SidecarSettings] = []

    def become(_program: str, _words: list[str], environment: dict[str, str]) -> None:
        found.append(SidecarSettings.from_json(environment[serve.SETTINGS]))

    monkeypatch.setattr("os.execve", become)

    def run(*words: str) -> SidecarSettings:
        done = CliRunner().invoke(serve.command, ["--engine", "embedded", *words])
        assert done.exit_code == 0, done.output
        return found[-1]

    return run


def test_one_that_its_user_starts_stays_unless_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DS4AGENT_SERVE_LEAVE", "5")  # of those that are started on demand
    assert (told().leave, told().any_port) == (0.0, False)
    settings = told("--leave", "7", "--any-port")
    assert (settings.leave, settings.any_port) == (7.0, True)


def test_the_kv_directory_is_limited_as_the_engine_of_a_run_limits_it(
    told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = told().engine
    assert engine.kv_root == str(tmp_path / ".local/share/ds4agent/kv-models")
    assert (engine.models[0].id, engine.options["kv_space_mb"]) == ("bundled", None)
    monkeypatch.setenv("DS4AGENT_SERVE_KV_SPACE_MB", "77")
    monkeypatch.setenv("DS4AGENT_SERVE_KV_ROOT", str(tmp_path / "mine"))
    engine = told().engine
    assert (engine.kv_root, engine.options["kv_space_mb"]) == (str(tmp_path / "mine"), 77)
    assert told("--no-kv").engine.kv_root == ""


def test_beyond_loopback_keys_are_required(told: Told) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "127.example.org"):
        done = CliRunner().invoke(serve.command, ["--engine", "embedded", "--host", host])
        assert done.exit_code == 1
        assert f"on {host} other machines could use the model" in done.output
        assert told("--host", host, "--api-key", "me=secret").host == host
    for host in ("127.0.0.1", "127.0.0.2", "localhost"):
        assert told("--host", host).host == host


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--host", "0.0.0.0"), "other machines could use the model"),
        (("--api-key", "secret"), "it has to be NAME=KEY"),
        (("--model", "/nowhere/x.gguf"), "cannot read model /nowhere/x.gguf"),
    ],
)
def test_what_cannot_start_is_not_installed(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], expected: str
) -> None:
    def install(*words: str) -> Result:
        monkeypatch.setattr("sys.argv", ["ds4agent", "serve", *words])
        return CliRunner().invoke(serve.command, ["--engine", "embedded", "--install", *words])

    done = install(*words)
    assert (done.exit_code != 0, expected in done.output) == (True, True), done.output
    assert not [*tmp_path.rglob("*ds4agent.serv*")]
    assert install().exit_code == 0
    assert [*tmp_path.rglob("*ds4agent.serv*")]
