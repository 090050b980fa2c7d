"""The source of an engine: a git repository and a revision that the user names, with their patches applied.

A fetch is shallow where the server allows it, whole where not (an abbreviated commit, a server that gives
only branches). Patches are applied in the order of their names and may touch nothing outside the tree. Names
come from the user, but also from shared settings: none of them may be read as an option.
"""

import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from ds4agent.sidecar.build_steps import BuildError, Steps
from ds4agent.sidecar.capabilities import file_digest

GIT_SECONDS = 300.0
_SUFFIXES = (".patch", ".diff")


@dataclass(frozen=True, slots=True)
class Source:
    """`repository`: an address, or an absolute path. `revision`: commit, tag or branch, "" for the default of
    the repository. `target`: words for make, () for what fits the machine.
    """

    repository: str
    revision: str = ""
    patches: Path | None = None
    target: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises BuildError for what cannot be meant."""
        for what, text in (("repository", self.repository), ("revision", self.revision)):
            # A folder's name may have blanks in it; an address or a revision has none.
            blank = not text.startswith("/") and any(map(str.isspace, text))
            if blank or text.startswith("-") or not text.isprintable():
                raise BuildError(f"{what} {text!r} is no name that git could take")
        # "::" would name a program that git runs; what has no colon is a path.
        if "::" in self.repository or (":" not in self.repository and not self.repository.startswith("/")):
            raise BuildError(f"repository {self.repository!r} is neither an address nor an absolute path")
        if any(word.startswith("-") for word in self.target):
            raise BuildError(f"make target {' '.join(self.target)!r}: options are not taken")

    def patch_files(self) -> list[Path]:
        """In the order in which they are applied. Raises BuildError."""
        if self.patches is None:
            return []
        try:
            found = sorted(f for f in self.patches.iterdir() if f.suffix in _SUFFIXES and f.is_file())
        except OSError as error:
            raise BuildError(f"cannot read the patches in {self.patches}: {error.strerror}") from error
        if not found:
            raise BuildError(f"no *.patch or *.diff in {self.patches}")
        return found

    def patch_digests(self) -> dict[str, str]:
        return {file.name: file_digest(file) for file in self.patch_files()}


def make_words(source: Source) -> list[str]:
    """What make is to build here: the user's words, else what fits the machine."""
    if source.target:
        return list(source.target)
    if platform.system() == "Darwin":
        return ["ds4-server"]
    if shutil.which("nvcc") or Path("/usr/local/cuda/bin/nvcc").exists():
        return ["ds4-server", "CUDA_ARCH=native"]
    if shutil.which("hipcc") or Path("/opt/rocm/bin/hipcc").exists():
        return ["strix-halo"]
    return ["cpu"]


def check_out(source: Source, steps: Steps) -> str:
    """Fetch into `steps.folder`, an empty folder, and apply the patches. The commit. Raises BuildError."""
    steps.run("git init", _git("init", "-q"), GIT_SECONDS)
    commit = _shallow(source, steps) or _whole(source, steps)
    steps.run("git checkout", _git("checkout", "-q", "--detach", commit), GIT_SECONDS)
    for file in source.patch_files():
        command = _git("apply", "--index", "--whitespace=nowarn", "--", str(file.resolve()))
        steps.run(f"patch {file.name}", command, GIT_SECONDS)
    return commit


def _git(*words: str) -> list[str]:
    # Hooks and the user's own configuration of line ends have no say in a build.
    return ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", *words]


def _shallow(source: Source, steps: Steps) -> str:
    """The commit, or "" if it cannot be had so."""
    words = _git("fetch", "-q", "--depth", "1", source.repository, source.revision or "HEAD")
    try:
        steps.run("git fetch", words, GIT_SECONDS)
    except BuildError as error:
        if "failed with exit status" not in str(error) or not source.revision:
            raise
        return ""
    return steps.ask(_git("rev-parse", "--verify", "-q", "FETCH_HEAD^{commit}"))


def _whole(source: Source, steps: Steps) -> str:
    everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    steps.run("git fetch", _git("fetch", "-q", source.repository, *everything), GIT_SECONDS)
    for name in (source.revision, f"origin/{source.revision}"):
        if commit := steps.ask(_git("rev-parse", "--verify", "-q", f"{name}^{{commit}}")):
            return commit
    raise BuildError(f"{source.repository} has no revision {source.revision}")
