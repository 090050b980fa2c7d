"""Chat topics about numbers and short lists: sums, counting, comparing, sorting, picking."""

from __future__ import annotations

import random

from ds4train.chat_know import Exchange, Topic, person
from ds4train.sessions import names, words
from ds4train.sessions.grammar import Wordings


def _distinct(rng: random.Random, split: str, count: int) -> list[str]:
    """Words of one kind, no two alike."""
    found: dict[str, None] = {}
    kind = rng.random()
    while len(found) < count:
        if kind < 0.45:
            found[rng.choice(words.NOUNS[split])] = None
        elif kind < 0.65:
            found[names.invented(rng)] = None
        elif kind < 0.85:
            found[names.ident(rng, split, "snake", 1, 2)] = None
        else:
            found[person(rng, split)] = None
    return list(found)


_SUM = Wordings("""
What is {e}?
[How much|what] is {e}
{e} = ?
{e}
Calculate {e}[.|]
Compute {e}[.|]
What's {e}?
Can you calculate {e}?
[Please |]tell me what {e} is.
What does {e} give?
""")


def arithmetic(rng: random.Random, split: str) -> Exchange:
    """Sums with small numbers."""
    kind = rng.choice("++--*/")
    if kind in "+-":
        a, b = rng.randint(0, rng.choice((10, 20, 100))), rng.randint(0, rng.choice((10, 20, 100)))
        result = a + b if kind == "+" else a - b
        word = "plus" if kind == "+" else "minus"
    elif kind == "*":
        a, b = rng.randint(0, 12), rng.randint(0, 12)
        result, word = a * b, "times"
    else:
        b, result = rng.randint(1, 12), rng.randint(0, 12)
        a, word = b * result, "divided by"
    sign = rng.choice((f" {kind} ", f" {kind} ", kind, f" {word} "))
    answer = rng.choice(
        (f"{a} {kind} {b} = {result}", f"{result}", f"{a} {word} {b} is {result}.", f"It is {result}.")
    )
    return Exchange(_SUM(rng, split, {"e": f"{a}{sign}{b}"}), f"{a} {kind} {b} = {result}", answer)


_STORY = Wordings("""
{p} has {a} {n}s and gets {b} more. How many {n}s does {p} have now?
{p} has {a} {n}s and finds {b} more. How many are there?
If {p} has {a} {n}s and buys {b} more, how many {n}s does {p} have?
There are {a} {n}s in a box. {p} puts {b} more in. How many {n}s are in the box?
{p} counts {a} {n}s in the morning and {b} in the evening. How many in all?
{a} {n}s and {b} {n}s: how many {n}s is that?
""")


def story(rng: random.Random, split: str) -> Exchange:
    """A sum in a sentence."""
    a, b = rng.randint(2, 20), rng.randint(2, 20)
    noun = rng.choice(words.NOUNS[split])
    who = person(rng, split)
    user = _STORY(rng, split, {"p": who, "a": str(a), "b": str(b), "n": noun})
    return Exchange(
        user,
        f"{a} + {b} = {a + b}",
        rng.choice((f"{a + b} {noun}s.", f"{a} + {b} = {a + b}, so {a + b} {noun}s.", f"{a + b}")),
    )


_COMPARE = Wordings("""
Which [number |]is {larger}, {a} or {b}?
Which is the {larger} [number|one]: {a} or {b}?
{a} or {b}: which is {larger}?
What is {larger}, {a} or {b}?
Is {a} or {b} {larger}?
""")


def compare(rng: random.Random, split: str) -> Exchange:
    """The larger or smaller of two numbers."""
    a, b = rng.sample(range(rng.choice((20, 100, 1000))), 2)
    larger = rng.random() < 0.5
    result = max(a, b) if larger else min(a, b)
    user = _COMPARE(rng, split, {"a": str(a), "b": str(b), "larger": "larger" if larger else "smaller"})
    other = a + b - result
    sign = ">" if larger else "<"
    return Exchange(
        user,
        f"{result} {sign} {other}",
        rng.choice((f"{result}", f"{result} is {'larger' if larger else 'smaller'} than {other}.")),
    )


_COUNT = Wordings("""
Count [from 1 |]to {n}[.|]
[Please |]count up to {n}.
Can you count to {n}?
List the numbers from 1 to {n}.
Write the numbers 1 to {n}.
Count from {n} [down |]to 1.
""")


def count(rng: random.Random, split: str) -> Exchange:
    """Counts up or down."""
    n = rng.randint(3, 20)
    user = _COUNT(rng, split, {"n": str(n)})
    numbers = [str(i) for i in range(1, n + 1)]
    if user.startswith("Count from") and user.rstrip(".").endswith("to 1"):
        numbers.reverse()
    return Exchange(user, f"From {numbers[0]} to {numbers[-1]}.", ", ".join(numbers))


