"""`python -m ds4agent.engine`: start, listen, serve, stop.

Order at start: signals, flags, folder, lock, port, model, session, trace file, then listen. The port is
bound before the model is opened, so that a taken one costs nothing, and listens only when everything is
ready: a connection that succeeds means ready.

Exit codes: 0 clean end, 1 the model, the session, the trace file or the port cannot be had, 2 bad flags or
the lock is held, 130 second signal while stopping.
"""

import asyncio
import os
import socket
import sys
from contextlib import closing
from functools import partial

from ds4agent.engine.binding import Ds4Error, Model
from ds4agent.engine.checkpoints import Checkpoints, DiskCheckpoints, Moments
from ds4agent.engine.flag_values import Unavailable
from ds4agent.engine.flags import Flags, UsageError, parse_flags
from ds4agent.engine.generation import Defaults
from ds4agent.engine.http import accept_connections
from ds4agent.engine.kv.store import KvStore
from ds4agent.engine.replay import ReplayMap
from ds4agent.engine.server import Server
from ds4agent.engine.signals import Signals, ignore_signals, waking
from ds4agent.engine.slots import Slots
from ds4agent.engine.startup import (
    StartupError,
    bind,
    enter,
    listen,
    log,
    model_path,
    open_store,
    open_trace,
    raise_descriptor_limit,
    sessions_that_fit,
    take_instance_lock,
)
from ds4agent.engine.turn import PREFILL_STEP
from ds4agent.engine.usage import usage
from ds4agent.engine.vocab import Vocab
from ds4agent.engine.worker import Worker
from ds4agent.resources import MissingResource, format_texts
from ds4agent.wire.logline import context_buffers
from ds4agent.wire.models import ModelCard

DEFAULT_CTX = 32768
BACKLOG = 1024
# Set by a front end that starts an engine for itself; see ds4agent.client.process.
STOP_WITH_STDIN = "DS4AGENT_STOP_WITH_STDIN"


def _flags() -> Flags:
    try:
        return parse_flags(sys.argv[1:])
    except UsageError as error:
        log(str(error))
        if error.show_usage:
            sys.stderr.write(usage())
        sys.exit(2)
    except Unavailable as error:
        raise StartupError(1, str(error)) from error


def _context(model: Model, asked: int | None) -> int:
    declared = model.info.context_length
    if asked is not None and asked > declared:
        log(f"context of {asked} tokens asked, the model has {declared}; using {declared}")
    return min(asked or DEFAULT_CTX, declared)


def _temperature(model: Model) -> float:
    text = model.metadata("general.sampling.temp")
    return 1.0 if text is None else float(text)


def _until_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """The process that started us is gone, however it ended: its end of the pipe is closed."""
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


def _checkpoints(
    store: KvStore | None, vocab: Vocab, replay: ReplayMap | None, flags: Flags, model: Model
) -> Checkpoints:
    if store is None:
        return Checkpoints()
    moments = Moments(
        flags.kv_min_tokens, flags.kv_cold_max_tokens, flags.kv_interval, flags.kv_trim, flags.kv_align
    )
    return DiskCheckpoints(store, vocab, replay, moments, model.info.quant_bits, log)


class Engine:
    """Everything between an opened model and the end of the process."""

    def __init__(self, model: Model, flags: Flags) -> None:
        n_ctx = _context(model, flags.ctx)
        vocab = Vocab(model)
        window = int(model.metadata("deepseek4.attention.sliding_window") or 128)
        with model.session(n_ctx) as probe:
            block_bytes = probe.block_bytes
            n_sessions = sessions_that_fit(flags.sessions, probe.most_memory)
            log(context_buffers(n_sessions * probe.most_memory / 2**20, n_ctx, PREFILL_STEP, window))
        store = open_store(flags, model, block_bytes)
        replay = ReplayMap(flags.tool_memory_max_ids) if flags.replay else None
        if replay is None:
            log("exact DSML tool replay disabled; tool history uses canonical JSON rendering")
        self._slots = Slots(vocab, partial(model.session, n_ctx), n_sessions)
        trace = open_trace(flags.trace)
        checkpoints = _checkpoints(store, vocab, replay, flags, model)
        if replay is not None and store is not None:
            replay.behind = store.tool_block
        defaults = Defaults(_temperature(model), flags.tokens)
        self._worker = Worker(
            vocab,
            self._slots,
            defaults,
            replay,
            log,
            trace=trace,
            max_queue=flags.max_queue,
            checkpoints=checkpoints,
        )
        card = ModelCard(model.info.name, n_ctx, flags.tokens, n_sessions)
        self._server = Server(
            self._worker,
            vocab,
            format_texts(),
            card,
            replay,
            flags.cors,
            control_in_text=flags.special_tokens_in_text,
            keep_bodies=flags.trace is not None,
        )

    async def serve(self, sock: socket.socket, host: str, signals: Signals) -> None:
        """Until the first signal, and the end of what was going on then."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        signals.on_first = lambda: loop.call_soon_threadsafe(stop.set)
        if os.environ.get(STOP_WITH_STDIN):
            loop.add_reader(sys.stdin.fileno(), _until_end_of_stdin, loop, stop)
        listen(sock, host, BACKLOG)
        self._worker.start()
        accepting = loop.create_task(accept_connections(sock, self._server.connection, log))
        with waking(loop):
            log(f"listening on http://{host}:{sock.getsockname()[1]}")
            await stop.wait()
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            sock.close()
            log("shutdown requested, draining requests")
            self._worker.stop()
            await loop.run_in_executor(None, self._worker.join)
        self._server.close()
        # The loop is about to go, and it may not have been a signal that ended it.
        signals.on_first = lambda: None

    def close(self) -> None:
        self._slots.close()


def run() -> None:
    """Raises StartupError."""
    signals = Signals()
    flags = _flags()
    if flags.help is not None:
        sys.stdout.write(usage(flags.help))
        return
    if flags.chdir is not None:
        enter(flags.chdir)
    take_instance_lock()
    raise_descriptor_limit()
    sock = bind(flags.host, flags.port)
    path = model_path(flags.model)
    try:
        with Model(path, flags.threads) as model, closing(Engine(model, flags)) as engine:
            asyncio.run(engine.serve(sock, flags.host, signals))
    except (Ds4Error, MissingResource) as error:
        raise StartupError(1, str(error)) from error


def main() -> int:
    try:
        run()
    except StartupError as error:
        if error.stamp:
            log(str(error))
        else:
            sys.stderr.write(f"ds4: {error}\n")
        return error.code
    finally:
        ignore_signals()
    return 0


if __name__ == "__main__":
    sys.exit(main())
