"""What somebody who types gets: delays, tokens, memory, and how much of it is right.

The editor is this process, the language server and the embedded engine are processes of their own, on the
same cores. The file has 1,000 lines of Python that the model was not trained on: sources of ds4agent itself.
Delays are from the key's notification and request to the answer with text, without the debounce. Only keys
for which the engine was asked count; what is typed as suggested is answered at once.

Tokens: the engine counts all prompt tokens that it reads, also for requests that are taken back. They are
held against two figures. Changed: the tokens of each prompt behind the first one in which it differs from the
prompt before, which a cache of prefixes has to read at least. Typed: the tokens of the typed text, which are
fewer, since a letter may make other tokens of the letters before it. Once each key is waited for, so that all
prompts are read. Once 300 keys come, one every 60 ms, and none is waited for; then changed counts each key's
prompt, and a prompt that was taken back before it was read costs nothing.

Quality is measured by bench.editor_quality.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from lsprotocol import types

from bench import editor_quality
from bench.editor_text import WARM_LINES, Prompts, held_out
from bench.editor_typist import URI, Typist, busy, holes, read_tokens, settings, warmed
from tests.engine_fixtures import EngineProcess, resident, running_engine
from tests.ghost import INLINE, begin, ghost, params
from tests.lsp_client import editor

KEYS, EVERY_SECONDS = 300, 0.06
DELAYS, CANCELS, STARTS = 120, 20, 5


async def _delays(engine: EngineProcess, home: Path, text: str) -> tuple[list[float], float]:
    """Milliseconds from a key to its ghost text; of all prompts that were asked, tokens read / changed."""
    found: list[float] = []
    prompts, read, changed = Prompts(), 0, 0
    async with editor(home, encoding="utf-32", settings=settings(engine, warm=True)) as it:
        typist = Typist(it, text, WARM_LINES)
        await warmed(it, engine, WARM_LINES)
        prompts.see(typist.lines, typist.line, typist.column)
        while len(found) < DELAYS and typist.line < WARM_LINES + 50:
            before, had, began = holes(engine), read_tokens(engine), time.perf_counter()
            typist.key()
            item = await ghost(it, URI, typist.line, typist.column)
            seconds = time.perf_counter() - began
            asked = holes(engine) != before
            if asked:
                read += read_tokens(engine) - had
                changed += prompts.see(typist.lines, typist.line, typist.column)
            if item is not None and asked and "\n" not in item.insert_text:
                found.append(seconds * 1e3)
            await asyncio.sleep(max(0.0, EVERY_SECONDS - seconds))
    return found, read / changed


async def _cancels(engine: EngineProcess, home: Path, text: str) -> list[float]:
    """Milliseconds from the editor's cancel to an engine that is free, in the prefill of a cold prompt."""
    found: list[float] = []
    async with editor(home, encoding="utf-32", settings=settings(engine, warm=False, max_tokens=400)) as it:
        it.open(URI, text)
        for n in range(CANCELS):
            it.change(URI, (0, 0), (1, 0), f"# changed {n}\n")
            line = 200 + n * 10
            answer = it.client.protocol.send_request(INLINE, params(URI, line, 0), msg_id=f"cancel {n}")
            while not busy(engine):
                await asyncio.sleep(0)
            began = time.perf_counter()
            it.tell("$/cancelRequest", types.CancelParams(id=f"cancel {n}"))
            while busy(engine):
                await asyncio.sleep(0)
            found.append((time.perf_counter() - began) * 1e3)
            await asyncio.wrap_future(answer)
    return found


