"""What a terminal showed, as a picture that moves: frames of screen text in one SVG.

A frame is shown for some seconds, then the next, then all again. Lines that are the same in many frames are
written once. Nothing in it but text, so that it can be read and compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

import pyte

LINE, COLUMN, MARGIN = 17, 8.43, 12
HEX = re.compile("[0-9a-f]{6}")
STYLE = """\
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
white-space:pre;fill:#d7dae0}
.frame{visibility:hidden;animation:%gs steps(1) infinite}"""


@dataclass(frozen=True)
class Run:
    """Text in one colour: six hexadecimal digits, or "default"."""

    text: str
    colour: str


@dataclass
class Recording:
    """`frames`: the lines of each, as runs, and how long it is shown."""

    rows: int
    columns: int
    frames: list[tuple[list[list[Run]], float]] = field(default_factory=list)

    def add(self, lines: list[list[Run]], seconds: float) -> None:
        """A screen that is as it was is shown for longer."""
        if self.frames and self.frames[-1][0] == lines:
            seconds += self.frames.pop()[1]
        self.frames.append((lines, seconds))

    def svg(self, title: str) -> str:
        width = self.columns * COLUMN + 2 * MARGIN
        height = self.rows * LINE + 2 * MARGIN
        known: dict[str, int] = {}
        frames = "".join(self._frames(known))
        lines = "\n".join(f'<text id="l{n}">{line}</text>' for line, n in known.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
            'xml:space="preserve">\n'
            f"<title>{escape(title)}</title>\n<style>{self._style()}</style>\n<defs>\n{lines}\n</defs>\n"
            f'<rect width="100%" height="100%" rx="8" fill="#1e2127"/>\n{frames}</svg>\n'
        )

    def _style(self) -> str:
        total, passed = sum(seconds for _, seconds in self.frames), 0.0
        rules = [STYLE % total]
        for number, (_, seconds) in enumerate(self.frames):
            first, last = 100 * passed / total, 100 * (passed + seconds) / total
            before = "" if number == 0 else "0%{visibility:hidden}"
            after = "" if number == len(self.frames) - 1 else f"{last:.3f}%{{visibility:hidden}}"
            rules.append(f"@keyframes f{number}{{{before}{first:.3f}%{{visibility:visible}}{after}}}")
            rules.append(f"#f{number}{{animation-name:f{number}}}")
            passed += seconds
        return "\n".join(rules)

    def _frames(self, known: dict[str, int]) -> list[str]:
        found = []
        for number, (lines, _) in enumerate(self.frames):
            uses = []
            for row, runs in enumerate(lines):
                if line := _line(runs):
                    name = known.setdefault(line, len(known))
                    uses.append(f'<use href="#l{name}" x="{MARGIN}" y="{MARGIN + (row + 1) * LINE - 4}"/>')
            found.append(f'<g class="frame" id="f{number}">{"".join(uses)}</g>\n')
        return found


def screen_lines(screen: pyte.Screen) -> list[list[Run]]:
    """What a terminal shows, in its colours."""
    rows = ([screen.buffer[row][column] for column in range(screen.columns)] for row in range(screen.lines))
    return [
        [
            Run("".join(char.data for char in chars), colour)
            for colour, chars in groupby(row, lambda char: char.fg)
        ]
        for row in rows
    ]


def _line(runs: list[Run]) -> str:
    if not "".join(run.text for run in runs).strip():
        return ""
    last = len(runs) - 1
    return "".join(
        _run(run.colour, run.text.rstrip() if n == last else run.text) for n, run in enumerate(runs)
    )


def _run(colour: str, text: str) -> str:
    if HEX.fullmatch(colour) and text.strip():
        return f'<tspan fill="#{colour}">{escape(text)}</tspan>'
    return escape(text)
