"""Simon Willison's `llm` through the sidecar with the embedded engine, set up as its user does, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recitals import ANSWER, CALLS, LOOK
from tests.sidecar_fixtures import embedded, running_sidecar

pytestmark = pytest.mark.slow  # a second of imports each time
NOWHERE = "http://127.0.0.1:9"
# The form of a model is that of its API; the file is YAML, of which JSON is a part.
FORMS: dict[str, dict[str, Any]] = {
    "chat": {"supports_tools": True},
    "responses": {"responses": True, "supports_tools": True},
    "completion": {"completion": True},
}
FUNCTIONS = """
def bash(command: str) -> str:
    "d"
    return "ran " + command

def read(path: str, limit: int) -> str:
    "d"
    return f"{limit} lines of {path}"
"""


@dataclass
class Llm:
    """The command, with a folder of its own, in which nothing but the sidecar can be reached."""

    folder: Path

    def __call__(self, *words: str, status: int = 0) -> str:
        kept = {
            name: value
            for name, value in os.environ.items()
            if "KEY" not in name and "PROXY" not in name.upper()
        }
        env = {**kept, "LLM_USER_PATH": str(self.folder), "HOME": str(self.folder), "NO_PROXY": "127.0.0.1",
               "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE}  # fmt: skip
        run = subprocess.run([sys.executable, "-m", "llm", *words], env=env, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=120)  # fmt: skip
        assert run.returncode == status, run.stderr
        return run.stdout if not status else run.stderr

    def last(self) -> dict[str, Any]:
        """What it keeps of the last reply."""
        value: dict[str, Any] = json.loads(self("logs", "list", "-n", "1", "--json"))[0]
        return value


def llm_of(folder: Path, *recital: list[str]) -> Iterator[Llm]:
    with running_sidecar(folder, embedded(folder, *recital)) as sidecar:
        base = f"http://127.0.0.1:{sidecar.port}/v1"
        models = [
            {"model_id": name, "model_name": "ds4", "api_base": base, **form} for name, form in FORMS.items()
        ]
        (folder / "extra-openai-models.yaml").write_text(json.dumps(models))
        yield Llm(folder)


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llm]:
    yield from llm_of(tmp_path_factory.mktemp("talker"))


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llm]:
    yield from llm_of(tmp_path_factory.mktemp("caller"), LOOK, CALLS)


@pytest.mark.parametrize("how", [[], ["--no-stream"]], ids=["stream", "whole"])
@pytest.mark.parametrize("form", ["chat", "responses"])
def test_a_prompt(talker: Llm, form: str, how: list[str]) -> None:
    assert talker("-m", form, *how, "Hello there") == "".join(ANSWER) + "\n"


def test_a_conversation_goes_on_where_it_was(talker: Llm) -> None:
    talker("-m", "chat", "Hello you")
    first = talker.last()["response_json"]["usage"]
    assert talker("-c", "And again") == "".join(ANSWER) + "\n"
    second = talker.last()["response_json"]["usage"]
    assert second["prompt_tokens_details"]["cached_tokens"] == first["total_tokens"]


def test_tools_are_called_and_answered(caller: Llm) -> None:
    """The model calls them in each turn: after two, llm says that it is enough."""
    words = ("-m", "chat", "--functions", FUNCTIONS, "--td", "--chain-limit", "2")
    said = caller(*words, "List the files", status=1)
    assert "Tool call: bash({'command': 'ls -la src && echo \"a>b\"'})\n  ran ls -la src && " in said
    assert "Tool call: read({'path': 'docs/notes.md', 'limit': 20})\n  20 lines of docs/notes.md\n" in said
    assert said.endswith("Error: Chain limit of 2 exceeded.\n")


def test_a_refusal_is_told(talker: Llm) -> None:
    said = talker("-m", "chat", "word " * 20000, status=1)
    assert said.startswith("Error: ")
    assert "tokens" in said
    assert "Traceback" not in said
