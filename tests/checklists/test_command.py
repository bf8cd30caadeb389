"""`/checklist`: its words, and what they answer."""

import io
from datetime import timedelta
from typing import Any

import matplotlib.image
import pytest

from bot.errors import UsageError
from bot.slack.surface import Answer, Call, Kind, Request
from bot.store.database import Transaction
from commands.checklist import ChecklistCommand
from tests.checklists.conftest import NINE, Bench


class NoModals:
    """None of the answers opens a modal."""

    async def open(self, request: Request, view: Any) -> str:
        raise AssertionError("a modal was opened")

    async def update(self, view_id: str, view: Any) -> None:
        raise AssertionError("a modal was changed")


@pytest.fixture
def command(bench: Bench) -> ChecklistCommand:
    return ChecklistCommand(bench.checklists, bench.lookup, bench.posts)


def request(text: str) -> Request:
    return Request(Kind.COMMAND, "command:1", "checklist", "U0ALICE001", text=text)


async def ask(command: ChecklistCommand, text: str) -> Answer:
    call = command.parse(request(text))
    assert call.query is not None
    answer = await call.query(request(text), NoModals())
    assert answer is not None
    return answer


async def change(bench: Bench, call: Call, tx: Transaction | None = None) -> Answer:
    assert call.change is not None
    async with bench.database.transaction() as tx:
        answer = await call.change(request(""), tx)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dance", "does not know dance"),
        ("post", "Say which checklist"),
        ("post dayly", r"no checklist dayly \(did you mean daily\?\). There are: daily, release"),
        ("status nope", "no checklist nope"),
        ("post daily now", "Too many words"),
        ("list daily", "list takes no name"),
    ],
)
def test_words_that_make_no_sense_say_what_would(
    command: ChecklistCommand, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        command.parse(request(text))


@pytest.mark.parametrize("text", ["", "list", "status", "status daily", "history", "History Daily"])
async def test_looking_changes_nothing(command: ChecklistCommand, text: str) -> None:
    assert command.parse(request(text)).change is None
    assert (await ask(command, text)).message.text


async def test_list_tells_when_each_comes_next(command: ChecklistCommand) -> None:
    said = repr((await ask(command, "")).message.blocks)
    assert (
        f"*daily* · Daily maintenance · 3 items · next <!date^{NINE.timestamp() + 86400:.0f}"
        in said
    )
    assert "*release* · Release · 2 items · posted by hand" in said


async def test_post_posts_and_says_where(bench: Bench, command: ChecklistCommand) -> None:
    answer = await change(bench, command.parse(request("post release")))
    assert answer.message.text == "Release is posted in #ops."
    assert len(await bench.posts_like("checklist:release:%")) == 1
    (event,) = await bench.events("checklist.posted")
    assert event["actor"] == "slack:U0ALICE001"


async def test_status_names_what_is_open(bench: Bench, command: ChecklistCommand) -> None:
    assert "Never posted yet" in (await ask(command, "status daily")).message.text
    run = await bench.post(due_at=NINE)
    await bench.tick(run, 1)
    message = (await ask(command, "status daily")).message
    assert "2 of 3 items open" in message.text
    assert "Monitor application" not in repr(message.blocks)
    assert "• Check system resource usage" in repr(message.blocks)


async def test_history_has_rates_and_a_chart(bench: Bench, command: ChecklistCommand) -> None:
    assert "has ended yet" in (await ask(command, "history daily")).message.text
    for day in range(14):
        bench.clock.now = NINE + timedelta(days=day)
        run = await bench.post(due_at=bench.clock.now)
        await bench.tick(run, 1)
        if day % 2:
            await bench.tick(run, 2)
    bench.clock.forward(timedelta(hours=1))
    answer = await ask(command, "history daily")
    # The fourteenth is under way; of the twelve before it, half had the second item done.
    assert answer.message.text == "Daily maintenance, the last 12 postings: 50 % of the items done."
    said = repr(answer.message.blocks)
    assert "██████████ 100 % · Monitor application logs for errors · 12 of 12" in said
    assert "█████░░░░░ 50 % · Check system resource usage · 6 of 12" in said
    assert "░░░░░░░░░░ 0 % · Review failed payment transactions · 0 of 12" in said
    (chart,) = answer.uploads
    assert "33 % in the latest, between 33 % and 67 % in all" in chart.alt
    height, width, _ = matplotlib.image.imread(io.BytesIO(chart.content), format="png").shape
    assert width * 9 == height * 16
