"""Worker processes that fill shared memory with rows, so that the GPU never waits for data.

Each worker owns one ring per sequence length and only ever advances its `head`; the trainer only advances
`tail`. A worker sleeps while its ring is full. When the rings run dry the trainer does not wait: it takes
rows again that it has seen (the rings are large, so they are rarely seen twice soon) and counts them, and
the log shows the share.

Workers are forked before CUDA starts, and the memory is anonymous, so nothing needs a file or a name.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ds4train.mix import RowMaker, Source

_NICE = 5
_POLL_S = 0.02
_SHOWN_ERRORS = 3
_ROW_LIMIT_S = 1.5


def _shared(shape: tuple[int, ...], dtype: type) -> NDArray[np.generic]:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, size), dtype=dtype).reshape(shape)


class Ring:
    """Rows of one length, [workers, slots, length + 1], and how many were written and read per worker."""

    def __init__(self, workers: int, slots: int, length: int) -> None:
        self.slots, self.length = slots, length
        self.tokens = _shared((workers, slots, length + 1), np.int16)
        self.codes = _shared((workers, slots, length + 1), np.uint8)
        self.head = _shared((workers,), np.int64)
        self.tail = _shared((workers,), np.int64)

    def full(self, worker: int) -> bool:
        return int(self.head[worker] - self.tail[worker]) >= self.slots

    def put(self, worker: int, tokens: NDArray[np.int16], codes: NDArray[np.uint8]) -> None:
        slot = int(self.head[worker]) % self.slots
        self.tokens[worker, slot] = tokens
        self.codes[worker, slot] = codes
        self.head[worker] += 1


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError(f"a row took more than {_ROW_LIMIT_S} s to make")


@dataclass(frozen=True)
class Batch:
    """tokens int16 and codes uint8, both [rows, length + 1]; `fresh` of the rows were never seen before."""

    tokens: NDArray[np.int16]
    codes: NDArray[np.uint8]
    fresh: int


class Feed:
    """The workers and their rings. `lengths` are the sequence lengths in order of use; `use` switches."""

    def __init__(
        self,
        lengths: list[int],
        workers: int,
        seed: int,
        shares: dict[str, float],
        load: Callable[[dict[str, float]], dict[str, Source]],
        tokens_per_ring: int = 160_000_000,
    ) -> None:
        slots = [max(64, tokens_per_ring // workers // length) for length in lengths]
        self.rings = [Ring(workers, s, n) for s, n in zip(slots, lengths, strict=True)]
        self.workers = workers
        self._phase = _shared((1,), np.int64)
        self._errors = _shared((workers,), np.int64)
        self._rng = random.Random(seed)
        self._turn = 0
        context = multiprocessing.get_context("fork")
        # Loaded and used once here: the workers share the corpus, and no first sample meets their time limit.
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        sources = load(shares)
        for make in sources.values():
            make(random.Random(0), lengths[0])
        args = [(n, seed * 1_000_003 + n, shares, sources) for n in range(workers)]
        self._processes = [context.Process(target=self._work, args=a, daemon=True) for a in args]
        for process in self._processes:
            process.start()

    def _work(self, me: int, seed: int, shares: dict[str, float], sources: dict[str, Source]) -> None:
        os.nice(_NICE)
        signal.signal(signal.SIGALRM, _too_long)
        parent = os.getppid()
        streams = [random.Random(seed + 7919 * n) for n in range(len(self.rings))]
        makers = [
            RowMaker(ring.length, shares, sources, rng) for ring, rng in zip(self.rings, streams, strict=True)
        ]
        while os.getppid() == parent:
            phase = int(self._phase[0])
            ring = self.rings[phase]
            if ring.full(me):
                time.sleep(_POLL_S)
                continue
            try:
                signal.setitimer(signal.ITIMER_REAL, _ROW_LIMIT_S)
                tokens, codes = makers[phase].row()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Exception:
                signal.setitimer(signal.ITIMER_REAL, 0)
                # One bad sample, or one without end, must not cost the run; the count is in the log.
                self._errors[me] += 1
                if self._errors[me] <= _SHOWN_ERRORS:
                    traceback.print_exc()
                continue
            ring.put(me, tokens, codes)

    def use(self, phase: int) -> None:
        """From now on the workers fill the ring of the `phase`-th length."""
        self._phase[0] = phase

    def ready(self, phase: int) -> int:
        """Rows written so far for a phase."""
        return int(self.rings[phase].head.sum())

    def errors(self) -> int:
        return int(self._errors.sum())

    def alive(self) -> int:
        return sum(p.is_alive() for p in self._processes)

    def batch(self, phase: int, rows: int) -> Batch:
        """`rows` rows, fresh ones first. Waits only while there is nothing at all."""
        ring = self.rings[phase]
        while self.ready(phase) < rows:
            if not self.alive():
                raise RuntimeError("every data worker has died")
            time.sleep(_POLL_S)
        tokens = np.empty((rows, ring.length + 1), dtype=np.int16)
        codes = np.empty((rows, ring.length + 1), dtype=np.uint8)
        fresh = 0
        for n in range(rows):
            worker, slot, new = self._next(ring)
            tokens[n], codes[n] = ring.tokens[worker, slot], ring.codes[worker, slot]
            if new:
                ring.tail[worker] += 1
            fresh += new
        return Batch(tokens, codes, fresh)

    def _next(self, ring: Ring) -> tuple[int, int, bool]:
        for _ in range(self.workers):
            self._turn = (self._turn + 1) % self.workers
            if ring.head[self._turn] > ring.tail[self._turn]:
                return self._turn, int(ring.tail[self._turn]) % ring.slots, True
        while True:
            worker = self._rng.randrange(self.workers)
            written = int(ring.head[worker])
            if written:
                # Slots about to be overwritten are left alone.
                back = self._rng.randint(1, max(1, min(written, ring.slots - 2)))
                return worker, (written - back) % ring.slots, False

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
