"""Where the tests of a file are, or are to be: by the habits of its language, at and above its folder."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_C = ("test_{stem}{suffix}", "{stem}_test{suffix}"), ("tests", "test", "")
_JS = ("{stem}.test{suffix}", "{stem}.spec{suffix}"), ("__tests__", "tests", "test", "")
_JVM = ("{stem}Test{suffix}", "{stem}Tests{suffix}"), ("",)
# Names of test files, and the folders that they are looked for in; "" is the file's own.
_HABITS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ".py": (("test_{stem}.py", "{stem}_test.py"), ("tests", "test", "tests/unit", "")),
    ".go": (("{stem}_test.go",), ("",)),
    ".rs": (("{stem}.rs", "test_{stem}.rs"), ("tests",)),
    ".rb": (("{stem}_spec.rb", "test_{stem}.rb", "{stem}_test.rb"), ("spec", "test", "")),
    ".lua": (("{stem}_spec.lua", "test_{stem}.lua"), ("spec", "tests", "test", "")),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".ts", ".tsx", ".vue", ".svelte"), _JS),
    **dict.fromkeys((".java", ".kt", ".scala", ".cs"), _JVM),
}
_IS_TEST = re.compile(r"(?:^|[._-])(?:tests?|spec)(?:[._-]|$)|Tests?$")


@dataclass(frozen=True, slots=True)
class Target:
    path: Path
    exists: bool


def is_test(path: Path) -> bool:
    return bool(_IS_TEST.search(path.stem))


def target(path: Path, root: Path | None, exists: Callable[[Path], bool] = Path.is_file) -> Target:
    """For the tests of `path`; nothing above `root`, its workspace folder, is looked at."""
    names, folders = _HABITS.get(path.suffix, _C)
    places = [parent / folder for parent in _parents(path, root) for folder in folders]
    wanted = [name.format(stem=path.stem, suffix=path.suffix) for name in names]
    for place in places:
        for name in wanted:
            if place / name != path and exists(place / name):
                return Target(place / name, True)
    homes = [parent / folder for parent in _parents(path, root) for folder in folders if folder]
    return Target(_new_place(path, homes) / wanted[0], False)


def _new_place(path: Path, homes: list[Path]) -> Path:
    parts = path.parent.parts
    if "main" in parts and "src" in parts:  # src/main/java/... has its tests in src/test/java/...
        at = len(parts) - 1 - parts[::-1].index("main")
        return Path(*parts[:at], "test", *parts[at + 1 :])
    return next((home for home in homes if home.is_dir()), path.parent)


def _parents(path: Path, root: Path | None) -> Iterator[Path]:
    """Its folder and those above it, up to the root."""
    yield path.parent
    if root is None or not path.is_relative_to(root):
        return
    for parent in path.parent.parents:
        if not parent.is_relative_to(root):
            return
        yield parent
