"""What the agent does, for a person who watches stderr: one line a step.

On a terminal the prefill line is rewritten in place; in a log it appears at most once a second and when it is
done. Called from the loop and from the thread that reads the engine's log, hence the lock.
"""

import threading
import time
from typing import IO

from ds4agent.agent import events
from ds4agent.agent.events import Event, Item, Status

WIDTH = 100
EVERY_SECONDS = 1.0


def brief(text: str, width: int = WIDTH) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."


class Progress:
    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._live = out.isatty()
        self._lock = threading.Lock()
        self._unfinished = False
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case events.ItemStarted(item):
                self._started(item)
            case events.ItemCompleted(item, summary):
                self._completed(item, summary)
            case events.Prefill(done, total, rate):
                self._prefill(done, total, rate)
            case events.Waiting(text) if text != "prefill":
                self._line(f"({text})")
            case events.Decoded(tokens, seconds):
                self._line(f"  {tokens} tokens, {tokens / max(seconds, 1e-6):.1f} t/s")
            case events.Cache(reread_tokens=reread, cause=cause) if reread:
                self._line(f"! {reread} tokens were read again: {cause}")
            case events.SessionStarted(session_id, cwd, resumed):
                self._line(f"session {session_id} in {cwd}{' (continued)' if resumed else ''}")
            case events.Failure(message):
                self._line(f"ds4agent: {message}")
            case events.SessionCompleted(session_id, status) if session_id and status is not Status.COMPLETED:
                self._line(f"to go on: ds4agent run --session {session_id}")
            case _:
                pass

    def _started(self, item: Item) -> None:
        if item.type == "command_execution":
            self._line(f"$ {brief(item.fields['command']) or '(waiting for the command that runs)'}")

    def _completed(self, item: Item, summary: str) -> None:
        fields = item.fields
        match item.type:
            case "reasoning":
                self._line(f"~ {brief(fields['text'])}" if fields["text"].strip() else None)
            case "command_execution":
                self._line(f"  {summary}")
            case "file_change":
                self._line(f"edit {fields['path']} {brief(summary)}")
            case "error":
                self._line(f"! {fields['message']}")
            case "tool_call" if "error" in fields:
                self._line(f"! {brief(str(fields['error']))}")
            case "tool_call":
                self._line(f"view {fields['arguments'].get('path')}")

    def _prefill(self, done: int, total: int, rate: float) -> None:
        now = time.monotonic()
        text = f"prefill {100 * done // max(total, 1)}% ({done}/{total} tokens, {rate:.0f} t/s)"
        if self._live:
            self._write(f"\r{text}\x1b[K", unfinished=done < total)
        elif done >= total or now - self._last >= EVERY_SECONDS:
            self._last = now
            self._line(text)

    def _line(self, text: str | None) -> None:
        if text is not None:
            self._write(("\r\x1b[K" if self._unfinished else "") + text, unfinished=False)

    def _write(self, text: str, unfinished: bool) -> None:
        with self._lock:
            try:
                self._out.write(text if unfinished else text + "\n")
                self._out.flush()
            except (OSError, ValueError):
                return  # nobody watches any more; the work goes on
            self._unfinished = unfinished
