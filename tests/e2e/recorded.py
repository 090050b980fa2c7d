"""Recorded exchanges with a real ds4-server: reading them, and the forms in which two replies are compared.

What is a matter of the vocabulary or of the moment is taken out of both sides: numbers of tokens, times, ids,
and where a text is cut into fragments. What stays is every header, member, order, event, text and log line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"
# Members whose text comes in fragments.
_FRAGMENTS = ("content", "reasoning_content", "arguments", "text", "thinking", "partial_json", "delta")
_COUNTERS = frozenset(("created", "created_at", "sequence_number", "n_prompt_tokens"))
_ID = re.compile(r"\b(chatcmpl-|cmpl-|msg_|resp_|rs_|fc_|call_|toolu_)[0-9a-f]+\b")
CALL_ID = re.compile(r"\b(?:call_|toolu_)[0-9a-f]{32}\b")
_ENGINE_PROGRESS = re.compile(r"ds4: prefill layer \d+/\d+\s*")
_STAMP = re.compile(r"^\d{4} \d\d:\d\d:\d\d ")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Remarks of a recording, and what is said of the disk store.
_LEFT_OUT = ("[", "kv cache", "KV disk cache", "persisting current KV cache")


@dataclass
class Exchange:
    """One request of a recording, as sent, with its reply and the log lines of the time."""

    name: str
    request: str
    head: str
    body: str
    log: list[str] = field(default_factory=list)


@dataclass
class Start:
    """One attempt to start a server: its name, arguments, exit status and the lines of its stderr."""

    name: str
    arguments: list[str]
    status: int
    lines: list[str]


def recording(number: str) -> Path:
    return next(FOLDER.glob(f"{number}-*.txt"))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _sections(text: str) -> dict[str, str]:
    return dict(re.findall(r"^== ([^\n]*)\n(.*?)(?=^== |\Z)", text, flags=re.MULTILINE | re.DOTALL))


def section(number: str, name: str) -> str:
    """What a recording of one piece says under this heading."""
    return _sections(_text(recording(number)))[name]


def server_log(number: str) -> list[str]:
    """Lines of a recorded server; what ends in a bare CR is no line."""
    sections = _sections(_text(recording(number)))
    return next(value for name, value in sections.items() if "stderr" in name).split("\n")


def exchanges(path: Path) -> Iterator[Exchange]:
    """The exchanges of a file in their order."""
    for i, part in enumerate(re.split(r"^######## ", _text(path), flags=re.MULTILINE)):
        sections = _sections(part)
        if "request" not in sections:
            continue
        title = part.split("\n", 1)[0] if i else ""
        head, _, body = sections["response"].partition("\n\n")
        log = next((value for name, value in sections.items() if name.startswith("server stderr")), "")
        yield Exchange(f"{path.name[:2]} {title}".strip(), sections["request"], head, body, log.splitlines())


def starts(number: str) -> list[Start]:
    """The attempts of a recording. In "TITLE: ds4-server ARGUMENTS" the title may hold a colon, too."""
    shape = r"^######## ([^\n]*): ds4-server ([^\n]*)\nexit (\d+)\nstdout 0 bytes\nstderr:\n(.*?)\n\n"
    found = re.findall(shape, _text(recording(number)), flags=re.MULTILINE | re.DOTALL)
    return [Start(f"{number} {n}", a.split(), int(s), err.splitlines()) for n, a, s, err in found]


def wire_request(recorded: str) -> bytes:
    """The request as bytes: line ends restored, shortened bodies lengthened, true lengths kept true."""
    head, _, body = recorded.partition("\n\n")
    body = body.removesuffix("\n")
    stated = re.search(r"^Content-Length: (\d+)\n?", head, re.MULTILINE)
    data = _lengthened(body).encode("utf-8", "surrogateescape")
    if stated is not None and int(stated[1]) < 1 << 20:
        head = re.sub(r"^(Content-Length: )\d+", rf"\g<1>{len(data)}", head, flags=re.MULTILINE)
    return head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + data


def _lengthened(body: str) -> str:
    short = re.fullmatch(r"(.*?)(The quick brown fox .*)\.\.\. \[(\d+) bytes in all, shortened here\]", body)
    if short is None:
        return body
    start, sentence = short[1], "The quick brown fox jumps over the lazy dog. "
    end = '"}]}' if "[" in start else '"}'
    return start + sentence * ((int(short[3]) - len(start)) // len(sentence)) + end


def head_form(head: str) -> list[str]:
    """Header lines in their order, without the length's value."""
    return [re.sub(r"(Content-Length: )\d+", r"\1N", line) for line in head.replace("\r", "").split("\n")]


def _neutral(value: Any, key: str = "", blank: bool = False) -> Any:
    """Objects as lists of pairs, so that order counts; counters and ids without their value."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return [(name, _neutral(inner, name, blank)) for name, inner in value]
    if isinstance(value, list):
        return [_neutral(item, key, blank) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return 0 if key.endswith("tokens") or key in _COUNTERS else value
    text = _ID.sub(r"\1N", value)
    if key == "message":
        text = re.sub(r"has \d+ tokens", "has N tokens", text)
    return "" if blank and key in _FRAGMENTS else text


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=lambda pairs: pairs or [("", None)])


def _fragment(value: Any) -> str:
    """The fragments in a record, joined."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return "".join(
            inner if name in _FRAGMENTS and isinstance(inner, str) else _fragment(inner)
            for name, inner in value
        )
    return "".join(map(_fragment, value)) if isinstance(value, list) else ""


# Our own member of every usage: where cached tokens come from. Tests of each API look at it.
_SOURCES = re.compile(r',"cache":\{"live":\d+,"resident":\d+,"disk":\d+,"read":\d+\}')


def body_form(body: str, texts: bool) -> list[Any]:
    """One JSON value, or the records of a stream with neighbours of the same shape joined into one.

    `texts`: whether texts are compared; a turn that is cut by a number of tokens ends somewhere else.
    """
    body = _SOURCES.sub("", body)
    if not body.startswith(("data:", "event:", ":")):
        return [_neutral(_loads(body), blank=not texts)] if body.strip() else []
    out: list[tuple[Any, str]] = []
    for record in filter(None, map(str.strip, body.split("\n\n"))):
        event, _, data = record.rpartition("data: ")
        value = None if data in ("", "[DONE]") else _loads(data)
        shape = (event, data if value is None else _neutral(value, blank=True))
        text = _fragment(_neutral(value)) if texts else ""
        if out and out[-1][0] == shape:
            out[-1] = (shape, out[-1][1] + text)
        else:
            out.append((shape, text))
    return [[shape, text.rstrip()] for shape, text in out]


def log_form(lines: list[str]) -> list[str]:
    """Lines without time stamp and numbers; progress lines once, because their number depends on the machine;
    nothing about the disk store, and nothing of the engine's own progress.
    """
    out: list[str] = []
    for line in "\n".join(lines).replace("\r", "\n").splitlines():
        text = _STAMP.sub("", _ENGINE_PROGRESS.sub("", line)).removeprefix("ds4-server: ")
        if not text or text.startswith(_LEFT_OUT):
            continue
        text = re.sub(r"ctx=\S+", "ctx=N", _NUMBER.sub("N", _ID.sub(r"\1N", text)))
        if not out or out[-1] != text:
            out.append(text)
    return out
