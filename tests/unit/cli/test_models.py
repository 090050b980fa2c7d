"""`ds4agent models` on real folders and against a hub on loopback."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from ds4agent import paths, resources
from ds4agent.cli import main
from ds4agent.cli.meter import line
from tests.gguf_files import gguf, write
from tests.hub_server import Hub, serving

DATA = gguf(name="pulled") + bytes(range(256)) * 2_000


@dataclass
class Ran:
    code: int
    out: str
    err: str


Models = Callable[..., Ran]


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING", "DS4AGENT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("DATA", "CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("DS4AGENT_MODEL_DIRS", str(tmp_path / "models"))


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Models:
    def run(*args: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["ds4agent", "models", *map(str, args)])
        code = main._run()
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub({"Model-Q2.gguf": DATA})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        yield served


def program(*args: str | Path) -> Ran:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "ds4agent", "models", *map(str, args)]
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_list(models: Models, tmp_path: Path) -> None:
    write(tmp_path / "models" / "DeepSeek-V4-Flash.gguf", deepseek4__context_length=1_048_576)
    write(tmp_path / "data" / "ds4agent" / "models" / "Own.gguf")
    write(tmp_path / "models" / "spark.gguf", "deepseek4-dspark")
    write(tmp_path / "models" / "ll\x1b[31mama.gguf", "llama")
    ran = models("list")
    header, *lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert header.split() == ["id", "size", "params", "experts", "context", "about"]
    assert lines[0].split() == ["own", "6.2", "kB", "0.0", "B", "IQ2_XXS/Q2_K", "-"]
    assert lines[1].split()[-2:] == ["1048576", "flash"]
    assert lines[2].startswith("spark ")
    assert lines[2].endswith("speculator")
    assert lines[3].endswith("its architecture is 'llama'; ds4-server runs 'deepseek4'")
    assert "\x1b" not in ran.out


def test_list_as_json(models: Models, tmp_path: Path) -> None:
    path = write(tmp_path / "models" / "Flash.gguf")
    (tmp_path / "models" / "bad.gguf").write_bytes(b"x")
    found = json.loads(models("list", "--json").out)
    (model,) = found["models"]
    assert (model["id"], model["path"], model["parameters"]) == ("flash", str(path), 1024 + 3 * 2048)
    reason = "it is not a GGUF file: it begins with b'x', not with b'GGUF'"
    assert found["rejected"] == [{"path": str(path.with_name("bad.gguf")), "reason": reason}]


def test_list_of_nothing_says_what_to_do(models: Models) -> None:
    ran = models("list")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "there are no models; `ds4agent models pull OWNER/NAME` loads one\n"


def test_names_with_bytes_that_are_no_text(models: Models, tmp_path: Path) -> None:
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/models/\xff.gguf")))
    assert models("list").code == 0
    assert json.loads(models("list", "--json").out)["models"][0]["id"] == "gguf-model"


def test_inspect(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "models" / "Flash.gguf", name="Some\nname")
    monkeypatch.setenv("DS4AGENT_ALIASES", "fast=flash")
    monkeypatch.chdir(path.parent)
    for name in ("flash", "FLASH.GGUF", path, "./Flash.gguf", "fast"):
        ran = models("inspect", name)
        assert ran.code == 0, ran.err
        lines = ran.out.splitlines()
        assert "expert formats: gate IQ2_XXS" in lines
        assert f"path: {path}" in lines
    assert json.loads(models("inspect", "flash", "--json").out)["tensors"] == 4


def test_inspect_a_file_outside_the_folders(models: Models, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere" / "Flash.gguf")
    assert f"path: {path}" in models("inspect", path).out
    ran = models("inspect", __file__)
    assert ran.code == 1
    assert ran.err.startswith(
        f'Error: {__file__} cannot be used: it is not a GGUF file: it begins with b\'"""`\''
    )
    assert models("inspect", "nothing").err == "Error: there is no model 'nothing'; there are none\n"


def test_rm_asks_and_removes_all_shards_and_notes(models: Models, tmp_path: Path) -> None:
    path = write(tmp_path / "models" / "Flash.gguf")
    note = path.with_name("Flash.gguf.sha256")
    note.write_text("0" * 64)
    ran = program("rm", "flash")
    assert (ran.code, path.exists()) == (2, True)
    assert "nobody is there to ask; say --yes" in ran.err
    assert models("rm", "elsewhere", "--yes").code == 1
    ran = models("rm", "flash", "--yes")
    assert (ran.code, ran.out) == (0, "removed flash\n")
    assert list(path.parent.iterdir()) == []


def test_rm_on_a_terminal(tmp_path: Path) -> None:
    path = write(tmp_path / "models" / "Flash.gguf")
    for answer, code, left in (("n", 130, True), ("y", 0, False)):
        child = pexpect.spawn(sys.executable, ["-m", "ds4agent", "models", "rm", "flash"], timeout=60)
        child.expect(r"remove flash, 6.2 kB\? \[y/N\]: ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert (child.exitstatus, path.exists()) == (code, left)


def test_rm_leaves_what_a_path_outside_names(models: Models, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere" / "Flash.gguf")
    assert models("rm", path, "--yes").code == 1
    assert path.exists()


def test_rm_of_a_link_leaves_its_target(models: Models, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere" / "Flash.gguf")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "Link.gguf").symlink_to(path)
    assert models("rm", "link", "--yes").code == 0
    assert path.exists()


def test_verify(models: Models, tmp_path: Path) -> None:
    path = write(tmp_path / "models" / "Flash.gguf")
    assert models("verify").out == f"complete, but no digest is known: {path}\n1 models, 0 problems\n"
    path.with_name("Flash.gguf.sha256").write_text("0" * 64 + "  Flash.gguf\n")
    ran = models("verify", "flash")
    assert ran.code == 1
    assert ran.out.startswith(f"damaged: {path}: sha256 is ")
    path.with_name("Flash.gguf.sha256").unlink()
    (tmp_path / "models" / "half.gguf").write_bytes(gguf()[:-1])
    ran = models("verify")
    assert ran.code == 1
    assert "half.gguf: it is not complete: " in ran.out
    assert ran.out.endswith("1 models, 1 problems\n")


def test_pull_verify_and_rm_in_the_cache(hub: Hub, tmp_path: Path) -> None:
    ran = program("pull", "a/b")
    assert (ran.code, ran.err) == (0, "")
    path = Path(ran.out.rstrip("\n"))
    assert path.read_bytes() == DATA
    assert path.is_relative_to(tmp_path / "cache" / "huggingface" / "hub")
    assert program("verify").out == f"right: {path}\n1 models, 0 problems\n"
    blob = path.resolve()
    blob.write_bytes(DATA[:-1] + b"x")
    ran = program("verify", "b")
    assert (ran.code, ran.out.splitlines()[-1]) == (1, "1 models, 1 problems")
    assert "damaged: " in ran.out
    assert program("rm", "b", "--yes").code == 0
    assert not blob.exists()


@pytest.mark.parametrize("folder", ["data/ds4agent/models", "models"])
def test_rm_of_a_model_in_the_cache_with_a_link_elsewhere(hub: Hub, tmp_path: Path, folder: str) -> None:
    """Whichever of the folders is looked at first."""
    path = Path(program("pull", "a/b").out.rstrip("\n"))
    blob, link = path.resolve(), tmp_path / folder / "Linked.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(path)
    (model,) = json.loads(program("list", "--json").out)["models"]
    assert program("rm", model["id"], "--yes").code == 0
    assert not blob.exists()
    assert not link.is_symlink()


def test_pull_of_something_that_cannot_be_run_says_so(hub: Hub) -> None:
    hub.files = {"llama.gguf": gguf("llama")}
    ran = program("pull", "a/b")
    assert ran.code == 0
    assert (
        ran.err == "loaded, but it cannot be used: its architecture is 'llama'; ds4-server runs 'deepseek4'\n"
    )


def test_pull_reports_trouble_in_one_sentence(hub: Hub) -> None:
    for source, expected in (
        ("nonsense", "Error: 'nonsense' is neither OWNER/NAME, OWNER/NAME:FILE nor a URL\n"),
        ("c/d", "Error: there is no repository c/d, or it is private: `hf auth login` or set HF_TOKEN\n"),
    ):
        ran = program("pull", source)
        assert (ran.code, ran.out, ran.err) == (1, "", expected)


def test_pull_without_the_library_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty" / "huggingface_hub").mkdir(parents=True)
    (tmp_path / "empty" / "huggingface_hub" / "__init__.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "empty"))
    ran = program("pull", "a/b")
    assert ran.code == 1
    assert ran.err.startswith("Error: this needs huggingface_hub and httpx2; install them with `")
    command = ran.err.split("`")[1]
    extra = tomllib.loads((resources.CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    assert shlex.split(command) == [sys.executable, "-m", "pip", "install", *reversed(extra["pull"])]


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "interrupted; the same command goes on from here"), (signal.SIGKILL, -9, "")],
)
def test_a_pull_that_is_ended_keeps_what_is_there(
    hub: Hub, tmp_path: Path, number: int, status: int, said: str
) -> None:
    hub.breaks, hub.hold = [200_000], threading.Event()
    command = [sys.executable, "-m", "ds4agent", "models", "pull", "a/b"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (partials := [p for p in tmp_path.rglob("*.incomplete") if p.stat().st_size == 200_000]):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    hub.hold.set()
    assert child.returncode == status
    assert err.strip() == said
    assert partials[0].stat().st_size == 200_000
    assert json.loads(program("list", "--json").out)["models"] == []
    assert Path(program("pull", "a/b").out.rstrip("\n")).read_bytes() == DATA
    assert hub.requests[-1][1].startswith("bytes=200000-")


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
from ds4agent.cli.main import main
sys.exit(main())
"""


def test_a_disk_that_gets_full_keeps_what_is_there(hub: Hub, tmp_path: Path) -> None:
    """No file can have more than 200,000 bytes, whatever was free at the start."""
    command = [sys.executable, "-c", FULL, "models", "pull", "a/b"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: "), ran.stderr
    assert "File too large" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert json.loads(program("list", "--json").out)["models"] == []
    assert Path(program("pull", "a/b").out.rstrip("\n")).read_bytes() == DATA
    assert hub.requests[-1][1].startswith("bytes=")


def test_a_terminal_sees_how_far_it_is(hub: Hub) -> None:
    child = pexpect.spawn(sys.executable, ["-m", "ds4agent", "models", "pull", "a/b"], timeout=60)
    child.expect_exact("loading [........................] 0 B of 518.2 kB")
    child.expect_exact("checking [########################] 518.2 kB of 518.2 kB")
    child.expect_exact("\r\x1b[K")
    child.expect("Model-Q2.gguf")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_the_line_of_a_meter() -> None:
    assert line("loading", 5, None, 0.0) == "loading 5 B"
    assert line("loading", 40 * 10**9, 80 * 10**9, 10e6) == (
        "loading [############............] 40.0 GB of 80.0 GB, 10.0 MB/s, 1:06:40 left"
    )
    assert line("checking", 8, 8, 0.0) == "checking [########################] 8 B of 8 B"


def test_folders_and_aliases_of_the_settings(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "disk" / "Flash.gguf")
    file = tmp_path / "config" / "ds4agent" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'model_dirs = ["{path.parent}"]\n[aliases]\nfast = "flash-think"\n')
    monkeypatch.delenv("DS4AGENT_MODEL_DIRS")
    assert f"path: {path}" in models("inspect", "fast").out
    monkeypatch.setenv("DS4AGENT_ALIASES", "slow = flash, other=nothing")
    assert f"path: {path}" in models("inspect", "slow").out
    assert "the alias 'other' means 'nothing', and there is no such model" in models("inspect", "other").err
    for wrong in ("model_dirs = 3", "model_dirs = [3]", 'aliases = ["x"]', "[aliases]\nfast = 3"):
        monkeypatch.delenv("DS4AGENT_ALIASES", raising=False)
        file.write_text(wrong)
        ran = models("list")
        assert ran.code == 2
        assert f"{file}: {wrong.split()[0].strip('[]')} is " in ran.err


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"XDG_CACHE_HOME": ""},
        {"HF_HOME": "~/hf"},
        {"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"},
        {"HF_HUB_CACHE": "$HOME/cache", "HF_HOME": "/h"},
    ],
)
def test_the_cache_is_where_its_tools_have_it(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    if not variables.get("XDG_CACHE_HOME", "x"):
        monkeypatch.delenv("XDG_CACHE_HOME")
    code = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert str(paths.hub_cache()) == theirs.stdout.strip()
