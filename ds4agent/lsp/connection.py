"""One client: its server, its rooms, and how that ends.

A transport feeds the bodies that arrive and writes what is to be sent; it awaits `over`, whose result is the
exit code of a process that serves only this client, and then closes. What cannot be read as a message is a
line in the log, and an error to the client where it asked something; the connection goes on.

Messages are begun one after the other, each before the next one is looked at. A coroutine only begins with
the next round of the event loop, and a request whose document changed in between would take its position for
one in the text that came later.
"""

import asyncio
import json
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
)

from ds4agent.lsp import rooms
from ds4agent.lsp.app import App
from ds4agent.lsp.protocol import Server

# How often it is looked whether the client's process is still there.
LOOK_SECONDS = 2.0
log = logging.getLogger(__name__)


class Writer(Protocol):
    """What pygls writes to."""

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class Connection:
    """`flags`: settings of the command line. Raises ConfigError."""

    def __init__(self, flags: Mapping[str, Any], writer: Writer, headers: bool) -> None:
        self._server = Server()
        self._app = App(self._server, flags, rooms.ALL)
        self._protocol = self._server.protocol
        self._protocol.set_writer(writer, include_headers=headers)
        # pygls would end the process.
        self._protocol.fm.builtin_features[types.EXIT] = self._exit
        self._todo: deque[Callable[[], None]] = deque()
        self._watching = asyncio.ensure_future(self._watch())
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def take(self, body: bytes) -> None:
        """A message from the client."""
        self._in_turn(partial(self._handle, body))

    def finish(self, why: str) -> None:
        """No more messages come; those that have come are handled first."""
        self._in_turn(partial(self.end, why))

    def _in_turn(self, work: Callable[[], None]) -> None:
        self._todo.append(work)
        if len(self._todo) == 1:
            self._next()

    def _next(self) -> None:
        self._todo[0]()
        asyncio.get_running_loop().call_soon(self._begun)

    def _begun(self) -> None:
        self._todo.popleft()
        if self._todo:
            self._next()

    def _handle(self, body: bytes) -> None:
        try:
            message = json.loads(body, object_hook=self._protocol.structure_message)
        except Exception as error:
            self._refuse(body, error)
            return
        if not hasattr(message, "jsonrpc"):
            self._refuse(body, ValueError("not a JSON-RPC message"))
            return
        try:
            self._protocol.handle_message(message)
        except Exception:
            log.exception("a message was not handled")

    def complain(self, what: object) -> None:
        log.warning("the client sent what is no message: %s", what)

    def end(self, why: str) -> None:
        """The client is gone, or the process is to end."""
        if not self.over.done():
            log.info("the end: %s", why)
            self.over.set_result(0 if self._app.shut_down else 1)

    async def close(self) -> None:
        """All that was at work for this client ends."""
        self._watching.cancel()
        await self._app.close()

    def _exit(self, _: object = None) -> None:
        self.end("exit")

    def _refuse(self, body: bytes, error: Exception) -> None:
        self.complain(f"{type(error).__name__}: {str(error)[:200]}")
        try:
            plain = json.loads(body)
        except (ValueError, RecursionError):
            self._answer(None, JsonRpcParseError("not JSON"))
            return
        if not isinstance(plain, dict):
            self._answer(None, JsonRpcInvalidRequest("not a JSON-RPC message"))
        elif "id" in plain and "method" in plain:
            self._answer(plain["id"], JsonRpcInvalidParams(f"not the parameters of {plain['method']}"))

    def _answer(self, to: object, error: JsonRpcException) -> None:
        told = {"code": error.code, "message": error.message}
        self._protocol._send_data({"jsonrpc": "2.0", "id": to, "error": told})

    async def _watch(self) -> None:
        """End with the client's process, if that can be seen from here at all."""
        seen = False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            pid = getattr(self._server, "process_id", None)
            there = pid is not None and _is_there(pid)
            if seen and not there:
                self.end(f"the client's process {pid} is gone")
            seen = there


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
