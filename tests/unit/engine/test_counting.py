"""A count is the number of tokens that the embedded engine itself would read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ds4agent.resources import bundled_model
from ds4agent.sidecar.token_count import MESSAGES, PROGRAM, RESPONSES
from tests.engine_fixtures import exchange, request, running_engine
from tests.standins import write_model

TOOLS = [{"name": "bash", "description": "Run.", "input_schema": {"type": "object", "properties": {}}}]
CALL = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls <｜User｜>"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a.py\nb.py"}
BODIES: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "Hello <｜User｜> wörld 你好 🙂\t\r\n  x"}]},
    {"system": "Be brief.", "tools": TOOLS, "messages": [{"role": "user", "content": "List"}]},
    {
        "thinking": {"type": "disabled"},
        "tools": TOOLS,
        "messages": [
            {"role": "user", "content": "List"},
            {"role": "assistant", "content": [{"type": "text", "text": "So:"}, CALL]},
            {"role": "user", "content": [RESULT]},
        ],
    },
    {"messages": []},
    {"messages": "no"},
]


def counted(model: Path, body: bytes, n_ctx: int = 1024, path: str = MESSAGES) -> tuple[int, bytes]:
    argv = [sys.executable, "-m", PROGRAM, path, str(model), str(n_ctx)]
    status, _, reply = subprocess.run(argv, input=body, capture_output=True, check=True).stdout.partition(
        b"\n"
    )
    return int(status), reply


def test_it_is_what_the_embedded_engine_answers(tmp_path: Path) -> None:
    with running_engine(tmp_path, "--model", str(bundled_model()), "--ctx", "1024") as engine:
        for fields in BODIES:
            body = json.dumps({"model": "m", "max_tokens": 1, **fields}, ensure_ascii=False).encode()
            head, reply = exchange(engine.port, request("POST", MESSAGES, body))
            assert counted(bundled_model(), body) == (int(head.split()[1]), reply)


def test_a_responses_request_has_as_many_as_its_reply_says(tmp_path: Path) -> None:
    tool = {"type": "function", "name": "bash", "description": "Run.", "parameters": {"type": "object"}}
    fields = {"input": "List <｜User｜> 你好", "instructions": "Be brief.", "tools": [tool]}
    body = json.dumps({"model": "m", "max_output_tokens": 1, **fields}).encode()
    with running_engine(tmp_path, "--model", str(bundled_model()), "--ctx", "1024") as engine:
        _, reply = exchange(engine.port, request("POST", "/v1/responses", body))
    status, count = counted(bundled_model(), body, path=RESPONSES)
    assert (status, json.loads(count)["input_tokens"]) == (200, json.loads(reply)["usage"]["input_tokens"])
    assert counted(bundled_model(), b"{}", path=RESPONSES)[0] == 400


def test_the_most_thinking_counts_where_the_context_allows_it() -> None:
    body = json.dumps({"messages": BODIES[0]["messages"], "output_config": {"effort": "max"}}).encode()
    few, many = (json.loads(counted(bundled_model(), body, n)[1])["input_tokens"] for n in (1024, 393_216))
    assert many > few


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_request_is_refused_in_the_apis_form(body: bytes) -> None:
    status, reply = counted(bundled_model(), body)
    assert status == 400
    assert json.loads(reply)["type"] == "error"


def test_a_model_without_a_vocabulary_is_named(tmp_path: Path) -> None:
    status, reply = counted(write_model(tmp_path / "m.gguf"), b'{"messages":[]}')
    assert status == 501
    assert json.loads(reply)["error"]["message"].startswith("tokens of this model cannot be counted: ")
