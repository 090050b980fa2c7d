"""What a built engine is made of: where its source came from, with which tools, and the digest of each file.

The manifest is written last and renamed into place, so it is also the pointer: an engine exists if its
manifest does, in the folder that the manifest names.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ds4agent.sidecar.capabilities import file_digest

FILE = "manifest.json"
FORM = 1


class ManifestError(Exception):
    """The manifest is missing or is none; the message says which."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files`: path under `folder` -> SHA-256; `folder` lies beside the manifest. `built`: unix seconds."""

    form: int
    repository: str
    revision: str
    commit: str
    patches: Mapping[str, str]
    platform: str
    command: list[str]
    toolchain: Mapping[str, str]
    folder: str
    binary: str
    files: Mapping[str, str]
    flags: Mapping[str, str]
    built: int


def read(engine: Path) -> Manifest:
    """Raises ManifestError."""
    file = engine / FILE
    try:
        values = json.loads(file.read_bytes())
        manifest = Manifest(**values)
    except FileNotFoundError as error:
        raise ManifestError(f"no engine {engine.name}: {file} does not exist") from error
    except (OSError, ValueError, TypeError) as error:
        raise ManifestError(f"{file} cannot be read ({error}); build the engine again") from error
    inside = all(_inside(name) for name in (manifest.folder, manifest.binary, *manifest.files))
    if manifest.form != FORM or not inside or manifest.binary not in manifest.files:
        raise ManifestError(f"{file} is not in order; build the engine again")
    return manifest


def _inside(name: object) -> bool:
    return isinstance(name, str) and name != "" and not name.startswith("/") and ".." not in name.split("/")


def write(engine: Path, manifest: Manifest) -> None:
    temporary = engine / f"{FILE}.{os.getpid()}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(engine / FILE)


def problems(engine: Path, manifest: Manifest) -> list[str]:
    """Files that are missing, changed or too many, one sentence each."""
    root, found = engine / manifest.folder, []
    for name, digest in manifest.files.items():
        file = root / name
        if file.is_symlink() or not file.is_file():
            found.append(f"{file} is missing")
        elif file_digest(file) != digest:
            found.append(f"{file} was changed after the build")
    extra = {str(f.relative_to(root)) for f in root.rglob("*") if not f.is_dir()} - set(manifest.files)
    return found + [f"{root / name} is not of the build" for name in sorted(extra)]
