"""Deploys as messages, and as data for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import words
from bot.deploys.counting import State
from bot.deploys.deployment import KEEP, MIGRATE
from bot.deploys.model import first_of, short
from bot.deploys.planning import RUNBOOK
from bot.deploys.rollback import DATABASE, MIGRATIONS
from bot.operations import standing, store
from bot.operations.model import Operation, TargetLock
from bot.operations.states import OperationState
from bot.operations.view import lock_line, who
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.store.database import Transaction
from bot.words import Sign

if TYPE_CHECKING:
    from bot.deploys.service import Running, WayBack

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
    lines += _migrations(running.migrations)
    if running.last:
        lines.append(f"last: {_line(running.last, now)}")
    lines.append(locked(running.lock, now) if running.lock else "not locked")
    return Message(sentence, [blocks.section("\n".join(lines))])


def _migrations(state: State) -> list[str]:
    """How the database stands to what runs, as it says itself."""
    if state.why:
        return [f"migrations not known: {blocks.literal(state.why)}"]
    count = words.count
    told = []
    if state.missing:
        named = blocks.literal(first_of(state.missing))
        told.append(f"{Sign.WARNING} {count(len(state.missing), 'migration')} not applied: {named}")
    if state.left:
        named = blocks.literal(first_of(state.left))
        applied = f"{count(len(state.left), 'migration')} applied that this revision does not have"
        told.append(f"{Sign.WARNING} {applied}: {named}")
    return told or [f"{count(state.applied, 'migration')} applied, none missing"]


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


def history(
    target: str, operations: Sequence[Operation], ways: Mapping[int, WayBack], now: datetime
) -> Message:
    """The deploys of a target, newest first, with the `ways` back from them."""
    if not operations:
        return Message(f"Nothing was deployed to {target} yet.")
    rows = [_row(operation, ways.get(operation.id), now) for operation in operations]
    hint = "A rollback first shows its plan."
    return Message(
        f"The last deploy of {target} was {words.ago(operations[0].requested, now)}.",
        [
            blocks.section(f"*Deploys of {target}*"),
            *rows,
            *([blocks.context(hint)] if ways else []),
        ],
    )


def _row(operation: Operation, way: WayBack | None, now: datetime) -> Block:
    """A deploy, with the button that takes it back and what that would do."""
    line = _line(operation, now)
    if way is None:
        return blocks.section(line)
    button = blocks.button("Roll back", BACK, str(operation.id))
    return blocks.section(f"{line}\n{_would(operation, way)}", accessory=button)


def _would(operation: Operation, way: WayBack) -> str:
    """What a rollback would bring, and what it leaves in the database."""
    named = f" ({words.join(list(way.names))})" if way.names else ""
    told = (
        f"`/deploy rollback {operation.id}` brings back"
        f" {short(way.commit)}{blocks.literal(named) if named else ''}"
    )
    if way.staying is None:
        return f"{told}; which migrations stay applied is not known"
    if not way.staying:
        return told
    verb = "stays" if len(way.staying) == 1 else "stay"
    return (
        f"{told}; {words.count(len(way.staying), 'migration')} applied since {verb} in the database"
    )


def _line(operation: Operation, now: datetime) -> str:
    facts = operation.plan.facts
    return " · ".join(
        (
            f"{standing.sign(operation)} `{operation.id}` {blocks.literal(str(facts['ref']))}",
            f"{short(facts['from'])} → {short(facts['commit'])}",
            standing.words_of(operation),
            words.ago(operation.started or operation.requested, now),
            who(operation.actor),
        )
    )


def as_data(operation: Operation, way: WayBack | None = None) -> dict[str, Any]:
    """A deploy for scripts, with the `way` back from it."""
    facts = operation.plan.facts
    return {
        "id": operation.id,
        "runbook": operation.plan.runbook,
        "ref": facts["ref"],
        "commit": facts["commit"],
        "from": facts["from"],
        "state": operation.state.value,
        "taken_back_by": [one.by for one in operation.taken_back if one.done],
        "by": operation.actor,
        "started": operation.started,
        "finished": operation.finished,
        "migrations": operation.results().get(MIGRATE, {}).get("applied"),
        "images_before": operation.results().get(KEEP, {}).get("images", {}),
        "rollback_to": way.commit if way else None,
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
    if any(not one.done for one in operation.taken_back):
        return []  # a rollback of it is at work
    if operation.state is OperationState.DONE and not operation.is_taken_back:
        return [back(operation)]
    rollbacks = [(await store.get(tx, one.by)).plan for one in operation.taken_back]
    if any(each.parameters != {"deploy": operation.id, "with": ""} for each in rollbacks):
        return []
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
