"""Which engine is used: one that was built here, by name, or a binary anywhere, by path.

A binary elsewhere is its owner's: it is asked what it can do, and never touched.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ds4agent import paths
from ds4agent.sidecar import manifest as manifests
from ds4agent.sidecar.manifest import Manifest, ManifestError


class ChoiceError(Exception):
    """There is no such engine; the message says what was looked for and what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """`support`: the folder to change to, where the shaders lie. `manifest`: of what was built here."""

    name: str
    binary: Path
    support: Path
    manifest: Manifest | None = None


def find(root: Path, wanted: str) -> Engine:
    """`root`: the folder of built engines. `wanted`: a name or a path. Raises ChoiceError."""
    if "/" in wanted or wanted.startswith("~"):
        binary = paths.expanded(wanted).absolute()
        if not binary.is_file():
            raise ChoiceError(f"there is no file {binary}")
        # Links are followed: the shaders lie beside the real file.
        return Engine(str(binary), binary, binary.resolve().parent)
    try:
        found = manifests.read(root / wanted)
    except ManifestError as error:
        raise ChoiceError(f"{error}; `ds4agent engine list` shows what there is") from error
    folder = root / wanted / found.folder
    if not (folder / found.binary).is_file():
        raise ChoiceError(f"engine {wanted} has lost its files; build it again: ds4agent engine build")
    return Engine(wanted, folder / found.binary, folder, found)


def chosen(root: Path) -> str:
    """The name or path that is used, "" if none was chosen."""
    try:
        value = json.loads((root / "chosen.json").read_bytes())["engine"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return value if isinstance(value, str) else ""


def choose(root: Path, wanted: str) -> Engine:
    """Use that one from now on. Raises ChoiceError."""
    engine = find(root, wanted)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = root / f"chosen.json.{os.getpid()}.tmp"
    temporary.write_text(json.dumps({"engine": engine.name}), encoding="utf-8")
    temporary.replace(root / "chosen.json")
    return engine
