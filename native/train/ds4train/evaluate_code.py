"""How well a model completes code it has never seen: fill-in-the-middle and next line, on the held-out files.

    python -m ds4train.evaluate_code MODEL.gguf [--count N] [--heal]

The model is anything that continues a list of token ids; the command uses the project's engine, greedily and,
with --heal, as its /infill does: words that a hole cut are taken off the prompt and spelt again.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from ds4train import corpus, fim, tok

# complete(prompt, most, stop) continues a prompt by at most `most` tokens, up to EOS (not returned) or to the
# first token for which stop(token) holds (returned).
Stop = Callable[[int], bool]
Complete = Callable[[list[int], int, Stop], list[int]]
_CONTEXT = 700


@dataclass(frozen=True)
class Score:
    """One figure: how many of how many."""

    name: str
    right: int
    of: int

    def __str__(self) -> str:
        return f"{self.name}: {self.right}/{self.of} = {self.right / max(1, self.of):.1%}"


def _never(token: int) -> bool:
    del token
    return False


def _ends_line(token: int) -> bool:
    return bool(corpus.newline_table()[token])


def fill_in(
    complete: Complete, kind: str, count: int, seed: int, order: fim.Order = "psm"
) -> Iterator[tuple[bool, bool]]:
    """For each hole: is the whole middle right, and is its first line right?"""
    rng = random.Random(seed)
    decode = tok.load().decode
    for _ in range(count):
        hole = fim.cut(rng, _CONTEXT, "heldout", kind)
        wanted = decode(hole.middle).rstrip()
        got = decode(complete(hole.prompt(order), len(hole.middle) * 2 + 8, _never)).rstrip()
        yield got == wanted, got.split("\n")[0] == wanted.split("\n")[0]


def _line_prompts(count: int, seed: int) -> Iterator[tuple[list[int], str]]:
    """Held-out code up to the start of a line, and that line."""
    rng = random.Random(seed)
    part = corpus.load().parts["heldout", "code"]
    while count:
        tokens, position = part.pick(rng)
        first = max(0, position - _CONTEXT)
        window = tokens[first : position + 200]
        starts = corpus.line_starts(window).tolist()
        # Code that training samples starts at the start of a line, so these prompts do too.
        origin = starts[1] if first and len(starts) > 1 else 0
        begin = max((start for start in starts if start <= position - first), default=0)
        ends = (n for n, token in enumerate(window[begin:].tolist(), start=begin + 1) if _ends_line(token))
        end = next(ends, len(window))
        line = tok.load().decode(window[begin:end].tolist())
        if line.strip() and begin > origin + 20:
            count -= 1
            yield [tok.BOS_ID, *window[origin:begin].tolist()], line


def next_line(complete: Complete, count: int, seed: int) -> Iterator[bool]:
    """For each position: is the next line right, without its newline?"""
    for prompt, line in _line_prompts(count, seed):
        got = complete(prompt, 80, _ends_line)
        yield tok.load().decode(got).rstrip("\n") == line.rstrip("\n")


def evaluate(complete: Complete, count: int = 200, seed: int = 1) -> list[Score]:
    """All figures, each over `count` examples."""
    scores = []
    for order, kind in product(fim.ORDERS, fim.KINDS):
        results = list(fill_in(complete, kind, count, seed, order))
        name = f"fill in, {kind}, {order}"
        scores.append(Score(f"{name}, exact", sum(whole for whole, _ in results), count))
        if kind in ("lines", "body"):
            scores.append(Score(f"{name}, first line", sum(first for _, first in results), count))
    scores.append(Score("next line, exact", sum(next_line(complete, count, seed)), count))
    return scores


def engine_completer(path: Path, context: int = 2048, heal: bool = False) -> Complete:
    """Greedy completion by libds4."""
    from ds4agent.engine.backend import DrawSettings
    from ds4agent.engine.binding import Model
    from ds4agent.engine.healing import Spelling, unfinished

    model = Model(path)
    session = model.session(context)
    draw = session.sampler(DrawSettings(0.0, 1.0, 0.0, 0, 1))

    def cut_word(prompt: list[int]) -> tuple[list[int], bytes]:
        """The prompt without the tokens of the word before its hole, and that word."""
        end = prompt.index(tok.FIM_HOLE_ID) if tok.FIM_HOLE_ID in prompt else len(prompt)
        if end and prompt[end - 1] == tok.FIM_BEGIN_ID:
            end = len(prompt)
        begin = max(n for n in range(end) if model.is_control(prompt[n])) + 1
        word = unfinished(tok.load().decode(prompt[begin:end]), model)[1].encode()
        first, size = end, 0
        while size < len(word):
            first -= 1
            size += len(model.token_bytes(prompt[first]))
        return prompt[:first] + prompt[end:], word

    def complete(prompt: list[int], most: int, stop: Stop) -> list[int]:
        kept, word = cut_word(prompt) if heal else (prompt, b"")
        spelling, owed = Spelling(model, word), len(word)
        session.reset()
        session.eval(kept)
        out: list[int] = []
        while len(out) < most:
            token = draw(True, None if spelling.done else spelling.allowed())
            if token == tok.EOS_ID:
                break
            if owed:
                spelling.accept(token)
                text = model.token_bytes(token)
                out += model.tokenize(text[owed:])
                owed = max(0, owed - len(text))
            else:
                out.append(token)
            if out and stop(out[-1]):
                break
            session.eval([token])
        return out

    return complete


def main() -> None:
    """Prints one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--heal", action="store_true", help="spell words anew that a hole cut")
    options = parser.parse_args()
    for score in evaluate(engine_completer(options.model, heal=options.heal), options.count):
        print(score, flush=True)


if __name__ == "__main__":
    main()
