"""Carry every entry of the given files out for real: `python -m ds4train.sessions.handwritten FILE...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .form import FormatError, parse
from .proof import problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=4, help="draws of each entry (default 4)")
    parser.add_argument("--first", type=int, default=0, help="skip entries before this one")
    options = parser.parse_args()
    bad = count = 0
    for path in options.files:
        try:
            for entry in list(parse(path))[options.first :]:
                found = problems(entry, options.seeds)
                count, bad = count + 1, bad + bool(found)
                print("\n".join(found[:2]), end="\n" if found else "")
        except FormatError as error:
            sys.exit(f"{error}")
    print(f"{count} entries, {bad} with problems")


if __name__ == "__main__":
    main()
