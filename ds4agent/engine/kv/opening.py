"""Opening the disk store: every header is read and verified, what is damaged is set aside.

Runs come in the order of their first blocks, so that a run finds its parent; a run whose parent is not there
and a point whose run is not there are of no use and are set aside too. Rows, frontiers and the texts of
tool calls are verified when they are read. Files of other models are kept in the index: they can be evicted,
never found.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from ds4agent.engine.kv import read as kvread
from ds4agent.engine.kv.disk import Disk
from ds4agent.engine.kv.files import DAMAGED, POINT, ROWS, TOOLS, Folder, file_name
from ds4agent.engine.kv.index import Entry, Run, marks
from ds4agent.wire.kvpoints import PointStart
from ds4agent.wire.kvrows import NO_RUN, Damage

_T = TypeVar("_T")


def fill(disk: Disk, block_bytes: int) -> None:
    """Brings an empty index up to what the directory holds. Raises OSError."""
    files = disk.folder.files()
    disk.damaged.update({name: size for name, size in files.items() if name.endswith(DAMAGED)})
    runs = [run for name in _named(files, ROWS) for run in _usable(disk, _run, name)]
    for run in sorted(runs, key=lambda run: run.head.first_block):
        _add_run(disk, run, block_bytes)
    for name in _named(files, POINT):
        for point in _usable(disk, kvread.point_start, name):
            _add_point(disk, point, files)
    for name in set(_named(files, TOOLS)) - {file_name(point, TOOLS) for point in disk.index.points}:
        disk.folder.remove(name)


def _named(files: dict[str, int], suffix: str) -> list[str]:
    return [name for name in files if name.endswith(suffix)]


def _usable(disk: Disk, read: Callable[..., _T], name: str) -> Iterator[_T]:
    """What the file holds, or nothing when it cannot be used, which is logged."""
    try:
        yield read(disk.folder, name)
    except Damage as error:
        disk.set_aside_file(name, str(error))
    except OSError as error:
        disk.log(f"kv cache cannot read {disk.folder.path / name}: {error.strerror}")


def _run(folder: Folder, name: str) -> Run:
    """Without its parent. Tokens and text are let go, so that the store's are never in memory together."""
    start = kvread.run_start(folder, name)
    return Run(start.id, start.head, marks(start.head.fingerprint, start.ids), None)


def _add_run(disk: Disk, run: Run, block_bytes: int) -> None:
    head, index, name = run.head, disk.index, file_name(run.id, ROWS)
    run.parent = index.runs.get(head.parent)
    if head.fingerprint == index.fingerprint and head.block_bytes != block_bytes:
        disk.set_aside_file(name, f"header: {head.block_bytes} bytes a block, this model has {block_bytes}")
    elif head.parent == NO_RUN or (run.parent and run.parent.can_precede(head.first_block)):
        index.add_run(run)
    else:
        disk.set_aside_file(name, f"needs run {head.parent.hex()}")


def _add_point(disk: Disk, start: PointStart, files: dict[str, int]) -> None:
    head, run = start.head, disk.index.runs.get(start.head.run)
    if head.run != NO_RUN and not (run and run.can_precede(head.n_blocks)):
        disk.set_aside_file(file_name(head.id, POINT), f"needs run {head.run.hex()}")
        return
    entry = Entry(head.id, head, start.stats, run)
    name = file_name(head.id, TOOLS)
    for table in _usable(disk, kvread.tool_table, name) if name in files else ():
        entry.set_tools(table.texts, table.size)
    disk.index.add_point(entry)
