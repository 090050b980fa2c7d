"""What the values of flags may be. Converters raise ValueError for a bad one."""

import math
import re
from collections.abc import Callable

INT_MAX = 2**31 - 1


class Unavailable(Exception):
    """The command line is understood and asks for what this engine does not have."""


def integer(low: int, high: int = INT_MAX) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return convert


def number(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        value = float(text)
        if text != text.strip() or "_" in text or not (math.isfinite(value) and low <= value <= high):
            raise ValueError(text)
        return value

    return convert


def gibibytes(text: str) -> int:
    """`64GB` or `64`."""
    return integer(1)(re.sub("(?i)gb$", "", text))


def backend(name: str) -> str:
    if name not in ("cpu", "metal", "cuda", "rocm"):
        raise ValueError(name)
    if name != "cpu":
        raise Unavailable(
            f"{name} backend requested but this build has no graph backend support; aborting startup"
        )
    return name


def role(name: str) -> str:
    if name not in ("none", "coordinator", "worker"):
        raise ValueError(name)
    if name != "none":
        raise Unavailable(f"role {name} requested but this engine runs on one machine; aborting startup")
    return name
