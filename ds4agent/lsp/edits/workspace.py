"""WorkspaceEdits, as much of them as the client knows: one a proposal, so that one undo takes it back.

Where the client can, the edit asks for confirmation and names the document's version, so that the client,
too, refuses it when the document has moved on.
"""

from collections.abc import Sequence

from lsprotocol import types

from ds4agent.lsp.protocol import Server

ANNOTATION = "ds4agent"


class Abilities:
    """What the client can do with an edit."""

    def __init__(self, server: Server) -> None:
        workspace = server.client_capabilities.workspace
        edit = workspace.workspace_edit if workspace else None
        self.apply = bool(workspace and workspace.apply_edit)
        self.versions = bool(edit and edit.document_changes)
        self.confirmation = self.versions and bool(edit and edit.change_annotation_support)
        operations = (edit.resource_operations if edit else None) or ()
        self.create = self.versions and types.ResourceOperationKind.Create in operations


def changing(
    server: Server, uri: str, version: int | None, edits: Sequence[types.TextEdit], label: str
) -> types.WorkspaceEdit:
    """Edits of one document. `version`: None for one that is not open."""
    can = Abilities(server)
    if not can.versions:
        return types.WorkspaceEdit(changes={uri: list(edits)})
    changed = _changed(uri, version, edits, can.confirmation)
    return types.WorkspaceEdit(
        document_changes=[changed], change_annotations=_annotations(label) if can.confirmation else None
    )


def creating(server: Server, uri: str, text: str, label: str) -> types.WorkspaceEdit:
    """A new file with this text, for a client that can create files. It must not be there."""
    can = Abilities(server)
    start = types.Position(0, 0)
    options = types.CreateFileOptions(overwrite=False, ignore_if_exists=False)
    create = types.CreateFile(
        uri=uri, options=options, annotation_id=ANNOTATION if can.confirmation else None
    )
    filled = _changed(uri, None, [types.TextEdit(types.Range(start, start), text)], can.confirmation)
    return types.WorkspaceEdit(
        document_changes=[create, filled],
        change_annotations=_annotations(label) if can.confirmation else None,
    )


def _changed(
    uri: str, version: int | None, edits: Sequence[types.TextEdit], confirmation: bool
) -> types.TextDocumentEdit:
    document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    if not confirmation:
        return types.TextDocumentEdit(document, list(edits))
    marked = [
        types.AnnotatedTextEdit(annotation_id=ANNOTATION, range=e.range, new_text=e.new_text) for e in edits
    ]
    return types.TextDocumentEdit(document, marked)


def _annotations(label: str) -> dict[str, types.ChangeAnnotation]:
    return {ANNOTATION: types.ChangeAnnotation(label=label, needs_confirmation=True)}
