"""The SQL of operations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.errors import NotFound
from bot.operations import taken_back_store
from bot.operations.model import Approval, Operation, Step
from bot.operations.plan import Plan
from bot.operations.states import UNFINISHED, Course, OperationState, StepState
from bot.store.database import Transaction
from bot.targets.text import visible


async def insert(
    tx: Transaction,
    plan: Plan,
    *,
    actor: str,
    reason: str,
    state: OperationState = OperationState.QUEUED,
    expires: datetime | None = None,
    request_key: str | None = None,
    host: str = "",
) -> int | None:
    """Adds an operation with its steps; None where the request was taken before."""
    row = await tx.first(
        "insert into operations"
        " (request_key, runbook, target, plan, actor, reason, state, expires, host)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (request_key) do nothing returning id",
        (
            *(request_key, plan.runbook, plan.target, Jsonb(plan.as_json()), actor, reason),
            *(state.value, expires, visible(host)),
        ),
    )
    if row is None:
        return None
    for position, step in enumerate(plan.steps):
        begins = StepState.LEFT_OUT if step.left_out else StepState.OPEN
        await tx.execute(
            "insert into steps (operation, position, state, note) values (%s, %s, %s, %s)",
            (row["id"], position, begins.value, visible(step.left_out)),
        )
    return int(row["id"])


async def get(tx: Transaction, number: int) -> Operation:
    """One operation. Raises NotFound."""
    row = await tx.first("select * from operations where id = %s", (number,))
    if row is None:
        raise NotFound(f"There is no operation {number}.")
    return await _load(tx, row)


async def last(tx: Transaction, *, runbook: str, target: str, limit: int = 1) -> list[Operation]:
    """The newest operations of a runbook on a target that were more than planned, newest first."""
    rows = await tx.all(
        "select * from operations where runbook = %s and target = %s"
        " and state <> 'planned' and (state <> 'expired' or approvals_needed > 0)"
        " order by id desc limit %s",
        (runbook, target, limit),
    )
    return [await _load(tx, row) for row in rows]


async def unfinished(tx: Transaction, target: str | None = None) -> list[Operation]:
    """Operations that wait or run, oldest first; of one target, or of all."""
    rows = await tx.all(
        "select * from operations where state in ('queued', 'running')"
        " and (%(target)s::text is null or target = %(target)s) order by id",
        {"target": target},
    )
    return [await _load(tx, row) for row in rows]


async def cut_off(tx: Transaction, target: str) -> int | None:
    """An operation of the target that was cut off, and may still go on or be taken back."""
    row = await tx.first(
        "select id from operations where target = %s and (state = 'interrupted' and"
        " course = 'choose' or state = 'queued' and course in ('resume', 'undo')) limit 1",
        (target,),
    )
    return row["id"] if row else None


async def unfinished_jobs(tx: Transaction) -> dict[int, tuple[int, str]]:
    """Operations that wait or run: number → the job that runs it, and the target."""
    rows = await tx.all(
        "select id, job, target from operations where state in ('queued', 'running') order by id"
    )
    return {row["id"]: (row["job"], row["target"]) for row in rows}


async def set_job(tx: Transaction, number: int, job: int) -> None:
    """Remembers the queue's job that runs the operation."""
    await tx.execute("update operations set job = %s where id = %s", (job, number))


async def move(
    tx: Transaction,
    number: int,
    before: OperationState,
    after: OperationState,
    *,
    course: Course | None = None,
) -> bool:
    """`before` → `after`; False where it was in another state."""
    rows = await tx.execute(
        "update operations set state = %s, course = coalesce(%s, course)"
        " where id = %s and state = %s",
        (after.value, course and course.value, number, before.value),
    )
    return rows == 1


async def await_approvals(
    tx: Transaction, number: int, needed: int, awaited: Sequence[str], expires: datetime
) -> None:
    """Remembers how many approvals are waited for, of whom, and how long."""
    await tx.execute(
        "update operations set approvals_needed = %s, awaited = %s, expires = %s where id = %s",
        (needed, list(awaited), expires, number),
    )


async def say(
    tx: Transaction, number: int, position: int, person: str, *, approves: bool, reason: str = ""
) -> bool:
    """Keeps what a person says to a plan or a step; False where they said something before."""
    rows = await tx.execute(
        "insert into approvals (operation, position, person, approves, reason)"
        " values (%s, %s, %s, %s, %s) on conflict do nothing",
        (number, position, person, approves, visible(reason)),
    )
    return rows == 1


async def start(tx: Transaction, number: int) -> bool:
    """queued → running; False where it no longer waits. A resumed one keeps its first start."""
    rows = await tx.execute(
        "update operations set state = 'running', started = coalesce(started, now()),"
        " finished = null, error = '', output = '', cancel_by = ''"
        " where id = %s and state = 'queued'",
        (number,),
    )
    return rows == 1


