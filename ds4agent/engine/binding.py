"""libds4 for Python: a model, its sessions, and errors as exceptions.

The library is opened by path (cffi, ABI mode), so one wheel serves every Python. cffi lets go of the GIL
for the time of each call: while the worker thread evaluates, the event loop answers other connections.

Lifetime: a Session keeps its Model alive; closing the model while sessions exist is refused here, because
the library would be left with dangling pointers.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ds4agent.engine._ds4_abi import ffi
from ds4agent.engine.backend import DrawSettings
from ds4agent.resources import native_library

ABI_VERSION = 4
# Tokens whose compressed rows are stored together: DS4_BLOCK.
BLOCK = 128
Bytes = bytes | bytearray | memoryview
_STATUS = ("OK", "ARGUMENT", "IO", "FORMAT", "UNSUPPORTED", "MEMORY", "CONTEXT_FULL", "CANCELLED", "CHECKSUM")


class Ds4Error(Exception):
    """A call failed. `status` is the name of the ds4_status without its prefix, e.g. "FORMAT"."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Cancelled(Ds4Error):
    """An evaluation was stopped by cancel(); the tokens done so far stay in the session."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """ds4_model_info; ids are -1 where the file has no tokenizer."""

    name: str
    n_vocab: int
    n_layer: int
    n_embd: int
    context_length: int
    bos_id: int
    eos_id: int
    has_tokenizer: bool
    threads: int
    kv_mode: int
    quant_bits: int
    file_bytes: int
    n_params: int
    kernels: str


class _Library:
    """The loaded library; opened on first use so that importing this module costs nothing."""

    _handle: Any = None

    def __getattr__(self, name: str) -> Any:
        if _Library._handle is None:
            handle = ffi.dlopen(str(native_library()))
            found = handle.ds4_abi_version()
            if found != ABI_VERSION:
                raise Ds4Error("UNSUPPORTED", f"libds4 has ABI version {found}, expected {ABI_VERSION}")
            _Library._handle = handle
        return getattr(_Library._handle, name)


_lib = _Library()


def _check(status: int, error: Any) -> None:
    if status == 0:
        return
    name = _STATUS[status] if 0 <= status < len(_STATUS) else str(status)
    message = ffi.string(error.message).decode("utf-8", "replace")
    raise (Cancelled if name == "CANCELLED" else Ds4Error)(name, message)


class Model:
    """A memory-mapped model with its tokenizer and thread pool."""

    def __init__(self, path: Path, threads: int = 0, kernels: str | None = None) -> None:
        params = ffi.new("ds4_model_params *")
        params.threads = threads
        name = ffi.new("char[]", kernels.encode()) if kernels else ffi.NULL
        params.kernels = name
        out, error = ffi.new("ds4_model **"), ffi.new("ds4_error *")
        _check(_lib.ds4_model_open(os.fsencode(path), params, out, error), error)
        self._ptr = out[0]
        self._sessions = 0
        self.info = self._read_info()

    def _read_info(self) -> ModelInfo:
        raw = ffi.new("ds4_model_info *")
        _lib.ds4_model_get_info(self._ptr, raw)
        values = {name: getattr(raw, name) for name in ModelInfo.__dataclass_fields__}
        for name in ("name", "kernels"):
            values[name] = ffi.string(values[name]).decode("utf-8", "replace")
        values["has_tokenizer"] = bool(values["has_tokenizer"])
        return ModelInfo(**values)

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._sessions:
            raise Ds4Error("ARGUMENT", f"{self._sessions} sessions of the model are still open")
        if self._ptr:
            _lib.ds4_model_close(self._ptr)
            self._ptr = ffi.NULL

    def metadata(self, key: str) -> str | None:
        """A scalar metadata value as text; None if there is no such scalar key."""
        name = key.encode()
        size = _lib.ds4_model_metadata(self._ptr, name, ffi.NULL, 0)
        if size < 0:
            return None
        buf = ffi.new("char[]", size + 1)
        _lib.ds4_model_metadata(self._ptr, name, buf, size + 1)
        return bytes(ffi.buffer(buf, size)).decode("utf-8", "replace")

    def tokenize(self, text: bytes, rendered: bool = False) -> list[int]:
        """Token ids; with `rendered` the control tokens of the chat format are recognised in the text."""
        cap = len(text) // 2 + 8
        n, error = ffi.new("size_t *"), ffi.new("ds4_error *")
        while True:
            out = ffi.new("int32_t[]", cap)
            _check(_lib.ds4_tokenize(self._ptr, text, len(text), rendered, out, cap, n, error), error)
            if n[0] <= cap:
                return list(ffi.unpack(out, n[0]))
            cap = n[0]

    def token_bytes(self, token: int) -> bytes:
        size = ffi.new("size_t *")
        data = _lib.ds4_token_bytes(self._ptr, token, size)
        if not data:
            raise Ds4Error("ARGUMENT", f"token {token} is outside 0..{self.info.n_vocab - 1}")
        return bytes(ffi.buffer(data, size[0]))

    def find(self, text: str) -> int | None:
        """The id of the vocabulary entry with exactly this text."""
        data = text.encode()
        token = int(_lib.ds4_token_find(self._ptr, data, len(data)))
        return None if token < 0 else token

    @property
    def n_vocab(self) -> int:
        return self.info.n_vocab

    def is_control(self, token: int) -> bool:
        return bool(_lib.ds4_token_is_control(self._ptr, token))

    def last_word(self, line: bytes) -> int:
        """Where the last word of a line begins; see ds4.h."""
        return int(_lib.ds4_last_word(line, len(line)))

    def spelling(self, rest: bytes) -> bytes:
        """The tokens that may come next where `rest` has to be spelt, as a sampler's mask."""
        words, error = ffi.new("uint32_t[]", (self.info.n_vocab + 31) // 32), ffi.new("ds4_error *")
        _check(_lib.ds4_spelling(self._ptr, rest, len(rest), words, error), error)
        return bytes(ffi.buffer(words))

    @property
    def fingerprint(self) -> bytes:
        """Eight bytes that name the model by its tensors."""
        return int(_lib.ds4_model_fingerprint(self._ptr)).to_bytes(8, "little")

    def session(self, n_ctx: int) -> "Session":
        out, error = ffi.new("ds4_session **"), ffi.new("ds4_error *")
        _check(_lib.ds4_session_new(self._ptr, n_ctx, out, error), error)
        return Session(self, out[0])


class Session:
    """One sequence of tokens with its KV state. One thread at a time, except for cancel()."""

    def __init__(self, model: Model, pointer: Any) -> None:
        self._ptr = pointer
        self._model = model
        self.n_ctx = int(_lib.ds4_session_ctx(pointer))
        model._sessions += 1

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._ptr:
            _lib.ds4_session_free(self._ptr)
            self._ptr = ffi.NULL
            self._model._sessions -= 1

    def eval(self, tokens: Sequence[int]) -> None:
        """Append tokens and evaluate them. Raises Cancelled; `n_tokens` tells how far it came."""
        error = ffi.new("ds4_error *")
        data = ffi.new("int32_t[]", tokens)
        _check(_lib.ds4_session_eval(self._ptr, data, len(tokens), ffi.NULL, error), error)

    def eval_with(self, others: Sequence["Session"], tokens: Sequence[int]) -> None:
        """One token for this session and each of the others, in one pass over the weights."""
        error = ffi.new("ds4_error *")
        each = ffi.new("ds4_session *[]", [self._ptr, *(other._ptr for other in others)])
        _check(_lib.ds4_sessions_eval(each, ffi.new("int32_t[]", tokens), len(each), error), error)

    def cancel(self) -> None:
        """Ask a running eval to stop at its next chunk; from any thread."""
        _lib.ds4_session_cancel(self._ptr)

    def clear_cancel(self) -> None:
        _lib.ds4_session_clear_cancel(self._ptr)

    def reset(self) -> None:
        _lib.ds4_session_reset(self._ptr)

    def keep(self, tokens: int) -> None:
        """Room, in tokens, for what it takes to cut the session back; see ds4.h."""
        _lib.ds4_session_keep(self._ptr, tokens)

    def nearest(self, n: int) -> int:
        """The last position up to n from which the session can go on."""
        return int(_lib.ds4_session_nearest(self._ptr, n))

    def cut(self, n: int) -> int:
        """Forget all behind that position; returns it. Its last token's logits are gone."""
        return int(_lib.ds4_session_cut(self._ptr, n))

    def fork(self) -> "Session":
        """A second session with the same tokens, which shares their memory."""
        out, error = ffi.new("ds4_session **"), ffi.new("ds4_error *")
        _check(_lib.ds4_session_fork(self._ptr, out, error), error)
        return Session(self._model, out[0])

    @property
    def n_tokens(self) -> int:
        return int(_lib.ds4_session_n_tokens(self._ptr))

    @property
    def memory(self) -> int:
        """Bytes held now."""
        return int(_lib.ds4_session_memory(self._ptr))

    @property
    def most_memory(self) -> int:
        """Bytes held at most: all of the context in use, nothing shared."""
        return int(_lib.ds4_session_most_memory(self._ptr))

    @property
    def ready(self) -> bool:
        """Whether there are logits: not when empty, and not after a cut."""
        return bool(_lib.ds4_session_logits(self._ptr))

    def tokens(self) -> list[int]:
        return list(ffi.unpack(_lib.ds4_session_tokens(self._ptr), self.n_tokens)) if self.n_tokens else []

    def sampler(self, settings: DrawSettings) -> "Sampler":
        return Sampler(self, settings)

    def logits(self) -> list[float]:
        """The logits after the last token."""
        return list(ffi.unpack(self._logits(), self._model.info.n_vocab))

    def logprob(self, token: int, k: int) -> tuple[float, list[tuple[int, float]]]:
        """The token's log probability after the last evaluated one, and the k most probable, best first."""
        k = min(k, self._model.info.n_vocab)
        ids, values = ffi.new("int32_t[]", k), ffi.new("float[]", k)
        own = _lib.ds4_logprob(self._logits(), self._model.info.n_vocab, token, k, ids, values)
        return float(own), list(zip(ffi.unpack(ids, k), ffi.unpack(values, k), strict=True)) if k else []

    def _logits(self) -> Any:
        data = _lib.ds4_session_logits(self._ptr)
        if not data:
            raise Ds4Error("ARGUMENT", "the session holds no evaluated token")
        return data

    @property
    def block_bytes(self) -> int:
        """Of the compressed rows of BLOCK tokens."""
        return int(_lib.ds4_session_block_bytes(self._ptr))

    def rows(self, first: int, n: int) -> memoryview:
        """The compressed rows of blocks [first, first + n), which are whole and never change."""
        size = n * self.block_bytes
        buf, error = ffi.new("char[]", max(size, 1)), ffi.new("ds4_error *")
        _check(_lib.ds4_session_rows(self._ptr, first, n, buf, size, error), error)
        return memoryview(ffi.buffer(buf, size))

    def put_rows(self, tokens: Sequence[int], rows: Bytes) -> None:
        """Add the next blocks to a session that holds nothing else; for load() to build on."""
        error = ffi.new("ds4_error *")
        view = memoryview(rows)
        data, ids = ffi.from_buffer(view), ffi.new("int32_t[]", tokens)
        n = len(tokens) // BLOCK
        _check(_lib.ds4_session_put_rows(self._ptr, n, ids, data, view.nbytes, error), error)

    @property
    def rest_bytes(self) -> int:
        """Of what save() gives besides the rows of whole blocks."""
        return int(_lib.ds4_session_save_size(self._ptr, self.n_tokens))

    def save(self, start: int = 0) -> memoryview:
        """All that is needed besides the rows of the blocks before token `start`; 0: the whole session."""
        size = _lib.ds4_session_save_size(self._ptr, start)
        buf, error = ffi.new("char[]", size), ffi.new("ds4_error *")
        _check(_lib.ds4_session_save(self._ptr, start, buf, size, error), error)
        return memoryview(ffi.buffer(buf, size))

    def load(self, data: Bytes) -> None:
        error = ffi.new("ds4_error *")
        _check(
            _lib.ds4_session_load(
                self._ptr, ffi.from_buffer(memoryview(data)), memoryview(data).nbytes, error
            ),
            error,
        )


class Sampler:
    """Draws from a session; keeps the state of one generator, so that a seed gives the same draws again."""

    def __init__(self, session: Session, how: DrawSettings) -> None:
        self._session = session
        self._n_vocab = session._model.info.n_vocab
        self._warm = ffi.new("ds4_sampling *", (how.temperature, how.top_p, how.min_p, how.top_k))
        self._cold = ffi.new("ds4_sampling *", (0.0, 1.0, 0.0, 0))
        self._rng = ffi.new("uint64_t *", how.seed)
        self._scratch: Any = None

    def __call__(self, greedy: bool, allowed: bytes | None = None) -> int:
        how = self._cold if greedy else self._warm
        logits = self._session._logits()
        if allowed is not None:
            logits = self._masked(logits, allowed)
        return int(_lib.ds4_sample(logits, self._n_vocab, how, self._rng))

    def _masked(self, logits: Any, allowed: bytes) -> Any:
        if self._scratch is None:
            self._scratch = ffi.new("float[]", self._n_vocab)
        if len(allowed) * 8 < self._n_vocab or len(allowed) % 4:
            raise Ds4Error("ARGUMENT", f"a mask of {len(allowed)} bytes for {self._n_vocab} tokens")
        words = ffi.cast("const uint32_t *", ffi.from_buffer(allowed))
        _lib.ds4_mask_logits(logits, self._n_vocab, words, self._scratch)
        return self._scratch
