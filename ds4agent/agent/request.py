"""The request of a session: a pure function of its frozen head and its messages.

The body puts everything that is frozen in front of the messages, so that each body without its closing two
bytes is a byte prefix of the next one. That is what keeps the engine's cache warm, and `first_difference`
checks it before every request: a break is named, not discovered by a slow prefill (rule R12).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ds4agent.agent import message

_TAIL = b"]}"


@dataclass(frozen=True, slots=True)
class Head:
    """Frozen when the session starts. `tools` are raw JSON texts of the functions; `mode` is raw JSON members
    (thinking and its like) that go into every request as they are.
    """

    model: str
    system: str
    tools: tuple[str, ...]
    mode: str

    def encode(self) -> bytes:
        functions = ",".join(f'{{"type":"function","function":{raw}}}' for raw in self.tools)
        tools = f'"tools":[{functions}],' if functions else ""  # some engines refuse an empty list
        return (
            b'{"model":'
            + message.encode(self.model)
            + f',{tools}{self.mode},"stream":true'.encode()
            + b',"stream_options":{"include_usage":true},"messages":['
            + message.system(self.system)
        )


def body(head: Head, messages: Sequence[bytes]) -> bytes:
    """The bytes of the next request."""
    return b",".join([head.encode(), *messages]) + _TAIL


def extends(old: bytes, new: bytes) -> bool:
    """Whether a request only adds to an earlier one."""
    return len(new) >= len(old) and new.startswith(old[: -len(_TAIL)])


def first_difference(old: bytes, new: bytes) -> str | None:
    """What changed first in `new` against the earlier body `old`; None when nothing did.

    Gives the message's index (the system text is 0) and field, or the top-level field.
    """
    if extends(old, new):
        return None
    before: dict[str, Any] = json.loads(old)
    after: dict[str, Any] = json.loads(new)
    for field in ("model", "tools", "thinking", *sorted(before.keys() | after.keys())):
        if field != "messages" and before.get(field) != after.get(field):
            return str(field)
    pairs = zip_longest(before["messages"], after["messages"][: len(before["messages"])])
    for index, (was, now) in enumerate(pairs):
        if now is None:
            return f"message {index} ({was['role']}) is gone"
        changed = [key for key in was.keys() | now.keys() if was.get(key) != now.get(key)]
        if changed:
            return f"message {index} ({was['role']}), {sorted(changed)[0]}"
    return "white space or key order"
