"""Steps that run a command: in a service, on this machine, or Docker Compose itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from bot.operations.model import StepContext, StepKind
from bot.runbooks.commands import mark_of, run_command
from bot.runbooks.undoing import run_undo
from bot.targets.model import Target
from bot.targets.targets import Targets

_NOTE_LENGTH = 150
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


class Run:
    """`run`, with the arguments `service` and `command`; `host`, with `command` alone.

    Nobody but its author knows what a command is for, so one that was cut off was not done, and it
    is taken back by what the configuration says, or not at all.
    """

    def __init__(self, targets: Targets, kinds: Mapping[str, StepKind]) -> None:
        self._targets = targets
        self._kinds = kinds

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Runs the command; the note is its last line."""
        arguments = context.step.planned.arguments
        last = await run_command(
            self._target(context), context, arguments["command"], service=arguments.get("service")
        )
        return {"note": last[:_NOTE_LENGTH]}

    async def undo(self, context: StepContext) -> None:
        """Ends what may still run of it, and runs what takes it back."""
        await self._end(context)
        await run_undo(self._kinds, context)

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Not known: ends what still runs of it."""
        await self._end(context)
        return None

    async def _end(self, context: StepContext) -> None:
        service = context.step.planned.arguments.get("service")
        await self._target(context).end_marked(mark_of(context), service=service)

    def _target(self, context: StepContext) -> Target:
        return self._targets.get(context.operation.plan.target)


class Compose:
    """`compose`, with the arguments `action` (see OPTIONS) and `services` (all where empty)."""

    OPTIONS: Mapping[str, Sequence[str]] = {
        "build": ("build",),
        # What has a build section of its own is built, not pulled.
        "pull": ("pull", "--ignore-buildable"),
        "up": ("up", "--detach"),
        "restart": ("restart",),
    }

    def __init__(self, targets: Targets, kinds: Mapping[str, StepKind]) -> None:
        self._targets = targets
        self._kinds = kinds

    async def run(self, context: StepContext) -> Mapping[str, Any]:
        """Runs Compose in the project's directory."""
        target = self._targets.get(context.operation.plan.target)
        action = context.step.planned.arguments["action"]
        services = context.step.planned.arguments.get("services", ())
        argv = compose_argv(target, action, services)
        await run_command(target, context, argv, name=f"docker compose {action}")
        return {"note": ", ".join(services)}

    async def undo(self, context: StepContext) -> None:
        """Ends Compose where it still runs, and runs what takes its work back."""
        await self.done(context)
        await run_undo(self._kinds, context)

    async def done(self, context: StepContext) -> Mapping[str, Any] | None:
        """Not known: ends Compose where it still runs. Run again, it does what is missing."""
        target = self._targets.get(context.operation.plan.target)
        await target.end_marked(mark_of(context))
        return None


def compose_argv(target: Target, action: str, services: Sequence[str]) -> tuple[str, ...]:
    """The command of a `compose` step. Raises Refused for a target that Compose does not run."""
    return target.compose(*Compose.OPTIONS[action], *services)


def program_of(argv: Sequence[str]) -> str:
    """The name by which people know a command: `certbot` for `sudo -n certbot renew`, `pg_dump`
    for `env PGPASSWORD=… pg_dump`."""
    words = [
        word
        for word in argv
        if word not in ("sudo", "env") and not word.startswith("-") and not _ASSIGNMENT.match(word)
    ]
    return PurePosixPath((words or [*argv])[0]).name
