"""Finding things: words in odd places and another case, definitions, line numbers, files by name or ending, counts."""

from __future__ import annotations

import random
import re

from . import askfind, glue, manner, names
from .configs import Planned
from .grammar import Phrases, Wordings
from .tree import status
from .world import World

_SEARCH = Phrases("""
I search all files for {w}.
Which file has {w}? Search the project.
Look for {w} in the whole project.
Find the files with {w}.
""")
_AGAIN = Phrases("""
No match for {w} as it is written. Try again without regard to case.
Nothing. It may be written in another case: search with -i.
No file has exactly {w}. I ignore the case now.
""")
_ONE = Phrases("""
{p} contains {q}.
{q} is in {p}.
The file is {p}.
It is in {p}.
Only {p} contains {q}.
""")
_MANY = Phrases("""
Several files contain {q}: {p}.
{q} is in {p}.
These files contain {q}: {p}.
""")
_NONE = Phrases("""
No file in this project contains {q}.
I found no file with {q}.
None: {q} does not occur in any file here.
""")
_FILE_LIKE = re.compile(r"^[\w./-]+\.\w{1,6}$")
_STOP = frozenset("the and file word text which this that files where what with line name path".split())


def _piece(rng: random.Random, line: str) -> str:
    """Some of a line that a person may ask for: words, a number, an address, a piece of code, all of it."""
    line = line.strip()
    r = rng.random()
    if r < 0.12 and 6 < len(line) < 60:
        return line
    if r < 0.4:
        found = re.findall(r"[^\s\"'`=:;,(){}\[\]<>|]{4,}", line)
    elif r < 0.6:
        found = re.findall(r"[\"']([^\"']{4,40})[\"']", line)
    elif r < 0.8:
        found = re.findall(r"[\w'-]+(?: [\w'-]+){1,4}", line)
    else:
        found = re.findall(r"[A-Za-z][\w-]{3,}", line)
    piece = rng.choice(found).strip() if found else ""
    return piece if re.search(r"\w", piece) and "\\" not in piece else ""


def _word(world: World, plans: list[Planned]) -> str:
    rng = world.rng
    lines = [x for x in world.tree.lines(rng.choice(plans).path) if x.strip()]
    word = _piece(rng, rng.choice(lines)) if lines else ""
    bad = (
        len(word) < 3
        or word.lower() in _STOP
        or _FILE_LIKE.match(word)
        or "\t" in word
        or word.startswith("-")
    )
    return "" if bad else word


def _quoted(word: str) -> str:
    return f'"{word}"' if "`" in word else f"`{word}`"


def _hits(world: World, word: str, fold: bool = False) -> list[str]:
    files = world.tree.files
    low = word.lower()
    return [p for p in world.tree.walk() if (low in files[p].lower() if fold else word in files[p])]


def _asked(world: World, wording: Wordings, slots: dict[str, str], extra: tuple[str, ...] = ()) -> str:
    text = manner.written(world.rng, world.split, wording, slots, extra, plain=world.s.joining)
    return world.say("find", text)


_BARE = (
    "Just the path, please.",
    "Answer with the path only.",
    "Only the path.",
    "Path only, please.",
    "Reply with nothing but the path.",
    "I only need the path, nothing else.",
)


def find_word(world: World) -> bool:
    """The file or files with a piece of text, sometimes written in another case than it stands."""
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    word = _word(world, plans) if plans else ""
    if rng.random() < 0.07:
        word = rng.choice(
            (names.invented(rng) + names.invented(rng), f"{names.word(rng, world.split)} {glue.mixed(rng)}")
        )
    if not word:
        return False
    r = rng.random()
    said = word.lower() if r < 0.12 else word.upper() if r < 0.16 else word.title() if r < 0.2 else word
    exact, fold = _hits(world, said), _hits(world, said, True)
    if len(fold) > 5 or any(b.startswith(".") for p in fold for b in p.split("/")[:-1]):
        return False
    bare = not s.joining and len(fold) == 1 and rng.random() < 0.15
    mark = v.mark if re.fullmatch(r"[\w-]+", said) else v.mark or rng.choice(('"', '"', "`", "'"))
    slots = {"w": rng.choice(("", "", "", "the word ", "the text ", "the phrase ")) + v.quoted(said, mark)}
    _asked(world, askfind.WORD, slots, (rng.choice(_BARE),) if bare else ())
    _search(world, said, bool(exact), bool(fold))
    _told(world, exact or fold, _quoted(said), bare)
    return True


def _search(world: World, word: str, found: bool, other_case: bool) -> None:
    rng, s = world.rng, world.s
    s.bash(_SEARCH(rng, {"w": word}), *world.tree.grep_all(word, "-rlIF"))
    if not found and other_case:
        s.bash(_AGAIN(rng, {"w": word}), *world.tree.grep_all(word, "-rliIF"))


def _told(world: World, hits: list[str], quoted: str, bare: bool) -> None:
    rng, s = world.rng, world.s
    if not hits:
        s.answer(f"No file has {quoted}.", _NONE(rng, {"q": quoted}))
    elif len(hits) == 1:
        s.answer(
            f"The file is {hits[0]}.", hits[0] if bare else _ONE(rng, {"p": hits[0], "q": quoted}), hits[0]
        )
    else:
        shown = ", ".join(hits[:-1]) + " and " + hits[-1]
        s.answer(f"{len(hits)} files have it.", _MANY(rng, {"p": shown, "q": quoted}), *hits)


