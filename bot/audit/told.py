"""What an event says in plain words: one line for one thing that happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from psycopg.rows import DictRow

from bot.slack.blocks import without_moments
from bot.targets.text import visible

LENGTH = 160

Redact = Callable[[str], str]

DETAILS = (
    *("command.taken", "click.taken", "form.taken"),
    *("operation.started", "operation.step", "operation.undone"),
)
"""What is left out where one line stands for one thing that happened: steps, and requests of which
another event says what came of them."""

_SAID = {
    "command.refused": "was not allowed: {text}",
    "command.failed": "typed {text}, which failed: {why}",
    "click.refused": "was not allowed: {text}",
    "click.failed": "clicked {text}, which failed: {why}",
    "form.refused": "was not allowed: {text}",
    "form.failed": "sent {text}, which failed: {why}",
    "operation.requested": "asked for {plan}",
    "operation.approved": "approved {plan}",
    "operation.refused": "refused {plan}",
    "operation.alone": "goes on alone with {plan}: {why}",
    "operation.break_glass": "went on without approval with {plan}: {why}",
    "operation.cancelled": "cancelled {plan}",
    "operation.expired": "{plan} was not approved in time",
    "operation.finished": "{plan}: {state}. {error}",
    "operation.resume": "resumed {plan}",
    "operation.undo": "had {plan} undone",
    "operation.leave": "left {plan} as it is",
    "target.locked": "locked it: {why}",
    "target.unlocked": "unlocked it",
    "target.lock_stolen": "took the lock of {holder} away",
    "backup.merged": "a scheduled backup was left out: operation {operation} takes one",
    "backup.missed": "a scheduled backup was missed",
    "backup.drilled": "restore drill: {summary}",
    "drill.merged": "a scheduled restore drill was left out: operation {operation} is one",
    "drill.missed": "a scheduled restore drill was missed",
    "restore.removed": "removed what a restore had replaced: {part}",
    "checklist.posted": "posted the checklist {name}",
    "checklist.completed": "completed the checklist {name}",
    "checklist.reopened": "opened the checklist {name} again",
    "checklist.refreshed": "looked for the evidence of {name} again",
    "checklist.reminded": "reminded of the checklist {name}",
    "checklist.time_up": "the time of the checklist {name} was up",
    "checklist.missed": "missed to post the checklist {name}",
    "checklist.skipped": "left the checklist {name} out: {why}",
    "item.ticked": "ticked {item}",
    "item.unticked": "took back the tick at {item}",
    "item.not_applicable": "said that {item} does not apply: {text}",
    "item.noted": "noted at {item}: {text}",
    "item.claimed": "took on {item}",
    "item.unclaimed": "took {item} off somebody",
    "item.refreshed": "looked for the evidence of {item} again",
    "maintenance.began": "maintenance began: {reason}",
    "maintenance.ended": "maintenance ended",
    "maintenance.scheduled": "scheduled a maintenance: {reason}",
    "maintenance.cancelled": "cancelled a maintenance",
    "maintenance.extended": "extended the maintenance",
    "maintenance.warned": "warned that the maintenance ends soon",
    "maintenance.missed": "missed to begin a maintenance: {reason}",
    "maintenance.reopened": "the end of the maintenance was taken back: it is on again",
    "maintenance.found_ended": "somebody ended the maintenance by hand",
    "maintenance.abandoned": "gave the maintenance up: its target is no longer configured",
    "maintenance.left_on": "the maintenance stays on",
    "maintenance.undone": "the maintenance was undone",
    "maintenance.unproven": "found that {said}",
    "post.failed": "a message could not be posted: {reason}",
    "post.plain": "a message could be posted without its buttons alone: {reason}",
    "post.gone": "a message was deleted by someone",
    "post.file_failed": "a file could not be shared: {reason}",
    "opsbell.restored": "restored Opsbell's own database from {set}",
}


def in_words(event: DictRow, redact: Redact) -> str:
    """What happened, on one line without the actor and without secrets; cut where it is long."""
    detail = event["detail"]
    known = {name: value for name, value in detail.items() if isinstance(value, str | int)}
    pattern = _SAID.get(event["action"])
    if pattern is None:
        rest = " ".join(str(value) for name, value in known.items() if value and name != "runbook")
        said = f"{event['action'].replace('.', ' ').replace('_', ' ')} {rest}"
    else:
        said = pattern.format_map(_Known(known | {"plan": _plan(event), "name": _name(event)}))
    # Secrets are known by their whole lines only: they go before anything is joined or cut.
    line = " ".join(without_moments(visible(redact(said))).split()).rstrip(":. ")
    return line if len(line) <= LENGTH else f"{line[: LENGTH - 1]}…"


def details(event: DictRow) -> str:
    """All that is kept of it, as `name=value`; values that are no words as JSON."""
    kept = {name: value for name, value in event["detail"].items() if value not in ("", {})}
    return without_moments(" ".join(f"{name}={_value(value)}" for name, value in kept.items()))


class _Known(dict[str, Any]):
    """What an older Opsbell did not write is left out."""

    def __missing__(self, name: str) -> str:
        return ""


def _plan(event: DictRow) -> str:
    """What an operation is called, with its number."""
    detail: Mapping[str, Any] = event["detail"]
    number = str(event["subject"]).removeprefix("operation:")
    return f"{detail.get('plan') or detail.get('runbook', '')} (operation {number})".lstrip()


def _name(event: DictRow) -> str:
    """What a checklist is called."""
    return str(event["subject"]).removeprefix("checklist:").partition(":")[0]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
