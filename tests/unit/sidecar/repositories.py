"""Small git repositories whose `make ds4-server` makes the stand-in."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.standins import PROGRAM

_IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
_SCRIPT = (
    "#!/bin/sh\nDS4_STANDIN_GENERATION=%s\nexport DS4_STANDIN_GENERATION\n"
    f'exec {sys.executable} -S -E {PROGRAM} "$@"\n'
)
MAKEFILE = "ds4-server: server.sh\n\tcp server.sh ds4-server\n\tchmod +x ds4-server\ncpu: ds4-server\n"


@dataclass(frozen=True)
class Repository:
    path: Path

    def git(self, *words: str) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        words = ("git", *_IDENTITY, *words)
        done = subprocess.run(words, cwd=self.path, capture_output=True, check=True, env=env)
        return done.stdout.decode().strip()

    def commit(self, **files: str) -> str:
        """The commit; a file's name has "/" spelled "__" and "." spelled "_dot_"."""
        for key, text in files.items():
            file = self.path / key.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


def make_repository(path: Path, generation: str = "june", makefile: str = MAKEFILE) -> Repository:
    path.mkdir(parents=True)
    repository = Repository(path)
    repository.git("init", "-q", "-b", "main")
    repository.commit(
        Makefile=makefile,
        server_dot_sh=_SCRIPT % generation,
        LICENSE="MIT\n",
        README_dot_md="# x\n",
        metal__flash_dot_metal="kernel\n",
        metal__deep__dense_dot_metal="kernel 2\n",
        metal__notes_dot_txt="not a shader\n",
    )
    return repository