def find_any(world: World) -> bool:
    """Whether any file has a word, or how many have it."""
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    word = _word(world, plans) if plans else ""
    if rng.random() < 0.3:
        word = names.invented(rng) + names.word(rng, world.split)
    hits = _hits(world, word) if word else []
    if not word or len(hits) > 9 or len(_hits(world, word, True)) != len(hits):
        return False
    if any(b.startswith(".") for p in hits for b in p.split("/")[:-1]):
        return False
    count = rng.random() < 0.4
    _asked(world, askfind.MANY if count else askfind.ANY, {"w": v.quoted(word, v.mark or '"')})
    s.bash(_SEARCH(rng, {"w": word}), *world.tree.grep_all(word, "-rlIF"))
    q, shown = _quoted(word), ", ".join(hits)
    if count:
        number = str(len(hits))
        reply = (
            f"One file contains {q}: {shown}." if number == "1" else f"{number} files contain {q}: {shown}."
        )
        s.answer(f"The list has {number} lines.", reply if hits else f"0 files contain {q}.", *hits)
    elif hits:
        s.answer(
            f"{hits[0]} has it.", rng.choice((f"Yes, {q} is in {shown}.", f"Yes: {shown}.")), "Yes", *hits
        )
    else:
        s.answer(
            "No match.", rng.choice((f"No, no file contains {q}.", f"No. {q} does not occur here.")), "No"
        )
    return True


def find_definition(world: World) -> bool:
    """Where a function or class is defined: the line that defines it, among those that use it."""
    rng, s, v = world.rng, world.s, world.voice()
    pool = [(p, n) for p in world.alive() for n in p.symbols if p.path.endswith(".py")]
    if not pool:
        return False
    plan, name = rng.choice(pool)
    heads = [
        x.strip() for x in world.tree.lines(plan.path) if re.match(rf"\s*(def|class) {re.escape(name)}\b", x)
    ]
    command, result = world.tree.grep_all(name, "-rnIF")
    elsewhere = [p for p in world.tree.files if p != plan.path and f" {name}(" in world.tree.files[p]]
    if (
        len(heads) != 1
        or result.count("\n") > 9
        or any(f"def {name}" in world.tree.files[p] for p in elsewhere)
    ):
        return False
    noun = "class" if heads[0].startswith("class") else "function"
    said = rng.choice(
        (
            v.name(name),
            v.name(name),
            f"{v.name(name)}",
            f"the {noun} {v.name(name)}",
            f"{name}()" if noun == "function" else name,
        )
    )
    _asked(world, askfind.DEFINED, {"w": said})
    s.bash(f"I search the project for {name}.", command, result)
    row = next(x for x in result.split("\n") if x.startswith(f"./{plan.path}:") and x.endswith(heads[0]))
    number = row.split(":")[1]
    s.answer(
        f"`{heads[0]}` is the definition: {plan.path}, line {number}.",
        rng.choice(
            (
                f"`{name}` is defined in {plan.path}, line {number}.",
                f"The {noun} `{name}` is in {plan.path} (line {number}).",
            )
        ),
        plan.path,
    )
    return True


def find_line(world: World) -> bool:
    """The line number of a text in a file."""
    rng, s, v, plans = world.rng, world.s, world.voice(), world.alive()
    if not plans:
        return False
    plan = rng.choice(plans)
    word = _word(world, [plan])
    rows = [n for n, x in enumerate(world.tree.lines(plan.path), 1) if word in x] if word else []
    if not 0 < len(rows) < 4:
        return False
    _asked(world, askfind.LINE, {"w": v.quoted(word, v.mark or '"'), "f": v.quoted(plan.path, v.path_mark)})
    s.bash(f"Search {plan.path} for {word} with line numbers.", *world.tree.grep(word, plan.path, "-nF"))
    shown = " and ".join(map(str, rows)) if len(rows) < 3 else f"{rows[0]}, {rows[1]} and {rows[2]}"
    noun = "line" if len(rows) == 1 else "lines"
    s.answer(
        f"It is {noun} {shown}.",
        rng.choice(
            (
                f"{_quoted(word)} is on {noun} {shown} of {plan.path}.",
                f"It is on {noun} {shown} of {plan.path}.",
            )
        ),
        *map(str, rows),
    )
    return True


def find_named(world: World) -> bool:
    """A file by its name, or all with an ending."""
    rng, s, v, tree = world.rng, world.s, world.voice(), world.tree
    path = rng.choice(sorted(tree.files))
    base = path.rsplit("/", 1)[-1]
    if any(b.startswith(".") for p in tree.files for b in p.split("/")[:-1]):
        return False
    if rng.random() < 0.5:
        hits = [p for p in tree.walk() if p.rsplit("/", 1)[-1] == base]
        _asked(world, askfind.NAMED, {"w": v.quoted(base, v.path_mark)})
        s.bash(
            rng.choice((f"Search for {base} by name.", f"Where is {base}? Find it.")), *tree.find_name(base)
        )
    elif "." in base[1:]:
        ending = base.rsplit(".", 1)[-1]
        hits = [p for p in tree.walk() if p.endswith(f".{ending}")]
        said = rng.choice((f".{ending}", f".{ending}", f"*.{ending}", f"`.{ending}`"))
        _asked(world, askfind.ENDING, {"e": said})
        result = status("\n".join(f"./{p}" for p in hits), 0)
        s.bash(
            f"List the files that end in .{ending}.",
            f"find . -name '*.{ending}' -not -path './.git/*'",
            result,
        )
    else:
        return False
    if len(hits) == 1:
        s.answer(
            f"It is {hits[0]}.",
            rng.choice((f"The path is {hits[0]}.", f"It is {hits[0]}.", hits[0])),
            hits[0],
        )
    else:
        s.answer(
            f"{len(hits)} files.",
            rng.choice(("\n".join(hits), f"There are {len(hits)}: {', '.join(hits)}.")),
            *hits,
        )
    return True
