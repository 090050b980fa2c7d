"""The models that a sidecar is told of: the catalog's, or the one that was given, with their own settings."""

from dataclasses import replace

from ds4agent import config, paths
from ds4agent.cli.engine_files import find_model
from ds4agent.cli.models_known import scan
from ds4agent.config_values import PerModel
from ds4agent.sidecar import fit, kv_folder
from ds4agent.sidecar.catalog import UnknownModel
from ds4agent.sidecar.launch import PlanError
from ds4agent.sidecar.launcher import THINK_MAX_CONTEXT
from ds4agent.sidecar.settings import ModelSettings


def less(own: PerModel, context: int | None, idle: float | None) -> PerModel:
    """Flags win over what the file says of a model."""
    return PerModel(own.context if context is None else None, own.idle if idle is None else None)


def with_own(model: ModelSettings, own: dict[str, PerModel]) -> ModelSettings:
    """What the configuration says of this model, by its id or another name."""
    found = next((own[name] for name in (model.id, *model.names) if name in own), PerModel())
    return replace(model, context=found.context or 0, idle=found.idle)


def given(settings: config.Settings, program: tuple[str, ...], width: int) -> tuple[ModelSettings, ...]:
    """Raises PlanError, MissingResource."""
    return (_given_model(settings, program, width),)


def _given_model(settings: config.Settings, program: tuple[str, ...], width: int) -> ModelSettings:
    """Raises PlanError, MissingResource."""
    model = find_model(settings.model, program)
    most_ctx = model.most_ctx or 0
    think_max = len(program) == 1 and _can_think_most(model.size, most_ctx, width)
    path = model.path.resolve()
    return ModelSettings(kv_folder.model_id(model.path), str(path), model.size, most_ctx, think_max=think_max)


def _can_think_most(size: int, most_ctx: int, width: int) -> bool:
    """Asked here, where no engine is in memory yet."""
    return fit.can_have(THINK_MAX_CONTEXT, size, most_ctx, width, fit.memory())


def of_catalog(settings: config.Settings, program: tuple[str, ...], width: int) -> tuple[ModelSettings, ...]:
    """The catalog's, the one that was named first. Raises PlanError, MissingResource."""
    listing = scan()
    aliases = {alias: target.lower() for alias, target in settings.aliases}
    usable = [model for model in listing.models if not model.problem]
    found = {
        model.id: ModelSettings(
            model.id,
            str(model.path),
            model.size,
            model.header.context_length or 0,
            tuple(sorted(model.names() | {a for a, t in aliases.items() if t in (model.id, *model.names())})),
            _can_think_most(model.size, model.header.context_length or 0, width),
        )
        for model in usable
    }
    name = settings.model
    if name is None and found:
        return tuple(found.values())
    if name is not None and not paths.expanded(name).is_file():
        try:
            first = listing.resolve(name, dict(settings.aliases)).model.id
        except UnknownModel as unknown:
            raise PlanError(str(unknown)) from unknown
        return (found.pop(first), *found.values())
    given = _given_model(settings, program, width)
    others = [model for model in found.values() if model.path != given.path and model.id != given.id]
    known = next((model for model in found.values() if model.path == given.path), given)
    return (known, *others)
