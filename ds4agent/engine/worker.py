"""The thread that owns the sessions.

Connections hand in jobs, the worker carries them out, and tells each job's sink what happens. Jobs are taken
on in the order in which they came, as long as a session is free for them; a hole is passed by others while
it would cost a conversation its session. Turns that go on at the same time
have steps by turns: always the one that has computed least so far, so that a long prefill takes its share
of the time and no more, and a token is never further away than one step of everyone else. Tokens that
several turns wait for are evaluated in one pass over the weights.

Cancelling: a job is dropped when its client has gone. A waiting one leaves the queue; one that runs is
stopped between two tokens, or, in prefill, between two chunks of the library. What was read stays in the
session and serves the next prompt that begins the same way.

Reading ahead begins when nothing else goes on, and ends when anything else wants to. While nothing is to be
done, checkpoints are written.
"""

import threading
import time
import traceback
from collections.abc import Callable
from functools import partial

from ds4agent.engine.binding import Ds4Error
from ds4agent.engine.checkpoints import Checkpoints
from ds4agent.engine.generation import CLIENT_GONE, Defaults
from ds4agent.engine.job import Dropped, Failed, Job
from ds4agent.engine.live import Live
from ds4agent.engine.metrics import Metrics
from ds4agent.engine.queue import JobQueue
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.slots import Slots
from ds4agent.engine.trace import Trace
from ds4agent.engine.turn import Shop, Turn
from ds4agent.engine.vocab import Vocab
from ds4agent.wire.errors import INTERNAL

# Without a request for so long, a conversation is taken to rest.
SETTLED_SECONDS = 300.0


class Worker:
    """`log` gets lines without a time stamp; it is called from the worker thread."""

    def __init__(
        self,
        vocab: Vocab,
        slots: Slots,
        defaults: Defaults,
        replay: ReplayMap | None,
        log: Callable[[str], None],
        *,
        trace: Trace | None = None,
        max_queue: int = 0,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.metrics = Metrics()
        self._slots = slots
        self._checkpoints = checkpoints or Checkpoints()
        self._shop = Shop(
            vocab, slots, defaults, replay, log, trace or Trace(), self.metrics, self._checkpoints
        )
        self._jobs = JobQueue(max_queue)
        self._turns: list[Turn] = []
        self._lock = threading.Lock()
        self._sessions: dict[Job, Live] = {}
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
        return bool(self._turns)

    @property
    def live_tokens(self) -> int:
        return self._slots.n_tokens

    def is_live(self, call_id: str) -> bool:
        """Whether a session ends with this call; may change until a request that asks gets its turn."""
        return any(call_id in live.calls for live in list(self._slots))

    def drop(self, job: Job) -> None:
        """The client has gone; from any thread, more than once, also after the end."""
        with self._lock:
            job.dropped.set()
            if job in self._sessions:
                self._sessions[job].session.cancel()
        if self._jobs.remove(job):
            self.metrics.dropped()
            job.sink(Dropped())

    def stop(self) -> None:
        """Break off what runs and what waits; then the thread ends."""
        with self._lock:
            self._stop.set()
            for live in self._sessions.values():
                live.session.cancel()
        self._jobs.close()

    def join(self) -> None:
        self._thread.join()

    # -- the thread
    # --------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while self._take_on():
            if self._turns:
                self._advance(min(self._turns, key=lambda turn: turn.spent))
        self._checkpoints.shutdown(self._slots)

    def _take_on(self) -> bool:
        """Begin what can be begun; wait if there is nothing else to do. False: it is over."""
        while self._slots.free:
            job = self._beside() if self._turns else self._awaited()
            if job is None:
                return bool(self._turns)
            self._begin(job)
        return True

    def _beside(self) -> Job | None:
        """The next job that can go on beside what does: a hole waits for a session of its own."""
        return self._jobs.take(0, later=False, holes=self._slots.free_for_hole)

    def _awaited(self) -> Job | None:
        """The next job, while nothing is to be done; None: there will be none."""
        job = self._jobs.take(0)
        for long, seconds in ((False, SETTLED_SECONDS), (True, None)):
            if job is None and not self._jobs.closed:
                self._checkpoints.idle(self._slots, self._jobs.__len__, long)
                job = self._jobs.take(seconds)
        return job

    def _begin(self, job: Job) -> None:
        if self._broken_off(job) is not None:
            job.sink(Dropped())
            return
        turn = Turn(
            job,
            self._shop,
            partial(self._broken_off, job),
            self._alone,
            self._wanted,
            partial(self._taken, job),
        )
        turn.spent = min((other.spent for other in self._turns), default=0.0)
        self._turns.append(turn)
        self._advance(turn)

    def _advance(self, first: Turn) -> None:
        """A step of this turn; of all that wait for a token, if it does."""
        start = time.monotonic()
        turns = [first] if first.token is None else [turn for turn in self._turns if turn.token is not None]
        errors = self._evaluate(turns) if first.token is not None else {}
        for turn in turns:
            self._step(turn, errors.get(turn))
        share = (time.monotonic() - start) / len(turns)
        for turn in turns:
            turn.spent += share

    def _evaluate(self, turns: list[Turn]) -> dict[Turn, Ds4Error]:
        """The tokens that turns wait for, in one pass; what went wrong with each that did not get its own."""
        lives = [turn.live for turn in turns if turn.live is not None]
        tokens = [turn.token for turn in turns if turn.token is not None]
        before = [len(live) for live in lives]
        try:
            if len(lives) == 1:
                lives[0].append(tokens)
            else:
                lives[0].append_with(lives[1:], tokens)
        except Ds4Error as error:
            return {t: error for t, live, n in zip(turns, lives, before, strict=True) if len(live) == n}
        return {}

    def _step(self, turn: Turn, error: Ds4Error | None = None) -> None:
        try:
            turn.token = next(turn.steps) if error is None else turn.steps.throw(error)
        except StopIteration:
            self._end(turn)
        except Exception:
            # A defect of ours must not end the thread that all later requests wait for.
            traceback.print_exc()
            if turn.live is not None:
                turn.live.reset()
            self._end(turn)
            turn.job.sink(Failed(INTERNAL))

    def _end(self, turn: Turn) -> None:
        self._turns.remove(turn)
        with self._lock:
            self._sessions.pop(turn.job, None)
        if turn.live is not None:
            turn.live.busy = False

    def _taken(self, job: Job, live: Live) -> None:
        with self._lock:
            self._sessions[job] = live
            if self._broken_off(job) is None:
                live.session.clear_cancel()

    def _alone(self) -> bool:
        return len(self._turns) == 1

    def _wanted(self) -> bool:
        return not self._alone() or self._jobs.urgent

    def _broken_off(self, job: Job) -> str | None:
        """Why the job is not worth going on with."""
        if self._stop.is_set():
            return "shutdown requested"
        return CLIENT_GONE if job.dropped.is_set() else None
