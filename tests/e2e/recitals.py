"""What the models of the end-to-end tests recite: a greeting, and two tool calls, in awkward pieces."""

from __future__ import annotations

M = "｜DSML｜"
REASONING = ["The user", " greets me,", " so I will", " answer shortly."]
ANSWER = ["Hello", "! How", " can I", " help you", " today", "? é中"]
LOOK = ["I need", " to list", " the directory."]
CALLS = [
    "I will look.", " One moment.", "\n\n", f"<{M}tool_calls>\n", f"<{M}invoke name=\"", 'bash">\n',
    f"<{M}parameter name=\"", 'command" string="true">', "ls -la", " src", ' && echo "a>b"',
    f"</{M}parameter>\n", f"</{M}invoke>\n", f'<{M}invoke name="read">\n', f'<{M}parameter name="path" ',
    'string="true">', "docs/", "notes.md", f"</{M}para", f"meter>\n<{M}param",
    'eter name="limit" string="false">', "20</｜", "DSML｜parameter>\n</｜DSML｜in",
    f"voke>\n</{M}tool_calls", ">\n",
]  # fmt: skip
BASH_ARGUMENTS = '{"command":"ls -la src && echo \\"a>b\\""}'
READ_ARGUMENTS = '{"path":"docs/notes.md","limit":20}'
