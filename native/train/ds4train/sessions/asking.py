"""How people dress a request: quoting of names, noun phrases around them, polite frames, context before and
after.
"""

from __future__ import annotations

import random
import re

from . import words
from .grammar import Wordings

_KEY_NOUNS = (
    "setting",
    "option",
    "key",
    "value",
    "entry",
    "variable",
    "parameter",
    "field",
    "property",
    "flag",
    "constant",
    "config value",
)


class Voice:
    """One person's habits for the length of one request."""

    def __init__(self, rng: random.Random, split: str) -> None:
        self.rng, self.split = rng, split
        self.mark = rng.choice(("", "", "", "`", "`", "'", '"'))
        self.path_mark = self.mark if rng.random() < 0.7 else rng.choice(("", "`"))

    def quoted(self, text: str, mark: str | None = None) -> str:
        """The text in this person's quotes, in others where those would clash.

        Plain only if it stays readable.
        """
        mark = self.mark if mark is None else mark
        awkward = text == "" or text[-1] in ".,;:!?" or text[0] in "'\"` " or " " in text
        if not mark and not awkward:
            return text
        choices = [mark] if mark and mark not in text else [m for m in ('"', "`", "'") if m not in text]
        if not choices:
            return f"«{text}»"
        pick = self.rng.choice(choices) if not mark else choices[0]
        return f"{pick}{text}{pick}"

    def name(self, text: str) -> str:
        return self.quoted(text)

    def value(self, text: str) -> str:
        r = self.rng.random()
        return self.quoted(text, "" if r < 0.4 else None if r < 0.8 else self.rng.choice(('"', "`", "'")))

    def setting(self, key: str) -> str:
        """A setting by name, often with a noun around it."""
        k, r = self.name(key), self.rng.random()
        if r < 0.5:
            return k
        noun = self.rng.choice(_KEY_NOUNS)
        return self.rng.choice(
            (
                f"the {noun} {k}",
                f"the {k} {noun}",
                f"the {noun} named {k}",
                f"the {k} {noun}",
                f"the value of {k}",
                f"{k}",
            )
        )

    def path(self, path: str) -> str:
        p, r = self.quoted(path, self.path_mark), self.rng.random()
        if r < 0.7:
            return p
        if r < 0.74:
            return self.quoted("./" + path, self.path_mark)
        return self.rng.choice((f"the file {p}", f"the {p} file", f"file {p}", f"{p}"))


_POLITE = Wordings("""
please {t}
Please {t}
can you {t}?
could you {t}?
Could you please {t}?
would you {t}?
I need you to {t}
I'd like you to {t}
I want you to {t}
your task: {t}
Task: {t}
TODO: {t}
hey, {t}
Hi! {T}
Hello. {T}
ok, {t}
Now {t}
next, {t}
[Quick|Small] [one|task|thing|change|job|request]: {t}
{t}, please
{t} please
{t}, thanks
{T}. Thanks!
{T}. Thank you.
[Can|Could] I ask you to {t}?
help me[ out|]: {t}
Your job is to {t}
The task is to {t}
we need to {t}
We have to {t}. Can you do it?
{T}. That is all.
{T}. [Nothing else is needed|That's it|Nothing more].
Let's {t}
go ahead and {t}
Would it be possible to {t}?
Do me a favour and {t}
[Here is|Here's] what I need: {t}
one more thing: {t}
{T} and [tell me|let me know] when [it's|it is] done
{T}, then [say|confirm] [so|that it is done]
[In this repo|In this project|In the repository|Here], {t}
@agent {t}
- {t}
1. {T}
""")
_CONTEXT = Wordings("""
We are [preparing|cutting|planning] a release.
The [deploy|build|nightly job|staging run] [failed|broke|was slow] [last night|today|again|this morning].
I am [new here|new to this repo|in a hurry|cleaning up|reviewing this project].
{p} asked for this.
{p} noticed [a problem|something odd][ yesterday| today|].
[This|It] is for the {n} [team|work|project|migration|service].
[A|Another] [customer|colleague|user] [complained|asked about this|needs it].
[The|Our] {n} is being [moved|replaced|reworked|tuned].
I'm working on the {n}.
We agreed on this in the [meeting|review|planning].
[Ticket|Issue|Bug] #{d}.
[Small|Minor] [cleanup|fix|follow-up].
The [docs|notes] are [out of date|stale|wrong].
[I forgot this earlier|I always forget this|This has been open for weeks].
""")
_AFTER = Wordings("""
[Leave|Keep] everything else [as it is|alone|unchanged|untouched].
[Do not|Don't] [touch|change|edit] anything else.
Nothing else [should|may|must] change.
No other [files|changes], please.
[It should be quick|It's a small change|This should be easy].
[That's all|That is all] [for now|I need].
[I will|I'll] [review|commit|check] it [later|afterwards|myself].
No need to [commit|push][ it| anything|].
{p} will [review|check] it.
""")


