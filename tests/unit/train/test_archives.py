"""Which files of a source distribution are read, and as what; archives are taken by their digest only."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from ds4train import archives

_LINE = "A paragraph of documentation may have one very long line. "


def _archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(data)
            archive.addfile(item, io.BytesIO(data))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("pkg-1/docs/guide.txt", "prose"),
        ("pkg-1/pkg/data.txt", None),
        ("pkg-1/README.md", "prose"),
        ("pkg-1/docs/releases/1.2.txt", None),
        ("pkg-1/docs/es/docs/index.md", None),
        ("pkg-1/docs/en/docs/index.md", "prose"),
        ("pkg-1/Dockerfile", "other"),
        ("pkg-1/web/app.ts", "other"),
        ("pkg-1/web/app.min.js", None),
        ("pkg-1/package-lock.json", None),
        ("pkg-1/node_modules/x/x.js", None),
        ("pkg-1/pkg/core.py", None),
        ("pkg-1/logo.png", None),
    ],
)
def test_kinds(path: str, kind: str | None) -> None:
    assert archives.kind_of(path) == kind


def test_prose_may_have_long_lines_and_other_languages_may_not() -> None:
    data = _archive(
        {
            "pkg-1/docs/guide.rst": (_LINE * 20).encode(),
            "pkg-1/web/app.js": (_LINE * 20).encode(),
            "pkg-1/web/page.js": ("// " + _LINE + "\n").encode() * 20,
            "pkg-1/web/same.js": ("// " + _LINE + "\n").encode() * 20,
            "pkg-1/docs/latin.rst": "é".encode("latin-1") * 300,
        }
    )
    package = archives.Archive("pkg", "1", "MIT", "").package
    found = list(archives._sources_of(package, data, set()))
    assert {source.kind for source in found} == {"prose", "other"}
    paths = {source.path for source in found}
    assert "docs/guide.rst" in paths
    assert len(paths & {"web/page.js", "web/same.js"}) == 1, "one of two files with one text"
    assert len(paths) == 2


def test_a_limit_bounds_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_OTHER_LIMIT", 2_000)
    files = {f"pkg-1/web/{n}.js": (f"// {n} {_LINE}\n" * 20).encode() for n in range(5)}
    found = list(
        archives._sources_of(archives.Archive("pkg", "1", "MIT", "").package, _archive(files), set())
    )
    assert len(found) == 1


def test_definitions_of_wordnet() -> None:
    data = (
        "  1 This software and database is being provided to you, the LICENSEE\n"
        '00006975 29 v 02 lift 0 raise_up 1 001 @ 00004605 v 0000 00 | move up; "lift one\'s eyes"  \n'
        "00006976 00 a 01 galore(ip) 0 000 | in great numbers\n"
        "00006977 15 n 01 Paris 0 000 | the capital of France\n"
    )
    assert list(archives.definitions(data)) == [
        'lift, raise up: move up; "lift one\'s eyes"',
        "galore: in great numbers",
    ]


def test_a_file_with_another_digest_is_refused_and_removed(tmp_path: Path) -> None:
    cached = tmp_path / "pkg-1.tar.gz"
    cached.write_bytes(b"cut")
    with pytest.raises(ValueError, match="has the digest"):
        archives._download(
            "https://example.invalid/pkg-1.tar.gz", hashlib.sha256(b"whole").hexdigest(), cached
        )
    assert not cached.exists()


def test_the_table_has_every_column() -> None:
    listed = archives.listed()
    assert len({archive.name for archive in listed}) == len(listed) > 30
    assert all(len(archive.sha256) == 64 and archive.version and archive.licence for archive in listed)
