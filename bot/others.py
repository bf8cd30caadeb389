"""What runbooks take over from other capabilities: their steps, planned by them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.backups.service import Backups
from bot.config.settings import Settings
from bot.errors import Refused
from bot.maintenance.steps import off_step, on_step
from bot.operations.model import PlannedStep
from bot.runbooks.planning import Inlined


class OtherSteps:
    """See `bot.runbooks.planning.Others`."""

    def __init__(self, settings: Settings, backups: Backups) -> None:
        self._settings = settings
        self._backups = backups

    async def backup(self, target: str, include: Sequence[str]) -> Inlined:
        """A backup of these parts, of all that is configured where none is named."""
        parts = self._backups.parts(target, include or self._backups.policy(target).include)
        steps = self._backups.steps(target, parts, title="Backup")
        return steps, {"include": list(parts)}

    async def restore(self, target: str, wanted: str, include: Sequence[str]) -> Inlined:
        """Refused: a restore asks for confirmation and approvals of its own."""
        raise Refused(
            "A restore is asked for by itself, since it asks for approvals of its own.",
            hint=f"Run /restore {wanted}, and the rest of the runbook after it.",
        )

    def maintenance(self, target: str, wanted: str, reason: str) -> PlannedStep:
        """Maintenance on or off."""
        settings = self._settings.target(target)
        return on_step(target, settings, reason) if wanted == "on" else off_step(target, settings)
