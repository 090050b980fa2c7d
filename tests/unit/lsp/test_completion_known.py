"""What is kept between requests: results, pieces of other files, and what became of suggestions."""

from __future__ import annotations

from ds4agent.lsp.completion.gap import Gap
from ds4agent.lsp.completion.results import MOST, Results
from ds4agent.lsp.completion.ring import Ring
from ds4agent.lsp.completion.tally import Tally
from ds4agent.lsp.document import Document

URI, OTHER = "file:///work/here.py", "file:///work/my%20other.py"
GAP = Gap("def f():\n    ret", ")", "\nnext\n")


def ring_of(most: int, lines: int, characters: int) -> Ring:
    ring = Ring()
    ring.resize(most, lines, characters)
    return ring


def words(n: int, first: int = 0) -> str:
    return "\n".join(f"word{first + i} = value{first + i}" for i in range(n))


def test_what_is_typed_as_suggested_leaves_the_rest() -> None:
    results = Results()
    results.put(URI, GAP, "urn x\n")
    assert results.get(URI, GAP) == "urn x\n"
    assert results.get(URI, GAP.with_text("urn")) == " x\n"
    assert results.get(URI, GAP.with_text("urn x\n")) is None
    assert results.get(URI, GAP.with_text("urX")) is None
    assert results.get(OTHER, GAP) is None
    assert results.get(URI, Gap(GAP.before, "", GAP.after)) is None


def test_that_there_is_nothing_is_known_too_and_for_that_place_alone() -> None:
    results = Results()
    results.put(URI, GAP, "")
    assert results.get(URI, GAP) == ""
    assert results.get(URI, GAP.with_text("u")) is None


def test_what_follows_an_accepted_one_wins_over_its_empty_rest() -> None:
    results = Results()
    results.put(URI, GAP, "urn")
    results.put(URI, GAP.with_text("urn"), " x")
    assert results.get(URI, GAP.with_text("urn")) == " x"


def test_an_alternative_goes_on_too_and_the_first_one_before_it() -> None:
    results = Results()
    results.put(URI, GAP, "urn x")
    assert results.all(URI, GAP) is None
    results.put_all(URI, GAP, ("urn x", "urn y", "ain"))
    assert results.all(URI, GAP) == ("urn x", "urn y", "ain")
    assert results.get(URI, GAP) == "urn x"
    assert results.get(URI, GAP.with_text("urn ")) == "x"
    assert results.get(URI, GAP.with_text("a")) == "in"
    assert results.all(URI, GAP.with_text("a")) is None
    results.put(URI, GAP, "urn z")
    assert results.all(URI, GAP) is None
    results.put_all(URI, GAP, ("", "ain"))
    assert results.get(URI, GAP) == ""
    assert results.get(URI, GAP.with_text("a")) == "in"


def test_old_results_go() -> None:
    results = Results()
    for n in range(MOST + 1):
        results.put(URI, Gap(str(n), "", ""), "text")
    assert results.get(URI, Gap("0", "", "")) is None
    assert results.get(URI, Gap(str(MOST), "", "")) == "text"


def test_pieces_of_other_files_join_at_the_end_and_only_when_the_user_rests() -> None:
    ring = ring_of(8, 64, 10_000)
    ring.put(OTHER, words(10))
    assert ring.extra(URI) == []
    assert ring.settle(URI)
    first = ring.extra(URI)
    assert first == [{"filename": "my other.py", "text": words(10)}]
    ring.put(OTHER, words(10, 50))
    assert ring.extra(URI) == first
    assert ring.settle(URI)
    assert ring.extra(URI)[:1] == first
    assert not ring.settle(URI)


def test_a_file_is_not_completed_with_itself_nor_with_the_same_twice_nor_with_what_is_no_text() -> None:
    ring = ring_of(8, 64, 10_000)
    ring.put(URI, words(10))
    ring.put(OTHER, words(10))
    ring.put(OTHER, words(10) + "\nmore = 1")
    ring.put(OTHER, words(3, 90) + "\0")
    ring.put(OTHER, "short")
    ring.settle(URI)
    ring.settle(OTHER)
    assert len(ring.extra(URI)) == 1
    assert [item["filename"] for item in ring.extra(OTHER)] == ["here.py"]


def test_the_older_half_goes_when_there_are_too_many() -> None:
    ring = ring_of(4, 64, 10_000)
    for n in range(4):
        ring.put(OTHER, words(10, n * 20))
    ring.settle(URI)
    before = ring.extra(URI)
    assert len(before) == 4
    ring.put(OTHER, words(10, 99))
    ring.settle(URI)
    assert ring.extra(URI) == [before[-1], {"filename": "my other.py", "text": words(10, 99)}]


def test_a_list_has_so_many_characters_and_a_piece_so_many_lines() -> None:
    ring = ring_of(16, 10, 2_000)
    for n in range(16):
        ring.put(OTHER, words(100, n * 200))
    ring.settle(URI)
    texts = [item["text"] for item in ring.extra(URI)]
    assert 0 < sum(map(len, texts)) <= 2_000
    assert all(text.count("\n") < 10 for text in texts)


def test_pieces_are_taken_where_the_cursor_goes_far() -> None:
    document = Document(OTHER, words(500), 1, "python", "utf-16")
    ring = ring_of(16, 16, 100_000)
    for line in (100, 101, 120, 300, 310):
        ring.visit(document, line)
    ring.settle(URI)
    assert [item["text"].partition("\n")[0] for item in ring.extra(URI)] == [
        "word92 = value92", "word292 = value292"
    ]  # fmt: skip


def test_no_pieces_where_none_are_wanted() -> None:
    ring = ring_of(0, 64, 10_000)
    ring.put(OTHER, words(10))
    assert not ring.settle(URI)
    assert ring.extra(URI) == []


def test_suggestions_are_counted_by_language() -> None:
    tally = Tally()
    first, second, third = (tally.offer(lang, "héllo💡 you") for lang in ("python", "python", "lua"))
    assert tally.shown(first)
    assert not tally.shown(first)
    assert tally.accepted(first, 7, "utf-16")
    assert tally.accepted(first)
    assert not tally.accepted(first)
    assert not tally.dismissed(first)
    assert tally.dismissed(second)
    assert tally.accepted(third, 99, "utf-8")
    assert not tally.accepted("c99")
    assert tally.by_language() == {
        "python": {"shown": 2, "accepted": 1, "dismissed": 1, "characters": 10},
        "lua": {"shown": 1, "accepted": 1, "dismissed": 0, "characters": 10},
    }
