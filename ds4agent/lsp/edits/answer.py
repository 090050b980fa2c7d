"""What a model answered, as the lines to put in the place of others; or why it is no such thing."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from ds4agent.client.reply import Reply
from ds4agent.lsp.edits.lines import as_lines
from ds4agent.lsp.fences import blocks
from ds4agent.lsp.protocol import Failed

# How much of an answer without a fence has to be as it was to be taken for code.
LIKE_CODE = 0.5


def code(reply: Reply, old: Sequence[str]) -> list[str]:
    """Its code, in lines without ends. `old`: the lines that it is about. Raises Failed."""
    text = reply.content
    if reply.finish == "length":
        raise Failed("the model's answer was cut off, so nothing was changed; choose fewer lines")
    if not text.strip():
        raise Failed("the model answered with nothing, so nothing was changed")
    found = blocks(text)
    if found:
        lines = as_lines(found[0].text)
    elif SequenceMatcher(None, list(old), as_lines(text), autojunk=False).ratio() >= LIKE_CODE:
        lines = as_lines(text)
    else:
        raise Failed("the model answered with prose instead of code, so nothing was changed")
    if not any(line.strip() for line in lines):
        raise Failed("the model answered with an empty block, so nothing was changed")
    return lines
