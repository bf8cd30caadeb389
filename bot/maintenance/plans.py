"""The two runbooks of maintenance, as plans. Pure: they ask nobody and look at nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot import words
from bot.config.settings import Settings
from bot.errors import NotFound, Refused
from bot.maintenance.steps import off_step, on_step
from bot.operations.plan import Plan

ON_RUNBOOK, OFF_RUNBOOK = "maintenance.on", "maintenance.off"
ACCESS = "maintenance"

Parameters = Mapping[str, Any]


class Plans:
    """Plans of targets that have a maintenance file.

    Raises NotFound for a target that there is not, Refused for one without a file.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def on(self, target: str, parameters: Parameters) -> Plan:
        """Turns it on. Parameters: `reason`, `seconds` (None: until somebody ends it), `window`
        (the number of a scheduled one)."""
        kept = {name: parameters.get(name) for name in ("reason", "seconds", "window")}
        step = on_step(
            target,
            self._switchable(target),
            kept["reason"] or "",
            arguments={**kept, "reason": kept["reason"] or "", "embedded": False},
        )
        notes = [f"Reason: {kept['reason']}"] if kept["reason"] else []
        seconds = kept["seconds"]
        notes.append(
            f"It ends by itself after {words.duration(timedelta(seconds=seconds))}."
            if seconds
            else "It stays on until somebody ends it."
        )
        return Plan(
            runbook=ON_RUNBOOK,
            title=f"Maintenance of {target} on",
            target=target,
            disturbs=False,
            steps=(step,),
            parameters=kept,
            access=ACCESS,
            notes=tuple(notes),
            undo="/maintenance off",
        )

    def off(self, target: str, parameters: Parameters) -> Plan:
        """Turns it off. Parameters: none; or `window` and `until`, to end that one at that time
        and no other."""
        kept = {name: parameters[name] for name in ("window", "until") if name in parameters}
        return Plan(
            runbook=OFF_RUNBOOK,
            title=f"Maintenance of {target} off",
            target=target,
            disturbs=False,
            steps=(off_step(target, self._switchable(target), arguments=kept),),
            parameters=kept,
            access=ACCESS,
            undo="/maintenance on",
        )

    def _switchable(self, target: str) -> Any:
        settings = self._settings.targets.get(target)
        if settings is None:
            raise NotFound(f"There is no target called {target}.")
        if settings.maintenance is None:
            raise Refused(
                f"{target} has no maintenance file configured.",
                hint=f"Add targets.{target}.maintenance to opsbell.yaml.",
            )
        return settings
