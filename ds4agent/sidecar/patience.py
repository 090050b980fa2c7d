"""What to do about a server that does not answer as it should: wait, or say why not."""

from collections.abc import Callable, Mapping

# Worth another try: timeouts, rate limits, gateways.
BUSY = (408, 425, 429, 500, 502, 503, 504)
ATTEMPTS = 5
LONGEST_WAIT = 120.0
CIRCLES = "the server sends from one address to the next without end; is a login or a proxy in between?"
_STATUS = {
    401: "401, it wants a login; run `hf auth login` or set HF_TOKEN",
    403: "403, it is not allowed; if its owner asks for terms to be accepted, do that on its page first",
    404: "404, it is not there",
    429: "429, too many requests",
}


class Trouble(Exception):
    """Something could not be loaded; the message is one sentence for the user."""


class Patience:
    """Counts attempts in a row that brought nothing. `pause`: waits for so many seconds."""

    def __init__(self, pause: Callable[[float], None]) -> None:
        self._pause = pause
        self._failed = 0

    def again(self, why: str, progress: bool, wait: float | None) -> None:
        """Wait before the next attempt. Raises Trouble when there is none."""
        self._failed = 1 if progress else self._failed + 1
        if wait is not None and wait > LONGEST_WAIT:
            raise Trouble(f"{why}; it asks to wait {wait:.0f} s, the same command goes on after that")
        if self._failed >= ATTEMPTS:
            raise Trouble(f"{why}; given up after {ATTEMPTS} attempts, the same command goes on from here")
        self._pause(wait if wait is not None else 2.0 ** (self._failed - 1))


def status_problem(status: int) -> str:
    return f"the server answers {_STATUS.get(status, status)}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait; a date, which some send, counts as nothing said."""
    value = headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None
