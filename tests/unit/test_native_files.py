"""Model files that gguf-py writes: every legal spelling of a value is read, every contradiction is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import gguf
import numpy as np
import pytest

from native.tests import random_model
from native.tests.random_model import SHAPES, Array
from tests.unit.libds4 import Ds4Failure, Model

SHAPE = SHAPES["b"]
FORMAT, UNSUPPORTED = 3, 4
Edit = Callable[[gguf.GGUFWriter, dict[str, Array]], None]


def retype(writer: gguf.GGUFWriter, weights: dict[str, Array]) -> None:
    """Counts as u64, reals as f64 or whole numbers: what other converters write."""
    kinds = gguf.GGUFValueType
    for entry in writer.kv_data[0].values():
        if entry.type == kinds.UINT32:
            entry.type = kinds.UINT64
        elif entry.type == kinds.FLOAT32:
            whole = entry.value == int(entry.value)
            entry.type = kinds.INT32 if whole else kinds.FLOAT64
            entry.value = int(entry.value) if whole else entry.value


@cache
def made_up_weights() -> dict[str, Array]:
    return random_model.tensors(SHAPE)


def write(path: Path, edit: Edit | None = None) -> Path:
    writer = gguf.GGUFWriter(path, random_model.ARCH)
    weights = dict(made_up_weights())
    random_model.add_metadata(writer, SHAPE)
    if edit:
        edit(writer, weights)
    for name, values in weights.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def logits(path: Path) -> Array:
    with Model(path, threads=1) as model, model.session(16) as session:
        return session.eval(range(8))


def key(name: str) -> str:
    return f"{random_model.ARCH}.{name}"


def replace(writer: gguf.GGUFWriter, name: str) -> gguf.GGUFWriter:
    """gguf-py refuses a second value; drop the first."""
    del writer.kv_data[0][name]
    return writer


def test_value_types_do_not_matter(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.gguf")
    retyped = write(tmp_path / "retyped.gguf", retype)
    np.testing.assert_array_equal(logits(plain), logits(retyped))


def test_long_arrays_other_alignment_and_extra_tensors(tmp_path: Path) -> None:
    def edit(writer: gguf.GGUFWriter, weights: dict[str, Array]) -> None:
        ratios, clamps = [*SHAPE.ratios, 0], [SHAPE.clamp] * (len(SHAPE.ratios) + 1)
        replace(writer, key("attention.compress_ratios")).add_array(key("attention.compress_ratios"), ratios)
        replace(writer, key("swiglu_clamp_exp")).add_array(key("swiglu_clamp_exp"), clamps)
        writer.add_array(key("swiglu_clamp_shexp"), clamps)
        writer.add_uint32(key("nextn_predict_layers"), 1)
        writer.add_uint32(key("expert_group_count"), 0)
        writer.add_custom_alignment(256)
        weights["mtp.0.e_proj.weight"] = random_model.uniform("mtp", (8, 8), 1.0)
        writer.add_tensor(
            "mtp.0.h_proj.weight", np.zeros((2, 210), np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q6_K
        )

    np.testing.assert_array_equal(
        logits(write(tmp_path / "a.gguf")), logits(write(tmp_path / "b.gguf", edit))
    )


def without(name: str) -> Edit:
    def edit(writer: gguf.GGUFWriter, weights: dict[str, Array]) -> None:
        if name in weights:
            del weights[name]
        else:
            del writer.kv_data[0][key(name)]

    return edit


def with_value(name: str, value: object) -> Edit:
    def edit(writer: gguf.GGUFWriter, weights: dict[str, Array]) -> None:
        replace(writer, key(name))
        if isinstance(value, str):
            writer.add_string(key(name), value)
        elif isinstance(value, list):
            writer.add_array(key(name), value)
        elif isinstance(value, float):
            writer.add_float32(key(name), value)

    return edit


def transposed(name: str) -> Edit:
    def edit(writer: gguf.GGUFWriter, weights: dict[str, Array]) -> None:
        weights[name] = np.array(weights[name].T, np.float32, order="C")

    return edit


@pytest.mark.parametrize(
    ("edit", "status", "sentence"),
    [
        (without("rope.freq_base"), FORMAT, "deepseek4.rope.freq_base is missing, expected a number"),
        (without("vocab_size"), FORMAT, "deepseek4.vocab_size is missing, expected an integer"),
        (without("blk.2.attn_sinks.weight"), FORMAT, "tensor blk.2.attn_sinks.weight is missing, expected 8"),
        (without("blk.3.exp_probs_b.bias"), FORMAT, "tensor blk.3.exp_probs_b.bias is missing, expected 16"),
        (transposed("blk.1.attn_q_a.weight"), FORMAT, "blk.1.attn_q_a.weight is 96x128, expected 128x96"),
        (
            with_value("rope.freq_base", "10000"),
            FORMAT,
            "rope.freq_base is of another type, expected a number",
        ),
        (with_value("rope.freq_base", float("nan")), UNSUPPORTED, "rope.freq_base is nan, expected"),
        (with_value("rope.scaling.type", "linear"), UNSUPPORTED, 'scaling.type is "linear", expected "yarn"'),
        (
            with_value("attention.compress_ratios", [0, 4, 64, 4, 4]),
            UNSUPPORTED,
            "compress_ratios: element 2 is 64, expected 0, 4 or 128",
        ),
        (
            with_value("attention.compress_ratios", [0.0, 4.0, 128.0, 4.0, 4.0]),
            FORMAT,
            "compress_ratios is of another type, expected an array of integers",
        ),
        (
            with_value("swiglu_clamp_exp", [10.0]),
            FORMAT,
            "clamp_exp has 1 elements, expected at least the block_count 5",
        ),
        (
            with_value("expert_weights_norm", 1.0),
            FORMAT,
            "expert_weights_norm is of another type, expected a bool",
        ),
    ],
)
def test_contradictions_are_named(tmp_path: Path, edit: Edit, status: int, sentence: str) -> None:
    path = write(tmp_path / "model.gguf", edit)
    with pytest.raises(Ds4Failure) as caught:
        Model(path)
    assert sentence in str(caught.value)
    assert caught.value.status == status


def test_truncated_anywhere(tmp_path: Path) -> None:
    whole = write(tmp_path / "model.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for size in (0, 3, 23, 24, 100, 1000, len(whole) // 2, len(whole) - 64):
        cut.write_bytes(whole[:size])
        with pytest.raises(Ds4Failure):
            Model(cut)
