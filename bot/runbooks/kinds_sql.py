"""`sql`: statements for the target's database, run by its own psql, each by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.backups.processes import failure
from bot.backups.snapshot import environment, psql
from bot.errors import Failed, OpsbellError
from bot.operations.model import StepContext, StepKind
from bot.runbooks.commands import mark_of, run_command
from bot.runbooks.undoing import run_undo
from bot.targets.model import Target
from bot.targets.targets import Targets
from bot.targets.waiting import to_the_end

logger = logging.getLogger(__name__)

_QUICK = timedelta(seconds=30)
_LOOKS = 20
_LOOK_EVERY = 0.25

_END_SESSIONS = """
    select count(pg_catalog.pg_terminate_backend(pid)) from pg_catalog.pg_stat_activity
    where application_name = :'mark' and pid <> pg_catalog.pg_backend_pid()"""


class Sql:
    """`sql`, with the arguments `text` and `variables` (see `bot.runbooks.sql_text`).

    There is no transaction around the statements, so VACUUM may be one of them; the first error
    ends it, and what came before that stands.
    """

    def __init__(self, targets: Targets, kinds: Mapping[str, StepKind]) -> None:
        self._targets = targets
        self._kinds = kinds

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Runs the statements; the note is psql's last line (`UPDATE 3`)."""
        target = self._targets.get(context.operation.plan.target)
        arguments = context.step.planned.arguments
        place = target.database()
        try:
            last = await run_command(
                target,
                context,
                argv_of(target, arguments["variables"]),
                service=place.service,
                environment={**environment(place, mark_of(context)), "PGCLIENTENCODING": "UTF8"},
                stdin=f"{arguments['text']}\n;\n".encode(),
                name="psql",
            )
        except BaseException:
            # A server goes on with the statement of a psql that was ended.
            await to_the_end(_ended_or_logged(target, mark_of(context)))
            raise
        return {"note": last[:150]}

    async def undo(self, context: StepContext) -> None:
        """Ends what may still run, on the server too, and runs what takes it back."""
        await self._end(context)
        await run_undo(self._kinds, context)

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Not known: ends what still runs of it."""
        await self._end(context)
        return None

    async def _end(self, context: StepContext) -> None:
        target = self._targets.get(context.operation.plan.target)
        mark = mark_of(context)
        await target.end_marked(mark, service=target.database().service)
        await end_sessions(target, mark)


def argv_of(target: Target, variables: Mapping[str, str]) -> list[str]:
    """psql for statements on its standard input. Values are literal: psql looks into none."""
    argv = [target.tool("psql"), "--no-psqlrc", "--no-password", "--set=ON_ERROR_STOP=1"]
    return [*argv, "--pset=pager=off", *(f"--set={name}={v}" for name, v in variables.items())]


async def end_sessions(target: Target, mark: str) -> None:
    """Ends the database sessions that bear a mark, and proves it. Raises Failed, Unavailable."""
    place = target.database()
    for _ in range(_LOOKS):
        done = await target.run(
            psql(target, f"--set=mark={mark}"),
            timeout=_QUICK,
            service=place.service,
            environment=environment(place, "opsbell"),
            stdin=_END_SESSIONS.encode(),
        )
        if done.status:
            raise failure(target, "Ending the sessions of the step", done.status, done.stderr)
        if done.stdout.strip() == "0":
            return
        await asyncio.sleep(_LOOK_EVERY)
    raise Failed("The database has not ended the statement yet.")


async def _ended_or_logged(target: Target, mark: str) -> None:
    try:
        await end_sessions(target, mark)
    except OpsbellError as error:
        # The first error is the one to hear of; the step's undo tries again.
        logger.warning("sessions not ended", extra={"error": str(error)})
