"""llama.cpp (llama-cpp-python's library, its low-level interface) as a bench engine.

Its own defaults are kept, flash attention and f16 cache included: this is what its users get. One
exception: weights are not moved to its AMX or repacked buffers, because this version then aborts on
deepseek4 files with Q8_0 weights (`GGML_ASSERT(*cur_backend_id != -1)`, seen on an AMX machine).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from pathlib import Path

import llama_cpp

from bench.probe import Engine, serve

UBATCH = 512
_QUIET = llama_cpp.llama_log_callback(lambda level, text, user_data: None)


class LlamaCpp:
    def __init__(self, path: Path, threads: int, context: int) -> None:
        llama_cpp.llama_backend_init()
        llama_cpp.llama_log_set(_QUIET, ctypes.c_void_p(0))
        model_params = llama_cpp.llama_model_default_params()
        model_params.use_extra_bufts = False
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = context, UBATCH, UBATCH
        params.n_threads = params.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        if not self.context:
            raise SystemExit(f"llama.cpp cannot run {path}")
        self.vocab: int = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def reset(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def eval(self, tokens: Sequence[int]) -> None:
        for start in range(0, len(tokens), UBATCH):
            part = tokens[start : start + UBATCH]
            ids = (llama_cpp.llama_token * len(part))(*part)
            if llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(ids, len(part))):
                raise SystemExit("llama_decode failed")
        llama_cpp.llama_synchronize(self.context)


def load(path: Path, threads: int, context: int) -> tuple[Engine, int]:
    engine = LlamaCpp(path, threads, context)
    return engine, engine.vocab


if __name__ == "__main__":
    serve(load, sys.stdout)
