"""Make the tokenizer's test files: a small vocabulary and the ids that llama.cpp gives for many texts.

Usage: python native/tests/make_tokenizer_vectors.py [--vocab] [--count N] [--seed S] [--out FILE]

``vectors/tokenizer/vocab.gguf`` (written with ``--vocab``) is a vocabulary-only GGUF trained here on Python's
standard library and generated text of other scripts. The vectors are texts of many kinds with their ids by
llama.cpp (llama-cpp-python 0.3.36), which the C test compares with ours: it needs neither package.

Vectors file, little endian: u32 count, then for each text u32 rendered, u32 bytes, the bytes, u32 ids, the
ids as u16.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from native.tests import tokenizer_texts as texts
from native.tests.tokenizer_texts import SPECIALS

FOLDER = Path(__file__).resolve().parent / "vectors" / "tokenizer"
VOCAB_SIZE = 3072
SPLITS = (
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    (
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
)


def corpus() -> Iterator[str]:
    yield from texts.standard_library()
    rng = random.Random(1)
    kinds = [
        texts.prose,
        texts.digits,
        texts.east_asian,
        texts.emoji,
        texts.scripts,
        texts.blanks,
        texts.punctuation,
    ]
    for _ in range(20000):
        yield rng.choice(kinds)(rng)


def train_vocabulary(target: Path) -> None:
    import gguf
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in SPLITS]
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [*splits, pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(corpus(), trainer)
    model = json.loads(backend.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    writer = gguf.GGUFWriter(target, "deepseek4")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("joyai-llm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIALS) + [1] * (len(tokens) - len(SPECIALS)))
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


class LlamaCpp:
    """llama.cpp's tokenizer over a vocabulary-only file."""

    def __init__(self, path: Path) -> None:
        import llama_cpp

        self.api: Any = llama_cpp
        self.silent = llama_cpp.llama_log_callback(lambda level, message, data: None)
        llama_cpp.llama_log_set(self.silent, ctypes.c_void_p(0))
        params = llama_cpp.llama_model_default_params()
        params.vocab_only = True
        self.model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)

    def encode(self, data: bytes, rendered: bool) -> list[int]:
        room = 3 * len(data) + 8
        ids = (ctypes.c_int32 * room)()
        n = self.api.llama_tokenize(self.vocab, data, len(data), ids, room, False, rendered)
        assert n >= 0, n
        return list(ids[:n])


def write_vectors(target: Path, vocab: Path, count: int, seed: int) -> None:
    rng = random.Random(seed)
    reference = LlamaCpp(vocab)
    parts = [struct.pack("<I", count)]
    for _ in range(count):
        data, rendered = texts.text(rng), rng.random() < 0.5
        ids = reference.encode(data, rendered)
        parts.append(struct.pack("<II", rendered, len(data)) + data)
        parts.append(struct.pack(f"<I{len(ids)}H", len(ids), *ids))
    target.write_bytes(b"".join(parts))
    print(f"{target}: {count} texts, {target.stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocab", action="store_true", help="train and write the vocabulary first")
    parser.add_argument("--gguf", type=Path, default=FOLDER / "vocab.gguf", help="vocabulary to use")
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--out", type=Path, default=FOLDER / "ids.bin")
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if args.vocab:
        train_vocabulary(args.gguf)
    write_vectors(args.out, args.gguf, args.count, args.seed)


if __name__ == "__main__":
    main()
