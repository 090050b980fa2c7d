"""Settings: a flag, else the environment, else the configuration file, else the default.

The fields below are the one place where a setting is described; flags, DS4AGENT_* variables and the keys of
config.toml are named after them, those of `serve` and `lsp` as tables: [serve] port, DS4AGENT_SERVE_PORT. An
unknown key in the file is an error, because a typo there would otherwise be a setting that silently does
nothing.

This is read before anything else happens, so it is plain Python: importing a validation library took longer
than all the rest of the start-up together.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from ds4agent import config_values as v
from ds4agent import paths

PREFIX = "DS4AGENT_"


class ConfigError(Exception):
    """A setting is wrong; the message names where it comes from and what would be right."""


def _setting(default: Any, check: Callable[[object], Any], about: str) -> Any:
    return field(default=default, metadata={"check": check, "about": about})


@dataclass(frozen=True, slots=True)
class Serve:
    """What a user can choose about `ds4agent serve`: the table [serve], and variables DS4AGENT_SERVE_*."""

    host: str = _setting("127.0.0.1", v.text, "IPv4 address to listen on")
    port: int = _setting(8010, v.whole(0, 65535), "port to listen on, 0 for any")
    leave: float = _setting(
        1800.0, v.duration, "seconds without a client after which one started on demand ends, 0 for never"
    )
    api_keys: tuple[tuple[str, str], ...] = _setting((), v.names, "clients and their keys")
    allow_hosts: tuple[str, ...] = _setting((), v.words, "more names of this machine")
    cors_origins: tuple[str, ...] = _setting((), v.words, "origins that may ask from a browser, * for any")
    max_queue: int = _setting(64, v.whole(0, 1_000_000), "requests that may wait, 0 for any number")
    keepalive: float = _setting(10.0, v.duration, "seconds of silence between signs of life, 0 for none")
    sessions: int | None = _setting(None, v.count, "requests that are carried at once")
    preload: bool = _setting(False, v.switch, "load the model at once")
    adopt: bool = _setting(True, v.switch, "use an engine that runs already")
    ready: float = _setting(600.0, v.duration, "seconds that a start may take, 0 for any time")
    idle: float = _setting(0.0, v.duration, "seconds after which an idle engine is let go, 0 for never")
    hang: float = _setting(180.0, v.duration, "seconds of silence after which an engine hangs, 0 for never")
    kv: bool = _setting(True, v.switch, "keep sessions on disk")
    kv_root: str | None = _setting(None, v.text, "folder with a KV directory for each model")
    kv_space_mb: int | None = _setting(
        None, v.count, "MiB of a KV directory; without it 65,536, and 4,096 of the embedded engine"
    )
    kv_interval: int | None = _setting(None, v.count, "tokens between checkpoints of a growing session")
    kv_reject_other_quant: bool = _setting(False, v.switch, "leave checkpoints of other quants alone")
    ssd_streaming: Literal["auto", "on", "off"] = _setting(
        "auto", v.one_of("auto", "on", "off"), "read experts from the SSD while the model runs"
    )
    power: int | None = _setting(None, v.whole(1, 100), "how busy the GPU may be, in percent")
    trace: str | None = _setting(None, v.text, "file for the engine's trace")
    extra: tuple[str, ...] = _setting((), v.words, "more arguments of the engine, as they are")

    @property
    def kv_models(self) -> Path:
        """Where each model has its KV directory."""
        return paths.expanded(self.kv_root).absolute() if self.kv_root else paths.kv_models()


@dataclass(frozen=True, slots=True)
class Lsp:
    """What a user can choose about `ds4agent lsp`: the table [lsp], and variables DS4AGENT_LSP_*."""

    completion: Literal["auto", "invoked", "off"] = _setting(
        "auto", v.one_of("auto", "invoked", "off"), "ghost text while one types, when asked for, or never"
    )
    completion_engine: str = _setting("auto", v.text, "who completes: auto, embedded, or an http address")
    debounce: float = _setting(0.075, v.duration, "seconds without a key before a completion is asked for")
    languages_off: tuple[str, ...] = _setting((), v.words, "languages without completion, by LSP's names")
    max_tokens: int = _setting(96, v.count, "tokens of a completion")
    max_file_kb: int = _setting(2048, v.count, "size of a file beyond which nothing is completed")
    prefix_lines: int = _setting(256, v.count, "lines before the cursor that the model reads")
    suffix_lines: int = _setting(32, v.whole(0, 10_000), "lines behind the cursor that the model reads")
    chunks: int = _setting(16, v.whole(0, 1000), "pieces of other files that the model reads")
    chunk_lines: int = _setting(64, v.count, "lines of such a piece")
    warm: bool = _setting(True, v.switch, "read what changed while nothing is typed")
    thinking: bool = _setting(True, v.switch, "reason before answering in a chat that begins")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can choose."""

    engine: str = _setting("auto", v.text, "auto, embedded, the path of an engine, or its http address")
    model: str | None = _setting(None, v.text, "GGUF file for an engine that is started, or a model's name")
    context: int | None = _setting(None, v.count, "context tokens of an engine that is started")
    approve: Literal["ask", "auto", "full"] = _setting(
        "auto", v.one_of("ask", "auto", "full"), "which steps need a yes"
    )
    max_steps: int = _setting(100, v.count, "requests to the engine in one turn")
    shell_timeout: float = _setting(300.0, v.seconds, "seconds until a running command is handed back")
    model_dirs: tuple[str, ...] = _setting((), v.folders, "more folders with models")
    aliases: tuple[tuple[str, str], ...] = _setting((), v.names, "names of your own for models")
    api_key: str | None = _setting(None, v.text, "bearer token for an engine at an http address")
    models: tuple[tuple[str, v.PerModel], ...] = _setting((), v.models, "context and idle of single models")
    serve: Serve = Serve()
    lsp: Lsp = Lsp()


