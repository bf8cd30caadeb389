"""What waits for others: who may approve, what they say, how long, and how one goes on alone."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.config.access import ANYONE, AccessRule
from bot.errors import Refused
from bot.operations import approvals, store
from bot.operations.approvers import Approvers
from bot.operations.plan import Confirm, Plan
from bot.operations.states import OperationState
from bot.slack.client import web_client
from bot.slack.people import People
from bot.slack.posts import RECONCILE, SHARE_FILES
from bot.store.database import Database
from bot.store.queue import Lane, Queue
from tests.operations.conftest import nothing
from tests.operations.house import ALICE, BOB, CAROL, House, Recorder, plan, plan_of, step
from tests.parts.operations import new_operations

ADMINS = ("U0ALICE001", "U0BOB00001")


def guarded(
    database: Database,
    queue: Queue,
    session: aiohttp.ClientSession,
    *,
    approvals: int = 1,
    admins: tuple[str, ...] = ADMINS,
) -> House:
    queue.handle(RECONCILE, nothing, lane=Lane.POSTS)
    queue.handle(SHARE_FILES, nothing, lane=Lane.POSTS)
    operations = new_operations(
        database,
        queue,
        web_client(session, "xoxb-unused"),
        rule=AccessRule(role="admin", approvals=approvals),
        admins=admins,
    )
    recorder = Recorder()
    operations.register("record", recorder)
    return House(database, queue, operations, recorder)


@pytest.fixture
def house(database: Database, queue: Queue, session: aiohttp.ClientSession) -> House:
    return guarded(database, queue, session)


async def approve(house: House, number: int, actor: str) -> OperationState:
    async with house.database.transaction() as tx:
        return (await house.operations.approvals.approve(tx, number, actor=actor)).state


async def test_it_waits_for_another_holder_of_the_role_and_says_for_whom(running: House) -> None:
    number = await running.request(plan("database"))
    operation = await running.operations.get(number)
    assert operation.state is OperationState.AWAITING
    assert operation.awaited == (BOB,)
    assert "Waits for 1 approval by <@U0BOB00001> until" in await running.said(number)
    assert await approve(running, number, BOB) is OperationState.QUEUED
    assert (await running.ended(number)).state is OperationState.DONE
    assert "Approved by <@U0BOB00001>" in await running.said(number)
    assert (await running.events(number))[:3] == [
        "operation.requested",
        "operation.approved",
        "operation.started",
    ]


@pytest.mark.parametrize(
    ("actor", "rule", "said"),
    [
        (ALICE, AccessRule(approvals=1), "Needs 1 approval by admin."),
        ("os:root", AccessRule(role="operator", approvals=2), "Needs 2 approvals by operator."),
        (ALICE, AccessRule(role=ANYONE, approvals=1), "Needs 1 approval by anyone else who may"),
        (ALICE, AccessRule(), ""),
        ("clock", AccessRule(approvals=1), ""),
    ],
)
async def test_whose_approval_a_plan_needs_is_said_beforehand(
    actor: str, rule: AccessRule, said: str, session: aiohttp.ClientSession
) -> None:
    people = People(web_client(session, "xoxb-unused"), {})
    told = Approvers(lambda name: rule, people).needed_in_words("backup", actor)
    assert told.startswith(said)
    assert bool(told) is bool(said)


async def test_nobody_approves_their_own_and_nobody_without_the_role(house: House) -> None:
    number = await house.request(plan("database"))
    with pytest.raises(Refused, match="asked for themselves"):
        await approve(house, number, ALICE)
    with pytest.raises(Refused, match="takes the role admin"):
        await approve(house, number, CAROL)
    assert (await house.operations.get(number)).state is OperationState.AWAITING


async def test_one_person_counts_once(
    database: Database, queue: Queue, session: aiohttp.ClientSession
) -> None:
    house = guarded(database, queue, session, approvals=2, admins=(*ADMINS, "U0CAROL001"))
    number = await house.request(plan("database"))
    assert await approve(house, number, BOB) is OperationState.AWAITING
    with pytest.raises(Refused, match="said so already"):
        await approve(house, number, BOB)
    assert await approve(house, number, CAROL) is OperationState.QUEUED


async def test_a_refusal_ends_it_before_it_began(running: House) -> None:
    number = await running.request(plan("database"))
    async with running.database.transaction() as tx:
        await running.operations.approvals.refuse(tx, number, actor=BOB)
    assert (await running.ended(number)).state is OperationState.REFUSED
    assert running.recorder.log == []
    with pytest.raises(Refused, match="is refused"):
        await approve(running, number, BOB)


async def test_what_is_not_approved_in_time_expires(running: House) -> None:
    number = await running.request(plan("database"))
    await running.database.execute("update operations set expires = now() - interval '1 s'")
    await running.database.execute(
        "update procrastinate_jobs set scheduled_at = now() where task_name = 'operation.expire'"
    )
    assert (await running.ended(number)).state is OperationState.EXPIRED
    assert "was not approved in time and will not run" in await running.said(number)
    with pytest.raises(Refused, match="is expired"):
        await approve(running, number, BOB)


async def test_half_an_hour_is_what_an_approval_has(house: House) -> None:
    operation = await house.operations.get(await house.request(plan("database")))
    assert operation.expires
    left = operation.expires - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)


async def test_the_lone_holder_goes_on_with_a_reason_after_a_pause(
    database: Database,
    working: Queue,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert timedelta(seconds=60) == approvals.PAUSE
    monkeypatch.setattr(approvals, "PAUSE", timedelta(seconds=2))
    house = guarded(database, working, session, admins=("U0ALICE001",))
    number = await house.request(plan("database"))
    assert "Nobody else holds the role" in await house.said(number)
    async with house.database.transaction() as tx:
        with pytest.raises(Refused, match="Say why"):
            await house.operations.approvals.go_alone(tx, number, actor=ALICE, reason=" ")
    began = datetime.now(UTC)
    async with house.database.transaction() as tx:
        await house.operations.approvals.go_alone(tx, number, actor=ALICE, reason="it is 3 am")
    operation = await house.ended(number)
    assert operation.state is OperationState.DONE
    assert operation.started
    assert operation.started - began >= timedelta(seconds=2)
    assert "went on without approval: it is 3 am" in await house.said(number)
    assert "operation.alone" in await house.events(number)


async def test_who_is_not_alone_cannot_go_on_alone(house: House) -> None:
    number = await house.request(plan("database"))
    async with house.database.transaction() as tx:
        with pytest.raises(Refused, match="Others can approve"):
            await house.operations.approvals.go_alone(tx, number, actor=ALICE, reason="now")
        with pytest.raises(Refused, match="Only who asked"):
            await house.operations.approvals.go_alone(tx, number, actor=BOB, reason="now")


async def test_where_too_few_others_hold_the_role_they_are_asked_all_the_same(
    database: Database, queue: Queue, session: aiohttp.ClientSession
) -> None:
    house = guarded(database, queue, session, approvals=2)
    number = await house.request(plan("database"))
    short = "Too few others hold the role: who asked may go on alone"
    assert f"{short} once they have approved" in await house.said(number)
    assert "operation.alone" not in await house.said(number)
    await go_alone(house, number, said="Others can approve this")
    assert await approve(house, number, BOB) is OperationState.AWAITING
    assert f"{short}, with a reason" in await house.said(number)
    assert "operation.alone" in await house.said(number)
    await go_alone(house, number)


async def go_alone(house: House, number: int, *, said: str = "") -> None:
    """Alice goes on alone; where something is `said`, she may not."""
    expected = pytest.raises(Refused, match=said) if said else contextlib.nullcontext()
    with expected:
        async with house.database.transaction() as tx:
            await house.operations.approvals.go_alone(tx, number, actor=ALICE, reason="3 am")


async def test_what_goes_on_alone_does_not_expire_in_the_pause_and_not_begin_after_its_time(
    database: Database, queue: Queue, session: aiohttp.ClientSession
) -> None:
    house = guarded(database, queue, session, admins=("U0ALICE001",))
    early, late = [await house.request(plan("database")) for _ in range(2)]
    await go_alone(house, early)
    await house.database.execute("update operations set expires = now() - interval '1 s'")
    await go_alone(house, late, said="no longer waits")
    for number in (early, late):
        await house.operations.approvals.expire(number)
        await house.operations.approvals.go_on(number)
    assert (await house.operations.get(early)).state is OperationState.QUEUED
    assert (await house.operations.get(late)).state is OperationState.EXPIRED


async def test_what_waits_for_approval_can_be_cancelled_also_in_the_pause(
    database: Database, queue: Queue, session: aiohttp.ClientSession
) -> None:
    house = guarded(database, queue, session, admins=("U0ALICE001",))
    number = await house.request(plan("database"))
    async with house.database.transaction() as tx:
        await house.operations.approvals.go_alone(tx, number, actor=ALICE, reason="3 am")
    async with house.database.transaction() as tx:
        await house.operations.cancel(tx, number, actor=ALICE)
    assert (await house.operations.get(number)).state is OperationState.CANCELLED
    await house.operations.approvals.go_on(number)
    assert (await house.operations.get(number)).state is OperationState.CANCELLED


async def test_what_was_queued_meanwhile_does_not_expire(house: House) -> None:
    number = await house.request(plan("database"))
    await approve(house, number, BOB)
    async with house.database.transaction() as tx:
        waited = (OperationState.AWAITING,)
        assert not await store.finish(tx, number, OperationState.EXPIRED, before=waited)
    await house.database.execute("update operations set expires = now() - interval '1 s'")
    await house.operations.approvals.expire(number)
    assert (await house.operations.get(number)).state is OperationState.QUEUED


async def test_after_its_time_nobody_approves(house: House) -> None:
    number = await house.request(plan("database"))
    await house.database.execute("update operations set expires = now() - interval '1 s'")
    with pytest.raises(Refused, match="no longer waits"):
        await approve(house, number, BOB)


async def test_breaking_the_glass_is_loud_and_audited(running: House) -> None:
    async with running.database.transaction() as tx:
        number = await running.operations.request(
            tx, plan("database"), actor="os:root", reason="manual"
        )
        await running.operations.approvals.break_glass(
            tx, number, actor="os:root", reason="Slack is down"
        )
    assert (await running.ended(number)).state is OperationState.DONE
    assert "operation.break_glass" in await running.events(number)
    row = await running.database.one(
        "select message->>'text' as text from posts where key = %s", (f"operation:{number}:alone",)
    )
    assert row["text"] == "⚠️ Backup grandvps goes on without approval: Slack is down"


async def test_what_the_clock_does_asks_nobody(running: House) -> None:
    async with running.database.transaction() as tx:
        number = await running.operations.request(
            tx, plan("database"), actor="opsbell", reason="schedule"
        )
    assert (await running.ended(number)).state is OperationState.DONE


async def test_a_plan_is_confirmed_by_its_person_once_and_by_name_where_that_is_asked(
    house: House,
) -> None:
    async def planner(target: str, parameters: Mapping[str, Any]) -> Plan:
        return plan_of(step("database"), target=target, confirm=Confirm.NAME)

    house.operations.add_runbook("backup", planner)
    operation = await house.operations.preview("backup", "grandvps", {}, actor=ALICE)
    assert operation.state is OperationState.PLANNED
    async with house.database.transaction() as tx:
        with pytest.raises(Refused, match="type the target's name, grandvps"):
            await house.operations.confirm(tx, operation.id, actor=ALICE, typed="grandvp")
        with pytest.raises(Refused, match="Only who asked"):
            await house.operations.confirm(tx, operation.id, actor=BOB, typed="grandvps")
        await house.operations.confirm(tx, operation.id, actor=ALICE, typed=" grandvps ")
        with pytest.raises(Refused, match="is awaiting already"):
            await house.operations.confirm(tx, operation.id, actor=ALICE, typed="grandvps")
