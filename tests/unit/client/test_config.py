"""Where settings come from, and what is said when they are wrong."""

from pathlib import Path

import pytest

from ds4agent.config import ConfigError, Serve, Settings, load
from ds4agent.config_values import PerModel


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


def test_a_table_has_its_own_keys_and_variables(file: Path) -> None:
    file.write_text(
        "[serve]\nport = 7\nidle = 0\nextra = ['--quality']\napi_keys = { me = 'k' }\n"
        "[models.'a.b']\ncontext = 5\nidle = 0\n"
    )
    environment = {"DS4AGENT_SERVE_PORT": "8", "DS4AGENT_SERVE_KV": "false", "DS4AGENT_SERVE_EXTRA": "-x y"}
    found = load({"serve.max_queue": 0, "serve.host": None}, environment)
    serve = Serve(port=8, idle=0.0, extra=("-x", "y"), api_keys=(("me", "k"),), kv=False, max_queue=0)
    assert found.serve == serve
    assert found.models == (("a.b", PerModel(5, 0.0)),)


def test_a_bad_flag_of_a_table_is_named_as_it_is_given(file: Path) -> None:
    with pytest.raises(ConfigError, match="--max-queue is -1; it has to be a whole number from 0 to"):
        load({"serve.max_queue": -1}, {})
    with pytest.raises(ConfigError, match="DS4AGENT_SERVE_ADOPT is 'maybe'; it has to be true or false"):
        load({}, {"DS4AGENT_SERVE_ADOPT": "maybe"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[serve]\nprot = 1", "{file}: unknown key 'serve.prot' (did you mean 'serve.port'?); allowed are "),
        ("serve = 1", "{file}: serve is a table, [serve]; allowed are "),
        ("zzz = 1", "{file}: unknown key 'zzz'; allowed are "),
        ("api_key = ['secret']", "{file}: api_key is not as it should be; it has to be a text "),
        ("serve.power = 101", "{file}: serve.power is 101; it has to be a whole number from 1 to 100"),
        ("serve.idle = -1", "{file}: serve.idle is -1; it has to be a number of seconds, 0 or more"),
        ("serve.idle = true", "{file}: serve.idle is True; it has to be a number of seconds, 0 or more"),
        ("serve.extra = [1]", "{file}: serve.extra is [1]; it has to be a list of texts"),
        ("models.a = 1", "{file}: models is {{'a': 1}}; it has to be a table for each model"),
        (
            "models.a.x = 1",
            "{file}: models is {{'a': {{'x': 1}}}}; unknown key 'x' for a; allowed are context, ",
        ),
        (
            "models.a.idle = 'x'",
            "{file}: models is {{'a': {{'idle': 'x'}}}}; idle of a: it has to be a number ",
        ),
        ("engin = 'x'", "{file}: unknown key 'engin' (did you mean 'engine'?); allowed are engine, model, "),
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
