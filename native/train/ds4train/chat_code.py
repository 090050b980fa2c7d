"""Chat topics about small pieces of generated Python: what they return, what they do, writing and changing them."""

from __future__ import annotations

import random

from ds4train.chat_know import Exchange, Topic
from ds4train.sessions import names, words
from ds4train.sessions.grammar import Wordings


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
    value = names.value(rng, split, rng.choice(("int", "float", "str", "word", "path", "version")))
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
    a, b = names.ident(rng, split, "snake", 1, 2), names.ident(rng, split, "snake", 1, 2)
    n = rng.randint(2, 50)
    code, meaning = rng.choice((
        (f"{a} = len({b})", f"It stores the length of {b} in {a}."),
        (f"{a} = sorted({b})", f"It stores a sorted copy of {b} in {a}."),
        (f"{a} += {n}", f"It adds {n} to {a}."),
        (f"{a} = {b}[{n}]", f"It stores the item of {b} at index {n} in {a}."),
        (f"{a} = {b}[-1]", f"It stores the last item of {b} in {a}."),
        (f"for {a} in {b}:\n    print({a})", f"It prints each item of {b}."),
        (f"if not {a}:\n    return {b}", f"It returns {b} if {a} is empty or false."),
        (f"{a} = [{b[0]} * {n} for {b[0]} in {b}]", f"It makes a list of the items of {b}, each multiplied by {n}, and stores it in {a}."),
        (f"{a} = {b}.strip().lower()", f"It removes white space around {b}, makes it lower case and stores the result in {a}."),
        (f"import {a}", f"It imports the module {a}."),
        (f"from {a} import {b}", f"It imports the name {b} from the module {a}."),
        (f"assert {a} == {n}", f"It checks that {a} is {n} and raises an AssertionError if it is not."),
        (f"{a} = {b}.get(\"{names.invented(rng)}\", {n})", f"It looks up a key in the dictionary {b}, with {n} as the default, and stores the result in {a}."),
        (f"with open({a}) as file:\n    {b} = file.read()", f"It opens the file named by {a} and reads all of it into {b}."),
        (f"{a} = int({b})", f"It converts {b} to an integer and stores it in {a}."),
        (f"{a}, {b} = {b}, {a}", f"It swaps the values of {a} and {b}."),
        (f"del {a}[{n}]", f"It deletes the item of {a} at index {n}."),
        (f"{a}.append({b})", f"It adds {b} to the end of the list {a}."),
        (f"while {a} < {n}:\n    {a} += 1", f"It raises {a} by one until it is {n}."),
        (f"{a} = max({b})", f"It stores the largest item of {b} in {a}."),
    ))  # fmt: skip
    think = rng.choice(
        ("I read the code step by step.", "A short snippet; one sentence is enough.", f"It is about {a}.")
    )
    fenced = f"```python\n{code}\n```" if rng.random() < 0.5 or "\n" in code else code
    return Exchange(_EXPLAIN(rng, split, {"c": fenced}), think, meaning)


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
    """A function of one or two lines with a given name."""
    f, a, b = (
        _function(rng, split),
        rng.choice(("a", "x", "left", "first")),
        rng.choice(("b", "y", "right", "second")),
    )
    n = rng.randint(2, 20)
    value = names.value(rng, split, rng.choice(("int", "word", "str")))
    literal = value.text if value.kind == "int" else f'"{value.text}"'
    what, code = rng.choice((
        ("adds two numbers", f"def {f}({a}, {b}):\n    return {a} + {b}"),
        ("multiplies two numbers", f"def {f}({a}, {b}):\n    return {a} * {b}"),
        ("subtracts the second number from the first", f"def {f}({a}, {b}):\n    return {a} - {b}"),
        ("returns the larger of two numbers", f"def {f}({a}, {b}):\n    return max({a}, {b})"),
        ("returns the smaller of two numbers", f"def {f}({a}, {b}):\n    return min({a}, {b})"),
        (f"returns {literal}", f"def {f}():\n    return {literal}"),
        (f"multiplies a number by {n}", f"def {f}(number):\n    return number * {n}"),
        (f"adds {n} to a number", f"def {f}(number):\n    return number + {n}"),
        ("checks whether a number is even", f"def {f}(number):\n    return number % 2 == 0"),
        ("checks whether a number is odd", f"def {f}(number):\n    return number % 2 == 1"),
        ("reverses a string", f"def {f}(text):\n    return text[::-1]"),
        ("makes a text upper case", f"def {f}(text):\n    return text.upper()"),
        ("counts the words of a text", f"def {f}(text):\n    return len(text.split())"),
        ("returns the sum of a list", f"def {f}(items):\n    return sum(items)"),
        ("returns the average of a list", f"def {f}(items):\n    return sum(items) / len(items)"),
        ("returns the first item of a list", f"def {f}(items):\n    return items[0]"),
        ("returns the last item of a list", f"def {f}(items):\n    return items[-1]"),
        ("removes duplicates from a list", f"def {f}(items):\n    return list(dict.fromkeys(items))"),
        ("greets a person by name", f'def {f}(name):\n    return f"Hello, {{name}}!"'),
        ("squares a number", f"def {f}(number):\n    return number * number"),
        ("computes the factorial of a number", f"def {f}(n):\n    return 1 if n < 2 else n * {f}(n - 1)"),
        ("checks whether a text is a palindrome", f"def {f}(text):\n    return text == text[::-1]"),
        ("reads a file and returns its text", f"def {f}(path):\n    with open(path) as file:\n        return file.read()"),
        ("returns the number of lines in a file", f"def {f}(path):\n    with open(path) as file:\n        return sum(1 for _ in file)"),
    ))  # fmt: skip
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
    """What common messages of Python say."""
    name = names.ident(rng, split, "snake", 1, 2)
    text, meaning = rng.choice((
        (f"NameError: name '{name}' is not defined", f"The name {name} is used before it is defined, or it is misspelt."),
        (f"ModuleNotFoundError: No module named '{name}'", f"Python can't find the module {name}. It may not be installed, or its name is misspelt."),
        (f"KeyError: '{name}'", f"The dictionary has no key '{name}'."),
        (f"AttributeError: 'NoneType' object has no attribute '{name}'", f"The value is None where an object with {name} was expected."),
        (f"AttributeError: module '{name}' has no attribute 'run'", f"The module {name} does not define run."),
        ("IndexError: list index out of range", "The index is larger than the last index of the list."),
        ("ZeroDivisionError: division by zero", "Something is divided by zero."),
        (f"FileNotFoundError: [Errno 2] No such file or directory: '{name}.txt'", f"The file {name}.txt does not exist in the folder where the program looks."),
        (f"TypeError: {name}() missing 1 required positional argument: 'path'", f"{name} was called without its argument path."),
        (f"ValueError: invalid literal for int() with base 10: '{name}'", f"The text '{name}' can't be converted to an integer."),
        ("IndentationError: expected an indented block", "A line that ends with a colon must be followed by an indented block."),
        ("SyntaxError: invalid syntax", "The line does not follow Python's grammar; look at it and at the line before."),
        ('TypeError: can only concatenate str (not "int") to str', "A string and an integer are added. Convert the integer with str first."),
        (f"ImportError: cannot import name '{name}'", f"The module does not define {name}."),
        (f"UnboundLocalError: cannot access local variable '{name}'", f"{name} is assigned later in the function, so it has no value yet at that point."),
        (f"bash: {name}: command not found", f"The shell can't find a program called {name}. It may not be installed."),
        (f"cat: {name}.md: No such file or directory", f"The file {name}.md does not exist in this folder."),
        ("PermissionError: [Errno 13] Permission denied", "The program may not read or write that file."),
    ))  # fmt: skip
    kind = text.split(":", maxsplit=1)[0]
    return Exchange(_ERROR(rng, split, {"e": text}), f"The message is {kind}.", meaning)


TOPICS: tuple[tuple[Topic, float], ...] = (
    (returns, 5),
    (explain, 5),
    (write, 6),
    (rename, 4),
    (error, 4),
)
