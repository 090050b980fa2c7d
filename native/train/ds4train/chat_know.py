"""Chat topics that answer from tables: small talk, identity, facts, definitions and how-tos (chat_data/)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ds4train.sessions import names, words
from ds4train.sessions.grammar import Phrases, Wordings

_DATA = Path(__file__).resolve().parent / "chat_data"


@dataclass(frozen=True)
class Exchange:
    """What the user says, what the model thinks and what it answers."""

    user: str
    think: str
    answer: str

    def __len__(self) -> int:
        return len(self.user) + len(self.think) + len(self.answer)


Topic = Callable[[random.Random, str], Exchange]


def _unescaped(column: str) -> str:
    """`\\n` stands for a new line, two backslashes for one."""
    return re.sub(r"\\([n\\])", lambda match: "\n" if match[1] == "n" else "\\", column)


@cache
def table(name: str) -> list[list[str]]:
    """Rows of one data file. A bar with spaces separates where the text itself may hold bars."""
    lines = (_DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    separator = " | " if " | " in lines[0] else "|"
    return [[_unescaped(column) for column in line.split(separator)] for line in lines]


def _rows(name: str, split: str) -> list[list[str]]:
    """Facts themselves are never held out (nobody can guess them); only wordings are."""
    del split
    return table(name)


def person(rng: random.Random, split: str) -> str:
    """A first name, known or made up."""
    return rng.choice(words.PEOPLE[split]) if rng.random() < 0.6 else names.invented(rng).title()


_SLOT = re.compile(r"<(\w+)>")


def filled(text: str, slots: dict[str, str]) -> str:
    """A column of a table with its names put in."""
    return _SLOT.sub(lambda match: slots[match[1]], text)


_MARKS = ("!", ".", "", "", "!")


@cache
def _grammar_rows(name: str) -> list[tuple[Phrases, Phrases]]:
    """Files whose two columns are wordings: the bars inside brackets do not separate."""
    rows = []
    for line in (_DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        depth = 0
        for position, character in enumerate(line):
            depth += (character == "[") - (character == "]")
            if character == "|" and depth == 0:
                rows.append((Phrases(line[:position]), Phrases(line[position + 1 :])))
                break
    return rows


_SMALL_THOUGHTS = Phrases("""
[Small talk|A greeting or a remark]; a [short|friendly] answer [is enough|will do].
The user is [just chatting|being friendly|making conversation]. I answer [briefly|kindly].
[No task yet|Nothing to do yet]; I answer [politely|in a friendly way].
""")
_SELF_THOUGHTS = Phrases("""
The user asks about me. I am ds4agent-tiny[, a small model|].
A question about myself[; I say what I am|. I answer honestly].
[They want|The user wants] to know [what I am|about me]. I should be honest about my limits.
""")
_FACT_THOUGHTS = Phrases("""
[A simple question|A question of fact|This is a fact]. [I know this|I know the answer].
[The user asks a simple question|A short question]; I answer [it directly|in one sentence].
This is [general knowledge|easy]: {answer}
{answer}
""")


def _from_grammar(name: str, thoughts: Phrases, rng: random.Random, split: str) -> Exchange:
    user, answer = rng.choice(_grammar_rows(name))
    slots = {"person": person(rng, split), "mark": rng.choice(_MARKS)}
    return Exchange(user(rng, slots), thoughts(rng, slots), answer(rng, slots).strip())


def small_talk(rng: random.Random, split: str) -> Exchange:
    """Greetings, thanks, moods."""
    return _from_grammar("smalltalk", _SMALL_THOUGHTS, rng, split)


def identity(rng: random.Random, split: str) -> Exchange:
    """Who the model is and what it can't do."""
    return _from_grammar("identity", _SELF_THOUGHTS, rng, split)


