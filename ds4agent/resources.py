"""Where the files that belong to the package lie: prompts, the bundled model, the native library.

A checkout keeps prompts/ and native/ beside the package; an installed wheel carries them inside it. Each
file is looked for in the package first, so that an installed copy never reaches into a working tree that is
near by chance.
"""

import os
from functools import cache
from pathlib import Path

from ds4agent.wire.template import FormatTexts

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
BUNDLED_MODEL = PACKAGE / "models" / "bundled.gguf"


class MissingResource(FileNotFoundError):
    """A file of the package is not there; the message says what was looked for and where."""


def _first(what: str, *candidates: Path) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise MissingResource(f"{what} not found; looked at {', '.join(map(str, candidates))}")


@cache
def prompt(name: str) -> str:
    """The text of prompts/<name>, exactly as stored (newlines are not translated)."""
    path = _first(f"prompt {name}", PACKAGE / "prompts" / name, CHECKOUT / "prompts" / name)
    return path.read_bytes().decode()


def format_texts() -> FormatTexts:
    """The fixed texts of the chat format."""
    return FormatTexts(
        tools_head=prompt("dsml/tools_head.txt"),
        tools_tail=prompt("dsml/tools_tail.txt"),
        max_effort=prompt("dsml/max_effort.txt"),
        completion_system=prompt("dsml/completion_system.txt"),
    )


def openapi() -> bytes:
    """The description of what the engine process answers; not kept, since few ask for it."""
    return (PACKAGE / "engine" / "openapi.json").read_bytes()


def bundled_model() -> Path:
    """The GGUF that ships with the package."""
    return _first("bundled model", BUNDLED_MODEL)


def native_library() -> Path:
    """libds4: $DS4AGENT_LIBDS4, else the installed one, else that of a checkout."""
    override = os.environ.get("DS4AGENT_LIBDS4")
    if override:
        return _first("libds4 ($DS4AGENT_LIBDS4)", Path(override))
    return _first("libds4", PACKAGE / "_lib" / "libds4.so", CHECKOUT / "native" / "build" / "libds4.so")
