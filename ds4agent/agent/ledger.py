"""Predict, then compare: how much of a request the engine should have in its cache, and how much it had.

After a reply the engine's live state is the prompt and everything it sampled, so that many tokens of the next
request are expected back. Whatever is missing was read twice; it becomes an event with a cause, so that no
second read is ever silent (rules R12, R13). The figures of the last reply are in the transcript, so the
prediction also holds for a session that is taken up again.
"""

from collections.abc import Sequence

from ds4agent.agent.events import Cache
from ds4agent.agent.request import first_difference
from ds4agent.agent.transcript import Record
from ds4agent.client.reply import Usage

INTERRUPTED = "interrupted"
CUT = "cut"
REPETITION = "repetition"


class Ledger:
    """The bookkeeping of one session. An engine is named by its process, not by its address."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._engine = ""
        self._expected = 0
        self._last_engine = ""
        self._odd_end: str | None = None
        self._sent: bytes | None = None
        self._difference: str | None = None
        for record in records:
            if record.fields.get("role") == "assistant":
                self._learn(record)

    def _learn(self, record: Record) -> None:
        usage = record.fields.get("usage")
        if usage:
            self._expected = usage["prompt"] + usage["completion"]
            self._last_engine = record.fields["engine"]
        self._odd_end = record.fields.get("odd_end")

    def before(self, body: bytes, engine: str) -> int:
        """Note a request that is about to be sent; the number of tokens that should be cached."""
        self._engine = engine
        self._difference = first_difference(self._sent, body) if self._sent else None
        self._sent = body
        return self._expected

    def after(self, usage: Usage) -> Cache | None:
        """Compare; None when the engine does not tell what it had cached."""
        predicted = self._expected
        self._expected = usage.prompt + usage.completion
        found = None
        if usage.cached is not None:
            reread = max(0, predicted - usage.cached)
            cause = self._cause() if reread else None
            found = Cache(predicted, usage.cached, usage.prompt, reread, cause)
        self._last_engine, self._odd_end = self._engine, None
        return found

    def odd_end(self, what: str) -> None:
        """The last reply cannot be repeated as it was sampled, so the engine may be ahead of us."""
        self._odd_end = what

    def _cause(self) -> str:
        if self._difference:
            return f"the request changed: {self._difference}"
        if self._last_engine != self._engine:
            return "the engine was restarted or replaced"
        if self._odd_end == INTERRUPTED:
            return "the turn before was interrupted"
        if self._odd_end == CUT:
            return "the reply before was malformed"
        if self._odd_end == REPETITION:
            return "the reply before was broken off because it repeated itself"
        return "the engine lost its cache: another request used it, or it dropped the session"
