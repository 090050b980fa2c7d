"""The exact text of tool calls, by their ids.

A client sends calls back as JSON, which can be written in many ways; the model wrote them once, as bytes,
and those are in the cache. As long as the ids are remembered, the prompt of the next turn holds the sampled
bytes again.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from ds4agent.wire.dsml import CallStart, DsmlMachine

MAX_CHARS = 512 << 20


class _Block:
    """The text of one sampled block, and how many of its ids are still known."""

    def __init__(self, text: str, n_calls: int) -> None:
        self.text = text
        self.n_calls = n_calls
        self.known = 0


def _n_calls(block: str) -> int:
    machine = DsmlMachine(thinking=False, tools=True)
    events = machine.feed(block.encode("utf-8", "surrogateescape")) + machine.finish(cut=False)
    return sum(isinstance(event, CallStart) for event in events)


class ReplayMap:
    """Least recently used ids go first; the limits count ids and characters. `behind` is asked for the text
    of a call that is not known here.

    Used by the worker, which puts, and by the connections, which look up while they render.
    """

    def __init__(self, max_ids: int, max_chars: int = MAX_CHARS) -> None:
        self._max_ids = max_ids
        self._max_chars = max_chars
        self._blocks: OrderedDict[str, _Block] = OrderedDict()
        self._chars = 0
        self._lock = Lock()
        self.behind: Callable[[str], bytes | None] = lambda _call_id: None

    def put(self, ids: Sequence[str], text: str) -> None:
        with self._lock:
            block = _Block(text, len(ids))
            self._chars += len(text)
            for call_id in ids:
                self._drop(call_id)
                self._blocks[call_id] = block
                block.known += 1
            while len(self._blocks) > self._max_ids or self._chars > self._max_chars:
                self._drop(next(iter(self._blocks)))

    def get(self, ids: Sequence[str]) -> str | None:
        """The text of the block with these calls and no others; None if that is not known."""
        text = self._known(ids)
        if text is None and ids and (text := self._recalled(ids)) is not None:
            self.put(ids, text)
        return text

    def _recalled(self, ids: Sequence[str]) -> str | None:
        texts = {self.behind(call_id) for call_id in ids}
        text = texts.pop() if len(texts) == 1 else None
        if text is None:
            return None
        block = text.decode("utf-8", "surrogateescape")
        return block if _n_calls(block) == len(ids) else None

    def _known(self, ids: Sequence[str]) -> str | None:
        with self._lock:
            found = {self._blocks.get(call_id) for call_id in ids}
            block = found.pop() if len(found) == 1 else None
            if block is None or len(ids) != block.n_calls:
                return None
            for call_id in ids:
                self._blocks.move_to_end(call_id)
            return block.text

    def text_of(self, call_id: str) -> bytes | None:
        """The text of the block with this call."""
        with self._lock:
            block = self._blocks.get(call_id)
        return None if block is None else block.text.encode("utf-8", "surrogateescape")

    def _drop(self, call_id: str) -> None:
        block = self._blocks.pop(call_id, None)
        if block is None:
            return
        block.known -= 1
        if not block.known:
            self._chars -= len(block.text)
