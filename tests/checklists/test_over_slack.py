"""Checklists as the team meets them: `opsbell run` over Socket Mode beside the local Slack."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground import ActingPerson, LocalSlack, Message, View, triggers
from bot.store.database import Database
from tests.parts.house import running_opsbell, write_config
from tests.parts.process import ChildProcess

ITEMS = [
    "Monitor application logs for errors",
    "Check system resource usage",
    "Review failed payment transactions",
]
LISTS = f"""
timezone: Europe/Berlin
checks:
  disk: {{kind: disk, path: /, warn: 99, crit: 100}}
checklists:
  daily:
    title: Daily maintenance
    due: 4h
    items:
      - {{text: {ITEMS[0]}}}
      - {{text: {ITEMS[1]}, check: disk}}
      - {{text: {ITEMS[2]}}}
  long:
    title: Long list
    items: [{", ".join(f"Look at part {n:02}" for n in range(1, 61))}]
"""
PATIENCE = 30


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalSlack]:
    # A busy machine may take longer than the three seconds that Slack gives.
    monkeypatch.setattr(triggers, "LIFETIME", PATIENCE)
    async with LocalSlack(
        commands={"/checklist"}, rate_limits=False, ack_timeout=PATIENCE
    ) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, database: Database) -> Path:
    return write_config(tmp_path, database.url, LISTS)


@pytest.fixture
async def opsbell(config: Path, slack: LocalSlack) -> AsyncIterator[ChildProcess]:
    async with running_opsbell(config, slack) as process:
        yield process


@pytest.fixture
def alice(slack: LocalSlack) -> ActingPerson:
    return slack.person("alice")


@pytest.fixture
def bob(slack: LocalSlack) -> ActingPerson:
    return slack.person("bob")


async def posted(slack: LocalSlack, alice: ActingPerson, name: str = "daily") -> Message:
    """Has a checklist posted, and waits until its evidence is in."""
    assert (await alice.command(f"/checklist post {name}", "ops")).acked
    return await slack.wait_for_message(
        "ops", where=lambda m: " of " in m.plain and "looking" not in m.plain, timeout=PATIENCE
    )


async def shows(slack: LocalSlack, text: str, thread: Message | None = None) -> Message:
    return await slack.wait_for_message("ops", text, thread=thread, timeout=PATIENCE)


async def more(alice: ActingPerson, message: Message, item: str) -> View:
    """Opens More and chooses an item; the modal then tells what is known of it."""
    await alice.click(message, "More")
    view = await alice.wait_for_view(timeout=PATIENCE)
    await alice.select(view, "checklist.choose", item)
    return await alice.wait_for_view(timeout=PATIENCE, where=lambda v: "open" in repr(v.blocks[1:]))


async def kept(database: Database) -> list[tuple[int, str]]:
    rows = await database.all(
        "select position, by from checklist_items where state = 'done' order by position"
    )
    return [(row["position"], row["by"]) for row in rows]


async def test_evidence_is_looked_for_again(
    slack: LocalSlack, opsbell: ChildProcess, database: Database, alice: ActingPerson
) -> None:
    seen = await posted(slack, alice)
    [before] = await readings(database)
    assert (await alice.click(seen, "Check again")).acked
    async with asyncio.timeout(PATIENCE):
        while not (await readings(database) > [before]):
            await asyncio.sleep(0.05)
    await slack.wait_for_message("ops", "✅ ok: ", timeout=PATIENCE)


async def readings(database: Database) -> list[str]:
    """When the evidence was taken, of the items that have any."""
    rows = await database.all(
        "select reading->>'taken_at' as at from checklist_items where reading is not null"
    )
    return [row["at"] for row in rows]


async def test_two_people_tick_from_stale_screens_and_both_are_kept(
    slack: LocalSlack,
    opsbell: ChildProcess,
    database: Database,
    alice: ActingPerson,
    bob: ActingPerson,
) -> None:
    seen = await posted(slack, alice)
    assert "✅ ok: " in seen.plain
    await asyncio.gather(
        alice.tick(seen, ITEMS[0], stale=True), bob.tick(seen, ITEMS[2], stale=True)
    )
    both = await shows(slack, "· 2 of 3")
    assert "<@U0ALICE001>" in repr(both.blocks)
    assert "<@U0BOB00001>" in repr(both.blocks)
    assert await kept(database) == [(1, "slack:U0ALICE001"), (3, "slack:U0BOB00001")]

    # Bob's screen is older still; what Alice did first stays hers.
    await bob.tick(seen, ITEMS[0], stale=True)
    await bob.tick(both, ITEMS[2])
    opened = await shows(slack, "· 1 of 3")
    assert await kept(database) == [(1, "slack:U0ALICE001")]

    for text in ITEMS[1:]:
        await alice.tick(opened, text)
    await shows(slack, "*Daily maintenance*: done · 3 of 3", thread=seen)
    await shows(slack, "✅ *Daily maintenance* · ")
    assert len(slack.messages("ops")) == 1


async def test_more_asks_which_item_and_what(
    slack: LocalSlack, opsbell: ChildProcess, alice: ActingPerson, bob: ActingPerson
) -> None:
    message = await posted(slack, alice)
    view = await more(alice, message, f"3. {ITEMS[2]}")
    refused = await alice.submit(view, {"What": "Not applicable, with a reason"})
    assert refused.errors == {"text": "Say why it does not apply."}
    taken = await alice.submit(view, {"text": "no payments <!here> today"})
    assert taken.closed
    shown = await shows(slack, "not applicable: no payments &lt;!here&gt; today")
    assert "· 1 of 3" in shown.plain

    view = await more(bob, message, f"1. {ITEMS[0]}")
    assert (await bob.submit(view, {"What": "Claim it"})).closed
    await shows(slack, "claimed by")
    # A second click on one button within two seconds would count as a double click.
    carol, dan = slack.person("carol"), slack.person("dan")
    view = await more(carol, message, f"1. {ITEMS[0]}")
    assert (await carol.submit(view, {"What": "Write a note", "text": "two are new"})).closed
    await shows(slack, "two are new")
    view = await more(dan, message, f"2. {ITEMS[1]}")
    assert "✅ ok: " in repr(view.blocks)
    before = slack.current(message).edited_count
    assert (await dan.submit(view, {"What": "Look for its evidence again"})).closed
    await slack.wait_for_message(
        "ops",
        where=lambda m: m.edited_count > before and "✅ ok: " in m.plain,
        timeout=PATIENCE,
    )

    await bob.click(message, "Details")
    details = await bob.wait_for_view(timeout=PATIENCE)
    told = repr(details.blocks)
    assert details.title == "Details"
    assert "<@U0ALICE001> marked not applicable: no payments &lt;!here&gt; today" in told
    assert "<@U0BOB00001> claimed" in told
    assert "<@U0CAROL001> noted: two are new" in told


async def test_a_long_list_goes_on_in_the_thread(
    slack: LocalSlack, opsbell: ChildProcess, alice: ActingPerson
) -> None:
    await alice.command("/checklist post long", "ops")
    last = await shows(slack, "items 41 to 60")
    (first,) = slack.messages("ops")
    assert [reply.ts for reply in slack.replies(first)][-1] == last.ts
    assert len(slack.replies(first)) == 2
    await alice.tick(last, "Look at part 60")
    await shows(slack, "· 1 of 60")
    view = await more(alice, last, "41. Look at part 41")
    assert (await alice.submit(view, {"What": "Claim it"})).closed
    await slack.wait_for_message(
        "ops", "claimed by", where=lambda m: m.ts == last.ts, timeout=PATIENCE
    )


async def test_a_tick_that_was_acked_survives_a_kill(
    slack: LocalSlack, config: Path, database: Database, alice: ActingPerson
) -> None:
    async with running_opsbell(config, slack) as process:
        message = await posted(slack, alice)
        assert (await alice.tick(message, ITEMS[1])).acked
        await process.kill9()
    async with running_opsbell(config, slack):
        await shows(slack, "· 1 of 3")
        assert await kept(database) == [(2, "slack:U0ALICE001")]
        assert len(slack.messages("ops")) == 1


async def test_the_command_lists_posts_and_looks_back(
    slack: LocalSlack, opsbell: ChildProcess, alice: ActingPerson
) -> None:
    await alice.command("/checklist", "ops")
    assert (await alice.wait_for_ephemeral("ops", "Long list")).contains("Daily maintenance")
    typo = await alice.command("/checklist post dialy", "ops")
    assert typo.response is not None
    assert typo.response.contains("did you mean daily?")
    message = await posted(slack, alice)
    await alice.tick(message, ITEMS[0])
    await shows(slack, "· 1 of 3")
    await alice.command("/checklist status daily", "ops")
    assert (await alice.wait_for_ephemeral("ops", "open it")).contains(ITEMS[1])
    for text in ITEMS[1:]:
        await alice.tick(message, text)
    await shows(slack, "· 3 of 3")
    await alice.command("/checklist history daily", "ops")
    await alice.wait_for_ephemeral("ops", "the last posting")
    # What belongs to a private answer is sent to the person directly.
    shared = await slack.wait_for_message(alice.dm, where=lambda m: bool(m.files), timeout=PATIENCE)
    (chart,) = shared.files
    assert slack.file_bytes(chart["id"]).startswith(b"\x89PNG")
