"""What a binary can do: stand-ins of three generations, our own engine, and programs that are no engine."""

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent.sidecar import capabilities
from ds4agent.sidecar.capabilities import MENTIONED, CapabilityError, parse_help, probe
from tests.standins import write_binary
from tests.standins.ds4_flags import FLAGS


def _script(file: Path, body: str) -> Path:
    file.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("generation", FLAGS)
def test_every_flag_of_every_generation_is_found_with_its_value(tmp_path: Path, generation: str) -> None:
    found = probe(write_binary(tmp_path / "ds4-server", generation), tmp_path / "cache")
    expected = {name: flag.value for flag in FLAGS[generation] for name in flag.names}
    assert {name: found.flags.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("generation", "file_flag", "embedded"),
    [("may", "--mtp", False), ("june", "--mtp", False), ("late", "--mtp-model", True)],
)
def test_the_meaning_of_mtp_is_read_from_the_help(
    tmp_path: Path, generation: str, file_flag: str, embedded: bool
) -> None:
    found = probe(write_binary(tmp_path / "ds4-server", generation), tmp_path / "cache")
    assert (found.mtp_file_flag, found.mtp_embedded) == (file_flag, embedded)


def test_the_embedded_engine_is_understood(tmp_path: Path) -> None:
    binary = tmp_path / "engine"
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m ds4agent.engine "$@"\n')
    binary.chmod(0o755)
    found = probe(binary, tmp_path / "cache", seconds=60)
    assert found.flags["--batched-session"] == "N"
    assert found.flags["--cors"] == ""
    assert found.generation == "ds4agent's engine"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("  -m, --model FILE   text", {"-m": "FILE", "--model": "FILE"}),
        ("  --listen HOST PORT\n      where", {"--listen": "HOST PORT"}),
        ("\x1b[1m  --cors\x1b[0m Add headers", {"--cors": ""}),
        ("  --metal | --cuda | --cpu", {"--metal": "", "--cuda": "", "--cpu": ""}),
        ("  --role none|worker  x", {"--role": "none|worker"}),
        ("  --power <1-100>", {"--power": "<1-100>"}),
        ("  --gpu-vram N[,N..]|auto", {"--gpu-vram": "N[,N..]|auto"}),
        ("  --mtp\n      --mtp FILE of old is now --mtp-model", {"--mtp": "", "--mtp-model": MENTIONED}),
        ("  --x-y=N", {"--x-y": "N"}),
        ("a -- b --- c", {}),
        ("", {}),
    ],
)
def test_forms_of_help(text: str, flags: dict[str, str]) -> None:
    assert parse_help(text) == flags


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_help(text)
    parse_help("\n".join(f"  --{line}" for line in text.split()))


def test_the_binary_is_asked_once_until_it_changes(tmp_path: Path) -> None:
    count = tmp_path / "count"
    body = f"open({str(count)!r}, 'a').write('x'); print('--model F\\n--ctx N\\n--host H\\n--port N\\n# %s')"
    binary, cache = _script(tmp_path / "server", body % 1), tmp_path / "cache"
    first = probe(binary, cache)
    assert probe(binary, cache) == first
    assert count.read_text() == "xx"
    os.utime(binary, (1, 1))
    assert probe(binary, cache) == first
    assert count.read_text() == "xx", "other times, the same digest"
    _script(binary, body % 2)
    assert probe(binary, cache).digest != first.digest
    assert count.read_text() == "xxxx"
    probe(binary, cache, again=True)
    assert count.read_text() == "xxxxxx"


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b'{"form": 1}', b'{"form":1,"path":1,"digest":2,"flags":[]}']
)
def test_a_damaged_cache_is_asked_again(tmp_path: Path, junk: bytes) -> None:
    binary, cache = write_binary(tmp_path / "server"), tmp_path / "cache"
    first = probe(binary, cache)
    (file,) = cache.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(junk)
    assert probe(binary, cache) == first
    assert json.loads(file.read_bytes())["digest"] == first.digest


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert probe(write_binary(tmp_path / "server"), tmp_path / "cache").has("--ctx")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('usage: ls [files]')", r"knows no --model.*usage: ls"),
        ("sys.exit(3)", "it said: nothing"),
        ("time.sleep(1000)", "did not end within 0.5 s"),
        ("while True: print('x' * 1000)", "does not look like ds4-server"),
        ("sys.stdout.buffer.write(bytes(range(256)))", "does not look like ds4-server"),
        ("print(sys.stdin.read(), sys.stdin.isatty(), sys.stdout.isatty())", "False False"),
    ],
)
def test_programs_that_are_no_engine(
    tmp_path: Path, body: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "OUTPUT_MAX", 100_000)
    with pytest.raises(CapabilityError, match=message):
        probe(_script(tmp_path / "server", body), tmp_path / "cache", seconds=0.5 if "sleep" in body else 30)
    assert not (tmp_path / "cache").exists(), "nothing is kept of what is no engine"


def test_an_engine_that_may_be_run_and_not_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        server = _script(folder / "server", "exit 0")
        server.chmod(0o711 if os.geteuid() == 0 else 0o111)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(CapabilityError, match=r"cannot read .*/server: Permission denied"):
                probe(server, folder / "cache")
        finally:
            if os.getuid() == 0:
                os.seteuid(0)


def test_files_that_cannot_run(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match="no engine at"):
        probe(tmp_path / "missing", tmp_path)
    with pytest.raises(CapabilityError, match="not an executable file"):
        probe(tmp_path, tmp_path)
    (tmp_path / "plain").write_text("x")
    with pytest.raises(CapabilityError, match=r"chmod \+x"):
        probe(tmp_path / "plain", tmp_path)
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    with pytest.raises(CapabilityError, match="cannot run"):
        probe(broken, tmp_path)
