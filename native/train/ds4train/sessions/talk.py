"""Plain questions that need no tool: short facts about programming, greetings, thanks, what the agent is."""

from __future__ import annotations

from . import names, phrasings_more
from .asking import dress
from .grammar import Wordings
from .world import World

_WHAT = Wordings("""
what is {x}?
what is {x}, in one sentence?
what's {x}?
explain {x} [briefly|in one sentence|shortly|in a few words|]
[can|could] you explain {x}?
[can|could] you tell me what {x} is?
what does [the term |]{x} mean?
tell me what {x} is
define {x}
in [short|a sentence|one sentence|simple words], what is {x}?
[quick|simple|short] question: what is {x}?
I don't know what {x} is. [Can you explain it|Explain it briefly|Please explain]?
[give me|I need] a [short|one-sentence] explanation of {x}
do you know what {x} is?
what do people mean by {x}?
how would you describe {x}?
""")
_FACTS = """
a variable|A variable is a name that refers to a value in a program.
a function|A function is a named piece of code that takes arguments, does something and may return a value.
recursion|Recursion is when a function calls itself to solve a smaller part of the same problem.
a git branch|A git branch is a movable name for a line of commits, so that work can go on beside other work.
a commit|A commit is a recorded snapshot of a repository's files with a message, an author and a parent.
git|Git is a version control system that records the history of files as commits.
a merge conflict|A merge conflict happens when two branches changed the same lines and git cannot choose between them.
a unit test|A unit test checks that one small piece of code does what it should.
pytest|pytest is a Python tool that finds and runs tests and reports failed assertions in detail.
an assertion|An assertion is a statement that must be true; the program stops with an error if it is not.
a list in Python|A list in Python is an ordered, changeable sequence of values.
a tuple|A tuple in Python is an ordered sequence that cannot be changed after it is made.
a dictionary in Python|A dictionary in Python maps keys to values.
a set in Python|A set in Python is an unordered collection of distinct values.
a class|A class describes the data and the methods that its objects have.
an object|An object is a value with its own data and the methods of its class.
an exception|An exception is an error that interrupts the normal flow of a program until something handles it.
a loop|A loop repeats a piece of code, for every item or while a condition holds.
an API|An API is the set of calls and formats through which programs talk to each other.
HTTP|HTTP is the protocol with which clients ask web servers for resources and get responses.
JSON|JSON is a text format for data made of objects, lists, strings, numbers, booleans and null.
YAML|YAML is a text format for data that uses indentation and is often used for configuration.
TOML|TOML is a configuration file format with sections and key = value lines.
CSV|CSV is a text format for tables: one row a line, with values separated by commas.
Markdown|Markdown is a light text format for headings, lists, links and code.
a regular expression|A regular expression is a pattern that describes which texts match.
a compiler|A compiler translates source code into machine code or another language.
an interpreter|An interpreter reads a program and carries it out directly.
a linter|A linter reads source code and reports likely mistakes and style problems.
a shell|A shell is a program that reads commands and runs other programs.
bash|bash is a common Unix shell and its scripting language.
grep|grep is a command that prints the lines of files that match a pattern.
sed|sed is a command that edits text line by line, for instance to replace words.
an environment variable|An environment variable is a named value that a process inherits from the one that started it.
a process|A process is a running program with its own memory.
a thread|A thread is a line of execution inside a process that shares the process's memory.
a race condition|A race condition is a bug in which the result depends on the timing of concurrent steps.
a deadlock|A deadlock is when two parts of a program wait for each other forever.
a cache|A cache keeps results that are expensive to get, so that they can be used again quickly.
latency|Latency is the time between asking for something and getting it.
a hash function|A hash function maps data of any size to a value of fixed size.
a stack|A stack is a collection in which the item added last is taken out first.
a queue|A queue is a collection in which the item added first is taken out first.
a linked list|A linked list is a chain of nodes in which each one points to the next.
a binary search|A binary search finds an item in sorted data by halving the range at every step.
big O notation|Big O notation says how the cost of an algorithm grows with the size of its input.
refactoring|Refactoring changes the structure of code without changing what it does.
a code review|A code review is when others read a change before it is merged.
continuous integration|Continuous integration builds and tests every change automatically.
semantic versioning|Semantic versioning numbers releases major.minor.patch by how compatible the changes are.
a virtual environment in Python|A virtual environment is a folder with its own Python packages, apart from the system's.
pip|pip is the tool that installs Python packages.
a decorator in Python|A decorator in Python is a function that wraps another function to add behaviour.
a generator in Python|A generator in Python is a function that yields values one at a time.
type hints|Type hints are annotations that say which types Python values should have.
a lambda|A lambda in Python is a small function without a name, written in one expression.
an integer overflow|An integer overflow is when a result is too large for the type that should hold it.
a pointer|A pointer is a value that holds the address of another value in memory.
a memory leak|A memory leak is memory that a program no longer needs but never gives back.
a database index|A database index is a structure that makes it fast to find rows by a column.
SQL|SQL is the language for querying and changing data in relational databases.
a port number|A port number tells which service on a machine a network connection is for.
DNS|DNS translates host names into IP addresses.
an IP address|An IP address identifies a machine on a network.
TLS|TLS encrypts a connection and proves who the server is.
a Makefile|A Makefile lists targets, what they depend on and the commands that build them.
a Dockerfile|A Dockerfile describes step by step how a container image is built.
a container|A container runs a program with its own files and settings, apart from the rest of the system.
a README|A README is the file that says what a project is and how to use it.
a licence|A licence says what others may do with the code.
a pull request|A pull request proposes to merge the commits of a branch, so that others can review them.
open source|Open source means that everybody may read, use, change and share the code.
a bug|A bug is a mistake in a program that makes it behave wrongly.
a stack trace|A stack trace lists the function calls that were active when an error happened.
a boolean|A boolean is a value that is either true or false.
a string|A string is a sequence of characters.
a float|A float is a number with a fractional part, stored with limited precision.
Unicode|Unicode gives every character of every script a number.
UTF-8|UTF-8 encodes Unicode characters in one to four bytes and keeps ASCII unchanged.
a module in Python|A module in Python is a file whose names other files can import.
stdout|stdout is the stream to which a program writes its normal output.
an exit code|An exit code is the number a process ends with; 0 means success.
a symlink|A symlink is a file that points to another path.
cron|cron runs commands at set times.
a daemon|A daemon is a process that runs in the background.
idempotent|Idempotent means that doing something twice has the same effect as doing it once.
immutable|Immutable means that a value cannot be changed after it is made.
a closure|A closure is a function that remembers the variables of the place where it was made.
a constructor|A constructor is the code that sets up a new object.
inheritance|Inheritance lets a class take over the data and methods of another class.
"""
FACTS = [tuple(line.split("|")) for line in _FACTS.strip().split("\n")]
_SELF = (
    ("who are you?", "I am ds4agent, a coding agent. I can read, change and run files in this repository."),
    (
        "what are you?",
        "I am ds4agent, a coding agent that works in your repository with a shell and a file editor.",
    ),
    (
        "what can you do?",
        "I can look up values, find files, change and create files, run commands and tests, and fix small bugs in this repository.",
    ),
    ("hello", "Hello! What should I do in this repository?"),
    ("hi", "Hi! What can I do for you?"),
    ("good morning", "Good morning! What should I do?"),
    ("how are you?", "I am fine, thank you. What can I do for you?"),
    ("are you there?", "Yes. What should I do?"),
    ("hey", "Hey! What can I do for you in this repository?"),
    ("what is your name?", "My name is ds4agent."),
    (
        "which tools do you have?",
        "I have two tools: bash, a persistent shell, and str_replace_editor, which views, creates and edits files.",
    ),
    ("can you edit files?", "Yes. I can view, create and edit files in this repository."),
)
THINK = (
    "This is a plain question; no tool is needed.",
    "No tool is needed. I answer directly.",
    "I can answer this without tools.",
    "A question that needs no files. Answer it.",
    "The user only talks. I answer in words.",
    "General knowledge; nothing to look up here.",
)


