"""What runbooks take over from other capabilities: their steps, planned by them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.backups.service import Backups
from bot.config.settings import Settings
from bot.maintenance.steps import off_step, on_step
from bot.operations.plan import PlannedStep
from bot.operations.service import Operations
from bot.restores.model import RUNBOOK as RESTORE
from bot.runbooks.planning import Inlined


class OtherSteps:
    """See `bot.runbooks.planning.Others`."""

    def __init__(self, settings: Settings, backups: Backups, operations: Operations) -> None:
        self._settings = settings
        self._backups = backups
        self._operations = operations

    async def backup(self, target: str, include: Sequence[str]) -> Inlined:
        """A backup of these parts, of all that is configured where none is named."""
        parts = self._backups.parts(target, include or self._backups.policy(target).include)
        steps = self._backups.steps(target, parts, title="Backup")
        return steps, {"include": list(parts)}

    async def restore(self, target: str, wanted: str, include: Sequence[str]) -> Inlined:
        """All that a restore by itself does, its safety backup included."""
        parameters = {"set": wanted, "parts": list(include)}
        plan = await self._operations.plan(RESTORE, target, parameters)
        return plan.steps, plan.facts

    def maintenance(self, target: str, wanted: str, reason: str) -> PlannedStep:
        """Maintenance on or off."""
        settings = self._settings.target(target)
        return on_step(target, settings, reason) if wanted == "on" else off_step(target, settings)
