"""What ds4-server of three generations takes on its command line, and how it tells so.

Values are separate words (`--flag value`), numbers are decimal and strict. The first generation prints every
flag for `--help`; the later ones print the common ones and know topics.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

GENERATIONS = ("may", "june", "late")
TOPICS = ("runtime", "distributed", "steering", "api", "kv-cache", "thinking")


class BadCommandLine(Exception):
    """Exit status 2; the message is what the server prints."""


def _integer(least: int, most: int = 2**31 - 1) -> Callable[[str], object]:
    def convert(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return convert


def _number(least: float, most: float) -> Callable[[str], object]:
    def convert(text: str) -> float:
        value = float(text)
        if not math.isfinite(value) or not least <= value <= most:
            raise ValueError
        return value

    return convert


def _gigabytes(text: str) -> str:
    _integer(1)(text.upper().removesuffix("GB"))
    return text


def _one_of(*names: str) -> Callable[[str], object]:
    def convert(text: str) -> str:
        if text not in names:
            raise ValueError
        return text

    return convert


@dataclass(frozen=True)
class Flag:
    """`value` as the help shows it: "" for a switch; two words take two arguments."""

    topic: str
    names: tuple[str, ...]
    value: str
    convert: Callable[[str], object] = str
    about: str = ""


def _flag(
    topic: str, names: str, value: str = "", convert: Callable[[str], object] = str, about: str = ""
) -> Flag:
    return Flag(topic, tuple(names.split()), value, convert, about)


_POSITIVE, _COUNT, _SCALE = _integer(1), _integer(0), _number(-100, 100)
_MAY = (
    _flag("runtime", "-m --model", "FILE", about="model to serve"),
    _flag("runtime", "--mtp", "FILE", about="support GGUF with the draft layers"),
    _flag("runtime", "--mtp-draft", "N", _POSITIVE, "tokens drafted at once"),
    _flag("runtime", "--mtp-margin", "F", _number(0, 1000), "confidence that a draft needs"),
    _flag("runtime", "-c --ctx", "N", _POSITIVE, "context in tokens"),
    _flag("runtime", "-n --tokens", "N", _POSITIVE, "output limit of requests that name none"),
    _flag("runtime", "-t --threads", "N", _POSITIVE, "helper threads"),
    _flag("runtime", "--chdir", "DIR", about="go there first"),
    _flag("runtime", "--quality", about="exact kernels"),
    _flag("runtime", "--warm-weights", about="read all weights before serving"),
    _flag("runtime", "--metal"),
    _flag("runtime", "--cuda"),
    _flag("runtime", "--cpu"),
    _flag("runtime", "--backend", "NAME", _one_of("metal", "cuda", "cpu", "rocm")),
    _flag("steering", "--dir-steering-file", "FILE"),
    _flag("steering", "--dir-steering-ffn", "F", _SCALE),
    _flag("steering", "--dir-steering-attn", "F", _SCALE),
    _flag("api", "--host", "HOST"),
    _flag("api", "--port", "N", _POSITIVE),
    _flag("api", "--cors"),
    _flag("api", "--trace", "FILE"),
    _flag("api", "--disable-exact-dsml-tool-replay"),
    _flag("api", "--tool-memory-max-ids", "N", _POSITIVE),
    _flag("kv-cache", "--kv-disk-dir", "DIR", about="keep checkpoints there"),
    _flag("kv-cache", "--kv-disk-space-mb", "N", _POSITIVE),
    _flag("kv-cache", "--kv-cache-min-tokens", "N", _POSITIVE),
    _flag("kv-cache", "--kv-cache-cold-max-tokens", "N", _COUNT),
    _flag("kv-cache", "--kv-cache-continued-interval-tokens", "N", _COUNT),
    _flag("kv-cache", "--kv-cache-boundary-trim-tokens", "N", _COUNT),
    _flag("kv-cache", "--kv-cache-boundary-align-tokens", "N", _COUNT),
    _flag("kv-cache", "--kv-cache-reject-different-quant"),
)
_JUNE = (
    *_MAY,
    _flag("runtime", "--power", "N", _integer(1, 100)),
    _flag("runtime", "--ssd-streaming"),
    _flag("runtime", "--ssd-streaming-cold"),
    _flag("runtime", "--ssd-streaming-cache-experts", "N|NGB", _gigabytes),
    _flag("runtime", "--ssd-streaming-preload-experts", "N", _POSITIVE),
    _flag("runtime", "--simulate-used-memory", "NGB", _gigabytes),
    _flag("runtime", "--prefill-chunk", "N", _POSITIVE),
    _flag("runtime", "--rocm"),
    _flag("distributed", "--role", "ROLE", _one_of("none", "coordinator", "worker")),
    _flag("distributed", "--layers", "A:B"),
    _flag("distributed", "--listen", "HOST PORT"),
    _flag("distributed", "--coordinator", "HOST PORT"),
    _flag("distributed", "--dist-prefill-chunk", "N", _POSITIVE),
    _flag("distributed", "--dist-prefill-window", "N", _integer(1, 64)),
    _flag("distributed", "--dist-activation-bits", "N", _one_of("32", "16", "8")),
    _flag("distributed", "--dist-replay-check"),
    _flag("distributed", "--debug"),
)
_LATE = (
    *(flag for flag in _JUNE if flag.names != ("--mtp",)),
    _flag("runtime", "--mtp", about="use the draft layers inside the model"),
    _flag("runtime", "--mtp-model", "FILE", about="draft layers from a file of their own"),
    _flag("runtime", "--mtp-timing"),
    _flag("runtime", "--mtp-exact-sampling"),
    _flag("runtime", "--dspark"),
    _flag("runtime", "--dspark-confidence", "F", _number(0, 1)),
    _flag("runtime", "--dspark-strict"),
    _flag("runtime", "--vision", "FILE"),
    _flag("runtime", "--gpu-vram", "N[,N..]|auto"),
    _flag("runtime", "--gpu-devices", "N[,N..]"),
    _flag("runtime", "--cuda-tensor-parallel"),
    _flag("runtime", "--ssd-streaming-full-layers", "N", _COUNT),
    _flag("api", "--batched-session", "N", _POSITIVE),
    _flag("api", "--mixed-prefill-quantum", "N", _POSITIVE),
    _flag("distributed", "--tensor-parallel"),
    _flag("distributed", "--transport", "NAME", _one_of("auto", "rdma", "tcp")),
    _flag("distributed", "--rdma-device", "NAME"),
    _flag("distributed", "--rdma-gid-index", "N", _COUNT),
    _flag("distributed", "--tensor-parallel-token-prefill"),
    _flag("distributed", "--debug-hash", "N", _POSITIVE),
)
FLAGS = {"may": _MAY, "june": _JUNE, "late": _LATE}
_COMMON = (
    "--model",
    "--ctx",
    "--tokens",
    "--host",
    "--port",
    "--kv-disk-dir",
    "--kv-disk-space-mb",
    "--mtp",
    "--power",
)


@dataclass
class Options:
    """Values by the long name of their flag; a switch that was given is True. `help`: the topic asked for."""

    values: dict[str, object] = field(default_factory=dict)
    help: str | None = None

    def text(self, name: str, default: str = "") -> str:
        return str(self.values.get(name, default))

    def number(self, name: str, default: int) -> int:
        return int(str(self.values.get(name, default)))


def _line(flag: Flag) -> str:
    return f"  {', '.join(flag.names)} {flag.value}".rstrip().ljust(48) + flag.about


def usage(generation: str, topic: str = "") -> str:
    """The help text: of everything, or of the common flags and the topics there are."""
    flags = FLAGS[generation]
    if generation == "may" or topic == "all":
        chosen = list(flags)
    elif topic in TOPICS:
        chosen = [flag for flag in flags if flag.topic == topic]
    else:
        chosen = [flag for flag in flags if flag.names[-1] in _COMMON]
    lines = ["Usage: ds4-server [options]", "", *(_line(flag).rstrip() for flag in chosen)]
    lines.append("  -h, --help" if generation == "may" else "  -h, --help [TOPIC]")
    if generation != "may":
        lines += ["", f"Topics: {', '.join((*TOPICS, 'all'))}"]
        if topic and topic != "all" and topic not in TOPICS:
            lines.insert(0, f"No help topic '{topic}'.")
    return "\n".join(lines) + "\n"


def parse(generation: str, words: list[str]) -> Options:
    """Raises BadCommandLine."""
    table = {name: flag for flag in FLAGS[generation] for name in flag.names}
    options, rest = Options(), list(words)
    while rest:
        name = rest.pop(0)
        if name in ("-h", "--help"):
            topical = generation != "may" and bool(rest) and not rest[0].startswith("-")
            options.help = rest[0] if topical else ""
            return options
        flag = table.get(name)
        if flag is None:
            raise BadCommandLine(f"unknown option: {name}")
        options.values[flag.names[-1]] = _value(flag, name, rest) if flag.value else True
    _check(options)
    return options


def _value(flag: Flag, name: str, rest: list[str]) -> object:
    values = []
    for _ in flag.value.split():
        if not rest:
            raise BadCommandLine(f"missing value for {name}")
        text = rest.pop(0)
        try:
            values.append(flag.convert(text))
        except ValueError:
            raise BadCommandLine(f"invalid value for {name}: {text}") from None
    return values[0] if len(values) == 1 else tuple(values)


def _check(options: Options) -> None:
    least = options.number("--kv-cache-min-tokens", 512)
    if 0 < options.number("--kv-cache-cold-max-tokens", 30000) < least:
        raise BadCommandLine("--kv-cache-cold-max-tokens must be 0 or at least --kv-cache-min-tokens")
    role = options.text("--role", "none")
    distributed = [name for name in options.values if name in ("--layers", "--listen", "--coordinator")]
    if role == "none" and distributed:
        raise BadCommandLine(f"{distributed[0]} needs --role")


if __name__ == "__main__":
    sys.stdout.write(usage(*sys.argv[1:]))
