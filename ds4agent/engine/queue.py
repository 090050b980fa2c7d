"""The jobs that wait for the worker: first in, first out, and no more than the limit.

A job for which an idle worker is already waiting does not count: the limit is about those who would have
to wait. A job whose client has left makes room at once. Jobs that only read ahead wait apart, behind all
others, and take no place from them.
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
        self._later: deque[Job] = deque()
        self._changed = threading.Condition()
        self._taking = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._jobs) + len(self._later)

    @property
    def urgent(self) -> bool:
        """Whether a job waits that is more than reading ahead."""
        return bool(self._jobs)

    def put(self, job: Job) -> None:
        """Raises QueueFull."""
        with self._changed:
            waiting = len(self) if job.prefetch else len(self._jobs)
            if self._limit and waiting - self._taking >= self._limit:
                raise QueueFull
            (self._later if job.prefetch else self._jobs).append(job)
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Nothing waits any more, and nothing will."""
        return self._closed and not len(self)

    def take(self, seconds: float | None = None, later: bool = True, holes: bool = True) -> Job | None:
        """The next job, waited for so long, None: for ever. None: there was none, or it is closed. `later`:
        reading ahead will do, if there is nothing else. Without `holes` those keep their places.
        """
        with self._changed:
            self._taking = seconds != 0
            self._changed.wait_for(lambda: len(self) or self._closed, seconds)
            self._taking = False
            queues = (self._jobs, self._later) if later else (self._jobs,)
            for queue in queues:
                for job in queue:
                    if holes or not job.is_hole:
                        queue.remove(job)
                        return job
            return None

    def remove(self, job: Job) -> bool:
        """Whether the job was still waiting."""
        with self._changed:
            queue = self._later if job.prefetch else self._jobs
            if job not in queue:
                return False
            queue.remove(job)
            return True

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
