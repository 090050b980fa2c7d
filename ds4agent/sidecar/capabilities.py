"""What an engine's binary can do, learned by asking it: `--help` and `--help all`.

Nothing is concluded from a version or a date: forks and patched builds are common, and one flag (`--mtp`) has
changed its meaning. Help needs no model and takes no lock, so it may be asked for at any time; a binary that
is none, or hangs, or floods, costs a bounded wait and bounded memory. What was learned is kept by the
binary's digest: size and times are looked at first, and only if they differ is the file read again.

A flag that only the prose of the help mentions counts as there, with a value of unknown form: it is better to
pass it and see than to lose it.
"""

import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

PROBE_SECONDS = 10.0
OUTPUT_MAX = 1 << 20
REQUIRED = ("--model", "--ctx", "--host", "--port")
MENTIONED = "?"  # a value of unknown form
_FORM = 1  # of the kept files

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NAME = r"--?[A-Za-z][A-Za-z0-9-]*"
_VALUE = r"(?:<[^>]+>|\[[^\]]+\]|[A-Z0-9][A-Z0-9_:,.\[\]/<>-]*(?:\|\S+)?|[a-z0-9]+(?:\|[a-z0-9]+)+)"
# A line that tells of a flag: names, then values with single spaces between them.
_ENTRY = re.compile(rf"^(\s*)({_NAME}(?:(?:, ?| \| | / | ){_NAME})*)((?:[ =]{_VALUE})*)(?=\s|$)")
_MENTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]")

# For display only, newest first: the first row of which a flag is there.
_GENERATIONS = (
    ("ds4agent's engine", "--special-tokens-in-text"),
    ("ds4-server of summer 2026 or later", "--mtp-model"),
    ("ds4-server of June 2026", "--ssd-streaming"),
    ("ds4-server of May 2026", "--kv-disk-dir"),
)


class CapabilityError(Exception):
    """The binary cannot be asked, or is no ds4-server; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`flags`: name -> what follows it, "" for a switch, MENTIONED if the help does not show it."""

    digest: str
    flags: Mapping[str, str]

    def has(self, flag: str) -> bool:
        return flag in self.flags

    @property
    def mtp_file_flag(self) -> str:
        """The flag that takes a file with draft layers, or ""."""
        if "--mtp-model" in self.flags:
            return "--mtp-model"
        return "--mtp" if self.flags.get("--mtp", "") else ""

    @property
    def mtp_embedded(self) -> bool:
        """Whether `--mtp` alone turns on the draft layers inside the model."""
        return self.flags.get("--mtp") == ""

    @property
    def generation(self) -> str:
        """For people to read; nothing may depend on it."""
        return next((name for name, flag in _GENERATIONS if flag in self.flags), "an unknown ds4-server")


def parse_help(text: str) -> dict[str, str]:
    """Flags of a help text. Where a flag leads several lines, the one that is indented least tells."""
    found: dict[str, tuple[int, str]] = {}
    plain = _ANSI.sub("", text)
    for line in plain.splitlines():
        entry = _ENTRY.match(line)
        if entry is None:
            continue
        indent = len(entry[1].expandtabs())
        for name in re.findall(_NAME, entry[2]):
            if name not in found or indent < found[name][0]:
                found[name] = (indent, entry[3].strip(" ="))
    mentioned = dict.fromkeys(_MENTION.findall(plain), MENTIONED)
    return mentioned | {name: value for name, (_, value) in found.items()}


def probe(binary: Path, cache: Path, seconds: float = PROBE_SECONDS, again: bool = False) -> Capabilities:
    """Ask the binary, or the cache folder unless `again`. Raises CapabilityError.

    `seconds` is for each of the two questions. A cache that cannot be written is no error.
    """
    try:
        file = binary.resolve(strict=True)
        status = file.stat()
    except OSError as error:
        raise CapabilityError(f"no engine at {binary}: {error.strerror}") from error
    if not file.is_file() or not os.access(file, os.X_OK):
        raise CapabilityError(f"{binary} is not an executable file; try `chmod +x` or name another")
    stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
    known, known_stamp = (None, []) if again else _kept(cache, file)
    if known and known_stamp == stamp:
        return known
    try:
        digest = file_digest(file)
    except OSError as error:
        # It may be executable and not readable, or have gone since.
        raise CapabilityError(
            f"cannot read {binary}: {error.strerror}; it has to be readable, not only executable"
        ) from error
    if not known or known.digest != digest:
        known = Capabilities(digest, _ask(file, seconds))
    _keep(cache, file, stamp, known)
    return known


def file_digest(file: Path) -> str:
    """SHA-256 in hex."""
    # Not above: it loads OpenSSL, which a process that finds the cache in order does without.
    import hashlib

    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _ask(file: Path, seconds: float) -> dict[str, str]:
    flags: dict[str, str] = {}
    said = ""
    for words in (("--help",), ("--help", "all")):
        said = _output([str(file), *words], seconds)
        flags |= {name: value for name, value in parse_help(said).items() if _better(value, flags.get(name))}
    missing = [flag for flag in REQUIRED if flag not in flags]
    if missing:
        first = next((line.strip() for line in said.splitlines() if line.strip()), "nothing")[:200]
        raise CapabilityError(
            f"{file} does not look like ds4-server: its help knows no {', '.join(missing)}; it said: {first}"
        )
    return dict(sorted(flags.items()))


def _better(value: str, known: str | None) -> bool:
    return known is None or known == MENTIONED != value


def _output(words: list[str], seconds: float) -> str:
    """What a command prints on both streams, without a terminal, up to OUTPUT_MAX bytes."""
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TERM": "dumb", "NO_COLOR": "1"},
            start_new_session=True,
        )
    except OSError as error:
        raise CapabilityError(f"cannot run {words[0]}: {error.strerror}") from error
    assert process.stdout is not None
    try:
        return b"".join(_read(process.stdout.fileno(), words, seconds)).decode(errors="replace")
    finally:
        process.stdout.close()
        # Its children too: what only its shell started would go on otherwise.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(fd: int, words: list[str], seconds: float) -> Iterator[bytes]:
    until, size = time.monotonic() + seconds, 0
    while size < OUTPUT_MAX:
        if not select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
            raise CapabilityError(f"`{' '.join(words)}` did not end within {seconds:g} s; is it ds4-server?")
        piece = os.read(fd, 65536)
        if not piece:
            return
        size += len(piece)
        yield piece


def _cache_file(cache: Path, file: Path) -> Path:
    # A name that tells paths apart without a digest: what does not fit a file name is spelled in hex.
    name = "".join(c if c.isascii() and (c.isalnum() or c in "._") else f"-{ord(c):x}-" for c in str(file))
    return cache / f"{name[-200:]}.json"


def _kept(cache: Path, file: Path) -> tuple[Capabilities | None, list[int]]:
    """What is known of the file, and its size and times when that was learned."""
    try:
        kept = json.loads(_cache_file(cache, file).read_bytes())
        sound = kept["form"] == _FORM and kept["path"] == str(file) and isinstance(kept["stamp"], list)
        sound = sound and all(isinstance(k, str) and isinstance(v, str) for k, v in kept["flags"].items())
        known = Capabilities(str(kept["digest"]), kept["flags"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, []
    return (known, kept["stamp"]) if sound else (None, [])


def _keep(cache: Path, file: Path, stamp: list[int], known: Capabilities) -> None:
    target = _cache_file(cache, file)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    kept = {"form": _FORM, "path": str(file), "stamp": stamp, **asdict(known)}
    with suppress(OSError):
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:  # noqa: PTH123
            json.dump(kept, stream)
        temporary.replace(target)
