"""When sessions are written to disk and looked for there. Without a store: never."""

from collections.abc import Callable, Sequence

from ds4agent.engine.live import Live, Plan
from ds4agent.engine.slots import Place, Slots
from ds4agent.engine.vocab import Prompt


class Checkpoints:
    """All of it from the worker's thread."""

    def better(self, place: Place, prompt: Prompt, slots: Slots) -> Place:
        """A place with more of the prompt, from disk; else the one given."""
        return place

    def displaced(self, live: Live, kept: int) -> None:
        """All behind `kept` tokens of a session is about to be lost."""

    def stops(self, plan: Plan, prompt: Prompt) -> Sequence[int]:
        """Positions at which prefill is to stop for a checkpoint."""
        return ()

    def prefilled(self, live: Live, plan: Plan, stops: Sequence[int]) -> None:
        """A step of prefill is done."""

    def decoded(self, live: Live) -> None:
        """A token outside of calls is evaluated."""

    def idle(self, slots: Slots, waiting: Callable[[], int]) -> None:
        """Nothing is to be done; stop as soon as something is waiting."""

    def shutdown(self, slots: Slots) -> None:
        """The process ends in order."""
