"""The family that repairs what a planted check complains about: run, read, follow the names, edit, run again."""

from __future__ import annotations

from . import loose, reports
from . import phrasings_fix as ask
from . import phrasings_loose as around
from . import thoughts_fix as think
from .faults import Piece
from .plantforms import Planted
from .sandbox import Program, run_script
from .tree import status
from .world import World


def _outcome(world: World, made: Planted) -> str:
    tree = world.tree
    if made.style == "pytest" and made.kit:
        kit, good = made.kit, made.pieces[0].right in tree.files[_place(made, made.pieces[0])]
        report = reports.passed(world.rng, 1) if good else reports.failed(world.rng, tree, kit, made.check)
        return status(report, 0 if good else 1)
    if made.style == "unittest":
        text, code = Program(tree, [made.check]).unittest(made.check, "0.000")
        if made.command == f"python3 {made.check}":
            text = text.replace(f"({made.check[:-3].replace('/', '.')}.", "(__main__.")
        return status(text, code)
    if made.style == "doctest":
        return reports.doctest(tree, made.check, [(c.call, c.expected) for c in made.cases])
    text, code = run_script(tree, made.check)
    if made.rule and code:
        text, code = f"{text}make: *** [{made.rule}] Error {code}", 2
    return status(made.said + text, code)


def _place(made: Planted, piece: Piece) -> str:
    return piece.other or made.paths[made.pieces.index(piece)]


def _said(result: str) -> str:
    """The last line of a report that is not the exit code or unittest's tally."""
    rows = [
        x for x in result.split("\n") if x.strip() and not x.startswith(("[exit", "FAILED (", "Ran ", "---"))
    ]
    return rows[-1].strip() if rows else result


def _prompt(world: World, made: Planted) -> tuple[str, bool]:
    """(request, whether it names the check or the command)."""
    rng, split, v = world.rng, world.split, world.voice()
    piece = made.pieces[0]
    mark = rng.choice(("`", "", "", '"'))
    where = rng.choice((made.paths[0], _place(made, piece)))
    slots = {"c": f"{mark}{made.command}{mark}", "X": v.quoted(made.check, v.path_mark)}
    slots |= {"k": v.quoted(piece.call, "`"), "e": piece.expected}
    slots |= {"m": v.quoted(where, v.path_mark), "t": v.name(piece.target), **loose.person(rng, split)}
    r = rng.random()
    tests = made.style in ("unittest", "pytest")
    plain = made.command in (
        f"python3 {made.check}",
        f"python3 -m unittest {made.check}",
        f"python3 -m pytest -q {made.check}",
    )
    hidden = r < 0.14 and not world.s.joining and (tests or made.style == "script") and _findable(world, made)
    pool = (ask.TESTS if tests else ask.ANY) if hidden else ask.NAMED if plain and r < 0.5 else ask.COMMAND
    text = loose.core(rng, split, pool, slots)
    while made.style == "own" and text.count(made.check) > 1:  # the module is its own check
        text = loose.core(rng, split, pool, slots)
    if world.s.joining:
        return text, True
    return loose.message(rng, split, text, around.BEFORE, around.AFTER_FIX), not hidden


def _findable(world: World, made: Planted) -> bool:
    """Whether a list of the files shows which one is the check, and the plain command runs it."""
    base = made.check.rsplit("/", 1)[-1]
    if made.style == "script" and "check" not in base:
        return False
    if not (made.command.endswith(made.check) and made.command.startswith("python3")):
        return False
    programs = [p.rsplit("/", 1)[-1] for p in world.tree.files if p.endswith((".py", ".sh"))]
    return sum("check" in x or "test" in x for x in programs) == 1


def repair(world: World) -> bool:
    made, s, rng, tree = world.planted, world.s, world.rng, world.tree
    if made is None or not made.intact(tree):
        return False
    world.planted = None
    prompt, named = _prompt(world, made)
    world.say("fix", prompt)
    if named:
        lead = think.RUN(rng, {"c": made.command})
    else:
        s.bash(
            rng.choice(("Which check is there? List the files.", "I look for the check first.")),
            *tree.view_root(),
        )
        lead = think.FOUND(rng, {"x": made.check, "c": made.command})
    result = s.bash(lead, made.command, _outcome(world, made))
    known, lead, changes = set[str](), "", []
    all_at_once = made.style in ("unittest", "doctest") or made.shape == "collects"
    for number in range(len(made.pieces)):
        if number and not all_at_once:
            lead = think.NEXT(rng, {"said": _said(result)}) + " "
        elif number:
            lead = rng.choice(("Next: ", "Now the other one. ", "The next failure: "))
        changes.append(_one(world, made, number, result + prompt, _said(result), known, lead))
        if not all_at_once or number == len(made.pieces) - 1:
            result = s.bash(think.AGAIN(rng, {"c": made.command}), made.command, _outcome(world, made))
    what = " ".join(think.WAS(rng, {"f": f, "a": a, "b": b}) for f, a, b in changes)
    s.answer("It passes now.", think.DONE(rng, {"c": made.command, "w": what}), *{f for f, _, _ in changes})
    return True


def _one(
    world: World, made: Planted, number: int, result: str, said: str, known: set[str], lead: str
) -> tuple[str, str, str]:
    """Find and correct one wrong spot; `known` holds the files that were read."""
    s, rng, tree = world.s, world.rng, world.tree
    piece, path, case = made.pieces[number], made.paths[number], made.cases[number]
    place = _place(made, piece)
    slots = {"call": case.call, "e": case.expected, "t": piece.target, "f": path, "x": made.check, "said": said,
             "o": place, "clue": piece.clue}  # fmt: skip
    seen = case.call in result and case.expected in result
    if not seen and made.check not in known:
        if made.wrapper and made.check not in result:
            s.bash(f"{lead}What does {made.command} run? Read {made.wrapper}.", *tree.cat(made.wrapper))
            lead = ""
        s.bash(lead + think.UNCLEAR(rng, slots), *tree.cat(made.check))
        known.add(made.check)
        lead = ""
    if place not in known:
        shown = ""
        if path not in known:
            sure = made.check in known or path in result
            if not sure or rng.random() < 0.3:
                shown = s.bash(lead + think.GREP(rng, slots), *tree.grep_all(piece.target, "-rnIF"))
                lead = ""
        if "def " in piece.wrong or piece.target not in piece.wrong or piece.wrong not in shown:
            if path not in known:
                s.bash(lead + think.READ(rng, slots), *tree.cat(path))
                known.add(path)
                lead = ""
            if place != path:
                s.bash(lead + think.FOLLOW(rng, slots), *tree.cat(place))
                known.add(place)
                lead = ""
    a, b = piece.wrong, piece.right
    slots |= {"a": a, "b": b, "f": place}
    s.edit(lead + think.EDIT(rng, slots), command="str_replace", path=place, old_str=a, new_str=b)
    return place, a, b
