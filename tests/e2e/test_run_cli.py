"""What `ds4agent run` prints and returns, to the letter.

The engine is scripted, so that it misbehaves on cue; everything else is real.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from ds4agent import __version__
from tests.e2e.run_process import COMMAND, Home
from tests.unit.agent.harness import messages, results
from tests.unit.client.scripted_engine import HEAD, Pause, Script, ScriptedEngine, call, chunk, refusal, reply


def bash(number: int, command: str) -> tuple[str, str, str]:
    return call(number, "bash", {"command": command})


CREATE = call(2, "str_replace_editor", {"command": "create", "path": "f.txt", "file_text": "one\n"})


def test_the_answer_alone_is_on_stdout(tmp_path: Path) -> None:
    script = [
        reply("", "I make it.", [CREATE, bash(1, "cat f.txt")], tokens=(50, 9, 0)),
        reply("It says one.", tokens=(80, 5, 59)),
    ]
    with ScriptedEngine(script) as engine:
        home = Home(tmp_path, engine.url)
        ended = home.run("Make f.txt.")
    assert (ended.code, ended.out) == (0, "It says one.\n")
    lines = ended.err.splitlines()
    assert re.fullmatch(rf"session \S+ in {home.cwd}", lines[0])
    assert lines[1] == "~ I make it."
    assert re.fullmatch(r"  9 tokens, [\d.]+ t/s", lines[2])
    assert lines[3:6] == ["edit f.txt +1 lines (new file)", "$ cat f.txt", "  exit 0, 1 line"]
    assert messages(engine.bodies[0])[0]["content"].startswith(f"<environment>\ncwd: {home.cwd}\ndate: 2")


def test_events(tmp_path: Path) -> None:
    script = [reply("", "why", [bash(1, "echo hi")], tokens=(50, 9, 0)), reply("done", tokens=(80, 5, 59))]
    with ScriptedEngine(script) as engine:
        ended = Home(tmp_path, engine.url).run("--json", "go")
    kinds = [event["type"] for event in ended.events]
    assert kinds[:2] == ["session.started", "turn.started"]
    assert kinds[-2:] == ["turn.completed", "session.completed"]
    items = [(e["type"][5:], e["item"]["type"]) for e in ended.events if e["type"].startswith("item.")]
    assert list(dict.fromkeys(items)) == [
        ("started", "reasoning"),
        ("updated", "reasoning"),
        ("completed", "reasoning"),
        ("started", "command_execution"),
        ("completed", "command_execution"),
        ("started", "agent_message"),
        ("updated", "agent_message"),
        ("completed", "agent_message"),
    ]
    (command,) = [e["item"] for e in ended.events if e["type"] == "item.completed" and "command" in e["item"]]
    assert command == {
        "id": "item_1",
        "type": "command_execution",
        "command": "echo hi",
        "status": "completed",
        "aggregated_output": "hi",
        "exit_code": 0,
    }
    cache = [e for e in ended.events if e["type"] == "cache"][1]
    figures = {"predicted_tokens": 59, "cached_tokens": 59, "prompt_tokens": 80, "reread_tokens": 0}
    assert cache == {"type": "cache", **figures, "cause": None}
    assert ended.events[-2]["usage"] == {"input_tokens": 130, "cached_input_tokens": 59, "output_tokens": 14}
    session = ended.events[0]["session_id"]
    last = {"type": "session.completed", "session_id": session, "status": "completed", "exit_code": 0}
    assert ended.events[-1] == {**last, "denied": 0}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--cwd", "/no/such", "x"], "/no/such is not a folder"),
        (["--cwd", "/etc/hosts", "x"], "/etc/hosts is not a folder"),
        ([""], "the task is empty"),
        ([" \n"], "the task is empty"),
        ([], "there is no task; give one in quotes, or - to read it from standard input"),
        (["mend", "the", "tests"], "the task is 3 arguments; put it in quotes"),
        (["-"], "the task is empty"),
        (["--session", "nope", "x"], "there is no session 'nope'; `ds4agent sessions` lists them"),
        (["--session", "a", "--continue", "x"], "--session and --continue exclude each other"),
        (["--engine", "/dev/null", "x"], "/dev/null is no engine: give embedded, an http address, or"),
        (["--engine", "embedded", "--model", "/no.gguf", "x"], "the model /no.gguf does not exist"),
        (["--max-steps", "0", "x"], "--max-steps is 0; it has to be a whole number above 0"),
    ],
)
def test_bad_input(tmp_path: Path, words: list[str], complaint: str) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9")
    ended = home.run(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.complaint.startswith(complaint)
    assert not home.transcripts()
    events = home.run("--json", *words).events
    assert [event["type"] for event in events] == ["error", "session.completed"]
    assert (events[1]["status"], events[1]["exit_code"]) == ("usage", 2)


def test_nothing_to_continue(tmp_path: Path) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9")
    assert home.run("--continue", "x").complaint == f"there is no session to continue in {home.cwd}"


def test_wrong_flags_and_wrong_settings(tmp_path: Path) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9")
    assert home.run("--bogus", "x").code == 2
    assert home.run("--approve", "maybe", "x").code == 2
    file = tmp_path / ".config/ds4agent/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("aprove = 'ask'\n")
    ended = home.run("x")
    assert ended.code == 2
    assert ended.complaint.startswith(f"{file}: unknown key 'aprove' (did you mean 'approve'?); allowed are ")


def test_the_task_may_come_from_stdin(tmp_path: Path) -> None:
    with ScriptedEngine([reply("ok")]) as engine:
        assert Home(tmp_path, engine.url).run("-", stdin="From a file: äö\n").out == "ok\n"
    assert messages(engine.bodies[0])[0]["content"].endswith("\n\nFrom a file: äö\n")


def test_continuing(tmp_path: Path) -> None:
    with ScriptedEngine([reply("one"), reply("two"), reply("three")]) as engine:
        home = Home(tmp_path, engine.url)
        home.run("first")
        assert home.run("--continue", "second").out == "two\n"
        session = home.transcripts()[0].parent.name
        assert home.run("--session", session[:-1], "third").out == "three\n"
        assert (
            home.run("--continue").complaint
            == "nothing was left to do in the last turn of this session; give a task"
        )
        other = Home(tmp_path / "other", engine.url, {"HOME": str(tmp_path)})
        assert other.run("--session", session, "x").complaint.endswith(
            f"belongs to {home.cwd}, not to {other.cwd}"
        )
        listing = home.command([*COMMAND, "sessions"])
        assert listing.out.split()[0] == session
        assert listing.out.endswith("first\n")
    assert [m["content"] for m in messages(engine.bodies[2])][1:] == ["one", "second", "two", "third"]


def test_the_working_directory_of_the_shell_outlives_the_process(tmp_path: Path) -> None:
    script = [
        reply("", "", [bash(1, "mkdir sub; cd sub")]),
        reply("a"),
        reply("", "", [bash(2, "pwd")]),
        reply("b"),
    ]
    with ScriptedEngine(script) as engine:
        home = Home(tmp_path, engine.url)
        home.run("go")
        home.run("--continue", "where?")
    assert results(engine.bodies[3]) == ["(no output)", f"{home.cwd}/sub"]


@pytest.mark.parametrize(
    ("script", "code", "complaint"),
    [
        (
            refusal(500, {"error": {"message": "prefill failed"}}),
            1,
            "the engine failed (500): prefill failed",
        ),
        (reply("part", finish="length"), 3, "the reply was cut off at the engine's limit of tokens"),
        ([HEAD, chunk({"content": "par"})], 5, "the engine at {url} broke off in the middle of its reply"),
    ],
)
def test_failures(tmp_path: Path, script: list[bytes], code: int, complaint: str) -> None:
    with ScriptedEngine([script]) as engine:
        home = Home(tmp_path, engine.url)
        ended = home.run("go")
    assert (ended.code, ended.out) == (code, "")
    assert ended.complaint == complaint.format(url=engine.url)
    session = home.transcripts()[0].parent.name
    what = " TASK" if code == 3 else ""
    assert ended.err.endswith(f"to go on: ds4agent run --session {session}{what}\n")


def test_a_session_that_is_too_long(tmp_path: Path) -> None:
    error = {"message": "Prompt has 9 tokens", "code": "context_length_exceeded"}
    with ScriptedEngine([refusal(400, {"error": error})]) as engine:
        ended = Home(tmp_path, engine.url).run("go")
    assert ended.code == 3
    text = "the session does not fit into the engine's context; start a new one: Prompt has 9 tokens"
    assert ended.complaint == text
    assert "to go on" not in ended.err


def test_no_engine_keeps_the_task(tmp_path: Path) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9")
    ended = home.run("remember me")
    assert (ended.code, ended.complaint) == (5, "no engine answers at http://127.0.0.1:9: Connection refused")
    with ScriptedEngine([reply("I did")]) as engine:
        home.engine = engine.url
        assert home.run("--continue").out == "I did\n"
    assert messages(engine.bodies[0])[0]["content"].endswith("\n\nremember me")


def test_a_model_that_repeats_itself(tmp_path: Path) -> None:
    def runaway() -> Iterator[bytes]:
        yield HEAD
        while True:
            yield chunk({"content": "and so on "})

    with ScriptedEngine([runaway(), runaway(), reply("Here I am.")]) as engine:
        home = Home(tmp_path, engine.url)
        ended = home.run("--json", "go")
        assert (ended.code, ended.complaint) == (1, "the model repeated the same text without end")
        assert home.run("--continue", "And now?").out == "Here I am.\n"
    error = {"type": "error", "message": ended.complaint, "kind": "repetition"}
    assert [event for event in ended.events if event["type"] == "error"] == [error]
    (warning,) = [e["item"] for e in ended.events if e.get("item", {}).get("type") == "error"]
    assert warning["message"] == "the model repeated the same text without end; it was told to go on"
    assert ended.events[-1]["status"] == "failed"
    assert engine.bodies[2].startswith(engine.bodies[1][:-2])


def test_a_model_that_goes_round_in_circles(tmp_path: Path) -> None:
    script = [reply("", "", [bash(n, f"echo {n % 3}")]) for n in range(20)]
    with ScriptedEngine(script) as engine:
        ended = Home(tmp_path, engine.url).run("--json", "go")
    assert (ended.code, ended.complaint) == (1, "the model kept making the same calls with the same results")
    assert [event["kind"] for event in ended.events if event["type"] == "error"] == ["loop"]
    assert len(engine.bodies) == 11


def test_a_limit_of_steps(tmp_path: Path) -> None:
    with ScriptedEngine([reply("", "", [bash(1, "true")])]) as engine:
        ended = Home(tmp_path, engine.url).run("--max-steps", "1", "go")
    assert (ended.code, ended.complaint) == (3, "stopped after 1 request, the limit of a turn (--max-steps)")


def test_a_denied_step(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    wish = call(1, "str_replace_editor", {"command": "create", "path": str(outside), "file_text": "x"})
    with ScriptedEngine([reply("", "", [wish]), reply("I could not.")]) as engine:
        ended = Home(tmp_path, engine.url).run("--json", "go")
    assert ended.code == 4
    assert (ended.events[-1]["status"], ended.events[-1]["denied"]) == ("denied", 1)
    assert not outside.exists()


def test_asking_without_anybody_there(tmp_path: Path) -> None:
    with ScriptedEngine([reply("", "", [bash(1, "touch mark")]), reply("No.")]) as engine:
        home = Home(tmp_path, engine.url)
        ended = home.run("--approve", "ask", "go")
    assert (ended.code, ended.out) == (4, "No.\n")
    assert results(engine.bodies[1]) == ["Error: denied: nobody is there to approve it."]
    assert not (home.cwd / "mark").exists()


@pytest.mark.parametrize(
    ("answer", "code", "result"), [("y", 0, "yes it ran"), ("n", 4, "Error: denied: the user said no.")]
)
def test_asking_on_a_terminal(tmp_path: Path, answer: str, code: int, result: str) -> None:
    with ScriptedEngine([reply("", "", [bash(1, "echo yes it ran")]), reply("Done.")]) as engine:
        home = Home(tmp_path, engine.url)
        words = home.words("--approve", "ask", "go")
        child = pexpect.spawn(words[0], words[1:], env=home.env, encoding="utf-8", timeout=60)
        child.expect_exact("run: echo yes it ran")
        child.expect_exact("allow this? [y/N] ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
    assert child.exitstatus == code
    assert results(engine.bodies[1]) == [result]


def test_what_was_typed_before_a_question_is_no_answer(tmp_path: Path) -> None:
    pause = Pause()
    asks = reply("", "", [bash(1, "echo ran")])
    with ScriptedEngine([[*asks[:1], pause, *asks[1:]], reply("Done.")]) as engine:
        home = Home(tmp_path, engine.url)
        words = home.words("--approve", "ask", "go")
        child = pexpect.spawn(words[0], words[1:], env=home.env, encoding="utf-8", timeout=60)
        assert pause.reached.wait(60)
        child.sendline("y")
        child.expect_exact("y\r\n")
        pause.go.set()
        child.expect_exact("allow this? [y/N] ")
        child.sendline("n")
        child.expect(pexpect.EOF)
        child.close()
    assert child.exitstatus == 4
    assert results(engine.bodies[1]) == ["Error: denied: the user said no."]


def test_ctrl_c_stops_the_turn_and_keeps_the_session(tmp_path: Path) -> None:
    pause = Pause()
    script: list[Script] = [[HEAD, chunk({"content": "I am"}), pause], reply("Back.")]
    with ScriptedEngine(script) as engine:
        home = Home(tmp_path, engine.url)
        with home.started("go") as run:
            run.until("item.updated")
            run.signal(signal.SIGINT)
            ended = run.end()
        assert ended.code == 130
        assert ended.complaint == "interrupted"
        assert ended.events[-1]["status"] == "interrupted"
        assert engine.hung_up.wait(30)
        assert home.run("--continue", "go on").out == "Back.\n"
    assert engine.bodies[1].startswith(engine.bodies[0][:-2])
    assert [m["content"] for m in messages(engine.bodies[1])][1:] == ["I am", "go on"]


def test_ctrl_c_in_a_command(tmp_path: Path) -> None:
    wish = bash(1, "echo begun; echo > ready; sleep 1000; echo never")
    with ScriptedEngine([reply("", "", [wish]), reply("Ok.")]) as engine:
        home = Home(tmp_path, engine.url)
        os.mkfifo(home.cwd / "ready")
        with home.started("go") as run:
            (home.cwd / "ready").read_bytes()
            run.signal(signal.SIGINT)
            assert run.end().code == 130
        assert home.run("--continue", "so?").out == "Ok.\n"
    assert results(engine.bodies[1]) == ["begun\n[interrupted by the user]"]


def test_kill_9_and_go_on(tmp_path: Path) -> None:
    script: list[Script] = [
        reply("", "", [bash(1, "echo a")]),
        [HEAD, chunk({"content": "th"}), Pause()],
        reply("The end."),
    ]
    with ScriptedEngine(script) as engine:
        home = Home(tmp_path, engine.url)
        with home.started("go") as run:
            run.until("item.updated", "agent_message")
            run.signal(signal.SIGKILL)
            run.process.wait()
        assert home.run("--continue").out == "The end.\n"
    assert engine.bodies[2] == engine.bodies[1]


def test_one_process_a_session(tmp_path: Path) -> None:
    with ScriptedEngine([[HEAD, chunk({"content": "I"}), Pause()]]) as engine:
        home = Home(tmp_path, engine.url)
        with home.started("go") as run:
            run.until("item.updated")
            ended = home.run("--continue", "me too")
            assert (ended.code, ended.complaint) == (1, "another process is working on this session")


def test_a_full_disk(tmp_path: Path) -> None:
    script = [reply("", "", [bash(1, "echo ran; touch mark")]), reply("x" * 30_000)]
    with ScriptedEngine([*script, reply("Room again.")]) as engine:
        home = Home(tmp_path, engine.url)
        words = " ".join(f"'{word}'" for word in home.words("go"))
        ended = home.command(["bash", "-c", f"ulimit -f 16; exec {words}"])
        path = home.transcripts()[0]
        assert ended.code == 1
        assert ended.complaint == f"the session could not be written to {path}: File too large"
        assert home.run("--continue").out == "Room again.\n"
    assert engine.bodies[2] == engine.bodies[1]


def test_no_place_for_sessions(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("")
    home = Home(tmp_path, "http://127.0.0.1:9", {"XDG_DATA_HOME": str(tmp_path / "blocked")})
    ended = home.run("go")
    assert ended.code == 1
    assert ended.complaint.startswith("no session can be stored in ")


def test_a_reader_that_goes_away_does_not_stop_the_work(tmp_path: Path) -> None:
    script = [reply("", "", [bash(1, "touch mark")]), reply("Done.")]
    with ScriptedEngine(script) as engine:
        home = Home(tmp_path, engine.url)
        process = subprocess.Popen(
            home.words("--json", "go"),
            env=home.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(60) == 0, err
        assert "Traceback" not in err
    assert (home.cwd / "mark").exists()


def test_an_answer_that_cannot_be_printed_is_a_failure(tmp_path: Path) -> None:
    with ScriptedEngine([reply("The answer."), reply("Once more.")]) as engine:
        home = Home(tmp_path, engine.url)
        words = " ".join(f"'{word}'" for word in home.words("go"))
        ended = home.command(["bash", "-c", f"{words} >/dev/full"])
        assert (ended.code, ended.complaint) == (
            1,
            "the answer could not be printed: No space left on device",
        )
        assert home.command(["bash", "-c", f"{words} >&- 2>&- <&-"]).code == 0
    assert len(engine.bodies) == 2


def test_an_edit_is_shown_before_it_is_allowed(tmp_path: Path) -> None:
    change = {"command": "create", "path": "a.txt", "file_text": "one\n\x1b[2Kno\u202ewt\n"}
    script = [reply("", "", [call(1, "str_replace_editor", change)]), reply("Done.")]
    with ScriptedEngine(script) as engine:
        home = Home(tmp_path, engine.url)
        words = home.words("--approve", "ask", "go")
        child = pexpect.spawn(words[0], words[1:], env=home.env, encoding="utf-8", timeout=60)
        child.expect_exact("allow this? [y/N] ")
        shown = child.before
        assert not (home.cwd / "a.txt").exists()
        child.sendline("y")
        child.expect(pexpect.EOF)
        child.close()
    assert shown.endswith(
        "create a.txt\r\n--- /dev/null\r\n+++ b/a.txt\r\n@@ -0,0 +1,2 @@\r\n+one\r\n+\\x1b[2Kno\\u202ewt\r\n"
    )
    assert (home.cwd / "a.txt").read_text() == change["file_text"]


def test_several_runs_side_by_side(tmp_path: Path) -> None:
    with ScriptedEngine([reply("a"), reply("b"), reply("c")]) as engine:
        home = Home(tmp_path, engine.url)
        runs = [
            subprocess.Popen(
                home.words("go"), env=home.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for _ in range(3)
        ]
        answers = sorted(run.communicate(timeout=60)[0] for run in runs)
    assert answers == ["a\n", "b\n", "c\n"]
    assert len(home.transcripts()) == 3


def test_version_help_and_unknown_commands(tmp_path: Path) -> None:
    home = Home(tmp_path, "auto")
    assert home.command([*COMMAND, "--version"]).out == f"ds4agent {__version__}\n"
    shown = home.command([*COMMAND, "--help"])
    assert shown.code == 0
    assert re.search(r"^  run +Carry out TASK", shown.out, re.MULTILINE)
    unknown = home.command([*COMMAND, "fly"])
    assert unknown.code == 2
    assert "No such command 'fly'" in unknown.err


def test_what_nobody_expected_is_one_sentence(tmp_path: Path) -> None:
    code = "import sys; from ds4agent.cli import main; main.COMMANDS['run'] = 'no.such.module'; main.main()"
    home = Home(tmp_path, "auto")
    ended = home.command([sys.executable, "-c", code, "run", "x"])
    assert ended.code == 1
    log = tmp_path / ".local/state/ds4agent/crash.log"
    said = f"internal error: ModuleNotFoundError: No module named 'no' (details in {log})"
    assert ended.complaint == said
    assert "Traceback" in log.read_text()
