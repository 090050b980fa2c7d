"""`ds4agent lsp`: the language server, on standard input and output or on a WebSocket."""

import logging
import sys
from logging.handlers import RotatingFileHandler

import click

from ds4agent import config, paths
from ds4agent.lsp import rooms
from ds4agent.lsp.app import App
from ds4agent.lsp.protocol import Server

LOG_BYTES = 1_000_000


@click.command("lsp")
@click.option("--stdio", is_flag=True, help="On standard input and output, as by default.")
@click.option("--ws", type=click.IntRange(0, 65535), metavar="PORT", help="On a WebSocket of this machine.")
@click.option("--engine", metavar="E", help="auto, embedded, the path of an engine, or its http address.")
@click.option("--model", metavar="M", help="A GGUF file for an engine that is started, or a model's name.")
@click.option("--ctx", "context", type=int, metavar="N", help="Context tokens of an engine that is started.")
def command(stdio: bool, ws: int | None, engine: str | None, model: str | None, context: int | None) -> int:
    """The language server for editors."""
    if stdio and ws is not None:
        raise click.UsageError("--stdio and --ws exclude each other")
    log_to_file()
    server = Server()
    try:
        App(server, {"engine": engine, "model": model, "context": context}, rooms.ALL)
    except config.ConfigError as error:
        click.echo(f"ds4agent: {error}", err=True)
        return 2
    if ws is None:
        server.start_io(sys.stdin.buffer, sys.stdout.buffer)
    else:
        server.start_ws("127.0.0.1", ws)
    return 0


def log_to_file() -> None:
    """Standard error belongs to the editor, and pygls would write every message's body."""
    file = paths.lsp_log()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("pygls", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