def _casual(rng: random.Random, question: str) -> str:
    """How people really type: lower case, no question mark, a lead-in."""
    roll = rng.random()
    if roll < 0.12:
        return question.rstrip("?.").lower()
    if roll < 0.24:
        return question.rstrip("?.")
    lead = rng.choice(
        ("", "", "", "", "Quick question: ", "Tell me: ", "Hi! ", "Please answer: ", "I wonder: ", "Hey, ")
    )
    return lead + (question[0].lower() + question[1:] if lead.endswith((": ", ", ")) else question)


def fact(rng: random.Random, split: str) -> Exchange:
    """A question with one fixed answer."""
    question, answer = rng.choice(_rows("facts", split))
    return Exchange(_casual(rng, question), _FACT_THOUGHTS(rng, {"answer": answer}), answer)


_CAPITAL = Wordings("""
What is the capital of {country}?
What's the capital of {country}?
Which city is the capital of {country}?
capital of {country}?
Name the capital of {country}.
Tell me the capital [city |]of {country}.
Do you know [what|which city is] the capital of {country}[ is|]?
The capital of {country} is?
I need the capital of {country}.
Can you tell me the capital of {country}?
""")
_CAPITAL_BACK = Wordings("""
{city} is the capital of which country?
Which country has {city} as its capital?
Of which country is {city} the capital?
What country is {city} the capital of?
{city} is the capital of what?
In which country is {city} the capital?
""")
_CAPITAL_ANSWER = Phrases("""
The capital of {country} is {city}.
{city} is the capital of {country}.
{city}.
It is {city}.
""")


def capital(rng: random.Random, split: str) -> Exchange:
    """Countries and their capitals, both ways."""
    country, city = rng.choice(_rows("capitals", split))
    slots = {"country": country, "city": city}
    think = rng.choice(
        (
            f"The capital of {country} is {city}.",
            f"{country}: {city}.",
            f"I know this: {city} is the capital of {country}.",
        )
    )
    if rng.random() < 0.25:
        return Exchange(_CAPITAL_BACK(rng, split, slots), think, f"{city} is the capital of {country}.")
    return Exchange(_CAPITAL(rng, split, slots), think, _CAPITAL_ANSWER(rng, slots))


_ELEMENT = Wordings("""
What is the [chemical |]symbol [of|for] {name}?
Which [chemical |]symbol does {name} have?
[chemical |]symbol [of|for] {name}?
Tell me the [chemical |]symbol [of|for] {name}.
How is {name} written in chemistry?
What letters stand for {name}?
""")


def element(rng: random.Random, split: str) -> Exchange:
    """Chemical symbols and atomic numbers."""
    name, symbol, number = rng.choice(_rows("elements", split))
    roll = rng.random()
    if roll < 0.4:
        answer = f"The symbol of {name} is {symbol}."
        return Exchange(
            _ELEMENT(rng, split, {"name": name}), f"{name.title()} has the symbol {symbol}.", answer
        )
    if roll < 0.7:
        question = rng.choice(
            (
                f"Which element has the symbol {symbol}?",
                f"What element is {symbol}?",
                f"{symbol} is the symbol of which element?",
            )
        )
        return Exchange(question, f"{symbol} is {name}.", f"{symbol} is {name}.")
    question = rng.choice((f"What is the atomic number of {name}?", f"Which atomic number does {name} have?"))
    return Exchange(
        question, f"{name.title()} is element {number}.", f"The atomic number of {name} is {number}."
    )


_OPPOSITE = Wordings("""
What is the opposite of {a}?
What's the opposite of {a}?
opposite of {a}?
Give me the opposite of {a}.
Which word is the opposite of "{a}"?
What is an antonym of {a}?
Name a word that means the opposite of {a}.
""")


def opposite(rng: random.Random, split: str) -> Exchange:
    """Pairs of opposites."""
    pair = rng.choice(_rows("opposites", split))
    a, b = pair if rng.random() < 0.5 else (pair[1], pair[0])
    first = next((second for left, second in table("opposites") if left == a), b)
    answer = rng.choice((f"The opposite of {a} is {first}.", f"{first.capitalize()}.", f"It is {first}."))
    return Exchange(_OPPOSITE(rng, split, {"a": a}), f"The opposite of {a} is {first}.", answer)


