"""The terminal: `opsbell run`, and a twin of every slash command.

Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bot.cli_twins import DEFAULT_CONFIG, ConfigOption, JsonOption, add_operation, add_twins
from bot.config.errors import ConfigurationError
from bot.errors import Failed, OpsbellError, UsageError
from bot.words import Sign

FAILED, WRONG = 1, 2

cli = typer.Typer(
    name="opsbell",
    help="Runs the operations of a hosted web application from Slack, and from here.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """The program's entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Where a terminal knows no signs, their words stand alone.
            stream.reconfigure(errors="replace")
    cli()


@cli.callback(invoke_without_command=True)
def root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if show_version:
        typer.echo(version("opsbell"))
        raise typer.Exit


@cli.command()
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Runs Opsbell until it is stopped (Ctrl-C or SIGTERM)."""
    _finish(_run(config))


@cli.command()
def demo(
    directory: Annotated[
        Path, typer.Option("--directory", help="Where everything of the demo is kept.")
    ] = Path("var/demo"),
    port: Annotated[
        int,
        typer.Option(
            "--port",
            help="The page's port; 0 takes a free one.",
            envvar="PLAYGROUND_PORT",
            min=0,
            max=65_535,
        ),
    ] = 8181,
) -> None:
    """Starts a local Slack in the browser, and a sample application to operate."""
    _finish(_demo(directory, port))


@cli.command()
def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Looks at all that Opsbell stands on, changes nothing, and says what to do."""
    _finish(_check(config, as_json))


