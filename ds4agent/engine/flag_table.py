"""All flags: what the parser takes and `--help` tells is this table."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ds4agent.engine.flag_values import INT_MAX, backend, gibibytes, integer, number, role


@dataclass(frozen=True, slots=True)
class Flag:
    """`field`: of Flags, "" for what is checked and not kept. `value`: its name in the help, "" for a switch,
    whose value `implied` gives. `effect`: whether anything here depends on it.
    """

    names: tuple[str, ...]
    value: str
    convert: Callable[[str], object]
    topic: str
    help: str
    field: str = ""
    effect: bool = True
    implied: Callable[[], object] | None = None


def _takes(
    topic: str, names: str, value: str, convert: Callable[[str], object], about: str, field: str = ""
) -> Flag:
    return Flag(tuple(names.split()), value, convert, topic, about, field)


def _switch(topic: str, names: str, about: str, field: str = "", value: object = True) -> Flag:
    return Flag(tuple(names.split()), "", str, topic, about, field, implied=lambda: value)


def _idle(topic: str, names: str, value: str, convert: Callable[[str], object], field: str = "") -> Flag:
    return Flag(tuple(names.split()), value, convert, topic, "", field, effect=False)


def _idle_switch(topic: str, name: str) -> Flag:
    return Flag((name,), "", str, topic, "", effect=False, implied=lambda: True)


def _backend_switch(name: str) -> Flag:
    about = "this engine has no other" if name == "cpu" else "refused: not in this engine"
    return Flag((f"--{name}",), "", str, "runtime", about, implied=partial(backend, name))


_POSITIVE = integer(1)
_COUNT = integer(0)

FLAGS = (
    _takes("runtime", "-m --model", "FILE", Path,
           "GGUF v3 model of architecture deepseek4 (default: $DS4AGENT_MODEL, else the bundled one)",
           "model"),
    _takes("runtime", "-c --ctx", "N", _POSITIVE,
           "context tokens (default 32768, at most what the model declares)", "ctx"),
    _takes("runtime", "-n --tokens", "N", _POSITIVE,
           "output limit where the client gives none (default 393216)", "tokens"),
    _takes("runtime", "-t --threads", "N", integer(1, 1024),
           "threads that compute (default: cores, at most 12)", "threads"),
    _takes("runtime", "--chdir", "DIR", Path, "change to DIR before anything is opened", "chdir"),
    _takes("runtime", "--backend", "NAME", backend, "cpu; metal, cuda and rocm are refused"),
    *map(_backend_switch, ("cpu", "metal", "cuda", "rocm")),
    _idle_switch("runtime", "--quality"),
    _idle_switch("runtime", "--warm-weights"),
    _idle("runtime", "--power", "N", integer(1, 100)),
    _idle("runtime", "--prefill-chunk", "N", _POSITIVE),
    _idle("runtime", "--mtp", "FILE", Path),
    _idle("runtime", "--mtp-draft", "N", _POSITIVE),
    _idle("runtime", "--mtp-margin", "F", number(0, 1000)),
    _idle_switch("runtime", "--ssd-streaming"),
    _idle_switch("runtime", "--ssd-streaming-cold"),
    _idle("runtime", "--ssd-streaming-cache-experts", "N|NGB", gibibytes),
    _idle("runtime", "--ssd-streaming-preload-experts", "N", _POSITIVE),
    _idle("runtime", "--simulate-used-memory", "NGB", gibibytes),
    _takes("distributed", "--role", "ROLE", role, "none; coordinator and worker are refused"),
    _idle("steering", "--dir-steering-file", "FILE", Path, "steering_file"),
    _idle("steering", "--dir-steering-ffn", "F", number(-100, 100), "steering_ffn"),
    _idle("steering", "--dir-steering-attn", "F", number(-100, 100), "steering_attn"),
    _takes("api", "--host", "HOST", str, "IPv4 address to listen on (default 127.0.0.1)", "host"),
    _takes("api", "--port", "N", integer(0, 65535),
           "port to listen on, 0 for a free one (default 8000)", "port"),
    _takes("api", "--max-queue", "N", _COUNT,
           "requests that may wait, 0 for any number (default 64); more get status 429", "max_queue"),
    _takes("api", "--batched-session", "N", integer(1, 256),
           "resident sessions, which share memory and take turns (default 4)", "sessions"),
    _switch("api", "--cors", "let web pages of any origin read the replies", "cors"),
    _takes("api", "--trace", "FILE", Path,
           "write prompts, replies and cache decisions to FILE, which is emptied first", "trace"),
    _switch("api", "--disable-exact-dsml-tool-replay",
            "render past tool calls from the client's JSON, not as they were sampled", "replay", False),
    _takes("api", "--tool-memory-max-ids", "N", integer(1, INT_MAX),
           "tool calls remembered for that replay (default 100000)", "tool_memory_max_ids"),
    _switch("api", "--special-tokens-in-text",
            "read the text of control tokens in messages as control, as ds4-server does",
            "special_tokens_in_text"),
    _takes("kv-cache", "--kv-disk-dir", "DIR", Path,
           "keep checkpoints of sessions in DIR (default: none are kept)", "kv_disk_dir"),
    _takes("kv-cache", "--kv-disk-space-mb", "N", _POSITIVE,
           "their size at most (default 4096)", "kv_space_mb"),
    _takes("kv-cache", "--kv-cache-min-tokens", "N", _POSITIVE,
           "tokens of a session that is worth keeping (default 512)", "kv_min_tokens"),
    _takes("kv-cache", "--kv-cache-cold-max-tokens", "N", _COUNT,
           "longest first prompt whose beginning is kept apart, 0: of none (default 30000)",
           "kv_cold_max_tokens"),
    _takes("kv-cache", "--kv-cache-continued-interval-tokens", "N", _COUNT,
           "tokens between two checkpoints of a growing session, 0: none (default 10000)",
           "kv_interval"),
    _takes("kv-cache", "--kv-cache-boundary-trim-tokens", "N", _COUNT,
           "tokens left out at the end of a first prompt (default 32)", "kv_trim"),
    _takes("kv-cache", "--kv-cache-boundary-align-tokens", "N", _COUNT,
           "checkpoints lie at multiples of N tokens, 0: anywhere (default 2048)", "kv_align"),
    Flag(("--kv-cache-reject-different-quant",), "", str, "kv-cache", "", "kv_reject", False, lambda: True),
)  # fmt: skip
BY_NAME = {name: flag for flag in FLAGS for name in flag.names}
