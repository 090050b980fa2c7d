"""pygls' server with what ours needs besides: checked parameters of `ds4/*`, and documents of our own.

Handlers are coroutines: pygls cancels those when the client takes a request back. What a handler raises
reaches the client as an error with one sentence, and the log with everything; never a window full of it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    default_converter,
)
from pygls.uris import to_fs_path

from ds4agent import __version__
from ds4agent.agent import textfile
from ds4agent.agent.transcript import TranscriptError
from ds4agent.client.errors import EngineError
from ds4agent.lsp.document import Document, Files
from ds4agent.lsp.messages import BadParams, read, write

T = TypeVar("T")
log = logging.getLogger(__name__)
# By LSP: the server could not do it, and it was nobody's mistake.
REQUEST_FAILED = -32803


class Failed(JsonRpcException):
    """A request that could not be carried out; the message is for the user."""

    CODE = REQUEST_FAILED
    MESSAGE = "the request failed"

    def __init__(self, message: str) -> None:
        super().__init__(message=message, code=REQUEST_FAILED)


def converter() -> Converter:
    """pygls' own, but messages that LSP does not know stay JSON: as tuples they would lose members."""
    found: Converter = default_converter()  # type: ignore[no-untyped-call]
    for message in (JsonRPCRequestMessage, JsonRPCResponseMessage, JsonRPCNotification):
        found.register_structure_hook(message, lambda value, cls: cls(**value))
    return found


class Protocol(LanguageServerProtocol):
    """pygls' own, which keeps every notification's task for ever: a cursor that moves all day would fill the
    memory. And of a handler that was cancelled within one of its own (`initialized`, at the end) it says so
    with a traceback in the log.
    """

    def _run_generator(
        self, future: Future[Any] | None, *, gen: Generator[Any, Any, Any], result_future: Future[Any]
    ) -> None:
        if future is not None and future.cancelled():
            gen.close()
            result_future.cancel()
        else:
            super()._run_generator(future, gen=gen, result_future=result_future)

    def _execute_handler(
        self,
        msg_id: str | int,
        handler: Callable[..., Any],
        callback: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        if future := self._request_futures.get(msg_id):
            loop = asyncio.get_running_loop()
            # Not at once: pygls may be going through them, cancelling.
            future.add_done_callback(lambda _: loop.call_soon(self._request_futures.pop, msg_id, None))

    def take_back_all(self) -> None:
        """All that was asked for and has no answer yet, but what asks for this. No more is begun."""
        mine = (self._request_futures.get(self.msg_id or ""), asyncio.current_task())
        for future in list(self._request_futures.values()):
            if future not in mine:
                future.cancel()
        self._shutdown = True


class Server(LanguageServer):
    """A LanguageServer of ours. `files` are its documents."""

    def __init__(self) -> None:
        super().__init__("ds4agent", __version__, protocol_cls=Protocol, converter_factory=converter)
        self._commands: dict[str, Callable[[list[Any]], Awaitable[Any]]] = {}
        # pygls' own runs a command apart from the request, so that taking the request back would not stop it.
        self.protocol.fm.builtin_features[types.WORKSPACE_EXECUTE_COMMAND] = _coroutine(self._execute)

    def take_back_all(self) -> None:
        """See Protocol."""
        assert isinstance(self.protocol, Protocol)
        self.protocol.take_back_all()

    @property
    def files(self) -> Files:
        found = self.workspace
        assert isinstance(found, Files)
        return found

    def use_own_documents(self) -> None:
        """To be called by the handler of `initialize`, when pygls has made its workspace: it has no hook."""
        made = self.protocol.workspace
        self.protocol._workspace = Files(
            made.root_uri,
            types.TextDocumentSyncKind.Incremental,
            list(made.folders.values()),
            made.position_encoding,
        )

    def document(self, uri: str) -> Document:
        """Raises Failed for one that is not open."""
        found = self.files.open(uri)
        if found is None:
            raise Failed(f"{uri} is not open")
        return found

    def document_or_file(self, uri: str) -> Document:
        """One that is open, else as it is on disk. Raises Failed."""
        found = self.files.open(uri)
        path = to_fs_path(uri)
        if found or path is None:
            return found or self.document(uri)
        try:
            content = textfile.read(Path(path))
        except FileNotFoundError as error:
            raise Failed(f"{path} is not open, and not on disk either") from error
        except (OSError, textfile.NotText) as error:
            raise Failed(f"{path} cannot be read as text") from error
        text = content.text.replace("\n", "\r\n") if content.crlf else content.text
        return self.files.closed(uri, text)

    def answer(self, method: str, handler: Callable[[Any], Any], options: Any = None) -> None:
        """Have `handler` answer a method of LSP's; what it has to be when it may be taken back: a coroutine.

        pygls writes attributes on what it is given, which bound methods cannot have.
        """
        wrapped = _coroutine(handler) if asyncio.iscoroutinefunction(handler) else _function(handler)
        self.feature(method, options)(wrapped)

    def on(self, method: str, params: type[T], answer: Callable[[T], Awaitable[Any]]) -> None:
        """Answer a `ds4/*` request (or take a notification) with what `answer` returns."""

        async def handler(raw: Any) -> Any:
            with _refusing():
                return write(await answer(read(params, raw)))

        self.feature(method)(handler)

    def on_command(self, name: str, answer: Callable[[list[Any]], Awaitable[Any]]) -> None:
        """Carry out a command of `workspace/executeCommand`; `answer` gets its arguments."""

        async def handler(*arguments: Any) -> Any:
            return await answer(list(arguments))

        self._commands[name] = answer
        self.command(name)(handler)  # which puts it among the capabilities

    async def _execute(self, params: types.ExecuteCommandParams) -> Any:
        answer = self._commands.get(params.command)
        if answer is None:
            raise JsonRpcInvalidParams(f"there is no command {params.command}")
        with _refusing():
            return write(await answer(list(params.arguments or ())))

    def plain(self, value: object) -> Any:
        """A value of LSP's as JSON has it, for messages of our own."""
        return self.protocol._converter.unstructure(value) if value is not None else None

    def tell(self, method: str, value: object) -> None:
        """Send a notification of ours."""
        self.protocol.notify(method, write(value))


@contextmanager
def _refusing() -> Iterator[None]:
    """What goes wrong in here reaches the client as an error that says whose mistake it was."""
    try:
        yield
    except BadParams as error:
        raise JsonRpcInvalidParams(str(error)) from error
    except (EngineError, TranscriptError) as error:
        raise Failed(str(error)) from error


def _coroutine(handler: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    async def wrapped(params: Any) -> Any:
        with _refusing():
            return await handler(params)

    return wrapped


def _function(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def wrapped(params: Any) -> Any:
        return handler(params)

    return wrapped
