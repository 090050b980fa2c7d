"""What a command changed in a work tree, found with git, in a repository of our own.

A command may change any file, so what was there has to be known before it runs. git is good at that: the
first look hashes the tree, each later one costs a stat of every file. The repository lies in the session's
folder and takes the project's folder as its work tree. It has its own index, refs and objects, and only
reads the objects of the user's repository, so that what is committed there is not stored again; no byte of
the user's is ever written. Contents are taken byte for byte: no line ends are converted, no filters run.

What the project's .gitignore files exclude is not looked at, nor are repositories inside of the project; what
was there and not looked at before a command is not said to be its doing when a later look sees it. A
tree with more than is reasonable to look at before each command is not looked at at all; that is told once.
"""

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ds4agent import paths
from ds4agent.agent.changes.images import State
from ds4agent.client.cancel import Cancel, Cancelled

MOST_FILES = 100_000
# Of files that the user's repository does not hold already.
MOST_BYTES = 1 << 30
SECONDS = 20.0
# How soon Ctrl-C is seen while git looks, and how long git may take to put its lock away.
POLL, GRACE = 0.1, 2.0
_USUAL = (0o644, 0o755)
_SETTINGS = (
    "core.bare=false", "core.autocrlf=false", "core.safecrlf=false", "core.fileMode=true",
    "core.symlinks=true", "core.fsmonitor=false", "core.compression=0", "core.quotePath=false",
    "core.hooksPath=/dev/null", "core.splitIndex=false", "advice.addEmbeddedRepo=false", "gc.auto=0",
)  # fmt: skip
# As wide as a file's name is; these win over .gitattributes.
_ATTRIBUTES = "* -text -filter -ident -working-tree-encoding -diff -merge\n"


class CannotLook(Exception):
    """The tree cannot be watched; why."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that differs from a snapshot, and what it was there."""

    path: Path
    before: State


