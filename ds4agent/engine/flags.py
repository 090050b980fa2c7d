"""The command line, in ds4-server's manner: `--flag value` as two arguments, strict decimal integers.

A supervisor that knows ds4-server passes flags for hardware that is not here. Those are checked like the
others and have no effect; what would change the answers is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ds4agent.engine.flag_table import BY_NAME, Flag
from ds4agent.engine.flag_values import Unavailable


class UsageError(Exception):
    """The command line cannot be understood; `show_usage` for an option nobody knows."""

    def __init__(self, message: str, show_usage: bool = False) -> None:
        super().__init__(message)
        self.show_usage = show_usage


@dataclass(frozen=True, slots=True)
class Flags:
    """`help`: the topic asked for, "" for none in particular."""

    model: Path | None = None
    ctx: int | None = None
    tokens: int = 393216
    threads: int = 0
    chdir: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    max_queue: int = 64
    sessions: int | None = None
    cors: bool = False
    trace: Path | None = None
    replay: bool = True
    tool_memory_max_ids: int = 100000
    special_tokens_in_text: bool = False
    kv_disk_dir: Path | None = None
    kv_space_mb: int = 4096
    kv_min_tokens: int = 512
    kv_cold_max_tokens: int = 30000
    kv_interval: int = 10000
    kv_trim: int = 32
    kv_align: int = 2048
    kv_reject: bool = False
    steering_file: Path | None = None
    steering_ffn: float = 0.0
    steering_attn: float = 0.0
    help: str | None = None


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Raises UsageError (exit 2) or Unavailable (exit 1)."""
    given: dict[str, object] = {}
    rest = iter(arguments)
    for name in rest:
        if name in ("-h", "--help"):
            topic = next(rest, "-")
            return Flags(help="" if topic.startswith("-") else topic)
        flag = BY_NAME.get(name)
        if flag is None:
            raise UsageError(f"unknown option: {name}", show_usage=True)
        value = flag.implied() if flag.implied else _value(name, flag, rest)
        if flag.field:
            given[flag.field] = value
    flags = replace(Flags(), **given)  # type: ignore[arg-type]
    _check_together(flags)
    return flags


def _value(name: str, flag: Flag, rest: Iterator[str]) -> object:
    text = next(rest, None)
    if text is None:
        raise UsageError(f"missing value for {name}")
    try:
        return flag.convert(text)
    except ValueError as error:
        raise UsageError(f"invalid value for {name}: {text}") from error


def _check_together(flags: Flags) -> None:
    if 0 < flags.kv_cold_max_tokens < flags.kv_min_tokens:
        raise UsageError("--kv-cache-cold-max-tokens must be 0 or >= --kv-cache-min-tokens")
    if (flags.steering_ffn or flags.steering_attn) and flags.steering_file is None:
        raise Unavailable("directional steering needs --dir-steering-file")
