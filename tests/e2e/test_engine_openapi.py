"""Requests made from the engine's own description of its API, right and wrong ones, to real engine processes.

What the description allows must be understood, what it does not allow must be refused, and every reply must be
as described, streams event by event. Endpoints are fuzzed one after the other; behind each of them the engine
must still answer, and must not have grown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ds4agent import resources
from tests.e2e.recitals import CALLS, LOOK
from tests.engine_fixtures import EngineProcess, chat, reciting_engine, running_engine

# Not for all tests: it takes most of a second to load.
pytest_plugins = ["schemathesis.pytest.plugin"]

MAX_GROWTH = 64 << 20
CONFIG = schemathesis.Config.from_dict(
    {
        "seed": 1,
        "generation": {"mode": "all", "deterministic": True, "max-examples": 300, "database": "none"},
        # A method that a path does not have is a 404, as it is with ds4-server.
        "phases": {"coverage": {"unexpected-methods": []}},
        "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "4xx"]}},
    }
)
SCHEMA = schemathesis.openapi.from_dict(json.loads(resources.openapi()), config=CONFIG)


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(
        tmp_path_factory.mktemp("talker"), LOOK, CALLS, "--ctx", "1024", "--tokens", "64"
    ) as started:
        yield started


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with running_engine(tmp_path_factory.mktemp("bundled"), "--ctx", "512", "--tokens", "16") as started:
        yield started


def resident(engine: EngineProcess) -> int:
    status = Path(f"/proc/{engine.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


def understood(case: schemathesis.Case, response: schemathesis.Response) -> None:
    """A valid request may still ask for too much, but never be taken for an invalid one."""
    if case.meta.generation.mode.is_positive and response.status_code == 400:
        message = response.json()["error"]["message"]
        assert message != "invalid JSON request"
        assert not message.startswith("missing ")


def check(case: schemathesis.Case, engine: EngineProcess) -> None:
    response = case.call(base_url=f"http://127.0.0.1:{engine.port}")
    understood(case, response)
    case.validate_response(response, excluded_checks=[positive_data_acceptance])


@SCHEMA.exclude(path="/infill").parametrize()
def test_endpoints(case: schemathesis.Case, talker: EngineProcess) -> None:
    check(case, talker)


@SCHEMA.include(path="/infill").parametrize()
def test_infill(case: schemathesis.Case, bundled: EngineProcess) -> None:
    check(case, bundled)
