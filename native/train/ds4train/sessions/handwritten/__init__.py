"""Tasks written by hand, one by one, with slots for names and values: `form.py` reads them, `play.py` acts them out.

`python -m ds4train.sessions.handwritten FILE` carries every entry of a file out for real and says what differs.
"""

from .form import entries
from .planted import Planted, plant
from .play import handwritten

__all__ = ["Planted", "entries", "handwritten", "plant"]
