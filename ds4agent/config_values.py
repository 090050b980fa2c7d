"""What a setting may be: checks that make a value of the file, or a text of a flag or variable, its type.

Each raises ValueError with what would have been right.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PerModel:
    """What holds for one model in place of the common setting. None: that one."""

    context: int | None = None
    idle: float | None = None


def text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("it has to be a text that is not empty")


def count(value: object) -> int:
    """Whole and above zero; a text is what a flag or a variable holds."""
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, int) and not isinstance(number, bool) and number > 0:
        return number
    raise ValueError("it has to be a whole number above 0")


def seconds(value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        number = 0.0
    if 0 < number < float("inf"):
        return number
    raise ValueError("it has to be a number of seconds above 0")


def one_of(*allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value in allowed:
            return str(value)
        raise ValueError(f"it has to be one of {', '.join(allowed)}")

    return check


def folders(value: object) -> tuple[str, ...]:
    """A list; one text is what a variable holds, with the separator of PATH."""
    found = value.split(os.pathsep) if isinstance(value, str) else value
    if isinstance(found, list | tuple) and all(isinstance(folder, str) and folder for folder in found):
        return tuple(found)
    raise ValueError("it has to be a list of folders")


def names(value: object) -> tuple[tuple[str, str], ...]:
    """A table; one text is what a variable holds: `name=model,name=model`."""
    found: object = value
    if isinstance(value, str):
        found = {
            name.strip(): model.strip() for name, _, model in (p.partition("=") for p in value.split(","))
        }
    if isinstance(found, dict) and all(isinstance(m, str) and m and n for n, m in found.items()):
        return tuple(found.items())
    raise ValueError("it has to be a table of texts, or `name=text,name=text`")


def whole(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
        if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
            return number
        raise ValueError(f"it has to be a whole number from {low} to {high}")

    return check


def duration(value: object) -> float:
    """Seconds; 0 has a meaning of its own."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if 0 <= number < math.inf:
        return number
    raise ValueError("it has to be a number of seconds, 0 or more")


def switch(value: object) -> bool:
    """On or off; a text is what a variable holds."""
    found = (
        {"1": True, "true": True, "0": False, "false": False}.get(value.lower())
        if isinstance(value, str)
        else value
    )
    if isinstance(found, bool):
        return found
    raise ValueError("it has to be true or false")


def words(value: object) -> tuple[str, ...]:
    """A list; one text is what a variable holds, with blanks between."""
    found = value.split() if isinstance(value, str) else value
    if isinstance(found, list | tuple) and all(isinstance(word, str) and word for word in found):
        return tuple(found)
    raise ValueError("it has to be a list of texts")


def models(value: object) -> tuple[tuple[str, PerModel], ...]:
    """Tables of the file by the model's name."""
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ValueError("it has to be a table for each model")
    return tuple((name, _per_model(name, table)) for name, table in value.items())


def _per_model(name: str, table: dict[str, object]) -> PerModel:
    checks: dict[str, Callable[[object], float]] = {"context": count, "idle": duration}
    found: dict[str, float] = {}
    for key, value in table.items():
        if key not in checks:
            raise ValueError(f"unknown key {key!r} for {name}; allowed are {', '.join(checks)}")
        try:
            found[key] = checks[key](value)
        except ValueError as error:
            raise ValueError(f"{key} of {name}: {error}") from error
    return PerModel(**found)  # type: ignore[arg-type]
