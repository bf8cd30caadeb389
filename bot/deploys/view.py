"""Deploys as messages, and as data for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import words
from bot.deploys.deployment import KEEP, MIGRATE
from bot.deploys.model import short
from bot.deploys.planning import RUNBOOK
from bot.deploys.rollback import DATABASE, MIGRATIONS
from bot.operations.model import Operation, TargetLock
from bot.operations.states import OperationState
from bot.operations.view import lock_line, who
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.store.database import Transaction
from bot.words import Sign

if TYPE_CHECKING:
    from bot.deploys.service import Running

BACK = "deploy.back"
"""The button that takes a deploy back."""

BACK_WITH = "deploy.back_with"
"""The buttons that take back what a deploy did to the database, with its code where that is not
back yet; what exactly stands behind a colon."""


TAKE_AWAY = "deploy.unlock"
"""The button that takes another person's lock away; its value is the target and since when."""


def status(running: Running, now: datetime) -> Message:
    """What a target runs, since when, and who keeps it for themselves."""
    named = f" ({words.join(list(running.names))})" if running.names else ""
    since = f", deployed {words.ago(running.since, now)}" if running.since else ""
    sentence = f"{running.target} runs {short(running.commit)}{named}{since}."
    lines = [f"*{running.target}* runs `{short(running.commit)}`{blocks.literal(named)}{since}"]
    if running.changed:
        count = words.count(len(running.changed), "file")
        lines.append(f"{Sign.WARNING} {count} changed by hand in its work tree")
    if running.last:
        lines.append(f"last: {_line(running.last, now)}")
    lines.append(locked(running.lock, now) if running.lock else "not locked")
    return Message(sentence, [blocks.section("\n".join(lines))])


def locked(lock: TargetLock, now: datetime) -> str:
    """Who keeps a target, why, and since when."""
    return (
        f"{Sign.PAUSED} locked by {who(lock.holder)} {words.ago(lock.since, now)}:"
        f" {blocks.literal(lock.reason)}"
    )


def taken(target: str, running: Sequence[Operation]) -> Message:
    """The answer to who has locked a target, with what runs there and is not stopped by it."""
    told = [f"{target} is locked: only your operations run, until /deploy unlock."]
    told += [f"{each.plan.title} ({each.id}) is running and goes on." for each in running]
    return Message(" ".join(told))


def held(lock: TargetLock) -> Message:
    """Another person's lock, for an admin who may take it away."""
    confirm = blocks.confirm(
        f"Unlock {lock.target}?",
        f"What waits runs then. {who(lock.holder)} and the channel are told that it was you.",
        "Unlock",
        "Leave it",
    )
    value = f"{lock.target} {lock.since.isoformat()}"
    unlock = blocks.button("Unlock", TAKE_AWAY, value, style="danger", confirm=confirm)
    return Message(
        f"{lock.target} is locked by someone else. Nothing was changed.",
        [blocks.section(f"{Sign.PAUSED} {lock_line(lock)}"), blocks.actions(unlock)],
    )


def history(target: str, operations: Sequence[Operation], now: datetime) -> Message:
    """The deploys of a target, newest first."""
    if not operations:
        return Message(f"Nothing was deployed to {target} yet.")
    head = f"*Deploys of {target}*"
    lines = "\n".join(_line(operation, now) for operation in operations)
    hint = "`/deploy rollback ID` goes back to what ran before that deploy."
    return Message(
        f"The last deploy of {target} was {words.ago(operations[0].requested, now)}.",
        [blocks.section(head), blocks.section(lines), blocks.context(hint)],
    )


def _line(operation: Operation, now: datetime) -> str:
    facts = operation.plan.facts
    return " · ".join(
        (
            f"{operation.state.sign} `{operation.id}` {blocks.literal(str(facts['ref']))}",
            f"{short(facts['from'])} → {short(facts['commit'])}",
            operation.state.value,
            words.ago(operation.started or operation.requested, now),
            who(operation.actor),
        )
    )


def as_data(operation: Operation) -> dict[str, Any]:
    """A deploy for scripts."""
    facts = operation.plan.facts
    return {
        "id": operation.id,
        "runbook": operation.plan.runbook,
        "ref": facts["ref"],
        "commit": facts["commit"],
        "from": facts["from"],
        "state": operation.state.value,
        "by": operation.actor,
        "started": operation.started,
        "finished": operation.finished,
        "migrations": operation.results().get(MIGRATE, {}).get("applied"),
        "images_before": operation.results().get(KEEP, {}).get("images", {}),
    }


def alarm(operation: Operation, lines: Sequence[str]) -> Message:
    """What the channel hears of new errors since a deploy."""
    facts = operation.plan.facts
    sentence = (
        f"{Sign.WARNING} New errors in the logs of {operation.plan.target} since the deploy of"
        f" {facts['ref']} (operation {operation.id})."
    )
    told = [blocks.paragraph(sentence), blocks.section(blocks.code("\n".join(lines)))]
    return Message(sentence, [*told, blocks.actions(back(operation))])


def back(operation: Operation) -> Block:
    """The button that takes a deploy back: at once while it is watched, else by a plan."""
    return blocks.button("Roll back", BACK, str(operation.id), style="danger")


async def next_steps(tx: Transaction, operation: Operation) -> list[Block]:
    """The buttons on a deploy that has ended: the way back from one that runs; and for one that
    was taken back without its migrations, the ways in which those can follow."""
    if operation.state is OperationState.DONE:
        return [back(operation)]
    migrated = any(s.planned.kind == MIGRATE and s.started for s in operation.steps)
    if operation.plan.runbook != RUNBOOK or not migrated:
        return []
    told = {step.planned.kind: step.result for step in operation.steps}
    if told.get(MIGRATE, {}).get("applied") == []:
        return []
    number = str(operation.id)
    offered = [blocks.button("Reverse the migrations", f"{BACK_WITH}:{MIGRATIONS}", number)]
    if told.get("backup.publish", {}).get("set"):
        offered.append(blocks.button("Database of before", f"{BACK_WITH}:{DATABASE}", number))
    return offered
