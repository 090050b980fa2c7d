"""The family that puts right one field of one record, which a check script names with the value it expects."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import manner, names
from .grammar import Phrases, Wordings
from .recordcells import change_cell, facts_of
from .recordforms import is_bare
from .records import Records, fresh_value, is_unique, make
from .tree import Tree, status
from .world import World

_FIX = Wordings("""
[`{c}`|{c}] fails. [Fix|Correct|Repair] {f}[ and run it again|, please|].
{c} [complains|is not happy|reports an error], please [fix|correct] [{f}|the file it checks|whatever is wrong].
run {c} and [fix|correct] what it [says|reports|complains about][ in {f}|].
[please |]make {c} pass[, the mistake is in {f}|]
there is a wrong [value|entry] in {f}: {c} tells which one. [Fix it|Put it right|Correct it].
[the|our] check [({c})|{c}] is red. {f} has a wrong value. [Can you fix it|Please fix it|Fix it]?
why does {c} fail? Fix the data, not the check.
{c} exits with 1. [Get it to pass|Fix it][, please|].
""")
_RUN = Phrases("See what {c} says.\nI run {c} to see what it expects.\nRun {c} first.")
_FAULT = Phrases("""
The {k} of {i} must be {v}, but it is {o}. Read {f}.
{v} is expected for {k} of {i}; {f} has {o}. I read it.
Wanted: {k} of {i} = {v}. Look at {f}.
""")

_READ_CHECK = Phrases("""
Which file does {c} check? Read {p}.
I read {p} to see what it looks at.
The message does not name the file. Look at {p}.
""")
_AGAIN = Phrases("Run {c} again.\nNow {c} again.\nDoes {c} pass now? Run it.")
_FIXED = Phrases("""
The {k} of {i} in {f} was {o}; it is {v} now, and {c} passes.
I changed {k} of {i} in {f} from {o} to {v}. {c} passes now.
{f} had {o} for {k} of {i}, {v} was expected. I set it, and {c} says `{ok}`.
""")
_MESSAGES = (
    "FAIL: {k} of {i} should be {w}, but is {g}", "{i}: expected {k} {w}, found {g}", "{f}: {i} has {k} {g}, expected {w}",
    "wrong {k} for {i}: want {w}, got {g}", "{k} of {i}: expected {w}, got {g}", "check failed: {i}.{k} is {g}, must be {w}",
    "{f} says {g} for {k} of {i}; the right value is {w}", "{i}: {k} must be {w} (now {g})",
)  # fmt: skip
_GOOD = ("ok", "all good", "PASS", "everything as expected", "no mistakes found", "passed", "fine")


@dataclass
class Check:
    """A check script of one cell, planted with its records; the right value is not in the file yet."""

    records: Records
    data: str  # the file of records as it was when the check was made
    i: int
    j: int
    want: str
    path: str
    text: str
    command: str
    failed: str
    passed: str


def _reader(records: Records, i: int, j: int) -> tuple[list[str], str] | None:
    """(imports, the expression that reads the cell as text) in Python."""
    ext, how, table = records.written.ext, records.written.how, records.table
    path, name, key = records.path, table.ids[i], table.keys[j]
    if ext == "csv":
        head = records.written.lines[0]
        mark = ";" if ";" in head else ","
        more = ', delimiter=";"' if mark == ";" else ""
        first = head.split(mark)[0]
        return [
            "csv"
        ], f'{{r["{first}"]: r for r in csv.DictReader(open("{path}"){more})}}["{name}"]["{key}"]'
    if ext == "json" and how == "block":
        return ["json"], f'json.load(open("{path}"))["{name}"]["{key}"]'
    if ext == "json":
        wanted = name if is_bare(name) else f'"{name}"'
        return ["json"], f'{{r["name"]: r for r in json.load(open("{path}"))}}[{wanted}]["{key}"]'
    if ext == "toml" and records.written.lines[0].startswith("[["):
        return [
            "tomllib"
        ], f'{{r["name"]: r for r in tomllib.load(open("{path}", "rb"))["{table.noun}"]}}["{name}"]["{key}"]'
    if ext == "toml":
        return ["tomllib"], f'tomllib.load(open("{path}", "rb"))["{table.noun}"]["{name}"]["{key}"]'
    return None


def _python(
    rng: random.Random, read: tuple[list[str], str], want: str, message: str, good: str
) -> tuple[str, str]:
    """(script, what it prints when the value is wrong); the second has the check's own path as `@`."""
    imports, expression = read
    shown = message.replace("\0", "{found}")
    r = rng.random()
    if r < 0.4:
        lines = [
            f"import {imports[0]}",
            "",
            f"found = str({expression})",
            f'assert found == "{want}", f"{shown}"',
        ]
        carets = " " * 11 + "^" * len(f'found == "{want}"')
        failed = f'Traceback (most recent call last):\n  File "@", line 4, in <module>\n    {lines[-1]}\n{carets}\nAssertionError: {message}'
    else:
        lines = [
            *(f"import {x}" for x in sorted([*imports, "sys"])),
            "",
            f"found = str({expression})",
            f'if found != "{want}":',
        ]
        lines += [f'    sys.exit(f"{shown}")'] if r < 0.7 else [f'    print(f"{shown}")', "    sys.exit(1)"]
        failed = message
    return "\n".join([*lines, f'print("{good}")']) + "\n", failed


