"""Families that create a file with given content: one line, a block, a list of lines."""

from __future__ import annotations

from collections.abc import Callable

from . import asks_create, configs, names, phrasings_more, programs, prose, spots, values, wild, words
from .asking import Voice
from .asks_style import write
from .grammar import Phrases
from .kinds import KINDS
from .lines import a_line, fenced, said_line
from .world import World

_CREATE = Phrases("""
Create {f} with the content from the task.
Write the given text to {f}.
The new file is {f}. I write its content exactly as given.
{f} is a new file; copy the given text.
""")
_CREATE_ONE = Phrases("""
Create {f} with `{l}`.
The new file {f} holds `{l}`.
Write `{l}` to {f}.
{f} is new; its content is `{l}`.
""")
_CREATED_ONE = Phrases("""
I created {f} with the content `{l}`.
{f} now exists and contains `{l}`.
Done: {f} holds `{l}`.
I wrote `{l}` to {f}.
""")


def create_line(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    path, line = world.new_path(), a_line(world)
    if rng.random() < 0.25:
        line = values.value(rng, world.split, rng.choice(("phrase", "word", "version", "str", "int"))).text
    _ask_line(world, v, path, line)
    s.edit(_CREATE_ONE(rng, {"f": path, "l": line}), command="create", path=path, file_text=line + "\n")
    s.answer(f"{path} is there.", _CREATED_ONE(rng, {"f": path, "l": line}), path)
    return True


def _ask_line(world: World, v: Voice, path: str, line: str) -> None:
    rng, named = world.rng, v.quoted(path, v.path_mark)
    if world.s.joining or rng.random() < 0.3:
        slots = {"F": v.path(path), "p": named, "f": named, "l": v.value(line), "L": line}
        world.ask("create", phrasings_more.CREATE_LINE(rng, world.split, slots))
        return
    slots = {"F": named, "L": said_line(rng, v, line)}
    keep = [asks_create.KEEP] if rng.random() < 0.1 else []
    if rng.random() < 0.25:
        world.say(
            "create", write(rng, world.split, [*keep, asks_create.BELOW], slots, then=fenced(rng, line))
        )
    else:
        world.say("create", write(rng, world.split, [asks_create.DO, *keep], slots))


def _ask_block(world: World, v: Voice, path: str, body: str) -> None:
    rng, named = world.rng, v.quoted(path, v.path_mark)
    if world.s.joining or rng.random() < 0.4:
        mark = "@@BLOCK@@"
        slots = {"F": v.path(path), "p": named, "B": mark}
        wording = phrasings_more.CREATE_BLOCK(rng, world.split, slots)
        world.say("create", world.framed(wording).replace(mark, body))
    elif rng.random() < 0.25:
        text = write(rng, world.split, [asks_create.ABOVE], {"F": named})
        world.say("create", f"{body}\n\n{text}")
    else:
        keep = [asks_create.KEEP] if rng.random() < 0.1 else []
        world.say("create", write(rng, world.split, [*keep, asks_create.BELOW], {"F": named}, then=body))


def block(world: World, path: str) -> str:
    """Several lines fit for the path's kind."""
    rng, split = world.rng, world.split
    ext = path.rsplit(".", 1)[-1]
    if ext == "py" and rng.random() < 0.6:
        return wild.code(rng, split) + "\n"
    if ext in ("py", "sh"):
        return programs.small_script(rng, split, ext)
    kind = {"yml": "yaml", "md": "list", "html": ""}.get(ext, ext)
    if kind in KINDS and rng.random() < 0.7:
        return configs.config(rng, split, kind, rng.randint(2, 5)).text
    if ext == "html":
        return prose.page(rng, split).text
    if ext == "csv":
        return prose.table(rng, split).text
    return "\n".join(a_line(world) for _ in range(rng.randint(2, 7))) + "\n"


def create_block(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    if rng.random() < 0.35:
        other = spots.spot_file(rng, world.split)
        path, text = world.new_path(other.path.rpartition(".")[2] if "." in other.path else None), other.text
    else:
        path = world.new_path()
        text = block(world, path)
    if "```" in text or "\t" in text:
        return False
    shown = text.rstrip("\n")
    fence = rng.random() < 0.5
    lang = path.rsplit(".", 1)[-1] if rng.random() < 0.5 else ""
    body = f"```{lang}\n{shown}\n```" if fence else shown
    _ask_block(world, v, path, body)
    s.edit(_CREATE(rng, {"f": path}), command="create", path=path, file_text=text)
    s.answer(
        f"{path} is written.",
        rng.choice(
            (
                f"I created {path} with the content you gave.",
                f"{path} now exists with the given content.",
                f"Done: I wrote the given text to {path}.",
            )
        ),
        path,
    )
    return True


def create_lines(world: World) -> bool:
    """One line per listed item."""
    rng, s, v = world.rng, world.s, world.voice()
    path = world.new_path(rng.choice(("txt", "md", "list", "csv", "log")))
    makers: tuple[Callable[[], str], ...] = (
        lambda: names.word(rng, world.split),
        lambda: names.invented(rng),
        lambda: str(rng.randint(0, 999)),
        lambda: rng.choice(words.PEOPLE[world.split]),
        lambda: rng.choice(words.PLACES[world.split]),
        lambda: names.ident(rng, world.split, "snake", 1, 2),
        lambda: wild.english(rng, world.split),
        lambda: f"{wild.english(rng, world.split)} {wild.english(rng, world.split)}",
    )
    make = rng.choice(makers)
    items = list(dict.fromkeys(make() for _ in range(rng.randint(2, 6))))
    if len(items) < 2:
        return False
    shown = [v.name(x) for x in items]
    listed = rng.choice(
        (
            ", ".join(shown),
            ", ".join(shown[:-1]) + " and " + shown[-1],
            ", ".join(shown[:-1]) + " and " + shown[-1],
        )
    )
    wording = phrasings_more.CREATE_LINES(
        rng,
        world.split,
        {
            "F": v.path(path),
            "p": v.quoted(path, v.path_mark),
            "n": rng.choice((str(len(items)), ("two", "three", "four", "five", "six")[len(items) - 2])),
            "m": listed,
        },
    )
    world.ask("create", wording)
    s.edit(
        f"Create {path} with the lines {', '.join(items)}.",
        command="create",
        path=path,
        file_text="\n".join(items) + "\n",
    )
    s.answer(
        f"{path} has the lines.",
        rng.choice(
            (
                f"I created {path} with the lines {', '.join(items)}.",
                f"{path} now has the lines {', '.join(items)}.",
            )
        ),
        path,
    )
    return True
