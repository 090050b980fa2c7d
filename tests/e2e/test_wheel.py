"""The wheel carries everything: an installed copy must not need the checkout it was built from."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from ds4agent import resources

ROOT = Path(__file__).parents[2]
SHOW = """
from ds4agent import resources
print(resources.native_library())
print(resources.bundled_model())
print(resources.prompt("agent/system.txt"))
print(len(resources.openapi()))
from ds4agent.engine.binding import Model
print(Model(resources.bundled_model(), threads=1).info.name)
"""


@pytest.mark.slow
def test_an_installed_wheel_stands_alone(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps"]
    build = f"--config-settings=build-dir={tmp_path / 'build'}"
    subprocess.run([*pip, build, "-w", str(tmp_path), str(ROOT)], check=True, timeout=300)
    (wheel,) = tmp_path.glob("ds4agent-*.whl")
    assert "-py3-none-" in wheel.name, "the library is loaded by path: one wheel serves every Python"
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        assert {name.split("/")[0].split("-")[0] for name in archive.namelist()} == {"ds4agent"}
        archive.extractall(installed)
    # -S leaves out .pth files, and with them any editable install of this checkout.
    path = os.pathsep.join([str(installed), sysconfig.get_path("platlib")])
    show = [sys.executable, "-S", "-P", "-c", SHOW]
    done = subprocess.run(
        show, cwd=tmp_path, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    library, model, *rest = done.stdout.splitlines()
    assert Path(library).is_relative_to(installed)
    assert Path(model).is_relative_to(installed)
    assert (ROOT / "prompts" / "agent" / "system.txt").read_text().splitlines()[0] in rest
    assert rest[-2:] == [str(len(resources.openapi())), "ds4agent-tiny"]
