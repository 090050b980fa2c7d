"""Code actions, `ds4/edit`, and the commands for clients that know nothing but those.

A code action carries what was asked for in its `data` and is made into an edit when it is resolved. A client
that cannot resolve gets commands instead: the edit is then sent to it by `workspace/applyEdit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lsprotocol import types

from ds4agent.lsp.app import App
from ds4agent.lsp.edits.offers import Offer, offers
from ds4agent.lsp.edits.propose import Proposal, propose
from ds4agent.lsp.edits.work import KINDS, Work
from ds4agent.lsp.edits.workspace import Abilities
from ds4agent.lsp.messages import Diagnostic, Range, TextDocument, read, write
from ds4agent.lsp.protocol import Failed

COMMANDS = ("edit", *(do for do in KINDS if do != "explain"))


@dataclass(frozen=True, slots=True)
class EditParams:
    text_document: TextDocument
    range: Range
    instruction: str


class Edits:
    """The room."""

    def __init__(self, app: App) -> None:
        self._app = app
        options = types.CodeActionOptions(
            code_action_kinds=[*dict.fromkeys(KINDS.values())], resolve_provider=True
        )
        server = app.server
        server.answer(types.TEXT_DOCUMENT_CODE_ACTION, self._actions, options)
        server.answer(types.CODE_ACTION_RESOLVE, self._resolve)
        server.on("ds4/edit", EditParams, self._edit)
        for do in COMMANDS:
            server.on_command(f"ds4.{do}", partial(self._command, do))

    def configured(self) -> None:
        """Nothing here depends on settings that were read before."""

    async def close(self) -> None:
        """Work that goes on ends with its request."""

    # -- code actions ----------------------------------------------------------------------------------------

    def _actions(self, params: types.CodeActionParams) -> list[types.Command | types.CodeAction] | None:
        document = self._app.server.files.open(params.text_document.uri)
        if document is None:
            return None
        found = offers(document, params, self._app.settings.lsp.max_file_kb * 1024)
        return [self._action(offer) for offer in found]

    def _action(self, offer: Offer) -> types.Command | types.CodeAction:
        literals, resolves = self._knows()
        command = _command(offer)
        if not literals:
            return command
        action = types.CodeAction(
            title=offer.title,
            kind=offer.kind,
            diagnostics=[offer.diagnostic] if offer.diagnostic else None,
        )
        if resolves and offer.work.do != "explain":
            action.data = write(offer.work)
        else:
            action.command = command
        return action

    def _knows(self) -> tuple[bool, bool]:
        """Whether the client takes more than commands, and whether it resolves edits."""
        text_document = self._app.server.client_capabilities.text_document
        can = text_document.code_action if text_document else None
        if can is None or not can.code_action_literal_support:
            return False, False
        resolves = can.resolve_support is not None and "edit" in can.resolve_support.properties
        return True, resolves and bool(can.data_support)

    async def _resolve(self, action: types.CodeAction) -> types.CodeAction:
        if action.data is None:
            return action
        proposal = await propose(self._app, read(Work, action.data, "data"))
        if proposal.edit is None:
            raise Failed(proposal.summary)
        action.edit = proposal.edit
        return action

    # -- requests of our own ---------------------------------------------------------------------------------

    async def _edit(self, params: EditParams) -> dict[str, Any]:
        if not params.instruction.strip():
            raise Failed("say what is to be done with these lines")
        document = params.text_document
        work = Work("edit", document.uri, params.range, document.version, instruction=params.instruction)
        return self._told(await propose(self._app, work))

    async def _command(self, do: str, arguments: Sequence[Any]) -> dict[str, Any]:
        work = _work(do, arguments)
        if do == "edit" and not work.instruction.strip():
            raise Failed("ds4.edit needs [uri, range, instruction]")
        proposal = await propose(self._app, work)
        if proposal.edit is None:
            raise Failed(proposal.summary)
        return {**self._told(proposal), "applied": await apply(self._app, proposal)}

    def _told(self, proposal: Proposal) -> dict[str, Any]:
        return {"edit": self._app.server.plain(proposal.edit), "summary": proposal.summary}


async def apply(app: App, proposal: Proposal) -> bool:
    """Have the client make the edit; whether it did."""
    if proposal.edit is None:
        return False
    if not Abilities(app.server).apply:
        raise Failed("this editor cannot be asked to change a document")
    params = types.ApplyWorkspaceEditParams(proposal.edit, label=proposal.summary)
    return (await app.server.workspace_apply_edit_async(params)).applied


def _command(offer: Offer) -> types.Command:
    work = offer.work
    arguments = [work.uri, write(work.range), *write(work.diagnostics)]
    return types.Command(title=offer.title, command=f"ds4.{work.do}", arguments=arguments)


def _work(do: str, arguments: Sequence[Any]) -> Work:
    """From a command's arguments: [uri, range], then an instruction or diagnostics."""
    uri, where, *more = [*arguments, None, None][: max(2, len(arguments))]
    work = read(Work, {"do": do, "uri": uri, "range": where}, f"ds4.{do}")
    if do == "edit":
        return replace(work, instruction=str(more[0]) if more else "")
    found = tuple(read(Diagnostic, item, f"ds4.{do}[{n + 2}]") for n, item in enumerate(more))
    return replace(work, diagnostics=found)
