"""One turn of a conversation.

The user's message is on disk before the engine is asked, the reply before the client has its answer. Taking
the turn back closes the connection to the engine at once and then keeps what had arrived. A request repeats
the bytes of all earlier ones and adds to them, so the engine reads only what is new; what it read twice all
the same is told with its cause.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ds4agent.agent import ledger, message, request
from ds4agent.agent.message import AssistantTurn
from ds4agent.agent.transcript import Transcript, TranscriptError
from ds4agent.client.errors import ContextFull, EngineError
from ds4agent.client.reply import Delta as Piece
from ds4agent.client.reply import Part, Reply
from ds4agent.lsp.app import App
from ds4agent.lsp.ask import Ask
from ds4agent.lsp.chat.context import question
from ds4agent.lsp.chat.contract import Answer, Context, Delta, Status, UsageOut
from ds4agent.lsp.chat.pieces import Pieces
from ds4agent.lsp.chat.turns import messages, numbered, turns
from ds4agent.lsp.messages import write
from ds4agent.lsp.protocol import Failed

_KINDS: dict[str, Literal["text", "reasoning"]] = {"content": "text", "reasoning": "reasoning"}


@dataclass(frozen=True, slots=True)
class Question:
    """`parts`: what is shown with it, see context.shown; `number`: that of the turn, else the next one."""

    text: str
    context: tuple[Context, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    token: str | None = None


class Asking:
    """`begin` opens the conversation, in a thread. To be run as a task of its own, and stopped by stop()."""

    def __init__(self, app: App, begin: Callable[[], tuple[str, Transcript]], asked: Question) -> None:
        self._app = app
        self._begin = begin
        self._asked = asked
        self._stopped = False
        self._stream: asyncio.Task[Reply] | None = None
        self._pieces = Pieces(self._tell)
        self.conversation, self.number = "", 0

    def stop(self) -> None:
        """What had arrived is kept."""
        self._stopped = True
        if self._stream:
            self._stream.cancel()

    async def run(self) -> Answer:
        """Raises Failed when there was no reply."""
        self.conversation, transcript = await asyncio.to_thread(self._begin)
        try:
            return await self._turn(transcript)
        except TranscriptError as error:
            raise Failed(str(error)) from error
        finally:
            transcript.close()

    async def _turn(self, transcript: Transcript) -> Answer:
        said = turns(transcript.records)
        self.number = said[-1].number + 1 if said else 1
        asked = self._asked
        before = [digest for turn in said if turn.reply is not None for digest in turn.shown]
        text, shown = question(asked.text, asked.parts, before)
        mine = message.user(text)
        about = {"text": asked.text, "context": write(asked.context), "shown": shown}
        await asyncio.to_thread(transcript.append, "messages", [mine], role="user", turn=self.number, **about)
        books = ledger.Ledger([record for turn in said for record in turn.records])
        body = request.body(transcript.head, [*messages(said), mine])
        with self._app.board.task("chat", self.stop) as task:
            ask = Ask(self._app, task, self._take)
            status, problem = await self._outcome(ask, body)
            self._pieces.flush()
            return await self._store(transcript, ask, books, body, status, problem)

    async def _outcome(self, ask: Ask, body: bytes) -> tuple[Status, str]:
        if self._stopped:
            return "cancelled", ""
        self._stream = asyncio.create_task(ask.reply(body))
        try:
            reply = await self._stream
        except asyncio.CancelledError:
            return "cancelled", ""
        except ContextFull:
            return "failed", "the conversation no longer fits into the engine's context; begin a new one"
        except EngineError as error:
            return "failed", str(error)
        return ("limit" if reply.finish == "length" else "completed"), ""

    async def _store(
        self,
        transcript: Transcript,
        ask: Ask,
        books: ledger.Ledger,
        body: bytes,
        status: Status,
        problem: str,
    ) -> Answer:
        reply = ask.partial
        arrived = bool(reply.content or reply.reasoning) or status in ("completed", "limit")
        usage = _account(reply, ask.identity, books, body)
        if arrived:
            said = message.assistant(AssistantTurn(reply.content, reply.reasoning))
            about: dict[str, object] = {"role": "assistant", "engine": ask.identity, "finish": reply.finish}
            if reply.usage:
                about["usage"] = {"prompt": reply.usage.prompt, "completion": reply.usage.completion}
            if reply.finish is None:
                about["odd_end"] = ledger.INTERRUPTED
            await asyncio.to_thread(transcript.append, "messages", [said], **about)
        await asyncio.to_thread(transcript.append, "turn", turn=self.number, status=status)
        if usage:
            self._app.board.rest(cached_tokens=usage.cached_tokens, reread_tokens=usage.reread_tokens)
        if problem:
            raise Failed(problem)
        return Answer(self.conversation, self.number, status, reply.content, numbered(reply.content), usage)

    def _take(self, part: Part) -> None:
        if isinstance(part, Piece):
            self._pieces.add(part.kind, part.text)

    def _tell(self, kind: str, text: str) -> None:
        delta = Delta(self.conversation, self.number, _KINDS[kind], text, self._asked.token)
        self._app.server.tell("ds4/chat/delta", delta)


def _account(reply: Reply, identity: str, books: ledger.Ledger, body: bytes) -> UsageOut | None:
    if reply.usage is None:
        return None
    books.before(body, identity)
    cache = books.after(reply.usage)
    used = reply.usage
    reread, cause = (cache.reread_tokens, cache.cause) if cache else (0, None)
    return UsageOut(used.prompt, used.cached, used.completion, reread, cause)
