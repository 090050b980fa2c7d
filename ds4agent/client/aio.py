"""Requests to an engine on asyncio: what client.http is for threads.

The task that waits is what stops a request: when it is cancelled, or the generator is closed, the socket is
closed at once, without waiting for anything, because that is the only way to tell an engine to stop. As
there, a read may take as long as it takes, and nothing is ever sent twice.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ds4agent.client.errors import EngineFailed, EngineLost
from ds4agent.client.http import (
    CONNECT_SECONDS,
    MOST_ERROR_BYTES,
    Endpoint,
    Response,
    head,
    parse,
    refusal,
)
from ds4agent.wire.sse_reader import Comment, Record, SseReader

CHUNK = 65536


async def exchange(
    endpoint: Endpoint, method: str, path: str, body: bytes = b"", lane: str | None = None
) -> AsyncGenerator[bytes]:
    """Send a request and yield the body of a 200 as it arrives. `lane`: in which a sidecar puts it, if not
    in the endpoint's. Raises EngineLost, BadRequest, ContextFull or EngineFailed.
    """
    reader, writer = await _connect(endpoint)
    try:
        asked = replace(endpoint, lane=lane) if lane else endpoint
        writer.write(head(asked, method, path, len(body)) + body)
        response, refused = Response(), b""
        while not response.complete and (data := await _read(reader, endpoint)):
            parse(response, data, endpoint)
            piece = response.take()
            if response.head_complete and response.status == 200 and piece:
                yield piece
            elif piece:
                refused = (refused + piece)[:MOST_ERROR_BYTES]
        if not response.head_complete:
            raise EngineLost(f"the engine at {endpoint.url} closed the connection without an answer")
        if response.status != 200:
            raise refusal(response.status, refused)
    finally:
        writer.transport.abort()


async def _connect(endpoint: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(endpoint.host, endpoint.port, ssl=endpoint.tls or None)
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or "no answer"
        raise EngineLost(f"no engine answers at {endpoint.url}: {why}") from error


async def _read(reader: asyncio.StreamReader, endpoint: Endpoint) -> bytes:
    try:
        return await reader.read(CHUNK)
    except OSError as error:
        raise EngineLost(f"the connection to {endpoint.url} broke: {error.strerror}") from error


async def whole(
    endpoint: Endpoint, method: str, path: str, body: bytes = b"", lane: str | None = None
) -> bytes:
    """The body of the answer."""
    return b"".join([piece async for piece in exchange(endpoint, method, path, body, lane)])


async def ask(
    endpoint: Endpoint, path: str, value: dict[str, Any], lane: str | None = None
) -> dict[str, Any]:
    """POST a JSON object, get one. Raises also EngineFailed for anything else."""
    answer = await whole(endpoint, "POST", path, json.dumps(value).encode(), lane)
    return _object(answer, endpoint, path)


async def get(endpoint: Endpoint, path: str) -> dict[str, Any]:
    return _object(await whole(endpoint, "GET", path), endpoint, path)


def _object(answer: bytes, endpoint: Endpoint, path: str) -> dict[str, Any]:
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EngineFailed(f"{endpoint.url}{path} answered what is not a JSON object: {answer[:80]!r}")
    return found


async def events(
    endpoint: Endpoint, path: str, body: bytes, lane: str | None = None
) -> AsyncGenerator[Comment | Record]:
    """A streamed answer, event by event, without the `[DONE]` at its end."""
    reader = SseReader()
    async with aclosing(exchange(endpoint, "POST", path, body, lane)) as stream:
        async for data in stream:
            for event in reader.feed(data):
                if isinstance(event, Record) and event.data == "[DONE]":
                    return
                yield event
