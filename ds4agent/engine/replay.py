"""The exact text of tool calls, by their ids.

A client sends calls back as JSON, which can be written in many ways; the model wrote them once, as bytes,
and those are in the cache. As long as the ids are remembered, the prompt of the next turn holds the sampled
bytes again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

MAX_CHARS = 512 << 20


class _Block:
    """The text of one sampled block, and how many of its ids are still known."""

    def __init__(self, text: str, n_calls: int) -> None:
        self.text = text
        self.n_calls = n_calls
        self.known = 0


class ReplayMap:
    """Least recently used ids go first; the limits count ids and characters.

    Used by the worker, which puts, and by the connections, which look up while they render.
    """

    def __init__(self, max_ids: int, max_chars: int = MAX_CHARS) -> None:
        self._max_ids = max_ids
        self._max_chars = max_chars
        self._blocks: OrderedDict[str, _Block] = OrderedDict()
        self._chars = 0
        self._lock = Lock()

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
        with self._lock:
            found = {self._blocks.get(call_id) for call_id in ids}
            block = found.pop() if len(found) == 1 else None
            if block is None or len(ids) != block.n_calls:
                return None
            for call_id in ids:
                self._blocks.move_to_end(call_id)
            return block.text

    def _drop(self, call_id: str) -> None:
        block = self._blocks.pop(call_id, None)
        if block is None:
            return
        block.known -= 1
        if not block.known:
            self._chars -= len(block.text)