async def choose(tx: Transaction, number: int, course: Course, actor: str) -> bool:
    """Settles what becomes of an interrupted operation; False where that was settled before."""
    state = OperationState.INTERRUPTED if course is Course.LEAVE else OperationState.QUEUED
    rows = await tx.execute(
        "update operations set state = %s, course = %s, chosen_by = %s"
        " where id = %s and state = 'interrupted' and course = 'choose'",
        (state.value, course.value, actor, number),
    )
    return rows == 1


async def ran_since(tx: Transaction, number: int) -> Operation | None:
    """The newest other operation that changed the same target since this one was cut off."""
    row = await tx.first(
        "select o.* from operations o join operations this on this.id = %s"
        " where o.target = this.target and o.id <> this.id and o.started > this.finished"
        " and coalesce((o.plan ->> 'disturbs')::boolean, true)"
        " order by o.id desc limit 1",
        (number,),
    )
    return await _load(tx, row) if row else None


async def finish(
    tx: Transaction,
    number: int,
    state: OperationState,
    *,
    before: Collection[OperationState] = UNFINISHED,
    error: str = "",
    output: str = "",
    course: Course = Course.RUN,
) -> bool:
    """→ a final state; False where it was in none of those `before`."""
    rows = await tx.execute(
        "update operations set state = %s, finished = now(), error = %s, output = %s, course = %s"
        " where id = %s and state = any(%s)",
        (
            *(state.value, visible(error), visible(output), course.value, number),
            [each.value for each in before],
        ),
    )
    return rows == 1


async def choose_again(tx: Transaction, number: int, error: str = "") -> None:
    """A resumed or undone operation that has not begun → interrupted, as it was, with its choice
    open; `error` replaces what is said of it."""
    await tx.execute(
        "update operations set state = 'interrupted', course = 'choose', cancel_by = '',"
        " chosen_by = '', error = coalesce(nullif(%s, ''), error)"
        " where id = %s and state = 'queued'",
        (visible(error), number),
    )


async def note_failure(tx: Transaction, number: int, error: str, output: str) -> None:
    """Remembers that a running operation has failed, while it is taken back."""
    await tx.execute(
        "update operations set error = %s, output = %s where id = %s",
        (visible(error), visible(output), number),
    )


async def ask_to_cancel(tx: Transaction, number: int, actor: str) -> DictRow | None:
    """Marks an unfinished operation to be cancelled; its row, or None where none is unfinished."""
    return await tx.first(
        "update operations set cancel_by = %s"
        " where id = %s and state in ('awaiting', 'queued', 'running')"
        " and cancel_by = '' returning state, course",
        (actor, number),
    )


async def usual_steps(tx: Transaction, runbook: str, target: str) -> dict[str, timedelta]:
    """How long steps took in the last five of a runbook that went well, by their titles."""
    rows = await tx.all(
        "select o.plan -> 'steps' -> s.position ->> 'title' as title,"
        " avg(s.finished - s.started) as mean"
        " from (select id, plan from operations where runbook = %s and target = %s"
        " and state = 'done' order by id desc limit 5) o"
        " join steps s on s.operation = o.id and s.state = 'done' group by 1",
        (runbook, target),
    )
    return {row["title"]: row["mean"] for row in rows if row["mean"] is not None}


async def usual_duration(tx: Transaction, runbook: str, target: str) -> timedelta | None:
    """The mean of the last five that went well; None where there was none."""
    row = await tx.one(
        "select avg(took) as mean from (select finished - started as took from operations"
        " where runbook = %s and target = %s and state = 'done'"
        " order by id desc limit 5) as recent",
        (runbook, target),
    )
    mean: timedelta | None = row["mean"]
    return mean


async def _load(tx: Transaction, row: DictRow) -> Operation:
    plan = Plan.from_json(row["plan"])
    steps = await tx.all("select * from steps where operation = %s order by position", (row["id"],))
    said = await tx.all("select * from approvals where operation = %s order by at", (row["id"],))
    return Operation(
        id=row["id"],
        plan=plan,
        state=OperationState(row["state"]),
        actor=row["actor"],
        host=row["host"],
        reason=row["reason"],
        requested=row["requested"],
        started=row["started"],
        finished=row["finished"],
        error=row["error"],
        output=row["output"],
        cancel_by=row["cancel_by"],
        approvals_needed=row["approvals_needed"],
        awaited=tuple(row["awaited"]),
        expires=row["expires"],
        course=Course(row["course"]),
        chosen_by=row["chosen_by"],
        steps=tuple(_step(plan, step) for step in steps),
        approvals=tuple(
            Approval(each["position"], each["person"], each["approves"], each["at"], each["reason"])
            for each in said
        ),
        taken_back=await taken_back_store.of(tx, row["id"]),
    )


def _step(plan: Plan, row: DictRow) -> Step:
    return Step(
        position=row["position"],
        planned=plan.steps[row["position"]],
        state=StepState(row["state"]),
        started=row["started"],
        finished=row["finished"],
        note=row["note"],
        share=row["share"],
        result=row["result"],
    )
