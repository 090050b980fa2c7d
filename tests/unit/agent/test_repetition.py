"""The guard on a reply: cycles are noticed soon, regular text is left alone."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent import resources
from ds4agent.agent import loop as agent_loop
from ds4agent.agent.events import Status
from ds4agent.agent.repetition import FILE, LONGEST_UNIT, PROSE, Bound, CycleGuard, ReplyWatch
from ds4agent.agent.request import extends
from ds4agent.client.chat import Enough, Keepalive
from ds4agent.client.reply import CallBegun, CallGrown, Delta
from tests.unit.agent.harness import Bench, messages
from tests.unit.client.scripted_engine import HEAD, Script, ScriptedEngine, call, chunk, reply

BEFORE = "Now I look at the parser, which reads a line and splits it at the first colon.\n" * 2
PARAGRAPH = "".join(f"Wait, let me check case {n} once more, it may be off by one. " for n in range(14))


def fires_at(text: str, bound: Bound = PROSE, step: int = 3) -> int | None:
    """How many characters had been fed when the guard fired."""
    guard = CycleGuard()
    for at in range(0, len(text), step):
        if guard.feed(text[at : at + step], bound) is not None:
            return at + step
    return None


@pytest.mark.parametrize(
    "unit",
    ["!", "ab", "the ", "- [ ] todo\n", "0, 1, 2, 3,\n", "  <li></li>\n  <li>x</li>\n", PARAGRAPH, "日本"],
)
@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_cycle_is_noticed_soon(unit: str, step: int) -> None:
    assert len(unit) <= LONGEST_UNIT
    found = fires_at(BEFORE + unit * 8000, step=step)
    assert found is not None
    assert found <= len(BEFORE) + PROSE.of(len(unit)) + max(40, 2 * step)


@pytest.mark.parametrize(
    "text",
    [
        "=" * 390,
        "-" * 390 + "\n" + "=" * 390 + "\n",
        ("█" * 40 + "\n") * 9,
        "".join(f"| {n} | yes | no | maybe |\n" for n in range(300)),
        "".join(f"[{'#' * n}{'.' * (60 - n)}] {n}/60\n" for n in range(61)),
        "".join(f"test_{n} ... ok\n" for n in range(300)),
        (PARAGRAPH + "\n") * 7,
        " ".join(str(n) for n in range(2000)),
        "".join(f"def f{n}() -> None:\n    pass\n\n\n" for n in range(200)),
    ],
)
def test_regular_text_that_ends_is_left_alone(text: str) -> None:
    for step in (1, 5, 64):
        assert fires_at(BEFORE + text + BEFORE, step=step) is None


@given(st.text(alphabet="ab\n", max_size=399), st.integers(1, 50))
def test_short_text_never_fires(text: str, step: int) -> None:
    assert fires_at(text, step=step) is None


@given(st.text(min_size=1, max_size=60), st.text(max_size=200), st.integers(1, 90))
def test_every_unit_fires(unit: str, before: str, step: int) -> None:
    copies = 2 * PROSE.of(len(unit)) // len(unit) + 200
    assert fires_at(before + unit * copies, step=step) is not None


def test_the_unit_is_told() -> None:
    assert CycleGuard().feed("x" + "abc" * 300, PROSE) == "abc"


def arguments(watch: ReplyWatch, name: str, text: str, step: int = 4) -> None:
    watch.tell(CallBegun(name))
    for at in range(0, len(text), step):
        watch.tell(CallGrown(text[at : at + step]))


ZEROS = "0, " * 1000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("str_replace_editor", json.dumps({"command": "create", "path": "m.py", "file_text": ZEROS})),
        ("str_replace_editor", json.dumps({"command": "insert", "path": "m.py", "new_str": ZEROS})),
        ("str_replace_editor", json.dumps({"command": "str_replace", "path": "m", "old_str": ZEROS})),
        ("bash", json.dumps({"command": f"cat > m.py <<'EOF'\n{ZEROS}\nEOF"})),
    ],
)
def test_text_for_a_file_may_be_regular(name: str, text: str) -> None:
    for step in (1, 4, 11):
        arguments(ReplyWatch(), name, text, step)


def test_but_not_for_ever() -> None:
    text = '{"command":"create","path":"m.py","file_text":"' + "0, " * FILE.chars
    with pytest.raises(Enough):
        arguments(ReplyWatch(), "str_replace_editor", text)


@pytest.mark.parametrize(
    "text", ['{"command":"grep -rn ' + "a" * 600, '{"command":"view","path":"' + "src/" * 200]
)
def test_other_arguments_are_held_to_the_bound_of_prose(text: str) -> None:
    with pytest.raises(Enough):
        arguments(ReplyWatch(), "bash", text)


def test_the_same_call_many_times_in_one_reply() -> None:
    def calls(number: int) -> None:
        watch = ReplyWatch()
        for _ in range(number):
            arguments(watch, "bash", '{"command":"git status --short"}')

    calls(10)
    with pytest.raises(Enough):
        calls(14)


def test_a_call_behind_one_that_wrote_a_file() -> None:
    watch = ReplyWatch()
    arguments(watch, "str_replace_editor", '{"command":"create","path":"a","file_text":"x"}')
    with pytest.raises(Enough):
        arguments(watch, "bash", '{"command":"' + "!" * 600)


def test_the_parts_of_a_reply_are_apart() -> None:
    watch = ReplyWatch()
    for kind in ("reasoning", "content"):
        for _ in range(300):
            watch.tell(Delta(kind, "!"))
    watch.tell(Keepalive("prefill"))


def runaway(kind: str, text: str) -> Script:
    """A reply without an end; the test ends when the client hangs up."""
    return itertools.chain([HEAD], itertools.repeat(chunk({kind: text})))


def fragment(text: str) -> bytes:
    return chunk({"tool_calls": [{"index": 0, "function": {"arguments": text}}]})


def call_without_end() -> Script:
    first = {"index": 0, "id": "c", "type": "function", "function": {"name": "bash", "arguments": ""}}
    begin = [HEAD, chunk({"tool_calls": [first]}), fragment('{"command":"')]
    return itertools.chain(begin, itertools.repeat(fragment("echo ")))


@pytest.mark.parametrize("kind", ["content", "reasoning_content"])
def test_a_runaway_reply_is_kept_and_the_model_is_told(tmp_path: Path, kind: str) -> None:
    with ScriptedEngine([runaway(kind, "!"), reply("fine")]) as engine:
        bench = Bench(tmp_path, engine.url)
        assert bench.turn("go").answer == "fine"
    said, told = messages(engine.bodies[1])[1:]
    assert set(said[kind]) == {"!"}
    assert PROSE.chars <= len(said[kind]) < PROSE.chars + 100
    assert told == {"role": "user", "content": resources.prompt(agent_loop.REPETITION_REMINDER)}
    assert extends(engine.bodies[0], engine.bodies[1])
    assert [item["type"] for item in bench.items()][1] == "error"


def test_a_call_in_the_making_is_dropped(tmp_path: Path) -> None:
    with ScriptedEngine([call_without_end(), reply("fine")]) as engine:
        assert Bench(tmp_path, engine.url).turn("go").answer == "fine"
    assert messages(engine.bodies[1])[1] == {"role": "assistant", "content": ""}


def test_the_second_time_the_turn_fails_and_the_session_goes_on(tmp_path: Path) -> None:
    good = reply("", "", [call(1, "bash", {"command": "echo a"})])
    script = [runaway("content", "la "), good, runaway("reasoning_content", "la\n"), reply("back")]
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url)
        outcome = bench.turn("go")
        assert (outcome.status, outcome.kind) == (Status.FAILED, "repetition")
        assert outcome.problem == "the model repeated the same text without end"
        assert bench.turn("again").answer == "back"
    assert all(extends(old, new) for old, new in itertools.pairwise(engine.bodies))


def test_what_had_to_be_read_again_has_its_cause(tmp_path: Path) -> None:
    first = reply("", "", [call(1, "bash", {"command": "echo a"})], tokens=(100, 10, 0))
    script = [first, runaway("content", "!"), reply("fine", tokens=(300, 5, 0))]
    with ScriptedEngine(script) as engine:
        bench = Bench(tmp_path, engine.url)
        bench.turn("go")
    cause = "the reply before was broken off because it repeated itself"
    assert bench.caches()[1].cause == cause
