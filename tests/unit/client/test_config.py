"""Where settings come from, and what is said when they are wrong."""

from pathlib import Path

import pytest

from ds4agent.config import ConfigError, Settings, load


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "ds4agent" / "config.toml"
    path.parent.mkdir()
    return path


def test_the_order(file: Path) -> None:
    assert load({}, {}) == Settings()
    file.write_text('engine = "embedded"\nmax_steps = 7\nshell_timeout = 2\n')
    assert load({}, {}) == Settings(engine="embedded", max_steps=7, shell_timeout=2.0)
    environment = {"DS4AGENT_MAX_STEPS": "8", "DS4AGENT_APPROVE": "", "DS4AGENT_LIBDS4": "/x"}
    assert load({}, environment).max_steps == 8
    assert load({"max_steps": 9, "engine": None}, environment) == Settings(
        engine="embedded", max_steps=9, shell_timeout=2.0
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("engin = 'x'", "{file}: unknown key 'engin'; allowed are engine, model, context, approve, "),
        ("max_steps = 0", "{file}: max_steps is 0; it has to be a whole number above 0"),
        ("max_steps = true", "{file}: max_steps is True; it has to be a whole number above 0"),
        ("approve = 'yes'", "{file}: approve is 'yes'; it has to be one of ask, auto, full"),
        ("shell_timeout = -1", "{file}: shell_timeout is -1; it has to be a number of seconds above 0"),
        ("model = ''", "{file}: model is ''; it has to be a text that is not empty"),
        ("engine =", "{file} is not TOML: "),
    ],
)
def test_a_bad_file_is_named(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load({}, {})
    assert str(caught.value).startswith(problem.format(file=file))


def test_a_file_that_cannot_be_read(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load({}, {})


def test_environment_and_flags_are_named(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"^DS4AGENT_MAX_STEPS is 'many'; it has to be"):
        load({}, {"DS4AGENT_MAX_STEPS": "many"})
    with pytest.raises(ConfigError, match=r"^--max-steps is -2; it has to be"):
        load({"max_steps": -2}, {})
