"""The persistent shell: real bash in a real pseudo-terminal."""

import itertools
import os
import select
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ds4agent.agent import drain
from ds4agent.agent import shell as shell_module
from ds4agent.agent.output import CAP
from ds4agent.agent.shell import Shell, ShellResult
from ds4agent.agent.terminal import ShellError, tool_environment
from ds4agent.client.cancel import Cancel, Cancelled

LONG = 60.0
STOPPED = "[the command that was still running was stopped]"


def make_shell(folder: Path, limit: float = LONG) -> Shell:
    numbers = itertools.count(1)
    return Shell(folder, folder / "scratch", lambda: folder / f"spill{next(numbers)}.txt", limit)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = make_shell(tmp_path)
    yield made
    made.close()


@pytest.fixture
def cancel() -> Iterator[Cancel]:
    made = Cancel()
    yield made
    made.close()


def ok(text: str) -> ShellResult:
    return ShellResult(text, 0)


def test_output_and_exit_code(shell: Shell, cancel: Cancel) -> None:
    assert shell.run("echo hi", cancel) == ok("hi")
    assert shell.run("true", cancel) == ok("")
    assert shell.run("echo out; echo err >&2; exit_code() { return 7; }; exit_code", cancel) == ShellResult(
        "out\nerr", 7
    )
    assert shell.run("no_such_command", cancel) == ShellResult(
        "bash: no_such_command: command not found", 127
    )
    assert shell.run("printf 'no newline'", cancel) == ok("no newline")


def test_no_room_for_the_command(tmp_path: Path, cancel: Cancel) -> None:
    (tmp_path / "file").write_text("")
    made = Shell(tmp_path, tmp_path / "file/scratch", lambda: tmp_path / "spill", LONG)
    try:
        with pytest.raises(ShellError, match=r"a command could not be written to .*: Not a directory"):
            made.run("true", cancel)
    finally:
        made.close()


