"""VS Code's server for a worker, offline: an own home, own extensions, a gallery that nobody listens at."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.e2e.task_runner import private_environment
from tests.editors.vscode import install

SECONDS = 90.0
NOWHERE = "http://127.0.0.1:9"
GALLERY = {
    "serviceUrl": f"{NOWHERE}/_apis",
    "itemUrl": f"{NOWHERE}/",
    "resourceUrlTemplate": f"{NOWHERE}/{{publisher}}",
}
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
# What would put something on the screen, or ask somebody else, by itself.
SETTINGS = {
    "telemetry.telemetryLevel": "off",
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.welcomePage.walkthroughs.openOnInstall": False,
    "workbench.enableExperiments": False,
    "workbench.reduceMotion": "on",
    "workbench.editor.enablePreview": False,
    "security.workspace.trust.enabled": False,
    "git.openRepositoryInParentFolders": "never",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "editor.minimap.enabled": False,
    "editor.wordBasedSuggestions": "off",
    "files.autoSave": "off",
    "window.menuBarVisibility": "compact",
}


class CodeServer:
    """A running one; its users' settings are those of whoever opens a window next."""

    def __init__(self, home: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.home, self.port, self.process = home, port, process

    @contextmanager
    def extension(self, vsix: Path, name: str) -> Iterator[None]:
        """One more beside ours, for windows that are opened meanwhile."""
        _extensions(self.home, "--install-extension", vsix, "--force")
        try:
            yield
        finally:
            _extensions(self.home, "--uninstall-extension", name)

    def configure(self, **values: Any) -> None:
        """The user's settings, beside those that keep it quiet; keys as in settings.json, `__` for a dot."""
        named = {key.replace("__", "."): value for key, value in values.items()}
        program = Path(sys.executable).parent / "ds4agent"
        text = json.dumps(SETTINGS | {"ds4agent.path": str(program)} | named)
        # What is a machine's own is read only from the one that the server is on.
        for name in ("User", "Machine"):
            path = self.home / "data" / name / "settings.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def address(self, folder: Path, *files: Path) -> str:
        """Where a window with this folder (or .code-workspace) and these files is."""
        remote = f"vscode-remote://127.0.0.1:{self.port}"
        payload = json.dumps([["openFile", f"{remote}{file}"] for file in files])
        what = "workspace" if folder.suffix == ".code-workspace" else "folder"
        return f"http://127.0.0.1:{self.port}/?{what}={folder}&payload={payload}"

    def logged(self, text: str, since: datetime) -> int:
        """How often this stands in what the extension of any window has written down since then."""
        logs = (self.home / "data" / "logs").rglob("ds4agent.ds4agent/*.log")
        lines = [line for log in logs for line in log.read_text().splitlines() if text in line]
        return sum(line > since.isoformat(" ", "milliseconds") for line in lines)

    def wait_logged(self, text: str, since: datetime) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.logged(text, since):
            assert time.monotonic() < deadline, f"never written down: {text}"
            time.sleep(0.02)

    def forget(self) -> None:
        """What an earlier test has left: conversations, sessions, logs, windows."""
        for name in (".local", "data/User/workspaceStorage", "data/User/globalStorage"):
            shutil.rmtree(self.home / name, ignore_errors=True)


@contextmanager
def running(home: Path, **env: str) -> Iterator[CodeServer]:
    """code-server with the extension installed from its package. `env`: other than that of the tests."""
    (home / "config.yaml").write_text("bind-addr: 127.0.0.1:0\nauth: none\ncert: false\n")
    _extensions(home, "--install-extension", install.vsix(), "--force")
    quiet = ["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"]
    log = home / "code-server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*_command(home), *quiet],
            env=_environment(home) | env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield CodeServer(home, _port(process, log), process)
    finally:
        # Its own children wait hours for a window to come back.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _command(home: Path) -> list[str | Path]:
    folders: list[str | Path] = ["--user-data-dir", home / "data", "--extensions-dir", home / "extensions"]
    return [install.code_server(), "--config", home / "config.yaml", *folders]


def _extensions(home: Path, *words: str | Path) -> None:
    done = subprocess.run([*_command(home), *words], env=_environment(home), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _environment(home: Path) -> dict[str, str]:
    return {
        **private_environment(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "EXTENSIONS_GALLERY": json.dumps(GALLERY),
        "HTTPS_PROXY": NOWHERE,
        "LANG": "C.UTF-8",
    }


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + SECONDS
    while not (found := LISTENING.search(log.read_text(errors="replace"))):
        assert process.poll() is None, f"code-server ended: {log.read_text()[-2000:]}"
        assert time.monotonic() < deadline, f"code-server does not listen: {log.read_text()[-2000:]}"
        time.sleep(0.02)
    return int(found[1])
