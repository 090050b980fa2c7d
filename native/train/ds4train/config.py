"""Shapes of the model: the one that ships with the project, and a small one for tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class ModelConfig:
    """Every number that a deepseek4 model's tensors or maths depend on (names follow the GGUF keys)."""

    vocab: int = 8192
    d: int = 512
    ratios: tuple[int, ...] = (0, 0, 4, 128, 4, 4, 128, 4)
    window: int = 256
    heads: int = 8
    head_dim: int = 128
    rope_dims: int = 64
    q_lora: int = 256
    out_groups: int = 4
    o_lora: int = 128
    experts: int = 8
    experts_used: int = 2
    ff: int = 320
    expert_scale: float = 1.5
    hash_layers: int = 2
    swiglu_limit: float = 10.0
    index_heads: int = 8
    index_dim: int = 128
    index_top_k: int = 4096
    hc: int = 4
    sinkhorn_iters: int = 20
    hc_eps: float = 1e-6
    rms_eps: float = 1e-6
    context: int = 16384
    rope_base: float = 1e4
    compress_rope_base: float = 1.6e5
    yarn_factor: float = 16.0
    yarn_original: int = 65536
    yarn_beta_fast: float = 32.0
    yarn_beta_slow: float = 1.0

    @property
    def layers(self) -> int:
        return len(self.ratios)

    @property
    def hc_mix(self) -> int:
        """Rows of one hyper-connection's projection: pre and post weights, then the mixing matrix."""
        return 2 * self.hc + self.hc * self.hc

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        return cls(**{**values, "ratios": tuple(values["ratios"])})


BUNDLED = ModelConfig()

TINY = replace(
    BUNDLED,
    vocab=512,
    d=128,
    ratios=(0, 0, 4, 128),
    window=128,
    heads=4,
    q_lora=64,
    out_groups=2,
    o_lora=64,
    ff=64,
    index_heads=4,
)
