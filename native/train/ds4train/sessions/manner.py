"""How somebody writes a request: story before it, remarks after it, tone, order, casual spelling and slips.

Names and values are put in after all of that, so they always stand exactly as they are in the files.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from . import wild, words
from .grammar import GIVEN, Wordings

_FIRST = 0xE000  # private-use characters stand for the slots while the text is being changed
_SHORT = (
    ("please", "pls"),
    ("please", "plz"),
    ("you", "u"),
    ("what is", "whats"),
    ("what's", "whats"),
    ("don't", "dont"),
    ("doesn't", "doesnt"),
    ("can't", "cant"),
    ("I'm", "im"),
    ("it's", "its"),
    ("are", "r"),
    ("thanks", "thx"),
    ("somewhere", "smwhere"),
    ("because", "cause"),
    ("want to", "wanna"),
    ("I", "i"),
    ("and", "&"),
    ("with", "w/"),
    ("about", "abt"),
    ("tell me", "tell me pls"),
)
_BEFORE = Wordings("""
I am writing the {n} [report|docs|guide|page|email] [right now|today|].
I'm [new here|new to this project|just looking around|not a programmer|on my phone|in a meeting|back from holiday].
{p} [asked me this|wants to know|asked in the chat|needs it for a call|is waiting for it|keeps asking].
{p} and I [disagree|had a bet|were not sure|were wondering].
[My|Our] [notes|docs|colleague|manager|boss] and the [code|files|repo] [disagree|don't match].
[I have|I've got] a [quick|small|short|simple|dumb|silly|stupid] question.
[A|One] [quick|small|short|simple] question.
[Quick|Small|Short] one:
Before [lunch|the demo|the release|I go home|the call|we ship], one thing.
[We are|We're] [preparing|planning|checking|reviewing|auditing] the {n}.
[I am|I'm] filling in a form.
[I can't|I cannot] [open|reach|see] the [file|repo|editor] [from here|right now].
I [forgot|lost my notes|do not remember|can't recall it|should know this].
[The|Our] {n} [is acting up|looks odd|behaves strangely|is fine now|went down].
Somebody on the {n} team [asked|complained|was curious].
[Hi|Hello|Hey|Morning|Good morning|Good evening|Hi there|hey there][,|!|.]
[Ok|Okay|Right|So|Well|Now|Next|Alright|Great|Perfect],
I need [this|it] for a [ticket|mail|slide|review|call|test|customer|printout].
[For|In] the [minutes|changelog|handover|audit]:
No [edits|changes] [today|this time|needed], [I only want to know something|only a question].
[Don't|Do not|Please don't] change anything.
I [looked|searched] [for it|around] but [did not find it|got lost|gave up].
[There is|There's] [no rush|no hurry].
Sorry to bother you.
Could you do me a favour?
[Help me|Help me out] [here|with this|].
@agent
Task:
Question:
Q:
TODO:
""")
_AFTER = Wordings("""
[Don't|Do not|Please don't|No need to] [change|edit|touch|modify|fix] [anything|any file|the file].
[Thanks|Thank you|Thanks a lot|Many thanks|Cheers|thx|ty][!|.|]
[I need|It's|This is] [it|] for [the|a|our] [report|call|docs|ticket|review|demo].
[That's all|That is all|Nothing else|That's it|Nothing more][.|]
[I only want to|I just want to] [know|look|read it|be sure|check].
[The rest|Everything else|The other stuff|All the others] [does not|doesn't] [matter|interest me].
[Keep it|Make it] short.
[A short|A one-line|One] [answer|sentence|reply|line] is [enough|fine|plenty].
{p} [will be happy|is waiting|asked|needs it].
[Look|Check] [carefully|twice|closely].
[It's|It is] [urgent|not urgent|important].
[I'd|I would] look myself but [I have no access|I'm on my phone|I have no time].
[Sorry for|Excuse] the [silly|basic|simple] question.
[You may|Feel free to] [use|run] [grep|any tool|whatever you like].
:)
""")
BARE = Wordings("""
[Reply|Answer|Respond] with [just|only|nothing but] the [value|answer].
[Just|Only] the [value|answer][, please|, nothing else|, no sentence|, thanks|].
[Give|Send|Print] me [just|only] the [value|answer][ and nothing else|].
[I want|I need] [just|only] the [value|answer][, no explanation|, not a sentence|].
No [explanation|prose|sentence|extra words], [just|only] the [value|answer].
[Your|The] [reply|answer|response] should be [just |only |]the [value|answer] [alone|and nothing else|on its own].
[Value|Answer] only[, please|].
[Please |]leave out [everything|all] but the [value|answer].
[I'll|I will] paste your [reply|answer] into a [form|script], so only the [value|answer] [please|itself].
""")


def _slip(rng: random.Random, text: str) -> str:
    """One slip of the fingers inside of a longer lower-case word."""
    spots = [w for w in text.split(" ") if len(w) > 4 and w.isascii() and w.isalpha() and w.islower()]
    if not spots:
        return text
    word = rng.choice(spots)
    at = rng.randint(1, len(word) - 2)
    slipped = rng.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )
    return text.replace(word, slipped, 1)


def _casual(rng: random.Random, text: str) -> str:
    r = rng.random()
    if r < 0.55:
        return text
    if r < 0.85:
        text = text.lower()
    for long, short in rng.sample(_SHORT, 5):
        if rng.random() < 0.5:
            text = f" {text} ".replace(f" {long} ", f" {short} ").strip(" ")
    if rng.random() < 0.35:
        text = text.replace("'", "")
    if rng.random() < 0.3:
        text = text.rstrip("?.!")
    if rng.random() < 0.2:
        text = text.replace(", ", " ")
    return text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ended(rng: random.Random, text: str) -> str:
    return text if text[-1] in ".?!:" else text + rng.choice((".", ".", "!"))


def written(
    rng: random.Random,
    split: str,
    core: Wordings,
    slots: Mapping[str, str],
    extra: Sequence[str] = (),
    plain: bool = False,
    frame: tuple[Wordings, Wordings] = (_BEFORE, _AFTER),
) -> str:
    """A whole message from a set of wordings.

    `extra` sentences follow the request, `plain` leaves out what `frame` puts before and after it.
    """
    marks = {name: chr(_FIRST + i) for i, name in enumerate(slots)}
    text = re.sub(" {2,}", " ", core(rng, split, marks).replace(GIVEN, "")).strip()
    if plain:
        text = " ".join([text.rstrip(".") if not extra else _ended(rng, text), *extra])
        return _with(text, marks, slots)
    text = _sentence(text) if rng.random() < 0.75 else text
    who = {"n": wild.english(rng, split), "p": rng.choice(words.PEOPLE[split])}
    more = list(extra)
    if rng.random() < 0.22:
        more.insert(rng.randint(0, len(more)), frame[1](rng, split, who).replace(GIVEN, ""))
    if more:
        text = " ".join([_ended(rng, text), *more])
    elif text[-1].isalnum() and rng.random() < 0.3:
        text += "."
    if rng.random() < 0.25:
        before = frame[0](rng, split, who).replace(GIVEN, "")
        text = before + rng.choice((" ", " ", " ", "\n", "\n\n")) + text
    return _with(roughened(rng, text), marks, slots)


def roughened(rng: random.Random, text: str) -> str:
    """Perhaps in lower case, with short forms, and with slips of the fingers."""
    text = _casual(rng, text)
    for _ in range(rng.choice((0, 0, 0, 0, 0, 1, 2))):
        text = _slip(rng, text)
    return text


def _with(text: str, marks: Mapping[str, str], slots: Mapping[str, str]) -> str:
    for name, mark in marks.items():
        text = text.replace(mark, slots[name])
    return text
