"""`ds4agent sessions`: what can be continued."""

import json
import time
from dataclasses import asdict

import click

from ds4agent import paths
from ds4agent.agent.sessions import summaries
from ds4agent.agent.transcript import TranscriptError
from ds4agent.cli.progress import visible


@click.command("sessions")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(as_json: bool) -> None:
    """List the stored sessions, the newest first."""
    try:
        found = summaries(paths.sessions())
    except TranscriptError as error:
        raise click.ClickException(str(error)) from error
    for summary in found:
        if as_json:
            click.echo(json.dumps(asdict(summary)))
        else:
            changed = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.changed))
            state = summary.status or "unfinished"
            line = visible(f"{summary.id}  {changed}  {state:<11}  {summary.cwd}  {summary.title}")
            click.echo(line.replace("\n", "\\n"))
