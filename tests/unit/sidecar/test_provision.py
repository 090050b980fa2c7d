"""Building engines: real git, real make, real processes; the product is the stand-in of ds4-server."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ds4agent.sidecar import build_steps, engine_choice, manifest, recipe
from ds4agent.sidecar.build_steps import BuildError
from ds4agent.sidecar.capabilities import probe
from ds4agent.sidecar.checkout import Source
from ds4agent.sidecar.engine_choice import ChoiceError
from ds4agent.sidecar.provision import Store
from tests.unit.sidecar.repositories import MAKEFILE, Repository, make_repository

Build = Callable[..., Path]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "ds4")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "engines", lambda text: None)


def _source(repository: Repository, revision: str = "", **more: object) -> Source:
    return Source(str(repository.path), revision, target=("ds4-server",), **more)  # type: ignore[arg-type]


def _left(store: Store, name: str = "ds4") -> list[str]:
    return sorted(f.name for f in (store.root / name).iterdir() if f.is_dir())


def test_an_engine_is_built_with_its_shaders_and_licence_and_nothing_else(
    store: Store, repository: Repository
) -> None:
    binary = store.build("ds4", _source(repository))
    folder = binary.parent
    files = sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())
    assert files == ["LICENSE", "README.md", "ds4-server", "metal/deep/dense.metal", "metal/flash.metal"]
    found = manifest.read(store.root / "ds4")
    assert found.commit == repository.git("rev-parse", "HEAD")
    assert sorted(found.files) == files
    assert found.command[0] == "make"
    assert found.command[-1] == "ds4-server"
    assert found.toolchain["git"].startswith("git version")
    assert found.flags["--ssd-streaming"] == ""
    assert manifest.problems(store.root / "ds4", found) == []
    assert probe(binary, store.probes).has("--power")
    assert (store.root / "ds4").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("how", ["commit", "short commit", "tag", "branch", "old commit", "default"])
def test_any_name_of_a_revision_is_resolved(store: Store, repository: Repository, how: str) -> None:
    old = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "-b", "side")
    tip = repository.commit(LICENSE="2")
    repository.git("tag", "-a", "-m", "x", "v2")
    repository.commit(LICENSE="3")
    repository.git("checkout", "-q", "main")
    names = {
        "commit": (tip, tip),
        "short commit": (tip[:9], tip),
        "tag": ("v2", tip),
        "branch": ("side", repository.git("rev-parse", "side")),
        "old commit": (old, old),
        "default": ("", repository.git("rev-parse", "main")),
    }
    revision, commit = names[how]
    store.build("ds4", _source(repository, revision))
    assert manifest.read(store.root / "ds4").commit == commit


def test_patches_are_applied_in_order_and_recorded(
    store: Store, repository: Repository, tmp_path: Path
) -> None:
    folder = tmp_path / "patches"
    folder.mkdir()
    for number, text in ((1, "one"), (2, "two")):
        (repository.path / "LICENSE").write_text(text + "\n")
        (folder / f"{number:04}.patch").write_text(repository.git("diff") + "\n")
        repository.git("add", "-A")
    repository.git("reset", "-q", "--hard")
    binary = store.build("ds4", _source(repository, patches=folder))
    assert (binary.parent / "LICENSE").read_text() == "two\n"
    assert list(manifest.read(store.root / "ds4").patches) == ["0001.patch", "0002.patch"]
    assert store.ensure("ds4", _source(repository, patches=folder)) == binary
    (folder / "0002.patch").unlink()
    other = store.ensure("ds4", _source(repository, patches=folder))
    assert (other.parent / "LICENSE").read_text() == "one\n", "other patches are another engine"


def test_a_patch_that_reaches_outside_the_tree_is_refused(
    store: Store, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches/1.patch").write_text("--- /dev/null\n+++ b/../../../outside\n@@ -0,0 +1 @@\n+x\n")
    with pytest.raises(BuildError, match=r"patch 1\.patch failed"):
        store.build("ds4", _source(repository, patches=tmp_path / "patches"))
    assert not list(tmp_path.rglob("outside"))


def test_a_source_whose_files_lead_outside_is_refused(
    store: Store, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("x")
    (repository.path / "metal/evil.metal").symlink_to(tmp_path / "secret")
    repository.commit()
    with pytest.raises(BuildError, match=r"metal/evil\.metal of the source leads to"):
        store.build("ds4", _source(repository))


@pytest.mark.parametrize(
    ("makefile", "message"),
    [
        ("ds4-server:\n\t@echo no compiler; exit 3\n", r"(?s)make -j\d+ ds4-server failed.*no compiler"),
        ("ds4-server:\n\ttrue\n", "made no ds4-server"),
        (
            "ds4-server:\n\tprintf '#!/bin/sh\\necho hi\\n' > $@; chmod +x $@\n",
            "does not look like ds4-server",
        ),
        ("ds4-server:\n\tmkdir $@\n", "made no ds4-server"),
        ("other:\n", "No rule to make target"),
    ],
)
def test_builds_that_fail_say_why(store: Store, tmp_path: Path, makefile: str, message: str) -> None:
    bad = make_repository(tmp_path / "bad", makefile=makefile)
    with pytest.raises(BuildError, match=message):
        store.build("ds4", _source(bad))
    assert not (store.root / "ds4" / manifest.FILE).exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source("--upload-pack=touch /x"), "no name that git could take"),
        (Source("ext::sh -c x"), "no name that git could take"),
        (Source("ext::sh"), "neither an address"),
        (Source("ds4"), "neither an address"),
        (Source(""), "neither an address"),
        (Source("https://x/y", "-x"), "no name that git could take"),
        (Source("https://x/y", "a\nb"), "no name that git could take"),
        (Source("/x/y", "a b"), "no name that git could take"),
        (Source("https://x/y z"), "no name that git could take"),
        (Source("/x", target=("--eval=x",)), "options are not taken"),
        (Source("/nowhere/at/all"), "git fetch failed"),
    ],
)
def test_sources_that_cannot_be_meant(store: Store, source: Source, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        store.build("ds4", source)


def test_what_the_system_refuses_is_said_and_not_remembered(store: Store, repository: Repository) -> None:
    log = store.root / "ds4" / "build.log"
    log.mkdir(parents=True)
    for attempt in (store.build, store.ensure):
        with pytest.raises(BuildError, match=r"cannot build ds4: .*/build\.log: Is a directory"):
            attempt("ds4", _source(repository))
    log.rmdir()
    assert store.ensure("ds4", _source(repository)).is_file()


def test_a_repository_in_a_folder_with_blanks(store: Store, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "My Projects" / "ds4")
    assert store.build("ds4", _source(repository)).is_file()
    assert manifest.read(store.root / "ds4").repository == str(repository.path)


def test_a_revision_that_does_not_exist(store: Store, repository: Repository) -> None:
    with pytest.raises(BuildError, match="has no revision v9"):
        store.build("ds4", _source(repository, "v9"))


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", ".x", "x" * 65])
def test_names_that_are_no_folder(store: Store, repository: Repository, name: str) -> None:
    with pytest.raises(BuildError, match="no name for an engine"):
        store.build(name, _source(repository))


def _counting(tmp_path: Path, count: Path, then: str) -> Repository:
    return make_repository(tmp_path / "counted", makefile=f"ds4-server:\n\techo x >> {count}\n\t{then}\n")


def test_a_failure_is_remembered_until_it_is_asked_again(store: Store, tmp_path: Path) -> None:
    count = tmp_path / "count"
    bad = _counting(tmp_path, count, "exit 1")
    for _ in range(3):
        with pytest.raises(BuildError, match="failed"):
            store.ensure("ds4", _source(bad))
    assert count.read_text() == "x\n"
    with pytest.raises(BuildError, match="exit 1"):
        store.build("ds4", _source(bad))
    assert count.read_text() == "x\nx\n"
    assert "exit 1" in (store.root / "ds4/build.log").read_text()
    bad.commit(Makefile=MAKEFILE)
    good = store.ensure("ds4", Source(str(bad.path), "main", target=("ds4-server",)))
    assert good.exists(), "another source is another matter"
    assert store.failure("ds4") == {}


def test_a_build_that_fails_leaves_the_engine_as_it_was(store: Store, repository: Repository) -> None:
    binary = store.build("ds4", _source(repository))
    repository.commit(Makefile="ds4-server:\n\texit 1\n")
    with pytest.raises(BuildError):
        store.build("ds4", _source(repository))
    assert engine_choice.find(store.root, "ds4").binary == binary
    assert binary.exists()


def test_after_a_build_that_failed_an_engine_is_made_again_of_what_it_was(
    store: Store, repository: Repository, tmp_path: Path
) -> None:
    binary = store.build("ds4", _source(repository))
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "a.patch").write_text("none")
    with pytest.raises(BuildError, match=r"patch a\.patch failed"):
        store.build("ds4", _source(repository, patches=tmp_path / "patches"))
    binary.unlink()
    known = recipe.read(store.root / "ds4")
    assert known == _source(repository, repository.git("rev-parse", "HEAD"))
    assert store.ensure("ds4", known).is_file()


def test_shaders_of_an_older_build_do_not_stay(store: Store, repository: Repository) -> None:
    first = store.build("ds4", _source(repository))
    repository.git("rm", "-q", "metal/flash.metal")
    repository.commit()
    second = store.build("ds4", _source(repository))
    assert not (second.parent / "metal/flash.metal").exists()
    assert first.exists(), "an engine may still run from there"
    third = store.build("ds4", _source(repository))
    assert _left(store) == sorted([second.parent.name, third.parent.name])


def test_parallel_first_loads_share_one_build(store: Store, tmp_path: Path) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    wait = f"until [ -e {gate} ]; do sleep 0.02; done; cp server.sh $@; chmod +x $@"
    slow = _counting(tmp_path, count, wait)
    told: list[str] = []
    waiting = threading.Barrier(3)

    def say(text: str) -> None:
        told.append(text)
        if "waiting" in text:
            waiting.wait(60)

    found: list[Path] = []
    shared = Store(store.root, say)
    ask = (shared.ensure, shared.ensure, shared.build)
    threads = [threading.Thread(target=lambda f=f: found.append(f("ds4", _source(slow)))) for f in ask]
    for thread in threads:
        thread.start()
    waiting.wait(60)
    gate.touch()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 3
    assert count.read_text() == "x\n"


def test_parallel_loads_share_a_failure_too(store: Store, tmp_path: Path) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    bad = _counting(tmp_path, count, f"until [ -e {gate} ]; do sleep 0.02; done; exit 1")
    waiting = threading.Barrier(3)

    def say(text: str) -> None:
        if "waiting" in text:
            waiting.wait(60)

    shared = Store(store.root, say)
    errors: list[str] = []

    def load() -> None:
        try:
            shared.build("ds4", _source(bad))
        except BuildError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    waiting.wait(60)
    gate.touch()
    for thread in threads:
        thread.join()
    assert len(errors) == 3
    assert count.read_text() == "x\n"


def test_a_step_that_overruns_is_ended_with_all_its_children(store: Store, tmp_path: Path) -> None:
    held = tmp_path / "held"  # by every process of the build
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    makefile = f"ds4-server:\n\texec 9> {held}; echo x >&9; sleep 600 & sleep 600\n"
    hung = make_repository(tmp_path / "hung", makefile=makefile)
    brief = Store(store.root, store.say, make_seconds=3)
    with pytest.raises(BuildError, match="did not end within 3 s"):
        brief.build("ds4", _source(hung))
    os.set_blocking(reader, True)
    assert os.read(reader, 10) == b"x\n"
    assert os.read(reader, 10) == b"", "the end comes when nobody holds it any more"
    os.close(reader)


def test_a_build_that_floods_its_log_is_ended(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_steps, "LOG_MAX", 1 << 20)
    loud = make_repository(tmp_path / "loud", makefile="ds4-server:\n\tyes\n")
    with pytest.raises(BuildError, match="printed more than 1 MiB"):
        store.build("ds4", _source(loud))


def test_a_builder_that_is_killed_leaves_nothing_that_hinders(store: Store, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    slow = make_repository(tmp_path / "slow", makefile=f"ds4-server:\n\techo $$PPID > {fifo}; sleep 600\n")
    program = (
        "import sys; from pathlib import Path; from ds4agent.sidecar.checkout import Source;"
        "from ds4agent.sidecar.provision import Store;"
        "Store(Path(sys.argv[1]), print).build('ds4', Source(sys.argv[2], target=('ds4-server',)))"
    )
    builder = subprocess.Popen([sys.executable, "-c", program, str(store.root), str(slow.path)])
    make = int(fifo.read_text())
    builder.kill()
    builder.wait()
    os.killpg(os.getpgid(make), 9)
    slow.commit(Makefile=MAKEFILE)
    binary = store.build("ds4", _source(slow))
    assert _left(store) == [binary.parent.name]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda f: (f / "ds4-server").write_text("x"), "ds4-server was changed"),
        (lambda f: (f / "metal/flash.metal").unlink(), "flash.metal is missing"),
        (lambda f: (f / "metal/more.metal").write_text("x"), "more.metal is not of the build"),
    ],
)
def test_what_was_changed_after_the_build_is_seen_and_built_again(
    store: Store, repository: Repository, change: Callable[[Path], object], problem: str
) -> None:
    binary = store.ensure("ds4", _source(repository))
    assert store.ensure("ds4", _source(repository)) == binary
    change(binary.parent)
    (found,) = manifest.problems(store.root / "ds4", manifest.read(store.root / "ds4"))
    assert problem in found
    assert store.ensure("ds4", _source(repository)) != binary


@pytest.mark.parametrize(
    "spoil",
    [
        {"binary": "../../bin/sh"},
        {"binary": "/bin/sh"},
        {"folder": ".."},
        {"files": {"../x": "0"}},
        {"form": 9},
        {"binary": "missing"},
        {"unknown": 1},
    ],
)
def test_a_manifest_that_is_not_in_order_is_refused(
    store: Store, repository: Repository, spoil: dict[str, object]
) -> None:
    store.build("ds4", _source(repository))
    file = store.root / "ds4" / manifest.FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | spoil))
    with pytest.raises(ChoiceError, match="build the engine again"):
        engine_choice.find(store.root, "ds4")


def test_choosing(store: Store, repository: Repository, tmp_path: Path) -> None:
    assert engine_choice.chosen(store.root) == ""
    with pytest.raises(ChoiceError, match="no engine ds4"):
        engine_choice.choose(store.root, "ds4")
    binary = store.build("ds4", _source(repository))
    engine_choice.choose(store.root, "ds4")
    assert engine_choice.find(store.root, engine_choice.chosen(store.root)).binary == binary
    (tmp_path / "link").symlink_to(binary)
    other = engine_choice.choose(store.root, str(tmp_path / "link"))
    assert other.support == binary.parent, "the shaders lie beside the real file"
    assert engine_choice.chosen(store.root) == str(tmp_path / "link")
