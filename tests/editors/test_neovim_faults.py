"""Engines and servers that die while one types: one message, no lost text, and all is well afterwards."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from tests.editors.nvim import ATTACHED, Neovim
from tests.editors.test_neovim_ghost import COMPLETE, LINE, WRITTEN, opened, shows
from tests.engine_fixtures import EngineProcess, reciting_engine

SERVER = "vim.lsp.get_clients({name = 'ds4agent'})[1]"
MESSAGES = "vim.fn.execute('messages')"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def kill(engine: EngineProcess) -> None:
    engine.process.kill()
    engine.process.wait()


def server_pid(it: Neovim) -> int:
    """Of the language server, the editor's only child that is one."""
    found = it.ask("vim.fn.system('ps -o pid=,args= --ppid ' .. vim.fn.getpid())")
    return next(int(line.split()[0]) for line in found.splitlines() if " lsp" in line)


def test_an_engine_dies_and_comes_back(each_nvim: Path, tmp_path: Path) -> None:
    port = ["--ctx", "16384", "--port", str(free_port())]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with reciting_engine(tmp_path / "one", ["hm"], WRITTEN, *port) as engine:
        url = f"http://127.0.0.1:{engine.port}"
        with opened(each_nvim, tmp_path, url) as it:
            it.type("oresult = ")
            shows(it, f"    result = {LINE}")
            kill(engine)
            it.type("9\x1boother = ")
            it.wait(url.removeprefix("http://"))  # the message names it
            for key in "abc":
                it.type(key)
                it.until("vim.api.nvim_get_current_line():sub(-1)", key)
            it.type("\x1b")
            assert it.buffer()[2:] == ["    result = 9", "    other = abc"]
            assert it.ask(MESSAGES).count(url) == 1
            with reciting_engine(tmp_path / "two", ["hm"], WRITTEN, *port):
                it.type("Gofound = ")

                def asked(text: str) -> bool:
                    """A dead engine is left alone for a moment, so the user asks until it is there."""
                    it.type(COMPLETE)
                    return f"found = {LINE}" in text

                it.wait(asked)


def test_a_server_dies_and_comes_back(each_nvim: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with (
        reciting_engine(tmp_path / "one", ["hm"], WRITTEN, "--ctx", "16384") as engine,
        opened(each_nvim, tmp_path, f"http://127.0.0.1:{engine.port}") as it,
    ):
        it.type("oresult = ")
        shows(it, f"    result = {LINE}")
        before = it.ask(f"{SERVER}.id")
        os.kill(server_pid(it), signal.SIGKILL)
        it.wait("Press ENTER")  # Neovim's own message, with a path too long for a line
        it.type("\r")
        it.until(f"{SERVER} ~= nil and {SERVER}.id > {before}")
        it.until(ATTACHED)
        assert it.ask(MESSAGES).count("quit with exit code 0 and signal 9") == 1
        it.type("\x1b")
        assert it.buffer()[2] == "    result = "
        it.type("A(")
        shows(it, f"    result = ({LINE}")


def test_a_server_that_dies_again_and_again_is_given_up(nvim: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with opened(nvim, tmp_path, "http://127.0.0.1:9", cmd=[str(broken), "lsp"]) as it:

        def given_up(text: str) -> bool:
            """What Neovim says about each death is read away."""
            if "Press ENTER" in text:
                it.type("\r")
            return "ended again (exit code 3)" in text

        it.wait(given_up)
        it.type("\r")
        assert it.ask(MESSAGES).count("quit with exit code 3") == 4
