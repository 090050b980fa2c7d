"""Reading the files of the disk store: nothing is handed out whose digest does not match.

All functions raise OSError and Damage.
"""

from collections.abc import Iterator

from ds4agent.engine.kv.files import POINT, ROWS, TOOLS, Folder, Reader, file_name
from ds4agent.wire.kvpoints import (
    POINT_HEADER_BYTES,
    PointStart,
    decode_point_start,
    frontier_digest,
    point_start_bytes,
)
from ds4agent.wire.kvrows import (
    DIGEST_BYTES,
    RUN_HEADER_BYTES,
    Damage,
    RunStart,
    block_digest,
    decode_run_head,
    decode_run_start,
)
from ds4agent.wire.kvtoolmap import TOOLS_HEADER_BYTES, ToolTable, decode_tools, tool_digest, tool_table_end

# Rows are read and written in pieces of about this size, so that a long run is never in memory as a whole.
PIECE_BYTES = 8 << 20


def blocks_a_piece(block_bytes: int) -> int:
    return max(1, PIECE_BYTES // max(1, block_bytes))


def run_start(folder: Folder, name: str) -> RunStart:
    with folder.reader(name) as reader:
        data = reader.start(RUN_HEADER_BYTES, lambda head, size: decode_run_head(head, size).rows_at)
        start = decode_run_start(data, reader.size)
    _expect_name(name, file_name(start.id, ROWS))
    return start


def run_rows(folder: Folder, start: RunStart, end_block: int) -> Iterator[tuple[int, int, bytes]]:
    """Number of the first block, number of blocks and rows, piece by piece, of the blocks before `end_block`.

    Blocks count from the start of the sequence.
    """
    head = start.head
    step = blocks_a_piece(head.block_bytes)
    with folder.reader(file_name(start.id, ROWS)) as reader:
        for first in range(head.first_block, end_block, step):
            n_blocks = min(step, end_block - first)
            at = first - head.first_block
            rows = reader.read(head.rows_at + at * head.block_bytes, n_blocks * head.block_bytes)
            digests = reader.read(head.digests_at + at * DIGEST_BYTES, n_blocks * DIGEST_BYTES)
            _check_rows(start, first, rows, digests)
            yield first, n_blocks, rows


def _check_rows(start: RunStart, first: int, rows: bytes, digests: bytes) -> None:
    size, view = start.head.block_bytes, memoryview(rows)
    for i, at in enumerate(range(0, len(digests), DIGEST_BYTES)):
        of_rows = block_digest(start.id, first + i, view[i * size : (i + 1) * size])
        if of_rows != digests[at : at + DIGEST_BYTES]:
            raise Damage(f"rows of block {first + i}: digest differs")


def point_start(folder: Folder, name: str) -> PointStart:
    with folder.reader(name) as reader:
        start = decode_point_start(reader.start(POINT_HEADER_BYTES, point_start_bytes), reader.size)
    _expect_name(name, file_name(start.head.id, POINT))
    return start


def frontier(folder: Folder, name: str) -> bytes:
    start = point_start(folder, name)
    with folder.reader(name) as reader:
        data = reader.read(start.head.frontier_at, start.head.frontier_bytes)
    if frontier_digest(start.head.id, data) != start.frontier_digest:
        raise Damage("frontier: digest differs")
    return data


def tool_table(folder: Folder, name: str) -> ToolTable:
    with folder.reader(name) as reader:
        return _tool_table(reader, name)


def tool_texts(folder: Folder, name: str, wanted: str | None = None) -> dict[str, bytes]:
    """Of the wanted call, or of all; without it if the file does not have it."""
    with folder.reader(name) as reader:
        table = _tool_table(reader, name)
        ids = table.texts if wanted is None else table.texts.keys() & {wanted}
        return {call_id: _tool_text(reader, table, call_id) for call_id in ids}


def _tool_table(reader: Reader, name: str) -> ToolTable:
    table = decode_tools(reader.start(TOOLS_HEADER_BYTES, tool_table_end), reader.size)
    _expect_name(name, file_name(table.point, TOOLS))
    return table


def _tool_text(reader: Reader, table: ToolTable, call_id: str) -> bytes:
    place = table.texts[call_id]
    text = reader.read(place.at, place.n_bytes)
    if tool_digest(table.point, text) != place.digest:
        raise Damage(f"text of call {call_id}: digest differs")
    return text


def _expect_name(name: str, expected: str) -> None:
    if name != expected:
        raise Damage(f"name: by its content the file is {expected}")
