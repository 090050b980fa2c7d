"""The file of `--trace`: for people who want to see what a model was really shown and what it wrote.

One record a request, in the order in which requests are carried out: facts, the cache decision, the request
as it came, the prompt as the model reads it, the text as it is sampled, what became of it. Nothing of the
oldest turn that goes on is buffered, so that the file is complete up to the moment at which somebody looks;
turns beside it follow when they may. It holds all that users said: it is made readable for its owner only,
and emptied at the start.

Called from the worker thread only.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ds4agent.engine.backend import DrawSettings
from ds4agent.engine.job import Job
from ds4agent.engine.live import Plan, common_prefix
from ds4agent.engine.replay import ReplayMap
from ds4agent.wire.logline import RequestLog
from ds4agent.wire.reply import Reply

# Tokens shown on each side of the first one that differs.
_WINDOW = 8


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that gets its turn. `live`: the session's tokens as it was found. `max_tokens`: the limit
    that holds, the server's own where the client gave none.
    """

    job: Job
    plan: Plan
    line: RequestLog
    live: list[int]
    settings: DrawSettings
    max_tokens: int
    replay: ReplayMap | None


class Record:
    """One request's record; this one goes nowhere."""

    def decoding(self, limit: int, room: int) -> None:
        """The prompt is read; up to `limit` tokens follow, `room` would fit."""

    def sampled(self, text: bytes, in_block: bool, closed: bool) -> None:
        """One token, and where in a tool-call block the text is after it."""

    def finished(self, reply: Reply, line: RequestLog, seconds: float) -> None:
        """The turn is over, in whatever way."""

    def failed(self, why: str) -> None:
        """The turn ended before anything was sampled, or by a defect of ours, maybe behind its end."""


class Trace:
    """Records nothing: what the worker holds when no trace is asked for."""

    def request(self, begun: Begun) -> Record:
        """A request gets its turn."""
        return Record()


