"""The thread that owns the session.

Connections hand in jobs, the worker carries them out one after the other, and tells each job's sink what
happens. There is one resident session, because evaluation is what costs, and two evaluations at a time
would only share the cores.

Cancelling: a job is dropped when its client has gone. A waiting one leaves the queue; the running one is
stopped between two tokens, or, in prefill, between two chunks of the library. What was read stays in the
session and serves the next prompt that begins the same way.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

from ds4agent.engine.binding import Cancelled, Ds4Error
from ds4agent.engine.generation import CLIENT_GONE, Defaults, Generation
from ds4agent.engine.job import Dropped, Failed, Finished, Job, Progress, Started
from ds4agent.engine.live import Live, Plan
from ds4agent.engine.metrics import Metrics
from ds4agent.engine.queue import JobQueue
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.trace import Begun, Trace
from ds4agent.engine.vocab import Prompt, Vocab
from ds4agent.wire import logline
from ds4agent.wire.errors import CONTINUATION_GONE, INTERNAL
from ds4agent.wire.logline import RequestLog
from ds4agent.wire.reply import Usage
from ds4agent.wire.request import Protocol
from ds4agent.wire.responses import lacks_reasoning

# Tokens between two progress reports. The result does not depend on it.
PREFILL_STEP = 512


class _Refused(Exception):
    """The request cannot be carried out any more. `status`: of the reply."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Worker:
    """First in, first out. `log` gets lines without a time stamp; it is called from the worker thread."""

    def __init__(
        self,
        vocab: Vocab,
        live: Live,
        defaults: Defaults,
        replay: ReplayMap | None,
        log: Callable[[str], None],
        trace: Trace | None = None,
        max_queue: int = 0,
    ) -> None:
        self._vocab = vocab
        self._live = live
        self._defaults = defaults
        self._replay = replay
        self._log = log
        self._trace = trace or Trace()
        self._jobs = JobQueue(max_queue)
        self.metrics = Metrics()
        self._lock = threading.Lock()
        self._running: Job | None = None
        # Of the turn that the session ends with: the calls that results may be sent for, and its API, unless
        # it was cut off.
        self._live_calls: frozenset[str] = frozenset()
        self._live_protocol: Protocol | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="worker")

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Raises QueueFull."""
        self._jobs.put(job)

    @property
    def queue_depth(self) -> int:
        return len(self._jobs)

    @property
    def busy(self) -> bool:
        return self._running is not None

    @property
    def live_tokens(self) -> int:
        return len(self._live)

    def drop(self, job: Job) -> None:
        """The client has gone; from any thread, more than once, also after the end."""
        with self._lock:
            job.dropped.set()
            if self._running is job:
                self._live.session.cancel()
        if self._jobs.remove(job):
            self.metrics.dropped()
            job.sink(Dropped())

    def is_live(self, call_id: str) -> bool:
        """Whether the session ends with this call; may change until a request that asks gets its turn."""
        return call_id in self._live_calls

    def stop(self) -> None:
        """Break off what runs and what waits; then the thread ends."""
        with self._lock:
            self._stop.set()
            if self._running is not None:
                self._live.session.cancel()
        self._jobs.close()

    def join(self) -> None:
        self._thread.join()

    def _loop(self) -> None:
        while (job := self._jobs.take()) is not None:
            with self._lock:
                self._running = job
                self._live.session.clear_cancel()
            try:
                if self._broken_off(job) is not None:
                    job.sink(Dropped())
                else:
                    self._carry_out(job)
            except Exception:
                # A defect of ours must not end the thread that all later requests wait for.
                traceback.print_exc()
                self._live.reset()
                job.sink(Failed(INTERNAL))
            finally:
                with self._lock:
                    self._running = None

    def _broken_off(self, job: Job) -> str | None:
        """Why the job is not worth going on with."""
        if self._stop.is_set():
            return "shutdown requested"
        return CLIENT_GONE if job.dropped.is_set() else None

    def _carry_out(self, job: Job) -> None:
        began = time.monotonic()
        live = self._live.tokens[:]
        try:
            plan = self._plan(job)
        except _Refused as refusal:
            job.sink(Failed(refusal.message, refusal.status))
            return
        line = RequestLog(plan.cached, plan.prompt, bool(job.request.tools_raw), job.protocol)
        settings = self._defaults.settle(job.request.options.sampling)
        limit = self._defaults.limit(job.request.options)
        self._trace.request(Begun(job, plan, line, live, settings, limit, self._replay))
        try:
            self._log(line.prompt_start())
            self._prefill(job, plan, line, began)
            read = time.monotonic() - began
            self._log(line.prompt_done(read))
            self.metrics.prefilled(len(plan.suffix), read, began + read - job.created)
            job.sink(Started(Usage(plan.prompt, plan.cached, 0)))
            self._decode(job, line, began, read)
        except Cancelled:
            self._log(f"{line.head} stream closed during prefill")
            self._trace.failed("stream closed during prefill")
            job.sink(Dropped())
        except Ds4Error as error:
            self._trace.failed(f"prefill failed: {error.message}")
            job.sink(Failed(error.message))
        finally:
            self.metrics.job_took(time.monotonic() - began)

    def _plan(self, job: Job) -> Plan:
        live = self._live
        if job.request.continues:
            self._continue_calls(job)
        plan = live.plan(job.prompt)
        for line in self._told(job, plan):
            self._log(line)
        if plan.source == "none":
            live.reset()
        live.visible = ()
        self._live_calls = frozenset()
        self._live_protocol = None
        return plan

    def _told(self, job: Job, plan: Plan) -> Iterator[str]:
        """How the prompt relates to the session, in ds4-server's words."""
        request, live = job.request, self._live
        results = len(request.answers) or sum(m.role == "tool" for m in request.messages)
        facts = (job.protocol, results, plan.cached, plan.prompt)
        if request.continues:
            yield logline.call_continuation(*facts)
        elif plan.source == "none":
            if len(live):
                yield logline.miss(job.protocol, len(live), len(job.prompt.tokens), live.common(job.prompt))
        elif job.protocol == "responses":
            if self._live_protocol == "responses":
                yield logline.visible_continuation(*facts)
                return
        elif request.answers and self._live_calls == set(request.answers):
            yield logline.call_continuation(*facts)
        elif plan.source == "thinking-visible":
            yield logline.visible_continuation(*facts)
        if job.protocol == "responses" and lacks_reasoning(request):
            yield logline.reasoning_missing(plan.source, plan.cached, plan.prompt)

    def _continue_calls(self, job: Job) -> None:
        """Put the live tokens in front of a prompt that holds only what follows them."""
        if self._live_calls != set(job.request.continues):
            raise _Refused(CONTINUATION_GONE[job.protocol].format(""), 409)
        live, tail = self._live, job.prompt
        job.prompt = Prompt(tail.pieces, bytes(live.key) + tail.key, live.tokens + tail.tokens)
        if len(job.prompt.tokens) >= live.session.n_ctx:
            raise _Refused("prompt exceeds context", 400)

    def _prefill(self, job: Job, plan: Plan, line: RequestLog, began: float) -> None:
        total = len(plan.suffix)
        before = began
        for start in range(0, total, PREFILL_STEP):
            step = plan.suffix[start : start + PREFILL_STEP]
            self._live.append(step)
            done = start + len(step)
            now = time.monotonic()
            rate = len(step) / max(now - before, 1e-9) if start else 0.0
            self._log(line.prefill(done, rate, done / max(now - began, 1e-9), now - began))
            before = now
            if done < total:
                job.sink(Progress(done, total))

    def _decode(self, job: Job, line: RequestLog, began: float, prefill_seconds: float) -> None:
        generation = Generation(job, self._live, self._vocab, self._defaults, line, self._log, self._trace)
        reply = generation.run(lambda: self._broken_off(job), self._replay)
        if job.protocol in CONTINUATION_GONE and reply.finish == "tool_calls":
            self._live_calls = frozenset(call.id for call in reply.calls)
        if reply.finish in ("stop", "tool_calls"):
            self._live_protocol = job.protocol
        if generation.error == CLIENT_GONE:
            self._log(line.disconnected())
        seconds = time.monotonic() - began
        self._log(line.finish(generation.generated, reply.finish, generation.error, seconds))
        self._trace.finished(reply, line, seconds)
        self.metrics.finished(reply.usage, reply.decode_seconds)
        reply = replace(reply, prefill_seconds=prefill_seconds)
        job.sink(Dropped() if self._broken_off(job) else Finished(reply))
