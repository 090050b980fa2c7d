"""What a part of a task finds, and a command's output as one such thing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import glue, names
from .tree import status
from .world import World


@dataclass
class Source:
    kind: str  # of phrasings_chain.ASK
    slots: dict[str, str]
    value: str
    act: Callable[[str], str]  # records the step; takes what the thought begins with
    seen: str  # the thought after it: what was seen, and the value
    said: str  # the answer's sentence
    path: str = ""
    type: str = ""  # the value's kind


def command(world: World) -> Source | None:
    rng = world.rng
    a, b, w = rng.randint(2, 99), rng.randint(2, 40), glue.a_word(rng)
    command, out = rng.choice((
        (f'python3 -c "print({a} * {b})"', str(a * b)), (f"echo $(({a} + {b}))", str(a + b)), (f"expr {a} + {b}", str(a + b)),
        (f"echo {w} | tr a-z A-Z", w.upper()), (f"python3 -c \"print('{w}'.title())\"", w.title()), (f"basename /srv/{w}/{w}.txt", f"{w}.txt"),
        (f"printf '%s-%s\\n' {w} {a}", f"{w}-{a}"), (f"echo {w} | rev", w[::-1]), (f"python3 -c \"print(len('{w}'))\"", str(len(w))),
        (f"python3 -c \"print('{w}' + '-' + '{names.invented(rng)}')\"", ""), ("pwd", world.tree.cwd), (f"seq {b} | tail -n 1", str(b)),
        (f"echo '{w} {a}'", f"{w} {a}"), (f"dirname {w}/{names.invented(rng)}.py", w),
    ))  # fmt: skip
    out = out or "-".join(re.findall(r"'(\w+)'", command))

    def act(lead: str) -> str:
        return world.s.bash(f"{lead}Run `{command}`.", command, status(out, 0))

    mark = rng.choice(("`", "`", ""))
    return Source(
        "command",
        {"c": f"{mark}{command}{mark}"},
        out,
        act,
        f"It printed `{out}`.",
        f"`{command}` printed `{out}`.",
    )
