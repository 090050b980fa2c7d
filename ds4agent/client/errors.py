"""What can go wrong with an engine, by what the caller can do about it.

Each message is one sentence for the user.
"""


class EngineError(Exception):
    """The engine did not do what was asked."""


class EngineLost(EngineError):
    """No engine is there any more, or the connection broke before the reply was complete."""


class NotReached(EngineLost):
    """Nothing answers at its address, so nothing was sent: asking another one repeats nothing."""


class EngineStartError(EngineError):
    """An engine could not be started: no model, a broken model, a lock, a wrong program."""


class BadRequest(EngineError):
    """The engine refused the request; sending it again would be refused again."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the engine refused the request ({status}): {message}")
        self.status = status
        self.message = message


class ContextFull(BadRequest):
    """The conversation no longer fits the engine's context."""


class EngineFailed(EngineError):
    """The engine gave up on a request it had accepted. `status`: that of its answer, if it answered."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
