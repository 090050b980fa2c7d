"""`ds4agent engine` and `ds4agent exec`, as processes, with the stand-in of ds4-server."""

import http.client
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ds4agent import resources
from tests.standins import free_port, write_binary, write_model
from tests.unit.sidecar.repositories import Repository, make_repository

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DS4", "XDG_"))}
    return own | {"HOME": str(tmp_path), "DS4_LOCK_FILE": str(tmp_path / "lock")}


@pytest.fixture
def run(tmp_path: Path, env: dict[str, str]) -> Run:
    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "ds4agent", *map(str, words)]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "upstream" / "ds4")


def test_build_list_check_and_use(run: Run, repository: Repository, tmp_path: Path) -> None:
    assert "no engine" in run("engine", "list").stderr
    built = run("engine", "build", "upstream/ds4", "--make", "ds4-server")
    assert built.returncode == 0, built.stderr
    binary = Path(built.stdout.strip())
    assert binary.is_file()
    assert "building" in built.stderr
    (row,) = json.loads(run("engine", "list", "--json").stdout)
    commit = repository.git("rev-parse", "HEAD")
    assert (row["name"], row["used"], row["commit"], row["state"]) == ("ds4", True, commit, "ready")
    checked = run("engine", "check")
    assert checked.returncode == 0
    assert commit in checked.stdout
    (binary.parent / "metal/flash.metal").write_text("changed")
    checked = run("engine", "check", "ds4")
    assert checked.returncode == 1
    assert "flash.metal was changed" in checked.stdout
    own = write_binary(tmp_path / "own/ds4-server", "late")
    assert "summer 2026" in run("engine", "use", own).stdout
    assert f"{own}" in run("engine", "list").stdout
    found = json.loads(run("engine", "check", "--json").stdout)
    assert (found["binary"], found["manifest"], found["problems"]) == (str(own), None, [])


