"""What a finished turn amounts to, for every dialect to spell in its own way."""

from dataclasses import dataclass
from typing import Literal, get_args

from ds4agent.wire.message import ToolCall

# Cached tokens were there at the end of the session that goes on, cut back or not; in another session that
# is resident; on disk.
CacheSource = Literal["live", "resident", "disk"]
Finish = Literal["stop", "length", "tool_calls", "error"]


@dataclass(frozen=True, slots=True)
class Usage:
    """`prompt` counts the tokens the model really had before it, `cached` those of them that were not read
    again, `completion` the sampled ones without the end marker. `source`: where the cached ones were.
    """

    prompt: int
    cached: int
    completion: int
    source: CacheSource = "live"

    @property
    def cache(self) -> str:
        """An extension of every API's usage: tokens by where they came from."""
        counts = [f'"{name}":{self.cached if name == self.source else 0}' for name in get_args(CacheSource)]
        return f'"cache":{{{",".join(counts)},"read":{self.prompt - self.cached}}}'

    def json(self) -> str:
        return (
            f'{{"prompt_tokens":{self.prompt},"completion_tokens":{self.completion},'
            f'"total_tokens":{self.prompt + self.completion},"prompt_tokens_details":'
            f'{{"cached_tokens":{self.cached},"cache_write_tokens":{self.prompt - self.cached}}},'
            f"{self.cache}}}"
        )


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A sampled token as bytes, its natural log probability before temperature and filters, and the most
    likely tokens in its place, best first.
    """

    token: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole turn. `thinking_cut`: it ended inside its reasoning. `stop`: the stop string that ended it."""

    reasoning: str
    content: str
    calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage
    thinking_cut: bool = False
    stop: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
