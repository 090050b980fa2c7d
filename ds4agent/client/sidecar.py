"""The sidecar as front ends find it, and as they start it where none runs.

There is one for each user. The runtime file says where it is, and the lock on that file whether it is: the
lock ends with its process, so a file that was left over, or a pid that belongs to somebody else by now, is
nobody's sidecar. What the file says is then proven by a request with its token, which also keeps a sidecar
that leaves when nobody comes from doing so for a while.

Who finds none starts one, under a lock of its own: of several that come at once one starts it, the others
find it. The sidecar is nobody's child then. It has a session of its own, writes to a file of the state
folder, and outlives who started it, until nobody has come for as long as the setting `serve.leave` says.
Only a start that is given up is ended with who began it. A sidecar that is there and does not answer, since
it starts, stops or has no time, is waited for: a second one would be refused anyway.
"""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from ds4agent import config, paths
from ds4agent.client.errors import EngineStartError
from ds4agent.sidecar import runtime
from ds4agent.sidecar.runtime import Runtime

START_SECONDS = 60.0
PROOF_SECONDS = 5.0
# Between two looks at a sidecar that starts; it takes half a second.
PAUSE_SECONDS = 0.02
STATUS = "/ds4agent/status"


class SidecarError(EngineStartError):
    """No sidecar can be had; the message says why, with its last words if it had any."""


async def find_sidecar() -> Runtime | None:
    """The one that runs, None if none does, or none that answers within five seconds. Model requests go to
    its `url`; with its `token` as the bearer token they are this user's, whatever keys others need.
    """
    found = runtime.read(paths.runtime_file())
    return found if found is not None and await _answers(found) else None


async def ensure_sidecar(within: float = START_SECONDS) -> Runtime:
    """The one that runs, started if none does. `within`: seconds. Raises SidecarError."""
    try:
        async with asyncio.timeout(within):
            return await _found_or_started()
    except TimeoutError as error:
        raise SidecarError(f"no sidecar answered within {within:g} seconds{_why()}") from error
    except config.ConfigError as error:
        raise SidecarError(f"the sidecar was not started: {error}") from error
    except OSError as error:
        raise SidecarError(f"the sidecar cannot be started: {error}") from error


async def _answers(found: Runtime) -> bool:
    try:
        async with asyncio.timeout(PROOF_SECONDS):
            return bool(json.loads(await _status(found))["pid"] == found.pid)
    except (OSError, TimeoutError, ValueError, KeyError, TypeError):
        return False


async def _status(found: Runtime) -> bytes:
    """The body of whatever is answered."""
    reader, writer = await asyncio.open_connection(found.host, found.port)
    try:
        head = (f"GET {STATUS} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {found.token}", "", "")
        writer.write("\r\n".join(head).encode())
        return (await reader.read()).partition(b"\r\n\r\n")[2]
    finally:
        writer.close()


async def _found_or_started() -> Runtime:
    file = paths.runtime_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        if (found := await find_sidecar()) is not None:
            return found
        if not runtime.is_held(file) and (lock := _lock(file.with_name("sidecar.start.lock"))) is not None:
            try:
                # Somebody may have been quicker than this lock.
                if not runtime.is_held(file):
                    return await _started(file)
            finally:
                os.close(lock)
        await asyncio.sleep(PAUSE_SECONDS)


def _lock(path: Path) -> int | None:
    """None: somebody else is about to start one."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


async def _started(file: Path) -> Runtime:
    log = paths.sidecar_log()
    process = _start(log)
    try:
        while (found := await find_sidecar()) is None:
            # One that came first, by hand, is refused to nobody.
            if (status := process.poll()) is not None and not runtime.is_held(file):
                raise SidecarError(f"the sidecar did not start: {_last_words(log, status)}")
            await asyncio.sleep(PAUSE_SECONDS)
    except BaseException:
        process.terminate()
        raise
    finally:
        # Whoever is its parent has to hear of its end.
        threading.Thread(target=process.wait, name="sidecar", daemon=True).start()
    return found


def _start(log: Path) -> subprocess.Popen[bytes]:
    """Raises ConfigError, OSError."""
    leave = config.load({}).serve.leave
    with suppress(FileNotFoundError):
        log.replace(log.with_suffix(".log.1"))
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "ds4agent", "serve", "--any-port", "--leave", f"{leave:g}"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=log.parent,  # no project folder is held, nor are modules found in one
            start_new_session=True,
        )
    finally:
        os.close(out)


def _last_words(log: Path, status: int) -> str:
    ended = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"
    return f"{_last_line(log) or 'it said nothing'} ({ended}; {log})"


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip().removeprefix("ds4agent: ").removeprefix("Error: ") if lines else ""


def _why() -> str:
    if (found := runtime.read(paths.runtime_file())) is not None:
        return f": the one with pid {found.pid} is there, but does not answer"
    with suppress(FileNotFoundError):
        if said := _last_line(paths.sidecar_log()):
            return f"; what it said last: {said}"
    return ""
