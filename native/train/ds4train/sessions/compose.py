"""Sessions: which families, in which project, one request after the other."""

from __future__ import annotations

import random

from ..document import Document  # noqa: TID252
from . import (
    chains,
    chatter,
    checks,
    combos,
    crashes,
    creating,
    edits,
    finding,
    fixing,
    handwritten,
    history,
    joining,
    knowing,
    lining,
    looks,
    making,
    phrasings_extra,
    programs,
    recordfix,
    records,
    recordtasks,
    renaming,
    repair,
    runs,
    scenery,
    sections,
    seeing,
    seeing_more,
    spotting,
    talk,
    writing,
)
from .fixing import add_kit
from .kits import Kit
from .planting import plant
from .session import Session, Step, environment, prefix
from .tree import Tree
from .world import World, populate

phrasings_extra.extend()

FAMILIES = {
    "change": (edits.change, 16),
    "change_bare": (edits.change_bare, 3),
    "rename": (renaming.rename, 28),
    "lookup": (looks.lookup, 13),
    "find": (looks.find, 10),
    "append": (making.append, 16),
    "create_line": (creating.create_line, 7),
    "create_block": (creating.create_block, 6),
    "create_lines": (creating.create_lines, 3),
    "create_program": (writing.create_program, 5),
    "change_text": (edits.change_text, 5),
    "change_spoken": (edits.change_spoken, 6),
    "lookup_spoken": (looks.lookup_spoken, 7),
    "change_section": (sections.change_in_section, 10),
    "lookup_section": (sections.lookup_in_section, 5),
    "run": (fixing.run_command, 7),
    "run_script": (fixing.run_script_family, 6),
    "echo": (making.echo, 3),
    "count_lines": (looks.count_lines, 2),
    "count_word": (looks.count_word, 1),
    "contains": (looks.contains, 2),
    "show": (looks.show, 2),
    "list": (looks.list_folder, 1),
    "prepend": (making.prepend, 1),
    "insert_after": (making.insert_after, 1),
    "remove_line": (making.remove_line, 1),
    "move": (making.move, 2),
    "copy": (making.copy, 1),
    "delete": (making.delete, 1),
    "question": (talk.question, 9),
    "ask_fact": (scenery.ask_fact, 11),
    "ask_nowhere": (scenery.ask_nowhere, 3),
    "change_fact": (scenery.change_fact, 9),
    "note_fact": (scenery.note_fact, 5),
    "two_edits": (combos.two_edits, 8),
    "edit_append": (combos.edit_append, 5),
    "create_run": (combos.create_run, 5),
    "edit_run": (combos.edit_run, 6),
    "says": (combos.says, 7),
    "satisfy": (checks.satisfy, 18),
    "repair": (repair.repair, 30),
    "chain": (chains.chain, 32),
    "crash": (crashes.crash, 14),
    "crash_fix": (crashes.crash_fix, 14),
    "missing": (crashes.missing, 3),
    "chatter": (chatter.chatter, 16),
    "fact": (chatter.fact, 170),
    "git": (history.git, 16),
    "grep_note": (scenery.grep_note, 1),
    "change_spot": (spotting.change_spot, 45),
    "change_line": (lining.change_line, 9),
    "change_known": (lining.change_known, 9),
    "look_one": (seeing.look_one, 24),
    "look_nowhere": (seeing.look_nowhere, 9),
    "is_it": (seeing_more.is_it, 4),
    "look_both": (seeing_more.look_both, 4),
    "look_back": (seeing_more.look_back, 3),
    "find_word": (finding.find_word, 12),
    "find_any": (finding.find_any, 3),
    "find_definition": (finding.find_definition, 3),
    "find_line": (finding.find_line, 3),
    "find_named": (finding.find_named, 3),
    "run_wide": (runs.run_wide, 15),
    "compare": (knowing.compare, 12),
    "define": (knowing.define, 7),
    "how_to": (knowing.how_to, 7),
    "handwritten": (handwritten.handwritten, 1400),
    "look_record": (recordtasks.look_record, 35),
    "which_record": (recordtasks.which_record, 8),
    "change_record": (recordtasks.change_record, 35),
    "fix_record": (recordfix.fix_record, 40),
}
_NAMES = list(FAMILIES)
_WEIGHTS = [FAMILIES[n][1] for n in _NAMES]
_FIX_SHARE = 0.13
_SEVERAL_SHARE = 0.10
_JOINABLE = (
    "change",
    "change_bare",
    "rename",
    "lookup",
    "find",
    "append",
    "create_line",
    "run_script",
    "count_lines",
    "run",
    "create_lines",
    "create_program",
    "change_text",
    "change_fact",
    "ask_fact",
    "change_spot",
    "change_spot",
    "change_line",
    "look_one",
    "look_nowhere",
    "look_both",
    "find_word",
    "run_wide",
    "repair",
    "repair",
    "chain",
    "show",
    "handwritten",
    "handwritten",
    "handwritten",
    "look_record",
    "look_record",
    "change_record",
    "change_record",
    "fix_record",
)