def _shell(
    rng: random.Random, records: Records, i: int, j: int, want: str, message: str, good: str
) -> tuple[str, str] | None:
    """The same as a shell script, for tables."""
    if records.written.ext != "csv":
        return None
    mark = ";" if ";" in records.written.lines[0] else ","
    lines = [rng.choice(("#!/bin/sh", "#!/bin/bash"))]
    lines.append(
        f"found=$(awk -F'{mark}' '$1 == \"{records.table.ids[i]}\" {{ print ${j + 2} }}' {records.path})"
    )
    shown = message.replace("\0", "$found")
    if rng.random() < 0.5:
        lines += [f'if [ "$found" != "{want}" ]; then', f'    echo "{shown}"', "    exit 1", "fi"]
    else:
        lines.append(f'[ "$found" = "{want}" ] || {{ echo "{shown}"; exit 1; }}')
    return "\n".join([*lines, f'echo "{good}"']) + "\n", message


def plant(rng: random.Random, split: str, tree: Tree) -> Check | None:
    """Records with one wrong value and a check that knows the right one."""
    records = make(rng, split)
    i, j = rng.randrange(len(records.table.ids)), rng.randrange(len(records.table.keys))
    want, old = fresh_value(rng, split, records, i, j), records.table.rows[i][j]
    odd = set("\"'\\{}$`;,") & set(old + (want or "") + records.table.ids[i])
    if (
        want is None
        or odd
        or not is_unique(records, i, j)
        or (is_bare(old) and not old.isdigit())
        or old[0] == "0"
    ):
        return None
    facts = {"k": records.table.keys[j], "i": records.table.ids[i], "f": records.path, "w": want, "g": "\0"}
    message, good = rng.choice(_MESSAGES).format(**facts), rng.choice(_GOOD)
    read = _reader(records, i, j)
    made = _shell(rng, records, i, j, want, message, good) if rng.random() < 0.4 else None
    ext = "sh" if made else "py"
    made = made or (_python(rng, read, want, message, good) if read else None)
    if made is None:
        return None
    stem = rng.choice(
        (
            "check",
            "check",
            f"check_{names.file_stem(rng, split)}",
            "verify",
            f"test_{names.file_stem(rng, split)}",
            "validate",
        )
    )
    path = f"{rng.choice(('', '', '', 'tests/', 'tools/', 'scripts/'))}{stem}.{ext}"
    if not tree.has_room({path, records.path}):
        return None
    tree.add(records.path, records.text)
    tree.add(path, made[0])
    command = f"{'python3' if ext == 'py' else rng.choice(('sh', 'bash'))} {path}"
    failed = made[1].replace("\0", old).replace('"@"', f'"{tree.cwd}/{path}"')
    return Check(records, records.text, i, j, want, path, made[0], command, failed, good)


def fix_record(world: World) -> bool:
    """Run the check, find the cell, change it, run the check again."""
    rng, s, tree, check = world.rng, world.s, world.tree, world.check
    if (
        check is None
        or tree.files.get(check.path) != check.text
        or tree.files.get(check.records.path) != check.data
    ):
        return False
    world.check = None
    records, i, j = check.records, check.i, check.j
    v, old = world.voice(), records.table.rows[i][j]
    slots = {"c": check.command, "f": v.path(records.path)}
    asked = manner.written(rng, world.split, _FIX, slots, plain=s.joining)
    world.say("fix", asked)
    failed = s.bash(_RUN(rng, {"c": check.command}), check.command, status(check.failed, 1))
    facts = facts_of(records, i, j, "") | {
        "c": check.command,
        "p": check.path,
        "v": check.want,
        "o": old,
        "ok": check.passed,
    }
    if records.path not in failed and (records.path not in asked or rng.random() < 0.3):
        s.bash(_READ_CHECK(rng, facts), *tree.cat(check.path))
    s.bash(_FAULT(rng, facts), *tree.cat(records.path))
    change_cell(world, records, i, j, check.want)
    s.bash(_AGAIN(rng, facts), check.command, check.passed)
    s.answer(f"{check.command} passes.", _FIXED(rng, facts), check.want)
    return True
