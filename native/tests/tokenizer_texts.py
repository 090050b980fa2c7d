"""Made-up texts that are hard to tokenise: many scripts, digits, blanks, code, chat markup, broken UTF-8."""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Callable
from pathlib import Path

SPECIALS = [
    "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<｜User｜>", "<｜Assistant｜>",
    "<think>", "</think>", "｜DSML｜", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>",
    "<｜place▁holder▁1｜>", "<｜place▁holder▁12｜>", "<｜place▁holder▁1",
]  # fmt: skip

# Stretches of Unicode from which texts are drawn: letters, marks, digits, symbols and gaps of many scripts.
RANGES = (
    (0x00A0, 0x00FF), (0x0100, 0x024F), (0x0300, 0x036F), (0x0370, 0x03FF), (0x0400, 0x04FF),
    (0x0590, 0x05FF), (0x0600, 0x06FF), (0x0900, 0x097F), (0x0E00, 0x0E7F), (0x1100, 0x11FF),
    (0x1680, 0x1680), (0x1F00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20CF),
    (0x2100, 0x218F), (0x2190, 0x22FF), (0x2460, 0x24FF), (0x2500, 0x27BF), (0x2FF0, 0x303F),
    (0x3040, 0x30FF), (0x3100, 0x31EF), (0x3200, 0x32FF), (0x4E00, 0x4E50), (0x9F90, 0x9FFF),
    (0xA000, 0xA02F), (0xAC00, 0xAC40), (0xD7F0, 0xD7FF), (0xE000, 0xE00F), (0xFE00, 0xFE4F),
    (0xFF00, 0xFFEF), (0xFFF0, 0xFFFF), (0x10400, 0x1044F), (0x11B00, 0x11B0F), (0x1D7C0, 0x1D7FF),
    (0x1F300, 0x1F64F), (0x20000, 0x20020), (0x31350, 0x31360), (0xE0100, 0xE0110), (0x10FFF0, 0x10FFFF),
)  # fmt: skip
SPACES = " \t\n\r\x0b\x0c\x85\xa0\u1680\u2003\u2028\u202f\u3000 \n  \r\n"
WORDS = [
    "the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "don't", "we'll", "it's", "naïve",
    "café", "self-made", "Straße", "façade", "e.g.", "i.e.", "function", "returns", "value", "token", "model",
    "session",
]  # fmt: skip


def letters(rng: random.Random, n: int) -> str:
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") for _ in range(n))


def prose(rng: random.Random) -> str:
    ends = [" ", " ", " ", " ", ", ", ". ", "; ", "\n", "\n\n", "! ", '" ', " — ", "… ", " “", "” "]
    return "".join(rng.choice(WORDS) + rng.choice(ends) for _ in range(rng.randint(1, 20)))


def code(rng: random.Random) -> str:
    lines = standard_library()
    start = rng.randrange(len(lines) - 8)
    return "".join(lines[start : start + rng.randint(1, 6)])[: rng.randint(1, 200)]


def digits(rng: random.Random) -> str:
    marks = ["", "", ".", ",", " ", "e", "-", "0x", "٣", "²", "½", "Ⅷ", "𝟘", "a", "中"]
    return "".join(
        str(rng.randrange(10 ** rng.randint(1, 9))) + rng.choice(marks) for _ in range(rng.randint(1, 8))
    )


def blanks(rng: random.Random) -> str:
    parts = [rng.choice(SPACES) * rng.choice([1, 1, 2, 3, 9]) for _ in range(rng.randint(1, 8))]
    return "".join(p + rng.choice(["", "", "x", "é", "1", "!", "中", "\u0301", "\x00"]) for p in parts)


def scripts(rng: random.Random) -> str:
    out: list[str] = []
    for _ in range(rng.randint(1, 8)):
        first, last = rng.choice(RANGES)
        out.extend(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 5)))
        out.append(rng.choice(["", "", " ", "a", "1", ".", "\n", "\u0301", "\u200d", "\ufe0f"]))
    return "".join(out)


