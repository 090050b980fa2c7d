"""What a reply says about its tokens, read from the bytes as they went by.

Every API writes a member "usage", near the start of a stream (Anthropic's prompt side) or at the end of any
reply; a little of both ends is kept, the middle is only counted.
"""

import re
from dataclasses import dataclass

_HEAD = 4 << 10
_TAIL = 16 << 10
_USAGE = b'"usage":{'
_NUMBER = re.compile(rb'"([a-z_]+)":\s*(\d{1,15})\b')
_PROMPT = (b"prompt_tokens", b"input_tokens")
# What the last event of a stream has, in each API; that of /infill is the one that stops.
_LAST = re.compile(
    rb'data: \[DONE\]|message_stop|response\.(?:completed|incomplete|failed)|event: error|"stop":true'
)
_OUTPUT = (b"completion_tokens", b"output_tokens")


@dataclass(frozen=True, slots=True)
class Tokens:
    """None: the engine did not say."""

    prompt: int | None = None
    cached: int | None = None
    output: int | None = None


class Observed:
    """One reply. `first`, `last`: when bytes came, on the clock of the caller."""

    __slots__ = ("_head", "_tail", "events", "first", "last", "n_bytes")

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self.n_bytes = 0
        self.events = 0
        self.first = 0.0
        self.last = 0.0

    def feed(self, data: bytes, now: float) -> None:
        if not self.n_bytes:
            self.first = now
        self.last = now
        self.n_bytes += len(data)
        self.events += 1
        if len(self._head) < _HEAD:
            self._head += data[:_HEAD]
        self._tail += data
        if len(self._tail) > 2 * _TAIL:
            del self._tail[:-_TAIL]

    def is_whole_stream(self) -> bool:
        """Whether the last event has come, and to its end."""
        return self._tail.endswith(b"\n\n") and _LAST.search(self._tail) is not None

    def tokens(self) -> Tokens:
        start, end = _numbers(self._head, first=True), _numbers(self._tail, first=False)
        found = {**start, **end}
        prompt, cached = _pick(found, _PROMPT), found.get(b"cached_tokens")
        if b"cache_read_input_tokens" in found:  # Anthropic counts what was read apart
            cached = found[b"cache_read_input_tokens"]
            prompt = (prompt or 0) + cached + found.get(b"cache_creation_input_tokens", 0)
        return Tokens(prompt, cached, _pick(found, _OUTPUT))


def _numbers(data: bytearray, first: bool) -> dict[bytes, int]:
    at = data.find(_USAGE) if first else data.rfind(_USAGE)
    if at < 0:
        return {}
    depth, end = 0, at + len(_USAGE) - 1
    for end in range(at + len(_USAGE) - 1, min(len(data), at + 1024)):
        depth += {0x7B: 1, 0x7D: -1}.get(data[end], 0)
        if not depth:
            break
    return {name: int(number) for name, number in _NUMBER.findall(data[at:end])}


def _pick(found: dict[bytes, int], names: tuple[bytes, ...]) -> int | None:
    return next((found[name] for name in names if name in found), None)
