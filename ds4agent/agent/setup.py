"""What every session of the agent begins with, from the files of the package."""

from ds4agent import resources
from ds4agent.agent.request import Head
from ds4agent.agent.tools import SCHEMAS

DEFAULT_MODEL = "deepseek-v4-flash"
# Raw members of every request. Thinking is asked for in so many words: an alias could switch it off.
MODE = '"thinking":{"type":"enabled"}'


def frozen_head(model: str | None = None) -> Head:
    """System text, tool schemas and mode as they will be sent until the session ends (rule R1)."""
    tools = tuple(resources.prompt(f"agent/tool_{name}.json") for name in SCHEMAS)
    return Head(model or DEFAULT_MODEL, resources.prompt("agent/system.txt"), tools, MODE)
