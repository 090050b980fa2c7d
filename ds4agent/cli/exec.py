"""`ds4agent exec`: prepares a launch of ds4-server, then becomes it; no process of ours stays."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from ds4agent import config, resources
from ds4agent.cli.engine_files import find_engine, find_model, kv_space
from ds4agent.engine.lock import lock_path
from ds4agent.sidecar import fit, kv_folder, launch
from ds4agent.sidecar.capabilities import CapabilityError
from ds4agent.sidecar.engine_choice import ChoiceError
from ds4agent.sidecar.launch import Plan, PlanError
from ds4agent.sidecar.launch_options import Options


@click.command("exec")
@click.argument("words", metavar="[MODEL] [-- EXTRA...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--engine", metavar="E", help="auto, embedded, the name of an engine, or the path of one.")
@click.option("--ctx", type=click.IntRange(min=1), metavar="N", help="Context tokens (default: by memory).")
@click.option("--host", default="127.0.0.1", show_default=True, help="IPv4 address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--power", type=click.IntRange(1, 100), metavar="PERCENT", help="How busy the GPU may be.")
@click.option("--sessions", type=click.IntRange(min=1), metavar="N", help="Resident sessions.")
@click.option(
    "--ssd-streaming",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Read experts from the SSD while the model runs; auto: if memory does not do.",
)
@click.option("--mtp", is_flag=True, help="Draft with the layers inside the model.")
@click.option(
    "--mtp-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Draft with this file."
)
@click.option("--kv-dir", type=click.Path(path_type=Path), help="KV directory (default: one for each model).")
@click.option(
    "--kv-space-mb", type=click.IntRange(min=1), metavar="MIB", help="Its size (default: as in [serve])."
)
@click.option("--no-kv", is_flag=True, help="Keep nothing on disk.")
@click.option("--print", "only_print", is_flag=True, help="Show the command and start nothing.")
def command(
    words: tuple[str, ...],
    engine: str | None,
    ctx: int | None,
    no_kv: bool,
    kv_dir: Path | None,
    kv_space_mb: int | None,
    only_print: bool,
    **flags: object,
) -> None:
    """Start ds4-server with all that ds4agent knows to set, and leave it alone.

    MODEL is a GGUF file. EXTRA, behind `--`, is given to ds4-server as it is and wins over all else.
    """
    name, extra = (words[0], words[1:]) if words and not words[0].startswith("-") else (None, words)
    own = {"kv_dir": kv_dir, "kv_space_mb": kv_space_mb}
    try:
        settings = config.load({"engine": engine, "model": name, "context": ctx})
        plan = _plan(settings, no_kv, {**flags, **own, "extra": extra})
    except (config.ConfigError, ChoiceError, CapabilityError, PlanError, resources.MissingResource) as error:
        raise click.ClickException(str(error)) from error
    for note in plan.notes:
        click.echo(f"ds4agent: {note}", err=True)
    if only_print:
        click.echo(shlex.join(plan.argv))
        return
    _become(plan)


def _plan(settings: config.Settings, no_kv: bool, given: dict[str, Any]) -> Plan:
    """`given`: fields of Options; None: not given. Raises PlanError, ChoiceError, CapabilityError and
    MissingResource.
    """
    program, support, capabilities = find_engine(settings.engine)
    model = find_model(settings.model, program)
    if no_kv:
        given["kv_dir"] = None
    elif not given["kv_dir"] and settings.serve.kv:
        given["kv_dir"] = kv_folder.of_file(settings.serve.kv_models, model.path)
    given["kv_space_mb"] = given["kv_space_mb"] or kv_space(settings, program)
    options = Options(**given, ctx=settings.context)
    return launch.plan(program, support, capabilities, model, options, fit.memory())


def _become(plan: Plan) -> None:
    """Does not return."""
    if plan.kv_dir is not None:
        try:
            for orphan in kv_folder.prepare(plan.kv_dir, lock_path()):
                click.echo(
                    f"ds4agent: removed {plan.kv_dir / orphan}, left by an engine that was killed", err=True
                )
        except OSError as error:
            raise click.ClickException(f"cannot use KV directory {plan.kv_dir}: {error.strerror}") from error
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(plan.argv[0], plan.argv, os.environ)
    except OSError as error:
        raise click.ClickException(f"cannot run {plan.argv[0]}: {error.strerror}") from error