class WorkTree:
    """The files below `cwd`; `folder` is for the repository. Not used before the first snapshot."""

    def __init__(self, folder: Path, cwd: Path) -> None:
        self._folder = folder
        self._cwd = cwd
        self._top = cwd
        self._bits: dict[Path, int] = {}
        self._ready = False
        # What was there at the last snapshot and is not in it: no command can be said to have made it.
        self._last = ""
        self._left_out: set[Path] = set()
        # Of the look before a command. One after it is brought to an end: it is what can be put back.
        self._cancel: Cancel | None = None

    def snapshot(self, cancel: Cancel) -> str:
        """The name of a tree that is what the files are now. Raises CannotLook, Cancelled."""
        self._cancel = cancel
        try:
            self._open()
            self._add()
            self._last = self._git("write-tree").strip().decode()
            self._left_out = self._look_for_left_out()
            self._bits = dict(self._unusual_bits())
            return self._last
        finally:
            self._cancel = None

    def changed(self, tree: str) -> Iterator[Changed]:
        """What is not as it was in `tree`. Raises CannotLook."""
        self._open()
        self._add()
        fields = self._git("diff-index", "--cached", "--raw", "--no-renames", "--abbrev=40", "-z", tree)
        words = iter(fields.split(b"\0"))
        for about, name in zip(words, words, strict=False):
            mode, _, digest, _, _ = about.decode().removeprefix(":").split(" ")
            path = self._top / os.fsdecode(name)
            before = State.of_git(mode, digest, self._permissions(path, mode))
            if before is not None and not (tree == self._last and self._was_left_out(path)):
                yield Changed(path, before)

    def contents(self, digests: list[str]) -> Iterator[bytes]:
        """The blobs of these names, in order. Raises CannotLook."""
        out = self._git("cat-file", "--batch", given="".join(f"{d}\n" for d in digests).encode())
        at = 0
        for digest in digests:
            end = out.find(b"\n", at)
            head = out[at:end].split()
            if len(head) != 3:
                raise CannotLook(f"git has no {digest}")
            size = int(head[2])
            yield out[end + 1 : end + 1 + size]
            at = end + 2 + size

    # -- the repository --------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._ready:
            return
        self._top = self._find_top()
        if not (self._folder / "HEAD").exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = ["git", "init", "-q", "--bare", "--template=", str(self._folder)]
            if _run(made, self._cwd, _environment()) is None:
                raise CannotLook(f"git could not make {self._folder}")
        self._write_info()
        self._measure()
        self._ready = True

    def _find_top(self) -> Path:
        """The top of the user's repository, whose rules about what to ignore hold in all of its folders."""
        found = _run(["git", "rev-parse", "--show-toplevel"], self._cwd, _environment())
        if found is None:
            return self._cwd
        ignored = _run(["git", "check-ignore", "-q", "."], self._cwd, _environment())
        return self._cwd if ignored is not None else Path(os.fsdecode(found.rstrip(b"\n")))

    def _write_info(self) -> None:
        for name in ("info", "objects/info"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        # Of a git that was killed: whoever has the session is alone here.
        (self._folder / "index.lock").unlink(missing_ok=True)
        (self._folder / "info/attributes").write_text(_ATTRIBUTES)
        excluded = [_user_file(self._cwd, "info/exclude")]
        for ours in (paths.data_home(), paths.state_home()):
            if ours.is_relative_to(self._top):
                excluded.append(f"/{ours.relative_to(self._top)}/".encode())
        (self._folder / "info/exclude").write_bytes(b"\n".join(excluded) + b"\n")
        objects = _run(["git", "rev-parse", "--git-path", "objects"], self._cwd, _environment())
        if objects is not None:
            where = self._cwd / os.fsdecode(objects.rstrip(b"\n"))
            (self._folder / "objects/info/alternates").write_text(f"{where.resolve()}\n")

    def _measure(self) -> None:
        """Look what there is before git reads it all. Raises CannotLook."""
        held = set()
        tracked = _run(["git", "ls-files", "-z"], self._cwd, _environment())
        if tracked is not None:
            held = {self._cwd / os.fsdecode(name) for name in tracked.split(b"\0") if name}
        names = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name", ".")
        total = count = 0
        for name in names.split(b"\0"):
            path = self._top / os.fsdecode(name)
            try:
                status = path.lstat()
            except OSError:
                continue
            count += 1
            total += 0 if path in held else status.st_size
            if count > MOST_FILES or total > MOST_BYTES:
                raise CannotLook(f"{self._cwd} holds more than can be looked at before each command")

    def _unusual_bits(self) -> Iterator[tuple[Path, int]]:
        """Anew at each snapshot: a file that was made private since the first one is put back as one."""
        top = os.fsencode(self._top)
        for name in self._git("ls-files", "-z", "--full-name").split(b"\0"):
            with suppress(OSError):
                mode = os.lstat(top + b"/" + name).st_mode
                if stat.S_ISREG(mode) and (bits := stat.S_IMODE(mode)) not in _USUAL:
                    yield self._top / os.fsdecode(name), bits

    def _permissions(self, path: Path, mode: str) -> int:
        return self._bits.get(path, 0o755 if mode == "100755" else 0o644)

    def _add(self) -> None:
        if not self._cwd.exists():  # a command has removed it, with all its files
            self._git("read-tree", "--empty")
            return
        # What cannot be read is left out, and 1 says so. All else leaves an index that is not the tree.
        self._git("add", "--all", "--ignore-errors", ".", fine=(0, 1))

    def _look_for_left_out(self) -> set[Path]:
        """Ignored files, repositories inside, what could not be read or stored. A rule, a `.git` or a
        permission that a command takes away lets the next look see them. Folders stand for all in them.
        """
        if not self._cwd.exists():
            return set()
        names = self._git("ls-files", "-z", "--others", "--modified", "--directory", "--full-name", ".")
        found = {self._top / os.fsdecode(name) for name in names.split(b"\0") if name}
        return {path for path in found if not _is_empty(path)}

    def _was_left_out(self, path: Path) -> bool:
        return path in self._left_out or not self._left_out.isdisjoint(path.parents)

    def _git(self, *words: str, given: bytes = b"", fine: tuple[int, ...] = (0,)) -> bytes:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        environment = _environment() | {"GIT_DIR": str(self._folder), "GIT_WORK_TREE": str(self._top)}
        where = self._cwd
        if not where.exists():
            where, environment["GIT_WORK_TREE"] = self._folder, str(self._folder)
        out = _run(["git", *settings, *words], where, environment, given, fine, self._cancel)
        if out is None:
            raise CannotLook(f"git {words[0]} failed in {self._cwd}")
        return out


def _is_empty(path: Path) -> bool:
    """Of a folder that can be read, whether there are at most such folders in it. A file is not empty."""
    if path.is_symlink():
        return False
    try:
        with os.scandir(path) as found:
            return all(e.is_dir(follow_symlinks=False) and _is_empty(Path(e)) for e in found)
    except OSError:
        return False


def _user_file(cwd: Path, name: str) -> bytes:
    found = _run(["git", "rev-parse", "--git-path", name], cwd, _environment())
    if found is None:
        return b""
    try:
        return (cwd / os.fsdecode(found.rstrip(b"\n"))).read_bytes()
    except OSError:
        return b""


def _environment() -> dict[str, str]:
    """Nothing of a git that we may have been started by."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def _run(
    command: list[str],
    cwd: Path,
    environment: dict[str, str],
    given: bytes = b"",
    fine: tuple[int, ...] = (0,),
    cancel: Cancel | None = None,
) -> bytes | None:
    """What it printed; None when its status is not `fine`. Raises CannotLook when it cannot be run or takes
    too long, Cancelled. The terminal's Ctrl-C is for the agent, which ends the turn; git has to bring to an
    end what it does, or to take back what it began, hence a process group of its own.
    """
    pipe = subprocess.PIPE
    try:
        with subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0
        ) as git:
            try:
                out = _output(git, given, cancel)
            except BaseException:
                git.kill()
                raise
    except FileNotFoundError as error:
        raise CannotLook("there is no git") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotLook(f"git could not look at {cwd}: {error}") from error
    return out if git.returncode in fine else None


def _output(git: "subprocess.Popen[bytes]", given: bytes, cancel: Cancel | None) -> bytes:
    """All of it. Raises TimeoutExpired, Cancelled."""
    if cancel is None:
        return git.communicate(given, SECONDS)[0]
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return git.communicate(timeout=POLL)[0]
        except subprocess.TimeoutExpired:
            if cancel.is_set():
                git.terminate()  # it takes its lock with it
                with suppress(subprocess.TimeoutExpired):
                    git.communicate(timeout=GRACE)
                raise Cancelled from None
            if time.monotonic() > deadline:
                raise
