"""What a client has shown of the conversation that a session holds, where that is not what was sampled.

A client that leaves reasoning out sends, turn after turn, a text that parts from the session's at its first
turn. The last turn is found again by its visible text; but a turn that was cut off, stopped or edited away
leaves none, and then the turns before it must not be read again with it. Anchors tell up to where both are
the same conversation: behind the end marker of a turn, and where a turn begins.
"""

from bisect import bisect_right
from dataclasses import dataclass

from ds4agent.engine.vocab import Prompt


@dataclass(frozen=True, slots=True)
class Shown:
    """`key`: of the last prompt as the client wrote it. `anchors`, ascending: (offset in the key, tokens of
    the session) that stand for the same; the session may have been cut back since.
    """

    key: bytes = b""
    anchors: tuple[tuple[int, int], ...] = ()

    def anchor(self, alike: int, n_tokens: int) -> tuple[int, int]:
        """The last one within that many bytes of the key and tokens of the session; (0, 0): none."""
        n = bisect_right(self.anchors, (alike, n_tokens))
        while n and self.anchors[n - 1][1] > n_tokens:
            n -= 1
        return self.anchors[n - 1] if n else (0, 0)

    def then(self, prompt: Prompt, alike: int, cached: int, turn_end: int, n_prompt: int) -> "Shown":
        """After a prompt that has `alike` bytes in common with the last one and goes on from `cached` tokens.
        `turn_end`: how much of its key the session's last turn is, or 0. `n_prompt`: tokens, all in all.
        """
        kept = [at for at in self.anchors if at[0] <= alike and at[1] <= cached]
        if turn_end:
            kept.append((turn_end, cached + 1))
        tag, token = prompt.pieces[-1]
        if token is not None:
            # In front of the think tag, which comes back only with reasoning.
            kept.append((len(prompt.key) - len(tag), n_prompt - 1))
        return Shown(prompt.key, tuple(dict.fromkeys(kept)))
