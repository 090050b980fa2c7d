"""The memory of sampled calls."""

from ds4agent.engine.replay import ReplayMap


def test_all_ids_of_a_block_give_its_text() -> None:
    memory = ReplayMap(10)
    memory.put(["a", "b"], "block")
    assert memory.get(["a", "b"]) == "block"
    assert memory.get(["b", "a"]) == "block"


def test_a_block_with_other_calls_than_asked_is_not_replayed() -> None:
    memory = ReplayMap(10)
    memory.put(["a", "b"], "one")
    memory.put(["c"], "one")
    assert memory.get(["a"]) is None
    assert memory.get(["a", "c"]) is None
    assert memory.get(["a", "b", "c"]) is None
    assert memory.get(["a", "x"]) is None
    assert memory.get([]) is None
    assert memory.get(["c"]) == "one"


def test_the_least_recently_used_ids_go_first() -> None:
    memory = ReplayMap(2)
    memory.put(["a"], "1")
    memory.put(["b"], "2")
    assert memory.get(["a"]) == "1"
    memory.put(["c"], "3")
    assert memory.get(["b"]) is None
    assert memory.get(["a"]) == "1"


def test_text_is_bounded_too() -> None:
    memory = ReplayMap(100, max_chars=10)
    memory.put(["a", "b"], "x" * 6)
    memory.put(["c"], "y" * 6)
    assert memory.get(["a", "b"]) is None
    assert memory.get(["c"]) == "y" * 6


def test_an_id_that_comes_again_has_its_new_text() -> None:
    memory = ReplayMap(10, max_chars=12)
    for text in ("first", "second", "third"):
        memory.put(["a"], text)
    assert memory.get(["a"]) == "third"
