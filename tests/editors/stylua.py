"""The plugin's Lua, formatted by StyLua from npm: `python -m tests.editors.stylua` rewrites what is not."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.npm_agent import install
from tests.editors.nvim import PLUGIN

PACKAGE, VERSION = "@johnnymorganz/stylua", "2.5.2"


def unformatted() -> Iterator[tuple[Path, str]]:
    """Files that are not as they should be, and how they should."""
    paths = sorted(PLUGIN.rglob("*.lua"))
    texts = [path.read_text() for path in paths]
    settings = tomllib.loads((PLUGIN / "stylua.toml").read_text())
    script = Path(__file__).with_name("stylua.mjs")
    done = subprocess.run(
        ["node", str(script), str(install(PACKAGE, VERSION))],
        input=json.dumps({"settings": settings, "files": texts}),
        capture_output=True,
        text=True,
        check=True,
    )
    for path, before, after in zip(paths, texts, json.loads(done.stdout), strict=True):
        if before != after:
            yield path, after


if __name__ == "__main__":
    for path, text in unformatted():
        path.write_text(text)
        print(path)