_UNIT = Wordings("""
How many {part} [are|are there] in {a} {whole}?
How many {part} does {a} {whole} have?
{a} {whole} has how many {part}?
how many {part} in {a} {whole}
What is the number of {part} in {a} {whole}?
Tell me how many {part} {a} {whole} has.
""")


def unit(rng: random.Random, split: str) -> Exchange:
    """How many of this are in that."""
    part, whole, number = rng.choice(_rows("units", split))
    article = (
        "the"
        if whole in ("solar system", "English alphabet")
        else "an"
        if whole[0] in "aeiou" and whole != "unit"
        else "a"
    )
    if whole == "hour":
        article = "an"
    answer = rng.choice(
        (
            f"There are {number} {part} in {article} {whole}.",
            f"{article.capitalize()} {whole} has {number} {part}.",
            f"{number}.",
        )
    )
    return Exchange(
        _UNIT(rng, split, {"part": part, "whole": whole, "a": article}),
        f"{article.capitalize()} {whole} has {number} {part}.",
        answer,
    )


_DEFINE = Wordings("""
What is {a}?
What's {a}?
What does "{term}" mean[ in programming|]?
Define {term}.
[Please |]explain {a} in one sentence.
Can you explain what {a} is?
[In short, what|What exactly] is {a}?
Explain {term} [to me|briefly|to a beginner].
I keep hearing about {term}. What is it?
what is {a}
Give me a [short |]definition of {term}.
How would you explain {a}?
""")


def with_article(term: str) -> str:
    """The term as English puts it after "what is"."""
    if (
        [term] in table("no_article")
        or (term.isupper() and term not in ("URL", "API", "IP address"))
        or term == "Unicode"
    ):
        return term
    return ("an " if term[0] in "aeiouAI" else "a ") + term


def definition(rng: random.Random, split: str) -> Exchange:
    """Terms of programming."""
    term, meaning = rng.choice(_rows("definitions", split))
    think = rng.choice(
        (
            f"The user asks what {term} means.",
            f"I explain {term} briefly.",
            f"A definition of {term}: one sentence will do.",
        )
    )
    return Exchange(_DEFINE(rng, split, {"term": term, "a": with_article(term)}), think, meaning)


_HOWTO = Wordings("""
How do I {task}[ in Python|]?
How can I {task}[ in Python|]?
How do you {task} in Python?
What is the [best|simplest|easiest] way to {task}[ in Python|]?
Show me how to {task}[ in Python|].
[Write|Give me] Python code to {task}.
how to {task} in python
Python: {task}
I want to {task}. How?
I need to {task}[ in Python|].
[Please |]give me an example: {task}.
How would you {task} in Python?
""")
_HOWTO_LEAD = Phrases("""
[Like this|For example]:\\n\\n
You can {task} like this:\\n\\n
Use this:\\n\\n
[This|The following] [does it|works]:\\n\\n
""")


def howto(rng: random.Random, split: str) -> Exchange:
    """One-liners of Python."""
    task, code, note = rng.choice(_rows("howto", split))
    shell = code.startswith("python3 ")
    think = rng.choice(
        (
            f"The user wants to {task}.",
            f"To {task}, a short snippet is enough.",
            f"They ask how to {task}. I show code.",
        )
    )
    fence = "sh" if shell else "python"
    answer = f"{_HOWTO_LEAD(rng, {'task': task})}```{fence}\n{code}\n```\n\n{note}"
    return Exchange(_HOWTO(rng, split, {"task": task}), think, answer)


TOPICS: tuple[tuple[Topic, float], ...] = (
    (small_talk, 6),
    (identity, 5),
    (fact, 6),
    (capital, 3),
    (element, 2),
    (opposite, 2),
    (unit, 2),
    (definition, 7),
    (howto, 8),
)
