"""Chat topics that work on a text the user gave: copying, picking a value, changing a word.

Everything named here is generated, so the answer can only come from the question.
"""

from __future__ import annotations

import random

from ds4train.chat_know import Exchange, Topic, filled, person, table
from ds4train.sessions import names, values, words
from ds4train.sessions.grammar import Wordings

_STYLES = ("snake", "snake", "camel", "kebab", "pascal", "upper", "dot")


def thing(rng: random.Random, split: str) -> str:
    """Something to copy: an identifier, a word, a value of any kind."""
    roll = rng.random()
    if roll < 0.40:
        return names.ident(rng, split, rng.choice(_STYLES))
    if roll < 0.55:
        return names.invented(rng)
    if roll < 0.90:
        return values.value(rng, split).text
    return " ".join(names.word(rng, split) for _ in range(rng.randint(2, 4)))


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
    found = [values.value(rng, split).text for _ in keys]
    pick = rng.randrange(len(keys))
    separator = rng.choice((" = ", ": ", "=", " is "))
    rows = [f"{key}{separator}{value}" for key, value in zip(keys, found, strict=True)]
    user = _EXTRACT(rng, split, {"t": "\n".join(rows), "o": ", ".join(rows), "k": keys[pick]})
    answer = rng.choice(
        (
            found[pick],
            found[pick],
            f"{keys[pick]} is {found[pick]}.",
            f"The value of {keys[pick]} is {found[pick]}.",
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


def _scene(rng: random.Random, split: str) -> dict[str, str]:
    """People, places and things for a little text; what could be mixed up is different."""
    pick = rng.choice
    who, other = person(rng, split), person(rng, split)
    noun, thing_ = rng.sample(words.NOUNS[split], 2)
    number, more = rng.sample(range(2, 60), 2)
    return {
        "who": who,
        "other": other if other != who else f"Dr. {other}",
        "noun": noun,
        "thing": thing_,
        "place": pick(words.PLACES[split]),
        "adjective": pick(words.ADJECTIVES[split]),
        "verb": pick(words.VERBS[split]),
        "number": str(number),
        "more": str(more),
        "hour": f"{rng.randint(7, 21)}:{pick(('00', '15', '30', '45'))}",
    }


def about(rng: random.Random, split: str) -> Exchange:
    """Who, where, when or how many in a sentence."""
    scene = _scene(rng, split)
    text, question, answer = (filled(column, scene) for column in rng.choice(table("about")))
    full = answer[0].upper() + answer[1:] + "."
    think = f"The text says: {text}" if rng.random() < 0.5 else f"It is in the text: {answer}."
    return Exchange(_ABOUT(rng, split, {"s": text, "q": question}), think, rng.choice((full, answer)))


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
    scene = _scene(rng, split)
    text, short = (filled(column, scene) for column in rng.choice(table("summaries")))
    think = rng.choice(
        (
            "Two sentences; I join them.",
            f"It is about {scene['who']}." if scene["who"] in text else "I keep what matters.",
        )
    )
    return Exchange(_SUMMARY(rng, split, {"s": text}), think, short)


TOPICS: tuple[tuple[Topic, float], ...] = (
    (say, 8),
    (spell, 2),
    (extract, 8),
    (about, 5),
    (recase, 4),
    (swap, 4),
    (summary, 3),
)