_TABLES: dict[str, Any] = {"serve": Serve, "lsp": Lsp}
_SECRET = ("api_key", "serve.api_keys")
_CHECKS: dict[str, Callable[[object], Any]] = {
    **{f.name: f.metadata["check"] for f in fields(Settings) if f.name not in _TABLES},
    **{f"{name}.{f.name}": f.metadata["check"] for name, table in _TABLES.items() for f in fields(table)},
}


def load(
    flags: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    client: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings in force. `flags` that are None were not given; one of a table is named `table.key`. `client`:
    what an editor has set, shaped as the file; it stands between the environment and flags, and may be null
    where nothing was set. Raises ConfigError.
    """
    values: dict[str, Any] = {}
    file = paths.config_file()
    for key, value in _flat(_read(file)).items():
        if key not in _CHECKS:
            raise ConfigError(f"{file}: {_unknown(key)}; allowed are {', '.join(_CHECKS)}")
        values[key] = _checked(key, value, f"{file}: {key}")
    for key in _CHECKS:
        variable = PREFIX + key.upper().replace(".", "_")
        if value := environment.get(variable):
            values[key] = _checked(key, value, variable)
    for key, value in _flat(dict(client or {})).items():
        if key not in _CHECKS:
            raise ConfigError(f"the editor's settings: {_unknown(key)}")
        if value is not None:
            values[key] = _checked(key, value, f"the editor's setting {key}")
    for key, value in flags.items():
        if value is not None:
            values[key] = _checked(key, value, f"--{key.rpartition('.')[2].replace('_', '-')}")
    tables = {
        name: table(
            **{f.name: values.pop(f"{name}.{f.name}") for f in fields(table) if f"{name}.{f.name}" in values}
        )
        for name, table in _TABLES.items()
    }
    return Settings(**values, **tables)


def _flat(content: dict[str, Any]) -> dict[str, Any]:
    """Keys of tables as `table.key`."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key in _TABLES and isinstance(value, dict):
            found |= {f"{key}.{inner}": held for inner, held in value.items()}
        else:
            found[key] = value
    return found


def _unknown(key: str) -> str:
    if key in _TABLES:
        return f"{key} is a table, [{key}]"
    from difflib import get_close_matches  # only for who needs it: it is a millisecond of every start

    close = get_close_matches(key, _CHECKS, 1)
    return f"unknown key {key!r}" + (f" (did you mean {close[0]!r}?)" if close else "")


def _checked(key: str, value: object, where: str) -> object:
    try:
        return _CHECKS[key](value)
    except ValueError as error:
        # What this says may end in a log or a report.
        shown = "not as it should be" if key in _SECRET else repr(value)
        raise ConfigError(f"{where} is {shown}; {error}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML
        raise ConfigError(f"{file} is not TOML: {error}") from error
