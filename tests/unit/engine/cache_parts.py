"""Sessions, slots and a disk store on a scripted model, turn by turn and without a thread."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ds4agent.engine.backend import Evaluator, Tokenizer
from ds4agent.engine.binding import BLOCK, Model
from ds4agent.engine.checkpoints import Checkpoints, DiskCheckpoints, Moments
from ds4agent.engine.generation import Defaults
from ds4agent.engine.job import Failed, Finished, Job, Message, Started
from ds4agent.engine.kv.store import KvStore
from ds4agent.engine.live import Live
from ds4agent.engine.metrics import Metrics
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.server import Server
from ds4agent.engine.slots import Slots
from ds4agent.engine.trace import Trace
from ds4agent.engine.turn import Shop, Turn
from ds4agent.engine.vocab import Prompt, Vocab
from ds4agent.engine.worker import Worker
from ds4agent.resources import format_texts
from ds4agent.wire import chat
from ds4agent.wire.dialect import Dialect
from ds4agent.wire.models import ModelCard
from ds4agent.wire.reply import Reply
from ds4agent.wire.template import CONTROL, raw_prompt
from tests.unit.engine.kv_parts import FINGERPRINT, Clock
from tests.unit.engine.scripted import ScriptedModel, ScriptedSession

BLOCK_BYTES = 4 * BLOCK
# No checkpoint but those that a test asks for.
NEVER = Moments(min_tokens=1, cold_max=0, interval=0, trim=0, align=0)


_SPLIT = re.compile("(" + "|".join(map(re.escape, CONTROL)) + ")")


class PairModel(ScriptedModel):
    """`ab` is one token where it is tokenized at once, and two where it is not."""

    pair = 272

    @property
    def n_vocab(self) -> int:
        return self.pair + 1

    def tokenize(self, text: bytes) -> list[int]:
        parts = text.split(b"ab")
        tokens = super().tokenize(parts[0])
        for part in parts[1:]:
            tokens += [self.pair, *super().tokenize(part)]
        return tokens

    def token_bytes(self, token: int) -> bytes:
        return b"ab" if token == self.pair else super().token_bytes(token)


def raw(text: str, model: Tokenizer | None = None) -> Prompt:
    """A prompt that begins as every text does; control strings in it are control."""
    pieces = ((part, i % 2 == 1) for i, part in enumerate(_SPLIT.split(text)))
    return Vocab(model or ScriptedModel()).prompt(raw_prompt(pieces))


class Engine:
    """What the worker's thread does, done by the test: `ask` is a whole turn. `real`: instead of the scripted
    model.
    """

    def __init__(
        self,
        folder: Path | None = None,
        n: int = 1,
        replies: Sequence[str] = (),
        moments: Moments = NEVER,
        n_ctx: int = 100_000,
        block: int = BLOCK,
        real: Model | None = None,
    ) -> None:
        self.first = ScriptedSession(ScriptedModel(), n_ctx, replies)
        self.first.block = block
        make: Callable[[], Evaluator] = self.first.empty if real is None else partial(real.session, n_ctx)
        self.vocab = Vocab(real or self.first.model)
        self.slots = Slots(self.vocab, make, n)
        self.lines: list[str] = []
        self.replay = ReplayMap(1000)
        self.store: KvStore | None = None
        self.checkpoints = Checkpoints()
        if folder is not None:
            probe = make()
            self.store = KvStore(folder, FINGERPRINT, probe.block_bytes, 0, self.lines.append, Clock())
            probe.close()
            self.replay.behind = self.store.tool_block
            self.checkpoints = DiskCheckpoints(
                self.store, self.vocab, self.replay, moments, 8, self.lines.append
            )
        defaults = Defaults(1.0, 5000)
        self.shop = Shop(
            self.vocab, self.slots, defaults, self.replay, self.lines.append, Trace(), Metrics(),
            self.checkpoints,
        )  # fmt: skip
        worker = Worker(self.vocab, self.slots, defaults, self.replay, self.lines.append)
        card = ModelCard("Scripted One", n_ctx, 5000)
        self.server = Server(worker, self.vocab, format_texts(), card, self.replay, cors=False)
        self.at_start: list[int] = []

    @property
    def disk(self) -> DiskCheckpoints:
        assert isinstance(self.checkpoints, DiskCheckpoints)
        return self.checkpoints

    @property
    def disk_store(self) -> KvStore:
        assert self.store is not None
        return self.store

    def job(self, dialect: Dialect = chat.DIALECT, **body: Any) -> Job:
        body.setdefault("model", "m")
        return self.server.job(dialect, json.dumps(body, ensure_ascii=False).encode())

    def turn(self, job: Job, alone: bool = True) -> tuple[Turn, list[Message]]:
        """Not begun yet."""
        seen: list[Message] = []
        turn = Turn(job, self.shop, lambda: None, lambda: alone, lambda: False, lambda _live: None)

        def sink(message: Message) -> None:
            if isinstance(message, Started) and turn.live is not None:
                self.at_start = turn.live.tokens[:]
            seen.append(message)

        job.sink = sink
        return turn, seen

    def finish(self, turn: Turn) -> None:
        while self.step(turn):
            pass

    def step(self, turn: Turn) -> bool:
        """Whether there is another one."""
        try:
            token = next(turn.steps)
        except StopIteration:
            if turn.live is not None:
                turn.live.busy = False
            return False
        if token is not None and turn.live is not None:
            turn.live.append([token])
        return True

    def carry_out(self, job: Job) -> Message:
        turn, seen = self.turn(job)
        self.finish(turn)
        return seen[-1]

    def ask(self, dialect: Dialect = chat.DIALECT, **body: Any) -> Reply:
        message = self.carry_out(self.job(dialect, **body))
        assert isinstance(message, Finished), message
        return message.reply

    def fail(self, dialect: Dialect = chat.DIALECT, **body: Any) -> Failed:
        message = self.carry_out(self.job(dialect, **body))
        assert isinstance(message, Failed), message
        return message

    def raw_job(self, prompt: Prompt, max_tokens: int = 0) -> Job:
        job = self.job(messages=[{"role": "user", "content": ""}], max_tokens=max_tokens, temperature=0)
        return replace(job, prompt=prompt, thinking=False)

    def raw(self, prompt: Prompt, max_tokens: int = 0) -> Reply:
        """A turn on a prompt of which nothing is rendered."""
        message = self.carry_out(self.raw_job(prompt, max_tokens))
        assert isinstance(message, Finished), message
        return message.reply

    def idle(self, long: bool = False) -> None:
        self.checkpoints.idle(self.slots, lambda: 0, long)

    def stop(self) -> None:
        """An end in order."""
        self.checkpoints.shutdown(self.slots)

    def hold(self, *texts: str) -> Live:
        """One more resident session; each text is tokenized by itself."""
        live = live_with(*texts, session=self.first.empty())
        self.slots.lives.append(live)
        live.used = len(self.slots.lives)
        return live


def live_with(*texts: str, session: ScriptedSession) -> Live:
    """A session behind the beginning of a text and these texts."""
    live = Live(Vocab(session.model), session)
    live.append(raw("", session.model).tokens)
    for text in texts:
        live.append(raw(text, session.model).tokens[1:])
    return live
