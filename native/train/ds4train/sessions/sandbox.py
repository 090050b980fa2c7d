"""Python programs of the in-memory project, run in this process: their exact output without a subprocess.

Only programs that this package generated are run. Modules of the project are imported from the tree,
output is collected by a `print` of our own, and a failure is formatted by the traceback module from the
same lines a real run would show.
"""

from __future__ import annotations

import builtins
import io
import linecache
import sys
import traceback
import types
import unittest
from collections.abc import Mapping
from typing import Any

from .hints import hint
from .tree import Tree

_SHARED = ("sys", "unittest", "math", "json", "os", "re", "datetime", "dataclasses", "enum", "typing")


class Program:
    """One run: modules are loaded at most once, as in a fresh interpreter started in the project folder."""

    def __init__(self, tree: Tree, argv: list[str]) -> None:
        self.tree, self.argv = tree, argv
        self.folder = argv[0].rsplit("/", 1)[0] + "/" if "/" in argv[0] else ""
        self.out: list[str] = []
        self.modules: dict[str, types.ModuleType] = {}
        self.shown: list[str] = []

    def _print(self, *values: object, sep: str = " ", end: str = "\n", **_: object) -> None:
        self.out.append(sep.join(map(str, values)) + end)

    def _open(self, path: str, *_: object, **__: object) -> io.StringIO:
        """Files of the project, for reading."""
        if path not in self.tree.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return io.StringIO(self.tree.files[path])

    def _import(
        self, name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0
    ) -> Any:
        for base in dict.fromkeys((self.folder, "")):
            path = base + name.replace(".", "/") + ".py"
            if path in self.tree.files:
                return self._module(name, path, bool(wanted))
        if name.split(".")[0] not in _SHARED:
            raise ModuleNotFoundError(f"No module named '{name}'")
        return __import__(name, scope, local, wanted, level)

    def _module(self, name: str, path: str, leaf: bool) -> types.ModuleType:
        if name not in self.modules:
            module = types.ModuleType(name)
            self.modules[name] = module
            self._exec(path, f"{self.tree.cwd}/{path}", module.__dict__)
            if "." in name:
                package = self.modules.setdefault(name.split(".")[0], types.ModuleType(name.split(".")[0]))
                setattr(package, name.split(".")[1], module)
        return self.modules[name if leaf else name.split(".")[0]]

    def _exec(self, path: str, shown: str, scope: dict[str, Any]) -> None:
        text = self.tree.files[path]
        linecache.cache[shown] = (len(text), None, text.splitlines(True), shown)
        self.shown.append(shown)
        scope["__builtins__"] = {
            **vars(builtins),
            "print": self._print,
            "__import__": self._import,
            "exit": sys.exit,
            "open": self._open,
        }
        scope["__file__"] = shown
        exec(compile(text, shown, "exec", dont_inherit=True), scope)

    def script(self) -> tuple[str, int]:
        """Output and exit code of `python3 argv...`."""
        code = 0
        keep, sys.argv = sys.argv, self.argv
        paths = list(sys.path)
        try:
            self._exec(self.argv[0], f"{self.tree.cwd}/{self.argv[0]}", {"__name__": "__main__"})
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
            if isinstance(stop.code, str):
                self.out.append(stop.code + "\n")
        except Exception as error:
            self.out.append(self._traceback(error))
            code = 1
        finally:
            sys.argv, sys.path[:] = keep, paths
            self._forget()
        return "".join(self.out), code

    def code(self, text: str) -> tuple[str, int]:
        """Output and exit code of `python3 -c text`."""
        self.shown.append("<string>")
        scope: dict[str, Any] = {
            "__builtins__": {**vars(builtins), "print": self._print, "__import__": self._import},
            "__name__": "__main__",
        }
        try:
            exec(compile(text, "<string>", "exec", dont_inherit=True), scope)
        except Exception as error:
            self.out.append(self._traceback(error))
            return "".join(self.out), 1
        finally:
            self._forget()
        return "".join(self.out), 0

    def _traceback(self, error: Exception) -> str:
        stack = error.__traceback__
        while stack is not None and stack.tb_frame.f_code.co_filename not in self.shown:
            stack = stack.tb_next
        whole = traceback.TracebackException(type(error), error, stack)
        own = [frame for frame in whole.stack if frame.filename != __file__]
        whole.stack = traceback.StackSummary.from_list([])
        whole.stack.extend(own)
        text = "".join(whole.format())
        # Before 3.12 only the interpreter itself prints the hint.
        return text if "Did you mean" in text else text.rstrip("\n") + hint(error, stack) + "\n"

    def _forget(self) -> None:
        for shown in self.shown:
            linecache.cache.pop(shown, None)

    def unittest(self, path: str, seconds: str) -> tuple[str, int]:
        """Output and exit code of `python3 -m unittest` for the one test module at `path`."""
        name = path.removesuffix(".py").replace("/", ".")
        module = self._module(name, path, True)
        for thing in vars(module).values():
            if isinstance(thing, type):
                thing.__module__ = name
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
        stream = io.StringIO()
        result = unittest.TextTestRunner(stream).run(suite)
        self._forget()
        text = stream.getvalue()
        at = text.index(" in ", text.rindex("\nRan "))
        end = text.index("\n", at)
        return text[:at] + f" in {seconds}s" + text[end:], 0 if result.wasSuccessful() else 1


def run_script(tree: Tree, path: str, arguments: list[str] | None = None) -> tuple[str, int]:
    return Program(tree, [path, *(arguments or [])]).script()


def namespace(tree: Tree, path: str) -> Mapping[str, Any]:
    """The names a project module defines (for values that a pytest report shows)."""
    program = Program(tree, [path])
    scope: dict[str, Any] = {"__name__": path.removesuffix(".py")}
    program._exec(path, path, scope)
    program._forget()
    return scope
