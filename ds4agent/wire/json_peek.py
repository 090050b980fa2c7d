"""A few members of a JSON object, looked up in its bytes as they are.

A relay has to know which model a request names, not what it says: the text is scanned for the end of strings
and the depth of brackets, nothing is built, and the scan stops once all that was asked for is found. The text
may be cut off anywhere, and need not be JSON at all: then less is found.
"""

import re
from collections.abc import Collection

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]++|"', re.DOTALL)
_OPEN, _CLOSE = b"{[", b"}]"
_NOTHING = b"\0"


def peek(text: bytes | bytearray, names: Collection[bytes]) -> dict[bytes, bytes]:
    """Members of these names whose value is a string, a number or a literal: name -> raw value. A name
    `a.b` means the member b of the object a.

    Of a name that comes twice the last one counts, as with JSON parsers, as far as the scan has gone.
    """
    found: dict[bytes, bytes] = {}
    parents = {name.partition(b".")[0] for name in names if b"." in name}
    inside = _NOTHING  # the member, looked into, whose object we are in
    depth, key, is_value = 0, b"", False
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == b'"':  # the string is cut off
            break
        if token in _OPEN:
            depth += 1
            if depth == 2:
                inside = key if token == b"{" and is_value and key in parents else _NOTHING
            is_value = False
        elif token in _CLOSE:
            depth -= 1
            if depth == 1:
                inside = _NOTHING
        elif depth != 1 and (depth != 2 or inside is _NOTHING):
            continue
        elif token == b":":
            is_value = True
        elif token == b",":
            is_value = False
        elif is_value:
            # A number at the very end may be cut off; a dot in a member's own name is not ours.
            if key in names and match.end() < len(text) and (b"." in key) == (depth == 2):
                found[key] = token
                if len(found) == len(names):
                    break
        else:
            key = token[1:-1] if depth == 1 else b"%b.%b" % (inside, token[1:-1])
    return found
