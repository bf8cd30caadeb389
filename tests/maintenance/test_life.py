"""What happens by itself: the warning, the end, what was scheduled, what is looked after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.errors import NotFound, Refused
from bot.maintenance import view
from bot.maintenance.model import State, Window
from bot.operations.states import OperationState
from tests.maintenance.conftest import ALICE, BOB, Bench

HALF = timedelta(minutes=30)
FIVE = timedelta(minutes=5)


async def last_job(bench: Bench, name: str) -> dict[str, Any]:
    return (await bench.jobs(name))[-1]


async def extend(bench: Bench, by: timedelta = HALF, seen: int = 0) -> Window:
    async with bench.database.transaction() as tx:
        return await bench.maintenance.extend_seen(tx, 1, by, seen, actor=BOB)


async def run_queued(bench: Bench) -> list[OperationState]:
    """Runs what waits on the target, as the worker would."""
    async with bench.database.transaction() as tx:
        waiting = await bench.operations.unfinished(tx, "grandvps")
    return [(await bench.run(operation.id)).state for operation in waiting]


async def ended(bench: Bench, arguments: dict[str, Any]) -> list[OperationState]:
    """Handles a job of an end, and what it asked for."""
    await bench.maintenance.jobs.end(**arguments)
    return await run_queued(bench)


async def test_it_ends_by_itself(bench: Bench) -> None:
    await bench.on(length=HALF)
    [job] = await bench.jobs("maintenance.end")
    bench.clock.forward(HALF)
    assert await ended(bench, job) == [OperationState.DONE]
    assert not bench.file.exists()
    over = await bench.recorded(1)
    assert (over.state, over.ended_by) == (State.OVER, "opsbell")
    # The job may be handled again.
    assert await ended(bench, job) == []


async def test_one_that_was_extended_does_not_end_at_the_old_time(bench: Bench) -> None:
    await bench.on(length=HALF)
    [old] = await bench.jobs("maintenance.end")
    window = await extend(bench)
    assert window.until == bench.clock.now + 2 * HALF
    told = view.extended(window, bench.settings.timezone).text
    assert told.startswith("The maintenance of grandvps now lasts until ")
    assert await ended(bench, old) == []
    assert bench.file.exists()
    assert await ended(bench, await last_job(bench, "maintenance.end")) == [OperationState.DONE]
    assert not bench.file.exists()


async def test_extended_while_the_end_waits_behind_another_operation_it_stays(
    bench: Bench,
) -> None:
    await bench.on(length=HALF)
    [job] = await bench.jobs("maintenance.end")
    bench.clock.forward(HALF)
    await bench.maintenance.jobs.end(**job)
    window = await extend(bench)
    assert window.until == bench.clock.now + HALF
    assert await run_queued(bench) == [OperationState.DONE]
    assert bench.file.exists()
    assert await bench.is_on()


async def test_two_clicks_on_extend_are_one_extension(bench: Bench) -> None:
    await bench.on(length=HALF)
    window = await bench.window()
    assert window
    assert window.until
    seen = int(window.until.timestamp())
    await extend(bench, seen=seen)
    with pytest.raises(Refused, match="Not extended again: it now lasts until"):
        await extend(bench, seen=seen)


async def test_what_has_no_end_cannot_be_extended(bench: Bench) -> None:
    await bench.on(length=None)
    with pytest.raises(Refused, match="has no end"):
        await extend(bench)
    await bench.off()
    with pytest.raises(Refused, match="is over"):
        await extend(bench)


async def test_a_moved_end_is_written_into_the_file(bench: Bench) -> None:
    await bench.on("Upgrade", length=HALF)
    window = await extend(bench)
    [job] = await bench.jobs("maintenance.rewrite")
    await bench.maintenance.jobs.rewrite(**job)
    assert bench.notice().until == window.until
    assert bench.notice().reason == "Upgrade"
    await bench.off()
    await bench.maintenance.jobs.rewrite(**job)
    assert not bench.file.exists()


async def test_people_are_warned_once_with_an_extend_button(bench: Bench) -> None:
    await bench.on(length=HALF)
    [job] = await bench.jobs("maintenance.warn")
    bench.clock.forward(HALF - FIVE)
    await bench.maintenance.jobs.warn(**job)
    await bench.maintenance.jobs.warn(**job)
    window = await bench.window()
    assert window
    assert window.until
    key = f"maintenance:1:warning:{int(window.until.timestamp())}"
    told = str(await bench.said(key))
    assert "<@U0ALICE001>" in told
    assert "ends in 5 min" in told
    assert "Extend 30 min" in told
    assert (await bench.events()).count("maintenance.warned") == 1

    late = view.warning(window, ZoneInfo("UTC"), window.until - timedelta(seconds=130))
    assert "ends in 3 min" in late.text

    await extend(bench)
    told = str(await bench.said(key))
    assert "was extended" in told
    assert "Extend 30 min" not in told


async def test_a_warning_of_an_end_that_has_moved_is_not_given(bench: Bench) -> None:
    await bench.on(length=HALF)
    [job] = await bench.jobs("maintenance.warn")
    await extend(bench)
    await bench.maintenance.jobs.warn(**job)
    assert "maintenance.warned" not in await bench.events()


async def test_a_short_one_is_not_warned_of(bench: Bench) -> None:
    await bench.on(length=FIVE)
    assert await bench.jobs("maintenance.warn") == []
    assert len(await bench.jobs("maintenance.end")) == 1


async def schedule(
    bench: Bench, starts: timedelta, length: timedelta = HALF, reason: str = "Upgrade"
) -> Window:
    async with bench.database.transaction() as tx:
        return await bench.maintenance.schedule(
            tx, "grandvps", bench.clock.now + starts, length, reason, actor=ALICE
        )


async def begun(bench: Bench, window: Window) -> list[OperationState]:
    await bench.maintenance.jobs.begin(window.id)
    return await run_queued(bench)


async def test_a_scheduled_one_begins_late_and_ends_when_it_was_planned_to(bench: Bench) -> None:
    window = await schedule(bench, HALF)
    assert not await bench.is_on()
    bench.clock.forward(HALF + FIVE)
    assert await begun(bench, window) == [OperationState.DONE]
    on = await bench.window()
    assert on
    assert (on.id, on.state, on.until) == (window.id, State.ON, window.planned_end)
    assert on.actor == ALICE
    # The job may be handled again.
    assert await begun(bench, window) == []


async def test_a_scheduled_one_whose_time_has_passed_is_missed(bench: Bench) -> None:
    window = await schedule(bench, HALF)
    bench.clock.forward(2 * HALF)
    assert await begun(bench, window) == []
    assert (await bench.recorded(window.id)).state is State.MISSED
    assert "its time passed" in str(await bench.said(window.key))
    assert not bench.file.exists()


async def test_one_whose_time_passes_while_it_waits_to_run_is_missed(bench: Bench) -> None:
    window = await schedule(bench, HALF)
    bench.clock.forward(HALF)
    await bench.maintenance.jobs.begin(window.id)
    bench.clock.forward(HALF)
    assert await run_queued(bench) == [OperationState.FAILED]
    assert (await bench.recorded(window.id)).state is State.MISSED
    assert not bench.file.exists()


async def test_a_cancelled_one_does_not_begin(bench: Bench) -> None:
    window = await schedule(bench, HALF)
    async with bench.database.transaction() as tx:
        await bench.maintenance.cancel(tx, "grandvps", None, actor=BOB)
    bench.clock.forward(HALF)
    assert await begun(bench, window) == []
    assert (await bench.recorded(window.id)).state is State.CANCELLED
    async with bench.database.transaction() as tx:
        with pytest.raises(Refused, match="no maintenance of grandvps is scheduled"):
            await bench.maintenance.cancel(tx, "grandvps", None, actor=BOB)
        with pytest.raises(NotFound, match="There is no maintenance 99"):
            await bench.maintenance.cancel(tx, "grandvps", 99, actor=BOB)


async def test_of_several_one_has_to_be_named_to_be_cancelled(bench: Bench) -> None:
    await schedule(bench, HALF)
    second = await schedule(bench, 2 * HALF)
    async with bench.database.transaction() as tx:
        with pytest.raises(Refused, match="Several maintenances of grandvps are scheduled: 1, 2"):
            await bench.maintenance.cancel(tx, "grandvps", None, actor=BOB)
        cancelled = await bench.maintenance.cancel(tx, "grandvps", 2, actor=BOB)
    assert cancelled.id == second.id


async def test_two_that_would_meet_are_not_scheduled(bench: Bench) -> None:
    await schedule(bench, HALF)
    await schedule(bench, 2 * HALF)
    with pytest.raises(Refused, match="Not scheduled: maintenance 1 of grandvps is planned for"):
        await schedule(bench, HALF + FIVE)


async def test_a_scheduled_one_that_finds_it_on_makes_it_last_as_long(bench: Bench) -> None:
    window = await schedule(bench, FIVE, HALF)
    await bench.on(length=2 * FIVE)
    bench.clock.forward(FIVE)
    assert await begun(bench, window) == []
    on = await bench.window()
    assert on
    assert (on.reason, on.until) == ("Upgrade", window.planned_end)
    assert (await bench.recorded(window.id)).state is State.OVER


async def look(bench: Bench) -> None:
    await bench.maintenance.lookout.look(**await last_job(bench, "maintenance.look"))


async def test_a_file_removed_by_hand_is_noticed(bench: Bench) -> None:
    await bench.on()
    await look(bench)
    assert await bench.is_on()
    bench.file.unlink()
    await look(bench)
    assert not await bench.is_on()
    assert "maintenance.found_ended" in await bench.events()
    before = await bench.jobs("maintenance.look")
    await look(bench)
    assert await bench.jobs("maintenance.look") == before


async def test_a_look_that_is_handled_twice_makes_one_more_look(bench: Bench) -> None:
    await bench.on()
    [job] = await bench.jobs("maintenance.look")
    await bench.maintenance.lookout.look(**job)
    await bench.maintenance.lookout.look(**job)
    assert len(await bench.jobs("maintenance.look")) == 2


async def test_what_an_operation_has_left_on_is_told_of(bench: Bench) -> None:
    step = bench.maintenance.on_step("grandvps", "contain")
    from bot.operations.plan import Plan

    await bench.run_plan(Plan("contain", "Contain", "grandvps", (step,)))
    assert await bench.said("maintenance:1") is None
    await look(bench)
    assert "Visitors meet the maintenance page" in str(await bench.said("maintenance:1"))
    assert await bench.jobs("maintenance.topic")


async def test_an_end_that_did_not_succeed_is_tried_again(bench: Bench) -> None:
    await bench.on(length=HALF)
    [job] = await bench.jobs("maintenance.end")
    bench.clock.forward(HALF)
    await bench.maintenance.jobs.end(**job)
    async with bench.database.transaction() as tx:
        [waiting] = await bench.operations.unfinished(tx, "grandvps")
        await bench.operations.cancel(tx, waiting.id, actor=BOB)
    await look(bench)
    assert await run_queued(bench) == []
    bench.clock.forward(timedelta(minutes=15))
    await look(bench)
    assert await run_queued(bench) == [OperationState.DONE]
    assert not bench.file.exists()


async def test_an_end_queued_for_the_old_time_does_not_keep_the_new_one_from_coming(
    bench: Bench,
) -> None:
    """Extended while its end waits behind a long operation, which goes on past the new end."""
    await bench.on(length=HALF)
    [job] = await bench.jobs("maintenance.end")
    bench.clock.forward(HALF)
    await bench.maintenance.jobs.end(**job)
    await extend(bench)
    bench.clock.forward(HALF)
    again = await last_job(bench, "maintenance.end")
    await bench.maintenance.jobs.end(**again)
    await bench.maintenance.jobs.end(**again)
    assert await run_queued(bench) == [OperationState.DONE] * 2
    assert not bench.file.exists()
