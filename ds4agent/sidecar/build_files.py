"""Files of engines that were built here: what is kept of a source tree, and what goes with the next build."""

import shutil
from pathlib import Path

from ds4agent.sidecar import manifest as manifests
from ds4agent.sidecar.build_steps import BuildError
from ds4agent.sidecar.capabilities import file_digest
from ds4agent.sidecar.manifest import ManifestError

BINARY = "ds4-server"
# Shaders are read at run time; the rest says whose work it is.
_SUPPORT = ("metal/**/*.metal", "LICENSE*", "COPYING*", "README.md")


def remove_leftovers(engine: Path) -> None:
    """Folders of builds that were killed, and of the one before the last: an engine may still run from the
    last one, and be started from there again.
    """
    try:
        current = manifests.read(engine).folder
    except ManifestError:
        current = ""
    for folder in engine.iterdir():
        if folder.is_dir() and not folder.is_symlink() and folder.name != current:
            shutil.rmtree(folder, ignore_errors=True)


def collect(work: Path, target: Path) -> dict[str, str]:
    """Copy what an engine needs; the digests. A link that leads out of the tree is not followed."""
    chosen = [work / BINARY, *(file for pattern in _SUPPORT for file in sorted(work.glob(pattern)))]
    root, files = work.resolve(), dict[str, str]()
    for file in chosen:
        name = str(file.relative_to(work))
        if not file.is_file():
            if name == BINARY:
                raise BuildError(f"make ended well, but made no {BINARY}")
            continue
        if not file.resolve().is_relative_to(root):
            raise BuildError(f"{name} of the source leads to {file.resolve()}, outside of it")
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        copy.chmod(0o700 if name == BINARY else 0o600)
        files[name] = file_digest(copy)
    return files
