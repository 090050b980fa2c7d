"""libds4, through the same binding as the engine process, as a bench engine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.probe import Engine, serve
from ds4agent.engine.binding import Model


class LibDs4:
    def __init__(self, path: Path, threads: int, context: int) -> None:
        self.model = Model(path, threads=threads)
        self.session = self.model.session(context)

    def reset(self) -> None:
        self.session.reset()

    def eval(self, tokens: Sequence[int]) -> None:
        self.session.eval(tokens)


def load(path: Path, threads: int, context: int) -> tuple[Engine, int]:
    engine = LibDs4(path, threads, context)
    return engine, engine.model.info.n_vocab


if __name__ == "__main__":
    serve(load, sys.stdout)
