"""Engines that were built here: made from a repository that the user names, kept, verified, chosen.

    ENGINES/NAME/manifest.json       what it is; the engine exists if this does
    ENGINES/NAME/<commit>-<n>/       its files: ds4-server, metal/, licence
    ENGINES/NAME/recipe.json         what was asked for
    ENGINES/NAME/build.log           of the last build
    ENGINES/NAME/failure.json        of the last build, if it failed: asked again only by name
    ENGINES/NAME/lock                held while one is made
    ENGINES/chosen.json              the one that is used: a name, or the path of a binary elsewhere

Whoever wants an engine that another process is making waits for it and shares its end, good or bad. A build
that fails or is killed at any step leaves the engine as it was: the new files lie in a folder of their own
until the manifest that names them is renamed into place; leftovers go with the next build. Only the binary,
its shaders and its licence are kept of the source. Nothing is downloaded but what the user named.
"""

import fcntl
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ds4agent.sidecar import manifest as manifests
from ds4agent.sidecar import recipe
from ds4agent.sidecar.build_files import BINARY, collect, remove_leftovers
from ds4agent.sidecar.build_steps import BuildError, Steps
from ds4agent.sidecar.capabilities import CapabilityError, probe
from ds4agent.sidecar.checkout import Source, check_out, make_words
from ds4agent.sidecar.manifest import Manifest, ManifestError

MAKE_SECONDS = 1800.0
WAIT_SECONDS = 3600.0
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Store:
    """`root`: ENGINES above. `say` is told what is going on, in the user's words."""

    root: Path
    say: Callable[[str], None]
    make_seconds: float = MAKE_SECONDS
    wait_seconds: float = WAIT_SECONDS

    def folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BuildError(f"{name!r} is no name for an engine: lower-case letters, digits, . _ -")
        return self.root / name

    @property
    def probes(self) -> Path:
        return self.root / ".probes"

    def names(self) -> list[str]:
        """Of engines that exist, or that failed to be built."""
        if not self.root.is_dir():
            return []
        found = (f.name for f in self.root.iterdir() if _NAME.fullmatch(f.name) and f.is_dir())
        return sorted(found)

    def failure(self, name: str) -> dict[str, object]:
        """Of the last build: `of` which source, `message`, `when`; {} if it did not fail."""
        try:
            found = json.loads((self.folder(name) / "failure.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and {"of", "message"} <= set(found) else {}

    def ensure(self, name: str, source: Source) -> Path:
        """The binary, built if it is not there. A failure that is remembered is raised, not tried again."""
        return self._have(name, source, again=False)

    def build(self, name: str, source: Source) -> Path:
        """The same, but what failed is tried again, and what exists is made anew from another commit."""
        return self._have(name, source, again=True)

    def _have(self, name: str, source: Source, again: bool) -> Path:
        source.check()
        engine = self.folder(name)
        try:
            return self._have_in(engine, source, again)
        except OSError as error:
            # Not remembered: it says nothing of the source.
            where = error.filename or engine
            raise BuildError(f"cannot build {name}: {where}: {error.strerror}") from error

    def _have_in(self, engine: Path, source: Source, again: bool) -> Path:
        engine.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = self.failure(engine.name)
        with self._locked(engine) as waited:
            known = None if again and not waited else self._fitting(engine, source)
            if known:
                return known
            after = self.failure(engine.name)
            shared = waited and after != before
            if after and after["of"] == _key(source) and (shared or not again):
                raise BuildError(f"{after['message']}\n(remembered; `ds4agent engine build` tries again)")
            # What failed does not take the place of what an engine that is there was made of.
            if again and not (engine / manifests.FILE).exists():
                recipe.write(engine, source)
            binary = self._make(engine, source)
            if again:
                recipe.write(engine, source)
            return binary

    def _fitting(self, engine: Path, source: Source) -> Path | None:
        """The binary that is there, if it was made from this source and is whole."""
        try:
            found = manifests.read(engine)
        except ManifestError:
            return None
        same = (found.repository, found.revision) == (source.repository, source.revision)
        same = same and found.command[2:] == make_words(source)
        if not same or found.patches != source.patch_digests() or manifests.problems(engine, found):
            return None
        return engine / found.folder / found.binary

    @contextmanager
    def _locked(self, engine: Path) -> Iterator[bool]:
        """Yields whether another process had to be waited for."""
        fd = os.open(engine / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            until, waited = time.monotonic() + self.wait_seconds, False
            while not _try_lock(fd):
                if not waited:
                    self.say(f"another process is building {engine.name}; waiting for it")
                waited = True
                if time.monotonic() > until:
                    raise BuildError(f"another process has been building {engine.name} for too long")
                time.sleep(0.1)
            yield waited
        finally:
            os.close(fd)

    def _make(self, engine: Path, source: Source) -> Path:
        log = engine / "build.log"
        log.write_bytes(b"")
        log.chmod(0o600)
        remove_leftovers(engine)
        (engine / "failure.json").unlink(missing_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=".source-", dir=engine) as work:
                return self._make_in(Path(work), engine, source, Steps(Path(work), log))
        except BuildError as error:
            _remember(engine, {"of": _key(source), "message": str(error), "when": int(time.time())})
            raise

    def _make_in(self, work: Path, engine: Path, source: Source, steps: Steps) -> Path:
        _check_developer_tools(steps)
        patches = source.patch_digests()
        self.say(f"fetching {source.repository} {source.revision}".rstrip())
        commit = check_out(source, steps)
        command = ["make", f"-j{os.cpu_count() or 1}", *make_words(source)]
        self.say(f"building {commit[:12]}: {' '.join(command)}")
        steps.run(" ".join(command), command, self.make_seconds)
        target = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=engine))
        files = collect(work, target)
        try:
            capabilities = probe(target / BINARY, self.probes, again=True)
        except CapabilityError as error:
            raise BuildError(f"what was built is of no use: {error}") from error
        found = Manifest(
            form=manifests.FORM,
            repository=source.repository,
            revision=source.revision,
            commit=commit,
            patches=patches,
            platform=f"{platform.system()} {platform.machine()}",
            command=command,
            toolchain={name: steps.ask([name, "--version"]) for name in ("git", "make", "cc")},
            folder=target.name,
            binary=BINARY,
            files=files,
            flags=dict(capabilities.flags),
            built=int(time.time()),
        )
        manifests.write(engine, found)
        return target / BINARY


def _check_developer_tools(steps: Steps) -> None:
    """On macOS git and make are stubs until Apple's tools are installed."""
    if platform.system() == "Darwin" and not steps.ask(["xcode-select", "-p"]):
        raise BuildError("Apple's Command Line Tools are missing; install them: xcode-select --install")


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _key(source: Source) -> list[object]:
    return [source.repository, source.revision, source.patch_digests(), list(source.target)]


def _remember(engine: Path, failure: dict[str, object]) -> None:
    temporary = engine / "failure.json.tmp"
    temporary.write_text(json.dumps(failure), encoding="utf-8")
    temporary.replace(engine / "failure.json")
