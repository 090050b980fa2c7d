"""The part of it that works while the session does: before and after an edit, before and after a command.

An edit names its file, so that is kept as it is. For a command the work tree is looked at before and after,
and what differs is the command's doing; one that goes on in the background keeps the look from before it, so
that what it does later is not taken for somebody else's. What changes while nothing of the session runs is
somebody else's. A step that was broken off by the end of the process is found by the next one: what differs
then may be anybody's and is noted so.

Nothing here stops the agent: where files cannot be kept, that is told once and the work goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ds4agent.agent.changes.images import Images, State, look
from ds4agent.agent.changes.journal import Journal
from ds4agent.agent.changes.worktree import CannotLook, Changed, WorkTree
from ds4agent.client.cancel import Cancel

IMAGES, TREE, STEP = "before", "tree", "step"


class Keeper:
    """`folder`: of the session; `tell` gets one sentence when something cannot be kept, `touched` every file
    that the session changes or has changed.
    """

    def __init__(
        self, folder: Path, cwd: Path, tell: Callable[[str], None], touched: Callable[[Path], None]
    ) -> None:
        self._tell = tell
        self._touched = touched
        self._images = Images(folder / IMAGES)
        self._journal = Journal(folder)
        self._tree: WorkTree | None = WorkTree(folder / TREE, cwd)
        self._step = folder / STEP
        self._begun: str | None = None
        # Touched since the command that runs began.
        self._own: set[Path] = set()

    @contextmanager
    def edit(self, path: Path) -> Iterator[None]:
        """While a file is written; `path` without links in it."""
        kept = False
        try:
            self._touch(path, self._images.keep(path))
            kept = True
        except OSError as error:
            self._cannot_keep(path, error)
        try:
            yield
        finally:
            if kept:
                try:
                    self._leave(path, look(path))
                except OSError as error:
                    self._cannot_keep(path, error)

    def command_begins(self, cancel: Cancel) -> None:
        """Raises Cancelled; then the command must not begin."""
        if self._begun is None:
            self._look(lambda tree: self._begin(tree, cancel))

    def command_ends(self, goes_on: bool) -> None:
        """`goes_on`: in the background."""
        if (since := self._begun) is not None:
            self._look(lambda tree: self._note(tree, since, others=False))
        if not goes_on:
            self._begun = None
            self._own.clear()
            self._step.unlink(missing_ok=True)

    def close(self) -> None:
        """No command runs any more; what the last one did in the background is its doing, too."""
        if self._begun is not None:
            self.command_ends(goes_on=False)

    def _look(self, work: Callable[[WorkTree], None]) -> None:
        if self._tree is None:
            return
        try:
            work(self._tree)
        except (CannotLook, OSError) as error:
            self._tree = self._begun = None
            self._tell(f"what commands change cannot be put back later: {error}")

    def _begin(self, tree: WorkTree, cancel: Cancel) -> None:
        begun = tree.snapshot(cancel)
        with suppress(FileNotFoundError):
            self._take_up(tree, self._step.read_text())
        self._step.write_text(begun)
        self._begun = begun

    def _take_up(self, tree: WorkTree, since: str) -> None:
        """A step that was broken off. Its snapshot may be lost, after a full disk or a power cut."""
        try:
            self._note(tree, since, others=True)
        except CannotLook as error:
            self._tell(f"what the command that was broken off changed cannot be put back: {error}")

    def _note(self, tree: WorkTree, since: str, others: bool) -> None:
        """Everything that differs from a snapshot."""
        found = list(tree.changed(since))
        self._keep_contents(tree, [change for change in found if change.path not in self._journal.notes])
        failed: list[tuple[Path, OSError]] = []
        for change in found:
            try:
                self._note_one(change, look(change.path), others)
            except OSError as error:
                failed.append((change.path, error))
        if failed:
            self._cannot_keep(*failed[0], more=len(failed) - 1)

    def _note_one(self, change: Changed, now: State, others: bool) -> None:
        note = self._journal.notes.get(change.path)
        if note and note.after and note.after.same(now):
            return
        if change.path not in self._own:
            self._touch(change.path, change.before)
        if others:
            self._journal.others(change.path)
        self._leave(change.path, now)

    def _keep_contents(self, tree: WorkTree, new: list[Changed]) -> None:
        for data in tree.contents([change.before.digest for change in new if change.before.digest]):
            self._images.put(data)

    def _cannot_keep(self, path: Path, error: OSError, more: int = 0) -> None:
        what = f"{path} and {more} more" if more else str(path)
        self._tell(f"{what} cannot be put back later: {error.strerror or error}")

    def _touch(self, path: Path, now: State) -> None:
        note = self._journal.notes.get(path)
        if note is None:
            self._journal.touch(path, now)
        elif note.after is not None and not note.after.same(now) and path not in self._own:
            self._journal.others(path)

    def _leave(self, path: Path, now: State) -> None:
        self._touched(path)
        if self._begun is not None:
            self._own.add(path)
        note = self._journal.notes[path]
        if note.after is None and note.before == now:
            self._journal.back(path)
            self._own.discard(path)
        elif note.after != now:
            self._journal.left(path, now)
