"""What the user last asked for by `ds4agent engine build NAME`: kept, so that what was lost is made again.

It lies beside the manifest, and is written before the first build begins; later ones have to succeed. An
engine that was there once is made again from the very commit that it was made from: a branch may have moved
on to what nobody has looked at.
"""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

from ds4agent.sidecar import manifest as manifests
from ds4agent.sidecar.checkout import Source
from ds4agent.sidecar.manifest import ManifestError

FILE = "recipe.json"


def write(engine: Path, source: Source) -> None:
    patches = str(source.patches.absolute()) if source.patches else None
    temporary = engine / f"{FILE}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(asdict(source) | {"patches": patches}), encoding="utf-8")
    temporary.replace(engine / FILE)


def read(engine: Path) -> Source | None:
    """None: it was never asked for, or what was is not known any more."""
    try:
        value = json.loads((engine / FILE).read_bytes())
        patches = Path(value["patches"]) if value["patches"] else None
        source = Source(str(value["repository"]), str(value["revision"]), patches, tuple(value["target"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        return replace(source, revision=manifests.read(engine).commit)
    except ManifestError:
        return source
