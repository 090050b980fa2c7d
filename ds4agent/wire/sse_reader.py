"""Server-sent events out of a stream of bytes, cut anywhere.

Comments are events too here: ds4-server writes `: prefill` while a long prompt is read, and that is how a
client knows that silence is work.
"""

import re
from dataclasses import dataclass

_LINE = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Comment:
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """One dispatched event. `event` is "message" when the stream named none."""

    event: str
    data: str


class SseReader:
    """Feed bytes, get the events that became complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._event = ""

    def feed(self, data: bytes) -> list[Comment | Record]:
        # A CR at the very end may be half of CR LF, so it waits for the next byte.
        *lines, self._rest = _LINE.split(self._rest + data)
        found = [self._line(line.decode("utf-8", "replace")) for line in lines]
        return [event for event in found if event is not None]

    def _line(self, line: str) -> Comment | Record | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            return Comment(line[1:].removeprefix(" "))
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        return None

    def _dispatch(self) -> Record | None:
        data, event = self._data, self._event or "message"
        self._data, self._event = [], ""
        return Record(event, "\n".join(data)) if data else None
