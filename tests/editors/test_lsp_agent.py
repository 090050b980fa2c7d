"""The agent in an editor: real turns on the bundled model, in a real folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.e2e.task_runner import make_repository, private_environment
from tests.editors.agent_events import Watch
from tests.lsp_client import Editor, capabilities, editor

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]
CREATE = "Please create a file called groceries.txt with these three lines:\noat milk\nlentils\nblack pepper"
APPEND = 'Append the line "- faster start" to CHANGES.md'
# Long enough to interfere with.
SLOW = "Run sleep 60 and tell me what it prints."
FILES = {"CHANGES.md": "# Changes\n\n- first release\n", "README.md": "# Kitchen\n"}


@asynccontextmanager
async def at_work(tmp_path: Path, engine: str, **more: Any) -> AsyncIterator[tuple[Editor, Watch, Path]]:
    """An editor with one folder, a git repository."""
    project = tmp_path / "project"
    project.mkdir()
    make_repository(project, FILES, "Start")
    async with editor(tmp_path, "--engine", engine, folders=(project,), **more) as it:
        yield it, Watch(it), project


async def test_a_turn_its_changes_and_the_way_back(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        session = (await it.ask("ds4/agent/start", {"task": CREATE, "folder": project.as_uri()}))["session"]
        ended = await watch.ended(session)
        assert (ended["status"], ended["exit_code"]) == ("completed", 0)
        kinds = watch.types(session)
        assert kinds[:2] == ["session.started", "turn.started"]
        assert {"item.started", "item.updated", "item.completed", "cache", "turn.completed"} <= set(kinds)
        assert (project / "groceries.txt").read_text().split("\n")[:3] == [
            "oat milk",
            "lentils",
            "black pepper",
        ]

        again = await it.ask("ds4/agent/resume", {"session": session, "task": APPEND})
        assert again == {"session": session}
        assert (await watch.ended(session, 2))["status"] == "completed"
        assert (project / "CHANGES.md").read_text() == FILES["CHANGES.md"] + "- faster start\n"

        changes = await it.ask("ds4/agent/changes", {"session": session})
        found = {Path(file["uri"]).name: file["kind"] for file in changes["files"]}
        assert found == {"groceries.txt": "add", "CHANGES.md": "update"}
        assert changes["diff"] == "".join(file["diff"] for file in changes["files"])
        assert "+- faster start\n" in changes["diff"]
        _applies(changes["diff"], tmp_path / "other")

        (project / "groceries.txt").write_text("mine now\n")
        back = await it.ask("ds4/agent/putback", {"session": session})
        assert back["restored"] == [(project / "CHANGES.md").as_uri()]
        assert back["refused"] == [
            {"uri": (project / "groceries.txt").as_uri(), "reason": "it has been changed since"}
        ]
        assert (project / "CHANGES.md").read_text() == FILES["CHANGES.md"]
        assert (project / "groceries.txt").read_text() == "mine now\n"
    assert subprocess.run(["git", "diff", "--quiet"], cwd=project).returncode == 0


def _applies(diff: str, folder: Path) -> None:
    folder.mkdir()
    make_repository(folder, FILES, "Start")
    subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=folder, check=True)
    assert (folder / "groceries.txt").exists()


async def test_putting_back_survives_the_server(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        session = (await it.ask("ds4/agent/start", {"task": CREATE}))["session"]
        await watch.ended(session)
        assert (project / "groceries.txt").exists()
    async with editor(tmp_path, "--engine", engine_url, folders=(project,)) as it:
        (listed,) = await it.ask("ds4/agent/list", {})
        assert (listed["session"], listed["folder"]) == (session, project.as_uri())
        assert (listed["running"], listed["title"]) == (False, CREATE.split("\n")[0])
        params = types.ExecuteCommandParams(command="ds4.putback", arguments=[session])
        back = await it.ask("workspace/executeCommand", params)
        assert back == {"restored": [(project / "groceries.txt").as_uri()], "refused": []}
        assert sorted(path.name for path in project.iterdir()) == [".git", "CHANGES.md", "README.md"]
        assert await it.ask("ds4/agent/changes", {"session": session}) == {"files": [], "diff": ""}


async def test_a_name_that_is_not_utf_8(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        task = "Run touch $(printf 'caf\\351') and tell me what it prints."
        session = (await it.ask("ds4/agent/start", {"task": task}))["session"]
        await watch.ended(session)
        uri = project.as_uri() + "/caf%E9"
        assert os.fsdecode(b"caf\xe9") in [path.name for path in project.iterdir()]
        changes = await it.ask("ds4/agent/changes", {"session": session})
        assert [(file["uri"], file["kind"]) for file in changes["files"]] == [(uri, "add")]
        assert '"b/caf\\351"' in changes["diff"]
        back = await it.ask("ds4/agent/putback", {"session": session, "uris": [uri]})
        assert back == {"restored": [uri], "refused": []}


async def test_sessions_that_cannot_be_read_are_a_sentence(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, _, _):
        data = tmp_path / ".local/share/ds4agent"
        data.mkdir(parents=True, exist_ok=True)
        for name in ("sessions", "chats"):
            (data / name).symlink_to(name)  # in a circle
        await _refused(it, "list", {}, -32803, "cannot be read")
        with pytest.raises(JsonRpcException, match="cannot be read"):
            await it.ask("ds4/chat/list", {})


async def test_the_model_is_told_once_what_was_put_back(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        session = (await it.ask("ds4/agent/start", {"task": CREATE}))["session"]
        await watch.ended(session)
        await it.ask("ds4/agent/putback", {"session": session})
        await it.ask("ds4/agent/putback", {"session": session})  # nothing is left
        for turn, task in enumerate((APPEND, "hello"), 2):
            await it.ask("ds4/agent/resume", {"session": session, "task": task})
            await watch.ended(session, turn)
        assert (project / "CHANGES.md").read_text() == FILES["CHANGES.md"] + "- faster start\n"
        (transcript,) = tmp_path.rglob(f"{session}/transcript.jsonl")
        records = [json.loads(line) for line in transcript.read_text().splitlines()]
    told = [record["raw"][0]["content"] for record in records if record.get("role") == "user"][1:]
    assert told[0].endswith(f"before this session: groceries.txt\n\n{APPEND}")
    assert told[1] == "hello"


async def test_interrupted_and_taken_up_again(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, _):
        session = (await it.ask("ds4/agent/start", {"task": SLOW}))["session"]
        await watch.item(session, "item.started", "command_execution")
        assert [s["running"] for s in await it.ask("ds4/agent/list", {})] == [True]
        assert await it.ask("ds4/agent/interrupt", {"session": session}) == {}
        assert (await watch.ended(session))["status"] == "interrupted"
        assert [s["running"] for s in await it.ask("ds4/agent/list", {})] == [False]
        await it.ask("ds4/agent/resume", {"session": session})
        await watch.until(session, lambda events: sum(e["type"] == "turn.started" for e in events) == 2)
        await it.ask("ds4/agent/interrupt", {"session": session})
        assert (await watch.ended(session, 2))["status"] in ("interrupted", "completed")


async def test_figures_are_told_while_a_turn_runs(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, _):
        session = (await it.ask("ds4/agent/start", {"task": CREATE}))["session"]
        await watch.ended(session)
        told = watch.figures(session)
        (usage,) = (e["usage"] for e in watch.events(session) if e["type"] == "turn.completed")
        last = told[-1]
        assert (last["promptTokens"], last["cachedTokens"], last["completionTokens"]) == (
            usage["input_tokens"],
            usage["cached_input_tokens"],
            usage["output_tokens"],
        )
        for member in ("seconds", "promptTokens", "completionTokens"):
            assert [one[member] for one in told] == sorted(one[member] for one in told)

        session = (await it.ask("ds4/agent/start", {"task": SLOW}))["session"]
        await watch.item(session, "item.started", "command_execution")
        idle = await watch.until(
            session, lambda _: next((one for one in watch.figures(session) if one["phase"] == "idle"), None)
        )
        assert idle["promptTokens"] > 0
        assert idle["completionTokens"] > 0
        await it.ask("ds4/agent/interrupt", {"session": session})
        await watch.ended(session)


async def test_two_sessions_at_once_in_two_folders(tmp_path: Path, engine_url: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    async with editor(tmp_path, "--engine", engine_url, folders=(one, two)) as it:
        watch = Watch(it)
        names = [
            (await it.ask("ds4/agent/start", {"task": CREATE, "folder": folder.as_uri()}))["session"]
            for folder in (one, two)
        ]
        assert [(await watch.ended(name))["status"] for name in names] == ["completed", "completed"]
        assert [(folder / "groceries.txt").exists() for folder in (one, two)] == [True, True]


@pytest.mark.parametrize(
    ("method", "params", "code", "message"),
    [
        ("start", {"task": " "}, -32803, "the task is empty"),
        ("start", {}, -32602, "params.task is missing"),
        ("start", {"task": "x", "folder": "file:///nowhere"}, -32803, "not a folder of the workspace"),
        ("resume", {"session": "nobody"}, -32803, "there is no session nobody"),
        ("interrupt", {"session": "nobody"}, -32803, "not at work in this editor"),
        ("changes", {"session": "nobody"}, -32803, "there is no session nobody"),
        ("putback", {"session": "nobody"}, -32803, "there is no session nobody"),
        ("putback", {"session": "x", "uris": "y"}, -32602, "params.uris has to be a list"),
    ],
)
async def test_refusals(tmp_path: Path, method: str, params: Any, code: int, message: str) -> None:
    async with at_work(tmp_path, "http://127.0.0.1:1") as (it, _, _):
        await _refused(it, method, params, code, message)


async def _refused(it: Editor, method: str, params: Any, code: int, message: str) -> None:
    with pytest.raises(JsonRpcException, match=message) as caught:
        await it.ask(f"ds4/agent/{method}", params)
    assert caught.value.code == code


async def test_without_a_folder_there_is_no_agent(tmp_path: Path) -> None:
    async with editor(tmp_path, "--engine", "http://127.0.0.1:1") as it:
        await _refused(it, "start", {"task": "x"}, -32803, "no folder is open in the editor")


async def test_a_session_that_runs_elsewhere_is_refused(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        session = (await it.ask("ds4/agent/start", {"task": SLOW}))["session"]
        await watch.item(session, "item.started", "command_execution")
        done = await asyncio.to_thread(_run, tmp_path, project, engine_url, "--session", session, "Go on")
        assert (done.returncode, "another process is working on this session" in done.stderr) == (1, True)
        await _refused(it, "resume", {"session": session}, -32803, "another process is working")
        await _refused(it, "putback", {"session": session}, -32803, "is at work; interrupt it first")
        await _refused(it, "start", {"task": "x"}, -32803, "is at work in .*; interrupt it first")
        await it.ask("ds4/agent/interrupt", {"session": session})
        await watch.ended(session)


def _run(home: Path, cwd: Path, engine: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "ds4agent",
        "run",
        "--json",
        "--cwd",
        str(cwd),
        "--engine",
        engine,
        *words,
    ]
    env = private_environment(home)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


async def test_sessions_are_those_of_run(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        session = (await it.ask("ds4/agent/start", {"task": CREATE}))["session"]
        await watch.ended(session)
        done = await asyncio.to_thread(_run, tmp_path, project, engine_url, "--continue", APPEND)
        first = json.loads(done.stdout.splitlines()[0])
        assert (first["session_id"], first["resumed"], done.returncode) == (session, True, 0)
        changes = await it.ask("ds4/agent/changes", {"session": session})
        assert [Path(file["uri"]).name for file in changes["files"]] == ["CHANGES.md", "groceries.txt"]


@pytest.mark.parametrize("how", ["killed", "closed"])
async def test_an_editor_that_goes_leaves_a_session_and_nothing_else(
    tmp_path: Path, engine_url: str, how: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    async with editor(tmp_path, "--engine", engine_url, folders=(project,)) as it:
        watch = Watch(it)
        session = (await it.ask("ds4/agent/start", {"task": SLOW}))["session"]
        await watch.item(session, "item.started", "command_execution")
        server = it.client._server
        assert server is not None
        if how == "killed":
            os.kill(server.pid, signal.SIGKILL)
            await server.wait()
    await _until(lambda: not _of_home(tmp_path))
    done = await asyncio.to_thread(_run, tmp_path, project, engine_url, "--session", session, "Hello!")
    assert json.loads(done.stdout.splitlines()[-1])["status"] == "completed"


def _of_home(home: Path) -> list[str]:
    """Command lines of processes of this user."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_file_with_unsaved_changes_is_told_once(tmp_path: Path, engine_url: str) -> None:
    async with at_work(tmp_path, engine_url) as (it, watch, project):
        uri = it.open((project / "CHANGES.md").as_uri(), "something else\n", "markdown")
        session = (await it.ask("ds4/agent/start", {"task": APPEND}))["session"]
        assert (await watch.ended(session))["status"] == "completed"
        told = [event["message"] for event in watch.events(session) if event["type"] == "warning"]
        path = project / "CHANGES.md"
        assert told == [f"{path} has unsaved changes in the editor; the agent works with what is on disk"]
        back = await it.ask("ds4/agent/putback", {"session": session, "uris": [uri]})
        assert back["refused"] == [{"uri": uri, "reason": "it has unsaved changes in the editor"}]


@pytest.mark.parametrize("answer", [True, False, None])
async def test_approval_is_asked_for(tmp_path: Path, engine_url: str, answer: bool | None) -> None:
    can = {"ds4agent": {"approve": True}} if answer is not None else None
    able = attrs.evolve(capabilities(), experimental=can)
    more = {"settings": {"approve": "ask"}, "able": able}
    async with at_work(tmp_path, engine_url, **more) as (it, watch, project):
        asked: list[Any] = []

        def approve(params: Any) -> dict[str, bool]:
            asked.append(params)
            return {"allow": bool(answer)}

        it.client.feature("ds4/agent/approve")(approve)
        session = (await it.ask("ds4/agent/start", {"task": CREATE}))["session"]
        ended = await watch.ended(session)
        assert (project / "groceries.txt").exists() == (answer is True)
        assert bool(ended["denied"]) == (answer is not True)
        assert bool(asked) == (answer is not None)
        assert all(set(params) == {"session", "question"} for params in asked)
        warned = [event["message"] for event in watch.events(session) if event["type"] == "warning"]
        assert len(warned) == (answer is None)
