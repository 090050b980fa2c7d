"""`ds4agent kv` on real directories: the store's own files, ds4-server's, and both with damage."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ds4agent.cli import main
from ds4agent.engine.kv.store import KvStore
from tests.kvc_files import Cache

NOW = 1_795_000_000.0
BLOCK = 64  # bytes of rows
CALLS = {"call_1": b"<dsml one>"}
UPSTREAM = Cache(b"<|User|>theirs \x1b[31m\xff", tuple(range(40)), reason=3, calls={b"c": b"d"}, hits=2)


@dataclass
class Ran:
    code: int
    out: str
    err: str


Kv = Callable[..., Ran]


@pytest.fixture
def kv(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kv:
    def run(command: str, *args: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["ds4agent", "kv", command, *map(str, args)])
        code = main._run()
        return Ran(code, *capsys.readouterr())

    return run


def save(
    store: KvStore, tokens: list[int], reason: str = "cold", calls: dict[str, bytes] | None = None
) -> None:
    def text(a: int, b: int) -> bytes:
        return b" ".join(b"word%d" % token for token in tokens[a:b])

    def rows(first: int, n_blocks: int) -> bytes:
        return b"".join(bytes([(first + i) % 256]) * BLOCK for i in range(n_blocks))

    keys = [("token-text", text(0, len(tokens)))]
    frontier = b"frontier" * 50
    assert store.add_point(tokens, keys, reason, calls or {}, text, rows, lambda: frontier)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two points of ours, of which one continues the other, a fork, and one file of ds4-server."""
    path = tmp_path / "kv"
    time = iter(NOW + i for i in range(1_000))
    store = KvStore(path, b"model  1", BLOCK, 0, lambda line: None, lambda: next(time))
    save(store, list(range(300)))
    save(store, list(range(700)), "continued", CALLS)
    save(store, [*range(400), *range(9_000, 9_200)], "evict")
    store.close()
    UPSTREAM.write(path)
    (path / "notes.txt").write_text("not ours")
    return path


