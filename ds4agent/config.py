"""Settings: a flag, else the environment, else the configuration file, else the default.

The fields below are the one place where a setting is described; flags, DS4AGENT_* variables and the keys of
config.toml are named after them. An unknown key in the file is an error, because a typo there would otherwise
be a setting that silently does nothing.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ds4agent import paths

PREFIX = "DS4AGENT_"


class ConfigError(Exception):
    """A setting is wrong; the message names where it comes from and what would be right."""


class Settings(BaseModel):
    """What a user can choose."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    engine: str = Field("auto", description="auto, embedded, the path of an engine, or its http address")
    model: str | None = Field(None, description="GGUF file for an engine that is started, or a model's name")
    context: int | None = Field(None, gt=0, description="context tokens of an engine that is started")
    approve: Literal["ask", "auto", "full"] = Field("auto", description="which steps need a yes")
    max_steps: int = Field(100, gt=0, description="requests to the engine in one turn")
    shell_timeout: float = Field(300, gt=0, description="seconds until a running command is handed back")
    api_key: str | None = Field(None, description="bearer token for an engine at an http address")


def load(flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings in force. `flags` that are None were not given. Raises ConfigError."""
    file = paths.config_file()
    layers = [
        (f"{file}: ", _read(file)),
        (PREFIX, _from_environment(environment)),
        ("--", {key: value for key, value in flags.items() if value is not None}),
    ]
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for where, values in layers:
        merged.update(values)
        origin.update(dict.fromkeys(values, where))
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, origin)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    named = {key: environment.get(PREFIX + key.upper()) for key in Settings.model_fields}
    return {key: value for key, value in named.items() if value}


def _explain(error: ValidationError, origin: Mapping[str, str]) -> str:
    """One sentence about the first thing that is wrong."""
    first = error.errors()[0]
    key = str(first["loc"][0])
    where = origin.get(key, "")
    if first["type"] == "extra_forbidden":
        return f"{where}unknown key {key!r}; allowed are {', '.join(Settings.model_fields)}"
    name = key.upper() if where == PREFIX else key.replace("_", "-") if where == "--" else key
    return f"{where}{name} = {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"
