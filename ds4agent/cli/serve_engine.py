"""What a sidecar is told of its engine: one at an address, or how to start one with which models."""

import os
from typing import Any

from ds4agent import config, paths
from ds4agent.cli import serve_models
from ds4agent.cli.engine_files import find_engine, kv_space
from ds4agent.config_values import PerModel
from ds4agent.engine.lock import lock_path
from ds4agent.sidecar.launch import PlanError
from ds4agent.sidecar.settings import ALLOCATOR, EngineSettings

DEFAULT_SESSIONS = 4
# Settings that are options of the engine, by the same name.
_OPTIONS = ("kv_interval", "kv_reject_other_quant", "ssd_streaming", "power")


def engine_settings(settings: config.Settings, own: dict[str, PerModel]) -> EngineSettings:
    """Raises ChoiceError, CapabilityError, PlanError, MissingResource."""
    serve = settings.serve
    width = serve.sessions or DEFAULT_SESSIONS
    if settings.engine.startswith(("http://", "https://")):
        return EngineSettings(url=_address(settings.engine), width=width, hang=0)
    program, support, capabilities = find_engine(settings.engine)
    embedded = len(program) > 1
    if not capabilities.has("--batched-session"):
        width = 1
    find_models = serve_models.given if embedded else serve_models.of_catalog
    return EngineSettings(
        program=program,
        support=str(support or ""),
        digest=capabilities.digest,
        flags=dict(capabilities.flags),
        options=_options(settings, program, width),
        models=tuple(serve_models.with_own(model, own) for model in find_models(settings, program, width)),
        kv_root=str(serve.kv_models) if serve.kv else "",
        environment={name: os.environ.get(name) for name in ALLOCATOR},
        adopt=str(lock_path()) if serve.adopt else "",
        width=width,
        ready=serve.ready,
        idle=serve.idle,
        hang=serve.hang,
        preload=serve.preload,
    )


def _options(settings: config.Settings, program: tuple[str, ...], width: int) -> dict[str, Any]:
    serve = settings.serve
    trace = paths.expanded(serve.trace).absolute() if serve.trace else None
    return {
        **{name: getattr(serve, name) for name in _OPTIONS},
        "kv_space_mb": kv_space(settings, program),
        "trace": str(trace) if trace else None,
        "ctx": settings.context,
        "sessions": width if width > 1 else None,
        "extra": serve.extra,
    }


def _address(url: str) -> str:
    """host:port of an engine that runs already. Raises PlanError."""
    rest = url.partition("://")[2].rstrip("/").removesuffix("/v1")
    host, _, port = rest.rpartition(":")
    if url.startswith("https://") or not host or not port.isdigit():
        raise PlanError(f"{url} is no address of an engine: http://HOST:PORT is expected")
    return f"{host}:{port}"
