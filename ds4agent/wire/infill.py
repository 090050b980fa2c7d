"""POST /infill, in the shape of llama-server: what llama.vim and llama.vscode ask for and read.

The prompt is made of the model's fill-in-the-middle tokens, in the order begin, prefix, hole, suffix, end.
Other files (`input_extra`) come in front of the prefix, each behind a line with its name: they change least,
so that the cache, which knows only prefixes, keeps them. A request for no tokens warms the cache for what
will follow: it reads the files and the prefix, and stops before the hole.

`infill_order` is ours. "psm", as without it, is the order above. "spm" is for typing: begin, files, hole,
suffix, end, prefix, which the model goes on writing. What is typed is then the very end of the prompt, and
all else is in the cache; a request for no tokens reads the whole of it. A model has to know the order.

`heal` is ours too, and true where it is not given: the word that the cursor cut is written again by the model
(see engine/healing.py). The reply is what comes behind it, and `n_predict` and the counts in the reply are of
tokens that bring some of that.
"""

import json
from dataclasses import replace
from functools import partial

from ds4agent.wire import sse
from ds4agent.wire.dialect import Dialect, Emission, OpenAIWriter, ReplyIds
from ds4agent.wire.dsml import Content
from ds4agent.wire.errors import RequestError, context_overflow, error_body
from ds4agent.wire.fields import (
    Object,
    as_array,
    as_bool,
    as_number,
    as_object,
    as_string,
    optional,
    parse_body,
    parse_options,
)
from ds4agent.wire.json_spans import quote
from ds4agent.wire.reply import Reply, Usage
from ds4agent.wire.request import ParseContext, TurnRequest
from ds4agent.wire.template import FIM_BEGIN, FIM_END, FIM_HOLE, Rendered, ThinkMode, raw_prompt


def parse_request(body: bytes, context: ParseContext) -> TurnRequest:
    """Raises RequestError for anything that cannot be served."""
    _, value = parse_body(body)
    # Negative: as many as there is room for. A client that warms the cache asks for 0.
    wanted = optional(value, "n_predict", as_number)
    options = replace(
        parse_options(value, ()), max_tokens=None if wanted is None or wanted < 0 else int(wanted)
    )
    if options.sampling.temperature is None:
        options = replace(options, sampling=replace(options.sampling, temperature=0.0))
    limit = optional(value, "t_max_predict_ms", as_number) or 0.0
    return TurnRequest(
        raw=_prompt(value, options.max_tokens == 0),
        think=ThinkMode.NONE,
        options=options,
        seconds=limit / 1e3 if limit > 0 else None,
        n_ctx=context.n_ctx,
        fields=tuple(map(as_string, optional(value, "response_fields", as_array) or ())),
    )


def _prompt(value: Object, warms: bool) -> Rendered:
    """The prompt in its order; of one that only warms, what stays."""
    order = _text(value, "infill_order") or "psm"
    if order not in ("psm", "spm"):
        raise RequestError(400, "infill_order has to be psm or spm")
    extra, before = _extra(value), _text(value, "input_prefix") + _text(value, "prompt")
    hole = [(FIM_HOLE, True), (_text(value, "input_suffix"), False), (FIM_END, True)]
    heals = optional(value, "heal", as_bool) is not False and bool(before)
    start = (FIM_BEGIN, True)
    if order == "spm":
        found = raw_prompt([start, (extra, False), *hole, (before, False)])
        return replace(found, cursor=len(found.spans) - 1) if heals else found
    found = raw_prompt([start, (extra + before, False), *([] if warms else hole)])
    # Behind the beginning of a text and the first mark.
    return replace(found, cursor=2) if heals else found


def _text(value: Object, name: str) -> str:
    return optional(value, name, as_string) or ""


def _extra(value: Object) -> str:
    items = [as_object(item) for item in optional(value, "input_extra", as_array) or ()]
    return "".join(f"# {_text(item, 'filename')}\n{_text(item, 'text')}\n" for item in items)


class InfillWriter(OpenAIWriter):
    """Spells one reply, whole or streamed. `response_fields` picks members by path, as llama-server does."""

    def __init__(self, request: TurnRequest, model: str) -> None:
        self._request = request
        self._model = model

    def start(self, created: int, usage: Usage) -> bytes:
        return b""

    def emit(self, created: int, emission: Emission) -> bytes:
        if not isinstance(emission.event, Content):
            return b""
        return sse.data(f'{{"index":0,"content":{quote(emission.event.text)},"stop":false}}')

    def finish(self, created: int, reply: Reply) -> bytes:
        return sse.data(self._json(reply, ""))

    def whole(self, created: int, reply: Reply) -> bytes:
        return f"{self._json(reply, reply.content)}\n".encode()

    def _json(self, reply: Reply, content: str) -> str:
        members = self._members(reply, content)
        picked = {name: found for name in self._request.fields if (found := _at(members, name)) is not None}
        # Surrogates cannot be in it: parser events never hold any.
        return json.dumps(
            picked if self._request.fields else members, ensure_ascii=False, separators=(",", ":")
        )

    def _members(self, reply: Reply, content: str) -> Object:
        usage = reply.usage
        stop_type = "limit" if reply.finish == "length" else "word" if reply.stop else "eos"
        return {
            "index": 0,
            "content": content,
            "stop": True,
            "model": self._model,
            "generation_settings": {"n_ctx": self._request.n_ctx},
            "tokens_predicted": usage.completion,
            "tokens_evaluated": usage.prompt,
            "tokens_cached": usage.prompt + usage.completion,
            "truncated": False,
            "stop_type": stop_type,
            "stopping_word": reply.stop or "",
            "timings": {
                "cache_n": usage.cached,
                **_rates("prompt", usage.prompt - usage.cached, reply.prefill_seconds),
                **_rates("predicted", usage.completion, reply.decode_seconds),
            },
        }


def _rates(name: str, count: int, seconds: float) -> Object:
    return {
        f"{name}_n": count,
        f"{name}_ms": round(seconds * 1e3, 3),
        f"{name}_per_token_ms": round(seconds * 1e3 / max(count, 1), 3),
        f"{name}_per_second": round(count / max(seconds, 1e-9), 3) if count else 0.0,
    }


def _at(members: Object, path: str) -> object:
    found: object = members
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _writer(request: TurnRequest, model: str, ids: ReplyIds) -> InfillWriter:
    return InfillWriter(request, model)


DIALECT = Dialect(
    name="infill",
    call_prefix="",
    parse=parse_request,
    writer=_writer,
    error=lambda _status, message: error_body(message),
    overflow=partial(context_overflow, "input_prefix"),
)
