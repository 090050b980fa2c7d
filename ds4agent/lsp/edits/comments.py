"""Comments, told apart by how their lines begin."""

import re
from collections.abc import Sequence

_MARKS: dict[str, str] = {
    "#": "python ruby shellscript sh bash zsh fish yaml toml perl r make dockerfile elixir julia nim "
    "makefile cmake conf gdscript tcl coffeescript powershell ps1 crystal hcl terraform nix",
    "//": "c cpp objc objective-c objective-cpp cuda java javascript javascriptreact typescript "
    "typescriptreact go rust swift kotlin csharp cs fsharp php scala dart zig v solidity glsl hlsl groovy "
    "jsonc less scss proto d odin",
    "--": "lua luau sql haskell ada elm vhdl applescript purescript",
    ";": "lisp commonlisp clojure scheme racket emacs-lisp asm nasm ini autohotkey",
    "%": "latex tex bibtex erlang matlab prolog octave",
    '"': "vim",
    "<!--": "html xml markdown vue svelte xhtml",
}
_BY_LANGUAGE = {name: mark for mark, names in _MARKS.items() for name in names.split()}
# Where the language is not known: any of these, with a space behind it.
_ANY = re.compile(r"(?:#+|//+|--+|;+|/\*+|<!--) ")
_CLOSE = re.compile(r"\s*(?:\*/|-->)\s*$")


def comment_at(lines: Sequence[str], line: int, language: str) -> tuple[int, int] | None:
    """The lines [first, last) of the comment that a line belongs to, if it is one."""
    if line >= len(lines) or not _is_comment(lines, line, language):
        return None
    first, last = line, line + 1
    while first and _is_comment(lines, first - 1, language):
        first -= 1
    while last < len(lines) and _is_comment(lines, last, language):
        last += 1
    return first, last


def said(lines: Sequence[str], language: str) -> str:
    """What a comment says, without its marks."""
    mark = _BY_LANGUAGE.get(language, "")
    signs = r"/\*+|\*|<!--|" + (f"(?:{re.escape(mark)})+[!/]?" if mark else r"#+|//+|--+|;+")
    return "\n".join(_CLOSE.sub("", re.sub(rf"^\s*(?:{signs})\s?", "", line)) for line in lines).strip()


def _is_comment(lines: Sequence[str], line: int, language: str) -> bool:
    text = lines[line].lstrip()
    mark = _BY_LANGUAGE.get(language)
    if mark is None:
        return bool(_ANY.match(text)) or _in_block(lines, line)
    if mark == "#" and text.startswith("#!"):
        return False
    return text.startswith(mark) or (mark == "//" and (text.startswith("/*") or _in_block(lines, line)))


def _in_block(lines: Sequence[str], line: int) -> bool:
    """A line that begins with a star, in a block comment that was opened above."""
    while line and re.match(r"\s*\*(?: |/|$)", lines[line]):
        line -= 1
        if lines[line].lstrip().startswith("/*"):
            return "*/" not in lines[line]
    return False
