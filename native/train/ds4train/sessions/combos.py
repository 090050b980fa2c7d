"""Families with several actions in one sentence: two edits, an edit and a note of it, a program written and run."""

from __future__ import annotations

from . import glue, names, programs, values
from . import phrasings_combos as ask
from .asking import dress
from .configs import Planned, Setting
from .edits import apply_setting, spoken
from .fixing import report
from .kinds import KINDS
from .lines import safe_line
from .tree import status
from .values import Value
from .world import World


def _new_value(world: World, plan: Planned, setting: Setting) -> Value | None:
    value = values.other_value(world.rng, world.split, setting.value)
    allowed = KINDS[plan.kind].values
    return None if allowed and value.kind not in allowed else value


def _unique(world: World, plan: Planned, setting: Setting) -> bool:
    return world.tree.files[plan.path].count(setting.line) == 1


def two_edits(world: World) -> bool:
    """Two settings in one sentence, in two files or in one."""
    rng, s, v = world.rng, world.s, world.voice()
    pool = [x for x in world.settings() if _unique(world, *x)]
    if len(pool) < 2:
        return False
    first, second = rng.sample(pool, 2)
    same = first[0] is second[0]
    new = [_new_value(world, *first), _new_value(world, *second)]
    if None in new or (same and (first[1].line in second[1].line or second[1].line in first[1].line)):
        return False
    parts = [
        (plan, setting, value) for (plan, setting), value in zip((first, second), new, strict=True) if value
    ]
    slots = {"F": v.path(first[0].path), "G": v.path(second[0].path)}
    slots |= {"f": v.quoted(first[0].path, v.path_mark), "g": v.quoted(second[0].path, v.path_mark)}
    slots |= {"k": v.name(first[1].key), "j": v.name(second[1].key)}
    slots |= {"v": v.value(parts[0][2].text), "w": v.value(parts[1][2].text)}
    world.ask("change", (ask.TWO_SAME if same else ask.TWO_FILES)(rng, world.split, slots))
    done = []
    for number, (plan, setting, value) in enumerate(parts):
        lead = "Two changes. First" if number == 0 else "Now the second change:"
        s.bash(
            f"{lead} {setting.key} in {plan.path} to {value.text}. Find its line.",
            *world.tree.grep(setting.key, plan.path, "-nF"),
        )
        old = setting.value.text
        if world.tree.files[plan.path].count(setting.line) != 1:
            return _give_up(world, plan, setting)
        apply_setting(world, plan, setting, value, "")
        done.append(f"`{setting.key}` in {plan.path} is now {value.text} (it was {old})")
    s.answer("Both changes are done.", f"{done[0]}, and {done[1]}.", parts[0][2].text, parts[1][2].text)
    return True


def _give_up(world: World, plan: Planned, setting: Setting) -> bool:
    """The first edit made the second line ambiguous: say so."""
    world.s.answer(
        f"The line `{setting.line}` is no longer unique.",
        f"I made the first change only: `{setting.line}` now occurs several times in {plan.path}.",
    )
    return True


def edit_append(world: World) -> bool:
    """An edit and a line about it at the end of another file."""
    rng, s, v = world.rng, world.s, world.voice()
    pool = [x for x in world.settings() if _unique(world, *x)]
    logs = [p for p in world.alive() if p.path.endswith((".md", ".txt", ".log", ".rst")) or "." not in p.path]
    if not pool or not logs:
        return False
    (plan, setting), log = rng.choice(pool), rng.choice(logs)
    value = _new_value(world, plan, setting)
    if value is None or log is plan:
        return False
    said, old = spoken(setting.key) or setting.key, setting.value.text
    line = rng.choice(
        (
            f"{said} is now {value.text}",
            f"{said} changed to {value.text}",
            f"- {said}: {value.text}",
            f"set {setting.key} to {value.text}",
            f"- changed {setting.key} from {old} to {value.text}",
            f"{setting.key} {old} -> {value.text}",
            f"{values.value(rng, world.split, 'date').text} {said} {value.text}",
            f"- {setting.key} updated in {plan.path}",
            names.sentence(rng, world.split),
        )
    )
    if not safe_line(line) or line in world.tree.lines(log.path) or "`" in line:
        return False
    slots = {
        "F": v.path(plan.path),
        "G": v.path(log.path),
        "k": v.name(setting.key),
        "v": v.value(value.text),
    }
    slots["l"] = v.quoted(line, v.mark or '"')
    world.ask("change", ask.EDIT_APPEND(rng, world.split, slots))
    s.bash(
        f"First set {setting.key} in {plan.path} to {value.text}, then append `{line}` to {log.path}. Find the line.",
        *world.tree.grep(setting.key, plan.path, "-nF"),
    )
    apply_setting(world, plan, setting, value, "")
    s.bash(f"Now append `{line}` to {log.path}.", *world.tree.append(log.path, line))
    s.answer(
        "Both parts are done.",
        f"I changed `{setting.key}` in {plan.path} from {old} to {value.text} and appended `{line}` to {log.path}.",
        value.text,
        log.path,
    )
    return True


