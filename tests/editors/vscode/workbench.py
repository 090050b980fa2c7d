"""VS Code's workbench in headless Chromium, as a person has it: keys and clicks go in, the page is looked at.

Nothing waits for a time to pass: what is waited for is in the page. What a page must not do here is written
down: requests to other hosts, dialogs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Dialog, Error, Frame, Locator, Page, Request, expect, sync_playwright
from playwright.sync_api import TimeoutError as TooLong

from tests.editors.vscode import install
from tests.editors.vscode.code_server import CodeServer

T = TypeVar("T")
MILLISECONDS = 45_000.0
# No name has an address: what would be asked elsewhere fails.
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", OFFLINE]
# What VS Code calls the files of a view; its own service worker answers.
FILES_OF_VIEWS = ".vscode-resource.vscode-cdn.net"
SIZE = {"width": 1280, "height": 800}
# Of the frames of a webview the innermost has what the extension made.
CHAT = "#composer #question"
STATUS = '.statusbar-item[id^="ds4agent.ds4agent"]'
PREVIEW = ".bulk-edit-panel"
GHOST = '[class*="ghost-text"]'
LINES = ".editor-group-container.active .editor-instance .view-line"
SHOWN = """([selector, between, text]) => [...document.querySelectorAll(selector)]
    .filter(one => !one.parentElement.closest(selector))
    .sort((a, b) => (parseInt(a.style.top) || 0) - (parseInt(b.style.top) || 0))
    .map(one => one.textContent).join(between).replaceAll("\\xa0", " ").includes(text)"""

REMEMBERED = """async text => {
    const done = request => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    for (const { name } of await indexedDB.databases()) {
        const database = await done(indexedDB.open(name));
        try {
            if (!database.objectStoreNames.contains("ItemTable")) continue;
            const items = database.transaction("ItemTable").objectStore("ItemTable");
            const value = await done(items.get("ds4agent.ds4agent"));
            if (value && value.includes(text)) return true;
        } finally {
            database.close();
        }
    }
    return false;
}"""


class Workbench:
    """A window."""

    def __init__(self, page: Page, server: CodeServer) -> None:
        self.page, self.server = page, server
        self.strangers: list[str] = []
        self.dialogs: list[str] = []
        self.console: list[str] = []
        page.set_default_timeout(MILLISECONDS)
        page.on("request", self._note_request)
        page.on("dialog", self._note_dialog)
        page.on("console", lambda message: self.console.append(message.text))

    def _note_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _note_request(self, request: Request) -> None:
        at = urlsplit(request.url)
        host = at.hostname or "127.0.0.1"
        if at.scheme not in ("data", "blob") and host != "127.0.0.1" and not host.endswith(FILES_OF_VIEWS):
            self.strangers.append(request.url)

    def open(self, folder: Path, *files: Path) -> None:
        """The window with these files, the last of them in front, and the language server ready."""
        self.show(folder, *files)
        self.ready()

    def show(self, folder: Path, *files: Path) -> None:
        """The window with these files, whether or not there is a language server."""
        for _ in range(4):
            self.page.goto(self.server.address(folder, *files))
            self.page.wait_for_selector(".monaco-workbench .statusbar")
            if folder.suffix != ".code-workspace":
                break
            # On a busy machine VS Code gives up on reading the workspace's file and shows no folder at all.
            with suppress(TooLong):
                self.page.wait_for_selector(".explorer-folders-view .monaco-list-row", timeout=15_000)
                break
        for file in files[-1:]:
            self.page.wait_for_selector(f'.tab.active[data-resource-name="{file.name}"]')
            self.page.wait_for_selector(".editor-instance .view-line")

    def ready(self) -> None:
        """Until the language server runs and nothing goes on."""
        self.page.wait_for_selector(f"{STATUS} .codicon-sparkle")

    def status(self, text: str | re.Pattern[str]) -> Locator:
        """Our item of the status bar, if it says that."""
        return self.page.locator(STATUS).filter(has_text=text)

    def key(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def command(self, title: str) -> None:
        """By the palette; the whole title, with its category."""
        self.key("F1")
        box = self.page.locator(".quick-input-widget input")
        box.wait_for()
        box.fill(f">{title}")
        self.page.locator(".quick-input-list .monaco-list-row").filter(has_text=title).first.click()

    def answer(self, text: str) -> None:
        """Into the box that asks something."""
        box = self.page.locator(".quick-input-widget input")
        box.wait_for()
        box.fill(text)
        self.key("Enter")
        # Until it is gone the next keys are its own.
        self.page.wait_for_selector(".quick-input-widget", state="hidden")

    def file(self, name: str) -> None:
        """Put this file of the workspace in front."""
        self.key("Control+p")
        box = self.page.locator(".quick-input-widget input")
        box.wait_for()
        box.fill(name)
        self.page.locator(".quick-input-list .monaco-list-row").filter(has_text=name).first.click()
        self.page.wait_for_selector(f'.tab.active[data-resource-name="{name}"]')

    def go(self, line: int, column: int = 1) -> None:
        """Put the cursor there (from 1), focused in the editor."""
        self.page.locator(".editor-instance .view-lines").first.click()
        self.key("Control+g")
        self.answer(f":{line}:{column}")
        self.wait_cursor(f"Ln {line}, Col {column}")

    def front(self, file: Path) -> None:
        """Open a file of the folder, as a person finds it."""
        self.key("Control+p")
        box = self.page.locator(".quick-input-widget input")
        box.wait_for()
        box.fill(file.name)
        self.page.locator(".quick-input-list .monaco-list-row").filter(has_text=file.name).first.click()
        self.page.wait_for_selector(f'.tab.active[data-resource-name="{file.name}"]')

    def remembered(self, text: str) -> None:
        """Until the window has stored what our extension had it remember: a reload does not wait for that."""
        self.until(lambda: self.page.evaluate(REMEMBERED, text), f"{text} is not stored")

    def until(self, true: Callable[[], T | None], problem: str) -> T:
        """What it returns, once that is something: for what the page cannot wait for by itself."""
        deadline = time.monotonic() + MILLISECONDS / 1000
        while not (found := true()):
            assert time.monotonic() < deadline, problem
            self.page.wait_for_timeout(50)
        return found

    def wait_ghost(self, text: str) -> None:
        self.page.wait_for_function(SHOWN, arg=[GHOST, "", text])

    def wait_line(self, text: str) -> None:
        """Until the editor in front shows this somewhere in its lines."""
        self.page.wait_for_function(SHOWN, arg=[LINES, "\n", text])

    def wait_cursor(self, where: str) -> None:
        """As the status bar has it."""
        expect(self.page.locator('[id="status.editor.selection"]')).to_contain_text(where)

    def wait_no_ghost(self) -> None:
        self.page.wait_for_function(f"() => !document.querySelector({GHOST!r})")

    def save(self, file: Path, wanted: str | Callable[[str], bool]) -> str:
        """Save the file in front, until the one on disk is as wanted. The mark that its tab bears does not
        tell by itself: it comes some time after the change, and goes some time after the file is written.
        """
        self.key("Control+s")
        deadline = time.monotonic() + MILLISECONDS / 1000
        fits = wanted if callable(wanted) else lambda text: bool(text == wanted)
        while not fits(text := file.read_text()):
            assert time.monotonic() < deadline, f"{file} is never {wanted!r}, but {text!r}"
            self.page.wait_for_timeout(20)
        self.page.wait_for_selector(".editor-group-container.active .tab.active:not(.dirty)")
        return text

    def choose(self, title: str) -> None:
        """In a menu that is open."""
        menu = self.page.locator(".action-widget, .monaco-menu-container, .quick-input-widget:visible")
        menu.get_by_text(title).first.click()

    def preview(self) -> None:
        """Until what would be changed is shown."""
        self.page.wait_for_selector(f"{PREVIEW} .monaco-list-row")

    def confirm(self) -> None:
        """Tick what is shown, then apply it."""
        self.page.locator(f"{PREVIEW} .edit-checkbox").first.click()
        self.page.locator(PREVIEW).get_by_role("button", name="Apply").click()
        self.page.wait_for_selector(PREVIEW, state="hidden")

    def discard(self) -> None:
        self.page.locator(PREVIEW).get_by_role("button", name="Discard").click()
        self.page.wait_for_selector(PREVIEW, state="hidden")

    def chat(self) -> Frame:
        """The chat's frame, opened and told what there is."""
        self.page.locator(".activitybar").get_by_role("tab", name="ds4agent").click()
        frame = self.frame()
        frame.wait_for_selector("#conversations option", state="attached")
        return frame

    def notification(self, text: str | re.Pattern[str]) -> Locator:
        return self.page.locator(".notification-list-item").filter(has_text=text).first

    def modal(self, text: str | re.Pattern[str]) -> Locator:
        """The question that has to be answered before anything else."""
        return self.page.locator(".monaco-dialog-box").filter(has_text=text)

    def frame(self, selector: str = CHAT) -> Frame:
        """The frame that has this element, waited for."""
        return self.until(lambda: self._frame(selector), f"no frame has {selector}")

    def _frame(self, selector: str) -> Frame | None:
        for frame in self.page.frames:
            with suppress(Error):  # frames come and go while a view is loaded
                if frame.query_selector(selector):
                    return frame
        return None

    def screenshot(self, path: Path) -> None:
        self.page.screenshot(path=path)


@contextmanager
def browser() -> Iterator[Browser]:
    """One of its own for each test: its event loop would be in the way of other tests."""
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=install.chromium(), args=FLAGS)
        try:
            yield found
        finally:
            found.close()


@contextmanager
def window(inside: Browser, server: CodeServer) -> Iterator[Workbench]:
    """A window without a memory of others, that must not have asked anybody else for anything."""
    context = inside.new_context(viewport=SIZE, locale="en-US", reduced_motion="reduce")  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = Workbench(context.new_page(), server)
    try:
        yield found
        assert found.strangers == []
    finally:
        context.close()
