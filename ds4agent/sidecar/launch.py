"""The command line of an engine: settings, what the binary can do, and facts of the model make one argv.

Nothing is passed that the binary does not know: it would refuse to start. What is lost so is told in a note,
and so is every flag of ours that the user's own arguments replace. Those are passed last and as they are;
the caller reads from the Plan which address and which KV directory are in force in the end.
"""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ds4agent.sidecar import fit
from ds4agent.sidecar.capabilities import Capabilities
from ds4agent.sidecar.fit import Memory
from ds4agent.sidecar.launch_options import FLAGS, ONLY_WITH, Model, Options, Value

CTX_MAX = 1_000_000


class PlanError(Exception):
    """The engine cannot be started so; the message names the setting and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`notes`: sentences for the user. `host`, `port`, `ctx`, `kv_dir`: as they will be in force."""

    argv: tuple[str, ...]
    notes: tuple[str, ...]
    host: str
    port: int
    ctx: int
    kv_dir: Path | None


_SHORT = {"-m": "--model", "-c": "--ctx", "-n": "--tokens", "-t": "--threads"}
_BACKENDS = ("--metal", "--cuda", "--cpu", "--rocm", "--backend")


def plan(
    command: Sequence[str],
    support: Path | None,
    capabilities: Capabilities,
    model: Model,
    options: Options,
    memory: Memory,
    system: str = platform.system(),
) -> Plan:
    """`command`: what starts the engine; `support`: the folder that holds metal/, if there is one. Paths are
    made absolute. Raises PlanError.
    """
    notes: list[str] = []
    ctx = _context(model, options, memory, notes)
    ours = [*_base(capabilities, support, model, options, ctx, system), *_mtp(capabilities, options, notes)]
    if _streams(capabilities, model, options, memory, ctx, notes):
        ours.append(("--ssd-streaming", True))
    ours += _settings(capabilities, options, notes)
    extra = _split(options.extra, capabilities, notes)
    ours = [pair for pair in ours if not _replaced(pair, extra, notes)]
    argv = [*command, *(word for flag, value in ours for word in _words(flag, value)), *options.extra]
    given = dict(ours) | dict(extra)
    folder = Path(str(given.get("--chdir", "."))).absolute()
    if "--chdir" in given:
        notes += _relative(options.extra, capabilities, folder)
    return Plan(
        argv=tuple(argv),
        notes=tuple(notes),
        host=str(given.get("--host", options.host)),
        port=_number(given.get("--port"), options.port),
        ctx=_number(given.get("--ctx"), ctx),
        kv_dir=folder / str(given["--kv-disk-dir"]) if given.get("--kv-disk-dir") else None,
    )


def _base(
    known: Capabilities, support: Path | None, model: Model, options: Options, ctx: int, system: str
) -> Iterator[tuple[str, Value]]:
    if support is not None and (support / "metal").is_dir() and known.has("--chdir"):
        yield "--chdir", support.absolute()
    yield "--model", model.path.absolute()
    yield "--host", options.host
    yield "--port", options.port
    yield "--ctx", ctx
    # Said aloud, a build without Metal fails instead of computing on the processor.
    if system == "Darwin" and known.has("--metal"):
        yield "--metal", True


def _settings(known: Capabilities, options: Options, notes: list[str]) -> Iterator[tuple[str, Value]]:
    for name, flag, loss in FLAGS:
        value: Value = getattr(options, name)
        need = ONLY_WITH.get(name)
        if value is None or value is False or (need and getattr(options, need) is None):
            continue
        if known.has(flag):
            yield flag, value.absolute() if isinstance(value, Path) else value
        else:
            notes.append(f"this engine knows no {flag}: {loss}")


def _context(model: Model, options: Options, memory: Memory, notes: list[str]) -> int:
    """The user's, else that of the ladder, or less where less fits."""
    most = min(model.most_ctx or CTX_MAX, CTX_MAX)
    if options.ctx is not None:
        if not 0 < options.ctx <= most:
            raise PlanError(
                f"a context of {options.ctx:,} tokens is not possible; this model takes 1 to {most:,}"
            )
        return options.ctx
    rung = min(fit.ladder(memory.total), most)
    found = fit.what_fits(model.size, memory, rung, model.per_token, options.sessions or 1)
    if found.needed <= memory.available or not found.largest or found.largest >= rung:
        return rung
    notes.append(f"the context is {found.largest:,} tokens, not {rung:,}: {found.advice}")
    return found.largest


