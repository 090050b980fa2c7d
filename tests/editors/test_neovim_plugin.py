"""The plugin as it is installed: by a package manager or by hand, without the program, and its manual."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.task_runner import make_repository
from tests.editors.nvim import ATTACHED, PLUGIN, ROOT, lua, neovim
from tests.editors.stylua import unformatted

NOWHERE = "http://127.0.0.1:9"
MAPS = """vim.tbl_map(function(map)
    return {{ lhs = map.lhs, rhs = map.rhs, desc = map.desc }}
end, vim.api.{of}keymap({mode}))"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small project."""
    found = tmp_path / "project"
    make_repository(found, {"one.py": "ONE = 1\n", "notes.xyzzy": "text\n"}, "Start")
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    found = tmp_path / "home"
    found.mkdir()
    return found


def test_setup_starts_one_server_for_all_files(each_nvim: Path, home: Path, folder: Path) -> None:
    other = home / "other"
    make_repository(other, {"two.py": "TWO = 2\n"}, "Start")
    with neovim(each_nvim, home, folder, "one.py", engine=NOWHERE) as it:
        it.wait("ONE = 1")
        it.until(ATTACHED)
        for name in ("notes.xyzzy", str(other / "two.py")):  # an unknown kind of file, and another project
            it.command(f"edit {name}")
            it.until("vim.fn.expand('%')", name)
            it.until(ATTACHED)
        assert it.ask("#vim.lsp.get_clients()") == 1
        folders = it.ask("vim.lsp.get_clients()[1].workspace_folders")
        assert [f["uri"] for f in folders] == [folder.as_uri(), other.as_uri()]


def test_nothing_is_mapped_by_default(each_nvim: Path, home: Path, folder: Path) -> None:
    with neovim(each_nvim, home, folder, "one.py", engine=NOWHERE, options={"keys": {}}) as it:
        it.until(ATTACHED)
        for mode in "nvxsoict":
            for found in it.ask(MAPS.format(of="nvim_get_", mode=repr(mode))):
                of_plugin = "ds4" in str(found.get("rhs", "")) or "ds4agent" in str(found.get("desc", ""))
                assert not of_plugin or found["lhs"].startswith("<Plug>(ds4-"), found
        of_buffer = it.ask(MAPS.format(of="nvim_buf_get_", mode="0, 'i'"))
        assert not [found for found in of_buffer if "ds4" in str(found)]


def test_a_key_of_the_users_choice_does_what_it_did_while_there_is_no_ghost(
    nvim: Path, home: Path, folder: Path
) -> None:
    with neovim(nvim, home, folder, "one.py", engine=NOWHERE, options={"keys": {"accept": "<Tab>"}}) as it:
        it.until(ATTACHED)
        it.type("ccx\ty\x1b")
        it.until("vim.api.nvim_get_current_line()", "x   y")


def test_neovims_own_package_manager_installs_it(nvim: Path, home: Path, folder: Path) -> None:
    """From a repository whose root is this one's; setup{} is the only other step."""
    source = home / "source"
    (source / "editors").mkdir(parents=True)
    for name in ("lua", "plugin", "doc"):
        (source / name).symlink_to((ROOT / name).readlink())
    shutil.copytree(PLUGIN, source / "editors" / "neovim", ignore=shutil.ignore_patterns("tags"))
    make_repository(source, {}, "All")
    add = f"vim.pack.add({{{{ src = {lua(source.as_uri())} }}}}, {{ confirm = false }})"
    without = f"vim.opt.runtimepath:remove({lua(str(PLUGIN))}) {add}"
    with neovim(nvim, home, folder, "one.py", engine=NOWHERE, before=without) as it:
        it.until(ATTACHED)
        installed = it.ask("vim.api.nvim_get_runtime_file('lua/ds4agent/init.lua', true)")
        assert [Path(path).is_relative_to(home / ".local" / "share") for path in installed] == [True]
        it.command("help ds4agent-setup")
        it.wait("vim.pack.add")
        it.command("Ds4 nonsense")
        it.wait("subcommands are agent, chat,")


def test_without_the_program_it_says_how_to_install_it(each_nvim: Path, home: Path, folder: Path) -> None:
    options = {"cmd": ["/nowhere/ds4agent", "lsp"]}
    with neovim(each_nvim, home, folder, "one.py", engine=NOWHERE, options=options) as it:
        it.wait("Install it with `make build`")
        it.type("\r")
        it.command("checkhealth ds4agent")
        text = it.wait("ds4agent was not found")
        assert re.search(r"make build", text)


