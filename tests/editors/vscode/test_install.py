"""No ds4agent, or one of a wrong version, in real VS Code: what is said, and what is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.editors.vscode import code_server, programs
from tests.editors.vscode.code_server import CodeServer
from tests.editors.vscode.programs import ANCIENT, NEEDED, OTHER, VERSION
from tests.editors.vscode.workbench import STATUS, Workbench

pytestmark = pytest.mark.slow
VENV = Path(".local/share/ds4agent/venv")


@pytest.fixture(scope="module")
def bare_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeServer]:
    """Where no ds4agent is to be found, and pip's packages come from a folder."""
    home = tmp_path_factory.mktemp("bare")
    programs.wheel(home / "wheels")
    path = programs.path_without(home / "programs")
    # VS Code takes its PATH from a login shell.
    (home / ".profile").write_text(f"PATH={path}\n")
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(home / "wheels"), "PIP_CONFIG_FILE": "/dev/null"}
    with code_server.running(home, PATH=path, **pip) as found:
        yield found


@pytest.fixture
def server(bare_server: CodeServer) -> CodeServer:
    bare_server.forget()
    return bare_server


def opened(it: Workbench, folder: Path, program: Path | str, **settings: object) -> None:
    file = folder / "project" / "a.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text("x = 1\n")
    it.server.configure(ds4agent__path=str(program), **settings)
    it.show(file.parent, file)


def test_where_none_is_it_is_installed(it: Workbench, tmp_path: Path) -> None:
    opened(it, tmp_path, "")
    said = it.notification("ds4agent is not installed, or cannot be found.")
    venv = it.server.home / VENV
    # What would run is shown, and nothing of it happens to who does not want it.
    said.get_by_role("button", name="Install").click()
    question = it.modal(f"Install ds4agent {NEEDED}")
    expect(question).to_contain_text(f"{it.server.home}/programs/python3 -m venv {venv}")
    expect(question).to_contain_text(f'{venv}/bin/python -m pip install --upgrade "ds4agent=={NEEDED}.*"')
    it.screenshot(tmp_path / "question.png")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    assert not venv.exists()
    expect(it.page.locator(f"{STATUS} .codicon-error, {STATUS} .codicon-warning")).to_be_visible()

    it.command("ds4agent: Install or Update ds4agent...")
    question.get_by_role("button", name="Run").click()
    it.ready()
    assert (venv / "bin" / "ds4agent").exists()
    it.screenshot(tmp_path / "installed.png")


@pytest.mark.parametrize("text", [OTHER, ANCIENT])
def test_an_old_one_is_named_and_replaced(it: Workbench, tmp_path: Path, text: str) -> None:
    old = programs.write(tmp_path / "old" / "ds4agent", text, "0.0.9")
    opened(it, tmp_path, old)
    said = it.notification(f"{old} is ds4agent 0.0.9; this extension, {VERSION}, is made for")
    expect(said).to_contain_text(f"Install ds4agent {NEEDED}.")
    said.get_by_role("button", name="Install").click()
    question = it.modal(f"Install ds4agent {NEEDED}")
    new = it.server.home / VENV / "bin" / "ds4agent"
    expect(question).to_contain_text(f"ds4agent.path, now {old}, becomes {new}.")
    question.get_by_role("button", name="Run").click()
    it.ready()
    assert old.exists()


def test_a_newer_one_is_left_and_the_extension_is_to_be_updated(it: Workbench, tmp_path: Path) -> None:
    new = programs.write(tmp_path / "new" / "ds4agent", OTHER, "99.0.1")
    opened(it, tmp_path, new)
    said = it.notification(f"{new} is ds4agent 99.0.1; this extension, {VERSION}, is made for")
    expect(said).to_contain_text(f"Update the extension, or install ds4agent {NEEDED} beside it.")


def test_an_old_one_before_one_that_fits_is_passed_over(it: Workbench, tmp_path: Path) -> None:
    """On PATH there is an old one, and in the folder's own environment one that fits."""
    programs.write(it.server.home / "programs" / "ds4agent", OTHER, "0.0.9")
    try:
        programs.write(tmp_path / "project" / ".venv" / "bin" / "ds4agent", OTHER, VERSION)
        opened(it, tmp_path, "")
        it.ready()
        it.command("Output: Show Output Channels...")
        it.choose("ds4agent")
        expect(it.page.locator('[id="workbench.panel.output"]')).to_contain_text("is ds4agent 0.0.9")
    finally:
        (it.server.home / "programs" / "ds4agent").unlink()


def test_an_installation_that_fails_says_so(it: Workbench, tmp_path: Path) -> None:
    wheels = it.server.home / "wheels"
    wheels.rename(wheels.with_name("elsewhere"))
    try:
        opened(it, tmp_path, "")
        it.notification("ds4agent is not installed").get_by_role("button", name="Install").click()
        it.modal("Install ds4agent").get_by_role("button", name="Run").click()
        it.notification("ds4agent was not installed").wait_for()
        expect(it.page.locator(".terminal-wrapper")).to_be_visible()
    finally:
        wheels.with_name("elsewhere").rename(wheels)


def test_a_setting_that_names_nothing_is_named_itself(it: Workbench, tmp_path: Path) -> None:
    opened(it, tmp_path, tmp_path / "absent")
    said = it.notification(f"The setting ds4agent.path names {tmp_path}/absent, which is no program.")
    expect(said.get_by_role("button", name="Choose Program")).to_be_visible()
    # Whatever needs the program says the same, instead of starting something else.
    for title in ("Choose the Model...", "Show the Sidecar's Status"):
        it.command("Notifications: Clear All Notifications")
        expect(said).to_be_hidden()
        it.command(f"ds4agent: {title}")
        expect(said).to_be_visible()
