"""POST /infill and POST /v1/completions of real engine processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire import completions, infill
from ds4agent.wire.errors import RequestError
from ds4agent.wire.request import ParseContext, TurnRequest
from tests.e2e.recitals import ANSWER, REASONING
from tests.engine_fixtures import (
    EngineProcess,
    chat,
    exchange,
    reciting_engine,
    request,
    running_engine,
)


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with running_engine(tmp_path_factory.mktemp("bundled"), "--ctx", "8192", "--threads", "2") as engine:
        yield engine


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with reciting_engine(tmp_path_factory.mktemp("talker"), REASONING, ANSWER, "--ctx", "8192") as engine:
        yield engine


def post(engine: EngineProcess, path: str, **fields: Any) -> tuple[str, bytes]:
    return exchange(engine.port, request("POST", path, json.dumps(fields).encode()))


def infilled(engine: EngineProcess, **fields: Any) -> dict[str, Any]:
    head, body = post(engine, "/infill", **fields)
    assert head.startswith("HTTP/1.1 200 OK"), body
    value: dict[str, Any] = json.loads(body)
    return value


BEFORE = 'def add(left, right):\n    """The sum."""\n    return left + ri'
AFTER = "\n\n\ndef double(value):\n    return add(value, value)\n"


def test_a_hole_is_filled(bundled: EngineProcess) -> None:
    reply = infilled(bundled, input_prefix=BEFORE, input_suffix=AFTER, n_predict=16, cache_prompt=True)
    assert reply["content"] == "ght"
    assert (reply["stop"], reply["stop_type"], reply["truncated"]) == (True, "eos", False)
    assert reply["tokens_cached"] == reply["tokens_evaluated"] + reply["tokens_predicted"]
    timings = reply["timings"]
    assert timings["prompt_n"] + timings["cache_n"] == reply["tokens_evaluated"]
    assert timings["predicted_n"] == reply["tokens_predicted"] > 0
    assert timings["predicted_per_second"] > 0
    assert reply["generation_settings"]["n_ctx"] == 8192


def test_the_prompt_is_the_text_before_the_cursor_on_its_line(bundled: EngineProcess) -> None:
    prefix, line = BEFORE.rsplit("\n", 1)
    reply = infilled(bundled, input_prefix=prefix + "\n", prompt=line, input_suffix=AFTER, n_predict=16)
    assert reply["content"] == "ght"


def test_warming_the_other_files_saves_reading_them(bundled: EngineProcess) -> None:
    extra = [{"filename": f"part{i}.py", "text": f"VALUE_{i} = {i}\n" * 40} for i in range(3)]
    warm = {"input_prefix": "", "input_suffix": "", "prompt": "", "n_predict": 0, "samplers": []}
    warmed = infilled(bundled, input_extra=extra, **warm)
    assert (warmed["content"], warmed["tokens_predicted"]) == ("", 0)
    reply = infilled(bundled, input_extra=extra, input_prefix=BEFORE, input_suffix=AFTER, n_predict=4)
    assert reply["timings"]["cache_n"] == warmed["tokens_evaluated"] > 300
    assert reply["timings"]["prompt_n"] < 100


def typed(engine: EngineProcess, text: str, **fields: Any) -> dict[str, Any]:
    lines = "".join(f"value_{i} = compute({i})\n" for i in range(150))
    about = {"input_suffix": AFTER, "infill_order": "spm", "n_predict": 8, **fields}
    timings: dict[str, Any] = infilled(engine, input_prefix=lines + text, **about)["timings"]
    return timings


def test_what_is_typed_costs_what_it_changes(bundled: EngineProcess) -> None:
    text = "for index in range(len(value_12)):\n    print(index, value_1"
    typed(bundled, "", n_predict=0)
    costs = [typed(bundled, text[:n])["prompt_n"] for n in range(1, len(text) + 1)]
    assert max(costs) <= 4
    assert sum(costs) <= 2 * len(text)
    back = [typed(bundled, text[:-n])["prompt_n"] for n in range(1, 13)]
    assert max(back) <= 4


def test_the_letters_of_a_word_are_not_read(bundled: EngineProcess) -> None:
    """The space before them is, once no token has it and them."""
    typed(bundled, "size = c")
    assert sum(typed(bundled, "size = compute"[:n])["prompt_n"] for n in range(9, 15)) == 1


@pytest.mark.parametrize("order", ["psm", "spm"])
def test_the_model_writes_the_word_that_the_cursor_cut(bundled: EngineProcess, order: str) -> None:
    about = {"input_suffix": AFTER, "n_predict": 16, "infill_order": order}
    for n in range(5):
        reply = infilled(bundled, input_prefix=BEFORE + "ght"[:n], **about)
        assert reply["content"].startswith("ght"[n:])


def test_healing_can_be_switched_off(bundled: EngineProcess) -> None:
    healed, whole = (infilled(bundled, input_prefix=BEFORE, n_predict=1, heal=heal) for heal in (True, False))
    assert whole["tokens_evaluated"] > healed["tokens_evaluated"]
    assert whole["tokens_predicted"] == healed["tokens_predicted"] == 1
    head, _ = post(bundled, "/infill", input_prefix="a", heal="no")
    assert head.startswith("HTTP/1.1 400")


def test_a_warmed_prompt_is_not_read_again(bundled: EngineProcess) -> None:
    warmed = typed(bundled, "warmed = ", n_predict=0)
    assert (warmed["predicted_n"], warmed["prompt_n"] + warmed["cache_n"] > 1000) == (0, True)
    assert typed(bundled, "warmed = ")["prompt_n"] <= 1


def test_the_text_before_the_cursor_may_come_last(bundled: EngineProcess) -> None:
    def prompt(order: str, text: str) -> Any:
        body = {"input_prefix": text, "input_suffix": "after", "infill_order": order, "n_predict": 4}
        raw = infill.DIALECT.parse(json.dumps(body).encode(), ParseContext(8192)).raw
        assert raw is not None
        return "".join(span.text for span in raw.spans)

    assert prompt("spm", "x =").endswith("<｜fim▁begin｜><｜fim▁hole｜>after<｜fim▁end｜>x =")
    assert prompt("psm", "x =").endswith("<｜fim▁begin｜>x =<｜fim▁hole｜>after<｜fim▁end｜>")
    assert prompt("", "x =") == prompt("psm", "x =")
    head, body = post(bundled, "/infill", input_prefix="a", infill_order="mps")
    assert head.startswith("HTTP/1.1 400")
    assert json.loads(body)["error"]["message"] == "infill_order has to be psm or spm"


def test_300_holes_cost_a_conversation_nothing(bundled: EngineProcess) -> None:
    talk = [{"role": "user", "content": "What is a list? " * 50}]
    first = chat(bundled.port, messages=talk, max_tokens=8, thinking=False)
    for n in range(300):
        infilled(
            bundled, input_prefix=f"line_{n} = {n}\n" * 20, input_suffix=AFTER, n_predict=1,
            infill_order="spm",
        )  # fmt: skip
    talk += [first["choices"][0]["message"], {"role": "user", "content": "And a tuple?"}]
    cache = chat(bundled.port, messages=talk, max_tokens=8, thinking=False)["usage"]["cache"]
    kept = first["usage"]["prompt_tokens"] + first["usage"]["completion_tokens"]
    assert cache["live"] >= kept - 1


def test_llama_servers_facts(bundled: EngineProcess) -> None:
    _, body = exchange(bundled.port, request("GET", "/props"))
    facts = json.loads(body)
    assert facts["default_generation_settings"] == {"n_ctx": 8192}
    assert facts["total_slots"] == 4


def test_response_fields_pick_members_by_path(bundled: EngineProcess) -> None:
    fields = ["content", "timings/prompt_n", "timings/predicted_ms", "tokens_cached", "no/such"]
    reply = infilled(bundled, input_prefix=BEFORE, input_suffix=AFTER, n_predict=4, response_fields=fields)
    assert list(reply) == fields[:-1]


START = {"input_prefix": "import os\n\n\ndef main():\n", "input_suffix": "\n\n\nmain()\n"}


def test_stop_words_and_limits(bundled: EngineProcess) -> None:
    whole = infilled(bundled, **START, n_predict=24)
    assert whole["stop_type"] in ("limit", "eos")
    word = whole["content"][-2:]
    assert len(word) == 2
    cut = infilled(bundled, **START, n_predict=24, stop=[word])
    assert (cut["stop_type"], cut["stopping_word"]) == ("word", word)
    assert cut["content"] == whole["content"].split(word)[0]
    one = infilled(bundled, **START, n_predict=1)
    assert (one["stop_type"], one["tokens_predicted"]) == ("limit", 1)


def test_a_time_limit_ends_at_a_line_end(bundled: EngineProcess) -> None:
    text = "import os\nimport sys\n\n\ndef main():\n"
    reply = infilled(bundled, input_prefix=text, input_suffix="", n_predict=400, t_max_predict_ms=0.001)
    assert reply["content"].count("\n") <= 2
    assert reply["stop_type"] in ("limit", "eos")


def test_a_streamed_hole_joins_up_to_the_whole(bundled: EngineProcess) -> None:
    whole = infilled(bundled, input_prefix=BEFORE[:-5], input_suffix=AFTER, n_predict=16)
    head, body = post(
        bundled, "/infill", input_prefix=BEFORE[:-5], input_suffix=AFTER, n_predict=16, stream=True
    )
    assert "text/event-stream" in head
    records = [json.loads(record.removeprefix("data: ")) for record in body.decode().split("\n\n")[:-1]]
    assert "".join(record["content"] for record in records) == whole["content"]
    assert [record["stop"] for record in records] == [False] * (len(records) - 1) + [True]


def test_a_model_without_the_tokens_says_so(talker: EngineProcess) -> None:
    head, body = post(talker, "/infill", input_prefix="a", input_suffix="b")
    assert head.startswith("HTTP/1.1 501 Not Implemented\r\n")
    assert json.loads(body)["error"]["message"] == (
        "this model has no <｜fim▁begin｜> token, which infill needs"
    )


def test_the_text_behind_the_cursor_is_read_even_if_it_will_not_be_needed() -> None:
    with pytest.raises(RequestError, match="invalid JSON request"):
        infill.DIALECT.parse(b'{"n_predict":0,"input_suffix":5}', ParseContext(8192))


def test_completions_are_all_the_model_wrote(talker: EngineProcess) -> None:
    _, body = post(talker, "/v1/completions", prompt="Hi", model="m")
    reply = json.loads(body)
    text = "".join(REASONING) + "</think>" + "".join(ANSWER)
    assert reply["choices"] == [{"text": text, "index": 0, "finish_reason": "stop"}]
    _, streamed = post(talker, "/v1/completions", prompt=["Hi"], model="m", stream=True)
    records = [json.loads(r.removeprefix("data: ")) for r in streamed.decode().split("\n\n")[:-2]]
    assert "".join(record["choices"][0]["text"] for record in records) == text
    _, cut = post(talker, "/v1/completions", prompt="Hi", max_tokens=2)
    assert json.loads(cut)["choices"][0]["text"] == "".join(REASONING[:2])
    _, plain = post(talker, "/v1/completions", prompt="Hi", thinking=False)
    assert json.loads(plain)["choices"][0]["text"] == "".join(ANSWER)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "prompt input_prefix input_suffix input_extra infill_order heal n_predict t_max_predict_ms stop stream "
    "response_fields temperature top_k top_p min_p seed thinking think reasoning_effort max_tokens model "
    "ignore_eos"
).split()


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5), st.sampled_from([completions, infill]))
def test_any_value_in_any_field_is_a_request_or_a_refusal(fields: dict[str, Any], module: Any) -> None:
    try:
        found = module.DIALECT.parse(json.dumps(fields).encode(), ParseContext(8192))
    except RequestError as error:
        assert error.status == 400
    else:
        assert isinstance(found, TurnRequest)
