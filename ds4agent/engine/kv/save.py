"""Saving: first the rows that are not stored yet, as one run, then the tool map, then the point.

All that is going to be written is known before the first byte is, so room is made once, and what does not
fit is not begun. A save that fails half way leaves at most whole rows without a point: the next save of the
sequence finds them there, or they are the first to be evicted.

A point that is there already is written again only to be found by a new key. New calls go into its tool map,
which is a file of its own for this.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from ds4agent.engine.kv import read as kvread
from ds4agent.engine.kv.disk import MIB, Disk
from ds4agent.engine.kv.evict import Spare
from ds4agent.engine.kv.files import POINT, ROWS, TOOLS, file_name
from ds4agent.engine.kv.index import Entry, Run
from ds4agent.engine.kv.plan import NewRun, Plan, Rows, Text
from ds4agent.wire.kvpoints import Key, PointHead, Stats, encode_point_start, frontier_digest
from ds4agent.wire.kvrows import Damage
from ds4agent.wire.kvtoolmap import encode_tools

Frontier = Callable[[], bytes | memoryview]


class NoRoom(Exception):
    """The budget does not allow it."""


class Saver:
    """Methods return bytes written. They raise OSError when a file cannot be written, and NoRoom."""

    def __init__(self, disk: Disk, block_bytes: int, clock: Callable[[], float]) -> None:
        self._disk = disk
        self._block_bytes = block_bytes
        self._clock = clock

    def add_rows(self, plan: Plan, text: Text, rows: Rows) -> int:
        run = plan.new_run(self._block_bytes, text)
        if run is None:
            return 0
        self._make_room(run.head.size, plan.spare)
        return self._write_run(run, rows)

    def head(self, plan: Plan, keys: tuple[Key, ...], reason: str) -> PointHead:
        """Of a point without frontier yet."""
        return PointHead(
            plan.fingerprint, plan.last_run(), plan.n_tokens, reason, self._clock(), plan.tail, keys, 0
        )

    def add_point(
        self,
        plan: Plan,
        head: PointHead,
        tool_map: Mapping[str, bytes],
        text: Text,
        rows: Rows,
        frontier: bytes | memoryview,
    ) -> int:
        """Of a point that is not there yet."""
        head = replace(head, frontier_bytes=len(frontier))
        run = plan.new_run(self._block_bytes, text)
        tools = encode_tools(head.fingerprint, head.id, tool_map) if tool_map else b""
        self._make_room((run.head.size if run else 0) + len(tools) + head.size, plan.spare)
        written = self._write_run(run, rows) if run else 0
        entry = Entry(head.id, head, Stats(0, 0, self._clock()), self._disk.index.runs.get(head.run))
        try:
            if tools:
                written += self._write_tools(entry, tool_map, tools)
            written += self._write_point(entry, frontier)
        except BaseException:
            with suppress(OSError):
                self._disk.folder.remove(file_name(entry.id, TOOLS))
            raise
        with self._disk.lock:
            self._disk.index.add_point(entry)
        return written

    def add_keys(self, plan: Plan, entry: Entry, head: PointHead, frontier: bytes | memoryview) -> int:
        """Writes a point again, under the keys of `head` too; its stats stay. An anchor stays one."""
        keys = join_keys(entry.head.keys, head.keys)
        reason = "cold" if "cold" in (entry.head.reason, head.reason) else head.reason
        newer = replace(
            entry, head=replace(entry.head, reason=reason, keys=keys, frontier_bytes=len(frontier))
        )
        self._make_room(newer.head.size, replace(plan.spare, point=entry))
        written = self._write_point(newer, frontier)
        with self._disk.lock:
            newer.set_tools(entry.tool_ids, entry.tools_bytes)
            self._disk.index.remove_point(entry)
            self._disk.index.add_point(newer)
        return written

    def add_tools(self, plan: Plan, entry: Entry, tool_map: Mapping[str, bytes]) -> int:
        """Writes the tool map again with these calls added."""
        whole = {**self._tools_of(entry), **tool_map}
        tools = encode_tools(entry.head.fingerprint, entry.id, whole)
        self._make_room(len(tools), replace(plan.spare, point=entry))
        newer = replace(entry)
        written = self._write_tools(newer, whole, tools)
        with self._disk.lock:
            self._disk.index.remove_point(entry)
            self._disk.index.add_point(newer)
        return written

    def _tools_of(self, entry: Entry) -> dict[str, bytes]:
        if not entry.tools_bytes:
            return {}
        try:
            return kvread.tool_texts(self._disk.folder, file_name(entry.id, TOOLS))
        except Damage as error:
            self._disk.set_aside_tools(entry, str(error))
            return {}

    def _make_room(self, incoming: int, spare: Spare) -> None:
        if not self._disk.make_room(incoming, spare, self._clock()):
            needed, budget = incoming / MIB, self._disk.budget / MIB
            raise NoRoom(f"its {needed:.2f} MiB do not fit the budget of {budget:.2f} MiB")

    def _write_run(self, run: NewRun, rows: Rows) -> int:
        written = self._disk.folder.write(file_name(run.id, ROWS), run.parts(rows))
        with self._disk.lock:
            self._disk.index.add_run(Run(run.id, run.head, run.marks, run.parent))
        return written

    def _write_point(self, entry: Entry, frontier: bytes | memoryview) -> int:
        start = encode_point_start(entry.head, entry.stats, frontier_digest(entry.id, frontier))
        return self._disk.folder.write(file_name(entry.id, POINT), (start, frontier))

    def _write_tools(self, entry: Entry, tool_map: Mapping[str, bytes], data: bytes) -> int:
        entry.set_tools(tool_map, len(data))
        return self._disk.folder.write(file_name(entry.id, TOOLS), (data,))


def join_keys(*keys: Iterable[Key]) -> tuple[Key, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(key for some in keys for key in some))
