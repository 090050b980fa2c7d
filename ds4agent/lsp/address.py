"""`ds4/engine`: where the engine answers, for an editor whose own chat asks models itself."""

from dataclasses import dataclass

from ds4agent.client.errors import EngineError
from ds4agent.lsp import models
from ds4agent.lsp.app import App
from ds4agent.lsp.messages import Nothing
from ds4agent.lsp.protocol import Failed


@dataclass(frozen=True, slots=True)
class EngineOut:
    """`url`: without `/v1`. `model`: as requests name it. `key`: as a bearer, where the engine wants one."""

    url: str
    model: str
    key: str | None = None


class Address:
    """The room."""

    def __init__(self, app: App) -> None:
        self._app = app
        app.server.on("ds4/engine", Nothing, self._engine)

    def configured(self) -> None:
        """The link is the settings' already."""

    async def close(self) -> None:
        """Nothing is held."""

    async def _engine(self, _: Nothing) -> EngineOut:
        await self._app.settings_known()
        try:
            endpoint = await self._app.link.endpoint()
        except EngineError as error:
            raise Failed(str(error)) from error
        return EngineOut(endpoint.url, models.name(self._app.settings), endpoint.api_key)
