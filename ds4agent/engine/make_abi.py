"""Write _ds4_abi.py: ds4.h as cffi's compiled declarations.

    python -m ds4agent.engine.make_abi native/include/ds4.h ds4agent/engine/_ds4_abi.py

The engine process imports the result and so needs neither a C parser at start nor the memory one takes. A
test holds the committed file equal to what this makes of the header.
"""

import re
import sys
import tempfile
from pathlib import Path

_MARK = """\
# Made by make_abi.py from native/include/ds4.h; do not edit.
# ruff: noqa
# mypy: ignore-errors
# fmt: off
"""


def declarations(header: str) -> str:
    """The header without comments, preprocessor lines and C++ guards: what cffi can parse."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r'#ifdef __cplusplus\n(?:extern "C" \{|\})\n#endif', "", text)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"\bDS4_API\s+", "", text)


def generate(header: str) -> str:
    """The source of the module."""
    from cffi import FFI

    ffi = FFI()
    ffi.set_source("_ds4_abi", None)
    ffi.cdef(declarations(header))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "_ds4_abi.py"
        ffi.emit_python_code(str(path))
        source = path.read_text()
    return _MARK + source


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(generate(Path(sys.argv[1]).read_text()))
