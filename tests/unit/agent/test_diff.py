"""One edit as a hunk."""

import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ds4agent.agent.diff import change, one_line, unified
from tests.examples import examples

_texts = st.lists(st.sampled_from(["a", "b", "c", "", "dd"]), max_size=9).flatmap(
    lambda lines: st.sampled_from(["\n".join(lines), "\n".join(lines) + "\n"])
)


@given(_texts, _texts)
def test_a_change_rebuilds_the_new_text(before: str, after: str) -> None:
    found = change(before, after)
    lines = before.splitlines(keepends=True)
    assert "".join(lines[: found.start] + found.new + lines[found.end :]) == after
    assert lines[found.start : found.end] == found.old


@settings(max_examples=examples(25))
@given(_texts, _texts)
def test_git_applies_the_diff(tmp_path_factory: object, before: str, after: str) -> None:
    text = unified("f.txt", before, after)
    assert bool(text) == (before != after)
    if text and before:
        folder = Path(tmp_path_factory.mktemp("diff"))  # type: ignore[attr-defined]
        (folder / "f.txt").write_text(before)
        done = subprocess.run(["git", "apply", "-"], input=text, text=True, cwd=folder, capture_output=True)
        assert done.returncode == 0, done.stderr
        path = folder / "f.txt"
        assert (path.read_text() if path.exists() else "") == after


def test_the_shape() -> None:
    before = "".join(f"{n}\n" for n in range(1, 10))
    expected = "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
    assert unified("f", before, before.replace("5", "five")) == expected
    assert (
        unified("f", None, "x") == "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"
    )


def test_one_line() -> None:
    assert one_line("x = 1\n", "x = 2\n") == "1: -x = 1  +x = 2"
    assert one_line(None, "a\nb\n") == "+2 lines (new file)"
    assert one_line("a\n", "b\nc\n") == "1: -1 +2 lines"
    assert one_line("a", "a") == "no change"
