"""Questions about git: a made-up history with authors and dates, and the commands' exact output.

Hashes are made up too (nobody asks for one); `replay.py` makes a repository with the same commits and compares.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import glue, names, words
from . import phrasings_git as ask
from .grammar import Wordings
from .tree import NO_OUTPUT, quote, status
from .values import value
from .world import World

_NOT_GIT = "fatal: not a git repository (or any of the parent directories): .git"


@dataclass(frozen=True)
class Commit:
    author: str
    email: str
    date: str  # a day
    subject: str
    short: str


@dataclass
class History:
    branch: str
    commits: list[Commit]  # oldest first
    files: dict[str, str]  # what the last commit holds


def _subject(rng: random.Random, split: str) -> str:
    w, v = names.word(rng, split), rng.choice(words.VERBS[split])
    text = rng.choice(
        (
            f"{v} the {w}",
            f"{v} {w} and {names.word(rng, split)}",
            f"add {w}",
            f"fix {w} in {names.file_stem(rng, split)}.py",
            f"{w}: {v} {glue.a_word(rng)}",
            f"update {w}",
            f"remove the old {w}",
            f"release {value(rng, split, 'version').text}",
            f"bump {w} to {value(rng, split, 'version').text}",
            f"{rng.choice(('feat', 'fix', 'docs', 'chore', 'test'))}: {v} {w}",
            f"make the {w} {rng.choice(words.ADJECTIVES[split])}",
            f"{names.word(rng, split)} {names.word(rng, split)} {glue.a_word(rng)}",
            f"#{rng.randint(1, 999)} {v} {w}",
            "initial commit",
        )
    )
    return text if rng.random() < 0.5 else text[:1].upper() + text[1:]


def make(rng: random.Random, split: str, branch: str, files: dict[str, str]) -> History:
    people = [
        (value(rng, split, "person").text, value(rng, split, "email").text) for _ in range(rng.randint(1, 3))
    ]
    year, month = rng.randint(2021, 2026), rng.randint(1, 11)
    commits = []
    count = rng.choice((1, 2, 3, 3, 4, 5, 6, 8, 11))
    for i in range(count):
        who, mail = rng.choice(people)
        day = f"{year}-{month + (i * 2 > count):02d}-{1 + i * 27 // count:02d}"
        short = f"{rng.randrange(16**7):07x}"
        commits.append(Commit(who, mail, day, _subject(rng, split), short))
    return History(branch, commits, files)


def changes(history: History, files: dict[str, str]) -> list[str]:
    """`git status --short` of the tree against the last commit."""
    out = []
    for path in sorted(history.files):
        if path not in files:
            out.append(f" D {path}")
        elif files[path] != history.files[path]:
            out.append(f" M {path}")
    new = set()
    for path in files:
        if path in history.files:
            continue
        parts = path.split("/")
        shown = path
        for i in range(1, len(parts)):
            folder = "/".join(parts[:i]) + "/"
            if not any(p.startswith(folder) for p in history.files):
                shown = folder
                break
        new.add(shown)
    return out + [f"?? {path}" for path in sorted(new)]


def begin(world: World) -> None:
    """Give a session inside of a repository its history; the environment block tells the same."""
    rng, s = world.rng, world.s
    line = next((x for x in s.environment.split("\n") if x.startswith("git: ")), "git: none")
    if line == "git: none" or any(p.endswith((".gitignore", ".gitattributes")) for p in world.tree.files):
        return
    branch = line.removeprefix("git: ").rsplit(", ", 1)[0]
    files = dict(world.tree.files)
    if not line.endswith(", clean"):
        for path in rng.sample(sorted(files), min(len(files), rng.choice((1, 1, 2, 3)))):
            if rng.random() < 0.25 and len(files) > 1:
                del files[path]
            else:
                files[path] = files[path].rstrip("\n") + f"\n{names.word(rng, world.split)}\n"
    history = make(rng, world.split, branch, files)
    count = len(changes(history, world.tree.files))
    state = "clean" if count == 0 else f"{count} changed file{'s' if count > 1 else ''}"
    s.environment = s.environment.replace(line, f"git: {branch}, {state}")
    s.history = history
    s.committed = (dict(history.files), list(history.commits))


def _bare(world: World, text: str, command: str, result: str, answer: str, *answers: str) -> bool:
    rng, s = world.rng, world.s
    world.say("git", text)
    s.bash(
        rng.choice((f"git knows that: `{command}`.", "I ask git.", f"I run `{command}`.")), command, result
    )
    s.answer(rng.choice(("That is the answer.", "git says it.", "Report it.")), answer, *answers)
    return True


def git(world: World) -> bool:
    """One of the questions, or a commit."""
    rng, s, split = world.rng, world.s, world.split
    history = s.history
    if history is None:
        return _no_repository(world) if "git: none" in s.environment and rng.random() < 0.25 else False
    if any(p.endswith((".gitignore", ".gitattributes")) for p in world.tree.files) or s.joining:
        return False
    last = history.commits[-1]

    def put(wording: Wordings, **slots: str) -> str:
        return world.framed(wording(rng, split, slots), edits=False)

    kind = rng.choice(("subject", "subject", "subject", "author", "date", "count", "branch", "status", "status", "last", "by", "first", "commit"))  # fmt: skip
    if kind == "subject":
        said = rng.choice((f"The last commit is `{last.subject}`.", f'The last commit message is "{last.subject}".',
                           f"The subject of the last commit is: {last.subject}", f"{last.subject}"))  # fmt: skip
        return _bare(world, put(ask.SUBJECT), "git log -1 --format=%s", last.subject, said, last.subject)
    if kind == "author":
        said = rng.choice((f"{last.author} made the last commit.", f"The last commit is by {last.author}."))
        return _bare(world, put(ask.AUTHOR), "git log -1 --format=%an", last.author, said, last.author)
    if kind == "date":
        said = rng.choice(
            (f"The last commit was made on {last.date}.", f"The last commit is from {last.date}.")
        )
        return _bare(world, put(ask.DATE), "git log -1 --format=%ad --date=short", last.date, said, last.date)
    if kind == "count":
        number = str(len(history.commits))
        said = f"There {'is' if number == '1' else 'are'} {number} commit{'' if number == '1' else 's'} on this branch."
        return _bare(world, put(ask.COUNT), "git rev-list --count HEAD", number, said, number)
    if kind == "branch":
        said = rng.choice((f"The current branch is `{history.branch}`.", f"You are on {history.branch}."))
        return _bare(
            world, put(ask.BRANCH), "git branch --show-current", history.branch, said, history.branch
        )
    if kind == "first":
        subject = history.commits[0].subject
        said = rng.choice((f"The first commit is `{subject}`.", f'The oldest commit says "{subject}".'))
        return _bare(
            world, put(ask.FIRST), "git log --reverse --format=%s | head -n 1", subject, said, subject
        )
    if kind == "last":
        n = rng.randint(2, 5)
        shown = [c.subject for c in reversed(history.commits)][:n]
        text = put(ask.LAST, n=rng.choice((str(n), ("two", "three", "four", "five")[n - 2])))
        listed = "\n".join(f"- {x}" for x in shown)
        said = (
            f"The last {n} commits are:\n\n{listed}"
            if len(shown) == n
            else f"There are only {len(shown)}:\n\n{listed}"
        )
        return _bare(world, text, f"git log -{n} --format=%s", "\n".join(shown), said, *shown)
    if kind == "by":
        who = rng.choice(history.commits).author
        shown = [c.subject for c in reversed(history.commits) if c.author == who]
        said = f"{who} made: {'; '.join(shown)}." if len(shown) > 1 else f"{who} made one commit: {shown[0]}"
        return _bare(
            world,
            put(ask.BY, p=who),
            f"git log --author={quote(who)} --format=%s",
            "\n".join(shown),
            said,
            *shown,
        )
    return _commit(world) if kind == "commit" else _status(world)


def _status(world: World) -> bool:
    rng, s = world.rng, world.s
    assert s.history is not None
    found = changes(s.history, world.tree.files)
    text = world.framed(ask.STATUS(rng, world.split, {}), edits=False)
    if not found:
        said = rng.choice(
            (
                "The working tree is clean: nothing is changed.",
                "Nothing has changed; everything is committed.",
            )
        )
        return _bare(world, text, "git status --short", NO_OUTPUT, said)
    kinds = {"M": "modified", "D": "deleted", "?": "new"}
    listed = ", ".join(f"{x[3:]} ({kinds[x[:2].strip()[0]]})" for x in found)
    said = rng.choice((f"There are uncommitted changes: {listed}.", f"Not committed yet: {listed}."))
    return _bare(
        world, text, "git status --short", status("\n".join(found), 0), said, *[x[3:] for x in found]
    )


def _commit(world: World) -> bool:
    rng, s, v = world.rng, world.s, world.voice()
    history = s.history
    assert history is not None
    if not changes(history, world.tree.files):
        return False
    subject = _subject(rng, world.split)
    if "'" in subject:
        return False
    world.say(
        "git",
        world.framed(ask.COMMIT(rng, world.split, {"m": v.quoted(subject, v.mark or '"')}), edits=False),
    )
    s.bash(
        f"Commit everything with the message `{subject}`.",
        f"git add -A && git commit -q -m {quote(subject)}",
        NO_OUTPUT,
    )
    history.commits.append(Commit("", "", "", subject, ""))
    history.files = dict(world.tree.files)
    s.bash("Check that it is there.", "git log -1 --format=%s", subject)
    s.answer(
        "It is committed.",
        rng.choice((f"I committed everything as `{subject}`.", f'Committed with the message "{subject}".')),
        subject,
    )
    s.history = None  # who and when is the machine's own from here on
    return True


def _no_repository(world: World) -> bool:
    rng = world.rng
    wording, command = rng.choice(
        (
            (ask.SUBJECT, "git log -1 --format=%s"),
            (ask.BRANCH, "git branch --show-current"),
            (ask.STATUS, "git status --short"),
            (ask.COUNT, "git rev-list --count HEAD"),
        )
    )
    text = world.framed(wording(rng, world.split, {}), edits=False)
    said = rng.choice(
        ("This folder is not a git repository, so there is no history.", "There is no git repository here.")
    )
    return _bare(world, text, command, status(_NOT_GIT, 128), said, "git repository")
