"""A project that sessions change, for tests of what they changed and of putting it back."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ds4agent.agent.changes.keeper import Keeper
from ds4agent.agent.changes.review import Review
from ds4agent.client.cancel import Cancel

GIT = "git init -q; git -c user.name=a -c user.email=b@c"
Picture = dict[str, tuple[str, int, bytes]]


@dataclass
class Project:
    """A session's folder and a project's. `keeper` is that of a new process each time."""

    root: Path
    told: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cwd.mkdir()

    @property
    def cwd(self) -> Path:
        return self.root / "work"

    @property
    def session(self) -> Path:
        return self.root / "session"

    def keeper(self) -> Keeper:
        return Keeper(self.session, self.cwd, self.told.append, lambda path: self.touched.append(path.name))

    def sh(self, script: str) -> None:
        subprocess.run(["sh", "-ec", script], cwd=self.cwd, check=True, capture_output=True)

    def command(self, script: str, keeper: Keeper | None = None, goes_on: bool = False) -> Keeper:
        keeper = keeper or self.keeper()
        keeper.command_begins(Cancel())
        self.sh(script)
        keeper.command_ends(goes_on)
        return keeper

    def edit(self, name: str, data: bytes, keeper: Keeper | None = None) -> None:
        with (keeper or self.keeper()).edit(self.cwd / name):
            (self.cwd / name).write_bytes(data)

    def review(self) -> Review:
        return Review(self.session, self.cwd)

    def kinds(self) -> dict[str, str]:
        return {str(c.path.relative_to(self.cwd)): c.kind for c in self.review().changes()}

    def back(self, *names: str) -> tuple[list[str], dict[str, str]]:
        only = [self.cwd / name for name in names] or None
        restored, refused = self.review().put_back(only)
        return [path.name for path in restored], {r.path.name: r.reason for r in refused}

    def picture(self) -> Picture:
        return {str(p.relative_to(self.cwd)): _seen(p) for p in self.cwd.rglob("*") if ".git" not in p.parts}


def _seen(path: Path) -> tuple[str, int, bytes]:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if path.is_symlink():
        return "link", mode, os.fsencode(path.readlink())
    return ("folder", mode, b"") if path.is_dir() else ("file", mode, path.read_bytes())
