"""VS Code's server, a browser and the extension, installed once into this checkout's ignored cache.

code-server is VS Code as a web server. It comes from npm, needs a newer Node than Debian has (from npm, too,
with the headers that its native modules are built with), and libraries, which apt installs where they are
missing and we may. The browser is Debian's chromium. A second call finds all of it and takes no time.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.editors.once import once

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache" / "vscode"
NPM_CACHE = ROOT / ".cache" / "npm" / "npm"
EXTENSION = ROOT / "editors" / "vscode"
NODE, CODE_SERVER, AXE = "24", "4.139.1", "4.14.1"
NPM_FLAGS = ("--no-audit", "--no-fund", "--cache", str(NPM_CACHE))
# What shows that a Debian package is there, be it installed as such or otherwise.
HEADERS = {"libkrb5-dev": "krb5-gssapi", "libsecret-1-dev": "libsecret-1"}
PROGRAMS = {"pkg-config": "pkg-config", "g++": "g++", "make": "make"}


def code_server() -> Path:
    """A program that takes code-server's arguments."""
    return once(CACHE, f"code-server-{CODE_SERVER}", _code_server)


def chromium() -> Path:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    _debian("chromium", "fonts-dejavu-core")
    return chromium()


def axe() -> str:
    """The source of axe-core, to be run in a page."""
    return once(CACHE, f"axe-core-{AXE}", _axe).read_text()


def vsix() -> Path:
    """The packaged extension, as `make vsix` leaves it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "vsix.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run("make", "--no-print-directory", "vsix", cwd=ROOT)
    (found,) = EXTENSION.glob("*.vsix")
    return found


def _code_server(folder: Path) -> Path:
    missing = [package for package, name in HEADERS.items() if not _has_library(name)]
    _debian(*missing, *(package for package, name in PROGRAMS.items() if not shutil.which(name)))
    _npm(folder / "node", "node", NODE)
    # The package of this machine's processor lies within and carries bin and include.
    (node,) = (folder / "node").glob("node_modules/**/node-linux-*/bin/node")
    # The native modules are built by the Node that will run them; npm itself is the system's.
    flags = {"FORCE_NODE_VERSION": NODE, "npm_config_nodedir": str(node.parents[1])}
    path = f"{node.parent}:{os.environ['PATH']}"
    _npm(folder / "server", "code-server", CODE_SERVER, env={**os.environ, **flags, "PATH": path})
    program, entry = folder / "code-server", folder / "server/node_modules/code-server/out/node/entry.js"
    program.write_text(f'#!/bin/sh\nexec {node} {entry} "$@"\n')
    program.chmod(0o755)
    return program


def _axe(folder: Path) -> Path:
    _npm(folder, "axe-core", AXE)
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def _npm(folder: Path, package: str, version: str, **how: object) -> None:
    if shutil.which("npm") is None:
        _debian("nodejs", "npm")
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": {package: version}}))
    npm = Path(str(shutil.which("npm"))).resolve()
    _run("node", str(npm), "install", "--foreground-scripts", *NPM_FLAGS, cwd=folder, **how)


def _has_library(name: str) -> bool:
    found = shutil.which("pkg-config")
    return bool(found) and subprocess.run([str(found), "--exists", name]).returncode == 0


def _debian(*packages: str) -> None:
    """Installs what is missing, or says what has to be installed."""
    if not packages:
        return
    may = os.geteuid() == 0 and shutil.which("apt-get")
    assert may, f"install these to run VS Code in the tests: {' '.join(packages)}"
    _run("apt-get", "-q", "update")
    _run("apt-get", "-q", "install", "--yes", "--no-install-recommends", *packages)


def _run(*command: str, **how: object) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2000:]}"
