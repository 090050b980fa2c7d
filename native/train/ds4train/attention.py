"""One attention core for all layers: a sliding window over raw rows, earlier compressed rows, and a sink
per head.

Keys and values are the same rows: the T raw ones, then the compressed ones. Query i sees raw row j when 0
<= i - j < window, and compressed row c when its last token has been read: c < (i + 1) // ratio. The
indexer's cut-off is not applied: its top_k is never reached at the lengths used in training.

`flex` compiles the mask into the kernel, skips blocks that it empties, and adds the sink afterwards from
the log-sum-exp. `sdpa` is the fallback: a dense mask, and the sink as one more key that only an extra
dimension of the query can see.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import (
    AuxRequest,
    BlockMask,
    create_block_mask,
    flex_attention,
)

_BLOCK = 128
_SINK_DIMS = 8
Mask = BlockMask | Tensor


def padded_rows(length: int, ratio: int) -> int:
    """Key rows of a layer, compressed ones included, rounded up to whole blocks."""
    total = length + (length // ratio if ratio else 0)
    return -(-total // _BLOCK) * _BLOCK


def build_mask(length: int, ratio: int, window: int, kind: str, device: torch.device) -> Mask:
    """The mask of one layer type at one length, for the `kind` of attention: BlockMask or bool [T, rows]."""

    def visible(b: Any, h: Any, i: Tensor, j: Tensor) -> Tensor:
        seen = (j < length) & (j <= i) & (i - j < window)
        if ratio:
            seen = seen | ((j >= length) & (j - length < (i + 1) // ratio))
        return seen

    rows = padded_rows(length, ratio)
    if kind == "flex":
        return create_block_mask(visible, None, None, length, rows, device=device, BLOCK_SIZE=_BLOCK)
    i = torch.arange(length, device=device)[:, None]
    j = torch.arange(rows, device=device)[None]
    return visible(None, None, i, j)


def attend(q: Tensor, rows: Tensor, sinks: Tensor, mask: Mask) -> Tensor:
    """q [B, T, H, D], rows [B, padded, D], sinks [H] -> [B, T, H, D]."""
    if isinstance(mask, BlockMask):
        return _attend_flex(q, rows, sinks, mask)
    return _attend_sdpa(q, rows, sinks, mask)


def _attend_flex(q: Tensor, rows: Tensor, sinks: Tensor, mask: BlockMask) -> Tensor:
    kv = rows.unsqueeze(1)
    out, aux = flex_attention(
        q.transpose(1, 2),
        kv,
        kv,
        block_mask=mask,
        scale=q.shape[-1] ** -0.5,
        enable_gqa=True,
        return_aux=AuxRequest(lse=True),
    )
    keep = torch.sigmoid(aux.lse - sinks.float()[None, :, None])
    return (out.float() * keep.unsqueeze(-1)).to(q.dtype).transpose(1, 2)


def _attend_sdpa(q: Tensor, rows: Tensor, sinks: Tensor, mask: Tensor) -> Tensor:
    b, t, h, d = q.shape
    scale = d**-0.5
    extra = (sinks / scale).to(q.dtype)[None, :, None, None].expand(b, h, t, 1)
    q = torch.cat([q.transpose(1, 2), extra, q.new_zeros(b, h, t, _SINK_DIMS - 1)], -1)
    key = F.pad(rows, (0, _SINK_DIMS))
    sink_key = F.one_hot(torch.tensor(d, device=q.device), d + _SINK_DIMS).to(q.dtype)
    key = torch.cat([key, sink_key.expand(b, _BLOCK, -1)], 1)
    value = F.pad(rows, (0, 0, 0, _BLOCK))
    one = torch.arange(_BLOCK, device=q.device) == 0
    mask = torch.cat([mask, one.expand(t, _BLOCK)], 1)
    key = key.unsqueeze(1).expand(b, h, -1, -1)
    value = value.unsqueeze(1).expand(b, h, -1, -1)
    out = F.scaled_dot_product_attention(q, key, value, attn_mask=mask, scale=scale)
    return out.transpose(1, 2)