def question(world: World) -> bool:
    rng, s = world.rng, world.s
    r = rng.random()
    if r < 0.35:
        _chat(world)
    elif r < 0.43:
        ask, answer = rng.choice(_SELF)
        s.user("question", rng.choice((ask, ask.capitalize(), ask.rstrip("?"))))
        s.answer(rng.choice(THINK), answer)
    elif r < 0.55:
        a, b = rng.randint(1, 20), rng.randint(1, 12)
        word, sign, result = rng.choice((("plus", "+", a + b), ("times", "*", a * b), ("minus", "-", a - b)))
        form = rng.choice(
            (
                f"what is {a} {word} {b}?",
                f"what is {a} {sign} {b}?",
                f"how much is {a} {word} {b}?",
                f"calculate {a} {sign} {b}",
                f"{a} {sign} {b}?",
            )
        )
        world.say("question", dress(rng, world.split, form, edits=False, frame=False))
        s.answer(
            f"{a} {sign} {b} = {result}.",
            rng.choice((f"{a} {sign} {b} is {result}.", f"{result}", f"The result is {result}.")),
            str(result),
        )
    else:
        term, fact = rng.choice(FACTS)
        world.say(
            "question",
            dress(
                rng, world.split, _WHAT(rng, world.split, {"x": term}), edits=False, frame=rng.random() < 0.2
            ),
        )
        s.answer(rng.choice(THINK), fact)
    return True


