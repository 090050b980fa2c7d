"""Calls that lead nowhere: the same one in a row, and a circle of a few.

The model is told by a note on the result, which is appended text and costs no cache. Nothing is blocked: the
note comes first, and only a model that goes on after it has read it ends the turn.

* In a row: the same tool with the same arguments, whatever came of it.
* In a circle: a call that has now given the same result for the fourth time within the last twelve calls,
  while none of the last few calls was a new one. The second half is what tells a circle from work: whoever
  edits and runs the tests gets the same "2 failed" many times over, but makes another edit in between.

A command that sleeps waits for something, and so does an empty one while a command runs: the same again is
right then. All of this can be told from the messages alone, so a turn that is taken up in its middle goes on
counting where it was.
"""

import json
import re
from collections import deque
from collections.abc import Sequence

from ds4agent.agent import message
from ds4agent.agent.message import ToolCall

ROW_TO_MENTION = 3
WINDOW = 12
SAME_RESULTS = 4
WITHOUT_NEWS = 3

_ROW_NOTE = "\n[this is the same call for the {}th time in a row; try something else]"
_CIRCLE_NOTE = (
    "\n[this call has given the same result {} times within the last {} calls; try something else, "
    "or give your answer]"
)
_NOTES = re.compile(r"\n\[this (?:is the same call for the|call has given the same result) [^\]\n]*\]\Z")
_SLEEPS = re.compile(r"\bsleep\s+[\d.]")
STILL_RUNNING = "[still running after "


class CallGuard:
    """The calls of one turn. `row` is how often in a row the last call was made, `circles` whether the model
    goes on in a circle although it was told.
    """

    def __init__(self) -> None:
        self.row = 0
        self.circles = False
        self._last = ""
        self._recent: deque[tuple[str, str]] = deque(maxlen=WINDOW)
        self._without_news = 0
        self._noted = False
        self._told = False

    def reply(self) -> None:
        """A reply begins: the model has read the notes on all results so far."""
        self._told = self._noted

    @classmethod
    def taken_up(cls, messages: Sequence[bytes]) -> "CallGuard":
        """The guard of the last turn of these messages, as it was when that turn was left."""
        guard, calls = cls(), dict[str, ToolCall]()
        for raw in messages:
            decoded = json.loads(raw)
            if decoded["role"] == "user":
                guard = cls()
            elif decoded["role"] == "assistant":
                guard.reply()
                calls = {call.id: call for call in message.calls_of(decoded)}
            elif call := calls.get(decoded["tool_call_id"]):
                guard.see(call, _NOTES.sub("", decoded["content"]))
        return guard

    def see(self, call: ToolCall, result: str) -> str:
        """Count a call; the note for its result, empty in most cases."""
        key = _key(call)
        self.row = self.row + 1 if key == self._last else 1
        self._last = key
        if _waits(call, result):
            self.row = 0
            return ""
        return self._note(key, result)

    def _note(self, key: str, result: str) -> str:
        self._without_news = self._without_news + 1 if any(key == k for k, _ in self._recent) else 0
        self._recent.append((key, result))
        same = self._recent.count((key, result))
        circle = same >= SAME_RESULTS and self._without_news >= WITHOUT_NEWS
        self._noted |= circle
        self.circles |= circle and self._told
        if self.row >= ROW_TO_MENTION:
            return _ROW_NOTE.format(self.row)
        return _CIRCLE_NOTE.format(same, len(self._recent)) if circle else ""


def _waits(call: ToolCall, result: str) -> bool:
    running = result.rpartition("\n")[2].startswith(STILL_RUNNING)
    return running or (call.name == "bash" and bool(_SLEEPS.search(call.arguments)))


def _key(call: ToolCall) -> str:
    try:
        return call.name + json.dumps(json.loads(call.arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return call.name + call.arguments
