"""The channel's topic says it, and is given back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.maintenance.model import State, Window
from bot.maintenance.topic import wanted
from bot.playground import Channel
from bot.slack.client import SlackAway
from tests.maintenance.conftest import ALICE, Bench


@pytest.fixture
def ops(bench: Bench) -> Channel:
    channel = bench.slack.workspace.find_channel("ops")
    channel.topic = "All about operations"
    return channel


async def follow(bench: Bench) -> None:
    await bench.maintenance.topic.follow("ops")


async def test_it_says_which_target_and_until_when(bench: Bench, ops: Channel) -> None:
    await bench.on(length=timedelta(minutes=30))
    await follow(bench)
    window = await bench.window()
    assert window
    expected = wanted([window], "All about operations", bench.settings.timezone)
    assert expected.startswith("In maintenance: grandvps until ")
    assert ops.topic == expected
    said = len(ops.messages)
    await follow(bench)
    assert (ops.topic, len(ops.messages)) == (expected, said)
    await bench.off()
    await follow(bench)
    assert ops.topic == "All about operations"


async def test_a_moved_end_keeps_what_it_said_before(bench: Bench, ops: Channel) -> None:
    await bench.on(length=timedelta(minutes=30))
    await follow(bench)
    async with bench.database.transaction() as tx:
        await bench.maintenance.extend(tx, "grandvps", timedelta(hours=1), actor=ALICE)
    await follow(bench)
    assert ops.topic.endswith(" | All about operations")
    assert ops.topic.count("In maintenance") == 1
    await bench.off()
    await follow(bench)
    assert ops.topic == "All about operations"


async def test_one_that_somebody_set_meanwhile_is_left_alone(bench: Bench, ops: Channel) -> None:
    await bench.on(length=None)
    await follow(bench)
    assert ops.topic == "In maintenance: grandvps | All about operations"
    ops.topic = "Read the runbook"
    await bench.off()
    await follow(bench)
    assert ops.topic == "Read the runbook"


async def test_an_empty_one_is_empty_again(bench: Bench, ops: Channel) -> None:
    ops.topic = ""
    await bench.on(length=None)
    await follow(bench)
    assert ops.topic == "In maintenance: grandvps"
    await bench.off()
    await follow(bench)
    assert ops.topic == ""


async def test_a_missing_right_and_a_missing_channel_are_told(bench: Bench, ops: Channel) -> None:
    bench.slack.workspace.app.scopes -= {"channels:write.topic", "channels:manage"}
    await bench.on()
    await follow(bench)
    told = str(await bench.said("maintenance:1"))
    assert "The channel's topic does not say it: the app lacks the right channels:manage" in told
    bench.slack.workspace.app.scopes |= {"channels:write.topic"}
    await follow(bench)
    assert "topic does not say" not in str(await bench.said("maintenance:1"))


async def test_what_slack_did_without_an_answer_is_its_own(bench: Bench, ops: Channel) -> None:
    await bench.on()
    bench.slack.faults.lose_answer("conversations.setTopic")
    with pytest.raises(SlackAway):
        await follow(bench)
    assert ops.topic.startswith("In maintenance")
    await follow(bench)
    await bench.off()
    bench.slack.faults.lose_answer("conversations.setTopic")
    with pytest.raises(SlackAway):
        await follow(bench)
    await follow(bench)
    assert ops.topic == "All about operations"


@pytest.mark.parametrize("ends", [False, True])
async def test_one_that_could_not_be_renewed_is_still_its_own(
    bench: Bench, ops: Channel, ends: bool
) -> None:
    await bench.on(length=timedelta(minutes=30))
    await follow(bench)
    before = ops.topic
    for _ in range(2):
        async with bench.database.transaction() as tx:
            await bench.maintenance.extend(tx, "grandvps", timedelta(hours=1), actor=ALICE)
        bench.slack.faults.server_error("conversations.setTopic", times=None)
        with pytest.raises(SlackAway):
            await follow(bench)
        assert ops.topic == before
    bench.slack.faults.clear()
    if not ends:
        await follow(bench)
        assert ops.topic != before
        assert ops.topic.count("In maintenance") == 1
    await bench.off()
    await follow(bench)
    assert ops.topic == "All about operations"


def test_a_long_one_is_cut_to_what_slack_takes(bench: Bench) -> None:
    window = Window(1, "grandvps", State.ON, ALICE, bench.clock.now)
    text = wanted([window], "x" * 250, bench.settings.timezone)
    assert len(text) == 250
    assert text.startswith("In maintenance: grandvps | xxx")


def test_another_day_is_named(bench: Bench) -> None:
    zone = bench.settings.timezone
    began = datetime(2026, 11, 22, 22, 0, tzinfo=zone)
    window = Window(1, "grandvps", State.ON, ALICE, began, began=began)
    same = replace(window, until=began + timedelta(minutes=30))
    other = replace(window, until=began + timedelta(hours=3))
    assert wanted([same], "", zone) == "In maintenance: grandvps until 22:30 CET"
    assert wanted([other], "", zone) == "In maintenance: grandvps until Mon 23 Nov 01:00 CET"