class FileTrace(Trace):
    """Raises OSError if the file cannot be opened; a disk that is full later is not worth a request."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._number = 0
        self._open: list[FileRecord] = []

    def request(self, begun: Begun) -> Record:
        self._number += 1
        record = FileRecord(self, self._number)
        self._open.append(record)
        record.begin(begun)
        return record

    def write(self, record: "FileRecord", data: bytes) -> None:
        """At once for the oldest record that is open; others wait for their turn."""
        if record is not self._open[0]:
            record.waiting += data
            return
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except OSError:
                return

    def close(self, record: "FileRecord") -> None:
        record.ended = True
        while self._open and self._open[0].ended:
            self._open.pop(0)
            if self._open:
                self.write(self._open[0], bytes(self._open[0].waiting))


class FileRecord(Record):
    def __init__(self, trace: FileTrace, number: int) -> None:
        self._trace = trace
        self._number = number
        self._sampled = 0
        self._in_block = self._closed = False
        self.waiting = bytearray()
        self.ended = False

    def _write(self, data: bytes) -> None:
        self._trace.write(self, data)

    def _say(self, *lines: str) -> None:
        self._write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))

    def _event(self, text: str) -> None:
        self._say("", "", f"--- trace: {text} ---", "")

    def begin(self, begun: Begun) -> None:
        common = common_prefix(begun.live, begun.job.prompt.tokens)
        self._say("", f"===== request {self._number} {time.strftime('%Y-%m-%d %H:%M:%S')} =====")
        self._say(*_facts(begun), "", "--- cache decision ---", *_decision(begun, common))
        self._say(*_mismatch(begun, common), "", "--- raw request json ---")
        self._write(begun.job.body)
        self._say("", "", "--- rendered prompt ---")
        # 0xFF only tells real turn markers from text that spells them.
        self._write(begun.job.prompt.key.replace(b"\xff", b""))
        self._say("", "", "--- generated text ---")

    def decoding(self, limit: int, room: int) -> None:
        self._event(f"prefill done; decode_max={limit} ctx_room={room}")

    def sampled(self, text: bytes, in_block: bool, closed: bool) -> None:
        self._sampled += 1
        self._write(text)
        if in_block and not self._in_block:
            self._event(f"entered tool-call block after {self._sampled} generated tokens")
        if closed and not self._closed:
            self._event(f"closed tool-call block after {self._sampled} generated tokens")
        self._in_block, self._closed = in_block, closed

    def finished(self, reply: Reply, line: RequestLog, seconds: float) -> None:
        self._say("", "", "--- parsed message ---", f"finish: {reply.finish}")
        self._say(f"generated_tokens: {reply.usage.completion}", f"dsml_start: {int(line.dsml_start)}")
        self._say(f"dsml_end: {int(line.dsml_end)}", f"elapsed_sec: {seconds:.3f}", "")
        self._say("reasoning:", reply.reasoning, "", "content:", reply.content, "")
        for i, call in enumerate(reply.calls):
            self._say(f"tool_call[{i}]:", f"id: {call.id}", f"name: {call.name}", "arguments:")
            self._say(call.arguments, "")
        self._end()

    def failed(self, why: str) -> None:
        if not self.ended:
            self._event(why)
            self._end()

    def _end(self) -> None:
        self._say(f"===== end request {self._number} =====")
        self._trace.close(self)


def _facts(begun: Begun) -> Iterator[str]:
    request, settings = begun.job.request, begun.settings
    options = request.options
    yield f"kind: {begun.line.kind}"
    yield f"model: {options.model or ''}"
    yield f"stream: {int(options.stream)}"
    yield f"tools: {int(bool(request.tools_raw))}"
    yield f"think_mode: {request.think.value}"
    yield f"prompt_tokens: {len(begun.job.prompt.tokens)}"
    yield f"effective_prompt_tokens: {begun.plan.prompt}"
    yield f"cached_tokens: {begun.plan.cached}"
    yield f"max_tokens: {begun.max_tokens}"
    yield f"temperature: {settings.temperature:.3f}"
    yield f"top_k: {settings.top_k}"
    yield f"top_p: {settings.top_p:.3f}"
    yield f"min_p: {settings.min_p:.3f}"
    yield f"seed: {options.sampling.seed or 0}"
    yield f"stream_include_usage: {int(options.include_usage)}"


def _decision(begun: Begun, common: int) -> Iterator[str]:
    live, source = len(begun.live), begun.plan.source
    reusable = 0 < live == common
    reason = "live-prefix-match" if reusable else "token-mismatch" if live else "no-live-checkpoint"
    yield f"live_tokens_before: {live}"
    yield f"prompt_tokens: {len(begun.job.prompt.tokens)}"
    yield f"live_prompt_common: {common}"
    yield f"memory_token_reusable: {int(reusable)}"
    yield f"memory_miss_reason: {reason}"
    yield _replayed(begun)
    yield f"cache_source: {source}"
    yield f"cached_tokens: {begun.plan.cached}"
    yield f"disk_cached_tokens: {begun.plan.cached if source == 'disk-text' else 0}"


def _replayed(begun: Begun) -> str:
    """How earlier calls came into the prompt: as they were sampled, or from the client's JSON."""
    turns = [[call.id for call in m.tool_calls] for m in begun.job.request.messages if m.tool_calls]
    exact = [ids for ids in turns if begun.replay is not None and begun.replay.get(ids) is not None]
    missing = sum(map(len, turns)) - sum(map(len, exact))
    return f"tool_replay: mem={len(exact)} disk=0 canonical={len(turns) - len(exact)} missing_ids={missing}"


def _mismatch(begun: Begun, at: int) -> Iterator[str]:
    if at == len(begun.live):
        return
    window = slice(max(at - _WINDOW, 0), at + _WINDOW + 1)
    yield f"first_mismatch: {at}"
    yield f"live_window: {' '.join(map(str, begun.live[window]))}"
    yield f"prompt_window: {' '.join(map(str, begun.job.prompt.tokens[window]))}"
