"""Who may ask what.

On loopback the model APIs need no key, as with ds4-server, but a page in the user's browser must not reach
them: the Host has to be a name of this machine (else a foreign name was bound to our address), and an Origin
has to be one that is allowed. With API keys set, every request but /health needs one, or the token of the
runtime file. What belongs to the sidecar itself (status, control) needs that token, whatever else is set.
"""

import hmac
from dataclasses import dataclass

from ds4agent.sidecar.head import Head

_LOCAL = frozenset((b"localhost", b"127.0.0.1", b"[::1]"))
OWN = "/ds4agent/"
OPEN = ("/health", "/v1/health")


@dataclass(frozen=True, slots=True)
class Denied:
    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Guard:
    """`keys`: name of a client -> its key; `hosts`: names of this machine besides the local ones; `origins`:
    those allowed, `*` for any.
    """

    token: str
    keys: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def admit(self, head: Head) -> str | Denied:
        """The client's name, "" for one without a key."""
        if not self.is_our_host(head.field(b"host")):
            return Denied(403, "the Host of the request is not a name of this server")
        origin = head.field(b"origin")
        if origin is not None and not self.allows(origin):
            return Denied(403, "this Origin is not allowed: see the setting cors_origins")
        if head.method == "OPTIONS":
            return ""
        given = _given(head)
        if head.path.startswith(OWN):
            ok = hmac.compare_digest(given, self.token.encode())
            return "" if ok else Denied(401, "this needs the token of the runtime file")
        # Who has the token is the user, who needs no key of his own.
        if not self.keys or head.path in OPEN or hmac.compare_digest(given, self.token.encode()):
            return ""
        for name, key in self.keys:
            if hmac.compare_digest(given, key.encode()):
                return name
        return Denied(401, "an API key is needed: Authorization: Bearer KEY, or x-api-key: KEY")

    def is_our_host(self, host: bytes | None) -> bool:
        if host is None:
            return False
        name = host.lower()
        if not name.endswith(b"]"):
            name, _, port = name.rpartition(b":") if b":" in name else (name, b"", b"")
            if not (port.isdigit() or not port):
                return False
        return name in _LOCAL or name.decode("latin-1") in self.hosts

    def allows(self, origin: bytes) -> bool:
        text = origin.decode("latin-1")
        if "*" in self.origins or text in self.origins:
            return True
        scheme, _, rest = text.partition("://")
        name = rest.rpartition(":")[0] if rest.rpartition(":")[2].isdigit() else rest
        return scheme in ("http", "https") and name.encode("latin-1") in _LOCAL


def _given(head: Head) -> bytes:
    kind, _, key = (head.field(b"authorization") or b"").partition(b" ")
    if kind.lower() == b"bearer":
        return key.strip()
    return head.field(b"x-api-key") or b""
