"""Every message of a list is taken by a workspace that refuses what Slack refuses."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.checklists import dialogs, notices, reports, view
from bot.checklists.lookup import Status
from bot.checklists.model import Carried, Item, ItemState, Run
from bot.checklists.store import Entry
from bot.checks.model import Reading, State
from bot.config.checklists import Checklist
from bot.playground import LocalSlack
from bot.slack.client import open_session, web_client
from bot.slack.message import Message

BERLIN = ZoneInfo("Europe/Berlin")
POSTED = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DEADLINE = POSTED + timedelta(hours=4)
NOW = POSTED + timedelta(hours=1)
ALICE, BOB = "slack:U0ALICE001", "slack:U0BOB00001"


def reading(state: State = State.OK, summary: str = "disk 71 %", detail: str = "") -> Reading:
    return Reading("disk", state, summary, POSTED, detail=detail)


def run_of(items: Sequence[Item], **changes: Any) -> Run:
    run = Run(
        id=12,
        key="checklist:daily:2026-11-22T09:00",
        name="daily",
        title="Daily maintenance",
        channel="ops",
        due_at=POSTED,
        posted_at=POSTED,
        deadline=DEADLINE,
        actor="opsbell",
        items=tuple(items),
    )
    return replace(run, **changes)


def plain_items(count: int) -> list[Item]:
    return [Item(n, f"Look at part {n}", check="disk") for n in range(1, count + 1)]


def worst_items(count: int) -> list[Item]:
    """Everything an item can carry, as long as it can be, in characters that are escaped."""
    long = "<&>" * 400
    return [
        Item(
            n,
            "&" * 500,
            check="disk",
            state=ItemState.NOT_APPLICABLE,
            by=ALICE,
            at=DEADLINE + timedelta(hours=1),
            reason=long,
            note=long,
            noted_by=BOB,
            claimed_by=BOB,
            reading=reading(State.CRITICAL, long, long),
        )
        for n in range(1, count + 1)
    ]


@pytest.fixture
async def client() -> AsyncIterator[AsyncWebClient]:
    async with LocalSlack(rate_limits=False) as slack, open_session() as session:
        yield web_client(session, slack.bot_token, slack.api_url)


async def post(client: AsyncWebClient, message: Message) -> None:
    """Slack takes the message as a new one and as an edit."""
    sent = await client.chat_postMessage(channel="C0OPS00001", **message.as_json())
    await client.chat_update(channel="C0OPS00001", ts=sent["ts"], **message.as_json())


def no_group(handle: str) -> str | None:
    return None


def every_text(message: Message) -> str:
    return repr(message.as_json())


def header_of(run: Run, now: datetime = NOW) -> str:
    return re.sub(r"<!date\^(\d+)\^[^>]*>", _clock, view.header(run, BERLIN, now))


def _clock(date: re.Match[str]) -> str:
    return datetime.fromtimestamp(int(date[1]), BERLIN).strftime("%H:%M")


def test_the_header_tells_day_progress_and_due_time() -> None:
    items = plain_items(5)
    done = replace(items[0], state=ItemState.DONE, by=ALICE, at=POSTED)
    run = run_of([done, *items[1:]])
    assert header_of(run) == "☐ *Daily maintenance* · Sun 22 Nov · 1 of 5 · due 13:00"
    assert header_of(run, DEADLINE).startswith("⚠️ *Daily")
    assert header_of(run, DEADLINE).endswith("1 of 5 · overdue since 13:00")
    assert header_of(run_of([done])) == "✅ *Daily maintenance* · Sun 22 Nov · 1 of 1 · done 09:00"


def test_the_notification_is_one_sentence() -> None:
    run = run_of(plain_items(5))
    (message,) = view.messages(run, BERLIN, NOW)
    assert message.text == "Daily maintenance of Sun 22 Nov: 5 of 5 items open, due 13:00."
    assert "overdue since 13:00" in view.messages(run, BERLIN, DEADLINE)[0].text


def test_each_item_is_a_checkbox_of_its_own() -> None:
    run = run_of(plain_items(5))
    (message,) = view.messages(run, BERLIN, NOW)
    boxes = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    assert [e["action_id"] for e in boxes if e["type"] == "checkboxes"] == [
        f"checklist.tick:12:{n}" for n in range(1, 6)
    ]


def test_the_block_of_an_item_is_renamed_when_its_state_changes_and_only_then() -> None:
    item = Item(1, "Look", check="disk")
    ticked = replace(item, state=ItemState.DONE, by=ALICE, at=POSTED, ticks=1)

    def block_id(item: Item) -> str:
        (message,) = view.messages(run_of([item]), BERLIN, NOW)
        return str(next(b for b in message.blocks if b["type"] == "actions")["block_id"])

    assert block_id(item) == block_id(replace(item, reading=reading(), note="seen", noted_by=BOB))
    assert block_id(item) != block_id(ticked) != block_id(replace(item, ticks=2))


def test_a_row_says_evidence_who_and_when() -> None:
    item = Item(1, "Look", "disk", "", ItemState.DONE, ALICE, POSTED, reading=reading())
    late = replace(item, at=DEADLINE + timedelta(minutes=5))
    (message,) = view.messages(run_of([item]), BERLIN, NOW)
    assert "✅ ok: disk 71 %" in every_text(message)
    assert f"✅ done: <@U0ALICE001>, <!date^{int(POSTED.timestamp())}^" in every_text(message)
    assert "after the due time" not in every_text(message)
    assert "after the due time" in every_text(view.messages(run_of([late]), BERLIN, NOW)[0])


def test_what_people_wrote_is_literal() -> None:
    item = Item(1, "<!channel> & <@U0BOB00001>", note="<!here>", noted_by=ALICE)
    run = run_of([item], title="<!everyone>", carried=(Carried("<!channel>", 2),))
    for message in [
        *view.messages(run, BERLIN, NOW),
        notices.half_time(run, BERLIN, NOW, no_group),
        notices.summary(run, BERLIN, DEADLINE, no_group),
    ]:
        assert not re.search(r"<!(channel|here|everyone)|<@U0BOB", every_text(message))


def test_what_was_left_open_stands_at_the_top() -> None:
    run = run_of(plain_items(1), carried=(Carried("Look at part 1", 1), Carried("Old", 3)))
    (message,) = view.messages(run, BERLIN, NOW)
    assert "Left open last time: Look at part 1 and Old (3 times in a row)" in every_text(message)


def test_a_late_posting_says_so() -> None:
    run = run_of(plain_items(1), posted_at=POSTED + timedelta(hours=2, minutes=5))
    assert "Posted 2 h 5 min after its time" in every_text(view.messages(run, BERLIN, NOW)[0])


def test_sixty_items_go_on_in_the_thread_and_never_move() -> None:
    run = run_of(plain_items(60))
    split = [[item.position for item in page] for page in view.pages(run)]
    assert [n for page in split for n in page] == list(range(1, 61))
    assert len(split) == 3
    filled = [replace(item, note="n" * 500, reading=reading()) for item in run.items]
    assert [[i.position for i in page] for page in view.pages(run_of(filled))] == split
    assert [view.page_key(run, page) for page in (1, 2, 3)] == [
        run.key,
        f"{run.key}:2",
        f"{run.key}:3",
    ]


@pytest.mark.parametrize("count", [1, 20, 21, 60, 100])
@pytest.mark.parametrize("make", [plain_items, worst_items])
async def test_slack_takes_every_page(client: AsyncWebClient, count: int, make: Any) -> None:
    carried = tuple(Carried("&" * 500, 2) for _ in range(30))
    run = run_of(make(count), title="&" * 140, carried=carried)
    messages = view.messages(run, BERLIN, NOW)
    assert sum(every_text(m).count("'checkboxes'") for m in messages) == count
    for message in messages:
        await post(client, message)


@pytest.mark.parametrize("make", [plain_items, worst_items])
async def test_slack_takes_every_notice_and_answer(client: AsyncWebClient, make: Any) -> None:
    run = run_of(make(100), title="&" * 140)
    opened = replace(run, items=tuple(replace(i, state=ItemState.OPEN) for i in run.items))
    texts = [item.text for item in run.items]
    checklist = Checklist.model_validate({"title": "&" * 140, "items": texts})
    status = Status("daily", checklist, DEADLINE, opened)
    groups = {"@ops": "S0OPS00001"}.get
    for message in [
        notices.half_time(opened, BERLIN, NOW, groups),
        notices.summary(opened, BERLIN, DEADLINE, groups),
        notices.summary(run, BERLIN, DEADLINE, groups),
        notices.missed("daily", checklist, [POSTED] * 40, BERLIN),
        notices.missed("daily", checklist, [POSTED], BERLIN, ALICE),
        reports.listing([status], BERLIN, NOW),
        reports.standing([status], {run.key: "https://example.com/x"}, BERLIN, NOW),
        reports.past("&" * 140, [run, opened]),
        reports.past_of_all({"daily": [run]}, [status], slash="/checklist"),
    ]:
        await post(client, message)


@pytest.mark.parametrize("make", [plain_items, worst_items])
async def test_slack_takes_both_modals(client: AsyncWebClient, make: Any) -> None:
    run = run_of(make(60))
    entry = Entry(POSTED, ALICE, "item.noted", "<&>" * 400)
    history = {n: [entry] * 30 for n in range(1, 61)}
    for page in (1, 2, len(view.pages(run))):
        chosen = view.pages(run)[page - 1][0].position
        for modal in (
            dialogs.details(run, page, history),
            dialogs.more(run, page, history),
            dialogs.more(run, page, history, chosen),
        ):
            answer = await client.api_call("blocks.validate", json={"view": modal})
            assert answer["ok"]


def test_reminders_name_whom_an_open_item_concerns() -> None:
    items = [
        Item(1, "Claimed", who="U0CAROL001", claimed_by=BOB),
        Item(2, "Assigned", who="U0CAROL001"),
        Item(3, "Of a group", who="@ops"),
        Item(4, "Of a group unknown", who="@gone"),
        Item(5, "Nobody's"),
        Item(6, "Done", state=ItemState.DONE, by=ALICE, at=POSTED),
    ]
    message = notices.half_time(run_of(items), BERLIN, NOW, {"@ops": "S0OPS00001"}.get)
    assert message.blocks[1]["text"]["text"].splitlines() == [
        "• Claimed · <@U0BOB00001>",
        "• Assigned · <@U0CAROL001>",
        "• Of a group · <!subteam^S0OPS00001>",
        "• Of a group unknown · @gone",
        "• Nobody's",
    ]


def test_a_first_posting_mentions_nobody() -> None:
    items = [replace(item, who="U0CAROL001") for item in plain_items(3)]
    (message,) = view.messages(run_of(items, actor=ALICE), BERLIN, NOW)
    assert "<@" not in every_text(message)


def test_the_summary_tells_late_ticks_and_what_did_not_apply() -> None:
    items = [
        Item(1, "Late", state=ItemState.DONE, by=ALICE, at=DEADLINE + timedelta(minutes=1)),
        Item(2, "Never", state=ItemState.NOT_APPLICABLE, by=BOB, at=POSTED, reason="no cards"),
    ]
    text = every_text(notices.summary(run_of(items), BERLIN, DEADLINE, no_group))
    assert "done · 2 of 2 · 4 h 1 min after the posting · 1 of them after the due time" in text
    assert "• Never: no cards" in text
