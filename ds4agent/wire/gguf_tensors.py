"""What the tensors of a GGUF file add up to."""

from dataclasses import dataclass, field

from ds4agent.wire.ggml_types import TYPES

_EXPERTS = {f"ffn_{role}_exps.weight": role for role in ("gate", "up", "gate_up", "down")}


@dataclass(slots=True)
class Tensors:
    """`end`: bytes from the first tensor to the end of the last; `bits`: of the first routed expert."""

    parameters: int = 0
    expert_parameters: int = 0
    end: int = 0
    by_role: dict[str, dict[str, int]] = field(default_factory=dict)
    bits: int = 0

    def add(self, name: str, kind: int, n_values: int, offset: int) -> None:
        known = TYPES.get(kind)
        self.parameters += n_values
        self.end = max(self.end, offset + (known.n_bytes(n_values) if known else 0))
        role = _EXPERTS.get(name.split(".", 2)[2] if name.startswith("blk.") and name.count(".") > 2 else "")
        if role:
            self.expert_parameters += n_values
            formats = self.by_role.setdefault(role, {})
            label = known.name if known else f"type {kind}"
            formats[label] = formats.get(label, 0) + n_values
            self.bits = self.bits or (known.bits if known else 0)

    def formats(self) -> dict[str, tuple[str, ...]]:
        """Roles in their order; a role's formats, the one of most values first."""
        return {
            role: tuple(sorted(self.by_role[role], key=lambda label: -self.by_role[role][label]))
            for role in _EXPERTS.values()
            if role in self.by_role
        }
