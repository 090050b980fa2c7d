"""What the relay asks of whoever decides: the course of a request, as calls."""

from typing import TYPE_CHECKING, Protocol

from ds4agent.sidecar.head import Head

if TYPE_CHECKING:
    from ds4agent.sidecar.relay import Front


class Handler(Protocol):
    """What becomes of a request."""

    def begin(self, front: "Front", head: Head) -> None:
        """Its head is known: answer it with `front.answer` or `refuse`, or leave it."""

    def ready(self, front: "Front", head: Head) -> None:
        """It has not been answered, and it is here: let it wait, and `front.connect` it."""

    def responded(self, front: "Front", data: bytes) -> None:
        """These bytes of the engine's reply have been passed on."""

    def unreached(self, front: "Front", error: OSError) -> None:
        """The engine was not there: `connect` it later, or refuse it."""

    def left(self, front: "Front", answered: bool) -> None:
        """The engine has ended its connection."""

    def ended(self, front: "Front") -> None:
        """The connection is over, however."""
