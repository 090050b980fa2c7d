"""Training sessions: the rendered form is the product's own, and simulated tools say what real ones say."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ds4agent.wire.message import Message, ToolCall
from ds4agent.wire.template import FormatTexts, ThinkMode, render_chat
from native.train.ds4train.document import text_of
from native.train.ds4train.sessions import build, recordfix, sample
from native.train.ds4train.sessions.grammar import GIVEN, Wordings
from native.train.ds4train.sessions.recordcells import change_cell
from native.train.ds4train.sessions.replay import replay
from native.train.ds4train.sessions.session import Session
from native.train.ds4train.sessions.tasks import heldout_tasks
from native.train.ds4train.sessions.tree import Tree
from native.train.ds4train.sessions.world import World

PROMPTS = Path(__file__).resolve().parents[3] / "prompts"


def _read(name: str) -> str:
    return (PROMPTS / name).read_bytes().decode()


def _messages(session: Session) -> list[Message]:
    out = [Message("system", _read("agent/system.txt"))]
    for number, step in enumerate(session.steps):
        if step.kind in ("user", "instructions"):
            out.append(Message("user", step.text))
        elif step.kind == "call":
            call = ToolCall(f"call_{number}", step.tool, json.dumps(step.arguments, ensure_ascii=False))
            out.append(Message("assistant", "", step.think, (call,)))
            out.append(Message("tool", step.result, tool_call_id=call.id))
        else:
            out.append(Message("assistant", step.text, step.think))
    return out


@pytest.mark.parametrize("seed", range(40))
def test_a_session_is_rendered_as_the_agent_renders_it(seed: int) -> None:
    session = build(random.Random(seed), "train", 6000)
    names = ("tools_head", "tools_tail", "max_effort", "completion_system")
    texts = FormatTexts(*(_read(f"dsml/{name}.txt") for name in names))
    tools = [_read(f"agent/tool_{name}.json") for name in ("bash", "str_replace_editor")]
    rendered = render_chat(_messages(session), tools, ThinkMode.HIGH, texts)
    assert text_of(session.document()) == rendered.text


def _quick(session: Session) -> bool:
    """Whether no step starts pytest, which takes seconds."""
    return not any("pytest" in str(step.arguments.get("command")) for step in session.steps)


@pytest.mark.parametrize(
    "family",
    "change rename append find create_block run run_script insert_after look_one look_nowhere look_back"
    " find_word find_definition find_named run_wide chain"
    " look_record which_record change_record fix_record".split(),
)
def test_simulated_tools_agree_with_real_ones(family: str) -> None:
    for seed in range(3):
        session = build(random.Random(seed), "train", 6000, tasks=2, only=family)
        assert replay(session) == []


@pytest.mark.slow
def test_whole_sessions_agree_with_real_tools() -> None:
    sessions = [build(random.Random(seed), "train", 9000) for seed in range(900, 960)]
    slow = [s for s in sessions if not _quick(s)][:3]
    for session in [*filter(_quick, sessions), *slow]:
        assert replay(session) == []


def test_one_field_of_one_record_is_changed_and_no_other() -> None:
    """The same key below every header, the same number in two rows: whatever the notation."""
    done = 0
    for seed in range(150):
        session = build(random.Random(seed), "train", 3000, tasks=1, only="change_record")
        for task in session.tasks:
            (path,) = (p for p in task.goal if task.goal[p] != task.start[p])
            before, after = task.start[path].split("\n"), task.goal[path].split("\n")
            (changed,) = (n for n, line in enumerate(before) if line != after[n])
            assert task.answers[0] in after[changed]
            done += 1
    assert done > 60


def test_a_check_is_not_played_once_its_data_is_another() -> None:
    """Its failing output was made with the old value."""
    made = 0
    for seed in range(60):
        rng = random.Random(seed)
        tree = Tree(rng, "/repo")
        check = recordfix.plant(rng, "train", tree)
        if check is None:
            continue
        made += 1
        world = World(Session(rng, "train", tree, ""), [])
        world.check = check
        change_cell(world, check.records, check.i, check.j, check.want)
        assert not recordfix.fix_record(world)
    assert made > 5


def test_given_text_reaches_the_prompt_whole() -> None:
    for seed in range(60):
        session = build(random.Random(seed), "train", 6000, tasks=1, only="create_block")
        for step in session.steps:
            if step.tool == "str_replace_editor":
                assert str(step.arguments["file_text"]).rstrip("\n") in session.tasks[0].prompt


def test_no_mark_of_given_text_is_left_in_a_document() -> None:
    for seed in range(150):
        document = sample(random.Random(seed), 12_000)
        text = text_of(document)
        assert GIVEN not in text
        assert "@@" not in text
        assert len(text) <= 12_000
        assert [s.weight for s in document[:2]] == [0.0, 0.1]


def test_a_session_is_a_function_of_its_seed() -> None:
    assert text_of(sample(random.Random(7), 9000)) == text_of(sample(random.Random(7), 9000))


def test_heldout_wordings_are_never_those_of_training() -> None:
    wordings = Wordings("\n".join(f"line {n}" for n in range(20)))
    train = {wordings(random.Random(seed), "train", {}) for seed in range(300)}
    held = {wordings(random.Random(seed), "heldout", {}) for seed in range(300)}
    assert len(train) + len(held) == 20
    assert not train & held


def test_heldout_tasks_can_be_checked() -> None:
    tasks = heldout_tasks(40, seed=1)
    assert len(tasks) == 40
    assert all(t["prompt"] and ("run" in t["check"] or t["check"]["files"]) for t in tasks)
    assert {"change", "rename", "find", "fix", "several", "question"} <= {t["family"] for t in tasks}
