"""The files that start the sidecar with a session."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from ds4agent.sidecar.service import InstallError, install, service

ARGV = ["/opt/my apps/ds4agent", "serve", "--model", "/m/100%.gguf", "--engine", "$HOME/ds4"]


def test_a_systemd_unit(tmp_path: Path) -> None:
    found = service(ARGV, tmp_path, "linux", {"DS4AGENT_PORT": "9", "EDITOR": "vi"})
    assert found.path == tmp_path / ".config/systemd/user/ds4agent.service"
    text = found.content.decode()
    assert 'ExecStart="/opt/my apps/ds4agent" serve --model "/m/100%%.gguf" --engine "$$HOME/ds4"\n' in text
    assert "Environment=DS4AGENT_PORT=9\n" in text
    assert "EDITOR" not in text


def test_what_the_command_reads_of_a_shell_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its paths are meant from the folder in which it was typed, and ds4-server may be on the path."""
    monkeypatch.chdir(tmp_path)
    shell = {"PATH": "/opt/ds4:/bin", "XDG_STATE_HOME": "/s", "HF_HOME": "/data/hf", "DS4_LOCK_FILE": "/l"}
    value = plistlib.loads(service(ARGV, tmp_path, "darwin", shell).content)
    assert (value["EnvironmentVariables"], value["WorkingDirectory"]) == (shell, str(tmp_path))
    lines = service(ARGV, tmp_path, "linux", shell).content.decode().splitlines()
    assert {f"Environment={name}={text}" for name, text in shell.items()} <= set(lines)
    assert f"WorkingDirectory=-{tmp_path}" in lines


def test_a_key_in_the_file_is_what_it_was_and_only_the_users(tmp_path: Path) -> None:
    """systemd puts variables into commands, and takes a dollar in a variable for what it is."""
    found = service(["/bin/x", "a$b"], tmp_path, "linux", {"DS4AGENT_SERVE_API_KEYS": "a=$1'2%"})
    text = found.content.decode()
    assert '\nExecStart=/bin/x "a$$b"\n' in text
    assert '\nEnvironment="DS4AGENT_SERVE_API_KEYS=a=$1\'2%%"\n' in text
    install(found)
    assert found.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    found = service(
        ["/bin/true", "a b", "it's", ";", "a\nb", "\ttab", ""], tmp_path, "linux", {"PATH": "/bin"}
    )
    install(found)
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(found.path)], capture_output=True, text=True
    )
    assert "ds4agent.service" not in done.stderr


def test_the_configuration_folder_is_the_users(tmp_path: Path) -> None:
    found = service(ARGV, tmp_path, "linux", {"XDG_CONFIG_HOME": "/x/conf"})
    assert found.path == Path("/x/conf/systemd/user/ds4agent.service")


def test_a_launchd_agent(tmp_path: Path) -> None:
    found = service(ARGV, tmp_path, "darwin", {"DS4AGENT_PORT": "9"})
    assert found.path == tmp_path / "Library/LaunchAgents/local.ds4agent.serve.plist"
    value = plistlib.loads(found.content)
    assert value["ProgramArguments"] == ARGV
    assert value["EnvironmentVariables"] == {"DS4AGENT_PORT": "9"}


def test_only_a_file_of_ours_is_replaced(tmp_path: Path) -> None:
    found = service(ARGV, tmp_path, "linux", {})
    install(found)
    install(service([*ARGV, "--new"], tmp_path, "linux", {}))
    assert b"--new" in found.path.read_bytes()
    found.path.write_text("[Service]\n")
    with pytest.raises(InstallError, match="was not written by ds4agent"):
        install(found)
    assert found.path.read_text() == "[Service]\n"
    assert [p.name for p in found.path.parent.iterdir()] == ["ds4agent.service"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("")
    with pytest.raises(InstallError, match="cannot be written"):
        install(service(ARGV, tmp_path, "linux", {}))


def test_what_is_not_utf8_is_no_part_of_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("linux", "darwin"):
        with pytest.raises(InstallError, match=r"HF_HOME is not UTF-8.*/m/\\udcff"):
            service(ARGV, tmp_path, platform, {"HF_HOME": os.fsdecode(b"/m/\xff")})
        with pytest.raises(InstallError, match="the command is not UTF-8"):
            service([os.fsdecode(b"\xff")], tmp_path, platform, {})
    folder = tmp_path / os.fsdecode(b"\xff")
    try:
        folder.mkdir()
    except OSError:
        return  # this file system knows no such names
    monkeypatch.chdir(folder)
    with pytest.raises(InstallError, match="the working directory is not UTF-8"):
        service(ARGV, tmp_path, "linux", {})
