"""The command line, in ds4-server's manner: `--flag value` as two arguments, strict decimal integers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

USAGE = """\
Usage: python -m ds4agent.engine [options]

  -m, --model FILE          GGUF v3 model of architecture deepseek4
                            (default: $DS4AGENT_MODEL, else the bundled one)
  -c, --ctx N               context tokens (default 32768, at most what the model declares)
  -n, --tokens N            output limit where the client gives none (default 393216)
  -t, --threads N           threads that compute (default: cores, at most 12)
  --chdir DIR               change to DIR before anything is opened
  --host HOST               IPv4 address to listen on (default 127.0.0.1)
  --port N                  port to listen on, 0 for a free one (default 8000)
  --cors                    let web pages of any origin read the replies
  --cpu, --backend cpu      the backend; this engine has no other
  --disable-exact-dsml-tool-replay
                            render past tool calls from the client's JSON, not as they were sampled
  --tool-memory-max-ids N   tool calls remembered for that (default 100000)
  -h, --help                this text

The lock that keeps a second ds4 process from starting is $DS4_LOCK_FILE, else /tmp/ds4.lock.
"""


class UsageError(Exception):
    """The command line cannot be understood; `show_usage` for an option nobody knows."""

    def __init__(self, message: str, show_usage: bool = False) -> None:
        super().__init__(message)
        self.show_usage = show_usage


class BackendError(Exception):
    """A backend that this engine does not have."""


@dataclass(frozen=True, slots=True)
class Flags:
    model: Path | None = None
    ctx: int | None = None
    tokens: int = 393216
    threads: int = 0
    chdir: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    cors: bool = False
    replay: bool = True
    tool_memory_max_ids: int = 100000
    help: bool = False


def _integer(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return convert


def _backend(text: str) -> str:
    if text not in ("cpu", "metal", "cuda", "rocm"):
        raise ValueError(text)
    if text != "cpu":
        raise BackendError(
            f"{text} backend requested but this build has no graph backend support; aborting startup"
        )
    return text


_INT_MAX = 2**31 - 1
# flag -> (field, converter); a field of "" is checked and not kept.
_VALUES: dict[str, tuple[str, Callable[[str], object]]] = {
    "-m": ("model", Path),
    "--model": ("model", Path),
    "-c": ("ctx", _integer(1, _INT_MAX)),
    "--ctx": ("ctx", _integer(1, _INT_MAX)),
    "-n": ("tokens", _integer(1, _INT_MAX)),
    "--tokens": ("tokens", _integer(1, _INT_MAX)),
    "-t": ("threads", _integer(1, 1024)),
    "--threads": ("threads", _integer(1, 1024)),
    "--chdir": ("chdir", Path),
    "--host": ("host", str),
    "--port": ("port", _integer(0, 65535)),
    "--backend": ("", _backend),
    "--tool-memory-max-ids": ("tool_memory_max_ids", _integer(1, _INT_MAX)),
}
_SWITCHES: dict[str, tuple[str, object]] = {
    "--cors": ("cors", True),
    "--disable-exact-dsml-tool-replay": ("replay", False),
    "-h": ("help", True),
    "--help": ("help", True),
}
_BACKENDS = {"--cpu": "cpu", "--metal": "metal", "--cuda": "cuda", "--rocm": "rocm"}


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Raises UsageError (exit 2) or BackendError (exit 1)."""
    given: dict[str, object] = {}
    rest = iter(arguments)
    for flag in rest:
        if flag in _SWITCHES:
            field, value = _SWITCHES[flag]
            given[field] = value
        elif flag in _BACKENDS:
            _backend(_BACKENDS[flag])
        elif flag in _VALUES:
            _take_value(flag, next(rest, None), given)
        else:
            raise UsageError(f"unknown option: {flag}", show_usage=True)
    return replace(Flags(), **given)  # type: ignore[arg-type]


def _take_value(flag: str, text: str | None, given: dict[str, object]) -> None:
    if text is None:
        raise UsageError(f"missing value for {flag}")
    field, convert = _VALUES[flag]
    try:
        value = convert(text)
    except ValueError as error:
        raise UsageError(f"invalid value for {flag}: {text}") from error
    if field:
        given[field] = value
