"""Families that change what is there: a value, a bare text, a name."""

from __future__ import annotations

import random
import re

from . import names, phrasings, phrasings_more, values
from .configs import Planned, Setting
from .grammar import Phrases
from .kinds import KINDS
from .spot_asks import ask_for
from .tree import quote
from .values import Value
from .world import World

_LOOK = Phrases("""
Set {k} in {f} to {v}. First I find its line.
I need the line of {k} in {f}; the new value is {v}.
{k} in {f} must become {v}. Look for the line.
New value for {k}: {v}. Find {k} in {f}.
The task: {f}, {k} -> {v}. Search the line first.
""")
_LOOK_ALL = Phrases("""
Set {k} to {v}. The file is not named, so I search for {k}.
{k} must become {v}. Which file has {k}? Search.
New value for {k}: {v}. I look where {k} is.
""")
_EDIT = Phrases("""
In {f} the line is `{a}`. The new line is `{b}`.
{f} has the line `{a}`. It becomes `{b}`.
Found `{a}` in {f}. With the new value {v}: `{b}`.
Replace `{a}` with `{b}` in {f}.
""")
_CHECKED = Phrases("""
The edit is done: {k} is {v} in {f}.
{f} now has {k} at {v}.
Done, {k} was {o} and is now {v}.
That was the only change needed.
""")
_CHANGED = Phrases("""
I changed `{k}` in {f} from {o} to {v}.
`{k}` in {f} is now {v} (it was {o}).
Done: `{k}` in {f} was {o} and is now {v}.
I set `{k}` to {v} in {f}; before it was {o}.
I updated {f}: `{k}` went from {o} to {v}.
""")
_NO_KEY = Phrases("""
There is no `{k}` in {f}, so I changed nothing.
I did not find `{k}` in {f}. Nothing was changed.
{f} has no `{k}`; I left the file as it is.
""")
_NO_FILE = Phrases("""
There is no file {f} in this project, so I changed nothing.
I could not find {f}. Nothing was done.
{f} does not exist here; I did nothing.
""")
_SAME = Phrases("""
`{k}` in {f} is already {v}, so nothing had to change.
Nothing to do: `{k}` in {f} already is {v}.
""")


def said_value(world: World, plan: Planned, value: Value) -> str:
    text = value.text
    if value.kind == "bool" and plan.kind == "py" and world.rng.random() < 0.75:
        text = text.title()
    return text


def new_line(plan: Planned, setting: Setting, value: Value) -> tuple[str, str]:
    """The setting's line with another value, and that value's literal."""
    literal = KINDS[plan.kind].literal(value)
    head, _, tail = (
        setting.line.rpartition(setting.literal)
        if setting.line.count(setting.literal) > 1
        else setting.line.partition(setting.literal)
    )
    if setting.line.count(setting.literal) > 1:
        at = setting.line.index(setting.literal, setting.line.index(setting.key) + len(setting.key))
        head, tail = setting.line[:at], setting.line[at + len(setting.literal) :]
    return head + literal + tail, literal


def pick_setting(world: World) -> tuple[Planned, Setting] | None:
    pool = world.settings()
    return world.rng.choice(pool) if pool else None


def apply_setting(world: World, plan: Planned, setting: Setting, value: Value, lead: str) -> None:
    """The edit itself, by unique text or, where the line is part of another, by its number."""
    rng, tree = world.rng, world.tree
    line, literal = new_line(plan, setting, value)
    number = [text.strip() for text in tree.lines(plan.path)].index(setting.line) + 1
    think = lead + _EDIT(
        rng, {"f": plan.path, "a": setting.line, "b": line, "n": str(number), "v": value.text}
    )
    if tree.files[plan.path].count(setting.line) == 1:
        world.s.edit(think, command="str_replace", path=plan.path, old_str=setting.line, new_str=line)
    else:
        result = world.s.edit(
            think, command="str_replace", path=plan.path, old_str=setting.line, new_str=line
        )
        assert result.startswith("Error: old_str occurs"), result
        indent = re.match(r"\s*", tree.lines(plan.path)[number - 1])
        assert indent is not None
        think = f"That text is in several lines. I want line {number}, so I replace that line by number."
        lines = tree.lines(plan.path)
        lines[number - 1] = indent.group() + line
        tree.files[plan.path] = "\n".join(lines) + "\n"
        safe = (indent.group() + line).replace("\\", "\\\\").replace("&", "\\&").replace("|", "\\|")
        world.s.bash(think, f"sed -i {quote(f'{number}s|.*|{safe}|')} {plan.path}", "(no output)")
    setting.line, setting.value, setting.literal = line, value, literal


