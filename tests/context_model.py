"""A model whose every token depends on all before it.

The weights are made up and not trained; what it writes is no language, but a token that is missing, doubled
or wrong anywhere in its context shows in the next log probability. It writes printable ASCII only and never
ends a turn by itself. No merge of its tokenizer occurs in what it writes, so that its text has one
tokenisation and a conversation read anew gives the same tokens as one that was sampled.
"""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import numpy as np

from native.tests.random_model import tensors
from tests.engine_fixtures import CONTROL, SYMBOLS, shape_of, write_model

WRITTEN = string.ascii_letters.replace("h", "") + string.digits + " .,"


def write_context_model(path: Path, context: int = 1 << 20) -> None:
    tokens = [*CONTROL, *SYMBOLS, "he"]
    shape = replace(shape_of(len(tokens)), context=context)
    weights = tensors(shape)
    silent = np.ones(shape.vocab, bool)
    silent[[len(CONTROL) + ord(c) for c in WRITTEN]] = False
    weights["output.weight"][silent] = 0
    write_model(path, "Context Model", shape, weights, tokens)