def build(
    rng: random.Random, split: str, budget: int, tasks: int | None = None, only: str | None = None
) -> Session:
    """A whole session of about `budget` characters after the prefix (at least one task)."""
    env, cwd = environment(rng, split)
    tree = Tree(rng, cwd)
    tales = _tales(rng, split, tree) if only in (None, "handwritten", "several") else []
    lonely = any(tale.entry.alone for tale in tales)
    rows, check = _records(rng, split, tree) if not lonely else ([], None)
    plans = [] if lonely or (tales and rng.random() < 0.3) else populate(rng, split, small=rng.random() < 0.4)
    wants_script = only in ("run_script", "edit_run") or rng.random() < 0.35
    if wants_script and not lonely:
        plans.append(programs.script(rng, split) if rng.random() < 0.8 else programs.shell_script(rng, split))
    for plan in plans:
        if (
            plan.path not in tree.files
            and plan.path not in tree.folders
            and not any(plan.path.startswith(f + "/") for f in tree.files)
        ):
            tree.add(plan.path, plan.text)
    session = Session(rng, split, tree, env)
    world = World(session, [p for p in plans if tree.files.get(p.path) == p.text])
    world.tales, world.records, world.check = tales, rows, check
    if lonely:
        only, tasks = "handwritten", 1
    kit = add_kit(world) if only == "fix" or (only is None and rng.random() < 0.15) else None
    if not lonely and (only in ("repair", "several") or (only is None and rng.random() < 0.4)):
        world.planted = plant(rng, split, tree)
    _instructions(world, kit)
    session.initial = dict(tree.files)
    if only == "git" or (only is None and rng.random() < 0.35):
        history.begin(world)
    _play(world, kit, budget, tasks, only)
    return session


def _tales(rng: random.Random, split: str, tree: Tree) -> list[handwritten.Planted]:
    """Tasks written by hand whose files are in this project."""
    found: list[handwritten.Planted] = []
    for _ in range(rng.choice((0, 1, 2, 2, 3, 3, 4))):
        entry = rng.choice(handwritten.entries())
        planted = None if entry.alone and found else handwritten.plant(rng, split, tree, entry)
        found += [planted] if planted else []
        if planted and entry.alone:
            break
    return found


def _records(
    rng: random.Random, split: str, tree: Tree
) -> tuple[list[records.Records], recordfix.Check | None]:
    """Files of records, and a check of one."""
    found = [records.plant(rng, split, tree) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    check = recordfix.plant(rng, split, tree) if rng.random() < 0.5 else None
    return [x for x in found if x] + ([check.records] if check and rng.random() < 0.3 else []), check


def _instructions(world: World, kit: Kit | None) -> None:
    rng = world.rng
    if rng.random() >= 0.07:
        return
    name = "AGENTS.md" if rng.random() < 0.8 else "CLAUDE.md"
    if name in world.tree.files:
        return
    text = talk.agents_text(world, None)
    world.tree.add(name, text + "\n")
    world.s.steps.append(Step("instructions", f"Project instructions from {name}:\n\n{text}"))


def _size(session: Session) -> int:
    return sum(
        len(x.text) + len(x.think) + len(x.result) + 300 + sum(len(str(v)) for v in x.arguments.values())
        for x in session.steps
    )


def _play(world: World, kit: Kit | None, budget: int, tasks: int | None, only: str | None) -> None:
    rng, session = world.rng, world.s
    wanted = tasks or rng.choice((1, 1, 2, 2, 3, 3, 4, 5, 6))
    for _ in range(60):
        if len(session.tasks) >= wanted or (session.tasks and _size(session) > budget):
            return
        if only == "several" or (only is None and rng.random() < _SEVERAL_SHARE):
            joining.several(world, [FAMILIES[n][0] for n in _JOINABLE])
        elif kit and (only == "fix" or rng.random() < 0.65):
            fixing.fix(world, kit)
            kit = None
        elif only is None:
            FAMILIES[rng.choices(_NAMES, _WEIGHTS)[0]][0](world)
        elif only in FAMILIES:
            FAMILIES[only][0](world)
    if session.tasks and rng.random() < 0.04:
        talk.thanks(world)


def sample(rng: random.Random, max_chars: int, split: str = "train") -> Document:
    """A training document: the frozen prefix and a session that fits."""
    room = max_chars - len(prefix())
    while True:
        session = build(rng, split, int(room * 0.7))
        if not session.tasks:
            continue
        document = session.document()
        if sum(len(x.text) for x in document) <= max_chars:
            return document
