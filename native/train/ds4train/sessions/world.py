"""What a family works on: the session, the generated files with their facts, and helpers that several
families share.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from . import charts, configs, handwritten, names, prose, scenes, spots, usages
from .asking import Voice, dress
from .configs import Planned, Setting
from .grammar import GIVEN, Phrases
from .plantforms import Planted
from .session import Session

if TYPE_CHECKING:
    from .recordfix import Check
    from .records import Records

FIND_THINK = Phrases("""
There is no {said} here. I look for it by name.
{said} does not exist at that path. Find it.
That path is wrong. I search for {said}.
""")
FOUND_THINK = Phrases("""
The file is {path}. {again}
Found it: {path}. {again}
It is at {path}. {again}
""")


class World:
    def __init__(self, session: Session, planned: list[Planned]) -> None:
        self.s, self.planned = session, planned
        self.rng, self.split, self.tree = session.rng, session.split, session.tree
        self.planted: Planted | None = None
        self.tales: list[handwritten.Planted] = []
        self.records: list[Records] = []
        self.check: Check | None = None

    def framed(self, core: str, edits: bool = True) -> str:
        """The request as a whole message; as it is while several are being joined."""
        return core if self.s.joining else dress(self.rng, self.split, core, edits=edits)

    def say(self, family: str, text: str) -> str:
        self.s.user(family, text)
        return text.replace(GIVEN, "")

    def ask(self, family: str, core: str, edits: bool = True) -> str:
        return self.say(family, self.framed(core, edits))

    def voice(self) -> Voice:
        return Voice(self.rng, self.split)

    def alive(self) -> list[Planned]:
        """Files whose plan still names something in the tree."""
        return [p for p in self.planned if p.path in self.tree.files]

    def settings(self) -> list[tuple[Planned, Setting]]:
        """Settings that still stand as planned, each on a line of its own kind."""
        out = []
        for plan in self.alive():
            lines = [line.strip() for line in self.tree.lines(plan.path)]
            text = self.tree.files[plan.path]
            out += [
                (plan, s)
                for s in plan.settings
                if s.key and lines.count(s.line) == 1 and (text.count(s.line) == 1 or "\t" not in text)
            ]
        return out

    def facts(self) -> list[tuple[Planned, Setting]]:
        """Facts that people speak of in plain words and that still stand as planned."""
        return [
            (plan, s)
            for plan in self.alive()
            for s in plan.settings
            if s.says and self.tree.files[plan.path].count(s.line) == 1
        ]

    def unique_name(self, path: str) -> bool:
        base = path.rsplit("/", 1)[-1]
        return sum(p.rsplit("/", 1)[-1] == base for p in self.tree.files) == 1

    def said_path(self, path: str) -> str:
        """How the user names the path: sometimes without its folder, which the tools will not find."""
        if "/" in path and self.rng.random() < 0.12 and self.unique_name(path):
            return path.rsplit("/", 1)[-1]
        return path

    def recover(self, said: str, path: str, again: str) -> str:
        """After a failed first command on `said`: find the file.

        Returns the think text of the next step's start.
        """
        think = FIND_THINK(self.rng, {"said": said})
        self.s.bash(think, *self.tree.find_name(said.rsplit("/", 1)[-1]))
        return FOUND_THINK(self.rng, {"path": path, "again": again})

    def new_path(self, ext: str | None = None) -> str:
        """A path that does not exist yet; in a known, a new or no folder."""
        rng = self.rng
        while True:
            r = rng.random()
            folders = sorted(self.tree.folders)
            under = (
                ""
                if r < 0.45
                else (rng.choice(folders) + "/" if r < 0.65 and folders else configs.folder(rng, self.split))
            )
            ending = ext or rng.choice(
                (
                    "txt",
                    "txt",
                    "txt",
                    "md",
                    "py",
                    "json",
                    "cfg",
                    "sh",
                    "log",
                    "csv",
                    "yaml",
                    "toml",
                    "ini",
                    "html",
                )
            )
            path = f"{under}{names.file_stem(rng, self.split)}.{ending}"
            if path not in self.tree.files and path.removesuffix(f".{ending}") not in self.tree.folders:
                return path


def populate(rng: random.Random, split: str, small: bool) -> list[Planned]:
    """The project's files: settings files, notes, code, tables."""
    makers = (
        configs.config,
        configs.config,
        configs.config,
        prose.notes,
        prose.notes,
        prose.module,
        prose.module,
        prose.table,
        prose.page,
        prose.foreign,
        scenes.scene,
        scenes.scene,
        scenes.scene,
        scenes.scene,
        scenes.scene,
        spots.spot_file,
        spots.spot_file,
        spots.spot_file,
        spots.spot_file,
        charts.any_sight,
        charts.any_sight,
        charts.any_sight,
        charts.any_sight,
        charts.any_sight,
        charts.any_sight,
    )
    out: list[Planned] = []
    taken: set[str] = set()
    for _ in range(rng.randint(1, 3) if small else rng.randint(3, 9)):
        used = usages.usage(rng, split, rng.choice(out)) if out and rng.random() < 0.2 else None
        plan = used or rng.choice(makers)(rng, split)
        parents = {plan.path.rsplit("/", i)[0] for i in range(1, plan.path.count("/") + 1)}
        if (
            plan.path not in taken
            and not parents & {p.path for p in out}
            and not any(o.path.startswith(plan.path + "/") for o in out)
        ):
            taken.add(plan.path)
            out.append(plan)
    return out
