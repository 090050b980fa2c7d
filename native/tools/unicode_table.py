"""Write src/unicode_table.c: the character classes that the pre-tokeniser asks for.

Usage: python native/tools/unicode_table.py [--check]

The classes must be those of Unicode 15.1.0, the version of llama.cpp's tables: a letter assigned later would
split differently. Python 3.13 ships that version; with any other, install ``unicodedata2==15.1.0``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Protocol, cast

UNICODE_VERSION = "15.1.0"
TARGET = Path(__file__).resolve().parent.parent / "src" / "unicode_table.c"

LETTER, MARK, NUMBER, SYMBOL, SPACE, NEWLINE, CJK = (1 << i for i in range(7))
CATEGORY_BITS = {"L": LETTER, "M": MARK, "N": NUMBER, "P": SYMBOL, "S": SYMBOL}
WHITE_SPACE = {
    *range(0x09, 0x0E),
    0x20,
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
}
CJK_RUNS = ((0x4E00, 0x9FA5), (0x3040, 0x309F), (0x30A0, 0x30FF))
PAGE = 128


class Database(Protocol):
    """The part of unicodedata that is used here."""

    unidata_version: str

    def category(self, char: str, /) -> str: ...


def database() -> Database:
    for name in ("unicodedata", "unicodedata2"):
        try:
            module = cast(Database, importlib.import_module(name))
        except ImportError:
            continue
        if module.unidata_version == UNICODE_VERSION:
            return module
    sys.exit(
        f"Unicode {UNICODE_VERSION} is needed: use Python 3.13 or install unicodedata2=={UNICODE_VERSION}"
    )


def classify(data: Database, code: int) -> int:
    if code in WHITE_SPACE:
        bits = SPACE | (NEWLINE if code in (0x0A, 0x0D) else 0)
    else:
        bits = CATEGORY_BITS.get(data.category(chr(code))[0], 0)
    if any(first <= code <= last for first, last in CJK_RUNS):
        bits |= CJK
    return bits


def rows(values: list[int], per_row: int = 32) -> str:
    lines = (",".join(map(str, values[i : i + per_row])) for i in range(0, len(values), per_row))
    return "\n".join(f"    {line}," for line in lines)


def render(data: Database) -> str:
    classes = [classify(data, code) for code in range(0x110000)]
    pages: dict[tuple[int, ...], int] = {}
    index = [pages.setdefault(tuple(classes[i : i + PAGE]), len(pages)) for i in range(0, len(classes), PAGE)]
    assert len(pages) <= 256, "the page index is one byte an entry"
    flat = [value for page in pages for value in page]
    return (
        f"/* unicode_table.c - character classes of Unicode {UNICODE_VERSION}.\n"
        " * Written by native/tools/unicode_table.py; do not edit. */\n"
        '#include "unicode.h"\n\n'
        f"const uint8_t ds4_unicode_page[{len(index)}] = {{\n{rows(index)}\n}};\n\n"
        f"const uint8_t ds4_unicode_class[{len(flat)}] = {{\n{rows(flat)}\n}};\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    text = render(database())
    if not parser.parse_args().check:
        TARGET.write_text(text)
    elif TARGET.read_text() != text:
        sys.exit(f"{TARGET} differs from what this script writes")


if __name__ == "__main__":
    main()
