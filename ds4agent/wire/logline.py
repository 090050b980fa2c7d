"""ds4-server's log lines: supervisors and users' scripts read them, so the wording is part of the interface.

Notation of the protocol reference: `ctx=` gives cached..prompt:suffix, or the token positions of a decode
interval.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ds4agent.wire.reply import CacheSource
from ds4agent.wire.request import Protocol


def stamped(when: time.struct_time, text: str) -> str:
    """The line as it is written: local time without a year, then the program's name."""
    return f"{time.strftime('%m%d %H:%M:%S', when)} ds4-server: {text}\n"


_KINDS = {"completions": "completion", "infill": "infill"}


@dataclass(slots=True)
class RequestLog:
    """The lines of one request. The flags follow the sampled text; the caller keeps them up to date."""

    cached: int
    prompt: int
    tools: bool
    protocol: Protocol = "chat"
    thinking: bool = False
    dsml_start: bool = False
    dsml_end: bool = False

    @property
    def kind(self) -> str:
        return _KINDS.get(self.protocol, "chat")

    @property
    def _respproto(self) -> str:
        return " RESPPROTO" if self.protocol == "responses" else ""

    @property
    def ctx(self) -> str:
        return f"ctx={self.cached}..{self.prompt}:{self.prompt - self.cached}"

    @property
    def head(self) -> str:
        """Before sampling only TOOLS can be known."""
        return f"{self.kind} {self.ctx}{self._respproto}{' TOOLS' if self.tools else ''}"

    @property
    def _state(self) -> str:
        names = ("TOOLS", "THINKING", "DSML_START", "DSML_END")
        values = (self.tools, self.thinking, self.dsml_start, self.dsml_end)
        return self._respproto + "".join(f" {n}" for n, on in zip(names, values, strict=True) if on)

    def prompt_start(self) -> str:
        return f"{self.head} prompt start"

    def prefill(self, done: int, chunk: float, average: float, seconds: float) -> str:
        """`done` of the uncached tokens; rates in tokens/s, the first chunk's is given as 0."""
        total = self.prompt - self.cached
        return (
            f"{self.head} prefill chunk {done}/{total} ({100 * done / total:.1f}%) "
            f"chunk={chunk:.2f} t/s avg={average:.2f} t/s {seconds:.3f}s"
        )

    def prompt_done(self, seconds: float) -> str:
        return f"{self.head} prompt done {seconds:.3f}s"

    def decoding(
        self, start: int, end: int, generated: int, rates: tuple[float, float], seconds: float
    ) -> str:
        """An interval of token positions; rates are those of the interval and of the whole decode."""
        return (
            f"{self.kind} ctx={start}..{end}:{end - start} gen={generated}{self._state} "
            f"decoding chunk={rates[0]:.2f} t/s avg={rates[1]:.2f} t/s {seconds:.3f}s"
        )

    def tool_calls(self, ids: Sequence[str], names: Sequence[str]) -> str:
        said = f"n={len(ids)} raw_dsml=1 ids=[{','.join(ids)}] names=[{','.join(names)}]"
        return f"tool calls {self.ctx}{self._respproto} {said}"

    def finish(self, generated: int, finish: str, error: str | None, seconds: float) -> str:
        said = f' error="{error}"' if error else ""
        return f"{self.kind} {self.ctx} gen={generated}{self._state} finish={finish}{said} {seconds:.3f}s"

    def remembered(self, live: int, visible: int) -> str:
        return f"thinking live checkpoint remembered {self.ctx} live={live} visible={visible}"

    def repaired(self, n_calls: int) -> str:
        where = f"{self.kind} {self.ctx}{self._state}"
        return f"{where} repaired unterminated tool call ({n_calls} calls recovered)"

    def orphan_end(self, generated: int) -> str:
        where = f"{self.kind} {self.ctx}{self._state}"
        return f"{where} ignored orphan tool-call end marker after {generated} generated tokens"

    def disconnected(self) -> str:
        return f"{self.kind} {self.ctx}{self._state} client disconnected"


def context_buffers(mebibytes: float, ctx: int, chunk: int, raw_rows: int) -> str:
    """A compressed row stands for at least four tokens; two rows are under construction."""
    return (
        f"context buffers {mebibytes:.2f} MiB (ctx={ctx}, backend=cpu, prefill_chunk={chunk}, "
        f"raw_kv_rows={raw_rows}, compressed_kv_rows={ctx // 4 + 2})"
    )


def miss(protocol: Protocol, live: int, prompt: int, common: int) -> str:
    flag = " RESPPROTO" if protocol == "responses" else ""
    return f"live kv cache miss{flag} live={live} prompt={prompt} common={common} reason=token-mismatch"


def prefix_reused(source: CacheSource, cached: int, prompt: int) -> str:
    """Not a line of ds4-server's: it cannot reuse a part of a session."""
    return f"kv cache prefix reused source={source} cached={cached} prompt={prompt}"


def prefetched(cached: int, held: int, prompt: int, seconds: float) -> str:
    """Not a line of ds4-server's."""
    return f"kv cache prefetched cached={cached} read={held - cached} prompt={prompt} {seconds:.3f}s"


def disk_hit(tokens: int, text: int, quant: int, key: str, ms: float, path: str) -> str:
    """`text`: bytes of the key, `key`: its kind; ds4-server knows 2 and 4 bits only."""
    said = f"tokens={tokens} text={text} quant={quant} key={key}"
    return f"kv cache hit text {said} load={ms:.1f} ms file={path}"


def disk_cache(folder: str, mebibytes: int, numbers: Sequence[int], reject: bool = False) -> str:
    """`numbers`: min, cold_max, continued, trim, align."""
    names = ("min", "cold_max", "continued", "trim", "align")
    said = ", ".join(f"{name}={n}" for name, n in zip(names, numbers, strict=True))
    quant = "reject" if reject else "accept"
    return (
        f"KV disk cache {folder} (budget={mebibytes} MiB, cross-quant={quant}, {said}, hit_half_life=21600s)"
    )


def persisting(tokens: int, slot: int | None) -> str:
    """Before the end of the process; `slot` where there are several sessions."""
    if slot is None:
        return f"persisting current KV cache before shutdown tokens={tokens}"
    return f"persisting resident KV cache before shutdown slot={slot} tokens={tokens}"


def visible_continuation(protocol: Protocol, ids: int, cached: int, prompt: int) -> str:
    """`ids`: tool results that the prompt brings along; only the Responses line counts them."""
    if protocol == "responses":
        return (
            f"responses live continuation RESPPROTO match=visible-prefix ids={ids} "
            f"cached={cached} prompt={prompt}"
        )
    return f"thinking live continuation match=visible-prefix cached={cached} prompt={prompt}"


def call_continuation(protocol: Protocol, ids: int, cached: int, prompt: int) -> str:
    name = (
        "responses live continuation RESPPROTO" if protocol == "responses" else "anthropic live continuation"
    )
    return f"{name} match=tool-output-ids ids={ids} cached={cached} prompt={prompt}"


def reasoning_missing(source: str, cached: int, prompt: int) -> str:
    return (
        "responses replay RESPPROTO missing reasoning state; continuing from visible history "
        f"source={source} cached={cached} prompt={prompt}"
    )
