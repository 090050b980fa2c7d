"""Loading a point: its tokens and frontier at once, its rows piece by piece. And the text of a call.

A file that is damaged or gone is set aside here, with all that needs it, before the caller hears of it; one
that cannot be read, when that happens again.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ds4agent.engine.kv import read as kvread
from ds4agent.engine.kv.disk import Disk
from ds4agent.engine.kv.files import POINT, ROWS, TOOLS, file_name
from ds4agent.engine.kv.index import Entry, Run
from ds4agent.wire.kvrows import BLOCK_TOKENS, Damage, RunStart, unpack_ids

# The process or the machine has too many files open, or no memory.
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Damaged(Exception):
    """The point cannot be loaded. What was wrong is logged, and set aside if it lies with the files."""


class Loaded:
    """`tokens` are all of the point's tokens, `frontier` is what was saved. Both are verified."""

    def __init__(self, disk: Disk, entry: Entry) -> None:
        """Raises Damaged."""
        self._disk = disk
        self._entry = entry
        needs = list(entry.needs())
        self._runs = [(run, self._start(run), end) for run, end in reversed(needs)]
        blocks = (
            start.ids[: 4 * BLOCK_TOKENS * (end - start.head.first_block)] for _, start, end in self._runs
        )
        self.tokens: list[int] = unpack_ids(b"".join(blocks) + entry.head.tail)
        with self._guard(partial(disk.set_aside_point, entry)):
            self.frontier: bytes = kvread.frontier(disk.folder, file_name(entry.id, POINT))

    def runs(self) -> Iterator[tuple[int, list[int], bytes]]:
        """The rows in order: the number of the first block, the tokens and the rows of some blocks.

        A long run comes in several pieces. Raises Damaged; what came before is right, but of no use alone.
        """
        for run, start, end in self._runs:
            with self._guard(partial(self._disk.set_aside_run, run)):
                for first, n_blocks, rows in kvread.run_rows(self._disk.folder, start, end):
                    at = first * BLOCK_TOKENS
                    yield first, self.tokens[at : at + n_blocks * BLOCK_TOKENS], rows

    def _start(self, run: Run) -> RunStart:
        with self._guard(partial(self._disk.set_aside_run, run)):
            return kvread.run_start(self._disk.folder, file_name(run.id, ROWS))
        raise AssertionError

    @contextmanager
    def _guard(self, set_aside: Callable[[str], None]) -> Iterator[None]:
        try:
            yield
        except (Damage, FileNotFoundError) as error:
            set_aside(str(error) if isinstance(error, Damage) else "missing")
            raise Damaged(str(error)) from error
        except OSError as error:
            # Perhaps only now: not the file's fault until it happens again, or ours for certain.
            self._disk.log(f"kv cache load failed {self._disk.path_of(self._entry)}: {error}")
            if error.errno not in _SHORTAGES:
                self._disk.fail(self._entry)
            raise Damaged(str(error)) from error


def find_tool_text(disk: Disk, call_id: str) -> bytes | None:
    """The sampled text of the block with this call."""
    with disk.lock:
        entries = disk.index.with_tool(call_id)
    return next((text for entry in entries for text in _tool_texts(disk, entry, call_id)), None)


def _tool_texts(disk: Disk, entry: Entry, call_id: str) -> Iterator[bytes]:
    try:
        yield from kvread.tool_texts(disk.folder, file_name(entry.id, TOOLS), call_id).values()
    except Damage as error:
        disk.set_aside_tools(entry, str(error))
    except FileNotFoundError:
        pass  # evicted a moment ago
    except OSError as error:
        disk.log(f"kv cache cannot read the tool map of {disk.path_of(entry)}: {error.strerror}")
