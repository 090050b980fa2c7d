"""Tool calls as the DSML text that the model reads and writes.

Canonical spacing only: the exact text of a sampled block is kept elsewhere (engine/replay.py) and
preferred, because a client may reorder or re-spell the JSON between turns while the model's own bytes are
the ones in the cache.
"""

from collections.abc import Iterable

from ds4agent.wire import json_spans
from ds4agent.wire.dsml_values import clean
from ds4agent.wire.message import ToolCall

MARK = "｜DSML｜"
BLOCK_OPEN = f"<{MARK}tool_calls>"
BLOCK_CLOSE = f"</{MARK}tool_calls>"
INVOKE_CLOSE = f"</{MARK}invoke>"
PARAM_CLOSE = f"</{MARK}parameter>"
NAME_CLOSE = '">\n'

# (text, whether it is markup of ours rather than somebody's data)
Piece = tuple[str, bool]


def escape_attr(text: str) -> str:
    """A name inside a double-quoted attribute."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _param(name: str, value: str, is_string: bool) -> Iterable[Piece]:
    if is_string:
        value = value.replace(PARAM_CLOSE, "&lt;" + PARAM_CLOSE[1:])
    else:
        value = value.replace(PARAM_CLOSE, "\\u003c" + PARAM_CLOSE[1:])
    yield f'<{MARK}parameter name="', True
    yield escape_attr(name), False
    yield f'" string="{"true" if is_string else "false"}">', True
    yield value, False
    yield PARAM_CLOSE + "\n", True


def _arguments(text: str) -> Iterable[Piece]:
    try:
        value = json_spans.loads(text)
    except json_spans.InvalidJson:
        value = None
    if not isinstance(value, dict):
        yield from _param("arguments", text, True)
        return
    for key, raw in json_spans.members(text):
        if raw.startswith('"'):
            yield from _param(clean(key), clean(str(json_spans.loads(raw))), True)
        else:
            yield from _param(clean(key), json_spans.minify(raw), False)


def block_pieces(calls: Iterable[ToolCall]) -> Iterable[Piece]:
    """The canonical block with its two leading newlines; names and values are marked as data."""
    yield f"\n\n{BLOCK_OPEN}\n", True
    for call in calls:
        yield f'<{MARK}invoke name="', True
        yield escape_attr(call.name), False
        yield NAME_CLOSE, True
        yield from _arguments(call.arguments)
        yield INVOKE_CLOSE + "\n", True
    yield BLOCK_CLOSE, True


def call_head(name: str | None) -> Iterable[Piece]:
    """A block up to the first parameter of its first call; up to the name, if that is None."""
    yield f'\n\n{BLOCK_OPEN}\n<{MARK}invoke name="', True
    if name is not None:
        yield escape_attr(name), False
        yield NAME_CLOSE, True


def render_block(calls: Iterable[ToolCall]) -> str:
    """The canonical block as text."""
    return "".join(text for text, _ in block_pieces(calls))
