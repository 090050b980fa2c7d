"""Chat topics that work on what the user gave: copying, picking, changing, counting, small sums, reading code.

Everything named here is generated, so the answer can only come from the question.
"""

from __future__ import annotations

import random

from ds4train import chat_code
from ds4train.chat_know import Exchange, Topic, person
from ds4train.sessions import names, words
from ds4train.sessions.grammar import Wordings

_STYLES = ("snake", "snake", "camel", "kebab", "pascal", "upper", "dot")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def thing(rng: random.Random, split: str) -> str:
    """Something to copy: an identifier, a word, a value of any kind."""
    roll = rng.random()
    if roll < 0.40:
        return names.ident(rng, split, rng.choice(_STYLES))
    if roll < 0.55:
        return names.invented(rng)
    if roll < 0.90:
        return names.value(rng, split).text
    return " ".join(names.word(rng, split) for _ in range(rng.randint(2, 4)))


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


_SAY = Wordings("""
Say {x}
[Please |]repeat [exactly |]after me: {x}
Repeat [this|the following][ exactly|]: {x}
Write [only |]{x} and nothing else.
Answer with [exactly|just|only] {x}
[Just |]say "{x}"
Echo {x}
Reply with [exactly |]this text: {x}
Print this back to me: {x}
Copy this [text|string|line]: {x}
Can you repeat {x}?
Respond with {x}
Type {x}
[Please |]output the string {x}
Your answer must be {x}
""")


def say(rng: random.Random, split: str) -> Exchange:
    """Repeats a text as it is."""
    text = thing(rng, split) if rng.random() < 0.7 else names.sentence(rng, split)
    think = rng.choice(
        (f"I have to repeat: {text}", "The user wants the text back as it is.", "I copy it exactly.")
    )
    return Exchange(_SAY(rng, split, {"x": text}), think, text)


_SPELL = Wordings("""
Spell {x}
Spell the word {x}[ letter by letter|].
How do you spell {x}?
Write {x} letter by letter[, separated by dashes|].
Can you spell {x}?
spell "{x}"
""")


def spell(rng: random.Random, split: str) -> Exchange:
    """Letter by letter."""
    word = names.invented(rng) if rng.random() < 0.5 else rng.choice(words.NOUNS[split])
    answer = "-".join(word.upper())
    return Exchange(_SPELL(rng, split, {"x": word}), f"{word}: {' '.join(word)}", answer)


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


_EXTRACT = Wordings("""
[Here is|This is] a [file|config|list of settings]:\\n{t}\\nWhat is {k}?
{t}\\n\\nWhat is the value of {k}?
What is {k} [here|in this text]?\\n\\n{t}
Find {k} in this: {o}
Given {o}: what is {k}?
Which value does {k} have?\\n{t}
Look at this:\\n\\n{t}\\n\\nTell me the value of {k}.
I have {o}. What is {k}?
{k}?\\n\\n{t}
Read this and give me only the value of {k}:\\n{t}
""")


def extract(rng: random.Random, split: str) -> Exchange:
    """One value out of several."""
    keys = list(dict.fromkeys(names.ident(rng, split, "snake", 1, 2) for _ in range(rng.randint(2, 6))))
    values = [names.value(rng, split).text for _ in keys]
    pick = rng.randrange(len(keys))
    separator = rng.choice((" = ", ": ", "=", " is "))
    rows = [f"{key}{separator}{value}" for key, value in zip(keys, values, strict=True)]
    user = _EXTRACT(rng, split, {"t": "\n".join(rows), "o": ", ".join(rows), "k": keys[pick]})
    answer = rng.choice(
        (
            values[pick],
            values[pick],
            f"{keys[pick]} is {values[pick]}.",
            f"The value of {keys[pick]} is {values[pick]}.",
        )
    )
    return Exchange(user, f"The text says: {rows[pick]}", answer)


_ABOUT = Wordings("""
{s}\\n\\n{q}
{s} {q}
Read this: {s} {q}
[Text|Note]: {s}\\n[Question|Q]: {q}
{q} [The text|Here is the text]: {s}
""")


def about(rng: random.Random, split: str) -> Exchange:
    """Who, where or when in a sentence."""
    who, place, noun = person(rng, split), rng.choice(words.PLACES[split]), rng.choice(words.NOUNS[split])
    hour = f"{rng.randint(7, 21)}:{rng.choice(('00', '15', '30', '45'))}"
    other = person(rng, split)
    text = rng.choice((
        f"{who} meets {other} in {place} at {hour} to talk about the {noun}.",
        f"At {hour} {who} sends the {noun} to {other}, who lives in {place}.",
        f"{who} lost a {noun} in {place}. {other} found it at {hour}.",
        f"The {noun} arrives in {place} at {hour}. {who} will fetch it together with {other}.",
    ))  # fmt: skip
    asked = [("Which place is named?", place), ("Which city is named?", place), ("At what time?", hour), ("When is it?", hour),
             ("What thing is it about?", f"the {noun}"), ("Which time is given?", hour)]  # fmt: skip
    if " meets " in text:
        asked += [
            (f"Whom does {who} meet?", other),
            (f"Where do {who} and {other} meet?", place),
            (f"Who meets {other}?", who),
        ]
    elif " lost " in text:
        asked += [
            (f"Who found the {noun}?", other),
            (f"Who lost the {noun}?", who),
            (f"What did {who} lose?", f"a {noun}"),
        ]
    question, answer = rng.choice(asked)
    full = answer[0].upper() + answer[1:] + "."
    think = f"The text says: {text}" if rng.random() < 0.5 else f"It is in the text: {answer}."
    return Exchange(_ABOUT(rng, split, {"s": text, "q": question}), think, rng.choice((full, answer)))


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


