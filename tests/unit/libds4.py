"""libds4 as its tests see it: ctypes straight over ds4.h, with no binding of ours in between."""

from __future__ import annotations

import ctypes as c
import platform
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from ds4agent.resources import native_library

Logits = npt.NDArray[np.float32]
KERNEL_SETS = ("scalar", "avx2", "avx512", "neon")
EXACT, FAKE_QUANT = 1, 2
UNSUPPORTED = 4
NEEDED_FLAG = {"avx2": "avx2", "avx512": "avx512_vnni"}


class _Error(c.Structure):
    _fields_ = [("message", c.c_char * 512)]


class _Params(c.Structure):
    _fields_ = [("threads", c.c_int32), ("kv_mode", c.c_int32), ("kernels", c.c_char_p)]


class _Info(c.Structure):
    _fields_ = [
        ("name", c.c_char * 128), ("n_vocab", c.c_int32), ("n_layer", c.c_int32), ("n_embd", c.c_int32),
        ("context_length", c.c_int32), ("bos_id", c.c_int32), ("eos_id", c.c_int32),
        ("has_tokenizer", c.c_int32), ("threads", c.c_int32), ("kv_mode", c.c_int32),
        ("quant_bits", c.c_int32), ("file_bytes", c.c_uint64), ("n_params", c.c_uint64),
        ("kernels", c.c_char * 32),
    ]  # fmt: skip


class Ds4Failure(Exception):
    """A call that did not return DS4_OK."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (status {status})")
        self.status = status


def _library() -> c.CDLL:
    lib = c.CDLL(str(native_library()))
    for name in ("ds4_session_tokens", "ds4_session_logits", "ds4_token_bytes"):
        getattr(lib, name).restype = c.c_void_p
    lib.ds4_session_save_size.restype = c.c_uint64
    lib.ds4_session_memory.restype = c.c_uint64
    return lib


class Model:
    """An open model; a context manager, because sessions must go first."""

    def __init__(
        self, path: Path, kernels: str | None = None, threads: int = 2, kv_mode: int = EXACT
    ) -> None:
        self.lib = _library()
        self._handle = c.c_void_p()
        params = _Params(threads, kv_mode, kernels.encode() if kernels else None)
        self.call("ds4_model_open", str(path).encode(), c.byref(params), c.byref(self._handle))
        info = _Info()
        self.lib.ds4_model_get_info(self._handle, c.byref(info))
        self.n_vocab: int = info.n_vocab
        self.kernels: str = info.kernels.decode()

    def call(self, function: str, *arguments: object) -> None:
        error = _Error()
        status = getattr(self.lib, function)(*arguments, c.byref(error))
        if status:
            raise Ds4Failure(status, error.message.decode())

    def session(self, ctx: int) -> Session:
        return Session(self, self._handle, ctx)

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lib.ds4_model_close(self._handle)


class Session:
    def __init__(self, model: Model, handle: c.c_void_p, ctx: int) -> None:
        self._model = model
        self._handle = c.c_void_p()
        model.call("ds4_session_new", handle, c.c_int32(ctx), c.byref(self._handle))

    def eval(self, tokens: Sequence[int]) -> Logits:
        """Append tokens; one row of logits a token."""
        out = np.empty((len(tokens), self._model.n_vocab), np.float32)
        ids = (c.c_int32 * len(tokens))(*tokens)
        pointer = out.ctypes.data_as(c.POINTER(c.c_float))
        self._model.call("ds4_session_eval", self._handle, ids, c.c_size_t(len(tokens)), pointer)
        return out

    def save(self) -> bytes:
        size = self._model.lib.ds4_session_save_size(self._handle, 0)
        buffer = c.create_string_buffer(size)
        self._model.call("ds4_session_save", self._handle, 0, buffer, c.c_uint64(size))
        return buffer.raw

    def load(self, saved: bytes) -> None:
        self._model.call("ds4_session_load", self._handle, saved, c.c_uint64(len(saved)))

    def keep(self, tokens: int) -> None:
        self._model.lib.ds4_session_keep(self._handle, tokens)

    def nearest(self, n: int) -> int:
        return int(self._model.lib.ds4_session_nearest(self._handle, n))

    def cut(self, n: int) -> int:
        return int(self._model.lib.ds4_session_cut(self._handle, n))

    @property
    def memory(self) -> int:
        return int(self._model.lib.ds4_session_memory(self._handle))

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._model.lib.ds4_session_free(self._handle)


def _processor_has(kernels: str) -> bool:
    """What Linux says; elsewhere only the kernel sets of another architecture are ruled out."""
    if kernels == "neon" or kernels == "scalar":
        return kernels == "scalar" or platform.machine() in ("aarch64", "arm64")
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return NEEDED_FLAG[kernels] in flags


def open_with(path: Path, kernels: str, kv_mode: int = EXACT) -> Model | None:
    """The model on one kernel set; None where the processor lacks it and libds4 says just that."""
    try:
        return Model(path, kernels, kv_mode=kv_mode)
    except Ds4Failure as failure:
        if _processor_has(kernels) or failure.status != UNSUPPORTED or kernels not in str(failure):
            raise
        return None
