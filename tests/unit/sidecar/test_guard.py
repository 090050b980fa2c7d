"""Who is let in."""

from __future__ import annotations

import pytest

from ds4agent.sidecar.guard import Denied, Guard
from ds4agent.sidecar.head import parse_head

TOKEN = "t0ken"
KEYS = (("editor", "k1"), ("agent", "k2"))


def ask(
    guard: Guard, target: str, *fields: str, method: str = "GET", host: str = "127.0.0.1:8010"
) -> str | int:
    """The client's name, or the status of the refusal."""
    lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host else []), *fields]
    answer = guard.admit(parse_head("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"))
    return answer.status if isinstance(answer, Denied) else answer


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8010", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8010", "localhost:"]
)
def test_local_hosts(host: str) -> None:
    assert ask(Guard(TOKEN), "/v1/models", host=host) == ""


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8010", "localhost.evil.example", "127.0.0.1.nip.io", "localhost:x",
     "::1", "127.0.0.1:80:80", "localhost@evil.example", "xlocalhost", "[::1].evil.example", "[::2]", "\xff"],
)  # fmt: skip
def test_other_hosts_are_refused_whatever_else_is_given(host: str) -> None:
    guard = Guard(TOKEN, KEYS)
    assert ask(guard, "/v1/models", "Authorization: Bearer k1", host=host) == 403
    assert ask(guard, "/ds4agent/status", f"Authorization: Bearer {TOKEN}", host=host) == 403
    assert ask(guard, "/health", host=host) == 403


def test_names_of_this_machine() -> None:
    guard = Guard(TOKEN, hosts=("box.lan",))
    assert ask(guard, "/v1/models", host="box.lan:8010") == ""
    assert ask(guard, "/v1/models", host="BOX.lan") == ""
    assert ask(guard, "/v1/models", host="x.box.lan") == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5"])
def test_local_origins(origin: str) -> None:
    assert ask(Guard(TOKEN), "/v1/models", f"Origin: {origin}") == ""


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://localhost.evil.example", "http://evil.example:80",
     "file://", "vscode-webview://x", "http://localhost:3000/", "http://localhost@evil.example"],
)  # fmt: skip
def test_other_origins_need_a_setting(origin: str) -> None:
    assert ask(Guard(TOKEN), "/v1/models", f"Origin: {origin}") == 403
    assert ask(Guard(TOKEN, origins=(origin,)), "/v1/models", f"Origin: {origin}") == ""
    assert ask(Guard(TOKEN, origins=("*",)), "/v1/models", f"Origin: {origin}") == ""


@pytest.mark.parametrize("field", ["Authorization: Bearer {}", "authorization: bearer  {}", "X-Api-Key: {}"])
def test_keys_name_the_client(field: str) -> None:
    guard = Guard(TOKEN, KEYS)
    assert ask(guard, "/v1/messages", field.format("k1"), method="POST") == "editor"
    assert ask(guard, "/v1/messages", field.format("k2"), method="POST") == "agent"


@pytest.mark.parametrize(
    "fields", [(), ("Authorization: Bearer",), ("Authorization: Bearer k",), ("Authorization: Basic k1",),
               ("X-Api-Key: k1 k2",), ("X-Api-Key: K1",), ("Authorization: k1",), ("X-Api-Key: \xff",)]
)  # fmt: skip
def test_without_a_key(fields: tuple[str, ...]) -> None:
    guard = Guard(TOKEN, KEYS)
    assert ask(guard, "/v1/messages", *fields) == 401
    assert ask(guard, "/anything", *fields) == 401
    assert ask(guard, "/health", *fields) == ""
    assert ask(guard, "/v1/messages", *fields, method="OPTIONS") == ""


def test_what_is_the_sidecars_own_needs_the_token() -> None:
    for guard in (Guard(TOKEN), Guard(TOKEN, KEYS)):
        assert ask(guard, "/ds4agent/status") == 401
        assert ask(guard, "/ds4agent/status", "Authorization: Bearer k1") == 401
        assert ask(guard, "/ds4agent/status?x=1", f"Authorization: Bearer {TOKEN}") == ""
        assert ask(guard, "/ds4agent/status", f"X-Api-Key: {TOKEN}") == ""


def test_the_users_own_programs_need_no_key() -> None:
    """They have the token: the runtime file is the user's alone."""
    assert ask(Guard(TOKEN, KEYS), "/v1/models", f"Authorization: Bearer {TOKEN}") == ""
    assert ask(Guard(TOKEN, KEYS), "/v1/models", f"X-Api-Key: {TOKEN}") == ""
