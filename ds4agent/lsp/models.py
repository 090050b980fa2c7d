"""Which model a request names."""

from ds4agent.config import Settings

DEFAULT = "deepseek-v4-flash"


def name(settings: Settings) -> str:
    """The one that was chosen for an engine at an address; other engines have but one."""
    chosen = settings.engine.startswith(("http://", "https://")) and settings.model
    return chosen or DEFAULT
