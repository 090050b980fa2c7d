"""Trains the 8192-entry vocabulary of the bundled model.

A small model copies an identifier exactly only if it is spelt with the same tokens wherever it stands: after
a space, a quote, an underscore, a slash. So the merges are made class by class instead of over raw text:

* letters merge with letters (plain BPE over words, case boundaries may be crossed);
* digits never merge: one token a digit;
* ASCII punctuation merges with punctuation, but what a name or path may begin or end with (`_ - . / ~ $ \\ @
  #`) stays apart from quotes and brackets, so that `"/tmp` and ` /tmp` spell the path alike;
* white space merges with white space of the same kind, bytes of one non-ASCII character with each other;
* LAST in rank, a space merges with a whole frequent word or operator that is one token by then (" the", "
  =").

The classes share no symbols, so their order among themselves is free; the space merges come last because
plain BPE applies merges by rank: ` theory` first becomes ` ` + `theory`, and only then may a space join. The
joyai-llm pre-tokeniser never puts more than one space in front of a word, and puts `_name` or `.py` in one
piece, where no merge crosses from punctuation to letters.

Ids: the special tokens, then the 256 byte symbols, then one id a merge in rank order.

    python -m ds4train.bpe          writes native/train/vocab/{tokens.json,merges.txt}
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from ds4train import chat, sessions, sources
from ds4train.document import SPECIALS, text_of
from ds4train.sessions import words
from ds4train.words import FORCED_WORDS

VOCABULARY = 8192
VOCAB_DIR = Path(__file__).resolve().parent.parent / "vocab"

_PUNCTUATION_MERGES = 220
_SPACED_WORDS = 800
_ALWAYS_SPACED = 250
_SPACED_OPERATORS = 70
_LONGEST_SPACE_RUN = 32
# Characters worth a token of their own; box drawing and marks as tools print them, accents of Western names.
_CHARACTERS = "“”‘’–—…•·→←↑↓⇒✓✔✗✘×÷±°§©®│─└├┌┐┘┤┬┴┼━█▌░▶►●○■□★≤≥≠≈∞µéèêëàâäáãåçïîíìñóôöòõøüúùûßæœÉÀÖÜÄÇñ€£¥"
# A word joins a space only if it is rarely just the first piece of a longer, unknown word.
_WHOLE_SHARE = 0.75

# The punctuation runs that may be one token: repeats, closers and openers, and a few fixed operators.
_JOINABLE = re.compile(
    r"""(.)\1+|["'()\[\]{},:;=<>!+*%&|?`^]+|[)\]}]+\.|\.["'),]+|->|-=|-->|</|/>|://|\\["'\\]|/\*\*?|\*/|\$[({]|/=|//=|#!|~="""
)

_NAME_START = re.compile(r"[_\-/~$\\@]+|\.\.?")

_WORD = re.compile(r"[A-Za-z]+")
_SPACED_WORD = re.compile(r"(?<= )[A-Za-z]+")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]+")
_SPACED_PUNCTUATION = re.compile(r"(?<= )[!-/:-@\[-`{-~]+(?=[ \n])")
_SPECIAL = re.compile("|".join(map(re.escape, SPECIALS)))

Merge = tuple[str, str]


