"""The model that the extension offers to VS Code's chat: another extension asks it, in the real thing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.vscode.code_server import CodeServer
from tests.editors.vscode.engines import ANSWER, GREETER, LONG, THOUGHTS, reciter, url
from tests.editors.vscode.workbench import Workbench

pytestmark = pytest.mark.slow
Notes = list[dict[str, Any]]
PROBE = Path(__file__).parent / "lm_probe"
MANIFEST = """<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
<Metadata><Identity Language="en-US" Id="lm-probe" Version="0.0.1" Publisher="tests"/>
<DisplayName>Probe</DisplayName><Description>For tests</Description></Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
<Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json"/></Assets>
</PackageManifest>
"""
TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension=".json" ContentType="application/json"/>
<Default Extension=".js" ContentType="application/javascript"/>
<Default Extension=".vsixmanifest" ContentType="text/xml"/>
</Types>
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory, shared_server: CodeServer) -> Iterator[None]:
    package = tmp_path_factory.mktemp("probe") / "lm-probe.vsix"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("extension.vsixmanifest", MANIFEST)
        archive.writestr("[Content_Types].xml", TYPES)
        for file in PROBE.iterdir():
            archive.write(file, f"extension/{file.name}")
    with shared_server.extension(package, "tests.lm-probe"):
        yield


def opened(it: Workbench, folder: Path, engine: str) -> Path:
    """A window; the probe's notes."""
    file = folder / "project" / "greet.py"
    file.parent.mkdir()
    file.write_text(GREETER)
    it.server.configure(ds4agent__engine=engine, ds4agent__lsp__completion="off")
    it.open(file.parent, file)
    return file.with_name("lm.jsonl")


def until(it: Workbench, notes: Path, true: Callable[[Notes], bool]) -> Notes:
    """The notes, once they are as they should be."""

    def found() -> Notes:
        lines = noted(notes)
        return lines if true(lines) else []

    return it.until(found, "the probe has not noted what was to come")


def noted(notes: Path) -> Notes:
    text = notes.read_text() if notes.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def ended(lines: Notes) -> bool:
    return "end" in (lines or [{}])[-1]


@pytest.mark.usefixtures("probe")
def test_another_extension_asks_the_model(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", THOUGHTS, ANSWER) as engine:
        notes = opened(it, tmp_path, url(engine))
        it.command("Probe: Ask the Model")
        lines = until(it, notes, ended)
        (model,) = lines[0]["models"]
        assert (model["vendor"], model["id"], model["family"]) == ("ds4agent", "ds4agent", "deepseek-v4")
        assert model["name"].startswith("ds4agent: ")
        assert model["maxInputTokens"] > 10_000
        assert lines[1]["tokens"] >= 3
        assert "".join(line.get("text", "") for line in lines) == "".join(ANSWER)
        assert lines[-1] == {"end": "completed"}


@pytest.mark.usefixtures("probe")
def test_its_answer_is_seen_coming_and_stopped(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", [], LONG) as engine:
        notes = opened(it, tmp_path, url(engine))
        it.command("Probe: Ask the Model")
        lines = until(it, notes, lambda lines: sum("text" in line for line in lines) > 10)
        assert not ended(lines)
        it.command("Probe: Stop Asking")
        lines = until(it, notes, ended)
        assert lines[-1] == {"end": "cancelled"}
        assert sum("text" in line for line in lines) < len(LONG)
        # The engine has heard of it.
        assert "client disconnected" in engine.wait_for_line("client disconnected")


@pytest.mark.usefixtures("probe")
def test_an_answer_that_breaks_off_is_none(it: Workbench, tmp_path: Path) -> None:
    with reciter(tmp_path / "engine", [], LONG) as engine:
        notes = opened(it, tmp_path, url(engine))
        it.command("Probe: Ask the Model")
        until(it, notes, lambda lines: sum("text" in line for line in lines) > 10)
        engine.process.kill()
        lines = until(it, notes, ended)
        assert lines[-1]["end"] == "Error"


@pytest.mark.usefixtures("probe")
def test_who_asks_is_told_why_there_is_no_answer(it: Workbench, tmp_path: Path) -> None:
    notes = opened(it, tmp_path, "http://127.0.0.1:9")
    it.command("Probe: Ask the Model")
    lines = until(it, notes, ended)
    assert lines[-1] == {
        "end": "Error",
        "message": "no engine answers at http://127.0.0.1:9: Connection refused",
    }
