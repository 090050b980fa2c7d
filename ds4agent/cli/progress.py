"""What the agent does, for a person who watches stderr: one line a step.

On a terminal there is also a line that lives: how far a prefill is, the end of what the model is writing. It
is rewritten in place and gone when its step is complete. In a log only whole steps appear, and a long prefill
once a second. What comes from the model or from files is shown with its control characters spelled out, so
that no text can move the cursor and paint over another.

Called from the loop and from the thread that reads the engine's log, hence the lock.
"""

import os
import threading
import time
import unicodedata
from typing import IO

from ds4agent.agent import events
from ds4agent.agent.events import Event, Item

WIDTH = 100
EVERY_SECONDS = 1.0
LIVE_SECONDS = 0.1
# Prefills that are over before anybody could wait for them are not worth a line.
SHORT_PREFILL = 256
# More than any terminal is wide.
_TAIL = 400
_MARKS = {"reasoning": "~", "agent_message": ">"}


def visible(text: str) -> str:
    """The text with everything that would act on a terminal written out, lines and tabs excepted."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def brief(text: str, width: int = WIDTH) -> str:
    """The beginning of a text on one line."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 3] + "..."


def ending(text: str, columns: int) -> str:
    """As much of the end of a text as fits on one line of a terminal."""
    line = visible(" ".join(text.split()))[-columns:]
    excess = sum(unicodedata.east_asian_width(c) in "WF" for c in line) + len(line) - columns
    while excess > 0:
        excess -= 1 + (unicodedata.east_asian_width(line[0]) in "WF")
        line = line[1:]
    return line


class Progress:
    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._live = out.isatty()
        self._lock = threading.Lock()
        self._unfinished = False
        self._last = 0.0
        self._writing = ""
        self._said = ""

    def __call__(self, event: Event) -> None:
        match event:
            case events.ItemStarted(item):
                self._started(item)
            case events.ItemUpdated(item, delta):
                self._writing = (self._writing + delta)[-_TAIL:]
                self._rewrite(_MARKS.get(item.type, " "), self._writing)
            case events.Writing(tool, length):
                self._rewrite(" ", f"writing a call of {tool}, {length} characters")
            case events.ItemCompleted(item, summary):
                self._completed(item, summary)
            case events.Prefill(done, total, rate) if total >= SHORT_PREFILL:
                self._prefill(done, total, rate)
            case events.Waiting(text) if text != "prefill":
                self._line(f"({brief(text)})")
            case events.Decoded(tokens, seconds):
                self._line(f"  {tokens} tokens, {tokens / max(seconds, 1e-6):.1f} t/s")
            case events.Cache(reread_tokens=reread, cause=cause) if reread:
                self._line(f"! {reread} tokens were read again: {cause}")
            case events.SessionStarted(session_id, cwd, resumed):
                self._line(f"session {session_id} in {visible(cwd)}{' (continued)' if resumed else ''}")
            case events.Warned(message):
                self._line(f"! {visible(message)}")
            case events.Failure(message):
                self._line(f"ds4agent: {visible(message)}")
            case events.SessionCompleted(hint=hint) if hint:
                self._line(f"to go on: {hint}")
            case _:
                pass

    def _started(self, item: Item) -> None:
        self._writing = ""
        if item.type in _MARKS:
            return
        # What the model says before it calls a tool; what it says last is the answer, on stdout.
        said, self._said = self._said, ""
        if said.strip():
            self._line(f"> {brief(said)}")
        if item.type == "command_execution":
            self._line(f"$ {brief(item.fields['command']) or '(waiting for the command that runs)'}")

    def _completed(self, item: Item, summary: str) -> None:
        fields = item.fields
        match item.type:
            case "reasoning":
                self._line(f"~ {brief(fields['text'])}" if fields["text"].strip() else None)
            case "agent_message":
                self._said = fields["text"]
            case "command_execution":
                self._line(f"  {brief(summary)}")
            case "file_change":
                self._line(f"edit {visible(fields['path'])} {brief(summary)}")
            case "error":
                self._line(f"! {brief(fields['message'])}")
            case "tool_call" if "error" in fields:
                self._line(f"! {brief(str(fields['error']))}")
            case "tool_call":
                self._line(f"view {visible(str(fields['arguments'].get('path')))}")
        self._erase()

    def _prefill(self, done: int, total: int, rate: float) -> None:
        now = time.monotonic()
        text = f"prefill {100 * done // total}% ({done}/{total} tokens, {rate:.0f} t/s)"
        if done >= total:
            self._line(text)
        elif self._live:
            self._write(f"\r{text}\x1b[K", unfinished=True)
        elif now - self._last >= EVERY_SECONDS:
            self._last = now
            self._line(text)

    def _rewrite(self, mark: str, text: str) -> None:
        """The living line, not oftener than an eye can follow."""
        now = time.monotonic()
        if self._live and now - self._last >= LIVE_SECONDS:
            self._last = now
            shown = ending(text, self._columns() - len(mark) - 2)
            self._write(f"\r{mark} {shown}\x1b[K", unfinished=True)

    def _columns(self) -> int:
        try:
            return max(20, os.get_terminal_size(self._out.fileno()).columns)
        except OSError:
            return 80

    def _line(self, text: str | None) -> None:
        if text is not None:
            self._write(("\r\x1b[K" if self._unfinished else "") + text, unfinished=False)

    def _erase(self) -> None:
        if self._unfinished:
            self._write("\r\x1b[K", unfinished=False, end="")

    def _write(self, text: str, unfinished: bool, end: str = "\n") -> None:
        with self._lock:
            try:
                self._out.write(text if unfinished else text + end)
                self._out.flush()
            except (OSError, ValueError):
                return  # nobody watches any more; the work goes on
            self._unfinished = unfinished