def byte_symbols() -> list[str]:
    """GPT-2's printable stand-in for each byte value."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (code for code in range(256) if code not in printable)
    table = {code: chr(code) for code in printable}
    table.update({code: chr(256 + n) for n, code in enumerate(others)})
    return [table[code] for code in range(256)]


class _Pairs:
    """Words as symbol lists with their weights, and the weight of every adjacent pair."""

    def __init__(self, words: dict[str, float], joinable: re.Pattern[str] | None) -> None:
        self.joinable = joinable
        self.pieces = [list(word) for word in words]
        self.weights = list(words.values())
        self.totals: defaultdict[Merge, float] = defaultdict(float)
        self.where: defaultdict[Merge, set[int]] = defaultdict(set)
        for index, pieces in enumerate(self.pieces):
            self._count(index, pieces, self.weights[index])

    def _count(self, index: int, pieces: list[str], weight: float) -> None:
        for pair in pairwise(pieces):
            if self.joinable is None or self.joinable.fullmatch("".join(pair)):
                self.totals[pair] += weight
                self.where[pair].add(index)

    def best(self) -> Merge:
        """The heaviest pair; ties go to the alphabetically first, so a rerun gives the same vocabulary."""
        top = max(self.totals.values())
        return min(pair for pair, total in self.totals.items() if total == top)

    def apply(self, merge: Merge) -> None:
        """Joins one pair everywhere and recounts the words it touched."""
        for index in self.where.pop(merge, set()):
            pieces, weight = self.pieces[index], self.weights[index]
            for pair in pairwise(pieces):
                if pair in self.totals:
                    self.totals[pair] -= weight
            self.pieces[index] = joined(pieces, merge)
            self._count(index, self.pieces[index], weight)
        self.totals.pop(merge, None)


def joined(pieces: list[str], merge: Merge) -> list[str]:
    """`pieces` with every occurrence of the pair joined, left to right."""
    result: list[str] = []
    for piece in pieces:
        if result and (result[-1], piece) == merge:
            result[-1] += piece
        else:
            result.append(piece)
    return result


def train(
    words: dict[str, float], count: int, joinable: re.Pattern[str] | None = None
) -> tuple[list[Merge], dict[str, list[str]]]:
    """The `count` best merges over weighted words, and how they spell each word."""
    pairs = _Pairs(words, joinable)
    merges: list[Merge] = []
    made: set[str] = set()
    while len(merges) < count:
        merge = pairs.best()
        pairs.apply(merge)
        # Two routes to one text would need two ids for one token; the later route is simply not taken.
        if "".join(merge) not in made:
            made.add("".join(merge))
            merges.append(merge)
    return merges, dict(zip(words, pairs.pieces, strict=True))


def run_merges(symbol: str, longest: int) -> list[Merge]:
    """Merges for every run of `symbol` up to `longest` (a power of two): doublings, then sums."""
    merges: list[Merge] = []
    size = 1
    while size < longest:
        merges.append((symbol * size, symbol * size))
        size *= 2
    size = 2
    while size < longest:
        merges += [(symbol * size, symbol * rest) for rest in range(1, size)]
        size *= 2
    return merges


def _character_merges(symbols: list[str]) -> list[Merge]:
    merges: dict[Merge, None] = {}
    for character in _CHARACTERS:
        first, *rest = (symbols[byte] for byte in character.encode())
        for symbol in rest:
            merges[first, symbol] = None
            first += symbol
    return list(merges)


class _Counts:
    """What the training text says about words, punctuation runs and the spaces in front of them."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.spaced: Counter[str] = Counter()
        self.punctuation: Counter[str] = Counter()
        self.operators: Counter[str] = Counter()

    def add(self, texts: Iterable[str], share: float) -> None:
        """Counts `texts`, scaled so that all of them together weigh `share`."""
        found = [Counter[str]() for _ in range(4)]
        patterns = (_WORD, _SPACED_WORD, _PUNCTUATION, _SPACED_PUNCTUATION)
        for text in texts:
            plain = _SPECIAL.sub("\0", text)
            for counter, pattern in zip(found, patterns, strict=True):
                counter.update(pattern.findall(plain))
        scale = share / (sum(found[0].values()) or 1)
        for total, counter in zip(
            (self.words, self.spaced, self.punctuation, self.operators), found, strict=True
        ):
            for text, count in counter.items():
                if count > 1:
                    total[text] += count * scale  # type: ignore[assignment]


def _spaced_merges(counts: _Counts, spelt: dict[str, list[str]], space: str) -> list[Merge]:
    """A space before a whole word that is one token and seldom the mere start of an unknown word.

    Every such word has two spellings (`walnut` and ` walnut`) and copying it out of a sentence into a command
    has to cross between them. That is learnt well only for words seen very often, so the list is short, and
    words that names are made of are on it only if they are among the most frequent of all.
    """
    starts: Counter[str] = Counter()
    for word, count in counts.spaced.items():
        starts[spelt[word][0]] += count
    whole = {word: count for word, count in counts.spaced.items() if len(spelt[word]) == 1 and len(word) > 1}
    fit = (word for word in whole if word[1:].islower() and whole[word] >= _WHOLE_SHARE * starts[word])
    best = sorted(fit, key=lambda word: (-whole[word], word))
    in_names = _name_words()
    rest = [word for word in best[_ALWAYS_SPACED:] if word.lower() not in in_names]
    return [(space, word) for word in (best[:_ALWAYS_SPACED] + rest)[:_SPACED_WORDS]]


