"""The transcript: what was written is there after any crash, byte for byte."""

import itertools
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ds4agent.agent import message, request
from ds4agent.agent.message import AssistantTurn, ToolCall
from ds4agent.agent.request import Head
from ds4agent.agent.transcript import SessionBusy, Transcript, TranscriptError, compose, parse
from tests.examples import examples

HEAD = Head(
    "m", "system \n text \u2028", ('{"name": "a",  "x": 1}', '{"name":"b"}'), '"thinking":{"type":"enabled"}'
)
TURNS = [
    ("user", [message.user("instructions\n"), message.user('task ü \\n "raw":[ ,"raw":[')]),
    (
        "assistant",
        [message.assistant(AssistantTurn("", " why ", (ToolCall("c1", "bash", '{"command": "ls"}'),)))],
    ),
    ("tool", [message.tool_result("c1", "a\nb\x00\x1b")]),
    ("assistant", [message.assistant(AssistantTurn("done \n\n", ""))]),
    ("user", [message.user("again \ud800")]),
]


def write(path: Path) -> list[tuple[int, bytes]]:
    """A whole session; (file size, next request) behind each record."""
    transcript = Transcript.create(path, HEAD, cwd="/w", title="t")
    states = [(path.stat().st_size, request.body(HEAD, transcript.messages))]
    for role, messages in TURNS:
        transcript.append("messages", messages, role=role)
        states.append((path.stat().st_size, request.body(HEAD, transcript.messages)))
        transcript.append("call", id="c1")
        states.append((path.stat().st_size, request.body(HEAD, transcript.messages)))
    transcript.close()
    return states


def test_every_cut_gives_the_request_that_would_have_been_sent(tmp_path: Path) -> None:
    states = write(tmp_path / "s.jsonl")
    data = (tmp_path / "s.jsonl").read_bytes()
    for cut in range(states[0][0], len(data) + 1):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(data[:cut])
        transcript = Transcript.open(path)
        expected = [body for size, body in states if size <= cut][-1]
        assert request.body(transcript.head, transcript.messages) == expected
        if cut % 29 == 0:  # each one waits for the disk
            transcript.append("messages", [message.user("more")], role="user")
            transcript.close()
            transcript = Transcript.open(path)
            assert request.extends(expected, request.body(transcript.head, transcript.messages))
        transcript.close()


def test_each_request_extends_the_one_before(tmp_path: Path) -> None:
    states = write(tmp_path / "s.jsonl")
    for (_, old), (_, new) in itertools.pairwise(states):
        assert request.extends(old, new)


def test_a_cut_inside_the_first_record_is_no_session(tmp_path: Path) -> None:
    states = write(tmp_path / "s.jsonl")
    (tmp_path / "cut.jsonl").write_bytes((tmp_path / "s.jsonl").read_bytes()[: states[0][0] - 1])
    with pytest.raises(TranscriptError, match="does not begin with a session record"):
        Transcript.open(tmp_path / "cut.jsonl")


def test_damage_in_the_middle_is_told_and_not_repaired(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"\0" * 30 + b"\n", *lines[2:]]))
    with pytest.raises(TranscriptError, match="line 2 of the session file is damaged"):
        Transcript.open(path)


def test_a_block_of_zeros_at_the_end_is_dropped(tmp_path: Path) -> None:
    states = write(tmp_path / "s.jsonl")
    with (tmp_path / "s.jsonl").open("ab") as file:
        file.write(b"\0" * 100 + b"\n")
    transcript = Transcript.open(tmp_path / "s.jsonl")
    assert request.body(transcript.head, transcript.messages) == states[-1][1]
    transcript.close()


def test_one_writer(tmp_path: Path) -> None:
    write(tmp_path / "s.jsonl")
    first = Transcript.open(tmp_path / "s.jsonl")
    with pytest.raises(SessionBusy):
        Transcript.open(tmp_path / "s.jsonl")
    first.close()
    Transcript.open(tmp_path / "s.jsonl").close()


def test_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "s.jsonl"
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


FULL_DISK = """
import resource, sys
from pathlib import Path
from ds4agent.agent import message
from ds4agent.agent.transcript import Transcript, TranscriptError
path = Path(sys.argv[1])
transcript = Transcript.open(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, resource.RLIM_INFINITY))
try:
    transcript.append("messages", [message.user("x" * 200)], role="user")
except TranscriptError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
transcript.append("messages", [message.user("room again")], role="user")
"""


def test_a_record_that_does_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    states = write(path)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, cwd=Path.cwd()
    )
    assert done.stdout.strip() == f"the session could not be written to {path}: File too large", done.stderr
    transcript = Transcript.open(path)
    assert transcript.messages[-1] == message.user("room again")
    assert request.extends(states[-1][1], request.body(transcript.head, transcript.messages))
    transcript.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from ds4agent.agent import message
from ds4agent.agent.transcript import Transcript
transcript = Transcript.open(Path(sys.argv[1]))
transcript.append("messages", [message.user("on disk")], role="user")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_append_returned_for_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    write(path)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, cwd=Path.cwd())
    assert done.returncode == -signal.SIGKILL
    transcript = Transcript.open(path)
    assert transcript.messages[-1] == message.user("on disk")
    transcript.close()


@settings(max_examples=examples(60))
@given(st.lists(st.text(), max_size=4))
def test_records_keep_any_text(texts: list[str]) -> None:
    messages = [message.user(text) for text in texts]
    record = (
        parse(compose({"type": "messages", "role": "user"}, messages).rstrip(b"\n")) if messages else None
    )
    assert record is None or list(record.messages) == messages
