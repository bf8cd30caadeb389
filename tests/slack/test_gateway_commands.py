"""Commands and mentions, from Slack to their effect and back, over Socket Mode."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from bot.playground import LocalSlack
from bot.store.database import Database
from bot.store.queue import Queue
from tests.slack.edge import SETTINGS, Edge, edge

BROKEN = "Something went wrong inside Opsbell. Nothing was changed."


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(rate_limits=False, retry_delays=(0.0, 0.02)) as server:
        yield server


@pytest.fixture
async def bot(slack: LocalSlack, database: Database, queue: Queue) -> AsyncIterator[Edge]:
    async with edge(slack, database, queue) as running:
        await slack.wait_connected(2)
        yield running


async def test_a_change_is_done_once_and_answered_privately(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    outcome = await alice.command("/backup now", "ops")
    assert outcome.acked
    assert outcome.response is None
    answer = await alice.wait_for_ephemeral("ops", "Done: now.")
    assert answer.ephemeral_for == alice.id
    assert await bot.deeds() == ["now"]
    [event] = await bot.events("command.taken")
    assert (event["actor"], event["outcome"]) == ("slack:U0ALICE001", "ok")
    assert event["detail"] == {"text": "backup now", "channel": "C0OPS00001"}


async def test_a_query_is_answered(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    assert (await alice.command("/backup list", "ops")).acked
    await alice.wait_for_ephemeral("ops", "Seen: list.")


async def test_a_public_answer_is_a_post(slack: LocalSlack, bot: Edge) -> None:
    await slack.person("alice").command("/backup public", "ops")
    message = await slack.wait_for_message("ops", "Done: public.")
    assert message.metadata is not None
    assert not slack.person("alice").ephemerals("ops")


async def test_who_may_not_is_told_who_may_and_it_is_audited(slack: LocalSlack, bot: Edge) -> None:
    eve = slack.person("eve")
    await eve.command("/backup now password=hunter22", "ops")
    answer = await eve.wait_for_ephemeral("ops", "Not done: backup needs the role operator.")
    assert answer.contains("<@U0ALICE001> and <@U0BOB00001> have it.")
    await bot.settled()
    assert await bot.deeds() == []
    assert await bot.events("command.taken") == []
    [event] = await bot.events("command.refused")
    assert (event["actor"], event["outcome"]) == ("slack:U0EVE00001", "refused")
    assert event["detail"]["role"] == "operator"
    assert "hunter22" not in str(event["detail"])


async def test_a_refused_look_is_audited_too(slack: LocalSlack, bot: Edge) -> None:
    eve = slack.person("eve")
    await eve.command("/backup list", "ops")
    await eve.wait_for_ephemeral("ops", "needs the role operator")
    assert [event["actor"] for event in await bot.events("command.refused")] == ["slack:U0EVE00001"]


async def test_a_rule_that_says_no_is_told_and_nothing_is_kept(
    slack: LocalSlack, bot: Edge
) -> None:
    alice = slack.person("alice")
    await alice.command("/backup refuse", "ops")
    await alice.wait_for_ephemeral("ops", "Not done: it is Sunday. Try on Monday.")
    await bot.settled()
    [event] = await bot.events("command.refused")
    assert event["detail"]["why"] == "Not done: it is Sunday. Try on Monday."


async def test_a_defect_shows_a_reference_and_leaves_no_half_deed(
    slack: LocalSlack, bot: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    alice = slack.person("alice")
    await alice.command("/backup break", "ops")
    answer = await alice.wait_for_ephemeral("ops", BROKEN)
    found = re.search(r"under ([0-9a-f]{4})", answer.text)
    assert found
    assert "deep inside" not in str(answer.blocks)
    await bot.settled()
    assert await bot.deeds() == []
    [event] = await bot.events("command.failed")
    assert event["detail"]["why"] == found[1]
    [record] = [each for each in caplog.records if each.message == "request broke"]
    assert vars(record)["ref"] == found[1]
    assert record.exc_info


async def test_a_query_that_breaks_is_told_and_leaks_nothing(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    assert (await alice.command("/backup list break", "ops")).acked
    await alice.wait_for_ephemeral("ops", BROKEN)
    await alice.command("/backup list", "ops")
    await alice.wait_for_ephemeral("ops", "Seen: list.")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("/backup nwo", ["/backup does not know nwo.", "Did you mean now?"]),
        ("/backup", ["/backup does not know nothing.", "/backup now [PARTS]", "/backup list"]),
        ("/backup elephant", ["For example", "/backup now database"]),
        ("/bakcup now", ['no command "bakcup"', "Did you mean backup?", "/opsbell help"]),
        ("/opsbell hlep", ["Did you mean help?"]),
    ],
)
async def test_wrong_words_are_answered_in_the_ack(
    slack: LocalSlack, bot: Edge, line: str, parts: list[str]
) -> None:
    outcome = await slack.person("alice").command(line, "ops")
    assert outcome.response is not None
    for part in parts:
        assert outcome.response.contains(part), outcome.response.plain


async def test_a_command_delivered_twice_acts_once(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    slack.faults.duplicate()
    assert (await alice.command("/backup now", "ops")).acked
    await alice.wait_for_ephemeral("ops", "Done: now.")
    await bot.settled()
    assert await bot.deeds() == ["now"]
    assert len(slack.deliveries) == 2
    assert all(delivery.acked for delivery in slack.deliveries)


async def test_a_prefix_is_part_of_the_typed_command_alone(
    slack: LocalSlack, database: Database, queue: Queue
) -> None:
    settings = {**SETTINGS, "slack": {"command_prefix": "gv-"}}
    async with edge(slack, database, queue, settings=settings) as bot:
        await slack.wait_connected(2)
        alice = slack.person("alice")
        await alice.command("/gv-backup now", "ops")
        assert await bot.until_deeds(1) == ["now"]
        wrong = await alice.command("/gv-backup nwo", "ops")
        assert wrong.response is not None
        assert wrong.response.contains("/gv-backup now [PARTS]")
        assert wrong.response.contains("/gv-backup does not know nwo.")


# Mentions


async def test_a_mention_acts_like_a_command(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    await alice.say("@opsbell backup now “media”", "ops")
    assert await bot.until_deeds(1) == ['now "media"']
    await alice.wait_for_ephemeral("ops", "Done: now")


async def test_a_mention_in_a_thread_is_answered_in_the_thread(
    slack: LocalSlack, bot: Edge
) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    root = await alice.say("the site is slow", "ops")
    await bob.say("@opsbell backup public", "ops", thread=root)
    answer = await slack.wait_for_message("ops", "Done: public.", thread=root)
    assert answer.thread_ts == root.ts
    await bob.say("@opsbell backup list", "ops", thread=root)
    seen = await bob.wait_for_ephemeral("ops", "Seen: list.")
    assert seen.thread_ts == root.ts


async def test_a_public_answer_to_a_mention_goes_below_it(slack: LocalSlack, bot: Edge) -> None:
    said = await slack.person("alice").say("@opsbell backup public", "ops")
    answer = await slack.wait_for_message("ops", "Done: public.", thread=said)
    assert answer.thread_ts == said.ts


async def test_a_mention_alone_is_answered_with_help(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    await alice.say("@opsbell", "ops")
    await alice.wait_for_ephemeral("ops", "Take and show backups")


async def test_a_mention_that_means_nothing_names_the_nearest(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    await alice.say("@opsbell bakcup now", "ops")
    await alice.wait_for_ephemeral("ops", "Did you mean backup?")


async def test_a_repeated_mention_event_acts_once(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    # Also as the plain message event that comes beside it.
    slack.faults.duplicate(times=2)
    await alice.say("@opsbell backup now", "ops")
    await alice.wait_for_ephemeral("ops", "Done: now.")
    await bot.settled()
    assert await bot.deeds() == ["now"]


async def test_a_direct_message_needs_no_mention(slack: LocalSlack, bot: Edge) -> None:
    alice = slack.person("alice")
    await alice.say("backup now", alice.dm)
    assert await bot.until_deeds(1) == ["now"]


async def test_bots_are_not_listened_to(slack: LocalSlack, bot: Edge) -> None:
    await bot.client.chat_postMessage(channel="C0OPS00001", text="<@U0BOT00001> backup now")
    alice = slack.person("alice")
    await alice.say("@opsbell backup now after", "ops")
    assert await bot.until_deeds(1) == ["now after"]
