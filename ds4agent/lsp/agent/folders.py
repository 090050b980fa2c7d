"""Files as the client names them and as they are on disk.

A session works in a folder without links in its path, as everywhere in ds4agent; the client may know that
folder under another name, and gets uris that begin with its own.
"""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from pygls.uris import from_fs_path, to_fs_path

from ds4agent.agent import textfile
from ds4agent.lsp.protocol import Failed, Server

# What stands in a path where its uri had bytes that are not UTF-8.
_NO_TEXT = "\ufffd"


class Folders:
    """The workspace folders of a client."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def all(self) -> list[Path]:
        """As the client names them; a client of the old kind has a root."""
        found = [_path(folder.uri) for folder in self._server.files.folders.values()]
        root = self._server.files.root_path
        return [path for path in found if path] or ([Path(root)] if root else [])

    def chosen(self, uri: str | None) -> Path:
        """One of them, without links in it. Raises Failed."""
        folders = self.all()
        if not folders:
            raise Failed("no folder is open in the editor; the agent works in one")
        path = folders[0] if uri is None else _path(uri)
        if path is None or path not in folders:
            raise Failed(f"{uri} is not a folder of the workspace")
        if not path.is_dir():
            raise Failed(f"{path} is not a folder")
        return path.resolve()

    def hold(self, cwd: Path) -> bool:
        """Whether a session's folder is one of them."""
        return any(folder.resolve() == cwd for folder in self.all())

    def uri(self, path: Path) -> str:
        for folder in self.all():
            if path.is_relative_to(real := folder.resolve()):
                path = folder / path.relative_to(real)
                break
        try:
            return from_fs_path(str(path)) or path.as_uri()
        except UnicodeEncodeError:  # a name that is not UTF-8: its bytes
            return path.as_uri()

    def path(self, uri: str) -> Path:
        """Where it is on disk. Raises Failed."""
        found = _path(uri)
        if found is None:
            raise Failed(f"{uri} is not a file")
        for folder in self.all():
            if found.is_relative_to(folder):
                return folder.resolve() / found.relative_to(folder)
        return found

    def all_unsaved(self) -> set[Path]:
        """Files of the workspace that are open with other text than on disk. For any thread."""
        folders = [(folder, folder.resolve()) for folder in self.all()]
        opened = [path for uri in list(self._server.files.text_documents) if (path := _path(uri))]
        real = [
            there / path.relative_to(folder)
            for path in opened
            for folder, there in folders
            if path.is_relative_to(folder)
        ]
        return {path for path in real if self.unsaved(path)}

    def unsaved(self, path: Path) -> bool:
        """Whether it is open in the editor with other text than on disk. For any thread."""
        document = self._server.files.open(self.uri(path))
        if document is None:
            return False
        try:
            held = textfile.read(path)
        except (OSError, textfile.NotText):
            return False
        text = document.source.removeprefix("﻿")
        return (text.replace("\r\n", "\n") if held.crlf else text) != held.text


def _path(uri: str) -> Path | None:
    found = to_fs_path(uri)
    if found and _NO_TEXT in found:
        found = os.fsdecode(unquote_to_bytes(urlsplit(uri).path))
    return Path(found) if found else None
