"""The mean of two exported models is the mean of their weights, and only models of one shape have one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ds4train import average, ggufio
from numpy.typing import NDArray


def _model(path: Path, matrix: NDArray[np.float32], vector: list[float], table: list[int]) -> Path:
    tensors = {
        "matrix": (matrix, ggufio.Q8_0),
        "half": (matrix[0], ggufio.F16),
        "vector": (np.array(vector, dtype=np.float32), ggufio.F32),
        "table": (np.array(table, dtype=np.int32), ggufio.I32),
    }
    ggufio.write(path, {"general.name": ggufio.Key("str", path.stem)}, tensors)
    return path


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(7)
    first = _model(tmp_path / "a.gguf", rng.normal(size=(4, 64)).astype(np.float32), [1, 2, 3], [5, 6])
    return first, _model(tmp_path / "b.gguf", rng.normal(size=(4, 64)).astype(np.float32), [3, 6, 9], [7, 8])


def test_the_mean_is_the_mean_of_the_weights(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    out.write_bytes(average.average([(two[0], 0.75), (two[1], 0.25)]))
    found, (a, b) = ggufio.read_tensors(out), [ggufio.read_tensors(path) for path in two]
    for name, step in (("matrix", 0.02), ("half", 2e-3), ("vector", 1e-6)):
        assert np.abs(found[name] - (0.75 * a[name] + 0.25 * b[name])).max() <= step
    assert found["table"].tolist() == [5, 6]


def test_a_model_alone_is_left_as_it_is(two: tuple[Path, Path]) -> None:
    assert average.average([(two[0], 1.0)]) == two[0].read_bytes()


def test_another_shape_is_refused_by_name(two: tuple[Path, Path], tmp_path: Path) -> None:
    wide = _model(tmp_path / "wide.gguf", np.ones((4, 96), dtype=np.float32), [1, 2, 3], [5, 6])
    with pytest.raises(ValueError, match=r"wide\.gguf does not have the shape of .*a\.gguf"):
        average.average([(two[0], 0.5), (wide, 0.5)])


@pytest.mark.parametrize(
    ("weights", "said"),
    [((0.7, 0.2), "the weights sum to 0.9, not to 1"), ((0.5, 0.5), "No such file")],
)
def test_the_command_says_what_is_wrong(
    two: tuple[Path, Path],
    tmp_path: Path,
    weights: tuple[float, float],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = [f"{two[0]}={weights[0]}", f"{tmp_path / 'none.gguf'}={weights[1]}"]
    monkeypatch.setattr("sys.argv", ["average", str(tmp_path / "out.gguf"), *asked])
    with pytest.raises(SystemExit):
        average.main()
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out.gguf").exists()
