"""One job from its place in a session to the end of its turn, as steps that the worker interleaves.

A step is a bounded piece of prefill, after which it yields None, or what it takes to come to the next token,
which it yields: whoever goes on with it must have evaluated that on the session, or throws why not. So the
worker can evaluate the tokens of several turns in one pass. Between two steps other turns have theirs.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from ds4agent.engine.binding import Cancelled, Ds4Error
from ds4agent.engine.checkpoints import Checkpoints
from ds4agent.engine.generation import CLIENT_GONE, Defaults, Generation
from ds4agent.engine.job import Dropped, Failed, Finished, Job, Progress, Started
from ds4agent.engine.live import Live, Plan
from ds4agent.engine.metrics import Metrics
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.shown import Shown
from ds4agent.engine.slots import Place, Slots
from ds4agent.engine.trace import Begun, Record, Trace
from ds4agent.engine.vocab import Prompt, Vocab
from ds4agent.wire import logline
from ds4agent.wire.errors import CONTINUATION_GONE, INTERNAL
from ds4agent.wire.logline import RequestLog
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.responses import lacks_reasoning

# Tokens in one step of prefill, alone and beside other turns. The result does not depend on it.
PREFILL_STEP = 512
PREFILL_QUANTUM = 128

Steps = Generator[int | None, None, None]


class Refused(Exception):
    """The request cannot be carried out any more. `status`: of the reply."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Shop:
    """What all turns work with. `log` gets lines without a time stamp."""

    vocab: Vocab
    slots: Slots
    defaults: Defaults
    replay: ReplayMap | None
    log: Callable[[str], None]
    trace: Trace
    metrics: Metrics
    checkpoints: Checkpoints


