"""Property tests without a time limit for an example: on a busy machine it would fail what is right."""

from hypothesis import settings

settings.register_profile("ds4agent", deadline=None)
settings.load_profile("ds4agent")
