"""`/maintenance`: its words, and what they answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.config.access import AccessRule
from bot.errors import Refused, UsageError
from bot.maintenance import view
from bot.operations.asking import Asking
from bot.slack.limits import fit
from bot.slack.surface import Answer, Kind, Request
from commands.maintenance import MaintenanceCommand
from tests.maintenance.conftest import BOB, Bench
from tests.maintenance.page import Page


class NoModals:
    """None of the answers opens a modal."""

    async def open(self, request: Request, view: Any) -> str:
        raise AssertionError("a modal was opened")

    async def update(self, view_id: str, view: Any) -> None:
        raise AssertionError("a modal was changed")


@pytest.fixture
def command(bench: Bench) -> MaintenanceCommand:
    asking = Asking(bench.database, bench.operations)
    return MaintenanceCommand(bench.settings, bench.maintenance, asking)


def request(text: str) -> Request:
    return Request(Kind.COMMAND, f"command:{text}", "maintenance", "U0ALICE001", text=text)


async def answer(bench: Bench, command: MaintenanceCommand, text: str) -> Answer:
    """What the words answer, once they are committed; Slack would take it."""
    call = command.parse(request(text))
    if call.query:
        answered = await call.query(request(text), NoModals())
    else:
        assert call.change
        async with bench.database.transaction() as tx:
            answered = await call.change(request(text), tx)
    assert answered
    assert fit(answered.message).overflow is None
    return answered


def shown(answered: Answer) -> str:
    return f"{answered.message.text}\n{answered.message.blocks}"


def buttons(answered: Answer) -> list[tuple[str, str]]:
    """What can be clicked, and the values of it."""
    rows = [block for block in answered.message.blocks if block["type"] == "actions"]
    return [(each["action_id"], each["value"]) for row in rows for each in row["elements"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("onn", "/maintenance does not know onn"),
        ("off now", "off takes no further words"),
        ("status please", "status takes no further words"),
        ("on 30m", 'Say "for 30m"'),
        ("schedule tomorrow", "Say when and for how long"),
        ("extend", "Say by how much"),
        ("extend half an hour", "Say by how much"),
        ("extend 0m", "lasts longer than that"),
        ("cancel all", "cancel takes a number at most"),
        ("plan schedule 22:00 for 30m", "Only on and off have a plan"),
        ("on in:elsewhere", 'no target "elsewhere"'),
    ],
)
async def test_wrong_words_are_told(command: MaintenanceCommand, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        command.parse(request(text))


@pytest.mark.parametrize(
    ("text", "reason", "seconds"),
    [
        ("on", "", None),
        ("ON Upgrade to 1.5 for 30m in:grandvps", "Upgrade to 1.5", 1800),
        ('on "closed for 2 customers"', "closed for 2 customers", None),
    ],
)
async def test_on_queues_what_was_asked_for(
    bench: Bench, command: MaintenanceCommand, text: str, reason: str, seconds: int | None
) -> None:
    answered = await answer(bench, command, text)
    operation = await bench.operations.get(answered.data["operation"])
    assert operation.plan.runbook == "maintenance.on"
    assert operation.plan.parameters["reason"] == reason
    assert operation.plan.parameters["seconds"] == seconds
    said = f"Maintenance of grandvps on was queued as operation {operation.id}."
    assert answered.message.text == f"{said} It is followed in #ops."
    done = await bench.run(operation.id)
    assert done.steps[0].note == "503 proven"


async def test_under_a_lock_the_answer_and_the_message_say_what_is_to_come(
    bench: Bench, command: MaintenanceCommand
) -> None:
    async with bench.database.transaction() as tx:
        await bench.operations.locks.take(tx, "grandvps", actor=BOB, reason="a long import.")
    first = await answer(bench, command, "on Upgrade to 1.5 for 30m")
    number = first.data["operation"]
    said = f"Maintenance of grandvps on was queued as operation {number}; <@U0BOB00001> had locked"
    assert first.message.text.startswith(said)
    assert first.message.text.endswith(": a long import. It is followed in #ops.")
    row = await bench.database.one(
        "select message::text as told from posts where key = %s", (f"operation:{number}",)
    )
    assert r"Reason: Upgrade to 1.5\nIt ends by itself after 30 min." in row["told"]


async def test_behind_another_operation_the_answer_says_so(
    bench: Bench, command: MaintenanceCommand
) -> None:
    first = (await answer(bench, command, "on")).data["operation"]
    behind = f" behind Maintenance of grandvps on (operation {first}). "
    assert behind in (await answer(bench, command, "off")).message.text


async def test_one_request_is_taken_once(bench: Bench, command: MaintenanceCommand) -> None:
    await answer(bench, command, "off")
    with pytest.raises(Refused, match="taken already"):
        await answer(bench, command, "off")


async def test_status_goes_by_the_file(
    bench: Bench, command: MaintenanceCommand, page: Page
) -> None:
    answered = await answer(bench, command, "")
    assert "✅ grandvps is not in maintenance." in shown(answered)
    assert (answered.data["on"], answered.data["status"]) == (False, 200)
    assert "`/maintenance schedule AT for 30m`" in shown(answered)

    assert buttons(answered) == []

    bench.file.touch()
    answered = await answer(bench, command, "status")
    assert "`/maintenance schedule AT for 30m`" not in shown(answered)
    assert "its file is there, made by hand" in shown(answered)
    assert buttons(answered) == [(view.OPEN, "grandvps")]
    bench.file.unlink()

    await bench.on("Upgrade to 1.5")
    answered = await answer(bench, command, "status")
    assert "⏸ grandvps is in maintenance, until <!date^" in shown(answered)
    assert re.search(r"until \w{3} \d+ \w{3} \d\d:\d\d [A-Z]{3,4}\.$", answered.message.text)
    assert [action for action, _ in buttons(answered)] == [view.EXTEND, view.END]
    assert "Upgrade to 1.5" in shown(answered)
    assert (answered.data["on"], answered.data["status"], answered.data["proven"]) == (
        True,
        503,
        True,
    )

    page.blind = True
    assert "the page answers 200 instead of 503" in shown(await answer(bench, command, "status"))

    bench.file.unlink()
    told = shown(await answer(bench, command, "status"))
    assert "🔴 grandvps should be in maintenance, but its file is gone" in told


async def test_a_plan_is_shown_and_nothing_is_run(
    bench: Bench, command: MaintenanceCommand
) -> None:
    for text in ("plan on Upgrade for 30m", "on Upgrade for 30m --plan"):
        told = shown(await answer(bench, command, text))
        assert f"create {bench.file}" in told
        assert "Reason: Upgrade" in told
        assert "It ends by itself after 30 min." in told
    told = shown(await answer(bench, command, "off --plan"))
    assert f"remove {bench.file}" in told
    assert not await bench.database.first("select from operations where state <> 'planned'")


async def test_schedule_extend_and_cancel(bench: Bench, command: MaintenanceCommand) -> None:
    answered = await answer(bench, command, "schedule in 2h for 30m Upgrade")
    assert answered.message.text.startswith("Maintenance 1 of grandvps: ")
    assert "approval" not in answered.message.text
    told = shown(await answer(bench, command, "status"))
    assert "Scheduled: " in told
    answered = await answer(bench, command, "cancel")
    assert answered.message.text == "Maintenance 1 of grandvps was cancelled."
    with pytest.raises(Refused, match="not in a maintenance"):
        await answer(bench, command, "extend 30m")
    await bench.on(length=timedelta(minutes=30))
    answered = await answer(bench, command, "extend by 1h")
    window = await bench.window()
    assert window
    assert window.until == bench.clock.now + timedelta(minutes=90)
    assert answered.message.text.startswith("The maintenance of grandvps now lasts until ")


async def test_one_that_will_ask_for_approval_says_so_when_it_is_scheduled(bench: Bench) -> None:
    access = {"maintenance": AccessRule(role="operator", approvals=2)}
    settings = bench.settings.model_copy(update={"access": access})
    asking = Asking(bench.database, bench.operations)
    command = MaintenanceCommand(settings, bench.maintenance, asking)
    answered = await answer(bench, command, "schedule in 2h for 30m Upgrade")
    assert answered.message.text.endswith(
        ". It asks for 2 approvals at its hour, and begins with them."
    )


async def test_a_day_that_has_passed_is_refused(command: MaintenanceCommand) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=2)
    with pytest.raises(UsageError, match="has passed"):
        command.parse(request(f"schedule {yesterday:%Y-%m-%d} 12:00 for 30m"))


async def test_a_target_without_a_file_says_what_to_configure(bench: Bench) -> None:
    bare = bench.settings.targets["grandvps"].model_copy(update={"maintenance": None})
    settings = bench.settings.model_copy(update={"targets": {"grandvps": bare}})
    from bot.maintenance.plans import Plans

    with pytest.raises(Refused, match="no maintenance file configured"):
        Plans(settings).on("grandvps", {})
