"""Terminal bytes to the text that the model reads."""

import itertools
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ds4agent.agent import output
from ds4agent.agent.output import CAP, HALF, Captured, Cleaner, Collector, capped
from tests.examples import examples


def collect(folder: Path, *pieces: bytes) -> Captured:
    collector = Collector(lambda: folder / "spill.txt")
    for piece in pieces:
        collector.feed(piece)
    return collector.finish()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain"),
        (b"a\r\nb\r\r\nc", "a\nb\nc"),
        (b"\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[m", "red green"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b(B\x1b=\x1b>ok\x1bM", "ok"),
        (b"\x1bP1$r0m\x1b\\ok", "ok"),
        (b"tail  \t \n\n \n", "tail"),
        (b"a\x00b\xff\xfec", "a�b��c"),
        ("äöü 漢字 🙂".encode(), "äöü 漢字 🙂"),
        (b"50%\r100%", "50%\r100%"),
        (b"", ""),
        (b"lone \x1b", "lone"),
    ],
)
def test_cleaning(tmp_path: Path, data: bytes, text: str) -> None:
    assert collect(tmp_path, data).text == text


_noise = st.sampled_from(
    [b"\x1b[1m", b"\x1b]0;t\x07", b"\r\n", b"\r", b"\n", b"\x1b", b"x", "ü漢".encode(), b"\xff", b" "]
)


@settings(max_examples=examples(100))
@given(st.lists(_noise, max_size=30), st.lists(st.integers(0, 60), max_size=8))
def test_pieces_make_no_difference(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    whole = Cleaner().feed(data, final=True)
    cleaner, places = Cleaner(), sorted({0, len(data), *(c for c in cuts if c < len(data))})
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    assert "".join(cleaner.feed(piece) for piece in pieces) + cleaner.feed(b"", final=True) == whole


def test_a_text_at_the_cap_is_whole(tmp_path: Path) -> None:
    text = "x" * CAP
    assert collect(tmp_path, text.encode(), b"\n" * 50_000) == Captured(text)
    assert not list(tmp_path.iterdir())


def test_over_the_cap_head_tail_and_file(tmp_path: Path) -> None:
    text = "".join(f"line {n}\n" for n in range(10_000))
    found = collect(tmp_path, *(text[i : i + 777].encode() for i in range(0, len(text), 777)))
    body, path = text.rstrip(), tmp_path / "spill.txt"
    note = f"\n[... {len(body) - CAP} characters left out; the whole output is in {path} ...]\n"
    assert found == Captured(body[:HALF] + note + body[-HALF:], path)
    assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_of_a_command_that_never_stops_printing_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "LONGEST_SPILL", 30_000)
    text = "".join(f"zeile für {n}\n" for n in range(10_000))
    found = collect(tmp_path, *(text[i : i + 777].encode() for i in range(0, len(text), 777)))
    body, path = text.rstrip(), tmp_path / "spill.txt"
    where = f"the first 30000 characters of the output are in {path}"
    note = f"\n[... {len(body) - CAP} characters left out; {where} ...]\n"
    assert found == Captured(body[:HALF] + note + body[-HALF:], path)
    assert path.read_text() == text[:30_000]


def test_the_file_that_holds_all_that_fits_is_the_whole_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "LONGEST_SPILL", 30_000)
    assert "the whole output is in" in collect(tmp_path, b"x" * 30_000).text


def test_white_space_behind_a_long_output_is_not_its_tail(tmp_path: Path) -> None:
    found = collect(tmp_path, b"a" * 40_000, b"\n" * 100_000)
    assert found.text.endswith("a" * HALF)
    assert "[... 24000 characters left out;" in found.text


def test_a_file_that_cannot_be_written_is_said_to_be_lost() -> None:
    collector = Collector(lambda: Path("/proc/nowhere/spill.txt"))
    collector.feed(b"y" * (CAP + 1))
    found = collector.finish()
    assert found.spill is None
    assert "the whole output is in lost (No such file or directory)" in found.text


@given(st.text(max_size=200))
def test_capped_leaves_short_texts_alone(text: str) -> None:
    assert capped(text, lambda: Path("/never")) == text


def test_memory_stays_small(tmp_path: Path) -> None:
    collector = Collector(lambda: tmp_path / "big.txt")
    for _ in range(240):
        collector.feed(b"0123456789abcde\n" * 4096)
    assert len(collector._tail) <= 5 * CAP
    assert "characters left out" in collector.finish().text
    assert (tmp_path / "big.txt").stat().st_size == 240 * 65536
