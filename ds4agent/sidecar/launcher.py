"""How the engine is started for a load: settings, capabilities and the model make a command line.

It is made anew for each start, when the last engine has gone: memory that this one held counts as free then.
"""

import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ds4agent.sidecar import fit, kv_folder, launch
from ds4agent.sidecar.capabilities import Capabilities
from ds4agent.sidecar.launch_options import Model, Options
from ds4agent.sidecar.model_names import split_thinking
from ds4agent.sidecar.process import Launch, LaunchError
from ds4agent.sidecar.settings import EngineSettings, ModelSettings
from ds4agent.sidecar.switch import Load
from ds4agent.wire.models import ALIASES, ModelCard

# Names that clients of ds4-server use whatever is loaded.
ANY_MODEL = frozenset((*ALIASES, "deepseek-chat", "deepseek-reasoner", "default", ""))
MOST_OUTPUT = 393_216
# With less, engines treat the effort `max` as `high`, and say nothing.
THINK_MAX_CONTEXT = 393_216
_PATHS = ("trace", "vision", "steering_file", "mtp_file", "kv_dir")


class UnknownModel(Exception):
    """No model of this name; the message names those that there are."""


class Launcher:
    """`note` gets sentences for the user; `serves` is told model, context and bytes before each start."""

    def __init__(
        self, settings: EngineSettings, note: Callable[[str], None], serves: Callable[[str, int, int], None]
    ) -> None:
        self._settings = settings
        self._note = note
        self._serves = serves
        self._models = {model.id: model for model in settings.models}

    def resolve(self, name: str) -> tuple[Load | None, str | None]:
        """The load that a model's name means, None: whatever runs; and the thinking mode that its suffix asks
        for. Raises UnknownModel.
        """
        wanted = name.lower()
        if wanted in ANY_MODEL:
            return None, None
        if (found := self._named(wanted)) is not None:
            return found, None
        if (parts := split_thinking(wanted)) is not None and (found := self._named(parts[0])) is not None:
            return found, parts[1]
        raise UnknownModel(f"no model {name!r} here; there are: {', '.join(self._models)}")

    def _named(self, name: str) -> Load | None:
        models = self._models.values()
        return next((Load(model.id) for model in models if name in (model.id, *model.names)), None)

    def cards(self, running: Load | None, context: int) -> bytes | None:
        """The body of GET /v1/models; None where the engine knows better. `context`: of the running load."""
        if not self._models or self.embedded:
            return None
        at = running.model if running is not None else None
        cards = [
            ModelCard(model.id, context if model.id == at else model.most_ctx, MOST_OUTPUT).json()
            for model in sorted(self._models.values(), key=lambda model: model.id != at)
        ]
        return f'{{"object":"list","data":[{",".join(cards)}]}}\n'.encode()

    def for_most_thinking(self, load: Load, context: int) -> Load:
        """The load that the effort `max` needs; `context`: of the engine that runs, if it has this model."""
        model = self._models.get(load.model)
        if model is None or not model.think_max or context >= THINK_MAX_CONTEXT:
            return load
        return replace(load, context=THINK_MAX_CONTEXT)

    @property
    def embedded(self) -> bool:
        return len(self._settings.program) > 1

    def meant(self, name: str) -> ModelSettings | None:
        """The model that a name means, whatever name it is; None if there is none of ours."""
        if not self._models:
            return None
        try:
            load = self.resolve(name)[0] or self.first
        except UnknownModel:
            load = self.first
        return self._models[load.model]

    def idle(self, load: Load) -> float:
        """Seconds after which this load is let go, 0: never."""
        own = self._models[load.model].idle if load.model in self._models else None
        return self._settings.idle if own is None else own

    @property
    def first(self) -> Load:
        """What is loaded if nobody says what."""
        return Load(self._settings.models[0].id if self._settings.models else "")

    def __call__(self, load: Load) -> Launch:
        """Raises LaunchError."""
        settings = self._settings
        if not settings.program:
            self._serves("", 0, 0)
            return Launch(settings.argv, self._environment(), port=settings.port)
        model = self._models[load.model]
        options = self._options(model, load)
        try:
            plan = launch.plan(
                settings.program,
                Path(settings.support) if settings.support else None,
                Capabilities(settings.digest, settings.flags),
                Model(Path(model.path), model.size, most_ctx=model.most_ctx or None),
                options,
                fit.memory(),
            )
            if plan.kv_dir is not None:
                for orphan in kv_folder.prepare(plan.kv_dir, Path(settings.adopt)):
                    self._note(f"removed {plan.kv_dir / orphan}, left by an engine that was killed")
        except launch.PlanError as error:
            raise LaunchError(str(error)) from error
        except OSError as error:
            raise LaunchError(f"cannot use KV directory {options.kv_dir}: {error.strerror}") from error
        for note in plan.notes:
            self._note(note)
        self._serves(model.id, plan.ctx, model.size)
        return Launch(plan.argv, self._environment(), plan.host, plan.port)

    def _environment(self) -> dict[str, str]:
        changed = {**os.environ, **self._settings.environment}
        return {name: value for name, value in changed.items() if value is not None}

    def _options(self, model: ModelSettings, load: Load) -> Options:
        given: dict[str, Any] = dict(self._settings.options)
        for name in _PATHS:
            if given.get(name):
                given[name] = Path(given[name])
        given["extra"] = tuple(given.get("extra", ()))
        options = Options(**given, port=self._settings.port or _free_port())
        if self._settings.kv_root and options.kv_dir is None:
            folder = Path(self._settings.kv_root) / kv_folder.folder_name(model.id)
            options = replace(options, kv_dir=folder)
        usual = model.context or options.ctx
        return replace(options, ctx=max(load.context, usual or 0) if load.context else usual)


def _free_port() -> int:
    """ds4-server does not know port 0."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
