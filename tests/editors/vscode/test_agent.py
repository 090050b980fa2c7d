"""The agent in real VS Code: a real turn on the bundled model, its changes as diffs, and put back."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
FILES = {"CHANGES.md": "# Changes\n\n- first release\n", "README.md": "# Kitchen\n"}
APPEND = 'Append the line "- faster start" to CHANGES.md'
