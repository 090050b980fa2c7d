"""How each kind of file writes settings: names, literals, lines, comments, sections, usual file names."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .values import Value

NUMERIC = ("int", "float", "negative", "bool", "list")
LISTS = ("py", "toml", "json", "yaml", "js")  # kinds that can hold a list


def _double(v: Value) -> str:
    return v.text if v.kind in NUMERIC else f'"{v.text}"'


def _python(v: Value, q: str = '"') -> str:
    if v.kind == "bool":
        return v.text.title()
    return v.text if v.kind in NUMERIC else f"{q}{v.text}{q}"


def _single(v: Value) -> str:
    return v.text if v.kind in NUMERIC else f"'{v.text}'"


def _shell(v: Value) -> str:
    return f'"{v.text}"' if " " in v.text or "!" in v.text or "*" in v.text else v.text


def _yaml(v: Value) -> str:
    risky = (
        v.kind in ("version", "phrase", "date")
        or any(c in v.text for c in ":#!,@*[]{}=+")
        or v.text in ("yes", "no", "on", "off")
    )
    return f'"{v.text}"' if risky and v.kind not in NUMERIC else v.text


def _bare(v: Value) -> str:
    return v.text


@dataclass(frozen=True)
class Kind:
    """How one file kind writes settings: names, literals, lines, comments, sections."""

    case: tuple[str, ...]
    literal: Callable[[Value], str]
    line: str  # {k} {v} {t}
    comment: str = "#"
    section: str = ""  # e.g. "[{s}]"; empty: none
    indent: str = ""
    head: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()
    values: tuple[str, ...] = ()  # allowed value kinds; empty: all
    files: tuple[str, ...] = ()  # usual file names


KINDS: dict[str, Kind] = {
    "py": Kind(
        ("upper", "upper", "snake"),
        _python,
        "{k} = {v}",
        files=("config.py", "settings.py", "constants.py", "defaults.py", "params.py", "conf.py"),
    ),
    "toml": Kind(
        ("snake", "snake", "kebab"),
        _double,
        "{k} = {v}",
        section="[{s}]",
        files=("pyproject.toml", "config.toml", "settings.toml", "app.toml", "Cargo.toml"),
    ),
    "ini": Kind(
        ("snake", "snake", "kebab", "dot"),
        _bare,
        "{k} = {v}",
        section="[{s}]",
        comment=";",
        files=("config.ini", "settings.ini", "app.ini", "server.ini"),
    ),
    "cfg": Kind(
        ("snake", "snake"),
        _bare,
        "{k}={v}",
        section="[{s}]",
        files=("setup.cfg", "app.cfg", "tool.cfg", "local.cfg"),
    ),
    "yaml": Kind(
        ("snake", "camel", "kebab"),
        _yaml,
        "{k}: {v}",
        section="{s}:",
        indent="  ",
        files=("config.yaml", "settings.yaml", "docker-compose.yml", "values.yaml", "deploy.yml"),
    ),
    "json": Kind(
        ("snake", "camel", "camel", "kebab"),
        _double,
        '"{k}": {v}',
        comment="",
        section='"{s}": {{',
        indent="  ",
        files=("config.json", "settings.json", "package.json", "app.json"),
    ),
    "env": Kind(
        ("upper",),
        _shell,
        "{k}={v}",
        files=(".env", ".env.example", ".env.local", "prod.env", "defaults.env"),
    ),
    "sh": Kind(
        ("upper", "upper", "snake"),
        lambda v: f'"{v.text}"' if v.kind not in NUMERIC else v.text,
        "{k}={v}",
        head=("#!/bin/bash", ""),
        files=("env.sh", "vars.sh", "build.sh", "deploy.sh"),
    ),
    "js": Kind(
        ("camel", "upper"),
        _single,
        "const {k} = {v};",
        comment="//",
        files=("config.js", "constants.js", "settings.js", "app.js"),
    ),
    "ts": Kind(
        ("camel", "upper"),
        _double,
        "export const {k} = {v};",
        comment="//",
        files=("config.ts", "constants.ts", "settings.ts"),
    ),
    "go": Kind(
        ("camel", "pascal"),
        _double,
        "{k} = {v}",
        comment="//",
        indent="\t",
        head=("package config", "", "const ("),
        foot=(")",),
        files=("config.go", "consts.go", "defaults.go"),
    ),
    "rs": Kind(
        ("upper",),
        _double,
        "pub const {k}: {t} = {v};",
        comment="//",
        files=("config.rs", "consts.rs", "settings.rs"),
    ),
    "h": Kind(
        ("upper",),
        _double,
        "#define {k} {v}",
        comment="//",
        values=("int", "str", "version", "phrase", "negative", "size", "path"),
        files=("config.h", "limits.h", "defaults.h"),
    ),
    "c": Kind(
        ("snake", "camel"),
        _double,
        "static const {t} {k} = {v};",
        comment="//",
        values=("int", "negative", "float", "str", "phrase"),
        files=("config.c", "options.c"),
    ),
    "css": Kind(
        ("kebab",),
        _bare,
        "--{k}: {v};",
        comment="",
        head=(":root {",),
        foot=("}",),
        indent="  ",
        values=("int", "size", "hex", "word", "duration"),
        files=("style.css", "theme.css", "main.css"),
    ),
    "make": Kind(
        ("upper",),
        _bare,
        "{k} := {v}",
        foot=("", "all:", "\t@echo done"),
        files=("Makefile", "config.mk", "rules.mk"),
    ),
    "docker": Kind(
        ("upper",),
        _shell,
        "ENV {k}={v}",
        head=("FROM python:3.11-slim", "WORKDIR /app"),
        foot=("COPY . .", 'CMD ["python3", "main.py"]'),
        files=("Dockerfile",),
    ),
    "properties": Kind(
        ("dot", "camel"), _bare, "{k}={v}", files=("app.properties", "gradle.properties", "log.properties")
    ),
    "conf": Kind(
        ("snake", "kebab"), _bare, "{k} {v}", files=("app.conf", "nginx.conf", "redis.conf", "sshd.conf")
    ),
    "list": Kind(
        ("kebab", "snake", "pascal"),
        _bare,
        "- {k}: {v}",
        comment="",
        head=("# Settings", ""),
        files=("README.md", "CONFIG.md", "docs.md", "NOTES.md"),
    ),
    "scene": Kind(("snake",), _bare, "{k}: {v}"),  # files of scenes.py: values as they stand
    "txt": Kind(
        ("snake", "kebab"),
        _bare,
        "{k}: {v}",
        comment="",
        files=("settings.txt", "info.txt", "notes.txt", "versions.txt", "params.txt"),
    ),
}
_WEIGHTS = {"py": 6, "toml": 4, "ini": 4, "yaml": 4, "json": 5, "env": 3, "scene": 0}
EXTENSIONS = {"yaml": "yaml", "list": "md", "make": "mk", "docker": "dockerfile", "conf": "conf"}


def pick_kind(rng: random.Random) -> str:
    kinds = list(KINDS)
    return rng.choices(kinds, [_WEIGHTS.get(k, 1.5) for k in kinds])[0]
