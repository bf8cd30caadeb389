"""The terminal: `opsbell run` and the other commands, and a twin of every slash command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from bot.cli_options import DEFAULT_CONFIG, ConfigBefore, ConfigOption, JsonOption, hand_on
from bot.cli_twins import add_operation, add_twins
from bot.config.errors import ConfigurationError
from bot.errors import Failed, UsageError
from bot.leaving import WRONG, finish, leave

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


# /opsbell's own words stand by themselves: opsbell status. Who types the slash command's name
# before them means the same.
own = typer.Typer(no_args_is_help=True)
cli.add_typer(own, name="opsbell", hidden=True)


@cli.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    before: ConfigBefore = None,
) -> None:
    if show_version:
        typer.echo(version("opsbell"))
        raise typer.Exit
    if before:
        hand_on(context)


@cli.command("help")
@own.command("help")
def help_(
    context: typer.Context,
    command: Annotated[str, typer.Argument(help="One command; all without it.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Shows what there is, or how one command is used."""
    # Taken as everywhere, for those who always type it; what there is depends on no configuration.
    del config
    leave(lambda: _show_help(context, command))


@cli.command()
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Runs Opsbell until it is stopped (Ctrl-C or SIGTERM)."""
    finish(_run(config))


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
    finish(_demo(directory, port))


@cli.command()
def check(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Looks at all that Opsbell stands on, changes nothing, and says what to do."""
    finish(_check(config, as_json))


@cli.command()
@own.command()
def status(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """How Opsbell is: version, connection, queue, what comes next."""
    finish(_status(config, as_json))


@cli.command()
@own.command()
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
    finish(_audit(config, words or [], since, user, target, as_json))


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
    finish(_database(config, command or [], restored))


@cli.command()
def manifest(
    url: Annotated[
        str, typer.Option("--url", help="For HTTP: the address under which Slack reaches Opsbell.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """The Slack app's manifest, to paste when the app is created."""
    finish(_manifest(config, url, as_json))


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
    leave(lambda: write_configuration(flags, os.environ))


def _show_help(context: typer.Context, name: str) -> int:
    above = context.find_root()
    if not isinstance(above.command, TyperGroup):
        raise TypeError("help is a command among others")
    if not name:
        typer.echo(above.get_help())
        return 0
    found = above.command.get_command(above, name)
    if found is None:
        from bot.slack.text_in import nearest

        known = above.command.list_commands(above)
        raise UsageError(f"There is no command {name[:30]}.", hint=nearest(name, known))
    typer.echo(found.get_help(typer.Context(found, parent=above, info_name=name)))
    return 0


async def _run(config: Path) -> int:
    # Imported here: the help and a wrong configuration need not wait for every library.
    from bot.run_terminal import run

    return await run(config)


async def _status(config: Path, as_json: bool) -> int:
    from bot.twin import Wishes, twin

    return await twin(config, "opsbell", ["status"], Wishes(as_json=as_json))


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
    from bot.doctor.terminal import check

    try:
        return await check(config, as_json=as_json)
    except ConfigurationError as error:
        if not as_json:
            raise
        problems = [asdict(each) for each in error.problems]
        typer.echo(json.dumps({"file": error.file, "problems": problems}, indent=2))
        return WRONG


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


add_twins(cli, finish)
add_operation(cli, finish)
