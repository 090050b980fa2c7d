"""What somebody gets in VS Code: from the server's word to the screen, in headless Chromium.

VS Code's server, its window, the language server and the embedded engine are processes on the same cores.
The engine's model recites. A program stands before the language server and notes when each message leaves
it (bench/vscode_tap.py); the page notes when the text is in it and the next frame begins, by the same clock.
A frame is the time between two calls of requestAnimationFrame, a task is one of the page's that Chromium
reports as long (50 ms or more).
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Frame, expect

from tests.editors.vscode.code_server import CodeServer, running
from tests.editors.vscode.engines import LINE, TOTAL, WRITTEN, reciter, url
from tests.editors.vscode.workbench import GHOST, Workbench, browser, window

TIMES, DELTAS = 20, 10_000
NOTE_TEXT = """([selector, text]) => {
    window.noted = 0;
    window.seer?.disconnect();
    window.seer = new MutationObserver(() => {
        if (window.noted) return;
        if (![...document.querySelectorAll(selector)].some(e => e.textContent.includes(text))) return;
        window.noted = -1;
        requestAnimationFrame(() => { window.noted = performance.timeOrigin + performance.now(); });
    });
    window.seer.observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
NOTE_FRAMES = """() => {
    window.frames_ms = []; window.tasks_ms = [];
    let last = performance.now();
    const next = () => { const now = performance.now(); window.frames_ms.push(now - last); last = now;
        requestAnimationFrame(next); };
    requestAnimationFrame(next);
    new PerformanceObserver(all => window.tasks_ms.push(...all.getEntries().map(e => e.duration)))
        .observe({ entryTypes: ["longtask"] });
}"""


class Tap:
    """The program before the language server, and what it has noted."""

    def __init__(self, folder: Path) -> None:
        self.program, self.notes = folder / "ds4agent", folder / "notes"
        self.notes.touch()
        server = str(Path(sys.executable).parent / "ds4agent")
        (folder / "tap.json").write_text(json.dumps({"server": server, "notes": str(self.notes)}))
        code = (Path(__file__).parent / "vscode_tap.py").read_text()
        self.program.write_text(f"#!{sys.executable}\n{code}")
        self.program.chmod(0o755)

    def said(self, what: str) -> list[float]:
        lines = [line.partition(" ") for line in self.notes.read_text().splitlines()]
        return [float(at) for at, _, said in lines if said.strip() == what]


def _open(it: Workbench, folder: Path, tap: Tap, engine: str, completion: str) -> None:
    folder.mkdir()
    file = folder / "sum.py"
    file.write_text(TOTAL)
    it.server.configure(
        ds4agent__path=str(tap.program),
        ds4agent__engine=engine,
        ds4agent__lsp__completion=completion,
        ds4agent__lsp__completion_engine=engine,
    )
    it.open(folder, file)


def _noted(frame: Frame) -> float:
    frame.wait_for_function("() => window.noted > 0")
    return float(frame.evaluate("() => window.noted"))


def ghost(it: Workbench, tap: Tap) -> list[float]:
    """Milliseconds from the server's answer to ghost text."""
    found = []
    it.go(2)
    it.key("End")
    for number in range(TIMES):
        it.key("Enter")
        it.type(f"value{number} =")
        it.page.evaluate(NOTE_TEXT, [GHOST, LINE.split()[-1]])
        it.type(" ")
        shown = _noted(it.page.main_frame)
        found.append(shown - [at for at in tap.said("textDocument/inlineCompletion") if at < shown][-1])
        it.key("Escape")
    return found


def chat(it: Workbench, tap: Tap) -> list[float]:
    """Milliseconds from the first delta to the first letter."""
    found = []
    view = it.chat()
    for number in range(TIMES):
        had = len(tap.said("ds4/chat/delta text"))
        view.evaluate(NOTE_TEXT, [f"#turns article:nth-of-type({number + 1}) .reply", WRITTEN[0]])
        view.fill("#question", f"question {number}")
        view.press("#question", "Enter")
        shown = _noted(view)
        expect(view.locator("#turns article .foot").last).to_contain_text("written")
        found.append(shown - tap.said("ds4/chat/delta text")[had])
    return found


def stream(it: Workbench) -> tuple[list[float], list[float]]:
    """Frames and long tasks, in milliseconds, while many deltas are shown."""
    view = it.chat()
    view.evaluate(NOTE_FRAMES)
    view.fill("#question", "all of it")
    view.press("#question", "Enter")
    expect(view.locator("#turns article .foot").last).to_contain_text("written", timeout=600_000)
    return view.evaluate("() => window.frames_ms"), view.evaluate("() => window.tasks_ms")


def activation(it: Workbench) -> str:
    it.command("Developer: Show Running Extensions")
    row = it.page.locator(".runtime-extensions-editor .extension, .editor-instance .extension")
    return row.filter(has_text="ds4agent").locator(".activation-time").first.inner_text()


def _line(name: str, found: list[float], goal: float) -> None:
    middle = statistics.median(found)
    p90 = sorted(found)[int(len(found) * 0.9)]
    print(f"{name:38} median {middle:6.1f}  p90 {p90:6.1f}  worst {max(found):6.1f}  goal {goal:g} ms")


def _measure(server: CodeServer, home: Path) -> None:
    tap = Tap(home)
    with reciter(home / "short", ["hm"], WRITTEN) as engine, browser() as inside:
        with window(inside, server) as it:
            _open(it, home / "ghost", tap, url(engine), "auto")
            found = re.search(r"[\d.]+", activation(it))
            print(f"{'activation':38} {found[0] if found else '?'} ms  goal 200 ms")
            it.key("Control+w")
            _line("ghost text after the server's answer", ghost(it, tap), 60)
        with window(inside, server) as it:
            _open(it, home / "chat", tap, url(engine), "off")
            _line("first letter after the first delta", chat(it, tap), 30)
    pieces = [f"word{n} " if n % 12 else f"word{n}.\n\n" for n in range(DELTAS)]
    with reciter(home / "long", ["hm"], pieces) as engine, browser() as inside, window(inside, server) as it:
        _open(it, home / "stream", tap, url(engine), "off")
        frames, tasks = stream(it)
        _line(f"frames of {DELTAS:,} deltas", frames, 50)
        print(
            f"{'tasks of the page of 50 ms or more':38} {len(tasks)}, longest {max(tasks, default=0):.0f} ms"
        )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vscode-") as name:
        home = Path(name)
        (home / "server").mkdir()
        with running(home / "server") as server:
            _measure(server, home)


if __name__ == "__main__":
    main()
