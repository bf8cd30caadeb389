"""The terminal's twins of the slash commands: the same words, read by the same code. And of the
buttons on an operation's message."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated

import typer

from bot.cli_options import DEFAULT_CONFIG, ConfigOption, JsonOption

TWINS = {
    "backup": "Backups: now [PARTS], list, show [ID], verify [ID], prune.",
    "restore": "Restore: ID or latest [PARTS, or all], undo, status.",
    "maintenance": "Maintenance: on [REASON] [for 30m], off, status, schedule AT for DURATION.",
    "deploy": "Deploy: [REF], plan, status, history, rollback [ID], lock REASON, unlock.",
    "checklist": "Checklists: list, post NAME, status [NAME], history [NAME].",
    "runbook": "Runbooks: list, NAME [key=value …], plan NAME.",
}

TargetOption = Annotated[str, typer.Option("--target", help="The target; not needed for only one.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Run the plan without asking.")]
PlanOption = Annotated[bool, typer.Option("--plan", help="Show the plan and run nothing.")]
BreakGlassOption = Annotated[
    str, typer.Option("--break-glass", help="Do not wait for approval, for this reason.")
]
Words = Annotated[list[str] | None, typer.Argument(help="As after the slash command.")]

Finish = Callable[[Coroutine[None, None, int]], None]


def add_twins(cli: typer.Typer, finish: Finish) -> None:
    """Gives the terminal a command for each slash command. Options that are not known here belong
    to the command's own words."""
    for name, summary in TWINS.items():
        cli.command(
            name,
            help=summary,
            context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
        )(_twin(name, finish))


def add_operation(cli: typer.Typer, finish: Finish) -> None:
    """Gives the terminal what the buttons of an operation's message do."""

    @cli.command()
    def operation(
        number: Annotated[int, typer.Argument(help="As its message and its plan say.", min=1)],
        verb: Annotated[
            str, typer.Argument(help="cancel, resume, undo or leave; nothing to look at it.")
        ] = "",
        as_json: JsonOption = False,
        config: ConfigOption = DEFAULT_CONFIG,
    ) -> None:
        """Shows an operation, cancels it, or settles what becomes of an interrupted one."""
        from bot.operation_terminal import operation as at_terminal

        finish(at_terminal(config, number, verb, as_json=as_json))


def _twin(name: str, finish: Finish) -> Callable[..., None]:
    def run(
        words: Words = None,
        target: TargetOption = "",
        plan: PlanOption = False,
        yes: YesOption = False,
        break_glass: BreakGlassOption = "",
        as_json: JsonOption = False,
        config: ConfigOption = DEFAULT_CONFIG,
    ) -> None:
        # Imported here: the help need not wait for every library.
        from bot.twin import Wishes, twin

        asked = [*(words or []), *(["--plan"] if plan else [])]
        wishes = Wishes(target=target, yes=yes, break_glass=break_glass, as_json=as_json)
        finish(twin(config, name, asked, wishes))

    return run