class Turn:
    """`stopping` says why to break off, or None; `alone` whether nobody else waits for a step, `wanted`
    whether anybody waits for anything; `taken` is told the session once it is known. `spent`: seconds of
    computing, and `token`, what the next step waits for: kept by the worker.
    """

    def __init__(
        self,
        job: Job,
        shop: Shop,
        stopping: Callable[[], str | None],
        alone: Callable[[], bool],
        wanted: Callable[[], bool],
        taken: Callable[[Live], None],
    ) -> None:
        self.job = job
        self.live: Live | None = None
        self.spent = 0.0
        self.token: int | None = None
        self._shop = shop
        self._stopping = stopping
        self._alone = alone
        self._wanted = wanted
        self._taken = taken
        self.steps = self._carry_out()

    def _carry_out(self) -> Steps:
        job, shop = self.job, self._shop
        began = time.monotonic()
        try:
            place = self._place()
        except Refused as refusal:
            job.sink(Failed(refusal.message, refusal.status))
            return
        except Ds4Error as error:  # no memory for a session
            job.sink(Failed(error.message))
            return
        live, plan = place.live, place.plan
        try:
            self._take(place)
        except Ds4Error as error:
            live.reset()
            job.sink(Failed(error.message))
            return
        line = RequestLog(plan.cached, plan.prompt, bool(job.request.tools_raw), job.protocol)
        record = self._record(place, line)
        try:
            shop.log(line.prompt_start())
            yield from self._prefill(live, plan, line, began)
            read = time.monotonic() - began
            if job.prefetch:
                self._fetched(live, line, record, read)
                return
            shop.log(line.prompt_done(read))
            shop.metrics.prefilled(len(plan.suffix), read, began + read - job.created)
            usage = Usage(plan.prompt, plan.cached, 0, place.source)
            job.sink(Started(usage))
            yield from self._write(live, line, record, usage, began, read)
        except Cancelled:
            shop.log(f"{line.head} stream closed during prefill")
            record.failed("stream closed during prefill")
            job.sink(Dropped())
        except Ds4Error as error:
            record.failed(f"prefill failed: {error.message}")
            shop.checkpoints.failed(live)
            job.sink(Failed(error.message))
        except Exception:
            record.failed(INTERNAL)
            raise
        finally:
            shop.metrics.job_took(time.monotonic() - began)

    # -- placing
    # ------------------------------------------------------------------------------------------------

    def _place(self) -> Place:
        """Raises Refused."""
        job, slots = self.job, self._shop.slots
        if job.request.continues:
            return self._continue_calls()
        if job.is_hole:
            return slots.place_hole(job.prompt)
        place = slots.place(job.prompt, frozenset(job.request.answers))
        place = self._shop.checkpoints.better(place, job.prompt, slots)
        for line in self._told(place):
            self._shop.log(line)
        return place

    def _take(self, place: Place) -> None:
        self.live = live = place.live
        self._before = live.tokens[:]
        self._shop.checkpoints.displaced(live, place.kept)
        shown = self._shown(place)
        self._shop.slots.take(place, self.job.is_hole)
        live.shown = shown
        named = frozenset(call.id for m in self.job.request.messages for call in m.tool_calls)
        live.call_ids = live.call_ids | named if self.job.request.continues else named
        self._taken(live)

    def _shown(self, place: Place) -> Shown:
        """What the client will have shown of what the session then holds."""
        prompt, plan = self.job.prompt, place.plan
        if not self.job.is_chat:
            return Shown()
        if place.session is not None:  # which comes without
            return Shown().then(prompt, 0, 0, 0, plan.prompt)
        return (place.origin or place.live).shown_with(prompt, plan)

    def _record(self, place: Place, line: RequestLog) -> Record:
        job, defaults = self.job, self._shop.defaults
        settings = defaults.settle(job.request.options.sampling)
        limit = defaults.limit(job.request.options)
        begun = Begun(job, place.plan, line, self._before, settings, limit, self._shop.replay)
        return self._shop.trace.request(begun)

    def _continue_calls(self) -> Place:
        """Put the live tokens in front of a prompt that holds only what follows them. Raises Refused."""
        job, tail = self.job, self.job.prompt
        live = self._shop.slots.with_calls(frozenset(job.request.continues))
        if live is None:
            raise Refused(CONTINUATION_GONE[job.protocol].format(""), 409)
        n = len(live)
        job.prompt = Prompt(tail.pieces, bytes(live.key) + tail.key, live.tokens + tail.tokens)
        if len(job.prompt.tokens) >= live.session.n_ctx:
            raise Refused("prompt exceeds context", 400)
        plan = Plan("memory-token", n, tail.tokens)
        self._shop.log(
            logline.call_continuation(job.protocol, len(job.request.answers), n, len(job.prompt.tokens))
        )
        return Place(live, plan)

    def _told(self, place: Place) -> Iterator[str]:
        """How the prompt relates to the sessions, in ds4-server's words."""
        job, plan, live = self.job, place.plan, place.live
        request = job.request
        results = len(request.answers) or sum(m.role == "tool" for m in request.messages)
        facts = (job.protocol, results, plan.cached, plan.prompt)
        if plan.source in ("none", "memory-prefix", "disk-text"):
            yield from self._missed(place)
        elif job.protocol == "responses":
            if live.protocol == "responses":
                yield logline.visible_continuation(*facts)
                return
        elif request.answers and live.calls == set(request.answers):
            yield logline.call_continuation(*facts)
        elif plan.source == "thinking-visible":
            yield logline.visible_continuation(*facts)
        if job.protocol == "responses" and lacks_reasoning(request):
            yield logline.reasoning_missing(plan.source, plan.cached, plan.prompt)

    def _missed(self, place: Place) -> Iterator[str]:
        prompt, plan = self.job.prompt, place.plan
        closest = self._shop.slots.closest(prompt)
        if closest is not None:
            common = closest.common(prompt)
            yield logline.miss(self.job.protocol, len(closest), len(prompt.tokens), common)
        if plan.source == "memory-prefix":
            yield logline.prefix_reused(place.source, plan.cached, plan.prompt)

    # -- reading and writing
    # ------------------------------------------------------------------------------------

    def _prefill(self, live: Live, plan: Plan, line: RequestLog, began: float) -> Steps:
        total, done, before = len(plan.suffix), 0, began
        stops = self._shop.checkpoints.stops(live, plan)
        while done < total:
            step = PREFILL_STEP if self._alone() else PREFILL_QUANTUM
            end = min([done + step, total, *(at - plan.cached for at in stops if at - plan.cached > done)])
            live.append(plan.suffix[done:end])
            self._shop.metrics.read(end - done)
            now = time.monotonic()
            rate = (end - done) / max(now - before, 1e-9) if done else 0.0
            self._shop.log(line.prefill(end, rate, end / max(now - began, 1e-9), now - began))
            before, done = now, end
            self._shop.checkpoints.prefilled(live, stops)
            if done < total:
                self.job.sink(Progress(done, total))
                yield None
                if self._stopping() is not None:
                    raise Cancelled("CANCELLED", "nobody waits")
                if self.job.prefetch and self._wanted():
                    return

    def _fetched(self, live: Live, line: RequestLog, record: Record, seconds: float) -> None:
        reply = Reply("", "", (), "stop", Usage(line.prompt, line.cached, len(live) - line.cached))
        self._shop.log(logline.prefetched(line.cached, len(live), line.prompt, seconds))
        record.finished(reply, line, seconds)
        self.job.sink(Finished(reply))

    def _write(
        self, live: Live, line: RequestLog, record: Record, usage: Usage, began: float, read: float
    ) -> Steps:
        if not self.job.is_hole:
            yield from self._decode(live, line, record, usage, began, read)
            return
        # The next prompt is like this one, not like what is written now: the session stays where it ends.
        self.live = aside = live.fork()
        try:
            yield from self._decode(aside, line, record, usage, began, read)
        finally:
            self.live = live
            aside.session.close()

    def _decode(
        self, live: Live, line: RequestLog, record: Record, usage: Usage, began: float, read: float
    ) -> Steps:
        job, shop = self.job, self._shop
        generation = Generation(job, live, shop.vocab, shop.defaults, line, shop.log, record, usage)
        reply = yield from generation.run(self._stopping, shop.replay, self._evaluated)
        self._leave(live, reply)
        if generation.error == CLIENT_GONE:
            shop.log(line.disconnected())
        seconds = time.monotonic() - began
        shop.log(line.finish(generation.generated, reply.finish, generation.error, seconds))
        record.finished(reply, line, seconds)
        shop.metrics.finished(reply.usage, reply.decode_seconds)
        reply = replace(reply, prefill_seconds=read)
        job.sink(Dropped() if self._stopping() else Finished(reply))

    def _evaluated(self, live: Live) -> None:
        if not self.job.is_hole:
            self._shop.checkpoints.decoded(live)

    def _leave(self, live: Live, reply: Reply) -> None:
        """What the next request may refer to."""
        live.call_ids |= {call.id for call in reply.calls}
        if self.job.protocol in CONTINUATION_GONE and reply.finish == "tool_calls":
            live.calls = frozenset(call.id for call in reply.calls)
        if reply.finish in ("stop", "tool_calls"):
            live.protocol = self.job.protocol
