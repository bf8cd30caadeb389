"""The verbs on a real PostgreSQL: what is kept, what is said, what happens once."""

import asyncio
from datetime import timedelta

import pytest

from bot.checklists.model import Carried, ItemState
from bot.checklists.store import Entry
from bot.errors import NotFound, Refused
from tests.checklists.conftest import ALICE, BOB, NINE, Bench

KEY = "checklist:daily:2026-11-22T09:00"


def ticked(message: object) -> int:
    return repr(message).count("initial_options")


async def test_a_due_time_is_posted_once_by_however_many(bench: Bench) -> None:
    async def replica() -> bool:
        async with bench.database.transaction() as tx:
            return await bench.checklists.post(tx, "daily", NINE) is not None

    assert sorted(await asyncio.gather(*(replica() for _ in range(6)))) == [False] * 5 + [True]
    assert await bench.posts_like("checklist:%") == [KEY]
    assert len(await bench.events("checklist.posted")) == 1


async def test_what_is_posted_by_hand_is_a_run_of_its_own(bench: Bench) -> None:
    first, second = await bench.post("release"), await bench.post("release")
    assert first.key != second.key
    assert first.deadline is None
    assert len(await bench.posts_like("checklist:release:by-hand-%")) == 2


async def test_the_post_does_not_wait_for_evidence(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    assert "⚪ looking …" in repr(await bench.said(KEY))
    await bench.jobs.gather_evidence(run.id, ["disk"])
    said = repr(await bench.said(KEY))
    assert "looking" not in said
    assert "✅ ok: " in said


async def test_older_evidence_never_replaces_newer(bench: Bench) -> None:
    run = await bench.post()
    await bench.jobs.gather_evidence(run.id, ["disk"])
    first = (await bench.item(run, 2)).reading
    async with bench.database.transaction() as tx:
        await bench.checklists.refresh(tx, run.id, 2, ALICE)
    assert (await bench.item(run, 2)).reading is None
    await bench.jobs.gather_evidence(run.id, ["disk"])
    second = (await bench.item(run, 2)).reading
    assert first is not None
    assert second is not None
    assert second.taken_at > first.taken_at


async def test_ticks_of_twenty_people_at_once_are_all_kept_and_shown(bench: Bench) -> None:
    run = await bench.post("long")
    await asyncio.gather(*(bench.tick(run, n, actor=f"slack:U0PERSON{n:02}") for n in range(1, 21)))
    after = await bench.run(run)
    assert [item.by for item in after.items[:20]] == [f"slack:U0PERSON{n:02}" for n in range(1, 21)]
    assert after.closed == 20
    assert ticked(await bench.said(run.key)) == 20
    assert "20 of 60" in repr(await bench.said(run.key))
    assert len(await bench.events("item.ticked")) == 20


async def test_a_second_tick_leaves_the_first_its_own(bench: Bench) -> None:
    run = await bench.post()
    await bench.tick(run, 1, actor=ALICE)
    bench.clock.forward(timedelta(minutes=1))
    await bench.tick(run, 1, actor=BOB)
    item = await bench.item(run, 1)
    assert (item.by, item.at) == (ALICE, NINE)
    assert len(await bench.events("item.ticked")) == 1


async def test_unticking_opens_the_item_again(bench: Bench) -> None:
    run = await bench.post()
    await bench.tick(run, 1)
    await bench.tick(run, 1, done=False, actor=BOB)
    item = await bench.item(run, 1)
    assert (item.state, item.by, item.at, item.ticks) == (ItemState.OPEN, "", None, 2)
    assert [event["actor"] for event in await bench.events("item.unticked")] == [BOB]


async def test_a_tick_of_no_item_is_told(bench: Bench) -> None:
    run = await bench.post()
    for run_id, position in ((run.id, 4), (run.id + 1, 1)):
        async with bench.database.transaction() as tx:
            with pytest.raises(NotFound):
                await bench.checklists.tick(tx, run_id, position, done=True, actor=ALICE)


async def test_what_else_can_be_done_with_an_item(bench: Bench) -> None:
    run = await bench.post()
    verbs = bench.checklists
    async with bench.database.transaction() as tx:
        await verbs.claim(tx, run.id, 1, BOB)
        await verbs.note(tx, run.id, 1, "password hunter2 seen", ALICE)
        await verbs.not_applicable(tx, run.id, 3, "no cards, hunter2", ALICE)
    first, third = await bench.item(run, 1), await bench.item(run, 3)
    assert (first.claimed_by, first.note, first.noted_by) == (BOB, "password *** seen", ALICE)
    assert (third.state, third.reason) == (ItemState.NOT_APPLICABLE, "no cards, ***")
    said = repr(await bench.said(run.key))
    assert "claimed by <@U0BOB00001>" in said
    assert "password *** seen" in said
    assert "not applicable: no cards" in said
    assert "hunter2" not in repr(await bench.events("item.noted"))
    async with bench.database.transaction() as tx:
        await verbs.unclaim(tx, run.id, 1, ALICE)
    assert (await bench.item(run, 1)).claimed_by == ""


async def test_what_makes_no_sense_is_refused(bench: Bench) -> None:
    run = await bench.post()
    await bench.tick(run, 1)
    verbs = bench.checklists
    async with bench.database.transaction() as tx:
        with pytest.raises(Refused, match="closed already"):
            await verbs.claim(tx, run.id, 1, BOB)
        with pytest.raises(Refused, match="closed already"):
            await verbs.not_applicable(tx, run.id, 1, "why", BOB)
        with pytest.raises(Refused, match="claimed by nobody"):
            await verbs.unclaim(tx, run.id, 2, BOB)
        with pytest.raises(Refused, match="no check"):
            await verbs.refresh(tx, run.id, 1, BOB)


async def test_the_history_of_an_item_is_in_the_log(bench: Bench) -> None:
    run = await bench.post()
    await bench.tick(run, 1)
    await bench.tick(run, 1, done=False, actor=BOB)
    async with bench.database.transaction() as tx:
        await bench.checklists.note(tx, run.id, 2, "see below", ALICE)
    _, history = await bench.lookup.run(run.id)
    assert [(e.actor, e.action) for e in history[1]] == [
        (ALICE, "item.ticked"),
        (BOB, "item.unticked"),
    ]
    (noted,) = history[2]
    assert noted == Entry(noted.at, ALICE, "item.noted", "see below")


async def test_what_stayed_open_is_carried_over(bench: Bench) -> None:
    run = await bench.post(due_at=NINE)
    await bench.tick(run, 1)
    bench.clock.forward(timedelta(days=1))
    second = await bench.post(due_at=NINE + timedelta(days=1))
    assert second.carried == (
        Carried("Check system resource usage", 1),
        Carried("Review failed payment transactions", 1),
    )
    await bench.tick(second, 3)
    bench.clock.forward(timedelta(days=1))
    third = await bench.post(due_at=NINE + timedelta(days=2))
    assert (await bench.run(third)).carried == (
        Carried("Monitor application logs for errors", 1),
        Carried("Check system resource usage", 2),
    )
    assert "Check system resource usage (2 times in a row)" in repr(await bench.said(third.key))


async def test_sixty_items_are_three_posts_in_one_thread(bench: Bench) -> None:
    run = await bench.post("long")
    rows = await bench.database.all("select key, under from posts order by seq")
    assert [(row["key"], row["under"]) for row in rows] == [
        (run.key, None),
        (f"{run.key}:2", run.key),
        (f"{run.key}:3", run.key),
    ]
    await bench.tick(run, 60)
    assert ticked(await bench.said(f"{run.key}:3")) == 1
    assert "1 of 60" in repr(await bench.said(run.key))


async def test_a_missed_posting_is_said_and_can_be_made_up_for_once(bench: Bench) -> None:
    late = NINE + timedelta(days=1)
    async with bench.database.transaction() as tx:
        await bench.checklists.missed(tx, "daily", [NINE, late])
    (key,) = await bench.posts_like("%:missed")
    assert key == "checklist:daily:2026-11-23T09:00:missed"
    said = repr(await bench.said(key))
    assert (
        "Sun 22 Nov 09:00 and Mon 23 Nov 09:00 was not posted in time, nor within 6 h after."
        in said
    )
    assert f"daily|{late.isoformat()}" in said
    assert len(await bench.events("checklist.missed")) == 2

    async def make_up(actor: str) -> bool:
        async with bench.database.transaction() as tx:
            return await bench.checklists.make_up(tx, "daily", late, actor) is not None

    assert sorted(await asyncio.gather(make_up(ALICE), make_up(BOB))) == [False, True]
    assert await bench.posts_like("checklist:daily:2026-11-23T09:00") != []
    said = repr(await bench.said(key))
    assert "posted later by" in said
    assert "Post it now" not in said
    assert len(await bench.events("checklist.posted")) == 1


async def test_no_such_checklist_names_the_nearest(bench: Bench) -> None:
    with pytest.raises(NotFound, match=r"no checklist dayly \(did you mean daily\?\)"):
        bench.checklists.configured("dayly")