IMPERATIVE = frozenset(
    [
        "change",
        "set",
        "update",
        "switch",
        "adjust",
        "modify",
        "put",
        "make",
        "open",
        "edit",
        "take",
        "go",
        "give",
        "assign",
        "use",
        "replace",
        "bump",
        "move",
        "let",
        "have",
        "find",
        "locate",
        "look",
        "overwrite",
        "reset",
        "fix",
        "correct",
        "swap",
        "exchange",
        "substitute",
        "rename",
        "refactor",
        "do",
        "carry",
        "perform",
        "call",
        "run",
        "execute",
        "launch",
        "start",
        "tell",
        "show",
        "report",
        "try",
        "invoke",
        "check",
        "see",
        "get",
        "print",
        "output",
        "read",
        "fetch",
        "extract",
        "search",
        "name",
        "list",
        "append",
        "add",
        "write",
        "extend",
        "insert",
        "place",
        "stick",
        "tack",
        "prepend",
        "create",
        "save",
        "store",
        "generate",
        "produce",
        "touch",
        "repair",
        "bring",
        "debug",
        "investigate",
        "count",
        "display",
        "delete",
        "remove",
        "drop",
        "erase",
        "copy",
        "duplicate",
        "back",
        "verify",
        "implement",
        "reconfigure",
        "configure",
        "raise",
        "say",
        "quote",
        "answer",
        "reply",
    ]
)
_NEUTRAL = Wordings("""
hey, {t}
Hi! {T}
Hello. {T}
ok, {t}
Task: {t}
[Quick|Small] [one|task|thing|change|job|request]: {t}
{T}. Thanks!
{T}. Thank you.
{T}. That is all.
[Here is|Here's] what I need: {t}
one more thing: {t}
[In this repo|In this project|In the repository|Here], {t}
@agent {t}
- {t}
""")


def capital(text: str) -> str:
    """Upper-case the first letter, unless the text begins with something given."""
    return text[:1].upper() + text[1:]  # the mark of given text has no upper case


def _typo(rng: random.Random, text: str) -> str:
    """Swap two letters of the leading verb."""
    head, _, rest = text.partition(" ")
    if head in IMPERATIVE and len(head) > 3:
        at = rng.randint(1, len(head) - 2)
        head = head[:at] + head[at + 1] + head[at] + head[at + 2 :]
    return f"{head} {rest}" if rest else head


def dress(rng: random.Random, split: str, core: str, edits: bool = True, frame: bool = True) -> str:
    """A whole user message from an imperative (lower-case) core.

    Multi-line cores only get something in front.
    """
    core = re.sub(r"(?<=[^\n ]) {2,}", " ", core).strip(" ")
    r = rng.random()
    text = _typo(rng, core) if rng.random() < 0.02 else core
    block = "\n" in core
    if frame and r < 0.42 and not block:
        question = text.endswith("?")
        asked = text.rstrip(".?!") if text[-1:] in ".?" else text
        verb = (
            core.split(" ", 1)[0].lower() in IMPERATIVE
            and ". " not in core
            and "? " not in core
            and not question
        )
        if question:
            text = rng.choice(
                (
                    "{t}",
                    "{t}",
                    "hi, {t}",
                    "hey, {t}",
                    "quick question: {t}",
                    "question: {t}",
                    "Hello. {T}",
                    "ok, {t}",
                    "Here, {t}",
                )
            ).format(t=text, T=capital(text))
        else:
            text = (_POLITE if verb else _NEUTRAL)(rng, split, {"t": asked, "T": capital(asked)})
    elif frame and r < 0.5 and block:
        text = (
            rng.choice(("Please ", "Task: ", "Hi, ", "I need you to ", "I'd like you to ", "Now ", "TODO: "))
            + text
        )
    elif r < 0.72:
        text = capital(text)
    if text[-1].isalnum() and rng.random() < 0.3 and not block:
        text += "."
    if rng.random() < 0.7:
        text = capital(text)
    slots = {
        "p": words.PEOPLE[split][int(rng.random() * len(words.PEOPLE[split]))],
        "n": rng.choice(words.NOUNS[split]),
        "d": str(rng.randint(2, 9999)),
    }
    if rng.random() < 0.09:
        text = _CONTEXT(rng, split, slots) + rng.choice((" ", " ", "\n", "\n\n")) + capital(text)
    if edits and rng.random() < 0.08 and not block:
        text += ("" if text[-1] in ".?!" else ".") + rng.choice((" ", " ", "\n")) + _AFTER(rng, split, slots)
    return text
