"""The moving picture in the README, from a session in real Neovim.

`RECORD=1 pytest tests/editors/test_neovim_recording.py` writes it anew. Without that the session is played as
well, and what it comes to has to be what the picture shows. Server and engine are real; the models recite, so
that the picture shows the editor and not what a small model makes of it.
"""

from __future__ import annotations

import os
import re
from html import unescape
from pathlib import Path

import pytest

from tests.editors.nvim import ATTACHED, COLUMNS, ROOT, ROWS, Neovim, neovim
from tests.editors.recording import Recording, screen_lines
from tests.engine_fixtures import reciting_engine

PICTURE = ROOT / "docs" / "neovim.svg"
GHOST = ["distance", " / time", " if time", " else ", "0.0"]
REASONING = ["They select one line.", "\nIt divides,", " so zero", " matters."]
REPLY = [
    "Without a guard", " a `time` of ", "zero would raise\n", "`ZeroDivisionError`.",
    "\n\nA standstill", " has no speed,", " so 0.0 is right.",
]  # fmt: skip
SOURCE = 'def speed(distance, time):\n    """Metres per second."""\n\n\nprint(speed(100, 9.58))\n'
LINE = "    return distance / time if time else 0.0"
KEY_SECONDS, LOOK_SECONDS = 0.09, 1.6


class Session:
    """Types, and keeps what the screen shows."""

    def __init__(self, it: Neovim) -> None:
        self.it, self.recording = it, Recording(ROWS, COLUMNS)

    def look(self, seconds: float = LOOK_SECONDS) -> None:
        self.recording.add(screen_lines(self.it.screen), seconds)

    def keys(self, text: str, shown: str) -> None:
        """Type text that then stands behind `shown` on the screen."""
        for count in range(1, len(text) + 1):
            self.it.type(text[count - 1])
            self.it.wait((shown + text[:count]).rstrip())
            self.look(KEY_SECONDS)


def play(it: Neovim) -> Recording:
    """Open a file, type, accept a word and then all of the ghost text, and ask about the line."""
    session = Session(it)
    it.until(ATTACHED)
    it.wait("print(speed")
    session.look()
    it.type("jo")
    it.wait("-- INSERT --")
    session.keys("return ", "    ")
    it.wait(LINE)
    session.look()
    it.type("\x06")
    it.until("vim.api.nvim_get_current_line()", "    return distance")
    it.wait(LINE)
    session.look()
    it.type("\x19")
    it.until("vim.api.nvim_get_current_line()", LINE)
    it.type("\x1b")
    it.wait(lambda text: "INSERT" not in text)
    session.look()
    session.keys(":.Ds4 chat why the guard?", "")
    it.type("\r")
    it.wait("so 0.0 is right.")
    it.wait(lambda text: text.count("# You") == 2)
    session.look(3 * LOOK_SECONDS)
    return session.recording


def texts(svg: str) -> set[str]:
    """The lines that a picture is made of."""
    return {
        unescape(re.sub("<[^>]*>", "", line)).rstrip()
        for line in re.findall(r'<text id="l\d+">(.*)</text>', svg)
    }


@pytest.mark.slow
def test_the_picture_in_the_readme_can_be_made_and_is_what_it_was(nvim: Path, tmp_path: Path) -> None:
    folder, home = tmp_path / "project", tmp_path / "home"
    for path in (folder, home, tmp_path / "writes", tmp_path / "talks"):
        path.mkdir()
    (folder / "speed.py").write_text(SOURCE)
    look = "vim.o.termguicolors, vim.o.background, vim.o.ruler = true, 'dark', false"
    with (
        reciting_engine(tmp_path / "writes", ["hm"], GHOST, "--ctx", "16384") as writes,
        reciting_engine(tmp_path / "talks", REASONING, REPLY, "--ctx", "16384") as talks,
    ):
        urls = [f"http://127.0.0.1:{engine.port}" for engine in (writes, talks)]
        lsp = {"completion_engine": urls[0], "debounce": 0.5}
        options = {"settings": {"engine": urls[1], "lsp": lsp}}
        with neovim(nvim, home, folder, "speed.py", engine=urls[1], options=options, before=look) as it:
            svg = play(it).svg(
                "Ghost text, a word of it accepted, then all of it, and a question about the line"
            )
    if os.environ.get("RECORD"):
        PICTURE.write_text(svg)
    # Which half-typed line was on the screen when is chance; what is left in the end is not.
    last = {line for line in texts(svg) if LINE.strip() in line or "0.0 is right" in line or "# You" in line}
    assert len(last) >= 3
    assert last <= texts(PICTURE.read_text()), "RECORD=1 pytest tests/editors/test_neovim_recording.py"
    assert "docs/neovim.svg" in (ROOT / "README.md").read_text()
