"""What bench.proxy compares: processes that stand between a client and the sender, and what they cost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ds4agent.sidecar import runtime
from ds4agent.sidecar.settings import ALLOCATOR, EngineSettings, SidecarSettings

ROOT = Path(__file__).parents[1]
AIOHTTP_PYTHON = ROOT / ".bench-venv/bin/python"
WIDTH = 16
START_SECONDS = 30.0
_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 0; keepalive_timeout 0;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{target}; proxy_buffering off; proxy_request_buffering off;
    }}
  }}
}}
"""


@dataclass
class Target:
    """`port` to talk to; `pid` None: the sender itself."""

    name: str
    port: int
    pid: int | None

    def _pids(self) -> list[int]:
        """The process and its children."""
        if self.pid is None:
            return []
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def cpu(self) -> float:
        """Seconds of computing so far, of all threads."""
        threads = [path for pid in self._pids() for path in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((path / "schedstat").read_text().split()[0]) for path in threads) / 1e9

    def pss(self) -> float:
        """MB of memory, shared pages by share."""
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self._pids()]
        lines = [line for text in rollups for line in text.splitlines() if line.startswith("Pss:")]
        return sum(int(line.split()[1]) for line in lines) * 1024 / 1e6


@contextmanager
def _running(
    argv: list[str], environment: dict[str, str] | None = None, printing: bool = True
) -> Iterator[tuple[int, int]]:
    """(pid, port) of a process that prints its port."""
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    try:
        yield process.pid, int(process.stdout.readline()) if printing else 0
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)
        process.stdout.close()


@contextmanager
def _sidecar(folder: Path, sender: int) -> Iterator[Target]:
    file = folder / "runtime"
    engine = EngineSettings(url=f"127.0.0.1:{sender}", width=WIDTH, hang=0)
    settings = SidecarSettings(engine, str(file), str(folder), port=0)
    environment = {**ALLOCATOR, "DS4AGENT_SIDECAR": settings.to_json()}
    with _running([sys.executable, "-m", "ds4agent.sidecar"], environment, printing=False) as (pid, _):
        deadline = time.monotonic() + START_SECONDS
        while (found := runtime.read(file)) is None:
            assert time.monotonic() < deadline, "the sidecar did not start"
            time.sleep(0.01)
        yield Target("sidecar", found.port, pid)


@contextmanager
def _nginx(folder: Path, program: str, sender: int, port: int) -> Iterator[Target]:
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, target=sender))
    argv = [program, "-c", str(config), "-p", str(folder)]
    with _running(argv, printing=False) as (pid, _):
        deadline = time.monotonic() + START_SECONDS
        while not (folder / "pid").exists():
            assert time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.01)
        yield Target("nginx", port, pid)


@contextmanager
def running_targets(folder: Path, nginx_port: int) -> Iterator[list[Target]]:
    """The sender, the sidecar, and those of the others that are there, in the order of the table."""
    python = sys.executable
    with ExitStack() as stack:
        _, sender = stack.enter_context(_running([python, "-m", "bench.proxy_sender"]))
        pid, port = stack.enter_context(_running([python, "-m", "bench.proxy_raw", str(sender)]))
        targets = [
            Target("direct", sender, None),
            stack.enter_context(_sidecar(folder, sender)),
            Target("raw relay", port, pid),
        ]
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if nginx is not None:
            targets.append(stack.enter_context(_nginx(folder, nginx, sender, nginx_port)))
        if AIOHTTP_PYTHON.exists():
            argv = [str(AIOHTTP_PYTHON), "bench/proxy_aiohttp.py", str(sender)]
            pid, port = stack.enter_context(_running(argv))
            targets.append(Target("aiohttp", port, pid))
        yield targets
