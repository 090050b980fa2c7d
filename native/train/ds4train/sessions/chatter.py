"""Free talk inside of agent sessions: why, how, when, which, opinions, greetings; answered without tools."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from .grammar import GIVEN, Phrases, Wordings
from .talk import FACTS, THINK
from .world import World

_GROUPS = """
a list in Python;a tuple;a set in Python;a dictionary in Python
a process;a thread
a stack;a queue;a linked list
a compiler;an interpreter
JSON;YAML;TOML;CSV
a class;an object;a module in Python;a function
a unit test;an assertion;continuous integration
a git branch;a commit;a pull request;a merge conflict
a race condition;a deadlock;a memory leak
a Makefile;a Dockerfile;a README
a variable;a function;a boolean;a string;a float
Unicode;UTF-8
grep;sed;bash;a shell
an API;HTTP;TLS;DNS
a decorator in Python;a generator in Python;a lambda;a closure
idempotent;immutable
a daemon;a process;cron
a linter;a compiler;type hints
a pointer;a variable;a symlink
an IP address;a port number;DNS
a code review;refactoring;a pull request
"""
_PAIRS = [line.split(";") for line in _GROUPS.strip().split("\n")]
_DIFFERENCE = Wordings("""
what is the difference between {a} and {b}?
what's the difference between {a} and {b}?
how does {a} differ from {b}?
[explain|tell me|describe] the difference between {a} and {b}
difference between {a} and {b}?
{a} or {b}: what is the difference?
compare {a} and {b}
compare {a} with {b}
how does {a} compare to {b}?
{a} vs {b}?
{a} versus {b}, [please explain|what is the difference]?
I mix up {a} and {b}. [What is the difference|Can you explain]?
[can|could] you explain {a} and {b}?
when [do|should] I use {a} and when {b}?
is {a} the same as {b}?
in short, how do {a} and {b} differ?
""")
_LEADS = ("", "", "", "", "", "", "Just curious: ", "Quick question: ", "By the way, ", "Question: ", "Hey, ", "While you are at it: ",
          "No task this time. ", "Before we start: ", "Something else: ", "A general question: ")  # fmt: skip
_TAILS = (
    "",
    "",
    "",
    "",
    "",
    " Just in a sentence.",
    " Keep it short.",
    " Please be brief.",
    " No need to look at files.",
    " Thanks!",
)


FACT_FILES = (
    "chatter_facts.txt",
    "chatter_facts_more.txt",
    "chatter_facts_asked.txt",
    "chatter_facts_terms.txt",
)


@cache
def _table(*names: str) -> list[tuple[Wordings, Phrases]]:
    files = [Path(__file__).with_name(name) for name in names]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [line.split(" => ") for line in lines if line.strip()]
    return [(Wordings(ask), Phrases(answer)) for ask, answer in rows]


def chatter(world: World) -> bool:
    rng = world.rng
    if rng.random() < 0.3:
        a, b = rng.sample(rng.choice(_PAIRS), 2)
        known = {row[0]: row[1] for row in FACTS}
        return _talk(world, _DIFFERENCE(rng, world.split, {"a": a, "b": b}), f"{known[a]} {known[b]}")
    asks, answers = rng.choice(_table("chatter.txt", "chatter_more.txt"))
    return _talk(world, asks(rng, world.split, {}), answers(rng, {}))


def fact(world: World) -> bool:
    """A fact asked for in passing; most of these wordings bring their own lead."""
    asks, answers = world.rng.choice(_table(*FACT_FILES))
    return _talk(
        world, asks(world.rng, world.split, {}), answers(world.rng, {}), leads=_LEADS[:6] * 5 + _LEADS
    )


def _talk(world: World, text: str, answer: str, leads: tuple[str, ...] = _LEADS) -> bool:
    rng, s = world.rng, world.s
    text = text.replace(GIVEN, "").strip()
    long = " " in text.strip("?")
    lead, tail = (rng.choice(leads), rng.choice(_TAILS)) if long else ("", rng.choice(("", "", "!", ".")))
    if tail == " Thanks!" and text.startswith(("thank", "bye", "good")):
        tail = ""
    text = lead + text
    r = rng.random()
    text = text[:1].upper() + text[1:] if r < 0.75 else text
    if r > 0.9 and not tail:
        text = text.rstrip("?")
    if tail and text[-1].isalnum() and len(tail) > 1:
        text += "."
    s.user("question", text + tail)
    s.answer(rng.choice(THINK), answer)
    return True
