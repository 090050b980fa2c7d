"""A chained task under way: the parts of its request, and its last step."""

from __future__ import annotations

from . import loose
from . import phrasings_chain as ask
from . import phrasings_loose as around
from .grammar import Phrases, Wordings
from .sources import Source
from .world import World

_SHOW = Phrases("""
Now show {H}.
Last step: cat {H}.
That is done. See what {H} holds.
""")


class Chain:
    """One task under way: the parts of its request, and what its answer says."""

    def __init__(self, world: World, source: Source) -> None:
        self.world, self.source = world, source
        self.parts: list[str] = []
        self.said: list[str] = [source.said]
        self.answers: list[str] = [source.value]

    def say(self, pool: Wordings, **slots: str) -> str:
        rng = self.world.rng
        return pool(rng, self.world.split, slots).replace("  ", " ").strip(" ,")

    def refer(self) -> str:
        return self.say(ask.REFER)

    def request(self, first: str, use: str, show: str) -> None:
        """Join the parts, roughen the text and say it."""
        world, rng = self.world, self.world.rng
        given = [first, use, show]
        parts = [x.replace(" ,", ",").rstrip() for x in given if x]
        slots = dict(zip("abc", parts, strict=False))
        pool = ask.LINK if len(parts) == 2 else ask.LINK3
        text = parts[0] if len(parts) == 1 else self.say(pool, **slots)
        text = (
            text.replace(",.", ".")
            .replace(",;", ";")
            .replace(",,", ",")
            .replace("..", ".")
            .replace("only only", "only")
            .replace("just just", "just")
        )
        if rng.random() < 0.65:
            text = text[:1].upper() + text[1:]
        if text[-1].isalnum() and rng.random() < 0.4:
            text += "."
        if not world.s.joining:
            text = loose.message(
                rng, world.split, text, around.BEFORE if rng.random() < 0.4 else around.GREETING, around.AFTER
            )
        world.say("several", text)


def ending(chain: Chain, path: str, said: str) -> tuple[str, str]:
    """(the last part of the request, what it asks for): the file shown, its lines counted, or nothing."""
    rng = chain.world.rng
    r = rng.random()
    if r < 0.4 and len(chain.world.tree.files.get(path, "")) < 500:
        return chain.say(ask.SHOW, H=said), "show"
    if r < 0.5:
        return chain.say(ask.COUNTED, H=said), "count"
    if r < 0.62:
        return chain.say(ask.TELL), ""
    return "", ""


def finish(chain: Chain, path: str, step: str) -> bool:
    world, s, rng = chain.world, chain.world.s, chain.world.rng
    text = world.tree.files[path]
    if step == "show":
        s.bash(_SHOW(rng, {"H": path}), *world.tree.cat(path))
        body = text.rstrip()
        shown = f"\n\n```\n{body}\n```" if "\n" in body or "`" in body else f" `{body}`."
        chain.said.append(f"{path} says:{shown}")
        chain.answers.append(body)
    elif step == "count":
        count = str(text.count("\n"))
        s.bash(f"Count the lines of {path}.", f"wc -l < {path}", count)
        chain.said.append(f"{path} has {count} line{'s' if count != '1' else ''}.")
        chain.answers.append(count)
    s.answer("All is done.", " ".join(chain.said), *chain.answers, path)
    return True