_CASE = Wordings("""
Convert {a} to {style}[.|]
Write {a} in {style}[.|]
[What is|How do I write] {a} in {style}?
Turn {a} into {style}[.|]
Rename {a} to {style}.
{a} in {style}?
[Please |]change the name {a} to {style}.
""")
_CASES = {
    "snake": "snake_case",
    "camel": "camelCase",
    "pascal": "PascalCase",
    "kebab": "kebab-case",
    "upper": "UPPER_CASE",
}


def recase(rng: random.Random, split: str) -> Exchange:
    """The same name in another style."""
    bits = [names.word(rng, split) for _ in range(rng.randint(2, 3))]
    before, after = rng.sample(sorted(_CASES), 2)
    old, new = names.style(bits, before), names.style(bits, after)
    user = _CASE(rng, split, {"a": old, "style": _CASES[after]})
    return Exchange(
        user,
        f"The words are {', '.join(bits)}.",
        rng.choice((new, new, f"{old} in {_CASES[after]} is {new}.")),
    )


_SWAP = Wordings("""
Replace {a} with {b} in this [sentence|text]: {s}
In "{s}", replace {a} with {b}.
Change {a} to {b}: {s}
Write this again with {b} instead of {a}: {s}
[Please |]rewrite this with {b} in place of {a}: {s}
{s}\\n\\nReplace {a} by {b}.
""")


def swap(rng: random.Random, split: str) -> Exchange:
    """One word replaced in a sentence."""
    sentence = names.sentence(rng, split)
    candidates = [
        word for word in sentence.split() if word.isalpha() and len(word) > 3 and sentence.count(word) == 1
    ]
    if not candidates:
        return say(rng, split)
    old = rng.choice(candidates)
    new = names.word(rng, split) if rng.random() < 0.6 else names.invented(rng)
    think = rng.choice((f"{old} becomes {new}.", f"I replace {old} with {new} and keep the rest."))
    return Exchange(_SWAP(rng, split, {"a": old, "b": new, "s": sentence}), think, sentence.replace(old, new))


_SUMMARY = Wordings("""
Summarise this in one sentence: {s}
[Please |]summarize: {s}
Sum this up [briefly|in one sentence]: {s}
{s}\\n\\nSummarise this[ text|] in one sentence.
TL;DR: {s}
Give me the gist of this: {s}
Make this shorter: {s}
""")


def summary(rng: random.Random, split: str) -> Exchange:
    """Two sentences about one subject, joined into one."""
    who, noun = person(rng, split), rng.choice(words.NOUNS[split])
    adjective, verb = rng.choice(words.ADJECTIVES[split]), rng.choice(words.VERBS[split])
    number = rng.randint(2, 40)
    place = rng.choice(words.PLACES[split])
    text, short = rng.choice((
        (f"{who} has to {verb} the {noun}. It is due in {number} days.", f"{who} has to {verb} the {noun} within {number} days."),
        (f"The {noun} in {place} was {adjective}. {who} fixed it yesterday.", f"{who} fixed the {adjective} {noun} in {place}."),
        (f"{who} moved to {place}. The reason was a {adjective} {noun}.", f"{who} moved to {place} because of a {adjective} {noun}."),
        (f"We looked at {number} {noun}s. All of them were {adjective}.", f"All {number} {noun}s were {adjective}."),
        (f"The {noun} is {adjective}. That is why {who} wants to {verb} it.", f"{who} wants to {verb} the {noun} because it is {adjective}."),
        (f"There was a {noun} in {place}. It cost {number} euros.", f"A {noun} in {place} cost {number} euros."),
    ))  # fmt: skip
    return Exchange(
        _SUMMARY(rng, split, {"s": text}),
        f"Two sentences about {who if who in text else 'it'}; I join them.",
        short,
    )


TOPICS: tuple[tuple[Topic, float], ...] = (
    (say, 8),
    (spell, 2),
    (arithmetic, 6),
    (story, 2),
    (compare, 2),
    (count, 1),
    (list_task, 7),
    (extract, 8),
    (about, 5),
    (choose, 2),
    (member, 3),
    (recase, 4),
    (swap, 4),
    (summary, 3),
    *chat_code.TOPICS,
)
