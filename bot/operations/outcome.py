"""An operation for scripts: how it stands, and what it has produced."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.operations.model import Operation
from bot.slack.blocks import without_moments

_PRODUCED = {"set": "backup", "path": "path", "commit": "commit", "removed": "removed"}
"""What steps return that outlasts them, and what scripts know it as: a backup's ID and directory,
the revision that is checked out, the backups that were removed."""


def as_data(operation: Operation) -> dict[str, Any]:
    """How it stands and what its finished steps have produced, as JSON values.

    `proven` is there where a step has looked whether visitors meet what they should: false where
    one has found that they do not, null where none could look.
    """
    return {
        "operation": operation.id,
        "title": operation.plan.title,
        "runbook": operation.plan.runbook,
        "target": operation.plan.target,
        "state": operation.state.value,
        "error": without_moments(operation.error),
        "by": operation.asker,
        "requested": _told(operation.requested),
        "started": _told(operation.started),
        "finished": _told(operation.finished),
        "steps": [
            {
                "title": step.planned.title,
                "state": step.state.value,
                "note": without_moments(step.note),
            }
            for step in operation.steps
        ],
        **_produced(operation),
    }


def _produced(operation: Operation) -> dict[str, Any]:
    results = operation.results().values()
    found = {
        name: result[kept]
        for result in results
        for kept, name in _PRODUCED.items()
        if kept in result
    }
    proofs = [result["proven"] for result in results if "proven" in result]
    if proofs:
        found["proven"] = False if False in proofs else True if True in proofs else None
    return found


def _told(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
