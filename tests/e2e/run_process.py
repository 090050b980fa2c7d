"""`ds4agent run` as a process, with a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

LIMIT_S = 120
COMMAND = [sys.executable, "-m", "ds4agent"]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """What is said about a failure: exactly one sentence, on one line."""
        lines = [line for line in self.err.splitlines() if line.startswith("ds4agent: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0].removeprefix("ds4agent: ")


@dataclass
class Home:
    """A user with a project folder. `engine` is the address or kind that every run gets."""

    root: Path
    engine: str
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def cwd(self) -> Path:
        path = self.root / "project"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def env(self) -> dict[str, str]:
        keep = {"DS4AGENT_LIBDS4", "DS4AGENT_MODEL"} if self.engine == "embedded" else set()
        base = {k: v for k, v in os.environ.items() if k in keep or not k.startswith(("DS4AGENT_", "XDG_"))}
        # Not the bundled one by chance: the tests run in a checkout, the agent in its project folder.
        path = os.pathsep.join([str(Path.cwd()), *filter(None, [base.get("PYTHONPATH")])])
        return base | {"HOME": str(self.root), "PYTHONPATH": path} | self.extra

    def words(self, *words: str) -> list[str]:
        return [*COMMAND, "run", "--cwd", str(self.cwd), "--engine", self.engine, *words]

    def run(self, *words: str, stdin: str = "") -> Ended:
        return self.command(self.words(*words), stdin)

    def command(self, words: Sequence[str], stdin: str = "") -> Ended:
        done = subprocess.run(
            words, env=self.env, input=stdin, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *words: str) -> Iterator[Started]:
        """A run in the background, with --json; killed when the test is over."""
        with tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(
                self.words("--json", *words),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
            try:
                yield Started(process, err)
            finally:
                process.kill()
                process.communicate()

    def transcripts(self) -> list[Path]:
        return sorted((self.root / ".local/share/ds4agent/sessions").glob("*/transcript.jsonl"))


@dataclass
class Started:
    process: subprocess.Popen[str]
    err: IO[str]
    seen: list[dict[str, Any]] = field(default_factory=list)

    def until(self, kind: str, item: str | None = None) -> dict[str, Any]:
        """Read events up to one of this type (and item type)."""
        for event in self._events():
            if event["type"] == kind and (item is None or event["item"]["type"] == item):
                return event
        raise AssertionError(f"no {kind} {item or ''}: {self._errors()}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> Ended:
        for _ in self._events():
            pass
        code = self.process.wait(LIMIT_S)
        return Ended(code, "\n".join(json.dumps(event) for event in self.seen), self._errors())

    def _events(self) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen.append(json.loads(line))
            yield self.seen[-1]

    def _errors(self) -> str:
        self.err.seek(0)
        return self.err.read()