def test_health(each_nvim: Path, home: Path, folder: Path, engine_url: str) -> None:
    with neovim(each_nvim, home, folder, "one.py", engine=engine_url) as it:
        it.until(ATTACHED)
        it.command("checkhealth ds4agent")
        it.wait("the editor")
        report = "\n".join(it.buffer())
        assert "ERROR" not in report
        assert "WARNING" not in report
        assert re.search(r"OK \S+/ds4agent: ds4agent \d", report), report
        for part in ("it runs, and has 1 buffers", "it is idle", "a key accepts ghost text"):
            assert f"OK {part}" in report


def test_health_misses_a_key(nvim: Path, home: Path, folder: Path) -> None:
    with neovim(nvim, home, folder, "one.py", engine=NOWHERE, options={"keys": {}}) as it:
        it.until(ATTACHED)
        it.command("checkhealth ds4agent")
        it.wait("no key accepts ghost text")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"key": {}}, 'unknown option "key"; there are cmd, keys, max_file_kb, settings'),
        ({"keys": {"akzept": "x"}}, 'unknown action "akzept" in keys'),
        ({"cmd": "ds4agent"}, 'option "cmd" has to be a table'),
    ],
)
def test_a_wrong_option_is_named(
    nvim: Path, home: Path, folder: Path, options: dict[str, object], fault: str
) -> None:
    with neovim(nvim, home, folder, "one.py", engine=NOWHERE, options=options) as it:
        it.wait(fault)


def test_a_huge_file_is_left_alone(nvim: Path, home: Path, folder: Path) -> None:
    (folder / "huge.py").write_bytes(b"x = 1\n" * 9_000_000)  # 54 MB
    with neovim(nvim, home, folder, "huge.py", engine=NOWHERE) as it:
        it.wait("x = 1")
        it.type("Oy = 2\x1b")
        it.until("vim.api.nvim_get_current_line()", "y = 2")
        assert it.ask("#vim.lsp.get_clients({bufnr = 0})") == 0
        it.command("edit! one.py")
        it.until(ATTACHED)


def test_the_manual_has_every_command_mapping_and_option(nvim: Path, home: Path, folder: Path) -> None:
    shutil.copytree(PLUGIN / "doc", home / "doc", ignore=shutil.ignore_patterns("tags"))
    with neovim(nvim, home, folder, "one.py", engine=NOWHERE) as it:
        it.command(f"helptags {home / 'doc'}")
        it.command(f"set runtimepath^={home}")
        it.until("#vim.fn.getcompletion('ds4', 'help') > 0")
        tags = set(it.ask("vim.fn.getcompletion('ds4', 'help')"))
        for name in it.ask("vim.fn.getcompletion('Ds4 ', 'cmdline')"):
            assert f":Ds4-{name}" in tags
        manual = (PLUGIN / "doc" / "ds4agent.txt").read_text()
        for found in it.ask(MAPS.format(of="nvim_get_", mode="'i'")):
            if found["lhs"].startswith("<Plug>(ds4-"):
                assert found["lhs"] in tags
        for name in it.ask("vim.tbl_keys(require('ds4agent.config').actions)"):
            assert f"`{name}`" in manual
        it.command("help ds4agent")
        it.wait("Ghost text, code actions, chat and an agent")


def test_completion_of_subcommands(nvim: Path, home: Path, folder: Path) -> None:
    with neovim(nvim, home, folder, "one.py", engine=NOWHERE) as it:
        found = it.ask("vim.fn.getcompletion('Ds4 ', 'cmdline')")
        wanted = {"chat", "explain", "fix", "edit", "test", "agent", "putback", "status", "log"}
        assert wanted <= set(found)
        assert it.ask("vim.fn.getcompletion('Ds4 ex', 'cmdline')") == ["explain"]
        assert it.ask("vim.fn.getcompletion('Ds4 chat @s', 'cmdline')") == ["@symbol"]


def test_the_log_is_opened(nvim: Path, home: Path, folder: Path) -> None:
    with neovim(nvim, home, folder, "one.py", engine=NOWHERE) as it:
        it.until(ATTACHED)
        it.command("Ds4 log")
        it.until("vim.fn.expand('%:t')", "lsp.log")


def test_lua_is_compiled_and_formatted(nvim: Path) -> None:
    for path in sorted(PLUGIN.rglob("*.lua")):
        check = f"lua assert(loadfile({lua(str(path))}))"
        subprocess.run([nvim, "--clean", "--headless", "-c", check, "-c", "qa"], check=True, timeout=60)
        assert len(path.read_text().splitlines()) < 200, f"{path} is long"
    assert [path for path, _ in unformatted()] == [], "python -m tests.editors.stylua formats them"
