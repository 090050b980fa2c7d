"""A training document: text in rendered form, cut where the loss weight changes.

A segment begins and ends at a special token (or at the ends of the document), so that segments can be
tokenised one by one and their ids concatenated: no BPE merge crosses a special token. The weight is the loss
weight of the segment's tokens as *targets*: 0 for text that is the same in every document, 0.1 for what
users and tools say, 1 for what the model itself has to write.
"""

from __future__ import annotations

from dataclasses import dataclass

BOS = "<｜begin▁of▁sentence｜>"
EOS = "<｜end▁of▁sentence｜>"
PAD = "<｜▁pad▁｜>"
USER = "<｜User｜>"
ASSISTANT = "<｜Assistant｜>"
THINK = "<think>"
END_THINK = "</think>"
DSML = "｜DSML｜"
FIM_BEGIN = "<｜fim▁begin｜>"
FIM_HOLE = "<｜fim▁hole｜>"
FIM_END = "<｜fim▁end｜>"

# In id order: the position in this tuple is the token id.
SPECIALS = (
    BOS,
    EOS,
    PAD,
    USER,
    ASSISTANT,
    THINK,
    END_THINK,
    DSML,
    FIM_BEGIN,
    FIM_HOLE,
    FIM_END,
)


@dataclass(frozen=True)
class Segment:
    """A stretch of a document whose tokens share one loss weight."""

    text: str
    weight: float


Document = list[Segment]


def text_of(document: Document) -> str:
    """The whole document as one rendered string."""
    return "".join(segment.text for segment in document)
