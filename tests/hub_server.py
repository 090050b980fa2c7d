"""A server on loopback that speaks as much of the hub as a pull needs, and misbehaves on request."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What it serves and how. A refusal (status, headers) is used up by one request."""

    files: dict[str, bytes] = field(default_factory=dict)  # by path in the repository a/b, or /path
    url: str = ""
    token: str = ""  # the only login that is accepted, beside none
    private: bool = False
    ranges: bool = True
    sized: bool = True  # a part tells the size of the whole
    redirect: bool = False
    announced: dict[str, dict[str, Any]] = field(default_factory=dict)  # instead of the truth in the listing
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)  # bytes after which the next replies end
    extra: bytes = b""  # behind every file, in a reply without a length
    hold: threading.Event | None = None  # a broken reply waits for it instead of ending
    etag: str = '"1"'
    requests: list[tuple[str, str]] = field(default_factory=list)  # path, Range
    logins: list[str] = field(default_factory=list)

    def listing(self) -> bytes:
        siblings = []
        for path, data in self.files.items():
            about = {
                "rfilename": path, "size": len(data), "blobId": "f" * 40,
                "lfs": {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 130},
            }  # fmt: skip
            siblings.append({**about, **self.announced.get(path, {})})
        return json.dumps({"id": "a/b", "sha": COMMIT, "siblings": siblings}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        hub = self.server.hub
        path = self.path.partition("?")[0]
        hub.requests.append((path, self.headers.get("range", "")))
        hub.logins.append(self.headers.get("authorization", ""))
        login = self.headers.get("authorization", "").removeprefix("Bearer ")
        if hub.refusals:
            status, headers = hub.refusals.pop(0)
            self._reply(status, b"no", headers)
        elif login and login != hub.token:
            self._reply(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif hub.private and not login:
            self._reply(401, b"")
        elif re.fullmatch("/api/models/a/b/revision/(main|old)", path):
            self._reply(200, hub.listing(), {"Content-Type": "application/json"})
        elif path.startswith("/api/models/a/b/"):
            self._reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif path.startswith("/api/"):
            self._reply(404, b"", {"X-Error-Code": "RepoNotFound"})
        else:
            self._file(hub, path)

    def _file(self, hub: Hub, path: str) -> None:
        name = path.removeprefix(f"/a/b/resolve/{COMMIT}/").removeprefix("/cdn/")
        if name not in hub.files:
            self._reply(404, b"")
        elif hub.redirect and not path.startswith("/cdn/"):
            self._reply(302, b"", {"Location": f"/cdn/{name}"})
        else:
            self._bytes(hub, hub.files[name])

    def _bytes(self, hub: Hub, data: bytes) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        headers = {"ETag": hub.etag}
        if not found or not hub.ranges:
            self._reply(200, data, headers)
            return
        first, last = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
        if first >= len(data):
            self._reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data) if hub.sized else '*'}"
        self._reply(206, data[first : last + 1], headers)

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        hub = self.server.hub
        large = status in (200, 206) and "ETag" in (headers or {}) and len(body) > 1
        self.send_response(status)
        if large and hub.extra:
            self.close_connection = True
            body += hub.extra
        else:
            self.send_header("Content-Length", str(len(body)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if large and hub.breaks:
            self.wfile.write(body[: hub.breaks.pop(0)])
            self.wfile.flush()
            self.close_connection = True
            if hub.hold:
                hub.hold.wait(60)
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what some tests are about."""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.hub = hub
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
