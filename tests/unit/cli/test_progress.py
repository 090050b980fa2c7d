"""What is shown to people: in a log, on a terminal, and of text that would act on a terminal."""

import errno
import io
import os
import pty
import re
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ds4agent.agent import events
from ds4agent.agent.events import Event, Item, ItemCompleted, ItemStarted, ItemUpdated, Status
from ds4agent.cli import progress
from ds4agent.cli.progress import Progress, brief, ending, visible


def item(kind: str, **fields: object) -> Item:
    return Item("item_0", kind, fields)


def message(kind: str, text: str) -> list[Event]:
    started, whole = item(kind, text=""), item(kind, text=text)
    return [ItemStarted(started), *(ItemUpdated(item(kind), c) for c in text), ItemCompleted(whole)]


def command(text: str) -> list[Event]:
    done = item("command_execution", command=text)
    return [ItemStarted(done), ItemCompleted(done, "exit 0, 2 lines")]


def log(*told: Event) -> list[str]:
    out = io.StringIO()
    shown = Progress(out)
    for event in told:
        shown(event)
    return out.getvalue().splitlines()


def test_a_log_has_a_line_a_step() -> None:
    said = log(
        events.SessionStarted("s1", "/work/x", False),
        events.Prefill(1000, 1000, 250),
        *message("reasoning", "I look\nat it."),
        events.Writing("bash", 40),
        events.Decoded(30, 1.5),
        *message("agent_message", "Now the tests."),
        *command("make test"),
        ItemCompleted(item("file_change", path="a.py"), "1: -a +b"),
        ItemCompleted(item("error", message="told to go on")),
        events.Cache(10, 8, 12, 2, "another request"),
        *message("agent_message", "Done."),
        events.Failure("no more", "failed"),
        events.SessionCompleted("s1", Status.FAILED, 0, "ds4agent run --session s1"),
    )
    assert said == [
        "session s1 in /work/x",
        "prefill 100% (1000/1000 tokens, 250 t/s)",
        "~ I look at it.",
        "  30 tokens, 20.0 t/s",
        "> Now the tests.",
        "$ make test",
        "  exit 0, 2 lines",
        "edit a.py 1: -a +b",
        "! told to go on",
        "! 2 tokens were read again: another request",
        "ds4agent: no more",
        "to go on: ds4agent run --session s1",
    ]


def test_a_prefill_that_nobody_waits_for_is_not_shown() -> None:
    assert log(events.Prefill(40, 40, 900)) == []


def test_the_answer_is_for_stdout() -> None:
    assert log(*message("agent_message", "The answer.")) == []


@contextmanager
def terminal(columns: int) -> Iterator[tuple[Progress, int]]:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    try:
        termios.tcsetwinsize(theirs, (24, columns))
        with os.fdopen(theirs, "w") as out:
            yield Progress(out), ours
    finally:
        os.close(ours)


def read(descriptor: int) -> str:
    data = b""
    while True:
        try:
            data += os.read(descriptor, 65536)
        except BlockingIOError:
            return data.decode()
        except OSError as error:
            assert error.errno == errno.EIO
            return data.decode()


def test_the_living_line_fits_the_terminal_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LIVE_SECONDS", 0.0)
    with terminal(40) as (shown, out):
        for event in message("reasoning", "It is a long thought, and it goes on and on. 漢字漢字漢字"):
            shown(event)
        living = re.findall(r"\r([^\r\x1b\n]+)\x1b\[K", read(out))
        assert living[0] == "~ I"
        assert living[-1].endswith("on. 漢字漢字漢字")
        assert all(len(line.encode("gbk")) < 40 for line in living)  # two bytes for what is two columns wide
        shown(events.Writing("bash", 12))
        assert read(out) == "\r  writing a call of bash, 12 characters\x1b[K"
        for event in message("agent_message", "Hi."):
            shown(event)
        assert read(out).endswith("\r> Hi.\x1b[K\r\x1b[K")


def test_a_prefill_is_rewritten_in_place() -> None:
    with terminal(80) as (shown, out):
        shown(events.Prefill(512, 1000, 250))
        shown(events.Prefill(1000, 1000, 250))
        first, second = "prefill 51% (512/1000 tokens, 250 t/s)", "prefill 100% (1000/1000 tokens, 250 t/s)"
        assert read(out) == f"\r{first}\x1b[K\r\x1b[K{second}\r\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 漢", "plain äöü 漢"),
        ("a\tb\nc", "a\tb\nc"),
        ("rm -rf /\r\x1b[2Kls", "rm -rf /\\r\\x1b[2Kls"),
        ("\u202elss\x07\x9b", "\\u202elss\\x07\\x9b"),
    ],
)
def test_text_cannot_act_on_the_terminal(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_shortening() -> None:
    assert brief("a  b\n c", 5) == "a b c"
    assert brief("abcdefgh", 6) == "abc..."
    assert ending("漢字abc", 4) == "abc"
    assert ending("漢字abc", 5) == "字abc"
    assert "\x1b" not in "".join(log(*command("echo \x1b[31m"), *message("reasoning", "\x1b]0;x\x07")))
