"""An editor for tests: the real server in a process of its own, and what it says, in the order it came."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types
from pytest_lsp import LanguageClient
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

from ds4agent.lsp.protocol import converter
from tests.e2e.task_runner import private_environment

HEARD = (
    "ds4/status",
    "ds4/chat/delta",
    "ds4/agent/event",
    "ds4/agent/progress",
    types.WINDOW_SHOW_MESSAGE,
)


def capabilities(encoding: str = "utf-16", ghost_text: bool = True) -> types.ClientCapabilities:
    """Of an editor that has all that the server can make use of."""
    return types.ClientCapabilities(
        general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind(encoding)]),
        window=types.WindowClientCapabilities(work_done_progress=True),
        workspace=types.WorkspaceClientCapabilities(
            apply_edit=True,
            configuration=True,
            workspace_folders=True,
            workspace_edit=types.WorkspaceEditClientCapabilities(
                document_changes=True,
                change_annotation_support=types.ChangeAnnotationsSupportOptions(groups_on_label=True),
                resource_operations=[types.ResourceOperationKind.Create],
            ),
        ),
        text_document=types.TextDocumentClientCapabilities(
            inline_completion=types.InlineCompletionClientCapabilities() if ghost_text else None,
            code_action=types.CodeActionClientCapabilities(
                data_support=True,
                resolve_support=types.ClientCodeActionResolveOptions(properties=["edit"]),
                code_action_literal_support=types.ClientCodeActionLiteralOptions(
                    code_action_kind=types.ClientCodeActionKindOptions(value_set=[])
                ),
            ),
        ),
    )


class Editor:
    """`said` has the notifications of our own, and messages to the user, as (method, params)."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.said: list[tuple[str, Any]] = []
        self.edits: list[types.ApplyWorkspaceEditParams] = []
        self.agreed = types.InitializeResult(types.ServerCapabilities())
        self._news = asyncio.Condition()
        self._versions: dict[str, int] = {}
        for method in HEARD:
            self._listen(method)

        client.feature(types.WORKSPACE_APPLY_EDIT)(self._apply())

    def _apply(self) -> Callable[[types.ApplyWorkspaceEditParams], types.ApplyWorkspaceEditResult]:
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            self.edits.append(params)
            return types.ApplyWorkspaceEditResult(applied=True)

        return apply

    def _listen(self, method: str) -> None:
        async def heard(params: Any) -> None:
            self.said.append((method, params))
            async with self._news:
                self._news.notify_all()

        self.client.feature(method)(heard)

    async def until(self, found: Callable[[list[tuple[str, Any]]], Any], seconds: float = 60.0) -> Any:
        """What `found` makes of what was said, once that is true."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: found(self.said))
        return found(self.said)

    async def ask(self, method: str, params: Any = None) -> Any:
        return await self.client.protocol.send_request_async(method, params)  # type: ignore[no-untyped-call]

    def tell(self, method: str, params: Any = None) -> None:
        self.client.protocol.notify(method, params)

    def open(self, uri: str, text: str, language: str = "python") -> str:
        self._versions[uri] = 1
        item = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
        return uri

    def change(self, uri: str, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """An edit by range, in units of the agreed encoding."""
        self._versions[uri] += 1
        edit = types.TextDocumentContentChangePartial(
            range=types.Range(types.Position(*start), types.Position(*end)), text=text
        )
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                text_document=types.VersionedTextDocumentIdentifier(uri=uri, version=self._versions[uri]),
                content_changes=[edit],
            )
        )


@asynccontextmanager
async def editor(
    home: Path,
    *flags: str,
    encoding: str = "utf-16",
    ghost_text: bool = True,
    settings: Mapping[str, Any] | None = None,
    folders: tuple[Path, ...] = (),
    env: Mapping[str, str] | None = None,
    able: types.ClientCapabilities | None = None,
) -> AsyncIterator[Editor]:
    """`ds4agent lsp FLAGS...` at the other end of a pipe, initialized; it has exited at the end."""
    client = LanguageClient(
        configuration={"": {"ds4agent": dict(settings or {})}}, converter_factory=converter
    )
    features = {m: f for m, f in DEFAULT_CLIENT_FEATURES.items() if m not in HEARD}
    register_lsp_features(client, features)
    found = Editor(client)
    await client.start_io(
        sys.executable, "-m", "ds4agent", "lsp", *flags, env={**private_environment(home), **(env or {})}
    )
    found.agreed = await client.initialize_session(
        types.InitializeParams(
            capabilities=able or capabilities(encoding, ghost_text),
            workspace_folders=[types.WorkspaceFolder(path.as_uri(), path.name) for path in folders],
        )
    )
    try:
        yield found
    finally:
        # One that a test has killed has nothing to say any more.
        if client._server and client._server.returncode is None:
            await client.shutdown_session()
        await client.stop()  # type: ignore[no-untyped-call]
