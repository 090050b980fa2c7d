"""Where ds4agent keeps things, by the XDG base directory rules. Folders of ours are private (0700)."""

import os
from pathlib import Path

NAME = "ds4agent"


class NoHome(RuntimeError):
    """The user has no home folder; the message is one sentence for them."""


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # no HOME, and no entry for the user: a container, a service
        raise NoHome("this user has no home folder; set HOME to where ds4agent may keep its files") from error


def _base(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    # The specification says that a relative path is to be ignored.
    return Path(value) / NAME if value.startswith("/") else _home() / default / NAME


def expanded(path: str) -> Path:
    """With the home folder for `~`. That of an unknown user stays as it is: there is no such file."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 -- pathlib raises RuntimeError


def data_home() -> Path:
    """Sessions and the KV cache."""
    return _base("XDG_DATA_HOME", ".local/share")


def state_home() -> Path:
    """Logs."""
    return _base("XDG_STATE_HOME", ".local/state")


def config_file() -> Path:
    return _base("XDG_CONFIG_HOME", ".config") / "config.toml"


def runtime_file() -> Path:
    """By which the sidecar is found."""
    return state_home() / "sidecar.json"


def sidecar_log() -> Path:
    """What a sidecar says that was started on demand."""
    return state_home() / "sidecar.log"


def lsp_log() -> Path:
    """What the language servers say, all of them in one."""
    return state_home() / "lsp.log"


def sessions() -> Path:
    return data_home() / "sessions"


def engines() -> Path:
    """Engines that were built here."""
    return data_home() / "engines"


def kv_models() -> Path:
    """KV directories, one for each model."""
    return data_home() / "kv-models"


def models() -> Path:
    """Models that were not pulled from a repository."""
    return data_home() / "models"


def hub_cache() -> Path:
    """The cache of Hugging Face's tools, by their rules."""
    for variable, below in (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub")):
        if value := os.environ.get(variable):
            return expanded(os.path.expandvars(value)) / below
    base = os.environ.get("XDG_CACHE_HOME")
    return (expanded(base) if base else _home() / ".cache") / "huggingface" / "hub"
