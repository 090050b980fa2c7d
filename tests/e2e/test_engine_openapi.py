"""Requests made from the engine's own description of its API, right ones and wrong ones, to real processes.

What the description allows must be understood, what it does not allow must be refused, and every reply must
be as described, streams event by event. Behind each endpoint the engines must still answer, must not have
grown, and must not have complained of a defect.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ds4agent import resources
from ds4agent.engine.server import DIALECTS
from tests.e2e.recitals import CALLS, LOOK
from tests.engine_fixtures import (
    EngineProcess,
    chat,
    exchange,
    reciting_engine,
    request,
    resident,
    running_engine,
)
from tests.examples import examples

# Named here and not for all tests, because it takes most of a second to load.
pytest_plugins = ["schemathesis.pytest.plugin"]

HELLO = [{"role": "user", "content": "Hello"}]
MAX_GROWTH = 48 << 20
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def description(mode: str, n: int, **phases: Any) -> schemathesis.BaseSchema:
    """The engine's, to be fuzzed in this mode with `n` examples an operation."""
    deterministic = settings().derandomize
    config = {
        "generation": {
            "mode": mode,
            "deterministic": deterministic,
            "max-examples": examples(n),
            "database": "none",
        },
        # A method that a path does not have is a 404, as it is with ds4-server.
        "phases": {"coverage": {"unexpected-methods": []}, **phases},
        **({"seed": 1} if deterministic else {}),
    }
    return schemathesis.openapi.from_dict(
        json.loads(resources.openapi()), config=schemathesis.Config.from_dict(config)
    )


ALL = description("all", 40)
POSITIVE = description("positive", 20, coverage={"enabled": False})
STREAMED = POSITIVE.include(method="POST").exclude(path=["/v1/messages/count_tokens", "/ds4/prefetch"])


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Thinks, talks and calls tools."""
    folder = tmp_path_factory.mktemp("talker")
    with reciting_engine(folder, LOOK, CALLS, "--ctx", "1024", "--tokens", "64") as started:
        yield started


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Has tokens for /infill."""
    folder = tmp_path_factory.mktemp("bundled")
    with running_engine(folder, "--ctx", "512", "--tokens", "16") as started:
        yield started


@pytest.fixture(scope="module")
def engines(talker: EngineProcess, bundled: EngineProcess) -> list[tuple[EngineProcess, int]]:
    """With their resident memory once they have answered, in a form that loads all there is to load."""
    for engine in (talker, bundled):
        chat(engine.port, messages=HELLO, response_format={"type": "json_object"}, max_tokens=4)
    return [(engine, resident(engine.process.pid)) for engine in (talker, bundled)]


@pytest.fixture(autouse=True)
def unharmed(engines: list[tuple[EngineProcess, int]]) -> Iterator[None]:
    yield
    for engine, before in engines:
        assert chat(engine.port, messages=HELLO)["choices"][0]["finish_reason"] != "error"
        assert resident(engine.process.pid) - before < MAX_GROWTH
        assert not any("Traceback" in line for line in engine.lines)


def understood(_: schemathesis.CheckContext, response: schemathesis.Response, case: Any) -> None:
    """A valid request may ask for what cannot be had, but must not be taken for an invalid one."""
    if case.meta.generation.mode.is_positive and response.status_code == 400:
        message = response.json()["error"]["message"]
        assert message != "invalid JSON request"
        assert not message.startswith("missing ")


def check(case: Any, talker: EngineProcess, bundled: EngineProcess) -> Any:
    engine = bundled if case.operation.path == "/infill" else talker
    response = case.call(base_url=f"http://127.0.0.1:{engine.port}")
    case.validate_response(
        response, excluded_checks=[positive_data_acceptance], additional_checks=[understood]
    )
    return response


@pytest.mark.slow
@ALL.parametrize()
def test_endpoints(case: Any, talker: EngineProcess, bundled: EngineProcess) -> None:
    check(case, talker, bundled)


@pytest.mark.slow
@STREAMED.parametrize()
def test_streams(case: Any, talker: EngineProcess, bundled: EngineProcess) -> None:
    case.body = {**case.body, "stream": True}
    response = check(case, talker, bundled)
    if response.status_code == 200:
        assert response.headers["content-type"] == ["text/event-stream"]


def test_every_dialect_is_described() -> None:
    paths = json.loads(resources.openapi())["paths"]
    posts = {path for path, methods in paths.items() if "post" in methods}
    assert posts == {*DIALECTS, "/v1/messages/count_tokens", "/ds4/prefetch"}


def test_the_description_is_served(talker: EngineProcess) -> None:
    head, body = exchange(talker.port, request("GET", "/openapi.json"))
    assert "\r\nContent-Type: application/json\r\n" in head
    assert body == resources.openapi()
