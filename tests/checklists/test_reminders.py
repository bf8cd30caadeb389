"""Reminders and summaries: at their time, once, and true afterwards."""

import asyncio
from datetime import datetime, timedelta

from bot.checklists.model import Reminder, Run
from bot.store.queue import Queue
from tests.checklists.conftest import ALICE, BOB, NINE, Bench

HALF, FULL = timedelta(hours=2), timedelta(hours=4)


async def remind(bench: Bench, run: Run, reminder: Reminder) -> None:
    await bench.jobs.remind(run.id, reminder.value)


async def complete(bench: Bench, run: Run) -> None:
    for item in run.items:
        await bench.tick(run, item.position)


async def test_both_reminders_are_queued_for_their_time(bench: Bench) -> None:
    await bench.post(due_at=NINE)
    rows = await bench.database.all(
        "select args, scheduled_at from procrastinate_jobs where task_name = 'checklist.remind'"
        " order by scheduled_at"
    )
    assert [(row["args"]["reminder"], row["scheduled_at"]) for row in rows] == [
        ("half_time", NINE + HALF),
        ("time_up", NINE + FULL),
    ]


async def test_half_time_names_what_is_open_once(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    await bench.tick(run, 2)
    bench.clock.forward(HALF)
    await asyncio.gather(*(remind(bench, run, Reminder.HALF_TIME) for _ in range(5)))
    assert await bench.posts_like("%:half-time") == [f"{run.key}:half-time"]
    said = repr(await bench.said(f"{run.key}:half-time"))
    assert "• Monitor application logs for errors · <@U0CAROL001>" in said
    assert "• Review failed payment transactions · <!subteam^S0OPS00001>" in said
    assert "resource usage" not in said
    assert len(await bench.events("checklist.reminded")) == 1


async def test_a_clock_that_is_behind_the_databases_loses_no_reminder(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    bench.clock.forward(HALF - timedelta(milliseconds=5))
    await remind(bench, run, Reminder.HALF_TIME)
    bench.clock.forward(HALF)
    await remind(bench, run, Reminder.TIME_UP)
    assert await bench.posts_like(f"{run.key}:%") == [f"{run.key}:half-time", f"{run.key}:time-up"]
    assert "time is up" in repr(await bench.said(f"{run.key}:time-up"))


async def test_a_job_that_comes_after_the_deadline_tells_that_alone(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    bench.clock.forward(FULL)
    await remind(bench, run, Reminder.HALF_TIME)
    await remind(bench, run, Reminder.TIME_UP)
    assert await bench.posts_like(f"{run.key}:%") == [f"{run.key}:time-up"]


async def test_time_up_is_told_once_and_stays_true(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    await bench.tick(run, 1)
    bench.clock.forward(FULL)
    await asyncio.gather(*(remind(bench, run, Reminder.TIME_UP) for _ in range(5)))
    told = f"{run.key}:time-up"
    assert await bench.posts_like(f"{run.key}:%") == [told]
    assert "time is up · 1 of 3" in repr(await bench.said(told))
    assert "overdue since" in repr(await bench.said(run.key))
    assert len(await bench.events("checklist.time_up")) == 1

    bench.clock.forward(timedelta(hours=1))
    await bench.tick(run, 2, actor=BOB)
    assert "time is up · 2 of 3 · 1 of them after the due time" in repr(await bench.said(told))
    assert "<@U0BOB00001>, <!date" in repr(await bench.said(run.key))
    assert "after the due time" in repr(await bench.said(run.key))
    await bench.tick(run, 3)
    assert "done · 3 of 3" in repr(await bench.said(told))
    assert await bench.posts_like(f"{run.key}:%") == [told]


async def test_when_all_is_done_it_is_said_and_nobody_is_reminded(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    await complete(bench, run)
    summary = f"{run.key}:summary"
    assert "done · 3 of 3" in repr(await bench.said(summary))
    assert len(await bench.events("checklist.completed")) == 1
    for span, reminder in ((HALF, Reminder.HALF_TIME), (HALF, Reminder.TIME_UP)):
        bench.clock.forward(span)
        await remind(bench, run, reminder)
    assert await bench.posts_like(f"{run.key}:%") == [summary]


async def test_opening_a_finished_list_again_is_said(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    await complete(bench, run)
    await bench.tick(run, 2, done=False)
    assert "open again · 2 of 3" in repr(await bench.said(f"{run.key}:summary"))
    assert len(await bench.events("checklist.reopened")) == 1
    bench.clock.forward(FULL)
    await remind(bench, run, Reminder.TIME_UP)
    # A new message: the summary, edited, would notify nobody.
    assert "time is up · 2 of 3" in repr(await bench.said(f"{run.key}:time-up"))
    await bench.tick(run, 2)
    assert "done · 3 of 3" in repr(await bench.said(f"{run.key}:summary"))
    assert "done · 3 of 3" in repr(await bench.said(f"{run.key}:time-up"))


async def test_the_queue_brings_both_reminders_in_time(bench: Bench, working: Queue) -> None:
    bench.clock.now = datetime.now(tz=NINE.tzinfo)
    run = await bench.post("short")
    first = await bench.slack.wait_for_message("ops", "Short list", timeout=20)
    half = await bench.slack.wait_for_message("ops", "half time", thread=first, timeout=20)
    over = await bench.slack.wait_for_message("ops", "time is up", thread=first, timeout=20)
    assert "<@U0CAROL001>" in repr(half.blocks)
    assert "<@U0CAROL001>" in repr(over.blocks)
    assert run.half_time is not None
    assert run.deadline is not None
    assert float(half.ts) >= run.half_time.timestamp()
    assert float(over.ts) >= run.deadline.timestamp()
    assert [reply.ts for reply in bench.slack.replies(first)] == [half.ts, over.ts]


async def test_a_claim_decides_whom_it_concerns(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    async with bench.database.transaction() as tx:
        await bench.checklists.claim(tx, run.id, 1, ALICE)
    bench.clock.forward(HALF)
    await remind(bench, run, Reminder.HALF_TIME)
    assert "for errors · <@U0ALICE001>" in repr(await bench.said(f"{run.key}:half-time"))
