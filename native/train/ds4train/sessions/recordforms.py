"""Records of one kind written down in one of many notations: tables, blocks, one record a line.

What has to be learnt from them is to find one field of one record among many alike: the same key stands below
every header, the same number in several rows.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

# As JSON has them: a code like 007 is text.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


@dataclass
class Table:
    """Records before they are written: `rows[i][j]` is the text of field `keys[j]` of record `ids[i]`."""

    noun: str
    ids: list[str]
    keys: list[str]
    rows: list[list[str]]


@dataclass
class Written:
    """A file of records.

    `at[i]` is the line (from 0) of record i or of its header; `cell[i, j]` the line of a field. `how` is the
    shape: "columns" (fields by position below a head), "line" (a record on one line), "block" (below a header).
    """

    ext: str
    how: str
    lines: list[str] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    cell: dict[tuple[int, int], int] = field(default_factory=dict)
    head: int = 0  # the line that names the columns

    def row(self, table: Table, line: str) -> None:
        """A record on one line."""
        number = len(self.at)
        self.at.append(len(self.lines))
        self.cell |= {(number, j): len(self.lines) for j in range(len(table.keys))}
        self.lines.append(line)

    def block(self, header: list[str], fields: list[str], tail: list[str]) -> None:
        """A record of a header, a line a field, and what closes it."""
        number = len(self.at)
        self.at.append(len(self.lines) + len(header) - 1)
        self.lines += header
        for j, line in enumerate(fields):
            self.cell[number, j] = len(self.lines)
            self.lines.append(line)
        self.lines += tail


def is_bare(text: str) -> bool:
    """Whether a value is written without quotes in code."""
    return text in ("true", "false") or _NUMBER.fullmatch(text) is not None


def _json(text: str) -> str:
    return text if is_bare(text) else json.dumps(text, ensure_ascii=False)


def _py(text: str) -> str:
    return {"true": "True", "false": "False"}.get(text) or _json(text)


def _sql(text: str) -> str:
    return text if is_bare(text) else "'" + text.replace("'", "''") + "'"


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") else noun + ("es" if noun.endswith("s") else "s")


def _csv(rng: random.Random, t: Table) -> Written:
    out, mark = Written("csv", "columns"), rng.choice((",", ",", ",", ";"))
    out.lines.append(mark.join([rng.choice((t.noun, "name", "id")), *t.keys]))
    for name, row in zip(t.ids, t.rows, strict=True):
        out.row(t, mark.join([name, *row]))
    return out


def _markdown(rng: random.Random, t: Table) -> Written:
    head = [t.noun.capitalize(), *(k.replace("_", " ") for k in t.keys)]
    cells = [head, *([n, *row] for n, row in zip(t.ids, t.rows, strict=True))]
    wide = (
        [max(len(row[j]) for row in cells) for j in range(len(head))]
        if rng.random() < 0.5
        else [0] * len(head)
    )
    out = Written("md", "columns", [f"# {_plural(t.noun).capitalize()}", ""], head=2)
    drawn = ["| " + " | ".join(x.ljust(w) for x, w in zip(row, wide, strict=True)) + " |" for row in cells]
    out.lines += [drawn[0], "|" + "|".join("-" * max(w + 2, 3) for w in wide) + "|"]
    for line in drawn[1:]:
        out.row(t, line)
    return out


def _insert(rng: random.Random, t: Table) -> Written:
    names = ", ".join([rng.choice(("name", "id", t.noun)), *t.keys])
    out = Written("sql", "columns", [f"INSERT INTO {_plural(t.noun)} ({names}) VALUES"])
    for i, (name, row) in enumerate(zip(t.ids, t.rows, strict=True)):
        out.row(t, f"  ({', '.join(map(_sql, [name, *row]))}){';' if i == len(t.ids) - 1 else ','}")
    return out


def _yaml_map(rng: random.Random, t: Table) -> Written:
    out = Written("yaml" if rng.random() < 0.5 else "yml", "block", [f"{_plural(t.noun)}:"])
    for name, row in zip(t.ids, t.rows, strict=True):
        out.block([f"  {name}:"], [f"    {k}: {v}" for k, v in zip(t.keys, row, strict=True)], [])
    return out


def _yaml_list(rng: random.Random, t: Table) -> Written:
    out = Written("yaml", "block", [f"{_plural(t.noun)}:"])
    for name, row in zip(t.ids, t.rows, strict=True):
        out.block([f"  - name: {name}"], [f"    {k}: {v}" for k, v in zip(t.keys, row, strict=True)], [])
    return out


def _json_map(rng: random.Random, t: Table) -> Written:
    out = Written("json", "block", ["{"])
    for i, (name, row) in enumerate(zip(t.ids, t.rows, strict=True)):
        fields = [f"    {json.dumps(k)}: {_json(v)}," for k, v in zip(t.keys, row, strict=True)]
        fields[-1] = fields[-1][:-1]
        out.block(
            [f"  {json.dumps(name, ensure_ascii=False)}: {{"],
            fields,
            ["  }" if i == len(t.ids) - 1 else "  },"],
        )
    out.lines.append("}")
    return out


def _json_lines(rng: random.Random, t: Table) -> Written:
    out = Written("json", "line", ["["])
    for i, (name, row) in enumerate(zip(t.ids, t.rows, strict=True)):
        fields = ", ".join(
            f"{json.dumps(k)}: {_json(v)}" for k, v in zip(["name", *t.keys], [name, *row], strict=True)
        )
        out.row(t, f"  {{{fields}}}{'' if i == len(t.ids) - 1 else ','}")
    out.lines.append("]")
    return out


def _toml(rng: random.Random, t: Table) -> Written:
    out, many = Written("toml", "block"), rng.random() < 0.4
    for name, row in zip(t.ids, t.rows, strict=True):
        key = (
            name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)
        )
        header = [f"[[{t.noun}]]", f"name = {json.dumps(name)}"] if many else [f"[{t.noun}.{key}]"]
        out.block(header, [f"{k} = {_json(v)}" for k, v in zip(t.keys, row, strict=True)], [""])
    return out


def _ini(rng: random.Random, t: Table) -> Written:
    out, lead = (
        Written(rng.choice(("ini", "cfg", "conf")), "block"),
        rng.choice(("", "", f"{t.noun} ", f"{t.noun}:")),
    )
    equals = rng.choice((" = ", "=", " = "))
    for name, row in zip(t.ids, t.rows, strict=True):
        out.block([f"[{lead}{name}]"], [f"{k}{equals}{v}" for k, v in zip(t.keys, row, strict=True)], [""])
    return out


def _py_dict(rng: random.Random, t: Table) -> Written:
    out = Written("py", "block" if rng.random() < 0.4 else "line", [f"{_plural(t.noun).upper()} = {{"])
    for name, row in zip(t.ids, t.rows, strict=True):
        fields = [f"{json.dumps(k)}: {_py(v)}" for k, v in zip(t.keys, row, strict=True)]
        if out.how == "line":
            out.row(t, f"    {json.dumps(name, ensure_ascii=False)}: {{{', '.join(fields)}}},")
        else:
            out.block(
                [f"    {json.dumps(name, ensure_ascii=False)}: {{"],
                [f"        {x}," for x in fields],
                ["    },"],
            )
    out.lines.append("}")
    return out


def _py_calls(rng: random.Random, t: Table) -> Written:
    kind = t.noun.capitalize()
    out = Written("py", "line", [f"from model import {kind}", "", f"{_plural(t.noun).upper()} = ["])
    for name, row in zip(t.ids, t.rows, strict=True):
        fields = ", ".join(f"{k}={_py(v)}" for k, v in zip(t.keys, row, strict=True))
        out.row(t, f"    {kind}({json.dumps(name, ensure_ascii=False)}, {fields}),")
    out.lines.append("]")
    return out


def _js(rng: random.Random, t: Table) -> Written:
    out = Written(rng.choice(("js", "ts")), "line", [f"export const {_plural(t.noun)} = ["])
    for name, row in zip(t.ids, t.rows, strict=True):
        fields = ", ".join(f"{k}: {_json(v)}" for k, v in zip(["name", *t.keys], [name, *row], strict=True))
        out.row(t, f"  {{ {fields} }},")
    out.lines.append("];")
    return out


def _go(rng: random.Random, t: Table) -> Written:
    kind = t.noun.capitalize()
    out = Written("go", "line", ["package main", "", f"var {_plural(t.noun)} = []{kind}{{"])
    keys = ["".join(p.capitalize() for p in k.split("_")) for k in ["name", *t.keys]]
    for name, row in zip(t.ids, t.rows, strict=True):
        out.row(
            t, "\t{" + ", ".join(f"{k}: {_json(v)}" for k, v in zip(keys, [name, *row], strict=True)) + "},"
        )
    out.lines.append("}")
    return out


def _xml(rng: random.Random, t: Table) -> Written:
    out = Written("xml", "line", [f"<{_plural(t.noun)}>"])
    for name, row in zip(t.ids, t.rows, strict=True):
        fields = " ".join(f'{k}="{v}"' for k, v in zip(["name", *t.keys], [name, *row], strict=True))
        out.row(t, f"  <{t.noun} {fields}/>")
    out.lines.append(f"</{_plural(t.noun)}>")
    return out


def _hcl(rng: random.Random, t: Table) -> Written:
    out = Written(rng.choice(("tf", "hcl")), "block")
    for name, row in zip(t.ids, t.rows, strict=True):
        fields = [f"  {k} = {_json(v)}" for k, v in zip(t.keys, row, strict=True)]
        out.block([f'{t.noun} "{name}" {{'], fields, ["}", ""])
    return out


def _conf(rng: random.Random, t: Table) -> Written:
    out = Written("conf", "block")
    for name, row in zip(t.ids, t.rows, strict=True):
        out.block(
            [f"{t.noun} {name} {{"], [f"    {k} {v};" for k, v in zip(t.keys, row, strict=True)], ["}", ""]
        )
    return out


def _text(rng: random.Random, t: Table) -> Written:
    out = Written(rng.choice(("txt", "md")), "block", [f"{_plural(t.noun).capitalize()}", ""])
    for name, row in zip(t.ids, t.rows, strict=True):
        out.block([name], [f"- {k.replace('_', ' ')}: {v}" for k, v in zip(t.keys, row, strict=True)], [""])
    return out


NOTATIONS: tuple[Callable[[random.Random, Table], Written], ...] = (
    _csv, _csv, _csv, _markdown, _markdown, _insert, _yaml_map, _yaml_map, _yaml_map, _yaml_list, _json_map, _json_map,
    _json_lines, _toml, _toml, _ini, _ini, _py_dict, _py_dict, _py_calls, _js, _go, _xml, _hcl, _conf, _text,
)  # fmt: skip


def write(rng: random.Random, table: Table) -> Written:
    """The table in one of the notations."""
    out = rng.choice(NOTATIONS)(rng, table)
    while out.lines[-1] == "":
        out.lines.pop()
    return out
