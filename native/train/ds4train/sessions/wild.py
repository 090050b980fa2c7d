"""Text that nobody made up for this project: English words, lines of prose, pieces of real Python.

The word pools of words.py are small enough to be learnt by heart, and a model that has learnt them writes them
where it should copy. These sources are wide: `english.txt` is a part of SCOWL's small American word list (by Kevin
Atkinson; free to use, copy, modify and distribute with its notice), the rest is read from the standard library of
the Python that runs this (PSF licence).
"""

from __future__ import annotations

import hashlib
import inspect
import random
import re
import sysconfig
import textwrap
from functools import cache
from pathlib import Path

_MODULES = (
    "argparse ast base64 bdb bisect calendar cgi cmd code codecs collections/__init__ configparser contextlib copy csv"
    " dataclasses difflib dis doctest enum filecmp fileinput fnmatch fractions ftplib functools getopt getpass gettext glob"
    " graphlib gzip heapq hmac imaplib inspect ipaddress json/decoder json/encoder linecache locale logging/__init__ mailbox"
    " mimetypes netrc ntpath numbers optparse os pathlib pdb pickle pickletools plistlib poplib posixpath pprint profile"
    " pstats pyclbr pydoc queue quopri random reprlib sched selectors shelve shlex shutil smtplib socket socketserver"
    " statistics string subprocess symtable tabnanny tarfile tempfile textwrap threading timeit tokenize trace traceback"
    " types typing uuid warnings wave weakref webbrowser zipapp zipfile"
).split()
_HELD_OUT = 10
_COMMENT = re.compile(r"^ *# ([A-Za-z][^#]{14,78})$", re.MULTILINE)
_PLAIN = re.compile(r"^[A-Za-z][\w ,.;:()'/=+-]*$")


def _held(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % _HELD_OUT == 3


@cache
def _words(split: str) -> list[str]:
    listed = Path(__file__).with_name("english.txt").read_text(encoding="utf-8").split()
    return [w for w in listed if _held(w) == (split == "heldout")]


@cache
def _sources() -> list[str]:
    root = Path(sysconfig.get_paths()["stdlib"])
    found = (root / f"{name}.py" for name in _MODULES)
    return [path.read_text(encoding="utf-8").replace("\t", "    ") for path in found if path.is_file()]


@cache
def _lines(split: str) -> list[str]:
    lines = {m.strip() for source in _sources() for m in _COMMENT.findall(source)}
    return sorted(x for x in lines if _PLAIN.match(x) and _held(x) == (split == "heldout"))


@cache
def _blocks(split: str) -> list[str]:
    """Whole functions and runs of statements, 2 to 14 lines, no longer than a screen is wide."""
    found = set()
    for source in _sources():
        for piece in re.split(r"\n(?=(?: {4})?(?:def|class|@|for|if|while|with|try|[a-z_]+ = ))", source):
            text = textwrap.dedent(inspect.cleandoc(piece) if piece.startswith(" ") else piece).strip("\n")
            rows = text.split("\n")
            if 2 <= len(rows) <= 14 and max(map(len, rows)) < 90 and '"""' not in text and text.isascii():
                found.add(text)
    return sorted(x for x in found if _held(x) == (split == "heldout"))


def english(rng: random.Random, split: str) -> str:
    """A lower-case English word."""
    pool = _words(split)
    return pool[int(rng.random() * len(pool))]


def line(rng: random.Random, split: str) -> str:
    """A line of prose as programmers write it."""
    pool = _lines(split)
    return pool[int(rng.random() * len(pool))]


def code(rng: random.Random, split: str) -> str:
    """A few lines of Python; they need not run."""
    pool = _blocks(split)
    return pool[int(rng.random() * len(pool))]
