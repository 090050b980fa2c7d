"""The jobs that wait for the worker: first in, first out, and no more than the limit.

A job for which an idle worker is already waiting does not count: the limit is about those who would have
to wait. A job whose client has left makes room at once.
"""

import threading
from collections import deque

from ds4agent.engine.job import Job


class QueueFull(Exception):
    """As many jobs wait as may."""


class JobQueue:
    """Any thread may put and remove; one thread takes. `limit` 0: as many as come."""

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._taking = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Job) -> None:
        """Raises QueueFull."""
        with self._changed:
            if self._limit and len(self._jobs) - self._taking >= self._limit:
                raise QueueFull
            self._jobs.append(job)
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Nothing waits any more, and nothing will."""
        return self._closed and not self._jobs

    def take(self, seconds: float | None = None) -> Job | None:
        """The next job, waited for so long, None: for ever. None: there was none, or it is closed."""
        with self._changed:
            self._taking = seconds != 0
            self._changed.wait_for(lambda: self._jobs or self._closed, seconds)
            self._taking = False
            return self._jobs.popleft() if self._jobs else None

    def remove(self, job: Job) -> bool:
        """Whether the job was still waiting."""
        with self._changed:
            if job not in self._jobs:
                return False
            self._jobs.remove(job)
            return True

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