def test_a_build_that_fails_is_one_sentence_and_a_log(
    run: Run, repository: Repository, tmp_path: Path
) -> None:
    repository.commit(Makefile="ds4-server:\n\t@echo 'error: no such header'; exit 1\n")
    failed = run("engine", "build", repository.path, "--make", "ds4-server", "--name", "mine")
    assert failed.returncode == 1
    assert "error: no such header" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "failed; see" in run("engine", "list").stdout
    assert run("engine", "use", "mine").returncode == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("engine", "use", "nothing"), "no engine nothing"),
        (("engine", "use", "./nothing"), "there is no file"),
        (("engine", "use", "/bin/ls"), "does not look like ds4-server"),
        (("engine", "check"), "no engine is chosen"),
        (("engine", "build", "--", "-x"), "no name that git could take"),
        (("exec", "/nowhere.gguf"), "cannot read model /nowhere.gguf"),
        (("exec", "/bin/ls"), "is no GGUF file"),
        (("exec", "--engine", "http://x:1"), "runs already"),
        (("exec", "--engine", "/nowhere/x"), "there is no file"),
    ],
)
def test_errors_are_sentences(run: Run, words: tuple[str, ...], message: str) -> None:
    failed = run(*words)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_build_that_is_ended_ends_make_with_it(env: dict[str, str], tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    makefile = f"ds4-server:\n\texec 9> {held}; echo x >&9; sleep 600\n"
    slow = make_repository(tmp_path / "slow", makefile=makefile)
    command = [sys.executable, "-m", "ds4agent", "engine", "build", str(slow.path), "--make", "ds4-server"]
    building = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    with held.open("rb") as reader:
        assert reader.readline() == b"x\n"
        building.send_signal(signal.SIGTERM)
        assert reader.read() == b"", "the end comes when nobody holds it any more"
    assert building.wait() == 143


def test_exec_shows_the_command(run: Run, tmp_path: Path) -> None:
    binary, model = write_binary(tmp_path / "ds4-server", "late"), write_model(tmp_path / "My Model.gguf")
    shown = run("exec", "--print", "--engine", binary, "--ctx", 500, model, "--", "--cors", "--port", "9")
    assert shown.returncode == 0, shown.stderr
    words = shlex.split(shown.stdout)
    assert words[0] == str(binary)
    assert words[words.index("--model") + 1] == str(model)
    assert words[-3:] == ["--cors", "--port", "9"]
    kv = Path(words[words.index("--kv-disk-dir") + 1])
    assert kv.name.startswith("my-model-")
    assert not kv.exists(), "nothing is made"
    assert "your --port 9 replaces --port 8000" in shown.stderr
    assert "--kv-disk-dir" not in run("exec", "--print", "--engine", binary, "--no-kv", model).stdout


def test_exec_becomes_the_engine(env: dict[str, str], tmp_path: Path) -> None:
    binary, model = write_binary(tmp_path / "ds4-server"), write_model(tmp_path / "m.gguf")
    kv = tmp_path / "kv"
    kv.mkdir()
    orphan = kv / f"{'0' * 40}.kv.tmp.{2**22 + 1}"
    orphan.touch()
    port = free_port()
    command = [sys.executable, "-m", "ds4agent", "exec", "--engine", str(binary), "--kv-dir", str(kv)]
    started = subprocess.Popen(
        [*command, "--port", str(port), str(model)], env=env, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr is not None
    said = ""
    while "listening on" not in said:
        line = started.stderr.readline()
        assert line, said
        said += line
    assert not orphan.exists()
    assert "left by an engine that was killed" in said
    assert (tmp_path / "lock").read_text() == f"{started.pid}\n", "the same process"
    client = http.client.HTTPConnection("127.0.0.1", port)
    client.request("GET", "/v1/models")
    assert client.getresponse().status == 200
    client.close()
    started.terminate()
    assert started.wait() == 0
    started.stderr.close()


def test_exec_finds_an_engine_by_itself(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    embedded = shlex.split(run("exec", "--print", resources.bundled_model()).stdout)
    assert embedded[:3] == [sys.executable, "-m", "ds4agent.engine"]
    write_binary(tmp_path / "bin/ds4-server")
    env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"
    assert "no model" in run("exec", "--print").stderr
    model = write_model(tmp_path / "m.gguf")
    assert run("exec", "--print", model).stdout.startswith(str(tmp_path / "bin/ds4-server"))


def _lose(tmp_path: Path) -> str:
    """The files of the engine that is chosen; the commit it was made from."""
    (found,) = (tmp_path / ".local/share/ds4agent/engines").glob("ds4/manifest.json")
    made = json.loads(found.read_text())
    shutil.rmtree(found.parent / made["folder"])
    return str(made["commit"])


def test_an_engine_that_lost_its_files_is_built_again_as_it_was(
    run: Run, repository: Repository, tmp_path: Path
) -> None:
    assert run("engine", "build", "upstream/ds4", "--make", "ds4-server").returncode == 0
    commit = _lose(tmp_path)
    repository.commit(later="later\n")
    model = write_model(tmp_path / "v4.gguf")
    shown = run("exec", "--print", model)
    assert shown.returncode == 0, shown.stderr
    assert f"building {commit[:12]}" in shown.stderr
    assert Path(shlex.split(shown.stdout)[0]).is_file()
    assert run("engine", "check").returncode == 0
    assert "building" not in run("exec", "--print", model).stderr


def test_two_that_need_what_was_lost_share_one_build(
    env: dict[str, str], run: Run, repository: Repository, tmp_path: Path
) -> None:
    assert run("engine", "build", "upstream/ds4", "--make", "ds4-server").returncode == 0
    commit = _lose(tmp_path)
    model = write_model(tmp_path / "v4.gguf")
    words = [sys.executable, "-m", "ds4agent", "exec", "--print", str(model)]
    both = [
        subprocess.Popen(
            words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=120) for process in both]
    assert len({out for out, _ in ended}) == 1
    assert "".join(err for _, err in ended).count(f"building {commit[:12]}") == 1


def test_what_cannot_be_built_again_says_so_and_is_not_tried_for_ever(
    run: Run, repository: Repository, tmp_path: Path
) -> None:
    assert run("engine", "build", "upstream/ds4", "--make", "ds4-server").returncode == 0
    _lose(tmp_path)
    shutil.rmtree(repository.path)
    model = write_model(tmp_path / "v4.gguf")
    first, second = run("exec", "--print", model), run("exec", "--print", model)
    assert first.returncode == second.returncode == 1
    assert "fetching" in first.stderr
    assert "remembered; `ds4agent engine build` tries again" in second.stderr
    assert "fetching" not in second.stderr


def test_a_build_that_failed_is_not_tried_again_by_its_name(run: Run, tmp_path: Path) -> None:
    bad = make_repository(tmp_path / "bad")
    bad.commit(Makefile="ds4-server:\n\texit 3\n")
    assert run("engine", "build", "bad", "--make", "ds4-server").returncode == 1
    refused = run("exec", "--engine", "bad", "--print", write_model(tmp_path / "v4.gguf"))
    assert refused.returncode == 1
    assert "remembered" in refused.stderr
