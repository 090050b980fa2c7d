"""When sessions are written to disk, and what is found there.

Moments, as with ds4-server: *cold*, in the first prefill of a prompt, behind the part that other
conversations are likely to share (up to the last user marker before the first assistant marker);
*continued*, at every multiple of an interval, unless a checkpoint lies within half of one before it; *evict*,
before a session is given up; *shutdown*. And *idle*: after a turn, while nothing waits, if the rows that are
new since the last checkpoint weigh four times what a checkpoint costs besides them, or if nothing has
happened for minutes. So what is written for the sake of continuing stays a fraction of the rows, which are
written once, and a crash costs what that fraction allows at most.

A point on disk is looked for by the prompt's text when it holds more of it than any resident session. What a
resident session has of it is shared; only the rest is read from disk. What surrounds a hole is not written:
it changes with every key, and is read again in no time.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ds4agent.engine.backend import Evaluator
from ds4agent.engine.binding import BLOCK, Ds4Error
from ds4agent.engine.kv.store import Damaged, KvStore, Loaded, Point
from ds4agent.engine.live import Live, Plan, common_prefix
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.slots import Place, Slots
from ds4agent.engine.vocab import Prompt, Vocab, marked
from ds4agent.wire import logline
from ds4agent.wire.template import ASSISTANT, EOS, USER

_EOS_KEY = marked(EOS)
# A point on disk must save the reading of so many tokens more than memory does.
MIN_GAIN = 64
# New rows that pay for an idle checkpoint, in bytes for one of its own.
PAID = 4


@dataclass(frozen=True, slots=True)
class Moments:
    """Tokens, as ds4-server's flags of these names give them."""

    min_tokens: int = 512
    cold_max: int = 30000
    interval: int = 10000
    trim: int = 32
    align: int = 2048

    @property
    def step(self) -> int:
        """The interval, made a multiple of the alignment; 0: none."""
        if not self.align or not self.interval:
            return self.interval
        return -(-self.interval // self.align) * self.align

    def trimmed(self, n: int) -> int:
        """Where a prompt of n tokens is cut if nothing says better: text that follows may change its end."""
        if n <= self.min_tokens + self.trim:
            return n
        cut = n - self.trim
        if self.align:
            cut -= cut % self.align
        return cut if cut >= self.min_tokens else n

    def anchor(self, tokens: Sequence[int], user: int, assistant: int) -> int | None:
        """The last user marker before the first assistant marker: what comes before is shared."""
        end = tokens.index(assistant) if assistant in tokens else len(tokens)
        at = next((i for i in range(end - 1, -1, -1) if tokens[i] == user), -1)
        return at if at >= self.min_tokens else None

    def stops(self, tokens: Sequence[int], cached: int, marks: tuple[int, int]) -> dict[int, str]:
        """Positions behind `cached` at which prefill is to stop, with the reason."""
        n, found = len(tokens), {}
        if self.step:
            first = (cached // self.step + 1) * self.step
            found = {at: "continued" for at in range(first, n + 1, self.step) if at >= self.min_tokens}
        if self.min_tokens <= n <= self.cold_max:
            anchor = self.anchor(tokens, *marks)
            cold = anchor if anchor is not None else None if cached else self.trimmed(n)
            if cold is not None and cold > cached:
                found[cold] = "cold"
        return found


class Checkpoints:
    """Without a store: never, nothing. All of it from the worker's thread."""

    def better(self, place: Place, prompt: Prompt, slots: Slots) -> Place:
        """A place with more of the prompt, from disk; else the one given."""
        return place

    def displaced(self, live: Live, kept: int) -> None:
        """All behind `kept` tokens of a session is about to be lost."""

    def stops(self, live: Live, plan: Plan) -> Mapping[int, str]:
        """Positions at which prefill is to stop for a checkpoint."""
        return {}

    def prefilled(self, live: Live, stops: Mapping[int, str]) -> None:
        """A step of prefill is done."""

    def decoded(self, live: Live) -> None:
        """A token outside of calls is evaluated."""

    def failed(self, live: Live) -> None:
        """The prefill of a session failed, perhaps for what was loaded."""

    def idle(self, slots: Slots, waiting: Callable[[], int], long: bool = False) -> None:
        """Nothing is to be done, since long or not; stop as soon as something is waiting."""

    def shutdown(self, slots: Slots) -> None:
        """The process ends in order."""


class DiskCheckpoints(Checkpoints):
    def __init__(
        self,
        store: KvStore,
        vocab: Vocab,
        replay: ReplayMap | None,
        moments: Moments,
        quant_bits: int,
        log: Callable[[str], None],
    ) -> None:
        self._store = store
        self._vocab = vocab
        self._replay = replay
        self._moments = moments
        self._quant_bits = quant_bits
        self._log = log
        self._marks = vocab.control(USER), vocab.control(ASSISTANT)
        # What each session was loaded from, until a turn on it went well.
        self._loaded: dict[Evaluator, Point] = {}

    # -- reading
    # ------------------------------------------------------------------------------------------------

    def better(self, place: Place, prompt: Prompt, slots: Slots) -> Place:
        key, enough = prompt.key, place.plan.cached + MIN_GAIN
        while (point := self._store.find(key)) is not None and point.n_tokens >= enough:
            rest = self._rest(point, prompt)
            if rest is not None and point.n_tokens + len(rest) < slots.n_ctx:
                try:
                    return self._load(point, rest, place, slots)
                except Damaged:
                    # Set aside, the next best may be as long; else it is not tried twice for one prompt.
                    if (left := self._store.find(key)) is None or left.id != point.id:
                        continue
                except Ds4Error as error:
                    self._log(f"kv cache load failed {point.path}: {error.message}")
                    if error.status != "MEMORY":  # which says nothing of the file
                        self._store.failed(point)
            key = key[: point.key_bytes - 1]
        return place

    def _rest(self, point: Point, prompt: Prompt) -> list[int] | None:
        offset = point.key_bytes - (0 if point.kind == "token-text" else len(_EOS_KEY))
        pieces = self._vocab.rest(prompt, offset)
        return None if pieces is None else self._vocab.tokens(pieces)

    def _load(self, point: Point, rest: list[int], place: Place, slots: Slots) -> Place:
        began = time.monotonic()
        loaded = self._store.load(point)
        origin = place.origin or (place.live if place.plan.cached else None)
        live = slots.vacant() if place.kept == len(place.live) and len(place.live) else place.live
        session = self._restored(loaded, origin, slots)
        self._store.used(point)
        self._loaded[session] = point
        ms = (time.monotonic() - began) * 1000
        self._log(
            logline.disk_hit(
                point.n_tokens, point.key_bytes, self._quant_bits, point.kind, ms, str(point.path)
            )
        )
        plan = Plan("disk-text", point.n_tokens, rest)
        return replace(place, live=live, plan=plan, origin=None, session=session, loaded=tuple(loaded.tokens))

    def _restored(self, loaded: Loaded, origin: Live | None, slots: Slots) -> Evaluator:
        """Raises Damaged, Ds4Error."""
        if origin is None:
            session, had = slots.new_session(), 0
        else:
            session = origin.session.fork()
            common = common_prefix(origin.tokens, loaded.tokens)
            had = session.cut(common // BLOCK * BLOCK) // BLOCK
        try:
            for first, tokens, rows in loaded.runs():
                skip = max(had - first, 0)
                size = len(rows) // (len(tokens) // BLOCK)
                if skip * BLOCK < len(tokens):
                    session.put_rows(tokens[skip * BLOCK :], memoryview(rows)[skip * size :])
            session.load(loaded.frontier)
        except BaseException:
            session.close()
            raise
        return session

    def failed(self, live: Live) -> None:
        if (point := self._loaded.pop(live.session, None)) is not None:
            self._store.failed(point)
            live.reset()

    # -- writing
    # ------------------------------------------------------------------------------------------------

    def displaced(self, live: Live, kept: int) -> None:
        self._loaded.pop(live.session, None)
        if len(live) - kept >= self._moments.min_tokens and not live.hole:
            self._save(live, "evict")

    def stops(self, live: Live, plan: Plan) -> Mapping[int, str]:
        return {} if live.hole else self._moments.stops(live.tokens + plan.suffix, plan.cached, self._marks)

    def prefilled(self, live: Live, stops: Mapping[int, str]) -> None:
        reason = stops.get(len(live))
        if reason == "continued":
            self.decoded(live)
        elif reason is not None and len(live) > live.saved:
            self._save(live, reason)

    def decoded(self, live: Live) -> None:
        step, n = self._moments.step, len(live)
        if step and n % step == 0 and n - live.saved >= max(step // 2, 1) and n >= self._moments.min_tokens:
            self._save(live, "continued")

    def idle(self, slots: Slots, waiting: Callable[[], int], long: bool = False) -> None:
        for live in sorted(slots, key=lambda live: -live.used):
            if waiting():
                return
            self._loaded.pop(live.session, None)
            if self._unsaved(live) and (long or self._is_paid(live)):
                self._save(live, "idle")

    def _unsaved(self, live: Live) -> bool:
        return live.saved < len(live) >= self._moments.min_tokens and not live.hole

    def _is_paid(self, live: Live) -> bool:
        new = (len(live) // BLOCK - live.saved // BLOCK) * live.session.block_bytes
        return new >= PAID * live.session.rest_bytes

    def shutdown(self, slots: Slots) -> None:
        for number, live in enumerate(slots):
            if self._unsaved(live):
                self._log(logline.persisting(len(live), number if len(slots.lives) > 1 else None))
                self._save(live, "shutdown")
        self._store.close()

    def _save(self, live: Live, reason: str) -> None:
        session = live.session
        if not session.ready:
            return
        whole = len(live) // BLOCK * BLOCK
        try:
            written = self._store.add_point(
                live.tokens,
                list(self._keys(live)),
                reason,
                self._tool_map(live),
                lambda a, b: self._vocab.texts(live.tokens[a:b]),
                session.rows,
                lambda: session.save(whole),
            )
        except Ds4Error as error:  # no memory for the copy: no reason to lose the turn
            self._log(f"kv cache store failed ({reason}): {error.message}")
            return
        if written is not None:
            live.saved = len(live)

    def _keys(self, live: Live) -> Iterator[tuple[str, bytes]]:
        yield "token-text", bytes(live.key)
        kind = "responses-visible" if live.protocol == "responses" else "thinking-visible"
        for visible in live.visible:
            yield kind, visible + _EOS_KEY

    def _tool_map(self, live: Live) -> dict[str, bytes]:
        """The calls of this conversation whose sampled text is in it."""
        if self._replay is None:
            return {}
        texts = ((call_id, self._replay.text_of(call_id)) for call_id in live.call_ids)
        found = {call_id: text for call_id, text in texts if text is not None}
        return {call_id: text for call_id, text in found.items() if text in live.key}