def create_run(world: World) -> bool:
    """Write a program that prints a text, and run it."""
    rng, s, v = world.rng, world.s, world.voice()
    shell = rng.random() < 0.25
    path = world.new_path("sh" if shell else "py")
    if rng.random() < 0.3:
        path = f"{glue.a_word(rng)}.{'sh' if shell else 'py'}"
    say = rng.choice(
        (
            lambda: names.sentence(rng, world.split),
            lambda: glue.a_word(rng),
            lambda: f"{glue.a_word(rng)} {glue.a_word(rng)}",
            lambda: f"hello {glue.a_word(rng)}",
            lambda: values.value(rng, world.split, "phrase").text,
            lambda: str(rng.randint(0, 9999)),
        )
    )()
    stem = path.rsplit("/", 1)[-1].split(".")[0]
    if path in world.tree.files or set(say) & set("\"'\\$`!") or stem in names.RESERVED:
        return False
    tool = rng.choice(("bash", "sh")) if shell else "python3"
    noun = (
        rng.choice(("shell script", "script"))
        if shell
        else rng.choice(("Python script", "program", "script"))
    )
    slots = {"F": v.path(path), "l": v.quoted(say, v.mark or '"'), "t": tool, "noun": noun}
    prompt = ask.CREATE_RUN(rng, world.split, slots)
    world.ask("create", prompt)
    text = f'echo "{say}"\n' if shell else f'print("{say}")\n'
    s.edit(f"Create {path}, which prints `{say}`.", command="create", path=path, file_text=text)
    tool = tool if f" {tool}" in prompt else "bash" if shell else "python3"
    command = f"{tool} {path}"
    s.bash(rng.choice((f"Now run it: `{command}`.", f"Run `{command}`.")), command, status(say + "\n", 0))
    s.answer(
        "It works.",
        rng.choice(
            (f"I created {path}. `{command}` printed `{say}`.", f"{path} is there; it prints `{say}`.")
        ),
        say,
        path,
    )
    return True


def edit_run(world: World) -> bool:
    """Change a constant of a script, then run the script."""
    rng, s, v = world.rng, world.s, world.voice()
    pool = [
        (plan, setting)
        for plan, setting in world.settings()
        if (plan.kind == "py" and "print(" in world.tree.files[plan.path])
        or (plan.kind == "sh" and "echo" in world.tree.files[plan.path])
    ]
    if not pool:
        return False
    plan, setting = rng.choice(pool)
    value = values.other_value(rng, world.split, setting.value)
    if not _unique(world, plan, setting) or (value.kind == "int" and len(value.text) > 2):
        return False
    if any(c in value.text for c in "$`'!*\\"):
        return False
    tool = "bash" if plan.kind == "sh" else "python3"
    command = f"{tool} {plan.path}"
    mark = rng.choice(("`", "", ""))
    slots = {"F": v.path(plan.path), "k": v.name(setting.key), "v": v.value(value.text), "t": tool}
    slots["c"] = f"{mark}{command}{mark}"
    world.ask("change", ask.EDIT_RUN(rng, world.split, slots), edits=False)
    s.bash(
        f"First set {setting.key} in {plan.path} to {value.text}, then run `{command}`.",
        *world.tree.grep(setting.key, plan.path, "-nF"),
    )
    apply_setting(world, plan, setting, value, "")
    result = status(*programs.run(world.tree, plan.path))
    s.bash(rng.choice((f"Now run `{command}`.", f"The value is set. Run {command}.")), command, result)
    report(world, command, result)
    return True


_BARE_NAMES = (
    "VERSION LICENSE AUTHORS TODO NOTICE README CODEOWNERS MAINTAINERS OWNER STATUS NAME Procfile CNAME robots.txt"
    " humans.txt hello.txt greeting.txt note.txt motd .python-version .nvmrc .ruby-version .tool-versions .gitignore"
    " .dockerignore requirements.txt runtime.txt .node-version .prettierrc .flake8 .gitattributes message.txt"
).split()


def says(world: World) -> bool:
    """A file that just says something; the text may stand without quotes at the end of the sentence."""
    rng, s, v = world.rng, world.s, world.voice()
    path = rng.choice(_BARE_NAMES)
    if rng.random() < 0.5:
        path = rng.choice(
            (world.new_path(), f"{glue.a_word(rng)}.{glue.extension(rng)}", glue.a_word(rng).upper())
        )
    if path in world.tree.files or path in world.tree.folders:
        return False
    line = rng.choice(
        (
            lambda: f"{glue.a_word(rng)} {glue.a_word(rng)}",
            lambda: f"{glue.a_word(rng)} {glue.a_word(rng)} {glue.a_word(rng)}",
            lambda: glue.a_word(rng),
            lambda: values.value(rng, world.split, "version").text,
            lambda: values.value(rng, world.split).text,
            lambda: glue.glob(rng),
            lambda: glue.one_liner(rng),
            lambda: glue.text(rng),
            lambda: names.sentence(rng, world.split),
        )
    )().rstrip(".")
    if not safe_line(line) or "`" in line:
        return False
    plain = rng.random() < 0.6
    slots = {"p": v.quoted(path, v.path_mark), "L": line if plain else v.quoted(line, v.mark or '"')}
    pool = ask.SAYS
    text = pool(rng, world.split, slots)
    if plain and not text.endswith(line):
        slots["L"] = v.quoted(line, v.mark or '"')
        text = text.replace(line, slots["L"])
    plain = plain and text.endswith(line)
    if s.joining:
        world.say("create", text if not plain else text[: -len(line)] + v.quoted(line, v.mark or '"'))
    else:
        world.say("create", dress(rng, world.split, text, edits=not plain, frame=not plain))
    s.edit(
        rng.choice((f"Create {path} with `{line}`.", f"{path} is new and just says `{line}`.")),
        command="create",
        path=path,
        file_text=line + "\n",
    )
    s.answer(
        f"{path} is there.",
        rng.choice(
            (
                f"I created {path}; it says `{line}`.",
                f"{path} now says `{line}`.",
                f"{path} contains `{line}`.",
            )
        ),
        path,
    )
    return True
