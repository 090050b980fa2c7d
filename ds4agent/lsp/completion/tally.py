"""What became of the suggestions: shown, accepted, dismissed, by language."""

import itertools
from collections import OrderedDict
from dataclasses import asdict, dataclass

from ds4agent.lsp.document import column

MOST = 200


@dataclass(slots=True)
class Counts:
    """`characters`: of accepted text."""

    shown: int = 0
    accepted: int = 0
    dismissed: int = 0
    characters: int = 0


@dataclass(slots=True)
class Offer:
    """A suggestion that was sent. `taken`: characters that were accepted of it."""

    language: str
    text: str
    shown: bool = False
    over: bool = False
    taken: int = 0


class Tally:
    """Offers are known by an id of their own, the latest ones only."""

    def __init__(self) -> None:
        self._offers: OrderedDict[str, Offer] = OrderedDict()
        self._counts: dict[str, Counts] = {}
        self._ids = itertools.count(1)

    def offer(self, language: str, text: str) -> str:
        offer_id = f"c{next(self._ids)}"
        self._offers[offer_id] = Offer(language, text)
        while len(self._offers) > MOST:
            self._offers.popitem(last=False)
        return offer_id

    def shown(self, offer_id: str) -> bool:
        """Whether that was news, as in all of these."""
        offer = self._offers.get(offer_id)
        if offer is None or offer.shown:
            return False
        offer.shown = True
        self._of(offer).shown += 1
        return True

    def accepted(self, offer_id: str, length: int | None = None, encoding: str = "utf-32") -> bool:
        """So many characters, in units of the encoding; None: what is left. All parts count as one."""
        offer = self._offers.get(offer_id)
        if offer is None or offer.over:
            return False
        self.shown(offer_id)
        left = offer.text[offer.taken :]
        part = len(left) if length is None else column(left, max(length, 0), encoding)
        counts = self._of(offer)
        counts.accepted += not offer.taken and part > 0
        counts.characters += part
        offer.taken += part
        offer.over = offer.taken == len(offer.text)
        return part > 0

    def dismissed(self, offer_id: str) -> bool:
        offer = self._offers.get(offer_id)
        if offer is None or offer.over or offer.taken:
            return False
        self.shown(offer_id)
        offer.over = True
        self._of(offer).dismissed += 1
        return True

    def by_language(self) -> dict[str, dict[str, int]]:
        return {language: asdict(counts) for language, counts in self._counts.items()}

    def _of(self, offer: Offer) -> Counts:
        return self._counts.setdefault(offer.language, Counts())