def state(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def damage(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def of_tokens(folder: Path, n: int, suffix: str = ".point") -> Path:
    """The file of the point with so many tokens."""
    for file in folder.glob("*.point"):
        if int.from_bytes(file.read_bytes()[40:48], "little") == n:
            return file.with_suffix(suffix)
    raise AssertionError(n)


def test_list_names_the_checkpoints_of_both(kv: Kv, folder: Path) -> None:
    before = state(folder)
    ran = kv("list", "--dir", folder)
    header, *lines = ran.out.splitlines()
    assert ran.code == 0
    assert header.split() == ["id", "tokens", "reason", "MiB", "last", "used", "hits", "text"]
    assert [line.split()[1:3] for line in lines] == [
        ["600", "evict"], ["700", "continued"], ["300", "cold"], ["40", "evict"],
    ]  # fmt: skip
    assert lines[0].endswith("word0 word1 word2 word3 word4 word5 word6 word7 word8 word9")
    assert "\x1b" not in ran.out, "text of a prompt must not steer the terminal"
    assert state(folder) == before


def test_list_as_json(kv: Kv, folder: Path) -> None:
    found = [json.loads(line) for line in kv("list", "--json", "--dir", folder).out.splitlines()]
    assert [(item["writer"], item["tokens"], item["hits"]) for item in found] == [
        ("ds4agent", 600, 0), ("ds4agent", 700, 0), ("ds4agent", 300, 0), ("ds4-server", 40, 2),
    ]  # fmt: skip
    assert found[-1]["id"] + ".kv" == UPSTREAM.name


def test_show_gives_the_facts_and_the_text(kv: Kv, folder: Path) -> None:
    ours = kv("show", of_tokens(folder, 700).stem[:9], "--dir", folder)
    assert ours.code == 0
    for line in ("tokens: 700", "reason: continued", "tool calls: 1", "tokens behind the text: 60"):
        assert line in ours.out.splitlines()
    assert "word0 word1" in ours.out
    assert "word639" in ours.out
    theirs = kv("show", UPSTREAM.name[:40], "--dir", folder)
    for line in ("written by: ds4-server", "context: 8192", "experts: 2 bits", "tool calls: 1"):
        assert line in theirs.out.splitlines()
    assert "theirs" in theirs.out


def test_show_says_when_an_id_is_not_one(kv: Kv, folder: Path) -> None:
    assert "no checkpoint begins with zz" in kv("show", "zz", "--dir", folder).err
    ran = kv("show", "", "--dir", folder)
    assert "4 checkpoints begin with" in ran.err
    assert ran.code == 1


def test_verify_finds_nothing_wrong(kv: Kv, folder: Path) -> None:
    before = state(folder)
    ran = kv("verify", "--dir", folder)
    assert (ran.code, ran.out) == (0, "8 files, 0 damaged, 0 set aside earlier\n")
    assert state(folder) == before


def test_verify_finds_a_flipped_bit_in_every_region(kv: Kv, folder: Path) -> None:
    """Each file of ours, at its start, in its middle and at its end."""
    for file in [f for f in folder.iterdir() if f.suffix in (".rows", ".point", ".tools")]:
        whole = file.read_bytes()
        for at in (0, 30, len(whole) // 3, len(whole) // 2, len(whole) - 1):
            damage(file, at)
            ran = kv("verify", "--dir", folder)
            assert ran.code == 1, (file.name, at)
            assert f"damaged: {file}: " in ran.out
            file.write_bytes(whole)
    assert kv("verify", "--dir", folder).code == 0


def test_verify_names_file_and_region(kv: Kv, folder: Path) -> None:
    theirs = folder / UPSTREAM.name
    damage(theirs, 60)
    damage(of_tokens(folder, 600), -1)
    out = kv("verify", "--dir", folder).out
    assert f"damaged: {theirs}: text: belongs to " in out
    assert f"damaged: {of_tokens(folder, 600)}: frontier: digest differs" in out


def test_du_by_kind(kv: Kv, folder: Path) -> None:
    kinds = json.loads(kv("du", "--json", "--dir", folder).out)
    sizes = {name: len(data) for name, data in state(folder).items()}
    assert kinds["rows"] == sum(size for name, size in sizes.items() if name.endswith(".rows"))
    points = sum(size for name, size in sizes.items() if name.endswith((".point", ".tools")))
    assert kinds["frontiers"] == points
    assert kinds["upstream"] == sizes[UPSTREAM.name]
    assert kinds["orphaned rows"] == kinds["left over"] == kinds["damaged"] == 0
    of_tokens(folder, 700).unlink()
    of_tokens(folder, 600).unlink()
    (folder / ("0" * 32 + ".rows.tmp")).write_bytes(b"12345")
    (folder / UPSTREAM.name).write_bytes(b"KVC")
    kinds = json.loads(kv("du", "--json", "--dir", folder).out)
    assert kinds["orphaned rows"] > 0
    assert kinds["left over"] > 5, "the temporary file and the tool map without a point"
    assert (kinds["upstream"], kinds["damaged"]) == (0, 3)
    assert kv("du", "--dir", folder).out.splitlines()[-1].startswith("total")


def test_prune_wants_to_know_what(kv: Kv, folder: Path) -> None:
    ran = kv("prune", "--dir", folder)
    assert ran.code == 2
    assert "--older-than" in ran.err


def test_prune_the_old_and_their_rows(kv: Kv, folder: Path) -> None:
    """All points are from long ago; the rows go with them, the other's file does not."""
    before = state(folder)
    dry = kv("prune", "--older-than", "1", "--dry-run", "--dir", folder)
    assert state(folder) == before
    ran = kv("prune", "--older-than", "1", "--dir", folder)
    assert ran.out == dry.out.replace("would remove", "removed")
    assert sorted(state(folder)) == sorted([UPSTREAM.name, "lock", "notes.txt"])
    assert "removed 0 files" in kv("prune", "--older-than", "1", "--dir", folder).out
    kv("prune", "--older-than", "1", "--upstream", "--dir", folder)
    assert UPSTREAM.name not in state(folder)


def test_prune_what_was_used_stays(kv: Kv, folder: Path) -> None:
    assert "removed 0 files" in kv("prune", "--older-than", "1000000", "--upstream", "--dir", folder).out


def test_prune_to_a_size_keeps_the_cold_ones_longest(kv: Kv, folder: Path) -> None:
    store = KvStore(folder, b"model  1", BLOCK, 0, lambda line: None, lambda: NOW)
    save(store, list(range(20_000, 20_000 + 128 * 2_000)), "evict")
    store.close()
    kv("prune", "--to-mb", "1", "--dir", folder)
    reasons = {json.loads(line)["reason"] for line in kv("list", "--json", "--dir", folder).out.splitlines()}
    assert "cold" in reasons
    assert sum(len(data) for data in state(folder).values()) < 2**20
    assert kv("verify", "--dir", folder).code == 0
    kv("prune", "--to-mb", "0", "--dir", folder)
    assert sorted(state(folder)) == sorted([UPSTREAM.name, "lock", "notes.txt"])


def test_prune_upstream_files_of_least_worth_first(kv: Kv, tmp_path: Path) -> None:
    """Without files of ours no lock is taken and none is left: ds4-server has none on the directory, and
    bears that files go while it runs. The help says so.
    """
    assert "A ds4-server may run meanwhile" in " ".join(kv("prune", "--help").out.split())
    files = [replace(UPSTREAM, text=b"t%d" % hits, hits=hits, ids=(1,) * 4_000) for hits in (5, 0, 9)]
    for file in files:
        replace(file, last_used=2**40).write(tmp_path)
    size = len(files[0].encode())
    big = Cache(b"big", (1,), payload=bytes(2**20))
    big.write(tmp_path)
    assert size < 2**20 / 4
    ran = kv("prune", "--to-mb", "0", "--upstream", "--dry-run", "--dir", tmp_path)
    assert "would remove 3 files" in ran.out, "a damaged one only when asked for"
    assert "removed 1 files" in kv("prune", "--damaged", "--upstream", "--dir", tmp_path).out
    assert sorted(state(tmp_path)) == sorted(file.name for file in files)


@pytest.mark.parametrize(("suffix", "at"), [(".rows", 300), (".point", -1), (".point", 3), (".tools", -1)])
def test_prune_damaged_leaves_a_sound_store(kv: Kv, folder: Path, suffix: str, at: int) -> None:
    file = of_tokens(folder, 700, suffix) if suffix != ".rows" else max(folder.glob("*.rows"))
    damage(file, at)
    assert kv("verify", "--dir", folder).code == 1
    kv("prune", "--damaged", "--dir", folder)
    ran = kv("verify", "--dir", folder)
    assert (ran.code, file.exists()) == (0, False)
    lines: list[str] = []
    KvStore(folder, b"model  1", BLOCK, 0, lines.append, lambda: NOW).close()
    assert lines == [], "the engine finds nothing to set aside"
    assert UPSTREAM.name in state(folder)


def test_prune_damaged_takes_what_was_set_aside(kv: Kv, folder: Path) -> None:
    damage(of_tokens(folder, 700), 3)
    KvStore(folder, b"model  1", BLOCK, 0, lambda line: None, lambda: NOW).close()
    ran = kv("verify", "--dir", folder)
    assert ran.code == 0
    assert "1 set aside earlier" in ran.out
    kv("prune", "--damaged", "--dir", folder)
    assert not list(folder.glob("*.damaged"))


def test_prune_refuses_while_an_engine_holds_the_directory(kv: Kv, folder: Path) -> None:
    """The others read beside it. The holder is a process of its own."""
    code = (
        "import sys; from pathlib import Path; from ds4agent.engine.kv.store import KvStore\n"
        f"s = KvStore(Path(sys.argv[1]), b'model  1', {BLOCK}, 0, print, lambda: 0.0)\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        before = state(folder)
        for more in ((), ("--upstream",)):
            ran = kv("prune", "--older-than", "0", *more, "--dir", folder)
            assert ran.code == 1
            assert f"in use by another process (pid {holder.pid}); stop that engine first" in ran.err
        assert kv("prune", "--older-than", "0", "--dry-run", "--dir", folder).code == 0
        assert kv("verify", "--dir", folder).code == kv("list", "--dir", folder).code == 0
        assert state(folder) == before
    finally:
        holder.communicate()


def test_prune_removes_nothing_where_a_file_may_not_be_read(kv: Kv, folder: Path) -> None:
    """Such as those of a server that ran as root, in a directory of one's own."""
    kv("list", "--dir", folder)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        theirs = Path(name)
        theirs.chmod(0o777)
        file = UPSTREAM.write(theirs)
        file.chmod(0o600 if os.geteuid() == 0 else 0)
        patch.chdir("/")
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            ran = kv("prune", "--damaged", "--upstream", "--dir", theirs)
        finally:
            if os.getuid() == 0:
                os.seteuid(0)
        assert file.exists()
    assert (ran.code, ran.out) == (1, "")
    assert f"cannot read {file}: Permission denied; nothing was removed" in ran.err


def test_prune_says_why_there_is_no_lock(kv: Kv, folder: Path) -> None:
    (folder / "lock").unlink()
    (folder / "lock").mkdir()
    ran = kv("prune", "--damaged", "--dir", folder)
    assert ran.code == 1
    assert ran.err.strip().endswith(f"failed to open lock file {folder / 'lock'}: Is a directory")


@pytest.mark.parametrize("command", ["list", "verify", "du", "prune"])
def test_no_directory_is_said_so(kv: Kv, tmp_path: Path, command: str) -> None:
    more = ("--damaged",) if command == "prune" else ()
    ran = kv(command, *more, "--dir", tmp_path / "none")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no KV directory" in ran.err
    assert not (tmp_path / "none").exists()


def test_a_file_that_cannot_be_read_is_named(kv: Kv, folder: Path) -> None:
    """A link in place of a file is not followed, and not ours."""
    target = of_tokens(folder, 600)
    os.rename(target, folder / "elsewhere")  # noqa: PTH104
    target.symlink_to(folder / "elsewhere")
    assert "600" not in kv("list", "--dir", folder).out
    kv("prune", "--older-than", "0", "--dir", folder)
    assert (folder / "elsewhere").exists()
    assert target.is_symlink()


def test_the_command_runs_as_a_process(folder: Path) -> None:
    """The exit status of verify reaches the shell."""
    damage(of_tokens(folder, 600), -1)
    args = [sys.executable, "-m", "ds4agent", "kv", "verify", "--dir", str(folder)]
    ran = subprocess.run(args, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "frontier: digest differs" in ran.stdout
