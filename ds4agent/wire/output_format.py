"""The form that a client wants its answer in, where the APIs differ only in where they put it."""

from ds4agent.wire import json_spans
from ds4agent.wire.errors import RequestError
from ds4agent.wire.fields import Object, as_object, as_string, optional
from ds4agent.wire.request import OutputFormat

_MAX_SOURCE = 1 << 18


def output_format(
    text: str, value: Object, path: tuple[str, ...], kinds: str, schema: tuple[str, ...] = ("schema",)
) -> OutputFormat | None:
    """`text` and `value`: the request. `path`: of the member, `schema`: of the schema in it. `kinds`: types
    that the API knows, apart by blanks. The schema is kept as the text it was. Raises RequestError.
    """
    inner: Object = value
    for name in path[:-1]:
        inner = optional(inner, name, as_object) or {}
    wanted = optional(inner, path[-1], as_object)
    if wanted is None:
        return None
    kind = as_string(wanted.get("type"))
    if kind not in kinds.split():
        raise RequestError(400, f"{'.'.join(path)} type {kind} is not supported")
    if kind == "json_object":
        return OutputFormat("json_object")
    if kind == "regex":
        pattern = wanted.get("regex") if wanted.get("pattern") is None else wanted["pattern"]
        return OutputFormat("regex", _bounded(as_string(pattern)))
    return None if kind == "text" else OutputFormat("json_schema", _bounded(_raw(text, wanted, path, schema)))


def _raw(text: str, wanted: Object, path: tuple[str, ...], schema: tuple[str, ...]) -> str:
    for name in schema:
        wanted = as_object(wanted.get(name))
    for name in path + schema:
        text = json_spans.member(text, name) or ""
    return text


def _bounded(source: str) -> str:
    """Compiling costs time and memory in proportion, and other requests wait for it."""
    if len(source) > _MAX_SOURCE:
        raise RequestError(
            400, f"the output format has {len(source)} characters, at most {_MAX_SOURCE} are read"
        )
    return source