def _name_words() -> set[str]:
    pools = (words.NOUNS, words.ADJECTIVES, words.VERBS, words.PEOPLE, words.PLACES)
    return {word.lower() for pool in pools for split in pool.values() for word in split}


def _spaced_operators(counts: _Counts, spelt: dict[str, list[str]], space: str) -> list[Merge]:
    # Not those that begin a name, a path or a flag: ` --all` and `"--all` have to share their tokens.
    whole = (run for run in counts.operators if len(spelt[run]) == 1 and not _NAME_START.fullmatch(run))
    best = sorted(whole, key=lambda run: (-counts.operators[run], run))
    return [(space, run) for run in best[:_SPACED_OPERATORS]]


def build(counts: _Counts) -> tuple[list[str], list[Merge]]:
    """The vocabulary in id order and the merges in rank order."""
    symbols = byte_symbols()
    space, tab, newline, carriage = (symbols[ord(c)] for c in " \t\n\r")
    fixed = _character_merges(symbols)
    fixed += run_merges(space, _LONGEST_SPACE_RUN) + run_merges(newline, 4) + run_merges(tab, 4)
    fixed += [(carriage, newline), (carriage + newline, carriage + newline)]
    punctuation, spelt_runs = train(dict(counts.punctuation), _PUNCTUATION_MERGES, _JOINABLE)
    operators = _spaced_operators(counts, spelt_runs, space)
    left = VOCABULARY - len(SPECIALS) - 256 - len(fixed) - len(punctuation) - len(operators) - _SPACED_WORDS
    letters, spelt_words = train(dict(counts.words), left)
    spaced = _spaced_merges(counts, spelt_words, space)
    merges = fixed + punctuation + letters + operators + spaced
    return [*SPECIALS, *symbols, *("".join(merge) for merge in merges)], merges


def _docstrings(texts: Iterable[str]) -> str:
    return "\n".join(chunk for text in texts for chunk in re.findall(r'"""(.*?)"""', text, re.DOTALL))


def _count_packages(counts: _Counts) -> None:
    """Code and docstrings of every package; the square root of its size keeps the big ones from ruling."""
    code: defaultdict[str, list[str]] = defaultdict(list)
    prose: list[str] = []
    for source in sources.all_sources():
        if source.kind == "prose":
            prose.append(source.text)
        else:
            code[source.package.name].append(source.text[:20_000])
    weight = {name: len("".join(texts)) ** 0.5 for name, texts in code.items()}
    weight[sources.STDLIB.name] *= 4
    for name, texts in code.items():
        counts.add(texts, weight[name] / sum(weight.values()))
        counts.add([_docstrings(texts)], 0.5 * weight[name] / sum(weight.values()))
    counts.add(prose, 0.3)


def count_everything() -> _Counts:
    """Code, prose and generated sessions, with about the weights they have in training."""
    counts = _Counts()
    rng = random.Random(8192)
    _count_packages(counts)
    # The first segment is the same in every session; its words count as forced ones instead.
    bodies = [sessions.sample(rng, 12_000) for _ in range(2500)]
    counts.add((text_of(body[1:]) for body in bodies), 1.2)
    counts.add((text_of(chat.sample(rng)) for _ in range(6000)), 0.5)
    total = sum(counts.words.values())
    for word in {*FORCED_WORDS, *_WORD.findall(bodies[0][0].text)}:
        counts.words[word] += total * 2e-4  # type: ignore[assignment]
        counts.spaced[word] += total * 1e-5  # type: ignore[assignment]
    return counts


def write(tokens: list[str], merges: list[Merge], folder: Path = VOCAB_DIR) -> None:
    """Writes the two committed files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.json").write_text(
        json.dumps(tokens, ensure_ascii=False, indent=0) + "\n", encoding="utf-8"
    )
    (folder / "merges.txt").write_text("".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")


if __name__ == "__main__":
    write(*build(count_everything()))
