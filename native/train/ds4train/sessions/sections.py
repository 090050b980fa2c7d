"""Settings whose key occurs in two sections of a file: the section decides, so the file is read with line
numbers.
"""

from __future__ import annotations

from . import configs, kinds, phrasings_more, values
from .tree import quote
from .world import World


def _slots(
    world: World,
) -> tuple[dict[str, str], configs.Planned, tuple[int, configs.Setting], tuple[int, configs.Setting]] | None:
    rng = world.rng
    plan, both = configs.twice(rng, world.split)
    files = world.tree.files
    if (
        world.s.steps
        or plan.path in files
        or plan.path in world.tree.folders
        or any(plan.path.startswith(f + "/") or f.startswith(plan.path + "/") for f in files)
    ):
        return None
    world.tree.add(plan.path, plan.text)
    world.s.initial[plan.path] = plan.text
    chosen, other = both if rng.random() < 0.5 else (both[1], both[0])
    v = world.voice()
    section = rng.choice(
        (
            v.name(chosen[1].section),
            f"[{chosen[1].section}]" if plan.kind != "yaml" else v.name(chosen[1].section),
        )
    )
    return (
        {
            "k": v.name(chosen[1].key),
            "s": section,
            "f": v.quoted(plan.path, v.path_mark),
            "F": v.path(plan.path),
        },
        plan,
        chosen,
        other,
    )


def change_in_section(world: World) -> bool:
    made = _slots(world)
    if made is None:
        return False
    slots, plan, (number, setting), (other, _) = made
    rng, s = world.rng, world.s
    while True:
        value = values.other_value(rng, world.split, setting.value)
        literal = kinds.KINDS[plan.kind].literal(value)
        if not set(literal) & configs.AWKWARD:
            break
    key, section = setting.key, setting.section
    slots["v"] = world.voice().value(value.text)
    world.ask("change", phrasings_more.SECTION(rng, world.split, slots))
    s.edit(
        rng.choice(
            (
                f"Set {key} in section {section} of {plan.path} to {value.text}. View the file.",
                f"The section is {section}, the key {key}, the new value {value.text}. View {plan.path}.",
            )
        ),
        command="view",
        path=plan.path,
    )
    lines = world.tree.lines(plan.path)
    indent = lines[number - 1][: len(lines[number - 1]) - len(lines[number - 1].lstrip())]
    head, tail = setting.line.rsplit(setting.literal, 1)
    new = indent + head + literal + tail
    lines[number - 1] = new
    world.tree.files[plan.path] = "\n".join(lines) + "\n"
    think = (
        f"{key} of {section} is line {number} of {plan.path}: `{setting.line}`. "
        f"It becomes `{new.strip()}`. Line {other} is another section."
    )
    s.bash(think, f"sed -i {quote(f'{number}s|.*|{new}|')} {plan.path}", "(no output)")
    s.answer(
        "Only that line changed.",
        rng.choice(
            (
                f"I changed `{key}` in the {section} section of {plan.path} "
                f"from {setting.value.text} to {value.text}.",
                f"In {plan.path}, `{key}` under {section} is now {value.text}.",
            )
        ),
        value.text,
    )
    return True


def lookup_in_section(world: World) -> bool:
    made = _slots(world)
    if made is None:
        return False
    slots, plan, (_, setting), _ = made
    rng, s = world.rng, world.s
    world.ask("lookup", phrasings_more.SECTION_LOOKUP(rng, world.split, slots), edits=False)
    value = setting.literal if setting.value.kind == "bool" else setting.value.text
    s.bash(f"Find {setting.key} in section {setting.section}. Read {plan.path}.", *world.tree.cat(plan.path))
    s.answer(
        f"Under {setting.section} it says `{setting.line}`.",
        rng.choice(
            (
                f"`{setting.key}` in the {setting.section} section of {plan.path} is {value}.",
                f"In section {setting.section}, `{setting.key}` is {value}.",
            )
        ),
        value,
    )
    return True
