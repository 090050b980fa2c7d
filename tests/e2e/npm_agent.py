"""Programs from npm, a coding agent among them, installed once into this checkout's ignored cache."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "npm"
PACKAGE, VERSION, PROGRAM = "@mariozechner/pi-coding-agent", "0.73.1", "pi"


def _node() -> None:
    """Debian's, if there is none and we may."""
    if shutil.which("npm") is None:
        command = "apt-get update && apt-get install -y --no-install-recommends nodejs npm"
        subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


def install(package: str, version: str) -> Path:
    """The folder of a package. Workers that run at the same time wait for the first one's installation."""
    folder = CACHE / f"{package.rpartition('/')[2]}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _node()
            manifest = {"private": True, "dependencies": {package: version}}
            (folder / "package.json").write_text(json.dumps(manifest))
            command = [
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--cache",
                str(CACHE / "npm"),
            ]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            (folder / "complete").touch()
    return folder


def write_settings(home: Path, port: int) -> None:
    """The agent's own settings: one provider, our engine."""
    model = {
        "id": "ds4",
        "name": "ds4",
        "reasoning": True,
        "input": ["text"],
        "contextWindow": 16384,
        "maxTokens": 2048,
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
    }
    provider = {
        "baseUrl": f"http://127.0.0.1:{port}/v1",
        "api": "openai-completions",
        "apiKey": "none",
        "models": [model],
    }
    path = home / ".pi" / "agent" / "models.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"providers": {"ds4": provider}}))


def run_agent(home: Path, folder: Path, port: int, task: str) -> tuple[int, list[dict[str, object]]]:
    """Exit code and events of one headless turn; nothing but the engine can be reached."""
    program = install(PACKAGE, VERSION) / "node_modules" / ".bin" / PROGRAM
    write_settings(home, port)
    nowhere = "http://127.0.0.1:9"
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "PI_OFFLINE": "1", "HTTPS_PROXY": nowhere}
    command = [str(program), "-p", "--mode", "json", "--provider", "ds4", "--model", "ds4", task]
    done = subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
