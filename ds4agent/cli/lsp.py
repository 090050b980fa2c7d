"""`ds4agent lsp`: the language server, on standard input and output or on a WebSocket."""

import asyncio
import logging
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from typing import Any

import click

from ds4agent import config, paths

LOG_BYTES = 1_000_000


@click.command("lsp")
@click.option("--stdio", is_flag=True, help="On standard input and output, as by default.")
@click.option("--ws", type=click.IntRange(0, 65535), metavar="PORT", help="On a WebSocket of this machine.")
@click.option("--engine", metavar="E", help="auto, embedded, the path of an engine, or its http address.")
@click.option("--model", metavar="M", help="A GGUF file for an engine that is started, or a model's name.")
@click.option("--ctx", "context", type=int, metavar="N", help="Context tokens of an engine that is started.")
@click.pass_context
def command(
    ctx: click.Context,
    stdio: bool,
    ws: int | None,
    engine: str | None,
    model: str | None,
    context: int | None,
) -> None:
    """The language server for editors."""
    if stdio and ws is not None:
        raise click.UsageError("--stdio and --ws exclude each other")
    flags = {"engine": engine, "model": model, "context": context}
    try:
        log_to_file()
        ctx.exit(_stdio(flags) if ws is None else _ws(ws, flags))
    except config.ConfigError as error:
        click.echo(f"ds4agent: {error}", err=True)
        ctx.exit(2)
    except OSError as error:
        click.echo(f"ds4agent: the language server cannot start: {error.strerror or error}", err=True)
        ctx.exit(1)


def _stdio(flags: Mapping[str, Any]) -> int:
    from ds4agent.lsp import stdio

    return asyncio.run(stdio.serve(flags))


def _ws(port: int, flags: Mapping[str, Any]) -> int:
    from ds4agent.lsp import ws

    return asyncio.run(ws.serve(port, flags))


def log_to_file() -> None:
    """Standard error belongs to the editor, and pygls would write every message's body."""
    file = paths.lsp_log()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("pygls", "asyncio", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
