"""The text of `--help [TOPIC]`, made from the table of flags."""

import textwrap

from ds4agent.engine.flag_table import FLAGS, Flag

_WIDTH = 100
_INDENT = 28
# Topic -> what is said below its flags.
_NOTES = {
    "runtime": (
        "The lock that keeps a second ds4 process from starting is $DS4_LOCK_FILE, else /tmp/ds4.lock. "
        "Exit codes: 0 clean end, 1 model, session, trace file or port not to be had, 2 bad command line or "
        "lock held, 130 second signal while stopping."
    ),
    "distributed": "This engine runs on one machine.",
    "steering": "This engine does not steer.",
    "api": "One request a connection. HTTP only, no keys: keep it on loopback.",
    "kv-cache": (
        "Sessions are kept in memory (--batched-session). What is on disk holds prompts and replies in "
        "clear; `ds4agent kv` shows it."
    ),
    "thinking": (
        "Thinking is on unless a request turns it off: `thinking`, `think` or `reasoning_effort` (none, "
        "minimal, low, medium, high, xhigh, max). Effort max needs a context of at least 393216 tokens. "
        "Sampling values that a request gives hold while thinking, too."
    ),
}
TOPICS = (*_NOTES, "all")


def _entry(flag: Flag) -> str:
    head = f"  {', '.join(flag.names)} {flag.value}".rstrip()
    lines = textwrap.wrap(flag.help if flag.effect else "accepted, no effect", _WIDTH - _INDENT)
    if len(head) + 2 > _INDENT:
        lines.insert(0, "")
    rest = "".join(f"{'':{_INDENT}}{line}\n" for line in lines[1:])
    return f"{head:{_INDENT}}{lines[0]}".rstrip() + "\n" + rest


def _section(topic: str) -> str:
    entries = "".join(_entry(flag) for flag in FLAGS if flag.topic == topic)
    note = textwrap.fill(_NOTES[topic], _WIDTH - 2, initial_indent="  ", subsequent_indent="  ")
    return f"\n{topic}:\n{entries}{note}\n"


def usage(topic: str = "") -> str:
    """An unknown topic gets a notice and what no topic gets: the flags that do something."""
    head = "Usage: python -m ds4agent.engine [options]\n"
    if topic == "all":
        return head + "".join(map(_section, _NOTES))
    if topic in _NOTES:
        return head + _section(topic)
    notice = f"No help topic '{topic}'.\n\n" if topic else ""
    entries = "".join(_entry(flag) for flag in FLAGS if flag.effect)
    tail = f"  -h, --help [TOPIC]        one of: {', '.join(TOPICS)}\n"
    return f"{notice}{head}\n{entries}{tail}"
