"""Where tests are looked for, and where they would be put."""

from __future__ import annotations

from pathlib import Path

import pytest

from ds4agent.lsp.edits.testfile import Target, is_test, target


def place(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


@pytest.mark.parametrize(
    ("there", "of", "wanted", "exists"),
    [
        ((), "a.py", "test_a.py", False),
        (("tests/x.py",), "src/pkg/a.py", "tests/test_a.py", False),
        (("tests/test_a.py",), "src/pkg/a.py", "tests/test_a.py", True),
        (("src/a_test.py", "tests/x"), "src/a.py", "src/a_test.py", True),
        ((), "pkg/a.go", "pkg/a_test.go", False),
        (("src/__tests__/a.spec.ts",), "src/a.ts", "src/__tests__/a.spec.ts", True),
        ((), "src/main/java/x/A.java", "src/test/java/x/ATest.java", False),
        (("spec/x",), "lib/a.rb", "spec/a_spec.rb", False),
        ((), "a.weird", "test_a.weird", False),
    ],
)
def test_targets(tmp_path: Path, there: tuple[str, ...], of: str, wanted: str, exists: bool) -> None:
    place(tmp_path, of, *there)
    assert target(tmp_path / of, tmp_path) == Target(tmp_path / wanted, exists)


def test_nothing_outside_of_the_workspace_is_looked_at(tmp_path: Path) -> None:
    place(tmp_path, "tests/test_a.py", "work/a.py")
    assert target(tmp_path / "work/a.py", tmp_path / "work") == Target(tmp_path / "work/test_a.py", False)
    assert target(tmp_path / "work/a.py", None) == Target(tmp_path / "work/test_a.py", False)


@pytest.mark.parametrize(
    "name", ["test_a.py", "a_test.go", "a.spec.ts", "a_spec.rb", "ATest.java", "a.test.js"]
)
def test_tests_are_known(name: str) -> None:
    assert is_test(Path(name))


@pytest.mark.parametrize("name", ["a.py", "contest.py", "latest.go", "attestation.ts"])
def test_others_are_not(name: str) -> None:
    assert not is_test(Path(name))