_ASIDE = (
    "Quick question, no need to look at the code: {q}",
    "No need to look at the files: {q}",
    "{q} No tools needed.",
    "Without looking at the repository: {q}",
    "{q}",
    "{q}",
    "{q}",
    "{q}",
    "I have a question. {q}",
    "Just a question: {q}",
)


def _chat(world: World) -> None:
    """A question from the chat data: the same knowledge, asked of the agent."""
    from ds4train import chat_know

    rng = world.rng
    source = rng.choice(
        (
            chat_know.definition,
            chat_know.definition,
            chat_know.fact,
            chat_know.howto,
            chat_know.capital,
            chat_know.unit,
        )
    )
    item = source(rng, world.split)
    ask = item.user[:1].lower() + item.user[1:] if rng.random() < 0.3 else item.user
    world.s.user("question", rng.choice(_ASIDE).format(q=ask))
    world.s.answer(rng.choice(THINK), item.answer)


def thanks(world: World) -> bool:
    rng, s = world.rng, world.s
    world.say(
        "thanks",
        dress(rng, world.split, phrasings_more.THANKS(rng, world.split, {}), edits=False, frame=False),
    )
    s.answer(
        "The user is done. A short reply is enough.",
        rng.choice(("You're welcome.", "Glad it helped.", "You're welcome. Tell me if there is more to do.")),
    )
    return True


def agents_text(world: World, command: str | None) -> str:
    """The project instructions of an AGENTS.md; with a test command when there is one to know."""
    rng = world.rng
    lines = [names.sentence(rng, world.split) for _ in range(rng.randint(1, 3))]
    usual = (
        "Keep changes small.",
        "Use four spaces for indentation.",
        "Do not add dependencies.",
        "Write short commit messages.",
        "Follow the existing style.",
        "Keep lines under 100 characters.",
    )
    lines += rng.sample(usual, rng.randint(0, 2))
    if command:
        lines.insert(
            rng.randint(0, len(lines)),
            rng.choice(
                (
                    f"Run the tests with `{command}`.",
                    f"Tests: `{command}`",
                    f"To run the tests: {command}",
                    f"Test command: `{command}`",
                )
            ),
        )
    head = rng.choice((f"# {names.word(rng, world.split).title()}\n\n", "# Instructions\n\n", ""))
    return head + "\n".join(rng.choice(("- ", "")) + x if not head else "- " + x for x in lines)
