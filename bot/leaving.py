"""How the program ends: its exit status, and errors as words on standard error.

0 done, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine

import typer

from bot.config.errors import ConfigurationError
from bot.errors import OpsbellError, UsageError

FAILED, WRONG = 1, 2


def finish(work: Coroutine[None, None, int]) -> None:
    """Runs to the end and leaves with its exit status; errors are words on standard error."""
    leave(lambda: asyncio.run(work))


def leave(work: Callable[[], int]) -> None:
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
