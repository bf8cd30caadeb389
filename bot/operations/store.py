"""The SQL of operations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.errors import NotFound
from bot.operations.model import Operation, OperationState, Plan, Step, StepState
from bot.store.database import Transaction
from bot.targets.text import storable


async def insert(
    tx: Transaction, plan: Plan, *, actor: str, reason: str, request_key: str | None
) -> int | None:
    """Adds a queued operation with its steps; None where the request was taken before."""
    row = await tx.first(
        "insert into operations (request_key, runbook, target, plan, actor, reason)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (request_key) do nothing returning id",
        (request_key, plan.runbook, plan.target, Jsonb(plan.as_json()), actor, reason),
    )
    if row is None:
        return None
    for position in range(len(plan.steps)):
        await tx.execute(
            "insert into steps (operation, position) values (%s, %s)", (row["id"], position)
        )
    return int(row["id"])


async def get(tx: Transaction, number: int) -> Operation:
    """One operation. Raises NotFound."""
    row = await tx.first("select * from operations where id = %s", (number,))
    if row is None:
        raise NotFound(f"There is no operation {number}.")
    return await _load(tx, row)


async def last(tx: Transaction, *, runbook: str, target: str, limit: int = 1) -> list[Operation]:
    """The newest operations of a runbook on a target, newest first."""
    rows = await tx.all(
        "select * from operations where runbook = %s and target = %s order by id desc limit %s",
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


async def unfinished_jobs(tx: Transaction) -> dict[int, tuple[int, str]]:
    """Operations that wait or run: number → the job that runs it, and the target."""
    rows = await tx.all(
        "select id, job, target from operations where state in ('queued', 'running') order by id"
    )
    return {row["id"]: (row["job"], row["target"]) for row in rows}


async def set_job(tx: Transaction, number: int, job: int) -> None:
    """Remembers the queue's job that runs the operation."""
    await tx.execute("update operations set job = %s where id = %s", (job, number))


async def start(tx: Transaction, number: int) -> bool:
    """queued → running; False where it no longer waits."""
    rows = await tx.execute(
        "update operations set state = 'running', started = now()"
        " where id = %s and state = 'queued'",
        (number,),
    )
    return rows == 1


async def finish(
    tx: Transaction, number: int, state: OperationState, *, error: str = "", output: str = ""
) -> bool:
    """→ a final state; False where it was final already."""
    rows = await tx.execute(
        "update operations set state = %s, finished = now(), error = %s, output = %s"
        " where id = %s and state in ('queued', 'running')",
        (state.value, storable(error), storable(output), number),
    )
    return rows == 1


async def ask_to_cancel(tx: Transaction, number: int, actor: str) -> DictRow | None:
    """Marks an unfinished operation to be cancelled; its row, or None where none is unfinished."""
    return await tx.first(
        "update operations set cancel_by = %s where id = %s and state in ('queued', 'running')"
        " and cancel_by = '' returning state, job",
        (actor, number),
    )


async def begin_step(tx: Transaction, number: int, position: int) -> None:
    """open → running."""
    await tx.execute(
        "update steps set state = 'running', started = now()"
        " where operation = %s and position = %s",
        (number, position),
    )


async def end_step(
    tx: Transaction,
    number: int,
    position: int,
    state: StepState,
    *,
    note: str,
    result: Mapping[str, Any],
) -> None:
    """→ a final state of the step."""
    await tx.execute(
        "update steps set state = %s, finished = now(), note = %s, share = null, result = %s"
        " where operation = %s and position = %s",
        (state.value, storable(note), Jsonb(dict(result)), number, position),
    )


async def tell_progress(
    tx: Transaction, number: int, position: int, note: str, share: float | None
) -> None:
    """What a running step says of itself."""
    await tx.execute(
        "update steps set note = %s, share = %s where operation = %s and position = %s",
        (storable(note), share, number, position),
    )


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
    return Operation(
        id=row["id"],
        plan=plan,
        state=OperationState(row["state"]),
        actor=row["actor"],
        reason=row["reason"],
        requested=row["requested"],
        started=row["started"],
        finished=row["finished"],
        error=row["error"],
        output=row["output"],
        cancel_by=row["cancel_by"],
        steps=tuple(
            Step(
                position=step["position"],
                planned=plan.steps[step["position"]],
                state=StepState(step["state"]),
                started=step["started"],
                finished=step["finished"],
                note=step["note"],
                share=step["share"],
                result=step["result"],
            )
            for step in steps
        ),
    )