def east_asian(rng: random.Random) -> str:
    runs = [
        (0x4E00, 0x9FA5),
        (0x3041, 0x3096),
        (0x30A1, 0x30FA),
        (0x309B, 0x309C),
        (0x30FB, 0x30FE),
        (0xAC00, 0xD7A3),
    ]
    out: list[str] = []
    for _ in range(rng.randint(1, 10)):
        first, last = rng.choice(runs)
        out.extend(chr(rng.randint(first, min(last, first + 300))) for _ in range(rng.randint(1, 4)))
        out.append(
            rng.choice(
                ["", "", "。", "、", "（", "A", "b c", "12", " ", "\n", "ー", "・", "々", "〇", "\u3040"]
            )
        )
    return "".join(out)


def emoji(rng: random.Random) -> str:
    parts = ["😀", "👩‍💻", "🇩🇪", "❤️", "👍🏽", "☃", "✓", "→", "🏳️‍🌈", "1️⃣", "€", "™"]  # fmt: skip
    return "".join(
        rng.choice(parts) + rng.choice(["", "", " ", "ok", "!", "\n"]) for _ in range(rng.randint(1, 8))
    )


def punctuation(rng: random.Random) -> str:
    signs = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \n"
    out = "".join(rng.choice(signs) for _ in range(rng.randint(1, 30)))
    return out + rng.choice(["", "foo", "Fooé", "été", "9", "\r\n\r\n", " x"])


def controls(rng: random.Random) -> str:
    return "".join(
        chr(rng.choice([*range(0x20), 0x7F, 0x80, 0xAD, 0x200B, 0x41, 0x20]))
        for _ in range(rng.randint(1, 12))
    )


def chat(rng: random.Random) -> str:
    between = [prose, code, east_asian, blanks, punctuation]
    return "".join(
        rng.choice(SPECIALS)[: rng.choice([99, 99, 99, 3, 9])] + rng.choice(["", rng.choice(between)(rng)])
        for _ in range(rng.randint(1, 6))
    )


def long_word(rng: random.Random) -> str:
    return rng.choice([letters(rng, rng.randint(40, 400)), rng.choice("ae0-= \n中é") * rng.randint(40, 300)])


KINDS: tuple[Callable[[random.Random], str], ...] = (
    prose, code, digits, blanks, scripts, scripts, east_asian, emoji, punctuation, controls, chat, chat,
    long_word,
)  # fmt: skip
BROKEN = (
    b"\x80", b"\xff", b"\xc3", b"\xc0\x80", b"\xc1\xbf", b"\xe2\x82",
    b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98",
    b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf",
    b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xc3\x28", b"\xe2\x28\xa1",
)  # fmt: skip


def past_unicode(data: bytes | bytearray) -> bool:
    """Whether llama.cpp would stop at a four-byte form above U+10FFFF."""
    return any(
        b >= 0xF4 and b < 0xF8 and (b > 0xF4 or data[i + 1 : i + 2] >= b"\x90") and len(data) > i + 3
        for i, b in enumerate(data)
    )


def text(rng: random.Random) -> bytes:
    data = bytearray(
        "".join(rng.choice(KINDS)(rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))).encode(
            "utf-8", "surrogatepass"
        )
    )
    if rng.random() < 0.2:
        for _ in range(rng.randint(1, 5)):
            at = rng.randint(0, len(data))
            data[at : at + rng.choice([0, 0, 1, 2])] = rng.choice([*BROKEN, bytes([rng.randrange(256)])])
    return bytes(data) if data and not past_unicode(data) else text(rng)


_library: list[str] = []


def standard_library() -> list[str]:
    if not _library:
        folder = Path(sysconfig.get_paths()["stdlib"])
        for package in ("asyncio", "email", "json", "logging", "unittest", "http"):
            for path in sorted((folder / package).glob("*.py")):
                _library.extend(path.read_text(encoding="utf-8").splitlines(keepends=True))
    return _library