async def _burst(engine: EngineProcess, home: Path, text: str) -> dict[str, float]:
    """300 keys at 60 ms."""
    shown, crossed, stale, answers = 0, 0, 0, []
    prompts = Prompts()
    async with editor(home, encoding="utf-32", settings=settings(engine, warm=True)) as it:
        typist = Typist(it, text, WARM_LINES)
        await warmed(it, engine, WARM_LINES)
        prompts.see(typist.lines, typist.line, typist.column)
        before, changed = read_tokens(engine), 0

        async def hear(answer: asyncio.Future[Any], at: tuple[int, int]) -> None:
            nonlocal shown, crossed, stale
            if (found := await answer) is None:
                return
            start, now = found.items[0].range.start, (typist.line, typist.column)
            # An editor drops what is not the answer to its last request.
            crossed += at != now
            shown += at == now
            stale += at == now != (start.line, start.character)

        due = time.perf_counter()
        for _ in range(KEYS):
            typist.key()
            answer = begin(it, URI, typist.line, typist.column, types.InlineCompletionTriggerKind.Automatic)
            answers.append(asyncio.ensure_future(hear(answer, (typist.line, typist.column))))
            changed += prompts.see(typist.lines, typist.line, typist.column)
            due += EVERY_SECONDS
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await asyncio.gather(*answers)
        read = read_tokens(engine) - before
    typed = prompts.tokens(typist.typed)
    return {
        "shown": shown, "crossed": crossed, "stale": stale, "read": read, "changed": changed, "typed": typed
    }  # fmt: skip


async def _start(home: Path) -> tuple[float, float]:
    """Seconds from the start of the process to its first answer, and MB after it."""
    began = time.perf_counter()
    async with editor(home) as it:
        await it.ask("ds4/status/get", {})
        seconds = time.perf_counter() - began
        server = it.client._server
        assert server is not None
        return seconds, resident(server.pid) / 1e6


async def _memory(engine: EngineProcess, home: Path, text: str) -> float:
    """MB of the server after work in 20 documents of 1,000 lines."""
    async with editor(home, settings=settings(engine)) as it:
        for n in range(20):
            uri = it.open(f"file:///project/m{n}.py", text)
            for line in range(0, 200, 20):
                await ghost(it, uri, line, 0)
        server = it.client._server
        assert server is not None
        return resident(server.pid) / 1e6


def _row(what: str, value: str, goal: str = "") -> None:
    print(f"| {what} | {value} | {goal} |", flush=True)


async def _measure(home: Path) -> None:
    text = held_out()
    starts = [await _start(home) for _ in range(STARTS)]
    _row("server start to first answer, median", f"{statistics.median(s for s, _ in starts):.2f} s", "1 s")
    with running_engine(home / "engine", "--threads", "2") as engine:
        found, ratio = await _delays(engine, home, text)
        delays = sorted(found)
        median, p95 = statistics.median(delays), delays[int(len(delays) * 0.95)]
        _row(f"key to ghost text, median of {len(delays)}", f"{median:.0f} ms", "120 ms")
        _row("the same, 95th percentile", f"{p95:.0f} ms", "300 ms")
        _row("each key waited for: tokens read / changed", f"{ratio:.2f}x", "1.2x")
        ends = sorted(await _cancels(engine, home, text))
        _row("cancel to a free engine, median", f"{statistics.median(ends):.0f} ms")
        _row("the same, worst", f"{ends[-1]:.0f} ms", "50 ms")
        burst = await _burst(engine, home, text)
        shown = max(1, burst["shown"])
        _row(f"{KEYS} keys at 60 ms: texts shown", f"{burst['shown']}")
        _row("answers that crossed with a key, dropped", f"{burst['crossed']}")
        _row("stale texts shown", f"{burst['stale']}", "0")
        _row("prompt tokens read for each shown", f"{burst['read'] / shown:.2f}")
        _row("tokens read / changed", f"{burst['read'] / burst['changed']:.2f}x", "1.2x")
        _row("tokens read / typed", f"{burst['read'] / burst['typed']:.2f}x")
        memory = await _memory(engine, home, text)
    _row("memory of the server, at the start", f"{max(mb for _, mb in starts):.0f} MB", "60 MB")
    _row("memory of the server, after 20 documents", f"{memory:.0f} MB", "60 MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measure completion in an editor, and how much of it is right."
    )
    parser.add_argument("--lines", type=int, default=200, help="held-out lines of each kind (%(default)s)")
    options = parser.parse_args()
    print("| measurement | measured | goal |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))
        print()
        asyncio.run(editor_quality.measure(Path(folder) / "quality", options.lines))


if __name__ == "__main__":
    main()
