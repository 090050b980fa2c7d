"""Server-sent events, cut anywhere."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ds4agent.wire.sse_reader import Comment, Record, SseReader


def test_records_and_comments() -> None:
    stream = b": prefill\n\ndata: {}\n\nevent: error\ndata: a\ndata: b\n\n"
    stream += b":\ndata:x\r\n\r\nid: 1\n\ndata: [DONE]\n\n"
    assert SseReader().feed(stream) == [
        Comment("prefill"),
        Record("message", "{}"),
        Record("error", "a\nb"),
        Comment(""),
        Record("message", "x"),
        Record("message", "[DONE]"),
    ]


def test_a_record_without_its_blank_line_is_not_dispatched() -> None:
    assert SseReader().feed(b"data: half\n") == []


_lines = st.sampled_from(["data: ü漢", "data:", ": c", "event: e", "", "", "other: x"])


@given(st.lists(_lines), st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 99), max_size=6))
def test_cuts_make_no_difference(lines: list[str], end: str, cuts: list[int]) -> None:
    data = "".join(line + end for line in lines).encode() + b"\n"
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    reader = SseReader()
    pieces = [event for a, b in itertools.pairwise(places) for event in reader.feed(data[a:b])]
    assert pieces == SseReader().feed(data)
