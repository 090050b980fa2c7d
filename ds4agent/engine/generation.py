"""The decode loop of one request: sample, show, evaluate, until something ends the turn.

A token is shown before it is evaluated, so that the client sees it one evaluation earlier. Every sampled
token except the end marker is evaluated, also the last one: the session then holds the whole turn, and the
next prompt goes on from there.
"""

import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from ds4agent.engine.backend import DrawSettings
from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.job import Emitted, Job
from ds4agent.engine.live import Live
from ds4agent.engine.logprobs import Logprobs
from ds4agent.engine.policy import Policy
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.trace import Record
from ds4agent.engine.vocab import Vocab, encode
from ds4agent.wire.dialect import Emission
from ds4agent.wire.dsml import CallStart, DsmlMachine, Event, Turn
from ds4agent.wire.fields import Options, Sampling
from ds4agent.wire.logline import RequestLog
from ds4agent.wire.message import ToolCall
from ds4agent.wire.reply import Finish, Reply, Usage
from ds4agent.wire.stops import StopFilter
from ds4agent.wire.template import THINK_CLOSE, THINK_OPEN

LOG_EVERY = 50
CLIENT_GONE = "client stream write failed"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request gets where it says nothing."""

    temperature: float
    max_tokens: int
    top_p: float = 1.0
    min_p: float = 0.05
    top_k: int = 0

    def limit(self, options: Options) -> int:
        """Tokens at most, whatever the context has room for."""
        return self.max_tokens if options.max_tokens is None else options.max_tokens

    def settle(self, asked: Sampling) -> DrawSettings:
        """An explicit value always wins, also while thinking."""

        def pick(value: float | None, default: float) -> float:
            return default if value is None else value

        return DrawSettings(
            pick(asked.temperature, self.temperature),
            pick(asked.top_p, self.top_p),
            pick(asked.min_p, self.min_p),
            self.top_k if asked.top_k is None else asked.top_k,
            asked.seed or secrets.randbits(64) | 1,
        )


class Generation:
    """Decodes one turn on a session that holds the whole prompt."""

    def __init__(
        self,
        job: Job,
        live: Live,
        vocab: Vocab,
        defaults: Defaults,
        line: RequestLog,
        log: Callable[[str], None],
        record: Record,
        usage: Usage,
    ) -> None:
        self._job = job
        self._live = live
        self._vocab = vocab
        self._line = line
        self._log = log
        self._record = record
        self._usage = usage
        draw = live.session.sampler(defaults.settle(job.request.options.sampling))
        whole = job.request.output is not None
        self._policy = Policy(draw, vocab, job.forced, job.constraint, whole)
        self._logprobs = Logprobs(live.session, vocab, job.request.logprobs)
        self._machine = DsmlMachine(thinking=job.thinking, tools=bool(job.request.tools_raw))
        self._stops = StopFilter(job.request.options.stops)
        self._turn = Turn()
        self._ids: list[str] = []
        self._raw = bytearray()
        self._n_prompt = len(live)
        self._owed = len(encode(job.healed))
        self._room = room = live.session.n_ctx - self._n_prompt
        limit = defaults.limit(job.request.options)
        self._limit = min(limit, room)
        record.decoding(limit, room)
        self.generated = 0
        self.error: str | None = None
        self._started = self._interval_time = time.monotonic()
        self._interval_at = self._n_prompt

    def run(
        self, stopping: Callable[[], str | None], replay: ReplayMap | None, evaluated: Callable[[Live], None]
    ) -> Generator[int, None, Reply]:
        """Yields tokens to be evaluated on the session before the next step. `stopping` says why to break
        off, or None; `evaluated` is called where a checkpoint may be made.
        """
        finish: Finish
        try:
            finish = yield from self._decode(stopping, evaluated)
        except Ds4Error as error:
            self.error = stopping() or error.message
            finish = "error"
        if not self._stops.hit:
            self._show(self._machine.feed(self._stops.finish()))
        self._show(self._machine.finish(cut=finish in ("length", "error")))
        calls, block = self._calls(finish)
        finish = self._judge(finish, bool(calls))
        self._log_interval(last=True)
        if calls and replay is not None:
            replay.put([call.id for call in calls], block)
        self._remember(finish, block)
        if calls:
            self._log(self._line.tool_calls([c.id for c in calls], [c.name for c in calls]))
        usage = replace(self._usage, completion=self.generated)
        return Reply(
            self._turn.reasoning,
            self._turn.content,
            calls,
            finish,
            usage,
            thinking_cut=self._machine.in_think,
            stop=self._stops.found,
            logprobs=tuple(self._logprobs.all),
            decode_seconds=time.monotonic() - self._started,
        )

    def _decode(
        self, stopping: Callable[[], str | None], evaluated: Callable[[Live], None]
    ) -> Generator[int, None, Finish]:
        while self.generated < self._limit:
            self.error = stopping()
            if self.error:
                return "error"
            token = self._policy.next(self._machine)
            if token in self._vocab.ends and not self._job.request.options.ignore_eos:
                return "stop"
            text = self._new(self._vocab.text(token))
            if not text:
                yield token
                continue
            self.generated += 1
            self._raw += text
            self._logprobs.drawn(token, self._machine)
            orphans = self._machine.orphans
            passed = self._stops.skip(text) if self._policy.dictated else self._stops.feed(text)
            self._show(self._machine.feed(passed))
            if self._machine.orphans > orphans:
                self._log(self._line.orphan_end(self.generated))
            self._record.sampled(text, self._machine.in_block, self._machine.done)
            yield token
            if not self._machine.in_block:
                evaluated(self._live)
            if self.generated % LOG_EVERY == 0:
                self._log_interval(last=False)
            if self._machine.done:
                return "tool_calls"
            if self._stops.hit or self._machine.error or self._policy.answered:
                return "stop"
            if self._out_of_time(text):
                return "length"
        return "length"

    def _new(self, text: bytes) -> bytes:
        """What of a token's text the client has not. A token with nothing of it takes room, but is not
        counted.
        """
        owed = min(self._owed, len(text))
        self._owed -= owed
        if owed and owed == len(text):
            self._room -= 1
            self._limit = min(self._limit, self._room)
        return text[owed:]

    def _out_of_time(self, text: bytes) -> bool:
        seconds = self._job.request.seconds
        return seconds is not None and b"\n" in text and time.monotonic() - self._started > seconds

    def _show(self, events: list[Event]) -> None:
        machine = self._machine
        self._line.thinking = machine.in_think
        self._line.dsml_start = machine.in_block
        self._line.dsml_end = machine.done
        if not events:
            return
        self._turn.add(events)
        emissions = [Emission(event, self._call_id(event), self._logprobs.take(event)) for event in events]
        self._job.sink(Emitted(emissions))

    def _call_id(self, event: Event) -> str:
        if isinstance(event, CallStart):
            self._ids.append(self._job.call_prefix + secrets.token_hex(16))
            return self._ids[-1]
        return ""

    def _calls(self, finish: Finish) -> tuple[tuple[ToolCall, ...], str]:
        """The calls of the turn and the text that stands for them."""
        machine, turn = self._machine, self._turn
        request = self._job.request
        free = self._job.is_chat and not request.tools_raw and request.output is None
        if free and not self._stops.hit:
            machine, turn = self._reread(finish)
        if not machine.done:
            return (), ""
        if machine is not self._machine:
            self._turn = turn
            self._ids = [self._job.call_prefix + secrets.token_hex(16) for _ in turn.calls]
        elif machine.repaired:
            self._log(self._line.repaired(len(turn.calls)))
        calls = (ToolCall(i, c.name, c.arguments) for i, c in zip(self._ids, turn.calls, strict=True))
        return tuple(calls), machine.block_text

    def _reread(self, finish: Finish) -> tuple[DsmlMachine, Turn]:
        """Calls in a turn to which no tools were offered: streamed as content, still calls in the end."""
        machine = DsmlMachine(thinking=self._job.thinking, tools=True)
        turn = Turn()
        turn.add(machine.feed(bytes(self._raw)))
        turn.add(machine.finish(cut=finish == "length"))
        return machine, turn

    def _judge(self, finish: Finish, called: bool) -> Finish:
        if finish == "error":
            return finish
        if self._machine.error:
            self.error = self._machine.error
            return "error"
        return "tool_calls" if called else finish

    def _remember(self, finish: Finish, block: str) -> None:
        """The texts by which the next prompt may refer to this turn, other than the sampled one."""
        key, tag = self._job.prompt.key, THINK_OPEN.encode()
        closed = self._job.thinking and not self._machine.in_think and key.endswith(tag)
        kept = self._job.is_chat and finish != "error" and not self._stops.hit
        if not (closed and kept) or (block and not self._job.tool_context):
            return
        answer = THINK_CLOSE.encode() + encode(self._turn.content) + encode(block)
        if self._job.tool_context:
            reasoning = encode(self._turn.reasoning)
            self._live.visible = (key + answer, key + reasoning + answer)
        else:
            visible = key[: -len(tag)] + answer
            self._live.visible = (visible,)
            if finish != "length":
                self._log(self._line.remembered(len(self._live), len(visible)))

    def _log_interval(self, last: bool) -> None:
        end = len(self._live)
        if end == self._interval_at or (last and not self.generated):
            return
        now = time.monotonic()
        rate = (end - self._interval_at) / max(now - self._interval_time, 1e-9)
        average = self.generated / max(now - self._started, 1e-9)
        line = self._line.decoding(
            self._interval_at, end, self.generated, (rate, average), now - self._started
        )
        self._log(line)
        self._interval_at, self._interval_time = end, now
