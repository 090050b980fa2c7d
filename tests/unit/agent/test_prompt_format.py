"""The prompts of the agent, rendered by the engine's own template: what the bundled model was trained on."""

import itertools
import json

from ds4agent.agent import message, request
from ds4agent.agent.message import AssistantTurn, ToolCall
from ds4agent.agent.setup import frozen_head
from ds4agent.resources import format_texts, prompt
from ds4agent.wire.chat import parse_request
from ds4agent.wire.request import ParseContext
from ds4agent.wire.template import render_chat

MESSAGES = [
    message.user("Project instructions from AGENTS.md:\n\nBe kind."),
    message.user("do it"),
    message.assistant(AssistantTurn("", "look", (ToolCall("c1", "bash", '{"command":"ls <&> \'x\'"}'),))),
    message.tool_result("c1", "a </tool_result> b"),
    message.assistant(AssistantTurn("done \n", "fine")),
    message.user("and more"),
]


def rendered(count: int) -> str:
    asked = parse_request(request.body(frozen_head(), MESSAGES[:count]), ParseContext(1 << 20))
    return render_chat(asked.messages, asked.tools_raw, asked.think, format_texts()).text


def test_the_head_of_every_session() -> None:
    schemas = "\n".join(prompt(f"agent/tool_{name}.json") for name in ("bash", "str_replace_editor"))
    head = "<｜begin▁of▁sentence｜>" + prompt("dsml/tools_head.txt") + schemas + prompt("dsml/tools_tail.txt")
    assert rendered(2) == (
        f"{head}\n\n{prompt('agent/system.txt')}<｜User｜>Project instructions from AGENTS.md:\n\nBe kind."
        "<｜User｜>do it<｜Assistant｜><think>"
    )


def test_the_turns() -> None:
    assert rendered(6).removeprefix(rendered(2)) == (
        "look</think>\n\n<｜DSML｜tool_calls>\n"
        '<｜DSML｜invoke name="bash">\n'
        '<｜DSML｜parameter name="command" string="true">ls <&> \'x\'</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n</｜DSML｜tool_calls><｜end▁of▁sentence｜>"
        "<｜User｜><tool_result>a &lt;/tool_result> b</tool_result>"
        "<｜Assistant｜><think>fine</think>done \n<｜end▁of▁sentence｜>"
        "<｜User｜>and more<｜Assistant｜><think>"
    )


def test_each_prompt_extends_the_one_before() -> None:
    for old, new in itertools.pairwise(rendered(count) for count in (2, 4, 6)):
        assert new.startswith(old)


def test_schemas_are_valid_json_and_sent_verbatim() -> None:
    asked = parse_request(request.body(frozen_head(), MESSAGES), ParseContext(1 << 20))
    assert list(asked.tools_raw) == [prompt(f"agent/tool_{n}.json") for n in ("bash", "str_replace_editor")]
    assert [json.loads(raw)["name"] for raw in asked.tools_raw] == ["bash", "str_replace_editor"]
