"""Python text that the model was not trained on, and the prompts that typing in it makes."""

from __future__ import annotations

import json
from pathlib import Path

from lsprotocol import types

from ds4agent.engine.binding import Model
from ds4agent.engine.healing import heal
from ds4agent.engine.live import common_prefix
from ds4agent.engine.vocab import Vocab
from ds4agent.lsp.completion.gap import Windows
from ds4agent.lsp.document import Document
from ds4agent.resources import bundled_model
from ds4agent.wire import infill
from ds4agent.wire.request import ParseContext

ROOT = Path(__file__).parents[1]
LINES, WARM_LINES = 1000, 500
# The defaults of the settings prefix_lines and suffix_lines.
PREFIX, SUFFIX = 256, 32


def sources() -> list[Path]:
    """The package's own modules; what the model has seen is listed in native/train/DATA.md."""
    return sorted(path for path in (ROOT / "ds4agent").rglob("*.py") if path.name != "_ds4_abi.py")


def held_out() -> str:
    """1,000 lines of them."""
    lines: list[str] = []
    for path in sources():
        lines += path.read_text().split("\n")
    return "\n".join(lines[:LINES])


class Prompts:
    """The prompts as the server makes them and the engine tokenises them."""

    def __init__(self) -> None:
        self._vocab = Vocab(Model(bundled_model(), threads=1))
        self._windows = Windows(PREFIX, SUFFIX)
        self._before: list[int] = []

    def see(self, lines: list[str], line: int, column: int) -> int:
        """How many tokens of this prompt differ from the one seen before, from the first difference on."""
        document = Document("file:///x.py", "\n".join(lines), 1, "python", types.PositionEncodingKind.Utf32)
        gap = self._windows.gap(document, (line, column))
        body = {"infill_order": "spm", "input_prefix": gap.before, "input_suffix": gap.tail + gap.after}
        raw = infill.parse_request(json.dumps(body).encode(), ParseContext(1 << 20)).raw
        assert raw is not None
        found = self._vocab.prompt(heal(raw, self._vocab.tokenizer)[0]).tokens
        changed = len(found) - common_prefix(self._before, found)
        self._before = found
        return changed

    def tokens(self, text: str) -> int:
        return len(self._vocab.tokenizer.tokenize(text.encode()))
