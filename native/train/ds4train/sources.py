"""The public code and documentation that the bundled model reads: which packages, which licences, which
files.

Everything comes from the Python installation that runs this: the standard library, and packages that this
project or its training depends on. Only packages whose metadata declares a permissive licence are
listed; each entry bounds how many bytes it may give, so that the big ones do not drown the rest.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MB = 1_000_000


@dataclass(frozen=True)
class Package:
    """One distribution: its licence and the most bytes of its main kind of text that it may contribute."""

    name: str
    licence: str
    limit: int = 3 * _MB
    pinned: str = ""  # version of one that is not installed but fetched (archives.py)


# Weak-copyleft packages (hypothesis, certifi, pathspec: MPL-2.0) are left out on purpose.
PACKAGES = (
    Package("annotated-doc", "MIT"),
    Package("annotated-types", "MIT"),
    Package("anyio", "MIT"),
    Package("attrs", "MIT"),
    Package("cattrs", "MIT"),
    Package("cffi", "MIT-0"),
    Package("charset-normalizer", "MIT"),
    Package("click", "BSD-3-Clause"),
    Package("diskcache", "Apache-2.0"),
    Package("execnet", "MIT"),
    Package("filelock", "MIT"),
    Package("fsspec", "BSD-3-Clause"),
    Package("gguf", "MIT"),
    Package("h11", "MIT"),
    Package("httpcore2", "BSD-3-Clause"),
    Package("httptools", "MIT"),
    Package("httpx2", "BSD-3-Clause"),
    Package("huggingface-hub", "Apache-2.0"),
    Package("idna", "BSD-3-Clause"),
    Package("iniconfig", "MIT"),
    Package("jinja2", "BSD-3-Clause"),
    Package("lsprotocol", "MIT"),
    Package("markdown-it-py", "MIT"),
    Package("markupsafe", "BSD-3-Clause"),
    Package("mdurl", "MIT"),
    Package("mpmath", "BSD-3-Clause", 1 * _MB),
    Package("mypy", "MIT", 4 * _MB),
    Package("networkx", "BSD-3-Clause", 3 * _MB),
    Package("numpy", "BSD-3-Clause", 3 * _MB),
    Package("packaging", "Apache-2.0 OR BSD-2-Clause"),
    Package("pexpect", "ISC"),
    Package("pluggy", "MIT"),
    Package("psutil", "BSD-3-Clause"),
    Package("ptyprocess", "ISC"),
    Package("pycparser", "BSD-3-Clause"),
    Package("pydantic", "MIT"),
    Package("pydantic-core", "MIT"),
    Package("pygls", "Apache-2.0"),
    Package("pygments", "BSD-2-Clause", 1 * _MB),
    Package("pytest", "MIT"),
    Package("pytest-xdist", "MIT"),
    Package("pyyaml", "MIT"),
    Package("requests", "Apache-2.0"),
    Package("rich", "MIT"),
    Package("safetensors", "Apache-2.0"),
    Package("scikit-build-core", "Apache-2.0"),
    Package("setuptools", "MIT"),
    Package("shellingham", "ISC"),
    Package("sortedcontainers", "Apache-2.0"),
    Package("sympy", "BSD-3-Clause", 4 * _MB),
    Package("tiktoken", "MIT"),
    Package("tokenizers", "Apache-2.0"),
    Package("torch", "BSD-3-Clause", 7 * _MB),
    Package("transformers", "Apache-2.0", 5 * _MB),
    Package("typer", "MIT"),
    Package("typing-extensions", "PSF-2.0"),
    Package("typing-inspection", "MIT"),
    Package("urllib3", "MIT"),
    Package("websockets", "BSD-3-Clause"),
)
STDLIB = Package("python-standard-library", "PSF-2.0", 16 * _MB)

_MAX_FILE = 160_000
_SKIPPED_PARTS = {
    "site-packages",
    "__pycache__",
    "_vendor",
    "vendored",
    "lib2to3",
    "idlelib",
    "turtledemo",
    "testing_data",
}
_LONG_LINE = re.compile(r"[^\n]{300,}")
_TABLE = re.compile(r"0x[0-9a-fA-F]+|\d+|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}")


@dataclass(frozen=True)
class Source:
    """One file: where it came from, its text and its kind."""

    package: Package
    path: str
    text: str
    kind: str  # "code" (Python), "prose" or "other" (code and settings in other languages)


def digest(data: str) -> str:
    """A stable name for a text; it decides order, duplicates and the held-out split."""
    return hashlib.sha256(data.encode()).hexdigest()


def wanted(text: str, long_lines: bool = False) -> bool:
    """Hand-written text: no tables of numbers, no foreign encodings, and unless `long_lines` (paragraphs
    have them) no minified or generated lines."""
    if (
        len(text) < 200
        or len(text) > _MAX_FILE
        or "\0" in text
        or "\r" in text
        or "｜" in text
        or "think>" in text
    ):
        return False
    if sum(map(len, _TABLE.findall(text))) > 0.12 * len(text):
        return False
    if not long_lines and _LONG_LINE.search(text):
        return False
    return text.isascii() or sum(c > "\u024f" for c in text) < 0.02 * len(text)


def _read(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if wanted(text) else None


def _stdlib_paths() -> Iterator[tuple[str, Path]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in root.rglob("*.py"):
        relative = path.relative_to(root)
        if not _SKIPPED_PARTS & set(relative.parts):
            yield str(relative), path


def _package_paths(name: str) -> Iterator[tuple[str, Path]]:
    files = importlib.metadata.files(name) or []
    for file in files:
        if file.suffix == ".py" and not _SKIPPED_PARTS & set(file.parts):
            yield str(file), Path(str(file.locate()))


def version(package: Package) -> str | None:
    """The installed or pinned version, or None when the package is not installed here."""
    if package.pinned:
        return package.pinned
    if package is STDLIB:
        return sysconfig.get_python_version()
    try:
        return importlib.metadata.version(package.name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _code_of(package: Package, seen: set[str]) -> Iterator[Source]:
    paths = _stdlib_paths() if package is STDLIB else _package_paths(package.name)
    # Tests come last, so that a bounded package gives its real code first; then hash order: a fair sample.
    ordered = sorted(paths, key=lambda item: ("test" in item[0], digest(item[0])))
    left = package.limit
    for relative, path in ordered:
        text = _read(path)
        if text is None or len(text) > left:
            continue
        name = digest(text)
        if name not in seen:
            seen.add(name)
            left -= len(text)
            yield Source(package, relative, text, "code")


def _readme_of(package: Package) -> Iterator[Source]:
    # The long description is the body of the metadata, behind the first blank line.
    whole = importlib.metadata.distribution(package.name).read_text("METADATA") or ""
    body = whole.partition("\n\n")[2]
    if len(body) > 400:
        yield Source(package, "README", body.replace("\r", ""), "prose")


def _topics() -> Iterator[Source]:
    """The language reference that `help()` shows: plain English about Python."""
    from pydoc_data.topics import topics

    for name, text in sorted(topics.items()):
        yield Source(STDLIB, f"pydoc_data/topics/{name}", str(text), "prose")


def all_sources() -> Iterator[Source]:
    """Every usable file, once, in a fixed order for a fixed installation."""
    seen: set[str] = set()
    for package in (STDLIB, *PACKAGES):
        if version(package) is not None:
            yield from _code_of(package, seen)
            yield from _topics() if package is STDLIB else _readme_of(package)
