"""The options that the terminal's commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("opsbell.yaml")
WITHOUT_CONFIG = ("demo", "init")
"""The commands that read no configuration."""


def _configured(context: typer.Context, parameter: typer.CallbackParam, value: Path) -> Path:
    """The file that is named behind the command, else before it, else by the environment."""
    source = context.get_parameter_source(str(parameter.name))
    is_typed = source is not None and source.name == "COMMANDLINE"
    before: Path | None = context.find_root().params.get("before")
    return before if before and not is_typed else value


ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        help="The configuration file.",
        envvar="OPSBELL_CONFIG",
        readable=False,  # what keeps it from being read is said as of any other trouble with it
        callback=_configured,
    ),
]
ConfigBefore = Annotated[
    Path | None,
    typer.Option("--config", help="The configuration file; behind the command it is the same."),
]
"""The same before the command, whose own option asks for it."""

JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def hand_on(context: typer.Context) -> None:
    """Sees to it that a configuration which was named before the command is not lost on it.

    Raises BadParameter where the command reads none, and Exit where there is no command.
    """
    command = context.invoked_subcommand
    if command is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)
    if command in WITHOUT_CONFIG:
        raise typer.BadParameter(f"{command} reads no configuration.", param_hint="--config")