@cli.command()
def audit(
    words: Annotated[list[str] | None, typer.Argument(help="verify, or nothing.")] = None,
    since: Annotated[
        str, typer.Option("--since", help="7d, 12h, or a date; the last day without it.")
    ] = "",
    user: Annotated[str, typer.Option("--user", help="U…, os:NAME, or a name in Slack.")] = "",
    target: Annotated[str, typer.Option("--target", help="What was done to this target.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Who did what when; verify: whether the log of it is whole."""
    _finish(_audit(config, words or [], since, user, target, as_json))


@cli.command()
def database(
    command: Annotated[
        list[str] | None, typer.Argument(help="A program and its arguments, after --.")
    ] = None,
    restored: Annotated[
        str, typer.Option("--restored", help="The ID of the backup that was just restored.")
    ] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Runs a program such as psql beside Opsbell's own database, while no Opsbell runs."""
    _finish(_database(config, command or [], restored))


@cli.command()
def manifest(
    url: Annotated[
        str, typer.Option("--url", help="For HTTP: the address under which Slack reaches Opsbell.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """The Slack app's manifest, to paste when the app is created."""
    _finish(_manifest(config, url, as_json))


@cli.command()
def init(
    project: Annotated[str, typer.Option("--project", help="The Compose project.")] = "",
    directory: Annotated[
        str, typer.Option("--directory", help="Where the project lies, if it does not run.")
    ] = "",
    target: Annotated[
        str, typer.Option("--target", help="What Opsbell calls it; the project's name.")
    ] = "",
    admin: Annotated[
        str, typer.Option("--admin", help="The first admin: a Slack user ID or a handle.")
    ] = "",
    channel: Annotated[
        str, typer.Option("--channel", help="The channel that Opsbell speaks in; ops.")
    ] = "",
    timezone: Annotated[
        str, typer.Option("--timezone", help="The team's; this machine's own.")
    ] = "",
    mode: Annotated[str, typer.Option("--mode", help="socket or http.")] = "socket",
    backups: Annotated[
        str, typer.Option("--backups", help="Where backups go; ./var/backups.")
    ] = "",
    output: Annotated[Path, typer.Option("--output", help="The file to write.")] = DEFAULT_CONFIG,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file, and keep the old one beside it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take the defaults.")] = False,
) -> None:
    """Writes opsbell.yaml from what runs here, and from a few answers."""
    from bot.install.init import init as write_configuration
    from bot.install.questions import Flags

    flags = Flags(
        output=output,
        project=project,
        directory=directory,
        target=target,
        admin=admin,
        channel=channel,
        timezone=timezone,
        mode=mode,
        backups=backups,
        force=force,
        interactive=sys.stdin.isatty() and not yes,
    )
    _leave(lambda: write_configuration(flags, os.environ))


def _finish(work: Coroutine[None, None, int]) -> None:
    """Runs to the end and leaves with its exit status; errors are words on standard error."""
    _leave(lambda: asyncio.run(work))


def _leave(work: Callable[[], int]) -> None:
    try:
        status = work()
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except OpsbellError as error:
        status = _explain(error)
    except BaseExceptionGroup as group:
        # Parts that run side by side fail as a group; a defect among them is left to the log.
        known, defects = group.split(OpsbellError)
        if defects is not None or known is None:
            raise
        # Parts that meet the same trouble say it once.
        told = {str(error): error for error in _leaves(known)}
        status = max(_explain(error) for error in told.values())
    raise typer.Exit(status)


def _explain(error: BaseException) -> int:
    typer.echo(str(error), err=True)
    return WRONG if isinstance(error, ConfigurationError | UsageError) else FAILED


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]


async def _run(config: Path) -> int:
    # Imported here: the help and a wrong configuration need not wait for every library.
    from bot import app
    from bot.config.environment import SlackSecrets
    from bot.config.load import load
    from bot.core import opened
    from bot.log import first_redact, set_up_logging

    settings = load(config, os.environ)
    secrets = SlackSecrets.read(os.environ, settings.slack.mode)
    set_up_logging(first_redact(settings, secrets))
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.set_exception_handler(_one_line_at_the_end)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with opened(settings, secrets) as core:
        set_up_logging(core.redactor.redact)
        async with app.in_slack(core, secrets):
            logging.getLogger("opsbell").info("started", extra={"version": version("opsbell")})
            await stopping.wait()
    return 0


def _one_line_at_the_end(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task meets because all has ended, such as a database that is closed, is no defect.

    The queue's library can leave one behind where the start fails while its workers begin.
    """
    if "asyncio.run() shutdown" in context["message"]:
        error = context.get("exception")
        logging.getLogger("opsbell").warning(
            "task cut off at the end", extra={"error": repr(error)}
        )
    else:
        loop.default_exception_handler(context)


async def _audit(
    config: Path, words: list[str], since: str, user: str, target: str, as_json: bool
) -> int:
    from bot.audit_terminal import audit

    return await audit(config, words, since=since, user=user, target=target, as_json=as_json)


async def _database(config: Path, command: list[str], restored: str) -> int:
    from bot.own_database import database

    return await database(config, command, restored=restored)


async def _manifest(config: Path, url: str, as_json: bool) -> int:
    from bot.install.app_manifest import app_manifest
    from bot.slack.manifest import as_yaml

    app = await app_manifest(config, os.environ, url=url, optional=config == DEFAULT_CONFIG)
    typer.echo(json.dumps(app, indent=2) if as_json else as_yaml(app), nl=as_json)
    return 0


async def _check(config: Path, as_json: bool) -> int:
    from bot.doctor import view
    from bot.doctor.doctor import AREAS, examine, next_step
    from bot.doctor.patient import admitted

    console = Console(highlight=False)
    # One console alone may draw on a terminal.
    progress = console if console.is_terminal and not as_json else Console(stderr=True)
    found, left = [], [area.name for area in AREAS]
    async with admitted(config, os.environ) as patient:
        with progress.status(f"Looking at {', '.join(left)} …") as status:
            async for area, findings in examine(patient):
                left.remove(area.name)
                status.update(f"Looking at {', '.join(left)} …")
                found += findings
                if not as_json:
                    view.show(findings, console)
        next_one = await next_step(patient) if view.is_sound(found) else ""
    if as_json:
        typer.echo(json.dumps(view.data(found), indent=2))
    else:
        console.print(Text(f"{view.summary(found)} {next_one}".rstrip()), soft_wrap=True)
    return FAILED if any(each.sign is Sign.CRITICAL for each in found) else 0


async def _demo(directory: Path, port: int) -> int:
    # The libraries take a moment, so somebody who waits is told first.
    typer.echo("Starting the demo")
    try:
        from bot.demo.demo import demo as run_demo
    except ModuleNotFoundError as error:
        raise Failed(
            f"The demo needs {error.name}, which is not installed.",
            hint="Start it with make demo, or install opsbell[demo].",
        ) from None

    def tell(line: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that was closed hears nothing any more
            typer.echo(line)

    await run_demo(directory, port, tell)
    return 0


add_twins(cli, _finish)
add_operation(cli, _finish)