def test_state_lasts(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    shell.run("cd sub; export COLOUR=teal; plain=1; greet() { echo hello $1; }", cancel)
    assert shell.run("pwd; echo $COLOUR $plain; greet you", cancel) == ok(
        f"{tmp_path}/sub\nteal 1\nhello you"
    )
    assert shell.cwd == tmp_path / "sub"
    shell.run("false", cancel)
    assert shell.run("echo $?", cancel) == ok("1")


@pytest.mark.parametrize(
    ("command", "text", "code"),
    [
        ("echo 'open", "bash: line 1: unexpected EOF while looking for matching `''", None),
        ("if true; then", "syntax error: unexpected end of file", None),
        ("echo )", "syntax error near unexpected token `)'", None),
        ("cat <<EOF\nbody $((1+1))\nEOF", "body 2", 0),
        ("cat <<EOF\nno end", "no end", 0),
        ("cat <<'X'\n$HOME 'quote\nX", "$HOME 'quote", 0),
        ("for i in 1 2; do\n  echo $i\ndone | tac", "2\n1", 0),
        ("echo a \\\n  b", "a b", 0),
        ("echo '" + "x" * 20_000 + "' | wc -c", "20001", 0),
        ("# only a comment", "", 0),
        ("return 4", "", 4),
        ("echo !! !x", "!! !x", 0),
    ],
)
def test_any_text_is_a_script(
    shell: Shell, cancel: Cancel, command: str, text: str, code: int | None
) -> None:
    result = shell.run(command, cancel)
    assert text in result.text
    assert result.exit_code == code if code is not None else result.exit_code in (1, 2)
    assert shell.run("echo alive", cancel) == ok("alive")


def test_commands_read_nothing(shell: Shell, cancel: Cancel) -> None:
    assert shell.run(
        "cat; read x; echo $?; python3 -c 'import sys; print(repr(sys.stdin.read()))'", cancel
    ) == ok("1\n''")


def test_no_noise(shell: Shell, cancel: Cancel) -> None:
    shell.run("sleep 0.01 &", cancel)
    assert shell.run("wait; echo x", cancel) == ok("x")
    assert shell.run("echo $TERM $PAGER; printf 'a\\r\\n\\033[1mb\\033[0m\\n'", cancel) == ok(
        "dumb cat\na\nb"
    )
    assert shell.run("yes | head -1", cancel) == ok("y")


def test_background_job_goes_on(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    assert shell.run("(read x < gate; echo late > mark) &", cancel) == ok("")
    assert shell.run("echo go > gate; wait; cat mark", cancel) == ok("late")


def test_who_prints_a_lot_between_two_calls_goes_on(tmp_path: Path, cancel: Cancel) -> None:
    """A job in the background, and a command over the time limit."""
    os.mkfifo(tmp_path / "go")
    os.mkfifo(tmp_path / "done")
    done = os.open(tmp_path / "done", os.O_RDONLY | os.O_NONBLOCK)
    made = make_shell(tmp_path, 0.3)
    work = "cat go; seq 50000; echo > done"
    try:
        for script, rest in ((f"({work}) &", "echo and"), (work, "")):
            made.run(script, cancel)
            (tmp_path / "go").write_text("")
            assert select.select([done], [], [], LONG)[0]
            os.read(done, 1)
            result = made.run(rest, cancel)
            while result.running:
                result = made.run("", cancel)
            assert result.exit_code == 0
            assert "49999\n50000" in result.text
    finally:
        made.close()
        os.close(done)


def test_who_never_stops_printing_between_two_calls_does_not_fill_the_memory(
    shell: Shell, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "MOST_BYTES", 100_000)
    shell.run("yes & echo", cancel)
    assert shell._drain
    shell._drain._thread.join(LONG)
    assert not shell._drain._thread.is_alive()
    shell.run("kill %%; wait", cancel)
    assert shell.run("echo clean", cancel) == ok("clean")


@pytest.mark.parametrize(
    "command",
    [
        "PROMPT_COMMAND='echo bad'",
        "PS1='$ '; PS2='> '",
        "stty echo < /dev/tty",
        "stty inlcr iuclc kill e lnext p < /dev/tty",
        "set -u",
        "set -xv",
        "exec 2>&1",
    ],
)
def test_settings_of_the_user_do_no_harm(shell: Shell, cancel: Cancel, command: str) -> None:
    assert shell.run(command, cancel) == ok("")
    assert shell.run("echo clean", cancel) == ok("clean")
    assert shell.run("(exit 7)", cancel) == ShellResult("", 7)


def test_a_trace_shows_the_command_and_no_more(shell: Shell, cancel: Cancel) -> None:
    assert shell.run("set -x; echo a", cancel) == ok("++ echo a\na")
    assert shell.run("echo b", cancel) == ok("b")


def test_traps_do_not_see_what_is_not_of_the_command(shell: Shell, cancel: Cancel) -> None:
    assert shell.run("trap 'echo \"$BASH_COMMAND\"' DEBUG; echo a", cancel) == ok("echo a\na")
    assert shell.run("echo b", cancel) == ok("b")
    assert shell.run("trap 'echo failed; echo >&2' ERR; (exit 3)", cancel).exit_code == 3
    assert shell.run("echo $?", cancel) == ok("3")


@pytest.mark.parametrize("mode", ["vi", "emacs"])
def test_editing_of_lines_ends_with_the_command(
    shell: Shell, cancel: Cancel, tmp_path: Path, mode: str
) -> None:
    (tmp_path / "bashrc").write_text(f"set -o {mode}\nset=here\n")
    assert shell.run("keep=1; . ./bashrc; echo $set", cancel) == ok("here")
    assert shell.run("echo $keep $set", cancel) == ok("1 here")


def test_output_sent_elsewhere_still_ends(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    assert shell.run(f"exec > {tmp_path}/log", cancel) == ok("")
    assert shell.run("echo hidden", cancel) == ok("")
    assert (tmp_path / "log").read_text() == "hidden\n"


@pytest.mark.parametrize(
    ("command", "text", "code"),
    [
        ("cd sub; echo bye; exit 3", "bye", 3),
        ("exec true", "", 0),
        ("exec sh -c 'echo replaced; exit 5'", "replaced", 5),
        ("set -e; false; echo never", "", 1),
        ("kill -KILL $$", "", 137),
    ],
)
def test_a_shell_that_ends_is_replaced(
    shell: Shell, cancel: Cancel, tmp_path: Path, command: str, text: str, code: int
) -> None:
    (tmp_path / "sub").mkdir()
    assert shell.run(command, cancel) == ShellResult(text, code, died=True)
    assert shell.run("echo again; pwd", cancel) == ok(f"again\n{tmp_path}")


def test_a_shell_that_ends_among_chatty_jobs_is_noticed(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    command = "trap '' HUP; (while test -e go; do echo noise; sleep 0.01; done) & touch go; disown; exit 6"
    result = shell.run(command, cancel)
    (tmp_path / "go").unlink()
    assert (result.exit_code, result.died) == (6, True)


def test_soft_limit_hands_back_and_waits_on(tmp_path: Path, cancel: Cancel) -> None:
    os.mkfifo(tmp_path / "gate")
    shell = make_shell(tmp_path, limit=0.3)
    first = shell.run("echo begin; read x < gate; echo $x; (exit 9)", cancel)
    assert first == ShellResult("begin", None, running=True)
    assert shell.run("", cancel) == ShellResult("", None, running=True)
    assert shell.running
    (tmp_path / "gate").write_text("end\n")
    assert shell.run("  ", cancel) == ShellResult("end", 9)
    assert shell.run("", cancel) == ok("")
    shell.close()


def test_a_new_command_stops_the_one_that_runs(tmp_path: Path, cancel: Cancel) -> None:
    shell = make_shell(tmp_path, limit=0.3)
    assert shell.run("while true; do sleep 0.01; done", cancel).running
    assert shell.run("echo next", cancel) == ok(f"{STOPPED}\nnext")
    shell.close()


@pytest.mark.parametrize(
    ("end", "note"),
    [("sleep 1000", STOPPED), ("(exit 3)", "[the command that was still running ended with exit code 3]")],
)
def test_what_the_last_command_said_is_not_lost(
    tmp_path: Path, cancel: Cancel, monkeypatch: pytest.MonkeyPatch, end: str, note: str
) -> None:
    """Nor is it said to be stopped when it had ended by itself."""
    os.mkfifo(tmp_path / "gate")
    os.mkfifo(tmp_path / "seen")
    shell = make_shell(tmp_path, limit=0.3)
    begun = f"echo first; read x < gate; echo result; echo > seen; {end}"
    assert shell.run(begun, cancel) == ShellResult("first", None, running=True)
    (tmp_path / "gate").write_text("go\n")
    (tmp_path / "seen").read_text()
    if note != STOPPED:
        monkeypatch.setattr(shell_module, "LAST_WORDS", LONG)  # no longer than it takes to end
    assert shell.run("echo next", cancel) == ok(f"result\n{note}\nnext")
    shell.close()


def test_cancel_is_ctrl_c(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    """Often enough that the signal also comes while bash forks."""
    os.mkfifo(tmp_path / "ready")

    def cancel_when_ready() -> None:
        (tmp_path / "ready").read_text()
        cancel.set()

    for _ in range(30):
        watcher = threading.Thread(target=cancel_when_ready)
        watcher.start()
        result = shell.run("here=1; echo before; echo > ready; sleep 1000; echo never", cancel)
        watcher.join()
        assert result == ShellResult("before", None, interrupted=True)
        cancel.clear()
        assert shell.run("echo after $here; unset here", cancel) == ok("after 1")


def test_who_ignores_ctrl_c_is_killed(
    tmp_path: Path, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell_module, "GRACE", 0.5)
    shell = make_shell(tmp_path, limit=0.3)
    assert shell.run("trap '' INT; sh -c 'echo $$ > pid; sleep 1000; echo never'; echo never", cancel).running
    result = shell.run("echo next; pwd", cancel)
    assert result == ShellResult(f"{STOPPED}\nnext\n{tmp_path}", 0, died=True)
    shell.close()
    assert not _alive(int((tmp_path / "pid").read_text()))


def test_closing_hangs_up(tmp_path: Path, cancel: Cancel) -> None:
    shell = make_shell(tmp_path)
    os.mkfifo(tmp_path / "up")
    # Not before the job runs: a signal between fork and exec is lost, in any shell.
    pid = int(shell.run("(echo > up; exec sleep 1000) & read x < up; echo $!", cancel).text)
    shell.close()
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _alive(pid)


@pytest.mark.parametrize("end", ["exit 3", "exec true", "kill -KILL $$"])
def test_a_shell_that_ends_hangs_up_on_its_jobs(
    shell: Shell, cancel: Cancel, tmp_path: Path, end: str
) -> None:
    """Else a server that the model began would hold its port when the agent is long gone."""
    os.mkfifo(tmp_path / "up")
    job = int(shell.run("(echo > up; exec sleep 1000) & read x < up; echo $!", cancel).text)
    command = "nohup sh -c 'echo > up; exec sleep 1000' > /dev/null 2>&1 & read x < up; echo $!"
    kept = int(shell.run(command, cancel).text)
    assert shell.run(end, cancel).died
    try:
        deadline = time.monotonic() + 10
        while _alive(job) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not _alive(job)
        assert _alive(kept)
    finally:
        os.kill(kept, signal.SIGKILL)


def test_a_shell_that_died_between_two_calls(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    """The second command is run, by another shell, which is told."""
    leader = int(shell.run("echo $$", cancel).text)
    os.kill(leader, signal.SIGKILL)
    while _alive(leader):
        time.sleep(0.001)
    assert shell.run("echo run; exit_code() { return 7; }; exit_code", cancel) == ShellResult(
        "run", 7, died=True
    )
    assert shell.run("echo again", cancel) == ok("again")


def test_what_was_stopped_before_it_began_is_not_run(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    shell.run("true", cancel)
    cancel.set()
    with pytest.raises(Cancelled):
        shell.run("touch made; sleep 1000", cancel)
    cancel.clear()
    assert shell.run("ls", cancel) == ok("scratch")
    assert not shell.running


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_binary_and_huge_output(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    result = shell.run("head -c 3000 /dev/urandom; printf '\\036\\0\\377end'", cancel)
    assert result.text.endswith("end")
    assert result.exit_code == 0
    big = shell.run("seq 400000; echo last", cancel)
    assert big.text.startswith("1\n2\n")
    assert big.text.endswith("400000\nlast")
    assert len(big.text) < CAP + 300
    assert (tmp_path / "spill1.txt").read_text().count("\n") == 400_001


def test_the_script_is_private(shell: Shell, cancel: Cancel, tmp_path: Path) -> None:
    shell.run("echo secret", cancel)
    assert stat.S_IMODE((tmp_path / "scratch" / "command").stat().st_mode) == 0o600


def test_environment_of_tools() -> None:
    base = {"PATH": "/bin", "PROMPT_COMMAND": "x", "DS4AGENT_API_KEY": "k", "TERM": "xterm", "BASH_ENV": "f"}
    made = tool_environment(base)
    assert made["TERM"] == "dumb"
    assert {"PROMPT_COMMAND", "DS4AGENT_API_KEY", "BASH_ENV"}.isdisjoint(made)


def test_no_bash_is_a_clear_error(tmp_path: Path, cancel: Cancel) -> None:
    shell = Shell(tmp_path, tmp_path, lambda: tmp_path / "s", LONG, {"PATH": str(tmp_path)})
    with pytest.raises(ShellError, match="bash was not found"):
        shell.run("echo", cancel)