def _mtp(known: Capabilities, options: Options, notes: list[str]) -> Iterator[tuple[str, Value]]:
    if options.mtp_file is not None and known.mtp_file_flag:
        yield known.mtp_file_flag, options.mtp_file.absolute()
    elif options.mtp_file is not None:
        notes.append(f"this engine takes no file with draft layers: {options.mtp_file} is not used")
    if options.mtp and known.mtp_embedded:
        yield "--mtp", True
    elif options.mtp:
        notes.append("this engine cannot use draft layers inside the model: nothing is drafted")
    drafts = options.mtp or options.mtp_file is not None or options.dspark
    if drafts and (options.sessions or 1) > 1:
        notes.append("an engine with several resident sessions does not draft")


def _streams(
    known: Capabilities, model: Model, options: Options, memory: Memory, ctx: int, notes: list[str]
) -> bool:
    """Whether experts are read from the SSD while the model runs: asked for, or there is no other way."""
    if options.ssd_streaming not in ("auto", "on", "off"):
        raise PlanError(f"ssd_streaming is {options.ssd_streaming!r}; it has to be auto, on or off")
    found = fit.what_fits(model.size, memory, ctx, model.per_token, options.sessions or 1)
    short = found.needed > memory.available
    if options.ssd_streaming == "off" or (options.ssd_streaming == "auto" and not short):
        if short:
            notes.append(found.advice)
        return False
    if not known.has("--ssd-streaming"):
        notes.append(f"this engine knows no --ssd-streaming: {found.advice}")
        return False
    # The engines whose --mtp takes a file refuse to start with both.
    if options.mtp_file is not None and known.mtp_file_flag == "--mtp":
        if options.ssd_streaming == "on":
            raise PlanError("ssd_streaming and a file with draft layers exclude each other; turn one off")
        notes.append(f"SSD streaming stays off because of {options.mtp_file}: {found.advice}")
        return False
    if options.ssd_streaming == "auto":
        notes.append(f"SSD streaming is on: {found.advice}")
    return True


def _split(words: Sequence[str], known: Capabilities, notes: list[str]) -> list[tuple[str, Value]]:
    """The user's own arguments by flag. What the engine cannot understand is told, and passed on."""
    found: list[tuple[str, Value]] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            notes.append(f"{word!r} among your own arguments follows no flag: the engine may refuse to start")
            continue
        name = word.partition("=")[0]
        if name != word and known.has(name):
            notes.append(f"{word!r}: the engine takes {name} and its value as two words")
        elif not known.has(word):
            notes.append(f"this engine knows no {word}: it may refuse to start")
        n_values = len(known.flags.get(word, "").split())
        values, rest = rest[:n_values], rest[n_values:]
        found.append((_SHORT.get(word, word), " ".join(values) if n_values else True))
    return found


def _relative(words: Sequence[str], known: Capabilities, folder: Path) -> Iterator[str]:
    """The engine changes to `folder` first, and reads the user's paths from there."""
    for flag, value in pairwise(words):
        if known.flags.get(flag) in ("FILE", "DIR") and not value.startswith("/"):
            yield f"{flag} {value} is looked for in {folder}; give an absolute path"


def _replaced(ours: tuple[str, Value], extra: Sequence[tuple[str, Value]], notes: list[str]) -> bool:
    flag = ours[0]
    for name, value in extra:
        if name == flag or (flag in _BACKENDS and name in _BACKENDS):
            yours, mine = " ".join(_words(name, value)), " ".join(_words(*ours))
            if yours != mine:
                notes.append(f"your {yours} replaces {mine}")
            return True
    return False


def _words(flag: str, value: Value) -> list[str]:
    if value is True:
        return [flag]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]


def _number(given: Value, default: int) -> int:
    """What is no number is for the engine to refuse."""
    return int(given) if isinstance(given, str | int) and str(given).isdecimal() else default
