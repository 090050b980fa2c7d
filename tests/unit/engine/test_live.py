"""How much of a prompt a resident session knows, and what of it is read again."""

from __future__ import annotations

import pytest

from ds4agent.engine.live import Live, Plan, common_prefix
from ds4agent.engine.vocab import Prompt, Vocab
from ds4agent.wire.template import ASSISTANT, EOS, USER
from tests.unit.engine.cache_parts import PairModel, live_with, raw
from tests.unit.engine.scripted import ScriptedModel, ScriptedSession

BLOCK = 4
EOS_ID = ScriptedModel.eos


def session(n_ctx: int = 1000, model: ScriptedModel | None = None) -> ScriptedSession:
    made = ScriptedSession(model or ScriptedModel(), n_ctx)
    made.block = BLOCK
    return made


def pairs(*texts: str) -> Live:
    return live_with(*texts, session=session(model=PairModel()))


def paired(text: str) -> Prompt:
    return raw(text, PairModel())


def carried_out(live: Live, plan: Plan) -> list[int]:
    """The tokens that the session has in the end."""
    if plan.cached < len(live):
        live.cut(plan.cached)
    live.append(plan.suffix)
    assert isinstance(live.session, ScriptedSession)
    assert live.session.held == live.tokens
    return live.tokens


def test_exact_tokens_come_first() -> None:
    live = live_with("Hello", session=session())
    prompt = raw("Hello there")
    live.visible = (prompt.key[:3],)
    assert live.ahead(prompt) == Plan("memory-token", 6, prompt.tokens[6:])
    assert carried_out(live, live.ahead(prompt) or Plan("none", 0, [])) == prompt.tokens


def test_an_equal_prompt_has_nothing_to_read_from_the_end() -> None:
    live = live_with("Hello", session=session())
    assert live.ahead(raw("Hello")) == Plan("memory-token", 6, [])


def test_an_empty_session_knows_nothing() -> None:
    live = Live(Vocab(ScriptedModel()), session())
    assert live.ahead(raw("Hello")) is live.back(raw("Hello")) is None


def test_text_that_was_tokenised_otherwise_keeps_its_tokens() -> None:
    """`a` and `b` were sampled one by one; the prompt has them as one token."""
    live = pairs("xa", "b")
    prompt = paired("xab and ab")
    assert PairModel.pair in prompt.tokens[:4]
    plan = live.ahead(prompt)
    assert plan == Plan("memory-text", 4, paired(" and ab").tokens[1:])


def test_text_is_not_joined_across_the_seam() -> None:
    live = pairs("xa")
    plan = live.ahead(paired("xab"))
    assert plan == Plan("memory-text", 3, paired("b").tokens[1:])


def test_text_inside_a_character_is_no_seam() -> None:
    live = live_with("x", session=session())
    live.append([16 + "é".encode()[0]])
    assert live.ahead(raw("xé")) is not None  # by its tokens
    live.tokens[-1] = -1  # the same text, but not the same tokens
    assert live.ahead(raw("xé")) is None


def test_control_text_is_not_the_control_token() -> None:
    live = live_with(f"{USER}x", session=session())
    spelled = raw("")
    text = Prompt(((USER.encode(), None), (b"x", None)), spelled.key + USER.encode() + b"x", [0, 99, 98])
    assert live.ahead(text) is None


@pytest.mark.parametrize("rest", ["", f"{USER}more"])
def test_the_visible_text_stands_for_what_was_sampled(rest: str) -> None:
    """The end marker is compared, and read: it was never evaluated."""
    live = live_with(f"{USER}hi{ASSISTANT}<think>", "hm</think>Yes", session=session())
    shown = f"{USER}hi{ASSISTANT}</think>Yes"
    live.visible = (raw(shown).key,)
    prompt = raw(f"{shown}{EOS}{rest}")
    assert live.ahead(prompt) == Plan("thinking-visible", len(live), [EOS_ID, *raw(rest).tokens[1:]])
    assert live.ahead(raw(f"{shown}, but not ours{EOS}")) is None


