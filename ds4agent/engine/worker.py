"""The thread that owns the session.

Connections hand in jobs, the worker carries them out one after the other, and tells each job's sink what
happens. There is one resident session, because evaluation is what costs, and two evaluations at a time
would only share the cores.

Cancelling: a job is dropped when its client has gone. Waiting jobs are skipped; the running one is stopped
between two tokens, or, in prefill, between two chunks of the library. What was read stays in the session
and serves the next prompt that begins the same way.
"""

import queue
import threading
import time
import traceback
from collections.abc import Callable

from ds4agent.engine.binding import Cancelled, Ds4Error
from ds4agent.engine.generation import CLIENT_GONE, Defaults, Generation
from ds4agent.engine.job import Dropped, Failed, Finished, Job, Progress, Started
from ds4agent.engine.live import Live, Plan
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.vocab import Vocab
from ds4agent.wire import logline
from ds4agent.wire.errors import INTERNAL
from ds4agent.wire.logline import RequestLog

# Tokens between two progress reports. The result does not depend on it.
PREFILL_STEP = 512


class Worker:
    """First in, first out. `log` gets lines without a time stamp; it is called from the worker thread."""

    def __init__(
        self,
        vocab: Vocab,
        live: Live,
        defaults: Defaults,
        replay: ReplayMap | None,
        log: Callable[[str], None],
    ) -> None:
        self._vocab = vocab
        self._live = live
        self._defaults = defaults
        self._replay = replay
        self._log = log
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running: Job | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="worker")

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Job) -> None:
        self._jobs.put(job)

    def drop(self, job: Job) -> None:
        """The client has gone; from any thread, more than once, also after the end."""
        with self._lock:
            job.dropped.set()
            if self._running is job:
                self._live.session.cancel()

    def stop(self) -> None:
        """Break off what runs and what waits; then the thread ends."""
        with self._lock:
            self._stop.set()
            if self._running is not None:
                self._live.session.cancel()
        self._jobs.put(None)

    def join(self) -> None:
        self._thread.join()

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
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
        plan = self._plan(job)
        line = RequestLog(plan.cached, plan.prompt, job.tools)
        try:
            self._log(line.prompt_start())
            self._prefill(job, plan, line, began)
            self._log(line.prompt_done(time.monotonic() - began))
            job.sink(Started())
            self._decode(job, line, began)
        except Cancelled:
            self._log(f"{line.head} stream closed during prefill")
            job.sink(Dropped())
        except Ds4Error as error:
            job.sink(Failed(error.message))

    def _plan(self, job: Job) -> Plan:
        live = self._live
        plan = live.plan(job.prompt)
        if plan.source == "none":
            if len(live):
                self._log(logline.miss(len(live), len(job.prompt.tokens), live.common(job.prompt)))
            live.reset()
        elif plan.source == "thinking-visible":
            self._log(logline.visible_continuation(plan.cached, plan.prompt))
        live.visible = ()
        return plan

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

    def _decode(self, job: Job, line: RequestLog, began: float) -> None:
        generation = Generation(job, self._live, self._vocab, self._defaults, line, self._log)
        reply = generation.run(lambda: self._broken_off(job), self._replay)
        self._log(line.finish(generation.generated, reply.finish, generation.error, time.monotonic() - began))
        job.sink(Dropped() if self._broken_off(job) else Finished(reply))
