"""Programs called ds4agent that are not the tests' own: too old, or to be installed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import zipfile
from pathlib import Path

from tests.editors.vscode.install import EXTENSION

VERSION: str = json.loads((EXTENSION / "package.json").read_text())["version"]
NEEDED = ".".join(VERSION.split(".")[:2])
# The real server, which believes to be of another version.
OTHER = """\
#!{python}
import sys
import ds4agent
ds4agent.__version__ = {version!r}
from ds4agent.cli.main import main
sys.argv[0] = "ds4agent"
sys.exit(main())
"""
# One of the time before there was a language server.
ANCIENT = """\
#!/bin/sh
[ "$1" = --version ] && echo "ds4agent {version}" && exit
echo "Error: No such command '$1'." >&2
exit 2
"""
# What a wheel of ds4agent has: the command, here that of the tests.
COMMAND = """\
import os
import sys

def main():
    os.execv({program!r}, ["ds4agent", *sys.argv[1:]])
"""
# The tools of an environment that might be found instead.
UNWANTED = ("ds4agent", "uv", "pipx")


def write(path: Path, text: str, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format(python=sys.executable, version=version))
    path.chmod(0o755)
    return path


def wheel(folder: Path) -> None:
    """A package that pip installs as ds4agent, without what it depends on."""
    info = f"ds4agent-{VERSION}.dist-info"
    program = str(Path(sys.executable).parent / "ds4agent")
    files = {
        "ds4agent_command.py": COMMAND.format(program=program),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: ds4agent\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nds4agent = ds4agent_command:main\n",
    }
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(text)},{len(text.encode())}" for name, text in files.items()]
    files[record] = "\n".join([*lines, f"{record},,"]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"ds4agent-{VERSION}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def path_without(folder: Path) -> str:
    """A PATH with all programs of Debian and the tests' Python, without ds4agent and what installs it."""
    folder.mkdir(parents=True)
    for name in ("/usr/bin", "/bin"):
        for program in Path(name).iterdir():
            link = folder / program.name
            if (
                program.name not in UNWANTED
                and not program.name.startswith("python")
                and not link.is_symlink()
            ):
                link.symlink_to(program)
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    write(folder / "python3", f'#!/bin/sh\nexec {python} "$@"\n', "")
    return os.fspath(folder)
