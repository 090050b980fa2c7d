"""Chat topics about small pieces of code: what they return, what they do, writing and changing them."""

from __future__ import annotations

import random

from ds4train.chat_know import Exchange, Topic, filled, table
from ds4train.sessions import names, values, words
from ds4train.sessions.grammar import Wordings

_SHELL = {"grep", "mkdir", "rm", "mv", "cp", "wc", "head", "tail", "git", "echo"}


def _slots(rng: random.Random, split: str) -> dict[str, str]:
    """Two different names, a number, the number before it, a word."""
    a, b = names.ident(rng, split, "snake", 1, 2), names.ident(rng, split, "snake", 1, 2)
    n = rng.randint(2, 50)
    return {
        "a": a,
        "b": b if b != a else f"other_{b}",
        "n": str(n),
        "m": str(n - 1),
        "w": names.invented(rng),
    }


def _function(rng: random.Random, split: str) -> str:
    return names.function_name(rng, split)


_RETURNS = Wordings("""
What does this [function |]return?\\n\\n{c}
What is the result of {call}?\\n\\n{c}
{c}\\n\\nWhat does {call} return?
{c}\\n\\nWhat is {call}?
Given this code, what does {call} return?\\n\\n{c}
Look at this [function|code]:\\n\\n{c}\\n\\nWhich value does {call} give?
""")


def _constant(rng: random.Random, split: str) -> tuple[str, str, str, str]:
    name = _function(rng, split)
    value = values.value(rng, split, rng.choice(("int", "float", "str", "word", "path", "version")))
    text = value.text if value.kind in ("int", "float") else f'"{value.text}"'
    return f"def {name}():\n    return {text}", f"{name}()", f"It returns the constant {text}.", text


def _operation(rng: random.Random, split: str) -> tuple[str, str, str, str]:
    name, arg = _function(rng, split), rng.choice(("x", "n", "value", "number", "count"))
    a, b = rng.randint(1, 12), rng.randint(1, 10)
    sign, result = rng.choice((("+", a + b), ("-", a - b), ("*", a * b)))
    return (
        f"def {name}({arg}):\n    return {arg} {sign} {b}",
        f"{name}({a})",
        f"{a} {sign} {b} = {result}",
        str(result),
    )


def _greeting(rng: random.Random, split: str) -> tuple[str, str, str, str]:
    name, who = _function(rng, split), rng.choice(words.PEOPLE[split])
    word = rng.choice(("Hello", "Hi", "Bye", "Dear", "Good morning"))
    result = f'"{word}, {who}!"'
    return (
        f'def {name}(name):\n    return f"{word}, {{name}}!"',
        f'{name}("{who}")',
        f"name is {who}.",
        result,
    )


def _choice(rng: random.Random, split: str) -> tuple[str, str, str, str]:
    name = _function(rng, split)
    limit, value = rng.randint(2, 50), rng.randint(1, 60)
    yes, no = rng.choice(words.NOUNS[split]), names.invented(rng)
    code = f'def {name}(n):\n    if n > {limit}:\n        return "{yes}"\n    return "{no}"'
    above = value > limit
    return (
        code,
        f"{name}({value})",
        f"{value} is {'' if above else 'not '}greater than {limit}.",
        f'"{yes if above else no}"',
    )


def returns(rng: random.Random, split: str) -> Exchange:
    """What a call gives."""
    code, call, why, result = rng.choice((_constant, _operation, _greeting, _choice))(rng, split)
    fenced = f"```python\n{code}\n```" if rng.random() < 0.6 else code
    user = _RETURNS(rng, split, {"c": fenced, "call": call})
    answer = rng.choice((f"It returns {result}.", result, f"{call} returns {result}."))
    if call not in user and "()" not in call:
        user += rng.choice((f"\n\nThe call is {call}.", f"\n\nI call {call}."))
    return Exchange(user, why, answer)


