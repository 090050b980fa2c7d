"""Generated agent sessions: what the bundled model learns its trade from.

A session is made by simulating a project in memory: families (edits, looks, making, fixing, talk) phrase
a request with a wording grammar, act as the agent should, and the tree answers as the real tools would.
`replay.py` carries sessions out for real.
"""

from .compose import build, sample

__all__ = ["build", "sample"]