def change(world: World, lead_in: bool = False) -> bool:
    """Change one setting's value; the file may be named, misnamed or not named."""
    found = pick_setting(world)
    if found is None:
        return False
    plan, setting = found
    rng, s, v = world.rng, world.s, world.voice()
    value = values.other_value(rng, world.split, setting.value)
    if KINDS[plan.kind].values and value.kind not in KINDS[plan.kind].values:
        return False
    old = setting.value.text
    new_said, old_said = said_value(world, plan, value), said_value(world, plan, setting.value)
    nowhere = rng.random() < 0.12 and sum(setting.key in text for text in world.tree.files.values()) == 1
    said = plan.path if nowhere else world.said_path(plan.path)
    gone = not nowhere and said == plan.path and rng.random() < 0.03
    path_shown = said
    slots = {
        "k": v.name(setting.key),
        "K": v.setting(setting.key),
        "f": v.quoted(path_shown, v.path_mark),
        "F": v.path(path_shown),
        "v": v.value(new_said),
        "o": v.value(old_said),
    }
    wording = (
        phrasings.CHANGE_NOFILE
        if nowhere
        else phrasings.CHANGE_OLD
        if rng.random() < 0.3
        else phrasings.CHANGE
    )
    key = setting.key
    if gone:  # a key that is not there
        key = names.ident(rng, world.split, rng.choice(KINDS[plan.kind].case), 1, 3)
        if key in world.tree.files[plan.path]:
            return False
        slots["k"], slots["K"] = v.name(key), v.setting(key)
        wording = phrasings.CHANGE
    if not nowhere and not gone and value.kind == "bool" and rng.random() < 0.4:
        wording = phrasings_more.TURN_ON if value.text.lower() == "true" else phrasings_more.TURN_OFF
    if not nowhere and not gone and rng.random() < 0.5:
        others = [x.key for x in plan.settings if x.key and x.key != key]
        ask_for(world, v, v.setting(key), old_said, new_said, said, others)
    else:
        world.ask("change", wording(rng, world.split, slots))
    facts = {"k": key, "f": said, "v": new_said, "o": old}
    lead = ""
    if nowhere:
        s.bash(_LOOK_ALL(rng, facts), *world.tree.grep_all(key, "-rnIF"))
    else:
        s.bash(_LOOK(rng, facts), *world.tree.grep(key, said, "-nF"))
        if said != plan.path:
            lead = world.recover(said, plan.path, f"Now find {key} in it.")
            s.bash(lead, *world.tree.grep(key, plan.path, "-nF"))
    if gone:
        s.bash(rng.choice(SPELLED_OTHERWISE).format(w=key, f=said), *world.tree.cat(said))
        s.answer(f"There is no {key} in {said}.", _NO_KEY(rng, facts), key)
        return True
    facts["f"] = plan.path
    apply_setting(world, plan, setting, value, "")
    s.answer(_CHECKED(rng, facts), _CHANGED(rng, facts), new_said)
    return True


def change_bare(world: World) -> bool:
    """Replace a value that the user names without its key."""
    found = pick_setting(world)
    if found is None:
        return False
    plan, setting = found
    rng, s, v = world.rng, world.s, world.voice()
    text = world.tree.files[plan.path]
    if (
        setting.value.kind == "bool"
        or len(setting.value.text) < 2
        or text.count(setting.value.text) != 1
        or "\\" in setting.value.text
    ):
        return False
    value = values.other_value(rng, world.split, setting.value)
    if KINDS[plan.kind].values and value.kind not in KINDS[plan.kind].values:
        return False
    facts = {"k": setting.key, "f": plan.path, "v": value.text, "o": setting.value.text}
    slots = {
        "f": v.quoted(plan.path, v.path_mark),
        "F": v.path(plan.path),
        "v": v.value(value.text),
        "o": v.value(setting.value.text),
    }
    world.ask("change", phrasings.CHANGE_BARE(rng, world.split, slots))
    think = rng.choice(
        (
            "Replace {o} with {v} in {f}. First find {o}.",
            "In {f}, {o} must become {v}. Look for {o}.",
            "Find {o} in {f}; the new text is {v}.",
        )
    ).format(**facts)
    s.bash(think, *world.tree.grep(setting.value.text, plan.path, "-nF"))
    apply_setting(world, plan, setting, value, "")
    s.answer(
        _CHECKED(rng, facts),
        rng.choice(
            (
                "I replaced {o} with {v} in {f}.",
                "{f} now has {v} instead of {o}.",
                "Done: {o} is now {v} in {f}.",
            )
        ).format(**facts),
        value.text,
    )
    return True


