"""Real Neovim in a pseudo-terminal, as a person has it: keys go in, and the screen's text is looked at.

Each has a home folder of its own, in which the plugin is set up as its manual says. Nothing waits for a time
to pass; what is waited for is on the screen, or is told by the editor over its socket.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pyte

from tests.e2e.task_runner import private_environment
from tests.editors.nvim_rpc import Rpc

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "editors" / "neovim"
ROWS, COLUMNS = 24, 90
DEVICE_CONTROL = re.compile(rb"\x1bP.*?\x1b\\", re.DOTALL)
SECONDS = 60.0
INIT = """\
vim.opt.runtimepath:prepend({plugin!r})
vim.o.swapfile = false
vim.o.shortmess = vim.o.shortmess .. "I"
{before}
require("ds4agent").setup({setup})
{after}
"""
# Whether the current buffer has its server.
ATTACHED = 'not not vim.lsp.get_clients({name = "ds4agent", bufnr = 0})[1]'
KEYS = {
    "accept": "<C-y>",
    "accept_line": "<C-l>",
    "accept_word": "<C-f>",
    "dismiss": "<C-e>",
    "next": "<C-n>",
    "previous": "<C-p>",
    "complete": "<C-b>",
}


class Screen(pyte.Screen):
    """pyte's, which stumbles over private forms of a sequence that it knows. `answer`: to who asks."""

    answer: Callable[[str], object]

    def select_graphic_rendition(self, *attributes: int, **private: bool) -> None:
        if not private:
            super().select_graphic_rendition(*attributes)

    def report_device_status(self, mode: int = 0, **private: bool) -> None:
        if not private:
            super().report_device_status(mode)

    def report_device_attributes(self, mode: int = 0, **private: bool) -> None:
        if not private.get("private"):
            super().report_device_attributes(mode)

    def write_process_input(self, data: str) -> None:
        """What a terminal answers when it is asked something."""
        self.answer(data)


def lua(value: object) -> str:
    """A Python value as Lua has it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"[{json.dumps(k)}] = {lua(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "{" + ", ".join(map(lua, value)) + "}"
    return json.dumps(value, ensure_ascii=False)


class Neovim:
    """The program in a terminal; it listens at `address`."""

    def __init__(
        self, program: Path, folder: Path, address: Path, *words: str, env: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.screen = Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self._held = b""
        command = ["--listen", str(address), *words]
        self._child = pexpect.spawn(
            str(program), command, cwd=str(folder), env=dict(env), dimensions=(ROWS, COLUMNS), timeout=SECONDS
        )
        self.screen.answer = self._child.send
        # What it draws has to be read while it is asked something, or it would wait for us.
        self._rpc = Rpc(address, lambda: self._read(0.005))
        self.until("vim.v.vim_did_enter", 1)

    def type(self, keys: str) -> None:
        """As if typed; `\\x1b` is Escape."""
        self._child.send(keys)

    def command(self, line: str) -> None:
        """An Ex command, from normal mode."""
        self.type(f":{line}\r")

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait(self, wanted: str | re.Pattern[str] | Callable[[str], bool], seconds: float = SECONDS) -> str:
        """The screen's text once it shows that, and has nothing more to draw."""
        if isinstance(wanted, str):
            part = wanted
            found: Callable[[str], Any] = lambda text: part in text  # noqa: E731
        else:
            found = wanted.search if isinstance(wanted, re.Pattern) else wanted
        deadline = time.monotonic() + seconds
        while not (self._read(0.02) and found(self.text)):
            left = deadline - time.monotonic()
            assert left > 0, f"never on the screen: {wanted}\n{self.text}"
            self._read(min(left, 1.0))
        return self.text

    def _read(self, seconds: float) -> bool:
        """Take what the editor draws; True if it drew nothing in that time."""
        try:
            self._feed(self._child.read_nonblocking(65536, seconds))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF as error:
            raise AssertionError(f"the editor has gone:\n{self.text}") from error
        return False

    def _feed(self, data: bytes) -> None:
        """pyte would show what is asked of a terminal in device control strings."""
        data = DEVICE_CONTROL.sub(b"", self._held + data)
        whole, opened, rest = data.partition(b"\x1bP")
        self._held = opened + rest
        self._stream.feed(whole)

    def ask(self, expression: str) -> Any:
        """The value of a Lua expression in the editor, by its socket."""
        try:
            return self._rpc.ask(expression)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text}") from error

    def buffer(self) -> list[str]:
        """The lines of the current buffer, without ghost text."""
        found: list[str] = self.ask("vim.api.nvim_buf_get_lines(0, 0, -1, false)")
        return found

    def until(self, expression: str, wanted: object = True) -> None:
        """Wait for the value of a Lua expression."""
        deadline = time.monotonic() + SECONDS
        while (found := self.ask(expression)) != wanted:
            assert time.monotonic() < deadline, f"{expression} is {found!r}\n{self.text}"
            self._read(0.05)

    def close(self) -> None:
        self._rpc.close()
        if self._child.isalive():
            self.type("\x1b\x1b:qa!\r")
            try:
                self._child.expect(pexpect.EOF, timeout=10)
            except pexpect.TIMEOUT:
                self._child.terminate(force=True)
        self._child.close(force=True)


@contextmanager
def neovim(
    program: Path,
    home: Path,
    folder: Path,
    *words: str,
    engine: str,
    options: Mapping[str, Any] | None = None,
    before: str = "",
    after: str = "",
    env: Mapping[str, str] | None = None,
) -> Iterator[Neovim]:
    """The editor in `folder`, with the plugin and the real server, whose engine is at an address."""
    config = home / ".config" / "nvim"
    config.mkdir(parents=True)
    setup = {"keys": KEYS, "settings": {"engine": engine}, **(options or {})}
    init = INIT.format(plugin=str(PLUGIN), setup=lua(setup), before=before, after=after)
    (config / "init.lua").write_text(init)
    found = {
        **private_environment(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        **(env or {}),
    }
    for name in ("NVIM", "VIM", "VIMRUNTIME", "COLORTERM"):
        found.pop(name, None)
    # A socket's name may have no more than about 100 characters.
    with tempfile.TemporaryDirectory(prefix="nvim-") as short:
        editor = Neovim(program, folder, Path(short) / "socket", *words, env=found)
        try:
            yield editor
        finally:
            editor.close()
