"""Mistakes that the agent makes in a session, and how it gets out of them.

A model that has only seen sessions without a mistake does not know what to do after its first one: it looks for the
file that it made up, finds none, and reads it once more. So now and then a call is preceded by a wrong one. The
wrong call is not learnt, only what follows it.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from .grammar import Phrases
from .tree import NO_OUTPUT

if TYPE_CHECKING:
    from .session import Session

_LOOK_SHARE = 0.06
_EDIT_SHARE = 0.06
# What one guesses who has not looked: a file that projects often have.
_USUAL = (
    "main.py", "app.py", "config.py", "settings.py", "utils.py", "src/main.py", "src/config.py", "config.toml",
    "config.yaml", "settings.json", "config.json", ".env", "package.json", "pyproject.toml", "README.md", "Makefile",
    "Dockerfile", "index.html", "style.css", "src/index.js", "src/app.js", "data.csv", "tests/test_main.py", "setup.cfg",
    ".github/workflows/ci.yml", "docker-compose.yml", "run.sh", "scripts/build.sh", "docs/index.md", "notes.txt",
)  # fmt: skip
_TOUCHES_NOTHING = re.compile(r"(cat|cp|echo|find|git|grep|head|ls|mkdir|mv|printf|rm|sed|tail|wc) ")
_FOLDERS = ("src", "lib", "app", "tests", "docs", "config", "data", "scripts")
_LOST = Phrases("""
There is no {w}. Find it.
{w} does not exist at that path. Find it.
{w} is not there. Is it elsewhere?
""")
_NOWHERE = Phrases("""
No file is called {b}: I made that name up. I list what is there.
Nothing of the name {b}. Which files are there?
{b} is nowhere. I list all files.
find shows nothing, so there is no {b}. See which files there are.
""")
_LIST = Phrases("""
There is no {w}. Which files are there?
{w} does not exist. I list the files.
That was a guess: there is no {w}. I list what is there.
""")
_FOUND = Phrases("""
It must be {p}.
{p} is the one.
Of these it is {p}.
The file is {p}.
""")
_ELSEWHERE = Phrases("""
Found it: {p}.
It is at {p}.
The file is {p}.
""")
_NO_HIT = Phrases("""
{k} stands in no file. Another word.
Nothing has {k}. I look for something else.
No file says {k}; the files use another word.
""")
_NOT_THERE = Phrases("""
{p} does not hold the text as I wrote it. I read it again.
The text was not found: I look at {p} to copy it exactly.
That is not what {p} says. Read it.
""")
_SAME = Phrases("""
That left {p} as it was: old and new text were the same.
The new text was the old one, so nothing has changed.
I replaced the text by itself; {p} has not changed.
""")


def _certain(session: Session) -> bool:
    """Whether the files are known: a program that was run may have left some behind."""
    commands = [str(step.arguments["command"]) for step in session.steps if step.tool == "bash"]
    return all(_TOUCHES_NOTHING.match(command) for command in commands)


def _looked_at(tool: str, arguments: dict[str, object]) -> str:
    """The one file that a call looks at, or nothing."""
    if tool == "bash":
        found = re.fullmatch(r"cat (\S+)|grep -n\w* (?:'[^']*'|[\w.-]+) (\S+)", str(arguments["command"]))
        return (found[1] or found[2]) if found else ""
    return str(arguments["path"]) if arguments["command"] == "view" else ""


def _guess(rng: random.Random, session: Session, path: str) -> str:
    """A path that is not there."""
    folder, _, name = path.rpartition("/")
    stem, _, ending = name.rpartition(".")
    words = re.findall(r"[a-z_]{3,}", session.tasks[-1].prompt.lower())
    guesses = (
        lambda: rng.choice(_USUAL),
        lambda: rng.choice(_USUAL),
        lambda: name if folder else f"{rng.choice(_FOLDERS)}/{name}",
        lambda: f"{rng.choice(_FOLDERS)}/{name}",
        lambda: f"{rng.choice(words or ['main'])}.{ending or 'txt'}",
        lambda: f"{rng.choice(words or ['config'])}.{ending or 'txt'}",
        lambda: f"{stem or name}.{rng.choice(('py', 'txt', 'json', 'md', 'yaml', 'toml', 'js'))}",
    )
    tree = session.tree
    for _ in range(5):
        wrong = rng.choice(guesses)()
        if wrong not in tree.files and wrong not in tree.folders:
            return wrong
    return ""


def before_look(session: Session, think: str, tool: str, arguments: dict[str, object]) -> str:
    """Perhaps a look at a file that is not there, or for a word that is in none, and the way back.

    Returns what is thought before the call.
    """
    rng, tree = session.rng, session.tree
    if rng.random() >= _LOOK_SHARE or not session.tasks or not _certain(session):
        return think
    # A command of the user's is run as it is.
    if tool == "bash" and str(arguments["command"]) in session.tasks[-1].prompt:
        return think
    path = _looked_at(tool, arguments)
    if tool == "bash" and str(arguments["command"]).startswith("grep -rn"):
        return _before_search(session, think)
    if path not in tree.files:
        return think
    wrong = _guess(rng, session, path)
    if not wrong:
        return think
    base = wrong.rsplit("/", 1)[-1]
    if tool == "bash":
        command = re.sub(r"\S+$", lambda _: wrong, str(arguments["command"]))
        program = command.partition(" ")[0]
        said = tree.missing(program, wrong, 1 if program == "cat" else 2)
        session.record(think.replace(path, wrong), tool, {"command": command}, said, learnt=False)
    else:
        wrongly = {**arguments, "path": wrong}
        session.record(think.replace(path, wrong), tool, wrongly, tree.editor(wrongly), learnt=False)
    facts = {"w": wrong, "b": base, "p": path}
    hits = [p for p in tree.walk() if p.rsplit("/", 1)[-1] == base]
    if hits == [path] or (not hits and rng.random() < 0.5):
        command, result = tree.find_name(base)
        session.record(_LOST(rng, facts), "bash", {"command": command}, result)
        if hits:
            return f"{_ELSEWHERE(rng, facts)} {think}"
        listing = _NOWHERE(rng, facts)
    else:
        listing = _LIST(rng, facts)
    command, result = tree.view_root()
    session.record(listing, "bash", {"command": command}, result)
    return f"{_FOUND(rng, facts)} {think}"


def _before_search(session: Session, think: str) -> str:
    rng, tree = session.rng, session.tree
    word = rng.choice(re.findall(r"[a-z]{4,}", session.tasks[-1].prompt.lower()) or [""])
    if not word or any(word in text.lower() for text in tree.files.values()):
        return think
    command, result = tree.grep_all(word, rng.choice(("-rnIF", "-rniIF")))
    session.record(f"Search the project for {word}.", "bash", {"command": command}, result, learnt=False)
    if rng.random() < 0.6:
        return f"{_NO_HIT(rng, {'k': word})} {think}"
    command, result = tree.view_root()
    session.record(f"{word} is in no file. I list the files.", "bash", {"command": command}, result)
    return think


def _garbled(rng: random.Random, old: str) -> str:
    """The text, remembered badly."""
    spots = [n for n, c in enumerate(old) if c.isalnum()]
    if len(spots) < 4:
        return old
    at = rng.choice(spots[1:-1])
    return rng.choice((old[:at] + old[at + 1 :], old[:at] + old[at] + old[at:], old.replace(" ", "", 1)))


def before_edit(session: Session, think: str, arguments: dict[str, object]) -> str:
    """Perhaps a replacement that does nothing, and what is done about it; returns what is thought before the call.

    To be called before the right replacement is made.
    """
    rng, tree = session.rng, session.tree
    path, text = str(arguments["path"]), tree.files.get(str(arguments["path"]), "")
    old = str(arguments.get("old_str", ""))
    if rng.random() >= _EDIT_SHARE or not session.tasks or text.count(old) != 1:
        return think
    if rng.random() < 0.5:
        same = {**arguments, "new_str": old}
        session.record(think, "str_replace_editor", same, tree.editor(same), learnt=False)
        return f"{_SAME(rng, {'p': path})} {think}"
    wrong = _garbled(rng, old)
    if wrong in text:
        return think
    missed = {**arguments, "old_str": wrong}
    session.record(think, "str_replace_editor", missed, tree.editor(missed), learnt=False)
    command, result = tree.cat(path)
    if result == NO_OUTPUT or len(result) > 1500:
        return f"The text must be exactly what {path} has. {think}"
    session.record(_NOT_THERE(rng, {"p": path}), "bash", {"command": command}, result)
    return think
