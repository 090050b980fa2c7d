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
    """By document: its uri is part of the place."""

    def __init__(self) -> None:
        self._held: OrderedDict[Place, str] = OrderedDict()

    def put(self, uri: str, gap: Gap, text: str) -> None:
        self._held[_place(uri, gap, 0)] = text
        while len(self._held) > MOST:
            self._held.popitem(last=False)

    def get(self, uri: str, gap: Gap) -> str | None:
        """What is left to be suggested here; empty: it is known that there is nothing. None: not known."""
        for typed in range(min(AHEAD, len(gap.before)) + 1):
            found = self._held.get(_place(uri, gap, typed))
            if found is None:
                continue
            rest = found[typed:]
            if found[:typed] == gap.before[len(gap.before) - typed :] and (rest or not typed):
                return rest
        return None

    def forget(self) -> None:
        self._held.clear()


def _place(uri: str, gap: Gap, typed: int) -> Place:
    """The place at which the last `typed` characters had not been typed."""
    end = len(gap.before) - typed
    return uri, gap.before[max(0, end - BEFORE) : end], (gap.tail + gap.after)[:AFTER]
