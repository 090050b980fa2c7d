"""The extension's settings, made from those of ds4agent.config by `python -m scripts.vscode_settings`.

A setting that says which program runs, or where source text goes, cannot come from a workspace (its scope is
the machine): opening somebody's repository must not choose it.
"""

import inspect
import json
import types
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ds4agent import config
from ds4agent import config_values as v

FOLDER = Path(__file__).resolve().parent.parent / "editors" / "vscode"
TITLE = "Engine, completion and agent"
# What only `serve` and `models` read.
OTHERS = {"serve", "lsp", "model_dirs", "aliases", "models"}
OF_THE_MACHINE = {"engine", "model", "api_key", "approve", "lsp.completion_engine"}
BY_LANGUAGE = {"lsp.completion"}


def properties() -> dict[str, dict[str, Any]]:
    """The schema of each setting, by its name below `ds4agent`."""
    found = _table(config.Settings, "", OTHERS) | _table(config.Lsp, "lsp.", set())
    for name, schema in found.items():
        if name in OF_THE_MACHINE:
            schema["scope"] = "machine"
        elif name in BY_LANGUAGE:
            schema["scope"] = "language-overridable"
    return found


def manifest(current: str) -> str:
    """package.json with the settings as they are now."""
    data = json.loads(current)
    block = {
        "title": TITLE,
        "properties": {f"ds4agent.{name}": schema for name, schema in properties().items()},
    }
    kept = [b for b in data["contributes"].get("configuration", []) if b["title"] != TITLE]
    data["contributes"]["configuration"] = [*kept, block]
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def names() -> str:
    """The module of their names."""
    listed = "".join(f'  "{name}",\n' for name in properties())
    return f"// Made by scripts/vscode_settings.py.\nexport const SETTINGS = [\n{listed}] as const;\n"


def files() -> dict[Path, str]:
    """What the files are to contain."""
    package = FOLDER / "package.json"
    return {
        package: manifest(package.read_text("utf-8")),
        FOLDER / "src" / "settings-generated.ts": names(),
    }


def _table(table: Any, prefix: str, without: set[str]) -> dict[str, dict[str, Any]]:
    hints = get_type_hints(table)
    return {
        prefix + f.name: _schema(hints[f.name], f.metadata["check"])
        | {"default": _json(f.default), "description": _sentence(f.metadata["about"])}
        for f in fields(table)
        if f.name not in without
    }


def _schema(hint: Any, check: Any) -> dict[str, Any]:
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (arm for arm in get_args(hint) if arm is not type(None))
        found = _schema(inner, check)
        return found | {"type": [found["type"], "null"]}
    if get_origin(hint) is Literal:
        return {"type": "string", "enum": list(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": {"type": "string"}}
    return {"type": _TYPES[hint]} | _bounds(check)


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _bounds(check: Any) -> dict[str, Any]:
    if check is v.count:
        return {"minimum": 1}
    if check is v.duration:
        return {"minimum": 0}
    if check is v.seconds:
        return {"exclusiveMinimum": 0}
    held = inspect.getclosurevars(check).nonlocals
    return {"minimum": held["low"], "maximum": held["high"]} if "low" in held else {}


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _sentence(about: str) -> str:
    return f"{about[0].upper()}{about[1:]}. Where it is not set here, config.toml holds."


if __name__ == "__main__":
    for file, content in files().items():
        file.write_text(content, "utf-8")
