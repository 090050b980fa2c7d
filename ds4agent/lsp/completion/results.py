"""What was suggested lately, by where: text that is typed as suggested leaves the rest of the suggestion.

The places are the nearest characters around the cursor, not the whole prompt: an edit elsewhere in the file
does not take away what is on the screen.
"""

from collections import OrderedDict

from ds4agent.lsp.completion.gap import Gap

MOST = 250
# Characters around the cursor that make a place; what is typed ahead at most.
BEFORE, AFTER, AHEAD = 512, 128, 256
Place = tuple[str, str, str]


class Results:
    """By document: its uri is part of the place. A place has one suggestion, or also others than that."""

    def __init__(self) -> None:
        self._held: OrderedDict[Place, tuple[str, ...]] = OrderedDict()
        self._all: set[Place] = set()

    def put(self, uri: str, gap: Gap, text: str) -> None:
        self._put(_place(uri, gap, 0), (text,))

    def put_all(self, uri: str, gap: Gap, texts: tuple[str, ...]) -> None:
        """The first one, and all the others that there will be."""
        place = _place(uri, gap, 0)
        self._put(place, texts)
        self._all.add(place)

    def get(self, uri: str, gap: Gap) -> str | None:
        """What is left to be suggested here; empty: it is known that there is nothing. None: not known."""
        for typed in range(min(AHEAD, len(gap.before)) + 1):
            for found in self._held.get(_place(uri, gap, typed), ()):
                if gap.before.endswith(found[:typed]) and (len(found) > typed or not typed):
                    return found[typed:]
        return None

    def all(self, uri: str, gap: Gap) -> tuple[str, ...] | None:
        """The first one here and its alternatives. None: those were not asked for."""
        place = _place(uri, gap, 0)
        return self._held[place] if place in self._all else None

    def forget(self) -> None:
        self._held.clear()
        self._all.clear()

    def _put(self, place: Place, texts: tuple[str, ...]) -> None:
        self._held[place] = texts
        self._all.discard(place)
        while len(self._held) > MOST:
            oldest, _ = self._held.popitem(last=False)
            self._all.discard(oldest)


def _place(uri: str, gap: Gap, typed: int) -> Place:
    """The place at which the last `typed` characters had not been typed."""
    end = len(gap.before) - typed
    return uri, gap.before[max(0, end - BEFORE) : end], (gap.tail + gap.after)[:AFTER]
