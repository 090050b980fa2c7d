"""The extension's settings are those of the configuration."""

import json

from ds4agent import config
from scripts import vscode_settings


def test_the_files_are_up_to_date() -> None:
    for file, content in vscode_settings.files().items():
        assert file.read_text("utf-8") == content, f"{file} is old: run python -m scripts.vscode_settings"


def test_every_default_is_one_that_the_server_takes() -> None:
    for name, schema in vscode_settings.properties().items():
        head, _, tail = name.partition(".")
        config.load({}, {}, {head: {tail: schema["default"]} if tail else schema["default"]})


def test_a_workspace_chooses_no_program_and_no_address() -> None:
    found = json.loads((vscode_settings.FOLDER / "package.json").read_text("utf-8"))
    settings = {
        name: schema
        for block in found["contributes"]["configuration"]
        for name, schema in block["properties"].items()
    }
    for name in ("path", "engine", "model", "api_key", "approve", "lsp.completion_engine"):
        assert settings[f"ds4agent.{name}"]["scope"] == "machine"
