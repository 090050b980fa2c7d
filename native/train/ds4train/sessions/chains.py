"""Tasks whose second part uses what the first found: look up and write, find and note, run and keep, then show."""

from __future__ import annotations

from . import loose, sources
from . import phrasings_chain as ask
from .chainparts import Chain, ending, finish
from .edits import apply_setting, new_line
from .grammar import Phrases
from .kinds import KINDS
from .lines import safe_line
from .sources import Source
from .tree import status
from .values import Value
from .world import World

_CREATE = Phrases("""
{seen} Write `{v}` into {W}, nothing else.
{seen} {W} gets `{v}` as its only line.
{seen} So {W} must hold `{v}`.
""")
_APPEND = Phrases("""
{seen} Append `{v}` to {G}.
{seen} The new last line of {G} is `{v}`.
{seen} Now `{v}` goes to the end of {G}.
""")
_COPY = Phrases("""
{seen} Now {j} in {G}: find its line.
{seen} {j} in {G} must become `{v}`. Find it.
{seen} Look for {j} in {G}, it gets `{v}`.
""")


def chain(world: World) -> bool:
    source = sources.pick(world)
    if source is None:
        return False
    return world.rng.choice((_create, _create, _create, _append, _append, _copy, _copy, _script))(
        world, source
    )


def _first(chain: Chain) -> tuple[str, str]:
    """(the first part of the request, how the second refers to it): in two parts or in one."""
    source, rng = chain.source, chain.world.rng
    if rng.random() < 0.4:
        return "", chain.say(ask.NOUN[source.kind], **source.slots)
    return chain.say(ask.ASK[source.kind], **source.slots), chain.refer()


def _create(world: World, source: Source) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    path = world.new_path(rng.choice(("txt", "txt", "txt", "md", "log", "out", "lst", None)))
    if path in world.tree.folders:
        return False
    chain = Chain(world, source)
    first, ref = _first(chain)
    use = chain.say(ask.CREATE, r=ref, W=v.quoted(path, v.path_mark))
    show, step = ending(chain, path, v.path(path))
    chain.request(first, use, show)
    source.act(f"First the value for {path}. ")
    s.edit(_CREATE(rng, {"seen": source.seen, "v": source.value, "W": path}), command="create", path=path,
           file_text=source.value + "\n")  # fmt: skip
    chain.said.append(
        rng.choice(
            (f"I wrote it into {path}.", f"{path} holds just that.", f"{path} now contains `{source.value}`.")
        )
    )
    return finish(chain, path, step)


def _append(world: World, source: Source) -> bool:
    rng, s, v, tree = world.rng, world.s, world.voice(), world.tree
    logs = [
        p.path for p in world.alive() if p.path.endswith((".md", ".txt", ".log", ".rst")) or "." not in p.path
    ]
    logs = [
        p for p in logs if tree.files[p].strip() and p not in source.slots.get("F", "") and p != source.value
    ]
    if not logs:
        return False
    path = rng.choice(logs)
    chain = Chain(world, source)
    first, ref = _first(chain)
    label, line = "", source.value
    if rng.random() < 0.3 and " " not in ref:
        label = rng.choice(
            (
                "result:",
                "found:",
                "value:",
                "note:",
                "-",
                "=>",
                f"{loose.person(rng, world.split)['N']}:",
                "checked:",
            )
        )
        line = f"{label} {source.value}"
    if not safe_line(line) or line in tree.lines(path):
        return False
    use = chain.say(
        ask.LABELLED if label else ask.APPEND, r=ref, G=v.path(path), l=v.quoted(label, v.mark or '"')
    )
    show, step = ending(chain, path, v.path(path))
    chain.request(first, use, show)
    source.act(f"First the value for {path}. ")
    s.bash(_APPEND(rng, {"seen": source.seen, "v": line, "G": path}), *tree.append(path, line))
    chain.said.append(
        rng.choice((f"I appended `{line}` to {path}.", f"`{line}` is the last line of {path} now."))
    )
    return finish(chain, path, step)


def _copy(world: World, source: Source) -> bool:
    """Another setting gets the value that was found."""
    if not source.type:
        return False
    rng, s, v, tree = world.rng, world.s, world.voice(), world.tree
    pool = [
        (p, x) for p, x in world.settings()
        if p.path != source.path and tree.files[p.path].count(x.line) == 1 and x.value.kind == source.type
        and x.value.text != source.value and not KINDS[p.kind].values
    ]  # fmt: skip
    if not pool:
        return False
    plan, setting = rng.choice(pool)
    value = Value(source.value, source.type)
    if new_line(plan, setting, value)[0] in tree.files[plan.path]:
        return False
    chain = Chain(world, source)
    slots = {"j": v.name(setting.key), "G": v.path(plan.path)}
    show, step = ending(chain, plan.path, v.path(plan.path))
    if rng.random() < 0.6:
        chain.request("", chain.say(ask.SAME, **slots, **source.slots), show)
    else:
        first = chain.say(ask.ASK[source.kind], **source.slots)
        chain.request(first, chain.say(ask.COPY, r=chain.refer(), **slots), show)
    source.act(rng.choice(("The value comes first. ", f"{setting.key} in {plan.path} gets it afterwards. ")))
    facts = {"seen": source.seen, "j": setting.key, "G": plan.path, "v": source.value}
    s.bash(_COPY(rng, facts), *tree.grep(setting.key, plan.path, "-nF"))
    old = setting.value.text
    apply_setting(world, plan, setting, value, "")
    chain.said.append(f"`{setting.key}` in {plan.path} was {old} and is {source.value} now.")
    return finish(chain, plan.path, step)


def _script(world: World, source: Source) -> bool:
    """A script that prints the value, and its run."""
    rng, s, v = world.rng, world.s, world.voice()
    path = world.new_path("py")
    stem = path.rsplit("/", 1)[-1][:-3]
    if set(source.value) & set("\"'\\{}$`!%") or stem in ("code", "test") or path in world.tree.folders:
        return False
    chain = Chain(world, source)
    first, ref = _first(chain)
    use = chain.say(ask.PRINTS, r=ref, W=v.quoted(path, v.path_mark))
    run = rng.random() < 0.8
    chain.request(first, use, chain.say(ask.RUN_IT) if run else "")
    source.act(f"First the value for {path}. ")
    text = f'print("{source.value}")\n'
    s.edit(f"{source.seen} {path} prints `{source.value}`.", command="create", path=path, file_text=text)
    chain.said.append(f"{path} prints it.")
    if run:
        s.bash(f"Now run python3 {path}.", f"python3 {path}", status(source.value, 0))
        chain.said.append(f"`python3 {path}` printed `{source.value}`.")
    s.answer("All is done.", " ".join(chain.said), *chain.answers, path)
    return True
