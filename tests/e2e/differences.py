"""Where the engine answers otherwise than the recorded ds4-server, on purpose.

Each difference bears the title of its section in docs/compat.md, which gives the reason. It is either an edit
of what was recorded, after which both sides must be equal, or, where nothing is left to compare, the status
and a part of the body that ours must have.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Forms = dict[str, list[Any]]
Record = list[Any]
MISS = "live kv cache miss live=N prompt=N common=N reason=token-mismatch"


@dataclass(frozen=True)
class Edit:
    title: str
    change: Callable[[Forms], None]


@dataclass(frozen=True)
class Instead:
    title: str
    status: int
    part: str


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_renamed(item, old, new) for item in value)
    return new if value == old else value


def _message_ids(forms: Forms) -> None:
    forms["body"] = _renamed(forms["body"], "chatcmpl-N", "msg_N")


def _cut_reasoning_in_chat(forms: Forms) -> None:
    message = dict(dict(forms["body"][0])["choices"][0])["message"]
    text = dict(message)["content"]
    message[1:] = [("content", ""), ("reasoning_content", text)]


def _cut_reasoning_in_messages(forms: Forms) -> None:
    _message_ids(forms)
    content = dict(forms["body"][0])["content"]
    content.insert(0, [("type", "thinking"), ("thinking", ""), ("signature", "msg_N")])


def _cut_reasoning_in_responses(forms: Forms) -> None:
    output = dict(forms["body"][0])["output"]
    summary = [[("type", "summary_text"), ("text", "")]]
    output[:] = [[("id", "rs_N"), ("type", "reasoning"), ("status", "incomplete"), ("summary", summary)]]


def _session_survives_a_stop_string(forms: Forms) -> None:
    forms["log"].insert(0, MISS)


def _no_rebuild(forms: Forms) -> None:
    forms["log"] = [line for line in forms["log"] if "tool checkpoint" not in line]


def _type(record: Record) -> str:
    (_, value), _ = record
    return str(dict(value)["type"]) if isinstance(value, list) else ""


def _in_progress(forms: Forms) -> None:
    records = forms["body"]
    (event, value), text = records[0]
    second = [("type", "response.in_progress"), *value[1:]]
    records.insert(1, [(event, second), text])


def _reasoning_closed_first(forms: Forms) -> None:
    """The three records that close the reasoning item come before the message is opened."""
    _in_progress(forms)
    records = forms["body"]
    first = next(i for i, r in enumerate(records) if _type(r) == "response.reasoning_summary_text.done")
    closing = records[first : first + 3]
    del records[first : first + 3]
    opened = [i for i, r in enumerate(records) if _type(r) == "response.output_item.added"]
    at = opened[1] if len(opened) > 1 else first
    records[at:at] = closing


def _port_comes_first(forms: Forms) -> None:
    forms["log"] = [line for line in forms["log"] if "context buffers" not in line]


def _client_disconnected(forms: Forms) -> None:
    forms["log"] = [line.replace("final stream failed", "client disconnected") for line in forms["log"]]


def _not_to_the_end(forms: Forms) -> None:
    """The reply is not streamed: upstream's is made to its end."""
    end = forms["log"].pop()
    forms["log"] += [
        end.partition(" gen=")[0] + " client disconnected",
        end.replace("finish=length", 'finish=error error="client stream write failed"'),
    ]


def _named_shutdown(forms: Forms) -> None:
    reason = [line.replace("client stream write failed", "shutdown requested") for line in forms["log"]]
    forms["log"] = [line for line in reason if "final stream failed" not in line]


def _prefill_is_broken_off(forms: Forms) -> None:
    forms["log"] = [
        line for line in forms["log"] if "prefill chunk" not in line and "prompt done" not in line
    ]


def _what_the_file_is(forms: Forms) -> None:
    forms["log"] = ['dsN: gguf: the file starts with "This", expected "GGUF"']


def _arguments_as_sent(forms: Forms) -> None:
    lines = forms["file"]
    for i in (i for i, line in enumerate(lines, 1) if line == "arguments:"):
        lines[i] = json.dumps(json.loads(lines[i]), separators=(",", ":"))


IDS = Edit("Ids of messages", _message_ids)
PROGRESS = Edit("More events in a Responses stream", _in_progress)
CLOSED = Edit("More events in a Responses stream", _reasoning_closed_first)
NULL = Instead("null means not given", 200, '"finish_reason":"stop"')
ANTHROPIC = '{"type":"error","error":{"type":"invalid_request_error","message":"'

# By number of the recording, or by number and title of the exchange.
DIFFERENCES: dict[str, Edit | Instead] = {
    "07": Edit("Reasoning that is cut off", _cut_reasoning_in_chat),
    "11": Edit("Stop strings", _session_survives_a_stop_string),
    **dict.fromkeys(("15", "16", "17", "18", "38", "39", "40", "41"), IDS),
    **dict.fromkeys(("21", "43", "44", "49"), PROGRESS),
    **dict.fromkeys(("22", "23"), CLOSED),
    "24 null-temperature": NULL,
    "24 null-max-tokens": NULL,
    "24 null-stream": NULL,
    "24 messages-no-messages": Instead("Errors of /v1/messages", 400, ANTHROPIC + "missing messages"),
    "24 messages-unknown-tool-result": Instead(
        "Errors of /v1/messages", 400, ANTHROPIC + "Anthropic continuation state is not available for"
    ),
    "24 responses-tool-choice-required": Instead("tool_choice", 400, "tool_choice required needs tools"),
    "24 responses-tool-choice-object": Instead("tool_choice", 400, "tool_choice names an unknown tool: f"),
    "24 responses-bad-item": Instead("Responses", 400, "an item of type item_reference cannot be read"),
    "24 responses-image": Instead("Responses", 400, "a part of type input_image cannot be read"),
    # What was recorded is not well-formed, which only who reads chunks can tell.
    "25 chunked request body": Instead("HTTP", 400, "bad HTTP request"),
    "25 unknown path": Instead("Endpoints that upstream lacks", 200, '{"status":"ok",'),
    "25 head": Instead("Endpoints that upstream lacks", 200, ""),
    "25 count_tokens": Instead("Endpoints that upstream lacks", 200, '{"input_tokens":'),
    "30": Edit("Reasoning that is cut off", _cut_reasoning_in_chat),
    "36": Edit("Reasoning that is cut off", _cut_reasoning_in_chat),
    "46": Edit("Reasoning that is cut off", _cut_reasoning_in_messages),
    "48": Edit("Reasoning that is cut off", _cut_reasoning_in_responses),
    "62": Edit("Rebuilding a checkpoint after a call", _no_rebuild),
    "66": Edit("Cancelling", _client_disconnected),
    "67": Edit("Cancelling", _not_to_the_end),
    "68 port in use, own lock file": Edit("Starting", _port_comes_first),
    "68 ipv6 host": Edit("Starting", _port_comes_first),
    "68 not a model": Edit("Starting", _what_the_file_is),
    "69": Edit("Stopping", _named_shutdown),
    "71": Edit("Stopping", _prefill_is_broken_off),
    "72": Edit("The trace file", _arguments_as_sent),
}


def expected(theirs: Forms, *names: str) -> Forms:
    """What was recorded, with the edit that one of these names has."""
    edit = next((DIFFERENCES[name] for name in names if name in DIFFERENCES), None)
    if not isinstance(edit, Edit):
        return theirs
    edited = deepcopy(theirs)
    edit.change(edited)
    assert edited != theirs, f"{names[0]}: the difference changes nothing"
    return edited