def change_text(world: World) -> bool:
    """Replace a few words of any line, in code or prose."""
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    if not plans:
        return False
    plan = rng.choice(plans)
    text = world.tree.files[plan.path]
    old = a_phrase(rng, rng.choice(world.tree.lines(plan.path) or [""]))
    new = rng.choice(
        (
            names.invented(rng),
            values.value(rng, world.split, "phrase").text,
            names.word(rng, world.split),
            " ".join(names.word(rng, world.split) for _ in range(rng.randint(1, 4))),
        )
    )
    if any(old in x.line and old not in x.literal for x in plan.settings) or (
        plan.path.endswith(".env") and "=" in old
    ):
        return False
    if (
        old.startswith(("def ", "class ", "return ", "import "))
        or re.search(rf"(?<![\w-]){re.escape(old)}(?![\w-])", text) is None
    ):
        return False
    if not old or text.count(old) != 1 or old in new or any(c in new for c in "'\"`"):
        return False
    line = next(x.strip() for x in text.split("\n") if old in x)
    world.ask(
        "change",
        phrasings_more.CHANGE_TEXT(
            rng,
            world.split,
            {
                "f": v.quoted(plan.path, v.path_mark),
                "F": v.path(plan.path),
                "v": v.value(new),
                "o": v.value(old),
            },
        ),
    )
    facts = {"f": plan.path, "o": old, "v": new}
    s.bash(rng.choice(_FIND_OLD).format(**facts), *world.tree.grep(old, plan.path, "-nF"))
    after = line.replace(old, new)
    number = next(n for n, x in enumerate(text.split("\n"), 1) if old in x)
    s.edit(
        _EDIT(rng, {"f": plan.path, "a": line, "b": after, "n": str(number), "v": new}),
        command="str_replace",
        path=plan.path,
        old_str=line,
        new_str=after,
    )
    for setting in plan.settings:
        setting.line = "\0" if setting.line == line else setting.line
    s.answer(f"{plan.path} now says {new}.", rng.choice(_REPLACED).format(**facts), new)
    return True


def change_spoken(world: World) -> bool:
    """Change a setting whose name the user says in plain words: the file has to be read."""
    rng, s, v = world.rng, world.s, world.voice()
    found = pick_setting(world)
    if found is None:
        return False
    plan, setting = found
    words = spoken(setting.key)
    text = world.tree.files[plan.path]
    value = values.other_value(rng, world.split, setting.value)
    section = spoken(setting.section) if rng.random() < 0.5 else ""
    if (
        (words == setting.key and not section)
        or len(text) > 900
        or [spoken(x.key) for x in plan.settings].count(words) != 1
        or (KINDS[plan.kind].values and value.kind not in KINDS[plan.kind].values)
    ):
        return False
    words = f"{section} {words}".strip()
    said = said_value(world, plan, value)
    slots = {
        "k": rng.choice((words, f"the {words}")),
        "K": f"the {words}",
        "f": v.quoted(plan.path, v.path_mark),
        "F": v.path(plan.path),
        "v": v.value(said),
        "o": v.value(setting.value.text),
    }
    wording = phrasings.CHANGE_OLD if rng.random() < 0.35 else phrasings.CHANGE
    world.ask("change", wording(rng, world.split, slots).replace("the the ", "the "))
    if " " in words:
        s.bash(rng.choice(_READ_SPOKEN).format(w=words, f=plan.path, v=said), *world.tree.cat(plan.path))
    else:
        result = s.bash(
            _LOOK(rng, {"k": words, "f": plan.path, "v": said}), *world.tree.grep(words, plan.path, "-nF")
        )
        if setting.line not in result:
            s.bash(rng.choice(SPELLED_OTHERWISE).format(w=words, f=plan.path), *world.tree.cat(plan.path))
    old = setting.value.text
    apply_setting(world, plan, setting, value, "")
    facts = {"k": setting.key, "f": plan.path, "v": said, "o": old}
    s.answer(_CHECKED(rng, facts), _CHANGED(rng, facts), said)
    return True


def spoken(key: str) -> str:
    """A key as people say it.

    Max_retry_count, maxRetryCount and MAX-RETRY-COUNT are all "max retry count".
    """
    return " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", key)).lower()


def a_phrase(rng: random.Random, line: str) -> str:
    """A few neighbouring words of a line, or one."""
    words = re.findall(r"[A-Za-z0-9_]{3,}", line)
    pairs = re.findall(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){1,3}", line)
    if pairs and rng.random() < 0.5:
        return str(rng.choice(pairs))
    return str(rng.choice(words)) if words else ""


_FIND_OLD = (
    "Replace `{o}` with `{v}` in {f}. First find `{o}`.",
    "In {f}, `{o}` must become `{v}`. Look for it.",
    "Find `{o}` in {f}; the new text is `{v}`.",
)
_REPLACED = (
    "I replaced `{o}` with `{v}` in {f}.",
    "{f} now says `{v}` instead of `{o}`.",
    "Done: `{o}` is now `{v}` in {f}.",
    "In {f} I changed `{o}` to `{v}`.",
)
SPELLED_OTHERWISE = (
    "No {w} is found; it may be spelled otherwise. Read {f}.",
    "grep finds no {w} in {f}. I read the file.",
    "There is no {w} as such. Look at the whole {f}.",
)
_READ_SPOKEN = (
    "Set the {w} in {f} to {v}. I read the file to see its name.",
    "The {w} in {f} must become {v}. Read {f}.",
    "Which line of {f} is the {w}? It gets the value {v}.",
)
