"""GET /v1/models, and GET /props."""

from dataclasses import dataclass

from ds4agent.wire.json_spans import quote

_CREATED = 1767225600
_PARAMETERS = (
    "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "min_p", "stop", "seed", "stream",
    "reasoning_effort",
)  # fmt: skip
# Clients of ds4-server ask for these whatever is loaded.
ALIASES = ("deepseek-v4-flash", "deepseek-v4-pro")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a client learns about the loaded model. `max_tokens`: the server's default limit of a reply;
    `sessions`: how many conversations are kept at once.
    """

    name: str
    n_ctx: int
    max_tokens: int
    sessions: int = 1

    @property
    def id(self) -> str:
        return self.name.lower().replace(" ", "-")

    def json(self) -> str:
        limit = min(self.max_tokens, self.n_ctx)
        return (
            f'{{"id":{quote(self.id)},"object":"model","created":{_CREATED},"owned_by":"ds4.c",'
            f'"name":{quote(self.name)},"context_length":{self.n_ctx},"top_provider":'
            f'{{"context_length":{self.n_ctx},"max_completion_tokens":{limit},"is_moderated":false}},'
            f'"supported_parameters":[{",".join(map(quote, _PARAMETERS))}]}}'
        )

    def list_body(self) -> bytes:
        return f'{{"object":"list","data":[{self.json()}]}}\n'.encode()

    def one_body(self) -> bytes:
        return f"{self.json()}\n".encode()

    def props(self) -> bytes:
        """GET /props, in llama-server's shape."""
        return (
            f'{{"default_generation_settings":{{"n_ctx":{self.n_ctx}}},"total_slots":{self.sessions},'
            f'"model_alias":{quote(self.id)}}}\n'
        ).encode()