def test_a_turn_that_begins_ends_what_was_visible() -> None:
    live = live_with("a", session=session())
    live.visible, live.calls, live.protocol = (b"x",), frozenset("y"), "chat"
    live.begin_turn()
    assert not live.visible
    assert not live.calls
    assert live.protocol is None


def test_cut_back_to_the_point_before_the_first_different_token() -> None:
    live = live_with("0123456789", session=session())
    prompt = raw("012345xyz")
    plan = live.back(prompt)
    assert plan == Plan("memory-prefix", BLOCK, prompt.tokens[BLOCK:])
    assert carried_out(live, plan) == prompt.tokens
    assert live.key == prompt.key


@pytest.mark.parametrize("n", [3, 4, 7, 8, 9])
def test_a_prompt_that_ends_inside_the_session_has_something_to_read(n: int) -> None:
    """The logits of a point are not kept."""
    live = live_with("0123456789", session=session())
    prompt = raw("0123456789"[: n - 1])
    plan = live.back(prompt)
    point = (n - 1) // BLOCK * BLOCK
    assert plan == (Plan("memory-prefix", point, prompt.tokens[point:]) if point else None)


def test_where_only_the_tokenisation_differs_the_seam_is_at_a_control_token() -> None:
    """The sampled `a`, `b` before it stays; the prompt's token for both would cost all behind it."""
    live = pairs(f"{USER}x{ASSISTANT}", "a", f"b{EOS}{USER}", "0123456789")
    prompt = paired(f"{USER}x{ASSISTANT}ab{EOS}{USER}01234xy")
    seam = len(pairs(f"{USER}x{ASSISTANT}", "a", f"b{EOS}{USER}"))
    assert common_prefix(live.tokens, prompt.tokens) == 4
    plan = live.back(prompt)
    assert plan is not None
    assert plan.cached == seam // BLOCK * BLOCK
    whole = live.tokens[:seam] + paired("01234xy").tokens[1:]
    assert live.tokens[: plan.cached] + plan.suffix == whole
    assert carried_out(live, plan) == whole
    assert live.key == prompt.key


def test_a_seam_in_text_is_never_joined() -> None:
    """Alike up to a place within text, and tokenised otherwise there: the control token before it counts."""
    live = pairs(f"{USER}", "0a", "b2345")
    prompt = paired(f"{USER}0ab2x")
    plan = live.back(prompt)
    assert plan is None  # the last point before the difference is the beginning
    longer = pairs(f"{USER}01{ASSISTANT}", "0a", "b2345")
    plan = longer.back(paired(f"{USER}01{ASSISTANT}0ab2x"))
    assert plan == Plan("memory-prefix", BLOCK, paired(f"{USER}01{ASSISTANT}0ab2x").tokens[BLOCK:])


def test_nothing_that_reaches_the_end_of_the_context() -> None:
    """One place must be left to decode into."""
    live = live_with("01234567", session=session(n_ctx=12))
    assert live.ahead(raw("01234567x")) is not None
    assert live.ahead(raw("01234567xy")) is not None
    assert live.ahead(raw("01234567xyz")) is None
    assert live.back(raw("0123xyzuvw")) is not None
    assert live.back(raw("0123xyzuvwp")) is None


def test_what_was_cut_back_has_no_logits_until_something_is_read() -> None:
    live = live_with("0123456789", session=session())
    live.cut(8)
    assert live.ahead(raw("0123456")) is None
    assert live.back(raw("0123456")) == Plan("memory-prefix", 4, raw("0123456").tokens[4:])
    assert live.ahead(raw("0123456x")) == Plan("memory-token", 8, raw("x").tokens[1:])


def test_a_cut_forgets_what_lay_behind() -> None:
    live = live_with("0123456789", session=session())
    live.saved, live.visible = 11, (b"x",)
    live.cut(8)
    prompt = raw("0123456")
    assert (live.tokens, bytes(live.key), live.saved) == (prompt.tokens, prompt.key, 8)
    assert not live.visible
    live.append(raw("xy").tokens[1:])
    assert live.key == raw("0123456xy").key