_EXPLAIN = Wordings("""
What does this [code|line|snippet] do?\\n\\n{c}
Explain this [code|line|snippet|Python code]:\\n\\n{c}
{c}\\n\\nWhat does this do?
Can you explain this[ to me|]?\\n\\n{c}
What is the meaning of this [line|code]?\\n\\n{c}
I don't understand this: {c}
""")


def explain(rng: random.Random, split: str) -> Exchange:
    """A sentence about a snippet, with its names."""
    slots = _slots(rng, split)
    code, meaning = (filled(column, slots) for column in rng.choice(table("explain")))
    thoughts = (
        "I read the code step by step.",
        "A short snippet; one sentence is enough.",
        "I say what it does.",
    )
    shell = code.split(" ", maxsplit=1)[0] in _SHELL
    fenced = f"```{'sh' if shell else 'python'}\n{code}\n```" if rng.random() < 0.5 or "\n" in code else code
    return Exchange(_EXPLAIN(rng, split, {"c": fenced}), rng.choice(thoughts), meaning)


_WRITE = Wordings("""
Write a [Python |]function {f} that {what}.
[Please |]write a function called {f} that {what}.
I need a [Python |]function {f} which {what}.
Define {f} in Python: it {what}.
Can you write {f}? It {what}.
Give me a function named {f} that {what}.
Implement {f}, a function that {what}.
""")


def write(rng: random.Random, split: str) -> Exchange:
    """A short function with a given name."""
    slots = _slots(rng, split)
    a, b = rng.choice((("a", "b"), ("x", "y"), ("left", "right"), ("first", "second")))
    slots |= {"f": _function(rng, split), "a": a, "b": b}
    what, code = (filled(column, slots) for column in rng.choice(table("write")))
    f = slots["f"]
    think = rng.choice(
        (
            f"A function {f} that {what}.",
            f"{f} {what}; that is short.",
            "I write the function and nothing else.",
        )
    )
    return Exchange(_WRITE(rng, split, {"f": f, "what": what}), think, f"```python\n{code}\n```")


_RENAME = Wordings("""
Rename {a} to {b} in this code:\\n\\n{c}
{c}\\n\\n[Please |]rename {a} to {b}.
In this code, change the name {a} to {b}:\\n\\n{c}
Use {b} instead of {a}:\\n\\n{c}
Write this again, but with {b} for {a}:\\n\\n{c}
""")


def rename(rng: random.Random, split: str) -> Exchange:
    """A short snippet again with one name changed."""
    old, new, other = (names.ident(rng, split, "snake", 1, 2) for _ in range(3))
    if len({old, new, other}) < 3 or old in other or other in old:
        return explain(rng, split)
    n = rng.randint(1, 99)
    code = rng.choice((
        f"{old} = {n}\nprint({old})",
        f"def {other}({old}):\n    return {old} + {n}",
        f"{other} = {old} * {n}",
        f"for {old} in {other}:\n    print({old})",
        f"{old} = []\n{old}.append({other})",
        f"class {old.title().replace('_', '')}:\n    {old} = {n}\n    {other} = {old}",
        f"if {old} > {n}:\n    {other} = {old}",
        f"return {other}({old}, {n})",
    ))  # fmt: skip
    answer = f"```python\n{code.replace(old, new)}\n```"
    return Exchange(
        _RENAME(rng, split, {"a": old, "b": new, "c": f"```python\n{code}\n```"}),
        f"{old} becomes {new}.",
        answer,
    )


_ERROR = Wordings("""
What does this error mean? {e}
I get {e}. What does it mean?
{e}\\n\\nWhat is wrong?
Python says: {e}
Why do I get this? {e}
Explain this error: {e}
""")


def error(rng: random.Random, split: str) -> Exchange:
    """What common messages say."""
    slots = _slots(rng, split)
    text, meaning = (filled(column, slots) for column in rng.choice(table("errors")))
    kind = text.split(":", maxsplit=1)[0]
    return Exchange(_ERROR(rng, split, {"e": text}), f"The message is {kind}.", meaning)


TOPICS: tuple[tuple[Topic, float], ...] = (
    (returns, 5),
    (explain, 5),
    (write, 6),
    (rename, 4),
    (error, 4),
)
