"""A listing of models in words and in JSON."""

from collections.abc import Iterator
from typing import Any

from ds4agent.sidecar import digests
from ds4agent.sidecar.catalog import Listing, Model

_LINE = "{:<{width}}  {:>9}  {:>9}  {:<15}  {:>9}  {}"
_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def size_text(n: int) -> str:
    """Bytes as the makers of disks count them."""
    for unit, name in _UNITS:
        if n >= unit:
            return f"{n / unit:.1f} {name}"
    return f"{n} B"


def table(listing: Listing) -> Iterator[str]:
    models = (*listing.models, *listing.speculators)
    width = min(60, max((len(model.id) for model in models), default=2))
    if models:
        yield _LINE.format("id", "size", "params", "experts", "context", "about", width=width)
    for model in models:
        header = model.header
        about = [model.variant, "speculator" if model.kind == "speculator" else "", model.problem]
        yield _LINE.format(
            model.id, size_text(model.size), f"{model.parameters / 1e9:.1f} B", header.quantisation or "-",
            header.context_length or "-", ", ".join(filter(None, about)), width=width,
        ).rstrip()  # fmt: skip
    for other in listing.rejected:
        yield f"not usable: {other.path}: {other.reason}"


def describe(listing: Listing) -> dict[str, Any]:
    return {
        "models": [facts(model) for model in listing.models],
        "speculators": [facts(model) for model in listing.speculators],
        "rejected": [{"path": str(other.path), "reason": other.reason} for other in listing.rejected],
        "problems": {str(path): problem for path, problem in listing.problems.items()},
    }


def facts(model: Model) -> dict[str, Any]:
    """All that is known of a model, sizes in bytes."""
    header, hub = model.header, model.hub
    return {
        "id": model.id,
        "name": model.name,
        "kind": model.kind,
        "problem": model.problem or None,
        "path": str(model.path),
        "shards": [str(path) for path in model.shards],
        "also_at": [str(path) for path in model.also],
        "repository": hub.repo if hub else None,
        "revision": hub.commit if hub else None,
        "size": model.size,
        "memory_estimate": model.estimate,
        "architecture": header.architecture,
        "variant": model.variant or None,
        "general_name": header.name or None,
        "context_length": header.context_length,
        "layers": header.blocks,
        "experts": header.expert_count,
        "experts_used": header.experts_used,
        "expert_formats": [f"{role} {'+'.join(names)}" for role, names in header.experts.items()],
        "expert_bits": header.expert_bits or None,
        "parameters": model.parameters,
        "active_parameters": header.active_parameters if len(model.shards) == 1 else None,
        "tensors": header.tensors,
        "chat_template": header.chat_template,
        "gguf_version": header.version,
        "digest": _digest(model),
    }


def _digest(model: Model) -> str | None:
    try:
        found = digests.known(model.path)
    except OSError:
        return None
    return f"{found.kind} {found.hex} ({found.source})" if found else None
