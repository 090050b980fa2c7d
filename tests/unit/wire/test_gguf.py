"""The header reader: facts of right files, a named error for every wrong one, and never much of either."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import gguf as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ds4agent import resources
from ds4agent.wire import gguf
from ds4agent.wire.ggml_types import TYPES
from native.tests import random_model
from tests.gguf_files import (
    ARRAY,
    F32,
    Q2_K,
    ROUTED,
    ROUTED_END,
    STRING,
    U16,
    U32,
    array,
    header,
    pair,
    plain,
    text,
    whole,
)  # fmt: skip
from tests.gguf_files import gguf as example

ARCHITECTURE = plain("general.architecture", "deepseek4")
MANY_WORDS = [f"word{i}" for i in range(40_000)]


def read_counting(data: bytes, most: int = 1 << 30, size: int | None = None) -> tuple[gguf.Header, int]:
    """Read with at most `most` bytes a piece; also how many bytes were asked for."""
    reading, asked = gguf.read(len(data) if size is None else size), 0
    try:
        piece = next(reading)
        while True:
            asked += piece.n
            piece = reading.send(data[piece.offset : piece.offset + min(piece.n, most)])
    except StopIteration as done:
        assert isinstance(done.value, gguf.Header)
        return done.value, asked


def problem(data: bytes, size: int | None = None) -> str:
    with pytest.raises(gguf.BadHeader) as caught:
        read_counting(data, size=size)
    return str(caught.value)


def test_facts_of_a_file() -> None:
    more = {
        "deepseek4.context_length": 1_048_576, "deepseek4.block_count": 43, "deepseek4.expert_count": 8,
        "deepseek4.expert_used_count": 2, "tokenizer.chat_template": "{{ x }}",
        "tokenizer.ggml.tokens": MANY_WORDS,
    }  # fmt: skip
    data = example(name="DeepSeek V4 Flash", more=more)
    found = gguf.read_bytes(data)
    assert (found.version, found.architecture, found.name) == (3, "deepseek4", "DeepSeek V4 Flash")
    assert (found.context_length, found.blocks, found.split_no, found.split_count) == (1_048_576, 43, 0, 1)
    assert found.chat_template
    assert found.tensors == 4
    assert (found.parameters, found.expert_parameters) == (1024 + 3 * 2048, 3 * 2048)
    assert found.active_parameters == 1024 + 3 * 2048 // 4
    assert found.experts == {"gate": ("IQ2_XXS",), "up": ("IQ2_XXS",), "down": ("Q2_K",)}
    assert (found.quantisation, found.expert_bits) == ("IQ2_XXS/Q2_K", 2)
    assert found.needs == len(data)


def test_the_reference_writer_and_the_bundled_model(tmp_path: Path) -> None:
    shape = random_model.SHAPES["b"]
    random_model.write_gguf(tmp_path / "b.gguf", shape, random_model.tensors(shape))
    for path in (tmp_path / "b.gguf", resources.bundled_model()):
        data = path.read_bytes()
        found, theirs = gguf.read_bytes(data), reference.GGUFReader(path)
        assert found.tensors == len(theirs.tensors)
        assert found.parameters == sum(int(tensor.n_elements) for tensor in theirs.tensors)
        assert found.needs == max(int(tensor.data_offset + tensor.n_bytes) for tensor in theirs.tensors)
        assert found.needs <= len(data)
    assert found.context_length == 16_384


def test_type_sizes_are_those_of_the_reference() -> None:
    theirs = {kind.value: (kind.name, *sizes) for kind, sizes in reference.GGML_QUANT_SIZES.items()}
    for number, ours in TYPES.items():
        assert theirs[number] == (ours.name, ours.block_values, ours.block_bytes)


@pytest.mark.parametrize("most", [1, 7, 4096])
def test_pieces_of_any_length_give_the_same(most: int) -> None:
    data = example(more={"tokenizer.ggml.tokens": MANY_WORDS[:2_000]})
    assert read_counting(data, most)[0] == gguf.read_bytes(data)


def test_no_more_is_read_than_is_needed() -> None:
    for other in (b"PK\3\4", b"", b"GGU", b"<html>"):
        with pytest.raises(gguf.NotGguf):
            read_counting(other + b"x" * 1_000_000 if len(other) > 3 else other)
    reading = gguf.read(80_000_000_000)
    assert next(reading) == gguf.Piece(0, 4)
    with pytest.raises(gguf.NotGguf, match=r"begins with b'<htm'"):
        reading.send(b"<htm")
    scores = array("tokenizer.ggml.scores", 6, 5_000_000, bytes(20_000_000))
    data = whole(header([ARCHITECTURE, scores], ROUTED), ROUTED_END)
    found, asked = read_counting(data)
    assert found.tensors == 4
    assert asked < 200_000


HUGE = (1 << 63) - 1
WRONG = {
    "version 1": (header([ARCHITECTURE], version=1), "at byte 4: it has version 1; 2 and 3 are known"),
    "big endian": (header([ARCHITECTURE], version=3 << 24), "big-endian"),
    "keys": (struct.pack("<4sIQQ", b"GGUF", 3, 0, 1 << 40), "1099511627776 keys in 24 bytes"),
    "65,537 keys": (
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 65_537) + bytes(1 << 20),
        "65537 keys in 1048600 bytes; the limit is 65536",
    ),
    "tensors": (struct.pack("<4sIQQ", b"GGUF", 3, HUGE, 0), f"{HUGE} tensors"),
    "key": (
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + struct.pack("<Q", HUGE) + b"x" * 20,
        f"key 0 has {HUGE} bytes",
    ),
    "string": (
        header([text("general.name") + struct.pack("<IQ", STRING, HUGE)]),
        f"the value of 'general.name' has {HUGE} bytes; the limit is 1 MiB",
    ),
    "string past the end": (
        header([text("general.name") + struct.pack("<IQ", STRING, 5_000)]),
        "'general.name' has 5000 bytes; that is past the end of the file",
    ),
    "string that nobody wants": (
        header([text("general.url") + struct.pack("<IQ", STRING, 5_000)]), "that is past the end of the file",
    ),
    "string in an array": (
        header([array("a", STRING, 1, struct.pack("<Q", 3 << 20))]),
        "a string in the array 'a' has 3145728 bytes",
    ),
    "array": (header([array("a", U32, HUGE, b"")]), f"the array 'a' claims {HUGE} elements"),
    "array in an array": (header([array("a", ARRAY, 1, bytes(20))]), "elements of type 9"),
    "value type": (header([pair("a", 13, bytes(8))]), "'a' has the value type 13"),
    "twice": (header([ARCHITECTURE, ARCHITECTURE]), "'general.architecture' occurs twice"),
    "architecture": (
        header([plain("general.architecture", 4)]), "general.architecture is 4; it has to be a text",
    ),
    "context": (
        header([ARCHITECTURE, plain("deepseek4.context_length", "long")]),
        "'deepseek4.context_length' is 'long'; it has to be a whole number",
    ),
    "alignment": (header([plain("general.alignment", 33)]), "general.alignment is 33"),
    "split": (
        header([pair("split.no", U16, b"\3\0"), pair("split.count", U16, b"\3\0")]),
        "split.no is 3; with split.count 3 it has to be below",
    ),
    "dimensions": (header([], [("t", (1,) * 17, F32, 0)]), "tensor 't' has 17 dimensions; the limit is 16"),
    "values": (header([], [("t", (1 << 32, 1 << 32), F32, 0)]), "more than any file holds"),
    "offset": (header([], [("t", (1,), F32, 1 << 63)]), "more than any file holds"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    data, expected = WRONG[case]
    assert expected in problem(data)


def test_names_of_a_file_cannot_steer_a_terminal() -> None:
    found = problem(header([pair("\x1b[31m" + "k" * 1_000, 13, bytes(8))]))
    assert found.isprintable()
    assert len(found) < 150


def test_a_file_that_shrinks_while_it_is_read() -> None:
    data = example(more={"tokenizer.ggml.tokens": MANY_WORDS})
    assert "the file ended while it was read" in problem(data[:100_000], size=len(data))


ENDLESS = {
    "empty strings": (header([array("a", STRING, 10 << 30, b"")]), bytes(8)),
    "long strings": (header([array("a", STRING, 10 << 30, b"")]), text(bytes(1 << 20))),
    "keys": (
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 65_536),
        pair("general.url", STRING, text(bytes(1 << 19))),
    ),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_header_without_end_costs_little(kind: str) -> None:
    """What a lying header makes us read is bounded, and we hold a block or two of it."""
    head, unit = ENDLESS[kind]
    unit *= max(1, (1 << 17) // len(unit))
    reading = gguf.read(200 << 30)
    piece, n_read = next(reading), 0
    found = ""
    if kind != "empty strings":  # millions of small integers: tracing them takes half a minute
        tracemalloc.start()
    while not found:
        first = piece.offset - len(head)
        data = (unit * 2)[first % len(unit) :] if first >= 0 else (head + unit)[piece.offset :]
        n_read += piece.n
        try:
            piece = reading.send(data[: piece.n])
        except gguf.BadHeader as error:
            found = str(error)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "the header is not at its end after 32 MiB" in found
    assert n_read <= gguf.BUDGET + 2 * 65_536
    assert peak < 8 << 20


def test_an_unknown_tensor_type_is_counted_without_its_bytes() -> None:
    found = gguf.read_bytes(
        header([ARCHITECTURE], [("blk.0.ffn_up_exps.weight", (8,), 99, 0)]).ljust(4096, b"\0")
    )
    assert found.experts == {"up": ("type 99",)}
    assert found.parameters == 8


def test_a_file_without_all_its_tensors_says_how_many_bytes_it_needs() -> None:
    data = example()
    assert gguf.read_bytes(data[:-1]).needs == len(data)


@given(cut=st.integers(0, 700))
def test_every_truncation_is_an_error_or_needs_more(cut: int) -> None:
    data = example(more={"tokenizer.ggml.tokens": ["a", "b"], "tokenizer.chat_template": "x" * 100})
    try:
        assert gguf.read_bytes(data[:cut]).needs > cut
    except gguf.BadHeader as error:
        assert str(error)


@given(st.data())
def test_damage_never_does_more_than_raise(data: st.DataObject) -> None:
    good = bytearray(example(more={"tokenizer.ggml.tokens": ["a", "b"], "deepseek4.context_length": 7}))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, 600))
        new = data.draw(st.one_of(st.binary(min_size=1, max_size=9), st.just(b"\xff" * 8), st.just(bytes(8))))
        good[at : at + len(new)] = new
    try:
        found = gguf.read_bytes(bytes(good))
    except gguf.BadHeader as error:
        assert str(error)
    else:
        assert found.active_parameters <= found.parameters


@given(st.binary(max_size=300))
def test_any_bytes_after_the_magic(tail: bytes) -> None:
    try:
        gguf.read_bytes(b"GGUF\3\0\0\0" + tail)
    except gguf.BadHeader as error:
        assert "at byte" in str(error) or "has to be" in str(error)


def test_two_bit_experts_of_several_formats() -> None:
    tensors = [
        ("blk.0.ffn_down_exps.weight", (256, 2), Q2_K, 0),
        ("blk.1.ffn_down_exps.weight", (256, 4), 12, 0),
    ]
    found = gguf.read_bytes(whole(header([ARCHITECTURE], tensors), 4096))
    assert found.experts == {"down": ("Q4_K", "Q2_K")}