_LIST_TASKS = (
    ("Reverse this list: {x}", "reverse"),
    ("Write this list in reverse order: {x}", "reverse"),
    ("[Please |]reverse the order of {x}", "reverse"),
    ("Sort these words [alphabetically|by the alphabet]: {x}", "sort"),
    ("Put these in alphabetical order: {x}", "sort"),
    ("Sort: {x}", "sort"),
    ("Write these words in upper case: {x}", "upper"),
    ("Make this upper case: {x}", "upper"),
    ("Turn this into capital letters: {x}", "upper"),
    ("What is the first word of this list: {x}", "first"),
    ("Which item comes first here: {x}?", "first"),
    ("What is the last [word|item] of this list: {x}", "last"),
    ("Which one is last: {x}?", "last"),
    ("What is the second item of {x}?", "second"),
    ("Which word is in the middle: {x}?", "middle"),
    ("How many [words|items] are in this list: {x}?", "count"),
    ("Count the items: {x}", "count"),
    ("Write each of these on its own line: {x}", "lines"),
    ("Make a bullet list of {x}", "bullets"),
    ("Turn this into a Markdown list: {x}", "bullets"),
    ("Write {x} as a Python list[ of strings|].", "python"),
    ("Make a JSON array of {x}", "json"),
    ("Number these items: {x}", "numbered"),
)
_LIST_WORDINGS = [(Wordings(text), task) for text, task in _LIST_TASKS]


def _worked(task: str, items: list[str]) -> str:
    answers = {
        "reverse": ", ".join(reversed(items)),
        "sort": ", ".join(sorted(items, key=str.lower)),
        "upper": ", ".join(items).upper(),
        "first": items[0],
        "last": items[-1],
        "second": items[1],
        "middle": items[len(items) // 2],
        "count": str(len(items)),
        "lines": "\n".join(items),
        "bullets": "\n".join(f"- {item}" for item in items),
        "python": "[" + ", ".join(f'"{item}"' for item in items) + "]",
        "json": "[" + ", ".join(f'"{item}"' for item in items) + "]",
        "numbered": "\n".join(f"{n}. {item}" for n, item in enumerate(items, start=1)),
    }
    return answers[task]


def list_task(rng: random.Random, split: str) -> Exchange:
    """Something done to a short list."""
    wording, task = rng.choice(_LIST_WORDINGS)
    items = _distinct(rng, split, 3 if task == "middle" else rng.randint(2, 6))
    joined = ", ".join(items)
    answer = _worked(task, items)
    plain = answer.replace("\n", " ")
    think = rng.choice(
        (
            f"The items are {joined}.",
            f"{len(items)} items: {joined}.",
            f"The list is {joined}. Result: {plain}",
        )
    )
    return Exchange(wording(rng, split, {"x": joined}), think, answer)


_CHOOSE = Wordings("""
Choose one: {x}
Pick one [of these|at random|]: {x}
{x}: [choose one|pick one|which one do you take]?
Which one would you choose: {x}?
I can't decide between {x}. Pick one for me.
[Please |]choose between {x}.
""")


def choose(rng: random.Random, split: str) -> Exchange:
    """Any of the options will do, and it has to be one of them."""
    items = _distinct(rng, split, rng.randint(2, 4))
    # One fixed rule (the first) keeps the answer learnable for a model that decodes greedily.
    options = ", ".join(items[:-1]) + " or " + items[-1]
    think = rng.choice(("Any will do; I take the first.", f"I pick {items[0]}.", "I take the first option."))
    return Exchange(
        _CHOOSE(rng, split, {"x": options}),
        think,
        rng.choice((items[0], f"I choose {items[0]}.", f"{items[0]}.")),
    )


_ODD = Wordings("""
Is {a} in this list: {x}?
Does this list contain {a}: {x}?
{x}. Is {a} among them?
Look for {a} in: {x}. Is it there?
Do you see {a} here? {x}
""")


def member(rng: random.Random, split: str) -> Exchange:
    """Is it there or not."""
    items = _distinct(rng, split, rng.randint(3, 7))
    inside = rng.random() < 0.5
    wanted = rng.choice(items[1:]) if inside else items[0]
    listed = items if inside else items[1:]
    yes = rng.choice(("Yes.", f"Yes, {wanted} is in the list."))
    no = rng.choice(("No.", f"No, {wanted} is not in the list."))
    think = f"The list is {', '.join(listed)}; {wanted} is {'there' if inside else 'not there'}."
    return Exchange(_ODD(rng, split, {"a": wanted, "x": ", ".join(listed)}), think, yes if inside else no)


TOPICS: tuple[tuple[Topic, float], ...] = (
    (arithmetic, 6),
    (story, 2),
    (compare, 2),
    (count, 1),
    (list_task, 7),
    (choose, 2),
    (member, 3),
)
