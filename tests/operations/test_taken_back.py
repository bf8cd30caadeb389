"""Operations that are done and were taken back by later ones: said where they are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.operations import standing, view
from bot.operations.model import Operation, TakenBack
from bot.operations.plan import Plan
from bot.operations.states import OperationState
from bot.words import Sign
from tests.operations.house import ALICE, House, plan, plan_of, step

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)


async def ran(house: House, *taken_back: tuple[int, str], parts: tuple[str, ...] = ()) -> int:
    """Runs a plan to its end that takes others back; its number."""
    wanted = replace(plan("work"), parts=parts, takes_back=taken_back)
    number = await house.request(wanted)
    assert (await house.ended(number)).state is OperationState.DONE
    return number


async def told(house: House, *numbers: int) -> list[str]:
    """How operations stand; their live messages say the same."""
    found = [await house.operations.get(number) for number in numbers]
    for each in found:
        sign, words = standing.sign(each), standing.words_of(each)
        assert f"{sign} {each.plan.title} · {words}" in await house.said(each.id)
    return [standing.words_of(each) for each in found]


async def test_what_was_taken_back_says_so_until_that_is_taken_back_itself(running: House) -> None:
    deployed = await ran(running)
    assert await told(running, deployed) == ["done"]
    back = await ran(running, (deployed, ""))
    assert await told(running, deployed, back) == [f"taken back by operation {back}", "done"]
    forth = await ran(running, (back, ""))
    assert await told(running, deployed, back, forth) == [
        "done",
        f"taken back by operation {forth}",
        "done",
    ]
    again = await ran(running, (forth, ""))
    assert await told(running, deployed, back, forth) == [
        f"taken back by operation {back}",
        "done",
        f"taken back by operation {again}",
    ]


async def test_each_part_is_taken_back_by_itself(running: House) -> None:
    restored = await ran(running, parts=("database", "media"))
    media = await ran(running, (restored, "media"), parts=("media",))
    assert await told(running, restored) == [f"done, media taken back by operation {media}"]
    database = await ran(running, (restored, "database"), parts=("database",))
    whole = f"taken back by operation {media} and {database}"
    assert await told(running, restored) == [whole]
    forth = await ran(running, (media, "media"), parts=("media",))
    assert await told(running, restored, media) == [
        f"done, database taken back by operation {database}",
        f"taken back by operation {forth}",
    ]


async def test_while_it_is_taken_back_that_is_told_and_a_way_back_that_failed_leaves_it_in_place(
    running: House,
) -> None:
    deployed = await ran(running)
    running.recorder.hangs = "work"
    back = await running.request(replace(plan("work"), takes_back=((deployed, ""),)))
    await running.recorder.began.wait()
    assert await told(running, deployed) == [f"done, being taken back by operation {back}"]
    async with running.database.transaction() as tx:
        await running.operations.cancel(tx, back, actor=ALICE)
    assert (await running.ended(back)).state is OperationState.CANCELLED
    assert await told(running, deployed) == ["done"]
    running.recorder.hangs, running.recorder.broken = "", "work"
    wanted = replace(plan("work"), takes_back=((deployed, ""),))
    ended = await running.ended(await running.request(wanted))
    assert ended.state is OperationState.FAILED
    assert await told(running, deployed) == ["done"]


def operation(state: OperationState, *taken_back: TakenBack, wanted: Plan) -> Operation:
    return Operation(
        7, wanted, state, "slack:U0BOB00001", "manual", NOW, (), NOW, NOW, taken_back=taken_back
    )


@pytest.mark.parametrize(
    ("state", "taken_back", "sign", "words"),
    [
        (OperationState.DONE, TakenBack(9), Sign.UNDONE, "was taken back by operation 9."),
        (
            OperationState.DONE,
            TakenBack(9, "media"),
            Sign.DONE,
            "is done, media taken back by operation 9.",
        ),
        (
            OperationState.FAILED,
            TakenBack(9),
            Sign.CRITICAL,
            "failed, taken back by operation 9.",
        ),
    ],
)
def test_notifications_say_it_in_a_sentence(
    state: OperationState, taken_back: TakenBack, sign: Sign, words: str
) -> None:
    wanted = replace(plan_of(step("work")), parts=("database", "media"))
    found = operation(state, taken_back, wanted=wanted)
    assert view.message(found, view.Shown(NOW)).text == f"{sign} Backup grandvps {words}"
