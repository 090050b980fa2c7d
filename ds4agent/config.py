"""Settings: a flag, else the environment, else the configuration file, else the default.

The fields below are the one place where a setting is described; flags, DS4AGENT_* variables and the keys of
config.toml are named after them. An unknown key in the file is an error, because a typo there would otherwise
be a setting that silently does nothing.

This is read before anything else happens, so it is plain Python: importing a validation library took longer
than all the rest of the start-up together.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from ds4agent import paths

PREFIX = "DS4AGENT_"


class ConfigError(Exception):
    """A setting is wrong; the message names where it comes from and what would be right."""


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("it has to be a text that is not empty")


def _count(value: object) -> int:
    """Whole and above zero; a text is what a flag or a variable holds."""
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, int) and not isinstance(number, bool) and number > 0:
        return number
    raise ValueError("it has to be a whole number above 0")


def _seconds(value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        number = 0.0
    if 0 < number < float("inf"):
        return number
    raise ValueError("it has to be a number of seconds above 0")


def _one_of(*allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value in allowed:
            return str(value)
        raise ValueError(f"it has to be one of {', '.join(allowed)}")

    return check


def _folders(value: object) -> tuple[str, ...]:
    """A list; one text is what a variable holds, with the separator of PATH."""
    found = value.split(os.pathsep) if isinstance(value, str) else value
    if isinstance(found, list | tuple) and all(isinstance(folder, str) and folder for folder in found):
        return tuple(found)
    raise ValueError("it has to be a list of folders")


def _names(value: object) -> tuple[tuple[str, str], ...]:
    """A table; one text is what a variable holds: `name=model,name=model`."""
    found: object = value
    if isinstance(value, str):
        found = {
            name.strip(): model.strip() for name, _, model in (p.partition("=") for p in value.split(","))
        }
    if isinstance(found, dict) and all(isinstance(m, str) and m and n for n, m in found.items()):
        return tuple(found.items())
    raise ValueError("it has to name a model for each alias")


def _setting(default: Any, check: Callable[[object], Any], about: str) -> Any:
    return field(default=default, metadata={"check": check, "about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can choose."""

    engine: str = _setting("auto", _text, "auto, embedded, the path of an engine, or its http address")
    model: str | None = _setting(None, _text, "GGUF file for an engine that is started, or a model's name")
    context: int | None = _setting(None, _count, "context tokens of an engine that is started")
    approve: Literal["ask", "auto", "full"] = _setting(
        "auto", _one_of("ask", "auto", "full"), "which steps need a yes"
    )
    max_steps: int = _setting(100, _count, "requests to the engine in one turn")
    shell_timeout: float = _setting(300.0, _seconds, "seconds until a running command is handed back")
    model_dirs: tuple[str, ...] = _setting((), _folders, "more folders with models")
    aliases: tuple[tuple[str, str], ...] = _setting((), _names, "names of your own for models")
    api_key: str | None = _setting(None, _text, "bearer token for an engine at an http address")


_CHECKS: dict[str, Callable[[object], Any]] = {f.name: f.metadata["check"] for f in fields(Settings)}


def load(flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings in force. `flags` that are None were not given. Raises ConfigError."""
    values: dict[str, Any] = {}
    file = paths.config_file()
    for key, value in _read(file).items():
        if key not in _CHECKS:
            raise ConfigError(f"{file}: unknown key {key!r}; allowed are {', '.join(_CHECKS)}")
        values[key] = _checked(key, value, f"{file}: {key}")
    for key in _CHECKS:
        if value := environment.get(PREFIX + key.upper()):
            values[key] = _checked(key, value, PREFIX + key.upper())
    for key, value in flags.items():
        if value is not None:
            values[key] = _checked(key, value, f"--{key.replace('_', '-')}")
    return Settings(**values)


def _checked(key: str, value: object, where: str) -> object:
    try:
        return _CHECKS[key](value)
    except ValueError as error:
        raise ConfigError(f"{where} is {value!r}; {error}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML
        raise ConfigError(f"{file} is not TOML: {error}") from error
