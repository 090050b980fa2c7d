"""A few members of a JSON object, looked up in its bytes as they are.

A relay has to know which model a request names, not what it says: the text is scanned for the end of strings
and the depth of brackets, nothing is built, and the scan stops once all that was asked for is found. The text
may be cut off anywhere, and need not be JSON at all: then less is found.
"""

import re
from collections.abc import Collection

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]++|"', re.DOTALL)
_OPEN, _CLOSE = b"{[", b"}]"


def peek(text: bytes | bytearray, names: Collection[bytes]) -> dict[bytes, bytes]:
    """Top-level members of these names whose value is a string, a number or a literal: name -> raw value.

    Of a name that comes twice the last one counts, as with JSON parsers, as far as the scan has gone.
    """
    found: dict[bytes, bytes] = {}
    depth, key, is_value = 0, b"", False
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == b'"':  # the string is cut off
            break
        if token in _OPEN:
            depth += 1
            is_value = False
        elif token in _CLOSE:
            depth -= 1
        elif depth != 1:
            continue
        elif token == b":":
            is_value = True
        elif token == b",":
            is_value = False
        elif is_value:
            if key in names and match.end() < len(text):  # a number at the very end may be cut off
                found[key] = token
                if len(found) == len(names):
                    break
        else:
            key = token[1:-1]
    return found
