"""Scripts that check the project and name what they want: shell and Python, and the family that satisfies them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from . import names, values
from . import phrasings_trouble as ask
from .configs import Planned, Setting
from .edits import apply_setting, new_line
from .kinds import KINDS
from .sandbox import run_script
from .tree import status
from .values import Value
from .world import World

_CLEAR = (
    "{k} in {f} must be {v}",
    "{f}: {k} must be {v}",
    "{f}: {k} should be {v}",
    "expected {k} to be {v} in {f}",
    "{k} should be {v} (see {f})",
    "error: {f} needs {k} = {v}",
    "FAIL: {k} in {f} is not {v}",
    "{f} has the wrong {k}, want {v}",
    "please set {k} to {v} in {f}",
)
_SHORT = (
    "want {v}",
    "{k} must be {v}",
    "wrong {k}: expected {v}",
    "{k} is wrong",
    "{f} is wrong",
    "check failed",
    "bad {k} in {f}",
    "FAIL",
    "{f} is not up to date",
    "unexpected {k}",
)
_DONE = ("ok", "all good", "OK", "check passed", "passed", "everything fine", "done", "")


@dataclass
class Check:
    path: str
    text: str
    message: str
    done: str


def _shell(rng: random.Random, path: str, plan: Planned, line: str, old: str, message: str) -> Check:
    done = rng.choice(_DONE)
    f = plan.path
    guard = "-e " if line.startswith("-") or old.startswith("-") else ""  # else grep takes it for an option
    body = rng.choice(
        (
            [f"grep -qF {guard}'{line}' {f} || {{ echo \"{message}\"; exit 1; }}"],
            [f"if ! grep -qF {guard}'{line}' {f}; then", f'  echo "{message}"', "  exit 1", "fi"],
            [f"if ! grep -q -F {guard}'{line}' {f}", "then", f'    echo "{message}" >&2', "    exit 1", "fi"],
            [f"if grep -qF {guard}'{old}' {f}; then", f'  echo "{message}"', "  exit 1", "fi"] if old not in line else
            [f"grep -qF {guard}'{line}' {f} || (echo \"{message}\" && exit 1) || exit 1"],
            ["set -e", f"grep -F {guard}'{line}' {f} >/dev/null || {{", f'  echo "{message}"', "  exit 1", "}"],
        )
    )  # fmt: skip
    head = rng.choice((["#!/bin/sh"], ["#!/bin/sh"], ["#!/bin/bash"], ["#!/usr/bin/env bash", ""], []))
    return Check(path, "\n".join([*head, *body, *([f'echo "{done}"'] if done else [])]) + "\n", message, done)


def _python(
    rng: random.Random, path: str, plan: Planned, setting: Setting, value: Value, line: str, message: str
) -> Check:
    done = rng.choice(_DONE)
    say = json.dumps(message)
    module = plan.path.removesuffix(".py")
    ends = (
        [f"    print({say})", "    sys.exit(1)"],
        [f"    print({say})", "    raise SystemExit(1)"],
        [f"    sys.exit({say})"],
        [f"    print({say}, file=sys.stdout)", "    exit(1)"],
    )
    if plan.kind == "py" and "/" not in plan.path and module.isidentifier() and rng.random() < 0.6:
        literal = KINDS["py"].literal(value)
        import_line, subject = rng.choice(
            (
                (f"from {module} import {setting.key}", setting.key),
                (f"import {module}", f"{module}.{setting.key}"),
            )
        )
        body = ["import sys", "", import_line, "", f"if {subject} != {literal}:", *rng.choice(ends)]
    else:
        body = [
            "import sys",
            "",
            *rng.choice(
                (
                    [f'text = open("{plan.path}").read()'],
                    [f'with open("{plan.path}") as file:', "    text = file.read()"],
                )
            ),
            f"if {line!r} not in text:",
            *rng.choice(ends),
        ]
    return Check(path, "\n".join([*body, *([f'print("{done}")'] if done else [])]) + "\n", message, done)


def _outcome(world: World, check: Check, good: bool) -> str:
    if check.path.endswith(".py"):
        return status(*run_script(world.tree, check.path))
    return status(check.done, 0) if good else status(check.message, 1)


def _make(world: World, plan: Planned, setting: Setting, value: Value) -> Check | None:
    rng = world.rng
    line, _ = new_line(plan, setting, value)
    slots = {"k": setting.key, "f": plan.path, "v": value.text}
    message = rng.choice(_CLEAR if rng.random() < 0.6 else _SHORT).format(**slots)
    if set(line + message + setting.line) & set("'\"\\$`!%{}*[]~") - set('"') or set(message) & set('"'):
        return None
    shell = rng.random() < 0.55
    stem = rng.choice(
        ("check", "check", "verify", "test", "ci", "lint", "validate", "smoke", f"check_{names.word(rng, world.split)}",
         f"{names.word(rng, world.split)}_check", names.word(rng, world.split))
    )  # fmt: skip
    where = rng.choice(("", "", "", "scripts/", "bin/", "ci/", "tools/")) if shell else ""
    path = f"{where}{stem}{'.sh' if shell else '.py'}"
    taken = {*world.tree.files, *world.tree.folders}
    if (
        path in taken
        or where.rstrip("/") in world.tree.files
        or stem in names.RESERVED
        or f"{stem}.py" in taken
    ):
        return None
    if shell:
        return _shell(rng, path, plan, line, setting.line, message)
    return _python(rng, path, plan, setting, value, line, message)


def satisfy(world: World) -> bool:
    """A check script fails and says (or shows in its text) which value it wants."""
    rng, s, v = world.rng, world.s, world.voice()
    pool = [x for x in world.settings() if world.tree.files[x[0].path].count(x[1].line) == 1]
    if s.steps or not pool:
        return False
    plan, setting = rng.choice(pool)
    value = values.other_value(rng, world.split, setting.value)
    if KINDS[plan.kind].values and value.kind not in KINDS[plan.kind].values:
        return False
    line, _ = new_line(plan, setting, value)
    if line in world.tree.files[plan.path] or setting.line in line or line in setting.line:
        return False
    check = _make(world, plan, setting, value)
    if check is None:
        return False
    world.tree.add(check.path, check.text)
    s.initial[check.path] = check.text
    tool = rng.choice(("sh", "sh", "bash")) if check.path.endswith(".sh") else "python3"
    if tool == "sh" and "bash" in check.text:
        tool = "bash"
    command = f"{tool} {check.path}"
    mark = rng.choice(("`", "", ""))
    prompt = ask.CHECK(
        rng,
        world.split,
        {"c": f"{mark}{command}{mark}", "X": v.path(check.path), "x": v.quoted(check.path, v.path_mark)},
    )
    named = command in prompt
    if not named:
        command = f"{'sh' if tool != 'python3' and 'bash' not in check.text else tool} {check.path}"
    world.ask("fix", prompt, edits=False)
    first = s.bash(f"I run {command} to see what it says.", command, _outcome(world, check, False))
    clear = setting.key in check.message and value.text in check.message and plan.path in check.message
    said = first.split("\n")[0]
    if not clear:
        s.bash(f"It says `{said}`. What does it want? Read {check.path}.", *world.tree.cat(check.path))
    lead = (
        f"It says `{said}`."
        if clear
        else f"{check.path} looks for `{line}` in {plan.path}."
        if line in check.text
        else f"It wants {setting.key} to be {value.text}."
    )
    if line not in check.text and not clear:
        lead = (
            f"It wants {value.text} in {plan.path}."
            if value.text in check.text
            else f"It must not be `{setting.line}`."
        )
        if value.text not in check.text and value.text not in check.message:
            return _unknown(world, check, plan, setting, command)
    s.bash(f"{lead} Look at {plan.path}.", *world.tree.cat(plan.path))
    apply_setting(world, plan, setting, value, "")
    s.bash(
        rng.choice((f"Run {command} again.", f"Check with {command}.")), command, _outcome(world, check, True)
    )
    s.answer(
        "It passes now.",
        rng.choice(
            (
                f"`{command}` wanted `{setting.key}` in {plan.path} to be {value.text}. I changed it and the check passes.",
                f"I set `{setting.key}` to {value.text} in {plan.path}; `{command}` passes now.",
                f"{check.path} passes now: `{setting.key}` in {plan.path} is {value.text}.",
            )
        ),
        value.text,
        plan.path,
    )
    return True


def _unknown(world: World, check: Check, plan: Planned, setting: Setting, command: str) -> bool:
    """The check only says what must not be there: nobody knows the right value."""
    world.s.bash(f"It must not be `{setting.line}`. Look at {plan.path}.", *world.tree.cat(plan.path))
    world.s.answer(
        "The right value is not named anywhere. I stop and say so.",
        f"`{command}` fails because {plan.path} still has `{setting.line}`. "
        f"It does not say which value `{setting.key}` should have, so I changed nothing. Which value do you want?",
        setting.key,
    )
    return True
