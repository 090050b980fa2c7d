"""Which models the commands know, and which one a name on the command line means."""

import shlex
import sys

import click

from ds4agent import config, paths
from ds4agent.sidecar.catalog import Catalog, Listing, Model, UnknownModel

# What the extra `pull` brings, by its own names: a checkout is not found in any package index.
NO_LIBRARY = (
    "this needs huggingface_hub and httpx2; install them with "
    f"`{shlex.quote(sys.executable)} -m pip install 'huggingface_hub>=2.4' 'httpx2>=2.0'`"
)


def _settings() -> config.Settings:
    try:
        return config.load({})
    except config.ConfigError as error:
        raise click.UsageError(str(error)) from error


def scan() -> Listing:
    folders = [paths.expanded(folder) for folder in _settings().model_dirs]
    return Catalog([paths.models(), paths.hub_cache(), *folders]).scan()


def wanted(listing: Listing, name: str) -> Model:
    """The model or speculator that a name or a path means."""
    try:
        return listing.find(name)
    except UnknownModel as error:
        aliases = dict(_settings().aliases)
        if name.lower() in (alias.lower() for alias in aliases):
            return _resolved(listing, name, aliases)
        path = paths.expanded(name).absolute()
        if str(path) != name and path.exists():
            return wanted(listing, str(path))
        raise click.ClickException(str(error)) from error


def _resolved(listing: Listing, name: str, aliases: dict[str, str]) -> Model:
    try:
        return listing.resolve(name, aliases).model
    except UnknownModel as error:
        raise click.ClickException(str(error)) from error
