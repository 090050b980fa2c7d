"""Checkpoints of a KV directory in the words of the command, whoever wrote them."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ds4agent.cli import kv_upstream
from ds4agent.cli.kv_survey import Survey, look
from ds4agent.cli.kv_upstream import CacheFile
from ds4agent.engine.kv.files import POINT, file_name
from ds4agent.engine.kv.index import Entry
from ds4agent.wire import kvc
from ds4agent.wire.kvrows import Damage


@dataclass(frozen=True, slots=True)
class Item:
    """`size` in bytes: for ours without the rows, which others may share. Times in seconds since 1970."""

    id: str
    writer: str
    tokens: int
    reason: str
    size: int
    created: float
    last_used: float
    hits: int
    text: str


def items(folder: Path) -> list[tuple[Item, dict[str, object]]]:
    """The usable checkpoints, the last used first, and what else is known of each. Raises OSError."""
    with look(folder) as survey:
        found = [_ours(survey, entry) for entry in survey.index.points.values()]
    found += [_upstreams(file) for file in kv_upstream.scan(folder).files]
    return sorted(found, key=lambda item: (-item[0].last_used, item[0].id))


def _ours(survey: Survey, entry: Entry) -> tuple[Item, dict[str, object]]:
    head, stats = entry.head, entry.stats
    text = b""
    with suppress(OSError, Damage):
        text = survey.text(entry)
    item = Item(
        entry.id.hex(), "ds4agent", head.n_tokens, head.reason, entry.size, head.created, stats.last_used,
        stats.hits, text.decode("utf-8", "replace"),
    )  # fmt: skip
    runs = [f"{run.id.hex()} blocks {run.head.first_block}..{end}" for run, end in entry.needs()]
    return item, {
        "file": file_name(entry.id, POINT),
        "model": head.fingerprint.hex(),
        "failures": stats.failures,
        "frontier": f"{head.frontier_bytes} bytes",
        "tokens behind the text": head.n_tokens % 128,
        "keys": ", ".join(f"{key.kind} {key.n_bytes} bytes" for key in head.keys),
        "tool calls": len(entry.tool_ids),
        "rows": "; ".join(reversed(runs)) or "none",
    }


def _upstreams(file: CacheFile) -> tuple[Item, dict[str, object]]:
    header = file.header
    item = Item(
        file.path.name.removesuffix(kvc.SUFFIX), "ds4-server", header.n_tokens, header.reason, file.size,
        header.created, file.last_used, header.hits, file.text.decode("utf-8", "replace"),
    )  # fmt: skip
    shape = "shard" if file.payload is None else f"version {file.payload.version}"
    return item, {
        "file": file.path.name,
        "model": kvc.MODELS.get(header.model, header.model),
        "experts": f"{header.quant_bits} bits",
        "context": header.n_ctx,
        "abi": header.abi,
        "keys": f"{header.key} {header.text_bytes} bytes",
        "payload": f"{header.payload_bytes} bytes, {shape}",
        "tool calls": len(file.calls),
    }


def facts(item: Item, more: dict[str, object]) -> dict[str, object]:
    return {
        "id": item.id,
        "written by": item.writer,
        "tokens": item.tokens,
        "reason": item.reason,
        "size": f"{item.size} bytes",
        "created": moment(item.created),
        "last used": moment(item.last_used),
        "hits": item.hits,
        **more,
    }


def moment(seconds: float) -> str:
    """Local time; a time that no clock shows is given as the number."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g}"


def printable(text: str) -> str:
    """Without what would steer a terminal; lines and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
